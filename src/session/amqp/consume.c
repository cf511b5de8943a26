/* Consumers: basic.qos, consume, cancel; their end. */
#include "session/amqp/inner.h"

static const struct mq_consumer_ops consumer_ops = {
    .deliver = consumer_deliver,
    .revoked = consumer_revoked,
    .cancelled = consumer_cancelled,
};

/* ---- begin and end ------------------------------------------------------------------------------------------ */

struct consumer *
consumer_new(struct channel *ch, struct view tag)
{
    struct consumer *consumer = mem_new(channel_mem(ch), sizeof(*consumer) + tag.len);
    if (consumer == NULL)
        return NULL;
    consumer->tap.ops = &consumer_ops;
    consumer->channel = ch;
    consumer->serial = ++ch->serial;
    list_init(&consumer->tap.all);
    list_init(&consumer->link);
    list_init(&consumer->hungry);
    consumer->tag_bytes = (uint8_t)tag.len;
    if (tag.len > 0)
        memcpy(consumer->tag, tag.data, tag.len);
    return consumer;
}

void
consumer_free(struct consumer *consumer)
{
    struct channel *ch = consumer->channel;
    list_cut(&consumer->link);
    list_cut(&consumer->hungry);
    ch->getter_count -= consumer->getter;
    if (!consumer->getter && !consumer->cancelled) {
        ch->consumer_count--;
        ch->conn->server->consumer_count--;
    }
    mem_free(channel_mem(ch), consumer);
}

struct consumer *
consumer_find(const struct channel *ch, struct view tag)
{
    LIST_EACH(&ch->consumers, l) {
        struct consumer *consumer = container_of(l, struct consumer, link);
        if (!consumer->cancelled && view_equal(consumer_tag(consumer), tag))
            return consumer;
    }
    return NULL;
}

void
consumer_announced(struct channel *ch, uint32_t serial)
{
    LIST_EACH(&ch->consumers, l) {
        struct consumer *consumer = container_of(l, struct consumer, link);
        if (consumer->serial != serial)
            continue;
        consumer->announced = true;
        consumer_hungry(consumer);
    }
}

void
consumer_relieve(struct consumer *consumer)
{
    struct channel *ch = consumer->channel;
    consumer->unacked--;
    ch->delivered -= !consumer->getter;
    if (consumer->cancelled && consumer->unacked == 0) {
        mq_detach(&consumer->tap);
        consumer_free(consumer);
    } else if (!consumer->getter) {
        consumer_hungry(consumer);
        ch->relieved = true;
    }
    if (ch->prefetch_all > 0)
        channel_hungry(ch);
}

/* What it holds is nobody's any more, but may still be settled by the client. */
static void
orphan(struct consumer *consumer)
{
    struct channel *ch = consumer->channel;
    for (struct unacked *item = unackeds_first(&ch->unacked); item != NULL; item = unackeds_next(&ch->unacked, item))
        if (item->consumer == consumer) {
            item->link = NULL;
            item->consumer = NULL;
            ch->delivered -= !consumer->getter;
        }
    consumer->unacked = 0;
}

void
consumer_revoked(struct mq_consumer *tap, struct link *link, uint64_t seq)
{
    struct consumer *consumer = container_of(tap, struct consumer, tap);
    struct unackeds *unacked = &consumer->channel->unacked;
    for (struct unacked *item = unackeds_first(unacked); item != NULL; item = unackeds_next(unacked, item))
        if (item->link == link && item->seq == seq)
            item->link = NULL;
}

void
consumer_cancelled(struct mq_consumer *tap)
{
    struct consumer *consumer = container_of(tap, struct consumer, tap);
    struct channel *ch = consumer->channel;
    orphan(consumer);
    if (consumer->getter) {
        get_cancelled(consumer);
    } else if (!consumer->cancelled && (ch->conn->can & CAN_CANCEL_NOTIFY) && conn_ready(ch->conn)) {
        struct amqp_method m = { .id = AMQP_BASIC_CANCEL };
        m.basic_cancel = (struct amqp_basic_cancel){ .consumer_tag = consumer_tag(consumer), .no_wait = true };
        channel_answer(ch, &m, false);
    }
    consumer_free(consumer);
}

