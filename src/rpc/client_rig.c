/* rpc/client_rig.c - see client_rig.h. */
#include "rpc/client_rig.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "rpc/extra.h"

enum { PROGRAM = 1000, VERSION = 2, MESSAGE_BYTES_MAX = 1 << 20 };

/* ---- machines ---------------------------------------------------------------------------------------------------- */

static int
start(void *arg, struct io *io)
{
    struct rig_host *host = arg;
    return rpc_world_new(io, &host->world);
}

static void
died(void *arg, enum sim_death how)
{
    struct rig_host *host = arg;
    (void)how;
    rpc_world_free(host->world);
    host->world = NULL;
}

void
rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    must(sim_new(&rig->mem, 1, NULL, &rig->sim) == 0);
    for (size_t i = 0; i < RIG_HOSTS; i++) {
        struct rig_host *host = &rig->hosts[i];
        struct sim_program program = { .start = start, .died = died, .arg = host, .mem = &host->mem };
        char name[2] = { (char)('a' + i), '\0' };
        must(sim_machine_new(rig->sim, name, &program, &host->machine) == 0);
        sim_boot(host->machine);
    }
    rig_run(rig, 1);
}

int
rig_close(struct rig *rig)
{
    size_t left = 0;
    sim_free(rig->sim);
    for (size_t i = 0; i < RIG_HOSTS; i++)
        left += rig->hosts[i].mem.used_bytes;
    return left + rig->mem.used_bytes == 0 ? 0 : -1;
}

void
rig_run(struct rig *rig, unsigned ms)
{
    sim_run_for(rig->sim, ms * SIM_NS_A_MS);
}

struct rig_host *
rig_host(struct rig *rig, char letter)
{
    return &rig->hosts[letter - 'a'];
}

void
rig_note(struct rig *rig, const char *format, ...)
{
    va_list args;
    if (rig->log_len > 0)
        rig->log[rig->log_len++] = ' ';
    va_start(args, format);
    rig->log_len += (size_t)vsnprintf(rig->log + rig->log_len, sizeof rig->log - rig->log_len, format, args);
    va_end(args);
    must(rig->log_len + 1 < sizeof rig->log);
}

const char *
rig_said(struct rig *rig, char ret[8192])
{
    memcpy(ret, rig->log, rig->log_len);
    ret[rig->log_len] = '\0';
    rig->log_len = 0;
    return ret;
}

/* ---- servers: answering ------------------------------------------------------------------------------------------ */

static void
put_reply(const struct rig_held *to, const struct oncrpc_reply *reply, struct view body)
{
    struct tambo_xdr_out *out = rpc_link_begin(to->link, MESSAGE_BYTES_MAX);
    if (out == NULL)
        return; /* its machine has no memory, or nobody is there any more */
    uint8_t head[ONCRPC_REPLY_HEAD_BYTES_MAX];
    struct pen pen = pen_of(head, sizeof head);
    oncrpc_reply_write(&pen, to->xid, reply);
    size_t n = sizeof head - pen_left(&pen);
    uint8_t *room = tambo_xdr_room(out, n + body.len);
    if (room == NULL) {
        rpc_link_drop(to->link);
        return;
    }
    memcpy(room, head, n);
    if (body.len > 0)
        memcpy(room + n, body.data, body.len);
    (void)rpc_link_commit(to->link, to->has_from ? &to->from : NULL);
}

static void
put_text(const struct rig_held *to, const char *text)
{
    struct oncrpc_reply success = { .status = ONCRPC_SUCCESS };
    struct tambo_xdr_out out;
    tambo_xdr_out_init(&out, MESSAGE_BYTES_MAX);
    must(tambo_xdr_put_string(&out, text, MESSAGE_BYTES_MAX) == 0);
    put_reply(to, &success, view_of(out.start, tambo_xdr_out_len(&out)));
    tambo_xdr_out_free(&out);
}

static struct rig_held
take_held(struct rig_peer *peer)
{
    must(peer->held_count > 0);
    struct rig_held first = peer->held[0];
    peer->held_count--;
    memmove(peer->held, peer->held + 1, peer->held_count * sizeof first);
    return first;
}

void
rig_answer(struct rig_peer *peer, const char *text)
{
    struct rig_held to = take_held(peer);
    put_text(&to, text);
}

struct oncrpc_reply
rig_refusal(int rc)
{
    struct oncrpc_reply reply = oncrpc_reply_of(rc);
    reply.low = 3;
    reply.high = 5;
    return reply;
}

void
rig_refuse(struct rig_peer *peer, int rc)
{
    struct rig_held to = take_held(peer);
    struct oncrpc_reply reply = rig_refusal(rc);
    put_reply(&to, &reply, view_of(NULL, 0));
}

