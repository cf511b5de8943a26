/* cmd/filter.h - does a topic match a filter?  For a handful of filters on the subscriber's side. */
#ifndef TAMBO_CMD_FILTER_H
#define TAMBO_CMD_FILTER_H

#include "base/view.h"

/* MQTT 5, 4.7: a wildcard in the first level does not match a topic that begins with '$'. */
bool filter_matches(struct view filter, struct view topic);

#endif
