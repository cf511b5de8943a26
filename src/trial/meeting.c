/* trial/meeting.c - see meeting.h: the seats, the acts, the plans. */
#include "trial/meeting.h"

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "trial/speaker.h"

enum { STEP_MS = 10, RESTLESS_S_MAX = 15, FOUND_S_MAX = 120, LAST_S_MAX = 120, QUIET_S = 2 };

static const struct family families[] = {
    {TAMBO_PUSH,    TAMBO_PULL,   ONE_WAY,  false},
    { TAMBO_REQ,    TAMBO_REP,    ECHO,     false},
    { TAMBO_REQ,    TAMBO_ROUTER, ECHO,     false},
    { TAMBO_DEALER, TAMBO_REP,    ECHO,     true },
    { TAMBO_DEALER, TAMBO_ROUTER, ECHO,     false},
    { TAMBO_DEALER, TAMBO_DEALER, ONE_WAY,  false},
    { TAMBO_PAIR,   TAMBO_PAIR,   ECHO,     false},
    { TAMBO_PUB,    TAMBO_SUB,    BY_TOPIC, false},
    { TAMBO_XPUB,   TAMBO_SUB,    BY_TOPIC, false},
    { TAMBO_PUB,    TAMBO_XSUB,   BY_TOPIC, false},
    { TAMBO_XPUB,   TAMBO_XSUB,   BY_TOPIC, false},
};

/* ---- who is there ----------------------------------------------------------------------------------------- */

/* The i-th, talkers first. */
static struct speaker *
speaker_at(struct meeting *m, unsigned i)
{
    return i < m->plan->talkers ? &m->talkers[i] : &m->listeners[i - m->plan->talkers];
}

static unsigned
speaker_count(const struct meeting *m)
{
    return m->plan->talkers + m->plan->listeners;
}

static int
on_start(void *arg, struct io *io)
{
    struct seat *seat = arg;
    return socket_world_new(io, &seat->world);
}

static void
on_died(void *arg, enum sim_death how)
{
    struct seat *seat = arg;
    struct meeting *m = seat->meeting;
    sim_note(m->sim, "%s %s", sim_machine_name(seat->machine), how == SIM_POWER ? "lost power" : "was killed");
    for (unsigned i = 0; i < speaker_count(m); i++)
        if (speaker_at(m, i)->seat == seat)
            speaker_gone(speaker_at(m, i));
    socket_world_free(seat->world);
    seat->world = NULL;
    seat->boot_at_ns = sim_now(m->sim) + SIM_NS_A_MS * (10 + prng_below(&m->prng, 500));
    m->deaths++;
}

static int
make_seat(struct meeting *m, unsigned at)
{
    struct seat *seat = &m->seats[at];
    const struct sim_program program = { .start = on_start, .died = on_died, .arg = seat, .mem = &seat->mem };
    char name[4] = { 's', (char)('0' + at) };
    seat->meeting = m;
    int rc = sim_machine_new(m->sim, name, &program, &seat->machine);
    if (rc == 0)
        sim_boot(seat->machine);
    m->seat_count += rc == 0;
    return rc;
}

static int
seat_speaker(struct meeting *m, unsigned at)
{
    const struct meeting_plan *plan = m->plan;
    struct speaker *s = speaker_at(m, at);
    s->meeting = m;
    s->is_talker = at < plan->talkers;
    s->index = s->is_talker ? at : at - plan->talkers;
    s->is_binder = s->is_talker == plan->talkers_bind;
    s->pattern = s->is_talker ? m->family->talker : m->family->listener;
    s->seat = &m->seats[plan->road == MEETING_TCP ? at : 0];
    s->wants[prng_below(&m->prng, TOPICS)] = 1;
    if (s->is_talker)
        s->heard = mem_new(&m->mem, plan->messages + LAST_WORDS + 1);
    return s->is_talker && s->heard == NULL ? -ERR_NO_MEMORY : 0;
}

static int
gather(struct meeting *m)
{
    unsigned seats = m->plan->road == MEETING_TCP ? speaker_count(m) : 1;
    int rc = 0;
    for (unsigned i = 0; i < seats && rc == 0; i++)
        rc = make_seat(m, i);
    for (unsigned i = 0; i < speaker_count(m) && rc == 0; i++)
        rc = seat_speaker(m, i);
    return rc;
}

static void
disperse(struct meeting *m)
{
    sim_free(m->sim);
    for (unsigned i = 0; i < m->seat_count; i++)
        must(m->seats[i].mem.used_bytes == 0);
    for (unsigned i = 0; i < m->plan->talkers; i++)
        mem_free(&m->mem, m->talkers[i].heard);
}

/* ---- acts ------------------------------------------------------------------------------------------------- */

static void
tend(struct meeting *m)
{
    for (unsigned i = 0; i < m->seat_count; i++) {
        struct seat *seat = &m->seats[i];
        if (seat->world == NULL && sim_now(m->sim) >= seat->boot_at_ns)
            sim_boot(seat->machine);
    }
    for (unsigned i = 0; i < speaker_count(m); i++)
        speaker_prompt(speaker_at(m, i));
    sim_run_for(m->sim, STEP_MS * SIM_NS_A_MS);
}

static struct sim_machine *
any_machine(struct meeting *m)
{
    return m->seats[prng_below(&m->prng, m->seat_count)].machine;
}

