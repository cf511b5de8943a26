/* catalog/mq_arguments.c - what a queue's arguments and its policy ask for, checked with RabbitMQ's words. */
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "catalog/inner.h"

enum kind { CLASSIC = 1, QUORUM = 2, STREAM = 4, ANY = 7 };

struct draft {
    struct mq_rules rules;
    enum kind kind;
    bool bounded, overflow; /* a length, what happens beyond it: was given */
    bool dead_exchange;
    bool mistyped;  /* `wrong` is the name of a type */
    char wrong[96]; /* what RabbitMQ prints of its validators' answers: Erlang terms */
};

/* ---- values ---------------------------------------------------------------------------------------------------- */

static bool __attribute__((format(printf, 2, 3))) wrong(struct draft *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(d->wrong, sizeof(d->wrong), format, args);
    va_end(args);
    return false;
}

static bool
unacceptable(struct draft *d, const struct amqp_value *v)
{
    return wrong(d, "{unacceptable_type,%s}", amqp_type_name(v->type));
}

static bool
take_count(struct draft *d, const struct amqp_value *v, uint64_t *ret)
{
    int64_t n;
    if (!amqp_value_integer(v, &n))
        return wrong(d, "\"expected integer, got %s\"", amqp_type_name(v->type));
    if (n < 0)
        return wrong(d, "{value_negative,%lld}", (long long)n);
    *ret = (uint64_t)n;
    return true;
}

static bool
take_at_most(struct draft *d, const struct amqp_value *v, uint64_t most, uint64_t *ret)
{
    uint64_t n = 0;
    if (!take_count(d, v, &n))
        return false;
    if (n > most)
        return wrong(d, "{value_too_large,%llu}", (unsigned long long)n);
    *ret = n;
    return true;
}

/* One of `words`, as its number; what else there is is called `error`. */
static bool
take_word(struct draft *d, const struct amqp_value *v, const char *const *words, const char *error, unsigned *ret)
{
    if (v->type != 'S')
        return unacceptable(d, v);
    for (*ret = 0; words[*ret] != NULL; ++*ret)
        if (view_is(v->bytes, words[*ret]))
            return true;
    return wrong(d, "%s", error);
}

/* An unknown word is told in a sentence; a value of another type was told already. */
static bool
unsupported(struct draft *d, const struct amqp_value *v, const char *what)
{
    int shown = v->bytes.len < AMQP_SHORTSTR_MAX / 4 ? (int)v->bytes.len : AMQP_SHORTSTR_MAX / 4;
    return v->type == 'S' && wrong(d, "\"unsupported queue %s '%.*s'\"", what, shown, v->bytes.data);
}

/* ---- one function an argument ---------------------------------------------------------------------------------- */

static bool
take_expires(struct draft *d, const struct amqp_value *v)
{
    return take_at_most(d, v, TTL_MS_MAX, &d->rules.expires_ms) &&
           (d->rules.expires_ms > 0 || wrong(d, "{value_zero,0}"));
}

static bool
take_ttl(struct draft *d, const struct amqp_value *v)
{
    return take_at_most(d, v, TTL_MS_MAX, &d->rules.limits.ttl_ms);
}

static bool
take_dead_exchange(struct draft *d, const struct amqp_value *v)
{
    if (v->type != 'S') {
        d->mistyped = true;
        return wrong(d, "%s", amqp_type_name(v->type));
    }
    d->dead_exchange = d->rules.dead_letters = true;
    d->rules.dead_exchange = v->bytes;
    return true;
}

static bool
take_dead_key(struct draft *d, const struct amqp_value *v)
{
    if (v->type != 'S')
        return unacceptable(d, v);
    d->rules.dead_key_set = true;
    d->rules.dead_key = v->bytes;
    return true;
}

static bool
take_dead_strategy(struct draft *d, const struct amqp_value *v)
{
    static const char *const words[] = { "at-most-once", "at-least-once", NULL };
    unsigned n;
    if (!take_word(d, v, words, "invalid_dlx_strategy", &n))
        return false;
    d->rules.dead_at_least_once = n == 1;
    return true;
}

static bool
take_length(struct draft *d, const struct amqp_value *v)
{
    d->bounded = true;
    return take_count(d, v, &d->rules.limits.count_max);
}

static bool
take_bytes_max(struct draft *d, const struct amqp_value *v)
{
    d->bounded = true;
    return take_count(d, v, &d->rules.limits.bytes_max);
}

