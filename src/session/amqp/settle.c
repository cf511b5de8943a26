/* basic.ack, nack, reject, recover. */
#include "session/amqp/inner.h"

static int
unknown_tag(uint64_t tag, struct refusal *why)
{
    return deny(why, AMQP_PRECONDITION_FAILED, "unknown delivery tag %llu", (unsigned long long)tag);
}

/* Tag 0 with `multiple` is all there are, and none is fine. */
static int
check(const struct channel *ch, uint64_t tag, bool multiple, struct refusal *why)
{
    if (tag == 0 && multiple)
        return 0;
    const struct unacked *item = unackeds_find(&ch->unacked, tag);
    return item == NULL || item->kept ? unknown_tag(tag, why) : 0;
}

static void
settle_at_queue(const struct unacked *item, enum settlement how)
{
    static bool (*const settle_by[])(struct link * link, uint64_t seq) = {
        [SETTLE_REJECT] = link_reject,
        [SETTLE_RETURN] = link_return,
    };
    if (item->link == NULL)
        return;
    if (how == SETTLE_ACCEPT)
        link_accept(item->link, item->seq, true);
    else
        settle_by[how](item->link, item->seq);
}

/* It leaves the list first: the queue may deliver it again at once, here too. */
static void
settle_one(struct channel *ch, struct unacked *at, enum settlement how)
{
    struct unacked item = *at;
    unackeds_cut(&ch->unacked, at);
    ch->conn->server->unacked_count--;
    settle_at_queue(&item, how);
    if (item.consumer != NULL)
        consumer_relieve(item.consumer);
}

void
settle(struct channel *ch, uint64_t tag, bool multiple, enum settlement how)
{
    struct unacked *item = multiple ? NULL : unackeds_find(&ch->unacked, tag);
    if (item != NULL)
        settle_one(ch, item, how);
    if (!multiple)
        return;
    uint64_t last = tag == 0 ? ch->tag : tag;
    while ((item = unackeds_first(&ch->unacked)) != NULL && item->tag <= last)
        settle_one(ch, item, how);
}

static int
on_settlement(struct channel *ch, uint64_t tag, bool multiple, enum settlement how, struct refusal *why)
{
    int rc = check(ch, tag, multiple, why);
    if (rc == 0 && ch->tx != NULL)
        return transaction_settle(ch, tag, multiple, how, why);
    if (rc == 0 && how != SETTLE_ACCEPT)
        rc = stream_check_return(ch, tag, multiple, why);
    if (rc < 0)
        return rc;
    settle(ch, tag, multiple, how);
    return 0;
}

int
on_basic_ack(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    return on_settlement(ch, m->basic_ack.delivery_tag, m->basic_ack.multiple, SETTLE_ACCEPT, why);
}

int
on_basic_nack(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_basic_nack *nack = &m->basic_nack;
    return on_settlement(ch, nack->delivery_tag, nack->multiple, nack->requeue ? SETTLE_RETURN : SETTLE_REJECT, why);
}

int
on_basic_reject(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_basic_reject *reject = &m->basic_reject;
    return on_settlement(ch, reject->delivery_tag, false, reject->requeue ? SETTLE_RETURN : SETTLE_REJECT, why);
}

int
on_basic_recover_async(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    if (!m->basic_recover.requeue)
        return deny(why, AMQP_NOT_IMPLEMENTED, "requeue=false");
    int rc = stream_check_return(ch, 0, true, why);
    if (rc == 0)
        settle(ch, 0, true, SETTLE_RETURN);
    return rc;
}

int
on_basic_recover(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    int rc = on_basic_recover_async(ch, m, why);
    if (rc == 0)
        channel_done(ch, AMQP_BASIC_RECOVER_OK, false, false);
    return rc;
}
