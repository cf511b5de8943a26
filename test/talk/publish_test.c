/* Messages through the node: QoS 0, 1 and 2 both ways, windows, aliases, properties, retained values, no-local,
 * identifiers. */
#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct talk *
open_plain(void)
{
    return talk_open(&(struct talk_setup){ 0 });
}

static void
a_qos_0_arrives(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a/+");
    talk_say(talk, "old", "connect v=4; subscribe a/#");
    talk_say(talk, "pub", "connect v=3; publish a/b msg=hi; publish b msg=no; publish a/c");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a/b 'hi'\nPUBLISH a/c ''\n");
    talk_hear(talk, "old", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a/b 'hi'\nPUBLISH a/c ''\n");
    talk_hear(talk, "pub", "CONNACK 00\n");
    talk_close(talk);
}

static void
b_qos_1_is_acknowledged_both_ways(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a qos=1");
    talk_say(talk, "pub", "connect; publish a qos=1 pid=7 msg=hi; publish nobody qos=1 pid=8");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [01]\nPUBLISH a qos=1 id=1 'hi'\n");
    talk_hear(talk, "pub", "CONNACK 00\nPUBACK 7\nPUBACK 8 10\n");
    talk_say(talk, "sub", "puback 1");
    talk_say(talk, "pub", "publish a qos=1 pid=9 msg=two");
    talk_hear(talk, "sub", "PUBLISH a qos=1 id=2 'two'\n");
    talk_close(talk);
}

static void
c_qos_2_is_delivered_once(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect v=4; subscribe a qos=2");
    talk_say(talk, "pub",
             "connect; publish a qos=2 pid=7 msg=hi; publish a qos=2 pid=7 dup=1 msg=hi; pubrel 7; pubrel 7");
    talk_hear(talk, "pub", "CONNACK 00\nPUBREC 7\nPUBREC 7\nPUBCOMP 7\nPUBCOMP 7 92\n");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [02]\nPUBLISH a qos=2 id=1 'hi'\n");
    talk_say(talk, "sub", "pubrec 1; pubcomp 1");
    talk_hear(talk, "sub", "PUBREL 1\n");
    talk_say(talk, "pub", "publish a qos=2 pid=7 msg=anew; pubrel 7");
    talk_hear(talk, "sub", "PUBLISH a qos=2 id=2 'anew'\n");
    talk_close(talk);
}

static void
d_subscribed_qos_is_the_ceiling(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a qos=1; subscribe b");
    talk_say(talk, "pub", "connect; publish a qos=2 pid=1 msg=x; publish b qos=2 pid=2 msg=y; publish a msg=z");
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [01]\nSUBACK 2 [00]\nPUBLISH a qos=1 id=1 'x'\nPUBLISH b 'y'\nPUBLISH a 'z'\n");
    talk_close(talk);
}

static void
e_overlapping_filters_give_one_copy_with_all_ids(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a/+ sub=1; subscribe a/b sub=2 qos=1; subscribe # qos=0");
    talk_say(talk, "pub", "connect; publish a/b qos=1 pid=1 msg=x");
    const char *heard = talk_heard(talk, "sub");
    assert_non_null(strstr(heard, "PUBLISH a/b qos=1 id=1"));
    assert_non_null(strstr(heard, "sub=1"));
    assert_non_null(strstr(heard, "sub=2"));
    assert_null(strstr(strstr(heard, "PUBLISH") + 1, "PUBLISH"));
    talk_close(talk);
}

static void
f_no_local_and_retain_as_published(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect; subscribe a nl=1; subscribe b rap=1; subscribe c");
    talk_say(talk, "ana", "publish a msg=own; publish b msg=kept retain=1; publish c msg=plain retain=1");
    talk_hear(talk, "ana",
              "CONNACK 00\nSUBACK 1 [00]\nSUBACK 2 [00]\nSUBACK 3 [00]\nPUBLISH b retain 'kept'\nPUBLISH c 'plain'\n");
    talk_close(talk);
}

static void
g_receive_maximum_of_the_client_is_kept(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect receive=2; subscribe a qos=1");
    talk_say(talk, "pub",
             "connect; publish a qos=1 msg=1; publish a qos=1 msg=2; publish a qos=1 msg=3; publish a qos=1 msg=4");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [01]\nPUBLISH a qos=1 id=1 '1'\nPUBLISH a qos=1 id=2 '2'\n");
    talk_say(talk, "sub", "puback 2");
    talk_hear(talk, "sub", "PUBLISH a qos=1 id=3 '3'\n");
    talk_say(talk, "sub", "puback 1; puback 3");
    talk_hear(talk, "sub", "PUBLISH a qos=1 id=4 '4'\n");
    talk_close(talk);
}

static void
receive_two(struct settings *s)
{
    s->receive_max = 2;
}

static void
h_receive_maximum_of_ours_is_enforced(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .settings = receive_two });
    talk_say(talk, "pub", "connect; publish a qos=2; publish a qos=2; publish a qos=2");
    talk_hear(talk, "pub", "CONNACK 00\nPUBREC 1 10\nPUBREC 2 10\nDISCONNECT 93\nCLOSED\n");
    talk_close(talk);
}

