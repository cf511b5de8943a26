/* The node's memory budget: whatever publishers and consumers do, it is kept, the node lives, and who behaves is
 * served.
 *
 * (What one connection may cost: test/talk/pressure_test.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"
#include "wire/mqtt.h"

enum { BUDGET_BYTES = 8 * 1024 * 1024, BODY_BYTES = 4096, WINDOW = 100 };
enum { STUCK, FLOOD, SUB, PUB };

#define HELLO_SUB  "10 < (MQTT) 05 02 0000 <> (sub) >"
#define HELLO_PUB  "10 < (MQTT) 05 02 0000 <> (pub) >"
#define HELLO_AWAY "10 < (MQTT) 05 00 0000 < 11 00002710 > (stuck) >"
#define HELLO_HERE "10 < (MQTT) 05 02 0000 <> (stuck) >"

static struct rig *
open_shards(enum tier tier, unsigned shards)
{
    struct rig *rig = rig_new();
    rig->settings.tier = tier;
    rig->settings.shards = shards;
    rig->settings.segment_bytes = MIB(1);
    rig->settings.node_memory_bytes_max = BUDGET_BYTES;
    rig->settings.outbox_bytes_max = KIB(256);
    assert_true(rig_boot(rig));
    assert_true(raw_meet(rig, SUB, HELLO_SUB));
    raw_say(rig, SUB, "82 < 0001 <> (pair) 01 >");
    assert_true(raw_hears(rig, SUB, "90 < 0001 <> 01 >"));
    assert_true(raw_meet(rig, PUB, HELLO_PUB));
    return rig;
}

static struct rig *
open_rig(enum tier tier)
{
    return open_shards(tier, 1);
}

/* Sends `messages` of this QoS to the topic "flood", a window in each moment, as long as the node reads; comes back
 * when it was cut off. */
static void
flood(struct rig *rig, uint8_t qos, unsigned messages)
{
    static uint8_t packet[BODY_BYTES + 100];
    for (unsigned i = 0; i < messages; i++) {
        struct mqtt_publish_head head = {
            .version = MQTT_V5,
            .qos = qos,
            .packet_id = (uint16_t)(1 + i % WINDOW),
            .expiry_s = UINT32_MAX,
            .topic = view_str("flood"),
            .payload_bytes = BODY_BYTES,
        };
        size_t n = mqtt_write_publish_head(packet, sizeof(packet), &head);
        assert_true(n > 0);
        memset(packet + n, 'x', BODY_BYTES);
        if (!raw_lives(rig, FLOOD))
            (void)raw_meet(rig, FLOOD, "10 < (MQTT) 05 02 0000 <> (flood) >");
        raw_send(rig, FLOOD, view_of(packet, n + BODY_BYTES));
        if (i % WINDOW == WINDOW - 1)
            rig_wait(rig, 100);
    }
    raw_forget(rig, FLOOD);
}

/* The pair that behaves: one message goes through, both ways acknowledged, in a moment. */
static void
expect_service(struct rig *rig)
{
    raw_say(rig, PUB, "32 < (pair) 0001 <> [hello] >");
    assert_int_equal(raw_counts(rig, SUB, "hello"), 1);
    assert_true(raw_hears(rig, PUB, "40 < 0001 >"));
    struct view got = raw_got(rig, SUB);
    assert_true(got.len > 10 && got.data[0] == 0x32);
    uint8_t ack[4] = { MQTT_PUBACK << 4, 2, got.data[8], got.data[9] };
    raw_forget(rig, SUB);
    raw_send(rig, SUB, view_of(ack, sizeof(ack)));
    raw_say(rig, SUB, "c0 00");
    assert_true(raw_hears(rig, SUB, "d0 00"));
}

static void
expect_budget(const struct rig *rig)
{
    assert_true(rig->node_mem.peak_bytes <= BUDGET_BYTES);
}

/* A consumer that never reads. */
static void
stick(struct rig *rig, const char *hello, const char *subscribe)
{
    assert_true(raw_meet(rig, STUCK, hello));
    raw_say(rig, STUCK, subscribe);
    raw_deafen(rig, STUCK);
}

static void
a_stuck_consumer_of_qos_0(void **state)
{
    struct rig *rig = open_rig(TIER_MEMORY);
    (void)state;
    stick(rig, HELLO_HERE, "82 < 0001 <> (flood) 00 >");
    for (unsigned n = 0; n < 10; n++) {
        flood(rig, 0, 500);
        expect_service(rig);
    }
    expect_budget(rig);
    rig_free(rig);
}

static void
a_stuck_consumer_of_qos_1(void **state)
{
    struct rig *rig = open_rig(TIER_MEMORY);
    (void)state;
    stick(rig, HELLO_HERE, "82 < 0001 <> (flood) 01 >");
    for (unsigned n = 0; n < 10; n++) {
        flood(rig, 1, 500);
        expect_service(rig);
    }
    expect_budget(rig);
    rig_free(rig);
}

