#include "node/node.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "node/sys.h"
#include "shard/lane.h"

/* One shard with its loop, thread and its own copy of the settings: a reload changes each copy on its shard's thread.
 */
struct seat {
    struct node *node;
    struct mem own_mem;
    struct io *io;
    struct io_thread *thread;
    struct shard *shard;
    struct shard_settings settings;
};

struct node {
    struct mem *mem;
    struct io *io;
    struct node_owner owner;
    struct settings settings;
    unsigned shards, listeners;
    struct io_address bound[LISTENERS_MAX];
    struct lanes *lanes;
    struct seat *seats;
    struct sys sys;
    int64_t lock;
    bool locked, stopping;
};

/* ---- settings for shards ----------------------------------------------------------------------------------- */

static uint32_t
share_of(uint64_t all, unsigned shards)
{
    uint64_t part = (all + shards - 1) / shards;
    return part > UINT32_MAX ? UINT32_MAX : (uint32_t)part;
}

static struct mqtt_settings
mqtt_settings_of(const struct settings *s, unsigned shards)
{
    return (struct mqtt_settings){
        .packet_bytes_max = (uint32_t)s->packet_bytes_max,
        .topic_alias_max = (uint32_t)s->topic_alias_max,
        .receive_max = (uint32_t)s->receive_max,
        .inflight_max = (uint32_t)s->inflight_max,
        .keepalive_s_max = (uint32_t)s->keepalive_s_max,
        .connect_s_max = (uint32_t)s->connect_s_max,
        .subscriptions_max = (uint32_t)s->subscriptions_max,
        .topic_levels_max = (uint32_t)s->topic_levels_max,
        .client_id_bytes_max = (uint32_t)s->client_id_bytes_max,
        .session_expiry_s_max = (uint32_t)s->session_expiry_s_max,
        .connections_max = share_of(s->connections_max, shards),
        .outbox_bytes_max = s->outbox_bytes_max,
        .queue = {.count_max = s->queue_count_max,
                  .bytes_max = s->queue_bytes_max,
                  .overflow = s->queue_overflow,
                  .ttl_ms = UINT64_MAX},
        .retain_available = s->retain_available,
        .allow_anonymous = true,
    };
}

static struct amqp_settings
amqp_settings_of(const struct settings *s, unsigned shards)
{
    return (struct amqp_settings){
        .channel_max = (uint16_t)s->channel_max,
        .heartbeat_s = (uint16_t)s->heartbeat_s,
        .frame_max = (uint32_t)s->frame_bytes_max,
        .consumers_max = (uint32_t)s->consumers_max,
        .connections_max = share_of(s->connections_max, shards),
        .connect_s_max = (uint32_t)s->connect_s_max,
        .message_bytes_max = s->message_bytes_max,
        .outbox_bytes_max = s->outbox_bytes_max,
        .allow_anonymous = true,
    };
}

static struct zmtp_settings
zmtp_settings_of(const struct settings *s)
{
    return (struct zmtp_settings){
        .message_bytes_max = s->message_bytes_max,
        .outbox_bytes_max = s->outbox_bytes_max,
        .subscriptions_max = (uint32_t)s->subscriptions_max,
        .connect_s_max = (uint32_t)s->connect_s_max,
        .heartbeat_s = (uint32_t)s->zmtp_heartbeat_s,
        .prefetch = (uint32_t)s->zmtp_prefetch,
        .allow_anonymous = true,
        .served = s->zmtp,
    };
}

/* A queue that is full refuses what is published to it, unless its arguments or policy say otherwise. */
static struct catalog_settings
catalog_settings_of(const struct settings *s)
{
    return (struct catalog_settings){
        .queues_max = (uint32_t)s->queues_max,
        .exchanges_max = (uint32_t)s->exchanges_max,
        .bindings_max = (uint32_t)s->bindings_max,
        .queue = {.count_max = s->queue_count_max,
                  .bytes_max = s->queue_bytes_max,
                  .overflow = QUEUE_REJECT,
                  .ttl_ms = UINT64_MAX},
    };
}

