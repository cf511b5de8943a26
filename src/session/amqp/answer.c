/* Answers: in order, and not before what they promise is durable.
 *
 * Most wait for nothing and are written at once.  One that waits is held under the present epoch, and whatever is
 * answered on the connection after it stands behind it.  Deliveries and confirms go their own ways. */
#include "session/amqp/inner.h"

enum kind { HELD_FRAME, HELD_CONSUME, HELD_GET, HELD_POSTING };

/* An answer that waits: its frame; the basic.get that is to be done when its turn comes; or a message to be published
 * to the default exchange (short key, short properties, body). */
struct held_item {
    struct held_item *next;
    uint64_t epoch;
    uint32_t serial; /* HELD_CONSUME: the consumer's */
    uint16_t channel;
    uint8_t kind;
    bool no_ack; /* HELD_GET */
    size_t len;
    uint8_t bytes[];
};

struct held {
    struct holder holder;
    struct conn *conn;
    struct held_item *first, *last;
    uint32_t count;
};

static void
redo_get(struct conn *c, const struct held_item *item)
{
    struct channel *ch = conn_channel(c, item->channel);
    if (ch == NULL || ch->closing)
        return;
    struct refusal why;
    struct amqp_method m = { .id = AMQP_BASIC_GET };
    m.basic_get = (struct amqp_basic_get){ .queue = view_of(item->bytes, item->len), .no_ack = item->no_ack };
    if (get_now(ch, &m, &why) < 0)
        channel_fail(ch, &why, m.id);
}

static void
post(struct conn *c, const struct held_item *item)
{
    struct channel *ch = conn_channel(c, item->channel);
    if (ch == NULL || ch->closing)
        return;
    struct cursor in = cursor_of(view_of(item->bytes, item->len));
    struct posting posting = { .exchange = view_of(item->bytes, 0) };
    posting.key = take_short(&in);
    posting.props = take_short(&in);
    posting.body = take_rest(&in);
    struct published published;
    publish_posting(ch, &posting, &published);
}

static void
write_item(struct conn *c, const struct held_item *item)
{
    if (item->kind == HELD_GET) {
        redo_get(c, item);
        return;
    }
    if (item->kind == HELD_POSTING) {
        post(c, item);
        return;
    }
    conn_put(c, view_of(item->bytes, item->len));
    struct channel *ch = item->kind == HELD_CONSUME ? conn_channel(c, item->channel) : NULL;
    if (ch != NULL)
        consumer_announced(ch, item->serial);
}

/* Its epoch is done, and there is room for it. */
static bool
may_leave(const struct held *held, uint64_t done)
{
    const struct held_item *item = held->first;
    return item != NULL && item->epoch <= done && !(item->kind == HELD_GET && held->conn->choked);
}

static void
on_released(struct holder *holder, uint64_t done)
{
    struct held *held = container_of(holder, struct held, holder);
    struct conn *c = held->conn;
    /* What basic.get answers first goes before what stands behind it. */
    while (may_leave(held, done)) {
        struct held_item *item = held->first;
        held->first = item->next;
        held->count--;
        write_item(c, item);
        mem_free(c->server->host->mem, item);
    }
    if (held->first != NULL)
        host_hold(c->server->host, holder);
    if (held->count < HELD_MAX / 2)
        conn_resume(c, PAUSE_HELD);
}

void
answers_go_on(struct conn *c)
{
    if (c->held != NULL)
        on_released(&c->held->holder, c->server->host->epoch_done);
}

static struct held *
held_of(struct conn *c)
{
    if (c->held != NULL)
        return c->held;
    struct held *held = MEM_NEW(c->server->host->mem, struct held);
    if (held == NULL)
        return NULL;
    list_init(&held->holder.link);
    held->holder.released = on_released;
    held->conn = c;
    c->held = held;
    return held;
}

void
answers_free(struct conn *c)
{
    struct held *held = c->held;
    if (held == NULL)
        return;
    for (struct held_item *item = held->first; item != NULL; item = held->first) {
        held->first = item->next;
        mem_free(c->server->host->mem, item);
    }
    list_cut(&held->holder.link);
    mem_free(c->server->host->mem, held);
    c->held = NULL;
}

bool
answer_later(const struct conn *c)
{
    return c->held != NULL && c->held->first != NULL;
}

/* NULL: no memory, and the connection is doomed. */
static struct held_item *
hold(struct conn *c, struct held_item like, bool waits)
{
    struct session_host *host = c->server->host;
    struct held *held = held_of(c);
    struct held_item *item = held == NULL ? NULL : mem_raw(host->mem, sizeof(*item) + like.len);
    if (item == NULL) {
        conn_doom(c, AMQP_INTERNAL_ERROR);
        return NULL;
    }
    *item = like;
    item->next = NULL;
    item->epoch = waits ? host->epoch : host->epoch_done;
    if (held->first == NULL)
        held->first = item;
    else
        held->last->next = item;
    held->last = item;
    if (++held->count > HELD_MAX)
        conn_pause(c, PAUSE_HELD);
    host_hold(host, &held->holder);
    return item;
}

static void
hold_method(struct conn *c, struct held_item like, const struct amqp_method *m, bool waits)
{
    like.len = amqp_method_size(m);
    struct held_item *item = hold(c, like, waits);
    if (item != NULL)
        must(amqp_method_write(item->bytes, item->len, item->channel, m) == item->len);
}

void
answer(struct conn *c, uint16_t channel, const struct amqp_method *m, bool waits)
{
    if (!waits && !answer_later(c))
        conn_write(c, channel, m);
    else
        hold_method(c, (struct held_item){ .kind = HELD_FRAME, .channel = channel }, m, waits);
}

void
answer_consume(struct conn *c, uint16_t channel, const struct amqp_method *m, uint32_t serial)
{
    if (answer_later(c)) {
        hold_method(c, (struct held_item){ .kind = HELD_CONSUME, .channel = channel, .serial = serial }, m, false);
        return;
    }
    conn_write(c, channel, m);
    consumer_announced(conn_channel(c, channel), serial);
}

void
answer_get(struct conn *c, uint16_t channel, const struct amqp_method *get)
{
    struct view queue = get->basic_get.queue;
    struct held_item like = { .kind = HELD_GET, .channel = channel, .no_ack = get->basic_get.no_ack, .len = queue.len };
    struct held_item *item = hold(c, like, false);
    if (item != NULL && queue.len > 0)
        memcpy(item->bytes, queue.data, queue.len);
}

void
answer_posting(struct conn *c, uint16_t channel, const struct posting *posting, bool waits)
{
    struct held_item like = { .kind = HELD_POSTING,
                              .channel = channel,
                              .len = 4 + posting->key.len + posting->props.len + posting->body.len };
    struct held_item *item = hold(c, like, waits);
    if (item == NULL)
        return;
    struct pen p = pen_of(item->bytes, item->len);
    put_short(&p, posting->key);
    put_short(&p, posting->props);
    put_bytes(&p, posting->body);
}