static bool
take_priority(struct draft *d, const struct amqp_value *v)
{
    uint64_t n = 0;
    if (!take_count(d, v, &n))
        return false;
    if (n > UINT8_MAX)
        return wrong(d, "{max_value_exceeded,%llu}", (unsigned long long)n);
    d->rules.priority_max = (uint8_t)n;
    return true;
}

static bool
take_overflow(struct draft *d, const struct amqp_value *v)
{
    static const char *const words[] = { "drop-head", "reject-publish", "reject-publish-dlx", NULL };
    unsigned n;
    if (!take_word(d, v, words, "invalid_overflow", &n))
        return false;
    d->overflow = true;
    d->rules.limits.overflow = n == 0 ? QUEUE_DROP_OLDEST : QUEUE_REJECT;
    d->rules.reject_dlx = n == 2;
    return true;
}

static bool
take_single_active(struct draft *d, const struct amqp_value *v)
{
    if (v->type != 't')
        return unacceptable(d, v);
    d->rules.single_active = v->boolean;
    return true;
}

static bool
take_type(struct draft *d, const struct amqp_value *v)
{
    static const char *const words[] = { "classic", "quorum", "stream", NULL };
    unsigned n;
    if (!take_word(d, v, words, "invalid_queue_type", &n))
        return unsupported(d, v, "type");
    d->kind = (enum kind)(1u << n);
    d->rules.quorum = d->kind == QUORUM;
    d->rules.stream = d->kind == STREAM;
    return true;
}

static bool
take_delivery_limit(struct draft *d, const struct amqp_value *v)
{
    uint64_t n = 0;
    if (!take_at_most(d, v, UINT32_MAX, &n))
        return false;
    d->rules.limits.delivery_limit = (uint32_t)n;
    return true;
}

static bool
take_tier(struct draft *d, const struct amqp_value *v)
{
    static const char *const words[] = { "memory", "written", "synced", NULL };
    unsigned n;
    if (!take_word(d, v, words, "invalid_tier", &n))
        return false;
    d->rules.tier = (enum tier)n;
    return true;
}

static bool
take_age(struct draft *d, const struct amqp_value *v)
{
    if (v->type != 'S')
        return unacceptable(d, v);
    return age_parse(v->bytes, &d->rules.limits.ttl_ms) || wrong(d, "invalid_max_age");
}

/* Every queue here is as lazy as its memory asks for, and on one node: these are understood, and change nothing. */
static bool
take_mode(struct draft *d, const struct amqp_value *v)
{
    static const char *const words[] = { "default", "lazy", NULL };
    unsigned n;
    return take_word(d, v, words, "invalid_queue_mode", &n) || unsupported(d, v, "mode");
}

static bool
take_locator(struct draft *d, const struct amqp_value *v)
{
    static const char *const words[] = { "client-local", "balanced", "random", "least-leaders", NULL };
    unsigned n;
    return take_word(d, v, words, "invalid_queue_locator_arg", &n);
}

static bool
take_idle_count(struct draft *d, const struct amqp_value *v)
{
    uint64_t n = 0;
    return take_count(d, v, &n);
}

static bool
take_idle_size(struct draft *d, const struct amqp_value *v)
{
    uint64_t n = 0;
    return take_count(d, v, &n) && (n > 0 || wrong(d, "{value_zero,0}"));
}

static bool
take_anything(struct draft *d, const struct amqp_value *v)
{
    (void)d, (void)v;
    return true;
}

