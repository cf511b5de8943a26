/* queue/queue_world.c - the machine of queue_rig.h: replay, boots, crashes. */
#include "queue/queue_rig.h"

#include "queue/record.h"

/* ---- the world ----------------------------------------------------------------------------------------------- */

static int
on_replay(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct rig *rig = arg;
    struct cursor c = cursor_of(record);
    struct record_publish publish;
    struct record_target target;
    struct envelope env;
    uint32_t id = take_u32(&c);
    uint64_t seq;
    switch (kind) {
    case RECORD_SETTLE: seq = take_u64(&c); return queue_restore_settle(rig->queues[id - 1].queue, seq, take_u32(&c));
    case RECORD_QUEUE: return queue_restore_pages(rig->queues[id - 1].queue, record);
    case RECORD_RETURN: seq = take_u64(&c); return queue_restore_return(rig->queues[id - 1].queue, seq, take_u32(&c));
    case RECORD_DELIVERED: queue_restore_delivered(rig->queues[id - 1].queue, take_u64(&c)); return 0;
    case RECORD_PAGE: return queue_restore_page(rig->queues[record_page_queue(record) - 1].queue, position, record);
    default: break;
    }
    assert_true(kind == RECORD_PUBLISH || kind == RECORD_MOVE);
    int rc = record_publish_parse(record, &publish, &env);
    while (rc == 0 && record_target_next(&publish, &target)) {
        struct queue *queue = rig->queues[target.queue - 1].queue;
        uint32_t bytes = (uint32_t)record.len;
        rc = kind == RECORD_MOVE
                 ? queue_restore_move(queue, target.seq, position, bytes)
                 : queue_restore(queue, target.seq, position, bytes, &env, entry_meta_unpack(target.meta));
    }
    return rc;
}

static void
on_committed(void *arg, uint64_t position)
{
    (void)arg, (void)position;
}

static void
on_note(void *arg, int severity, const char *line)
{
    (void)severity;
    sim_note(((struct rig *)arg)->sim, "%s", line);
}

static void
on_pressed(void *arg, bool short_of_room)
{
    (void)arg, (void)short_of_room;
}

static int
make_queues(struct rig *rig)
{
    int rc = 0;
    queue_host_init(&rig->host, &rig->queue_mem, rig->io, rig->log);
    for (unsigned i = 0; i < RIG_QUEUES && rc == 0; i++)
        rc = queue_new(&rig->host, i + 1, rig->durable, rig->limits, &rig->queues[i].queue);
    for (unsigned i = 0; i < RIG_QUEUES && rc == 0 && rig->owned; i++)
        queue_own(rig->queues[i].queue, &rig->queues[i].owner);
    return rc;
}

static void
free_queues(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        queue_free(rig->queues[i].queue);
        rig->queues[i].queue = NULL;
        for (unsigned k = 0; k < RIG_LINKS; k++)
            rig->queues[i].taps[k].attached = false;
    }
    assert_int_equal(rig->host.entries, 0);
    assert_int_equal(rig->host.bytes, 0);
    assert_int_equal(rig->host.ahead_bytes, 0);
    queue_host_fini(&rig->host);
}

static int
on_start(void *arg, struct io *io)
{
    struct rig *rig = arg;
    struct log_owner owner = {
        .arg = rig, .committed = on_committed, .replay = on_replay, .note = on_note, .pressed = on_pressed
    };
    rig->io = io;
    rig->up = true;
    rig->checkpoint = 0;
    rig->checkpointing = rig->evacuating = false;
    rig->opened = rig->durable ? log_new(io, &rig->config, &owner, &rig->log) : 0;
    if (rig->opened == 0)
        rig->opened = make_queues(rig);
    if (rig->opened == 0 && rig->durable)
        rig->opened = log_open(rig->log, &rig->report);
    io_on_turn(io, rig_end_turn, rig);
    return 0;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct rig *rig = arg;
    (void)how;
    rig->committed = rig->durable ? log_committed(rig->log) : 0;
    rig->up = false;
    free_queues(rig);
    log_free(rig->log);
    rig->log = NULL;
    rig->io = NULL;
}

struct rig *
rig_new(uint64_t seed, bool durable)
{
    struct rig *rig = test_calloc(1, sizeof(*rig));
    prng_init(&rig->prng, seed);
    rig->durable = durable;
    rig->limits = (struct queue_limits){
        .count_max = UINT64_MAX, .bytes_max = UINT64_MAX, .overflow = QUEUE_REJECT, .ttl_ms = UINT64_MAX
    };
    for (unsigned i = 0; i < RIG_QUEUES; i++)
        rig->queues[i].first = rig->queues[i].noted = rig->queues[i].next = 1;
    rig->config = (struct log_config){
        .dir = "log", .tier = TIER_SYNCED, .segment_bytes = 256 * 1024, .batch_bytes_max = 1 << 20
    };
    assert_int_equal(sim_new(&rig->world, seed, NULL, &rig->sim), 0);
    struct sim_program program = { .start = on_start, .died = on_died, .arg = rig, .mem = &rig->mem };
    assert_int_equal(sim_machine_new(rig->sim, "n1", &program, &rig->machine), 0);
    rig_boot(rig);
    return rig;
}

void
rig_free(struct rig *rig)
{
    sim_free(rig->sim);
    assert_int_equal(rig->mem.used_bytes, 0);
    assert_int_equal(rig->queue_mem.used_bytes, 0);
    assert_int_equal(rig->world.used_bytes, 0);
    test_free(rig);
}

void
rig_crash(struct rig *rig, bool power)
{
    rig_bury(rig);
    rig->learning = true;
    for (unsigned i = 0; i < RIG_QUEUES; i++)
        for (uint64_t seq = 1; seq < rig->queues[i].next; seq++)
            rig->queues[i].facts[seq].told = false;
    if (power)
        sim_power_cut(rig->machine);
    else
        sim_kill(rig->machine);
}

/* What was committed must be so; of the rest we learn what came true. */
static void
learn(struct rig *rig, struct rig_queue *q, uint64_t seq)
{
    struct fact *fact = &q->facts[seq];
    bool there = rig_is_there(q->queue, seq);
    if (fact->state == FACT_GONE && fact->gone_end != 0 && fact->gone_end <= rig->committed)
        assert_false(there);
    bool worthless = !rig->owned && fact->state == FACT_READY && !rig_is_ready(rig, fact);
    if (fact->state != FACT_GONE && !worthless && fact->made_end <= rig->committed)
        assert_true(there);
    bool dead = there && rig_in_grave(q->queue, seq);
    fact->state = dead ? FACT_DEAD : there ? FACT_READY : FACT_GONE;
    rig_learn_returns(rig, q, seq);
    fact->made_end = 1;
    fact->gone_end = there ? 0 : 1;
}

static bool
is_up(void *arg)
{
    return ((struct rig *)arg)->up;
}

void
rig_boot(struct rig *rig)
{
    sim_boot(rig->machine);
    assert_true(sim_run_until(rig->sim, is_up, rig, 60 * SIM_NS_A_S));
    assert_int_equal(rig->opened, 0);
    for (unsigned i = 0; i < RIG_QUEUES; i++) {
        struct rig_queue *q = &rig->queues[i];
        for (uint64_t seq = 1; seq < q->next; seq++)
            learn(rig, q, seq);
        assert_true(queue_next_seq(q->queue) <= q->next);
        q->next = queue_next_seq(q->queue);
        q->first = q->noted = 1;
    }
    rig->learning = false;
    rig_pass(rig, 0);
    rig_compare(rig);
}
