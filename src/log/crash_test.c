/* Power cuts: a small owner adds, settles and moves things through a log with checkpoints, recycling and compaction,
 * and power is cut at every operation of the disk in turn.  After each, the state that recovery rebuilds must be the
 * one after some prefix of the owner's facts that holds all committed ones, and everything in it must be readable. */
#include "base/cursor.h"
#include "log/log_rig.h"

enum { FACTS_MAX = 4000, THINGS_MAX = 4000, LIVES = 3, STEPS = 150 };

enum kind { ADD = 1, SETTLE, MOVE, STATE };

struct fact {
    enum kind kind;
    uint64_t id, position;
};

/* What is alive: index is the id. */
struct thing {
    bool alive;
    uint64_t position;
    size_t len;
};

struct owner {
    struct mem world, mem;
    struct sim *sim;
    struct sim_machine *machine;
    struct io *io;
    struct log *log;
    struct log_config config;
    struct prng prng;
    struct thing things[THINGS_MAX];
    struct fact facts[FACTS_MAX];
    size_t fact_count;
    uint64_t next_id;
    uint64_t committed;
    uint64_t writing; /* the id that a checkpoint has come to; 0: none is written */
    int opened;
    bool faulty; /* its disk fails now and then */
    bool up, died;
    unsigned checkpoints, moves, reused;
    struct log_report report;
};

/* ---- facts --------------------------------------------------------------------------------------------------- */

/* id, then bytes made of it. */
static size_t
print_thing(uint8_t *ret, uint64_t id, size_t len)
{
    struct pen p = pen_of(ret, 8);
    put_u64(&p, id);
    struct prng prng;
    prng_init(&prng, id);
    prng_fill(&prng, ret + 8, len - 8);
    return len;
}

static int64_t
append(struct owner *o, enum kind kind, uint64_t id, size_t len)
{
    static uint8_t bytes[64 * 1024];
    struct view part = view_of(bytes, print_thing(bytes, id, len));
    int64_t position = log_append(o->log, kind, kind != ADD, &part, 1);
    if (position < 0)
        return position;
    assert_true(o->fact_count < FACTS_MAX);
    o->facts[o->fact_count++] = (struct fact){ .kind = kind, .id = id, .position = (uint64_t)position };
    return position;
}

static void
add_thing(struct owner *o)
{
    size_t len = 8 + (size_t)prng_below(&o->prng, prng_once_in(&o->prng, 30) ? 20000 : 600);
    int64_t position = append(o, ADD, o->next_id, len);
    if (position < 0)
        return;
    assert_true(o->next_id < THINGS_MAX);
    o->things[o->next_id++] = (struct thing){ .alive = true, .position = (uint64_t)position, .len = len };
    log_hold(o->log, (uint64_t)position, len);
}

static uint64_t
any_alive(struct owner *o)
{
    for (int tries = 0; tries < 50; tries++) {
        uint64_t id = 1 + prng_below(&o->prng, o->next_id);
        if (id < o->next_id && o->things[id].alive)
            return id;
    }
    return 0;
}

/* The drop may come before the record of the same turn, as a queue does it. */
static void
settle_thing(struct owner *o, uint64_t id)
{
    struct thing *thing = &o->things[id];
    struct log_stats stats;
    log_stats(o->log, &stats);
    bool early = prng_once_in(&o->prng, 2);
    if (id == 0 || stats.failed)
        return;
    if (early)
        log_drop(o->log, thing->position, thing->len);
    bool settled = append(o, SETTLE, id, 8) > 0;
    assert_true(settled || o->faulty);
    if (!early && settled)
        log_drop(o->log, thing->position, thing->len);
    thing->alive = !settled && !early;
}

static void
evacuate(struct owner *o)
{
    uint32_t segment;
    if (!log_victim(o->log, 60, &segment))
        return;
    for (uint64_t id = 1; id < o->next_id; id++) {
        struct thing *thing = &o->things[id];
        if (!thing->alive || position_segment(thing->position) != segment)
            continue;
        int64_t position = append(o, MOVE, id, thing->len);
        if (position < 0)
            return;
        log_hold(o->log, (uint64_t)position, thing->len);
        log_drop(o->log, thing->position, thing->len);
        thing->position = (uint64_t)position;
        o->moves++;
    }
}

/* ---- checkpoints --------------------------------------------------------------------------------------------- */

static void
on_checkpointed(void *arg, int rc)
{
    struct owner *o = arg;
    assert_true(rc == 0 || o->faulty);
    o->checkpoints += rc == 0;
}

