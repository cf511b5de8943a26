#include "queue/queue_rig.h"

#include "queue/record.h"

/* ---- the oracle ---------------------------------------------------------------------------------------------- */

bool
rig_is_ready(const struct rig *rig, const struct fact *fact)
{
    bool worthless = fact->expires_ms != 0 && fact->expires_ms <= io_wall_ms(rig->io);
    return fact->state == FACT_READY && !worthless;
}

static uint64_t
first_ready(const struct rig *rig, const struct rig_queue *q)
{
    uint64_t seq = q->first;
    while (seq < q->next && (!rig_is_ready(rig, &q->facts[seq]) || rig_in_grave(q->queue, seq)))
        seq++;
    return seq;
}

static void
set_gone(struct fact *fact)
{
    fact->state = FACT_GONE;
    fact->gone_end = 0;
}

static void
set_ready(struct fact *fact)
{
    fact->state = FACT_READY;
    fact->again = AGAIN_YES;
}

bool
rig_is_there(const struct queue *queue, uint64_t seq)
{
    const struct page *page = queue_page(queue, page_no_of(seq));
    unsigned i = page_index_of(seq);
    if (page == NULL)
        return false;
    if (page->stub)
        return page->amend == NULL || !(page->amend->gone[i / 64] >> (i % 64) & 1);
    return page_has(page, i) && page_lives(page, i);
}

/* The queue may drop what is worthless at once or later, and what is too much. */
static void
notice(struct rig *rig, struct rig_queue *q, uint64_t seq)
{
    struct fact *fact = &q->facts[seq];
    bool worthless = fact->state == FACT_READY && !rig_is_ready(rig, fact);
    if (fact->state == FACT_READY && rig->owned && rig_in_grave(q->queue, seq))
        rig_die(rig, fact, worthless ? QUEUE_DEATH_EXPIRED : QUEUE_DEATH_MAXLEN);
    else if (worthless && !rig->owned && !rig_is_there(q->queue, seq))
        set_gone(fact);
}

void
rig_bury(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_QUEUES; i++)
        for (uint64_t seq = rig->queues[i].first; seq < rig->queues[i].next; seq++)
            notice(rig, &rig->queues[i], seq);
}

static void
fill(uint8_t *bytes, unsigned len, uint64_t queue_mask)
{
    for (unsigned i = 0; i < len; i++)
        bytes[i] = (uint8_t)(queue_mask + i * 7);
}

/* ---- deliveries ---------------------------------------------------------------------------------------------- */

static void
meddle(struct tap *tap, uint64_t seq)
{
    struct rig *rig = tap->rig;
    uint64_t dice = prng_below(&rig->prng, 40);
    if (rig->drains || dice < 8)
        rig_accept(rig, tap->queue, tap->number, seq);
    else if (dice == 8)
        rig_release(rig, tap->queue, tap->number, seq);
    else if (dice == 9)
        rig_detach(rig, tap->queue, tap->number);
    else if (dice == 10)
        (void)rig_push(rig, 1u << tap->queue, 20, 0);
    else if (dice == 12)
        rig_return(rig, tap->queue, tap->number, seq);
    else if (dice == 13)
        rig_reject(rig, tap->queue, tap->number, seq);
    else if (dice == 11)
        rig_credit(rig, tap->queue, tap->number, 2);
}

static void
check(const struct tap *tap, const struct fact *fact, uint64_t seq, const struct publication *pub,
      struct entry_meta meta, bool again)
{
    const struct rig *rig = tap->rig;
    uint8_t bytes[UINT8_MAX];
    fill(bytes, fact->len, seq);
    assert_int_equal(entry_meta_pack(meta), fact->meta);
    assert_int_equal(meta.deliveries, fact->returns);
    assert_int_equal(pub->env.body.len, fact->len);
    assert_true(rig->durable || pub->message != NULL || !again);
    if (fact->state == FACT_FLIGHT) {
        assert_true(again && tap->asked == seq && fact->link == tap->number);
        return;
    }
    assert_true(rig_is_ready(rig, fact) || (fact->expires_ms <= fact->published_ms && !again));
    if (rig_is_ready(rig, fact))
        assert_int_equal(first_ready(rig, &rig->queues[tap->queue]), seq);
    if (fact->again != AGAIN_UNKNOWN)
        assert_int_equal(again, fact->again == AGAIN_YES);
}

