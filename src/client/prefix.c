/* client/prefix.c - see prefix.h. */
#include "client/prefix.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"

enum { NEAR_BYTES = 8, KIDS_FIRST = 2 };

struct prefix_node {
    struct prefix_node *parent;
    struct prefix_node **kids; /* `room` of them, and behind these the first byte of each one's label */
    struct list takings;
    size_t len;
    union {
        uint8_t near[NEAR_BYTES]; /* a short label */
        uint8_t *far;
    };
    uint16_t count, room;
};

/* One taker's subscriptions to one prefix. */
struct taking {
    struct list of_node, of_taker;
    struct prefix_node *node;
    struct prefix_taker *taker;
    uint32_t count;
};

/* ---- labels ----------------------------------------------------------------------------------------------- */

static const uint8_t *
label_of(const struct prefix_node *node)
{
    return node->len <= NEAR_BYTES ? node->near : node->far;
}

static bool
label_set(struct mem *mem, struct prefix_node *node, struct view a, struct view b)
{
    size_t len = a.len + b.len;
    uint8_t *to = node->near;
    if (len > NEAR_BYTES) {
        to = mem_raw(mem, len);
        if (to == NULL)
            return false;
        node->far = to;
    }
    memcpy(to, a.data, a.len);
    if (b.len > 0)
        memcpy(to + a.len, b.data, b.len);
    node->len = len;
    return true;
}

static void
label_drop(struct mem *mem, struct prefix_node *node)
{
    if (node->len > NEAR_BYTES)
        mem_free(mem, node->far);
    node->len = 0;
}

/* Without its first `n` bytes; needs no memory. */
static void
label_cut(struct mem *mem, struct prefix_node *node, size_t n)
{
    size_t left = node->len - n;
    if (node->len <= NEAR_BYTES) {
        memmove(node->near, node->near + n, left);
    } else if (left > NEAR_BYTES) {
        memmove(node->far, node->far + n, left);
    } else {
        uint8_t *far = node->far;
        memcpy(node->near, far + n, left);
        mem_free(mem, far);
    }
    node->len = left;
}

/* ---- kids ------------------------------------------------------------------------------------------------- */

static uint8_t *
firsts_of(const struct prefix_node *node)
{
    return (uint8_t *)(node->kids + node->room);
}

static struct prefix_node **
kid_of(const struct prefix_node *node, uint8_t first)
{
    const uint8_t *at = node->count == 0 ? NULL : memchr(firsts_of(node), first, node->count);
    return at == NULL ? NULL : &node->kids[at - firsts_of(node)];
}

static bool
kids_grow(struct mem *mem, struct prefix_node *node)
{
    uint16_t room = (uint16_t)(node->room == 0 ? KIDS_FIRST : node->room * 2);
    struct prefix_node **kids = mem_raw(mem, room * (sizeof *kids + 1));
    if (kids == NULL)
        return false;
    if (node->count > 0) {
        memcpy(kids, node->kids, node->count * sizeof *kids);
        memcpy(kids + room, firsts_of(node), node->count);
    }
    mem_free(mem, node->kids);
    node->kids = kids;
    node->room = room;
    return true;
}

static bool
kid_add(struct mem *mem, struct prefix_node *node, struct prefix_node *kid)
{
    if (node->count == node->room && !kids_grow(mem, node))
        return false;
    firsts_of(node)[node->count] = label_of(kid)[0];
    node->kids[node->count++] = kid;
    kid->parent = node;
    return true;
}

static void
kid_cut(struct prefix_node *node, uint8_t first)
{
    size_t at = (size_t)(kid_of(node, first) - node->kids);
    node->count--;
    node->kids[at] = node->kids[node->count];
    firsts_of(node)[at] = firsts_of(node)[node->count];
}

/* ---- nodes ------------------------------------------------------------------------------------------------ */

static void
node_free(struct mem *mem, struct prefix_node *node)
{
    label_drop(mem, node);
    mem_free(mem, node->kids);
    mem_free(mem, node);
}

/* With room for one kid, if it is to have one. */
static struct prefix_node *
node_new(struct mem *mem, struct view label, bool has_kid)
{
    struct prefix_node *node = MEM_NEW(mem, struct prefix_node);
    if (node == NULL)
        return NULL;
    list_init(&node->takings);
    if (!label_set(mem, node, label, view_of(NULL, 0)) || (has_kid && !kids_grow(mem, node))) {
        node_free(mem, node);
        return NULL;
    }
    return node;
}

static struct prefix_node *
leaf_add(struct mem *mem, struct prefix_node *node, struct view label)
{
    struct prefix_node *leaf = node_new(mem, label, false);
    if (leaf != NULL && !kid_add(mem, node, leaf)) {
        node_free(mem, leaf);
        return NULL;
    }
    return leaf;
}

