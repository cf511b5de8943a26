/* base/list.h - an intrusive, circular, doubly linked list.
 * A link must be initialised (list_init) before its first use; cutting one twice is harmless. */
#ifndef TAMBO_BASE_LIST_H
#define TAMBO_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/must.h"

struct list {
    struct list *next, *prev;
};

static inline void
list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void
list_cut(struct list *l)
{
    l->next->prev = l->prev;
    l->prev->next = l->next;
    list_init(l);
}

/* Put `l` (cut from wherever it was) at the end of `head`. */
static inline void
list_push(struct list *head, struct list *l)
{
    list_cut(l);
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

/* The first link, cut; NULL when empty. */
static inline struct list *
list_pop(struct list *head)
{
    if (list_empty(head))
        return NULL;
    struct list *l = head->next;
    list_cut(l);
    return l;
}

/* Move all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void
list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

/* Safe against cutting `it` inside the body. */
#define LIST_EACH(head, it) \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head); it = it##_next, it##_next = it->next)

#endif
