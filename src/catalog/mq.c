/* catalog/mq.c - named queues: declared, found, deleted; how they end by themselves; their levels, one queue a
 * priority.
 */
#include "catalog/inner.h"

#include "base/break.h"

static const char *const RESERVED = "amq.";

enum { NS_A_MS = 1000000, GENERATED_RANDOM_BYTES = 16, GENERATED_BYTES_MAX = 32 };

static struct mem *
mem_of(const struct mq *mq)
{
    return mq->vhost->catalog->host->mem;
}

/* ---- levels ---------------------------------------------------------------------------------------------------- */

static void
on_deliver(struct target *target, struct outgoing *out, const struct delivery *delivery)
{
    /* A durable one is in the log and comes back; a transient one has had no memory to wait in. */
    (void)queue_push(target->queue, &out->pub, (struct entry_meta){ .qos = delivery->qos });
    length_keep(container_of(target, struct mq_level, target)->mq);
}

static const struct target_ops target_ops = { .deliver = on_deliver };

static bool
same_id(const void *value, const void *key)
{
    const struct mq_level *level = value;
    return queue_id(level->target.queue) == *(const uint32_t *)key;
}

struct queue *
catalog_queue(const struct catalog *catalog, uint32_t id)
{
    const struct mq_level *level = map_get(&catalog->queues, mq_id_hash(id), same_id, &id);
    return level == NULL ? NULL : level->target.queue;
}

static void
free_level(struct mq_level *level)
{
    if (level == NULL)
        return;
    struct catalog *catalog = level->mq->vhost->catalog;
    if (level->target.queue != NULL)
        (void)map_cut(&catalog->queues, mq_id_hash(queue_id(level->target.queue)), level);
    queue_free(level->target.queue);
    mem_free(catalog->host->mem, level);
}

static int
fill_level(struct mq_level *level, uint32_t id)
{
    struct mq *mq = level->mq;
    struct catalog *catalog = mq->vhost->catalog;
    id = id == 0 ? catalog->host->new_id(catalog->host) : id;
    bool durable = mq_is_kept(mq) && mq->rules.tier != TIER_MEMORY;
    int rc = queue_new(catalog->host->queues, id, durable, length_of_level(mq), &level->target.queue);
    level->target.hasty = mq->rules.tier == TIER_WRITTEN;
    if (rc == 0 && mq->rules.stream)
        queue_keep(level->target.queue);
    if (rc == 0)
        rc = map_put(&catalog->queues, mq_id_hash(id), level);
    if (rc < 0)
        return rc;
    dead_own(level);
    return mq_tap_level(mq, level);
}

int
mq_make_level(struct mq *mq, uint8_t priority, uint32_t id, struct mq_level **ret)
{
    must(priority <= mq->rules.priority_max);
    if (mq->levels[priority] == NULL) {
        struct mq_level *level = MEM_NEW(mem_of(mq), struct mq_level);
        if (level == NULL)
            return -ERR_NO_MEMORY;
        level->target.ops = &target_ops;
        level->mq = mq;
        level->priority = priority;
        int rc = fill_level(level, id);
        if (rc < 0) {
            free_level(level);
            return rc;
        }
        mq->levels[priority] = level;
        mq->level_count++;
    }
    *ret = mq->levels[priority];
    return 0;
}

/* The level of a message's priority.  A new one is recorded before the message that it is for, also when the log has
 * refused that at first. */
static struct mq_level *
level_for(struct mq *mq, const struct envelope *env)
{
    struct amqp_properties props;
    struct view exchange;
    struct mq_level *level = NULL;
    uint8_t priority = envelope_properties(env, &exchange, &props) ? props.priority : 0;
    if (priority > mq->rules.priority_max)
        priority = mq->rules.priority_max;
    if (mq->levels[priority] == NULL) {
        if (mq_make_level(mq, priority, 0, &level) < 0)
            return NULL;
        mq->untold = true;
    }
    if (mq->untold && record_mq(mq) < 0)
        return NULL;
    mq->untold = false;
    return mq->levels[priority];
}

