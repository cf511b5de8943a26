/* route/walk.c - going through the trie the other way: from a filter to the plain topics that it matches, and through
 * all rows.  Recursion is as deep as a filter has levels, which is bounded. */
#include "base/cursor.h"
#include "base/err.h"
#include "base/limits.h"
#include "route/table.h"

/* A filter being searched for. */
struct search {
    const struct trie *trie;
    route_row_fn *fn;
    void *arg;
    unsigned count;
    struct {
        struct view text;
        uint64_t hash;
        enum level_kind kind;
    } levels[TOPIC_LEVELS_MAX];
};

/* Which levels of the filter may come next: bit n says that n levels of it are done.  Levels reach their successors by
 * what they match, and a LEVEL_MANY stays as well, so that each topic is found once on whatever ways it matches. */
struct places {
    uint64_t bits[TOPIC_LEVELS_MAX / 64 + 1];
};

static bool
places_have(const struct places *places, unsigned n)
{
    return places->bits[n / 64] >> n % 64 & 1;
}

/* A LEVEL_MANY may take nothing: what comes after it may come as well. */
static void
places_add(struct places *places, const struct search *search, unsigned n)
{
    places->bits[n / 64] |= UINT64_C(1) << n % 64;
    while (n < search->count && search->levels[n].kind == LEVEL_MANY) {
        n++;
        places->bits[n / 64] |= UINT64_C(1) << n % 64;
    }
}

/* Where the level `kid` leads to; false: nowhere. */
static bool
places_after(const struct places *from, const struct search *search, const struct route_node *kid, struct places *ret)
{
    bool hidden = kid->depth == 1 && level_is_hidden(node_text(kid));
    bool any = false;
    *ret = (struct places){ 0 };
    for (unsigned n = 0; n < search->count; n++) {
        enum level_kind kind = search->levels[n].kind;
        if (!places_have(from, n) || (hidden && (n > 0 || kind != LEVEL_PLAIN)))
            continue; /* at the first level a place after the first is behind a wildcard */
        if (kind == LEVEL_PLAIN && !view_equal(search->levels[n].text, node_text(kid)))
            continue;
        places_add(ret, search, kind == LEVEL_MANY ? n : n + 1);
        any = true;
    }
    return any;
}

/* How to go on from a node. */
enum way { NOWHERE, BY_NAME, BY_ALL };

/* BY_NAME: there is one place only and it is a plain level, *retn. */
static enum way
way_from(const struct places *places, const struct search *search, unsigned *retn)
{
    enum way way = NOWHERE;
    for (unsigned n = 0; n < search->count; n++) {
        if (!places_have(places, n))
            continue;
        if (way != NOWHERE || search->levels[n].kind != LEVEL_PLAIN)
            return BY_ALL;
        way = BY_NAME;
        *retn = n;
    }
    return way;
}

static bool
each_row(const struct route_node *node, route_row_fn *fn, void *arg)
{
    bool more = true;
    for (struct route_row *row = node->rows; more && row != NULL; row = row->next)
        more = fn(arg, row);
    return more;
}

static bool visit(const struct search *search, struct route_node *node, const struct places *places);

static bool
visit_kid(const struct search *search, struct route_node *kid, const struct places *from)
{
    struct places places;
    return !places_after(from, search, kid, &places) || visit(search, kid, &places);
}

/* False: stopped by fn. */
static bool
visit(const struct search *search, struct route_node *node, const struct places *places)
{
    unsigned n = 0;
    if (places_have(places, search->count) && !each_row(node, search->fn, search->arg))
        return false;
    enum way way = way_from(places, search, &n);
    if (way == BY_NAME) {
        struct route_node *kid = trie_find(search->trie, node, search->levels[n].text, search->levels[n].hash);
        return kid == NULL || visit_kid(search, kid, places);
    }
    if (way == NOWHERE)
        return true;
    trie_sort_kids(node);
    LIST_EACH(&node->kids, it)
        if (!visit_kid(search, container_of(it, struct route_node, sibling), places))
            return false;
    return true;
}

void
route_search(struct route *route, enum route_syntax syntax, struct view filter, route_row_fn *fn, void *arg)
{
    if (level_check_filter(syntax, filter) < 0)
        return;
    struct search search = { .trie = &route->trie, .fn = fn, .arg = arg };
    struct levels left = levels_of(syntax, filter);
    struct view text;
    for (; level_next(&left, &text); search.count++) {
        search.levels[search.count].text = text;
        search.levels[search.count].hash = level_hash(text);
        search.levels[search.count].kind = level_kind_of(syntax, text);
    }
    struct places start = { 0 };
    places_add(&start, &search, 0);
    visit(&search, route->trie.root, &start);
}

/* A node, then below it the plain children in byte order, then the wildcards. */
static bool
walk(struct route_node *node, route_row_fn *fn, void *arg)
{
    if (node == NULL)
        return true;
    if (!each_row(node, fn, arg))
        return false;
    trie_sort_kids(node);
    LIST_EACH(&node->kids, it)
        if (!walk(container_of(it, struct route_node, sibling), fn, arg))
            return false;
    return walk(node->one, fn, arg) && walk(node->many, fn, arg);
}

void
route_walk(struct route *route, route_row_fn *fn, void *arg)
{
    walk(route->trie.root, fn, arg);
}

static void
put_level(struct pen *pen, const struct route_node *node, enum route_syntax syntax)
{
    if (node->depth > 1)
        put_u8(pen, level_separator(syntax));
    if (node->kind == LEVEL_PLAIN)
        put_bytes(pen, node_text(node));
    else
        put_u8(pen, level_wildcard(syntax, node->kind));
}

int64_t
route_name(const struct route *route, const struct route_row *row, enum route_syntax syntax, char *ret, size_t room)
{
    const struct route_node *down[TOPIC_LEVELS_MAX];
    const struct route_node *at = row->node;
    unsigned depth = at->depth;
    for (; at != route->trie.root; at = at->parent)
        down[at->depth - 1] = at;
    struct pen pen = pen_of(ret, room);
    for (unsigned i = 0; i < depth; i++)
        put_level(&pen, down[i], syntax);
    return pen.torn ? -ERR_TOO_LARGE : (int64_t)room - (int64_t)pen_left(&pen);
}
