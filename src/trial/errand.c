/* trial/errand.c - see errand.h: the desks, the acts, the plans. */
#include "trial/errand.h"

#include "base/err.h"
#include "base/must.h"
#include "trial/asker.h"

enum { STEP_MS = 10, FIRST_S_MAX = 30, LAST_S_MAX = 300, HEAL_S = 10, PARTING_S = 5 };

/* ---- who is there ----------------------------------------------------------------------------------------------- */

static bool
is_local(const struct errand_plan *plan)
{
    return plan->road == ERRAND_UNIX || plan->road == ERRAND_INPROC;
}

static int
on_start(void *arg, struct io *io)
{
    struct desk *desk = arg;
    struct errands *all = desk->all;
    int rc = rpc_world_new(io, &desk->world);
    for (unsigned i = 0; i < all->plan->doers && rc == 0; i++)
        if (all->doers[i].desk == desk)
            rc = doer_open(&all->doers[i]);
    return rc;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct desk *desk = arg;
    struct errands *all = desk->all;
    sim_note(all->sim, "%s %s", sim_machine_name(desk->machine), how == SIM_POWER ? "lost power" : "was killed");
    for (unsigned i = 0; i < all->plan->askers; i++)
        if (all->askers[i].desk == desk && all->askers[i].client != NULL)
            asker_leave(&all->askers[i]);
    for (unsigned i = 0; i < all->plan->doers; i++)
        if (all->doers[i].desk == desk)
            doer_close(&all->doers[i]);
    rpc_world_free(desk->world);
    desk->world = NULL;
    desk->boot_at_ns = sim_now(all->sim) + SIM_NS_A_MS * (10 + prng_below(&all->prng, 500));
    all->deaths++;
}

static int
make_desk(struct errands *all, unsigned at)
{
    struct desk *desk = &all->desks[at];
    const struct sim_program program = { .start = on_start, .died = on_died, .arg = desk, .mem = &desk->mem };
    const char name[3] = { 'm', (char)('0' + at) };
    desk->all = all;
    int rc = sim_machine_new(all->sim, name, &program, &desk->machine);
    if (rc == 0)
        sim_boot(desk->machine);
    all->desk_count += rc == 0;
    return rc;
}

static int
seat(struct errands *all)
{
    const struct errand_plan *plan = all->plan;
    for (unsigned i = 0; i < plan->doers; i++)
        all->doers[i] = (struct doer){ .all = all, .index = i, .desk = &all->desks[is_local(plan) ? 0 : i] };
    for (unsigned i = 0; i < plan->askers; i++) {
        struct asker *asker = &all->askers[i];
        asker->all = all;
        asker->index = i;
        asker->desk = &all->desks[is_local(plan) ? 0 : plan->doers + i];
        asker->deeds = mem_new(&all->mem, (plan->errands + LAST_TRIES_MAX + 1) * sizeof(*asker->deeds));
        if (asker->deeds == NULL)
            return -ERR_NO_MEMORY;
    }
    return 0;
}

static int
gather(struct errands *all)
{
    unsigned desks = is_local(all->plan) ? 1 : all->plan->doers + all->plan->askers;
    int rc = seat(all);
    for (unsigned i = 0; i < desks && rc == 0; i++)
        rc = make_desk(all, i);
    return rc;
}

static void
disperse(struct errands *all)
{
    sim_free(all->sim);
    for (unsigned i = 0; i < all->desk_count; i++)
        must(all->desks[i].mem.used_bytes == 0);
    for (unsigned i = 0; i < all->plan->askers; i++)
        mem_free(&all->mem, all->askers[i].deeds);
    must(all->mem.used_bytes == 0);
}

/* ---- acts ------------------------------------------------------------------------------------------------------- */

/* Before each event of the world.  A kill between two is a kill at the later one. */
static bool
on_step(void *arg)
{
    struct errands *all = arg;
    all->steps += all->is_first_act;
    if (all->is_first_act && all->steps == all->plan->kill_at && sim_machine_up(all->desks[0].machine))
        sim_kill(all->desks[0].machine);
    return false;
}

