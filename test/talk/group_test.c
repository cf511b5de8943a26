/* Shared subscriptions: whose turn it is, and what becomes of messages when members leave or die. */
#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static unsigned
count(const char *text, const char *what)
{
    unsigned n = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        n++;
    return n;
}

static void
l_shared_members_take_turns(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "a", "connect; subscribe $share/g/t qos=1");
    talk_say(talk, "b", "connect; subscribe $share/g/t qos=1");
    talk_say(talk, "c", "connect v=4; subscribe $share/h/t");
    talk_say(talk, "pub", "connect; publish t msg=1; publish t msg=2; publish t qos=1 msg=3; publish t qos=1 msg=4");
    const char *a = talk_heard(talk, "a");
    unsigned in_a = count(a, "PUBLISH");
    assert_int_equal(in_a, 2);
    assert_int_equal(in_a + count(talk_heard(talk, "b"), "PUBLISH"), 4);
    assert_int_equal(count(talk_heard(talk, "c"), "PUBLISH"), 4);
    talk_close(talk);
}

static void
m_a_dead_members_messages_go_to_the_others(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "a", "connect; subscribe $share/g/t qos=2");
    talk_say(talk, "pub", "connect; publish t qos=1 msg=1; publish t qos=1 msg=2; publish t qos=2 msg=3");
    talk_hear(
        talk, "a",
        "CONNACK 00\nSUBACK 1 [02]\nPUBLISH t qos=1 id=1 '1'\nPUBLISH t qos=1 id=2 '2'\nPUBLISH t qos=2 id=3 '3'\n");
    talk_say(talk, "b", "connect; subscribe $share/g/t qos=1");
    talk_heard(talk, "b");
    talk_say(talk, "a", "puback 1; cut");
    talk_hear(talk, "b", "PUBLISH t qos=1 id=1 '2'\n"); /* QoS 2 dies with its member [MQTT-4.8.2-5] */
    talk_close(talk);
}

static void
n_shared_messages_wait_for_a_member(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "a", "connect expiry=1000; subscribe $share/g/t qos=1; disconnect");
    talk_say(talk, "pub", "connect; publish t qos=1 msg=1; publish t msg=lost");
    talk_restart(talk, SIM_POWER);
    talk_say(talk, "pub", "cut");
    talk_say(talk, "b", "connect; subscribe $share/g/t qos=1");
    talk_hear(talk, "b", "CONNACK 00\nSUBACK 1 [01]\nPUBLISH t qos=1 id=1 '1'\n");
    talk_say(talk, "b", "puback 1; unsubscribe $share/g/t");
    talk_hear(talk, "b", "UNSUBACK 2 [00]\n");
    talk_close(talk);
}

static void
o_shared_no_local_is_a_breach(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "a", "connect; subscribe $share/g/t nl=1");
    talk_hear(talk, "a", "CONNACK 00\nDISCONNECT 82\nCLOSED\n");
    talk_close(talk);
}

/* [MQTT-3.10.4-3] */
static void
p_who_leaves_a_group_finishes_what_it_was_sent(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "a", "connect; subscribe $share/g/t qos=2");
    talk_say(talk, "pub",
             "connect; publish t qos=1 msg=1; publish t qos=1 msg=2; publish t qos=1 msg=3; publish t qos=2 msg=4");
    talk_say(talk, "b", "connect; subscribe $share/g/t qos=1");
    talk_heard(talk, "a");
    talk_heard(talk, "b");
    talk_say(talk, "a", "puback 1; unsubscribe $share/g/t; puback 2; pubrec 4; pubcomp 4");
    talk_hear(talk, "a", "UNSUBACK 2 [00]\nPUBREL 4\n");
    talk_say(talk, "pub", "publish t qos=1 msg=5");
    talk_hear(talk, "b", "PUBLISH t qos=1 id=1 '5'\n");
    talk_say(talk, "a", "cut");
    talk_hear(talk, "b", "PUBLISH t qos=1 id=2 '3'\n"); /* what it has not finished when it is cut off */
    talk_hear(talk, "a", "");
    talk_close(talk);
}

