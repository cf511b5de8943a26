/* libFuzzer target: callers of all kinds against a server.
 *
 * The input is the server's limits, which of its allocations fails, and a list of deeds (fuzz/deeds.h) of three
 * callers.  Whatever they do, each thing that they hear is a message as it should be, what is to be executed once is
 * (rpc/server_rig.h), another caller is served, and all memory is given back. */
#include "base/cursor.h"
#include "base/must.h"
#include "fuzz/deeds.h"
#include "rpc/extra.h"
#include "rpc/server_rig.h"
#include "wire/oncrpc.h"

enum { CALLERS = 3, PROBE = 3, DEEDS_MAX = 200, HEAD_BYTES_MAX = 128, CALL_BYTES_MAX = 4096 };
#define LAST_FRAGMENT UINT32_C(0x80000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* With its mark, where it is to have one. */
static void
send_message(struct server_rig *rig, unsigned i, struct view message)
{
    uint8_t bytes[4 + HEAD_BYTES_MAX + UINT8_MAX];
    struct pen p = pen_of(bytes, sizeof(bytes));
    bool is_marked = rig->raws[i].datagram == NULL;
    if (is_marked)
        put_u32(&p, LAST_FRAGMENT | (uint32_t)message.len);
    put_bytes(&p, message);
    must(!p.torn);
    rig_send(rig, i, view_of(bytes, (size_t)(p.at - bytes)));
}

static void
send_call(struct server_rig *rig, unsigned i, struct cursor *input, bool has_extra)
{
    uint8_t bytes[HEAD_BYTES_MAX + UINT8_MAX], body[ONCRPC_EXTRA_BYTES];
    struct pen p = pen_of(bytes, sizeof(bytes)), verifier = pen_of(body, sizeof(body));
    uint32_t xid = take_u8(input), procedure = take_u8(input);
    struct oncrpc_call call = { .program = 0x20000001 + (procedure >> 7), .version = 1, .procedure = procedure & 0x7f };
    if (has_extra) {
        struct oncrpc_extra extra = { .flags = take_u8(input) & 7 };
        extra.sequence = take_u8(input);
        extra.settled = take_u8(input);
        extra.boot = rig_boot_of(rig);
        oncrpc_extra_write(&verifier, &extra);
        call.verf = (struct oncrpc_auth){ ONCRPC_AUTH_TAMBO, view_of(body, sizeof(body)) };
    }
    oncrpc_call_write(&p, xid, &call);
    put_bytes(&p, take_bytes(input, take_u8(input)));
    must(!p.torn);
    send_message(rig, i, view_of(bytes, (size_t)(p.at - bytes)));
}

static void
check_message(struct view message)
{
    struct oncrpc_message m;
    struct fault why;
    must(oncrpc_parse(message, &m, &why) == 0);
    must(m.is_reply || (m.call.program == TAMBO_RPC_PROGRAM && m.call.procedure == RPC_EXTRA_RECEIPT));
}

/* Nothing that was written is torn, unless the connection is. */
static void
check_heard(struct server_rig *rig, unsigned i)
{
    struct rig_raw *raw = &rig->raws[i];
    struct cursor c = cursor_of(view_of(raw->got, raw->got_bytes));
    while (cursor_left(&c) >= 4) {
        uint32_t mark = take_u32(&c);
        must((mark & LAST_FRAGMENT) != 0);
        struct view message = take_bytes(&c, mark & ~LAST_FRAGMENT);
        if (c.torn)
            break;
        check_message(message);
    }
    must(raw->is_ended || (raw->stream == NULL && raw->datagram == NULL) || (!c.torn && cursor_left(&c) == 0));
    raw->got_bytes = 0;
}

static void
settle_oldest(struct server_rig *rig, unsigned choice)
{
    if (rig->later_count == 0)
        return;
    switch (choice % 3) {
    case 0: rig_answer(rig); break;
    case 1: rpc_request_fail(rig_take(rig), -TAMBO_ERR_DENIED); break;
    default: rpc_request_drop(rig_take(rig)); break;
    }
}

static void
open_caller(struct server_rig *rig, unsigned i, unsigned choice)
{
    if (choice % 2 == 0)
        rig_connect(rig, i);
    else
        rig_bind(rig, i);
}

static void
act(struct server_rig *rig, struct cursor *input)
{
    uint8_t byte = take_u8(input);
    unsigned i = byte / RPC_DEEDS % CALLERS;
    switch ((enum rpc_deed)(byte % RPC_DEEDS)) {
    case RPC_DEED_SEND: rig_send(rig, i, take_bytes(input, take_u8(input))); break;
    case RPC_DEED_MESSAGE: send_message(rig, i, take_bytes(input, take_u8(input))); break;
    case RPC_DEED_CALL: send_call(rig, i, input, false); break;
    case RPC_DEED_EXTRA: send_call(rig, i, input, true); break;
    case RPC_DEED_OPEN: open_caller(rig, i, take_u8(input)); break;
    case RPC_DEED_CUT: rig_cut(rig, i); break;
    case RPC_DEED_ANSWER: settle_oldest(rig, take_u8(input)); break;
    default: rig_run(rig, 100U * (take_u8(input) % 16)); break;
    }
    rig_run(rig, 20);
    for (unsigned caller = 0; caller < CALLERS; caller++)
        check_heard(rig, caller);
}

static void
limit(struct server_rig *rig, uint8_t kind)
{
    rig_set(rig, TAMBO_RPC_SERVER_CALL_BYTES_MAX, CALL_BYTES_MAX);
    rig_set(rig, TAMBO_RPC_SERVER_REPLY_BYTES_MAX, kind & 1 ? 128 : 32 * 1024);
    rig_set(rig, TAMBO_RPC_SERVER_REPLAY_MAX, kind & 2 ? 2 : 1000);
    rig_set(rig, TAMBO_RPC_SERVER_REPLAY_BYTES_MAX, kind & 4 ? 1500 : 1 << 20);
    rig_set(rig, TAMBO_RPC_SERVER_REQUESTS_MAX, kind & 8 ? 3 : 64);
    rig_set(rig, TAMBO_RPC_SERVER_CONNECTION_REQUESTS_MAX, kind & 16 ? 2 : 64);
    rig_set(rig, TAMBO_RPC_SERVER_IDLE_MS, kind & 32 ? 500 : 0);
}

static void
probe(struct server_rig *rig)
{
    rig_connect(rig, PROBE);
    rig_say(rig, PROBE, "00000001 00000000 00000002 20000001 00000001 00000000 00000000 00000000 00000000 00000000");
    must(strcmp(rig_heard(rig, PROBE), "00000001 00000001 00000000 00000000 00000000 00000000\n") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor input = cursor_of(view_of(data, size));
    struct server_rig *rig = rig_open();
    limit(rig, take_u8(&input));
    uint8_t fail_in = take_u8(&input);
    rig->server_mem.fail_at = fail_in == 0 ? 0 : rig->server_mem.calls + fail_in;
    for (int n = 0; n < DEEDS_MAX && cursor_left(&input) > 0; n++)
        act(rig, &input);
    rig->server_mem.fail_at = 0;
    probe(rig);
    rig_close(rig);
    return 0;
}