void
mq_plan(struct mq *mq, struct outgoing *out)
{
    const struct catalog_publish *publish = catalog_publish_of(out);
    if (publish != NULL && publish->automatic && dead_cycles(mq, publish->headers))
        return;
    struct mq_level *level = mq->rules.priority_max == 0 ? mq->levels[0] : level_for(mq, &out->pub.env);
    if (level == NULL) {
        out->exchange->short_of_memory = true;
        return;
    }
    length_leave(level);
    bool again = level->target.stamp == out->exchange->stamp;
    if (!again && mq->rules.reject_dlx && queue_admits(level->target.queue, &out->pub.env) == -ERR_FULL)
        dead_spurn(mq, &out->pub.env);
    exchange_add(out, &level->target, 1, false, 0);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static bool
same_name(const void *value, const void *key)
{
    return view_equal(mq_name(value), *(const struct view *)key);
}

/* Records its end and forgets it: nobody asked for that, so nobody waits for the record. */
static void
end(struct mq *mq)
{
    (void)record_mq_end(mq);
    mq_free(mq);
}

static struct mq *
look_up(const struct vhost *vhost, struct view name)
{
    return map_get(&vhost->queues, hash_bytes(name, 0), same_name, &name);
}

/* One that is ending is gone for all who ask; it is freed at the end of the turn, because a plan may be asking. */
struct mq *
mq_find(const struct vhost *vhost, struct view name)
{
    struct mq *mq = look_up(vhost, name);
    return mq == NULL || mq->ending ? NULL : mq;
}

static int
fill(struct mq *mq, const struct queue_spec *spec, struct refusal *why)
{
    struct vhost *vhost = mq->vhost;
    struct queue_spec own = *spec;
    if (spec->arguments.len > 0) {
        mq->arguments = mem_raw(mem_of(mq), spec->arguments.len);
        if (mq->arguments == NULL)
            return refuse_world(why, -ERR_NO_MEMORY);
        memcpy(mq->arguments, spec->arguments.data, spec->arguments.len);
        mq->arguments_bytes = (uint32_t)spec->arguments.len;
    }
    own.arguments = view_of(mq->arguments, mq->arguments_bytes);
    mq->policy = policy_of(vhost, spec->name, POLICY_QUEUES);
    int rc = mq_rules_parse(vhost, &own, mq->policy, &mq->rules, why);
    if (rc < 0)
        return rc;
    mq->levels = mem_new(mem_of(mq), (mq->rules.priority_max + 1u) * sizeof(*mq->levels));
    if (mq->levels == NULL || map_put(&vhost->queues, hash_bytes(spec->name, 0), mq) < 0)
        return refuse_world(why, -ERR_NO_MEMORY);
    return 0;
}

int
mq_make(struct vhost *vhost, const struct queue_spec *spec, struct mq **ret, struct refusal *why)
{
    struct mq *mq = mem_new(vhost->catalog->host->mem, sizeof(*mq) + spec->name.len);
    if (mq == NULL)
        return refuse_world(why, -ERR_NO_MEMORY);
    mq->vhost = vhost;
    mq->durable = spec->durable;
    mq->exclusive = spec->exclusive;
    mq->auto_delete = spec->auto_delete;
    mq->owner = spec->exclusive ? spec->owner : NULL;
    mq->name_bytes = (uint16_t)spec->name.len;
    memcpy(mq->name, spec->name.data, spec->name.len);
    list_init(&mq->link);
    list_init(&mq->due);
    list_init(&mq->exclusives);
    list_init(&mq->bindings);
    list_init(&mq->consumers);
    list_push(&vhost->mqs, &mq->link);
    if (mq->exclusive)
        list_push(&vhost->exclusives, &mq->exclusives);
    kept_add(vhost->catalog, &mq->kept, KEPT_MQ);
    int rc = fill(mq, spec, why);
    if (rc < 0) {
        mq_free(mq);
        return rc;
    }
    *ret = mq;
    return 0;
}

void
mq_free(struct mq *mq)
{
    struct mem *mem = mem_of(mq);
    struct list consumers;
    list_init(&consumers);
    list_splice(&consumers, &mq->consumers);
    io_timer_cut(mq->vhost->catalog->host->io, &mq->timer);
    (void)map_cut(&mq->vhost->queues, hash_bytes(mq_name(mq), 0), mq);
    list_cut(&mq->link);
    list_cut(&mq->due);
    list_cut(&mq->exclusives);
    list_cut(&mq->kept.link);
    bindings_drop(&mq->bindings);
    for (unsigned i = 0; mq->levels != NULL && i <= mq->rules.priority_max; i++)
        free_level(mq->levels[i]);
    mem_free(mem, mq->levels);
    mem_free(mem, mq->arguments);
    mem_free(mem, mq);
    mq_consumers_free(mem, &consumers);
}

/* ---- what it does by itself ------------------------------------------------------------------------------------ */

static void
on_wake(void *arg)
{
    (void)arg; /* catalog_turn() does what is due */
}

void
mq_soon(struct mq *mq)
{
    struct catalog *catalog = mq->vhost->catalog;
    /* It may be the end of the turn already, and nothing else may come. */
    if (list_empty(&catalog->due))
        (void)io_timer_set(catalog->host->io, &catalog->wake, io_now_ns(catalog->host->io), on_wake, NULL);
    if (list_empty(&mq->due))
        list_push(&catalog->due, &mq->due);
}

static uint64_t
expires_ns(const struct mq *mq)
{
    return mq->used_ns + mq->rules.expires_ms * NS_A_MS;
}

static bool
may_expire(const struct mq *mq)
{
    return mq->rules.expires_ms != 0 && mq->consumer_count == 0 && !broken(BREAK_KEEP_UNUSED);
}

static bool
expired(const struct mq *mq)
{
    return may_expire(mq) && io_now_ns(mq->vhost->catalog->host->io) >= expires_ns(mq);
}

static void
on_timer(void *arg)
{
    mq_soon(arg);
}

/* The clock runs while there is no consumer. */
static void
wind(struct mq *mq)
{
    struct io *io = mq->vhost->catalog->host->io;
    io_timer_cut(io, &mq->timer);
    if (!may_expire(mq) || mq->vhost->catalog->restoring)
        return;
    if (io_timer_set(io, &mq->timer, expires_ns(mq), on_timer, mq) < 0)
        mq_soon(mq); /* tried again at the end of this turn, and of the next one in which it is used */
}

void
mq_used(struct mq *mq)
{
    if (mq->rules.expires_ms == 0)
        return;
    mq->used_ns = io_now_ns(mq->vhost->catalog->host->io);
    wind(mq);
}

bool
mq_counts(const struct mq *mq)
{
    return mq->rules.quorum || mq->rules.limits.delivery_limit > 0;
}

void
mq_turn(struct mq *mq)
{
    if (mq->ending || expired(mq)) {
        end(mq);
        return;
    }
    if (mq->rules.expires_ms != 0 && mq->timer.node.slot == 0)
        wind(mq);
    mq_succeed(mq);
    length_keep(mq);
    if (mq->level_count > 1)
        mq_feed(mq);
}

void
mq_policy(struct mq *mq)
{
    struct queue_spec spec = { .name = mq_name(mq),
                               .durable = mq->durable,
                               .exclusive = mq->exclusive,
                               .auto_delete = mq->auto_delete,
                               .arguments = view_of(mq->arguments, mq->arguments_bytes) };
    struct refusal why;
    mq->policy = policy_of(mq->vhost, spec.name, POLICY_QUEUES);
    /* Its arguments were found good before. */
    must(mq_rules_parse(mq->vhost, &spec, mq->policy, &mq->rules, &why) == 0);
    for (unsigned i = 0; i <= mq->rules.priority_max; i++)
        if (mq->levels[i] != NULL) {
            queue_limit(mq->levels[i]->target.queue, length_of_level(mq));
            dead_own(mq->levels[i]);
        }
    mq_used(mq);
}

void
mq_restored(struct mq *mq)
{
    mq_policy(mq);
}

/* ---- declared and deleted -------------------------------------------------------------------------------------- */

/* amq.gen- and 22 characters of base64url. */
static struct view
generate(const struct vhost *vhost, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t random[GENERATED_RANDOM_BYTES];
    size_t n = strlen("amq.gen-");
    memcpy(text, "amq.gen-", n);
    io_random(vhost->catalog->host->io, random, sizeof(random));
    for (unsigned bit = 0; bit < 8 * sizeof(random); bit += 6) {
        unsigned at = bit / 8, next = at + 1 < sizeof(random) ? random[at + 1] : 0;
        text[n++] = digits[((unsigned)random[at] << 8 | next) >> (10 - bit % 8) & 63];
    }
    return view_of(text, n);
}

static int
check_name(const struct vhost *vhost, const struct queue_spec *spec, struct refusal *why)
{
    struct view name = spec->name;
    const char *type = mq_type(spec->arguments);
    if (name.len == 0 && strcmp(type, "classic") != 0)
        return refuse(why, AMQP_PRECONDITION_FAILED, "Cannot declare a server-named queue for type rabbit_%s_queue",
                      type);
    if (view_starts(name, RESERVED))
        return refuse(why, AMQP_ACCESS_REFUSED, "queue name '%.*s' contains reserved prefix 'amq.*'", VIEW_ARGS(name));
    if (name.len > AMQP_SHORTSTR_MAX)
        return refuse(why, AMQP_PRECONDITION_FAILED, "name of queue in vhost '%.*s' is longer than %d bytes",
                      VIEW_ARGS(vhost_name(vhost)), AMQP_SHORTSTR_MAX);
    return 0;
}

static int
check_room(const struct vhost *vhost, struct view name, struct refusal *why)
{
    uint32_t most = vhost->catalog->settings->queues_max;
    if (vhost->queues.count < most)
        return 0;
    return refuse(why, AMQP_PRECONDITION_FAILED,
                  "cannot declare queue '%.*s': queue limit in vhost '%.*s' (%u) is reached", VIEW_ARGS(name),
                  VIEW_ARGS(vhost_name(vhost)), most);
}

static int
declare_new(struct vhost *vhost, const struct queue_spec *spec, struct mq **ret, bool *retstored, struct refusal *why)
{
    struct mq *mq;
    struct mq_level *level;
    int rc = check_room(vhost, spec->name, why);
    if (rc == 0)
        rc = mq_make(vhost, spec, &mq, why);
    if (rc < 0)
        return rc;
    rc = mq_make_level(mq, 0, 0, &level);
    if (rc == 0)
        rc = record_mq(mq);
    if (rc < 0) {
        mq_free(mq);
        return refuse_world(why, rc);
    }
    if (retstored != NULL)
        *retstored = mq_is_kept(mq) && vhost->catalog->host->log != NULL;
    mq_used(mq);
    *ret = mq;
    return 0;
}

int
mq_declare(struct vhost *vhost, const struct queue_spec *asked, struct mq **ret, bool *retfresh, bool *retstored,
           struct refusal *why)
{
    char made[GENERATED_BYTES_MAX];
    struct queue_spec spec = *asked;
    int rc = check_name(vhost, &spec, why);
    if (rc < 0)
        return rc;
    if (spec.name.len == 0)
        spec.name = generate(vhost, made);
    struct mq *mq = look_up(vhost, spec.name);
    if (mq != NULL && mq->ending) {
        end(mq);
        mq = NULL;
    }
    if (retfresh != NULL)
        *retfresh = mq == NULL;
    if (retstored != NULL)
        *retstored = false;
    if (mq == NULL)
        return declare_new(vhost, &spec, ret, retstored, why);
    rc = mq_equivalent(mq, &spec, why);
    if (rc < 0)
        return rc;
    mq_used(mq);
    *ret = mq;
    return 0;
}

static uint64_t
sum(const struct mq *mq, uint64_t (*count)(const struct queue *queue))
{
    uint64_t n = 0;
    for (unsigned i = 0; i <= mq->rules.priority_max; i++)
        n += mq->levels[i] == NULL ? 0 : count(mq->levels[i]->target.queue);
    return n;
}

int
mq_delete(struct mq *mq, bool if_unused, bool if_empty, uint64_t *retcount, bool *retstored, struct refusal *why)
{
    uint64_t ready = sum(mq, queue_ready);
    bool wanted_unused = if_unused && mq->consumer_count > 0;
    if (wanted_unused || (if_empty && ready > 0))
        return refuse(why, AMQP_PRECONDITION_FAILED, "queue '%.*s' in vhost '%.*s' %s", VIEW_ARGS(mq_name(mq)),
                      VIEW_ARGS(vhost_name(mq->vhost)), wanted_unused ? "in use" : "not empty");
    int rc = record_mq_end(mq);
    if (rc < 0)
        return refuse_world(why, rc);
    if (retcount != NULL)
        *retcount = ready;
    if (retstored != NULL)
        *retstored = mq_is_kept(mq) && mq->vhost->catalog->host->log != NULL;
    mq_free(mq);
    return 0;
}

uint64_t
mq_purge(struct mq *mq)
{
    uint64_t n = 0;
    for (unsigned i = 0; i <= mq->rules.priority_max; i++)
        n += mq->levels[i] == NULL ? 0 : queue_purge(mq->levels[i]->target.queue);
    return n;
}

void
mq_owner_gone(struct vhost *vhost, const void *owner)
{
    /* The end of one queue may be the end of others only at the end of the turn. */
    LIST_EACH(&vhost->exclusives, l) {
        struct mq *mq = container_of(l, struct mq, exclusives);
        if (mq->owner == owner)
            end(mq);
    }
}

void
mq_facts(const struct mq *mq, struct mq_facts *ret)
{
    *ret = (struct mq_facts){
        .name = mq_name(mq),
        .vhost = vhost_name(mq->vhost),
        .arguments = view_of(mq->arguments, mq->arguments_bytes),
        .durable = mq->durable,
        .exclusive = mq->exclusive,
        .auto_delete = mq->auto_delete,
        .stream = mq->rules.stream,
        .single_active = mq->rules.single_active,
        .spurns = mq->rules.reject_dlx,
        .owner = mq->owner,
        .ready = sum(mq, queue_ready),
        .unacked = sum(mq, queue_flight),
        .ready_bytes = sum(mq, queue_ready_bytes),
        .consumers = mq->consumer_count,
        .tier = mq->rules.tier,
        .policy = mq->policy == NULL ? view_of(NULL, 0) : mq->policy->name,
        .priorities = mq->rules.priority_max,
    };
}
