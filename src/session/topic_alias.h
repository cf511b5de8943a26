/* session/topic_alias.h - topic aliases of one connection, each way (MQTT 5, 3.3.2.3.4). */
#ifndef TAMBO_SESSION_TOPIC_ALIAS_H
#define TAMBO_SESSION_TOPIC_ALIAS_H

#include "base/map.h"
#include "base/view.h"

/* What the client called its topics. */
struct aliases_in {
    struct mem *mem;
    uint16_t max;
    struct alias_text {
        uint32_t len;
        uint8_t text[];
    } * topics[]; /* [alias - 1]; NULL: not set */
};

/* NULL: no memory. */
struct aliases_in *aliases_in_new(struct mem *mem, uint16_t max);
void aliases_in_free(struct aliases_in *aliases); /* NULL is fine */
/* 1 <= alias <= max.  0 or -ERR_NO_MEMORY, and then the old one stands. */
int aliases_in_set(struct aliases_in *aliases, uint16_t alias, struct view topic);
/* An empty view: not set. */
struct view aliases_in_get(const struct aliases_in *aliases, uint16_t alias);

/* What we call topics to the client: the first `max` topics it is sent, for as long as the connection lasts. */
struct aliases_out {
    struct map map;
    uint16_t max, count;
};

struct aliases_out *aliases_out_new(struct mem *mem, uint16_t max);
void aliases_out_free(struct aliases_out *aliases);
/* The alias for `topic`, and whether the client has it already; 0: there is none to be had. */
uint16_t aliases_out_of(struct aliases_out *aliases, struct view topic, bool *retknown);

/* Both ways. */
struct aliases {
    struct aliases_in *in;   /* NULL: the client has used none yet */
    struct aliases_out *out; /* NULL: the client takes none */
};

void aliases_free(struct mem *mem, struct aliases *aliases); /* NULL is fine */

#endif
