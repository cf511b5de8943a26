/* trial/asker.c - a client of errands. */
#include "trial/asker.h"

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"

enum { AWAY_MS_MAX = 500, ASKS_A_STEP = 3 };

/* ---- coming and going ------------------------------------------------------------------------------------------- */

static void
print_addresses(const struct errands *all, char *ret, size_t size)
{
    static const char *const formats[] = {
        [ERRAND_TCP] = "tcp://m%u:700 ",
        [ERRAND_UDP] = "udp://m%u:700 ",
        [ERRAND_UNIX] = "unix:@doer%u ",
        [ERRAND_INPROC] = "inproc:doer%u ",
    };
    size_t n = 0;
    for (unsigned i = 0; i < all->plan->doers; i++)
        n += (size_t)snprintf(ret + n, size - n, formats[all->plan->road], i);
    ret[n - 1] = '\0'; /* the last blank */
}

static void
set_options(struct rpc_client *client, const struct errand_plan *plan)
{
    const struct {
        enum tambo_rpc_client_option option;
        int64_t value;
    } rows[] = {
        {TAMBO_RPC_SEMANTICS,    plan->is_once ? TAMBO_AT_MOST_ONCE : TAMBO_AT_LEAST_ONCE},
        { TAMBO_RPC_DEADLINE_MS, plan->deadline_ms                                       },
        { TAMBO_RPC_RETRY_MAX,   plan->retry_max                                         },
        { TAMBO_RPC_RESEND_MS,   plan->resend_ms                                         },
        { TAMBO_RPC_HEDGE_MS,    plan->hedge_ms                                          },
        { TAMBO_RPC_BALANCE,     plan->balance                                           },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        must(rpc_client_set(client, rows[i].option, rows[i].value) == 0);
}

static void
come(struct asker *asker)
{
    char addresses[128];
    print_addresses(asker->all, addresses, sizeof(addresses));
    must(rpc_client_new(asker->desk->world, addresses, errand_program.program, errand_program.version,
                        &asker->client) == 0);
    set_options(asker->client, asker->all->plan);
}

void
asker_leave(struct asker *asker)
{
    struct errands *all = asker->all;
    struct rpc_client *client = asker->client;
    asker->client = NULL;
    asker->open_at_ns = sim_now(all->sim) + prng_below(&all->prng, AWAY_MS_MAX) * SIM_NS_A_MS;
    rpc_client_free(client);
    must(asker_is_idle(asker));
}

bool
asker_is_idle(const struct asker *asker)
{
    for (unsigned i = 0; i < QUESTIONS_MAX; i++)
        if (asker->questions[i].number != 0)
            return false;
    return true;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static void
said(struct asker *asker, uint32_t number, int rc, const struct note *reply)
{
    const struct deed *deed = &asker->deeds[number];
    proof_said(asker, number, rc, reply);
    asker->last_words += number > errand_last(asker->all) && rc == 0 && deed->form == RPC_FORM_REPLY;
}

static void
on_done(struct rpc_call *call, int rc, struct view results)
{
    struct question *question = container_of(call, struct question, call);
    struct asker *asker = question->asker;
    uint32_t number = question->number;
    struct tambo_arena arena = { 0 };
    struct tambo_xdr_in in;
    struct note reply = { 0 };
    question->number = 0;
    bool has_reply = rc == 0 && results.len > 0;
    if (has_reply) {
        tambo_xdr_in_init(&in, results.data, results.len, &arena);
        must(errand_program.procedures[0].decode_ret(&in, &reply) == 0);
    }
    said(asker, number, rc, has_reply ? &reply : NULL);
    tambo_arena_free(&arena);
}

static const struct rpc_call_on call_on = { .done = on_done };

static enum rpc_form
draw_form(struct errands *all)
{
    static const enum rpc_form forms[] = { RPC_FORM_REPLY, RPC_FORM_REPLY,   RPC_FORM_REPLY,
                                           RPC_FORM_REPLY, RPC_FORM_RECEIPT, RPC_FORM_CAST };
    return all->is_last_word ? RPC_FORM_REPLY : forms[prng_below(&all->prng, COUNT_OF(forms))];
}

static void
ask(struct asker *asker, struct question *question)
{
    struct errands *all = asker->all;
    uint8_t filler[UINT16_MAX];
    struct note note = {
        asker->index, ++asker->newest, 0, {filler, all->plan->bytes}
    };
    struct deed *deed = &asker->deeds[note.number];
    *deed = (struct deed){ .form = draw_form(all), .is_begun = true, .begun_ns = sim_now(all->sim) };
    must(all->plan->bytes <= sizeof(filler));
    proof_fill(all, note.asker, note.number, filler);
    question->asker = asker;
    question->number = note.number;
    int rc = rpc_call_begin(asker->client, &errand_program.procedures[0], &note, deed->form, &call_on, &question->call,
                            NULL);
    if (rc == 0)
        return;
    question->number = 0;
    said(asker, note.number, rc == RPC_CALL_DONE ? 0 : rc, NULL);
}

static bool
has_more(const struct asker *asker)
{
    const struct errands *all = asker->all;
    uint32_t last = errand_last(all);
    if (all->is_first_act)
        return asker->newest < last;
    /* One by one: a connection that fell silent is left after some seconds only. */
    return all->is_last_word && asker_is_idle(asker) && asker->last_words < LAST_WORDS &&
           asker->newest < last + LAST_TRIES_MAX;
}

void
asker_prompt(struct asker *asker)
{
    struct errands *all = asker->all;
    if (asker->desk->world == NULL)
        return;
    if (asker->client == NULL) {
        if (sim_now(all->sim) >= asker->open_at_ns)
            come(asker);
        return;
    }
    if (all->is_first_act && all->plan->is_restless && prng_once_in(&all->prng, 200)) {
        asker_leave(asker);
        return;
    }
    /* The newest number of the first act is where last words begin. */
    if (all->is_last_word && asker->newest < errand_last(all))
        asker->newest = errand_last(all);
    for (unsigned i = 0, asked = 0; i < QUESTIONS_MAX && asked < ASKS_A_STEP && has_more(asker); i++)
        if (asker->questions[i].number == 0) {
            ask(asker, &asker->questions[i]);
            asked++;
        }
    struct question *any = &asker->questions[prng_below(&all->prng, QUESTIONS_MAX)];
    if (all->is_first_act && !all->plan->is_by_place && any->number != 0 && prng_once_in(&all->prng, 20))
        rpc_call_cancel(&any->call);
}
