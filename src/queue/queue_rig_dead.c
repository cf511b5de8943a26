/* queue/queue_rig_dead.c - the owners of queue_rig.h, and what the oracle knows of deaths, returns and flags. */
#include "queue/queue_rig.h"

bool
rig_in_grave(const struct queue *queue, uint64_t seq)
{
    const struct page *page = queue_page(queue, page_no_of(seq));
    unsigned i = page_index_of(seq);
    return page != NULL && page_has(page, i) && page_is_grave(page, i);
}

/* What is dropped because it is too much may be worthless as well by the time that we look. */
void
rig_die(struct rig *rig, struct fact *fact, enum queue_death reason)
{
    fact->state = rig->owned ? FACT_DEAD : FACT_GONE;
    fact->gone_end = 0;
    fact->told = false;
    fact->reasons = (uint8_t)(1 << reason);
    if (reason == QUEUE_DEATH_EXPIRED)
        fact->reasons |= 1 << QUEUE_DEATH_MAXLEN;
    assert_true(reason != QUEUE_DEATH_MAXLEN || rig->limits.overflow == QUEUE_DROP_OLDEST);
}

static void
bury(struct rig *rig, struct rig_queue *q, uint64_t seq)
{
    struct fact *fact = &q->facts[seq];
    fact->state = FACT_GONE;
    fact->gone_end = 0;
    rig->buried[__builtin_ctz(fact->reasons)]++;
    assert_true(queue_bury(q->queue, seq));
    assert_false(queue_bury(q->queue, seq));
}

static void
exhume(struct rig_queue *q, uint64_t seq)
{
    q->facts[seq].told = false;
    assert_true(queue_exhume(q->queue, seq));
    assert_false(queue_exhume(q->queue, seq));
}

static void
answer(struct rig *rig, struct rig_queue *q, uint64_t seq)
{
    uint64_t dice = rig->calm ? 0 : prng_below(&rig->prng, 10);
    if (dice < 7)
        bury(rig, q, seq);
    else if (dice == 7)
        exhume(q, seq);
}

/* Why did what was ready die? */
static enum queue_death
death_of(const struct rig *rig, const struct fact *fact)
{
    if (!rig_is_ready(rig, fact))
        return QUEUE_DEATH_EXPIRED;
    bool spent = rig->limits.delivery_limit > 0 && fact->returns > rig->limits.delivery_limit;
    return spent ? QUEUE_DEATH_DELIVERY_LIMIT : QUEUE_DEATH_MAXLEN;
}

static void
on_dead(struct queue_owner *owner, uint64_t seq, struct publication *pub, struct entry_meta meta,
        enum queue_death reason)
{
    struct rig_queue *q = container_of(owner, struct rig_queue, owner);
    struct rig *rig = q->rig;
    struct fact *fact = &q->facts[seq];
    if (rig->unchecked) {
        assert_true(queue_bury(q->queue, seq));
        return;
    }
    assert_true(seq > 0 && seq < q->next);
    assert_int_equal(pub->env.body.len, fact->len);
    assert_int_equal(entry_meta_pack(meta), fact->meta);
    if (!rig->learning) {
        assert_int_equal(meta.deliveries, fact->returns);
        if (fact->state == FACT_READY)
            rig_die(rig, fact, death_of(rig, fact));
        assert_true(fact->state == FACT_DEAD && !fact->told && (fact->reasons >> reason & 1));
    }
    fact->reasons = (uint8_t)(1 << reason);
    fact->told = true;
    if (!rig->learning)
        answer(rig, q, seq);
}

static void
on_changed(struct queue_owner *owner)
{
    container_of(owner, struct rig_queue, owner)->changes++;
}

static const struct queue_owner_ops owner_ops = { .dead = on_dead, .changed = on_changed };

void
rig_own(struct rig *rig)
{
    rig->owned = true;
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        struct rig_queue *q = &rig->queues[i];
        q->rig = rig;
        q->owner.ops = &owner_ops;
        queue_own(q->queue, &q->owner);
    }
}

void
rig_limit(struct rig *rig, struct queue_limits limits)
{
    rig->limits = limits;
    for (unsigned i = 0; i < RIG_QUEUES; i++)
        queue_limit(rig->queues[i].queue, limits);
}

void
rig_bury_some(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        struct rig_queue *q = &rig->queues[i];
        for (uint64_t seq = q->first; seq < q->next; seq++)
            if (q->facts[seq].state == FACT_DEAD && q->facts[seq].told)
                answer(rig, q, seq);
    }
}

void
rig_learn_returns(struct rig *rig, struct rig_queue *q, uint64_t seq)
{
    struct fact *fact = &q->facts[seq];
    bool known = rig->owned && (!fact->shown || (fact->shown_end != 0 && fact->shown_end <= rig->committed));
    fact->again = AGAIN_UNKNOWN;
    if (known && fact->shown)
        fact->again = AGAIN_YES;
    else if (known && seq > q->shown_max)
        fact->again = AGAIN_NO;
    fact->shown_end = fact->again == AGAIN_YES;
    fact->shown_now = false;
    if (fact->state == FACT_GONE)
        return;
    uint32_t returns = returns_of(q->queue, seq);
    assert_true(returns <= fact->returns);
    if (fact->returns_end <= rig->committed)
        assert_int_equal(returns, fact->returns);
    fact->returns = returns;
    fact->returns_end = 1;
}

/* A stub does not know what its entries weigh one by one, until it is read. */
static bool
is_amended(const struct queue *queue)
{
    for (uint32_t n = 0; n < queue->page_count; n++)
        if (page_nth(queue, n)->amend != NULL)
            return true;
    return false;
}

void
rig_compare_bytes(const struct rig *rig, const struct rig_queue *q)
{
    uint64_t ready = 0;
    for (uint64_t seq = q->first; rig->owned && seq < q->next; seq++)
        ready += q->facts[seq].state == FACT_READY ? q->facts[seq].len : 0;
    if (is_amended(q->queue))
        assert_true(queue_ready_bytes(q->queue) >= ready);
    else
        assert_int_equal(queue_ready_bytes(q->queue), ready);
}
