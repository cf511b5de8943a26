/* wire/oncrpc.c - heads of ONC RPC's messages, record marks, credentials.
 *
 * All but the bodies of credentials are words of four bytes, so a run of them is taken and put at once.  What pads a
 * credential to a multiple of four is nobody's business: RFC 4506 says zeros, and old programs send what lay there. */
#include "wire/oncrpc.h"

#include "base/err.h"
#include "base/must.h"
#include "wire/oncrpc_rule.h"

enum { CALL = 0, REPLY = 1 };                  /* msg_type */
enum { ACCEPTED = 0, DENIED = 1 };             /* reply_stat */
enum { REJECT_MISMATCH = 0, REJECT_AUTH = 1 }; /* reject_stat */
enum { VERSION = 2, WORD = 4, LAST_FRAGMENT_BIT = 31 };

#define BREACH(rule) oncrpc_breach(why, ONCRPC_RULE_##rule)

int
oncrpc_breach(struct fault *why, enum oncrpc_rule rule)
{
    static const struct fault faults[] = {
#define RULE_ROW(name, clause, text) { 0, clause, text },
        ONCRPC_RULES(RULE_ROW)
#undef RULE_ROW
    };
    *why = faults[rule];
    return -ERR_PROTOCOL;
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

static uint32_t
load(const uint8_t *at)
{
    uint32_t x;
    memcpy(&x, at, WORD);
    return __builtin_bswap32(x);
}

static void
store(uint8_t *at, uint32_t x)
{
    x = __builtin_bswap32(x);
    memcpy(at, &x, WORD);
}

/* Zeros when they are not there, and `torn`. */
static inline void
take_words(struct cursor *c, uint32_t *ret, size_t n)
{
    struct view v = take_bytes(c, n * WORD);
    for (size_t i = 0; i < n; i++)
        ret[i] = c->torn ? 0 : load(v.data + i * WORD);
}

static inline void
put_words(struct pen *p, const uint32_t *words, size_t n)
{
    if (p->torn || pen_left(p) < n * WORD) {
        p->torn = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        store(p->at + i * WORD, words[i]);
    p->at += n * WORD;
}

static size_t
padding(size_t len)
{
    return -len % WORD;
}

static void
put_padded(struct pen *p, struct view v)
{
    put_bytes(p, v);
    put_uint(p, 0, (unsigned)padding(v.len));
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

int
oncrpc_mark_parse(struct view in, struct oncrpc_mark *ret)
{
    if (in.len < ONCRPC_MARK_BYTES)
        return 0;
    uint32_t word = load(in.data);
    ret->is_last = word >> LAST_FRAGMENT_BIT;
    ret->len = word & ~(UINT32_C(1) << LAST_FRAGMENT_BIT);
    return ONCRPC_MARK_BYTES;
}

void
oncrpc_mark_write(uint8_t room[ONCRPC_MARK_BYTES], struct oncrpc_mark mark)
{
    must(mark.len >> LAST_FRAGMENT_BIT == 0);
    store(room, (uint32_t)mark.is_last << LAST_FRAGMENT_BIT | mark.len);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static int
take_auth(struct cursor *c, struct oncrpc_auth *ret, struct fault *why)
{
    uint32_t words[2];
    take_words(c, words, COUNT_OF(words));
    if (words[1] > ONCRPC_AUTH_BYTES_MAX)
        return BREACH(AUTH_SIZE);
    ret->flavor = words[0];
    ret->body = take_bytes(c, words[1]);
    take_bytes(c, padding(words[1]));
    return 0;
}

static int
take_call(struct cursor *c, struct oncrpc_call *ret, struct fault *why)
{
    uint32_t words[3];
    uint32_t version = take_u32(c);
    if (!c->torn && version != VERSION)
        return -ERR_VERSION;
    take_words(c, words, COUNT_OF(words));
    ret->program = words[0];
    ret->version = words[1];
    ret->procedure = words[2];
    int rc = take_auth(c, &ret->cred, why);
    return rc < 0 ? rc : take_auth(c, &ret->verf, why);
}

static int
take_accepted(struct cursor *c, struct oncrpc_reply *ret, struct fault *why)
{
    int rc = take_auth(c, &ret->verf, why);
    if (rc < 0)
        return rc;
    uint32_t status = take_u32(c);
    if (status > ONCRPC_SYSTEM_ERR)
        return BREACH(ACCEPT_STAT);
    ret->status = (enum oncrpc_status)status;
    return 0;
}

static int
take_denied(struct cursor *c, struct oncrpc_reply *ret, struct fault *why)
{
    uint32_t reason = take_u32(c);
    if (reason > REJECT_AUTH)
        return BREACH(REJECT_STAT);
    ret->status = reason == REJECT_AUTH ? ONCRPC_AUTH_ERROR : ONCRPC_RPC_MISMATCH;
    return 0;
}

/* What a status says besides itself. */
static void
take_detail(struct cursor *c, struct oncrpc_reply *ret)
{
    if (ret->status == ONCRPC_PROG_MISMATCH || ret->status == ONCRPC_RPC_MISMATCH) {
        ret->low = take_u32(c);
        ret->high = take_u32(c);
    } else if (ret->status == ONCRPC_AUTH_ERROR) {
        ret->auth_stat = take_u32(c);
    }
}

static int
take_reply(struct cursor *c, struct oncrpc_reply *ret, struct fault *why)
{
    uint32_t fate = take_u32(c);
    if (fate > DENIED)
        return BREACH(REPLY_STAT);
    int rc = fate == ACCEPTED ? take_accepted(c, ret, why) : take_denied(c, ret, why);
    if (rc == 0)
        take_detail(c, ret);
    return rc;
}

int
oncrpc_parse(struct view in, struct oncrpc_message *ret, struct fault *why)
{
    struct cursor c = cursor_of(in);
    struct oncrpc_message m = { 0 };
    uint32_t head[2];
    take_words(&c, head, COUNT_OF(head));
    m.xid = head[0];
    m.is_reply = head[1] == REPLY;
    if (head[1] > REPLY)
        return BREACH(MSG_TYPE);
    int rc = m.is_reply ? take_reply(&c, &m.reply, why) : take_call(&c, &m.call, why);
    if (rc == -ERR_VERSION)
        ret->xid = m.xid;
    if (rc < 0)
        return rc;
    m.body = take_rest(&c);
    if (c.torn)
        return BREACH(TORN);
    *ret = m;
    return 0;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void
put_auth(struct pen *p, struct oncrpc_auth auth)
{
    const uint32_t words[] = { auth.flavor, (uint32_t)auth.body.len };
    must(auth.body.len <= ONCRPC_AUTH_BYTES_MAX);
    put_words(p, words, COUNT_OF(words));
    if (auth.body.len > 0)
        put_padded(p, auth.body);
}

void
oncrpc_call_write(struct pen *pen, uint32_t xid, const struct oncrpc_call *call)
{
    const uint32_t words[] = { xid, CALL, VERSION, call->program, call->version, call->procedure };
    put_words(pen, words, COUNT_OF(words));
    put_auth(pen, call->cred);
    put_auth(pen, call->verf);
}

static void
put_denied(struct pen *p, uint32_t xid, const struct oncrpc_reply *reply)
{
    bool mismatch = reply->status == ONCRPC_RPC_MISMATCH;
    const uint32_t words[] = {
        xid,        REPLY, DENIED, mismatch ? REJECT_MISMATCH : REJECT_AUTH, mismatch ? reply->low : reply->auth_stat,
        reply->high
    };
    put_words(p, words, COUNT_OF(words) - !mismatch);
}

static void
put_accepted(struct pen *p, uint32_t xid, const struct oncrpc_reply *reply)
{
    const uint32_t head[] = { xid, REPLY, ACCEPTED }, tail[] = { reply->status, reply->low, reply->high };
    put_words(p, head, COUNT_OF(head));
    put_auth(p, reply->verf);
    put_words(p, tail, reply->status == ONCRPC_PROG_MISMATCH ? COUNT_OF(tail) : 1);
}

void
oncrpc_reply_write(struct pen *pen, uint32_t xid, const struct oncrpc_reply *reply)
{
    if (reply->status < ONCRPC_RPC_MISMATCH)
        put_accepted(pen, xid, reply);
    else
        put_denied(pen, xid, reply);
}

/* ---- names and errors ------------------------------------------------------------------------------------------- */

enum { AUTH_FAILED = 7 }; /* auth_stat: an unknown reason */

/* The verifier of a SYSTEM_ERR that says that the server is overloaded. */
static const uint8_t overloaded[WORD] = { 0, 0, 0, ERR_OVERLOADED };

/* To a client RPC_MISMATCH is what it is to be told of another version: not executed.  A server's -ERR_VERSION is the
 * first of the two. */
static const struct {
    enum oncrpc_status status;
    int err;
    const char *name;
} statuses[] = {
    {ONCRPC_SUCCESS,        0,              "SUCCESS"      },
    { ONCRPC_PROG_UNAVAIL,  -ERR_PROGRAM,   "PROG_UNAVAIL" },
    { ONCRPC_PROG_MISMATCH, -ERR_VERSION,   "PROG_MISMATCH"},
    { ONCRPC_PROC_UNAVAIL,  -ERR_PROCEDURE, "PROC_UNAVAIL" },
    { ONCRPC_GARBAGE_ARGS,  -ERR_ARGUMENTS, "GARBAGE_ARGS" },
    { ONCRPC_SYSTEM_ERR,    -ERR_FAILED,    "SYSTEM_ERR"   },
    { ONCRPC_RPC_MISMATCH,  -ERR_VERSION,   "RPC_MISMATCH" },
    { ONCRPC_AUTH_ERROR,    -ERR_DENIED,    "AUTH_ERROR"   },
};

const char *
oncrpc_status_name(enum oncrpc_status status)
{
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].name;
    return "an unknown status";
}

const char *
oncrpc_auth_stat_name(uint32_t auth_stat)
{
    static const char *const names[] = {
        "AUTH_OK",       "AUTH_BADCRED",     "AUTH_REJECTEDCRED", "AUTH_BADVERF",           "AUTH_REJECTEDVERF",
        "AUTH_TOOWEAK",  "AUTH_INVALIDRESP", "AUTH_FAILED",       "AUTH_KERB_GENERIC",      "AUTH_TIMEEXPIRE",
        "AUTH_TKT_FILE", "AUTH_DECODE",      "AUTH_NET_ADDR",     "RPCSEC_GSS_CREDPROBLEM", "RPCSEC_GSS_CTXPROBLEM",
    };
    return auth_stat < COUNT_OF(names) ? names[auth_stat] : "an unknown auth_stat";
}

struct oncrpc_reply
oncrpc_reply_of(int err)
{
    struct oncrpc_reply reply = { .status = ONCRPC_SYSTEM_ERR, .auth_stat = AUTH_FAILED };
    for (size_t i = COUNT_OF(statuses); i-- > 0;)
        if (statuses[i].err == err)
            reply.status = statuses[i].status;
    if (err == -ERR_OVERLOADED)
        reply.verf = (struct oncrpc_auth){ ONCRPC_AUTH_TAMBO, view_of(overloaded, sizeof(overloaded)) };
    return reply;
}

int
oncrpc_reply_err(const struct oncrpc_reply *reply)
{
    struct view word = view_of(overloaded, sizeof(overloaded));
    if (reply->status == ONCRPC_SYSTEM_ERR && reply->verf.flavor == ONCRPC_AUTH_TAMBO &&
        view_equal(reply->verf.body, word))
        return -ERR_OVERLOADED;
    for (size_t i = 0; i < COUNT_OF(statuses); i++)
        if (statuses[i].status == reply->status)
            return statuses[i].err;
    return -ERR_PROTOCOL;
}

/* ---- bodies of credentials and verifiers --------------------------------------------------------------------------
 */

static int
take_machine(struct cursor *c, struct view *ret, struct fault *why)
{
    uint32_t len = take_u32(c);
    if (len > ONCRPC_MACHINE_MAX)
        return BREACH(SYS_MACHINE);
    *ret = take_bytes(c, len);
    take_bytes(c, padding(len));
    return 0;
}

int
oncrpc_sys_parse(struct view body, struct oncrpc_sys *ret, struct fault *why)
{
    struct cursor c = cursor_of(body);
    struct oncrpc_sys sys = { .stamp = take_u32(&c) };
    int rc = take_machine(&c, &sys.machine, why);
    if (rc < 0)
        return rc;
    sys.uid = take_u32(&c);
    sys.gid = take_u32(&c);
    sys.group_count = take_u32(&c);
    if (sys.group_count > ONCRPC_GROUPS_MAX)
        return BREACH(SYS_GROUPS);
    take_words(&c, sys.groups, sys.group_count);
    if (c.torn || cursor_left(&c) > 0)
        return BREACH(SYS_SIZE);
    *ret = sys;
    return 0;
}

void
oncrpc_sys_write(struct pen *pen, const struct oncrpc_sys *sys)
{
    const uint32_t ids[] = { sys->uid, sys->gid, sys->group_count };
    must(sys->machine.len <= ONCRPC_MACHINE_MAX && sys->group_count <= ONCRPC_GROUPS_MAX);
    put_u32(pen, sys->stamp);
    put_u32(pen, (uint32_t)sys->machine.len);
    put_padded(pen, sys->machine);
    put_words(pen, ids, COUNT_OF(ids));
    put_words(pen, sys->groups, sys->group_count);
}

int
oncrpc_extra_parse(struct view body, struct oncrpc_extra *ret, struct fault *why)
{
    const uint32_t known = ONCRPC_EXTRA_ONE_WAY | ONCRPC_EXTRA_RECEIPT | ONCRPC_EXTRA_ONCE;
    struct cursor c = cursor_of(body);
    if (body.len != ONCRPC_EXTRA_BYTES)
        return BREACH(EXTRA_SIZE);
    struct oncrpc_extra extra = { .flags = take_u32(&c) };
    extra.left_ms = take_u32(&c);
    memcpy(extra.client, take_bytes(&c, sizeof(extra.client)).data, sizeof(extra.client));
    extra.sequence = take_u64(&c);
    extra.settled = take_u64(&c);
    extra.boot = take_u64(&c);
    if ((extra.flags & ~known) != 0)
        return BREACH(EXTRA_FLAGS);
    *ret = extra;
    return 0;
}

void
oncrpc_extra_write(struct pen *pen, const struct oncrpc_extra *extra)
{
    const uint32_t words[] = { extra->flags, extra->left_ms };
    put_words(pen, words, COUNT_OF(words));
    put_bytes(pen, view_of(extra->client, sizeof(extra->client)));
    put_u64(pen, extra->sequence);
    put_u64(pen, extra->settled);
    put_u64(pen, extra->boot);
}
