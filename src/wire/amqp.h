/* wire/amqp.h - AMQP 0-9-1 as plain values: frames, methods, content headers, field tables; with what RabbitMQ added to
 * it (amqp0-9-1.extended). Pure: no I/O, no allocation, no clock.  Views borrow the input.
 *
 * Clauses are sections of the AMQP 0-9-1 specification (13 November 2008).  Codes and words of faults are RabbitMQ's
 * where it answers at all. */
#ifndef TAMBO_WIRE_AMQP_H
#define TAMBO_WIRE_AMQP_H

#include "base/cursor.h"
#include "base/fault.h"
#include "base/view.h"

/* What a client says first, and what a server says to one that began otherwise (4.2.2). */
#define AMQP_PROTOCOL_HEADER "AMQP\0\0\x09\x01"

enum {
    AMQP_PROTOCOL_HEADER_BYTES = 8,
    AMQP_FRAME_HEAD = 7,     /* type, channel, size */
    AMQP_FRAME_OVERHEAD = 8, /* and the end octet */
    AMQP_FRAME_MIN_SIZE = 4096,
    AMQP_FRAME_END = 0xce,
    AMQP_SHORTSTR_MAX = 255,
    AMQP_HEADER_FIXED = 12,    /* a content header before its property flags: class, weight, body size */
    AMQP_TABLE_DEPTH_MAX = 16, /* tables and arrays within each other, the outermost counted */
};

enum amqp_frame_type {
    AMQP_FRAME_METHOD = 1,
    AMQP_FRAME_HEADER = 2,
    AMQP_FRAME_BODY = 3,
    AMQP_FRAME_HEARTBEAT = 8,
};

/* 1.2: reply codes. */
enum amqp_reply {
    AMQP_REPLY_SUCCESS = 200,
    AMQP_CONTENT_TOO_LARGE = 311,
    AMQP_NO_ROUTE = 312,
    AMQP_NO_CONSUMERS = 313,
    AMQP_CONNECTION_FORCED = 320,
    AMQP_INVALID_PATH = 402,
    AMQP_ACCESS_REFUSED = 403,
    AMQP_NOT_FOUND = 404,
    AMQP_RESOURCE_LOCKED = 405,
    AMQP_PRECONDITION_FAILED = 406,
    AMQP_FRAME_ERROR = 501,
    AMQP_SYNTAX_ERROR = 502,
    AMQP_COMMAND_INVALID = 503,
    AMQP_CHANNEL_ERROR = 504,
    AMQP_UNEXPECTED_FRAME = 505,
    AMQP_RESOURCE_ERROR = 506,
    AMQP_NOT_ALLOWED = 530,
    AMQP_NOT_IMPLEMENTED = 540,
    AMQP_INTERNAL_ERROR = 541,
};
/* "PRECONDITION_FAILED"; NULL for a code the specification does not have. */
const char *amqp_reply_name(unsigned code);
/* Does it close the connection (a hard error), or only the channel? */
bool amqp_reply_is_hard(unsigned code);

/* ---- frames ----------------------------------------------------------------------------------------------- */

struct amqp_frame {
    uint8_t type; /* enum amqp_frame_type */
    uint16_t channel;
    struct view payload;
};

/* Read one frame from the front of `in`.
 * Returns the bytes consumed; 0 when `in` does not yet hold a whole frame, and then *retneed says how many bytes it
 * needs in all, as far as one can know; or -ERR_PROTOCOL, and then *why names the broken rule.  `frame_max` bounds the
 * payload and its AMQP_FRAME_OVERHEAD together; 0: no bound.  *ret is written on success only. */
int64_t amqp_frame_parse(struct view in, uint32_t frame_max, struct amqp_frame *ret, size_t *retneed,
                         struct fault *why);

/* ---- methods ---------------------------------------------------------------------------------------------- */

enum amqp_class {
    AMQP_CLASS_CONNECTION = 10,
    AMQP_CLASS_CHANNEL = 20,
    AMQP_CLASS_ACCESS = 30,
    AMQP_CLASS_EXCHANGE = 40,
    AMQP_CLASS_QUEUE = 50,
    AMQP_CLASS_BASIC = 60,
    AMQP_CLASS_CONFIRM = 85,
    AMQP_CLASS_TX = 90,
};

