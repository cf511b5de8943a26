/* A connection: its stream's events, time, holding back, and the end. */
#include <stdio.h>

#include "session/amqp/inner.h"

/* ---- the stream's events ------------------------------------------------------------------------------------ */

static void
on_read(void *arg, struct view bytes)
{
    struct conn *c = arg;
    if (c->phase == PHASE_CLOSED)
        return;
    c->heard = true;
    c->server->host->counters.bytes_in += bytes.len;
    conn_read(c, bytes);
}

static void
on_ended(void *arg, int rc)
{
    (void)rc;
    conn_close(arg);
}

static void
on_drained(void *arg)
{
    struct conn *c = arg;
    if (c->phase == PHASE_CLOSED)
        return;
    c->choked = false;
    c->large_bytes = 0;
    conn_resume(c, PAUSE_UNREAD);
    conn_hungry(c);
    answers_go_on(c);
    if (!c->choked)
        waiting_go_on(c, WAIT_OUTBOX);
}

static void
on_closed(void *arg)
{
    conn_free(arg);
}

const struct io_stream_on *
amqp_stream_on(void)
{
    static const struct io_stream_on on = {
        .read = on_read, .ended = on_ended, .drained = on_drained, .closed = on_closed
    };
    return &on;
}

/* ---- time --------------------------------------------------------------------------------------------------- */

/* 4.2.7: whoever has sent nothing for a while sends a heartbeat, whoever has heard nothing for two intervals closes.
 * The timer ticks twice an interval, but no more often than each second, and looks what happened since. */
enum { TICKS_AN_INTERVAL = 2, SILENT_INTERVALS_MAX = 2 };

static unsigned
tick_s(const struct conn *c)
{
    return (c->heartbeat_s + 1u) / TICKS_AN_INTERVAL;
}

void
conn_arm(struct conn *c)
{
    struct wheel *wheel = &c->server->host->wheel;
    uint64_t now = host_wall_s(c->server->host);
    if (c->phase < PHASE_RUNNING)
        wheel_arm(wheel, &c->timer, c->since_s + c->server->settings->connect_s_max);
    else if (c->phase == PHASE_CLOSING)
        wheel_arm(wheel, &c->timer, now + CLOSING_S_MAX);
    else if (c->heartbeat_s > 0)
        wheel_arm(wheel, &c->timer, now + tick_s(c));
    else
        wheel_disarm(wheel, &c->timer);
}

static void
beat(struct conn *c)
{
    uint8_t frame[AMQP_FRAME_OVERHEAD];
    if (!c->spoke && io_unsent(c->stream) == 0)
        conn_put(c, view_of(frame, amqp_heartbeat_write(frame, sizeof(frame))));
    bool listening = c->paused == 0; /* else its silence is ours */
    c->silent = c->heard || !listening ? 0 : (uint8_t)(c->silent + 1);
    c->heard = c->spoke = false;
}

static void
on_timer(struct wheel_timer *timer)
{
    struct conn *c = container_of(timer, struct conn, timer);
    if (c->phase != PHASE_RUNNING) {
        conn_close(c);
        return;
    }
    beat(c);
    if (c->silent * tick_s(c) < SILENT_INTERVALS_MAX * c->heartbeat_s) {
        conn_arm(c);
        return;
    }
    host_say(c->server->host, LOG_INFO, "silent", "missed heartbeats from user=%.*s, timeout: %us", c->user_bytes,
             c->user, c->heartbeat_s);
    conn_close(c);
}

/* ---- holding back ------------------------------------------------------------------------------------------- */

void
conn_pause(struct conn *c, enum pause why)
{
    if (c->phase == PHASE_CLOSED || (c->paused & why))
        return;
    if (c->paused == 0)
        io_read_pause(c->stream);
    c->paused |= (uint8_t)why;
}

void
conn_resume(struct conn *c, enum pause why)
{
    if (c->phase == PHASE_CLOSED || !(c->paused & why))
        return;
    c->paused &= (uint8_t)~why;
    if (c->paused == 0)
        io_read_resume(c->stream);
}