static void
on_deliver(struct link *link, uint64_t seq, struct publication *pub, struct entry_meta meta, bool again)
{
    struct tap *tap = container_of(link, struct tap, link);
    struct rig *rig = tap->rig;
    rig->delivered++;
    if (rig->unchecked) {
        assert_true(link_accept(link, seq, true));
        link_credit(link, 1);
        return;
    }
    struct rig_queue *q = &rig->queues[tap->queue];
    assert_true(seq > 0 && seq < q->next);
    struct fact *fact = &q->facts[seq];
    check(tap, fact, seq, pub, meta, again);
    tap->asked = tap->asked == seq ? 0 : tap->asked;
    fact->state = FACT_FLIGHT;
    fact->link = (uint8_t)tap->number;
    fact->shown = fact->shown_now = true;
    q->shown_max = seq > q->shown_max ? seq : q->shown_max;
    while (q->first < q->next && q->facts[q->first].state == FACT_GONE)
        q->first++;
    if (rig->meddling || rig->drains)
        meddle(tap, seq);
}

static void
on_revoked(struct link *link, uint64_t seq)
{
    (void)link;
    fail_msg("%llu was revoked, but nothing is damaged here", (unsigned long long)seq);
}

static const struct link_ops ops = { .deliver = on_deliver, .revoked = on_revoked };

/* ---- operations ---------------------------------------------------------------------------------------------- */

void
rig_attach(struct rig *rig, unsigned queue, unsigned link)
{
    struct tap *tap = &rig->queues[queue].taps[link];
    if (tap->attached)
        return;
    *tap = (struct tap){ .rig = rig, .queue = queue, .number = link, .attached = true };
    link_attach(&tap->link, rig->queues[queue].queue, &ops);
}

static void
forget_flight(struct rig_queue *q, unsigned link)
{
    for (uint64_t seq = q->first; seq < q->next; seq++)
        if (q->facts[seq].state == FACT_FLIGHT && q->facts[seq].link == link)
            set_ready(&q->facts[seq]);
}

void
rig_detach(struct rig *rig, unsigned queue, unsigned link)
{
    struct tap *tap = &rig->queues[queue].taps[link];
    if (!tap->attached)
        return;
    tap->attached = false;
    forget_flight(&rig->queues[queue], link);
    link_detach(&tap->link);
}

static int64_t
append(struct rig *rig, unsigned mask, const struct envelope *env, const uint32_t *metas, uint32_t *retbytes)
{
    uint8_t head[128], fixed[ENVELOPE_HEAD_BYTES_MAX];
    struct pen p = pen_of(head, sizeof(head));
    record_publish_begin(&p, &(struct receipt){ 0 }, (uint32_t)__builtin_popcount(mask));
    for (unsigned i = 0; i < RIG_QUEUES; i++)
        if (mask >> i & 1)
            record_put_target(&p, (struct record_target){
                                      .queue = i + 1, .seq = queue_next_seq(rig->queues[i].queue), .meta = metas[i] });
    assert_false(p.torn);
    struct view parts[] = { view_of(head, (size_t)(p.at - head)), view_of(fixed, envelope_head(env, fixed)), env->topic,
                            env->props, env->body };
    *retbytes = 0;
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        *retbytes += (uint32_t)parts[i].len;
    return log_append(rig->log, RECORD_PUBLISH, false, parts, COUNT_OF(parts));
}

static struct fact *
make_fact(struct rig *rig, unsigned queue, unsigned len, uint64_t expires_ms, uint32_t meta)
{
    struct rig_queue *q = &rig->queues[queue];
    assert_true(q->next <= RIG_SEQS);
    struct fact *fact = &q->facts[q->next++];
    *fact = (struct fact){ .state = FACT_READY, .len = (uint8_t)len, .expires_ms = expires_ms, .meta = meta };
    fact->published_ms = io_wall_ms(rig->io);
    uint64_t by_queue = fact->published_ms + rig->limits.ttl_ms;
    if (rig->limits.ttl_ms != UINT64_MAX && (expires_ms == 0 || by_queue < expires_ms))
        fact->expires_ms = by_queue;
    if (rig->durable)
        fact->made_end = log_end(rig->log);
    return fact;
}