/* Puts a node between `*slot` and its parent, at byte `at` of its label. */
static struct prefix_node *
split(struct mem *mem, struct prefix_node **slot, size_t at)
{
    struct prefix_node *low = *slot;
    struct prefix_node *mid = node_new(mem, view_of(label_of(low), at), true);
    if (mid == NULL)
        return NULL;
    mid->parent = low->parent;
    *slot = mid;
    label_cut(mem, low, at);
    must(kid_add(mem, mid, low));
    return mid;
}

/* Takes a node out that has one kid and that nobody wants.  Without memory it stays, and does no harm. */
static void
merge(struct mem *mem, struct prefix_node *node)
{
    struct prefix_node *kid = node->kids[0];
    struct prefix_node whole = { 0 };
    if (!label_set(mem, &whole, view_of(label_of(node), node->len), view_of(label_of(kid), kid->len)))
        return;
    *kid_of(node->parent, label_of(node)[0]) = kid;
    kid->parent = node->parent;
    label_drop(mem, kid);
    kid->len = whole.len;
    memcpy(kid->near, whole.near, sizeof whole.near); /* or the pointer that lies there */
    node_free(mem, node);
}

/* Takes out what is there for nothing, from here upward. */
static void
prune(struct prefix_tree *tree, struct prefix_node *node)
{
    while (node != tree->root && list_empty(&node->takings) && node->count == 0) {
        struct prefix_node *parent = node->parent;
        kid_cut(parent, label_of(node)[0]);
        node_free(tree->mem, node);
        node = parent;
    }
    if (node != tree->root && list_empty(&node->takings) && node->count == 1)
        merge(tree->mem, node);
}

static size_t
common(struct view a, struct view b)
{
    size_t n = 0;
    while (n < a.len && n < b.len && a.data[n] == b.data[n])
        n++;
    return n;
}

/* The node of this very prefix, made when `make`; NULL: there is none, or no memory. */
static struct prefix_node *
node_at(struct prefix_tree *tree, struct view prefix, bool make)
{
    struct prefix_node *node = tree->root;
    while (prefix.len > 0) {
        struct prefix_node **slot = kid_of(node, prefix.data[0]), *kid;
        if (slot == NULL) {
            kid = make ? leaf_add(tree->mem, node, prefix) : NULL;
            if (kid == NULL && make)
                prune(tree, node);
            return kid;
        }
        kid = *slot;
        size_t n = common(view_of(label_of(kid), kid->len), prefix);
        if (n < kid->len)
            kid = make ? split(tree->mem, slot, n) : NULL;
        if (kid == NULL)
            return NULL;
        node = kid;
        prefix = view_from(prefix, n);
    }
    return node;
}

/* ---- takings ---------------------------------------------------------------------------------------------- */

struct pair {
    const struct prefix_node *node;
    const struct prefix_taker *taker;
};

static uint64_t
hash_of(const struct prefix_node *node, const struct prefix_taker *taker)
{
    struct pair pair = { node, taker };
    return hash_bytes(view_of(&pair, sizeof pair), 0);
}

static bool
is_pair(const void *value, const void *key)
{
    const struct taking *taking = value;
    const struct pair *pair = key;
    return taking->node == pair->node && taking->taker == pair->taker;
}

static struct taking *
taking_of(const struct prefix_tree *tree, const struct prefix_node *node, const struct prefix_taker *taker)
{
    struct pair pair = { node, taker };
    return map_get(&tree->takings, hash_of(node, taker), is_pair, &pair);
}

static struct taking *
taking_new(struct prefix_tree *tree, struct prefix_node *node, struct prefix_taker *taker)
{
    struct taking *taking = MEM_NEW(tree->mem, struct taking);
    if (taking == NULL)
        return NULL;
    *taking = (struct taking){ .node = node, .taker = taker, .count = 1 };
    if (map_put(&tree->takings, hash_of(node, taker), taking) < 0) {
        mem_free(tree->mem, taking);
        return NULL;
    }
    list_init(&taking->of_node);
    list_init(&taking->of_taker);
    list_push(&node->takings, &taking->of_node);
    list_push(&taker->takings, &taking->of_taker);
    return taking;
}

static void
taking_free(struct prefix_tree *tree, struct taking *taking)
{
    map_cut(&tree->takings, hash_of(taking->node, taking->taker), taking);
    list_cut(&taking->of_node);
    list_cut(&taking->of_taker);
    mem_free(tree->mem, taking);
}

int
prefix_init(struct prefix_tree *tree, struct mem *mem)
{
    *tree = (struct prefix_tree){ .mem = mem };
    map_init(&tree->takings, mem);
    tree->root = node_new(mem, view_of("", 0), false);
    return tree->root == NULL ? -ERR_NO_MEMORY : 0;
}

void
prefix_fini(struct prefix_tree *tree)
{
    if (tree->root == NULL)
        return;
    must(tree->root->count == 0 && tree->takings.count == 0);
    node_free(tree->mem, tree->root);
    map_fini(&tree->takings);
}