/* Class << 16 | method. */
enum amqp_method_id {
    AMQP_CONNECTION_START = 10 << 16 | 10,
    AMQP_CONNECTION_START_OK = 10 << 16 | 11,
    AMQP_CONNECTION_SECURE = 10 << 16 | 20,
    AMQP_CONNECTION_SECURE_OK = 10 << 16 | 21,
    AMQP_CONNECTION_TUNE = 10 << 16 | 30,
    AMQP_CONNECTION_TUNE_OK = 10 << 16 | 31,
    AMQP_CONNECTION_OPEN = 10 << 16 | 40,
    AMQP_CONNECTION_OPEN_OK = 10 << 16 | 41,
    AMQP_CONNECTION_CLOSE = 10 << 16 | 50,
    AMQP_CONNECTION_CLOSE_OK = 10 << 16 | 51,
    AMQP_CONNECTION_BLOCKED = 10 << 16 | 60,
    AMQP_CONNECTION_UNBLOCKED = 10 << 16 | 61,
    AMQP_CONNECTION_UPDATE_SECRET = 10 << 16 | 70,
    AMQP_CONNECTION_UPDATE_SECRET_OK = 10 << 16 | 71,

    AMQP_CHANNEL_OPEN = 20 << 16 | 10,
    AMQP_CHANNEL_OPEN_OK = 20 << 16 | 11,
    AMQP_CHANNEL_FLOW = 20 << 16 | 20,
    AMQP_CHANNEL_FLOW_OK = 20 << 16 | 21,
    AMQP_CHANNEL_CLOSE = 20 << 16 | 40,
    AMQP_CHANNEL_CLOSE_OK = 20 << 16 | 41,

    AMQP_ACCESS_REQUEST = 30 << 16 | 10,
    AMQP_ACCESS_REQUEST_OK = 30 << 16 | 11,

    AMQP_EXCHANGE_DECLARE = 40 << 16 | 10,
    AMQP_EXCHANGE_DECLARE_OK = 40 << 16 | 11,
    AMQP_EXCHANGE_DELETE = 40 << 16 | 20,
    AMQP_EXCHANGE_DELETE_OK = 40 << 16 | 21,
    AMQP_EXCHANGE_BIND = 40 << 16 | 30,
    AMQP_EXCHANGE_BIND_OK = 40 << 16 | 31,
    AMQP_EXCHANGE_UNBIND = 40 << 16 | 40,
    AMQP_EXCHANGE_UNBIND_OK = 40 << 16 | 51,

    AMQP_QUEUE_DECLARE = 50 << 16 | 10,
    AMQP_QUEUE_DECLARE_OK = 50 << 16 | 11,
    AMQP_QUEUE_BIND = 50 << 16 | 20,
    AMQP_QUEUE_BIND_OK = 50 << 16 | 21,
    AMQP_QUEUE_PURGE = 50 << 16 | 30,
    AMQP_QUEUE_PURGE_OK = 50 << 16 | 31,
    AMQP_QUEUE_DELETE = 50 << 16 | 40,
    AMQP_QUEUE_DELETE_OK = 50 << 16 | 41,
    AMQP_QUEUE_UNBIND = 50 << 16 | 50,
    AMQP_QUEUE_UNBIND_OK = 50 << 16 | 51,

