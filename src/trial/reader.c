/* Goes through the stream: the first of them from its first offset whenever it comes, the others from anywhere. */
#include "trial/hand.h"

#include "base/prng.h"

enum { PAUSE_STEPS = 4, STAY_STEPS = 40 };

static void
choose_place(struct hand *h, struct amqp_value *ret)
{
    struct reader *r = &h->reader;
    const struct scroll *scroll = &h->trial->tally.scroll;
    *r = (struct reader){ 0 };
    *ret = (struct amqp_value){ .type = 'S', .bytes = view_str("first") };
    if (h->index == 0 || prng_once_in(&h->prng, 3))
        return;
    if (prng_once_in(&h->prng, 3)) {
        ret->bytes = view_str("next");
        r->next = scroll->durable;
        r->anywhere = true;
    } else {
        r->next = prng_below(&h->prng, scroll->count + 1);
        *ret = (struct amqp_value){ .type = 'l', .number = (int64_t)r->next };
    }
}

static int
begin(struct hand *h)
{
    struct amqp_value from;
    uint8_t room[64];
    struct pen p = pen_of(room, sizeof(room));
    choose_place(h, &from);
    amqp_put_value(&p, view_str("x-stream-offset"), &from);
    return hand_consume(h, PLACE_STREAM, view_of(room, (size_t)(p.at - room)));
}

static void
acknowledge(struct hand *h)
{
    struct reader *r = &h->reader;
    if (r->tag != 0 && hand_settle(h, r->tag, AMQP_BASIC_ACK, true) == 0)
        r->tag = 0;
}

static void
message(struct hand *h, const struct amqp_client_message *message)
{
    struct trial *t = h->trial;
    struct reader *r = &h->reader;
    struct arrival a;
    if (!hand_read(h, message, &a))
        return;
    bool right = r->anywhere ? a.offset >= r->next : a.offset == r->next;
    if (!right && !t->ledger.damaged)
        ledger_violated(&t->ledger, "skipped", "%s stood before offset %u and was given %u", h->name, (unsigned)r->next,
                        (unsigned)a.offset);
    tally_read(&t->tally, &a);
    r->anywhere = false;
    r->next = a.offset + 1;
    r->tag = message->delivery_tag;
    if (h->index == 0 && a.life == t->ledger.deaths)
        t->tally.scroll.read = (unsigned)r->next;
    if (!t->restless)
        acknowledge(h);
}

static void
prompt(struct hand *h)
{
    if (h->trial->restless && prng_once_in(&h->prng, STAY_STEPS))
        amqp_client_abort(h->client);
    else if (!h->trial->restless || prng_once_in(&h->prng, PAUSE_STEPS))
        acknowledge(h);
}

static void
ended(struct hand *h)
{
    h->reader.tag = 0;
}

static void
answered(struct hand *h, const struct amqp_method *method)
{
    (void)h, (void)method;
}

/* The first of them has read all that must be there. */
static bool
done(const struct hand *h)
{
    return h->ready && (h->index > 0 || h->reader.next >= h->trial->tally.scroll.durable);
}

const struct hand_ops reader_ops = {
    .name = "reader",
    .begin = begin,
    .prompt = prompt,
    .done = done,
    .ended = ended,
    .answered = answered,
    .message = message,
};
