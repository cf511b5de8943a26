/* Messages to the client: what goes into the frames, deliveries, windows. */
#include "catalog/mapping.h"
#include "session/amqp/inner.h"

/* ---- out of the container ----------------------------------------------------------------------------------- */

/* u8 exchange name, then the property list. */
static void
open_container(struct view container, struct parcel *ret)
{
    struct cursor in = cursor_of(container);
    ret->exchange = take_bytes(&in, take_u8(&in));
    ret->props = take_rest(&in);
}

static int
convert(struct amqp_server *server, const struct envelope *env, struct parcel *ret)
{
    size_t n = mapping_to_amqp_room(env);
    uint8_t *room = server_buffer(server, &server->out, n);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    struct pen p = pen_of(room, n);
    struct view container;
    mapping_to_amqp(env, &p, &ret->key, &container);
    open_container(container, ret);
    return 0;
}

static void
put_headers(struct pen *p, struct view headers, const struct note *note)
{
    struct cursor in = cursor_of(headers);
    struct view key;
    struct amqp_value value;
    while (amqp_table_next(&in, &key, &value))
        if (!view_is(key, note->header))
            amqp_put_value(p, key, &value);
    amqp_put_value(p, view_str(note->header), &(struct amqp_value){ .type = 'l', .number = note->number });
}

static int
add_note(struct amqp_server *server, const struct note *note, struct parcel *parcel)
{
    struct amqp_properties props;
    struct fault fault;
    if (amqp_properties_parse(parcel->props, &props, &fault) < 0)
        return 0;
    size_t most = props.headers.len + 64, n = most + parcel->props.len + 64;
    uint8_t *room = server_buffer(server, &server->noted, n);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    struct pen headers = pen_of(room, most);
    put_headers(&headers, props.headers, note);
    props.headers = view_of(room, most - pen_left(&headers));
    props.present |= 1 << AMQP_HEADERS;
    struct pen p = pen_of(room + most, n - most);
    amqp_properties_put(&p, &props);
    if (!headers.torn && !p.torn)
        parcel->props = view_of(room + most, n - most - pen_left(&p));
    return 0;
}

int
parcel_of(struct amqp_server *server, const struct envelope *env, const struct note *note, struct parcel *ret)
{
    int rc = 0;
    ret->key = env->topic;
    if (env->encoding == ENCODING_AMQP091)
        open_container(env->props, ret);
    else
        rc = convert(server, env, ret);
    return rc < 0 || note->header == NULL ? rc : add_note(server, note, ret);
}

/* ---- frames ------------------------------------------------------------------------------------------------- */

static size_t
head_size(const struct amqp_method *m, struct view props)
{
    return m->id == AMQP_BASIC_DELIVER ? amqp_deliver_head_size(&m->basic_deliver, props)
                                       : amqp_content_head_size(m, props);
}

static size_t
write_head(uint8_t *at, size_t room, const struct channel *ch, const struct amqp_method *m, struct view props,
           uint64_t body_size)
{
    uint32_t frame_max = ch->conn->frame_max;
    if (m->id == AMQP_BASIC_DELIVER)
        return amqp_deliver_head(at, room, ch->number, &m->basic_deliver, props, body_size, frame_max);
    return amqp_content_head(at, room, ch->number, m, props, body_size, frame_max);
}

/* In one body frame at most. */
static int
write_copied(struct channel *ch, const struct amqp_method *m, struct view props, struct view body)
{
    size_t room = head_size(m, props);
    uint8_t *at = io_put_room(ch->conn->stream, room + body.len + 1);
    if (at == NULL)
        return -ERR_NO_MEMORY;
    size_t n = write_head(at, room, ch, m, props, body.len);
    must(n > 0);
    if (body.len > 0) {
        memcpy(at + n, body.data, body.len);
        n += body.len;
        at[n++] = AMQP_FRAME_END;
    }
    io_put_done(ch->conn->stream, n);
    return 0;
}

static void
release(void *message)
{
    message_unref(message);
}

static int
put_part(struct conn *c, struct message *message, struct view part)
{
    int rc = io_put_ref(c->stream, part, release, message_ref(message));
    if (rc < 0)
        message_unref(message);
    return rc;
}

/* The end of one body frame, and the head of the next when there is one. */
static int
put_seam(struct channel *ch, size_t next)
{
    uint8_t seam[1 + AMQP_FRAME_HEAD] = { AMQP_FRAME_END };
    size_t n = 1 + (next > 0 ? amqp_body_open(seam + 1, ch->number, next) : 0);
    return io_put(ch->conn->stream, view_of(seam, n));
}

