/* queue/retained.c - the last value of each topic.
 *
 * A value hangs in three places: the map finds it by its topic, the route by a filter, the list holds all of them in
 * the order in which they were set.  A deleted or expired value stays for a minute, dead, so that an older one that
 * another shard sends late does not come to life.
 *
 * The checkpoint walks the list between two marks that are links of it: `walked` goes forward, `walk_end` was put last
 * when the walk began.  A value that is set meanwhile moves behind `walk_end`, one that is freed just leaves; neither
 * moves a mark.
 *
 * RECORD_RETAIN: stamp u64, envelope. */
#include "queue/retained.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "queue/record.h"
#include "route/sort.h"

enum { REMEMBERED_S = 60 };

struct value {
    struct route_row row;
    struct wheel_timer timer; /* alive: its expiry; dead: when it may be forgotten */
    struct list order;        /* in retained->values */
    struct list found;        /* by the search under way */
    struct retained *retained;
    struct message *message; /* dead: with the body that it had, or none */
    uint64_t hash;           /* of the topic */
    uint64_t stamp;
    bool alive;
};

struct retained {
    struct mem *mem;
    struct log *log;
    struct wheel *wheel;
    struct route *route;
    struct map topics;
    struct list values; /* in the order in which they were set, with the two marks */
    struct list walked, walk_end;
    uint64_t count, bytes; /* of what is alive */
};

int
retained_new(struct mem *mem, struct log *log, struct wheel *wheel, struct retained **ret)
{
    struct retained *retained = MEM_NEW(mem, struct retained);
    if (retained == NULL)
        return -ERR_NO_MEMORY;
    int rc = route_new(mem, &retained->route);
    if (rc < 0) {
        mem_free(mem, retained);
        return rc;
    }
    retained->mem = mem;
    retained->log = log;
    retained->wheel = wheel;
    map_init(&retained->topics, mem);
    list_init(&retained->values);
    list_init(&retained->walked);
    list_init(&retained->walk_end);
    *ret = retained;
    return 0;
}

/* Takes back what a half-built value has, too. */
static void
value_free(struct value *value)
{
    struct retained *retained = value->retained;
    map_cut(&retained->topics, value->hash, value);
    route_cut(retained->route, &value->row);
    wheel_disarm(retained->wheel, &value->timer);
    list_cut(&value->order);
    message_unref(value->message);
    mem_free(retained->mem, value);
}

void
retained_free(struct retained *retained)
{
    if (retained == NULL)
        return;
    list_cut(&retained->walked);
    list_cut(&retained->walk_end);
    LIST_EACH(&retained->values, it)
        value_free(container_of(it, struct value, order));
    route_free(retained->route);
    map_fini(&retained->topics);
    mem_free(retained->mem, retained);
}

static size_t
value_bytes(const struct value *value)
{
    const struct envelope *env = &value->message->env;
    return env->topic.len + env->props.len + env->body.len;
}

static void
set_alive(struct value *value, bool alive)
{
    struct retained *retained = value->retained;
    if (alive == value->alive)
        return;
    value->alive = alive;
    if (alive) {
        retained->count++;
        retained->bytes += value_bytes(value);
    } else {
        retained->count--;
        retained->bytes -= value_bytes(value);
    }
}

static void
remember_dead(struct value *value)
{
    set_alive(value, false);
    wheel_arm(value->retained->wheel, &value->timer, value->retained->wheel->now_s + REMEMBERED_S);
}

static void
time_is_up(struct wheel_timer *timer)
{
    struct value *value = container_of(timer, struct value, timer);
    if (value->alive)
        remember_dead(value);
    else
        value_free(value);
}

static bool
is_topic(const void *value, const void *key)
{
    return view_equal(((const struct value *)value)->message->env.topic, *(const struct view *)key);
}

/* A value that is not known to have been set yet: dead, without a stamp, in no order. */
static int
value_new(struct retained *retained, uint64_t hash, struct message *message, struct value **ret)
{
    struct value *value = MEM_NEW(retained->mem, struct value);
    if (value == NULL)
        return -ERR_NO_MEMORY;
    value->retained = retained;
    value->hash = hash;
    wheel_timer_init(&value->timer, time_is_up);
    list_init(&value->order);
    list_init(&value->found);
    int rc = route_add(retained->route, ROUTE_MQTT, message->env.topic, &value->row);
    if (rc == 0)
        rc = map_put(&retained->topics, hash, value);
    if (rc < 0) {
        value_free(value);
        return rc;
    }
    value->message = message_ref(message);
    *ret = value;
    return 0;
}

static bool
has_expired(const struct retained *retained, const struct envelope *env)
{
    return env->expires_ms != 0 && env->expires_ms <= retained->wheel->now_s * 1000;
}

/* `message` is what the topic's value is from now on. */
static void
value_assume(struct value *value, struct message *message, uint64_t stamp)
{
    struct retained *retained = value->retained;
    set_alive(value, false);
    message_unref(value->message);
    value->message = message_ref(message);
    value->stamp = stamp;
    list_push(&retained->values, &value->order);
    wheel_disarm(retained->wheel, &value->timer);
    if (message->env.body.len == 0 || has_expired(retained, &message->env)) {
        remember_dead(value);
        return;
    }
    set_alive(value, true);
    if (message->env.expires_ms != 0)
        wheel_arm(retained->wheel, &value->timer, (message->env.expires_ms + 999) / 1000);
}

enum { PARTS = 4 };
struct retain_record {
    uint8_t head[8 + ENVELOPE_HEAD_BYTES_MAX];
    struct view parts[PARTS];
};

