#include "amqp_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/err.h"
#include "wire/amqp.h"

enum {
    ACTORS_MAX = 4,
    HEARD_BYTES = 32 * 1024,
    INBOX_BYTES = 2 * 1024 * 1024,
    FRAME_MAX = 4096,
    WORDS_MAX = 16,
    WORD_BYTES = 300,
    PACE_MS = 20,
    MOMENT_MS = 200,
};

struct actor {
    char name[32], vhost[64], user[64], heard[HEARD_BYTES];
    struct io_stream *stream;
    size_t heard_bytes, inbox_bytes;
    uint8_t inbox[INBOX_BYTES];
    struct amqp_method content; /* whose bodies are coming */
    uint64_t body_left;
    char about[256], props[256];
    char body[64];
    size_t body_bytes;
    uint16_t beats;
    bool can;
};

static struct actor actors[ACTORS_MAX];
static unsigned actor_count;
static uint8_t room[2 * 1024 * 1024];

/* ---- hearing ------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static void
hear(struct actor *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(a->heard + a->heard_bytes, sizeof(a->heard) - a->heard_bytes, format, args);
    va_end(args);
    assert_true(n >= 0 && (size_t)n < sizeof(a->heard) - a->heard_bytes);
    a->heard_bytes += (size_t)n;
}

#define SHOW(v) (v).len == 0 ? 1 : (int)(v).len, (v).len == 0 ? "-" : (const char *)(v).data

static void
say(struct actor *a, uint16_t channel, const struct amqp_method *m)
{
    size_t n = amqp_method_write(room, sizeof(room), channel, m);
    assert_true(n > 0);
    if (a->stream != NULL)
        assert_int_equal(io_put(a->stream, view_of(room, n)), 0);
}

static void
start_ok(struct actor *a)
{
    uint8_t table[256], response[128];
    struct pen p = pen_of(table, sizeof(table)), r = pen_of(response, sizeof(response));
    uint8_t *mark;
    amqp_put_name(&p, view_str("capabilities"), 'F');
    amqp_put_table_open(&p, &mark);
    struct amqp_value yes = { .type = 't', .boolean = a->can };
    amqp_put_value(&p, view_str("connection.blocked"), &yes);
    amqp_put_value(&p, view_str("consumer_cancel_notify"), &yes);
    amqp_put_value(&p, view_str("authentication_failure_close"), &yes);
    amqp_put_table_close(&p, mark);
    put_u8(&r, 0);
    put_bytes(&r, view_str(a->user));
    put_bytes(&r, view_of("\0pw", 3));
    struct amqp_method m = { .id = AMQP_CONNECTION_START_OK };
    m.connection_start_ok.client_properties = view_of(table, sizeof(table) - pen_left(&p));
    m.connection_start_ok.mechanism = view_str("PLAIN");
    m.connection_start_ok.response = view_of(response, sizeof(response) - pen_left(&r));
    m.connection_start_ok.locale = view_str("en_US");
    say(a, 0, &m);
}

static void
tune_ok(struct actor *a)
{
    struct amqp_method m = { .id = AMQP_CONNECTION_TUNE_OK };
    m.connection_tune_ok =
        (struct amqp_connection_tune_ok){ .channel_max = 100, .frame_max = FRAME_MAX, .heartbeat = a->beats };
    say(a, 0, &m);
    m = (struct amqp_method){ .id = AMQP_CONNECTION_OPEN };
    m.connection_open.virtual_host = view_str(a->vhost);
    say(a, 0, &m);
}

static void
hear_close(struct actor *a, uint16_t channel, const struct amqp_method *m)
{
    const struct amqp_close *close = &m->connection_close;
    hear(a, "%s %.*s %u.%u\n", amqp_method_name(m->id), SHOW(close->reply_text), close->class_id, close->method_id);
    say(a, channel,
        &(struct amqp_method){ .id = m->id == AMQP_CHANNEL_CLOSE ? AMQP_CHANNEL_CLOSE_OK : AMQP_CONNECTION_CLOSE_OK });
}

static void
hear_content(struct actor *a, const struct amqp_method *m)
{
    int n = 0;
    if (m->id == AMQP_BASIC_DELIVER)
        n = snprintf(a->about, sizeof(a->about), "%.*s %u %.*s %.*s%s", SHOW(m->basic_deliver.consumer_tag),
                     (unsigned)m->basic_deliver.delivery_tag, SHOW(m->basic_deliver.exchange),
                     SHOW(m->basic_deliver.routing_key), m->basic_deliver.redelivered ? " again" : "");
    else if (m->id == AMQP_BASIC_GET_OK)
        n = snprintf(a->about, sizeof(a->about), "%u %.*s %.*s left=%u%s", (unsigned)m->basic_get_ok.delivery_tag,
                     SHOW(m->basic_get_ok.exchange), SHOW(m->basic_get_ok.routing_key), m->basic_get_ok.message_count,
                     m->basic_get_ok.redelivered ? " again" : "");
    else
        n = snprintf(a->about, sizeof(a->about), "%u %.*s %.*s %.*s", m->basic_return.reply_code,
                     SHOW(m->basic_return.reply_text), SHOW(m->basic_return.exchange),
                     SHOW(m->basic_return.routing_key));
    assert_true(n > 0 && n < (int)sizeof(a->about));
    a->content = (struct amqp_method){ .id = m->id };
}

static void
content_done(struct actor *a)
{
    hear(a, "%s %s%s", amqp_method_name(a->content.id), a->about, a->props);
    if (a->body_bytes <= 40)
        hear(a, " '%.*s'\n", (int)a->body_bytes, a->body);
    else
        hear(a, " <%zu bytes>\n", a->body_bytes);
}

static void
hear_method(struct actor *a, uint16_t channel, const struct amqp_method *m)
{
    switch (m->id) {
    case AMQP_CONNECTION_START: start_ok(a); break;
    case AMQP_CONNECTION_TUNE: tune_ok(a); break;
    case AMQP_CONNECTION_OPEN_OK: say(a, 1, &(struct amqp_method){ .id = AMQP_CHANNEL_OPEN }); break;
    case AMQP_CHANNEL_CLOSE:
    case AMQP_CONNECTION_CLOSE: hear_close(a, channel, m); break;
    case AMQP_BASIC_DELIVER:
    case AMQP_BASIC_GET_OK:
    case AMQP_BASIC_RETURN: hear_content(a, m); break;
    case AMQP_QUEUE_DECLARE_OK:
        hear(a, "queue.declare-ok %.*s %u %u\n", SHOW(m->queue_declare_ok.queue), m->queue_declare_ok.message_count,
             m->queue_declare_ok.consumer_count);
        break;
    case AMQP_BASIC_ACK:
        hear(a, "basic.ack %u%s\n", (unsigned)m->basic_ack.delivery_tag, m->basic_ack.multiple ? " multiple" : "");
        break;
    case AMQP_BASIC_NACK: hear(a, "basic.nack %u\n", (unsigned)m->basic_nack.delivery_tag); break;
    case AMQP_BASIC_CANCEL: hear(a, "basic.cancel %.*s\n", SHOW(m->basic_cancel.consumer_tag)); break;
    case AMQP_CONNECTION_BLOCKED: hear(a, "connection.blocked %.*s\n", SHOW(m->connection_blocked.reason)); break;
    case AMQP_QUEUE_PURGE_OK:
    case AMQP_QUEUE_DELETE_OK: hear(a, "%s %u\n", amqp_method_name(m->id), m->queue_purge_ok.message_count); break;
    case AMQP_BASIC_GET_EMPTY:
    case AMQP_CONNECTION_UNBLOCKED:
    case AMQP_TX_COMMIT_OK:
    case AMQP_CHANNEL_CLOSE_OK:
    case AMQP_BASIC_RECOVER_OK: hear(a, "%s\n", amqp_method_name(m->id)); break;
    default: break;
    }
}

static void
hear_header(struct actor *a, struct view payload)
{
    struct amqp_header header;
    struct amqp_properties p;
    struct fault why;
    assert_int_equal(amqp_header_parse(payload, &header, &why), 0);
    assert_int_equal(amqp_properties_parse(header.props, &p, &why), 0);
    int n = 0;
    a->props[0] = 0;
    if (amqp_has(&p, AMQP_DELIVERY_MODE))
        n += snprintf(a->props + n, sizeof(a->props) - (size_t)n, " mode=%u", p.delivery_mode);
    if (amqp_has(&p, AMQP_CORRELATION_ID))
        n += snprintf(a->props + n, sizeof(a->props) - (size_t)n, " corr=%.*s", SHOW(p.correlation_id));
    if (amqp_has(&p, AMQP_REPLY_TO))
        n += snprintf(a->props + n, sizeof(a->props) - (size_t)n, " reply=%.*s", SHOW(p.reply_to));
    if (amqp_has(&p, AMQP_CONTENT_TYPE))
        n += snprintf(a->props + n, sizeof(a->props) - (size_t)n, " content=%.*s", SHOW(p.content_type));
    a->body_left = header.body_size;
    a->body_bytes = 0;
    if (a->body_left == 0)
        content_done(a);
}

static void
hear_body(struct actor *a, struct view part)
{
    for (size_t i = 0; i < part.len && a->body_bytes + i < sizeof(a->body); i++)
        a->body[a->body_bytes + i] = (char)part.data[i];
    a->body_bytes += part.len;
    assert_true(part.len <= a->body_left && part.len + AMQP_FRAME_OVERHEAD <= FRAME_MAX);
    a->body_left -= part.len;
    if (a->body_left == 0)
        content_done(a);
}

static void
hear_frame(struct actor *a, const struct amqp_frame *frame)
{
    struct amqp_method m;
    struct fault why;
    if (frame->type == AMQP_FRAME_METHOD) {
        assert_int_equal(amqp_method_parse(frame->payload, &m, &why), 0);
        hear_method(a, frame->channel, &m);
    } else if (frame->type == AMQP_FRAME_HEADER) {
        hear_header(a, frame->payload);
    } else if (frame->type == AMQP_FRAME_BODY) {
        hear_body(a, frame->payload);
    } else {
        hear(a, "heartbeat\n");
    }
}

static void
on_read(void *arg, struct view bytes)
{
    struct actor *a = arg;
    assert_true(a->inbox_bytes + bytes.len <= INBOX_BYTES);
    memcpy(a->inbox + a->inbox_bytes, bytes.data, bytes.len);
    a->inbox_bytes += bytes.len;
    if (a->inbox_bytes >= 8 && memcmp(a->inbox, AMQP_PROTOCOL_HEADER, 8) == 0) {
        hear(a, "AMQP 0-9-1\n");
        return;
    }
    struct view in = view_of(a->inbox, a->inbox_bytes);
    struct amqp_frame frame;
    struct fault why;
    size_t need;
    int64_t n;
    while ((n = amqp_frame_parse(in, FRAME_MAX * 4, &frame, &need, &why)) > 0) {
        hear_frame(a, &frame);
        in = view_from(in, (size_t)n);
    }
    assert_true(n == 0);
    memmove(a->inbox, in.data, in.len);
    a->inbox_bytes = in.len;
}

static void
on_ended(void *arg, int rc)
{
    struct actor *a = arg;
    (void)rc;
    hear(a, "CLOSED\n");
    io_close(a->stream);
    a->stream = NULL;
}

static void
on_nothing(void *arg)
{
    (void)arg;
}

static void
on_opened(void *arg, int rc)
{
    struct actor *a = arg;
    if (rc < 0)
        hear(a, "UNREACHED %s\n", err_text(rc));
}

static const struct io_stream_on on = {
    .opened = on_opened, .read = on_read, .ended = on_ended, .drained = on_nothing, .closed = on_nothing
};

/* ---- saying ------------------------------------------------------------------------------------------------- */

