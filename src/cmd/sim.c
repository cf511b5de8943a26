/* cmd/sim.c - tambo sim: nodes and clients under a seed and a fault profile. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "io/io.h"
#include "trial/errand.h"
#include "trial/meeting.h"
#include "trial/trial.h"

struct sim_options {
    uint64_t seed, runs, nodes, shards, publishers, subscribers, groups, members, keepers, messages, deaths, cut_at,
        senders, takers, readers, traders, clerks;
    unsigned cut_how;
    const char *profile;
    bool crash_points, sockets, rpc, transcript, quiet;
};

#define AT(field) offsetof(struct sim_options, field)
/* clang-format off */
static const struct option_row rows[] = {
    { 's', "seed", "N", "the run's seed, or the first of many (default 1)", OPTION_NUMBER, AT(seed), 0, UINT64_MAX },
    { 'n', "runs", "N", "run so many seeds, each with a plan of its own (default 1)", OPTION_NUMBER, AT(runs), 1, UINT64_MAX },
    { 0, "crash-points", NULL, "cut the power at every disk operation of the workload in turn, before, during and after it; with --rpc: "
      "kill the server at every step, cut its connection behind every byte",
      OPTION_FLAG, AT(crash_points) },
    { 0, "sockets", NULL, "instead of nodes: sockets of all patterns; of the plan only --profile, --messages and --deaths",
      OPTION_FLAG, AT(sockets) },
    { 0, "rpc", NULL, "instead of nodes: clients and servers of remote procedure calls; of the plan only --profile, --messages "
      "(calls a client) and --deaths", OPTION_FLAG, AT(rpc) },
    { 'p', "profile", "NAME", "what goes wrong by chance: calm, lossy, slow_disk, bad_disk, full_disk, chaos", OPTION_TEXT, AT(profile) },
    { 0, "nodes", "N", "nodes, each with clients of its own", OPTION_NUMBER, AT(nodes), 1, 100 },
    { 0, "shards", "N", "shards a node", OPTION_NUMBER, AT(shards), 1, 16 },
    { 0, "publishers", "N", "publishers a node", OPTION_NUMBER, AT(publishers), 1, 100 },
    { 0, "subscribers", "N", "durable subscribers a node", OPTION_NUMBER, AT(subscribers), 1, 100 },
    { 0, "groups", "N", "shared subscriptions a node", OPTION_NUMBER, AT(groups), 0, 100 },
    { 0, "members", "N", "members a shared subscription, which come and go", OPTION_NUMBER, AT(members), 1, 100 },
    { 0, "keepers", "N", "publishers of retained values a node", OPTION_NUMBER, AT(keepers), 0, 100 },
    { 0, "senders", "N", "publishers that speak AMQP", OPTION_NUMBER, AT(senders), 0, 100 },
    { 0, "takers", "N", "consumers that speak AMQP", OPTION_NUMBER, AT(takers), 0, 100 },
    { 0, "readers", "N", "readers of a stream, over AMQP", OPTION_NUMBER, AT(readers), 0, 100 },
    { 0, "traders", "N", "consumers that publish what they consume, in transactions", OPTION_NUMBER, AT(traders), 0, 100 },
    { 0, "clerks", "N", "clients that change queues, exchanges, bindings and policies", OPTION_NUMBER, AT(clerks), 0, 100 },
    { 0, "messages", "N", "messages a publisher", OPTION_NUMBER, AT(messages), 1, 100000 },
    { 0, "deaths", "N", "kills and power cuts a node, at random times", OPTION_NUMBER, AT(deaths), 0, 1000 },
    { 0, "cut-at", "N", "cut the power at the N-th disk operation", OPTION_NUMBER, AT(cut_at), 0, UINT64_MAX },
    { 0, "cut", "HOW", "before, during or after that operation", OPTION_CHOICE, AT(cut_how), .choices = "before|during|after" },
    { 't', "transcript", NULL, "print what happened", OPTION_FLAG, AT(transcript) },
    { 'q', "quiet", NULL, "no progress line", OPTION_FLAG, AT(quiet) },
};
/* clang-format on */
#undef AT

