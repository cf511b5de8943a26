/* cmd/property.c - see property.h. */
#include "cmd/property.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"

enum shape { U8, U16, U32, VARINT, TEXT, BINARY, PAIR };

enum {
    CONNECT = 1 << PROPERTY_CONNECT,
    WILL = 1 << PROPERTY_WILL,
    PUBLISH = 1 << PROPERTY_PUBLISH,
    SUBSCRIBE = 1 << PROPERTY_SUBSCRIBE,
    UNSUBSCRIBE = 1 << PROPERTY_UNSUBSCRIBE,
    DISCONNECT = 1 << PROPERTY_DISCONNECT,
    MESSAGE = WILL | PUBLISH,
    ANY = CONNECT | WILL | PUBLISH | SUBSCRIBE | UNSUBSCRIBE | DISCONNECT,
    VARINT_MAX = 268435455,
};

/* MQTT 5, 2.2.2.2, with the names that mosquitto_pub uses, and which packets of a client may have it. */
/* clang-format off */
static const struct row {
    const char *name;
    enum mqtt_property id;
    enum shape shape;
    unsigned packets;
    uint32_t min, max;
} rows[] = {
    { "payload-format-indicator",          MQTT_PAYLOAD_FORMAT,             U8,     MESSAGE,              0, 1 },
    { "message-expiry-interval",           MQTT_MESSAGE_EXPIRY,             U32,    MESSAGE,              0, UINT32_MAX },
    { "content-type",                      MQTT_CONTENT_TYPE,               TEXT,   MESSAGE,              0, 0 },
    { "response-topic",                    MQTT_RESPONSE_TOPIC,             TEXT,   MESSAGE,              0, 0 },
    { "correlation-data",                  MQTT_CORRELATION_DATA,           BINARY, MESSAGE,              0, 0 },
    { "subscription-identifier",           MQTT_SUBSCRIPTION_ID,            VARINT, SUBSCRIBE,            1, VARINT_MAX },
    { "session-expiry-interval",           MQTT_SESSION_EXPIRY,             U32,    CONNECT | DISCONNECT, 0, UINT32_MAX },
    { "assigned-client-identifier",        MQTT_ASSIGNED_CLIENT_ID,         TEXT,   0,                    0, 0 },
    { "server-keep-alive",                 MQTT_SERVER_KEEP_ALIVE,          U16,    0,                    0, 0 },
    { "authentication-method",             MQTT_AUTH_METHOD,                TEXT,   CONNECT,              0, 0 },
    { "authentication-data",               MQTT_AUTH_DATA,                  BINARY, CONNECT,              0, 0 },
    { "request-problem-information",       MQTT_REQUEST_PROBLEM_INFO,       U8,     CONNECT,              0, 1 },
    { "will-delay-interval",               MQTT_WILL_DELAY,                 U32,    WILL,                 0, UINT32_MAX },
    { "request-response-information",      MQTT_REQUEST_RESPONSE_INFO,      U8,     CONNECT,              0, 1 },
    { "response-information",              MQTT_RESPONSE_INFO,              TEXT,   0,                    0, 0 },
    { "server-reference",                  MQTT_SERVER_REFERENCE,           TEXT,   0,                    0, 0 },
    { "reason-string",                     MQTT_REASON_STRING,              TEXT,   DISCONNECT,           0, 0 },
    { "receive-maximum",                   MQTT_RECEIVE_MAXIMUM,            U16,    CONNECT,              1, UINT16_MAX },
    { "topic-alias-maximum",               MQTT_TOPIC_ALIAS_MAXIMUM,        U16,    CONNECT,              0, UINT16_MAX },
    { "topic-alias",                       MQTT_TOPIC_ALIAS,                U16,    PUBLISH,              1, UINT16_MAX },
    { "maximum-qos",                       MQTT_MAXIMUM_QOS,                U8,     0,                    0, 0 },
    { "retain-available",                  MQTT_RETAIN_AVAILABLE,           U8,     0,                    0, 0 },
    { "user-property",                     MQTT_USER_PROPERTY,              PAIR,   ANY,                  0, 0 },
    { "maximum-packet-size",               MQTT_MAXIMUM_PACKET_SIZE,        U32,    CONNECT,              1, UINT32_MAX },
    { "wildcard-subscription-available",   MQTT_WILDCARD_AVAILABLE,         U8,     0,                    0, 0 },
    { "subscription-identifier-available", MQTT_SUBSCRIPTION_IDS_AVAILABLE, U8,     0,                    0, 0 },
    { "shared-subscription-available",     MQTT_SHARED_AVAILABLE,           U8,     0,                    0, 0 },
};
/* clang-format on */

static const char *const packet_names[PROPERTY_PACKETS] = {
    [PROPERTY_CONNECT] = "connect",         [PROPERTY_WILL] = "will",
    [PROPERTY_PUBLISH] = "publish",         [PROPERTY_SUBSCRIBE] = "subscribe",
    [PROPERTY_UNSUBSCRIBE] = "unsubscribe", [PROPERTY_DISCONNECT] = "disconnect",
};

static const struct row *
row_by_name(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

static const struct row *
row_by_id(enum mqtt_property id)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].id == id)
            return &rows[i];
    }
    return NULL;
}

