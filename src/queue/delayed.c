/* queue/delayed.c - publications in a heap by their time, one timer of the loop for the earliest.
 *
 * A publication is due by the wall clock, because it must be due after a restart as well; the loop's timers run by the
 * monotonic one.  The wall clock may be set, so the timer looks again at least every RECHECK_MS.
 *
 * What is due is published first and then recorded as gone: a crash between the two publishes it twice, never not at
 * all.
 *
 * RECORD_DELAY: id u64, due u64, envelope.  RECORD_DELAY_END: id u64. */
#include "queue/delayed.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/record.h"

enum { RECHECK_MS = 60 * 1000, DUE_A_TURN_MAX = 256 };

struct item {
    struct heap_node due; /* at: UTC milliseconds */
    uint64_t id;
    struct message *message;
};

struct delayed {
    struct mem *mem;
    struct io *io;
    struct log *log;
    delayed_fn *fn;
    void *arg;
    struct map ids;
    struct heap dues;
    struct io_timer timer;
    bool started;
};

int
delayed_new(struct mem *mem, struct io *io, struct log *log, delayed_fn *fn, void *arg, struct delayed **ret)
{
    struct delayed *delayed = MEM_NEW(mem, struct delayed);
    if (delayed == NULL)
        return -ERR_NO_MEMORY;
    *delayed = (struct delayed){ .mem = mem, .io = io, .log = log, .fn = fn, .arg = arg };
    map_init(&delayed->ids, mem);
    heap_init(&delayed->dues, mem);
    *ret = delayed;
    return 0;
}

static uint64_t
id_hash(uint64_t id)
{
    return hash_bytes(view_of(&id, sizeof(id)), 0);
}

static bool
has_id(const void *value, const void *key)
{
    return ((const struct item *)value)->id == *(const uint64_t *)key;
}

static struct item *
find(const struct delayed *delayed, uint64_t id)
{
    return map_get(&delayed->ids, id_hash(id), has_id, &id);
}

/* Takes back what a half-built item has, too. */
static void
item_free(struct delayed *delayed, struct item *item)
{
    map_cut(&delayed->ids, id_hash(item->id), item);
    heap_cut(&delayed->dues, &item->due);
    message_unref(item->message);
    mem_free(delayed->mem, item);
}

static struct item *
first_item(const struct delayed *delayed)
{
    struct heap_node *node = heap_first(&delayed->dues);
    return node == NULL ? NULL : container_of(node, struct item, due);
}

void
delayed_free(struct delayed *delayed)
{
    if (delayed == NULL)
        return;
    io_timer_cut(delayed->io, &delayed->timer);
    for (struct item *item = first_item(delayed); item != NULL; item = first_item(delayed))
        item_free(delayed, item);
    map_fini(&delayed->ids);
    heap_fini(&delayed->dues);
    mem_free(delayed->mem, delayed);
}

/* ---- records ---------------------------------------------------------------------------------------------- */

enum { PARTS = 4 };
struct delay_record {
    uint8_t head[16 + ENVELOPE_HEAD_BYTES_MAX];
    struct view parts[PARTS];
};

/* The parts look into `ret` and `env`. */
static void
record_of(uint64_t id, uint64_t due_ms, const struct envelope *env, struct delay_record *ret)
{
    struct pen pen = pen_of(ret->head, sizeof(ret->head));
    put_u64(&pen, id);
    put_u64(&pen, due_ms);
    size_t n = envelope_head(env, pen.at);
    ret->parts[0] = view_of(ret->head, sizeof(id) + sizeof(due_ms) + n);
    ret->parts[1] = env->topic;
    ret->parts[2] = env->props;
    ret->parts[3] = env->body;
}

static int
record_put(struct delayed *delayed, uint64_t id, uint64_t due_ms, const struct envelope *env)
{
    struct delay_record record;
    if (delayed->log == NULL)
        return 0;
    record_of(id, due_ms, env, &record);
    int64_t rc = log_append(delayed->log, RECORD_DELAY, false, record.parts, PARTS);
    return rc < 0 ? (int)rc : 0;
}

/* When even an urgent record finds no room, it will be published again after a restart. */
static void
record_end(struct delayed *delayed, uint64_t id)
{
    uint8_t room[8];
    if (delayed->log == NULL)
        return;
    struct pen pen = pen_of(room, sizeof(room));
    put_u64(&pen, id);
    struct view part = view_of(room, sizeof(room));
    (void)log_append(delayed->log, RECORD_DELAY_END, true, &part, 1);
}

/* ---- what is due ------------------------------------------------------------------------------------------ */

static void time_is_up(void *arg);

/* Sets the timer for the earliest, if there is any. */
static int
set_timer(struct delayed *delayed)
{
    const struct item *first = first_item(delayed);
    if (!delayed->started || first == NULL) {
        io_timer_cut(delayed->io, &delayed->timer);
        return 0;
    }
    uint64_t now_ms = io_wall_ms(delayed->io);
    uint64_t left_ms = first->due.at > now_ms ? first->due.at - now_ms : 0;
    if (left_ms > RECHECK_MS)
        left_ms = RECHECK_MS;
    return io_timer_set(delayed->io, &delayed->timer, io_now_ns(delayed->io) + left_ms * 1000000, time_is_up, delayed);
}

