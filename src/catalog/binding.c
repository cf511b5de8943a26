/* Bindings: from an exchange to a queue or to another exchange.  Source, destination, key and arguments together tell
 * one from another. */
#include "catalog/inner.h"

/* ---- what a type has to do with them ------------------------------------------------------------------------- */

static uint64_t
key_hash(struct view key)
{
    return hash_bytes(key, 0);
}

static bool
has_key(const void *value, const void *key)
{
    return view_equal(binding_key(value), *(const struct view *)key);
}

struct binding *
binding_by_key(const struct xchg *x, struct view key)
{
    return map_get(&x->keys, key_hash(key), has_key, &key);
}

/* The first of its key is in the map, and the others hang behind it. */
static int
direct_join(struct binding *b)
{
    struct binding *first = binding_by_key(b->source, binding_key(b));
    if (first == NULL)
        return map_put(&b->source->keys, key_hash(binding_key(b)), b);
    b->next_same = first->next_same;
    first->next_same = b;
    return 0;
}

static void
direct_leave(struct binding *b)
{
    struct map *keys = &b->source->keys;
    uint64_t hash = key_hash(binding_key(b));
    struct binding *at = binding_by_key(b->source, binding_key(b));
    if (at == b) {
        map_cut(keys, hash, b);
        if (b->next_same != NULL && map_put(keys, hash, b->next_same) < 0)
            must(false); /* the slot just left is there */
        return;
    }
    while (at != NULL && at->next_same != b)
        at = at->next_same;
    if (at != NULL)
        at->next_same = b->next_same;
}

static int
check_hash(const struct binding_spec *spec, struct refusal *why)
{
    return ring_check(spec->key, why);
}

static int
check_headers(const struct binding_spec *spec, struct refusal *why)
{
    return headers_check(spec->arguments, why);
}

static const struct {
    int (*check)(const struct binding_spec *spec, struct refusal *why);
    int (*join)(struct binding *b);
    void (*leave)(struct binding *b);
} types[] = {
    [XCHG_DEFAULT] = {NULL,           NULL,        NULL        },
      [XCHG_DIRECT] = { NULL,          direct_join, direct_leave},
    [XCHG_FANOUT] = { NULL,          NULL,        NULL        },
      [XCHG_TOPIC] = { NULL,          topic_join,  topic_leave },
    [XCHG_HEADERS] = { check_headers, NULL,        NULL        },
      [XCHG_HASH] = { check_hash,    ring_join,   ring_leave  },
};

/* ---- found --------------------------------------------------------------------------------------------------- */

struct ends {
    struct xchg *source, *xchg;
    struct mq *mq;
};

struct binding_ident {
    struct ends ends;
    struct view key, arguments;
};

static struct ends
ends_of(const struct vhost *vhost, const struct binding_spec *spec)
{
    bool to_queue = spec->kind == BIND_QUEUE;
    return (struct ends){ .source = xchg_find(vhost, spec->source),
                          .xchg = to_queue ? NULL : xchg_find(vhost, spec->destination),
                          .mq = to_queue ? mq_find(vhost, spec->destination) : NULL };
}

static bool
same_binding(const void *value, const void *key)
{
    const struct binding *b = value;
    const struct binding_ident *ident = key;
    return b->source == ident->ends.source && b->xchg == ident->ends.xchg && b->mq == ident->ends.mq &&
           view_equal(binding_key(b), ident->key) && view_equal(binding_arguments(b), ident->arguments);
}

static uint64_t
ident_hash(const struct binding_ident *ident)
{
    struct view ends = view_of(&ident->ends, sizeof(ident->ends));
    return hash_bytes(ident->key, hash_bytes(ident->arguments, hash_bytes(ends, 0)));
}

static struct binding_ident
ident_of(const struct binding *b)
{
    return (struct binding_ident){
        .ends = {.source = b->source, .xchg = b->xchg, .mq = b->mq},
        .key = binding_key(b),
        .arguments = binding_arguments(b)
    };
}