/* A piece of it a step: fuzzy. */
static void
write_checkpoint(struct owner *o)
{
    if (o->writing == 0) {
        o->writing = log_checkpoint_begin(o->log) > 0;
        return;
    }
    uint64_t end = o->writing + 20 < o->next_id ? o->writing + 20 : o->next_id;
    for (; o->writing < end; o->writing++) {
        const struct thing *thing = &o->things[o->writing];
        uint8_t bytes[24];
        struct pen p = pen_of(bytes, sizeof(bytes));
        put_u64(&p, o->writing);
        put_u64(&p, thing->position);
        put_u64(&p, thing->len);
        struct view part = view_of(bytes, sizeof(bytes));
        if (thing->alive)
            assert_true(log_checkpoint_put(o->log, STATE, &part, 1) == 0 || o->faulty);
    }
    if (end < o->next_id)
        return;
    log_checkpoint_end(o->log, on_checkpointed, o);
    o->writing = 0;
}

/* ---- replay -------------------------------------------------------------------------------------------------- */

static void
know(struct owner *o, uint64_t id, uint64_t position, size_t len)
{
    struct thing *thing = &o->things[id];
    assert_true(id > 0 && id < THINGS_MAX);
    if (thing->alive && thing->position == position)
        return;
    log_hold(o->log, position, len);
    if (thing->alive)
        log_drop(o->log, thing->position, thing->len);
    *thing = (struct thing){ .alive = true, .position = position, .len = len };
}

static void
forget(struct owner *o, uint64_t id)
{
    if (o->things[id].alive)
        log_drop(o->log, o->things[id].position, o->things[id].len);
    o->things[id].alive = false;
}

static int
on_replay(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct owner *o = arg;
    struct cursor c = cursor_of(record);
    uint64_t id = take_u64(&c);
    assert_int_equal(position == 0, kind == STATE);
    if (kind == STATE) {
        uint64_t place = take_u64(&c);
        know(o, id, place, (size_t)take_u64(&c));
    } else if (kind == ADD || (kind == MOVE && o->things[id].alive)) {
        know(o, id, position, record.len);
    } else if (kind == SETTLE) {
        forget(o, id);
    }
    return 0;
}

/* ---- the machine --------------------------------------------------------------------------------------------- */

static void
on_committed(void *arg, uint64_t position)
{
    struct owner *o = arg;
    o->committed = position;
}

static void
on_note(void *arg, int severity, const char *line)
{
    struct owner *o = arg;
    (void)severity;
    sim_note(o->sim, "%s", line);
}

static void
on_pressed(void *arg, bool short_of_room)
{
    (void)arg;
    (void)short_of_room;
}

static int
on_start(void *arg, struct io *io)
{
    struct owner *o = arg;
    struct log_owner owner = {
        .arg = o, .committed = on_committed, .replay = on_replay, .note = on_note, .pressed = on_pressed
    };
    o->io = io;
    o->up = true;
    memset(o->things, 0, sizeof(o->things));
    assert_int_equal(log_new(io, &o->config, &owner, &o->log), 0);
    o->opened = log_open(o->log, &o->report);
    return 0;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct owner *o = arg;
    (void)how;
    log_free(o->log);
    o->log = NULL;
    o->up = false;
    o->died = true;
}

static bool
is_decided(void *arg)
{
    const struct owner *o = arg;
    return o->up || o->died;
}

static void
boot(struct owner *o)
{
    o->died = false;
    o->writing = 0;
    sim_boot(o->machine);
    assert_true(sim_run_until(o->sim, is_decided, o, 60 * SIM_NS_A_S));
}

static struct mem heap;

static struct owner *
owner_new(uint64_t seed, const struct sim_profile *profile)
{
    struct owner *o = MEM_NEW(&heap, struct owner);
    assert_non_null(o);
    o->config = (struct log_config){
        .dir = "log", .tier = TIER_SYNCED, .segment_bytes = SEGMENT_BYTES_MIN + 4096, .batch_bytes_max = 32 * 1024
    };
    o->next_id = 1;
    prng_init(&o->prng, seed);
    assert_int_equal(sim_new(&o->world, seed, profile, &o->sim), 0);
    struct sim_program program = { .start = on_start, .died = on_died, .arg = o, .mem = &o->mem };
    assert_int_equal(sim_machine_new(o->sim, "n1", &program, &o->machine), 0);
    return o;
}

static void
owner_free(struct owner *o)
{
    sim_free(o->sim);
    assert_int_equal(o->mem.used_bytes, 0);
    mem_free(&heap, o);
}

/* ---- a life and its end -------------------------------------------------------------------------------------- */

static void
step(struct owner *o)
{
    uint64_t dice = prng_below(&o->prng, 100);
    if (dice < 40)
        add_thing(o);
    else if (dice < 75)
        settle_thing(o, any_alive(o));
    else if (dice < 80)
        evacuate(o);
    else if (dice < 88)
        write_checkpoint(o);
    else {
        log_flush(o->log);
        sim_run_for(o->sim, prng_below(&o->prng, 2 * SIM_NS_A_MS));
    }
}

static void
live(struct owner *o)
{
    for (int i = 0; i < STEPS && o->log != NULL; i++)
        step(o);
    if (o->log == NULL)
        return;
    log_flush(o->log);
    sim_run_for(o->sim, prng_below(&o->prng, 5 * SIM_NS_A_MS));
}

