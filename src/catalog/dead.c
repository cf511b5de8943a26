/* catalog/dead.c - dead letters: what became of a message, written into its headers as RabbitMQ does, and its way on.
 *
 *     x-death: [ { count, reason, queue, time, exchange, routing-keys, original-expiration } ... ]   newest first
 *     x-first-death-reason, -queue, -exchange
 *
 * At least once: the letter is published first and buried in the same turn, so that both lie in the log in this order.
 */
#include "base/cursor.h"
#include "catalog/inner.h"
#include "catalog/mapping.h"

enum { TEXTS_BYTES = 1024 /* of the keys and numbers that a letter's headers gain */ };

static const char *const reasons[] = {
    [QUEUE_DEATH_EXPIRED] = "expired",
    [QUEUE_DEATH_MAXLEN] = "maxlen",
    [QUEUE_DEATH_REJECTED] = "rejected",
    [QUEUE_DEATH_DELIVERY_LIMIT] = "delivery_limit",
};

/* ---- reading --------------------------------------------------------------------------------------------------- */

bool
envelope_properties(const struct envelope *env, struct view *retexchange, struct amqp_properties *ret)
{
    struct cursor c = cursor_of(env->props);
    struct fault why;
    *ret = (struct amqp_properties){ 0 };
    *retexchange = view_of(NULL, 0);
    if (env->encoding != ENCODING_AMQP091)
        return false;
    *retexchange = take_bytes(&c, take_u8(&c));
    return amqp_properties_parse(take_rest(&c), ret, &why) == 0;
}

static bool
field_is(struct view table, const char *key, struct view text)
{
    struct amqp_value v;
    return amqp_table_find(table, key, &v) && v.type == 'S' && view_equal(v.bytes, text);
}

/* The list of deaths; false when it has none, or something else under that name. */
static bool
find_deaths(struct view headers, struct view *ret)
{
    struct amqp_value v;
    if (!amqp_table_find(headers, "x-death", &v) || v.type != 'A')
        return false;
    *ret = v.bytes;
    return true;
}