struct binding *
binding_find(const struct vhost *vhost, const struct binding_spec *spec)
{
    struct binding_ident ident = { .ends = ends_of(vhost, spec), .key = spec->key, .arguments = spec->arguments };
    return map_get(&vhost->bindings, ident_hash(&ident), same_binding, &ident);
}

bool
binding_durable(const struct binding *b)
{
    return b->source->durable && (b->mq != NULL ? mq_is_kept(b->mq) : b->xchg->durable);
}

/* ---- made and freed ------------------------------------------------------------------------------------------ */

static struct binding *
bare(struct vhost *vhost, const struct binding_ident *ident)
{
    struct binding *b = mem_new(vhost->catalog->host->mem, sizeof(*b) + ident->key.len + ident->arguments.len);
    if (b == NULL)
        return NULL;
    struct pen pen = pen_of(b->bytes, ident->key.len + ident->arguments.len);
    put_bytes(&pen, ident->key);
    put_bytes(&pen, ident->arguments);
    b->hop.ops = &binding_hop_ops;
    b->source = ident->ends.source;
    b->xchg = ident->ends.xchg;
    b->mq = ident->ends.mq;
    b->key_bytes = (uint32_t)ident->key.len;
    b->arguments_bytes = (uint32_t)ident->arguments.len;
    list_init(&b->from);
    list_init(&b->to);
    list_push(&b->source->bindings, &b->from);
    list_push(b->mq != NULL ? &b->mq->bindings : &b->xchg->feeds, &b->to);
    kept_add(vhost->catalog, &b->kept, KEPT_BINDING);
    return b;
}

/* Gives back its memory, when it is found by nothing any more. */
static void
discard(struct binding *b)
{
    list_cut(&b->from);
    list_cut(&b->to);
    list_cut(&b->kept.link);
    mem_free(b->source->vhost->catalog->host->mem, b);
}

static int
make(struct vhost *vhost, const struct binding_ident *ident, struct binding **ret)
{
    struct binding *b = bare(vhost, ident);
    if (b == NULL)
        return -ERR_NO_MEMORY;
    int (*join)(struct binding *) = types[b->source->type].join;
    int rc = map_put(&vhost->bindings, ident_hash(ident), b);
    if (rc == 0 && join != NULL)
        rc = join(b);
    if (rc < 0) {
        map_cut(&vhost->bindings, ident_hash(ident), b);
        discard(b);
        return rc;
    }
    b->source->had_bindings = true;
    *ret = b;
    return 0;
}

void
binding_free(struct binding *b)
{
    struct binding_ident ident = ident_of(b);
    if (types[b->source->type].leave != NULL)
        types[b->source->type].leave(b);
    map_cut(&b->source->vhost->bindings, ident_hash(&ident), b);
    discard(b);
}

/* ---- checked --------------------------------------------------------------------------------------------------- */

static int
check_default(const struct binding_spec *spec, struct refusal *why)
{
    if (spec->source.len > 0 && (spec->kind == BIND_QUEUE || spec->destination.len > 0))
        return 0;
    return refuse(why, AMQP_ACCESS_REFUSED, "operation not permitted on the default exchange");
}

static int
missing(const struct vhost *vhost, const char *what, struct view name, struct refusal *why)
{
    struct view in = vhost_name(vhost);
    return refuse(why, AMQP_NOT_FOUND, "no %s '%.*s' in vhost '%.*s'", what, VIEW_ARGS(name), VIEW_ARGS(in));
}

static int
check_ends(const struct vhost *vhost, const struct binding_spec *spec, const struct ends *ends, struct refusal *why)
{
    if (ends->source == NULL)
        return missing(vhost, "exchange", spec->source, why);
    if (ends->mq == NULL && ends->xchg == NULL)
        return missing(vhost, spec->kind == BIND_QUEUE ? "queue" : "exchange", spec->destination, why);
    return types[ends->source->type].check == NULL ? 0 : types[ends->source->type].check(spec, why);
}

static int
check_limit(const struct vhost *vhost, struct refusal *why)
{
    struct view in = vhost_name(vhost);
    uint32_t most = vhost->catalog->settings->bindings_max;
    if (vhost->catalog->restoring || vhost->bindings.count < most)
        return 0;
    return refuse(why, AMQP_PRECONDITION_FAILED, "cannot bind in vhost '%.*s': binding limit of %u is reached",
                  VIEW_ARGS(in), most);
}