/* Nobody gets anything before all has gone back; then it counts as delivered. */
void
consumers_free(struct channel *ch)
{
    list_splice(&ch->consumers, &ch->getters);
    LIST_EACH(&ch->consumers, l) {
        struct consumer *consumer = container_of(l, struct consumer, link);
        if (!consumer->cancelled)
            mq_cancel(&consumer->tap);
    }
    for (struct unacked *item; (item = unackeds_first(&ch->unacked)) != NULL;) {
        struct unacked copy = *item;
        unackeds_cut(&ch->unacked, item);
        ch->conn->server->unacked_count--;
        if (copy.link != NULL)
            link_return(copy.link, copy.seq);
    }
    LIST_EACH(&ch->consumers, l) {
        struct consumer *consumer = container_of(l, struct consumer, link);
        mq_detach(&consumer->tap);
        consumer_free(consumer);
    }
    ch->delivered = 0;
}

/* ---- methods ------------------------------------------------------------------------------------------------ */

/* RabbitMQ's reading of `global`: all consumers of the channel together, or each new one by itself. */
int
on_basic_qos(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_basic_qos *qos = &m->basic_qos;
    if (qos->prefetch_size != 0)
        return deny(why, AMQP_NOT_IMPLEMENTED, "prefetch_size!=0 (%u)", qos->prefetch_size);
    if (qos->global) {
        ch->prefetch_all = qos->prefetch_count;
        channel_hungry(ch);
    } else {
        ch->prefetch = qos->prefetch_count;
    }
    channel_done(ch, AMQP_BASIC_QOS_OK, false, false);
    return 0;
}

static int
attach(struct channel *ch, const struct amqp_basic_consume *consume, struct view tag, struct consumer **ret,
       struct refusal *why)
{
    struct mq *mq;
    int rc = channel_queue(ch, consume->queue, &mq, why);
    if (rc < 0)
        return rc;
    struct consumer *consumer = consumer_new(ch, tag);
    if (consumer == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    list_push(&ch->consumers, &consumer->link);
    ch->consumer_count++;
    ch->conn->server->consumer_count++;
    consumer->no_ack = consume->no_ack;
    consumer->prefetch = ch->prefetch;
    consumer->tap.exclusive = consume->exclusive;
    rc = stream_check_consumer(consumer, mq, why);
    if (rc == 0)
        rc = mq_attach(mq, &consumer->tap, consume->arguments, why);
    if (rc < 0)
        consumer_free(consumer);
    *ret = consumer;
    return rc;
}

static int
check_tag(const struct channel *ch, struct view tag, struct refusal *why)
{
    uint32_t most = ch->conn->server->settings->consumers_max;
    if (consumer_find(ch, tag) != NULL || reply_has_tag(ch, tag))
        return deny(why, AMQP_NOT_ALLOWED, "attempt to reuse consumer tag '%.*s'", (int)tag.len, tag.data);
    if (ch->consumer_count >= most)
        return deny(why, AMQP_NOT_ALLOWED, "reached maximum (%u) of consumers per channel", most);
    return 0;
}

int
on_basic_consume(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_basic_consume *consume = &m->basic_consume;
    char name[] = "amq.ctag-0123456789012345678901";
    struct view tag = consume->consumer_tag;
    struct consumer *consumer = NULL;
    if (tag.len == 0) {
        random_name(ch->conn->server, name + strlen("amq.ctag-"));
        tag = view_str(name);
    }
    int rc = check_tag(ch, tag, why);
    if (rc < 0)
        return rc;
    if (view_is(consume->queue, REPLY_TO_QUEUE))
        rc = reply_consume(ch, tag, consume->no_ack, why);
    else
        rc = attach(ch, consume, tag, &consumer, why);
    if (rc < 0)
        return rc;
    struct amqp_method ok = { .id = AMQP_BASIC_CONSUME_OK };
    ok.basic_consume_ok.consumer_tag = tag;
    if (!consume->no_wait)
        answer_consume(ch->conn, ch->number, &ok, consumer == NULL ? 0 : consumer->serial);
    else if (consumer != NULL)
        consumer_announced(ch, consumer->serial);
    return 0;
}

/* What it holds may still be settled. */
static void
cancel(struct consumer *consumer)
{
    struct channel *ch = consumer->channel;
    if (consumer->unacked == 0) {
        mq_detach(&consumer->tap);
        consumer_free(consumer);
        return;
    }
    consumer->cancelled = true;
    ch->consumer_count--;
    ch->conn->server->consumer_count--;
    mq_cancel(&consumer->tap);
}

int
on_basic_cancel(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    (void)why;
    struct view tag = m->basic_cancel.consumer_tag;
    struct consumer *consumer = consumer_find(ch, tag);
    struct amqp_method ok = { .id = AMQP_BASIC_CANCEL_OK };
    ok.basic_cancel_ok.consumer_tag = tag;
    if (consumer != NULL)
        cancel(consumer);
    else
        reply_cancel(ch, tag);
    if (!m->basic_cancel.no_wait)
        channel_answer(ch, &ok, false);
    return 0;
}
