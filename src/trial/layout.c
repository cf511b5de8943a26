/* The queues that all hands use: how they are declared, and what is sent to them. */
#include "trial/hand.h"

#include "base/must.h"

enum { BRIEF_MS = 60, DEAD_MS = 150, RANKS = 5, TIMED_MS_MIN = 15, TIMED_MS_STEP = 24, TIMED_STEPS = 8 };

/* clang-format off */
static const struct {
    const char *name, *type, *dead_exchange, *dead_key;
    int ttl_ms, length_max, priority_max, delivery_limit;
    bool one_consumer;
} queues[PLACES] = {
    [PLACE_WORK] = { .name = "work", .dead_exchange = "dying" },
    [PLACE_SHORT] = { .name = "short", .dead_exchange = "dying", .length_max = SHORT_LENGTH_MAX },
    [PLACE_RANKED] = { .name = "ranked", .priority_max = RANKS },
    [PLACE_BRIEF] = { .name = "brief", .ttl_ms = BRIEF_MS },
    [PLACE_TIMED] = { .name = "timed", .dead_exchange = "dying" },
    [PLACE_TRIES] = { .name = "tries", .type = "quorum", .dead_exchange = "dying", .delivery_limit = TRIES_RETURNS_MAX },
    [PLACE_STREAM] = { .name = "stream", .type = "stream" },
    [PLACE_ORDERS] = { .name = "orders" },
    [PLACE_MORGUE] = { .name = "morgue" },
    [PLACE_LEFT] = { .name = "left" },
    [PLACE_RIGHT] = { .name = "right" },
    [PLACE_MIXED] = { .name = "mixed", .one_consumer = true },
    [PLACE_DEAD] = { .name = "dead", .dead_exchange = "", .dead_key = "morgue", .ttl_ms = DEAD_MS },
};
/* clang-format on */

struct view
place_name(enum place place)
{
    return view_str(queues[place].name);
}

enum place
place_of(struct view name)
{
    enum place place = 0;
    while (place < PLACE_DEAD && !view_equal(place_name(place), name))
        place++;
    return place;
}

uint8_t
place_rank(uint32_t seq)
{
    return (uint8_t)(seq % RANKS);
}

unsigned
place_ttl_ms(enum place place, uint32_t seq)
{
    return place == PLACE_TIMED ? TIMED_MS_MIN + seq % TIMED_STEPS * TIMED_MS_STEP : 0;
}

/* ---- declaring them ----------------------------------------------------------------------------------------- */

static void
put_text(struct pen *p, const char *key, const char *text)
{
    if (text != NULL)
        amqp_put_value(p, view_str(key), &(struct amqp_value){ .type = 'S', .bytes = view_str(text) });
}

static void
put_number(struct pen *p, const char *key, int number)
{
    if (number > 0)
        amqp_put_value(p, view_str(key), &(struct amqp_value){ .type = 'I', .number = number });
}

static struct view
arguments_of(enum place place, uint8_t *room, size_t len)
{
    struct pen p = pen_of(room, len);
    put_text(&p, "x-queue-type", queues[place].type);
    put_text(&p, "x-dead-letter-exchange", queues[place].dead_exchange);
    put_text(&p, "x-dead-letter-routing-key", queues[place].dead_key);
    put_number(&p, "x-message-ttl", queues[place].ttl_ms);
    put_number(&p, "x-max-length", queues[place].length_max);
    put_number(&p, "x-max-priority", queues[place].priority_max);
    put_number(&p, "x-delivery-limit", queues[place].delivery_limit);
    if (queues[place].one_consumer)
        amqp_put_value(&p, view_str("x-single-active-consumer"), &(struct amqp_value){ .type = 't', .boolean = true });
    must(!p.torn);
    return view_of(room, (size_t)(p.at - room));
}

static int
declare_queue(struct hand *h, enum place place, bool passive)
{
    uint8_t room[256];
    struct amqp_method m = { .id = AMQP_QUEUE_DECLARE };
    m.queue_declare = (struct amqp_queue_declare){ .queue = place_name(place),
                                                   .passive = passive,
                                                   .durable = true,
                                                   .arguments = arguments_of(place, room, sizeof(room)) };
    return hand_prepare(h, &m);
}

static int
bind_queue(struct hand *h, enum place place, const char *exchange, const char *key)
{
    struct amqp_method m = { .id = AMQP_QUEUE_BIND };
    m.queue_bind = (struct amqp_queue_bind){ .queue = place_name(place),
                                             .exchange = view_str(exchange),
                                             .routing_key = view_str(key) };
    return hand_prepare(h, &m);
}

static int
declare_exchange(struct hand *h, const char *name, const char *type, bool passive)
{
    struct amqp_method m = { .id = AMQP_EXCHANGE_DECLARE };
    m.exchange_declare = (struct amqp_exchange_declare){
        .exchange = view_str(name), .type = view_str(type), .passive = passive, .durable = true
    };
    return hand_prepare(h, &m);
}

int
layout_declare(struct hand *h, bool passive)
{
    int rc = declare_exchange(h, "dying", "fanout", passive);
    if (rc == 0)
        rc = declare_exchange(h, "files", "direct", passive);
    for (unsigned place = 0; place < PLACES && rc == 0; place++)
        rc = declare_queue(h, place, passive);
    if (rc == 0 && !passive)
        rc = bind_queue(h, PLACE_DEAD, "dying", "");
    if (rc == 0 && !passive)
        rc = bind_queue(h, PLACE_MIXED, "amq.topic", "t.#");
    return rc;
}