    AMQP_BASIC_QOS = 60 << 16 | 10,
    AMQP_BASIC_QOS_OK = 60 << 16 | 11,
    AMQP_BASIC_CONSUME = 60 << 16 | 20,
    AMQP_BASIC_CONSUME_OK = 60 << 16 | 21,
    AMQP_BASIC_CANCEL = 60 << 16 | 30,
    AMQP_BASIC_CANCEL_OK = 60 << 16 | 31,
    AMQP_BASIC_PUBLISH = 60 << 16 | 40,
    AMQP_BASIC_RETURN = 60 << 16 | 50,
    AMQP_BASIC_DELIVER = 60 << 16 | 60,
    AMQP_BASIC_GET = 60 << 16 | 70,
    AMQP_BASIC_GET_OK = 60 << 16 | 71,
    AMQP_BASIC_GET_EMPTY = 60 << 16 | 72,
    AMQP_BASIC_ACK = 60 << 16 | 80,
    AMQP_BASIC_REJECT = 60 << 16 | 90,
    AMQP_BASIC_RECOVER_ASYNC = 60 << 16 | 100,
    AMQP_BASIC_RECOVER = 60 << 16 | 110,
    AMQP_BASIC_RECOVER_OK = 60 << 16 | 111,
    AMQP_BASIC_NACK = 60 << 16 | 120,

    AMQP_CONFIRM_SELECT = 85 << 16 | 10,
    AMQP_CONFIRM_SELECT_OK = 85 << 16 | 11,

    AMQP_TX_SELECT = 90 << 16 | 10,
    AMQP_TX_SELECT_OK = 90 << 16 | 11,
    AMQP_TX_COMMIT = 90 << 16 | 20,
    AMQP_TX_COMMIT_OK = 90 << 16 | 21,
    AMQP_TX_ROLLBACK = 90 << 16 | 30,
    AMQP_TX_ROLLBACK_OK = 90 << 16 | 31,
};

/* One struct a method that has arguments, in the order of the wire, reserved ones left out.  A table is a view of its
 * fields, without the length before them. */

struct amqp_connection_start {
    uint8_t version_major, version_minor;
    struct view server_properties; /* table */
    struct view mechanisms, locales;
};
struct amqp_connection_start_ok {
    struct view client_properties; /* table */
    struct view mechanism, response, locale;
};
struct amqp_connection_secure {
    struct view challenge;
};
struct amqp_connection_secure_ok {
    struct view response;
};
struct amqp_connection_tune {
    uint16_t channel_max;
    uint32_t frame_max;
    uint16_t heartbeat; /* seconds */
};
struct amqp_connection_tune_ok {
    uint16_t channel_max;
    uint32_t frame_max;
    uint16_t heartbeat;
};
struct amqp_connection_open {
    struct view virtual_host;
};
/* Also channel.close. */
struct amqp_close {
    uint16_t reply_code;
    struct view reply_text;
    uint16_t class_id, method_id; /* of the method that failed, or 0 */
};
struct amqp_connection_blocked {
    struct view reason;
};
struct amqp_connection_update_secret {
    struct view new_secret, reason;
};

/* Also channel.flow-ok. */
struct amqp_channel_flow {
    bool active;
};

struct amqp_access_request {
    struct view realm;
    bool exclusive, passive, active, write, read;
};
struct amqp_access_request_ok {
    uint16_t ticket;
};

struct amqp_exchange_declare {
    struct view exchange, type;
    bool passive, durable, auto_delete, internal, no_wait;
    struct view arguments; /* table */
};
struct amqp_exchange_delete {
    struct view exchange;
    bool if_unused, no_wait;
};
/* Also exchange.unbind. */
struct amqp_exchange_bind {
    struct view destination, source, routing_key;
    bool no_wait;
    struct view arguments; /* table */
};

struct amqp_queue_declare {
    struct view queue;
    bool passive, durable, exclusive, auto_delete, no_wait;
    struct view arguments; /* table */
};
struct amqp_queue_declare_ok {
    struct view queue;
    uint32_t message_count, consumer_count;
};
struct amqp_queue_bind {
    struct view queue, exchange, routing_key;
    bool no_wait;
    struct view arguments; /* table */
};
struct amqp_queue_unbind {
    struct view queue, exchange, routing_key;
    struct view arguments; /* table */
};
struct amqp_queue_purge {
    struct view queue;
    bool no_wait;
};
struct amqp_queue_purge_ok {
    uint32_t message_count;
};
struct amqp_queue_delete {
    struct view queue;
    bool if_unused, if_empty, no_wait;
};
struct amqp_queue_delete_ok {
    uint32_t message_count;
};