bool
dead_cycles(const struct mq *mq, struct view headers)
{
    struct view deaths;
    struct amqp_value v;
    if (!find_deaths(headers, &deaths))
        return false;
    struct cursor c = cursor_of(deaths);
    while (amqp_array_next(&c, &v)) {
        if (v.type != 'F')
            continue;
        if (field_is(v.bytes, "reason", view_str("rejected")))
            return false;
        if (field_is(v.bytes, "queue", mq_name(mq)))
            return true;
    }
    return false;
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* One message on its way from a queue to its dead letter exchange. */
struct letter {
    const struct mq *mq;
    const struct envelope *env;
    struct amqp_properties props;
    struct view exchange, key; /* that it was published with */
    struct view deaths;        /* it has died before; empty: never */
    struct view reason;
    uint64_t now_ms;
};

static void
put_text(struct pen *p, const char *key, struct view text)
{
    amqp_put_value(p, view_str(key), &(struct amqp_value){ .type = 'S', .bytes = text });
}

static bool
is_this_death(const struct letter *letter, const struct amqp_value *v)
{
    return v->type == 'F' && field_is(v->bytes, "queue", mq_name(letter->mq)) &&
           field_is(v->bytes, "reason", letter->reason);
}

static void
put_routing_keys(struct pen *p, const struct letter *letter)
{
    uint8_t *mark;
    struct amqp_value cc, v;
    amqp_put_name(p, view_str("routing-keys"), 'A');
    amqp_put_table_open(p, &mark);
    amqp_put_item(p, &(struct amqp_value){ .type = 'S', .bytes = letter->key });
    if (amqp_table_find(letter->props.headers, "CC", &cc) && cc.type == 'A')
        for (struct cursor c = cursor_of(cc.bytes); amqp_array_next(&c, &v);)
            if (v.type == 'S')
                amqp_put_item(p, &v);
    amqp_put_table_close(p, mark);
}

static void
put_new_death(struct pen *p, const struct letter *letter)
{
    amqp_put_value(p, view_str("count"), &(struct amqp_value){ .type = 'l', .number = 1 });
    put_text(p, "reason", letter->reason);
    put_text(p, "queue", mq_name(letter->mq));
    amqp_put_value(p, view_str("time"), &(struct amqp_value){ .type = 'T', .unsigned_number = letter->now_ms / 1000 });
    put_text(p, "exchange", letter->exchange);
    put_routing_keys(p, letter);
    if (amqp_has(&letter->props, AMQP_EXPIRATION))
        put_text(p, "original-expiration", letter->props.expiration);
}

/* As it was the first time, but for the count. */
static void
put_old_death(struct pen *p, struct view death)
{
    struct cursor c = cursor_of(death);
    struct view key;
    struct amqp_value v;
    while (amqp_table_next(&c, &key, &v)) {
        int64_t count;
        if (view_is(key, "count") && amqp_value_integer(&v, &count))
            v = (struct amqp_value){ .type = 'l', .number = count < INT64_MAX ? count + 1 : count };
        amqp_put_value(p, key, &v);
    }
}

/* This one first, the others in their order. */
static void
put_deaths(struct pen *p, const struct letter *letter)
{
    struct amqp_value v, same = { 0 };
    uint8_t *list, *entry;
    for (struct cursor c = cursor_of(letter->deaths); same.type == 0 && amqp_array_next(&c, &v);)
        if (is_this_death(letter, &v))
            same = v;
    amqp_put_name(p, view_str("x-death"), 'A');
    amqp_put_table_open(p, &list);
    put_u8(p, 'F');
    amqp_put_table_open(p, &entry);
    if (same.type != 0)
        put_old_death(p, same.bytes);
    else
        put_new_death(p, letter);
    amqp_put_table_close(p, entry);
    for (struct cursor c = cursor_of(letter->deaths); amqp_array_next(&c, &v);)
        if (!is_this_death(letter, &v))
            amqp_put_item(p, &v);
    amqp_put_table_close(p, list);
}

/* A key of the queue's own stands for all the keys it was published with, CC among them. */
static bool
is_replaced(const struct letter *letter, struct view key)
{
    if (view_is(key, "CC"))
        return letter->mq->rules.dead_key_set;
    return view_is(key, "x-death") || (letter->deaths.len == 0 && view_starts(key, "x-first-death-"));
}

static void
put_headers(struct pen *p, const struct letter *letter)
{
    struct cursor c = cursor_of(letter->props.headers);
    struct view key;
    struct amqp_value v;
    while (amqp_table_next(&c, &key, &v))
        if (!is_replaced(letter, key))
            amqp_put_value(p, key, &v);
    put_deaths(p, letter);
    if (letter->deaths.len > 0)
        return;
    put_text(p, "x-first-death-reason", letter->reason);
    put_text(p, "x-first-death-queue", mq_name(letter->mq));
    put_text(p, "x-first-death-exchange", letter->exchange);
}

/* The letter as an envelope; what it says that the message did not is in *retroom, to be freed. */
static int
write_letter(struct letter *letter, struct envelope *ret, struct view *retheaders, uint8_t **retroom)
{
    const struct envelope *env = letter->env;
    const struct mq_rules *rules = &letter->mq->rules;
    struct mem *mem = letter->mq->vhost->catalog->host->mem;
    size_t half = 2 * (env->props.len + env->topic.len) + TEXTS_BYTES + 8 * AMQP_SHORTSTR_MAX;
    uint8_t *room = mem_raw(mem, 2 * half);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    struct pen h = pen_of(room, half), p = pen_of(room + half, half);
    letter->key = env->topic;
    uint8_t *headers = h.at;
    put_headers(&h, letter);
    letter->props.headers = view_of(headers, (size_t)(h.at - headers));
    letter->props.present |= 1 << AMQP_HEADERS;
    letter->props.present &= (uint16_t) ~(1 << AMQP_EXPIRATION);
    put_u8(&p, (uint8_t)rules->dead_exchange.len);
    put_bytes(&p, rules->dead_exchange);
    amqp_properties_put(&p, &letter->props);
    *retroom = room;
    if (h.torn || p.torn)
        return -ERR_TOO_LARGE;
    *ret = *env;
    ret->topic = rules->dead_key_set ? rules->dead_key : letter->key;
    ret->props = view_of(room + half, (size_t)(p.at - (room + half)));
    ret->encoding = ENCODING_AMQP091;
    ret->expires_ms = 0;
    ret->published_ms = letter->now_ms; /* the next queue's time to live counts from here */
    ret->retain = false;
    *retheaders = letter->props.headers;
    return 0;
}

static int
make_letter(const struct mq *mq, const struct envelope *env, enum queue_death reason, struct envelope *ret,
            struct view *retheaders, uint8_t **retroom)
{
    struct letter letter = { .mq = mq, .env = env, .reason = view_str(reasons[reason]) };
    letter.now_ms = io_wall_ms(mq->vhost->catalog->host->io);
    (void)envelope_properties(env, &letter.exchange, &letter.props);
    (void)find_deaths(letter.props.headers, &letter.deaths);
    *retroom = NULL;
    return write_letter(&letter, ret, retheaders, retroom);
}

/* ---- sending --------------------------------------------------------------------------------------------------- */

static int
send(struct mq *mq, const struct envelope *env, enum queue_death reason)
{
    struct envelope letter;
    struct view headers;
    uint8_t *room;
    int rc = make_letter(mq, env, reason, &letter, &headers, &room);
    if (rc == 0)
        rc = catalog_send(mq->vhost, mq->rules.dead_exchange, &letter, headers, reason != QUEUE_DEATH_REJECTED);
    mem_free(mq->vhost->catalog->host->mem, room);
    return rc;
}

/* A letter is AMQP's: what came by another protocol is converted first. */
static int
send_converted(struct mq *mq, const struct envelope *env, enum queue_death reason)
{
    struct mem *mem = mq->vhost->catalog->host->mem;
    struct envelope converted = *env;
    size_t n = mapping_to_amqp_room(env);
    uint8_t *room = mem_raw(mem, n);
    if (room == NULL)
        return -ERR_NO_MEMORY;
    struct pen p = pen_of(room, n);
    mapping_to_amqp(env, &p, &converted.topic, &converted.props);
    converted.encoding = ENCODING_AMQP091;
    int rc = send(mq, &converted, reason);
    mem_free(mem, room);
    return rc;
}

static void
on_dead(struct queue_owner *owner, uint64_t seq, struct publication *pub, struct entry_meta meta,
        enum queue_death reason)
{
    struct mq_level *level = container_of(owner, struct mq_level, owner);
    struct queue *queue = level->target.queue;
    (void)meta;
    bool is_amqp = pub->env.encoding == ENCODING_AMQP091;
    int rc = (is_amqp ? send : send_converted)(level->mq, &pub->env, reason);
    /* What can never be published is not tried for ever. */
    if (rc == 0 || rc == -ERR_TOO_LARGE || rc == -ERR_INVALID)
        (void)queue_bury(queue, seq);
    else
        (void)queue_exhume(queue, seq);
}

/* What came back may be too much now; a level above others may have emptied by expiry. */
static void
on_changed(struct queue_owner *owner)
{
    struct mq *mq = container_of(owner, struct mq_level, owner)->mq;
    length_keep(mq);
    if (mq->level_count > 1 && mq->consumer_count > 0)
        mq_soon(mq);
}

static const struct queue_owner_ops with_letters = { .dead = on_dead }, without = { 0 };
static const struct queue_owner_ops levels_with_letters = { .dead = on_dead, .changed = on_changed };
static const struct queue_owner_ops levels_without = { .changed = on_changed };

void
dead_own(struct mq_level *level)
{
    const struct mq_rules *rules = &level->mq->rules;
    if (rules->priority_max > 0)
        level->owner.ops = rules->dead_letters ? &levels_with_letters : &levels_without;
    else
        level->owner.ops = rules->dead_letters ? &with_letters : &without;
    queue_own(level->target.queue, &level->owner);
}

/* ---- what was refused ------------------------------------------------------------------------------------------ */

struct spurned {
    struct list link; /* in catalog->spurned */
    struct vhost *vhost;
    struct message *letter;
};

void
dead_spurn(struct mq *mq, const struct envelope *env)
{
    struct catalog *catalog = mq->vhost->catalog;
    struct mem *mem = catalog->host->mem;
    struct envelope letter;
    struct view headers;
    uint8_t *room = NULL;
    struct spurned *s = mq->rules.dead_letters ? MEM_NEW(mem, struct spurned) : NULL;
    if (s == NULL)
        return; /* its publisher is told that it was refused, whatever becomes of it here */
    s->vhost = mq->vhost;
    if (make_letter(mq, env, QUEUE_DEATH_MAXLEN, &letter, &headers, &room) == 0)
        s->letter = message_new(mem, &letter);
    mem_free(mem, room);
    list_init(&s->link);
    list_push(&catalog->spurned, &s->link);
}

static void
send_spurned(const struct spurned *s)
{
    struct amqp_properties props;
    struct view exchange;
    if (envelope_properties(&s->letter->env, &exchange, &props))
        (void)catalog_send(s->vhost, exchange, &s->letter->env, props.headers, true);
}

void
dead_turn(struct catalog *catalog, bool publish)
{
    struct list all;
    list_init(&all);
    list_splice(&all, &catalog->spurned);
    for (struct list *l = list_pop(&all); l != NULL; l = list_pop(&all)) {
        struct spurned *s = container_of(l, struct spurned, link);
        if (publish && s->letter != NULL)
            send_spurned(s);
        message_unref(s->letter);
        mem_free(catalog->host->mem, s);
    }
}
