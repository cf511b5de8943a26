/* wire/amqp_method.c - methods: one table says what each carries, one loop reads it, one measures it, one writes it.
 *
 *      0       2        4
 *     +-------+--------+------------- ... -+
 *     | class | method | arguments         |    4.2.4; consecutive bits share an octet, the first is its lowest
 * (4.2.5.2)
 *     +-------+--------+------------- ... -+
 */
#include "wire/amqp.h"

#include "base/must.h"
#include "wire/amqp_rule.h"
#include "wire/utf8.h"

enum { FIELDS_MAX = 9, BITS_AN_OCTET = 8 };

/* The member's offset, which does not compile unless it is of that type. */
#define AT(member, type)                              \
    (uint16_t)(offsetof(struct amqp_method, member) * \
               sizeof(char[_Generic(((struct amqp_method *)0)->member, type : 1)]))
/* clang-format off */
#define BIT(member)      { AMQP_KIND_BIT,      AT(member, bool),        #member }
#define OCTET(member)    { AMQP_KIND_OCTET,    AT(member, uint8_t),     #member }
#define SHORT(member)    { AMQP_KIND_SHORT,    AT(member, uint16_t),    #member }
#define LONG(member)     { AMQP_KIND_LONG,     AT(member, uint32_t),    #member }
#define LONGLONG(member) { AMQP_KIND_LONGLONG, AT(member, uint64_t),    #member }
#define SHORTSTR(member) { AMQP_KIND_SHORTSTR, AT(member, struct view), #member }
#define LONGSTR(member)  { AMQP_KIND_LONGSTR,  AT(member, struct view), #member }
#define TABLE(member)    { AMQP_KIND_TABLE,    AT(member, struct view), #member }
#define RESERVED(kind)   { AMQP_KIND_##kind,   0,                       NULL    }

