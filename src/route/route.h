/* route/route.h - who is to get what is published under a topic: one trie for every protocol.
 *
 * A filter or binding key is a row in the trie; a topic finds its rows.  Levels are compared as bytes; the syntax says
 * what separates them and what the wildcards are called, so that `a/+/c` (MQTT) and `a.*.c` (AMQP) are the same row:
 *
 *                    separator  one level  zero or more levels
 *     ROUTE_MQTT         /       +           #, last only (the parent matches too; MQTT 5, 4.7.1.2)
 *     ROUTE_AMQP         .       *           #, anywhere
 *     ROUTE_TOPICS_AMQP  /       *           #, anywhere: a binding key that was made a filter of topics (key.h)
 *
 * Wildcards at the first level do not match topics that start with `$` (MQTT 5, 4.7.2).
 * Pure: no I/O, no clock.  Rows are the caller's memory. */
#ifndef TAMBO_ROUTE_ROUTE_H
#define TAMBO_ROUTE_ROUTE_H

#include "base/view.h"

struct mem;
struct route;
struct route_node;

enum route_syntax { ROUTE_MQTT, ROUTE_AMQP, ROUTE_TOPICS_AMQP };

/* Embedded in what subscribes.  Zeroed: not in a trie. */
struct route_row {
    struct route_node *node;
    struct route_row *next, **link; /* rows of the same filter */
};

int route_new(struct mem *mem, struct route **ret);
void route_free(struct route *route); /* rows left in it are forgotten, not freed: they may not be cut any more */

/* 0, -ERR_INVALID (the filter breaks the syntax), -ERR_TOO_LARGE (levels or length), -ERR_NO_MEMORY. */
int route_add(struct route *route, enum route_syntax syntax, struct view filter, struct route_row *row);
/* Harmless on a row that is in no trie. */
void route_cut(struct route *route, struct route_row *row);

/* What a topic found.  Belongs to the route's cache: valid until the next route_add, route_cut or route_match. */
struct route_hits {
    struct route_row **rows;
    uint32_t count;
};

/* All rows whose filter matches `topic`, each once.  `hits` are cached by the route (bounded) and found again by a hash
 * of the topic, so that a publisher that repeats its topics pays one probe.  0 or -ERR_NO_MEMORY, -ERR_TOO_LARGE. */
int route_match(struct route *route, enum route_syntax syntax, struct view topic, const struct route_hits **ret);

/* The other way round: rows that were added as plain topics (no wildcard), and that `filter` matches, each once: for
 * retained values.  In an order that is the same for the same content: a topic, then level by level what is below it.
 * `fn` false stops.  Rows may not be added or cut meanwhile.  What is no filter finds nothing. */
typedef bool route_row_fn(void *arg, struct route_row *row);
void route_search(struct route *route, enum route_syntax syntax, struct view filter, route_row_fn *fn, void *arg);

/* Every row, in an order that is the same for the same content (rows of one filter: the newest first): a filter, then
 * what is below it, plain levels in byte order before wildcards.  `fn` as above. */
void route_walk(struct route *route, route_row_fn *fn, void *arg);
/* The filter or topic under which `row` was added, written in `syntax`; returns its length, or -ERR_TOO_LARGE for
 * `room`. */
int64_t route_name(const struct route *route, const struct route_row *row, enum route_syntax syntax, char *ret,
                   size_t room);

struct route_stats {
    uint64_t rows, nodes, bytes, version, cached;
};
void route_stats(const struct route *route, struct route_stats *ret);

/* Is `topic` matched by `filter`?  The naive definition, level by level: for single checks and as the oracle of the
 * tests. */
bool route_matches(enum route_syntax syntax, struct view filter, struct view topic);

/* The rules of MQTT 5, 4.7.1 and 4.7.3. NULL when fine, else the clause that is broken. */
const char *route_filter_breach(struct view filter);
const char *route_topic_breach(struct view topic);

#endif
