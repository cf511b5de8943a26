/* A shard's life: made, opened, turned, stopped, freed. */
#include "shard/inner.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

enum { TICK_NS = 1000 * 1000 * 1000, WHEEL_CALLS_A_TURN = 10000, STOP_POLL_NS = 10 * 1000 * 1000 };

void
shard_say(struct shard *shard, enum severity severity, const char *event, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    shard->owner.say(shard->owner.arg, shard->host.shard, severity, event, text);
}

static void
on_say(struct session_host *host, enum severity severity, const char *event, const char *text)
{
    struct shard *shard = shard_of(host);
    shard->owner.say(shard->owner.arg, host->shard, severity, event, text);
}

/* ---- the turn --------------------------------------------------------------------------------------------- */

static uint64_t
committed(const struct shard *shard)
{
    return shard->log == NULL ? 0 : log_committed(shard->log);
}

static bool
is_durable(const struct shard *shard, const struct mark *mark)
{
    if (mark->position > committed(shard))
        return false;
    for (unsigned i = 0; i < shard->host.shards; i++)
        if (mark->numbers[i] > shard->peers[i].confirmed)
            return false;
    return true;
}

/* The turn's epoch ends: what must be durable before answers that were held under it may leave. */
static void
close_epoch(struct shard *shard)
{
    uint64_t end = shard->log == NULL ? 0 : log_end(shard->log);
    for (unsigned i = 0; i < shard->host.shards; i++)
        shard->numbers[i] = shard->peers[i].sent;
    marks_push(&shard->epochs, shard->host.epoch++, end, shard->numbers);
    bool news = false;
    for (unsigned i = 0; i < shard->host.shards; i++) {
        shard->numbers[i] = shard->peers[i].received;
        news |= shard->peers[i].received != shard->peers[i].answered;
    }
    if (news)
        marks_push(&shard->dues, 0, end, shard->numbers);
}

/* Confirms to the others what has come from them and is committed here.  This may not wait for the epoch, which may
 * wait for them. */
static void
answer_peers(struct shard *shard)
{
    for (const struct mark *m = marks_first(&shard->dues); m != NULL && m->position <= committed(shard);
         m = marks_first(&shard->dues)) {
        for (unsigned i = 0; i < shard->host.shards; i++)
            if (m->numbers[i] > shard->peers[i].answered && !peer_answer(&shard->peers[i], m->numbers[i]))
                return;
        marks_pop(&shard->dues);
    }
}

static void
release_holders(struct shard *shard)
{
    struct list ready;
    list_init(&ready);
    list_splice(&ready, &shard->host.holders);
    for (struct list *l = list_pop(&ready); l != NULL; l = list_pop(&ready)) {
        struct holder *holder = container_of(l, struct holder, link);
        holder->released(holder, shard->host.epoch_done);
    }
}

/* Are there news?  What is written soon is durable too: only who asked for no more is told now. */
static bool
note_written(struct shard *shard)
{
    struct session_host *host = &shard->host;
    const struct mark *m = shard->log == NULL ? NULL : marks_upto(&shard->epochs, log_written(shard->log));
    if (m == NULL || m->epoch <= host->epoch_written)
        return false;
    host->epoch_written = m->epoch;
    return true;
}

static void
settle_epochs(struct shard *shard)
{
    uint64_t before = shard->host.epoch_done;
    bool news = note_written(shard);
    for (const struct mark *m = marks_first(&shard->epochs); m != NULL && is_durable(shard, m);
         m = marks_first(&shard->epochs)) {
        shard->host.epoch_done = m->epoch;
        marks_pop(&shard->epochs);
    }
    if (news || shard->host.epoch_done != before)
        release_holders(shard);
}

/* Memory short: what would make it shorter is refused (queues.tight); what passes through lives in the last eighth.
 * Holding MQTT's publishers would not help: an absent subscriber's backlog does not go away by waiting.  Log or lanes
 * short, or a receiver behind on another shard: that passes, so publishers wait. */
static void
feel_pressure(struct shard *shard)
{
    struct session_host *host = &shard->host;
    const struct mem *mem = host->mem;
    bool lanes_pressed, was_short = host->queues.tight || host->pressed;
    host->queues.tight = mem->bytes_max != 0 && mem->used_bytes > mem->bytes_max - mem->bytes_max / 8;
    peers_feel(shard, &lanes_pressed, &host->held);
    rooms_pressed(shard, shard->log_pressed || lanes_pressed);
    if (was_short && !host->queues.tight && !host->pressed)
        io_wake(host->io); /* a turn for those that wait for room */
}

