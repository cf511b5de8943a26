#include "catalog/mq_rig.h"

#include "queue/record.h"

/* ---- the machine ------------------------------------------------------------------------------------------------- */

static int
replay_publish(struct rig *rig, unsigned kind, uint64_t position, struct view record)
{
    struct record_publish publish;
    struct record_target target;
    struct envelope env;
    int rc = record_publish_parse(record, &publish, &env);
    while (rc == 0 && record_target_next(&publish, &target)) {
        struct queue *queue = catalog_queue(rig->catalog, target.queue);
        uint32_t bytes = (uint32_t)record.len;
        if (queue != NULL && kind == RECORD_MOVE)
            rc = queue_restore_move(queue, target.seq, position, bytes);
        else if (queue != NULL)
            rc = queue_restore(queue, target.seq, position, bytes, &env, entry_meta_unpack(target.meta));
    }
    return rc;
}

static int
on_replay(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct rig *rig = arg;
    struct cursor c = cursor_of(record);
    if (kind >= RECORD_VHOST && kind <= RECORD_POLICY_END)
        return catalog_restore(rig->catalog, kind, record);
    if (kind == RECORD_PUBLISH || kind == RECORD_MOVE)
        return replay_publish(rig, kind, position, record);
    struct queue *queue = catalog_queue(rig->catalog, take_u32(&c));
    uint64_t seq = take_u64(&c);
    if (queue == NULL)
        return 0;
    switch (kind) {
    case RECORD_SETTLE: return queue_restore_settle(queue, seq, take_u32(&c));
    case RECORD_RETURN: return queue_restore_return(queue, seq, take_u32(&c));
    case RECORD_DELIVERED: queue_restore_delivered(queue, seq); return 0;
    default: return -ERR_FORMAT;
    }
}

static void
on_committed(void *arg, uint64_t position)
{
    (void)arg, (void)position;
}
static void
on_note(void *arg, int severity, const char *line)
{
    (void)arg, (void)severity, (void)line;
}
static void
on_pressed(void *arg, bool is_short)
{
    (void)arg, (void)is_short;
}
static uint32_t
on_new_id(struct catalog_host *host)
{
    return ++container_of(host, struct rig, host)->last_id;
}
static void
on_seen_id(struct catalog_host *host, uint32_t id)
{
    struct rig *rig = container_of(host, struct rig, host);
    rig->last_id = id > rig->last_id ? id : rig->last_id;
}
static int
on_publish(struct catalog_host *host, struct outgoing *out)
{
    struct rig *rig = container_of(host, struct rig, host);
    int rc = exchange_publish(&rig->exchange, out);
    rig->refused += rc < 0;
    return rc;
}
static void
on_topic_bound(struct catalog_host *host, struct view filter, bool any)
{
    (void)host, (void)filter, (void)any;
}
static void
on_say(struct catalog_host *host, int severity, const char *event, const char *text)
{
    (void)host, (void)severity, (void)event, (void)text;
}
static void
on_due(void *arg, uint64_t id, const struct envelope *env)
{
    assert_true(catalog_due(((struct rig *)arg)->catalog, id, env));
}

static void
end_turn(void *arg)
{
    struct rig *rig = arg;
    catalog_turn(rig->catalog);
    queue_host_turn(&rig->queues);
    if (rig->log != NULL)
        log_flush(rig->log);
}

static int
make_rooms(struct rig *rig)
{
    queue_host_init(&rig->queues, &rig->mem, rig->io, rig->log);
    int rc = route_new(&rig->mem, &rig->route);
    exchange_init(&rig->exchange, &rig->mem, rig->route, &rig->queues);
    if (rc == 0)
        rc = delayed_new(&rig->mem, rig->io, rig->log, on_due, rig, &rig->delayed);
    rig->host = (struct catalog_host){ .mem = &rig->mem,
                                       .io = rig->io,
                                       .log = rig->log,
                                       .route = rig->route,
                                       .queues = &rig->queues,
                                       .delayed = rig->delayed,
                                       .new_id = on_new_id,
                                       .seen_id = on_seen_id,
                                       .publish = on_publish,
                                       .topic_bound = on_topic_bound,
                                       .say = on_say };
    return rc < 0 ? rc : catalog_new(&rig->host, &rig->settings, &rig->catalog);
}

