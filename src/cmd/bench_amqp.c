/* cmd/bench_amqp.c - AMQP 0-9-1 for the load generator: one channel a connection.
 *
 * QoS 0 is a transient message and no acknowledgements; QoS 1 a persistent one, confirmed to its publisher and
 * acknowledged by its consumer.  A subscriber has a queue of its own, exclusive or durable, bound once for each filter.
 */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/bench.h"
#include "wire/amqp.h"

enum {
    CHANNEL = 1,
    FRAME_MAX = 128 * 1024, /* what RabbitMQ offers, and so what all clients use */
    BINDS_OUT_MAX = 256,
    METHOD_AT = AMQP_FRAME_HEAD,
    ARGUMENTS_AT = METHOD_AT + 4,
};

static uint64_t
load(const uint8_t *at, unsigned bytes)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < bytes; i++)
        x = x << 8 | at[i];
    return x;
}

static void
store(uint8_t *at, uint64_t x, unsigned bytes)
{
    for (; bytes-- > 0; x >>= 8)
        at[bytes] = (uint8_t)x;
}

static ptrdiff_t
frame_size(struct view in, size_t frame_bytes_max, struct fault *reterr)
{
    if (in.len < AMQP_FRAME_HEAD)
        return 0;
    size_t n = (size_t)load(in.data + 3, 4) + AMQP_FRAME_OVERHEAD;
    if (n <= frame_bytes_max)
        return (ptrdiff_t)n;
    *reterr = (struct fault){ .code = AMQP_FRAME_ERROR, .clause = "4.2.3", .text = "a frame larger than was agreed" };
    return -ERR_PROTOCOL;
}

/* enum amqp_method_id; 0: the frame has none. */
static uint32_t
method_of(struct view frame)
{
    return frame.data[0] == AMQP_FRAME_METHOD && frame.len > ARGUMENTS_AT ? (uint32_t)load(frame.data + METHOD_AT, 4)
                                                                          : 0;
}

static int
say(struct link *link, uint16_t channel, const struct amqp_method *m)
{
    size_t n = amqp_method_size(m);
    uint8_t *at = link_room(link, n);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    io_put_done(link->stream, amqp_method_write(at, n, channel, m));
    return 0;
}

/* ---- the link --------------------------------------------------------------------------------------------- */

static int
greet(struct link *link)
{
    uint8_t *at = link_room(link, AMQP_PROTOCOL_HEADER_BYTES);

    if (at == NULL)
        return -ERR_NO_MEMORY;
    memcpy(at, AMQP_PROTOCOL_HEADER, AMQP_PROTOCOL_HEADER_BYTES);
    io_put_done(link->stream, AMQP_PROTOCOL_HEADER_BYTES);
    return 0;
}

/* RFC 4616: PLAIN. */
static int
start(struct link *link)
{
    enum { CREDENTIALS_MAX = 1024 };
    uint8_t response[CREDENTIALS_MAX];
    struct pen pen = pen_of(response, sizeof response);
    struct link_hello hello = { 0 };
    struct amqp_method m = { .id = AMQP_CONNECTION_START_OK };

    link->on->greet(link->arg, &hello);
    put_u8(&pen, 0);
    put_bytes(&pen, hello.has_username ? hello.username : view_str("guest"));
    put_u8(&pen, 0);
    put_bytes(&pen, hello.has_username ? hello.password : view_str("guest"));
    if (pen.torn)
        return -ERR_TOO_LARGE;
    m.connection_start_ok.mechanism = view_str("PLAIN");
    m.connection_start_ok.response = view_of(response, sizeof response - pen_left(&pen));
    m.connection_start_ok.locale = view_str("en_US");
    return say(link, 0, &m);
}

static int
tune(struct link *link, const struct amqp_connection_tune *offer)
{
    struct amqp_method m = { .id = AMQP_CONNECTION_TUNE_OK };

    if (offer->frame_max != 0 && offer->frame_max < FRAME_MAX) {
        link_fail(link, "a frame_max below 131,072");
        return 0;
    }
    m.connection_tune_ok.channel_max = offer->channel_max;
    m.connection_tune_ok.frame_max = FRAME_MAX;
    int rc = say(link, 0, &m);
    if (rc < 0)
        return rc;
    m = (struct amqp_method){ .id = AMQP_CONNECTION_OPEN };
    m.connection_open.virtual_host = view_str("/");
    return say(link, 0, &m);
}