/* In ascending order of ids, to be searched by halves. */
static const struct row {
    uint32_t id;
    bool content;
    const char *name;
    struct amqp_argument fields[FIELDS_MAX + 1]; /* the last is AMQP_KIND_NONE */
} rows[] = {
    { AMQP_CONNECTION_START, 0, "connection.start", {
        OCTET(connection_start.version_major), OCTET(connection_start.version_minor),
        TABLE(connection_start.server_properties), LONGSTR(connection_start.mechanisms), LONGSTR(connection_start.locales) } },
    { AMQP_CONNECTION_START_OK, 0, "connection.start-ok", {
        TABLE(connection_start_ok.client_properties), SHORTSTR(connection_start_ok.mechanism),
        LONGSTR(connection_start_ok.response), SHORTSTR(connection_start_ok.locale) } },
    { AMQP_CONNECTION_SECURE, 0, "connection.secure", { LONGSTR(connection_secure.challenge) } },
    { AMQP_CONNECTION_SECURE_OK, 0, "connection.secure-ok", { LONGSTR(connection_secure_ok.response) } },
    { AMQP_CONNECTION_TUNE, 0, "connection.tune", {
        SHORT(connection_tune.channel_max), LONG(connection_tune.frame_max), SHORT(connection_tune.heartbeat) } },
    { AMQP_CONNECTION_TUNE_OK, 0, "connection.tune-ok", {
        SHORT(connection_tune_ok.channel_max), LONG(connection_tune_ok.frame_max), SHORT(connection_tune_ok.heartbeat) } },
    { AMQP_CONNECTION_OPEN, 0, "connection.open", {
        SHORTSTR(connection_open.virtual_host), RESERVED(SHORTSTR), RESERVED(BIT) } },
    { AMQP_CONNECTION_OPEN_OK, 0, "connection.open-ok", { RESERVED(SHORTSTR) } },
    { AMQP_CONNECTION_CLOSE, 0, "connection.close", {
        SHORT(connection_close.reply_code), SHORTSTR(connection_close.reply_text), SHORT(connection_close.class_id),
        SHORT(connection_close.method_id) } },
    { AMQP_CONNECTION_CLOSE_OK, 0, "connection.close-ok" },
    { AMQP_CONNECTION_BLOCKED, 0, "connection.blocked", { SHORTSTR(connection_blocked.reason) } },
    { AMQP_CONNECTION_UNBLOCKED, 0, "connection.unblocked" },
    { AMQP_CONNECTION_UPDATE_SECRET, 0, "connection.update-secret", {
        LONGSTR(connection_update_secret.new_secret), SHORTSTR(connection_update_secret.reason) } },
    { AMQP_CONNECTION_UPDATE_SECRET_OK, 0, "connection.update-secret-ok" },

    { AMQP_CHANNEL_OPEN, 0, "channel.open", { RESERVED(SHORTSTR) } },
    { AMQP_CHANNEL_OPEN_OK, 0, "channel.open-ok", { RESERVED(LONGSTR) } },
    { AMQP_CHANNEL_FLOW, 0, "channel.flow", { BIT(channel_flow.active) } },
    { AMQP_CHANNEL_FLOW_OK, 0, "channel.flow-ok", { BIT(channel_flow_ok.active) } },
    { AMQP_CHANNEL_CLOSE, 0, "channel.close", {
        SHORT(channel_close.reply_code), SHORTSTR(channel_close.reply_text), SHORT(channel_close.class_id),
        SHORT(channel_close.method_id) } },
    { AMQP_CHANNEL_CLOSE_OK, 0, "channel.close-ok" },

    { AMQP_ACCESS_REQUEST, 0, "access.request", {
        SHORTSTR(access_request.realm), BIT(access_request.exclusive), BIT(access_request.passive),
        BIT(access_request.active), BIT(access_request.write), BIT(access_request.read) } },
    { AMQP_ACCESS_REQUEST_OK, 0, "access.request-ok", { SHORT(access_request_ok.ticket) } },

    { AMQP_EXCHANGE_DECLARE, 0, "exchange.declare", {
        RESERVED(SHORT), SHORTSTR(exchange_declare.exchange), SHORTSTR(exchange_declare.type),
        BIT(exchange_declare.passive), BIT(exchange_declare.durable), BIT(exchange_declare.auto_delete),
        BIT(exchange_declare.internal), BIT(exchange_declare.no_wait), TABLE(exchange_declare.arguments) } },
    { AMQP_EXCHANGE_DECLARE_OK, 0, "exchange.declare-ok" },
    { AMQP_EXCHANGE_DELETE, 0, "exchange.delete", {
        RESERVED(SHORT), SHORTSTR(exchange_delete.exchange), BIT(exchange_delete.if_unused), BIT(exchange_delete.no_wait) } },
    { AMQP_EXCHANGE_DELETE_OK, 0, "exchange.delete-ok" },
    { AMQP_EXCHANGE_BIND, 0, "exchange.bind", {
        RESERVED(SHORT), SHORTSTR(exchange_bind.destination), SHORTSTR(exchange_bind.source),
        SHORTSTR(exchange_bind.routing_key), BIT(exchange_bind.no_wait), TABLE(exchange_bind.arguments) } },
    { AMQP_EXCHANGE_BIND_OK, 0, "exchange.bind-ok" },
    { AMQP_EXCHANGE_UNBIND, 0, "exchange.unbind", {
        RESERVED(SHORT), SHORTSTR(exchange_unbind.destination), SHORTSTR(exchange_unbind.source),
        SHORTSTR(exchange_unbind.routing_key), BIT(exchange_unbind.no_wait), TABLE(exchange_unbind.arguments) } },
    { AMQP_EXCHANGE_UNBIND_OK, 0, "exchange.unbind-ok" },

    { AMQP_QUEUE_DECLARE, 0, "queue.declare", {
        RESERVED(SHORT), SHORTSTR(queue_declare.queue), BIT(queue_declare.passive), BIT(queue_declare.durable),
        BIT(queue_declare.exclusive), BIT(queue_declare.auto_delete), BIT(queue_declare.no_wait),
        TABLE(queue_declare.arguments) } },
    { AMQP_QUEUE_DECLARE_OK, 0, "queue.declare-ok", {
        SHORTSTR(queue_declare_ok.queue), LONG(queue_declare_ok.message_count), LONG(queue_declare_ok.consumer_count) } },
    { AMQP_QUEUE_BIND, 0, "queue.bind", {
        RESERVED(SHORT), SHORTSTR(queue_bind.queue), SHORTSTR(queue_bind.exchange), SHORTSTR(queue_bind.routing_key),
        BIT(queue_bind.no_wait), TABLE(queue_bind.arguments) } },
    { AMQP_QUEUE_BIND_OK, 0, "queue.bind-ok" },
    { AMQP_QUEUE_PURGE, 0, "queue.purge", {
        RESERVED(SHORT), SHORTSTR(queue_purge.queue), BIT(queue_purge.no_wait) } },
    { AMQP_QUEUE_PURGE_OK, 0, "queue.purge-ok", { LONG(queue_purge_ok.message_count) } },
    { AMQP_QUEUE_DELETE, 0, "queue.delete", {
        RESERVED(SHORT), SHORTSTR(queue_delete.queue), BIT(queue_delete.if_unused), BIT(queue_delete.if_empty),
        BIT(queue_delete.no_wait) } },
    { AMQP_QUEUE_DELETE_OK, 0, "queue.delete-ok", { LONG(queue_delete_ok.message_count) } },
    { AMQP_QUEUE_UNBIND, 0, "queue.unbind", {
        RESERVED(SHORT), SHORTSTR(queue_unbind.queue), SHORTSTR(queue_unbind.exchange),
        SHORTSTR(queue_unbind.routing_key), TABLE(queue_unbind.arguments) } },
    { AMQP_QUEUE_UNBIND_OK, 0, "queue.unbind-ok" },

    { AMQP_BASIC_QOS, 0, "basic.qos", {
        LONG(basic_qos.prefetch_size), SHORT(basic_qos.prefetch_count), BIT(basic_qos.global) } },
    { AMQP_BASIC_QOS_OK, 0, "basic.qos-ok" },
    { AMQP_BASIC_CONSUME, 0, "basic.consume", {
        RESERVED(SHORT), SHORTSTR(basic_consume.queue), SHORTSTR(basic_consume.consumer_tag), BIT(basic_consume.no_local),
        BIT(basic_consume.no_ack), BIT(basic_consume.exclusive), BIT(basic_consume.no_wait),
        TABLE(basic_consume.arguments) } },
    { AMQP_BASIC_CONSUME_OK, 0, "basic.consume-ok", { SHORTSTR(basic_consume_ok.consumer_tag) } },
    { AMQP_BASIC_CANCEL, 0, "basic.cancel", { SHORTSTR(basic_cancel.consumer_tag), BIT(basic_cancel.no_wait) } },
    { AMQP_BASIC_CANCEL_OK, 0, "basic.cancel-ok", { SHORTSTR(basic_cancel_ok.consumer_tag) } },
    { AMQP_BASIC_PUBLISH, 1, "basic.publish", {
        RESERVED(SHORT), SHORTSTR(basic_publish.exchange), SHORTSTR(basic_publish.routing_key),
        BIT(basic_publish.mandatory), BIT(basic_publish.immediate) } },
    { AMQP_BASIC_RETURN, 1, "basic.return", {
        SHORT(basic_return.reply_code), SHORTSTR(basic_return.reply_text), SHORTSTR(basic_return.exchange),
        SHORTSTR(basic_return.routing_key) } },
    { AMQP_BASIC_DELIVER, 1, "basic.deliver", {
        SHORTSTR(basic_deliver.consumer_tag), LONGLONG(basic_deliver.delivery_tag), BIT(basic_deliver.redelivered),
        SHORTSTR(basic_deliver.exchange), SHORTSTR(basic_deliver.routing_key) } },
    { AMQP_BASIC_GET, 0, "basic.get", { RESERVED(SHORT), SHORTSTR(basic_get.queue), BIT(basic_get.no_ack) } },
    { AMQP_BASIC_GET_OK, 1, "basic.get-ok", {
        LONGLONG(basic_get_ok.delivery_tag), BIT(basic_get_ok.redelivered), SHORTSTR(basic_get_ok.exchange),
        SHORTSTR(basic_get_ok.routing_key), LONG(basic_get_ok.message_count) } },
    { AMQP_BASIC_GET_EMPTY, 0, "basic.get-empty", { RESERVED(SHORTSTR) } },
    { AMQP_BASIC_ACK, 0, "basic.ack", { LONGLONG(basic_ack.delivery_tag), BIT(basic_ack.multiple) } },
    { AMQP_BASIC_REJECT, 0, "basic.reject", { LONGLONG(basic_reject.delivery_tag), BIT(basic_reject.requeue) } },
    { AMQP_BASIC_RECOVER_ASYNC, 0, "basic.recover-async", { BIT(basic_recover_async.requeue) } },
    { AMQP_BASIC_RECOVER, 0, "basic.recover", { BIT(basic_recover.requeue) } },
    { AMQP_BASIC_RECOVER_OK, 0, "basic.recover-ok" },
    { AMQP_BASIC_NACK, 0, "basic.nack", {
        LONGLONG(basic_nack.delivery_tag), BIT(basic_nack.multiple), BIT(basic_nack.requeue) } },

    { AMQP_CONFIRM_SELECT, 0, "confirm.select", { BIT(confirm_select.no_wait) } },
    { AMQP_CONFIRM_SELECT_OK, 0, "confirm.select-ok" },

    { AMQP_TX_SELECT, 0, "tx.select" },
    { AMQP_TX_SELECT_OK, 0, "tx.select-ok" },
    { AMQP_TX_COMMIT, 0, "tx.commit" },
    { AMQP_TX_COMMIT_OK, 0, "tx.commit-ok" },
    { AMQP_TX_ROLLBACK, 0, "tx.rollback" },
    { AMQP_TX_ROLLBACK_OK, 0, "tx.rollback-ok" },
};
/* clang-format on */