int
binding_make(struct vhost *vhost, const struct binding_spec *spec, struct binding **ret, struct refusal *why)
{
    struct binding_ident ident = { .ends = ends_of(vhost, spec), .key = spec->key, .arguments = spec->arguments };
    int rc = check_ends(vhost, spec, &ident.ends, why);
    if (rc < 0)
        return rc;
    *ret = map_get(&vhost->bindings, ident_hash(&ident), same_binding, &ident);
    if (*ret != NULL)
        return 0;
    rc = check_limit(vhost, why);
    if (rc < 0)
        return rc;
    rc = make(vhost, &ident, ret);
    if (rc == -ERR_TOO_LARGE)
        return refuse(why, AMQP_PRECONDITION_FAILED, "binding key has more levels than this server takes");
    return rc < 0 ? refuse_world(why, rc) : 0;
}

/* ---- bound and unbound --------------------------------------------------------------------------------------- */

static void
tell_stored(bool *ret, const struct vhost *vhost, bool durable)
{
    if (ret != NULL)
        *ret = durable && vhost->catalog->host->log != NULL;
}

int
binding_add(struct vhost *vhost, const struct binding_spec *spec, bool *retstored, struct refusal *why)
{
    struct binding *b;
    int rc = check_default(spec, why);
    if (rc < 0)
        return rc;
    bool known = binding_find(vhost, spec) != NULL;
    rc = binding_make(vhost, spec, &b, why);
    if (rc < 0)
        return rc;
    if (!known)
        rc = record_binding(b);
    if (rc < 0) {
        binding_free(b);
        return refuse_world(why, rc);
    }
    tell_stored(retstored, vhost, binding_durable(b));
    return 0;
}

/* ---- gone ------------------------------------------------------------------------------------------------------ */

/* An exchange that lost a binding goes too, when it was made to and nothing else is bound to it. Replay is told by
 * records of their own. */
static void
lost(struct xchg *source, struct list *doomed)
{
    if (source->auto_delete && list_empty(&source->bindings) && !source->vhost->catalog->restoring)
        list_push(doomed, &source->link);
}

static void
drop_to(struct list *to, struct list *doomed)
{
    while (!list_empty(to)) {
        struct binding *b = container_of(to->next, struct binding, to);
        struct xchg *source = b->source;
        binding_free(b);
        lost(source, doomed);
    }
}

/* One after the other, however long the chain of exchanges. */
static void
drop_doomed(struct list *doomed)
{
    for (struct list *l = list_pop(doomed); l != NULL; l = list_pop(doomed)) {
        struct xchg *x = container_of(l, struct xchg, link);
        (void)record_xchg_end(x); /* only a log that failed for good refuses it, and that promises nothing more */
        drop_to(&x->feeds, doomed);
        xchg_free(x);
    }
}

void
bindings_drop(struct list *to)
{
    struct list doomed;
    list_init(&doomed);
    drop_to(to, &doomed);
    drop_doomed(&doomed);
}

void
xchg_drop(struct xchg *x)
{
    while (!list_empty(&x->bindings)) /* first, so that a circle of exchanges does not come back to it */
        binding_free(container_of(x->bindings.next, struct binding, from));
    bindings_drop(&x->feeds);
    xchg_free(x);
}

int
binding_cut(struct vhost *vhost, const struct binding_spec *spec, bool *retstored, struct refusal *why)
{
    struct list doomed;
    int rc = check_default(spec, why);
    struct binding *b = rc < 0 ? NULL : binding_find(vhost, spec);
    tell_stored(retstored, vhost, false);
    if (b == NULL)
        return rc;
    rc = record_binding_end(b);
    if (rc < 0)
        return refuse_world(why, rc);
    tell_stored(retstored, vhost, binding_durable(b));
    struct xchg *source = b->source;
    list_init(&doomed);
    binding_free(b);
    lost(source, &doomed);
    drop_doomed(&doomed);
    return 0;
}
