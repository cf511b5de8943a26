/* Each order it consumes becomes two messages; all three are one transaction. */
#include "trial/hand.h"

#include "base/must.h"

static int
begin(struct hand *h)
{
    const struct amqp_method m = { .id = AMQP_TX_SELECT };
    int rc = hand_call(h, &m);
    return rc < 0 ? rc : hand_consume(h, PLACE_ORDERS, view_of(NULL, 0));
}

static void
finish(struct hand *h, bool commit)
{
    const struct amqp_method m = { .id = commit ? AMQP_TX_COMMIT : AMQP_TX_ROLLBACK };
    if (!commit)
        tally_deal_ended(&h->trial->tally, h->trader.deal, DEAL_ROLLED_BACK);
    (void)hand_call(h, &m);
}

/* Not committed, and never will be. */
static void
vanish(struct hand *h)
{
    tally_deal_ended(&h->trial->tally, h->trader.deal, DEAL_ROLLED_BACK);
    amqp_client_abort(h->client);
}

static int
write_deal(struct hand *h)
{
    const struct view none = view_of(NULL, 0);
    const struct trader *trader = &h->trader;
    const struct hand_message message = { .of = h->index, .number = trader->deal };
    int rc = hand_publish(h, none, place_name(PLACE_LEFT), &message);
    if (rc == 0)
        rc = hand_settle(h, trader->tag, AMQP_BASIC_ACK, false);
    return rc < 0 ? rc : hand_publish(h, none, place_name(PLACE_RIGHT), &message);
}

static void
trade(struct hand *h)
{
    bool restless = h->trial->restless;
    if (write_deal(h) < 0 || (restless && prng_once_in(&h->prng, 12))) {
        vanish(h);
        return;
    }
    finish(h, !restless || !prng_once_in(&h->prng, 6));
    if (restless && prng_once_in(&h->prng, 12))
        amqp_client_abort(h->client);
}

/* One after the other. */
static void
trade_next(struct hand *h)
{
    struct trader *trader = &h->trader;
    if (trader->deal != 0 || trader->count == 0)
        return;
    trader->tag = trader->orders[0].tag;
    trader->deal = tally_deal(&h->trial->tally, trader->orders[0].of, trader->orders[0].number);
    trader->count--;
    memmove(trader->orders, trader->orders + 1, trader->count * sizeof(trader->orders[0]));
    if (trader->deal != 0)
        trade(h);
    else
        amqp_client_abort(h->client);
}

static void
message(struct hand *h, const struct amqp_client_message *message)
{
    struct trader *trader = &h->trader;
    struct arrival a;
    if (!hand_read(h, message, &a))
        return;
    tally_got(&h->trial->tally, &a);
    must(trader->count < COUNT_OF(trader->orders));
    trader->orders[trader->count++] = (struct holding){ .tag = message->delivery_tag, .of = a.of, .number = a.number };
    if (!h->trial->restless)
        trade_next(h);
}

static void
prompt(struct hand *h)
{
    if (prng_once_in(&h->prng, 3))
        trade_next(h);
}

/* The order of a deal that was rolled back goes back to its queue, by a transaction too. */
static void
give_back(struct hand *h)
{
    const struct amqp_method m = { .id = AMQP_TX_COMMIT };
    h->trader.returning = true;
    if (hand_settle(h, h->trader.tag, AMQP_BASIC_NACK, true) < 0)
        amqp_client_abort(h->client);
    else
        (void)hand_call(h, &m);
}

static void
answered(struct hand *h, const struct amqp_method *method)
{
    struct trader *trader = &h->trader;
    if (method->id == AMQP_TX_ROLLBACK_OK) {
        give_back(h);
        return;
    }
    if (method->id != AMQP_TX_COMMIT_OK)
        return;
    if (!trader->returning)
        tally_deal_ended(&h->trial->tally, trader->deal, DEAL_COMMITTED);
    trader->deal = 0;
    trader->returning = false;
    if (!h->trial->restless)
        trade_next(h);
}

static void
refused(struct hand *h, unsigned code)
{
    (void)code;
    if (h->trader.deal != 0 && !h->trader.returning)
        tally_deal_ended(&h->trial->tally, h->trader.deal, DEAL_REFUSED);
}

static void
ended(struct hand *h)
{
    h->trader = (struct trader){ 0 };
    tally_parted(&h->trial->tally);
}

static bool
done(const struct hand *h)
{
    return h->ready && h->trader.deal == 0 && h->trader.count == 0;
}

const struct hand_ops trader_ops = {
    .name = "trader",
    .begin = begin,
    .prompt = prompt,
    .done = done,
    .ended = ended,
    .answered = answered,
    .message = message,
    .refused = refused,
};
