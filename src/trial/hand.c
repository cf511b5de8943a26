/* A client that speaks AMQP and does not give up: its connection, and the queues that all of them use. */
#include "trial/hand.h"

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "base/prng.h"

enum {
    PORT = 1883,
    HEARTBEAT_S = 5,
    BODY_BYTES_MAX = 500,
    AWAY_MS_MAX = 200,
    TOKEN_DECLARE = 1,
    TOKEN_BEGUN,
    TOKEN_WORK
};

static void connect_again(void *arg);

static void
later(struct hand *h, uint64_t ms)
{
    (void)io_timer_set(h->io, &h->timer, io_now_ns(h->io) + ms * SIM_NS_A_MS, connect_again, h);
}

static void
connect_again(void *arg)
{
    struct hand *h = arg;
    struct io_address address = { .kind = IO_TCP, .port = PORT };
    snprintf(address.host, sizeof(address.host), "%s", h->station->name);
    if (amqp_client_connect(h->client, &address) < 0)
        later(h, 100);
}

/* ---- the queues --------------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *name, *dead_exchange, *dead_key;
    int ttl_ms, length_max, priority_max;
    bool one_consumer;
} queues[PLACES] = {
    [PLACE_WORK] = { .name = "work", .dead_exchange = "dying" },
    [PLACE_SHORT] = { .name = "short", .dead_exchange = "dying", .length_max = 4 },
    [PLACE_RANKED] = { .name = "ranked", .priority_max = 5 },
    [PLACE_BRIEF] = { .name = "brief", .ttl_ms = 60 },
    [PLACE_ORDERS] = { .name = "orders" },
    [PLACE_MORGUE] = { .name = "morgue" },
    [PLACE_LEFT] = { .name = "left" },
    [PLACE_RIGHT] = { .name = "right" },
    [PLACE_MIXED] = { .name = "mixed", .one_consumer = true },
    [PLACE_DEAD] = { .name = "dead", .dead_exchange = "", .dead_key = "morgue", .ttl_ms = 150 },
};
/* clang-format on */

struct view
place_name(enum place place)
{
    return view_str(queues[place].name);
}

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
    put_text(&p, "x-dead-letter-exchange", queues[place].dead_exchange);
    put_text(&p, "x-dead-letter-routing-key", queues[place].dead_key);
    put_number(&p, "x-message-ttl", queues[place].ttl_ms);
    put_number(&p, "x-max-length", queues[place].length_max);
    put_number(&p, "x-max-priority", queues[place].priority_max);
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
    return amqp_client_call(h->client, HAND_CHANNEL, &m, TOKEN_DECLARE);
}

static int
bind(struct hand *h, enum place place, const char *exchange, const char *key)
{
    struct amqp_method m = { .id = AMQP_QUEUE_BIND };
    m.queue_bind = (struct amqp_queue_bind){ .queue = place_name(place),
                                             .exchange = view_str(exchange),
                                             .routing_key = view_str(key) };
    return amqp_client_call(h->client, HAND_CHANNEL, &m, TOKEN_DECLARE);
}

static int
declare_exchange(struct hand *h, const char *name, const char *type, bool passive)
{
    struct amqp_method m = { .id = AMQP_EXCHANGE_DECLARE };
    m.exchange_declare = (struct amqp_exchange_declare){
        .exchange = view_str(name), .type = view_str(type), .passive = passive, .durable = true
    };
    return amqp_client_call(h->client, HAND_CHANNEL, &m, TOKEN_DECLARE);
}

/* What was declared once must be there, if only because nobody damaged the disk. */
static int
declare_all(struct hand *h)
{
    bool passive = h->met && !h->trial->ledger.damaged;
    int rc = declare_exchange(h, "dying", "fanout", passive);
    if (rc == 0)
        rc = declare_exchange(h, "files", "direct", passive);
    for (unsigned place = 0; place < PLACES && rc == 0; place++)
        rc = declare_queue(h, place, passive);
    if (rc == 0 && !passive)
        rc = bind(h, PLACE_DEAD, "dying", "");
    if (rc == 0 && !passive)
        rc = bind(h, PLACE_MIXED, "amq.topic", "t.#");
    return rc;
}