static int
put_body(struct channel *ch, struct message *message)
{
    uint32_t frame_max = ch->conn->frame_max;
    struct view left = message->env.body;
    int rc = 0;
    while (rc == 0 && left.len > 0) {
        struct view part = view_of(left.data, amqp_body_part(frame_max, left.len));
        left = view_from(left, part.len);
        rc = put_part(ch->conn, message, part);
        if (rc == 0)
            rc = put_seam(ch, amqp_body_part(frame_max, left.len));
    }
    return rc;
}

/* The body stays where it is: in a message, which is made when there is none. */
static int
write_referenced(struct channel *ch, const struct amqp_method *m, struct publication *pub, struct view props)
{
    struct conn *c = ch->conn;
    struct message *message =
        pub->message != NULL ? message_ref(pub->message) : message_new(channel_mem(ch), &pub->env);
    if (message == NULL)
        return -ERR_NO_MEMORY;
    size_t room = head_size(m, props);
    uint8_t *at = io_put_room(c->stream, room);
    int rc = at == NULL ? -ERR_NO_MEMORY : 0;
    if (rc == 0) {
        size_t n = write_head(at, room, ch, m, props, message->env.body.len);
        must(n > 0);
        io_put_done(c->stream, n);
        rc = put_body(ch, message);
        c->broken = rc < 0;
    }
    message_unref(message);
    return rc;
}

int
deliver_write(struct channel *ch, const struct amqp_method *m, struct publication *pub, struct view props)
{
    struct conn *c = ch->conn;
    struct counters *counters = &channel_host(ch)->counters;
    struct view body = pub->env.body;
    size_t before = io_unsent(c->stream);
    if (c->broken)
        return -ERR_NO_MEMORY;
    bool copied = body.len < BY_REFERENCE_BYTES && body.len == amqp_body_part(c->frame_max, body.len);
    int rc = copied ? write_copied(ch, m, props, body) : write_referenced(ch, m, pub, props);
    if (rc < 0) {
        conn_doom(c, AMQP_INTERNAL_ERROR);
        return rc;
    }
    if (before <= c->server->settings->outbox_bytes_max)
        c->large_bytes = io_unsent(c->stream) - before;
    counters->packets_out++;
    counters->publishes_out++;
    counters->publish_bytes_out += body.len;
    counters->bytes_out += body.len + props.len;
    conn_weigh(c);
    return 0;
}

/* ---- windows ------------------------------------------------------------------------------------------------ */

void
consumer_hungry(struct consumer *consumer)
{
    list_push(&consumer->channel->conn->server->hungry, &consumer->hungry);
}

void
channel_hungry(struct channel *ch)
{
    LIST_EACH(&ch->consumers, l)
        consumer_hungry(container_of(l, struct consumer, link));
    LIST_EACH(&ch->getters, l)
        consumer_hungry(container_of(l, struct consumer, link));
}

static void
sate(struct list *consumers)
{
    LIST_EACH(consumers, l)
        mq_credit(&container_of(l, struct consumer, link)->tap, 0);
}

void
conn_sated(struct conn *c)
{
    for (unsigned i = 0; i < c->channel_room; i++) {
        if (c->channels[i] == NULL)
            continue;
        sate(&c->channels[i]->consumers);
        sate(&c->channels[i]->getters);
    }
}

void
conn_hungry(struct conn *c)
{
    for (unsigned i = 0; i < c->channel_room; i++)
        if (c->channels[i] != NULL)
            channel_hungry(c->channels[i]);
}

static uint32_t
less(uint32_t most, uint32_t used)
{
    return most > used ? most - used : 0;
}