static void
publish(struct delayed *delayed, struct item *item)
{
    struct message *message = message_ref(item->message);
    uint64_t id = item->id;
    item_free(delayed, item);
    delayed->fn(delayed->arg, id, &message->env);
    message_unref(message);
    if (find(delayed, id) == NULL)
        record_end(delayed, id); /* else what was put anew under `id` has replaced it in the log as well */
}

/* A bounded number a turn: what is left is due at once, in the next. */
static void
time_is_up(void *arg)
{
    struct delayed *delayed = arg;
    uint64_t now_ms = io_wall_ms(delayed->io);
    /* First of all, while the loop has the room of the timer that has come: moving it later cannot fail. */
    (void)set_timer(delayed);
    for (unsigned n = 0; n < DUE_A_TURN_MAX; n++) {
        struct item *first = first_item(delayed);
        if (first == NULL || first->due.at > now_ms)
            break;
        publish(delayed, first);
    }
    (void)set_timer(delayed);
}

int
delayed_start(struct delayed *delayed)
{
    delayed->started = true;
    return set_timer(delayed);
}

/* ---- putting ---------------------------------------------------------------------------------------------- */

/* In its place, but without a message. */
static int
item_new(struct delayed *delayed, uint64_t id, uint64_t due_ms, struct item **ret)
{
    struct item *item = MEM_NEW(delayed->mem, struct item);
    if (item == NULL)
        return -ERR_NO_MEMORY;
    item->id = id;
    int rc = map_put(&delayed->ids, id_hash(id), item);
    if (rc == 0)
        rc = heap_put(&delayed->dues, &item->due, due_ms);
    if (rc == 0)
        rc = set_timer(delayed);
    if (rc < 0) {
        item_free(delayed, item);
        return rc;
    }
    *ret = item;
    return 0;
}

static void
item_assume(struct delayed *delayed, struct item *item, uint64_t due_ms, struct message *message)
{
    message_unref(item->message);
    item->message = message_ref(message);
    int rc = heap_put(&delayed->dues, &item->due, due_ms);
    must(rc == 0);            /* it is in already */
    (void)set_timer(delayed); /* and so is the timer */
}

/* All that can fail comes first; then what is under `id` changes. */
static int
replace(struct delayed *delayed, uint64_t id, uint64_t due_ms, struct message *message, bool record)
{
    struct item *item = find(delayed, id);
    int rc = item != NULL ? 0 : item_new(delayed, id, due_ms, &item);
    if (rc == 0 && record)
        rc = record_put(delayed, id, due_ms, &message->env);
    if (rc == 0)
        item_assume(delayed, item, due_ms, message);
    else if (item != NULL && item->message == NULL)
        item_free(delayed, item);
    return rc;
}

static int
put(struct delayed *delayed, uint64_t id, uint64_t due_ms, const struct envelope *env, bool record)
{
    struct message *message = message_new(delayed->mem, env);
    if (message == NULL)
        return -ERR_NO_MEMORY;
    int rc = replace(delayed, id, due_ms, message, record);
    message_unref(message);
    return rc;
}

int
delayed_put(struct delayed *delayed, uint64_t id, uint64_t due_ms, const struct envelope *env)
{
    return put(delayed, id, due_ms, env, true);
}

void
delayed_cancel(struct delayed *delayed, uint64_t id)
{
    struct item *item = find(delayed, id);
    if (item == NULL)
        return;
    item_free(delayed, item);
    record_end(delayed, id);
    (void)set_timer(delayed); /* moves it, or cuts it */
}

bool
delayed_has(const struct delayed *delayed, uint64_t id)
{
    return find(delayed, id) != NULL;
}

uint64_t
delayed_count(const struct delayed *delayed)
{
    return delayed->ids.count;
}

/* ---- recovery and checkpoint ------------------------------------------------------------------------------ */

static int
restore_put(struct delayed *delayed, struct cursor *c)
{
    struct envelope env;
    uint64_t id = take_u64(c);
    uint64_t due_ms = take_u64(c);
    if (c->torn)
        return -ERR_DAMAGED;
    int rc = envelope_parse(take_rest(c), &env);
    return rc < 0 ? rc : put(delayed, id, due_ms, &env, false);
}

static int
restore_end(struct delayed *delayed, struct cursor *c)
{
    uint64_t id = take_u64(c);
    if (c->torn || cursor_left(c) > 0)
        return -ERR_DAMAGED;
    struct item *item = find(delayed, id);
    if (item != NULL)
        item_free(delayed, item);
    return 0;
}

int
delayed_restore(struct delayed *delayed, unsigned kind, struct view record)
{
    struct cursor c = cursor_of(record);
    must(kind == RECORD_DELAY || kind == RECORD_DELAY_END);
    return kind == RECORD_DELAY ? restore_put(delayed, &c) : restore_end(delayed, &c);
}

int
delayed_checkpoint(struct delayed *delayed)
{
    size_t at = 0;
    int rc = 0;
    if (delayed->log == NULL)
        return 0;
    for (struct item *item = map_next(&delayed->ids, &at); rc == 0 && item != NULL;
         item = map_next(&delayed->ids, &at)) {
        struct delay_record record;
        record_of(item->id, item->due.at, &item->message->env, &record);
        rc = log_checkpoint_put(delayed->log, RECORD_DELAY, record.parts, PARTS);
    }
    return rc;
}