/* What may be asked for, of which type of queue; a policy says the same without the "x-". */
static const struct row {
    const char *name;
    bool (*take)(struct draft *d, const struct amqp_value *v);
    unsigned kinds;
    bool argument, policy;
} rows[] = {
    {"x-expires",                        take_expires,        CLASSIC | QUORUM, true,  true },
    { "x-message-ttl",                   take_ttl,            CLASSIC | QUORUM, true,  true },
    { "x-dead-letter-exchange",          take_dead_exchange,  CLASSIC | QUORUM, true,  true },
    { "x-dead-letter-routing-key",       take_dead_key,       CLASSIC | QUORUM, true,  true },
    { "x-dead-letter-strategy",          take_dead_strategy,  CLASSIC | QUORUM, true,  true },
    { "x-max-length",                    take_length,         CLASSIC | QUORUM, true,  true },
    { "x-max-length-bytes",              take_bytes_max,      ANY,              true,  true },
    { "x-max-in-memory-length",          take_idle_count,     CLASSIC | QUORUM, true,  true },
    { "x-max-in-memory-bytes",           take_idle_count,     CLASSIC | QUORUM, true,  true },
    { "x-max-priority",                  take_priority,       CLASSIC,          true,  false},
    { "x-overflow",                      take_overflow,       CLASSIC | QUORUM, true,  true },
    { "x-queue-mode",                    take_mode,           CLASSIC,          true,  true },
    { "x-queue-version",                 take_idle_count,     CLASSIC,          true,  true },
    { "x-single-active-consumer",        take_single_active,  CLASSIC | QUORUM, true,  false},
    { "x-queue-type",                    take_type,           ANY,              true,  false},
    { "x-delivery-limit",                take_delivery_limit, CLASSIC | QUORUM, true,  true },
    { "x-max-age",                       take_age,            STREAM,           true,  true },
    { "x-stream-max-segment-size-bytes", take_idle_count,     STREAM,           true,  true },
    { "x-quorum-initial-group-size",     take_idle_size,      QUORUM,           true,  false},
    { "x-initial-cluster-size",          take_idle_size,      STREAM,           true,  false},
    { "x-queue-leader-locator",          take_locator,        ANY,              true,  true },
    { "x-queue-master-locator",          take_anything,       CLASSIC,          true,  true },
    { "x-tambo-tier",                    take_tier,           ANY,              true,  false},
    { "x-ha-mode",                       take_anything,       ANY,              false, true },
    { "x-ha-params",                     take_anything,       ANY,              false, true },
    { "x-ha-sync-mode",                  take_anything,       ANY,              false, true },
    { "x-ha-promote-on-shutdown",        take_anything,       ANY,              false, true },
    { "x-ha-promote-on-failure",         take_anything,       ANY,              false, true },
};

const char *
mq_argument(size_t nth)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].argument && nth-- == 0)
            return rows[i].name;
    return NULL;
}

/* ---- a declaration --------------------------------------------------------------------------------------------- */

static int
invalid(struct refusal *why, const struct label *l, const char *name, const struct draft *d)
{
    if (d->mistyped)
        return refuse(why, AMQP_PRECONDITION_FAILED, "invalid type '%s' for arg '%s' in %s", d->wrong, name, l->text);
    return refuse(why, AMQP_PRECONDITION_FAILED, "invalid arg '%s' for %s: %s", name, l->text, d->wrong);
}

static int
check_properties(const struct label *l, const struct queue_spec *spec, const struct draft *d, struct refusal *why)
{
    const char *property = d->kind == CLASSIC  ? NULL
                           : spec->auto_delete ? "auto-delete"
                           : spec->exclusive   ? "exclusive-owner"
                           : !spec->durable    ? "non-durable"
                                               : NULL;
    if (property != NULL)
        return refuse(why, AMQP_PRECONDITION_FAILED, "invalid property '%s' for %s", property, l->text);
    return 0;
}

/* The rows have the exchange before the key. */
static bool
dead_key_fits(struct draft *d)
{
    return !d->rules.dead_key_set || d->dead_exchange || wrong(d, "routing_key_but_no_dlx_defined");
}

static int
read_argument(const struct row *row, const struct label *l, const struct queue_spec *spec, struct draft *d,
              struct refusal *why)
{
    struct amqp_value v;
    if (!amqp_table_find(spec->arguments, row->name, &v))
        return 0;
    if (!(row->kinds & d->kind))
        return refuse(why, AMQP_PRECONDITION_FAILED, "invalid arg '%s' for %s of queue type rabbit_%s_queue", row->name,
                      l->text, mq_type(spec->arguments));
    if (row->argument && !(row->take(d, &v) && dead_key_fits(d)))
        return invalid(why, l, row->name, d);
    return 0;
}

/* The type first, which says what else may be there.  Of several that are wrong RabbitMQ tells the same one. */
static int
read_arguments(const struct label *l, const struct queue_spec *spec, struct draft *d, struct refusal *why)
{
    struct amqp_value v;
    if (amqp_table_find(spec->arguments, "x-queue-type", &v) && !take_type(d, &v))
        return invalid(why, l, "x-queue-type", d);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int rc = read_argument(&rows[i], l, spec, d, why);
        if (rc < 0)
            return rc;
    }
    return check_properties(l, spec, d, why);
}

/* ---- policies -------------------------------------------------------------------------------------------------- */

static const struct row *
row_of_policy(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].policy && strcmp(rows[i].name + strlen("x-"), key) == 0)
            return &rows[i];
    return NULL;
}