/* Its backlog is on disk. */
static void
an_absent_consumer_on_the_log(void **state)
{
    struct rig *rig = open_rig(TIER_SYNCED);
    (void)state;
    stick(rig, HELLO_AWAY, "82 < 0001 <> (flood) 01 >");
    raw_cut(rig, STUCK);
    for (unsigned n = 0; n < 10; n++) {
        flood(rig, 1, 500);
        expect_service(rig);
    }
    expect_budget(rig);
    rig_free(rig);
}

static void
an_absent_consumer_in_memory(void **state)
{
    struct rig *rig = open_rig(TIER_MEMORY);
    (void)state;
    stick(rig, HELLO_AWAY, "82 < 0001 <> (flood) 01 >");
    raw_cut(rig, STUCK);
    for (unsigned n = 0; n < 10; n++) {
        flood(rig, 1, 500);
        expect_service(rig);
    }
    expect_budget(rig);
    rig_free(rig);
}

/* Retained values fill the memory: what does not fit is not taken. */
static void
retained_values(void **state)
{
    static uint8_t packet[BODY_BYTES + 100];
    struct rig *rig = open_rig(TIER_MEMORY);
    unsigned taken = 0;
    (void)state;
    assert_true(raw_meet(rig, FLOOD, "10 < (MQTT) 05 02 0000 <> (flood) >"));
    for (unsigned i = 0; i < 4000; i++) {
        char topic[16];
        snprintf(topic, sizeof(topic), "r/%u", i);
        struct mqtt_publish_head head = {
            .version = MQTT_V5,
            .qos = 1,
            .retain = true,
            .packet_id = 1,
            .expiry_s = UINT32_MAX,
            .topic = view_str(topic),
            .payload_bytes = BODY_BYTES,
        };
        size_t n = mqtt_write_publish_head(packet, sizeof(packet), &head);
        if (!raw_lives(rig, FLOOD))
            (void)raw_meet(rig, FLOOD, "10 < (MQTT) 05 02 0000 <> (flood) >");
        raw_send(rig, FLOOD, view_of(packet, n + BODY_BYTES));
        rig_wait(rig, 20);
        struct view got = raw_got(rig, FLOOD);
        taken += got.len >= 4 && (got.len == 4 || got.data[4] == 0x10);
        raw_forget(rig, FLOOD);
    }
    assert_true(taken > 1000 && taken < 2000);
    expect_budget(rig);
    expect_service(rig);
    rig_free(rig);
}

/* Sessions by the thousand: who does not fit is refused. */
static void
durable_sessions(void **state)
{
    struct rig *rig = open_rig(TIER_MEMORY);
    unsigned refused = 0;
    (void)state;
    for (unsigned i = 0; i < 30000 && refused < 10; i++) {
        char hello[300];
        snprintf(hello, sizeof(hello),
                 "10 < (MQTT) 05 00 0000 < 11 00002710 > (client-%u) > 82 < 0001 <> (a/%u) 01 (b/%u/+) 00 (c/#) 00 "
                 "(d/%u/e/f/g/h/i/j/k) 00 >",
                 i, i, i, i);
        refused += !raw_meet(rig, STUCK, hello);
        raw_cut(rig, STUCK);
    }
    expect_budget(rig);
    expect_service(rig);
    rig_free(rig);
}

/* Consumers that are away, on both shards: their shares of the budget are no more than all of it. */
static void
two_shards_share_the_budget(void **state)
{
    struct rig *rig = open_shards(TIER_MEMORY, 2);
    size_t peaks = 0;
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        char hello[64];
        snprintf(hello, sizeof(hello), "10 < (MQTT) 05 00 0000 < 11 00002710 > (away%u) >", i);
        assert_true(raw_meet(rig, STUCK, hello));
        raw_say(rig, STUCK, "82 < 0001 <> (flood) 01 >");
        raw_cut(rig, STUCK);
    }
    flood(rig, 1, 5000);
    for (unsigned i = 0; i < 2; i++) {
        struct shard_stats stats;
        shard_stats(node_shard(rig->node, i), &stats);
        assert_true(stats.memory_peak_bytes > BUDGET_BYTES / 4);
        peaks += stats.memory_peak_bytes;
    }
    assert_true(peaks <= BUDGET_BYTES);
    rig_free(rig);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stuck_consumer_of_qos_0),
        cmocka_unit_test(a_stuck_consumer_of_qos_1),
        cmocka_unit_test(an_absent_consumer_on_the_log),
        cmocka_unit_test(an_absent_consumer_in_memory),
        cmocka_unit_test(retained_values),
        cmocka_unit_test(durable_sessions),
        cmocka_unit_test(two_shards_share_the_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
