/* CONNECT to the end of a connection: versions, identifiers, limits, take-over, keep-alive, authentication's refusals.
 */
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
a_all_versions_connect(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "v5", "connect; ping");
    talk_hear(talk, "v5", "CONNACK 00\nPINGRESP\n");
    talk_say(talk, "v4", "connect v=4; ping");
    talk_hear(talk, "v4", "CONNACK 00\nPINGRESP\n");
    talk_say(talk, "v3", "connect v=3; ping");
    talk_hear(talk, "v3", "CONNACK 00\nPINGRESP\n");
    talk_close(talk);
}

static void
b_limits_are_told(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "show; connect");
    talk_hear(talk, "ana", "CONNACK 00 receive=1024 max=67108864 alias=64\n");
    talk_close(talk);
}

static void
c_empty_id_is_assigned(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "v5", "connect id=");
    talk_hear(talk, "v5", "CONNACK 00 assigned=22\n");
    talk_say(talk, "v4", "connect v=4 id=");
    talk_hear(talk, "v4", "CONNACK 00\n");
    talk_say(talk, "kept", "connect v=4 id= clean=0");
    talk_hear(talk, "kept", "CONNACK 85\nCLOSED\n");
    talk_say(talk, "v3", "connect v=3 id=");
    talk_hear(talk, "v3", "CONNACK 85\nCLOSED\n");
    talk_close(talk);
}

static void
d_unknown_version_is_refused(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "v6", "raw 10 0d 00 04 4d515454 06 02 0000 00 0000");
    talk_hear(talk, "v6", "CONNACK 84\nCLOSED\n");
    talk_close(talk);
}

static void
e_second_connect_is_a_breach(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect; connect");
    talk_hear(talk, "ana", "CONNACK 00\nDISCONNECT 82\nCLOSED\n");
    talk_say(talk, "bo", "connect v=4; connect v=4");
    talk_hear(talk, "bo", "CONNACK 00\nCLOSED\n");
    talk_close(talk);
}

static void
f_server_packets_are_a_breach(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect; raw d000");
    talk_hear(talk, "ana", "CONNACK 00\nDISCONNECT 82\nCLOSED\n");
    talk_close(talk);
}

static void
g_take_over_dismisses_the_old(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect expiry=100; subscribe a qos=1");
    talk_hear(talk, "ana", "CONNACK 00\nSUBACK 1 [01]\n");
    talk_say(talk, "other", "connect id=ana clean=0 expiry=100");
    talk_hear(talk, "ana", "DISCONNECT 8e\nCLOSED\n");
    talk_hear(talk, "other", "CONNACK 00 present\n");
    talk_say(talk, "third", "connect id=ana clean=1");
    talk_hear(talk, "other", "DISCONNECT 8e\nCLOSED\n");
    talk_hear(talk, "third", "CONNACK 00\n");
    talk_close(talk);
}

/* A session that ends with its connection is not there to be taken over. */
static void
h_take_over_of_a_passing_session_begins_anew(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect v=4; subscribe a");
    talk_say(talk, "other", "connect v=4 id=ana clean=0");
    talk_hear(talk, "other", "CONNACK 00\n");
    talk_close(talk);
}

static void
i_keep_alive_ends_the_silent(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect keep=4");
    talk_wait(talk, 5000);
    talk_hear(talk, "ana", "CONNACK 00\n");
    talk_say(talk, "ana", "ping");
    talk_wait(talk, 5000);
    talk_hear(talk, "ana", "PINGRESP\n");
    talk_wait(talk, 3000);
    talk_hear(talk, "ana", "DISCONNECT 8d\nCLOSED\n");
    talk_close(talk);
}

static void
lower_keep_alive(struct settings *s)
{
    s->keepalive_s_max = 30;
    s->session_expiry_s_max = 60;
}

static void
j_server_keep_alive_and_expiry_are_told(void **state)
{
    (void)state;
    struct talk *talk = talk_open(&(struct talk_setup){ .settings = lower_keep_alive });
    talk_say(talk, "ana", "connect keep=0 expiry=4294967295");
    talk_hear(talk, "ana", "CONNACK 00 expiry=60 keep=30\n");
    talk_say(talk, "bo", "connect keep=10 expiry=10");
    talk_hear(talk, "bo", "CONNACK 00\n");
    talk_close(talk);
}

static void
k_slow_connect_is_closed(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "slow", "raw 10");
    talk_wait(talk, 6000);
    talk_say(talk, "slow", "raw 10");
    talk_wait(talk, 6000);
    talk_hear(talk, "slow", "CLOSED\n");
    talk_close(talk);
}

static void
l_cut_at_every_byte(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    static const char *const bytes[] = { "10", "0f", "00", "04", "4d", "51", "54", "54", "04",
                                         "02", "00", "00", "00", "03", "61", "62", "63" };
    for (size_t i = 0; i < COUNT_OF(bytes); i++) {
        char line[32];
        snprintf(line, sizeof(line), "raw v=4 %s", bytes[i]);
        talk_say(talk, "abc", line);
    }
    talk_hear(talk, "abc", "CONNACK 00\n");
    talk_close(talk);
}

static void
m_unknown_auth_method_is_refused(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect method=SCRAM-SHA-1 data=x");
    talk_hear(talk, "ana", "CONNACK 8c\nCLOSED\n");
    talk_say(talk, "bo", "connect; auth method=x");
    talk_hear(talk, "bo", "CONNACK 00\nDISCONNECT 82\nCLOSED\n");
    talk_close(talk);
}

static void
n_response_information_on_request(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect response=1");
    talk_hear(talk, "ana", "CONNACK 00 response=response/ana/\n");
    talk_close(talk);
}

static void
o_shutdown_is_told(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "connect");
    talk_say(talk, "bo", "connect v=4");
    talk_stop_and_start(talk);
    talk_hear(talk, "ana", "CONNACK 00\nDISCONNECT 8b\nCLOSED\n");
    talk_hear(talk, "bo", "CONNACK 00\nCLOSED\n");
    talk_close(talk);
}

static void
p_reason_strings_only_when_wanted(void **state)
{
    (void)state;
    struct talk *talk = open_plain();
    talk_say(talk, "ana", "show; connect; publish $SYS/x qos=1");
    assert_non_null(strstr(talk_heard(talk, "ana"), "PUBACK 1 87 why=\""));
    talk_say(talk, "bo", "show; connect problem=0; publish $SYS/x qos=1");
    assert_null(strstr(talk_heard(talk, "bo"), "why="));
    talk_close(talk);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_all_versions_connect),
        cmocka_unit_test(b_limits_are_told),
        cmocka_unit_test(c_empty_id_is_assigned),
        cmocka_unit_test(d_unknown_version_is_refused),
        cmocka_unit_test(e_second_connect_is_a_breach),
        cmocka_unit_test(f_server_packets_are_a_breach),
        cmocka_unit_test(g_take_over_dismisses_the_old),
        cmocka_unit_test(h_take_over_of_a_passing_session_begins_anew),
        cmocka_unit_test(i_keep_alive_ends_the_silent),
        cmocka_unit_test(j_server_keep_alive_and_expiry_are_told),
        cmocka_unit_test(k_slow_connect_is_closed),
        cmocka_unit_test(l_cut_at_every_byte),
        cmocka_unit_test(m_unknown_auth_method_is_refused),
        cmocka_unit_test(n_response_information_on_request),
        cmocka_unit_test(o_shutdown_is_told),
        cmocka_unit_test(p_reason_strings_only_when_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