static int
on_start(void *arg, struct io *io)
{
    struct rig *rig = arg;
    struct log_owner owner = {
        .arg = rig, .committed = on_committed, .replay = on_replay, .note = on_note, .pressed = on_pressed
    };
    struct log_config config = {
        .dir = "log", .tier = TIER_SYNCED, .segment_bytes = 256 * 1024, .batch_bytes_max = 1 << 20
    };
    rig->io = io;
    int rc = rig->durable ? log_new(io, &config, &owner, &rig->log) : 0;
    if (rc == 0)
        rc = make_rooms(rig);
    if (rc == 0 && rig->durable)
        rc = log_open(rig->log, &rig->report);
    if (rc == 0)
        rc = delayed_start(rig->delayed);
    if (rc == 0)
        rc = catalog_restored(rig->catalog);
    rig->vhost = catalog_vhost(rig->catalog, view_str("/"));
    if (rc == 0 && rig->vhost == NULL)
        rc = catalog_vhost_new(rig->catalog, view_str("/"), true, &rig->vhost);
    rig->opened = rc;
    rig->up = true;
    io_on_turn(io, end_turn, rig);
    return 0;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct rig *rig = arg;
    (void)how;
    rig->up = false;
    catalog_free(rig->catalog);
    delayed_free(rig->delayed);
    exchange_fini(&rig->exchange);
    route_free(rig->route);
    queue_host_fini(&rig->queues);
    log_free(rig->log);
    rig->log = NULL;
    assert_int_equal(rig->queues.entries, 0);
}

static bool
is_up(void *arg)
{
    return ((struct rig *)arg)->up;
}

static void
boot(struct rig *rig)
{
    sim_boot(rig->machine);
    assert_true(sim_run_until(rig->sim, is_up, rig, 60 * SIM_NS_A_S));
    assert_int_equal(rig->opened, 0);
}

struct rig *
rig_new(bool durable)
{
    struct rig *rig = test_calloc(1, sizeof(*rig));
    struct sim_program program = { .start = on_start, .died = on_died, .arg = rig, .mem = &rig->mem };
    rig->durable = durable;
    rig->settings = (struct catalog_settings){ .queues_max = 20000, .exchanges_max = 100, .bindings_max = 100 };
    rig->settings.queue = (struct queue_limits){
        .count_max = UINT64_MAX, .bytes_max = UINT64_MAX, .overflow = QUEUE_REJECT, .ttl_ms = UINT64_MAX
    };
    assert_int_equal(sim_new(&rig->world, 1, NULL, &rig->sim), 0);
    assert_int_equal(sim_machine_new(rig->sim, "n1", &program, &rig->machine), 0);
    boot(rig);
    return rig;
}

void
rig_free(struct rig *rig)
{
    sim_free(rig->sim);
    assert_int_equal(rig->mem.used_bytes, 0);
    assert_int_equal(rig->world.used_bytes, 0);
    test_free(rig);
}

void
rig_restart(struct rig *rig)
{
    rig_pass(rig, 20);
    sim_power_cut(rig->machine);
    boot(rig);
}

void
rig_pass(struct rig *rig, unsigned ms)
{
    end_turn(rig);
    for (unsigned i = 0; i < ms; i++)
        sim_run_for(rig->sim, SIM_NS_A_MS);
}

/* ---- declarations ------------------------------------------------------------------------------------------------ */

