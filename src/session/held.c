/* Answers: in order, and not before what they promise is durable.
 *
 * Most wait for nothing and are written at once.  One that waits is held under the present epoch, and whatever is
 * answered after it stands behind it [MQTT-4.6.0-2, 4.6.0-3, 4.6.0-4]. */
#include "session/mqtt_inner.h"

#include "base/must.h"

/* A waiting answer in eight bytes.  `type` 0 is a whole frame, the first of `frames`. */
struct held_item {
    uint32_t epoch; /* its low half */
    uint16_t packet_id;
    uint8_t type, reason;
};

struct held_frame {
    size_t len;
    uint8_t type;
    uint8_t bytes[];
};

struct held {
    struct holder holder;
    struct connection *connection;
    struct fifo items;
    struct fifo frames; /* of struct held_frame *, owned */
};

enum { ACK_BYTES_MAX = 256, HELD_WHOLE_FRAME = 0 };

void
connection_write(struct connection *c, struct view frame)
{
    if (c->broken)
        return;
    if (io_put(c->stream, frame) < 0) {
        connection_doom(c, MQTT_QUOTA_EXCEEDED);
        return;
    }
    c->server->host->counters.packets_out++;
    c->server->host->counters.bytes_out += frame.len;
}

struct view
reason_props(const struct connection *c, uint8_t reason, const char *text, uint8_t *room, size_t room_bytes)
{
    enum { FIXED_BYTES_MAX = 16 };
    struct view said = view_str(text != NULL ? text : mqtt_reason_text(reason));
    if (c->version != MQTT_V5 || reason < MQTT_UNSPECIFIED_ERROR || said.len + FIXED_BYTES_MAX > c->packet_bytes_max)
        return view_of(NULL, 0);
    struct pen p = pen_of(room, room_bytes);
    mqtt_put_text(&p, MQTT_REASON_STRING, said);
    return p.torn ? view_of(NULL, 0) : view_of(room, (size_t)(p.at - room));
}

/* The client may send one more when it is told that one is done. */
static void
count_down(struct connection *c, enum mqtt_type type, uint8_t reason)
{
    bool done =
        type == MQTT_PUBACK || type == MQTT_PUBCOMP || (type == MQTT_PUBREC && reason >= MQTT_UNSPECIFIED_ERROR);
    if (done && c->receiving > 0)
        c->receiving--;
}

static void
write_ack(struct connection *c, enum mqtt_type type, uint16_t packet_id, uint8_t reason)
{
    uint8_t room[ACK_BYTES_MAX], props[ACK_BYTES_MAX / 2];
    struct view why = view_of(NULL, 0);
    if (c->problem_info)
        why = reason_props(c, reason, NULL, props, sizeof(props));
    size_t n = type == MQTT_PINGRESP ? mqtt_write_ping(room, sizeof(room), type)
                                     : mqtt_write_ack(room, sizeof(room), c->version, type, packet_id, reason, why);
    must(n > 0);
    count_down(c, type, reason);
    connection_write(c, view_of(room, n));
}

/* What its writing sets free. */
static void
after_frame(struct connection *c, enum mqtt_type type)
{
    if (type == MQTT_CONNACK) {
        c->greeted = true;
        flow_start(c->session);
    } else if (type == MQTT_SUBACK) {
        retained_send_due(c->session);
    }
}

static void
write_frame(struct connection *c, enum mqtt_type type, struct view frame)
{
    connection_write(c, frame);
    after_frame(c, type);
}

static void
write_item(struct connection *c, const struct held_item *item)
{
    if (item->type == HELD_WHOLE_FRAME) {
        struct held_frame *frame = *(struct held_frame *const *)fifo_first(&c->held->frames);
        fifo_pop(&c->held->frames);
        write_frame(c, frame->type, view_of(frame->bytes, frame->len));
        mem_free(c->server->host->mem, frame);
    } else if (item->type == MQTT_PUBLISH) {
        if (fifo_push(&c->session->flow->due, &item->packet_id) < 0)
            connection_doom(c, MQTT_QUOTA_EXCEEDED);
    } else {
        write_ack(c, item->type, item->packet_id, item->reason);
    }
}

