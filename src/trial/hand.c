/* A client that speaks AMQP and does not give up: its connection, and what all trades do with it. */
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
hand_prepare(struct hand *h, const struct amqp_method *method)
{
    return amqp_client_call(h->client, HAND_CHANNEL, method, TOKEN_DECLARE);
}

int
hand_consume(struct hand *h, enum place place, struct view arguments)
{
    struct amqp_method m = { .id = AMQP_BASIC_CONSUME };
    m.basic_consume = (struct amqp_basic_consume){ .queue = place_name(place),
                                                   .consumer_tag = place_name(place),
                                                   .arguments = arguments };
    return hand_prepare(h, &m);
}

int
hand_prefetch(struct hand *h, uint16_t count)
{
    const struct amqp_method qos = { .id = AMQP_BASIC_QOS, .basic_qos = { .prefetch_count = count } };
    return hand_prepare(h, &qos);
}

int
hand_publish(struct hand *h, struct view exchange, struct view key, const struct hand_message *message)
{
    char body[BODY_BYTES_MAX], ttl[16];
    uint8_t room[48];
    struct pen p = pen_of(room, sizeof(room));
    int n = snprintf(body, sizeof(body), "%u %u ", message->of, message->number);
    size_t len = (size_t)n + prng_below(&h->prng, sizeof(body) - (size_t)n);
    memset(body + n, '.', sizeof(body) - (size_t)n);
    struct amqp_properties props = { .present = 1 << AMQP_DELIVERY_MODE | 1 << AMQP_PRIORITY,
                                     .delivery_mode = 2,
                                     .priority = message->priority };
    if (message->ttl_ms > 0) {
        snprintf(ttl, sizeof(ttl), "%u", message->ttl_ms);
        props.present |= 1 << AMQP_EXPIRATION;
        props.expiration = view_str(ttl);
    }
    amqp_properties_put(&p, &props);
    must(!p.torn);
    const struct amqp_basic_publish publish = { .exchange = exchange, .routing_key = key, .mandatory = true };
    return amqp_client_publish(h->client, HAND_CHANNEL, &publish, view_of(room, (size_t)(p.at - room)),
                               view_of(body, len), message->number);
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

/* What the node says of it in its headers. */
static void
read_headers(const struct amqp_client_message *message, struct arrival *ret)
{
    struct amqp_properties props;
    struct amqp_value v;
    struct fault why;
    int64_t n;
    if (amqp_properties_parse(message->props, &props, &why) < 0)
        return;
    if (amqp_table_find(props.headers, "x-stream-offset", &v) && amqp_value_integer(&v, &n) && n >= 0)
        ret->offset = (uint64_t)n;
    if (amqp_table_find(props.headers, "x-delivery-count", &v) && amqp_value_integer(&v, &n) && n >= 0)
        ret->returns = (uint64_t)n;
    if (amqp_table_find(props.headers, "x-first-death-reason", &v) && v.type == 'S')
        ret->dead_of = v.bytes;
    if (amqp_table_find(props.headers, "x-first-death-queue", &v) && v.type == 'S')
        ret->died_from = v.bytes;
}

bool
hand_read(struct hand *h, const struct amqp_client_message *message, struct arrival *ret)
{
    char text[32] = { 0 };
    size_t n = message->body.len < sizeof(text) - 1 ? message->body.len : sizeof(text) - 1;
    memcpy(text, message->body.data, n);
    *ret = (struct arrival){ .place = place_of(message->consumer_tag),
                             .life = h->life,
                             .redelivered = message->redelivered };
    read_headers(message, ret);
    if (sscanf(text, "%u %u", &ret->of, &ret->number) != 2) {
        ledger_violated(&h->trial->ledger, "invented", "%s got a body that nobody wrote", h->name);
        return false;
    }
    sim_note(h->trial->sim, "%s got %u/%u from %.*s%s", h->name, ret->of, ret->number, (int)message->consumer_tag.len,
             message->consumer_tag.data, message->redelivered ? " again" : "");
    return true;
}

/* ---- its connection ----------------------------------------------------------------------------------------- */

/* The last answer says that all of it is done. */
static void
on_opened(void *arg)
{
    struct hand *h = arg;
    const struct amqp_method open = { .id = AMQP_CHANNEL_OPEN };
    const struct amqp_method last = { .id = AMQP_BASIC_QOS, .basic_qos = { .prefetch_count = HAND_PREFETCH } };
    h->life = h->trial->ledger.deaths;
    int rc = hand_prepare(h, &open);
    if (rc == 0)
        rc = layout_declare(h, h->met && !h->trial->ledger.damaged);
    if (rc == 0)
        rc = hand_prefetch(h, HAND_PREFETCH);
    if (rc == 0)
        rc = h->ops->begin(h);
    if (rc == 0)
        rc = amqp_client_call(h->client, HAND_CHANNEL, &last, TOKEN_BEGUN);
    if (rc < 0)
        amqp_client_abort(h->client);
}

/* A queue of few messages never has more. */
static void
check_length(struct hand *h, const struct amqp_queue_declare_ok *ok)
{
    if (view_equal(ok->queue, place_name(PLACE_SHORT)) && ok->message_count > SHORT_LENGTH_MAX)
        ledger_violated(&h->trial->ledger, "overfull", "%u messages are in %.*s", ok->message_count, (int)ok->queue.len,
                        ok->queue.data);
}

static void
on_answered(void *arg, uint16_t channel, uint64_t token, const struct amqp_method *method)
{
    struct hand *h = arg;
    (void)channel;
    if (method == NULL)
        return;
    if (method->id == AMQP_QUEUE_DECLARE_OK)
        check_length(h, &method->queue_declare_ok);
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
        [TRADER] = &trader_ops, [SENDER] = &sender_ops, [TAKER] = &taker_ops,
        [CLERK] = &clerk_ops,   [READER] = &reader_ops,
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