static void
i_topic_aliases_from_the_client(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe #");
    talk_say(talk, "pub",
             "connect; publish long/topic alias=3 msg=1; publish - alias=3 msg=2; publish other alias=3 msg=3; publish "
             "- alias=3 msg=4");
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [00]\nPUBLISH long/topic '1'\nPUBLISH long/topic '2'\nPUBLISH other '3'\nPUBLISH "
              "other '4'\n");
    talk_say(talk, "pub", "publish - alias=9 msg=no");
    talk_hear(talk, "pub", "CONNACK 00\nDISCONNECT 82\nCLOSED\n");
    talk_say(talk, "pub", "connect; publish x alias=65");
    talk_hear(talk, "pub", "CONNACK 00\nDISCONNECT 94\nCLOSED\n");
    talk_close(talk);
}

static void
j_topic_aliases_to_the_client(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect alias=1; subscribe #");
    talk_say(talk, "pub", "connect; publish a msg=1; publish a msg=2; publish b msg=3");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a alias=1 '1'\nPUBLISH  alias=1 '2'\nPUBLISH b '3'\n");
    talk_close(talk);
}

static void
k_properties_travel_and_expiry_counts_down(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect expiry=100; subscribe a qos=1; disconnect");
    talk_say(talk, "pub", "connect; publish a qos=1 msg=x expiry=50 user=k:v; publish a qos=1 msg=gone expiry=3");
    talk_wait(talk, 10000);
    talk_say(talk, "sub", "connect clean=0 expiry=100");
    const char *heard = talk_heard(talk, "sub");
    assert_non_null(strstr(heard, "user=k:v"));
    assert_true(strstr(heard, "expiry=40") != NULL || strstr(heard, "expiry=39") != NULL);
    assert_null(strstr(heard, "gone"));
    talk_close(talk);
}

static void
l_retained_values(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "pub",
             "connect; publish a/1 msg=one retain=1; publish a/2 qos=1 msg=two retain=1; publish a/3 msg=x retain=1; "
             "publish a/3 retain=1");
    talk_say(talk, "sub", "connect; subscribe a/+ qos=1 sub=5");
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [01]\nPUBLISH a/1 retain sub=5 'one'\nPUBLISH a/2 qos=1 id=1 retain sub=5 'two'\n");
    talk_say(talk, "sub", "subscribe a/+ qos=1 rh=1; subscribe a/1 rh=1; subscribe a/2 rh=2");
    talk_hear(talk, "sub", "SUBACK 2 [01]\nSUBACK 3 [00]\nPUBLISH a/1 retain 'one'\nSUBACK 4 [00]\n");
    talk_close(talk);
}

static void
m_too_large_for_the_client_is_skipped(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect max=100; subscribe a qos=1");
    talk_say(talk, "two", "connect; subscribe a");
    talk_say(talk, "pub",
             "connect; publish a qos=1 size=200; publish a qos=1 msg=small; publish a size=200; publish a msg=tiny");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [01]\nPUBLISH a qos=1 id=2 'small'\nPUBLISH a 'tiny'\n");
    talk_hear(talk, "two",
              "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a <200 bytes>\nPUBLISH a 'small'\nPUBLISH a <200 bytes>\nPUBLISH a "
              "'tiny'\n");
    talk_close(talk);
}

