/* libFuzzer target: the MQTT codec.
 *
 * The same bytes are read as a client's and as a server's, in every version, packet after packet.  What decodes is
 * written again, and what was written must decode to the same bytes once more: then nothing was lost on the way. */
#include "base/must.h"
#include "wire/mqtt.h"

enum { INPUT_BYTES_MAX = 4096, ROOM = 2 * INPUT_BYTES_MAX, FILTERS_MAX = INPUT_BYTES_MAX / 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
write_publish(uint8_t *at, uint8_t version, const struct mqtt_publish *p)
{
    struct mqtt_publish_head head = {
        .version = version,
        .dup = p->dup,
        .retain = p->retain,
        .qos = p->qos,
        .packet_id = p->packet_id,
        .expiry_s = UINT32_MAX,
        .topic = p->topic,
        .props = p->properties.raw,
        .payload_bytes = p->payload.len,
    };
    size_t n = mqtt_write_publish_head(at, ROOM, &head);
    must(n == mqtt_size_publish_head(&head) && n + p->payload.len <= ROOM);
    if (p->payload.len > 0)
        memcpy(at + n, p->payload.data, p->payload.len);
    return n + p->payload.len;
}

static size_t
write_subscribe(uint8_t *at, const struct mqtt_subscribe *s)
{
    struct mqtt_filter filters[FILTERS_MAX];
    struct view names[FILTERS_MAX];
    unsigned count = 0;
    struct cursor c = cursor_of(s->filters);
    must(s->count <= FILTERS_MAX);
    for (; mqtt_filter_next(&c, s, &filters[count]); count++)
        names[count] = filters[count].filter;
    must(count == s->count);
    if (s->unsubscribe)
        return mqtt_write_unsubscribe(at, ROOM, s->version, s->packet_id, names, count, s->properties.raw);
    return mqtt_write_subscribe(at, ROOM, s->version, s->packet_id, filters, count, s->properties.raw);
}

static size_t
write_packet(uint8_t *at, uint8_t version, const struct mqtt_packet *p)
{
    const struct mqtt_ack *ack = &p->ack;
    switch (p->type) {
    case MQTT_CONNECT: return mqtt_write_connect(at, ROOM, &p->connect);
    case MQTT_CONNACK:
        return mqtt_write_connack(at, ROOM, version, p->connack.session_present, p->connack.reason,
                                  p->connack.properties.raw);
    case MQTT_PUBLISH: return write_publish(at, version, &p->publish);
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        return mqtt_write_ack(at, ROOM, version, p->type, ack->packet_id, ack->reason, ack->properties.raw);
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE: return write_subscribe(at, &p->subscribe);
    case MQTT_SUBACK:
    case MQTT_UNSUBACK:
        return mqtt_write_suback(at, ROOM, version, p->type, ack->packet_id, ack->codes, ack->properties.raw);
    case MQTT_PINGREQ:
    case MQTT_PINGRESP: return mqtt_write_ping(at, ROOM, p->type);
    case MQTT_DISCONNECT:
    case MQTT_AUTH: return mqtt_write_bye(at, ROOM, version, p->type, ack->reason, ack->properties.raw);
    }
    return 0;
}

/* Walking the properties again gives as many as there are, to the last byte. */
static void
check_lasting(const struct mqtt_publish *p)
{
    uint8_t room[ROOM];
    struct pen pen = pen_of(room, sizeof(room));
    mqtt_put_lasting(&pen, p->properties.raw);
    must(!pen.torn);
    must(p->properties.hop_only || (size_t)(pen.at - room) == p->properties.raw.len);
}

static void
check_written(const struct mqtt_dialect *dialect, const struct mqtt_packet *packet)
{
    uint8_t once[ROOM], twice[ROOM];
    struct mqtt_packet again;
    struct fault fault;
    uint8_t version = packet->type == MQTT_CONNECT ? packet->connect.version : dialect->version;
    size_t n = write_packet(once, version, packet);
    must(n > 0);
    must(mqtt_decode(view_of(once, n), dialect, &again, &fault) == (ptrdiff_t)n);
    must(again.type == packet->type);
    must(write_packet(twice, version, &again) == n && memcmp(once, twice, n) == 0);
    if (packet->type == MQTT_PUBLISH)
        check_lasting(&packet->publish);
}

static void
read_all(struct view in, struct mqtt_dialect dialect)
{
    while (in.len > 0) {
        struct mqtt_packet packet;
        struct fault fault = { 0 };
        ptrdiff_t n = mqtt_decode(in, &dialect, &packet, &fault);
        must(n <= (ptrdiff_t)in.len);
        must(n >= 0 || (fault.clause != NULL && fault.text != NULL && fault.code >= MQTT_UNSPECIFIED_ERROR));
        if (n <= 0)
            return;
        check_written(&dialect, &packet);
        if (packet.type == MQTT_CONNECT)
            dialect.version = packet.connect.version;
        in = view_from(in, (size_t)n);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t versions[] = { 0, MQTT_V31, MQTT_V311, MQTT_V5 };
    if (size > INPUT_BYTES_MAX)
        return 0;
    struct view in = view_of(data, size);
    mqtt_connect_version(in);
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct mqtt_dialect dialect = { .version = versions[i], .packet_bytes_max = INPUT_BYTES_MAX };
        dialect.from = MQTT_FROM_CLIENT;
        read_all(in, dialect);
        dialect.from = MQTT_FROM_SERVER;
        if (versions[i] != 0)
            read_all(in, dialect);
    }
    return 0;
}