/* What the options name goes over what the seed drew. */
static void
make_plan(const struct sim_options *o, uint64_t seed, struct trial_plan *ret)
{
    trial_draw(seed, ret);
    if (o->profile != NULL)
        ret->profile = sim_profile_find(o->profile);
    const struct {
        uint64_t given;
        unsigned *into;
    } numbers[] = {
        {o->nodes,        &ret->nodes      },
        { o->shards,      &ret->shards     },
        { o->publishers,  &ret->publishers },
        { o->subscribers, &ret->subscribers},
        { o->members,     &ret->members    },
        { o->messages,    &ret->messages   },
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (numbers[i].given != 0)
            *numbers[i].into = (unsigned)numbers[i].given;
    const struct {
        uint64_t given;
        unsigned *into;
    } or_none[] = {
        {o->groups,   &ret->groups },
        { o->keepers, &ret->keepers},
        { o->deaths,  &ret->deaths },
        { o->senders, &ret->senders},
        { o->takers,  &ret->takers },
        { o->readers, &ret->readers},
        { o->traders, &ret->traders},
        { o->clerks,  &ret->clerks },
    };
    for (size_t i = 0; i < COUNT_OF(or_none); i++)
        if (or_none[i].given != UINT64_MAX)
            *or_none[i].into = (unsigned)or_none[i].given;
    ret->cut_at = o->cut_at;
    ret->cut_how = (enum sim_cut)o->cut_how;
}

static void
tell_violation(const struct trial_plan *plan, const struct trial_result *result)
{
    static const char *const hows[] = {
        [SIM_CUT_BEFORE] = "before", [SIM_CUT_DURING] = "during", [SIM_CUT_AFTER] = "after"
    };
    printf("%s\n", result->verdict.text);
    printf(
        "replay: tambo sim --seed %" PRIu64
        " --profile %s --nodes %u --shards %u --publishers %u --subscribers %u --groups %u --members %u --keepers %u "
        "--messages %u --deaths %u --senders %u --takers %u --readers %u --traders %u --clerks %u",
        plan->seed, plan->profile == NULL ? "calm" : plan->profile->name, plan->nodes, plan->shards, plan->publishers,
        plan->subscribers, plan->groups, plan->members, plan->keepers, plan->messages, plan->deaths, plan->senders,
        plan->takers, plan->readers, plan->traders, plan->clerks);
    if (plan->cut_at != 0)
        printf(" --cut-at %" PRIu64 " --cut %s", plan->cut_at, hows[plan->cut_how]);
    printf(" --transcript\nhash: %016" PRIx64 "\n", result->hash);
}

/* 0 kept, 1 violated or could not be run. */
static int
run_one(const struct trial_plan *plan, bool transcript, struct trial_result *ret)
{
    int rc = trial_run(plan, transcript ? stdout : NULL, ret);
    if (rc < 0) {
        fprintf(stderr, "tambo sim: seed %" PRIu64 ": %s\n", plan->seed, err_text(rc));
        return 1;
    }
    if (!ret->verdict.violated)
        return 0;
    tell_violation(plan, ret);
    return 1;
}

/* The same of a meeting of sockets. */
static int
meet_one(const struct sim_options *o, uint64_t seed, struct trial_result *ret)
{
    struct meeting_plan plan;
    meeting_draw(seed, &plan);
    if (o->profile != NULL)
        plan.profile = sim_profile_find(o->profile);
    if (o->messages != 0)
        plan.messages = (unsigned)o->messages;
    if (o->deaths != UINT64_MAX)
        plan.deaths = (unsigned)o->deaths;
    int rc = meeting_run(&plan, o->transcript ? stdout : NULL, ret);
    if (rc < 0)
        fprintf(stderr, "tambo sim: seed %" PRIu64 ": %s\n", seed, err_text(rc));
    if (rc < 0 || !ret->verdict.violated)
        return rc < 0;
    printf("%s\nreplay: tambo sim --sockets --seed %" PRIu64 " --profile %s --messages %u --deaths %u --transcript\n"
           "hash: %016" PRIx64 "\n",
           ret->verdict.text, seed, plan.profile->name, plan.messages, plan.deaths, ret->hash);
    return 1;
}

/* And of remote procedure calls. */
static int
ask(const struct errand_plan *plan, bool transcript, struct trial_result *ret)
{
    int rc = errand_run(plan, transcript ? stdout : NULL, ret);
    if (rc < 0)
        fprintf(stderr, "tambo sim: seed %" PRIu64 ": %s\n", plan->seed, err_text(rc));
    return rc < 0 || ret->verdict.violated;
}

static int
ask_one(const struct sim_options *o, uint64_t seed, struct trial_result *ret)
{
    struct errand_plan plan;
    errand_draw(seed, &plan);
    if (o->profile != NULL)
        plan.profile = sim_profile_find(o->profile);
    if (o->messages != 0)
        plan.errands = (unsigned)o->messages;
    if (o->deaths != UINT64_MAX)
        plan.deaths = (unsigned)o->deaths;
    int code = ask(&plan, o->transcript, ret);
    if (!ret->verdict.violated)
        return code;
    printf("%s\nreplay: tambo sim --rpc --seed %" PRIu64 " --profile %s --messages %u --deaths %u --transcript\n"
           "hash: %016" PRIx64 "\n",
           ret->verdict.text, seed, plan.profile->name, plan.errands, plan.deaths, ret->hash);
    return 1;
}

static int
play_one(const struct sim_options *o, uint64_t seed, struct trial_result *ret)
{
    struct trial_plan plan;
    if (o->sockets)
        return meet_one(o, seed, ret);
    if (o->rpc)
        return ask_one(o, seed, ret);
    make_plan(o, seed, &plan);
    return run_one(&plan, o->transcript, ret);
}

static int
run_seeds(const struct sim_options *o)
{
    struct trial_result result;
    uint64_t deaths = 0, count = 0;
    for (uint64_t i = 0; i < o->runs; i++) {
        if (play_one(o, o->seed + i, &result) != 0)
            return 1;
        deaths += result.deaths;
        count += o->sockets || o->rpc ? result.received : result.confirmed;
        if (!o->quiet && o->runs > 1 && (i + 1) % 100 == 0)
            fprintf(stderr, "%" PRIu64 " of %" PRIu64 " runs\n", i + 1, o->runs);
    }
    printf("kept: %" PRIu64 " runs from seed %" PRIu64 ", %" PRIu64 " %s, %" PRIu64 " deaths; last hash %016" PRIx64
           "\n",
           o->runs, o->seed, count,
           o->rpc       ? "calls executed"
           : o->sockets ? "messages received"
                        : "messages confirmed",
           deaths, result.hash);
    return 0;
}

/* Each disk operation of a calm run's workload is a place to lose power at. */
static int
run_crash_points(const struct sim_options *o)
{
    struct trial_plan plan;
    struct trial_result result;
    uint64_t runs = 0;
    make_plan(o, o->seed, &plan);
    plan.profile = sim_profile_find(o->profile == NULL ? "calm" : o->profile);
    plan.deaths = 0;
    if (run_one(&plan, false, &result) != 0)
        return 1;
    uint64_t ops = result.disk_ops;
    for (plan.cut_at = 1; plan.cut_at <= ops; plan.cut_at++) {
        for (plan.cut_how = SIM_CUT_BEFORE; plan.cut_how <= SIM_CUT_AFTER; plan.cut_how++) {
            if (run_one(&plan, o->transcript, &result) != 0)
                return 1;
            runs++;
        }
        if (!o->quiet && plan.cut_at % 50 == 0)
            fprintf(stderr, "%" PRIu64 " of %" PRIu64 " operations\n", plan.cut_at, ops);
    }
    printf("kept: power cut before, during and after each of %" PRIu64 " disk operations, %" PRIu64 " runs\n", ops,
           runs);
    return 0;
}

/* Each step of a calm run's first act is a place to kill the server at, each byte of it one for the connection to end
 * behind. */
static int
run_rpc_places(const struct sim_options *o)
{
    struct errand_plan plan;
    struct trial_result result;
    errand_draw_small(o->seed, &plan);
    if (ask(&plan, false, &result) != 0)
        return 1;
    uint64_t steps = result.steps, bytes = result.sent_bytes;
    for (uint64_t i = 1; i <= steps + bytes; i++) {
        plan.kill_at = i <= steps ? i : 0;
        plan.cut_at = i <= steps ? 0 : i - steps;
        if (ask(&plan, o->transcript, &result) == 0)
            continue;
        printf("%s\nreplay: tambo sim --rpc --crash-points --seed %" PRIu64 "; %s %" PRIu64 "\n", result.verdict.text,
               plan.seed, i <= steps ? "killed at step" : "cut behind byte", i <= steps ? i : i - steps);
        return 1;
    }
    printf("kept: the server killed at each of %" PRIu64 " steps, the connection cut behind each of %" PRIu64
           " bytes\n",
           steps, bytes);
    return 0;
}

int
cmd_sim(int argc, char *const *argv)
{
    struct sim_options options = { .seed = 1,
                                   .runs = 1,
                                   .groups = UINT64_MAX,
                                   .keepers = UINT64_MAX,
                                   .deaths = UINT64_MAX,
                                   .senders = UINT64_MAX,
                                   .takers = UINT64_MAX,
                                   .readers = UINT64_MAX,
                                   .traders = UINT64_MAX,
                                   .clerks = UINT64_MAX };
    int exit_code;
    const struct option_group group = { "Options", rows, COUNT_OF(rows), &options };
    const struct option_spec spec = {
        .usage = "tambo sim [OPTION]...",
        .about = "Runs whole nodes with their clients on simulated machines, breaks what can break, and checks what "
                 "was promised.  What is "
                 "not given is drawn from the seed.  Exits with 1 and a line to replay it when a promise was violated.",
        .groups = &group,
        .group_count = 1,
    };
    if (cmd_options("sim", &spec, argc, argv, &exit_code) != 0)
        return exit_code;
    if (options.profile != NULL && sim_profile_find(options.profile) == NULL) {
        fprintf(stderr, "tambo sim: --profile %s: calm, lossy, slow_disk, bad_disk, full_disk or chaos\n",
                options.profile);
        return 1;
    }
    if (options.crash_points)
        return options.rpc ? run_rpc_places(&options) : run_crash_points(&options);
    return run_seeds(&options);
}
