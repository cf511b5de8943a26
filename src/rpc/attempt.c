/* rpc/attempt.c - what may be tried again, and when.
 *
 * What an attempt came to grief on is looked up in the table below; from there the call goes to another address at
 * once, or into a backoff, or to its owner with an error.  One that may have been executed, and may be executed only
 * once, goes to no server but the one that remembers it (attempt_put.c, settle_boot). */
#include "base/err.h"
#include "rpc/caller.h"

enum { NEVER = 0, MOVE = 1, LATER = 2 };
enum who { ANY, OURS, OTHER, WHO };

/* MOVE: at once, to an address where it was not tried yet; it costs nothing.
 * LATER: after a backoff, within RETRY_MAX and the budget. */
/* clang-format off */
static const uint8_t rows[RPC_WRONGS][WHO] = {
    /*                at least once   at most once: a server of ours   another's       */
    [RPC_UNSENT] = {  MOVE | LATER,   MOVE | LATER,                    MOVE | LATER },
    [RPC_ABSENT] = {  MOVE,           MOVE,                            MOVE         },
    [RPC_BUSY]   = {  MOVE | LATER,   MOVE | LATER,                    MOVE | LATER },
    [RPC_LOST]   = {  LATER,          LATER,                           NEVER        },
    [RPC_FINAL]  = {  NEVER,          NEVER,                           NEVER        },
};
/* clang-format on */

/* Is there one server only that it may go to? */
static bool
is_bound(const struct rpc_call *call)
{
    return call->unsure.rc < 0 && !call->is_at_least_once;
}

static unsigned
what_now(const struct rpc_call *call, enum rpc_wrong wrong)
{
    enum who who = call->is_at_least_once ? ANY : call->boot != 0 ? OURS : OTHER;
    unsigned now = rows[wrong][who];
    return is_bound(call) ? now & rows[RPC_LOST][who] : now;
}

/* ---- attempts ---------------------------------------------------------------------------------------------------- */

static uint64_t
hash_xid(uint32_t xid)
{
    return xid * UINT64_C(0x9e3779b97f4a7c15);
}

static bool
same_xid(const void *value, const void *key)
{
    const struct rpc_attempt *attempt = value;
    return attempt->xid == *(const uint32_t *)key;
}

/* A call may wait for days, and at a million a second the numbers come round within two hours. */
uint32_t
rpc_way_xid(struct rpc_way *way)
{
    do
        way->xid++;
    while (way->xid == 0 || map_get(&way->attempts, hash_xid(way->xid), same_xid, &way->xid) != NULL);
    return way->xid;
}

struct rpc_attempt *
rpc_attempt_find(const struct rpc_line *line, uint32_t xid)
{
    struct rpc_attempt *attempt = map_get(&line->way->attempts, hash_xid(xid), same_xid, &xid);
    return attempt != NULL && attempt->line == line && attempt->puts > 0 ? attempt : NULL;
}

/* NULL: as many as may be are under way, or no memory. */
static struct rpc_attempt *
add(struct rpc_call *call, struct rpc_line *line)
{
    struct rpc_attempt *attempt = call->attempts;
    while (attempt->call != NULL)
        if (++attempt == call->attempts + RPC_ATTEMPTS_MAX)
            return NULL;
    list_init(&attempt->link);
    attempt->xid = rpc_way_xid(line->way);
    attempt->puts = 0;
    if (map_put(&line->way->attempts, hash_xid(attempt->xid), attempt) < 0)
        return NULL;
    attempt->call = call;
    attempt->line = line;
    line->load++;
    call->tried |= rpc_line_bit(line);
    return attempt;
}

void
rpc_attempt_cut(struct rpc_attempt *attempt)
{
    struct rpc_line *line = attempt->line;
    map_cut(&line->way->attempts, hash_xid(attempt->xid), attempt);
    list_cut(&attempt->link);
    line->load--;
    attempt->call = NULL;
}

static void
wait_for_line(struct rpc_attempt *attempt)
{
    list_push(&attempt->line->waiting, &attempt->link);
    rpc_line_want(attempt->line, attempt->call->client);
}

int
rpc_attempt_first(struct rpc_call *call, struct rpc_line *line, const void *args, struct tambo_xdr_fault *why)
{
    struct rpc_attempt *attempt = add(call, line);
    if (attempt == NULL)
        return -ERR_NO_MEMORY;
    int rc = rpc_line_takes(line, call) ? rpc_attempt_encode(attempt, args, why) : -ERR_AGAIN;
    if (rc == -ERR_AGAIN) {
        rc = rpc_call_keep(call, args, why);
        if (rc == 0)
            wait_for_line(attempt);
    }
    if (rc < 0)
        rpc_attempt_cut(attempt);
    return rc;
}

int
rpc_attempt_send(struct rpc_attempt *attempt)
{
    struct rpc_call *call = attempt->call;
    int rc = rpc_attempt_put(attempt);
    if (rc < 0)
        return rc;
    if (call->form == RPC_FORM_CAST)
        rpc_call_end(call, 0, view_of(NULL, 0));
    else
        rpc_call_arm(call);
    return 0;
}

int
rpc_attempt_begin(struct rpc_call *call, struct rpc_line *line)
{
    struct rpc_attempt *attempt = add(call, line);
    if (attempt == NULL)
        return -ERR_NO_MEMORY;
    int rc = rpc_line_takes(line, call) ? rpc_attempt_send(attempt) : -ERR_AGAIN;
    if (rc == -ERR_AGAIN) {
        wait_for_line(attempt);
        return 0;
    }
    if (rc < 0)
        rpc_attempt_cut(attempt);
    return rc;
}