struct view
rig_table(struct rig *rig, const char *text)
{
    struct pen p = pen_of(rig->table, sizeof(rig->table));
    char key[64], type, value[128];
    int used;
    while (text != NULL && sscanf(text, " %63s %c %127[^;]%n", key, &type, value, &used) == 3) {
        struct amqp_value v = { .type = type };
        uint8_t item[160];
        struct pen list = pen_of(item, sizeof(item));
        if (type == 'S' || type == 'A')
            v.bytes = view_str(strcmp(value, "''") == 0 ? "" : value);
        if (type == 'A') {
            amqp_put_item(&list, &(struct amqp_value){ .type = 'S', .bytes = v.bytes });
            v.bytes = view_of(item, (size_t)(list.at - item));
        } else if (type == 't')
            v.boolean = value[0] == '1';
        else if (type != 'S')
            v.number = strtoll(value, NULL, 10);
        amqp_put_value(&p, view_str(key), &v);
        text += used;
        text += *text == ';';
    }
    assert_false(p.torn);
    return view_of(rig->table, (size_t)(p.at - rig->table));
}

struct mq *
rig_declare(struct rig *rig, const char *name, unsigned flags, const char *arguments)
{
    struct queue_spec spec = { .name = view_str(name),
                               .durable = flags & DURABLE,
                               .exclusive = flags & EXCLUSIVE,
                               .auto_delete = flags & AUTO_DELETE,
                               .arguments = rig_table(rig, arguments),
                               .owner = rig };
    struct mq *mq = NULL;
    bool fresh, stored;
    int rc = mq_declare(rig->vhost, &spec, &mq, &fresh, &stored, &rig->why);
    assert_true(rc == 0 || rc == -ERR_REFUSED);
    return rc < 0 ? NULL : mq;
}

struct mq *
rig_queue(struct rig *rig, const char *name)
{
    return mq_find(rig->vhost, view_str(name));
}

uint64_t
rig_ready(struct rig *rig, const char *name)
{
    struct mq_facts facts;
    struct mq *mq = rig_queue(rig, name);
    assert_non_null(mq);
    mq_facts(mq, &facts);
    return facts.ready;
}

/* ---- publishing -------------------------------------------------------------------------------------------------- */

int
rig_send(struct rig *rig, const char *queue, const char *body, const struct letter_head *head)
{
    uint8_t bytes[1024];
    char expiration[16];
    struct pen p = pen_of(bytes, sizeof(bytes));
    struct amqp_properties props = { .present = 1 << AMQP_DELIVERY_MODE, .delivery_mode = 2 };
    struct catalog_publish publish = { 0 };
    catalog_publish_init(&publish, rig->vhost, xchg_find(rig->vhost, view_str("")));
    struct envelope *env = &publish.out.pub.env;
    *env = (struct envelope){ .topic = view_str(queue),
                              .body = view_str(body),
                              .published_ms = io_wall_ms(rig->io),
                              .encoding = ENCODING_AMQP091,
                              .qos = 1 };
    if (head->priority >= 0) {
        props.present |= 1 << AMQP_PRIORITY;
        props.priority = (uint8_t)head->priority;
    }
    if (head->expiration_ms >= 0) {
        (void)snprintf(expiration, sizeof(expiration), "%d", head->expiration_ms);
        props.present |= 1 << AMQP_EXPIRATION;
        props.expiration = view_str(expiration);
        env->expires_ms = env->published_ms + (uint64_t)head->expiration_ms;
    }
    if (head->headers != NULL) {
        props.present |= 1 << AMQP_HEADERS;
        props.headers = publish.headers = rig_table(rig, head->headers);
    }
    put_u8(&p, 0);
    amqp_properties_put(&p, &props);
    env->props = view_of(bytes, (size_t)(p.at - bytes));
    return exchange_publish(&rig->exchange, &publish.out);
}

int
rig_put(struct rig *rig, const char *queue, const char *body)
{
    return rig_send(rig, queue, body, &(struct letter_head){ .priority = -1, .expiration_ms = -1 });
}

/* ---- consuming --------------------------------------------------------------------------------------------------- */

