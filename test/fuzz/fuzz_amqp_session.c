/* libFuzzer target: bytes and frames from AMQP clients against a whole node.
 *
 * The input is a kind of node and a list of deeds (fuzz/deeds.h) of three connections.  Whatever they do, the node must
 * live, serve another client that behaves, and give all its memory back. */
#include <stdio.h>

#include "base/cursor.h"
#include "base/must.h"
#include "fuzz/deeds.h"
#include "rig/amqp_babble.h"
#include "wire/amqp.h"

enum { CLIENTS = 3, DEEDS_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
send_bytes(struct rig *rig, unsigned i, struct view bytes)
{
    if (!raw_lives(rig, i))
        raw_open(rig, i);
    raw_send(rig, i, bytes);
}

/* So that the fuzzer need not count: type, channel, length, payload. */
static void
send_frame(struct rig *rig, unsigned i, struct cursor *input)
{
    uint8_t frame[AMQP_FRAME_OVERHEAD + UINT8_MAX];
    struct pen p = pen_of(frame, sizeof(frame));
    put_u8(&p, (uint8_t)(AMQP_FRAME_METHOD + take_u8(input) % AMQP_FRAME_HEARTBEAT));
    put_u16(&p, take_u8(input) % 4);
    put_long(&p, take_bytes(input, take_u8(input)));
    put_u8(&p, AMQP_FRAME_END);
    must(!p.torn);
    send_bytes(rig, i, view_of(frame, (size_t)(p.at - frame)));
}

static void
say_hello(struct amqp_stage *stage, unsigned i, unsigned choice)
{
    static const char *const hellos[] = {
        "open", "open frame-max=4096 heartbeat=1", "open can=", "open channel-max=2", "dial",
    };
    char script[256];
    snprintf(script, sizeof(script), "%c %s\n%c 1 > channel.open\n%c 1 > queue.declare queue=q", 'a' + i,
             hellos[choice % COUNT_OF(hellos)], 'a' + i, 'a' + i);
    amqp_mumble(stage, script);
}

static void
act(struct amqp_stage *stage, struct rig *rig, struct cursor *input)
{
    uint8_t byte = take_u8(input);
    unsigned i = byte / AMQP_DEEDS % CLIENTS;
    switch ((enum amqp_deed)(byte % AMQP_DEEDS)) {
    case AMQP_DEED_SEND: send_bytes(rig, i, take_bytes(input, take_u8(input))); break;
    case AMQP_DEED_FRAME: send_frame(rig, i, input); break;
    case AMQP_DEED_HELLO: say_hello(stage, i, take_u8(input)); break;
    case AMQP_DEED_CUT: raw_cut(rig, i); break;
    case AMQP_DEED_MOMENT: rig_wait(rig, 20); break;
    default: rig_wait(rig, 1000 * (take_u8(input) % 8)); break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor input = cursor_of(view_of(data, size));
    struct rig *rig = rig_new();
    uint8_t kind = take_u8(&input);
    rig->settings.tier = kind & 1 ? TIER_SYNCED : TIER_MEMORY;
    rig->settings.shards = 1 + (kind >> 1 & 1);
    must(rig_boot(rig));
    struct amqp_stage *stage = amqp_stage_new(rig);
    for (int n = 0; n < DEEDS_MAX && cursor_left(&input) > 0; n++)
        act(stage, rig, &input);
    amqp_probe(stage, rig);
    amqp_stage_free(stage);
    rig_free(rig);
    return 0;
}