static void
copy_settings(struct seat *seat)
{
    const struct node *node = seat->node;
    const struct settings *s = &node->settings;
    seat->settings = (struct shard_settings){
        .data_dir = s->tier == TIER_MEMORY ? NULL : s->data,
        .tier = s->tier,
        .segment_bytes = s->segment_bytes,
        .disk_free_bytes_min = s->disk_free_bytes_min,
        .log_batch_bytes_max = s->log_batch_bytes_max,
        .checkpoint_bytes = s->checkpoint_bytes,
        .compact_percent = (uint32_t)s->compact_percent,
        .sys_interval_s = (uint32_t)s->sys_interval_s,
        .mqtt = mqtt_settings_of(s, node->shards),
        .amqp = amqp_settings_of(s, node->shards),
        .zmtp = zmtp_settings_of(s),
        .catalog = catalog_settings_of(s),
    };
}

static void
renew_settings(struct seat *seat)
{
    copy_settings(seat);
    shard_settings_changed(seat->shard);
}

/* ---- what shards say ---------------------------------------------------------------------------------------- */

static void
on_say(void *arg, unsigned shard, enum severity severity, const char *event, const char *text)
{
    struct node *node = arg;
    struct line line = {
        .wall_ms = io_wall_ms(node->seats[shard].io), .severity = severity, .shard = shard, .event = event, .text = text
    };
    if (severity >= node->settings.log_level)
        node->owner.say(node->owner.arg, &line);
}

static void
say(struct node *node, enum severity severity, const char *event, const char *text)
{
    on_say(node, 0, severity, event, text);
}

static void
on_seat_stopped(void *arg)
{
    struct seat *seat = arg;
    io_stop(seat->io);
}

static void
on_told(void *arg, unsigned shard, enum shard_word word)
{
    struct node *node = arg;
    struct seat *seat = &node->seats[shard];
    if (word == SHARD_RELOAD)
        renew_settings(seat);
    else
        shard_stop(seat->shard, on_seat_stopped, seat);
}

/* ---- made --------------------------------------------------------------------------------------------------- */

static int
make_seat(struct node *node, unsigned i)
{
    struct seat *seat = &node->seats[i];
    const struct shard_owner owner = { .arg = node, .told = on_told, .say = on_say };
    seat->node = node;
    seat->io = node->io;
    seat->own_mem.bytes_max = node->settings.node_memory_bytes_max / node->shards;
    if (i == 0) {
        node->mem->bytes_max = seat->own_mem.bytes_max; /* shard 0 counts against its owner's */
    } else {
        int rc = io_sibling(node->io, &seat->own_mem, &seat->io);
        if (rc < 0) {
            seat->io = NULL;
            return rc;
        }
    }
    copy_settings(seat);
    return shard_new(seat->io, i, node->lanes, &seat->settings, &owner, &seat->shard);
}

/* How many shards the data directory was made with; 0: it is new.  Sessions are spread by a hash modulo this number, so
 * it stays. */
static unsigned
recorded_shards(struct node *node, const char *path)
{
    char text[64] = { 0 };
    unsigned shards = 0;
    struct io_job job = { .op = IO_OPEN, .path = path, .flags = IO_FLAG_READ_ONLY };
    if (io_now(node->io, &job) < 0)
        return 0;
    job.op = IO_READ;
    job.into = (uint8_t *)text;
    job.len = sizeof(text) - 1;
    if (io_now(node->io, &job) > 0)
        sscanf(text, "shards %u", &shards);
    job.op = IO_CLOSE;
    (void)io_now(node->io, &job);
    return shards;
}

static int64_t
record_shards(struct node *node, const char *path)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "shards %u\n", node->shards);
    struct io_job job = { .op = IO_OPEN, .path = path, .flags = IO_FLAG_CREATE };
    int64_t rc = io_now(node->io, &job);
    if (rc < 0)
        return rc;
    job.op = IO_WRITE_SYNC;
    job.views[0] = view_of(text, (size_t)n);
    job.view_count = 1;
    rc = io_now(node->io, &job);
    job.op = IO_CLOSE;
    (void)io_now(node->io, &job);
    struct io_job dir = { .op = IO_SYNC_DIR, .path = node->settings.data };
    return rc < 0 ? rc : io_now(node->io, &dir);
}

