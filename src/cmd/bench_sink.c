/* cmd/bench_sink.c - see bench_sink.h. */
#include "cmd/bench_sink.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum { FILTERS_A_PACKET = 64, PACKETS_OUT_MAX = 4, PACKET_ROOM = FILTERS_A_PACKET * (TOPIC_ROOM + 4) + 64 };

int
sink_init(struct sink *sink, const struct sink_settings *settings)
{
    char topic[TOPIC_ROOM];

    *sink = (struct sink){ .settings = *settings, .slots = plan_slots(settings->plan) };
    sink->topic_bytes = topic_print(&settings->form, "t", 0, topic);
    return check_init(&sink->check, settings->mem, sink->slots.count);
}

void
sink_fini(struct sink *sink)
{
    link_fini(&sink->link);
    check_fini(&sink->check);
}

/* ---- subscribing ------------------------------------------------------------------------------------------ */

static unsigned
filter_count(const struct sink *sink)
{
    return sink->settings.style == FILTER_HASH ? 1 : sink->settings.share.count;
}

static size_t
print_filter(const struct sink *sink, unsigned nth, char *ret)
{
    const struct sink_settings *s = &sink->settings;

    if (s->style == FILTER_HASH)
        return (size_t)snprintf(ret, TOPIC_ROOM, "%s/#", s->form.prefix);
    return topic_print(&s->form, s->style == FILTER_PLUS ? "+" : "t", s->share.first + nth * s->share.stride, ret);
}

static int
ask(struct sink *sink, unsigned count)
{
    char texts[FILTERS_A_PACKET][TOPIC_ROOM];
    struct mqtt_filter filters[FILTERS_A_PACKET];
    uint8_t *at = io_put_room(sink->link.stream, PACKET_ROOM);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    for (unsigned i = 0; i < count; i++) {
        size_t n = print_filter(sink, sink->asked + i, texts[i]);
        filters[i] = (struct mqtt_filter){ .filter = view_of(texts[i], n), .qos = sink->settings.qos };
    }
    uint16_t id = (uint16_t)(sink->asked / FILTERS_A_PACKET % UINT16_MAX + 1);
    size_t n = mqtt_write_subscribe(at, PACKET_ROOM, sink->settings.version, id, filters, count, view_of(NULL, 0));
    must(n > 0);
    io_put_done(sink->link.stream, n);
    sink->asked += count;
    sink->packets_out++;
    return 0;
}

int
sink_subscribe(struct sink *sink)
{
    int rc = 0;

    while (rc == 0 && sink->asked < filter_count(sink) && sink->packets_out < PACKETS_OUT_MAX) {
        unsigned left = filter_count(sink) - sink->asked;
        rc = ask(sink, left < FILTERS_A_PACKET ? left : FILTERS_A_PACKET);
    }
    return rc;
}

bool
sink_is_subscribed(const struct sink *sink)
{
    return sink->granted == filter_count(sink);
}

static void
take_suback(struct sink *sink, struct view frame)
{
    struct mqtt_dialect dialect = { sink->settings.version, MQTT_FROM_SERVER, SIZE_MAX };
    struct mqtt_packet packet;
    struct fault fault;

    if (mqtt_decode(frame, &dialect, &packet, &fault) <= 0) {
        link_fail(&sink->link, "a SUBACK that cannot be read");
        return;
    }
    for (size_t i = 0; i < packet.ack.codes.len; i++) {
        if (packet.ack.codes.data[i] != sink->settings.qos)
            link_fail(&sink->link, "a subscription that is not granted with the QoS asked for");
    }
    sink->granted += (unsigned)packet.ack.codes.len;
    sink->packets_out--;
    if (sink_subscribe(sink) < 0)
        link_fail(&sink->link, "no memory to subscribe");
}

/* ---- messages --------------------------------------------------------------------------------------------- */

struct message {
    uint16_t packet_id;
    size_t topic_bytes;
    struct view payload;
};

/* Where the pieces of a PUBLISH lie.  The frame is whole; a length that leads out of it is a fault of the server's. */
static bool
cut(const struct sink *sink, struct view frame, struct message *ret)
{
    struct cursor at = cursor_of(view_from(frame, 1));

    take_varint(&at);
    ret->topic_bytes = take_short(&at).len;
    ret->packet_id = frame.data[0] & 0x06 ? take_u16(&at) : 0;
    if (sink->settings.version == MQTT_V5)
        take_bytes(&at, take_varint(&at));
    ret->payload = take_rest(&at);
    return !at.torn;
}

static void
answer(struct sink *sink, enum mqtt_type type, uint16_t packet_id)
{
    enum { ACK_BYTES = 4 };
    uint8_t *at = io_put_room(sink->link.stream, ACK_BYTES);

    if (at == NULL)
        return; /* the stream has ended, which its owner hears by itself */
    at[0] = (uint8_t)(type << 4 | (type == MQTT_PUBREL ? 2 : 0));
    at[1] = 2;
    at[2] = (uint8_t)(packet_id >> 8);
    at[3] = (uint8_t)packet_id;
    io_put_done(sink->link.stream, ACK_BYTES);
}

/* Messages of another run (retained ones, say) are counted and left alone. */
static bool
is_ours(const struct sink *sink, const struct message *message, const struct stamp *stamp)
{
    const struct sink_settings *s = &sink->settings;

    return stamp->run == s->run && message->topic_bytes == sink->topic_bytes && stamp->topic < s->plan->topics &&
           stamp->publisher < s->plan->publishers;
}

static void
take_message(struct sink *sink, struct view frame)
{
    unsigned qos = frame.data[0] >> 1 & 3;
    struct message message;
    struct stamp stamp;

    if (!cut(sink, frame, &message) || message.payload.len < sizeof stamp || qos > sink->settings.qos) {
        sink->foreign++;
        link_fail(&sink->link, "a PUBLISH that is none of the generator's");
        return;
    }
    if (qos > 0)
        answer(sink, qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, message.packet_id);
    memcpy(&stamp, message.payload.data, sizeof stamp);
    if (!is_ours(sink, &message, &stamp)) {
        sink->foreign++;
        return;
    }
    unsigned slot = plan_slot(sink->settings.plan, sink->slots, stamp.topic, stamp.publisher);
    *sink->settings.unique_total -= sink->check.unique;
    check_take(&sink->check, slot, stamp.number);
    *sink->settings.unique_total += sink->check.unique;
    if (sink->settings.latency != NULL)
        histogram_add(sink->settings.latency, io_exact_ns(sink->link.io) - stamp.sent_ns);
}

void
sink_take(struct sink *sink, struct view frame)
{
    unsigned type = frame.data[0] >> 4;

    if (type == MQTT_PUBLISH)
        take_message(sink, frame);
    else if (type == MQTT_PUBREL && frame.len >= 4)
        answer(sink, MQTT_PUBCOMP, (uint16_t)(frame.data[2] << 8 | frame.data[3]));
    else if (type == MQTT_SUBACK)
        take_suback(sink, frame);
    else
        link_fail(&sink->link, "a packet that a subscriber does not get");
}
