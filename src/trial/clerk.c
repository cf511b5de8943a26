/* Makes and ends durable queues and bindings while all else goes on, and asks whether they are as it left them: a
 * message to each must come back when it is not bound, and only then. */
#include "trial/hand.h"

#include <stdio.h>

enum { PAUSE_STEPS = 4, ASKED_ROUTE = 1 };

static struct view
name_of(unsigned i)
{
    static const char *const names[CLERK_QUEUES] = { "file.0", "file.1", "file.2", "file.3" };
    return view_str(names[i]);
}

static int
begin(struct hand *h)
{
    const struct amqp_method m = { .id = AMQP_CONFIRM_SELECT };
    return hand_call(h, &m);
}

/* Until it is answered nobody knows. */
static void
ask(struct hand *h, const struct amqp_method *m)
{
    struct clerk *c = &h->clerk;
    c->asked = m->id;
    if (m->id == AMQP_QUEUE_DECLARE || m->id == AMQP_QUEUE_DELETE)
        c->queues[c->at] = UNKNOWN;
    if (m->id != AMQP_QUEUE_DECLARE)
        c->bound[c->at] = UNKNOWN;
    (void)hand_call(h, m);
}

static void
declare(struct hand *h)
{
    uint8_t room[64];
    struct pen p = pen_of(room, sizeof(room));
    amqp_put_value(&p, view_str("x-max-length"), &(struct amqp_value){ .type = 'I', .number = 2 });
    struct amqp_method m = { .id = AMQP_QUEUE_DECLARE };
    m.queue_declare = (struct amqp_queue_declare){ .queue = name_of(h->clerk.at),
                                                   .durable = true,
                                                   .arguments = view_of(room, (size_t)(p.at - room)) };
    ask(h, &m);
}

static void
change(struct hand *h)
{
    struct clerk *c = &h->clerk;
    const struct view name = name_of(c->at), files = view_str("files");
    struct amqp_method bind = { .id = AMQP_QUEUE_BIND }, unbind = { .id = AMQP_QUEUE_UNBIND };
    struct amqp_method delete = { .id = AMQP_QUEUE_DELETE, .queue_delete = { .queue = name } };
    bind.queue_bind = (struct amqp_queue_bind){ .queue = name, .exchange = files, .routing_key = name };
    unbind.queue_unbind = (struct amqp_queue_unbind){ .queue = name, .exchange = files, .routing_key = name };
    if (c->queues[c->at] != PRESENT)
        declare(h);
    else if (c->bound[c->at] != PRESENT)
        ask(h, &bind);
    else
        ask(h, prng_once_in(&h->prng, 2) ? &unbind : &delete);
}

static void
test_route(struct hand *h)
{
    struct clerk *c = &h->clerk;
    c->asked = ASKED_ROUTE;
    c->returned = false;
    if (hand_publish(h, view_str("files"), name_of(c->at), h->index, 1, 0, true) < 0)
        amqp_client_abort(h->client);
}

static void
prompt(struct hand *h)
{
    struct clerk *c = &h->clerk;
    if (c->asked != 0 || !h->trial->restless || !prng_once_in(&h->prng, PAUSE_STEPS))
        return;
    c->at = (unsigned)prng_below(&h->prng, CLERK_QUEUES);
    if (c->bound[c->at] != UNKNOWN && prng_once_in(&h->prng, 2))
        test_route(h);
    else
        change(h);
}

static void
answered(struct hand *h, const struct amqp_method *method)
{
    struct clerk *c = &h->clerk;
    switch (method->id) {
    case AMQP_QUEUE_DECLARE_OK: c->queues[c->at] = PRESENT; break;
    case AMQP_QUEUE_BIND_OK: c->bound[c->at] = PRESENT; break;
    case AMQP_QUEUE_UNBIND_OK: c->bound[c->at] = ABSENT; break;
    case AMQP_QUEUE_DELETE_OK: c->queues[c->at] = c->bound[c->at] = ABSENT; break;
    default: return;
    }
    c->asked = 0;
}

static void
returned(struct hand *h)
{
    h->clerk.returned = true;
}

static void
confirmed(struct hand *h, uint32_t seq, bool acked)
{
    struct clerk *c = &h->clerk;
    (void)seq;
    c->asked = 0;
    if (!acked || h->trial->ledger.damaged || c->returned == (c->bound[c->at] == ABSENT))
        return;
    ledger_violated(&h->trial->ledger, "forgotten", "%s's queue %u is %sbound", h->name, c->at,
                    c->returned ? "not " : "still ");
}

static void
ended(struct hand *h)
{
    h->clerk.asked = 0;
}

static bool
done(const struct hand *h)
{
    return h->clerk.asked == 0;
}

const struct hand_ops clerk_ops = {
    .name = "clerk",
    .begin = begin,
    .prompt = prompt,
    .done = done,
    .ended = ended,
    .answered = answered,
    .confirmed = confirmed,
    .returned = returned,
};
