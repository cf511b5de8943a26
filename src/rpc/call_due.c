/* rpc/call_due.c - what comes when a call's time comes: its deadline, a new try, a hedge, a datagram's resending.  All
 * calls of a way wait in one heap, on one timer, which is late by nothing and early for calls that have ended. */
#include "base/break.h"
#include "base/err.h"
#include "rpc/caller.h"

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void
set_timer(struct rpc_way *way, uint64_t at_ns)
{
    way->timer_ns = at_ns;
    io_timer_set(way->io, &way->timer, at_ns, rpc_call_due, way);
}

void
rpc_call_arm(struct rpc_call *call)
{
    struct rpc_way *way = call->client->way;
    uint64_t at = earlier(earlier(call->deadline_ns, call->retry_ns), earlier(call->resend_ns, call->hedge_ns));
    if (call->due.at != at)
        heap_put(&way->calls, &call->due, at);
    if (at < way->timer_ns)
        set_timer(way, at);
}

static void
expire(struct rpc_call *call)
{
    bool was_sent = rpc_call_was_sent(call) && !broken(BREAK_CLAIM_UNSENT);
    int rc = was_sent ? -ERR_TIMEOUT : -ERR_UNREACHABLE;
    rpc_call_explain_deadline(call, rc);
    for (size_t i = 0; i < RPC_ATTEMPTS_MAX; i++) {
        const struct rpc_attempt *attempt = &call->attempts[i];
        if (attempt->call == NULL || attempt->puts == 0)
            continue;
        if (rpc_line_is_datagram(attempt->line)) /* nobody may be there */
            rpc_line_rest(attempt->line);
        else
            rpc_line_doubt(attempt->line);
    }
    rpc_call_end(call, rc, view_of(NULL, 0));
}

/* Also to another address, where twice does no harm: nobody may be at this one. */
static void
resend(struct rpc_call *call)
{
    call->resend_after_ns *= 2;
    call->resend_ns = RPC_NEVER_NS;
    for (size_t i = 0; i < RPC_ATTEMPTS_MAX; i++) {
        struct rpc_attempt *attempt = &call->attempts[i];
        if (attempt->call == NULL || attempt->puts == 0 || !rpc_attempt_resends(attempt))
            continue;
        call->resend_ns = earlier(rpc_way_now(call->client->way) + call->resend_after_ns, RPC_NEVER_NS);
        (void)rpc_attempt_put(attempt); /* as good as lost on its way */
    }
    if (call->is_at_least_once && call->resend_ns < RPC_NEVER_NS)
        rpc_attempt_hedge(call);
}

static void
look(struct rpc_call *call, uint64_t now)
{
    bool is_to_retry = call->retry_ns <= now;
    if (call->deadline_ns <= now) {
        expire(call);
        return;
    }
    if (call->hedge_ns <= now) {
        call->hedge_ns = RPC_NEVER_NS;
        rpc_attempt_hedge(call);
    }
    if (call->resend_ns <= now)
        resend(call);
    if (is_to_retry)
        call->retry_ns = RPC_NEVER_NS;
    rpc_call_arm(call);
    if (is_to_retry)
        rpc_attempt_again(call);
}

void
rpc_call_due(void *arg)
{
    struct rpc_way *way = arg;
    struct heap_node *first;
    uint64_t now = rpc_way_now(way);
    rpc_way_hold(way);
    while ((first = heap_first(&way->calls)) != NULL && first->at <= now)
        look(container_of(first, struct rpc_call, due), now);
    set_timer(way, first == NULL ? RPC_NEVER_NS : first->at);
    rpc_way_release(way);
}
