#include "trial/trial.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "trial/hand.h"
#include "trial/stage.h"

enum {
    STEP_NS = 5 * 1000 * 1000,
    CALM_S_MAX = 60,  /* the first act */
    ACT_S_MAX = 40,   /* the second goes on for at most so long */
    HEAL_S_MAX = 600, /* the third */
    QUIET_S = 30,     /* longer than a half-open connection goes unnoticed */
    QUIET_STEPS = 2000,
};

/* ---- made and freed -------------------------------------------------------------------------------------------- */

static int
cast(struct trial *t)
{
    const struct trial_plan *plan = t->plan;
    unsigned each = plan->publishers + plan->subscribers + plan->groups * plan->members + plan->keepers;
    t->stations = mem_new(&t->mem, plan->nodes * sizeof(*t->stations));
    t->actors = mem_new(&t->mem, (plan->nodes * (each + 1)) * sizeof(*t->actors));
    t->hands = mem_new(&t->mem, (plan->senders + plan->takers + plan->readers + plan->traders + plan->clerks + 1) *
                                    sizeof(*t->hands));
    if (t->stations == NULL || t->actors == NULL || t->hands == NULL)
        return -ERR_NO_MEMORY;
    int rc = 0;
    for (unsigned n = 0; n < plan->nodes && rc == 0; n++)
        rc = station_init(&t->stations[n], t, n);
    return rc;
}

static int
enter(struct trial *t, enum role role, unsigned each)
{
    int rc = 0;
    for (unsigned i = 0; i < each * t->plan->nodes && rc == 0; i++)
        rc = actor_init(&t->actors[t->actor_count++], t, &t->stations[i / each], role, i);
    return rc;
}

static int
enter_hands(struct trial *t, enum trade trade, unsigned n)
{
    int rc = 0;
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = hand_init(&t->hands[t->hand_count++], t, trade, i);
    return rc;
}

static void
strike(struct trial *t)
{
    sim_free(t->sim);
    mem_free(&t->mem, t->actors);
    mem_free(&t->mem, t->hands);
    mem_free(&t->mem, t->stations);
    tally_fini(&t->tally);
    ledger_fini(&t->ledger);
}

/* ---- acts
 * --------------------------------------------------------------------------------------------------------------------
 */

static bool
all_done(const struct trial *t)
{
    for (unsigned i = 0; i < t->actor_count; i++)
        if (!actor_done(&t->actors[i]))
            return false;
    for (unsigned i = 0; i < t->hand_count; i++)
        if (!hand_done(&t->hands[i]))
            return false;
    return true;
}

static void
tend(struct trial *t)
{
    for (unsigned n = 0; n < t->plan->nodes; n++)
        station_tend(&t->stations[n]);
    for (unsigned i = 0; i < t->actor_count; i++)
        actor_prompt(&t->actors[i]);
    for (unsigned i = 0; i < t->hand_count; i++)
        hand_prompt(&t->hands[i]);
    sim_run_for(t->sim, STEP_NS);
}

static bool
act_until(struct trial *t, uint64_t for_s, bool (*done)(const struct trial *))
{
    uint64_t end = sim_now(t->sim) + for_s * SIM_NS_A_S;
    while (sim_now(t->sim) < end && !t->ledger.verdict.violated) {
        if (done(t))
            return true;
        tend(t);
    }
    return false;
}

static void
plan_cut(struct trial *t, uint64_t *retbase)
{
    *retbase = sim_disk_ops(t->stations[0].machine);
    if (t->plan->cut_at != 0)
        sim_cut_at(t->stations[0].machine, *retbase + t->plan->cut_at, t->plan->cut_how);
}

/* Deaths come at random times of the second act, a kill or a power cut each. */
static void
strike_down(struct trial *t, unsigned *left)
{
    for (unsigned n = 0; n < t->plan->nodes; n++)
        if (left[n] > 0 && prng_once_in(&t->prng, 60)) {
            left[n]--;
            station_die(&t->stations[n], prng_below(&t->prng, 3) > 0);
        }
}

