/* Publishes with confirms: with an even index to amq.topic, as one more publisher of the ledger, else to the tally's
 * queues. */
#include "trial/hand.h"

#include <stdio.h>

enum { PAUSE_STEPS = 6 };

static bool
is_topical(const struct hand *h)
{
    return h->index % 2 == 0;
}

/* Its number in the ledger: they come after the publishers that speak MQTT. */
static unsigned
account_of(const struct hand *h)
{
    return h->trial->plan->publishers * h->trial->plan->nodes + h->index;
}

static bool
is_confirmed(const struct hand *h, uint32_t seq)
{
    const struct trial *t = h->trial;
    return is_topical(h) ? t->ledger.accounts[account_of(h)].confirmed[seq]
                         : tally_is_confirmed(&t->tally, h->index, seq);
}

static int
begin(struct hand *h)
{
    const struct amqp_method m = { .id = AMQP_CONFIRM_SELECT };
    h->sender.rewind = true;
    return hand_call(h, &m);
}

/* The tally's clock goes on. */
static void
note_attempt(struct hand *h, uint32_t seq)
{
    h->sender.attempts[seq % HAND_WINDOW] = (struct attempt){ .seq = seq, .tick = ++h->trial->tally.tick };
}

static int
send_topic(struct hand *h, uint32_t seq)
{
    char key[24];
    snprintf(key, sizeof(key), "t.%u", account_of(h));
    const struct hand_message message = { .of = account_of(h), .number = seq };
    int rc = hand_publish(h, view_str("amq.topic"), view_str(key), &message);
    if (rc == 0)
        ledger_attempted(&h->trial->ledger, account_of(h), seq);
    return rc;
}

/* One message always goes to the same queue, and to none that nobody would consume from. */
static enum place
place_for(const struct hand *h, uint32_t seq)
{
    const struct trial_plan *plan = h->trial->plan;
    unsigned kinds = PLACE_STREAM + (plan->readers > 0 ? 1u : 0u) + (plan->traders > 0 ? 1u : 0u);
    unsigned place = (seq * 7 + h->index) % kinds;
    return place == PLACE_STREAM && plan->readers == 0 ? PLACE_ORDERS : place;
}

static int
send_queue(struct hand *h, uint32_t seq)
{
    enum place place = place_for(h, seq);
    const struct hand_message message = {
        .of = h->index, .number = seq, .priority = place_rank(seq), .ttl_ms = place_ttl_ms(place, seq)
    };
    int rc = hand_publish(h, view_of(NULL, 0), place_name(place), &message);
    if (rc == 0)
        tally_put(&h->trial->tally, h->index, seq, place);
    return rc;
}

/* From the first that is not confirmed, and nothing is in flight: again, in order. */
static void
rewind_to_first(struct hand *h)
{
    if (!h->sender.rewind || amqp_client_unconfirmed(h->client) > 0)
        return;
    h->sender.rewind = false;
    h->sender.next_seq = 1;
}

static uint32_t
next_seq(struct hand *h)
{
    struct sender *s = &h->sender;
    while (s->next_seq <= h->trial->plan->messages && is_confirmed(h, s->next_seq))
        s->next_seq++;
    return s->next_seq;
}

static void
prompt(struct hand *h)
{
    struct sender *s = &h->sender;
    rewind_to_first(h);
    if (!h->trial->publishing || s->rewind || !prng_once_in(&h->prng, PAUSE_STEPS))
        return;
    for (uint64_t n = 1 + prng_below(&h->prng, HAND_WINDOW);
         n > 0 && amqp_client_unconfirmed(h->client) < HAND_WINDOW && next_seq(h) <= h->trial->plan->messages; n--)
        if ((is_topical(h) ? send_topic(h, s->next_seq) : send_queue(h, s->next_seq)) < 0)
            return;
        else
            note_attempt(h, s->next_seq++);
}

static void
confirmed(struct hand *h, uint32_t seq, bool acked)
{
    const struct attempt *attempt = &h->sender.attempts[seq % HAND_WINDOW];
    if (acked && attempt->seq == seq)
        tally_witness(&h->trial->tally, attempt->tick);
    if (!acked) {
        h->sender.rewind = true;
        if (is_topical(h))
            h->trial->ledger.accounts[account_of(h)].refused = true;
    } else if (is_topical(h)) {
        ledger_confirmed(&h->trial->ledger, account_of(h), seq);
    } else {
        tally_confirmed(&h->trial->tally, h->index, seq);
    }
}

static bool
done(const struct hand *h)
{
    for (uint32_t seq = 1; seq <= h->trial->plan->messages; seq++)
        if (!is_confirmed(h, seq))
            return false;
    return true;
}

/* On a full disk what was refused, and said so, is not known when the connection is lost. */
static void
ended(struct hand *h)
{
    const struct sim_profile *profile = h->trial->plan->profile;
    if (is_topical(h) && profile != NULL && profile->disk_bytes_max != 0)
        h->trial->ledger.accounts[account_of(h)].refused = true;
}

static void
answered(struct hand *h, const struct amqp_method *method)
{
    (void)h, (void)method;
}

const struct hand_ops sender_ops = {
    .name = "sender",
    .begin = begin,
    .prompt = prompt,
    .done = done,
    .ended = ended,
    .answered = answered,
    .confirmed = confirmed,
};