static const struct row *
row_of(uint32_t id)
{
    size_t low = 0, high = COUNT_OF(rows);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < COUNT_OF(rows) && rows[low].id == id ? &rows[low] : NULL;
}

const char *
amqp_method_name(uint32_t id)
{
    const struct row *row = row_of(id);
    return row != NULL ? row->name : NULL;
}

bool
amqp_method_has_content(uint32_t id)
{
    const struct row *row = row_of(id);
    return row != NULL && row->content;
}

const struct amqp_argument *
amqp_method_arguments(uint32_t id)
{
    const struct row *row = row_of(id);
    return row != NULL ? row->fields : NULL;
}

uint32_t
amqp_method_named(struct view name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (view_is(name, rows[i].name))
            return rows[i].id;
    return 0;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

/* Consecutive bits: those of `octet` that are not taken yet. */
struct bits {
    uint8_t octet;
    unsigned left;
};

static bool
take_bit(struct cursor *in, struct bits *bits)
{
    if (bits->left == 0)
        *bits = (struct bits){ .octet = take_u8(in), .left = BITS_AN_OCTET };
    bool bit = bits->octet & 1;
    bits->octet >>= 1;
    bits->left--;
    return bit;
}

static void
take_argument(struct cursor *in, enum amqp_kind kind, struct bits *bits, void *ret)
{
    if (kind != AMQP_KIND_BIT)
        bits->left = 0;
    switch (kind) {
    case AMQP_KIND_NONE: break;
    case AMQP_KIND_BIT: *(bool *)ret = take_bit(in, bits); break;
    case AMQP_KIND_OCTET: *(uint8_t *)ret = take_u8(in); break;
    case AMQP_KIND_SHORT: *(uint16_t *)ret = take_u16(in); break;
    case AMQP_KIND_LONG: *(uint32_t *)ret = take_u32(in); break;
    case AMQP_KIND_LONGLONG: *(uint64_t *)ret = take_u64(in); break;
    case AMQP_KIND_SHORTSTR: *(struct view *)ret = take_shortstr(in); break;
    case AMQP_KIND_LONGSTR:
    case AMQP_KIND_TABLE: *(struct view *)ret = take_long(in); break;
    }
}

static int
take_arguments(const struct row *row, struct cursor *in, struct amqp_method *ret, struct fault *why)
{
    struct bits bits = { 0 };
    struct view reserved; /* as large as any argument */
    for (const struct amqp_argument *f = row->fields; f->kind != AMQP_KIND_NONE; f++)
        take_argument(in, f->kind, &bits, f->offset == 0 ? (void *)&reserved : (uint8_t *)ret + f->offset);
    if (in->torn)
        return amqp_breach(why, AMQP_RULE_METHOD_TORN);
    if (cursor_left(in) > 0)
        return amqp_breach(why, AMQP_RULE_METHOD_SURPLUS);
    return 0;
}

/* What RabbitMQ looks at, too: tables, and that short strings are text, but not in methods with content, for speed. */
static int
check_arguments(const struct row *row, const struct amqp_method *m, struct fault *why)
{
    int rc = 0;
    for (const struct amqp_argument *f = row->fields; rc == 0 && f->kind != AMQP_KIND_NONE; f++) {
        const void *at = (const uint8_t *)m + f->offset;
        if (f->kind == AMQP_KIND_TABLE)
            rc = amqp_table_check(*(const struct view *)at, why);
        else if (f->kind == AMQP_KIND_SHORTSTR && f->offset != 0 && !row->content &&
                 !utf8_valid(*(const struct view *)at))
            rc = amqp_breach(why, AMQP_RULE_SHORTSTR_TEXT);
    }
    return rc;
}

/* What a broker reads most, by hand.  Anything else about the two, and whatever is wrong with them, is the table's
 * affair. */
static bool
read_publish(struct view payload, struct amqp_basic_publish *ret)
{
    enum { EXCHANGE_AT = 6 }; /* id and ticket before it */
    const uint8_t *at = payload.data;
    if (payload.len < EXCHANGE_AT + 3)
        return false;
    size_t key_at = EXCHANGE_AT + 1 + (size_t)at[EXCHANGE_AT];
    if (key_at + 2 > payload.len || key_at + 1 + at[key_at] + 1 != payload.len)
        return false;
    uint8_t bits = at[payload.len - 1];
    ret->exchange = view_of(at + EXCHANGE_AT + 1, at[EXCHANGE_AT]);
    ret->routing_key = view_of(at + key_at + 1, at[key_at]);
    ret->mandatory = bits & 1;
    ret->immediate = bits >> 1 & 1;
    return true;
}

static bool
read_ack(struct view payload, struct amqp_basic_ack *ret)
{
    struct cursor in = cursor_of(view_from(payload, sizeof(uint32_t)));
    if (payload.len != sizeof(uint32_t) + sizeof(uint64_t) + 1)
        return false;
    ret->delivery_tag = take_u64(&in);
    ret->multiple = take_u8(&in) & 1;
    return true;
}

static bool
read_by_hand(struct view payload, struct amqp_method *ret)
{
    return ret->id == AMQP_BASIC_PUBLISH ? read_publish(payload, &ret->basic_publish)
           : ret->id == AMQP_BASIC_ACK   ? read_ack(payload, &ret->basic_ack)
                                         : false;
}

static bool
class_is_known(uint32_t id)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (amqp_class_of(rows[i].id) == amqp_class_of(id))
            return true;
    return false;
}