static struct amqp_value
value_of_json(const json_t *json)
{
    if (json_is_integer(json))
        return (struct amqp_value){ .type = 'l', .number = json_integer_value(json) };
    if (json_is_string(json))
        return (struct amqp_value){ .type = 'S', .bytes = view_of(json_string_value(json), json_string_length(json)) };
    if (json_is_boolean(json))
        return (struct amqp_value){ .type = 't', .boolean = json_is_true(json) };
    return (struct amqp_value){ .type = json_is_array(json) ? 'A' : json_is_real(json) ? 'd' : 'V' };
}

static void
draft_init(struct draft *d)
{
    *d = (struct draft){ .kind = CLASSIC };
    d->rules.limits = (struct queue_limits){ .count_max = UINT64_MAX, .bytes_max = UINT64_MAX, .ttl_ms = UINT64_MAX };
}

/* What it says to queues of these types.  0, or -ERR_INVALID with the key and what is wrong with it. */
static int
read_policy(struct draft *d, json_t *definition, enum kind kinds, const char **retkey)
{
    const char *key;
    json_t *json;
    draft_init(d);
    json_object_foreach(definition, key, json)
    {
        const struct row *row = row_of_policy(key);
        struct amqp_value v = value_of_json(json);
        *retkey = key;
        if (row != NULL && row->kinds & kinds && !row->take(d, &v))
            return -ERR_INVALID;
    }
    return 0;
}

bool
mq_policy_knows(const char *key)
{
    return row_of_policy(key) != NULL;
}

int
mq_policy_check(json_t *definition, struct refusal *why)
{
    struct draft d;
    const char *key = "";
    if (read_policy(&d, definition, ANY, &key) == 0)
        return 0;
    return refuse(why, AMQP_PRECONDITION_FAILED, "Validation failed: %s: %s", key, d.wrong);
}

static uint64_t
lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Of two in which 0 is none. */
static uint64_t
lower_given(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return a | b;
    return a < b ? a : b;
}

/* Numbers: the lower one.  Words: the queue's own argument goes before its policy. */
static void
merge(struct draft *d, const struct draft *p)
{
    struct mq_rules *r = &d->rules;
    r->limits.count_max = lower(r->limits.count_max, p->rules.limits.count_max);
    r->limits.bytes_max = lower(r->limits.bytes_max, p->rules.limits.bytes_max);
    r->limits.ttl_ms = lower(r->limits.ttl_ms, p->rules.limits.ttl_ms);
    r->limits.delivery_limit = (uint32_t)lower_given(r->limits.delivery_limit, p->rules.limits.delivery_limit);
    r->expires_ms = lower_given(r->expires_ms, p->rules.expires_ms);
    d->bounded |= p->bounded;
    if (!d->overflow && p->overflow) {
        d->overflow = true;
        r->limits.overflow = p->rules.limits.overflow;
        r->reject_dlx = p->rules.reject_dlx;
    }
    if (!d->dead_exchange && p->dead_exchange) {
        r->dead_letters = true;
        r->dead_exchange = p->rules.dead_exchange;
    }
    if (!r->dead_key_set && p->rules.dead_key_set) {
        r->dead_key_set = true;
        r->dead_key = p->rules.dead_key;
    }
    r->dead_at_least_once |= p->rules.dead_at_least_once;
}

/* What the node itself allows; and a bounded queue that does not say what happens drops its oldest. */
static void
bound(struct draft *d, const struct queue_limits *node)
{
    struct queue_limits *limits = &d->rules.limits;
    if (!d->overflow)
        limits->overflow = d->bounded ? QUEUE_DROP_OLDEST : node->overflow;
    limits->count_max = lower(limits->count_max, node->count_max);
    limits->bytes_max = lower(limits->bytes_max, node->bytes_max);
}

int
mq_rules_parse(const struct vhost *vhost, const struct queue_spec *spec, const struct policy *policy,
               struct mq_rules *ret, struct refusal *why)
{
    struct draft d, p;
    const char *key;
    struct label l = label_of("queue", vhost, spec->name);
    draft_init(&d);
    d.rules.tier = spec->durable && !spec->exclusive ? TIER_SYNCED : TIER_MEMORY;
    int rc = read_arguments(&l, spec, &d, why);
    if (rc < 0)
        return rc;
    if (policy != NULL && read_policy(&p, policy->definition, d.kind, &key) == 0)
        merge(&d, &p);
    bound(&d, &vhost->catalog->settings->queue);
    *ret = d.rules;
    return 0;
}
