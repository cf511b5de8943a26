/* catalog/consumer.c - who is fed by a named queue.
 *
 * A consumer has a tap, which is a link, at each level of its queue, and one credit for all of them.  Higher levels go
 * first: a tap below a level that still has something ready gets no credit, until mq_feed() finds that level empty.
 * A consumer of a stream has a reader instead (stream.c). */
#include "catalog/inner.h"

#include "base/break.h"

static struct mem *
mem_of(const struct mq *mq)
{
    return mq->vhost->catalog->host->mem;
}

/* ---- credit ---------------------------------------------------------------------------------------------------- */

static void
lower_taps(const struct mq_consumer *consumer)
{
    if (consumer->reader != NULL)
        mq_reader_lower(consumer);
    for (struct mq_tap *tap = consumer->taps; tap != NULL; tap = tap->next)
        if (tap->link.credit > consumer->credit)
            tap->link.credit = consumer->credit;
}

/* Raising it pumps: the consumer's own credit may have gone down when this returns. */
static void
set_credit(struct mq_tap *tap, uint32_t credit)
{
    if (credit > tap->link.credit)
        link_credit(&tap->link, credit - tap->link.credit);
    else
        tap->link.credit = credit;
}

static void
feed(struct mq_consumer *consumer)
{
    bool open = consumer->active;
    if (consumer->reader != NULL)
        mq_reader_feed(consumer);
    for (struct mq_tap *tap = consumer->taps; tap != NULL; tap = tap->next) {
        set_credit(tap, open ? consumer->credit : 0);
        /* It waits for credit or for the disk: what is below waits behind it. */
        if (queue_ready(tap->link.queue) > 0 && !broken(BREAK_FORGET_RANK))
            open = false;
    }
}

void
mq_feed(struct mq *mq)
{
    LIST_EACH(&mq->consumers, l)
        feed(container_of(l, struct mq_consumer, all));
}

void
mq_credit(struct mq_consumer *consumer, uint32_t credit)
{
    bool less = credit <= consumer->credit;
    consumer->credit = credit;
    if (less)
        lower_taps(consumer); /* from inside a delivery too: nothing may be pumped */
    else if (consumer->mq != NULL)
        feed(consumer);
}

static void
on_deliver(struct link *link, uint64_t seq, struct publication *pub, struct entry_meta meta, bool redelivered)
{
    struct mq_tap *tap = container_of(link, struct mq_tap, link);
    struct mq_consumer *consumer = tap->consumer;
    struct mq *mq = consumer->mq;
    consumer->credit -= consumer->credit > 0;
    lower_taps(consumer);
    if (mq->level_count > 1 && queue_ready(link->queue) == 0)
        mq_soon(mq); /* the levels below may be opened */
    consumer->ops->deliver(consumer, link, seq, pub, meta, redelivered);
    lower_taps(consumer); /* it may have taken credit back */
}

static void
on_revoked(struct link *link, uint64_t seq)
{
    struct mq_consumer *consumer = container_of(link, struct mq_tap, link)->consumer;
    consumer->ops->revoked(consumer, link, seq);
}

static const struct link_ops link_ops = { .deliver = on_deliver, .revoked = on_revoked };

/* ---- taps ------------------------------------------------------------------------------------------------------ */

static struct mq_tap *
make_tap(struct mq_consumer *consumer, const struct mq_level *level)
{
    struct mq_tap *tap = MEM_NEW(mem_of(level->mq), struct mq_tap);
    if (tap == NULL)
        return NULL;
    tap->consumer = consumer;
    tap->priority = level->priority;
    struct mq_tap **at = &consumer->taps;
    while (*at != NULL && (*at)->priority > tap->priority)
        at = &(*at)->next;
    tap->next = *at;
    *at = tap;
    link_attach(&tap->link, level->target.queue, &link_ops);
    link_rank(&tap->link, consumer->priority);
    return tap;
}