/* ---- for the trades ----------------------------------------------------------------------------------------- */

int
hand_call(struct hand *h, const struct amqp_method *method)
{
    int rc = amqp_client_call(h->client, HAND_CHANNEL, method, TOKEN_WORK);
    if (rc < 0)
        amqp_client_abort(h->client);
    return rc;
}

int
hand_consume(struct hand *h, enum place place)
{
    struct amqp_method m = { .id = AMQP_BASIC_CONSUME };
    m.basic_consume = (struct amqp_basic_consume){ .queue = place_name(place), .consumer_tag = place_name(place) };
    return amqp_client_call(h->client, HAND_CHANNEL, &m, TOKEN_DECLARE);
}

int
hand_publish(struct hand *h, struct view exchange, struct view key, unsigned of, unsigned number, uint8_t priority,
             bool mandatory)
{
    char body[BODY_BYTES_MAX];
    uint8_t room[16];
    struct pen p = pen_of(room, sizeof(room));
    int n = snprintf(body, sizeof(body), "%u %u ", of, number);
    size_t len = (size_t)n + prng_below(&h->prng, sizeof(body) - (size_t)n);
    memset(body + n, '.', sizeof(body) - (size_t)n);
    const struct amqp_properties props = { .present = 1 << AMQP_DELIVERY_MODE | 1 << AMQP_PRIORITY,
                                           .delivery_mode = 2,
                                           .priority = priority };
    amqp_properties_put(&p, &props);
    const struct amqp_basic_publish publish = { .exchange = exchange, .routing_key = key, .mandatory = mandatory };
    return amqp_client_publish(h->client, HAND_CHANNEL, &publish, view_of(room, (size_t)(p.at - room)),
                               view_of(body, len), number);
}

int
hand_settle(struct hand *h, uint64_t tag, uint32_t method, bool flag)
{
    struct amqp_method m = { .id = method };
    if (method == AMQP_BASIC_ACK)
        m.basic_ack = (struct amqp_basic_ack){ .delivery_tag = tag, .multiple = flag };
    else if (method == AMQP_BASIC_NACK)
        m.basic_nack = (struct amqp_basic_nack){ .delivery_tag = tag, .requeue = flag };
    else
        m.basic_reject = (struct amqp_basic_reject){ .delivery_tag = tag, .requeue = flag };
    return amqp_client_tell(h->client, HAND_CHANNEL, &m);
}

bool
hand_read(struct hand *h, const struct amqp_client_message *message, unsigned *retof, unsigned *retnumber)
{
    char text[32] = { 0 };
    size_t n = message->body.len < sizeof(text) - 1 ? message->body.len : sizeof(text) - 1;
    memcpy(text, message->body.data, n);
    if (sscanf(text, "%u %u", retof, retnumber) != 2) {
        ledger_violated(&h->trial->ledger, "invented", "%s got a body that nobody wrote", h->name);
        return false;
    }
    sim_note(h->trial->sim, "%s got %u/%u from %.*s%s", h->name, *retof, *retnumber, (int)message->consumer_tag.len,
             message->consumer_tag.data, message->redelivered ? " again" : "");
    return true;
}

/* ---- its connection ----------------------------------------------------------------------------------------- */

static int
set_prefetch(struct hand *h, uint64_t token)
{
    const struct amqp_method qos = { .id = AMQP_BASIC_QOS, .basic_qos = { .prefetch_count = TAKER_PREFETCH } };
    return amqp_client_call(h->client, HAND_CHANNEL, &qos, token);
}

/* The last answer says that all of it is done. */
static void
on_opened(void *arg)
{
    struct hand *h = arg;
    const struct amqp_method open = { .id = AMQP_CHANNEL_OPEN };
    h->life = h->trial->ledger.deaths;
    int rc = amqp_client_call(h->client, HAND_CHANNEL, &open, TOKEN_DECLARE);
    if (rc == 0)
        rc = declare_all(h);
    if (rc == 0)
        rc = set_prefetch(h, TOKEN_DECLARE);
    if (rc == 0)
        rc = h->ops->begin(h);
    if (rc == 0)
        rc = set_prefetch(h, TOKEN_BEGUN);
    if (rc < 0)
        amqp_client_abort(h->client);
}