static void
q_who_leaves_a_group_may_come_back_at_once(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "a", "connect expiry=100; subscribe $share/g/t qos=1");
    talk_say(talk, "pub", "connect; publish t qos=1 msg=1; publish t qos=1 msg=2");
    talk_say(talk, "b", "connect receive=1; subscribe $share/g/t qos=1");
    talk_heard(talk, "a");
    talk_heard(talk, "b");
    talk_say(talk, "a", "unsubscribe $share/g/t; subscribe $share/g/t qos=1; unsubscribe $share/g/t; puback 1");
    talk_say(talk, "a", "subscribe $share/g/t qos=1 sub=7; puback 2; puback 2");
    talk_say(talk, "pub", "publish t qos=1 msg=3; publish t qos=1 msg=4; publish t qos=1 msg=5");
    assert_int_equal(count(talk_heard(talk, "a"), "sub=7"), 2);
    assert_int_equal(count(talk_heard(talk, "b"), "PUBLISH"), 1);
    talk_restart(talk, SIM_KILL);
    talk_say(talk, "c", "connect; subscribe $share/g/t qos=1");
    assert_int_equal(count(talk_heard(talk, "c"), "PUBLISH"), 3); /* and not what was acknowledged */
    talk_close(talk);
}

static void
r_a_group_may_end_before_who_left_it_has_finished(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "a", "connect expiry=100; subscribe $share/g/t qos=1");
    talk_say(talk, "pub", "connect; publish t qos=1 msg=1; publish t qos=1 msg=2");
    talk_say(talk, "a", "unsubscribe $share/g/t; puback 1");
    talk_say(talk, "b", "connect; subscribe $share/g/t qos=1");
    talk_say(talk, "a", "cut");
    talk_hear(talk, "b", "CONNACK 00\nSUBACK 1 [01]\n");
    talk_close(talk);
}

/* "a" and "g" live on different shards. */
static void
s_who_leaves_a_group_hands_on_to_another_shard(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true, .shards = 2 });
    talk_say(talk, "a", "connect; subscribe $share/s/t qos=1");
    talk_say(talk, "pub", "connect; publish t qos=1 msg=1; publish t qos=1 msg=2");
    talk_say(talk, "g", "connect; subscribe $share/s/t qos=1");
    talk_heard(talk, "g");
    talk_say(talk, "a", "unsubscribe $share/s/t; puback 1");
    talk_say(talk, "pub", "publish t qos=1 msg=3");
    talk_hear(talk, "g", "PUBLISH t qos=1 id=1 '3'\n");
    talk_say(talk, "a", "cut");
    talk_hear(talk, "g", "PUBLISH t qos=1 id=2 '2'\n");
    talk_close(talk);
}

/* The node ends while a client holds a message of a group that it has left. */
static void
t_what_was_not_finished_outlives_the_node(void **state)
{
    (void)state;
    for (unsigned kill = 0; kill < 2; kill++) {
        struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
        talk_say(talk, "a", "connect expiry=100; subscribe $share/g/t qos=1");
        talk_say(talk, "b", "connect expiry=100; subscribe $share/g/t qos=1; disconnect");
        talk_say(talk, "pub", "connect; publish t qos=1 msg=1; publish t qos=1 msg=2");
        talk_say(talk, "a", "unsubscribe $share/g/t; puback 1");
        if (kill)
            talk_restart(talk, SIM_KILL);
        else
            talk_stop_and_start(talk);
        talk_heard(talk, "b");
        talk_say(talk, "b", "connect clean=0 expiry=100");
        talk_hear(talk, "b", "CONNACK 00 present\nPUBLISH t qos=1 id=1 '2'\n");
        talk_close(talk);
    }
}

