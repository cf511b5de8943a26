/* Bindings of topic exchanges are rows in a trie: the exchange's own, with keys as they are, or for amq.topic of "/"
 * the shard's, with keys as filters of MQTT's topics.  There sessions may have rows of their own, and the other shards
 * are told of the first and the last row of a filter. */
#include "catalog/inner.h"
#include "route/key.h"

struct bound_filter {
    uint32_t rows;
    uint32_t len;
    uint8_t text[];
};

struct filter_room {
    uint8_t bytes[KEY_GROWTH * AMQP_SHORTSTR_MAX];
};

static struct view
filter_of(const struct binding *b, struct filter_room *room)
{
    struct pen pen = pen_of(room->bytes, sizeof(room->bytes));
    key_to_filter(&pen, binding_key(b));
    must(!pen.torn);
    return view_of(room->bytes, (size_t)(pen.at - room->bytes));
}

static struct view
filter_text(const struct bound_filter *f)
{
    return view_of(f->text, f->len);
}

static bool
same_filter(const void *value, const void *key)
{
    return view_equal(filter_text(value), *(const struct view *)key);
}

static struct bound_filter *
find(const struct catalog *catalog, struct view text)
{
    return map_get(&catalog->filters, hash_bytes(text, 0), same_filter, &text);
}

static struct bound_filter *
find_or_make(struct catalog *catalog, struct view text)
{
    struct bound_filter *f = find(catalog, text);
    if (f != NULL)
        return f;
    f = mem_new(catalog->host->mem, sizeof(*f) + text.len);
    if (f == NULL)
        return NULL;
    f->len = (uint32_t)text.len;
    if (text.len > 0)
        memcpy(f->text, text.data, text.len);
    if (map_put(&catalog->filters, hash_bytes(text, 0), f) < 0) {
        mem_free(catalog->host->mem, f);
        return NULL;
    }
    return f;
}

static void
drop_unbound(struct catalog *catalog, struct bound_filter *f)
{
    if (f->rows > 0)
        return;
    map_cut(&catalog->filters, hash_bytes(filter_text(f), 0), f);
    mem_free(catalog->host->mem, f);
}

static void
announce(struct catalog *catalog, const struct bound_filter *f)
{
    if (!catalog->restoring)
        catalog->host->topic_bound(catalog->host, filter_text(f), f->rows > 0);
}

void
topics_announce(struct catalog *catalog)
{
    size_t at = 0;
    for (struct bound_filter *f = map_next(&catalog->filters, &at); f != NULL; f = map_next(&catalog->filters, &at))
        announce(catalog, f);
}

static bool
is_shared(const struct binding *b)
{
    return b->source->route == b->source->vhost->catalog->host->route;
}

int
catalog_topic_join(struct catalog *catalog, struct view filter, struct hop *hop)
{
    struct bound_filter *f = find_or_make(catalog, filter);
    if (f == NULL)
        return -ERR_NO_MEMORY;
    int rc = route_add(catalog->host->route, ROUTE_TOPICS_AMQP, filter, &hop->row);
    if (rc < 0) {
        drop_unbound(catalog, f);
        return rc;
    }
    if (f->rows++ == 0)
        announce(catalog, f);
    return 0;
}

void
catalog_topic_leave(struct catalog *catalog, struct view filter, struct hop *hop)
{
    struct bound_filter *f = find(catalog, filter);
    must(f != NULL && f->rows > 0);
    route_cut(catalog->host->route, &hop->row);
    if (--f->rows == 0)
        announce(catalog, f);
    drop_unbound(catalog, f);
}

int
topic_join(struct binding *b)
{
    struct filter_room room;
    if (is_shared(b))
        return catalog_topic_join(b->source->vhost->catalog, filter_of(b, &room), &b->hop);
    return route_add(b->source->route, ROUTE_AMQP, binding_key(b), &b->hop.row);
}

void
topic_leave(struct binding *b)
{
    struct filter_room room;
    if (is_shared(b))
        catalog_topic_leave(b->source->vhost->catalog, filter_of(b, &room), &b->hop);
    else
        route_cut(b->source->route, &b->hop.row);
}
