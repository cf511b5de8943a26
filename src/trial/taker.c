/* Consumes from every queue but the orders, and while the world is restless settles a little later, so that it dies
 * with messages in its hands. */
#include "trial/hand.h"

enum { PAUSE_STEPS = 3, STAY_STEPS = 60 };

static int
begin(struct hand *h)
{
    static const enum place places[] = { PLACE_WORK,   PLACE_SHORT, PLACE_RANKED, PLACE_BRIEF,
                                         PLACE_MORGUE, PLACE_LEFT,  PLACE_RIGHT,  PLACE_MIXED };
    int rc = 0;
    for (unsigned i = 0; i < COUNT_OF(places) && rc == 0; i++)
        rc = hand_consume(h, places[i]);
    return rc;
}

static enum place
place_of(struct view name)
{
    enum place place = 0;
    while (place < PLACE_DEAD && !view_equal(place_name(place), name))
        place++;
    return place;
}

static void
note_settled(struct hand *h, const struct holding *hold)
{
    bool counted = hold->place < PLACE_LEFT;
    if (counted)
        tally_settled(&h->trial->tally, hold->of, hold->number);
}

static void
settle_one(struct hand *h)
{
    const struct holding *hold = &h->taker.holds[0];
    bool restless = h->trial->restless, dies = hold->place == PLACE_WORK || hold->place == PLACE_SHORT;
    int rc;
    if (restless && prng_once_in(&h->prng, 8)) {
        rc = hand_settle(h, hold->tag, AMQP_BASIC_NACK, true);
    } else if (restless && dies && prng_once_in(&h->prng, 4)) {
        rc = hand_settle(h, hold->tag, AMQP_BASIC_REJECT, false);
    } else {
        rc = hand_settle(h, hold->tag, AMQP_BASIC_ACK, false);
        if (rc == 0)
            note_settled(h, hold);
    }
    if (rc < 0)
        return;
    h->taker.count--;
    memmove(h->taker.holds, h->taker.holds + 1, h->taker.count * sizeof(h->taker.holds[0]));
}

static void
settle_all(struct hand *h)
{
    struct taker *taker = &h->taker;
    if (hand_settle(h, taker->holds[taker->count - 1].tag, AMQP_BASIC_ACK, true) < 0)
        return;
    for (unsigned i = 0; i < taker->count; i++)
        note_settled(h, &taker->holds[i]);
    taker->count = 0;
}

static void
message(struct hand *h, const struct amqp_client_message *message)
{
    struct trial *t = h->trial;
    struct taker *taker = &h->taker;
    struct holding hold = { .tag = message->delivery_tag, .place = place_of(message->consumer_tag) };
    if (!hand_read(h, message, &hold.of, &hold.number))
        return;
    if (hold.place == PLACE_MIXED)
        ledger_received(&t->ledger, t->ledger.size.subscribers - 1, hold.of, hold.number);
    else if (hold.place == PLACE_LEFT || hold.place == PLACE_RIGHT)
        tally_got_deal(&t->tally, hold.place, hold.number, h->life, message->redelivered);
    else
        tally_got(&t->tally, hold.place, hold.of, hold.number, message->redelivered);
    if (taker->count == COUNT_OF(taker->holds)) {
        ledger_violated(&t->ledger, "protocol", "%s was given more than its prefetch", h->name);
        return;
    }
    taker->holds[taker->count++] = hold;
    if (!t->restless)
        settle_all(h);
}

static void
prompt(struct hand *h)
{
    struct taker *taker = &h->taker;
    if (h->trial->restless && prng_once_in(&h->prng, STAY_STEPS)) {
        amqp_client_abort(h->client);
        return;
    }
    if (!prng_once_in(&h->prng, PAUSE_STEPS))
        return;
    if (taker->count > 0 && prng_once_in(&h->prng, 3))
        settle_all(h);
    for (uint64_t n = prng_below(&h->prng, TAKER_HOLDS); n > 0 && taker->count > 0; n--)
        settle_one(h);
}

static void
ended(struct hand *h)
{
    h->taker.count = 0;
}

static void
answered(struct hand *h, const struct amqp_method *method)
{
    (void)h, (void)method;
}

static bool
done(const struct hand *h)
{
    return h->ready && h->taker.count == 0;
}

const struct hand_ops taker_ops = {
    .name = "taker",
    .begin = begin,
    .prompt = prompt,
    .done = done,
    .ended = ended,
    .answered = answered,
    .message = message,
};
