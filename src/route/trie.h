/* route/trie.h - the nodes of the trie.
 *
 * A node is one level of a filter.  All plain nodes are in one hash table, keyed by the hash of their whole path and
 * told apart by parent and text, so that a node needs no table of its own children; wildcard children hang on two
 * pointers.  The children are in a list too, for walking only.
 *
 *     root --"b"--> b --+--> one --"17"--> 17 (rows)          b/+/17
 *                     \--#--> many (rows)                      b/#
 *
 * A node without rows and children is freed at once. */
#ifndef TAMBO_ROUTE_TRIE_H
#define TAMBO_ROUTE_TRIE_H

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "route/level.h"

struct route_node {
    struct route_node *parent;
    struct route_node *one, *many;
    struct route_row *rows;
    struct list kids; /* the plain ones */
    union {
        struct list sibling; /* a plain node: in parent->kids */
        uint64_t standing;   /* a LEVEL_MANY: the last match that reached it (route/match.c) */
    };
    uint64_t path; /* hash of all levels down to here */
    uint16_t len;
    uint8_t kind; /* enum level_kind */
    uint8_t depth;
    uint8_t text[];
};

struct trie {
    struct mem *mem;
    struct map plain; /* every plain node by its path */
    struct route_node *root;
    uint64_t nodes; /* without the root */
    uint64_t bytes;
};

int trie_init(struct trie *trie, struct mem *mem);
void trie_fini(struct trie *trie);
/* The node of a filter that was checked, made when it is not there.  0 or -ERR_NO_MEMORY. */
int trie_grow(struct trie *trie, enum route_syntax syntax, struct view filter, struct route_node **ret);
/* Frees `node` and its ancestors as far as nothing needs them. */
void trie_prune(struct trie *trie, struct route_node *node);
/* The plain child with this text, `level_hash` being its hash; or NULL. */
struct route_node *trie_find(const struct trie *trie, const struct route_node *parent, struct view text,
                             uint64_t level_hash);
/* Puts the plain children in byte order. */
void trie_sort_kids(struct route_node *node);

static inline uint64_t
level_hash(struct view text)
{
    return hash_bytes(text, 0);
}

/* The path of a child, from its parent's and the hash of its own level. */
static inline uint64_t
path_below(uint64_t parent, uint64_t level)
{
    uint64_t h = (parent << 23 | parent >> 41) ^ level;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static inline struct view
node_text(const struct route_node *node)
{
    return view_of(node->text, node->len);
}

static inline bool
node_has_kids(const struct route_node *node)
{
    return !list_empty(&node->kids);
}

/* Does anything lie below it? */
static inline bool
node_is_inner(const struct route_node *node)
{
    return node->one != NULL || node->many != NULL || node_has_kids(node);
}

#endif