static void
closed(struct link *link, const struct amqp_close *close)
{
    char text[LINK_END_MAX];
    snprintf(text, sizeof text, "closed by the server: %.*s", (int)close->reply_text.len, close->reply_text.data);
    link_end(link, text);
}

static void
introduce(struct link *link, struct view frame)
{
    struct view payload = view_of(frame.data + AMQP_FRAME_HEAD, frame.len - AMQP_FRAME_OVERHEAD);
    struct amqp_method m = { 0 };
    struct fault fault;
    int rc = 0;

    if (frame.data[0] != AMQP_FRAME_METHOD || amqp_method_parse(payload, &m, &fault) < 0)
        m.id = 0;
    switch (m.id) {
    case AMQP_CONNECTION_START: rc = start(link); break;
    case AMQP_CONNECTION_TUNE: rc = tune(link, &m.connection_tune); break;
    case AMQP_CONNECTION_OPEN_OK: rc = say(link, CHANNEL, &(struct amqp_method){ .id = AMQP_CHANNEL_OPEN }); break;
    case AMQP_CHANNEL_OPEN_OK: link_opened(link); break;
    case AMQP_CONNECTION_CLOSE: closed(link, &m.connection_close); break;
    default: link_fail(link, "a frame that has no place in the handshake");
    }
    if (rc < 0)
        link_end(link, err_text(rc));
}

/* connection.blocked changes nothing: the stream stands still by itself. */
static bool
attend(struct link *link, struct view frame)
{
    struct amqp_method m;
    struct fault fault;
    uint16_t class_id = amqp_class_of(method_of(frame));

    if (frame.data[0] == AMQP_FRAME_HEARTBEAT)
        return true;
    if (class_id != AMQP_CLASS_CONNECTION && class_id != AMQP_CLASS_CHANNEL)
        return false;
    struct view payload = view_of(frame.data + AMQP_FRAME_HEAD, frame.len - AMQP_FRAME_OVERHEAD);
    if (amqp_method_parse(payload, &m, &fault) < 0)
        link_fail(link, fault.text);
    else if (m.id == AMQP_CONNECTION_CLOSE || m.id == AMQP_CHANNEL_CLOSE)
        closed(link, m.id == AMQP_CONNECTION_CLOSE ? &m.connection_close : &m.channel_close);
    return true;
}

static void
bye(struct link *link)
{
    struct amqp_method m = { .id = AMQP_CONNECTION_CLOSE };

    m.connection_close.reply_code = AMQP_REPLY_SUCCESS;
    (void)say(link, 0, &m); /* it ends in any case */
}

/* ---- the publisher ---------------------------------------------------------------------------------------- */

/* Behind the first body frame's head: the body, in as many frames as it takes. */
static size_t
put_body(uint8_t *at, size_t payload_bytes)
{
    uint8_t *begin = at;

    for (size_t left = payload_bytes; left > 0;) {
        size_t part = (size_t)amqp_body_part(FRAME_MAX, left);
        memset(at, '.', part);
        at += part;
        *at++ = AMQP_FRAME_END;
        left -= part;
        if (left > 0)
            at += amqp_body_open(at, CHANNEL, (size_t)amqp_body_part(FRAME_MAX, left));
    }
    return (size_t)(at - begin);
}

static int
make_frame(struct source *source)
{
    const struct source_settings *s = &source->settings;
    const uint8_t props[] = { 1 << (15 - AMQP_DELIVERY_MODE - 8), 0, s->qos > 0 ? 2 : 1 };
    char topic[TOPIC_ROOM];
    struct amqp_method m = { .id = AMQP_BASIC_PUBLISH };

    m.basic_publish.exchange = view_str(s->exchange);
    m.basic_publish.routing_key = view_of(topic, topic_print(&s->form, 't', 0, topic));
    size_t head_room = amqp_content_head_size(&m, view_of(props, sizeof props));
    size_t seams = s->payload_bytes / (FRAME_MAX - AMQP_FRAME_OVERHEAD) + 1;
    source->frame = mem_new(s->mem, head_room + s->payload_bytes + seams * AMQP_FRAME_OVERHEAD);
    if (source->frame == NULL)
        return -ERR_NO_MEMORY;
    source->payload_at = amqp_content_head(source->frame, head_room, CHANNEL, &m, view_of(props, sizeof props),
                                           s->payload_bytes, FRAME_MAX);
    must(source->payload_at > 0);
    source->frame_bytes = source->payload_at + put_body(source->frame + source->payload_at, s->payload_bytes);
    /* The bits and the end octet follow the routing key. */
    source->digits_at = amqp_method_size(&m) - 2 - s->form.digits;
    return 0;
}

