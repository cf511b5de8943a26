/* The trie is read as a nondeterministic automaton, one level of the topic at a time: `now` holds the nodes that the
 * levels so far have led to.
 *
 * A node is reached only from its parent, so it comes into a set once.  The exception is a `#` with something below it
 * (AMQP): it stays in all sets to come, and may be reached again by way of another `#` above it.  Its `standing` says
 * that this match has been there.  A `#` with nothing below needs to be in no set: its rows are taken when it is
 * reached, because it matches whatever follows, and nothing as well. */
#include "route/match.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"

enum { ROOM_MIN = 32 };

void
matcher_init(struct matcher *matcher, struct mem *mem)
{
    *matcher = (struct matcher){ .mem = mem };
}

void
matcher_fini(struct matcher *matcher)
{
    mem_free(matcher->mem, matcher->now.nodes);
    mem_free(matcher->mem, matcher->next.nodes);
    mem_free(matcher->mem, matcher->hits.rows);
    matcher_init(matcher, matcher->mem);
}

size_t
matcher_bytes(const struct matcher *matcher)
{
    return ((size_t)matcher->now.room + matcher->next.room + matcher->hits_room) * sizeof(void *);
}

uint64_t
trail_of_node(const struct route_node *node)
{
    const struct route_node *plain = node; /* the deepest with no wildcard at or above it */
    for (const struct route_node *at = node; at != NULL; at = at->parent)
        if (at->kind != LEVEL_PLAIN)
            plain = at->parent;
    if (plain == node)
        return node->path;
    while (plain->depth > PREFIX_LEVELS)
        plain = plain->parent;
    return plain->path;
}

/* An array of pointers with twice the room, or NULL and the old one stands. */
static void *
widen(struct mem *mem, void *array, uint32_t *room)
{
    uint32_t n = *room == 0 ? ROOM_MIN : *room * 2;
    void *wide = mem_grow(mem, array, n * sizeof(void *));
    if (wide != NULL)
        *room = n;
    return wide;
}

static int
put_node(struct matcher *m, struct node_set *set, struct route_node *node)
{
    if (set->count == set->room) {
        struct route_node **wide = widen(m->mem, set->nodes, &set->room);
        if (wide == NULL)
            return -ERR_NO_MEMORY;
        set->nodes = wide;
    }
    set->nodes[set->count++] = node;
    return 0;
}

static int
take_rows(struct matcher *m, const struct route_node *node)
{
    for (struct route_row *row = node->rows; row != NULL; row = row->next) {
        if (m->hits.count == m->hits_room) {
            struct route_row **wide = widen(m->mem, m->hits.rows, &m->hits_room);
            if (wide == NULL)
                return -ERR_NO_MEMORY;
            m->hits.rows = wide;
        }
        m->hits.rows[m->hits.count++] = row;
    }
    return 0;
}

/* `node` was reached: it is in `set`, and so is what follows it by a `#` that takes nothing. */
static int
reach(struct matcher *m, struct node_set *set, struct route_node *node)
{
    int rc = put_node(m, set, node);
    for (struct route_node *many = node->many; rc == 0 && many != NULL; many = many->many) {
        if (many->standing == m->turn)
            break;
        many->standing = m->turn;
        rc = take_rows(m, many);
        if (rc == 0 && node_is_inner(many))
            rc = put_node(m, set, many);
    }
    return rc;
}

/* From one node by one level of the topic into the next set. */
static int
follow(struct matcher *m, const struct trie *trie, struct route_node *node, struct view level, uint64_t hash)
{
    int rc = 0;
    if (node_has_kids(node)) {
        struct route_node *kid = trie_find(trie, node, level, hash);
        if (kid != NULL)
            rc = reach(m, &m->next, kid);
    }
    if (rc == 0 && node->one != NULL)
        rc = reach(m, &m->next, node->one);
    if (rc == 0 && node->kind == LEVEL_MANY)
        rc = put_node(m, &m->next, node);
    return rc;
}

static void
swap_sets(struct matcher *m)
{
    struct node_set old = m->now;
    m->now = m->next;
    m->next = old;
    m->next.count = 0;
}

static int
step(struct matcher *m, const struct trie *trie, struct view level, uint64_t hash)
{
    for (uint32_t i = 0; i < m->now.count; i++) {
        int rc = follow(m, trie, m->now.nodes[i], level, hash);
        if (rc < 0)
            return rc;
    }
    swap_sets(m);
    return 0;
}

/* The first level, of which wildcards may see nothing. */
static int
step_hidden(struct matcher *m, const struct trie *trie, struct view level, uint64_t hash)
{
    struct route_node *kid = trie_find(trie, trie->root, level, hash);
    m->now.count = 0;
    return kid == NULL ? 0 : reach(m, &m->now, kid);
}

/* Where all levels have led to. */
static int
take_ends(struct matcher *m)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < m->now.count; i++)
        if (m->now.nodes[i]->kind != LEVEL_MANY)
            rc = take_rows(m, m->now.nodes[i]);
    return rc;
}

static void
trail_step(struct trail *trail, unsigned depth, uint64_t hash)
{
    trail->whole = path_below(trail->whole, hash);
    for (unsigned i = depth; i <= PREFIX_LEVELS; i++)
        trail->prefix[i] = trail->whole;
}

int
matcher_run(struct matcher *matcher, const struct trie *trie, enum route_syntax syntax, struct view topic,
            struct trail *ret)
{
    struct levels left = levels_of(syntax, topic);
    struct view level;
    bool hidden = level_is_hidden(topic);
    int rc = 0;
    *ret = (struct trail){ 0 };
    matcher->turn++;
    matcher->hits.count = matcher->now.count = matcher->next.count = 0;
    if (!hidden)
        rc = reach(matcher, &matcher->now, trie->root);
    for (unsigned depth = 1; rc == 0 && level_next(&left, &level); depth++) {
        if (depth > TOPIC_LEVELS_MAX)
            return -ERR_TOO_LARGE;
        uint64_t hash = level_hash(level);
        trail_step(ret, depth, hash);
        bool first = depth == 1;
        rc = first && hidden ? step_hidden(matcher, trie, level, hash) : step(matcher, trie, level, hash);
    }
    return rc < 0 ? rc : take_ends(matcher);
}