static void
on_turn(void *arg)
{
    struct shard *shard = arg;
    rooms_turn(shard);
    upkeep_turn(shard);
    queue_host_turn(&shard->host.queues);
    close_epoch(shard);
    settle_epochs(shard);
    answer_peers(shard);
    peers_flush(shard);
    feel_pressure(shard);
    if (shard->log != NULL)
        log_flush(shard->log);
}

static void
on_wake(void *arg)
{
    peers_drain(arg, LANE_TURN_BYTES);
}

/* Messages that were on disk and could not be read back. */
static void
tell_damage(struct shard *shard)
{
    uint64_t news = shard->host.queues.damaged - shard->damage_told;
    if (news == 0)
        return;
    shard->damage_told += news;
    shard_say(shard, LOG_ERROR, "damaged", "%llu stored messages could not be read back and are lost to their queues",
              (unsigned long long)news);
}

static void
on_tick(void *arg)
{
    struct shard *shard = arg;
    uint64_t now_s = host_wall_s(&shard->host);
    bool more = wheel_turn(&shard->host.wheel, now_s, WHEEL_CALLS_A_TURN);
    tell_damage(shard);
    (void)io_timer_set(shard->host.io, &shard->tick, io_now_ns(shard->host.io) + (more ? 0 : TICK_NS), on_tick, shard);
    if (!more && shard->settings->sys_interval_s != 0 && now_s >= shard->sys_due_s) {
        shard->sys_due_s = now_s + shard->settings->sys_interval_s;
        peers_tell_counters(shard);
    }
}

/* ---- the log's events -------------------------------------------------------------------------------------- */

/* What was committed is released at the end of this same turn. */
static void
on_committed(void *arg, uint64_t position)
{
    (void)arg, (void)position;
}

static void
on_note(void *arg, int severity, const char *line)
{
    struct shard *shard = arg;
    shard->owner.say(shard->owner.arg, shard->host.shard, (enum severity)severity, "log", line);
}

static void
on_pressed(void *arg, bool short_of_room)
{
    struct shard *shard = arg;
    shard->log_pressed = short_of_room;
}

/* ---- made and opened --------------------------------------------------------------------------------------- */

static const struct session_host_ops host_ops = {
    .owner = shard_owner_of,
    .migrate = shard_migrate,
    .publish = shard_publish,
    .filter_changed = shard_filter_changed,
    .group_here = shard_group_here,
    .group_fate = shard_group_fate,
    .forward = shard_forward,
    .forget = shard_forget,
    .vhost = shard_vhost,
    .vhosts = shard_vhosts,
    .say = on_say,
};

static void
init_host(struct shard *shard, struct io *io, unsigned index)
{
    struct session_host *host = &shard->host;
    host->ops = &host_ops;
    host->shard = index;
    host->shards = shard->lanes->count;
    host->mem = io_mem(io);
    host->io = io;
    host->epoch = 1;
    host->next_id = 1;
    list_init(&host->holders);
    wheel_init(&host->wheel, host_wall_s(host));
    doors_init(shard);
    map_init(&shard->takers, host->mem);
    map_init(&shard->shares, host->mem);
    map_init(&shard->receipts, host->mem);
    map_init(&shard->vhosts, host->mem);
    list_init(&shard->vhost_words);
}

int
shard_new(struct io *io, unsigned index, struct lanes *lanes, const struct shard_settings *settings,
          const struct shard_owner *owner, struct shard **ret)
{
    struct shard *shard = MEM_NEW(io_mem(io), struct shard);
    if (shard == NULL)
        return -ERR_NO_MEMORY;
    shard->lanes = lanes;
    shard->settings = settings;
    shard->owner = *owner;
    init_host(shard, io, index);
    struct session_host *host = &shard->host;
    int rc = peers_init(shard);
    if (rc == 0)
        rc = marks_init(&shard->epochs, host->mem, host->shards);
    if (rc == 0)
        rc = marks_init(&shard->dues, host->mem, host->shards);
    if (rc == 0)
        rc = route_new(host->mem, &host->route);
    if (rc < 0) {
        shard_free(shard);
        return rc;
    }
    *ret = shard;
    return 0;
}