static int
lock_data(struct node *node)
{
    char path[600];
    struct io_job job = { .op = IO_MKDIR, .path = node->settings.data };
    int64_t rc = io_now(node->io, &job);
    if (rc < 0)
        return (int)rc;
    snprintf(path, sizeof(path), "%s/lock", node->settings.data);
    job = (struct io_job){ .op = IO_OPEN, .path = path, .flags = IO_FLAG_CREATE };
    rc = io_now(node->io, &job);
    if (rc < 0)
        return (int)rc;
    node->lock = job.file;
    node->locked = true;
    job.op = IO_LOCK;
    return (int)io_now(node->io, &job);
}

static int
refuse(struct settings_fault *ret, const char *setting, const char *format, const char *what, int rc)
{
    snprintf(ret->setting, sizeof(ret->setting), "%s", setting);
    snprintf(ret->text, sizeof(ret->text), format, what, err_text(rc));
    return rc;
}

/* Takes the data directory and settles the number of shards. */
static int
take_data(struct node *node, unsigned cores, struct settings_fault *retfault)
{
    char path[600], text[700];
    unsigned wanted = (unsigned)node->settings.shards;
    node->shards = wanted != 0 ? wanted : cores;
    if (node->settings.tier == TIER_MEMORY)
        return 0;
    int rc = lock_data(node);
    if (rc < 0)
        return refuse(retfault, "data", "%s: %s", node->settings.data, rc);
    snprintf(path, sizeof(path), "%s/node", node->settings.data);
    unsigned recorded = recorded_shards(node, path);
    if (recorded == 0) {
        int64_t err = record_shards(node, path);
        return err < 0 ? refuse(retfault, "data", "%s: %s", path, (int)err) : 0;
    }
    snprintf(text, sizeof(text), "%s was made with shards: %u, and sessions cannot move yet", node->settings.data,
             recorded);
    if (wanted != 0 && wanted != recorded)
        return refuse(retfault, "shards", "%s (%s)", text, -ERR_INVALID);
    node->shards = recorded;
    return 0;
}

int
node_new(struct io *io, const struct settings *settings, const struct node_owner *owner, struct node **ret)
{
    struct node *node = MEM_NEW(io_mem(io), struct node);
    if (node == NULL)
        return -ERR_NO_MEMORY;
    node->mem = io_mem(io);
    node->io = io;
    node->owner = *owner;
    node->settings = *settings;
    *ret = node;
    return 0;
}

static int
make_seats(struct node *node)
{
    int rc = lanes_new(node->mem, node->shards, &node->lanes);
    if (rc < 0)
        return rc;
    node->seats = mem_new(node->mem, node->shards * sizeof(*node->seats));
    if (node->seats == NULL)
        return -ERR_NO_MEMORY;
    for (unsigned i = 0; rc == 0 && i < node->shards; i++)
        rc = make_seat(node, i);
    return rc;
}

/* ---- opened ------------------------------------------------------------------------------------------------- */

static void
tell_report(struct node *node, unsigned i, const struct log_report *r)
{
    char text[256];
    snprintf(text, sizeof(text),
             "%llu checkpoint records, %llu records in %llu segments; cut %llu bytes, quarantined %llu bytes",
             (unsigned long long)r->checkpoint_records, (unsigned long long)r->records, (unsigned long long)r->segments,
             (unsigned long long)r->cut_bytes, (unsigned long long)r->quarantined_bytes);
    on_say(node, i, r->quarantined_bytes > 0 ? LOG_WARNING : LOG_INFO, "recovered", text);
}

static int
open_shards(struct node *node, struct settings_fault *retfault)
{
    for (unsigned i = 0; i < node->shards; i++) {
        struct log_report report;
        int rc = shard_open(node->seats[i].shard, &report);
        if (rc < 0)
            return refuse(retfault, "data", "%s: %s", node->settings.data, rc);
        if (node->seats[i].settings.data_dir != NULL)
            tell_report(node, i, &report);
    }
    for (unsigned i = 0; i < node->shards; i++)
        shard_lanes_flush(node->seats[i].shard);
    for (unsigned i = 0; i < node->shards; i++)
        shard_lanes_drain(node->seats[i].shard);
    return 0;
}

