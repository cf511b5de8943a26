/* trial/doer.c - a server of errands. */
#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "trial/asker.h"

enum { LATER_MS_MAX = 2000 };

/* ---- what travels ----------------------------------------------------------------------------------------------- */

static int
encode_note(struct tambo_xdr_out *out, const void *value)
{
    const struct note *note = value;
    uint8_t *at = tambo_xdr_room(out, 12);
    if (at == NULL)
        return out->fault.rc;
    at = tambo_xdr_write_u32(at, note->asker);
    at = tambo_xdr_write_u32(at, note->number);
    tambo_xdr_write_u32(at, note->doer);
    return tambo_xdr_put_opaque(out, note->filler.data, note->filler.len, UINT32_MAX);
}

static int
decode_note(struct tambo_xdr_in *in, void *ret)
{
    struct note *note = ret;
    const uint8_t *at = tambo_xdr_need(in, 12);
    if (at == NULL)
        return in->fault.rc;
    note->asker = tambo_xdr_read_u32(at);
    note->number = tambo_xdr_read_u32(at + 4);
    note->doer = tambo_xdr_read_u32(at + 8);
    return tambo_xdr_get_opaque(in, &note->filler, UINT32_MAX);
}

static int handle(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret);

static const struct tambo_rpc_procedure procedures[] = {
    {.name = "DO",
     .number = 1,
     .encode_args = encode_note,
     .encode_ret = encode_note,
     .decode_args = decode_note,
     .decode_ret = decode_note,
     .args_size = sizeof(struct note),
     .ret_size = sizeof(struct note),
     .handle = handle},
};
const struct tambo_rpc_program errand_program = {
    .name = "ERRAND", .program = 0x20000007, .version = 1, .procedures = procedures, .count = COUNT_OF(procedures)
};

enum manner_of_doing
errand_manner(uint32_t number)
{
    static const enum manner_of_doing manners[] = { DONE_AT_ONCE, DONE_AT_ONCE, DONE_LATER,   DONE_AT_ONCE,
                                                    DONE_AT_ONCE, DONE_IN_VAIN, DONE_LATER,   DONE_AT_ONCE,
                                                    REFUSED,      DONE_AT_ONCE, TURNED_AWAY,  DONE_AT_ONCE,
                                                    DONE_LATER,   DONE_AT_ONCE, DONE_AT_ONCE, DONE_IN_SILENCE };
    return manners[number % COUNT_OF(manners)];
}

/* ---- doing ------------------------------------------------------------------------------------------------------ */

static struct note
answer_to(const struct doer *doer, const struct note *note)
{
    struct note answer = *note;
    answer.doer = doer->index;
    return answer;
}

static int
put_off(struct doer *doer, struct rpc_request *request, const struct note *note)
{
    uint64_t after_ms = prng_below(&doer->all->prng, LATER_MS_MAX);
    if (doer->pending_count == PENDING_MAX)
        return -ERR_OVERLOADED;
    proof_done(doer, note);
    doer->pending[doer->pending_count++] =
        (struct pending){ request, note, sim_now(doer->all->sim) + after_ms * SIM_NS_A_MS };
    return TAMBO_RPC_LATER;
}

static int
handle(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)
{
    struct doer *doer = arg;
    const struct note *note = args;
    (void)handlers;
    if (!proof_asked(doer, note))
        return -ERR_ARGUMENTS;
    switch (note->number > errand_last(doer->all) ? DONE_AT_ONCE : errand_manner(note->number)) {
    case REFUSED: return -ERR_DENIED;
    case TURNED_AWAY: return -ERR_OVERLOADED;
    case DONE_LATER:
    case DONE_IN_SILENCE: return put_off(doer, (struct rpc_request *)request, note);
    case DONE_IN_VAIN: proof_done(doer, note); return -ERR_FAILED;
    default:
        proof_done(doer, note);
        *(struct note *)ret = answer_to(doer, note);
        return 0;
    }
}

static void
on_request(void *arg, struct rpc_request *request)
{
    int rc = rpc_request_run(request);
    (void)arg;
    if (rc != TAMBO_RPC_LATER)
        rpc_request_end(request, rc);
}

static void
finish(const struct doer *doer, const struct pending *pending)
{
    struct note answer = answer_to(doer, pending->note);
    if (errand_manner(pending->note->number) == DONE_IN_SILENCE)
        rpc_request_drop(pending->request);
    else
        (void)rpc_request_reply(pending->request, &answer);
}

void
doer_tend(struct doer *doer)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < doer->pending_count; i++) {
        if (doer->pending[i].at_ns <= sim_now(doer->all->sim))
            finish(doer, &doer->pending[i]);
        else
            doer->pending[kept++] = doer->pending[i];
    }
    doer->pending_count = kept;
}

/* ---- coming and going ------------------------------------------------------------------------------------------- */

static int
listen_at(struct doer *doer)
{
    static const char *const formats[] = {
        [ERRAND_TCP] = "tcp://*:%u",
        [ERRAND_UDP] = "udp://*:%u",
        [ERRAND_UNIX] = "unix:@doer%u",
        [ERRAND_INPROC] = "inproc:doer%u",
    };
    enum errand_road road = doer->all->plan->road;
    struct rpc_address address, bound;
    char text[32];
    snprintf(text, sizeof(text), formats[road], road == ERRAND_TCP || road == ERRAND_UDP ? 700 : doer->index);
    int rc = rpc_address_parse(view_str(text), &address);
    must(rc == 0);
    return rpc_server_listen(doer->server, &address, &bound);
}

int
doer_open(struct doer *doer)
{
    static const struct rpc_server_on on = { .request = on_request };
    int rc = rpc_server_new(doer->desk->world, &on, doer, &doer->server);
    if (rc == 0)
        rc = rpc_server_serve(doer->server, &errand_program, NULL, doer);
    return rc < 0 ? rc : listen_at(doer);
}

void
doer_close(struct doer *doer)
{
    rpc_server_free(doer->server);
    doer->server = NULL;
    for (unsigned i = 0; i < doer->pending_count; i++)
        rpc_request_drop(doer->pending[i].request);
    doer->pending_count = 0;
}