void
rig_receipt(struct rig_peer *peer)
{
    struct rig_held to = take_held(peer);
    struct oncrpc_call call = { .program = TAMBO_RPC_PROGRAM, .version = TAMBO_RPC_VERSION };
    uint8_t bytes[ONCRPC_CALL_HEAD_BYTES_MAX];
    struct pen pen = pen_of(bytes, sizeof bytes);
    call.procedure = RPC_EXTRA_RECEIPT;
    oncrpc_call_write(&pen, 1, &call);
    put_u32(&pen, to.xid);
    must(rpc_link_put(to.link, to.has_from ? &to.from : NULL, view_of(bytes, sizeof bytes - pen_left(&pen))) == 0);
}

/* ---- servers: hearing -------------------------------------------------------------------------------------------- */

static unsigned
number_of(struct rig_peer *peer, uint32_t xid)
{
    for (unsigned i = 0; i < peer->xid_count; i++)
        if (peer->xids[i] == xid)
            return i + 1;
    must(peer->xid_count < RIG_XIDS);
    peer->xids[peer->xid_count++] = xid;
    return peer->xid_count;
}

static void
hear_extra(struct rig_peer *peer, const struct rig_held *to, const struct oncrpc_message *message)
{
    struct cursor c = cursor_of(message->body);
    struct oncrpc_reply absent = { .status = ONCRPC_PROG_UNAVAIL }, success = { .status = ONCRPC_SUCCESS };
    uint8_t body[16];
    struct pen pen = pen_of(body, sizeof body);
    if (message->call.procedure == RPC_EXTRA_CANCEL) {
        rig_note(peer->rig, "%c<CANCEL#%u", peer->name, number_of(peer, take_u32(&c)));
        return;
    }
    rig_note(peer->rig, "%c<HELLO", peer->name);
    put_u32(&pen, TAMBO_RPC_VERSION);
    put_u64(&pen, peer->boot);
    put_u32(&pen, peer->remembers_ms);
    if (peer->hello == RIG_OURS)
        put_reply(to, &success, view_of(body, sizeof body));
    else if (peer->hello == RIG_FOREIGN)
        put_reply(to, &absent, view_of(NULL, 0));
}

/* What the verifier says, in brackets. */
static void
print_extra(const struct oncrpc_call *call, char *ret, size_t n)
{
    struct oncrpc_extra extra;
    struct fault why;
    ret[0] = '\0';
    if (call->verf.flavor != ONCRPC_AUTH_TAMBO)
        return;
    must(oncrpc_extra_parse(call->verf.body, &extra, &why) == 0);
    must(extra.left_ms > 0);
    snprintf(ret, n, "[%s%s", (extra.flags & ONCRPC_EXTRA_ONE_WAY) != 0 ? "cast " : "",
             (extra.flags & ONCRPC_EXTRA_RECEIPT) != 0 ? "receipt " : "");
    size_t at = strlen(ret);
    if ((extra.flags & ONCRPC_EXTRA_ONCE) != 0)
        snprintf(ret + at, n - at, "%" PRIu64 "/%" PRIu64 "]", extra.sequence, extra.settled);
    else
        snprintf(ret + at, n - at, "any]");
}

static void
close_link(struct rig_peer *peer, struct rpc_link *link)
{
    for (size_t i = 0; i < RIG_LINKS; i++)
        if (peer->links[i].link == link)
            peer->links[i].link = NULL;
    /* Who had called there is not answered any more. */
    for (unsigned i = peer->held_count; i-- > 0;)
        if (peer->held[i].link == link)
            memmove(peer->held + i, peer->held + i + 1, (--peer->held_count - i) * sizeof peer->held[0]);
    rpc_link_close(link);
}

static void
hear_call(struct rig_peer *peer, const struct rig_held *to, const struct oncrpc_message *message)
{
    char text[RIG_TEXT_MAX + 1] = "", extra[64];
    struct cursor c = cursor_of(message->body);
    struct view arg = take_long(&c);
    must(message->call.program == PROGRAM && message->call.version == VERSION);
    snprintf(text, sizeof text, "%.*s", (int)arg.len, (const char *)arg.data);
    print_extra(&message->call, extra, sizeof extra);
    rig_note(peer->rig, "%c<%s#%u%s", peer->name, text, number_of(peer, message->xid), extra);
    peer->calls++;
    peer->cred = message->call.cred.flavor;
    switch (peer->way) {
    case RIG_HOLD:
        must(peer->held_count < RIG_HELD);
        peer->held[peer->held_count++] = *to;
        break;
    case RIG_ECHO: put_text(to, text); break;
    case RIG_REFUSE: put_reply(to, &peer->refusal, view_of(NULL, 0)); break;
    case RIG_CLOSE: close_link(peer, to->link); break;
    }
}

