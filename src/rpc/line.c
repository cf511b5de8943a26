/* rpc/line.c - an address of a client: which one is taken, its link's life, who waits for it.
 *
 *     closed - (rpcbind is asked) - opening - open - closed
 *
 * Nothing fails inside a call of the client's owner: what is found out there is told in the next turn, by the timer. */
#include <stdio.h>

#include "base/err.h"
#include "rpc/caller.h"

enum { LOOK_AGAIN_MS = 10 };

/* ---- which one --------------------------------------------------------------------------------------------------- */

static uint64_t
load_of(const struct rpc_client *client, const struct rpc_line *line, uint64_t now)
{
    uint64_t load = rpc_option(client, TAMBO_RPC_BALANCE) == TAMBO_LEAST_LOADED ? line->load : 0;
    return line->rest_ns > now ? load | UINT64_C(1) << 63 : load;
}

/* The least loaded of those that are not resting; without a difference, the first from where the turn is. */
struct rpc_line *
rpc_line_pick(struct rpc_client *client, uint64_t tried)
{
    struct rpc_way *way = client->way;
    struct rpc_line *best = NULL;
    uint64_t best_load = 0, now = way->line_count > 1 ? rpc_way_now(way) : 0;
    unsigned first = rpc_option(client, TAMBO_RPC_BALANCE) == TAMBO_PICK_FIRST ? 0 : client->turn;
    for (unsigned i = 0; i < way->line_count; i++) {
        struct rpc_line *line = &way->lines[(first + i) % way->line_count];
        uint64_t load = load_of(client, line, now);
        if ((tried & rpc_line_bit(line)) == 0 && (best == NULL || load < best_load)) {
            best = line;
            best_load = load;
        }
    }
    if (best != NULL)
        client->turn = (unsigned)(best - way->lines) + 1;
    return best;
}

void
rpc_line_rest(struct rpc_line *line)
{
    line->rest_ns =
        rpc_way_now(line->way) + rpc_way_backoff_ns(line->way, line->retry_ms, line->retry_ms_max, line->failures);
    line->failures++;
}

/* ---- leaving it -------------------------------------------------------------------------------------------------- */

static void
leave(struct rpc_line *line, void (*part)(struct rpc_link *))
{
    rpc_bind_ask_free(line->ask);
    line->ask = NULL;
    if (line->link != NULL)
        part(line->link);
    line->link = NULL;
    line->is_open = false;
    line->known = RPC_UNASKED;
    line->hello_xid = 0;
    line->broken = 0;
}

/* What an address that could not be reached is: not executed. */
static int
unsent_rc(int rc)
{
    switch (rc) {
    case -ERR_REFUSED:
    case -ERR_ADDRESS:
    case -ERR_DENIED:
    case -ERR_PROGRAM:
    case -ERR_VERSION:
    case -ERR_NO_MEMORY:
    case -ERR_NOT_FOUND:
    case -ERR_CANCELED: return rc;
    default: return -ERR_UNREACHABLE;
    }
}

/* What a connection that was lost is: perhaps executed. */
static int
lost_rc(int rc)
{
    switch (rc) {
    case -ERR_EOF:
    case -ERR_PROTOCOL: return rc;
    case -ERR_TOO_LARGE: return -ERR_PROTOCOL; /* a reply past its limit, of whichever call */
    default: return -ERR_RESET;
    }
}

static void
fail_all(struct list *attempts, enum rpc_wrong wrong, struct rpc_failure failure)
{
    struct list *it;
    while ((it = list_pop(attempts)) != NULL)
        rpc_attempt_failed(container_of(it, struct rpc_attempt, link), wrong, failure);
}

void
rpc_line_fail(struct rpc_line *line, int rc)
{
    struct rpc_way *way = line->way;
    struct rpc_failure unsent = { .rc = unsent_rc(rc), .cause = rc, .line = line };
    struct rpc_failure lost = { .rc = lost_rc(rc), .cause = rc, .line = line };
    bool was_idle = line->is_open && line->load == 0;
    struct list sent, waiting;
    list_init(&sent);
    list_init(&waiting);
    rpc_way_hold(way);
    leave(line, rpc_link_abort);
    if (!was_idle)
        rpc_line_rest(line);
    list_splice(&sent, &line->sent);
    list_splice(&waiting, &line->waiting);
    rpc_line_watch(line);
    /* Datagrams, too, when their machine says that nobody is there: it may be a second copy that nobody took. */
    fail_all(&sent, RPC_LOST, lost);
    fail_all(&waiting, RPC_UNSENT, unsent);
    rpc_way_release(way);
}

void
rpc_line_give_up(struct rpc_line *line)
{
    struct rpc_failure unsent = { .rc = -ERR_UNREACHABLE, .cause = -ERR_TIMEOUT, .line = line };
    struct list waiting;
    list_init(&waiting);
    line->known = RPC_UNASKED;
    rpc_line_rest(line);
    list_splice(&waiting, &line->waiting);
    fail_all(&waiting, RPC_UNSENT, unsent);
}