/* The parts look into `ret` and `env`. */
static void
record_of(const struct envelope *env, uint64_t stamp, struct retain_record *ret)
{
    struct pen pen = pen_of(ret->head, sizeof(ret->head));
    put_u64(&pen, stamp);
    size_t n = envelope_head(env, pen.at);
    ret->parts[0] = view_of(ret->head, sizeof(stamp) + n);
    ret->parts[1] = env->topic;
    ret->parts[2] = env->props;
    ret->parts[3] = env->body;
}

static int
append(struct retained *retained, const struct envelope *env, uint64_t stamp)
{
    struct retain_record record;
    record_of(env, stamp, &record);
    int64_t rc = log_append(retained->log, RECORD_RETAIN, false, record.parts, PARTS);
    return rc < 0 ? (int)rc : 0;
}

/* All that can fail comes first; then the value changes. */
static int
replace(struct retained *retained, struct value *value, uint64_t hash, struct message *message, uint64_t stamp,
        bool record)
{
    int rc = value != NULL ? 0 : value_new(retained, hash, message, &value);
    if (rc == 0 && record)
        rc = append(retained, &message->env, stamp);
    if (rc == 0)
        value_assume(value, message, stamp);
    else if (value != NULL && list_empty(&value->order))
        value_free(value);
    return rc;
}

static int
apply(struct retained *retained, const struct envelope *env, uint64_t stamp, bool record)
{
    uint64_t hash = hash_bytes(env->topic, 0);
    struct value *value = map_get(&retained->topics, hash, is_topic, &env->topic);
    if (value != NULL && value->stamp >= stamp)
        return 0;
    if (value == NULL && route_topic_breach(env->topic) != NULL)
        return -ERR_INVALID;
    struct message *message = message_new(retained->mem, env);
    if (message == NULL)
        return -ERR_NO_MEMORY;
    int rc = replace(retained, value, hash, message, stamp, record);
    message_unref(message);
    return rc;
}

/* What the node says of itself is true only while it runs. */
static bool
lasts(struct view topic)
{
    return !view_starts(topic, "$SYS/");
}

int
retained_set(struct retained *retained, const struct envelope *env, uint64_t stamp)
{
    return apply(retained, env, stamp, retained->log != NULL && lasts(env->topic));
}

int
retained_restore(struct retained *retained, struct view record)
{
    struct cursor c = cursor_of(record);
    struct envelope env;
    uint64_t stamp = take_u64(&c);
    if (c.torn)
        return -ERR_DAMAGED;
    int rc = envelope_parse(take_rest(&c), &env);
    return rc < 0 ? rc : apply(retained, &env, stamp, false);
}

static bool
gather(void *arg, struct route_row *row)
{
    struct value *value = container_of(row, struct value, row);
    if (value->alive && !has_expired(value->retained, &value->message->env))
        list_push(arg, &value->found);
    return true;
}

static bool
topic_before(const struct list *a, const struct list *b)
{
    struct view x = container_of(a, const struct value, found)->message->env.topic;
    struct view y = container_of(b, const struct value, found)->message->env.topic;
    int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
    return order != 0 ? order < 0 : x.len < y.len;
}

void
retained_search(struct retained *retained, struct view filter, retained_fn *fn, void *arg)
{
    struct list found;
    list_init(&found);
    route_search(retained->route, ROUTE_MQTT, filter, gather, &found);
    sort_list(&found, topic_before);
    bool more = true;
    for (struct list *it = list_pop(&found); it != NULL; it = list_pop(&found))
        more = more && fn(arg, container_of(it, struct value, found)->message);
}

uint64_t
retained_stamp(const struct retained *retained, const struct envelope *env)
{
    const struct value *value = map_get(&retained->topics, hash_bytes(env->topic, 0), is_topic, &env->topic);
    bool same = value != NULL && view_equal(value->message->env.body, env->body) &&
                view_equal(value->message->env.props, env->props);
    return same ? value->stamp : 0;
}

uint64_t
retained_count(const struct retained *retained)
{
    return retained->count;
}

uint64_t
retained_bytes(const struct retained *retained)
{
    return retained->bytes;
}

static void
begin_walk(struct retained *retained)
{
    list_cut(&retained->walked); /* of a checkpoint that was abandoned */
    list_cut(&retained->walk_end);
    list_push(retained->values.next, &retained->walked);
    list_push(&retained->values, &retained->walk_end);
}

/* The value after the mark, which goes past it; NULL at the end of the walk. */
static const struct value *
next_walked(struct retained *retained)
{
    struct list *next = retained->walked.next;
    if (next == &retained->walk_end) {
        list_cut(&retained->walked);
        list_cut(&retained->walk_end);
        return NULL;
    }
    list_push(next->next, &retained->walked);
    return container_of(next, struct value, order);
}

int
retained_checkpoint(struct retained *retained, uint64_t *at, unsigned most)
{
    if (retained->log == NULL)
        return 0;
    if (*at == 0)
        begin_walk(retained);
    for (*at += 1; most > 0; most--, *at += 1) {
        const struct value *value = next_walked(retained);
        if (value == NULL)
            return 0;
        if (!lasts(value->message->env.topic))
            continue;
        struct retain_record record;
        record_of(&value->message->env, value->stamp, &record);
        int rc = log_checkpoint_put(retained->log, RECORD_RETAIN, record.parts, PARTS);
        if (rc < 0)
            return rc;
    }
    return 1;
}