static int
listen_at(struct node *node, const struct io_address *address, struct settings_fault *retfault)
{
    char text[160];
    struct io_address at = *address;
    /* A unix socket has one listener; its connections are handed to the shard of their client like all others. */
    unsigned shards = at.kind == IO_UNIX ? 1 : node->shards;
    for (unsigned i = 0; i < shards; i++) {
        int rc = shard_listen(node->seats[i].shard, &at, &at);
        if (rc < 0) {
            io_address_print(&at, text, sizeof(text));
            return refuse(retfault, "listen", "%s: %s", text, rc);
        }
    }
    node->bound[node->listeners++] = at;
    return 0;
}

int
node_open(struct node *node, unsigned cores, struct settings_fault *retfault)
{
    *retfault = (struct settings_fault){ 0 };
    int rc = take_data(node, cores, retfault);
    if (rc == 0)
        rc = make_seats(node);
    if (rc == 0)
        rc = open_shards(node, retfault);
    for (unsigned i = 0; rc == 0 && i < node->settings.listen_count; i++)
        rc = listen_at(node, &node->settings.listen[i], retfault);
    if (rc < 0 && retfault->text[0] == '\0')
        snprintf(retfault->text, sizeof(retfault->text), "%s", err_text(rc));
    return rc;
}

static void
run_seat(void *arg)
{
    struct seat *seat = arg;
    (void)io_run(seat->io);
}

int
node_start(struct node *node)
{
    for (unsigned i = 1; i < node->shards; i++) {
        struct seat *seat = &node->seats[i];
        int rc = io_thread_start(node->io, run_seat, seat, &seat->thread);
        if (rc < 0)
            return rc;
    }
    sys_start(&node->sys, node->seats[0].shard, node->io, &node->settings.sys_interval_s);
    return 0;
}

unsigned
node_shards(const struct node *node)
{
    return node->shards;
}

bool
node_address(const struct node *node, unsigned i, struct io_address *ret)
{
    if (i >= node->listeners)
        return false;
    *ret = node->bound[i];
    return true;
}

struct shard *
node_shard(struct node *node, unsigned index)
{
    return node->seats[index].shard;
}

/* ---- changed and stopped ------------------------------------------------------------------------------------- */

static void
on_not_live(void *arg, const char *name)
{
    char text[128];
    snprintf(text, sizeof(text), "%s changes with the next start", name);
    say(arg, LOG_WARNING, "reload", text);
}

void
node_reload(struct node *node, const struct settings *news)
{
    settings_reload(&node->settings, news, on_not_live, node);
    renew_settings(&node->seats[0]);
    shard_tell(node->seats[0].shard, SHARD_RELOAD);
    say(node, LOG_INFO, "reload", "settings that are live have taken effect");
}

static void
join_threads(struct node *node)
{
    for (unsigned i = 1; node->seats != NULL && i < node->shards; i++) {
        if (node->seats[i].thread != NULL)
            io_thread_join(node->io, node->seats[i].thread);
        node->seats[i].thread = NULL;
    }
}

/* Shard 0 stops last: it lives on the caller's loop, which goes on. */
static void
on_first_stopped(void *arg)
{
    struct node *node = arg;
    join_threads(node);
    node->owner.stopped(node->owner.arg);
}

void
node_stop(struct node *node)
{
    if (node->stopping)
        return;
    node->stopping = true;
    say(node, LOG_INFO, "stop", "telling clients, writing a checkpoint");
    sys_stop(&node->sys);
    shard_tell(node->seats[0].shard, SHARD_STOP);
    shard_stop(node->seats[0].shard, on_first_stopped, node);
}

void
node_free(struct node *node)
{
    if (node == NULL)
        return;
    sys_stop(&node->sys);
    join_threads(node);
    for (unsigned i = 0; node->seats != NULL && i < node->shards; i++)
        shard_free(node->seats[i].shard);
    for (unsigned i = 1; node->seats != NULL && i < node->shards; i++)
        if (node->seats[i].io != NULL)
            io_free(node->seats[i].io);
    lanes_free(node->lanes);
    if (node->locked) {
        struct io_job job = { .op = IO_CLOSE, .file = node->lock };
        (void)io_now(node->io, &job);
    }
    mem_free(node->mem, node->seats);
    mem_free(node->mem, node);
}