static uint32_t
lower(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* How many more it may be sent. */
static uint32_t
window_left(const struct consumer *consumer)
{
    const struct channel *ch = consumer->channel;
    if (!conn_ready(ch->conn) || ch->conn->choked || !consumer->announced || consumer->cancelled)
        return 0;
    if (consumer->no_ack)
        return CREDIT_STEP;
    uint32_t left = lower(CREDIT_STEP, less(UNACKED_MAX, ch->unacked.live));
    if (consumer->prefetch > 0)
        left = lower(left, less(consumer->prefetch, consumer->unacked));
    if (ch->prefetch_all > 0)
        left = lower(left, less(ch->prefetch_all, ch->delivered));
    return left;
}

/* Credit without a limit is renewed by the half, not for each message. */
void
consumer_feed(struct consumer *consumer)
{
    if (consumer->getter) {
        get_wait(consumer);
        return;
    }
    uint32_t left = window_left(consumer), credit = consumer->tap.credit;
    if (consumer->cancelled || consumer->tap.mq == NULL || (left == CREDIT_STEP && credit > CREDIT_STEP / 2))
        return;
    if (credit != left)
        mq_credit(&consumer->tap, left);
}

void
channel_feed(struct channel *ch)
{
    ch->relieved = false;
    LIST_EACH(&ch->consumers, l) {
        struct consumer *consumer = container_of(l, struct consumer, link);
        if (!list_empty(&consumer->hungry))
            consumer_feed(consumer);
    }
}

/* After one delivery: nobody on the channel may have more credit than what is left. */
static void
lower_credit(struct consumer *consumer)
{
    struct channel *ch = consumer->channel;
    uint32_t left = window_left(consumer);
    if (consumer->tap.credit > left)
        consumer->tap.credit = left;
    if (left > 0 && consumer->tap.credit <= CREDIT_STEP / 2 && consumer->tap.credit < left)
        consumer_hungry(consumer);
    if (ch->prefetch_all == 0 || consumer->no_ack)
        return;
    LIST_EACH(&ch->consumers, l) {
        struct consumer *other = container_of(l, struct consumer, link);
        uint32_t most = other == consumer || other->cancelled ? UINT32_MAX : window_left(other);
        if (other->tap.credit > most)
            mq_credit(&other->tap, most);
    }
}

/* ---- deliveries --------------------------------------------------------------------------------------------- */

static int
remember(struct consumer *consumer, struct link *link, uint64_t seq)
{
    struct channel *ch = consumer->channel;
    struct unacked item = { .tag = ch->tag + 1, .seq = seq, .link = link, .consumer = consumer };
    int rc = unackeds_add(&ch->unacked, channel_mem(ch), &item);
    if (rc < 0)
        return rc;
    consumer->unacked++;
    ch->delivered += !consumer->getter;
    ch->conn->server->unacked_count++;
    return 0;
}

static void
fill_deliver(const struct consumer *consumer, uint64_t tag, bool redelivered, const struct parcel *parcel,
             struct amqp_method *ret)
{
    ret->id = AMQP_BASIC_DELIVER;
    ret->basic_deliver = (struct amqp_basic_deliver){ .consumer_tag = consumer_tag(consumer),
                                                      .delivery_tag = tag,
                                                      .redelivered = redelivered,
                                                      .exchange = parcel->exchange,
                                                      .routing_key = parcel->key };
}

static void
fill_get_ok(const struct consumer *consumer, uint64_t tag, bool redelivered, const struct parcel *parcel,
            struct amqp_method *ret)
{
    struct mq_facts facts;
    mq_facts(consumer->tap.mq, &facts);
    ret->id = AMQP_BASIC_GET_OK;
    ret->basic_get_ok = (struct amqp_basic_get_ok){ .delivery_tag = tag,
                                                    .redelivered = redelivered,
                                                    .exchange = parcel->exchange,
                                                    .routing_key = parcel->key,
                                                    .message_count = (uint32_t)facts.ready };
}

/* Nothing more for now: what was just handed out goes back. */
static void
give_back(struct consumer *consumer, struct link *link, uint64_t seq)
{
    consumer->tap.credit = 0;
    if (link != NULL)
        link_release(link, seq);
}

/* How often it came back is told by the queues that count it; who reads a stream is told where he is. */
static struct note
note_of(const struct consumer *consumer, const struct link *link, uint64_t seq, struct entry_meta meta)
{
    if (link == NULL)
        return (struct note){ .header = "x-stream-offset", .number = (int64_t)seq - 1 };
    return (struct note){ .header = mq_counts(consumer->tap.mq) ? "x-delivery-count" : NULL,
                          .number = meta.deliveries };
}

void
consumer_deliver(struct mq_consumer *tap, struct link *link, uint64_t seq, struct publication *pub,
                 struct entry_meta meta, bool redelivered)
{
    struct consumer *consumer = container_of(tap, struct consumer, tap);
    struct channel *ch = consumer->channel;
    struct parcel parcel;
    struct note note = note_of(consumer, link, seq, meta);
    int rc = conn_ready(ch->conn) ? parcel_of(ch->conn->server, &pub->env, &note, &parcel) : -ERR_RESET;
    if (rc == 0 && !consumer->no_ack)
        rc = remember(consumer, link, seq);
    if (rc < 0) {
        conn_doom(ch->conn, AMQP_INTERNAL_ERROR);
        give_back(consumer, link, seq);
        return;
    }
    struct amqp_method m; /* only what is sent of it is set: this is done for every message */
    if (consumer->getter)
        fill_get_ok(consumer, ++ch->tag, redelivered, &parcel, &m);
    else
        fill_deliver(consumer, ++ch->tag, redelivered, &parcel, &m);
    (void)deliver_write(ch, &m, pub, parcel.props);
    if (consumer->no_ack)
        link_accept(link, seq, true);
    if (consumer->getter)
        consumer->wants--;
    else
        lower_credit(consumer);
}