/* Is the rebuilt state the one after the first `n` facts? */
static bool
is_state_after(const struct owner *o, size_t n)
{
    static bool alive[THINGS_MAX];
    memset(alive, 0, sizeof(alive));
    for (size_t i = 0; i < n; i++)
        if (o->facts[i].kind != MOVE)
            alive[o->facts[i].id] = o->facts[i].kind == ADD;
    for (size_t id = 0; id < THINGS_MAX; id++)
        if (alive[id] != o->things[id].alive)
            return false;
    return true;
}

static void
read_all(struct owner *o)
{
    static uint8_t bytes[64 * 1024], wanted[64 * 1024];
    for (uint64_t id = 1; id < o->next_id; id++) {
        const struct thing *thing = &o->things[id];
        unsigned kind;
        if (!thing->alive)
            continue;
        int64_t len = log_read_now(o->log, thing->position, bytes, sizeof(bytes), &kind);
        assert_int_equal(len, thing->len);
        assert_true(kind == ADD || kind == MOVE);
        print_thing(wanted, id, thing->len);
        assert_memory_equal(bytes, wanted, thing->len);
    }
}

/* After a boot: which prefix of the facts survived?  What came after it never was. */
static void
check(struct owner *o, uint64_t committed)
{
    size_t least = 0;
    assert_int_equal(o->opened, 0);
    assert_int_equal(o->report.quarantined_places, 0);
    while (least < o->fact_count && o->facts[least].position < committed)
        least++;
    size_t n = o->fact_count;
    while (n > least && !is_state_after(o, n))
        n--;
    if (!is_state_after(o, n))
        sim_transcript(o->sim, stdout);
    assert_true(is_state_after(o, n));
    o->fact_count = n;
    o->committed = log_committed(o->log);
    read_all(o);
}

/* A killed process leaves more behind than a power cut; the next power cut may take it, but not if it was replayed. */
static void
end_life(struct owner *o)
{
    if (o->died)
        return;
    if (prng_once_in(&o->prng, 2))
        sim_kill(o->machine);
    else
        sim_power_cut(o->machine);
}

/* LIVES lives; in one of them power is cut at the n-th operation since its boot, in the others at some end. */
static bool
journey(uint64_t seed, unsigned cut_life, uint64_t op, enum sim_cut how)
{
    struct owner *o = owner_new(seed, NULL);
    bool cut = false;
    for (unsigned life = 0; life < LIVES; life++) {
        uint64_t committed = o->committed;
        if (life == cut_life)
            sim_cut_at(o->machine, sim_disk_ops(o->machine) + op, how);
        boot(o);
        if (o->log != NULL) {
            check(o, committed);
            live(o);
        }
        cut = cut || (life == cut_life && o->died);
        if (!o->died)
            sim_cut_at(o->machine, 0, how);
        end_life(o);
    }
    uint64_t committed = o->committed;
    boot(o);
    check(o, committed);
    owner_free(o);
    return cut;
}

static void
power_is_cut_at_every_operation(void **state)
{
    (void)state;
    for (unsigned life = 0; life < LIVES; life++)
        for (enum sim_cut how = SIM_CUT_BEFORE; how <= SIM_CUT_AFTER; how++)
            for (uint64_t op = 1; journey(1 + life, life, op, how); op++)
                continue;
}

/* Many seeds, and power cut at a place that chance chooses. */
static void
power_is_cut_anywhere(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 300; seed++)
        (void)journey(seed, (unsigned)(seed % LIVES), 1 + seed * 7919 % 400, (enum sim_cut)(seed % 3));
}

/* Writes and syncs fail now and then; in the end the log may fail for good, or not open at once.  What it said was
 * committed is there all the same. */
static void
failing_journey(uint64_t seed)
{
    static const struct sim_profile calm = { .name = "calm",
                                             .disk_ns_min = 1000,
                                             .disk_ns_max = 100000,
                                             .sync_ns_min = 10000,
                                             .sync_ns_max = 300000,
                                             .turn_ns = 1000 };
    struct sim_profile failing = calm;
    failing.write_error_once_in = failing.sync_error_once_in = 4 + seed % 60;
    struct owner *o = owner_new(seed, &failing);
    o->faulty = true;
    for (unsigned life = 0; life < LIVES; life++) {
        uint64_t committed = o->committed;
        boot(o);
        if (o->opened == 0) {
            check(o, committed);
            live(o);
        }
        end_life(o);
    }
    sim_profile_set(o->sim, &calm);
    uint64_t committed = o->committed;
    boot(o);
    check(o, committed);
    owner_free(o);
}

static void
writes_and_syncs_fail(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++)
        failing_journey(seed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_is_cut_at_every_operation),
        cmocka_unit_test(power_is_cut_anywhere),
        cmocka_unit_test(writes_and_syncs_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
