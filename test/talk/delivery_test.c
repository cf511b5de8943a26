/* What a message meets on its way: what travels with it and what does not, windows, replaced subscriptions, retained
 * values, shares. */
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
a_dup_is_not_passed_on(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a qos=1");
    talk_say(talk, "pub", "connect; publish a qos=1 dup=1 msg=x");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [01]\nPUBLISH a qos=1 id=1 'x'\n");
    talk_close(talk);
}

static void
b_properties_travel_unchanged_and_in_order(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a qos=1");
    talk_say(talk, "pub",
             "connect; publish a qos=1 msg=x user=b:1 user=a:2 user=b:3 format=1 content=text response=r/1 corr=42");
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [01]\n"
              "PUBLISH a qos=1 id=1 format=1 content=text response=r/1 corr=42 user=b:1 user=a:2 user=b:3 'x'\n");
    talk_say(talk, "pub", "publish a qos=1 alias=1 expiry=9 msg=y user=b:1 user=a:2 corr=42");
    talk_hear(talk, "sub", "PUBLISH a qos=1 id=2 expiry=9 corr=42 user=b:1 user=a:2 'y'\n");
    talk_close(talk);
}

static void
c_aliases_end_with_their_connection(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "pub",
             "connect expiry=100; publish a alias=1; disconnect; connect expiry=100 clean=0; publish - alias=1");
    talk_hear(talk, "pub", "CONNACK 00\nCONNACK 00 present\nDISCONNECT 82\nCLOSED\n");
    talk_say(talk, "sub", "connect alias=1 expiry=100; subscribe a");
    talk_say(talk, "pub", "connect; publish a msg=1");
    talk_say(talk, "sub", "cut; connect clean=0 alias=1 expiry=100");
    talk_say(talk, "pub", "publish a msg=2");
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a alias=1 '1'\nCONNACK 00 present\nPUBLISH a alias=1 '2'\n");
    talk_close(talk);
}

static void
d_every_alias_up_to_the_maximum_is_taken(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe +");
    talk_say(talk, "pub",
             "connect; publish one alias=1; publish last alias=64; publish - alias=64 msg=x; publish - alias=1 msg=y");
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [00]\nPUBLISH one ''\nPUBLISH last ''\nPUBLISH last 'x'\nPUBLISH one 'y'\n");
    talk_close(talk);
}

static void
e_at_the_receive_maximum_all_else_goes_on(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect receive=1; subscribe a qos=2");
    talk_say(talk, "pub", "connect; publish a qos=2 msg=1; publish a qos=2 msg=2; publish a msg=zero");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [02]\nPUBLISH a qos=2 id=1 '1'\nPUBLISH a 'zero'\n");
    talk_say(talk, "sub", "ping; subscribe b; pubrec 1");
    talk_hear(talk, "sub", "PINGRESP\nSUBACK 2 [00]\nPUBREL 1\n"); /* the window is free after PUBCOMP */
    talk_say(talk, "sub", "pubcomp 1");
    talk_hear(talk, "sub", "PUBLISH a qos=2 id=2 '2'\n");
    talk_close(talk);
}

static void
f_subscribing_again_replaces(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "pub", "connect; publish a retain=1 msg=kept");
    talk_say(talk, "sub", "connect; subscribe a qos=1 sub=1; subscribe a sub=2");
    talk_say(talk, "pub", "publish a qos=1 msg=x");
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [01]\nPUBLISH a retain sub=1 'kept'\n"
              "SUBACK 2 [00]\nPUBLISH a retain sub=2 'kept'\nPUBLISH a sub=2 'x'\n");
    talk_close(talk);
}

static void
g_what_has_begun_is_finished_after_unsubscribe(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect expiry=100; subscribe a qos=2");
    talk_say(talk, "pub", "connect; publish a qos=2 msg=1; publish a qos=1 msg=2");
    talk_say(talk, "sub", "unsubscribe a; cut; connect clean=0 expiry=100");
    talk_hear(talk, "sub",
              "CONNACK 00\nSUBACK 1 [02]\nPUBLISH a qos=2 id=1 '1'\nPUBLISH a qos=1 id=2 '2'\nUNSUBACK 2 [00]\n"
              "CONNACK 00 present\nPUBLISH a qos=2 id=1 dup '1'\nPUBLISH a qos=1 id=2 dup '2'\n");
    talk_say(talk, "sub", "puback 2; pubrec 1; pubcomp 1");
    talk_hear(talk, "sub", "PUBREL 1\n");
    talk_close(talk);
}