static void
free_taps(struct mem *mem, struct mq_consumer *consumer)
{
    mq_reader_free(mem, consumer);
    while (consumer->taps != NULL) {
        struct mq_tap *tap = consumer->taps;
        link_detach(&tap->link);
        consumer->taps = tap->next;
        mem_free(mem, tap);
    }
}

/* The tap of this level, if it was made: what mq_tap_level() could not finish. */
static void
cut_tap(struct mem *mem, struct mq_consumer *consumer, uint8_t priority)
{
    struct mq_tap **at = &consumer->taps;
    while (*at != NULL && (*at)->priority != priority)
        at = &(*at)->next;
    struct mq_tap *tap = *at;
    if (tap == NULL)
        return;
    *at = tap->next;
    link_detach(&tap->link);
    mem_free(mem, tap);
}

int
mq_tap_level(struct mq *mq, struct mq_level *level)
{
    bool whole = true;
    LIST_EACH(&mq->consumers, l)
        whole = whole && make_tap(container_of(l, struct mq_consumer, all), level) != NULL;
    if (whole) {
        mq_soon(mq);
        return 0;
    }
    LIST_EACH(&mq->consumers, l)
        cut_tap(mem_of(mq), container_of(l, struct mq_consumer, all), level->priority);
    return -ERR_NO_MEMORY;
}

/* ---- coming and going ------------------------------------------------------------------------------------------ */

static struct mq_consumer *
active_of(const struct mq *mq)
{
    LIST_EACH(&mq->consumers, l) {
        struct mq_consumer *consumer = container_of(l, struct mq_consumer, all);
        if (consumer->counted && consumer->active)
            return consumer;
    }
    return NULL;
}

static int
refuse_use(const struct mq *mq, struct refusal *why)
{
    return refuse(why, AMQP_ACCESS_REFUSED, "queue '%.*s' in vhost '%.*s' in exclusive use", VIEW_ARGS(mq_name(mq)),
                  VIEW_ARGS(vhost_name(mq->vhost)));
}

static int
check_priority(const struct mq *mq, struct mq_consumer *consumer, struct view arguments, struct refusal *why)
{
    struct amqp_value v;
    int64_t n;
    if (!amqp_table_find(arguments, "x-priority", &v))
        return 0;
    if (!amqp_value_integer(&v, &n))
        return refuse(why, AMQP_PRECONDITION_FAILED,
                      "invalid arg 'x-priority' for queue '%.*s' in vhost '%.*s': \"expected integer, got %s\"",
                      VIEW_ARGS(mq_name(mq)), VIEW_ARGS(vhost_name(mq->vhost)), amqp_type_name(v.type));
    consumer->priority = n > INT32_MAX ? INT32_MAX : n < INT32_MIN ? INT32_MIN : (int32_t)n;
    return 0;
}

/* What it asks for that is for queues of another type. */
static int
check_type(const struct mq *mq, struct view arguments, struct refusal *why)
{
    const char *foreign = mq->rules.stream ? "x-priority" : "x-stream-offset";
    struct amqp_value v;
    if (!amqp_table_find(arguments, foreign, &v))
        return 0;
    return refuse(why, AMQP_PRECONDITION_FAILED,
                  "invalid arg '%s' for queue '%.*s' in vhost '%.*s' of queue type rabbit_%s_queue", foreign,
                  VIEW_ARGS(mq_name(mq)), VIEW_ARGS(vhost_name(mq->vhost)),
                  mq_type(view_of(mq->arguments, mq->arguments_bytes)));
}

/* Nobody has a stream for himself. */
static int
check(const struct mq *mq, struct mq_consumer *consumer, struct view arguments, struct refusal *why)
{
    bool wants_all = consumer->exclusive && (mq->consumer_count > 0 || mq->rules.single_active);
    if (consumer->browsing)
        return 0;
    int rc = check_type(mq, arguments, why);
    if (rc < 0 || mq->rules.stream)
        return rc;
    if (mq->taken || wants_all)
        return refuse_use(mq, why);
    return check_priority(mq, consumer, arguments, why);
}

