/* cmd/bench_mqtt.c - MQTT 3.1.1 and 5 for the load generator. */
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "client/mqtt.h"
#include "cmd/bench_sink.h"
#include "cmd/bench_source.h"

/* ---- the link --------------------------------------------------------------------------------------------- */

static int
greet(struct link *link)
{
    enum { SLACK_BYTES = 64 }; /* enough for the fixed part of CONNECT */
    static const uint8_t forever[] = { MQTT_SESSION_EXPIRY, 0xff, 0xff, 0xff, 0xff };
    struct link_hello hello = { 0 };
    link->on->greet(link->arg, &hello);
    link->version = hello.version;
    struct mqtt_connect c = {
        .version = hello.version,
        .clean_start = !hello.keep,
        .has_username = hello.has_username,
        .has_password = hello.has_password,
        .client_id = hello.name,
        .username = hello.username,
        .password = hello.password,
    };
    if (hello.keep && hello.version == MQTT_V5)
        c.properties.raw = view_of(forever, sizeof forever);
    size_t n = SLACK_BYTES + c.client_id.len + c.username.len + c.password.len + c.properties.raw.len;
    uint8_t *at = link_room(link, n);
    if (at == NULL)
        return -ERR_NO_MEMORY;
    io_put_done(link->stream, mqtt_write_connect(at, n, &c));
    return 0;
}

static void
end(struct link *link, const struct mqtt_client_end *why)
{
    char text[LINK_END_MAX];
    mqtt_client_end_print(why, text, sizeof text);
    link_end(link, text);
}

static void
take_connack(struct link *link, struct view frame)
{
    struct mqtt_dialect dialect = { link->version, MQTT_FROM_SERVER, PACKET_BYTES_MAX_HIGH };
    struct mqtt_packet packet;
    struct fault fault;

    if (mqtt_decode(frame, &dialect, &packet, &fault) <= 0)
        link_fail(link, fault.text);
    else if (packet.type != MQTT_CONNACK)
        link_fail(link, "a first packet that is no CONNACK");
    else if (packet.connack.reason != MQTT_SUCCESS)
        end(link, &(struct mqtt_client_end){ .why = MQTT_CLIENT_REFUSED, .reason = packet.connack.reason });
    else
        link_opened(link);
}

static bool
attend(struct link *link, struct view frame)
{
    if (frame.data[0] >> 4 != MQTT_DISCONNECT)
        return false;
    end(link, &(struct mqtt_client_end){ .why = MQTT_CLIENT_DISMISSED, .reason = frame.len > 2 ? frame.data[2] : 0 });
    return true;
}

static void
bye(struct link *link)
{
    enum { ROOM = 16 };
    uint8_t *at = link_room(link, ROOM);
    if (at != NULL)
        io_put_done(link->stream,
                    mqtt_write_bye(at, ROOM, link->version, MQTT_DISCONNECT, MQTT_SUCCESS, view_of(NULL, 0)));
}

/* ---- the publisher ---------------------------------------------------------------------------------------- */

static int
make_frame(struct source *source)
{
    const struct source_settings *s = &source->settings;
    char topic[TOPIC_ROOM];
    size_t topic_bytes = topic_print(&s->form, 't', 0, topic);
    struct mqtt_publish_head head = {
        .version = s->version,
        .retain = s->retain,
        .qos = s->qos,
        .packet_id = s->qos > 0,
        .expiry_s = UINT32_MAX,
        .topic = view_of(topic, topic_bytes),
        .payload_bytes = s->payload_bytes,
    };
    size_t room = mqtt_size_publish_head(&head) + s->payload_bytes;
    if (room > PACKET_BYTES_MAX_HIGH)
        return -ERR_TOO_LARGE;
    source->frame = mem_new(s->mem, room);
    if (source->frame == NULL)
        return -ERR_NO_MEMORY;

    size_t head_bytes = mqtt_write_publish_head(source->frame, room, &head);
    size_t id_at = head_bytes - (s->version == MQTT_V5) - 2;
    must(head_bytes > 0);
    source->payload_at = head_bytes;
    source->frame_bytes = head_bytes + s->payload_bytes;
    source->id_at = s->qos > 0 ? id_at : 0;
    source->digits_at = (s->qos > 0 ? id_at : id_at + 2) - s->form.digits;
    memset(source->frame + head_bytes, '.', s->payload_bytes);
    return 0;
}

/* PUBREL. */
static void
release(struct source *source, unsigned id)
{
    enum { ROOM = 16 };
    uint8_t *at = link_room(&source->link, ROOM);
    if (at != NULL)
        io_put_done(source->link.stream, mqtt_write_ack(at, ROOM, source->settings.version, MQTT_PUBREL, (uint16_t)id,
                                                        MQTT_SUCCESS, view_of(NULL, 0)));
}