int
amqp_method_parse(struct view payload, struct amqp_method *ret, struct fault *why)
{
    struct cursor in = cursor_of(payload);
    uint32_t id = take_u32(&in);
    if (in.torn)
        return amqp_breach(why, AMQP_RULE_METHOD_SHORT);
    ret->id = id;
    if (read_by_hand(payload, ret))
        return 0;
    struct amqp_method m = { .id = id };
    const struct row *row = row_of(id);
    if (row == NULL)
        return amqp_breach(why, class_is_known(id) ? AMQP_RULE_METHOD_UNKNOWN : AMQP_RULE_METHOD_CLASS);
    int rc = take_arguments(row, &in, &m, why);
    if (rc == 0)
        rc = check_arguments(row, &m, why);
    if (rc == 0)
        *ret = m;
    return rc;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

static void
put_bit(struct pen *p, bool bit, unsigned *left)
{
    if (*left == 0) {
        put_u8(p, 0);
        *left = BITS_AN_OCTET;
    }
    if (bit && !p->torn)
        p->at[-1] |= (uint8_t)(1u << (BITS_AN_OCTET - *left));
    --*left;
}

/* `left`: how many bits still go into the octet behind us. */
static void
put_argument(struct pen *p, enum amqp_kind kind, const void *at, unsigned *left)
{
    if (kind != AMQP_KIND_BIT)
        *left = 0;
    switch (kind) {
    case AMQP_KIND_NONE: break;
    case AMQP_KIND_BIT: put_bit(p, *(const bool *)at, left); break;
    case AMQP_KIND_OCTET: put_u8(p, *(const uint8_t *)at); break;
    case AMQP_KIND_SHORT: put_u16(p, *(const uint16_t *)at); break;
    case AMQP_KIND_LONG: put_u32(p, *(const uint32_t *)at); break;
    case AMQP_KIND_LONGLONG: put_u64(p, *(const uint64_t *)at); break;
    case AMQP_KIND_SHORTSTR: put_shortstr(p, *(const struct view *)at); break;
    case AMQP_KIND_LONGSTR:
    case AMQP_KIND_TABLE: put_long(p, *(const struct view *)at); break;
    }
}

size_t
amqp_method_write(void *room, size_t len, uint16_t channel, const struct amqp_method *m)
{
    const struct row *row = row_of(m->id);
    must(row != NULL);
    struct pen p = pen_of(room, len);
    const struct view reserved = { 0 };
    unsigned left = 0;
    put_u8(&p, AMQP_FRAME_METHOD);
    put_u16(&p, channel);
    put_u32(&p, (uint32_t)(amqp_method_size(m) - AMQP_FRAME_OVERHEAD));
    put_u32(&p, m->id);
    for (const struct amqp_argument *f = row->fields; f->kind != AMQP_KIND_NONE; f++)
        put_argument(&p, f->kind, f->offset == 0 ? (const void *)&reserved : (const uint8_t *)m + f->offset, &left);
    put_u8(&p, AMQP_FRAME_END);
    return p.torn ? 0 : (size_t)(p.at - (uint8_t *)room);
}

/* Without what a string or table holds; bits are counted elsewhere. */
static const uint8_t kind_size[] = {
    [AMQP_KIND_OCTET] = 1,    [AMQP_KIND_SHORT] = 2,   [AMQP_KIND_LONG] = 4,  [AMQP_KIND_LONGLONG] = 8,
    [AMQP_KIND_SHORTSTR] = 1, [AMQP_KIND_LONGSTR] = 4, [AMQP_KIND_TABLE] = 4,
};

size_t
amqp_method_size(const struct amqp_method *m)
{
    const struct row *row = row_of(m->id);
    must(row != NULL);
    size_t size = AMQP_FRAME_OVERHEAD + sizeof(m->id);
    unsigned bits = 0;
    for (const struct amqp_argument *f = row->fields; f->kind != AMQP_KIND_NONE; f++) {
        size += kind_size[f->kind];
        if (f->kind >= AMQP_KIND_SHORTSTR && f->offset != 0)
            size += ((const struct view *)(const void *)((const uint8_t *)m + f->offset))->len;
        bits = f->kind == AMQP_KIND_BIT ? bits + 1 : 0;
        size += bits % BITS_AN_OCTET == 1;
    }
    return size;
}