/* [MQTT-4.8.2-5]: and QoS 2 by nobody else, though the connection breaks before anything of it has come. */
static void
u_what_was_begun_of_qos_2_waits_for_who_left_the_group(void **state)
{
    (void)state;
    for (unsigned durable = 0; durable < 2; durable++) {
        struct talk *talk = talk_open(&(struct talk_setup){ .durable = durable });
        talk_say(talk, "a", "connect expiry=100; subscribe $share/g/t qos=2 sub=7; deaf");
        talk_say(talk, "pub", "connect; publish t qos=2 msg=1; publish t qos=2 msg=2");
        talk_say(talk, "b", "connect; subscribe $share/g/t qos=2");
        talk_say(talk, "a", "unsubscribe $share/g/t; cut");
        talk_say(talk, "pub", "publish t qos=2 msg=3");
        talk_hear(talk, "b", "CONNACK 00\nSUBACK 1 [02]\nPUBLISH t qos=2 id=1 '3'\n");
        talk_heard(talk, "a");
        talk_say(talk, "a", "connect clean=0 expiry=100; pubrec 2; cut; connect clean=0 expiry=100");
        talk_hear(talk, "a",
                  "CONNACK 00 present\n"
                  "PUBLISH t qos=2 id=1 dup '1'\n"
                  "PUBLISH t qos=2 id=2 dup '2'\n"
                  "PUBREL 2\n"
                  "CONNACK 00 present\n"
                  "PUBLISH t qos=2 id=1 dup '1'\n"
                  "PUBREL 2\n");
        talk_say(talk, "a", "pubcomp 2; pubrec 1; pubcomp 1; cut; connect clean=0 expiry=100");
        talk_hear(talk, "a", "PUBREL 1\nCONNACK 00 present\n");
        talk_hear(talk, "b", "");
        talk_close(talk);
    }
}

static void
restart_one_way(struct talk *talk, unsigned kill)
{
    if (kill)
        talk_restart(talk, SIM_KILL);
    else
        talk_stop_and_start(talk);
}

static void
v_the_node_may_end_before_it_has_come(void **state)
{
    (void)state;
    for (unsigned kill = 0; kill < 2; kill++) {
        struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
        talk_say(talk, "a", "connect expiry=100; subscribe $share/g/t qos=2; deaf");
        talk_say(talk, "pub", "connect; publish t qos=2 msg=1; publish t qos=2 msg=2");
        talk_say(talk, "b", "connect expiry=100; subscribe $share/g/t qos=2");
        talk_say(talk, "a", "pubrec 1; unsubscribe $share/g/t");
        restart_one_way(talk, kill);
        restart_one_way(talk, kill);
        talk_heard(talk, "a");
        talk_heard(talk, "b");
        talk_say(talk, "b", "connect clean=0 expiry=100");
        talk_say(talk, "a", "cut; connect clean=0 expiry=100; pubrec 2; pubcomp 1; pubcomp 2");
        talk_hear(talk, "a", "CONNACK 00 present\nPUBLISH t qos=2 id=2 dup '2'\nPUBREL 1\nPUBREL 2\n");
        restart_one_way(talk, kill);
        talk_heard(talk, "a");
        talk_say(talk, "a", "connect clean=0 expiry=100");
        talk_hear(talk, "a", "CONNACK 00 present\n");
        talk_say(talk, "b", "cut; connect clean=0 expiry=100");
        assert_int_equal(count(talk_heard(talk, "b"), "PUBLISH"), 0);
        talk_close(talk);
    }
}