struct amqp_basic_qos {
    uint32_t prefetch_size;
    uint16_t prefetch_count;
    bool global;
};
struct amqp_basic_consume {
    struct view queue, consumer_tag;
    bool no_local, no_ack, exclusive, no_wait;
    struct view arguments; /* table */
};
struct amqp_basic_consume_ok {
    struct view consumer_tag;
};
struct amqp_basic_cancel {
    struct view consumer_tag;
    bool no_wait;
};
struct amqp_basic_cancel_ok {
    struct view consumer_tag;
};
struct amqp_basic_publish {
    struct view exchange, routing_key;
    bool mandatory, immediate;
};
struct amqp_basic_return {
    uint16_t reply_code;
    struct view reply_text, exchange, routing_key;
};
struct amqp_basic_deliver {
    struct view consumer_tag;
    uint64_t delivery_tag;
    bool redelivered;
    struct view exchange, routing_key;
};
struct amqp_basic_get {
    struct view queue;
    bool no_ack;
};
struct amqp_basic_get_ok {
    uint64_t delivery_tag;
    bool redelivered;
    struct view exchange, routing_key;
    uint32_t message_count;
};
struct amqp_basic_ack {
    uint64_t delivery_tag;
    bool multiple;
};
struct amqp_basic_reject {
    uint64_t delivery_tag;
    bool requeue;
};
/* Also basic.recover-async. */
struct amqp_basic_recover {
    bool requeue;
};
struct amqp_basic_nack {
    uint64_t delivery_tag;
    bool multiple, requeue;
};

struct amqp_confirm_select {
    bool no_wait;
};

struct amqp_method {
    uint32_t id; /* enum amqp_method_id */
    union {
        struct amqp_connection_start connection_start;
        struct amqp_connection_start_ok connection_start_ok;
        struct amqp_connection_secure connection_secure;
        struct amqp_connection_secure_ok connection_secure_ok;
        struct amqp_connection_tune connection_tune;
        struct amqp_connection_tune_ok connection_tune_ok;
        struct amqp_connection_open connection_open;
        struct amqp_close connection_close;
        struct amqp_connection_blocked connection_blocked;
        struct amqp_connection_update_secret connection_update_secret;
        struct amqp_channel_flow channel_flow, channel_flow_ok;
        struct amqp_close channel_close;
        struct amqp_access_request access_request;
        struct amqp_access_request_ok access_request_ok;
        struct amqp_exchange_declare exchange_declare;
        struct amqp_exchange_delete exchange_delete;
        struct amqp_exchange_bind exchange_bind, exchange_unbind;
        struct amqp_queue_declare queue_declare;
        struct amqp_queue_declare_ok queue_declare_ok;
        struct amqp_queue_bind queue_bind;
        struct amqp_queue_unbind queue_unbind;
        struct amqp_queue_purge queue_purge;
        struct amqp_queue_purge_ok queue_purge_ok;
        struct amqp_queue_delete queue_delete;
        struct amqp_queue_delete_ok queue_delete_ok;
        struct amqp_basic_qos basic_qos;
        struct amqp_basic_consume basic_consume;
        struct amqp_basic_consume_ok basic_consume_ok;
        struct amqp_basic_cancel basic_cancel;
        struct amqp_basic_cancel_ok basic_cancel_ok;
        struct amqp_basic_publish basic_publish;
        struct amqp_basic_return basic_return;
        struct amqp_basic_deliver basic_deliver;
        struct amqp_basic_get basic_get;
        struct amqp_basic_get_ok basic_get_ok;
        struct amqp_basic_ack basic_ack;
        struct amqp_basic_reject basic_reject;
        struct amqp_basic_recover basic_recover, basic_recover_async;
        struct amqp_basic_nack basic_nack;
        struct amqp_confirm_select confirm_select;
    };
};