static void
h_an_acknowledged_packet_id_is_a_new_message(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a");
    talk_say(talk, "pub", "connect; publish a qos=1 pid=1 msg=1; publish a qos=1 pid=1 dup=1 msg=2");
    talk_say(talk, "pub", "publish a qos=2 pid=1 msg=3; pubrel 1; publish a qos=2 pid=1 dup=1 msg=4; pubrel 1");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a '1'\nPUBLISH a '2'\nPUBLISH a '3'\nPUBLISH a '4'\n");
    talk_close(talk);
}

/* MQTT-4.3.3-7, 4.3.3-13: the exchange goes on although the message expires meanwhile. */
static void
i_a_message_that_was_sent_does_not_expire(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect expiry=100; subscribe a qos=2");
    talk_say(talk, "pub", "connect; publish a qos=2 msg=x expiry=2; publish a qos=2 pid=9 msg=y expiry=2");
    talk_say(talk, "sub", "pubrec 1");
    talk_wait(talk, 5000);
    talk_say(talk, "sub", "cut; connect clean=0 expiry=100");
    const char *heard = talk_heard(talk, "sub");
    assert_non_null(strstr(heard, "CONNACK 00 present\nPUBLISH a qos=2 id=2 dup expiry=0 'y'\nPUBREL 1\n"));
    talk_say(talk, "pub", "pubrel 9");
    talk_hear(talk, "pub", "CONNACK 00\nPUBREC 1\nPUBREC 9\nPUBCOMP 9\n");
    talk_close(talk);
}

static void
j_wildcards_do_not_match_a_dollar(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe # +/x; subscribe $mine/#");
    talk_say(talk, "pub", "connect; publish $mine/x msg=1; publish $yours/x msg=2");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00 00]\nSUBACK 2 [00]\nPUBLISH $mine/x '1'\n");
    talk_close(talk);
}

static void
k_shared_members_have_their_own_qos(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "a", "connect; subscribe $share/g/t qos=0 sub=5");
    talk_say(talk, "pub", "connect; publish t qos=2 msg=1");
    talk_hear(talk, "a", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH t sub=5 '1'\n");
    talk_say(talk, "b", "connect; subscribe $share/g/t qos=1 rap=1; cut");
    talk_say(talk, "pub", "publish t qos=2 msg=2");
    talk_hear(talk, "a", "PUBLISH t sub=5 '2'\n");
    talk_close(talk);
}

static void
l_shared_qos_2_is_finished_with_its_member(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "a", "connect expiry=100; subscribe $share/g/t qos=2");
    talk_say(talk, "pub", "connect; publish t qos=2 msg=1; publish t qos=1 msg=2");
    talk_hear(talk, "a", "CONNACK 00\nSUBACK 1 [02]\nPUBLISH t qos=2 id=1 '1'\nPUBLISH t qos=1 id=2 '2'\n");
    talk_say(talk, "b", "connect; subscribe $share/g/t qos=2");
    talk_say(talk, "a", "cut");
    talk_hear(talk, "b", "CONNACK 00\nSUBACK 1 [02]\nPUBLISH t qos=1 id=1 '2'\n");
    talk_say(talk, "a", "connect clean=0 expiry=100");
    talk_hear(talk, "a", "CONNACK 00 present\nPUBLISH t qos=2 id=1 dup '1'\n");
    talk_say(talk, "a", "pubrec 1; pubcomp 1");
    talk_hear(talk, "a", "PUBREL 1\n");
    talk_close(talk);
}

static void
m_a_members_refusal_discards_for_all(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "a", "connect; subscribe $share/g/t qos=2");
    talk_say(talk, "pub", "connect; publish t qos=1 msg=1; publish t qos=2 msg=2");
    talk_say(talk, "b", "connect; subscribe $share/g/t qos=2");
    talk_say(talk, "a", "puback 1 r=97; pubrec 2 r=97; cut");
    talk_hear(talk, "b", "CONNACK 00\nSUBACK 1 [02]\n");
    talk_close(talk);
}

static void
n_retained_values_are_replaced_by_retained_only(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "on", "connect; subscribe a rap=1");
    talk_say(talk, "pub",
             "connect; publish a retain=1 msg=1; publish a msg=2; publish a retain=1 msg=3 expiry=100; publish b "
             "retain=1 msg=x; publish b retain=1");
    talk_hear(talk, "on",
              "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a retain '1'\nPUBLISH a '2'\nPUBLISH a retain expiry=100 '3'\n");
    talk_say(talk, "sub", "connect v=4; subscribe #");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH a retain '3'\n");
    talk_close(talk);
}

