/* Makes and ends durable queues, exchanges, bindings and policies while all else goes on, and asks whether they are as
 * it left them: a message on its way through them must come back when they are not there, and only then.  When the
 * world is at rest it asks for all of them, on each connection. */
#include <stdio.h>

#include "base/must.h"
#include "base/prng.h"
#include "trial/fact.h"

enum {
    PAUSE_STEPS = 4,
    FLEETING = CLERK_FACTS, /* a queue that ends by itself */
    FLEETING_MS = 300,
    GRACE_MS = 100,
    NUMBER_REQUEST = 1, /* tokens of confirms */
    NUMBER_ROUTE,
};

static int
begin(struct hand *h)
{
    const struct amqp_method confirm = { .id = AMQP_CONFIRM_SELECT };
    struct amqp_method consume = { .id = AMQP_BASIC_CONSUME };
    consume.basic_consume = (struct amqp_basic_consume){ .queue = view_str("amq.rabbitmq.reply-to"), .no_ack = true };
    h->clerk.wound_ns = sim_now(h->trial->sim);
    int rc = hand_prepare(h, &confirm);
    return rc < 0 ? rc : hand_prepare(h, &consume);
}

/* ---- asking ------------------------------------------------------------------------------------------------- */

static void
request(struct hand *h)
{
    struct fact_room text;
    uint8_t room[64];
    struct pen p = pen_of(room, sizeof(room));
    const struct amqp_properties props = { .present = 1 << AMQP_REPLY_TO,
                                           .reply_to = view_str("amq.rabbitmq.reply-to") };
    const struct amqp_basic_publish publish = { .routing_key = view_str("$tambo") };
    amqp_properties_put(&p, &props);
    must(!p.torn);
    if (amqp_client_publish(h->client, HAND_CHANNEL, &publish, view_of(room, (size_t)(p.at - room)),
                            fact_request(h->index, h->clerk.asked, &text), NUMBER_REQUEST) < 0)
        amqp_client_abort(h->client);
}

/* Until it is answered nobody knows. */
static void
change(struct hand *h, bool make)
{
    struct clerk *c = &h->clerk;
    struct fact_room room;
    struct amqp_method m;
    c->asked = make ? ASKED_TO_MAKE : ASKED_TO_END;
    c->was = c->facts[c->at];
    fact_set(c->facts, c->at, UNKNOWN);
    fact_method(h->index, c->at, make, &room, &m);
    if (fact_is_policy(c->at))
        request(h);
    else
        (void)hand_call(h, &m);
}

static struct view
fleeting_name(const struct hand *h, char *room, size_t len)
{
    snprintf(room, len, "fleeting.%u", h->index);
    return view_str(room);
}

static void
declare_fleeting(struct hand *h)
{
    char name[24];
    uint8_t room[32];
    struct pen p = pen_of(room, sizeof(room));
    struct amqp_method m = { .id = AMQP_QUEUE_DECLARE };
    amqp_put_value(&p, view_str("x-expires"), &(struct amqp_value){ .type = 'I', .number = FLEETING_MS });
    m.queue_declare = (struct amqp_queue_declare){ .queue = fleeting_name(h, name, sizeof(name)),
                                                   .durable = true,
                                                   .arguments = view_of(room, (size_t)(p.at - room)) };
    h->clerk.asked = ASKED_TO_MAKE;
    h->clerk.fleeting_ns[0] = sim_now(h->trial->sim);
    (void)hand_call(h, &m);
}

static void
show(struct hand *h)
{
    struct clerk *c = &h->clerk;
    struct fact_room room;
    struct view exchange = view_str(""), key;
    const struct hand_message message = { .of = h->index, .number = NUMBER_ROUTE };
    bool policy = c->at != FLEETING && fact_is_policy(c->at);
    if (c->at == FLEETING)
        key = fleeting_name(h, room.file, sizeof(room.file));
    else if (!policy && !fact_route(h->index, c->at, &room, &exchange, &key))
        return;
    c->asked = ASKED_TO_SHOW;
    c->asked_ns = sim_now(h->trial->sim);
    c->returned = false;
    if (policy)
        request(h);
    else if (hand_publish(h, exchange, key, &message) < 0)
        amqp_client_abort(h->client);
}

static void
work(struct hand *h)
{
    struct clerk *c = &h->clerk;
    c->at = (unsigned)prng_below(&h->prng, CLERK_FACTS + 1);
    if (c->at == FLEETING) {
        if (c->fleeting_ns[1] == 0)
            declare_fleeting(h);
        else
            show(h);
    } else if (prng_once_in(&h->prng, 2)) {
        show(h);
    } else {
        c->at = fact_needs(c->facts, c->at);
        change(h, c->facts[c->at] != PRESENT);
    }
}