static void
make_trouble(struct meeting *m, unsigned *deaths_left)
{
    struct sim_machine *a = any_machine(m), *b = any_machine(m);
    if (prng_once_in(&m->prng, 100))
        (void)sim_cut_streams(m->sim, a, b);
    if (prng_once_in(&m->prng, 300))
        (void)sim_mute_streams(m->sim, a, b);
    if (*deaths_left == 0 || !sim_machine_up(a) || !prng_once_in(&m->prng, 60))
        return;
    --*deaths_left;
    (prng_once_in(&m->prng, 2) ? sim_kill : sim_power_cut)(a);
}

static bool
all_said(const struct meeting *m)
{
    for (unsigned i = 0; i < m->plan->talkers; i++)
        if (m->talkers[i].said < m->plan->messages)
            return false;
    return true;
}

static void
first_act(struct meeting *m)
{
    unsigned deaths_left = m->plan->deaths;
    uint64_t end = sim_now(m->sim) + RESTLESS_S_MAX * SIM_NS_A_S;
    sim_profile_set(m->sim, m->plan->profile);
    m->is_restless = true;
    while (sim_now(m->sim) < end && !m->verdicts.verdict.violated && !all_said(m)) {
        make_trouble(m, &deaths_left);
        tend(m);
    }
    m->is_restless = false;
}

static bool
all_met(const struct meeting *m)
{
    for (unsigned i = 0; i < speaker_count(m); i++)
        if (!speaker_is_met(speaker_at((struct meeting *)m, i)))
            return false;
    return true;
}

static void
wait_for(struct meeting *m, bool (*done)(const struct meeting *), unsigned for_s, const char *what)
{
    uint64_t end = sim_now(m->sim) + for_s * SIM_NS_A_S;
    while (sim_now(m->sim) < end && !m->verdicts.verdict.violated) {
        if (done(m))
            return;
        tend(m);
    }
    ledger_violated(&m->verdicts, "stuck", "%s in %u s", what, for_s);
}

static void
second_act(struct meeting *m)
{
    sim_profile_set(m->sim, sim_profile_find("calm"));
    for (uint64_t end = sim_now(m->sim) + 10 * SIM_NS_A_S; sim_now(m->sim) < end;)
        tend(m); /* partitions heal, and what is silent is noticed */
    wait_for(m, all_met, FOUND_S_MAX, "not everybody found everybody");
    for (unsigned i = 0; i < m->plan->talkers; i++)
        m->talkers[i].owed = m->talkers[i].said;
    m->is_last_word = true;
    wait_for(m, witness_is_content, LAST_S_MAX, "not all last words have arrived");
    for (uint64_t end = sim_now(m->sim) + QUIET_S * SIM_NS_A_S; sim_now(m->sim) < end;)
        tend(m);
    if (!m->verdicts.verdict.violated)
        witness_judge(m);
}

/* ---- plans ------------------------------------------------------------------------------------------------ */

void
meeting_draw(uint64_t seed, struct meeting_plan *ret)
{
    static const char *const profiles[] = { "calm", "lossy", "chaos" };
    static const unsigned sizes[] = { MARK_BYTES, 100, 3000, 20000 }, resends_ms[] = { 0, 500, 60000 };
    struct prng prng;
    prng_init(&prng, seed);
    *ret = (struct meeting_plan){ .seed = seed, .family = (unsigned)(seed % COUNT_OF(families)) };
    bool is_pair = families[ret->family].talker == TAMBO_PAIR;
    ret->profile = sim_profile_find(profiles[prng_below(&prng, COUNT_OF(profiles))]);
    ret->road = prng_once_in(&prng, 4) ? (enum meeting_road)(1 + prng_below(&prng, MEETING_ROADS - 1)) : MEETING_TCP;
    ret->talkers_bind = prng_once_in(&prng, 2) != 0;
    ret->talkers = is_pair ? 1 : 1 + (unsigned)prng_below(&prng, SPEAKERS_MAX);
    ret->listeners = is_pair ? 1 : 1 + (unsigned)prng_below(&prng, SPEAKERS_MAX);
    ret->messages = 20 + (unsigned)prng_below(&prng, 200);
    ret->message_bytes = sizes[prng_below(&prng, COUNT_OF(sizes))];
    ret->deaths = prng_once_in(&prng, 2) ? (unsigned)prng_below(&prng, 4) : 0;
    ret->restless = prng_once_in(&prng, 3) != 0;
    ret->request_ids = prng_once_in(&prng, 2) != 0;
    ret->resend_ms = resends_ms[prng_below(&prng, COUNT_OF(resends_ms))];
}

int
meeting_run(const struct meeting_plan *plan, FILE *transcript, struct trial_result *ret)
{
    struct meeting m = { .plan = plan, .family = &families[plan->family] };
    *ret = (struct trial_result){ 0 };
    prng_init(&m.prng, plan->seed ^ 0x5eed);
    int rc = sim_new(&m.mem, plan->seed, sim_profile_find("calm"), &m.sim);
    if (rc < 0)
        return rc;
    rc = gather(&m);
    if (rc == 0) {
        first_act(&m);
        second_act(&m);
    }
    ret->verdict = m.verdicts.verdict;
    ret->received = m.received;
    ret->deaths = m.deaths;
    ret->hash = sim_hash(m.sim);
    ret->virtual_ns = sim_now(m.sim);
    if (transcript != NULL)
        sim_transcript(m.sim, transcript);
    disperse(&m);
    return rc;
}