/* ---- its timer --------------------------------------------------------------------------------------------------- */

static uint64_t
next_look(const struct rpc_line *line)
{
    uint64_t now = rpc_way_now(line->way);
    if (line->broken < 0)
        return now;
    if (line->link == NULL && line->ask == NULL)
        return RPC_NEVER_NS;
    if (!line->is_open)
        return line->until_ns;
    if (line->known == RPC_ASKED && line->hello_after_ns < line->until_ns)
        return line->hello_after_ns;
    if (line->known == RPC_ASKED)
        return line->until_ns;
    if (!list_empty(&line->waiting))
        return now + LOOK_AGAIN_MS * RPC_NS_A_MS;
    if (line->idle_ns == 0)
        return RPC_NEVER_NS;
    return (line->load > 0 ? now : line->used_ns) + line->idle_ns;
}

void
rpc_line_watch(struct rpc_line *line)
{
    io_timer_set(line->way->io, &line->timer, next_look(line), line->timer.fn, line);
}

void
rpc_line_doubt(struct rpc_line *line)
{
    if (line->link == NULL || rpc_link_unheard_ms(line->link) * RPC_NS_A_MS < line->connect_ns)
        return;
    line->broken = -ERR_TIMEOUT;
    rpc_line_watch(line);
}

static void
look(struct rpc_line *line)
{
    uint64_t now = rpc_way_now(line->way);
    if (line->broken < 0)
        rpc_line_fail(line, line->broken);
    else if (!line->is_open && (line->link != NULL || line->ask != NULL) && line->until_ns <= now)
        rpc_line_fail(line, -ERR_TIMEOUT);
    else if (line->is_open && line->known == RPC_ASKED)
        rpc_line_ask_again(line);
    else if (line->is_open && !list_empty(&line->waiting))
        rpc_line_flush(line);
    else if (line->is_open && line->load == 0 && line->idle_ns > 0 && line->used_ns + line->idle_ns <= now)
        leave(line, rpc_link_close);
}

static void
on_timer(void *arg)
{
    struct rpc_line *line = arg;
    struct rpc_way *way = line->way;
    rpc_way_hold(way);
    look(line);
    rpc_line_watch(line);
    rpc_way_release(way);
}

/* ---- its link ---------------------------------------------------------------------------------------------------- */

static void
on_opened(void *arg, int rc)
{
    struct rpc_line *line = arg;
    struct rpc_way *way = line->way;
    if (rc < 0) {
        rpc_line_fail(line, rc);
        return;
    }
    rpc_way_hold(way);
    line->is_open = true;
    line->used_ns = rpc_way_now(way);
    /* Where one cannot know whether anybody is there, only who has to know asks, or when something was heard. */
    if (!rpc_line_is_datagram(line))
        rpc_line_ask(line);
    rpc_line_flush(line);
    rpc_way_release(way);
}

/* A call of the server's: that it has accepted one of ours. */
static void
heard_call(struct rpc_line *line, const struct oncrpc_message *message)
{
    struct cursor c = cursor_of(message->body);
    uint32_t xid = take_u32(&c);
    if (message->call.program != TAMBO_RPC_PROGRAM || message->call.procedure != RPC_EXTRA_RECEIPT || c.torn)
        return;
    struct rpc_attempt *attempt = rpc_attempt_find(line, xid);
    if (attempt != NULL && attempt->call->form == RPC_FORM_RECEIPT)
        rpc_attempt_succeeded(attempt, view_of(NULL, 0));
}

static void
heard_reply(struct rpc_line *line, const struct oncrpc_message *message)
{
    if (message->xid == line->hello_xid && line->hello_xid != 0) {
        rpc_line_answered(line, message);
        return;
    }
    struct rpc_attempt *attempt = rpc_attempt_find(line, message->xid);
    if (attempt != NULL)
        rpc_attempt_replied(attempt, message);
    /* Others are late, or of a cast. */
}

static void
on_message(void *arg, const struct io_remote *from, struct view bytes)
{
    struct rpc_line *line = arg;
    struct rpc_way *way = line->way;
    struct oncrpc_message message;
    struct fault why;
    (void)from;
    int rc = oncrpc_parse(bytes, &message, &why);
    if (rc < 0) {
        if (!rpc_line_is_datagram(line))
            rpc_line_fail(line, -ERR_PROTOCOL);
        return;
    }
    rpc_way_hold(way);
    line->used_ns = rpc_way_now(way);
    line->failures = 0;
    line->rest_ns = 0;
    if (message.is_reply)
        heard_reply(line, &message);
    else
        heard_call(line, &message);
    if (line->is_open && line->known == RPC_UNASKED)
        rpc_line_ask(line);
    rpc_way_release(way);
}

static void
on_ended(void *arg, int rc)
{
    rpc_line_fail(arg, rc);
}