/* A disk that is to be full soon: what is on it now, and a little more. */
static void
limit_disks(struct trial *t)
{
    if (t->plan->profile == NULL || t->plan->profile->disk_bytes_max == 0)
        return;
    for (unsigned n = 0; n < t->plan->nodes; n++) {
        struct sim_machine *machine = t->stations[n].machine;
        sim_disk_capacity(machine, sim_disk_used(machine) + prng_below(&t->prng, 256 * 1024));
    }
}

static void
free_disks(struct trial *t)
{
    for (unsigned n = 0; n < t->plan->nodes; n++)
        sim_disk_capacity(t->stations[n].machine, 0);
}

static int
second_act(struct trial *t)
{
    unsigned *left = mem_new(&t->mem, t->plan->nodes * sizeof(*left));
    if (left == NULL)
        return -ERR_NO_MEMORY;
    for (unsigned n = 0; n < t->plan->nodes; n++)
        left[n] = t->plan->deaths;
    t->publishing = t->restless = true;
    sim_profile_set(t->sim, t->plan->profile);
    limit_disks(t);
    uint64_t end = sim_now(t->sim) + ACT_S_MAX * SIM_NS_A_S;
    while (sim_now(t->sim) < end && !all_done(t) && !t->ledger.verdict.violated) {
        strike_down(t, left);
        tend(t);
    }
    t->restless = false;
    mem_free(&t->mem, left);
    return 0;
}

static bool
drained(const struct trial *t)
{
    return all_done(t) && ledger_complete(&t->ledger) && tally_complete(&t->tally);
}

static bool
stations_up(const struct trial *t)
{
    for (unsigned n = 0; n < t->plan->nodes; n++)
        if (t->stations[n].node == NULL)
            return false;
    return true;
}

static int
third_act(struct trial *t)
{
    sim_profile_set(t->sim, sim_profile_find("calm"));
    free_disks(t);
    if (!act_until(t, HEAL_S_MAX, drained) && !t->ledger.damaged) {
        ledger_judge(&t->ledger);
        tally_judge(&t->tally);
        ledger_violated(&t->ledger, "stuck", "the healed world did not drain in %u s", HEAL_S_MAX);
    }
    tally_judge(&t->tally);
    /* A quiet while, for what should not come any more; power is lost once more; and nothing may come after that
     * either.  Then a newcomer reads the retained values. */
    (void)act_until(t, CALM_S_MAX, stations_up);
    sim_run_for(t->sim, QUIET_S * SIM_NS_A_S);
    t->ledger.closed = true;
    for (unsigned n = 0; n < t->plan->nodes; n++)
        station_die(&t->stations[n], true);
    for (unsigned i = 0; i < QUIET_STEPS; i++)
        tend(t);
    int rc = enter(t, ROLE_READER, 1);
    if (rc == 0 && stations_up(t))
        (void)act_until(t, CALM_S_MAX, all_done);
    sim_run_for(t->sim, 2 * SIM_NS_A_S);
    ledger_judge(&t->ledger);
    ledger_judge_retained(&t->ledger);
    if (t->plan->readers > 0)
        tally_judge_stream(&t->tally);
    return rc;
}

static int
play(struct trial *t, struct trial_result *ret)
{
    uint64_t base;
    int rc = cast(t);
    if (rc == 0)
        rc = enter(t, ROLE_SUBSCRIBER, t->plan->subscribers);
    if (rc == 0)
        rc = enter(t, ROLE_MEMBER, t->plan->groups * t->plan->members);
    if (rc == 0)
        rc = enter_hands(t, TAKER, t->plan->takers);
    if (rc == 0)
        rc = enter_hands(t, READER, t->plan->readers);
    if (rc == 0)
        rc = enter_hands(t, TRADER, t->plan->traders);
    if (rc < 0)
        return rc;
    if (!act_until(t, CALM_S_MAX, all_done))
        ledger_violated(&t->ledger, "stuck", "subscribers could not subscribe in a calm world");
    rc = enter(t, ROLE_PUBLISHER, t->plan->publishers);
    if (rc == 0)
        rc = enter(t, ROLE_KEEPER, t->plan->keepers);
    if (rc == 0)
        rc = enter_hands(t, SENDER, t->plan->senders);
    if (rc == 0)
        rc = enter_hands(t, CLERK, t->plan->clerks);
    if (rc < 0)
        return rc;
    plan_cut(t, &base);
    rc = second_act(t);
    ret->disk_ops = sim_disk_ops(t->stations[0].machine) - base;
    return rc < 0 ? rc : third_act(t);
}

