/* A disk that fills up: below disk_free_bytes_min publications are refused in the protocol's own way, what makes room
 * is still recorded, nothing that was acknowledged is lost, and with room again all goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig/rig.h"
#include "wire/mqtt.h"

enum { DISK_BYTES = 4 * 1024 * 1024, BODY_BYTES = 10 * 1024, TRIES_MAX = 1000 };

#define HELLO_SUB "10 < (MQTT) 05 00 0000 < 11 00002710 21 0001 > (s) >" /* one message at a time */
#define HELLO_PUB "10 < (MQTT) 05 02 0000 < 27 00000014 > (p) >"
#define HELLO_311 "10 < (MQTT) 04 02 0000 (o) >"

static struct rig *
open_rig(void)
{
    struct rig *rig = rig_new();
    rig->settings.tier = TIER_SYNCED;
    rig->settings.disk_free_bytes_min = MIB(1);
    sim_disk_capacity(rig->node_machine, DISK_BYTES);
    assert_true(rig_boot(rig));
    assert_true(raw_meet(rig, 0, HELLO_SUB));
    raw_say(rig, 0, "82 < 0001 <> (t) 01 >");
    assert_true(raw_hears(rig, 0, "90 < 0001 <> 01 >"));
    raw_cut(rig, 0);
    assert_true(raw_meet(rig, 1, HELLO_PUB));
    return rig;
}

enum { NO_ANSWER = 255 };

/* What came for a publication: its reason code. */
static unsigned
answer(struct rig *rig)
{
    struct view got = raw_got(rig, 1);
    raw_forget(rig, 1);
    if (got.len < 4 || got.data[0] != MQTT_PUBACK << 4)
        return NO_ANSWER;
    return got.len == 4 ? MQTT_SUCCESS : got.data[4];
}

static unsigned
publish(struct rig *rig, unsigned i)
{
    static uint8_t packet[BODY_BYTES + 100];
    const struct mqtt_publish_head head = {
        .version = MQTT_V5,
        .qos = 1,
        .packet_id = 1,
        .expiry_s = UINT32_MAX,
        .topic = view_str("t"),
        .payload_bytes = BODY_BYTES,
    };
    size_t n = mqtt_write_publish_head(packet, sizeof(packet), &head);
    assert_true(n > 0);
    memset(packet + n, 'x', BODY_BYTES);
    snprintf((char *)packet + n, 16, "<%u>", i);
    raw_send(rig, 1, view_of(packet, n + BODY_BYTES));
    rig_wait(rig, 50);
    return answer(rig);
}

/* Publishes until one is refused; how many were taken. */
static unsigned
fill(struct rig *rig)
{
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        unsigned reason = publish(rig, i);
        if (reason == MQTT_SUCCESS)
            continue;
        assert_int_equal(reason, MQTT_QUOTA_EXCEEDED);
        return i;
    }
    fail_msg("the disk was never full");
    return 0;
}

/* Lets the subscriber have what waits, and acknowledge it: message `from` first, then one after the other. */
static void
drain(struct rig *rig, unsigned from, unsigned to)
{
    raw_open(rig, 0);
    raw_say(rig, 0, HELLO_SUB);
    const struct mqtt_dialect dialect = { .version = MQTT_V5,
                                          .from = MQTT_FROM_SERVER,
                                          .packet_bytes_max = RAW_BYTES_MAX };
    struct mqtt_packet packet;
    struct fault fault;
    ptrdiff_t n = mqtt_decode(raw_got(rig, 0), &dialect, &packet, &fault);
    assert_true(n > 0 && packet.connack.session_present);
    for (unsigned i = from; i < to; i++) {
        char want[16];
        uint8_t ack[4] = { MQTT_PUBACK << 4, 2 };
        snprintf(want, sizeof(want), "<%u>", i);
        struct view rest = view_from(raw_got(rig, 0), i == from ? (size_t)n : 0);
        assert_true(mqtt_decode(rest, &dialect, &packet, &fault) > 0);
        assert_int_equal(packet.type, MQTT_PUBLISH);
        assert_memory_equal(packet.publish.payload.data, want, strlen(want));
        ack[2] = (uint8_t)(packet.publish.packet_id >> 8);
        ack[3] = (uint8_t)packet.publish.packet_id;
        raw_forget(rig, 0);
        raw_send(rig, 0, view_of(ack, sizeof(ack)));
        rig_wait(rig, 50);
    }
}

/* The next one is not even read, and is answered when there is room. */
static void
full_and_free_again(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    unsigned taken = fill(rig);
    assert_true(taken > 20);
    assert_true(sim_disk_used(rig->node_machine) <= DISK_BYTES - MIB(1) + KIB(256));
    uint64_t used = sim_disk_used(rig->node_machine);
    assert_int_equal(publish(rig, taken), NO_ANSWER);
    rig_wait(rig, 60 * 1000);
    assert_true(raw_lives(rig, 1));
    assert_true(sim_disk_used(rig->node_machine) <= used + KIB(256));
    sim_disk_capacity(rig->node_machine, 4 * DISK_BYTES);
    rig_wait(rig, 60 * 1000);
    assert_int_equal(answer(rig), MQTT_SUCCESS);
    assert_int_equal(publish(rig, taken + 1), MQTT_SUCCESS);
    rig_free(rig);
}

