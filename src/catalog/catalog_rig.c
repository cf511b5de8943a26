#include "catalog/catalog_rig.h"

#include "queue/record.h"

enum { TABLE_ROOM = 4096, BOOT_S = 60, SETTLE_MS = 200 };

/* ---- the shard's rooms ----------------------------------------------------------------------------------------- */

static struct catalog_rig *
rig_of(struct catalog_host *host)
{
    return container_of(host, struct catalog_rig, host);
}

static uint32_t
on_new_id(struct catalog_host *host)
{
    return rig_of(host)->next_id++;
}

static void
on_seen_id(struct catalog_host *host, uint32_t id)
{
    struct catalog_rig *rig = rig_of(host);
    rig->next_id = id >= rig->next_id ? id + 1 : rig->next_id;
}

static int
on_publish(struct catalog_host *host, struct outgoing *out)
{
    return exchange_publish(&rig_of(host)->exchange, out);
}

static void
on_topic_bound(struct catalog_host *host, struct view filter, bool any)
{
    struct catalog_rig *rig = rig_of(host);
    size_t n = strlen(rig->bound);
    if (rig->bound_calls++ < 64)
        snprintf(rig->bound + n, sizeof(rig->bound) - n, "%c%.*s ", any ? '+' : '-', VIEW_ARGS(filter));
}

static void
on_say(struct catalog_host *host, int severity, const char *event, const char *text)
{
    (void)severity;
    sim_note(rig_of(host)->sim, "%s: %s", event, text);
}

static void
on_due(void *arg, uint64_t id, const struct envelope *env)
{
    struct catalog_rig *rig = arg;
    assert_true(catalog_due(rig->catalog, id, env));
}

static void
open_rooms(struct catalog_rig *rig)
{
    rig->next_id = 1;
    assert_int_equal(route_new(&rig->mem, &rig->route), 0);
    queue_host_init(&rig->queues, &rig->mem, rig->io, rig->log);
    exchange_init(&rig->exchange, &rig->mem, rig->route, &rig->queues);
    assert_int_equal(delayed_new(&rig->mem, rig->io, rig->log, on_due, rig, &rig->delayed), 0);
    rig->host = (struct catalog_host){
        .mem = &rig->mem,
        .io = rig->io,
        .log = rig->log,
        .route = rig->route,
        .queues = &rig->queues,
        .delayed = rig->delayed,
        .new_id = on_new_id,
        .seen_id = on_seen_id,
        .publish = on_publish,
        .topic_bound = on_topic_bound,
        .say = on_say,
    };
    assert_int_equal(catalog_new(&rig->host, &rig->settings, &rig->catalog), 0);
}

static int
restore_publish(struct catalog_rig *rig, uint64_t position, struct view record)
{
    struct record_publish publish;
    struct record_target target;
    struct envelope env;
    int rc = record_publish_parse(record, &publish, &env);
    while (rc == 0 && record_target_next(&publish, &target)) {
        struct queue *queue = catalog_queue(rig->catalog, target.queue);
        if (queue != NULL)
            rc = queue_restore(queue, target.seq, position, (uint32_t)record.len, &env, entry_meta_unpack(target.meta));
    }
    return rc;
}

static int
restore_queue(struct catalog_rig *rig, unsigned kind, struct view record)
{
    struct cursor c = cursor_of(record);
    struct queue *queue = catalog_queue(rig->catalog, take_u32(&c));
    if (queue == NULL)
        return 0;
    if (kind == RECORD_QUEUE)
        return queue_restore_pages(queue, record);
    uint64_t seq = take_u64(&c);
    return kind == RECORD_SETTLE ? queue_restore_settle(queue, seq, take_u32(&c)) : 0;
}