static int
make_taps(struct mq *mq, struct mq_consumer *consumer, struct refusal *why)
{
    for (unsigned i = 0; i <= mq->rules.priority_max; i++)
        if (mq->levels[i] != NULL && make_tap(consumer, mq->levels[i]) == NULL) {
            free_taps(mem_of(mq), consumer);
            return refuse_world(why, -ERR_NO_MEMORY);
        }
    return 0;
}

int
mq_attach(struct mq *mq, struct mq_consumer *consumer, struct view arguments, struct refusal *why)
{
    int rc = check(mq, consumer, arguments, why);
    if (rc < 0)
        return rc;
    consumer->taps = NULL;
    consumer->reader = NULL;
    rc = mq->rules.stream ? mq_reader_make(mq, consumer, arguments, why) : make_taps(mq, consumer, why);
    if (rc < 0)
        return rc;
    consumer->mq = mq;
    consumer->credit = 0;
    consumer->counted = !consumer->browsing;
    consumer->active = consumer->browsing || !mq->rules.single_active || mq->consumer_count == 0;
    list_init(&consumer->all);
    list_push(&mq->consumers, &consumer->all);
    mq->consumer_count += consumer->counted;
    mq->taken |= consumer->exclusive && !mq->rules.stream;
    mq_used(mq);
    return 0;
}

/* The next in order of attaching takes over: at the end of the turn, so that what the last one held has come back to
 * its place before more is handed out. */
void
mq_succeed(struct mq *mq)
{
    if (!mq->rules.single_active || active_of(mq) != NULL)
        return;
    LIST_EACH(&mq->consumers, l) {
        struct mq_consumer *consumer = container_of(l, struct mq_consumer, all);
        if (!consumer->counted)
            continue;
        consumer->active = true;
        feed(consumer);
        return;
    }
}

/* It is one of the queue's consumers no more. */
static void
discount(struct mq_consumer *consumer)
{
    struct mq *mq = consumer->mq;
    bool was_active = consumer->active;
    if (!consumer->counted)
        return;
    consumer->counted = consumer->active = false;
    mq->consumer_count--;
    mq->taken = mq->taken && !consumer->exclusive;
    if (mq->consumer_count > 0) {
        if (mq->rules.single_active && was_active)
            mq_soon(mq);
        return;
    }
    mq_used(mq);
    if (mq->auto_delete) {
        mq->ending = true;
        mq_soon(mq);
    }
}

void
mq_cancel(struct mq_consumer *consumer)
{
    if (consumer->mq == NULL)
        return;
    consumer->credit = 0;
    lower_taps(consumer);
    discount(consumer);
}

void
mq_detach(struct mq_consumer *consumer)
{
    struct mq *mq = consumer->mq;
    if (mq == NULL) {
        if (consumer->all.next != NULL)
            list_cut(&consumer->all); /* it waits to be told that its queue is gone */
        return;
    }
    consumer->credit = 0;
    lower_taps(consumer);
    list_cut(&consumer->all);
    free_taps(mem_of(mq), consumer);
    discount(consumer);
    if (consumer->browsing)
        mq_used(mq);
    if (mq->level_count > 1)
        mq_soon(mq); /* what it gave back may be above what the others are at */
    consumer->mq = NULL;
}

void
mq_consumers_free(struct mem *mem, struct list *consumers)
{
    LIST_EACH(consumers, l) {
        struct mq_consumer *consumer = container_of(l, struct mq_consumer, all);
        consumer->mq = NULL;
        consumer->counted = consumer->active = false;
        consumer->credit = 0;
        free_taps(mem, consumer);
    }
    /* Who is told may detach others of them, and free itself. */
    for (struct list *l = list_pop(consumers); l != NULL; l = list_pop(consumers)) {
        struct mq_consumer *consumer = container_of(l, struct mq_consumer, all);
        consumer->ops->cancelled(consumer);
    }
}