struct command {
    struct talk *talk;
    struct actor *actor;
    unsigned count;
    bool paced;
    char words[WORDS_MAX][WORD_BYTES];
};

static const char *
value(const struct command *c, const char *name)
{
    size_t n = strlen(name);
    for (unsigned i = 1; i < c->count; i++)
        if (strncmp(c->words[i], name, n) == 0 && c->words[i][n] == '=')
            return c->words[i] + n + 1;
    return NULL;
}

static unsigned
number(const struct command *c, const char *name, unsigned otherwise)
{
    const char *text = value(c, name);
    return text == NULL ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

static struct view
text(const struct command *c, const char *name)
{
    const char *found = value(c, name);
    return found == NULL ? view_of(NULL, 0) : view_str(found);
}

/* The `i`-th word behind the command; empty when it is not there, or `-`. */
static struct view
word(const struct command *c, unsigned i)
{
    bool there = i < c->count && strchr(c->words[i], '=') == NULL && strcmp(c->words[i], "-") != 0;
    return there ? view_str(c->words[i]) : view_of(NULL, 0);
}

static uint64_t
tag_of(const struct command *c)
{
    return strtoull(c->words[1], NULL, 10);
}

static void
connect_to(const struct command *c, struct view header)
{
    struct io_address address = { .kind = IO_TCP, .host = "n1", .port = 1883 };
    struct actor *a = c->actor;
    a->inbox_bytes = 0;
    assert_int_equal(io_connect(talk_clients(c->talk), &address, &on, a, &a->stream), 0);
    talk_wait(c->talk, 10);
    if (a->stream != NULL)
        assert_int_equal(io_put(a->stream, header), 0);
}

static struct view
hex_of(const struct command *c)
{
    size_t n = 0;
    for (unsigned i = 1; i < c->count; i++)
        for (const char *at = c->words[i]; at[0] != 0 && at[1] != 0 && strchr(at, '=') == NULL; at += 2) {
            char two[3] = { at[0], at[1], 0 };
            room[n++] = (uint8_t)strtoul(two, NULL, 16);
        }
    return view_of(room, n);
}

static struct view
arguments_of(const struct command *c, uint8_t *table, size_t len)
{
    struct pen p = pen_of(table, len);
    for (unsigned i = 1; i < c->count; i++) {
        const char *colon = strchr(c->words[i], ':');
        if (colon == NULL || strchr(c->words[i], '=') != NULL)
            continue;
        struct view key = view_of(c->words[i], (size_t)(colon - c->words[i]));
        char *end;
        struct amqp_value v = { .type = 'l', .number = strtoll(colon + 1, &end, 10) };
        if (*end != 0 || colon[1] == 0)
            v = (struct amqp_value){ .type = 'S', .bytes = view_str(colon + 1) };
        amqp_put_value(&p, key, &v);
    }
    return view_of(table, len - pen_left(&p));
}

static void
put_content(const struct command *c, uint16_t channel)
{
    static char body[256 * 1024];
    uint8_t header[512], list[512];
    struct pen p = pen_of(list, sizeof(list)), h = pen_of(header, sizeof(header));
    struct amqp_properties props = { .delivery_mode = (uint8_t)number(c, "mode", 0),
                                     .expiration = text(c, "expiration"),
                                     .user_id = text(c, "user"),
                                     .reply_to = text(c, "reply"),
                                     .correlation_id = text(c, "corr") };
    static const struct {
        const char *name;
        enum amqp_prop prop;
    } known[] = {
        {"mode",        AMQP_DELIVERY_MODE },
        { "expiration", AMQP_EXPIRATION    },
        { "user",       AMQP_USER_ID       },
        { "reply",      AMQP_REPLY_TO      },
        { "corr",       AMQP_CORRELATION_ID}
    };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (value(c, known[i].name) != NULL)
            props.present |= (uint16_t)(1 << known[i].prop);
    amqp_properties_put(&p, &props);
    struct view message = text(c, "msg");
    size_t n = number(c, "size", (unsigned)message.len);
    memset(body, 'x', n);
    if (message.len > 0)
        memcpy(body, message.data, message.len);
    put_u8(&h, AMQP_FRAME_HEADER);
    put_u16(&h, channel);
    put_u32(&h, (uint32_t)(AMQP_HEADER_FIXED + sizeof(list) - pen_left(&p)));
    put_u16(&h, AMQP_CLASS_BASIC);
    put_u16(&h, 0);
    put_u64(&h, n);
    put_bytes(&h, view_of(list, sizeof(list) - pen_left(&p)));
    put_u8(&h, AMQP_FRAME_END);
    io_put(c->actor->stream, view_of(header, sizeof(header) - pen_left(&h)));
    for (size_t at = 0, part; at < n; at += part) {
        uint8_t head[AMQP_FRAME_HEAD], end = AMQP_FRAME_END;
        part = (size_t)amqp_body_part(FRAME_MAX, n - at);
        amqp_body_open(head, channel, part);
        io_put(c->actor->stream, view_of(head, sizeof(head)));
        io_put(c->actor->stream, view_of(body + at, part));
        io_put(c->actor->stream, view_of(&end, 1));
    }
}

static bool
say_connection(const struct command *c)
{
    struct actor *a = c->actor;
    const char *name = c->words[0];
    struct amqp_method m = { 0 };
    if (strcmp(name, "open") == 0) {
        snprintf(a->vhost, sizeof(a->vhost), "%s", value(c, "vhost") == NULL ? "/" : value(c, "vhost"));
        snprintf(a->user, sizeof(a->user), "%s", value(c, "user") == NULL ? "guest" : value(c, "user"));
        a->can = number(c, "can", 1);
        a->beats = (uint16_t)number(c, "beats", 0);
        connect_to(c, view_of(AMQP_PROTOCOL_HEADER, AMQP_PROTOCOL_HEADER_BYTES));
    } else if (strcmp(name, "hello") == 0) {
        connect_to(c, hex_of(c));
    } else if (strcmp(name, "raw") == 0) {
        io_put(a->stream, hex_of(c));
    } else if (strcmp(name, "beat") == 0) {
        io_put(a->stream, view_of(room, amqp_heartbeat_write(room, sizeof(room))));
    } else if (strcmp(name, "deaf") == 0) {
        io_read_pause(a->stream);
    } else if (strcmp(name, "bye") == 0) {
        m.id = AMQP_CONNECTION_CLOSE;
        say(a, 0, &m);
    } else {
        return false;
    }
    return true;
}

/* One line a method: its name here, its id, and how its arguments are read. */
static bool
fill_queue(const struct command *c, struct amqp_method *m, uint8_t *table, size_t len)
{
    const char *name = c->words[0];
    if (strcmp(name, "queue") == 0) {
        m->id = AMQP_QUEUE_DECLARE;
        m->queue_declare = (struct amqp_queue_declare){ .queue = word(c, 1),
                                                        .passive = number(c, "passive", 0),
                                                        .durable = number(c, "durable", 0),
                                                        .exclusive = number(c, "exclusive", 0),
                                                        .auto_delete = number(c, "auto", 0),
                                                        .arguments = arguments_of(c, table, len) };
    } else if (strcmp(name, "exchange") == 0) {
        m->id = AMQP_EXCHANGE_DECLARE;
        m->exchange_declare = (struct amqp_exchange_declare){ .exchange = word(c, 1),
                                                              .type = word(c, 2),
                                                              .passive = number(c, "passive", 0),
                                                              .durable = number(c, "durable", 0),
                                                              .internal = number(c, "internal", 0),
                                                              .auto_delete = number(c, "auto", 0),
                                                              .arguments = arguments_of(c, table, len) };
    } else if (strcmp(name, "unexchange") == 0) {
        m->id = AMQP_EXCHANGE_DELETE;
        m->exchange_delete.exchange = word(c, 1);
    } else if (strcmp(name, "link") == 0) {
        m->id = AMQP_EXCHANGE_BIND;
        m->exchange_bind =
            (struct amqp_exchange_bind){ .destination = word(c, 1), .source = word(c, 2), .routing_key = word(c, 3) };
    } else if (strcmp(name, "bind") == 0) {
        m->id = AMQP_QUEUE_BIND;
        m->queue_bind =
            (struct amqp_queue_bind){ .queue = word(c, 1), .exchange = word(c, 2), .routing_key = word(c, 3) };
    } else if (strcmp(name, "unbind") == 0) {
        m->id = AMQP_QUEUE_UNBIND;
        m->queue_unbind =
            (struct amqp_queue_unbind){ .queue = word(c, 1), .exchange = word(c, 2), .routing_key = word(c, 3) };
    } else if (strcmp(name, "purge") == 0) {
        m->id = AMQP_QUEUE_PURGE;
        m->queue_purge.queue = word(c, 1);
    } else if (strcmp(name, "unqueue") == 0) {
        m->id = AMQP_QUEUE_DELETE;
        m->queue_delete = (struct amqp_queue_delete){ .queue = word(c, 1),
                                                      .if_unused = number(c, "unused", 0),
                                                      .if_empty = number(c, "empty", 0) };
    } else {
        return false;
    }
    return true;
}

static bool
fill_basic(const struct command *c, struct amqp_method *m)
{
    const char *name = c->words[0];
    if (strcmp(name, "publish") == 0) {
        m->id = AMQP_BASIC_PUBLISH;
        m->basic_publish = (struct amqp_basic_publish){ .exchange = word(c, 1),
                                                        .routing_key = word(c, 2),
                                                        .mandatory = number(c, "mandatory", 0),
                                                        .immediate = number(c, "immediate", 0) };
    } else if (strcmp(name, "consume") == 0) {
        m->id = AMQP_BASIC_CONSUME;
        m->basic_consume = (struct amqp_basic_consume){ .queue = word(c, 1),
                                                        .consumer_tag = text(c, "tag"),
                                                        .no_ack = number(c, "noack", 0),
                                                        .exclusive = number(c, "exclusive", 0) };
    } else if (strcmp(name, "cancel") == 0) {
        m->id = AMQP_BASIC_CANCEL;
        m->basic_cancel.consumer_tag = word(c, 1);
    } else if (strcmp(name, "qos") == 0) {
        m->id = AMQP_BASIC_QOS;
        m->basic_qos = (struct amqp_basic_qos){ .prefetch_count = (uint16_t)tag_of(c),
                                                .prefetch_size = number(c, "bytes", 0),
                                                .global = number(c, "global", 0) };
    } else if (strcmp(name, "get") == 0) {
        m->id = AMQP_BASIC_GET;
        m->basic_get = (struct amqp_basic_get){ .queue = word(c, 1), .no_ack = number(c, "noack", 0) };
    } else if (strcmp(name, "ack") == 0) {
        m->id = AMQP_BASIC_ACK;
        m->basic_ack = (struct amqp_basic_ack){ .delivery_tag = tag_of(c), .multiple = number(c, "multiple", 0) };
    } else if (strcmp(name, "nack") == 0) {
        m->id = AMQP_BASIC_NACK;
        m->basic_nack = (struct amqp_basic_nack){ .delivery_tag = tag_of(c),
                                                  .multiple = number(c, "multiple", 0),
                                                  .requeue = number(c, "requeue", 1) };
    } else if (strcmp(name, "reject") == 0) {
        m->id = AMQP_BASIC_REJECT;
        m->basic_reject = (struct amqp_basic_reject){ .delivery_tag = tag_of(c), .requeue = number(c, "requeue", 1) };
    } else if (strcmp(name, "recover") == 0) {
        m->id = AMQP_BASIC_RECOVER;
        m->basic_recover.requeue = number(c, "requeue", 1);
    } else {
        return false;
    }
    return true;
}

static bool
fill_plain(const struct command *c, struct amqp_method *m)
{
    static const struct {
        const char *name;
        uint32_t id;
    } plain[] = {
        {"channel",   AMQP_CHANNEL_OPEN  },
        { "close",    AMQP_CHANNEL_CLOSE },
        { "confirm",  AMQP_CONFIRM_SELECT},
        { "tx",       AMQP_TX_SELECT     },
        { "commit",   AMQP_TX_COMMIT     },
        { "rollback", AMQP_TX_ROLLBACK   },
        { "flow",     AMQP_CHANNEL_FLOW  }
    };
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        if (strcmp(c->words[0], plain[i].name) == 0)
            m->id = plain[i].id;
    if (m->id == AMQP_CHANNEL_FLOW)
        m->channel_flow.active = number(c, "active", 1);
    return m->id != 0;
}

static void
say_one(const struct command *c)
{
    uint8_t table[512];
    uint16_t channel = (uint16_t)number(c, "ch", 1);
    struct amqp_method m = { 0 };
    bool opens = strcmp(c->words[0], "open") == 0 || strcmp(c->words[0], "hello") == 0;
    if (c->actor->stream == NULL && !opens)
        return; /* it was closed */
    if (say_connection(c))
        return;
    if (!fill_plain(c, &m) && !fill_queue(c, &m, table, sizeof(table)) && !fill_basic(c, &m))
        fail_msg("no such command: %s", c->words[0]);
    say(c->actor, channel, &m);
    if (m.id == AMQP_BASIC_PUBLISH && c->actor->stream != NULL && !number(c, "cut", 0))
        put_content(c, channel);
}

static const char *
take_command(const char *line, struct command *ret)
{
    ret->count = 0;
    while (strchr(";&", *line) == NULL) {
        size_t n = strcspn(line, " ;&");
        assert_true(n < WORD_BYTES && ret->count < WORDS_MAX);
        if (n > 0) {
            memcpy(ret->words[ret->count], line, n);
            ret->words[ret->count++][n] = 0;
        }
        line += n + (line[n] == ' ');
    }
    ret->paced = *line != '&';
    return *line == 0 ? line : line + 1;
}

static struct actor *
actor_of(const char *name)
{
    for (unsigned i = 0; i < actor_count; i++)
        if (strcmp(actors[i].name, name) == 0)
            return &actors[i];
    assert_true(actor_count < ACTORS_MAX);
    struct actor *a = &actors[actor_count++];
    *a = (struct actor){ 0 };
    snprintf(a->name, sizeof(a->name), "%s", name);
    return a;
}

void
amqp_say(struct talk *talk, const char *who, const char *line)
{
    static struct command command;
    command.talk = talk;
    command.actor = actor_of(who);
    while (*line != 0) {
        line = take_command(line, &command);
        if (command.count > 0)
            say_one(&command);
        if (command.paced)
            talk_wait(talk, PACE_MS);
    }
    talk_wait(talk, MOMENT_MS);
}

const char *
amqp_heard(struct talk *talk, const char *who)
{
    struct actor *a = actor_of(who);
    (void)talk;
    a->heard[a->heard_bytes] = 0;
    a->heard_bytes = 0;
    return a->heard;
}

void
amqp_hear(struct talk *talk, const char *who, const char *want)
{
    assert_string_equal(amqp_heard(talk, who), want);
}

void
amqp_forget(void)
{
    actor_count = 0;
}