static int
new_log(struct shard *shard)
{
    char dir[1024];
    snprintf(dir, sizeof(dir), "%s/shard-%u", shard->settings->data_dir, shard->host.shard);
    struct log_config config = {
        .dir = dir,
        .tier = shard->settings->tier,
        .segment_bytes = shard->settings->segment_bytes,
        .disk_free_bytes_min = shard->settings->disk_free_bytes_min,
        .batch_bytes_max = shard->settings->log_batch_bytes_max,
        .shard = shard->host.shard,
    };
    struct log_owner owner = {
        .arg = shard, .committed = on_committed, .replay = recover_replay, .note = on_note, .pressed = on_pressed
    };
    int rc = log_new(shard->host.io, &config, &owner, &shard->log);
    shard->host.log = shard->log;
    return rc;
}

/* A start that has not the memory for what was promised is none. */
static int
set_clocks(struct shard *shard)
{
    shard->lane_failed = false;
    int rc = rooms_restored(shard);
    if (rc == 0)
        rc = shard->lane_failed ? -ERR_NO_MEMORY : 0;
    if (rc < 0)
        return rc;
    io_on_turn(shard->host.io, on_turn, shard);
    io_on_wake(shard->host.io, on_wake, shard);
    on_tick(shard);
    return shard->tick.node.slot == 0 ? -ERR_NO_MEMORY : 0;
}

int
shard_open(struct shard *shard, struct log_report *retreport)
{
    bool durable = shard->settings->data_dir != NULL && shard->settings->tier != TIER_MEMORY;
    *retreport = (struct log_report){ 0 };
    int rc = durable ? new_log(shard) : 0;
    if (rc == 0)
        rc = rooms_open(shard);
    if (rc == 0 && durable)
        rc = log_open(shard->log, retreport);
    return rc < 0 ? rc : set_clocks(shard);
}

void
shard_settings_changed(struct shard *shard)
{
    queue_host_limit(&shard->host.queues, shard->settings->mqtt.queue);
    zmtp_server_declare(shard->zmtp);
}

void
shard_lanes_flush(struct shard *shard)
{
    peers_flush(shard);
}

void
shard_lanes_drain(struct shard *shard)
{
    peers_drain(shard, SIZE_MAX);
    mqtt_server_told(shard->mqtt);
}

/* ---- stopped ----------------------------------------------------------------------------------------------- */

enum { STOP_NONE, STOP_GOODBYES, STOP_CHECKPOINT, STOP_LOG };

static void stop_step(void *arg);

static void
stop_later(struct shard *shard)
{
    (void)io_timer_set(shard->host.io, &shard->stop_timer, io_now_ns(shard->host.io) + STOP_POLL_NS, stop_step, shard);
}

static void
on_log_closed(void *arg)
{
    struct shard *shard = arg;
    shard->log = shard->host.log = shard->host.queues.log = NULL;
    shard->stopped(shard->stopped_arg);
}

/* Polls, as each step ends by events of several rooms: goodbyes have left, the checkpoint is written, the log is
 * closed. */
static void
stop_step(void *arg)
{
    struct shard *shard = arg;
    if (shard->stop_step == STOP_GOODBYES && rooms_connections(shard) == 0) {
        shard->stop_step = STOP_CHECKPOINT;
        upkeep_checkpoint(shard);
    }
    bool written = shard->checkpoint.step == CHECKPOINT_IDLE && !shard->evacuating;
    if (shard->stop_step == STOP_CHECKPOINT && written) {
        shard->stop_step = STOP_LOG;
        if (shard->log != NULL)
            log_close(shard->log, on_log_closed, shard);
        else
            on_log_closed(shard);
        return;
    }
    stop_later(shard);
}

void
shard_stop(struct shard *shard, io_fn *done, void *arg)
{
    shard->stopped = done;
    shard->stopped_arg = arg;
    shard->host.stopping = true;
    shard->stop_step = STOP_GOODBYES;
    doors_close_listeners(shard);
    rooms_shut(shard);
    stop_later(shard);
}

void
shard_free(struct shard *shard)
{
    if (shard == NULL)
        return;
    struct session_host *host = &shard->host;
    rooms_free(shard);
    log_free(shard->log);
    takers_free(shard);
    vhosts_free(shard);
    receipts_free(shard);
    route_free(host->route);
    doors_free(shard);
    marks_fini(&shard->epochs);
    marks_fini(&shard->dues);
    peers_free(shard);
    mem_free(host->mem, shard);
}

struct session_host *
shard_host(struct shard *shard)
{
    return &shard->host;
}