static void
on_answered(void *arg, uint16_t channel, uint64_t token, const struct amqp_method *method)
{
    struct hand *h = arg;
    (void)channel;
    if (method == NULL)
        return;
    if (token == TOKEN_BEGUN)
        h->met = h->ready = true;
    else if (token == TOKEN_WORK)
        h->ops->answered(h, method);
}

static void
on_message(void *arg, const struct amqp_client_message *message)
{
    struct hand *h = arg;
    h->ops->message(h, message);
}

static void
on_confirmed(void *arg, uint16_t channel, uint64_t token, bool acked)
{
    struct hand *h = arg;
    (void)channel;
    h->ops->confirmed(h, (uint32_t)token, acked);
}

static void
on_returned(void *arg, const struct amqp_client_message *message, unsigned code, struct view text)
{
    struct hand *h = arg;
    (void)message, (void)code, (void)text;
    if (h->ops->returned != NULL)
        h->ops->returned(h);
    else
        ledger_violated(&h->trial->ledger, "forgotten", "a message of %s was not routed", h->name);
}

static void
on_channel_closed(void *arg, uint16_t channel, unsigned code, struct view text)
{
    struct hand *h = arg;
    (void)channel;
    sim_note(h->trial->sim, "%s channel closed: %u %.*s", h->name, code, (int)text.len, text.data);
    if (code == AMQP_NOT_FOUND && !h->trial->ledger.damaged)
        ledger_violated(&h->trial->ledger, "forgotten", "%s: %.*s", h->name, (int)text.len, text.data);
    if (h->ops->refused != NULL)
        h->ops->refused(h, code);
    amqp_client_abort(h->client);
}

static void
on_closed(void *arg, const struct amqp_client_end *end)
{
    struct hand *h = arg;
    char text[320];
    amqp_client_end_print(end, text, sizeof(text));
    sim_note(h->trial->sim, "%s %s", h->name, text);
    if (end->why == AMQP_CLIENT_BREACH)
        ledger_violated(&h->trial->ledger, "protocol", "%s: %s: %s", h->name, end->fault.clause, end->fault.text);
    h->ready = false;
    h->ops->ended(h);
    later(h, 20 + prng_below(&h->prng, AWAY_MS_MAX));
}

static const struct amqp_client_on hand_on = {
    .opened = on_opened,
    .answered = on_answered,
    .message = on_message,
    .confirmed = on_confirmed,
    .returned = on_returned,
    .channel_closed = on_channel_closed,
    .closed = on_closed,
};

static int
on_start(void *arg, struct io *io)
{
    struct hand *h = arg;
    h->io = io;
    int rc = amqp_client_new(io, &h->settings, &hand_on, h, &h->client);
    if (rc == 0)
        connect_again(h);
    return rc;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct hand *h = arg;
    (void)how;
    amqp_client_free(h->client);
    h->client = NULL;
}

int
hand_init(struct hand *h, struct trial *trial, enum trade trade, unsigned index)
{
    static const struct hand_ops *const trades[] = {
        [TRADER] = &trader_ops, [SENDER] = &sender_ops, [TAKER] = &taker_ops, [CLERK] = &clerk_ops
    };
    *h = (struct hand){ .trial = trial, .station = &trial->stations[0], .ops = trades[trade], .index = index };
    prng_init(&h->prng, trial->plan->seed * 1000 + index * 8 + trade + 500);
    h->settings.heartbeat_s = HEARTBEAT_S;
    snprintf(h->name, sizeof(h->name), "%s%u", h->ops->name, index);
    const struct sim_program program = { .start = on_start, .died = on_died, .arg = h, .mem = &h->mem };
    int rc = sim_machine_new(trial->sim, h->name, &program, &h->machine);
    if (rc == 0)
        sim_boot(h->machine);
    return rc;
}

bool
hand_done(const struct hand *h)
{
    return h->ops->done(h);
}

void
hand_prompt(struct hand *h)
{
    if (h->ready)
        h->ops->prompt(h);
}