/* ---- plans
 * -------------------------------------------------------------------------------------------------------------------
 */

static void
draw_hands(struct prng *prng, struct trial_plan *ret)
{
    ret->senders = 1 + (unsigned)prng_below(prng, 3);
    ret->takers = 1 + (unsigned)prng_below(prng, 2);
    ret->traders = (unsigned)prng_below(prng, 3);
    ret->clerks = (unsigned)prng_below(prng, 2);
    ret->readers = (unsigned)prng_below(prng, 3);
}

void
trial_draw(uint64_t seed, struct trial_plan *ret)
{
    struct prng prng;
    prng_init(&prng, seed);
    size_t profiles = 0;
    while (sim_profile_at(profiles) != NULL)
        profiles++;
    *ret = (struct trial_plan){ .seed = seed };
    ret->profile = sim_profile_at(prng_below(&prng, profiles));
    ret->nodes = 1;
    ret->shards = 1 + (unsigned)prng_below(&prng, 3);
    ret->publishers = 1 + (unsigned)prng_below(&prng, 3);
    ret->subscribers = 1 + (unsigned)prng_below(&prng, 3);
    ret->keepers = (unsigned)prng_below(&prng, 3);
    ret->messages = 20 + (unsigned)prng_below(&prng, 60);
    ret->deaths = (unsigned)prng_below(&prng, 4);
    ret->groups = (unsigned)prng_below(&prng, 3);
    ret->members = 2 + (unsigned)prng_below(&prng, 3);
    if (prng_once_in(&prng, 2))
        draw_hands(&prng, ret);
}

/* What this world lets the judges be sure of. */
static void
weigh(struct trial *t)
{
    const struct trial_plan *plan = t->plan;
    const struct sim_profile *profile = plan->profile == NULL ? sim_profile_find("calm") : plan->profile;
    t->ledger.spread = plan->shards > 1;
    t->ledger.damaged = profile->rot_once_in != 0;
    t->tally.sim = t->sim;
    t->tally.quiet_net = profile->reset_once_in == 0 && profile->mute_once_in == 0 && profile->partition_every_ns == 0;
    t->tally.roomy_disk = profile->disk_bytes_max == 0 && profile->write_error_once_in == 0;
    t->tally.one_taker = plan->takers == 1;
}

int
trial_run(const struct trial_plan *plan, FILE *transcript, struct trial_result *ret)
{
    struct trial t = { .plan = plan };
    *ret = (struct trial_result){ 0 };
    prng_init(&t.prng, plan->seed ^ 0x5eed);
    const struct ledger_size size = {
        .nodes = plan->nodes,
        .publishers_each = plan->publishers,
        .subscribers_each = plan->subscribers,
        .groups_each = plan->groups,
        .publishers = plan->publishers * plan->nodes + plan->senders,
        .subscribers = plan->subscribers * plan->nodes + (plan->takers > 0), /* a queue bound to amq.topic is one */
        .groups = plan->groups * plan->nodes,
        .keepers = plan->keepers * plan->nodes,
        .messages = plan->messages,
    };
    int rc = ledger_init(&t.ledger, &t.mem, &size);
    if (rc == 0)
        rc = tally_init(&t.tally, &t.ledger, plan->senders, plan->messages);
    if (rc == 0)
        rc = sim_new(&t.mem, plan->seed, sim_profile_find("calm"), &t.sim);
    if (rc < 0) {
        tally_fini(&t.tally);
        ledger_fini(&t.ledger);
        return rc;
    }
    weigh(&t);
    rc = play(&t, ret);
    ret->verdict = t.ledger.verdict;
    ret->confirmed = t.ledger.confirmed;
    ret->received = t.ledger.received;
    ret->hash = sim_hash(t.sim);
    ret->virtual_ns = sim_now(t.sim);
    for (unsigned n = 0; t.stations != NULL && n < plan->nodes; n++)
        ret->deaths += t.stations[n].deaths;
    if (transcript != NULL)
        sim_transcript(t.sim, transcript);
    strike(&t);
    return rc;
}