int
rig_push(struct rig *rig, unsigned mask, unsigned len, uint64_t expires_ms)
{
    uint8_t bytes[UINT8_MAX];
    uint32_t metas[RIG_QUEUES];
    struct publication pub = {
        .env = {.topic = view_str("t"), .expires_ms = expires_ms, .published_ms = io_wall_ms(rig->io), .qos = 1}
    };
    fill(bytes, len, 1);
    pub.env.body = view_of(bytes, len);
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        uint32_t id = (uint32_t)prng_below(&rig->prng, 1 << 28);
        struct entry_meta meta = { .subscription_id = rig->owned ? len : id, .qos = 1 };
        metas[i] = entry_meta_pack(meta);
        int rc = mask >> i & 1 ? queue_admits(rig->queues[i].queue, &pub.env) : 0;
        if (rc < 0)
            return rc;
    }
    if (rig->durable) {
        int64_t position = append(rig, mask, &pub.env, metas, &pub.bytes);
        if (position < 0)
            return (int)position;
        pub.position = (uint64_t)position;
    }
    int rc = 0;
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        if (!(mask >> i & 1))
            continue;
        if (!rig->unchecked)
            make_fact(rig, i, len, expires_ms, metas[i]);
        int pushed = queue_push(rig->queues[i].queue, &pub, entry_meta_unpack(metas[i]));
        rc = pushed < 0 ? pushed : rc;
    }
    message_unref(pub.message);
    return rc;
}

void
rig_credit(struct rig *rig, unsigned queue, unsigned link, uint32_t more)
{
    struct tap *tap = &rig->queues[queue].taps[link];
    if (tap->attached)
        link_credit(&tap->link, more);
}

uint64_t
rig_held(struct rig *rig, unsigned queue, unsigned link)
{
    const struct rig_queue *q = &rig->queues[queue];
    const struct tap *tap = &q->taps[link];
    if (!tap->attached || tap->link.flight == 0)
        return 0;
    uint64_t nth = prng_below(&rig->prng, tap->link.flight);
    for (uint64_t seq = q->first; seq < q->next; seq++)
        if (q->facts[seq].state == FACT_FLIGHT && q->facts[seq].link == link && nth-- == 0)
            return seq;
    fail_msg("the link counts %u in flight", tap->link.flight);
    return 0;
}

void
rig_accept(struct rig *rig, unsigned queue, unsigned link, uint64_t seq)
{
    struct rig_queue *q = &rig->queues[queue];
    set_gone(&q->facts[seq]);
    q->taps[link].asked = q->taps[link].asked == seq ? 0 : q->taps[link].asked;
    assert_false(link_accept(&q->taps[(link + 1) % RIG_LINKS].link, seq, true));
    assert_true(link_accept(&q->taps[link].link, seq, true));
    assert_false(link_accept(&q->taps[link].link, seq, true));
}

void
rig_release(struct rig *rig, unsigned queue, unsigned link, uint64_t seq)
{
    struct rig_queue *q = &rig->queues[queue];
    set_ready(&q->facts[seq]);
    q->taps[link].asked = q->taps[link].asked == seq ? 0 : q->taps[link].asked;
    assert_true(link_release(&q->taps[link].link, seq));
}

void
rig_return(struct rig *rig, unsigned queue, unsigned link, uint64_t seq)
{
    struct rig_queue *q = &rig->queues[queue];
    struct fact *fact = &q->facts[seq];
    q->taps[link].asked = q->taps[link].asked == seq ? 0 : q->taps[link].asked;
    fact->returns++;
    if (rig->limits.delivery_limit > 0 && fact->returns > rig->limits.delivery_limit)
        rig_die(rig, fact, QUEUE_DEATH_DELIVERY_LIMIT);
    else
        set_ready(fact);
    assert_true(link_return(&q->taps[link].link, seq));
    fact->returns_end = rig->durable ? log_end(rig->log) : 0;
}

void
rig_reject(struct rig *rig, unsigned queue, unsigned link, uint64_t seq)
{
    struct rig_queue *q = &rig->queues[queue];
    q->taps[link].asked = q->taps[link].asked == seq ? 0 : q->taps[link].asked;
    rig_die(rig, &q->facts[seq], QUEUE_DEATH_REJECTED);
    assert_true(link_reject(&q->taps[link].link, seq));
    assert_false(link_reject(&q->taps[link].link, seq));
}

void
rig_again(struct rig *rig, unsigned queue, unsigned link, uint64_t seq)
{
    struct tap *tap = &rig->queues[queue].taps[link];
    if (tap->asked != 0)
        return;
    tap->asked = seq;
    assert_int_equal(link_again(&tap->link, seq), 0);
}

