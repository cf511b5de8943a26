/* Who does not read, who sends too much: nobody else pays, and the node's memory stays in bounds. */
#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/mem.h"

static unsigned
count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

static void
say_often(struct talk *talk, const char *who, const char *line, unsigned n)
{
    while (n-- > 0)
        talk_say(talk, who, line);
}

/* A megabyte and more for one that does not read: its publisher is made to wait, a second or so, and then goes on. */
static void
a_deaf_receiver_holds_its_publisher_for_a_moment(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "deaf", "connect; subscribe a; deaf");
    talk_say(talk, "pub", "connect");
    for (unsigned i = 0; i < 30; i++)
        talk_say(talk, "pub", "publish a size=100000 &");
    talk_wait(talk, 10000);
    talk_say(talk, "pub", "ping");
    talk_hear(talk, "pub", "CONNACK 00\nPINGRESP\n");
    talk_say(talk, "other", "connect; subscribe b; publish b msg=x");
    talk_hear(talk, "other", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH b 'x'\n");
    talk_close(talk);
}

static void
little_outbox(struct settings *s)
{
    s->outbox_bytes_max = 2 * 1024 * 1024;
}

static void
b_a_deaf_receiver_loses_qos_0_and_costs_no_more_than_its_outbox(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .settings = little_outbox });
    talk_say(talk, "deaf", "connect; subscribe a; deaf");
    talk_say(talk, "pub", "connect");
    size_t before = talk_mem(talk)->used_bytes;
    say_often(talk, "pub", "publish a size=500000", 40);
    assert_true(talk_mem(talk)->peak_bytes < before + 8 * 1024 * 1024);
    assert_true(talk_counters(talk).publishes_dropped > 10);
    talk_heard(talk, "deaf");
    talk_say(talk, "deaf", "listen");
    talk_wait(talk, 3000);
    talk_say(talk, "pub", "publish a msg=again");
    assert_non_null(strstr(talk_heard(talk, "deaf"), "PUBLISH a 'again'\n"));
    talk_close(talk);
}

static void
c_a_deaf_receiver_of_qos_1_loses_nothing(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "deaf", "connect; subscribe a qos=1; deaf");
    talk_say(talk, "pub", "connect");
    say_often(talk, "pub", "publish a qos=1 size=400000", 20);
    assert_int_equal(count(talk_heard(talk, "pub"), "PUBACK"), 20);
    talk_say(talk, "deaf", "listen");
    talk_wait(talk, 10000);
    assert_int_equal(count(talk_heard(talk, "deaf"), "PUBLISH"), 20);
    talk_close(talk);
}

static void
five_messages(struct settings *s)
{
    s->queue_count_max = 5;
}

static void
d_a_full_queue_refuses_in_the_protocols_way(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .settings = five_messages });
    talk_say(talk, "sub", "connect expiry=100; subscribe a qos=2; cut");
    talk_say(talk, "pub", "connect");
    say_often(talk, "pub", "publish a qos=1", 6);
    talk_hear(talk, "pub", "CONNACK 00\nPUBACK 1\nPUBACK 2\nPUBACK 3\nPUBACK 4\nPUBACK 5\nPUBACK 6 97\n");
    talk_say(talk, "pub", "publish a qos=2 pid=9; publish a qos=2 pid=9; pubrel 9");
    talk_hear(talk, "pub", "PUBREC 9 97\nPUBREC 9 97\nPUBCOMP 9 92\n");
    talk_say(talk, "old", "connect v=4; publish a qos=1");
    talk_hear(talk, "old", "CONNACK 00\nCLOSED\n");
    talk_say(talk, "sub", "connect clean=0 expiry=100; puback 1");
    talk_say(talk, "pub", "publish a qos=1 pid=1");
    talk_hear(talk, "pub", "PUBACK 1\n");
    talk_close(talk);
}

/* A packet that was announced and does not come costs what has come of it. */
static void
e_an_announced_packet_costs_what_has_come(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "ana", "connect");
    size_t before = talk_mem(talk)->used_bytes;
    talk_say(talk, "ana", "raw 30 ffffff1f 0001 61 00 7878");
    assert_true(talk_mem(talk)->used_bytes < before + 256 * 1024);
    talk_say(talk, "ana", "cut");
    talk_close(talk);
}

static void
f_one_byte_a_second_costs_the_others_nothing(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "slow", "connect v=4");
    talk_say(talk, "sub", "connect; subscribe a");
    static const char *const bytes[] = { "30", "05", "00", "01", "61", "68", "69" };
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        char line[16];
        snprintf(line, sizeof(line), "raw %s", bytes[i]);
        talk_say(talk, "slow", line);
        talk_wait(talk, 1000);
    }
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a 'hi'\n");
    talk_close(talk);
}

/* ---- two shards: "mute", "slow" and "cy" live on the first, "pub", "bo" and "ana" on the second ---------------- */