static const struct rpc_link_on link_on = { .opened = on_opened, .message = on_message, .ended = on_ended };

/* ---- opening it -------------------------------------------------------------------------------------------------- */

static int
connect_to(struct rpc_line *line, const struct rpc_address *address)
{
    return rpc_link_open(line->way->world, address, line->reply_bytes_max, &link_on, line, &line->link);
}

static void
on_found(void *arg, int rc, const struct rpc_address *address, const char *why)
{
    struct rpc_line *line = arg;
    rpc_bind_ask_free(line->ask);
    line->ask = NULL;
    if (rc == 0)
        rc = connect_to(line, address);
    else
        snprintf(line->why, sizeof line->why, "%s", why);
    if (rc < 0)
        rpc_line_fail(line, rc);
}

static int
begin_opening(struct rpc_line *line)
{
    const struct rpc_way *way = line->way;
    bool has_port = line->address.transport == RPC_TCP || line->address.transport == RPC_UDP;
    if (!has_port || line->address.at.port != 0)
        return connect_to(line, &line->address);
    return rpc_bind_ask(way->world, &line->address, way->program, way->version,
                        (uint32_t)(line->connect_ns / RPC_NS_A_MS), on_found, line, &line->ask);
}

static void
open_line(struct rpc_line *line, const struct rpc_client *client)
{
    line->connect_ns = rpc_option_ns(client, TAMBO_RPC_CONNECT_MS);
    line->idle_ns = rpc_option_ns(client, TAMBO_RPC_IDLE_MS);
    line->resend_ns = rpc_option_ns(client, TAMBO_RPC_RESEND_MS);
    line->retry_ms = (uint64_t)rpc_option(client, TAMBO_RPC_RETRY_MS);
    line->retry_ms_max = (uint64_t)rpc_option(client, TAMBO_RPC_RETRY_MS_MAX);
    line->reply_bytes_max = (size_t)rpc_option(client, TAMBO_RPC_REPLY_BYTES_MAX);
    line->until_ns = rpc_way_now(line->way) + line->connect_ns;
    line->why[0] = '\0';
    int rc = begin_opening(line);
    if (rc < 0)
        line->broken = rc;
}

void
rpc_line_want(struct rpc_line *line, const struct rpc_client *client)
{
    bool is_closed = line->link == NULL && line->ask == NULL && line->broken == 0;
    if (is_closed)
        open_line(line, client);
    else if (line->is_open && line->known == RPC_UNASKED)
        rpc_line_ask(line);
    rpc_line_watch(line);
}

/* ---- who waits for it -------------------------------------------------------------------------------------------- */

/* Must it be known first whether the server is one of ours? */
static bool
has_to_know(const struct rpc_line *line, const struct rpc_call *call)
{
    const struct rpc_client *client = call->client;
    if (call->form == RPC_FORM_RECEIPT)
        return true;
    if (call->is_at_least_once)
        return false;
    return rpc_line_is_datagram(line) || (rpc_option(client, TAMBO_RPC_RETRY_MAX) > 0 && call->form == RPC_FORM_REPLY);
}

bool
rpc_line_takes(const struct rpc_line *line, const struct rpc_call *call)
{
    if (!line->is_open || line->broken < 0)
        return false;
    return line->known >= RPC_OURS || !has_to_know(line, call);
}

/* One that could not be sent now stays, and is looked at again. */
static void
try_to_send(struct rpc_attempt *attempt)
{
    struct rpc_line *line = attempt->line;
    struct rpc_failure failure = { .line = line };
    if (rpc_line_takes(line, attempt->call)) {
        failure.rc = failure.cause = rpc_attempt_send(attempt);
        if (failure.rc < 0 && failure.rc != -ERR_AGAIN)
            rpc_attempt_failed(attempt, RPC_FINAL, failure);
        if (failure.rc != -ERR_AGAIN)
            return;
    }
    list_push(&line->waiting, &attempt->link);
}

void
rpc_line_flush(struct rpc_line *line)
{
    struct rpc_way *way = line->way;
    struct list todo, *it;
    list_init(&todo);
    rpc_way_hold(way);
    list_splice(&todo, &line->waiting);
    while ((it = list_pop(&todo)) != NULL)
        try_to_send(container_of(it, struct rpc_attempt, link));
    if (line->is_open && line->known == RPC_UNASKED && !list_empty(&line->waiting))
        rpc_line_ask(line);
    rpc_line_watch(line);
    rpc_way_release(way);
}

/* ---- its beginning and end --------------------------------------------------------------------------------------- */

void
rpc_line_init(struct rpc_line *line, struct rpc_way *way)
{
    line->way = way;
    list_init(&line->waiting);
    list_init(&line->sent);
    line->timer.fn = on_timer;
}

void
rpc_line_fini(struct rpc_line *line)
{
    leave(line, rpc_link_close);
    io_timer_cut(line->way->io, &line->timer);
}