static void
refused_in_the_way_of_311(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    fill(rig);
    assert_true(raw_meet(rig, 2, HELLO_311));
    raw_say(rig, 2, "32 < (t) 0001 [x] >");
    assert_int_equal(raw_got(rig, 2).len, 0);
    assert_false(raw_lives(rig, 2));
    rig_free(rig);
}

/* Who does not publish notices nothing. */
static void
what_needs_no_disk_goes_on(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    fill(rig);
    assert_true(raw_meet(rig, 2, HELLO_311));
    raw_say(rig, 2, "82 < 0001 (live) 01 > c0 00");
    assert_true(raw_hears(rig, 2, "90 < 0001 01 > d0 00"));
    assert_true(raw_meet(rig, 3, "10 < (MQTT) 04 02 0000 (p3) >"));
    raw_say(rig, 3, "32 < (live) 0001 [x] >");
    assert_true(raw_hears(rig, 3, "40 < 0001 >"));
    assert_true(raw_hears(rig, 2, "32 < (live) 0001 [x] >"));
    rig_free(rig);
}

/* Acknowledges one message after the other, from 0 on, whose first has been delivered. */
static void
acknowledge_all(struct rig *rig, unsigned count)
{
    uint8_t ack[4] = { MQTT_PUBACK << 4, 2 };
    for (unsigned i = 0; i < count; i++) {
        char want[16];
        ack[3] = (uint8_t)(i + 1);
        snprintf(want, sizeof(want), "<%u>", i);
        assert_int_equal(raw_counts(rig, 0, want), 1);
        raw_forget(rig, 0);
        raw_send(rig, 0, view_of(ack, sizeof(ack)));
        rig_wait(rig, 50);
    }
}

/* Where its publications go on then. */
static void
expect_room(struct rig *rig)
{
    rig_wait(rig, 60 * 1000);
    assert_true(raw_meet(rig, 1, HELLO_PUB));
    assert_int_equal(publish(rig, 0), MQTT_SUCCESS);
}

/* Were the acknowledgements of a client that publishes too not read, room would never be made. */
static void
who_publishes_may_still_acknowledge(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    assert_true(raw_meet(rig, 0, HELLO_SUB));
    unsigned taken = fill(rig);
    raw_say(rig, 0, "32 < (t) 0001 <> [x] >");
    acknowledge_all(rig, taken);
    expect_room(rig);
    rig_free(rig);
}

/* Who comes back to take what waits is let in, or room would never be made. */
static void
who_consumes_may_come_back(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    unsigned taken = fill(rig);
    raw_open(rig, 0);
    raw_say(rig, 0, HELLO_SUB);
    acknowledge_all(rig, taken);
    expect_room(rig);
    rig_free(rig);
}

/* Everything that was acknowledged is there, also after a power cut; its settlements are recorded on the full disk, or
 * it would come again after the next; and they make room. */
static void
a_full_disk_still_drains(void **state)
{
    struct rig *rig = open_rig();
    (void)state;
    unsigned taken = fill(rig);
    rig_die(rig, SIM_POWER);
    assert_true(rig_boot(rig));
    drain(rig, 0, taken / 2);
    rig_wait(rig, 1000);
    rig_die(rig, SIM_POWER);
    assert_true(rig_boot(rig));
    drain(rig, taken / 2, taken);
    expect_room(rig);
    rig_free(rig);
}

/* A disk without the room to begin: the node serves what needs none, and the rest when there is some. */
static void
no_room_from_the_start(void **state)
{
    struct rig *rig = rig_new();
    (void)state;
    rig->settings.tier = TIER_SYNCED;
    sim_disk_capacity(rig->node_machine, 4096);
    assert_true(rig_boot(rig));
    assert_true(raw_meet(rig, 2, HELLO_311));
    raw_say(rig, 2, "82 < 0001 (live) 00 > 30 < (live) [x] >");
    assert_true(raw_hears(rig, 2, "90 < 0001 00 > 30 < (live) [x] >"));
    sim_disk_capacity(rig->node_machine, 0);
    rig_wait(rig, 60 * 1000);
    assert_true(raw_meet(rig, 0, HELLO_SUB));
    raw_say(rig, 0, "82 < 0001 <> (t) 01 >");
    assert_true(raw_hears(rig, 0, "90 < 0001 <> 01 >"));
    rig_free(rig);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_and_free_again),        cmocka_unit_test(refused_in_the_way_of_311),
        cmocka_unit_test(what_needs_no_disk_goes_on), cmocka_unit_test(a_full_disk_still_drains),
        cmocka_unit_test(no_room_from_the_start),     cmocka_unit_test(who_publishes_may_still_acknowledge),
        cmocka_unit_test(who_consumes_may_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
