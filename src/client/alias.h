/* client/alias.h - topic aliases of one direction of one connection (MQTT 5, 3.3.2.3.4). */
#ifndef TAMBO_CLIENT_ALIAS_H
#define TAMBO_CLIENT_ALIAS_H

#include "base/view.h"

struct mem;
struct alias_topic;

struct aliases {
    struct mem *mem;
    struct alias_topic *topics; /* by alias - 1; made when the first one is set */
    unsigned max;
};

void aliases_init(struct aliases *aliases, struct mem *mem, unsigned max);
void aliases_fini(struct aliases *aliases);
/* The topic, or an empty view when that alias is not set. */
struct view alias_topic(const struct aliases *aliases, unsigned alias);
/* Copies.  1 <= alias <= max.  0 or -ERR_NO_MEMORY. */
int alias_set(struct aliases *aliases, unsigned alias, struct view topic);

#endif