static void
n_large_payloads_go_by_reference(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a qos=2");
    talk_say(talk, "two", "connect v=4; subscribe a");
    talk_say(talk, "pub", "connect; publish a size=1000000; publish a qos=1 size=100000");
    talk_wait(talk, 2000);
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [02]\nPUBLISH a <1000000 bytes>\nPUBLISH a qos=1 id=1 <100000 bytes>\n");
    talk_hear(talk, "two", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a <1000000 bytes>\nPUBLISH a <100000 bytes>\n");
    talk_close(talk);
}

static void
o_sys_topics_may_not_be_published(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe $SYS/#");
    talk_say(talk, "pub", "connect; publish $SYS/broker/version qos=1 msg=x retain=1; publish $other msg=x");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00]\n");
    talk_hear(talk, "pub", "CONNACK 00\nPUBACK 1 87\n");
    talk_say(talk, "old", "connect v=4; publish $SYS/x qos=1");
    talk_hear(talk, "old", "CONNACK 00\nPUBACK 1\n");
    talk_close(talk);
}

static void
p_wrong_acknowledgements(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a qos=2; puback 77; pubcomp 77; pubrec 77");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [02]\nPUBREL 77 92\n");
    talk_say(talk, "pub", "connect; publish a qos=2 msg=x");
    talk_hear(talk, "sub", "PUBLISH a qos=2 id=1 'x'\n");
    talk_say(talk, "sub", "puback 1");
    talk_hear(talk, "sub", "DISCONNECT 82\nCLOSED\n");
    talk_close(talk);
}

static void
q_a_rejected_qos_2_message_is_done(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect receive=1; subscribe a qos=2");
    talk_say(talk, "pub", "connect; publish a qos=2 msg=x; publish a qos=2 msg=y");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [02]\nPUBLISH a qos=2 id=1 'x'\n");
    talk_say(talk, "sub", "pubrec 1 r=80");
    talk_hear(talk, "sub", "PUBLISH a qos=2 id=2 'y'\n");
    talk_close(talk);
}

static void
r_unsubscribe_stops_it(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a b; unsubscribe a c");
    talk_say(talk, "pub", "connect; publish a msg=1; publish b msg=2");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00 00]\nUNSUBACK 2 [00 11]\nPUBLISH b '2'\n");
    talk_close(talk);
}

static void
s_bad_filters_are_refused_one_by_one(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a#b ok a+/b");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [8f 00 8f]\n");
    talk_say(talk, "old", "connect v=4; subscribe a#b ok");
    talk_hear(talk, "old", "CONNACK 00\nSUBACK 1 [80 00]\n");
    talk_close(talk);
}

static void
one_subscription(struct settings *s)
{
    s->subscriptions_max = 1;
    s->retain_available = false;
    s->packet_bytes_max = 1024;
}

static void
t_limits_have_their_errors(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .settings = one_subscription });
    talk_say(talk, "ana", "connect; subscribe a b");
    talk_hear(talk, "ana", "CONNACK 00 retain=0\nSUBACK 1 [00 97]\n");
    talk_say(talk, "ana", "publish a retain=1");
    talk_hear(talk, "ana", "DISCONNECT 9a\nCLOSED\n");
    talk_say(talk, "bo", "connect will=x wretain=1");
    talk_hear(talk, "bo", "CONNACK 9a\nCLOSED\n");
    talk_say(talk, "cy", "connect; publish a size=2000");
    talk_hear(talk, "cy", "CONNACK 00 retain=0\nDISCONNECT 95\nCLOSED\n");
    talk_close(talk);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_qos_0_arrives),
        cmocka_unit_test(b_qos_1_is_acknowledged_both_ways),
        cmocka_unit_test(c_qos_2_is_delivered_once),
        cmocka_unit_test(d_subscribed_qos_is_the_ceiling),
        cmocka_unit_test(e_overlapping_filters_give_one_copy_with_all_ids),
        cmocka_unit_test(f_no_local_and_retain_as_published),
        cmocka_unit_test(g_receive_maximum_of_the_client_is_kept),
        cmocka_unit_test(h_receive_maximum_of_ours_is_enforced),
        cmocka_unit_test(i_topic_aliases_from_the_client),
        cmocka_unit_test(j_topic_aliases_to_the_client),
        cmocka_unit_test(k_properties_travel_and_expiry_counts_down),
        cmocka_unit_test(l_retained_values),
        cmocka_unit_test(m_too_large_for_the_client_is_skipped),
        cmocka_unit_test(n_large_payloads_go_by_reference),
        cmocka_unit_test(o_sys_topics_may_not_be_published),
        cmocka_unit_test(p_wrong_acknowledgements),
        cmocka_unit_test(q_a_rejected_qos_2_message_is_done),
        cmocka_unit_test(r_unsubscribe_stops_it),
        cmocka_unit_test(s_bad_filters_are_refused_one_by_one),
        cmocka_unit_test(t_limits_have_their_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