static int
on_replay(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct catalog_rig *rig = arg;
    if (kind == RECORD_DELAY || kind == RECORD_DELAY_END)
        return delayed_restore(rig->delayed, kind, record);
    if (kind == RECORD_PUBLISH)
        return restore_publish(rig, position, record);
    return kind < RECORD_VHOST ? restore_queue(rig, kind, record) : catalog_restore(rig->catalog, kind, record);
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
on_pressed(void *arg, bool short_of_room)
{
    (void)arg, (void)short_of_room;
}

static void
on_turn(void *arg)
{
    struct catalog_rig *rig = arg;
    if (!rig->up)
        return;
    catalog_turn(rig->catalog);
    queue_host_turn(&rig->queues);
    if (rig->log != NULL)
        log_flush(rig->log);
}

/* As the shard: "/" is there from the first start on. */
static void
begin(struct catalog_rig *rig)
{
    assert_int_equal(delayed_start(rig->delayed), 0);
    rig->vhost = catalog_vhost(rig->catalog, view_str("/"));
    if (rig->vhost == NULL)
        assert_int_equal(catalog_vhost_new(rig->catalog, view_str("/"), true, &rig->vhost), 0);
    assert_int_equal(catalog_restored(rig->catalog), 0);
}

static int
on_start(void *arg, struct io *io)
{
    struct catalog_rig *rig = arg;
    struct log_owner owner = {
        .arg = rig, .committed = on_committed, .replay = on_replay, .note = on_note, .pressed = on_pressed
    };
    rig->io = io;
    rig->opened = rig->durable ? log_new(io, &rig->config, &owner, &rig->log) : 0;
    open_rooms(rig);
    if (rig->opened == 0 && rig->durable)
        rig->opened = log_open(rig->log, &rig->report);
    if (rig->opened == 0)
        begin(rig);
    rig->up = true;
    io_on_turn(io, on_turn, rig);
    return 0;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct catalog_rig *rig = arg;
    (void)how;
    rig->up = false;
    catalog_free(rig->catalog);
    delayed_free(rig->delayed);
    exchange_fini(&rig->exchange);
    queue_host_fini(&rig->queues);
    route_free(rig->route);
    log_free(rig->log);
    rig->log = NULL;
}

static bool
is_up(void *arg)
{
    return ((struct catalog_rig *)arg)->up;
}

static void
boot(struct catalog_rig *rig)
{
    sim_boot(rig->machine);
    assert_true(sim_run_until(rig->sim, is_up, rig, BOOT_S * SIM_NS_A_S));
    assert_int_equal(rig->opened, 0);
}

struct catalog_rig *
catalog_rig_new(bool durable)
{
    struct catalog_rig *rig = test_calloc(1, sizeof(*rig));
    rig->durable = durable;
    rig->settings = (struct catalog_settings){
        .queues_max = 1000,
        .exchanges_max = 1000,
        .bindings_max = 100000,
        .queue = {.count_max = UINT64_MAX, .bytes_max = UINT64_MAX, .ttl_ms = UINT64_MAX},
    };
    rig->config = (struct log_config){
        .dir = "log", .tier = TIER_SYNCED, .segment_bytes = 256 * 1024, .batch_bytes_max = 1 << 20
    };
    assert_int_equal(sim_new(&rig->world, 1, NULL, &rig->sim), 0);
    struct sim_program program = { .start = on_start, .died = on_died, .arg = rig, .mem = &rig->mem };
    assert_int_equal(sim_machine_new(rig->sim, "n1", &program, &rig->machine), 0);
    boot(rig);
    return rig;
}

void
catalog_rig_free(struct catalog_rig *rig)
{
    sim_free(rig->sim);
    assert_int_equal(rig->mem.used_bytes, 0);
    assert_int_equal(rig->world.used_bytes, 0);
    test_free(rig);
}

void
catalog_rig_pass(struct catalog_rig *rig, uint64_t ms)
{
    sim_run_for(rig->sim, ms * SIM_NS_A_MS);
}

void
catalog_rig_settle(struct catalog_rig *rig)
{
    on_turn(rig);
    catalog_rig_pass(rig, SETTLE_MS);
}

void
catalog_rig_restart(struct catalog_rig *rig)
{
    catalog_rig_settle(rig);
    sim_power_cut(rig->machine);
    rig->bound[0] = '\0';
    boot(rig);
}

static void
on_checkpointed(void *arg, int rc)
{
    ((struct catalog_rig *)arg)->checkpointed = rc == 0;
}

void
catalog_rig_checkpoint(struct catalog_rig *rig, unsigned most)
{
    uint64_t at = 0;
    int rc;
    rig->checkpointed = false;
    catalog_rig_settle(rig);
    assert_true(log_checkpoint_begin(rig->log) != 0);
    do
        rc = catalog_checkpoint(rig->catalog, &at, most);
    while (rc == 1);
    assert_int_equal(rc, 0);
    assert_int_equal(delayed_checkpoint(rig->delayed), 0);
    log_checkpoint_end(rig->log, on_checkpointed, rig);
    catalog_rig_pass(rig, SETTLE_MS);
    assert_true(rig->checkpointed);
}

/* ---- declared --------------------------------------------------------------------------------------------------- */

/* A table out of JSON; the room is the caller's. */
static struct view
table(const char *json, uint8_t *room)
{
    struct mem mem = { 0 };
    json_t *object = json_loads(json == NULL ? "{}" : json, 0, NULL);
    uint8_t *bytes;
    size_t len;
    assert_non_null(object);
    assert_int_equal(field_table(&mem, object, &bytes, &len), 0);
    json_decref(object);
    assert_true(len <= TABLE_ROOM);
    if (len > 0)
        memcpy(room, bytes, len);
    mem_free(&mem, bytes);
    return view_of(room, len);
}

static bool
has_flag(const char *flags, char flag)
{
    return strchr(flags, flag) != NULL;
}

int
rig_exchange(struct catalog_rig *rig, const char *name, const char *type, const char *flags, const char *arguments)
{
    uint8_t room[TABLE_ROOM];
    struct exchange_spec spec = {
        .name = view_str(name),
        .type = view_str(type),
        .durable = has_flag(flags, 'd'),
        .auto_delete = has_flag(flags, 'a'),
        .internal = has_flag(flags, 'i'),
        .arguments = table(arguments, room),
    };
    return xchg_declare(rig->vhost, &spec, NULL, &rig->why);
}

int
rig_queue(struct catalog_rig *rig, const char *name, const char *flags, const char *arguments)
{
    uint8_t room[TABLE_ROOM];
    struct mq *mq;
    struct queue_spec spec = {
        .name = view_str(name),
        .durable = has_flag(flags, 'd'),
        .auto_delete = has_flag(flags, 'a'),
        .exclusive = has_flag(flags, 'x'),
        .arguments = table(arguments, room),
        .owner = rig,
    };
    return mq_declare(rig->vhost, &spec, &mq, NULL, NULL, &rig->why);
}

static struct binding_spec
binding_of(const char *source, const char *destination, const char *key, const char *arguments, uint8_t *room)
{
    bool to_xchg = destination[0] == '>';
    return (struct binding_spec){ .source = view_str(source),
                                  .destination = view_str(destination + to_xchg),
                                  .key = view_str(key),
                                  .arguments = table(arguments, room),
                                  .kind = to_xchg ? BIND_XCHG : BIND_QUEUE };
}

int
rig_bind(struct catalog_rig *rig, const char *source, const char *destination, const char *key, const char *arguments)
{
    uint8_t room[TABLE_ROOM];
    struct binding_spec spec = binding_of(source, destination, key, arguments, room);
    return binding_add(rig->vhost, &spec, NULL, &rig->why);
}

int
rig_unbind(struct catalog_rig *rig, const char *source, const char *destination, const char *key, const char *arguments)
{
    uint8_t room[TABLE_ROOM];
    struct binding_spec spec = binding_of(source, destination, key, arguments, room);
    return binding_cut(rig->vhost, &spec, NULL, &rig->why);
}

int
rig_exchange_delete(struct catalog_rig *rig, const char *name, bool if_unused)
{
    return xchg_delete(rig->vhost, view_str(name), if_unused, NULL, &rig->why);
}

void
rig_queue_delete(struct catalog_rig *rig, const char *name)
{
    struct mq *mq = mq_find(rig->vhost, view_str(name));
    assert_non_null(mq);
    assert_int_equal(mq_delete(mq, false, false, NULL, NULL, &rig->why), 0);
}

/* ---- published --------------------------------------------------------------------------------------------------- */

int
rig_publish(struct catalog_rig *rig, const char *exchange, const char *key, const char *headers)
{
    uint8_t room[TABLE_ROOM], container[2 * TABLE_ROOM];
    struct pen pen = pen_of(container, sizeof(container));
    struct amqp_properties props = { .present = 1 << AMQP_DELIVERY_MODE, .delivery_mode = 2 };
    struct xchg *x = xchg_find(rig->vhost, view_str(exchange));
    struct catalog_publish publish;
    assert_non_null(x);
    catalog_publish_init(&publish, rig->vhost, x);
    if (headers != NULL) {
        props.present |= 1 << AMQP_HEADERS;
        props.headers = publish.headers = table(headers, room);
    }
    put_u8(&pen, (uint8_t)strlen(exchange));
    put_bytes(&pen, view_str(exchange));
    amqp_properties_put(&pen, &props);
    assert_false(pen.torn);
    publish.out.pub.env = (struct envelope){ .topic = view_str(key),
                                             .props = view_of(container, (size_t)(pen.at - container)),
                                             .body = view_str("body"),
                                             .published_ms = io_wall_ms(rig->io),
                                             .encoding = ENCODING_AMQP091,
                                             .qos = 1 };
    return exchange_publish(&rig->exchange, &publish.out);
}

int
rig_publish_mqtt(struct catalog_rig *rig, const char *topic)
{
    struct outgoing out = {
        .pub.env = {.topic = view_str(topic), .body = view_str("body"), .qos = 1}
    };
    out.pub.env.published_ms = io_wall_ms(rig->io);
    return exchange_publish(&rig->exchange, &out);
}

const char *
rig_got(struct catalog_rig *rig)
{
    struct mq_facts facts;
    size_t n = 0;
    rig->text[0] = '\0';
    LIST_EACH(&rig->vhost->mqs, l) {
        struct mq *mq = container_of(l, struct mq, link);
        mq_facts(mq, &facts);
        if (facts.ready > 0)
            n += (size_t)snprintf(rig->text + n, sizeof(rig->text) - n, "%.*s ", VIEW_ARGS(facts.name));
        assert_true(facts.ready <= 1); /* one copy, however many ways there are */
        (void)mq_purge(mq);
    }
    return rig->text;
}

const char *
rig_route(struct catalog_rig *rig, const char *exchange, const char *key, const char *headers)
{
    assert_int_equal(rig_publish(rig, exchange, key, headers), 0);
    return rig_got(rig);
}

const char *
rig_json(struct catalog_rig *rig, json_t *json)
{
    assert_non_null(json);
    size_t n = json_dumpb(json, rig->text, sizeof(rig->text) - 1, JSON_COMPACT | JSON_SORT_KEYS);
    assert_true(n < sizeof(rig->text));
    rig->text[n] = '\0';
    json_decref(json);
    return rig->text;
}