static void
tend(struct errands *all)
{
    for (unsigned i = 0; i < all->desk_count; i++) {
        struct desk *desk = &all->desks[i];
        if (desk->world == NULL && sim_now(all->sim) >= desk->boot_at_ns)
            sim_boot(desk->machine);
    }
    for (unsigned i = 0; i < all->plan->doers; i++)
        doer_tend(&all->doers[i]);
    for (unsigned i = 0; i < all->plan->askers; i++)
        asker_prompt(&all->askers[i]);
    sim_run_until(all->sim, on_step, all, STEP_MS * SIM_NS_A_MS);
}

static struct sim_machine *
any_machine(struct errands *all)
{
    return all->desks[prng_below(&all->prng, all->desk_count)].machine;
}

static void
make_trouble(struct errands *all, unsigned *deaths_left)
{
    struct sim_machine *a = any_machine(all), *b = any_machine(all);
    if (prng_once_in(&all->prng, 50))
        (void)sim_cut_streams(all->sim, a, b);
    if (prng_once_in(&all->prng, 300))
        (void)sim_mute_streams(all->sim, a, b);
    if (*deaths_left == 0 || !sim_machine_up(a) || !prng_once_in(&all->prng, 40))
        return;
    --*deaths_left;
    (prng_once_in(&all->prng, 2) ? sim_kill : sim_power_cut)(a);
}

static bool
is_over(const struct errands *all)
{
    return all->verdicts.verdict.violated;
}

static bool
all_asked(const struct errands *all)
{
    for (unsigned i = 0; i < all->plan->askers; i++)
        if (all->askers[i].newest < errand_last(all))
            return false;
    return true;
}

static bool
all_idle(const struct errands *all)
{
    for (unsigned i = 0; i < all->plan->askers; i++)
        if (!asker_is_idle(&all->askers[i]))
            return false;
    return true;
}

static bool
all_heard(const struct errands *all)
{
    for (unsigned i = 0; i < all->plan->askers; i++)
        if (all->askers[i].last_words < LAST_WORDS)
            return false;
    return all_idle(all);
}

static void
first_act(struct errands *all)
{
    unsigned deaths_left = all->plan->deaths;
    uint64_t end = sim_now(all->sim) + FIRST_S_MAX * SIM_NS_A_S;
    sim_profile_set(all->sim, all->plan->profile);
    all->is_first_act = true;
    if (all->plan->cut_at != 0)
        sim_cut_byte(all->sim, sim_sent_bytes(all->sim) + all->plan->cut_at);
    while (sim_now(all->sim) < end && !is_over(all) && (!all_asked(all) || !all_idle(all))) {
        if (!all->plan->is_by_place)
            make_trouble(all, &deaths_left);
        tend(all);
    }
    all->is_first_act = false;
    all->sent_bytes = sim_sent_bytes(all->sim);
}

static void
wait_for(struct errands *all, bool (*done)(const struct errands *), const char *what)
{
    uint64_t end = sim_now(all->sim) + LAST_S_MAX * SIM_NS_A_S;
    while (sim_now(all->sim) < end && !is_over(all)) {
        if (done(all))
            return;
        tend(all);
    }
    ledger_violated(&all->verdicts, "stuck", "%s in %u s", what, LAST_S_MAX);
}

static void
second_act(struct errands *all)
{
    sim_profile_set(all->sim, sim_profile_find("calm"));
    for (uint64_t end = sim_now(all->sim) + HEAL_S * SIM_NS_A_S; sim_now(all->sim) < end && !is_over(all);)
        tend(all); /* partitions heal, and what is silent is noticed */
    wait_for(all, all_idle, "not all errands came to an end");
    all->is_last_word = true;
    wait_for(all, all_heard, "not all last words were answered");
    all->is_last_word = false;
}