bool
conn_unacked(const struct conn *c)
{
    for (unsigned i = 0; i < c->channel_room; i++)
        if (c->channels[i] != NULL && c->channels[i]->unacked.live > 0)
            return true;
    return false;
}

/* Who has messages to acknowledge is read from nevertheless: that makes room.  What passes in a moment is not worth a
 * word: a client is told when something is really short. */
void
conn_press(struct conn *c)
{
    if (!c->pressed)
        c->server->pressed_count++;
    c->pressed = true;
    conn_alarm(c);
    if (!conn_unacked(c))
        conn_pause(c, PAUSE_NODE);
}

void
conn_alarm(struct conn *c)
{
    const char *reason = c->server->alarm;
    if (reason == NULL || !c->pressed || c->told || !(c->can & CAN_BLOCK))
        return;
    struct amqp_method blocked = { .id = AMQP_CONNECTION_BLOCKED };
    blocked.connection_blocked.reason = view_str(reason);
    conn_write(c, 0, &blocked);
    c->told = true;
}

void
conn_unpress(struct conn *c)
{
    if (!c->pressed)
        return;
    c->pressed = false;
    c->server->pressed_count--;
    if (c->told)
        conn_write(c, 0, &(struct amqp_method){ .id = AMQP_CONNECTION_UNBLOCKED });
    c->told = false;
    conn_resume(c, PAUSE_NODE);
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

void
conn_weigh(struct conn *c)
{
    c->spoke = true;
    size_t unsent = io_unsent(c->stream);
    if (unsent <= OUTBOX_HIGH_BYTES)
        return;
    if (!c->choked)
        conn_sated(c);
    c->choked = true;
    if (unsent > c->server->settings->outbox_bytes_max + c->large_bytes)
        conn_doom(c, AMQP_RESOURCE_ERROR);
    else if (unsent > ANSWERS_HIGH_BYTES)
        conn_pause(c, PAUSE_UNREAD);
}

void
conn_put(struct conn *c, struct view bytes)
{
    if (c->broken)
        return;
    if (io_put(c->stream, bytes) < 0) {
        conn_doom(c, AMQP_INTERNAL_ERROR);
        return;
    }
    c->server->host->counters.packets_out++;
    c->server->host->counters.bytes_out += bytes.len;
    conn_weigh(c);
}

void
conn_write(struct conn *c, uint16_t channel, const struct amqp_method *m)
{
    uint8_t room[1024];
    size_t need = amqp_method_size(m);
    uint8_t *at = need <= sizeof(room) ? room : server_buffer(c->server, &c->server->out, need);
    if (at == NULL) {
        conn_doom(c, AMQP_INTERNAL_ERROR);
        return;
    }
    size_t n = amqp_method_write(at, need, channel, m);
    must(n > 0);
    conn_put(c, view_of(at, n));
}

/* ---- begin and end ------------------------------------------------------------------------------------------ */

int
amqp_sniff(struct view bytes)
{
    size_t n = bytes.len < 4 ? bytes.len : 4;
    if (memcmp(bytes.data, "AMQP", n) != 0)
        return -1;
    return n == 4 ? 1 : 0;
}

struct conn *
conn_new(struct amqp_server *server, struct io_stream *stream, enum phase phase)
{
    struct conn *c = MEM_NEW(server->host->mem, struct conn);
    if (c == NULL)
        return NULL;
    c->server = server;
    c->stream = stream;
    c->phase = (uint8_t)phase;
    c->frame_max = OPENING_FRAME_MAX;
    c->since_s = host_wall_s(server->host);
    wheel_timer_init(&c->timer, on_timer);
    list_init(&c->all);
    list_push(&server->connections, &c->all);
    server->connection_count++;
    return c;
}

void
conn_take(struct conn *c, struct io_stream *stream)
{
    c->heard = true; /* on another shard, perhaps, just now */
    conn_arm(c);
    io_accept(stream, amqp_stream_on(), c);
    io_marks(stream, OUTBOX_HIGH_BYTES, OUTBOX_LOW_BYTES);
}

int
amqp_server_accept(struct amqp_server *server, struct io_stream *stream, struct view bytes)
{
    struct conn *c = conn_new(server, stream, PHASE_HEADER);
    if (c == NULL)
        return -ERR_NO_MEMORY;
    conn_take(c, stream);
    on_read(c, bytes);
    return 0;
}

/* What the connection owns beside itself. */
static void
strip(struct conn *c)
{
    struct mem *mem = c->server->host->mem;
    wheel_disarm(&c->server->host->wheel, &c->timer);
    carry_free(c);
    waiting_free(c);
    answers_free(c);
    for (unsigned i = 0; i < c->channel_room; i++)
        if (c->channels[i] != NULL)
            channel_free(c->channels[i]);
    mem_free(mem, c->channels);
    mem_free(mem, c->user);
    c->channels = NULL;
    c->user = NULL;
    c->user_bytes = 0;
    c->channel_room = 0;
}

void
conn_free(struct conn *c)
{
    struct amqp_server *server = c->server;
    strip(c);
    list_cut(&c->all);
    server->connection_count--;
    mem_free(server->host->mem, c);
}

static void
forget_counts(struct conn *c)
{
    struct amqp_server *server = c->server;
    server->doomed_count -= c->doomed;
    server->pressed_count -= c->pressed;
    c->doomed = c->pressed = c->told = false;
    c->paused = 0;
}

void
conn_close(struct conn *c)
{
    if (c->phase == PHASE_CLOSED)
        return;
    c->phase = PHASE_CLOSED;
    forget_counts(c);
    struct vhost *vhost = c->vhost;
    c->vhost = NULL;
    strip(c);
    if (vhost != NULL)
        mq_owner_gone(vhost, c);
    io_close(c->stream);
}

struct amqp_method
close_method(uint32_t kind, const struct refusal *why, uint32_t id, char text[CLOSE_TEXT_BYTES])
{
    const char *name = amqp_reply_name(why->code);
    int n = snprintf(text, CLOSE_TEXT_BYTES, "%s - %s", name == NULL ? "ERROR" : name, why->text);
    size_t len = n < CLOSE_TEXT_BYTES ? (size_t)n : CLOSE_TEXT_BYTES - 1;
    struct amqp_method m = { .id = kind };
    m.connection_close = (struct amqp_close){ .reply_code = (uint16_t)why->code,
                                              .reply_text = view_of(text, len),
                                              .class_id = (uint16_t)(id >> 16),
                                              .method_id = (uint16_t)id };
    return m;
}

/* A stranger is told, as by RabbitMQ, only why it is refused: anything else before tune-ok just ends the connection. */
static bool
is_told(const struct conn *c, unsigned code)
{
    switch (c->phase) {
    case PHASE_START: return code == AMQP_ACCESS_REFUSED;
    case PHASE_TUNE: return code == AMQP_NOT_ALLOWED;
    case PHASE_OPEN:
    case PHASE_RUNNING: return true;
    default: return false;
    }
}

void
conn_fail(struct conn *c, const struct refusal *why, uint32_t id)
{
    if (c->phase == PHASE_CLOSED)
        return;
    char text[CLOSE_TEXT_BYTES];
    struct amqp_method bye = close_method(AMQP_CONNECTION_CLOSE, why, id, text);
    bool spoken_to = is_told(c, why->code);
    if (spoken_to)
        conn_write(c, 0, &bye);
    if (!spoken_to || c->broken || c->doomed) {
        conn_close(c);
        return;
    }
    /* It owns nothing any more, and is listened to for its close-ok only. */
    struct vhost *vhost = c->vhost;
    c->vhost = NULL;
    forget_counts(c);
    io_read_resume(c->stream);
    strip(c);
    if (vhost != NULL)
        mq_owner_gone(vhost, c);
    c->phase = PHASE_CLOSING;
    conn_arm(c);
}

void
conn_doom(struct conn *c, unsigned code)
{
    if (c->doomed || c->phase == PHASE_CLOSED)
        return;
    c->doomed = true;
    c->doom = (uint16_t)code;
    c->server->doomed_count++;
}