/* Packet ids are message numbers modulo the window, and one more. */
static void
settle(struct source *source, unsigned id)
{
    if (id == 0 || id > source->settings.window || !source_settle(source, id - 1))
        link_fail(&source->link, "an acknowledgement of a packet id that is not in flight");
}

static void
take_ack(struct source *source, struct view frame)
{
    unsigned type = frame.data[0] >> 4;

    if (frame.len < 4 || (type != MQTT_PUBACK && type != MQTT_PUBREC && type != MQTT_PUBCOMP)) {
        link_fail(&source->link, "a packet that a publisher does not get");
        return;
    }
    unsigned id = (unsigned)frame.data[2] << 8 | frame.data[3];
    bool refused = frame.len > 4 && frame.data[4] >= MQTT_UNSPECIFIED_ERROR;

    source->refused += refused;
    if (type == MQTT_PUBREC && !refused)
        release(source, id);
    else
        settle(source, id);
}

/* ---- the subscriber --------------------------------------------------------------------------------------- */

enum { FILTERS_A_PACKET = 64, PACKETS_OUT_MAX = 4, PACKET_ROOM = FILTERS_A_PACKET * (TOPIC_ROOM + 4) + 64 };

static int
ask(struct sink *sink, unsigned count)
{
    char texts[FILTERS_A_PACKET][TOPIC_ROOM];
    struct mqtt_filter filters[FILTERS_A_PACKET];
    uint8_t *at = link_room(&sink->link, PACKET_ROOM);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    for (unsigned i = 0; i < count; i++)
        filters[i] = (struct mqtt_filter){ .filter = sink_filter(sink, i, texts[i]), .qos = sink->settings.qos };
    uint16_t id = (uint16_t)(sink->asked / FILTERS_A_PACKET % UINT16_MAX + 1);
    size_t n = mqtt_write_subscribe(at, PACKET_ROOM, sink->settings.version, id, filters, count, view_of(NULL, 0));
    must(n > 0);
    io_put_done(sink->link.stream, n);
    sink->asked += count;
    sink->requests_out++;
    return 0;
}

static int
subscribe(struct sink *sink)
{
    int rc = 0;

    while (rc == 0 && sink->asked < sink_filter_count(sink) && sink->requests_out < PACKETS_OUT_MAX) {
        unsigned left = sink_filter_count(sink) - sink->asked;
        rc = ask(sink, left < FILTERS_A_PACKET ? left : FILTERS_A_PACKET);
    }
    return rc;
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
    sink->requests_out--;
    if (subscribe(sink) < 0)
        link_fail(&sink->link, "no memory to subscribe");
}

struct message {
    uint16_t packet_id;
    struct view payload;
};

/* Where the pieces of a PUBLISH lie.  The frame is whole; a length that leads out of it is a fault of the server's. */
static bool
cut(const struct sink *sink, struct view frame, struct message *ret)
{
    struct cursor at = cursor_of(view_from(frame, 1));

    take_varint(&at);
    take_short(&at);
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
    uint8_t *at = link_room(&sink->link, ACK_BYTES);

    if (at == NULL)
        return;
    at[0] = (uint8_t)(type << 4 | (type == MQTT_PUBREL ? 2 : 0));
    at[1] = 2;
    at[2] = (uint8_t)(packet_id >> 8);
    at[3] = (uint8_t)packet_id;
    io_put_done(sink->link.stream, ACK_BYTES);
}

static void
take_message(struct sink *sink, struct view frame)
{
    unsigned qos = frame.data[0] >> 1 & 3;
    struct message message;

    if (!cut(sink, frame, &message) || qos > sink->settings.qos) {
        sink->foreign++;
        link_fail(&sink->link, "a PUBLISH that is none of the generator's");
        return;
    }
    if (qos > 0)
        answer(sink, qos == 1 ? MQTT_PUBACK : MQTT_PUBREC, message.packet_id);
    sink_count(sink, message.payload);
}

static void
take(struct sink *sink, struct view frame)
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

const struct protocol bench_mqtt = {
    .name = "mqtt",
    .port = 1883,
    .frame_size = mqtt_frame,
    .frame_bytes_max = PACKET_BYTES_MAX_HIGH,
    .separator = '/',
    .any_level = '+',
    .forgets = true,
    .greet = greet,
    .introduce = take_connack,
    .attend = attend,
    .bye = bye,
    .make_frame = make_frame,
    .take_ack = take_ack,
    .subscribe = subscribe,
    .take = take,
};