static void
o_topics_are_not_normalized(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "sub", "connect; subscribe a/b /a A //");
    talk_say(talk, "pub",
             "connect; publish a/b/ msg=1; publish a msg=2; publish // msg=3; publish A msg=4; publish /a msg=5");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [00 00 00 00]\nPUBLISH // '3'\nPUBLISH A '4'\nPUBLISH /a '5'\n");
    talk_close(talk);
}

static void
p_order_is_kept_through_window_and_queue(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    char line[64], want[64];
    talk_say(talk, "sub", "connect receive=3 expiry=100; subscribe a qos=1");
    talk_say(talk, "pub", "connect");
    for (unsigned i = 1; i <= 20; i++) {
        snprintf(line, sizeof(line), "publish a qos=1 msg=%u", i);
        talk_say(talk, "pub", line);
    }
    const char *heard = talk_heard(talk, "sub");
    for (unsigned i = 1; i <= 20; i++) {
        snprintf(want, sizeof(want), "id=%u '%u'\n", i, i);
        if (strstr(heard, want) == NULL) { /* the window was full: free a place */
            snprintf(line, sizeof(line), "puback %u", i - 3);
            talk_say(talk, "sub", line);
            heard = talk_heard(talk, "sub");
        }
        assert_non_null(strstr(heard, want));
    }
    talk_close(talk);
}

static void
q_reason_strings_that_do_not_fit_are_left_out(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "show; connect max=20; publish $SYS/x qos=1; publish $SYS/x qos=2; publish - alias=9");
    talk_hear(talk, "ana",
              "CONNACK 00 receive=1024 max=67108864 alias=64\nPUBACK 1 87\nPUBREC 2 87\nDISCONNECT 82\nCLOSED\n");
    talk_say(talk, "bo", "show; connect max=30; publish $SYS/x qos=1; publish $SYS/x qos=2; publish - alias=9");
    talk_hear(talk, "bo",
              "CONNACK 00 receive=1024 max=67108864 alias=64\nPUBACK 1 87 why=\"not authorized\"\nPUBREC 2 87 "
              "why=\"not authorized\"\nDISCONNECT 82\nCLOSED\n");
    talk_close(talk);
}

static void
r_wills_have_properties_and_may_be_retained(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "on", "connect; subscribe w rap=1");
    talk_say(talk, "a", "connect will=w wmsg=1 wretain=1 user=b:1 user=a:2; cut");
    talk_hear(talk, "on", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH w retain user=b:1 user=a:2 '1'\n");
    talk_say(talk, "late", "connect; subscribe w");
    talk_hear(talk, "late", "CONNACK 00\nSUBACK 1 [00]\nPUBLISH w retain user=b:1 user=a:2 '1'\n");
    talk_say(talk, "b", "connect will=w wmsg=2 wexpiry=50; cut");
    talk_hear(talk, "on", "PUBLISH w expiry=50 '2'\n");
    talk_close(talk);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dup_is_not_passed_on),
        cmocka_unit_test(b_properties_travel_unchanged_and_in_order),
        cmocka_unit_test(c_aliases_end_with_their_connection),
        cmocka_unit_test(d_every_alias_up_to_the_maximum_is_taken),
        cmocka_unit_test(e_at_the_receive_maximum_all_else_goes_on),
        cmocka_unit_test(f_subscribing_again_replaces),
        cmocka_unit_test(g_what_has_begun_is_finished_after_unsubscribe),
        cmocka_unit_test(h_an_acknowledged_packet_id_is_a_new_message),
        cmocka_unit_test(i_a_message_that_was_sent_does_not_expire),
        cmocka_unit_test(j_wildcards_do_not_match_a_dollar),
        cmocka_unit_test(k_shared_members_have_their_own_qos),
        cmocka_unit_test(l_shared_qos_2_is_finished_with_its_member),
        cmocka_unit_test(m_a_members_refusal_discards_for_all),
        cmocka_unit_test(n_retained_values_are_replaced_by_retained_only),
        cmocka_unit_test(o_topics_are_not_normalized),
        cmocka_unit_test(p_order_is_kept_through_window_and_queue),
        cmocka_unit_test(q_reason_strings_that_do_not_fit_are_left_out),
        cmocka_unit_test(r_wills_have_properties_and_may_be_retained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