/* In one line, so that no time passes. */
static void
flood(struct talk *talk, const char *who, const char *publish, unsigned n)
{
    char line[16 * 1024] = "";
    size_t len = 0;
    while (n-- > 0) {
        len += (size_t)snprintf(line + len, sizeof(line) - len, "%s &", publish);
        assert_true(len < sizeof(line));
    }
    talk_say(talk, who, line);
}

/* Several times what lane and outbox hold waits with the publisher, and comes when the receiver reads again. */
static void
g_a_receiver_on_another_shard_holds_its_publisher(void **state)
{
    enum { MESSAGES = 400 };
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .shards = 2 });
    talk_say(talk, "mute", "connect; subscribe a; deaf");
    talk_say(talk, "pub", "connect");
    flood(talk, "pub", "publish a size=100000", MESSAGES);
    talk_wait(talk, 1000);
    talk_heard(talk, "mute");
    talk_say(talk, "mute", "listen");
    talk_wait(talk, 60 * 1000);
    assert_int_equal(talk_counters(talk).publishes_dropped, 0);
    assert_int_equal(count(talk_heard(talk, "mute"), "PUBLISH"), MESSAGES);
    talk_close(talk);
}

/* Who never reads costs others on both shards a moment, as on one. */
static void
h_nobody_waits_for_ever_for_another_shard(void **state)
{
    enum { MESSAGES = 300 };
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .shards = 2, .settings = little_outbox });
    talk_say(talk, "mute", "connect; subscribe a; deaf");
    talk_say(talk, "pub", "connect");
    flood(talk, "pub", "publish a size=100000", MESSAGES);
    talk_wait(talk, 10 * 1000);
    talk_say(talk, "pub", "ping");
    talk_hear(talk, "pub", "CONNACK 00\nPINGRESP\n");
    assert_true(talk_counters(talk).publishes_dropped > MESSAGES / 2);
    talk_say(talk, "cy", "connect; subscribe a");
    talk_say(talk, "pub", "publish a msg=x");
    talk_hear(talk, "cy", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a 'x'\n");
    talk_close(talk);
}

/* Each of two clients floods the other over their shards' lanes, and neither reads. */
static void
i_two_shards_that_hold_each_other(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .shards = 2 });
    talk_say(talk, "mute", "connect; subscribe a; deaf");
    talk_say(talk, "pub", "connect; subscribe b; deaf");
    flood(talk, "mute", "publish b size=100000", 300);
    flood(talk, "pub", "publish a size=100000", 300);
    talk_wait(talk, 10 * 1000);
    talk_say(talk, "mute", "listen");
    talk_say(talk, "pub", "listen");
    talk_wait(talk, 60 * 1000);
    talk_heard(talk, "mute");
    talk_heard(talk, "pub");
    talk_say(talk, "mute", "ping; publish b msg=x");
    talk_say(talk, "pub", "ping; publish a msg=y");
    talk_hear(talk, "mute", "PINGRESP\nPUBLISH a 'y'\n");
    talk_hear(talk, "pub", "PUBLISH b 'x'\nPINGRESP\n");
    talk_close(talk);
}

/* Who publishes QoS 0 to the shard that is behind with QoS 0 waits, a second or so; who publishes QoS 1 does not. */
static void
j_who_publishes_qos_1_is_not_held_for_qos_0(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .shards = 2 });
    talk_say(talk, "mute", "connect; subscribe a; deaf");
    talk_say(talk, "cy", "connect; subscribe b qos=1");
    talk_say(talk, "ana", "connect");
    talk_say(talk, "bo", "connect");
    talk_say(talk, "pub", "connect");
    flood(talk, "pub", "publish a size=100000", 300);
    talk_say(talk, "bo", "publish b msg=0");
    talk_say(talk, "bo", "ping");
    talk_say(talk, "ana", "publish b qos=1 msg=1; ping");
    talk_hear(talk, "ana", "CONNACK 00\nPUBACK 1\nPINGRESP\n");
    talk_hear(talk, "bo", "CONNACK 00\n");
    talk_wait(talk, 3000);
    talk_hear(talk, "bo", "PINGRESP\n");
    talk_close(talk);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deaf_receiver_holds_its_publisher_for_a_moment),
        cmocka_unit_test(b_a_deaf_receiver_loses_qos_0_and_costs_no_more_than_its_outbox),
        cmocka_unit_test(c_a_deaf_receiver_of_qos_1_loses_nothing),
        cmocka_unit_test(d_a_full_queue_refuses_in_the_protocols_way),
        cmocka_unit_test(e_an_announced_packet_costs_what_has_come),
        cmocka_unit_test(f_one_byte_a_second_costs_the_others_nothing),
        cmocka_unit_test(g_a_receiver_on_another_shard_holds_its_publisher),
        cmocka_unit_test(h_nobody_waits_for_ever_for_another_shard),
        cmocka_unit_test(i_two_shards_that_hold_each_other),
        cmocka_unit_test(j_who_publishes_qos_1_is_not_held_for_qos_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
