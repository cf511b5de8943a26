/* client/prefix.h - who wants messages that begin with what: subscriptions of many, counted, in a radix tree.
 *
 *             ""            node -> takings: who wants this prefix
 *            /  \
 *        "eur"  "us"
 *        /   \
 *     ".fx"  "o"
 *
 * Finding the takers of a message costs a step a node on its way down, however many prefixes there are; a taker that
 * leaves costs what it had.  One that has several prefixes of a message is found once. */
#ifndef TAMBO_CLIENT_PREFIX_H
#define TAMBO_CLIENT_PREFIX_H

#include "base/list.h"
#include "base/map.h"
#include "base/view.h"

struct prefix_node;

struct prefix_tree {
    struct mem *mem;
    struct prefix_node *root;
    struct map takings; /* by node and taker */
    uint64_t stamp;     /* of the newest search */
};

struct prefix_taker {
    struct list takings;
    uint64_t stamp;
    struct prefix_taker *next; /* found behind this one */
};

/* 0 or -ERR_NO_MEMORY. */
int prefix_init(struct prefix_tree *tree, struct mem *mem);
/* Its takers must have left.  A zeroed tree is fine. */
void prefix_fini(struct prefix_tree *tree);
void prefix_taker_init(struct prefix_taker *taker);

enum prefix_change { PREFIX_SAME, PREFIX_TAKER, PREFIX_ALL }; /* nothing; new to (or left by) the taker; and by all */

/* enum prefix_change or -ERR_NO_MEMORY. */
int prefix_add(struct prefix_tree *tree, struct prefix_taker *taker, struct view prefix);
/* One subscription less; enum prefix_change or -ERR_NOT_FOUND. */
int prefix_remove(struct prefix_tree *tree, struct prefix_taker *taker, struct view prefix);
/* Whatever it has; `last` (may be NULL) is told each prefix that nobody wants any more.  Never fails: a prefix is told
 * only if there is memory for it. */
typedef void prefix_fn(void *arg, struct view prefix);
void prefix_leave(struct prefix_tree *tree, struct prefix_taker *taker, prefix_fn *last, void *arg);
/* Each prefix of the taker once; 0 or -ERR_NO_MEMORY. */
int prefix_each(const struct prefix_tree *tree, const struct prefix_taker *taker, prefix_fn *fn, void *arg);

/* The takers of a message that begins with `topic`, chained by `next`; NULL: none.  Until the next call. */
struct prefix_taker *prefix_find(struct prefix_tree *tree, struct view topic);
/* Is there one? */
bool prefix_wanted(const struct prefix_tree *tree, struct view topic);

#endif