/* ---- again ------------------------------------------------------------------------------------------------------- */

/* May it be tried once more, by its own limit and by the budget? */
static bool
take_try(struct rpc_call *call)
{
    struct rpc_client *client = call->client;
    if (call->tries >= rpc_option(client, TAMBO_RPC_RETRY_MAX) || rpc_option(client, TAMBO_RPC_RETRY_PERCENT) == 0 ||
        client->tokens < RPC_TRY_TOKENS)
        return false;
    client->tokens -= RPC_TRY_TOKENS;
    call->tries++;
    return true;
}

/* When a new try would come. */
static uint64_t
after_backoff(const struct rpc_call *call)
{
    const struct rpc_client *client = call->client;
    uint64_t ms = (uint64_t)rpc_option(client, TAMBO_RPC_RETRY_MS);
    uint64_t ms_max = (uint64_t)rpc_option(client, TAMBO_RPC_RETRY_MS_MAX);
    return rpc_way_now(client->way) + rpc_way_backoff_ns(client->way, ms, ms_max, call->tries);
}

/* False: there is nothing more to be tried, or no time. */
static bool
try_again(struct rpc_call *call, unsigned now)
{
    struct rpc_client *client = call->client;
    if (call->args == NULL)
        return false;
    struct rpc_line *line = (now & MOVE) != 0 ? rpc_line_pick(client, call->tried) : NULL;
    if (line != NULL)
        return rpc_attempt_begin(call, line) == 0;
    uint64_t at_ns = after_backoff(call);
    if ((now & LATER) == 0 || at_ns >= call->deadline_ns || !take_try(call))
        return false;
    call->retry_ns = at_ns;
    rpc_call_arm(call);
    return true;
}

void
rpc_attempt_again(struct rpc_call *call)
{
    struct rpc_line *line = is_bound(call) ? call->unsure.line : rpc_line_pick(call->client, call->tried);
    if (line == NULL) {
        /* All were: another one than the last, if there is one. */
        call->tried = call->client->way->line_count == 1 ? 0 : rpc_line_bit(call->last.line);
        line = rpc_line_pick(call->client, call->tried);
    }
    if (rpc_attempt_begin(call, line) < 0)
        rpc_call_give_up(call);
}

void
rpc_attempt_hedge(struct rpc_call *call)
{
    struct rpc_line *line = rpc_line_pick(call->client, call->tried);
    if (line != NULL && call->args != NULL && call->attempts[RPC_ATTEMPTS_MAX - 1].call == NULL && take_try(call))
        (void)rpc_attempt_begin(call, line); /* the first one is still under way */
}

/* ---- what comes of one ------------------------------------------------------------------------------------------- */

void
rpc_attempt_failed(struct rpc_attempt *attempt, enum rpc_wrong wrong, struct rpc_failure failure)
{
    struct rpc_call *call = attempt->call;
    unsigned now = what_now(call, wrong);
    rpc_attempt_cut(attempt);
    call->last = failure;
    if (call->unsure.rc == 0 && rpc_outcome(failure.rc) != TAMBO_NOT_EXECUTED)
        call->unsure = failure;
    if (rpc_call_is_tried(call))
        return; /* another one will tell */
    if (!try_again(call, now))
        rpc_call_give_up(call);
}

/* It has no room now; but of a datagram it may yet take a second copy. */
static void
was_refused_room(struct rpc_attempt *attempt, struct rpc_failure failure)
{
    bool is_certain = !rpc_line_is_datagram(attempt->line);
    failure.rc = is_certain ? -ERR_OVERLOADED : -ERR_RESET;
    rpc_attempt_failed(attempt, is_certain ? RPC_BUSY : RPC_LOST, failure);
}

/* The server does not remember the call, or is another one by now: nobody knows whether it was executed. */
static void
was_forgotten(struct rpc_attempt *attempt, struct rpc_failure failure)
{
    struct rpc_line *line = attempt->line;
    failure.rc = -ERR_RESET;
    if (line->known == RPC_OURS && line->boot == attempt->call->boot)
        rpc_line_ask(line);
    rpc_attempt_failed(attempt, RPC_FINAL, failure);
}

void
rpc_attempt_succeeded(struct rpc_attempt *attempt, struct view results)
{
    struct rpc_call *call = attempt->call;
    rpc_attempt_cut(attempt); /* unlike others of the call, which are canceled */
    rpc_call_end(call, 0, results);
}

void
rpc_attempt_replied(struct rpc_attempt *attempt, const struct oncrpc_message *message)
{
    const struct oncrpc_reply *reply = &message->reply;
    int rc = oncrpc_reply_err(reply);
    struct rpc_failure failure = { .rc = rc, .cause = rc, .low = reply->low, .high = reply->high };
    failure.line = attempt->line;
    if (reply->status == ONCRPC_AUTH_ERROR)
        failure.low = reply->auth_stat;
    if (rc == 0) {
        rpc_attempt_succeeded(attempt, message->body);
        return;
    }
    switch (rc) {
    case -ERR_OVERLOADED: was_refused_room(attempt, failure); break;
    case -ERR_PROGRAM:
    case -ERR_VERSION: rpc_attempt_failed(attempt, RPC_ABSENT, failure); break;
    case -ERR_DENIED:
        if (attempt->call->boot != 0 && reply->auth_stat == ONCRPC_AUTH_REJECTEDVERF)
            was_forgotten(attempt, failure);
        else
            rpc_attempt_failed(attempt, RPC_ABSENT, failure);
        break;
    default: rpc_attempt_failed(attempt, RPC_FINAL, failure);
    }
}
