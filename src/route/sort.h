/* route/sort.h - sorting an intrusive list in place: a natural merge sort, stable, without memory of its own.
 * A list that is in order already costs one comparison a link, and so does one with a few runs. */
#ifndef TAMBO_ROUTE_SORT_H
#define TAMBO_ROUTE_SORT_H

#include "base/list.h"

typedef bool sort_before_fn(const struct list *a, const struct list *b);

void sort_list(struct list *head, sort_before_fn *before);

#endif