/* Read the payload of a method frame.  0, or -ERR_PROTOCOL and then *why: 501 for arguments that do not fit (as
 * RabbitMQ answers), 502 for a field table that is not well-formed, 503 for a method its class does not have, 540 for a
 * class we do not know.  *ret is written on success only, but its `id` always when four bytes are there: a close names
 * the method that failed.  Tables are checked whole (amqp_table_check). */
int amqp_method_parse(struct view payload, struct amqp_method *ret, struct fault *why);

/* The whole frame's size on the wire. */
size_t amqp_method_size(const struct amqp_method *m);
/* Writes the whole frame. Returns its size; 0 when the room is too small or a short string is longer than
 * AMQP_SHORTSTR_MAX. */
size_t amqp_method_write(void *room, size_t len, uint16_t channel, const struct amqp_method *m);

/* "basic.publish"; NULL for a method that there is not. */
const char *amqp_method_name(uint32_t id);
/* Do a content header and bodies follow? */
bool amqp_method_has_content(uint32_t id);

/* 4.2.5, as the grammar calls them. */
enum amqp_kind {
    AMQP_KIND_NONE,
    AMQP_KIND_BIT,
    AMQP_KIND_OCTET,
    AMQP_KIND_SHORT,
    AMQP_KIND_LONG,
    AMQP_KIND_LONGLONG,
    AMQP_KIND_SHORTSTR,
    AMQP_KIND_LONGSTR,
    AMQP_KIND_TABLE
};
/* An argument, where it lies in struct amqp_method, and its member's name there: "queue_declare.auto_delete".  Nothing
 * but `id` can be at 0: that is a reserved argument, which is skipped, and written as 0 or empty. */
struct amqp_argument {
    uint16_t kind, offset;
    const char *member;
};
/* What a method has, in the order of the wire; AMQP_KIND_NONE at the end; NULL for a method that there is not. */
const struct amqp_argument *amqp_method_arguments(uint32_t id);
/* The method of that name, or 0. */
uint32_t amqp_method_named(struct view name);

static inline uint16_t
amqp_class_of(uint32_t id)
{
    return (uint16_t)(id >> 16);
}

/* AMQP_FRAME_OVERHEAD bytes, or 0 when the room is too small. */
size_t amqp_heartbeat_write(void *room, size_t len);

/* ---- content ---------------------------------------------------------------------------------------------- */

struct amqp_header {
    uint16_t class_id;
    uint64_t body_size;
    struct view props; /* from the property flags on, as on the wire */
};
/* Read the payload of a content header frame; its properties are not looked at. */
int amqp_header_parse(struct view payload, struct amqp_header *ret, struct fault *why);

/* The properties of class basic, in the order of the wire: the first one's flag is bit 15. */
enum amqp_prop {
    AMQP_CONTENT_TYPE,
    AMQP_CONTENT_ENCODING,
    AMQP_HEADERS,
    AMQP_DELIVERY_MODE,
    AMQP_PRIORITY,
    AMQP_CORRELATION_ID,
    AMQP_REPLY_TO,
    AMQP_EXPIRATION,
    AMQP_MESSAGE_ID,
    AMQP_TIMESTAMP,
    AMQP_TYPE,
    AMQP_USER_ID,
    AMQP_APP_ID,
    AMQP_CLUSTER_ID,
    AMQP_PROPS,
};
/* What is absent is 0 or empty. */
struct amqp_properties {
    uint16_t present; /* 1 << enum amqp_prop */
    uint8_t delivery_mode, priority;
    struct view content_type, content_encoding;
    struct view headers; /* table */
    struct view correlation_id, reply_to, expiration, message_id;
    uint64_t timestamp; /* seconds */
    struct view type, user_id, app_id, cluster_id;
};
static inline bool
amqp_has(const struct amqp_properties *p, enum amqp_prop prop)
{
    return p->present >> prop & 1;
}

/* `props`: from the property flags on.  The headers are checked whole (amqp_table_check). */
int amqp_properties_parse(struct view props, struct amqp_properties *ret, struct fault *why);
/* The flags and the list; the pen is torn when a short string is longer than AMQP_SHORTSTR_MAX. */
void amqp_properties_put(struct pen *p, const struct amqp_properties *props);