/* Everybody goes; what clients and servers held goes with them. */
static void
part(struct errands *all)
{
    for (unsigned i = 0; i < all->plan->askers; i++)
        if (all->askers[i].client != NULL)
            asker_leave(&all->askers[i]);
    for (unsigned i = 0; i < all->plan->doers; i++)
        doer_close(&all->doers[i]);
    sim_run_for(all->sim, PARTING_S * SIM_NS_A_S);
    for (unsigned i = 0; i < all->desk_count; i++)
        if (rpc_world_count(all->desks[i].world) > 0)
            ledger_violated(&all->verdicts, "left over", "%u links or doors on %s",
                            rpc_world_count(all->desks[i].world), sim_machine_name(all->desks[i].machine));
    proof_judge(all);
}

/* ---- plans ------------------------------------------------------------------------------------------------------ */

void
errand_draw(uint64_t seed, struct errand_plan *ret)
{
    static const char *const profiles[] = { "calm", "lossy", "chaos" };
    static const unsigned sizes[] = { 0, 4, 100, 1000, 5000, 40000 }, deadlines_ms[] = { 200, 2000, 25000 };
    static const unsigned retries[] = { 0, 2, 10 }, resends_ms[] = { 20, 500 }, hedges_ms[] = { 0, 0, 50 };
    struct prng prng;
    prng_init(&prng, seed);
    *ret = (struct errand_plan){ .seed = seed, .road = (enum errand_road)(seed % ERRAND_ROADS) };
    ret->profile = sim_profile_find(profiles[prng_below(&prng, COUNT_OF(profiles))]);
    ret->askers = 1 + (unsigned)prng_below(&prng, ASKERS_MAX);
    ret->doers = 1 + (unsigned)prng_below(&prng, DOERS_MAX);
    ret->errands = 20 + (unsigned)prng_below(&prng, 200);
    ret->bytes = sizes[prng_below(&prng, COUNT_OF(sizes))];
    ret->deaths = prng_once_in(&prng, 3) ? 0 : (unsigned)prng_below(&prng, 6);
    ret->is_once = !prng_once_in(&prng, 3);
    ret->is_restless = prng_once_in(&prng, 3);
    ret->deadline_ms = deadlines_ms[prng_below(&prng, COUNT_OF(deadlines_ms))];
    ret->retry_max = retries[prng_below(&prng, COUNT_OF(retries))];
    ret->resend_ms = resends_ms[prng_below(&prng, COUNT_OF(resends_ms))];
    ret->hedge_ms = hedges_ms[prng_below(&prng, COUNT_OF(hedges_ms))];
    ret->balance = (unsigned)prng_below(&prng, 3);
}

void
errand_draw_small(uint64_t seed, struct errand_plan *ret)
{
    errand_draw(seed, ret);
    ret->profile = sim_profile_find("calm");
    ret->askers = ret->doers = 1;
    ret->errands = 16; /* of each manner one */
    ret->bytes = 8;
    ret->deaths = 0;
    ret->is_restless = false;
    ret->is_by_place = true;
}

int
errand_run(const struct errand_plan *plan, FILE *transcript, struct trial_result *ret)
{
    struct errands all = { .plan = plan };
    *ret = (struct trial_result){ 0 };
    prng_init(&all.prng, plan->seed ^ 0xe44a4d);
    int rc = sim_new(&all.mem, plan->seed, sim_profile_find("calm"), &all.sim);
    if (rc < 0)
        return rc;
    rc = gather(&all);
    if (rc == 0) {
        first_act(&all);
        second_act(&all);
        if (!is_over(&all))
            part(&all);
    }
    ret->verdict = all.verdicts.verdict;
    ret->received = all.done;
    ret->deaths = all.deaths;
    ret->steps = all.steps;
    ret->sent_bytes = all.sent_bytes;
    ret->hash = sim_hash(all.sim);
    ret->virtual_ns = sim_now(all.sim);
    if (transcript != NULL)
        sim_transcript(all.sim, transcript);
    disperse(&all);
    return rc;
}
