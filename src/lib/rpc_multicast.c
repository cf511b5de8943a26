/* lib/rpc_multicast.c - one call to many servers. */
#include "lib/rpc.h"

struct multicast {
    struct tambo *context;
    const struct tambo_rpc_procedure *procedure;
    const struct tambo_rpc_policy *policy;
    struct tambo_arena *arena;
    struct tambo_rpc_answer *answers;
    size_t pending, good;
    int first_rc;    /* of those that failed; 0: none has */
    bool is_decided; /* what comes from now on is only reported */
    bool is_enough;
    struct io_waiter waiter;
};

/* One of its calls. */
struct leg {
    struct rpc_call core;
    struct multicast *all;
    struct tambo_rpc_client *client;
    size_t at;
    bool is_begun, is_done;
};

static bool
does_collect(const struct multicast *all, size_t at)
{
    const struct tambo_rpc_policy *policy = all->policy;
    if (policy->collect == NULL)
        return false;
    lib_rpc_call_begin(all->context);
    int rc = policy->collect(policy->arg, at, &all->answers[at]);
    lib_rpc_call_end(all->context);
    return rc != 0;
}

static void
judge(struct multicast *all, size_t at)
{
    size_t enough = all->policy->enough;
    int rc = all->answers[at].rc;
    all->pending--;
    if (all->is_decided)
        return;
    all->good += rc == 0;
    if (all->first_rc == 0)
        all->first_rc = rc;
    all->is_enough = does_collect(all, at) || (enough > 0 && all->good >= enough);
    bool is_lost = enough > 0 && all->good + all->pending < enough;
    all->is_decided = all->is_enough || is_lost || all->pending == 0;
    if (all->is_decided)
        io_gate_rouse(all->context->gate, &all->waiter);
}

/* The results lie in the arena, and NULL is told where there are none. */
static int
take(const struct leg *leg, struct view results, void **ret)
{
    const struct multicast *all = leg->all;
    size_t size = all->procedure->ret_size;
    void *room = NULL;
    if (all->procedure->decode_ret != NULL && size > 0) {
        room = tambo_arena_take(all->arena, size);
        if (room == NULL)
            return -ERR_RESULTS;
        memset(room, 0, size);
    }
    int rc = lib_rpc_decode(leg->client, all->procedure, results, all->arena, room);
    if (rc == 0)
        *ret = room;
    return rc;
}

static void
on_leg(struct rpc_call *core, int rc, struct view results)
{
    struct leg *leg = container_of(core, struct leg, core);
    struct tambo_rpc_answer *answer = &leg->all->answers[leg->at];
    leg->is_done = true;
    answer->rc = rc < 0 ? lib_rpc_failed(leg->client, rc) : take(leg, results, &answer->ret);
    judge(leg->all, leg->at);
}

static const struct rpc_call_on leg_on = { .done = on_leg };

static void
begin_legs(struct multicast *all, struct tambo_rpc_client *const *clients, size_t count, const void *args,
           struct leg *legs)
{
    for (size_t i = 0; i < count; i++) {
        struct tambo_rpc_answer *answer = &all->answers[i];
        *answer = (struct tambo_rpc_answer){ 0 };
        legs[i].all = all;
        legs[i].client = clients[i];
        legs[i].at = i;
        answer->rc = clients[i]->core == NULL
                         ? -ERR_CANCELED
                         : lib_rpc_call(clients[i], all->procedure, args, RPC_FORM_REPLY, &leg_on, &legs[i].core);
        legs[i].is_begun = answer->rc == 0;
        if (!legs[i].is_begun)
            judge(all, i);
    }
}

static int
run(struct multicast *all, struct tambo_rpc_client *const *clients, size_t count, const void *args, struct leg *legs)
{
    struct lib_patience patience = { .ms = TAMBO_FOREVER };
    begin_legs(all, clients, count, args, legs);
    while (!all->is_decided)
        (void)lib_rpc_sleep(all->context, &all->waiter, &patience);
    for (size_t i = 0; i < count; i++) {
        if (legs[i].is_begun && !legs[i].is_done)
            rpc_call_cancel(&legs[i].core);
        if (legs[i].is_begun)
            lib_rpc_unref_client(clients[i]);
    }
    return all->is_enough || (all->policy->enough == 0 && all->first_rc == 0) ? 0 : all->first_rc;
}

static int
check(struct tambo_rpc_client *const *clients, size_t count, const struct tambo_rpc_procedure *procedure,
      const struct tambo_rpc_policy *policy, const struct tambo_arena *arena, const struct tambo_rpc_answer *answers)
{
    if (count == 0 || clients[0] == NULL || procedure == NULL || policy == NULL || answers == NULL)
        return -ERR_INVALID;
    if (policy->enough > count || (procedure->decode_ret != NULL && arena == NULL))
        return -ERR_INVALID;
    for (size_t i = 1; i < count; i++)
        if (clients[i] == NULL || clients[i]->context != clients[0]->context)
            return -ERR_INVALID;
    return 0;
}

int
tambo_rpc_multicast(struct tambo_rpc_client *const *clients, size_t count, const struct tambo_rpc_procedure *procedure,
                    const void *args, const struct tambo_rpc_policy *policy, struct tambo_arena *arena,
                    struct tambo_rpc_answer *answers)
{
    int rc = check(clients, count, procedure, policy, arena, answers);
    if (rc < 0)
        return rc;
    struct tambo *context = clients[0]->context;
    struct multicast all = { context, procedure, policy, arena, answers, .pending = count };
    rc = lib_enter(context);
    if (rc < 0)
        return rc;
    struct leg *legs = count > SIZE_MAX / sizeof(*legs) ? NULL : mem_new(&context->mem, count * sizeof(*legs));
    rc = legs == NULL ? -ERR_NO_MEMORY : run(&all, clients, count, args, legs);
    mem_free(&context->mem, legs);
    lib_leave(context);
    return rc;
}