static void
prompt(struct hand *h)
{
    struct clerk *c = &h->clerk;
    if (c->asked != ASKED_NOTHING || !h->trial->publishing)
        return;
    if (h->trial->restless && prng_once_in(&h->prng, PAUSE_STEPS)) {
        work(h);
    } else if (!h->trial->restless && c->checked < CLERK_FACTS) {
        c->at = c->checked++;
        show(h);
    }
}

/* ---- answers ------------------------------------------------------------------------------------------------ */

/* What was in a queue that was deleted is gone. */
static void
check_empty(struct hand *h, const struct amqp_queue_declare_ok *ok)
{
    if (h->clerk.at != FLEETING && h->clerk.was == ABSENT && ok->message_count > 0 && !h->trial->ledger.damaged)
        ledger_violated(&h->trial->ledger, "again", "%s declared fact %u, and %u messages are in it", h->name,
                        h->clerk.at, ok->message_count);
}

static void
answered(struct hand *h, const struct amqp_method *method)
{
    struct clerk *c = &h->clerk;
    if (method->id == AMQP_QUEUE_DECLARE_OK)
        check_empty(h, &method->queue_declare_ok);
    if (c->at == FLEETING)
        c->fleeting_ns[1] = sim_now(h->trial->sim);
    else
        fact_set(c->facts, c->at, c->asked == ASKED_TO_MAKE ? PRESENT : ABSENT);
    c->asked = ASKED_NOTHING;
}

static void
returned(struct hand *h)
{
    h->clerk.returned = true;
}

/* It lives so long from its declaration on, and as long again from a restart or a change of policies on. */
static enum belief
fleeting(struct hand *h)
{
    struct clerk *c = &h->clerk;
    const uint64_t life_ns = FLEETING_MS * SIM_NS_A_MS, grace_ns = GRACE_MS * SIM_NS_A_MS;
    uint64_t since_ns = c->wound_ns > c->fleeting_ns[1] ? c->wound_ns : c->fleeting_ns[1];
    if (sim_now(h->trial->sim) <= c->fleeting_ns[0] + life_ns)
        return PRESENT;
    return c->asked_ns > since_ns + life_ns + grace_ns ? ABSENT : UNKNOWN;
}

static void
judge(struct hand *h, enum belief believed, bool there)
{
    if (believed == UNKNOWN || (believed == PRESENT) == there || h->trial->ledger.damaged)
        return;
    ledger_violated(&h->trial->ledger, "forgotten", "%s's fact %u is %sthere", h->name, h->clerk.at,
                    there ? "still " : "not ");
}

static void
confirmed(struct hand *h, uint32_t number, bool acked)
{
    struct clerk *c = &h->clerk;
    if (number != NUMBER_ROUTE)
        return;
    c->asked = ASKED_NOTHING;
    if (!acked)
        return;
    judge(h, c->at == FLEETING ? fleeting(h) : fact_routed(c->facts, c->at), !c->returned);
    if (c->at == FLEETING && c->returned)
        c->fleeting_ns[1] = 0;
}

/* The answer to a request.  One that is refused has perhaps been done by half. */
static void
message(struct hand *h, const struct amqp_client_message *message)
{
    struct clerk *c = &h->clerk;
    char text[1024] = { 0 }, name[24];
    size_t n = message->body.len < sizeof(text) - 1 ? message->body.len : sizeof(text) - 1;
    memcpy(text, message->body.data, n);
    snprintf(name, sizeof(name), "\"filing.%u\"", h->index);
    enum asking asked = c->asked;
    c->asked = ASKED_NOTHING;
    c->wound_ns = sim_now(h->trial->sim);
    if (strncmp(text, "{\"ok\"", 5) != 0)
        return;
    if (asked == ASKED_TO_SHOW)
        judge(h, c->facts[c->at], strstr(text, name) != NULL);
    else
        fact_set(c->facts, c->at, asked == ASKED_TO_MAKE ? PRESENT : ABSENT);
}

static void
ended(struct hand *h)
{
    h->clerk.asked = ASKED_NOTHING;
    h->clerk.checked = 0;
}

static bool
done(const struct hand *h)
{
    const struct clerk *c = &h->clerk;
    bool calm = h->trial->publishing && !h->trial->restless;
    return c->asked == ASKED_NOTHING && (!calm || c->checked == CLERK_FACTS);
}

const struct hand_ops clerk_ops = {
    .name = "clerk",
    .begin = begin,
    .prompt = prompt,
    .done = done,
    .ended = ended,
    .answered = answered,
    .message = message,
    .confirmed = confirmed,
    .returned = returned,
};