static void
on_released(struct holder *holder, uint64_t done)
{
    struct held *held = container_of(holder, struct held, holder);
    struct connection *c = held->connection;
    const struct held_item *first;
    while ((first = fifo_first(&held->items)) != NULL && (int32_t)((uint32_t)done - first->epoch) >= 0) {
        struct held_item item = *first;
        fifo_pop(&held->items);
        write_item(c, &item);
    }
    if (held->items.count > 0)
        host_hold(c->server->host, holder);
    if (held->items.count < HELD_MAX / 2)
        connection_resume(c, PAUSE_HELD);
    if (c->session->flow != NULL)
        flow_feed(c->session);
}

static struct held *
held_of(struct connection *c)
{
    if (c->held != NULL)
        return c->held;
    struct mem *mem = c->server->host->mem;
    struct held *held = MEM_NEW(mem, struct held);
    if (held == NULL)
        return NULL;
    list_init(&held->holder.link);
    held->holder.released = on_released;
    held->connection = c;
    fifo_init(&held->items, mem, sizeof(struct held_item));
    fifo_init(&held->frames, mem, sizeof(struct held_frame *));
    c->held = held;
    return held;
}

void
held_free(struct connection *c)
{
    struct held *held = c->held;
    if (held == NULL)
        return;
    while (held->frames.count > 0) {
        mem_free(held->frames.mem, *(struct held_frame *const *)fifo_first(&held->frames));
        fifo_pop(&held->frames);
    }
    list_cut(&held->holder.link);
    fifo_fini(&held->items);
    fifo_fini(&held->frames);
    mem_free(c->server->host->mem, held);
    c->held = NULL;
}

static bool
must_hold(const struct connection *c, bool waits)
{
    return waits || (c->held != NULL && c->held->items.count > 0);
}

static int
hold(struct connection *c, struct held_item item, bool waits)
{
    struct session_host *host = c->server->host;
    struct held *held = held_of(c);
    if (held == NULL)
        return -ERR_NO_MEMORY;
    item.epoch = (uint32_t)(waits ? host->epoch : host->epoch_done);
    int rc = fifo_push(&held->items, &item);
    if (rc < 0)
        return rc;
    host_hold(host, &held->holder);
    if (held->items.count > HELD_MAX)
        connection_pause(c, PAUSE_HELD);
    return 0;
}

void
answer_ack(struct connection *c, enum mqtt_type type, uint16_t packet_id, uint8_t reason, bool waits)
{
    if (!must_hold(c, waits)) {
        write_ack(c, type, packet_id, reason);
        return;
    }
    struct held_item item = { .packet_id = packet_id, .type = (uint8_t)type, .reason = reason };
    if (hold(c, item, waits) < 0)
        connection_doom(c, MQTT_QUOTA_EXCEEDED);
}

static int
hold_frame(struct connection *c, enum mqtt_type type, struct view bytes, bool waits)
{
    struct held *held = held_of(c);
    struct held_frame *frame = held == NULL ? NULL : mem_raw(c->server->host->mem, sizeof(*frame) + bytes.len);
    if (frame == NULL)
        return -ERR_NO_MEMORY;
    frame->len = bytes.len;
    frame->type = (uint8_t)type;
    memcpy(frame->bytes, bytes.data, bytes.len);
    int rc = fifo_push(&held->frames, &frame);
    if (rc < 0) {
        mem_free(c->server->host->mem, frame);
        return rc;
    }
    return hold(c, (struct held_item){ .type = HELD_WHOLE_FRAME }, waits);
}

void
answer_frame(struct connection *c, enum mqtt_type type, struct view frame, bool waits)
{
    if (!must_hold(c, waits))
        write_frame(c, type, frame);
    else if (hold_frame(c, type, frame, waits) < 0)
        connection_doom(c, MQTT_QUOTA_EXCEEDED);
}

void
answer_publish(struct connection *c, uint16_t packet_id)
{
    if (hold(c, (struct held_item){ .packet_id = packet_id, .type = MQTT_PUBLISH }, true) < 0)
        connection_doom(c, MQTT_QUOTA_EXCEEDED);
}
