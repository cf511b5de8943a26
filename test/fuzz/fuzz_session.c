/* libFuzzer target: bytes from clients against a whole node.
 *
 * The input is a kind of node and a list of deeds (fuzz/deeds.h) of three connections.  Whatever they do, the node must
 * live, answer another client that behaves, and give all its memory back. */
#include "base/cursor.h"
#include "base/must.h"
#include "fuzz/deeds.h"
#include "rig/rig.h"

enum { CLIENTS = 3, PROBE = CLIENTS, DEEDS_MAX = 200 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
send_bytes(struct rig *rig, unsigned i, struct view bytes)
{
    if (!raw_lives(rig, i))
        raw_open(rig, i);
    raw_send(rig, i, bytes);
}

static void
say_hello(struct rig *rig, unsigned i, unsigned choice)
{
    static const char *const hellos[HELLOS] = {
        [HELLO_V5] = "10 < (MQTT) 05 02 0000 < 11 00000064 22 0004 > (a) >",
        [HELLO_V5_UNCLEAN] = "10 < (MQTT) 05 00 0000 < 11 00000064 21 0002 > (b) >",
        [HELLO_V5_WILL] = "10 < (MQTT) 05 2e 0005 < 27 00000040 > (c) < 18 00000001 > (t/w) (gone) >",
        [HELLO_V311] = "10 < (MQTT) 04 00 0000 (a) >",
        [HELLO_V311_NAMELESS] = "10 < (MQTT) 04 02 0000 () >",
        [HELLO_V31] = "10 < (MQIsdp) 03 02 0000 (b) >",
    };
    raw_open(rig, i);
    raw_say(rig, i, hellos[choice % HELLOS]);
}

static void
act(struct rig *rig, struct cursor *input)
{
    uint8_t byte = take_u8(input);
    unsigned i = byte / DEEDS % CLIENTS;
    switch ((enum deed)(byte % DEEDS)) {
    case DEED_SEND: send_bytes(rig, i, take_bytes(input, take_u8(input))); break;
    case DEED_SAY:
        send_bytes(rig, i, take_bytes(input, take_u8(input)));
        rig_wait(rig, 20);
        break;
    case DEED_HELLO: say_hello(rig, i, take_u8(input)); break;
    case DEED_CUT: raw_cut(rig, i); break;
    default: rig_wait(rig, 1000 * (take_u8(input) % 8)); break;
    }
}

static void
probe(struct rig *rig)
{
    raw_open(rig, PROBE);
    raw_say(rig, PROBE, "10 < (MQTT) 04 02 0000 (probe) >");
    must(raw_hears(rig, PROBE, "20 02 00 00"));
    raw_say(rig, PROBE, "c0 00");
    must(raw_hears(rig, PROBE, "d0 00"));
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
    for (int n = 0; n < DEEDS_MAX && cursor_left(&input) > 0; n++)
        act(rig, &input);
    probe(rig);
    rig_free(rig);
    return 0;
}
