/* Consumes from every queue but the orders, and while the world is restless settles a little later, so that it dies
 * with messages in its hands. */
#include "trial/hand.h"

#include "base/prng.h"

enum { PAUSE_STEPS = 3, STAY_STEPS = 60 };

/* From the ranked one at a time, so that some wait there and are ranked.  At what lives for a short time it is not
 * always, so that some dies. */
static int
begin(struct hand *h)
{
    static const enum place places[] = { PLACE_TIMED,  PLACE_WORK, PLACE_SHORT, PLACE_BRIEF, PLACE_TRIES,
                                         PLACE_MORGUE, PLACE_LEFT, PLACE_RIGHT, PLACE_MIXED };
    const struct view none = view_of(NULL, 0);
    int rc = 0;
    for (unsigned i = (unsigned)prng_below(&h->prng, 2); i < COUNT_OF(places) && rc == 0; i++)
        rc = hand_consume(h, places[i], none);
    if (rc == 0)
        rc = hand_prefetch(h, 1);
    tally_has_room(&h->trial->tally);
    return rc < 0 ? rc : hand_consume(h, PLACE_RANKED, none);
}

static void
note_settled(struct hand *h, const struct holding *hold)
{
    bool counted = hold->place < PLACE_LEFT;
    if (counted)
        tally_settled(&h->trial->tally, hold->of, hold->number);
}

static void
let_go(struct hand *h, const struct holding *hold)
{
    if (hold->place == PLACE_RANKED)
        tally_has_room(&h->trial->tally);
}

static void
settle_one(struct hand *h)
{
    const struct holding *hold = &h->taker.holds[0];
    bool restless = h->trial->restless, dies = hold->place == PLACE_WORK || hold->place == PLACE_SHORT;
    unsigned patience = hold->place == PLACE_TRIES ? 2 : 8;
    int rc;
    if (restless && prng_once_in(&h->prng, patience)) {
        rc = hand_settle(h, hold->tag, prng_once_in(&h->prng, 2) ? AMQP_BASIC_REJECT : AMQP_BASIC_NACK, true);
    } else if (restless && dies && prng_once_in(&h->prng, 4)) {
        rc = hand_settle(h, hold->tag, AMQP_BASIC_REJECT, false);
        tally_rejected(&h->trial->tally, hold->of, hold->number);
    } else {
        rc = hand_settle(h, hold->tag, AMQP_BASIC_ACK, false);
        if (rc == 0)
            note_settled(h, hold);
    }
    if (rc < 0)
        return;
    let_go(h, hold);
    h->taker.count--;
    memmove(h->taker.holds, h->taker.holds + 1, h->taker.count * sizeof(h->taker.holds[0]));
}

static void
settle_all(struct hand *h)
{
    struct taker *taker = &h->taker;
    if (hand_settle(h, taker->holds[taker->count - 1].tag, AMQP_BASIC_ACK, true) < 0)
        return;
    for (unsigned i = 0; i < taker->count; i++) {
        note_settled(h, &taker->holds[i]);
        let_go(h, &taker->holds[i]);
    }
    taker->count = 0;
}

static void
message(struct hand *h, const struct amqp_client_message *message)
{
    struct trial *t = h->trial;
    struct taker *taker = &h->taker;
    struct arrival a;
    if (!hand_read(h, message, &a))
        return;
    const struct holding hold = { .tag = message->delivery_tag, .place = a.place, .of = a.of, .number = a.number };
    if (hold.place == PLACE_MIXED)
        ledger_received(&t->ledger, t->ledger.size.subscribers - 1, hold.of, hold.number);
    else if (hold.place == PLACE_LEFT || hold.place == PLACE_RIGHT)
        tally_got_deal(&t->tally, &a);
    else
        tally_got(&t->tally, &a);
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
    tally_parted(&h->trial->tally);
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