void
rig_purge(struct rig *rig, unsigned queue)
{
    struct rig_queue *q = &rig->queues[queue];
    uint64_t ready = 0;
    rig_bury(rig);
    for (uint64_t seq = q->first; seq < q->next; seq++) {
        if (q->facts[seq].state != FACT_READY)
            continue;
        ready++;
        set_gone(&q->facts[seq]);
    }
    assert_int_equal(queue_purge(q->queue), ready);
}

void
rig_pass(struct rig *rig, uint64_t ms)
{
    sim_run_for(rig->sim, ms * SIM_NS_A_MS);
    rig_bury(rig);
}

/* ---- upkeep -------------------------------------------------------------------------------------------------- */

static void
on_checkpointed(void *arg, int rc)
{
    struct rig *rig = arg;
    assert_int_equal(rc, 0);
    rig->checkpointing = false;
    rig->checkpoints++;
}

void
rig_checkpoint_step(struct rig *rig)
{
    if (rig->checkpoint == 0) {
        if (rig->checkpointing || log_checkpoint_begin(rig->log) == 0)
            return;
        rig->checkpointing = true;
        rig->checkpoint = 1;
        return;
    }
    if (rig->checkpoint <= RIG_QUEUES) {
        assert_int_equal(queue_checkpoint(rig->queues[rig->checkpoint - 1].queue), 0);
        rig->checkpoint++;
        return;
    }
    rig->checkpoint = 0;
    log_checkpoint_end(rig->log, on_checkpointed, rig);
}

void
rig_checkpoint_all(struct rig *rig)
{
    do
        rig_checkpoint_step(rig);
    while (rig->checkpoint != 0);
    while (rig->checkpointing)
        rig_turn(rig);
}

static void
on_evacuated(void *arg)
{
    struct rig *rig = arg;
    rig->evacuating = false;
    rig->evacuations++;
}

void
rig_evacuate(struct rig *rig, unsigned percent)
{
    uint32_t segment;
    if (rig->evacuating || !log_victim(rig->log, percent, &segment))
        return;
    rig->evacuating = true;
    assert_int_equal(queue_evacuate(&rig->host, segment, 20000, on_evacuated, rig), 0);
}

static void
note_fact(struct fact *fact, uint64_t end)
{
    if (fact->state == FACT_GONE && fact->gone_end == 0)
        fact->gone_end = end;
    if (fact->shown_now && fact->shown_end == 0)
        fact->shown_end = end;
}

static void
note_recorded(struct rig *rig)
{
    uint64_t end = log_end(rig->log);
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        struct rig_queue *q = &rig->queues[i];
        for (uint64_t seq = q->noted; seq < q->next; seq++)
            note_fact(&q->facts[seq], end);
        while (q->noted < q->next && q->facts[q->noted].state == FACT_GONE)
            q->noted++;
    }
}

void
rig_end_turn(void *arg)
{
    struct rig *rig = arg;
    if (!rig->up)
        return;
    queue_host_turn(&rig->host);
    if (!rig->durable)
        return;
    if (!rig->unchecked)
        note_recorded(rig);
    log_flush(rig->log);
}

void
rig_turn(struct rig *rig)
{
    rig_end_turn(rig);
    sim_run_for(rig->sim, SIM_NS_A_MS);
}

void
rig_settle(struct rig *rig)
{
    for (unsigned i = 0; i < 50; i++)
        rig_turn(rig);
}

void
rig_compare(struct rig *rig)
{
    rig_bury(rig);
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        const struct rig_queue *q = &rig->queues[i];
        uint64_t ready = 0, flight = 0, dead = 0;
        for (uint64_t seq = q->first; seq < q->next; seq++) {
            ready += q->facts[seq].state == FACT_READY;
            flight += q->facts[seq].state == FACT_FLIGHT;
            dead += q->facts[seq].state == FACT_DEAD;
        }
        assert_int_equal(queue_ready(q->queue), ready);
        assert_int_equal(queue_flight(q->queue), flight);
        assert_int_equal(queue_dead(q->queue), dead);
        assert_int_equal(queue_next_seq(q->queue), q->next);
        rig_compare_bytes(rig, q);
        assert_int_equal(rig->host.damaged, 0);
        assert_true(queue_count(q->queue) + queue_dead(q->queue) > 0 || queue_bytes(q->queue) == 0);
    }
}
