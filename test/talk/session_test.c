/* Sessions over many connections, and over the node's death: resumption, wills. */
#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- resumption --------------------------------------------------------------------------------------------- */

static void
resumption(bool durable)
{
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = durable });
    talk_say(talk, "sub", "connect v=4 clean=0; subscribe a qos=2");
    talk_say(talk, "pub",
             "connect; publish a qos=1 pid=1 msg=1; publish a qos=2 pid=2 msg=2; publish a qos=2 pid=3 msg=3; publish "
             "a qos=1 pid=4 msg=4");
    talk_hear(talk, "sub",
              "CONNACK 00\n"
              "SUBACK 1 [02]\n"
              "PUBLISH a qos=1 id=1 '1'\n"
              "PUBLISH a qos=2 id=2 '2'\n"
              "PUBLISH a qos=2 id=3 '3'\n"
              "PUBLISH a qos=1 id=4 '4'\n");
    talk_say(talk, "sub", "pubrec 2");
    talk_hear(talk, "sub", "PUBREL 2\n");
    talk_say(talk, "sub", "cut");
    talk_say(talk, "pub", "publish a qos=1 pid=5 msg=5");
    talk_say(talk, "sub", "connect v=4 clean=0");
    talk_hear(talk, "sub",
              "CONNACK 00 present\n"
              "PUBLISH a qos=1 id=1 dup '1'\n"
              "PUBLISH a qos=2 id=3 dup '3'\n"
              "PUBLISH a qos=1 id=4 dup '4'\n"
              "PUBREL 2\n"
              "PUBLISH a qos=1 id=5 '5'\n");
    talk_say(talk, "sub", "puback 1; pubcomp 2; pubrec 3; puback 4; puback 5; pubcomp 3");
    talk_hear(talk, "sub", "PUBREL 3\n");
    talk_say(talk, "sub", "disconnect; connect v=4 clean=0");
    talk_close(talk);
}

static void
a_resumption_in_memory(void **state)
{
    (void)state;
    resumption(false);
}

static void
c_clean_start_ends_the_session(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "sub", "connect expiry=100; subscribe a qos=1; disconnect");
    talk_say(talk, "pub", "connect; publish a qos=1 msg=x");
    talk_say(talk, "sub", "connect expiry=100 clean=1");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [01]\nCONNACK 00\n");
    talk_say(talk, "pub", "publish a qos=1 msg=y");
    talk_hear(talk, "sub", "");
    talk_close(talk);
}

static void
d_session_expires(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "sub", "connect expiry=5; subscribe a qos=1; disconnect");
    talk_wait(talk, 3000);
    talk_say(talk, "sub", "connect expiry=5 clean=0");
    talk_hear(talk, "sub", "CONNACK 00\nSUBACK 1 [01]\nCONNACK 00 present\n");
    talk_say(talk, "sub", "disconnect");
    talk_wait(talk, 7000);
    talk_say(talk, "sub", "connect expiry=5 clean=0");
    talk_hear(talk, "sub", "CONNACK 00\n");
    talk_close(talk);
}

static void
e_disconnect_changes_the_expiry(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "sub", "connect expiry=100; disconnect expiry=0; connect expiry=100 clean=0");
    talk_hear(talk, "sub", "CONNACK 00\nCONNACK 00\n");
    talk_say(talk, "bo", "connect; disconnect expiry=5");
    talk_hear(talk, "bo", "CONNACK 00\nDISCONNECT 82\n");
    talk_close(talk);
}

/* ---- restart ------------------------------------------------------------------------------------------------ */

static void
restart(enum sim_death how)
{
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "sub", "connect expiry=1000; subscribe a qos=2 sub=9");
    talk_say(talk, "pub",
             "connect expiry=1000; publish a qos=2 pid=1 msg=1; publish a qos=2 pid=2 msg=2; publish a qos=1 pid=3 "
             "msg=3; pubrel 2");
    talk_hear(talk, "pub", "CONNACK 00\nPUBREC 1\nPUBREC 2\nPUBACK 3\nPUBCOMP 2\n");
    talk_say(talk, "sub", "pubrec 1");
    talk_heard(talk, "sub");
    talk_restart(talk, how);
    talk_say(talk, "pub", "cut");
    talk_say(talk, "sub", "cut");
    talk_heard(talk, "sub");
    talk_heard(talk, "pub");
    talk_say(talk, "pub",
             "connect clean=0 expiry=1000; publish a qos=2 pid=1 dup=1 msg=1; pubrel 1; publish a qos=2 pid=2 msg=new");
    talk_hear(talk, "pub", "CONNACK 00 present\nPUBREC 1\nPUBCOMP 1\nPUBREC 2\n");
    talk_say(talk, "sub", "connect clean=0 expiry=1000");
    const char *heard = talk_heard(talk, "sub");
    assert_non_null(strstr(heard, "CONNACK 00 present\nPUBLISH a qos=2 id=2 dup sub=9 '2'\nPUBREL 1\n"));
    assert_non_null(strstr(heard, "'3'"));
    assert_non_null(strstr(heard, "'new'"));
    assert_null(strstr(heard, "'1'"));
    talk_close(talk);
}

static void
f_restart_after_kill(void **state)
{
    (void)state;
    restart(SIM_KILL);
}

static void
g_restart_after_power_cut(void **state)
{
    (void)state;
    restart(SIM_POWER);
}

