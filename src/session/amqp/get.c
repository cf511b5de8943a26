/* basic.get: a consumer of one message, kept attached for the next time. */
#include "session/amqp/inner.h"

static void
answer_empty(struct channel *ch)
{
    channel_answer(ch, &(struct amqp_method){ .id = AMQP_BASIC_GET_EMPTY }, false);
}

static bool
idle(const struct consumer *getter)
{
    return getter->wants == 0 && getter->unacked == 0;
}

/* The longest unused of those that hold nothing. */
static void
drop_idle(struct channel *ch)
{
    LIST_EACH(&ch->getters, l) {
        struct consumer *getter = container_of(l, struct consumer, link);
        if (idle(getter)) {
            mq_detach(&getter->tap);
            consumer_free(getter);
            return;
        }
    }
}

static struct consumer *
find(struct channel *ch, const struct mq *mq, bool no_ack)
{
    LIST_EACH(&ch->getters, l) {
        struct consumer *getter = container_of(l, struct consumer, link);
        if (getter->tap.mq == mq && getter->no_ack == no_ack) {
            list_push(&ch->getters, l);
            return getter;
        }
    }
    return NULL;
}

static int
make(struct channel *ch, struct mq *mq, bool no_ack, struct consumer **ret, struct refusal *why)
{
    if (ch->getter_count >= GETTERS_MAX)
        drop_idle(ch);
    struct consumer *getter = consumer_new(ch, view_of(NULL, 0));
    if (getter == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    getter->getter = true;
    getter->no_ack = no_ack;
    getter->tap.browsing = true;
    list_push(&ch->getters, &getter->link);
    ch->getter_count++;
    int rc = mq_attach(mq, &getter->tap, view_of(NULL, 0), why);
    if (rc < 0)
        consumer_free(getter);
    *ret = getter;
    return rc;
}

int
get_now(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    struct mq *mq;
    struct mq_facts facts;
    int rc = channel_queue(ch, m->basic_get.queue, &mq, why);
    if (rc == 0)
        rc = stream_refuses(mq, "basic.get", why);
    if (rc < 0)
        return rc;
    mq_used(mq);
    mq_facts(mq, &facts);
    if (facts.ready == 0) {
        answer_empty(ch);
        return 0;
    }
    struct consumer *getter = find(ch, mq, m->basic_get.no_ack);
    rc = getter != NULL ? 0 : make(ch, mq, m->basic_get.no_ack, &getter, why);
    if (rc < 0)
        return rc;
    getter->wants++;
    mq_credit(&getter->tap, getter->wants);
    if (getter->wants > 0) /* it is being read from disk */
        consumer_hungry(getter);
    return 0;
}

int
on_basic_get(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    if (answer_later(ch->conn))
        answer_get(ch->conn, ch->number, m);
    else if (ch->conn->choked)
        waiting_method(ch, m);
    else
        return get_now(ch, m, why);
    return 0;
}

/* Somebody else may have had the message meanwhile.  Without room in the outbox it waits till that has drained. */
void
get_wait(struct consumer *getter)
{
    struct mq_facts facts;
    if (getter->wants == 0 || getter->channel->conn->choked)
        return;
    mq_facts(getter->tap.mq, &facts);
    if (facts.ready > 0) {
        consumer_hungry(getter);
        if (getter->tap.credit != getter->wants)
            mq_credit(&getter->tap, getter->wants);
        return;
    }
    mq_credit(&getter->tap, 0);
    for (; getter->wants > 0; getter->wants--)
        answer_empty(getter->channel);
}

/* Its queue is gone. */
void
get_cancelled(struct consumer *getter)
{
    for (; getter->wants > 0; getter->wants--)
        answer_empty(getter->channel);
}
