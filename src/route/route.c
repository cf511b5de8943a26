/* route/route.c - the trie, its matches and their cache behind one door.
 * Rows hang on the node of their filter; a change of rows is told to the cache, a match asks it first. */
#include "route/table.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"

int
route_new(struct mem *mem, struct route **ret)
{
    struct route *route = MEM_NEW(mem, struct route);
    if (route == NULL)
        return -ERR_NO_MEMORY;
    int rc = trie_init(&route->trie, mem);
    if (rc < 0) {
        mem_free(mem, route);
        return rc;
    }
    matcher_init(&route->matcher, mem);
    cache_init(&route->cache, mem);
    route->mem = mem;
    *ret = route;
    return 0;
}

void
route_free(struct route *route)
{
    if (route == NULL)
        return;
    cache_fini(&route->cache);
    matcher_fini(&route->matcher);
    trie_fini(&route->trie);
    mem_free(route->mem, route);
}

static void
changed(struct route *route, const struct route_node *node)
{
    route->version++;
    cache_touch(&route->cache, trail_of_node(node));
}

int
route_add(struct route *route, enum route_syntax syntax, struct view filter, struct route_row *row)
{
    must(row->node == NULL);
    struct route_node *node;
    int rc = level_check_filter(syntax, filter);
    if (rc == 0)
        rc = trie_grow(&route->trie, syntax, filter, &node);
    if (rc < 0)
        return rc;
    row->node = node;
    row->next = node->rows;
    row->link = &node->rows;
    if (row->next != NULL)
        row->next->link = &row->next;
    node->rows = row;
    route->rows++;
    changed(route, node);
    return 0;
}

void
route_cut(struct route *route, struct route_row *row)
{
    struct route_node *node = row->node;
    if (node == NULL)
        return;
    *row->link = row->next;
    if (row->next != NULL)
        row->next->link = row->link;
    *row = (struct route_row){ 0 };
    route->rows--;
    changed(route, node);
    trie_prune(&route->trie, node);
}

int
route_match(struct route *route, enum route_syntax syntax, struct view topic, const struct route_hits **ret)
{
    if (topic.len > TOPIC_BYTES_MAX)
        return -ERR_TOO_LARGE;
    struct cache_key key = cache_key_of(syntax, topic);
    const struct route_hits *hits = cache_get(&route->cache, &key);
    if (hits == NULL) {
        struct trail trail;
        int rc = matcher_run(&route->matcher, &route->trie, syntax, topic, &trail);
        if (rc < 0)
            return rc;
        hits = cache_put(&route->cache, &key, &trail, &route->matcher.hits);
    }
    *ret = hits != NULL ? hits : &route->matcher.hits;
    return 0;
}

void
route_stats(const struct route *route, struct route_stats *ret)
{
    size_t slots = 0;
    if (route->trie.plain.slots != NULL)
        slots += route->trie.plain.mask + 1;
    if (route->cache.entries.slots != NULL)
        slots += route->cache.entries.mask + 1;
    *ret = (struct route_stats){
        .rows = route->rows,
        .nodes = route->trie.nodes,
        .bytes = sizeof(*route) + route->trie.bytes + route->cache.bytes + matcher_bytes(&route->matcher) +
                 slots * sizeof(struct map_slot),
        .version = route->version,
        .cached = route->cache.entries.count,
    };
}
