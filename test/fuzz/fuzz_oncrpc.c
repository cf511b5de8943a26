/* libFuzzer target: the codec of ONC RPC.
 *
 * The bytes are read as a stream of records, each fragment and the whole as a message, and each credential, verifier
 * and body as what they can hold.  What decodes is written again and must be read as the same; and nothing that was
 * decoded may lie outside of the input. */
#include "base/err.h"
#include "base/must.h"
#include "wire/oncrpc.h"

enum { INPUT_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_read(int rc, const struct fault *why)
{
    must(rc == 0 || (rc == -ERR_PROTOCOL && why->clause != NULL && why->text != NULL));
    return rc == 0;
}

static void
check_within(struct view v, struct view in)
{
    must(v.len == 0 || (v.data >= in.data && v.data + v.len <= in.data + in.len));
}

static void
read_sys(struct view body)
{
    struct oncrpc_sys sys;
    struct fault why = { 0 };
    uint8_t room[ONCRPC_AUTH_BYTES_MAX];
    struct pen pen = pen_of(room, sizeof(room));
    if (!is_read(oncrpc_sys_parse(body, &sys, &why), &why))
        return;
    check_within(sys.machine, body);
    oncrpc_sys_write(&pen, &sys);
    must(!pen.torn && (size_t)(pen.at - room) == body.len);
}

static void
read_extra(struct view body)
{
    struct oncrpc_extra extra;
    struct fault why = { 0 };
    uint8_t room[ONCRPC_EXTRA_BYTES];
    struct pen pen = pen_of(room, sizeof(room));
    if (!is_read(oncrpc_extra_parse(body, &extra, &why), &why))
        return;
    oncrpc_extra_write(&pen, &extra);
    must(!pen.torn && view_equal(view_of(room, sizeof(room)), body));
}

static void
read_auth(const struct oncrpc_auth *auth, struct view in)
{
    must(auth->body.len <= ONCRPC_AUTH_BYTES_MAX);
    check_within(auth->body, in);
    read_sys(auth->body);
    read_extra(auth->body);
}

static bool
same(const struct oncrpc_auth *a, const struct oncrpc_auth *b)
{
    return a->flavor == b->flavor && view_equal(a->body, b->body);
}

static void
check_call(const struct oncrpc_message *m, const struct oncrpc_message *again)
{
    const struct oncrpc_call *a = &m->call, *b = &again->call;
    must(a->program == b->program && a->version == b->version && a->procedure == b->procedure);
    must(same(&a->cred, &b->cred) && same(&a->verf, &b->verf));
}

static void
check_reply(const struct oncrpc_message *m, const struct oncrpc_message *again)
{
    const struct oncrpc_reply *a = &m->reply, *b = &again->reply;
    must(a->status == b->status && a->low == b->low && a->high == b->high && a->auth_stat == b->auth_stat);
    must(same(&a->verf, &b->verf));
    must((oncrpc_reply_err(a) == 0) == (a->status == ONCRPC_SUCCESS));
}

static void
write_again(const struct oncrpc_message *m)
{
    uint8_t room[ONCRPC_CALL_HEAD_BYTES_MAX];
    struct pen pen = pen_of(room, sizeof(room));
    struct oncrpc_message again;
    struct fault why;
    if (m->is_reply)
        oncrpc_reply_write(&pen, m->xid, &m->reply);
    else
        oncrpc_call_write(&pen, m->xid, &m->call);
    must(!pen.torn && (!m->is_reply || pen.at - room <= ONCRPC_REPLY_HEAD_BYTES_MAX));
    must(oncrpc_parse(view_of(room, (size_t)(pen.at - room)), &again, &why) == 0);
    must(again.xid == m->xid && again.is_reply == m->is_reply && again.body.len == 0);
    if (m->is_reply)
        check_reply(m, &again);
    else
        check_call(m, &again);
}

static void
read_message(struct view in)
{
    struct oncrpc_message m;
    struct fault why = { 0 };
    int rc = oncrpc_parse(in, &m, &why);
    if (rc == -ERR_VERSION || !is_read(rc, &why))
        return;
    check_within(m.body, in);
    must(m.body.len == 0 || m.body.data + m.body.len == in.data + in.len);
    read_auth(m.is_reply ? &m.reply.verf : &m.call.cred, in);
    if (!m.is_reply)
        read_auth(&m.call.verf, in);
    write_again(&m);
}

static void
read_records(struct view in)
{
    struct oncrpc_mark mark;
    uint8_t room[ONCRPC_MARK_BYTES];
    for (int n; (n = oncrpc_mark_parse(in, &mark)) > 0;) {
        oncrpc_mark_write(room, mark);
        must(memcmp(room, in.data, sizeof(room)) == 0);
        in = view_from(in, (size_t)n);
        size_t len = mark.len < in.len ? mark.len : in.len;
        read_message(view_of(in.data, len));
        in = view_from(in, len);
    }
    must(in.len < ONCRPC_MARK_BYTES);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_BYTES_MAX)
        return 0;
    struct view in = view_of(data, size);
    read_records(in);
    read_message(in);
    read_sys(in);
    read_extra(in);
    return 0;
}