static int
prepare(struct source *source)
{
    struct amqp_method m = { .id = AMQP_CONFIRM_SELECT };

    m.confirm_select.no_wait = true;
    return source->settings.qos > 0 ? say(&source->link, CHANNEL, &m) : 0;
}

/* Delivery tags are message numbers, and one more. */
static bool
settle(struct source *source, uint64_t tag, bool multiple)
{
    if (tag == 0 || tag > source->sent)
        return false;
    if (!multiple)
        return source_settle(source, tag - 1);
    while (source->settled < tag)
        (void)source_settle(source, source->settled); /* the first that is not settled: it is in flight */
    return true;
}

static void
take_ack(struct source *source, struct view frame)
{
    enum { ACK_BYTES = ARGUMENTS_AT + 8 + 1 + 1 };
    uint32_t id = method_of(frame);

    if (frame.len != ACK_BYTES || (id != AMQP_BASIC_ACK && id != AMQP_BASIC_NACK)) {
        link_fail(&source->link, "a frame that a publisher does not get");
        return;
    }
    uint64_t settled = source->settled;
    if (!settle(source, load(frame.data + ARGUMENTS_AT, 8), frame.data[ARGUMENTS_AT + 8] & 1))
        link_fail(&source->link, "a confirm of what is not in flight");
    if (id == AMQP_BASIC_NACK)
        source->refused += source->settled > settled ? source->settled - settled : 1;
}

/* ---- the subscriber --------------------------------------------------------------------------------------- */

static struct view
queue_name(const struct sink *sink, char room[BENCH_NAME_MAX])
{
    return bench_name(sink->settings.run, "s", sink->settings.index, room);
}

int
amqp_declare(struct link *link, struct view name, bool durable)
{
    struct amqp_method m = { .id = AMQP_QUEUE_DECLARE };

    m.queue_declare.queue = name;
    m.queue_declare.durable = durable;
    m.queue_declare.exclusive = !durable;
    return say(link, CHANNEL, &m);
}

bool
amqp_is_declared(struct view frame)
{
    return method_of(frame) == AMQP_QUEUE_DECLARE_OK;
}

static int
ask(struct sink *sink)
{
    char name[BENCH_NAME_MAX], topic[TOPIC_ROOM];
    struct amqp_method m = { .id = AMQP_QUEUE_BIND };

    m.queue_bind.queue = queue_name(sink, name);
    m.queue_bind.exchange = view_str(sink->settings.exchange);
    m.queue_bind.routing_key = sink_filter(sink, 0, topic);
    sink->asked++;
    sink->requests_out++;
    return say(&sink->link, CHANNEL, &m);
}

static int
subscribe(struct sink *sink)
{
    char name[BENCH_NAME_MAX];
    int rc = sink->asked == 0 ? amqp_declare(&sink->link, queue_name(sink, name), sink->settings.durable) : 0;

    while (rc == 0 && sink->asked < sink_filter_count(sink) && sink->requests_out < BINDS_OUT_MAX)
        rc = ask(sink);
    return rc;
}

static int
consume(struct sink *sink)
{
    char name[BENCH_NAME_MAX];
    struct amqp_method m = { .id = AMQP_BASIC_QOS };
    bool acks = sink->settings.qos > 0;
    int rc = 0;

    sink->tag = sink->acked = sink->body_left = 0;
    m.basic_qos.prefetch_count = (uint16_t)sink->settings.prefetch;
    if (acks)
        rc = say(&sink->link, CHANNEL, &m);
    if (rc < 0)
        return rc;
    m = (struct amqp_method){ .id = AMQP_BASIC_CONSUME };
    m.basic_consume.queue = queue_name(sink, name);
    m.basic_consume.consumer_tag = view_str("s");
    m.basic_consume.no_ack = !acks;
    return say(&sink->link, CHANNEL, &m);
}