void
prefix_taker_init(struct prefix_taker *taker)
{
    *taker = (struct prefix_taker){ 0 };
    list_init(&taker->takings);
}

int
prefix_add(struct prefix_tree *tree, struct prefix_taker *taker, struct view prefix)
{
    struct prefix_node *node = node_at(tree, prefix, true);
    if (node == NULL)
        return -ERR_NO_MEMORY;
    struct taking *taking = taking_of(tree, node, taker);
    if (taking != NULL) {
        taking->count++;
        return PREFIX_SAME;
    }
    int change = list_empty(&node->takings) ? PREFIX_ALL : PREFIX_TAKER;
    if (taking_new(tree, node, taker) == NULL) {
        prune(tree, node);
        return -ERR_NO_MEMORY;
    }
    return change;
}

int
prefix_remove(struct prefix_tree *tree, struct prefix_taker *taker, struct view prefix)
{
    struct prefix_node *node = node_at(tree, prefix, false);
    struct taking *taking = node == NULL ? NULL : taking_of(tree, node, taker);
    if (taking == NULL)
        return -ERR_NOT_FOUND;
    if (--taking->count > 0)
        return PREFIX_SAME;
    taking_free(tree, taking);
    int change = list_empty(&node->takings) ? PREFIX_ALL : PREFIX_TAKER;
    prune(tree, node);
    return change;
}

/* ---- walks ------------------------------------------------------------------------------------------------ */

/* A prefix put together again. */
struct spelling {
    struct mem *mem;
    uint8_t *bytes;
    size_t room;
};

static int
spell(struct spelling *spelling, const struct prefix_node *node, struct view *ret)
{
    size_t len = 0;
    for (const struct prefix_node *it = node; it != NULL; it = it->parent)
        len += it->len;
    if (spelling->room < len) {
        uint8_t *bytes = mem_grow(spelling->mem, spelling->bytes, len);
        if (bytes == NULL)
            return -ERR_NO_MEMORY;
        spelling->bytes = bytes;
        spelling->room = len;
    }
    *ret = view_of(spelling->bytes, len);
    for (const struct prefix_node *it = node; it != NULL; it = it->parent) {
        len -= it->len;
        if (it->len > 0)
            memcpy(spelling->bytes + len, label_of(it), it->len);
    }
    return 0;
}

void
prefix_leave(struct prefix_tree *tree, struct prefix_taker *taker, prefix_fn *last, void *arg)
{
    struct spelling spelling = { .mem = tree->mem };
    struct view prefix;
    while (!list_empty(&taker->takings)) {
        struct taking *taking = container_of(taker->takings.next, struct taking, of_taker);
        struct prefix_node *node = taking->node;
        taking_free(tree, taking);
        if (last != NULL && list_empty(&node->takings) && spell(&spelling, node, &prefix) == 0)
            last(arg, prefix);
        prune(tree, node);
    }
    mem_free(tree->mem, spelling.bytes);
}

int
prefix_each(const struct prefix_tree *tree, const struct prefix_taker *taker, prefix_fn *fn, void *arg)
{
    struct spelling spelling = { .mem = tree->mem };
    struct view prefix;
    int rc = 0;
    for (const struct list *it = taker->takings.next; it != &taker->takings && rc == 0; it = it->next) {
        rc = spell(&spelling, container_of(it, struct taking, of_taker)->node, &prefix);
        if (rc == 0)
            fn(arg, prefix);
    }
    mem_free(tree->mem, spelling.bytes);
    return rc;
}

/* The node below that the topic leads through, and *topic without its label; NULL: none. */
static struct prefix_node *
step(const struct prefix_node *node, struct view *topic)
{
    struct prefix_node **slot = topic->len == 0 ? NULL : kid_of(node, topic->data[0]);
    if (slot == NULL || (*slot)->len > topic->len || memcmp(label_of(*slot), topic->data, (*slot)->len) != 0)
        return NULL;
    *topic = view_from(*topic, (*slot)->len);
    return *slot;
}

struct prefix_taker *
prefix_find(struct prefix_tree *tree, struct view topic)
{
    struct prefix_taker *first = NULL, **last = &first;
    tree->stamp++;
    for (struct prefix_node *node = tree->root; node != NULL; node = step(node, &topic)) {
        for (struct list *it = node->takings.next; it != &node->takings; it = it->next) {
            struct prefix_taker *taker = container_of(it, struct taking, of_node)->taker;
            if (taker->stamp == tree->stamp)
                continue;
            taker->stamp = tree->stamp;
            taker->next = NULL;
            *last = taker;
            last = &taker->next;
        }
    }
    return first;
}

bool
prefix_wanted(const struct prefix_tree *tree, struct view topic)
{
    for (struct prefix_node *node = tree->root; node != NULL; node = step(node, &topic)) {
        if (!list_empty(&node->takings))
            return true;
    }
    return false;
}