/* The head of a message: method frame, content header frame, and the AMQP_FRAME_HEAD bytes that open its first body
 * frame (none when body_size is 0).  The caller puts the first amqp_body_part(frame_max, body_size) bytes of the body,
 * and the end octet.  Returns bytes written, 0 when the room is too small. `m` has content; `props` from the property
 * flags on. */
size_t amqp_content_head(void *room, size_t len, uint16_t channel, const struct amqp_method *m, struct view props,
                         uint64_t body_size, uint32_t frame_max);
/* The same for basic.deliver, on the hot path. */
size_t amqp_deliver_head(void *room, size_t len, uint16_t channel, const struct amqp_basic_deliver *m,
                         struct view props, uint64_t body_size, uint32_t frame_max);
/* How much room a head needs at most. */
size_t amqp_content_head_size(const struct amqp_method *m, struct view props);
size_t amqp_deliver_head_size(const struct amqp_basic_deliver *m, struct view props);

/* How many bytes of a body of which `left` are still to go the next body frame carries; frame_max 0: all. */
static inline uint64_t
amqp_body_part(uint32_t frame_max, uint64_t left)
{
    uint64_t most = frame_max == 0 ? UINT32_MAX : frame_max - AMQP_FRAME_OVERHEAD;
    return left < most ? left : most;
}
/* Opens a body frame of `n` bytes into AMQP_FRAME_HEAD bytes of room, which it returns. */
size_t amqp_body_open(void *room, uint16_t channel, size_t n);

/* ---- field tables ----------------------------------------------------------------------------------------- */

/* A field's value.  RabbitMQ's reading of the letters (its errata to 4.2.5.5):
 *
 *     t bool          boolean              b B  8 bits signed, unsigned     number
 *     S long string   bytes                s u  16 bits                     number
 *     x byte array    bytes                I i  32 bits                     number
 *     F table         bytes (its fields)   l L  64 bits, both signed        number
 *     A array         bytes (its items)    T    timestamp, seconds          unsigned_number
 *     V void          -                    f d  float, double               real
 *                                          D    decimal: value / 10^scale   decimal
 */
struct amqp_value {
    char type;
    union {
        bool boolean;
        int64_t number;
        uint64_t unsigned_number;
        double real;
        struct {
            uint8_t scale;
            int32_t value;
        } decimal;
        struct view bytes;
    };
};

/* The next field of a table, the next item of an array.  Start with a cursor over its bytes. false: at the end, or torn
 * (then the cursor is). */
bool amqp_table_next(struct cursor *table, struct view *retkey, struct amqp_value *ret);
bool amqp_array_next(struct cursor *array, struct amqp_value *ret);
/* Whole and well-formed, with everything nested in it, AMQP_TABLE_DEPTH_MAX deep at most?  0 or -ERR_PROTOCOL. */
int amqp_table_check(struct view table, struct fault *why);
/* The first field of that name. */
bool amqp_table_find(struct view table, const char *key, struct amqp_value *ret);
/* What RabbitMQ calls the type of a field: "longstr". */
const char *amqp_type_name(char type);
/* As RabbitMQ holds arguments against each other: integers by value whatever their width, so floats; all others with
 * the same letter and the same bytes. */
bool amqp_value_equal(const struct amqp_value *a, const struct amqp_value *b);
/* The value of any of the integers. */
bool amqp_value_integer(const struct amqp_value *v, int64_t *ret);

/* Writing. A field of a table; an item of an array.  A key that is too long tears the pen. */
void amqp_put_value(struct pen *p, struct view key, const struct amqp_value *v);
void amqp_put_item(struct pen *p, const struct amqp_value *v);
/* A table or array within another, or where the wire wants its length: amqp_put_name(p, key, 'F') if it is a field of a
 * table (put_u8(p, 'F') if an item), open, its fields or items, close with the same mark. */
void amqp_put_name(struct pen *p, struct view key, char type);
void amqp_put_table_open(struct pen *p, uint8_t **retmark);
void amqp_put_table_close(struct pen *p, uint8_t *mark);

#endif