static void
h_stop_and_start_keep_everything(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "sub", "connect expiry=1000; subscribe a qos=1; subscribe $share/g/b qos=1; disconnect");
    talk_say(talk, "pub", "connect; publish a qos=1 msg=1; publish b qos=1 msg=2; publish r retain=1 qos=1 msg=kept");
    talk_stop_and_start(talk);
    talk_say(talk, "pub", "cut");
    talk_heard(talk, "sub");
    talk_say(talk, "sub", "connect clean=0 expiry=1000; subscribe r");
    const char *heard = talk_heard(talk, "sub");
    assert_non_null(strstr(heard, "CONNACK 00 present"));
    assert_non_null(strstr(heard, "'1'"));
    assert_non_null(strstr(heard, "'2'"));
    assert_non_null(strstr(heard, "'kept'"));
    talk_close(talk);
}

/* Its message cannot be sent again, but the client may hold its identifier: that must not be given to another. */
static void
l_an_identifier_that_is_known_ends_with_pubcomp(void **state)
{
    (void)state;
    for (unsigned restarts = 0; restarts < 2; restarts++) {
        struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
        talk_say(talk, "a", "connect expiry=100; subscribe t qos=2");
        talk_say(talk, "pub", "connect; publish t qos=2 size=200; publish t qos=1 size=200");
        if (restarts > 0)
            talk_restart(talk, SIM_KILL);
        talk_heard(talk, "a");
        talk_say(talk, "a", "cut; connect clean=0 expiry=100 max=100");
        talk_hear(talk, "a", "CONNACK 00 present\nPUBREL 1\n");
        if (restarts > 0)
            talk_restart(talk, SIM_KILL);
        talk_heard(talk, "a");
        talk_say(talk, "a", "cut; connect clean=0 expiry=100; pubcomp 1; cut; connect clean=0 expiry=100");
        talk_hear(talk, "a", "CONNACK 00 present\nPUBREL 1\nCONNACK 00 present\n");
        talk_close(talk);
    }
}

/* ---- wills -------------------------------------------------------------------------------------------------- */

static void
i_will_is_published_unless_the_client_leaves(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ 0 });
    talk_say(talk, "sub", "connect; subscribe w/#");
    talk_heard(talk, "sub");
    talk_say(talk, "a", "connect will=w/a wmsg=gone; cut");
    talk_hear(talk, "sub", "PUBLISH w/a 'gone'\n");
    talk_say(talk, "b", "connect will=w/b wmsg=gone; disconnect");
    talk_say(talk, "c", "connect v=4 will=w/c wmsg=gone; disconnect");
    talk_hear(talk, "sub", "");
    talk_say(talk, "d", "connect will=w/d wmsg=gone; disconnect r=04");
    talk_hear(talk, "sub", "PUBLISH w/d 'gone'\n");
    talk_say(talk, "e", "connect will=w/e wmsg=gone wdelay=5; cut");
    talk_hear(talk, "sub", "PUBLISH w/e 'gone'\n"); /* its session ended with the connection */
    talk_close(talk);
}

static void
j_will_waits_for_its_delay(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "sub", "connect; subscribe w/#");
    talk_heard(talk, "sub");
    talk_say(talk, "a", "connect expiry=100 will=w/a wmsg=gone wdelay=5; cut");
    talk_wait(talk, 3000);
    talk_hear(talk, "sub", "");
    talk_wait(talk, 4000);
    talk_hear(talk, "sub", "PUBLISH w/a 'gone'\n");
    talk_say(talk, "b", "connect expiry=100 will=w/b wmsg=gone wdelay=5; cut");
    talk_say(talk, "b", "connect clean=0 expiry=100");
    talk_wait(talk, 8000);
    talk_hear(talk, "sub", "");
    talk_say(talk, "c", "connect expiry=3 will=w/c wmsg=ended wdelay=50; cut");
    talk_wait(talk, 6000);
    talk_hear(talk, "sub", "PUBLISH w/c 'ended'\n");
    talk_say(talk, "d", "connect expiry=100 will=w/d wmsg=clean wdelay=50; cut");
    talk_say(talk, "d", "connect clean=1");
    talk_hear(talk, "sub", "PUBLISH w/d 'clean'\n");
    talk_close(talk);
}

static void
k_will_survives_a_crash(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .durable = true });
    talk_say(talk, "sub", "connect expiry=1000; subscribe w/# qos=1");
    talk_say(talk, "a", "connect expiry=1000 will=w/a wqos=1 wmsg=gone");
    talk_restart(talk, SIM_KILL);
    talk_wait(talk, 3000);
    talk_heard(talk, "sub");
    talk_say(talk, "sub", "cut; connect clean=0 expiry=1000");
    talk_hear(talk, "sub", "CONNACK 00 present\nPUBLISH w/a qos=1 id=1 'gone'\n");
    talk_close(talk);
}

static void
b_resumption_on_the_log(void **state)
{
    (void)state;
    resumption(true);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumption_in_memory),
        cmocka_unit_test(b_resumption_on_the_log),
        cmocka_unit_test(c_clean_start_ends_the_session),
        cmocka_unit_test(d_session_expires),
        cmocka_unit_test(e_disconnect_changes_the_expiry),
        cmocka_unit_test(f_restart_after_kill),
        cmocka_unit_test(g_restart_after_power_cut),
        cmocka_unit_test(h_stop_and_start_keep_everything),
        cmocka_unit_test(i_will_is_published_unless_the_client_leaves),
        cmocka_unit_test(j_will_waits_for_its_delay),
        cmocka_unit_test(k_will_survives_a_crash),
        cmocka_unit_test(l_an_identifier_that_is_known_ends_with_pubcomp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
