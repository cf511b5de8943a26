#include "catalog/inner.h"

static bool
same_vhost(const void *value, const void *key)
{
    return view_equal(vhost_name(value), *(const struct view *)key);
}

struct vhost *
catalog_vhost(const struct catalog *catalog, struct view name)
{
    return map_get(&catalog->vhosts, hash_bytes(name, 0), same_vhost, &name);
}

struct view
vhost_name(const struct vhost *vhost)
{
    return view_of(vhost->name, vhost->name_bytes);
}

/* What every virtual host has from its birth (RabbitMQ, rabbit_vhost). */
static int
make_predeclared(struct vhost *vhost)
{
    static const struct {
        const char *name, *type;
        bool internal;
    } rows[] = {
        {"",                    "direct",  false},
        { "amq.direct",         "direct",  false},
        { "amq.fanout",         "fanout",  false},
        { "amq.topic",          "topic",   false},
        { "amq.headers",        "headers", false},
        { "amq.match",          "headers", false},
        { "amq.rabbitmq.trace", "topic",   true },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct exchange_spec spec = { .name = view_str(rows[i].name),
                                      .type = view_str(rows[i].type),
                                      .durable = true,
                                      .internal = rows[i].internal };
        struct xchg *x;
        int rc = xchg_make(vhost, &spec, &x);
        if (rc < 0)
            return rc;
        x->predeclared = true;
    }
    vhost->fallback = xchg_find(vhost, view_of(NULL, 0));
    vhost->fallback->type = XCHG_DEFAULT;
    return 0;
}

static struct vhost *
make(struct catalog *catalog, struct view name, bool durable)
{
    struct mem *mem = catalog->host->mem;
    struct vhost *vhost = mem_new(mem, sizeof(*vhost) + name.len);
    if (vhost == NULL)
        return NULL;
    vhost->catalog = catalog;
    vhost->durable = durable;
    vhost->shares_trie = view_is(name, "/");
    vhost->name_bytes = (uint16_t)name.len;
    memcpy(vhost->name, name.data, name.len);
    map_init(&vhost->exchanges, mem);
    map_init(&vhost->queues, mem);
    map_init(&vhost->bindings, mem);
    list_init(&vhost->xchgs);
    list_init(&vhost->mqs);
    list_init(&vhost->exclusives);
    list_init(&vhost->policies);
    list_init(&vhost->link);
    list_push(&catalog->all, &vhost->link);
    kept_add(catalog, &vhost->kept, KEPT_VHOST);
    return vhost;
}

int
vhost_make(struct catalog *catalog, struct view name, bool durable, struct vhost **ret)
{
    if (name.len == 0 || name.len > VHOST_NAME_BYTES_MAX)
        return -ERR_INVALID;
    if (catalog_vhost(catalog, name) != NULL)
        return -ERR_EXISTS;
    struct vhost *vhost = make(catalog, name, durable);
    if (vhost == NULL)
        return -ERR_NO_MEMORY;
    int rc = map_put(&catalog->vhosts, hash_bytes(name, 0), vhost);
    if (rc == 0)
        rc = make_predeclared(vhost);
    if (rc < 0) {
        vhost_free(vhost);
        return rc;
    }
    *ret = vhost;
    return 0;
}

int
catalog_vhost_new(struct catalog *catalog, struct view name, bool durable, struct vhost **ret)
{
    struct vhost *vhost;
    int rc = vhost_make(catalog, name, durable, &vhost);
    if (rc < 0)
        return rc;
    rc = record_vhost(vhost);
    if (rc < 0) {
        vhost_free(vhost);
        return rc;
    }
    *ret = vhost;
    return 0;
}

void
vhost_free(struct vhost *vhost)
{
    struct catalog *catalog = vhost->catalog;
    dead_turn(catalog, false); /* what waits there speaks of its queues */
    while (!list_empty(&vhost->mqs))
        mq_free(container_of(vhost->mqs.next, struct mq, link));
    while (!list_empty(&vhost->xchgs))
        xchg_free(container_of(vhost->xchgs.next, struct xchg, link));
    while (!list_empty(&vhost->policies))
        policy_free(container_of(vhost->policies.next, struct policy, link));
    map_fini(&vhost->exchanges);
    map_fini(&vhost->queues);
    map_fini(&vhost->bindings);
    map_cut(&catalog->vhosts, hash_bytes(vhost_name(vhost), 0), vhost);
    list_cut(&vhost->kept.link);
    list_cut(&vhost->link);
    mem_free(catalog->host->mem, vhost);
}

struct vhost *
catalog_vhost_next(const struct catalog *catalog, const struct vhost *vhost)
{
    const struct list *next = vhost == NULL ? catalog->all.next : vhost->link.next;
    return next == &catalog->all ? NULL : container_of(next, struct vhost, link);
}

int
catalog_vhost_end(struct vhost *vhost)
{
    int rc = record_vhost_end(vhost);
    if (rc == 0)
        vhost_free(vhost);
    return rc;
}
