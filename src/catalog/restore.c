/* Recovery: facts back into the catalog.  What names something unknown speaks of what has ended since. */
#include "catalog/inner.h"
#include "queue/record.h"

enum { LEVELS_MAX = 256 };

/* A refusal while replaying: the limits were larger once, or a pattern was understood. */
static int
told(int rc, const struct refusal *why, struct catalog *catalog)
{
    enum { SEVERITY_ERROR = 3 };
    if (rc != -ERR_REFUSED)
        return rc;
    catalog->host->say(catalog->host, SEVERITY_ERROR, "catalog", why->text);
    return 0;
}

static int
on_vhost(struct catalog *catalog, struct view name, struct cursor *c)
{
    struct vhost *vhost;
    (void)c;
    int rc = vhost_make(catalog, name, true, &vhost);
    return rc == -ERR_EXISTS ? 0 : rc;
}

static int
on_vhost_end(struct vhost *vhost, struct cursor *c)
{
    (void)c;
    vhost_free(vhost);
    return 0;
}

static int
on_xchg(struct vhost *vhost, struct cursor *c)
{
    struct exchange_spec spec = { .name = take_short(c), .type = take_short(c), .durable = true };
    uint8_t flags = take_u8(c);
    spec.auto_delete = flags & RECORD_FLAG_AUTO_DELETE;
    spec.internal = flags & RECORD_FLAG_INTERNAL;
    spec.arguments = take_long(c);
    struct xchg *x = xchg_find(vhost, spec.name);
    if (c->torn)
        return -ERR_DAMAGED;
    if (x != NULL && xchg_is(x, &spec))
        return 0;
    if (x != NULL)
        xchg_drop(x);
    return xchg_make(vhost, &spec, &x);
}

static int
on_xchg_end(struct vhost *vhost, struct cursor *c)
{
    struct xchg *x = xchg_find(vhost, take_short(c));
    if (x != NULL && !c->torn)
        xchg_drop(x);
    return c->torn ? -ERR_DAMAGED : 0;
}

/* One of the same name is the same if it has the same lowest queue. */
static int
find_or_make(struct vhost *vhost, const struct queue_spec *spec, uint32_t lowest, struct mq **ret)
{
    struct refusal why;
    struct mq *mq = mq_find(vhost, spec->name);
    if (mq != NULL && mq->levels[0] != NULL && queue_id(mq->levels[0]->target.queue) != lowest) {
        mq_free(mq);
        mq = NULL;
    }
    *ret = mq;
    return mq != NULL ? 0 : told(mq_make(vhost, spec, ret, &why), &why, vhost->catalog);
}

static int
on_mq(struct vhost *vhost, struct cursor *c)
{
    struct catalog_host *host = vhost->catalog->host;
    struct mq *mq = NULL;
    struct mq_level *level;
    struct queue_spec spec = { .name = take_short(c), .durable = true };
    spec.auto_delete = take_u8(c) & RECORD_FLAG_AUTO_DELETE;
    spec.arguments = take_long(c);
    unsigned levels = take_u16(c);
    int rc = 0;
    for (unsigned i = 0; i < levels; i++) {
        uint8_t priority = take_u8(c);
        uint32_t id = take_u32(c);
        if (c->torn || id == 0 || (i == 0 && priority != 0))
            return -ERR_DAMAGED;
        host->seen_id(host, id);
        if (i == 0)
            rc = find_or_make(vhost, &spec, id, &mq);
        if (rc < 0 || mq == NULL)
            return rc;
        rc = mq_make_level(mq, priority, id, &level);
        if (rc < 0)
            return rc;
    }
    return c->torn || levels == 0 ? -ERR_DAMAGED : 0;
}

static int
on_mq_end(struct vhost *vhost, struct cursor *c)
{
    struct mq *mq = mq_find(vhost, take_short(c));
    if (mq != NULL && !c->torn)
        mq_free(mq);
    return c->torn ? -ERR_DAMAGED : 0;
}

static int
take_binding(struct cursor *c, struct binding_spec *ret)
{
    uint8_t kind = take_u8(c);
    *ret = (struct binding_spec){ .kind = kind == BIND_QUEUE ? BIND_QUEUE : BIND_XCHG };
    ret->source = take_short(c);
    ret->destination = take_short(c);
    ret->key = take_short(c);
    ret->arguments = take_long(c);
    return c->torn ? -ERR_DAMAGED : 0;
}

static int
on_bind(struct vhost *vhost, struct cursor *c)
{
    struct binding_spec spec;
    struct binding *b;
    struct refusal why;
    int rc = take_binding(c, &spec);
    if (rc == 0)
        rc = binding_make(vhost, &spec, &b, &why);
    return rc == -ERR_REFUSED ? 0 : rc; /* one of its ends has ended */
}

static int
on_unbind(struct vhost *vhost, struct cursor *c)
{
    struct binding_spec spec;
    int rc = take_binding(c, &spec);
    struct binding *b = rc < 0 ? NULL : binding_find(vhost, &spec);
    if (b != NULL)
        binding_free(b);
    return rc;
}

static int
on_policy(struct vhost *vhost, struct cursor *c)
{
    struct refusal why;
    struct view name = take_short(c), text = take_long(c);
    if (c->torn)
        return -ERR_DAMAGED;
    json_t *json = json_loadb((const char *)text.data, text.len, 0, NULL);
    if (json == NULL)
        return -ERR_DAMAGED;
    int rc = told(policy_set(vhost, name, json, &why), &why, vhost->catalog);
    json_decref(json);
    return rc;
}

static int
on_policy_end(struct vhost *vhost, struct cursor *c)
{
    struct refusal why;
    int rc = policy_clear(vhost, take_short(c), &why);
    return rc == -ERR_REFUSED ? 0 : rc;
}

int
catalog_restore(struct catalog *catalog, unsigned kind, struct view record)
{
    static int (*const on[])(struct vhost *, struct cursor *) = {
        [RECORD_VHOST_END - RECORD_VHOST] = on_vhost_end,   [RECORD_XCHG - RECORD_VHOST] = on_xchg,
        [RECORD_XCHG_END - RECORD_VHOST] = on_xchg_end,     [RECORD_MQ - RECORD_VHOST] = on_mq,
        [RECORD_MQ_END - RECORD_VHOST] = on_mq_end,         [RECORD_BIND - RECORD_VHOST] = on_bind,
        [RECORD_UNBIND - RECORD_VHOST] = on_unbind,         [RECORD_POLICY - RECORD_VHOST] = on_policy,
        [RECORD_POLICY_END - RECORD_VHOST] = on_policy_end,
    };
    struct cursor c = cursor_of(record);
    struct view name = take_short(&c);
    if (kind < RECORD_VHOST || kind - RECORD_VHOST >= COUNT_OF(on))
        return -ERR_FORMAT;
    if (c.torn)
        return -ERR_DAMAGED;
    if (kind == RECORD_VHOST)
        return on_vhost(catalog, name, &c);
    struct vhost *vhost = catalog_vhost(catalog, name);
    return vhost == NULL ? 0 : on[kind - RECORD_VHOST](vhost, &c);
}

int
catalog_restored(struct catalog *catalog)
{
    catalog->restoring = false;
    LIST_EACH(&catalog->all, l) {
        struct vhost *vhost = container_of(l, struct vhost, link);
        LIST_EACH(&vhost->xchgs, x)
            xchg_policy(container_of(x, struct xchg, link));
        LIST_EACH(&vhost->mqs, m)
            mq_restored(container_of(m, struct mq, link));
    }
    topics_announce(catalog);
    return 0;
}