static void
say(char *text, size_t room, const char *format, ...)
{
    size_t n = strlen(text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + n, room - n, format, args);
    va_end(args);
}

static struct view
text_of(struct view table, const char *key)
{
    struct amqp_value v;
    return amqp_table_find(table, key, &v) && v.type == 'S' ? v.bytes : view_str("-");
}

static void
tell_death(struct eater *e, struct view death)
{
    struct amqp_value v, key;
    int64_t count = 0;
    if (amqp_table_find(death, "count", &v))
        assert_true(amqp_value_integer(&v, &count));
    say(e->deaths, sizeof(e->deaths), "%s%.*s/%.*s/%lld/%.*s/", e->deaths[0] == 0 ? "" : " ",
        VIEW_ARGS(text_of(death, "queue")), VIEW_ARGS(text_of(death, "reason")), (long long)count,
        VIEW_ARGS(text_of(death, "exchange")));
    assert_true(amqp_table_find(death, "routing-keys", &v) && v.type == 'A');
    for (struct cursor c = cursor_of(v.bytes); amqp_array_next(&c, &key);)
        say(e->deaths, sizeof(e->deaths), "%.*s", VIEW_ARGS(key.bytes));
    if (amqp_table_find(death, "original-expiration", &v))
        say(e->deaths, sizeof(e->deaths), "/%.*s", VIEW_ARGS(v.bytes));
    assert_true(amqp_table_find(death, "time", &v) && v.type == 'T');
}

static void
tell_headers(struct eater *e, struct view headers)
{
    struct amqp_value v, death;
    struct view key;
    e->deaths[0] = e->headers[0] = 0;
    for (struct cursor c = cursor_of(headers); amqp_table_next(&c, &key, &v);)
        if (v.type == 'S')
            say(e->headers, sizeof(e->headers), "%.*s=%.*s ", VIEW_ARGS(key), VIEW_ARGS(v.bytes));
    if (amqp_table_find(headers, "x-death", &v))
        for (struct cursor c = cursor_of(v.bytes); amqp_array_next(&c, &death);)
            tell_death(e, death.bytes);
}

static void
on_deliver(struct mq_consumer *consumer, struct link *link, uint64_t seq, struct publication *pub,
           struct entry_meta meta, bool redelivered)
{
    struct eater *e = container_of(consumer, struct eater, consumer);
    struct view exchange;
    (void)meta;
    e->count++;
    e->link = link;
    e->seq = seq;
    say(e->bodies, sizeof(e->bodies), "%s%.*s%s", e->bodies[0] == 0 ? "" : " ", VIEW_ARGS(pub->env.body),
        redelivered ? "!" : "");
    assert_true(envelope_properties(&pub->env, &exchange, &e->props));
    tell_headers(e, e->props.headers);
    switch (e->manner) {
    case HOLDS: break;
    case ACCEPTS: assert_true(link_accept(link, seq, true)); break;
    case REJECTS: assert_true(link_reject(link, seq)); break;
    case RETURNS: assert_true(link_return(link, seq)); break;
    }
}

static void
on_revoked(struct mq_consumer *consumer, struct link *link, uint64_t seq)
{
    (void)consumer, (void)link, (void)seq;
    fail_msg("revoked");
}

static void
on_cancelled(struct mq_consumer *consumer)
{
    container_of(consumer, struct eater, consumer)->cancelled = true;
}

static const struct mq_consumer_ops ops = { .deliver = on_deliver, .revoked = on_revoked, .cancelled = on_cancelled };

int
rig_attach(struct rig *rig, struct eater *eater, const char *queue, enum manner manner, const char *arguments)
{
    eater->rig = rig;
    eater->manner = manner;
    eater->consumer.ops = &ops;
    struct mq *mq = rig_queue(rig, queue);
    assert_non_null(mq);
    return mq_attach(mq, &eater->consumer, rig_table(rig, arguments), &rig->why);
}

void
rig_stop(struct eater *eater)
{
    mq_detach(&eater->consumer);
}