/* basic.ack of all up to the last one that came. */
static void
acknowledge(struct sink *sink)
{
    static const uint8_t head[] = { AMQP_FRAME_METHOD, 0, CHANNEL, 0, 0, 0, 13, 0, AMQP_CLASS_BASIC, 0, 80 };
    uint8_t *at = link_room(&sink->link, sizeof head + 10);

    if (at == NULL)
        return;
    memcpy(at, head, sizeof head);
    store(at + sizeof head, sink->tag, 8);
    at[sizeof head + 8] = sink->tag > sink->acked + 1;
    at[sizeof head + 9] = AMQP_FRAME_END;
    io_put_done(sink->link.stream, sizeof head + 10);
    sink->acked = sink->tag;
}

static void
leave(struct sink *sink, bool keep)
{
    char name[BENCH_NAME_MAX];
    struct amqp_method m = { .id = AMQP_QUEUE_DELETE };

    if (sink->settings.qos > 0 && sink->tag > sink->acked)
        acknowledge(sink);
    m.queue_delete.queue = queue_name(sink, name);
    m.queue_delete.no_wait = true;
    if (sink->settings.durable && !keep)
        (void)say(&sink->link, CHANNEL, &m); /* without memory it stays: the run's result is known by now */
}

static void
complete(struct sink *sink)
{
    const struct sink_settings *s = &sink->settings;
    if (s->qos > 0 && sink->tag - sink->acked >= s->ack_every)
        acknowledge(sink);
}

static void
take_body(struct sink *sink, struct view payload)
{
    if (payload.len > sink->body_left) {
        link_fail(&sink->link, "more of a body than its header said");
        return;
    }
    if (sink->body_left == sink->body_bytes)
        sink_count(sink, payload);
    sink->body_left -= payload.len;
    if (sink->body_left == 0)
        complete(sink);
}

static void
take_header(struct sink *sink, struct view frame)
{
    enum { SIZE_AT = AMQP_FRAME_HEAD + 4 };
    if (frame.len < AMQP_FRAME_OVERHEAD + AMQP_HEADER_FIXED) {
        link_fail(&sink->link, "a content header that is cut short");
        return;
    }
    sink->body_bytes = sink->body_left = load(frame.data + SIZE_AT, 8);
    if (sink->body_bytes == 0)
        take_body(sink, view_of(NULL, 0));
}

static void
take_bound(struct sink *sink)
{
    sink->granted++;
    sink->requests_out--;
    if (subscribe(sink) < 0)
        link_fail(&sink->link, "no memory to subscribe");
}

static void
take_method(struct sink *sink, struct view frame)
{
    size_t tag_at = ARGUMENTS_AT + 1 + frame.data[ARGUMENTS_AT];

    switch (method_of(frame)) {
    case AMQP_BASIC_DELIVER:
        if (tag_at + 8 < frame.len)
            sink->tag = load(frame.data + tag_at, 8);
        break;
    case AMQP_QUEUE_BIND_OK: take_bound(sink); break;
    case AMQP_QUEUE_DECLARE_OK:
    case AMQP_BASIC_QOS_OK:
    case AMQP_BASIC_CONSUME_OK: break;
    default: link_fail(&sink->link, "a frame that a subscriber does not get");
    }
}

static void
take(struct sink *sink, struct view frame)
{
    if (frame.data[0] == AMQP_FRAME_METHOD)
        take_method(sink, frame);
    else if (frame.data[0] == AMQP_FRAME_HEADER)
        take_header(sink, frame);
    else
        take_body(sink, view_of(frame.data + AMQP_FRAME_HEAD, frame.len - AMQP_FRAME_OVERHEAD));
}

const struct protocol bench_amqp = {
    .name = "amqp",
    .port = 5672,
    .frame_size = frame_size,
    .frame_bytes_max = FRAME_MAX,
    .separator = '.',
    .any_level = '*',
    .greet = greet,
    .introduce = introduce,
    .attend = attend,
    .bye = bye,
    .make_frame = make_frame,
    .prepare = prepare,
    .take_ack = take_ack,
    .subscribe = subscribe,
    .consume = consume,
    .leave = leave,
    .take = take,
};