static void
on_message(void *arg, const struct io_remote *from, struct view bytes)
{
    struct rig_link *link = arg;
    struct rig_peer *peer = link->peer;
    struct rig_held to = { .link = link->link, .has_from = from != NULL };
    struct oncrpc_message message;
    struct fault why;
    if (from != NULL)
        to.from = *from;
    must(oncrpc_parse(bytes, &message, &why) == 0 && !message.is_reply);
    to.xid = message.xid;
    if (message.call.program == TAMBO_RPC_PROGRAM)
        hear_extra(peer, &to, &message);
    else
        hear_call(peer, &to, &message);
}

static void
on_ended(void *arg, int rc)
{
    struct rig_link *link = arg;
    (void)rc;
    close_link(link->peer, link->link);
}

static void
on_came(void *arg, struct rpc_link *came)
{
    static const struct rpc_link_on on = { .message = on_message, .ended = on_ended };
    struct rig_peer *peer = arg;
    struct rig_link *link = peer->links;
    while (link->link != NULL)
        must(++link < peer->links + RIG_LINKS);
    *link = (struct rig_link){ peer, came };
    rpc_link_accept(came, &on, link);
}

struct rig_peer *
rig_peer(struct rig *rig, char host, const char *address, enum rig_hello hello, enum rig_way way)
{
    static const struct rpc_door_on on = { .came = on_came };
    struct rpc_address at;
    struct rig_peer *peer = rig->peers;
    while (peer->rig != NULL)
        must(++peer < rig->peers + RIG_PEERS);
    peer->rig = rig;
    peer->name = host;
    peer->hello = hello;
    peer->way = way;
    peer->boot = 1;
    peer->remembers_ms = 120000;
    must(rpc_address_parse(view_str(address), &at) == 0);
    must(rpc_door_open(rig_host(rig, host)->world, &at, MESSAGE_BYTES_MAX, &on, peer, &peer->door) == 0);
    rig_run(rig, 1);
    return peer;
}

void
rig_peer_close(struct rig_peer *peer)
{
    for (size_t i = 0; i < RIG_LINKS; i++)
        if (peer->links[i].link != NULL && !rpc_link_is_datagram(peer->links[i].link))
            close_link(peer, peer->links[i].link);
    rpc_door_close(peer->door);
    rig_run(peer->rig, 1);
    *peer = (struct rig_peer){ 0 };
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

static int
encode_text(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_string(out, value, RIG_TEXT_MAX);
}

const struct tambo_rpc_procedure rig_procedure = { .name = "ECHO", .number = 7, .encode_args = encode_text };

struct rpc_client *
rig_client(struct rig *rig, const char *addresses)
{
    struct rpc_client *client;
    must(rpc_client_new(rig_host(rig, 'd')->world, addresses, PROGRAM, VERSION, &client) == 0);
    return client;
}

void
rig_set(struct rpc_client *client, enum tambo_rpc_client_option option, int64_t value)
{
    int64_t now;
    must(rpc_client_set(client, option, value) == 0);
    must(rpc_client_get(client, option, &now) == 0 && now == value);
}

static const char *
name_of(int rc)
{
    static const char *const names[] = {
#define NAME(name, text) [ERR_##name] = #name,
        ERRS(NAME)
#undef NAME
    };
    return names[-rc];
}

static void
on_done(struct rpc_call *core, int rc, struct view results)
{
    struct rig_call *call = container_of(core, struct rig_call, core);
    struct rig *rig = call->rig;
    struct cursor c = cursor_of(results);
    struct view text = take_long(&c);
    must(!call->is_done);
    call->is_done = true;
    call->rc = rc;
    if (rc < 0)
        rig_note(rig, "%c!%s", call->name, name_of(rc));
    else
        rig_note(rig, "%c=%.*s", call->name, (int)text.len, (const char *)text.data);
    struct rpc_client *freed = rig->freed_in_done;
    rig->freed_in_done = NULL;
    rpc_client_free(freed);
}

int
rig_begin(struct rig *rig, struct rpc_client *client, char name, const char *text, enum rpc_form form)
{
    static const struct rpc_call_on on = { .done = on_done };
    struct rig_call *call = &rig->calls[name - 'a'];
    *call = (struct rig_call){ .rig = rig, .name = name };
    int rc = rpc_call_begin(client, &rig_procedure, text, form, &on, &call->core, NULL);
    if (rc < 0)
        rig_note(rig, "%c!!%s", name, name_of(rc));
    call->is_done = rc != 0;
    call->rc = rc;
    return rc;
}

int
rig_call(struct rig *rig, struct rpc_client *client, char name, const char *text)
{
    return rig_begin(rig, client, name, text, RPC_FORM_REPLY);
}

void
rig_cancel(struct rig *rig, char name)
{
    must(!rig->calls[name - 'a'].is_done);
    rpc_call_cancel(&rig->calls[name - 'a'].core);
}

bool
rig_is_done(const struct rig *rig, char name)
{
    return rig->calls[name - 'a'].is_done;
}
