/* route/match.h - finding the rows of a topic in the trie. */
#ifndef TAMBO_ROUTE_MATCH_H
#define TAMBO_ROUTE_MATCH_H

#include "route/trie.h"

/* What a match depends on: a filter whose first PREFIX_LEVELS levels (or fewer, when a wildcard comes before) are other
 * than the topic's cannot touch it, nor can a filter without wildcards that is not the topic. */
enum { PREFIX_LEVELS = 3 };
struct trail {
    uint64_t prefix[PREFIX_LEVELS + 1]; /* the path after 0, 1, ... levels; the last one again when there are fewer */
    uint64_t whole;
};
/* The path that a change at `node` touches: one of the trail of every topic that the node's filter matches. */
uint64_t trail_of_node(const struct route_node *node);

struct node_set {
    struct route_node **nodes;
    uint32_t count, room;
};

/* Memory that is used again by each match. */
struct matcher {
    struct mem *mem;
    uint64_t turn; /* the match under way */
    struct node_set now, next;
    struct route_hits hits;
    uint32_t hits_room;
};

void matcher_init(struct matcher *matcher, struct mem *mem);
void matcher_fini(struct matcher *matcher);
size_t matcher_bytes(const struct matcher *matcher);
/* Leaves all rows that match, each once, in matcher->hits.  0, -ERR_NO_MEMORY, -ERR_TOO_LARGE. */
int matcher_run(struct matcher *matcher, const struct trie *trie, enum route_syntax syntax, struct view topic,
                struct trail *ret);

#endif