const char *
property_name(enum mqtt_property id)
{
    const struct row *row = row_by_id(id);
    return row == NULL ? NULL : row->name;
}

bool
property_is_number(enum mqtt_property id)
{
    const struct row *row = row_by_id(id);
    return row != NULL && row->shape <= VARINT;
}

bool
property_is_binary(enum mqtt_property id)
{
    const struct row *row = row_by_id(id);
    return row != NULL && row->shape == BINARY;
}

/* ---- the sets --------------------------------------------------------------------------------------------- */

void
property_sets_init(struct property_sets *sets, struct mem *mem)
{
    *sets = (struct property_sets){ .mem = mem };
}

void
property_sets_fini(struct property_sets *sets)
{
    for (unsigned i = 0; i < PROPERTY_PACKETS; i++)
        mem_free(sets->mem, sets->of[i].bytes);
}

struct view
property_view(const struct property_sets *sets, enum property_packet packet)
{
    return view_of(sets->of[packet].bytes, sets->of[packet].len);
}

/* The longest fixed part of a property: its id and two lengths. */
enum { PROPERTY_SLACK_BYTES = 8 };

static void
put(struct pen *pen, const struct row *row, uint32_t number, struct view text, struct view value)
{
    switch (row->shape) {
    case U8: mqtt_put_u8(pen, row->id, (uint8_t)number); break;
    case U16: mqtt_put_u16(pen, row->id, (uint16_t)number); break;
    case U32: mqtt_put_u32(pen, row->id, number); break;
    case VARINT: mqtt_put_varint(pen, row->id, number); break;
    case TEXT:
    case BINARY: mqtt_put_text(pen, row->id, text); break;
    case PAIR: mqtt_put_pair(pen, text, value); break;
    }
}

static int
append(struct property_sets *sets, struct property_set *set, const struct row *row, uint32_t number, struct view text,
       struct view value)
{
    size_t room = PROPERTY_SLACK_BYTES + text.len + value.len;
    uint8_t *bytes = mem_grow(sets->mem, set->bytes, set->len + room);
    if (bytes == NULL)
        return -ERR_NO_MEMORY;
    struct pen pen = pen_of(bytes + set->len, room);

    set->bytes = bytes;
    put(&pen, row, number, text, value);
    must(!pen.torn);
    set->len = (size_t)(pen.at - bytes);
    set->has |= UINT64_C(1) << row->id;
    return 0;
}

int
property_put_number(struct property_sets *sets, enum property_packet packet, enum mqtt_property id, uint32_t x)
{
    const struct row *row = row_by_id(id);

    must(row != NULL && row->shape <= VARINT && row->packets >> packet & 1);
    return append(sets, &sets->of[packet], row, x, view_of(NULL, 0), view_of(NULL, 0));
}

/* ---- the words -------------------------------------------------------------------------------------------- */

int
property_words(char *const *words, int left)
{
    return left > 1 && strcmp(words[1], "user-property") == 0 ? 4 : 3;
}

static int
find_packet(const char *name, enum property_packet *ret)
{
    for (unsigned i = 0; i < PROPERTY_PACKETS; i++) {
        if (strcmp(packet_names[i], name) == 0) {
            *ret = i;
            return 0;
        }
    }
    return -ERR_NOT_FOUND;
}

static int
check(const struct property_set *set, const struct row *row, enum property_packet packet, char *const *words,
      struct complaint *complaint)
{
    if (row == NULL)
        return complain(complaint, "-D: there is no property '%s'", words[1]);
    if (!(row->packets >> packet & 1))
        return complain(complaint, "-D: a client's %s has no %s", words[0], row->name);
    if (row->shape != PAIR && (set->has >> row->id & 1))
        return complain(complaint, "-D: %s has %s twice", words[0], row->name);
    for (int i = 2; row->shape >= TEXT && i < (row->shape == PAIR ? 4 : 3); i++) {
        if (strlen(words[i]) > UINT16_MAX)
            return complain(complaint, "-D: %s is longer than 65535 bytes", row->name);
    }
    return 0;
}

int
property_parse(struct property_sets *sets, char *const *words, struct complaint *complaint)
{
    struct view none = view_of(NULL, 0);
    enum property_packet packet;
    uint64_t number = 0;

    if (find_packet(words[0], &packet) < 0)
        return complain(complaint, "-D: '%s' is not a packet with properties", words[0]);
    struct property_set *set = &sets->of[packet];
    const struct row *row = row_by_name(words[1]);
    int rc = check(set, row, packet, words, complaint);
    if (rc < 0)
        return rc;

    if (row->shape <= VARINT && parse_number(words[2], row->min, row->max, &number) < 0)
        return complain(complaint, "-D: %s is a number from %u to %u, not '%s'", row->name, row->min, row->max,
                        words[2]);
    if (row->id == MQTT_TOPIC_ALIAS) {
        set->has |= UINT64_C(1) << row->id;
        sets->topic_alias = (uint16_t)number;
        return 0;
    }
    return append(sets, set, row, (uint32_t)number, row->shape >= TEXT ? view_str(words[2]) : none,
                  row->shape == PAIR ? view_str(words[3]) : none);
}