/* The group has ended for all but the client that is being sent what has begun; what only waited is nobody's. */
static void
w_the_last_member_finishes_what_it_was_sent(void **state)
{
    (void)state;
    for (unsigned restarts = 0; restarts < 3; restarts++) {
        struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
        talk_say(talk, "a", "connect expiry=100 receive=1; subscribe $share/g/t qos=2; deaf");
        talk_say(talk, "pub", "connect; publish t qos=2 msg=1; publish t qos=2 msg=waits");
        talk_say(talk, "a", "unsubscribe $share/g/t; cut");
        talk_say(talk, "pub", "publish t qos=2 msg=missed");
        if (restarts > 0)
            restart_one_way(talk, restarts == 1);
        talk_heard(talk, "a");
        talk_say(talk, "b", "cut; connect; subscribe $share/g/t qos=2");
        talk_say(talk, "pub", "cut; connect; publish t qos=2 msg=2");
        talk_hear(talk, "b", "CONNACK 00\nSUBACK 1 [02]\nPUBLISH t qos=2 id=1 '2'\n");
        talk_say(talk, "b", "unsubscribe $share/g/t; pubrec 1; pubcomp 1");
        talk_say(talk, "a", "connect clean=0 expiry=100; pubrec 1; pubcomp 1");
        talk_hear(talk, "a", "CONNACK 00 present\nPUBLISH t qos=2 id=1 dup '1'\nPUBREL 1\n");
        talk_say(talk, "b", "subscribe $share/g/t qos=2");
        talk_hear(talk, "b", "UNSUBACK 2 [00]\nPUBREL 1\nSUBACK 3 [02]\n");
        talk_close(talk);
    }
}

/* It is for no other client, whatever becomes of this one's session. */
static void
x_who_left_a_group_takes_qos_2_along(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "a", "connect expiry=100; subscribe $share/g/t qos=2");
    talk_say(talk, "pub", "connect; publish t qos=2 msg=1; publish t qos=1 msg=2");
    talk_say(talk, "b", "connect expiry=100; subscribe $share/g/t qos=2");
    talk_say(talk, "a", "unsubscribe $share/g/t; cut; connect clean=1");
    talk_hear(talk, "b", "CONNACK 00\nSUBACK 1 [02]\nPUBLISH t qos=1 id=1 '2'\n");
    talk_restart(talk, SIM_KILL);
    talk_heard(talk, "b");
    talk_say(talk, "b", "connect clean=0 expiry=100");
    const char *heard = talk_heard(talk, "b");
    assert_int_equal(count(heard, "PUBLISH"), 1);
    assert_int_equal(count(heard, "'2'"), 1);
    talk_close(talk);
}

/* "a" and "g" live on different shards. */
static void
y_who_left_a_group_is_waited_for_on_its_shard(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true, .shards = 2 });
    talk_say(talk, "a", "connect expiry=100; subscribe $share/s/t qos=2");
    talk_say(talk, "pub", "connect; publish t qos=2 msg=1; publish t qos=1 msg=2");
    talk_say(talk, "g", "connect; subscribe $share/s/t qos=2");
    talk_heard(talk, "a");
    talk_heard(talk, "g");
    talk_say(talk, "a", "unsubscribe $share/s/t; cut");
    talk_hear(talk, "g", "PUBLISH t qos=1 id=1 '2'\n");
    talk_say(talk, "g", "puback 1; disconnect");
    talk_heard(talk, "a");
    talk_say(talk, "a", "connect clean=0 expiry=100; pubrec 1; pubcomp 1");
    talk_hear(talk, "a", "CONNACK 00 present\nPUBLISH t qos=2 id=1 dup '1'\nPUBREL 1\n");
    talk_close(talk);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(l_shared_members_take_turns),
        cmocka_unit_test(m_a_dead_members_messages_go_to_the_others),
        cmocka_unit_test(n_shared_messages_wait_for_a_member),
        cmocka_unit_test(o_shared_no_local_is_a_breach),
        cmocka_unit_test(p_who_leaves_a_group_finishes_what_it_was_sent),
        cmocka_unit_test(q_who_leaves_a_group_may_come_back_at_once),
        cmocka_unit_test(r_a_group_may_end_before_who_left_it_has_finished),
        cmocka_unit_test(s_who_leaves_a_group_hands_on_to_another_shard),
        cmocka_unit_test(t_what_was_not_finished_outlives_the_node),
        cmocka_unit_test(u_what_was_begun_of_qos_2_waits_for_who_left_the_group),
        cmocka_unit_test(v_the_node_may_end_before_it_has_come),
        cmocka_unit_test(w_the_last_member_finishes_what_it_was_sent),
        cmocka_unit_test(x_who_left_a_group_takes_qos_2_along),
        cmocka_unit_test(y_who_left_a_group_is_waited_for_on_its_shard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
