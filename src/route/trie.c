#include "route/trie.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "route/sort.h"

static struct route_node *
node_new(struct trie *trie, struct route_node *parent, enum level_kind kind, struct view text)
{
    size_t n = sizeof(struct route_node) + text.len;
    struct route_node *node = mem_raw(trie->mem, n);
    if (node == NULL)
        return NULL;
    *node = (struct route_node){ .parent = parent, .kind = (uint8_t)kind, .len = (uint16_t)text.len };
    if (parent != NULL)
        node->depth = (uint8_t)(parent->depth + 1);
    if (kind == LEVEL_PLAIN)
        list_init(&node->sibling);
    list_init(&node->kids);
    if (text.len > 0)
        memcpy(node->text, text.data, text.len);
    trie->bytes += n;
    return node;
}

static void
node_free(struct trie *trie, struct route_node *node)
{
    trie->bytes -= sizeof(*node) + node->len;
    mem_free(trie->mem, node);
}

int
trie_init(struct trie *trie, struct mem *mem)
{
    *trie = (struct trie){ .mem = mem };
    map_init(&trie->plain, mem);
    trie->root = node_new(trie, NULL, LEVEL_PLAIN, view_of(NULL, 0));
    return trie->root == NULL ? -ERR_NO_MEMORY : 0;
}

/* As deep as a filter has levels, which is bounded. */
static void
free_below(struct trie *trie, struct route_node *node)
{
    if (node == NULL)
        return;
    LIST_EACH(&node->kids, it)
        free_below(trie, container_of(it, struct route_node, sibling));
    free_below(trie, node->one);
    free_below(trie, node->many);
    node_free(trie, node);
}

void
trie_fini(struct trie *trie)
{
    free_below(trie, trie->root);
    map_fini(&trie->plain);
    trie->root = NULL;
}

struct kid_key {
    const struct route_node *parent;
    struct view text;
};

static bool
is_kid(const void *value, const void *key)
{
    const struct route_node *node = value;
    const struct kid_key *k = key;
    return node->parent == k->parent && view_equal(node_text(node), k->text);
}

struct route_node *
trie_find(const struct trie *trie, const struct route_node *parent, struct view text, uint64_t hash)
{
    struct kid_key key = { parent, text };
    return map_get(&trie->plain, path_below(parent->path, hash), is_kid, &key);
}

/* Where a wildcard child hangs. */
static struct route_node **
wild_of(struct route_node *parent, enum level_kind kind)
{
    return kind == LEVEL_ONE ? &parent->one : &parent->many;
}

static struct route_node *
add_kid(struct trie *trie, struct route_node *parent, enum level_kind kind, struct view text, uint64_t hash)
{
    struct route_node *node = node_new(trie, parent, kind, kind == LEVEL_PLAIN ? text : view_of(NULL, 0));
    if (node == NULL)
        return NULL;
    /* A wildcard's path differs from every plain sibling's only in its start; the parent tells them apart. */
    node->path = path_below(parent->path, kind == LEVEL_PLAIN ? hash : (uint64_t)kind);
    if (kind != LEVEL_PLAIN) {
        *wild_of(parent, kind) = node;
    } else if (map_put(&trie->plain, node->path, node) == 0) {
        list_push(&parent->kids, &node->sibling);
    } else {
        node_free(trie, node);
        return NULL;
    }
    trie->nodes++;
    return node;
}

static struct route_node *
kid_of(struct trie *trie, enum route_syntax syntax, struct route_node *parent, struct view text)
{
    enum level_kind kind = level_kind_of(syntax, text);
    uint64_t hash = level_hash(text);
    struct route_node *kid = kind == LEVEL_PLAIN ? trie_find(trie, parent, text, hash) : *wild_of(parent, kind);
    return kid != NULL ? kid : add_kid(trie, parent, kind, text, hash);
}

int
trie_grow(struct trie *trie, enum route_syntax syntax, struct view filter, struct route_node **ret)
{
    struct levels left = levels_of(syntax, filter);
    struct view text;
    struct route_node *at = trie->root;
    while (level_next(&left, &text)) {
        struct route_node *kid = kid_of(trie, syntax, at, text);
        if (kid == NULL) {
            trie_prune(trie, at);
            return -ERR_NO_MEMORY;
        }
        at = kid;
    }
    *ret = at;
    return 0;
}

static void
detach(struct trie *trie, struct route_node *node)
{
    if (node->kind != LEVEL_PLAIN) {
        *wild_of(node->parent, node->kind) = NULL;
        return;
    }
    bool was_in = map_cut(&trie->plain, node->path, node);
    must(was_in);
    list_cut(&node->sibling);
}

void
trie_prune(struct trie *trie, struct route_node *node)
{
    while (node != trie->root && node->rows == NULL && !node_is_inner(node)) {
        struct route_node *parent = node->parent;
        detach(trie, node);
        node_free(trie, node);
        trie->nodes--;
        node = parent;
    }
}

static bool
text_before(const struct list *a, const struct list *b)
{
    struct view x = node_text(container_of(a, struct route_node, sibling));
    struct view y = node_text(container_of(b, struct route_node, sibling));
    int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
    return order != 0 ? order < 0 : x.len < y.len;
}

void
trie_sort_kids(struct route_node *node)
{
    sort_list(&node->kids, text_before);
}
