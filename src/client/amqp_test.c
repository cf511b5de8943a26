/* client/amqp_test.c - an AMQP client's conversations with a scripted server, in the simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/must.h"
#include "client/amqp_world.h"
#include "io/sim/sim.h"

static const struct amqp_method confirm_select = { .id = AMQP_CONFIRM_SELECT };
static const struct amqp_method confirm_select_ok = { .id = AMQP_CONFIRM_SELECT_OK };

static struct amqp_method
method(uint32_t id)
{
    return (struct amqp_method){ .id = id };
}

static struct amqp_method
ack(uint64_t tag, bool multiple)
{
    return (struct amqp_method){
        .id = AMQP_BASIC_ACK, .basic_ack = {tag, multiple}
    };
}

static struct amqp_method
deliver(uint64_t tag)
{
    struct amqp_method m = { .id = AMQP_BASIC_DELIVER };
    m.basic_deliver = (struct amqp_basic_deliver){ view_str("ct"), tag, false, view_str("x"), view_str("key") };
    return m;
}

static void
meet(struct amqp_world *world, const struct amqp_client_settings *settings)
{
    amqp_world_open(world, settings);
    amqp_world_meet(world);
    amqp_world_forget(world);
}

/* ---- a connection ----------------------------------------------------------------------------------------- */

static void
greets_and_leaves(void **state)
{
    struct amqp_world world;
    struct amqp_client_settings settings = { .heartbeat_s = 60, .frame_max = 65536 };
    (void)state;

    amqp_world_open(&world, &settings);
    world.heartbeat_s = 30;
    amqp_world_meet(&world);
    amqp_client_close(world.client);
    amqp_world_run(&world);
    amqp_world_tell(&world, 0, &(struct amqp_method){ .id = AMQP_CONNECTION_CLOSE_OK });
    amqp_world_expect(&world, "> connection.start-ok on 0\n"
                              "> connection.tune-ok on 0\n"
                              "    8 4096 30\n"
                              "> connection.open on 0\n"
                              "opened\n"
                              "> channel.open on 1\n"
                              "answered 0 on 1: channel.open-ok\n"
                              "> connection.close on 0\n"
                              "closed: disconnected\n");
    amqp_world_close(&world);
}

static void
tells_why_it_was_closed(void **state)
{
    struct amqp_world world;
    struct amqp_method close = method(AMQP_CONNECTION_CLOSE), purge = method(AMQP_QUEUE_PURGE);
    (void)state;

    close.connection_close.reply_code = AMQP_CONNECTION_FORCED;
    close.connection_close.reply_text = view_str("CONNECTION_FORCED - shutdown");
    meet(&world, NULL);
    assert_int_equal(amqp_world_call(&world, &purge, 7), 0);
    amqp_world_tell(&world, 0, &close);
    amqp_world_expect(&world, "> queue.purge on 1\n"
                              "> connection.close-ok on 0\n"
                              "answered 7 on 1: never\n"
                              "closed: connection closed by the server: CONNECTION_FORCED - shutdown\n");
    assert_int_equal(world.end.why, AMQP_CLIENT_DISMISSED);
    assert_int_equal(world.end.code, AMQP_CONNECTION_FORCED);
    amqp_world_close(&world);
}

static void
gives_up_on_a_silent_server(void **state)
{
    struct amqp_world world;
    (void)state;

    amqp_world_open(&world, NULL);
    amqp_world_connect(&world);
    sim_run_for(world.sim, 11 * SIM_NS_A_S);
    amqp_world_expect(&world, "closed: connection lost: timed out\n");
    amqp_world_close(&world);
}

static void
beats_and_listens(void **state)
{
    struct amqp_world world;
    struct amqp_client_settings settings = { .heartbeat_s = 4 };
    (void)state;

    amqp_world_open(&world, &settings);
    world.heartbeat_s = 10;
    amqp_world_meet(&world);
    amqp_world_forget(&world);
    sim_run_for(world.sim, 9 * SIM_NS_A_S);
    amqp_world_expect(&world, "> heartbeat\n> heartbeat\n> heartbeat\n> heartbeat\n"
                              "closed: connection lost: timed out\n");
    amqp_world_close(&world);
}

static void
comes_back_after_a_cut(void **state)
{
    struct amqp_world world;
    (void)state;

    meet(&world, NULL);
    assert_int_equal(amqp_world_call(&world, &confirm_select, 1), 0);
    assert_int_equal(amqp_world_publish(&world, "q", view_str("a"), 2), 0);
    assert_int_equal(amqp_client_unconfirmed(world.client), 1);
    amqp_world_forget(&world);
    amqp_world_cut(&world);
    amqp_world_expect(&world, "answered 1 on 1: never\nclosed: connection lost: connection reset by peer\n");
    assert_int_equal(amqp_client_unconfirmed(world.client), 0);
    amqp_world_meet(&world);
    amqp_world_forget(&world);
    assert_int_equal(amqp_world_publish(&world, "q", view_str("a"), 2), 0);
    amqp_world_expect(&world, "> basic.publish on 1\n> header 1\n> body 1\n");
    amqp_world_close(&world);
}

/* ---- calls ------------------------------------------------------------------------------------------------ */

static void
answers_come_in_order(void **state)
{
    struct amqp_world world;
    struct amqp_method declare = method(AMQP_QUEUE_DECLARE), bind = method(AMQP_QUEUE_BIND);
    (void)state;

    meet(&world, NULL);
    assert_int_equal(amqp_client_call(world.client, 1, &declare, 1), 0);
    declare.queue_declare.no_wait = true;
    assert_int_equal(amqp_client_call(world.client, 1, &declare, 2), 0);
    assert_int_equal(amqp_world_call(&world, &bind, 3), 0);
    amqp_world_tell(&world, 1, &(struct amqp_method){ .id = AMQP_QUEUE_DECLARE_OK });
    amqp_world_tell(&world, 1, &(struct amqp_method){ .id = AMQP_QUEUE_BIND_OK });
    amqp_world_expect(&world, "> queue.declare on 1\n> queue.declare on 1\n> queue.bind on 1\n"
                              "answered 1 on 1: queue.declare-ok\n"
                              "answered 3 on 1: queue.bind-ok\n");
    amqp_world_tell(&world, 1, &(struct amqp_method){ .id = AMQP_QUEUE_BIND_OK });
    amqp_world_expect(&world, "> connection.close on 0\n"
                              "closed: the server broke the protocol: a method that may not come now [4.6]\n");
    amqp_world_close(&world);
}

static void
refuses_what_cannot_be(void **state)
{
    struct amqp_world world;
    struct amqp_method open = method(AMQP_CHANNEL_OPEN), qos = method(AMQP_BASIC_QOS);
    struct amqp_method tell = ack(1, false);
    char key[AMQP_SHORTSTR_MAX + 2] = { 0 };
    (void)state;

    memset(key, 'k', sizeof key - 1);
    meet(&world, NULL);
    assert_int_equal(amqp_client_call(world.client, 1, &open, 0), -ERR_INVALID);
    assert_int_equal(amqp_client_call(world.client, 2, &qos, 0), -ERR_INVALID);
    assert_int_equal(amqp_client_call(world.client, 9, &open, 0), -ERR_INVALID);
    assert_int_equal(amqp_client_call(world.client, 1, &tell, 0), -ERR_INVALID);
    assert_int_equal(amqp_client_tell(world.client, 1, &qos), -ERR_INVALID);
    assert_int_equal(amqp_world_publish(&world, key, view_str(""), 0), -ERR_INVALID);
    amqp_world_expect(&world, "");
    amqp_world_close(&world);
}

static void
channel_dies_alone(void **state)
{
    struct amqp_world world;
    struct amqp_method close = method(AMQP_CHANNEL_CLOSE), open = method(AMQP_CHANNEL_OPEN);
    (void)state;

    close.channel_close.reply_code = AMQP_NOT_FOUND;
    close.channel_close.reply_text = view_str("NOT_FOUND - no queue 'q' in vhost '/'");
    meet(&world, NULL);
    assert_int_equal(amqp_world_call(&world, &confirm_select, 1), 0);
    assert_int_equal(amqp_world_publish(&world, "q", view_str("a"), 2), 0);
    amqp_world_forget(&world);
    amqp_world_tell(&world, 1, &close);
    amqp_world_expect(&world, "answered 1 on 1: never\n"
                              "channel 1 closed: 404 NOT_FOUND - no queue 'q' in vhost '/'\n"
                              "> channel.close-ok on 1\n");
    assert_int_equal(amqp_client_unconfirmed(world.client), 0);
    assert_int_equal(amqp_world_publish(&world, "q", view_str("a"), 3), -ERR_INVALID);
    assert_int_equal(amqp_world_call(&world, &open, 4), 0);
    amqp_world_tell(&world, 1, &(struct amqp_method){ .id = AMQP_CHANNEL_OPEN_OK });
    amqp_world_expect(&world, "> channel.open on 1\nanswered 4 on 1: channel.open-ok\n");
    amqp_world_close(&world);
}

static void
channel_is_closed_and_opened(void **state)
{
    struct amqp_world world;
    struct amqp_method close = method(AMQP_CHANNEL_CLOSE), open = method(AMQP_CHANNEL_OPEN);
    (void)state;

    meet(&world, NULL);
    assert_int_equal(amqp_world_call(&world, &close, 1), 0);
    assert_int_equal(amqp_client_call(world.client, 1, &open, 2), -ERR_INVALID);
    amqp_world_tell(&world, 1, &(struct amqp_method){ .id = AMQP_CHANNEL_CLOSE_OK });
    assert_int_equal(amqp_world_call(&world, &open, 2), 0);
    amqp_world_expect(&world, "> channel.close on 1\nanswered 1 on 1: channel.close-ok\n> channel.open on 1\n");
    amqp_world_close(&world);
}

static void
server_cancels_and_blocks(void **state)
{
    struct amqp_world world;
    struct amqp_method cancel = method(AMQP_BASIC_CANCEL), blocked = method(AMQP_CONNECTION_BLOCKED);
    struct amqp_method unblocked = method(AMQP_CONNECTION_UNBLOCKED);
    (void)state;

    cancel.basic_cancel.consumer_tag = view_str("ct");
    blocked.connection_blocked.reason = view_str("low on disk");
    meet(&world, NULL);
    amqp_world_tell(&world, 1, &cancel);
    amqp_world_tell(&world, 0, &blocked);
    amqp_world_tell(&world, 0, &unblocked);
    amqp_world_expect(&world, "cancelled ct on 1\n> basic.cancel-ok on 1\nblocked: low on disk\nunblocked\n");
    amqp_world_close(&world);
}

/* ---- publishing ------------------------------------------------------------------------------------------- */

static void
confirms_come_one_by_one(void **state)
{
    struct amqp_world world;
    struct amqp_method second = ack(2, false), all = ack(4, true), nack = method(AMQP_BASIC_NACK);
    (void)state;

    nack.basic_nack.delivery_tag = 5;
    meet(&world, NULL);
    amqp_world_call(&world, &confirm_select, 1);
    amqp_world_tell(&world, 1, &confirm_select_ok);
    for (uint64_t i = 1; i <= 5; i++)
        assert_int_equal(amqp_world_publish(&world, "q", view_str(""), 10 * i), 0);
    amqp_world_forget(&world);
    amqp_world_tell(&world, 1, &second);
    amqp_world_tell(&world, 1, &all);
    amqp_world_tell(&world, 1, &nack);
    amqp_world_expect(&world, "confirmed 20 on 1\n"
                              "confirmed 10 on 1\nconfirmed 30 on 1\nconfirmed 40 on 1\n"
                              "confirmed 50 on 1: refused\n");
    amqp_world_tell(&world, 1, &second);
    assert_int_equal(world.end.why, AMQP_CLIENT_BREACH);
    amqp_world_close(&world);
}

/* More than the ring's first room, settled from the middle while more is published. */
static void
many_are_confirmed(void **state)
{
    struct amqp_world world;
    (void)state;

    meet(&world, NULL);
    amqp_world_call(&world, &confirm_select, 1);
    amqp_world_tell(&world, 1, &confirm_select_ok);
    for (uint64_t i = 1; i <= 300; i++) {
        struct amqp_method m = ack(i - 1, false);
        assert_int_equal(amqp_world_publish(&world, "q", view_str("a"), i), 0);
        amqp_world_forget(&world);
        if (i % 2 == 0)
            amqp_world_tell(&world, 1, &m);
    }
    assert_int_equal(amqp_client_unconfirmed(world.client), 150);
    struct amqp_method all = ack(300, true);
    amqp_world_tell(&world, 1, &all);
    assert_int_equal(amqp_client_unconfirmed(world.client), 0);
    assert_false(world.is_closed);
    amqp_world_close(&world);
}

static void
large_messages_are_cut_into_frames(void **state)
{
    struct amqp_world world;
    static uint8_t body[10000];
    (void)state;

    meet(&world, NULL);
    assert_int_equal(amqp_world_publish(&world, "q", view_of(body, sizeof body), 1), 0);
    amqp_world_expect(&world, "> basic.publish on 1\n> header 10000\n> body 4088\n> body 4088\n> body 1824\n");
    amqp_world_close(&world);
}

static void
full_outbox_says_again_and_then_ready(void **state)
{
    struct amqp_world world;
    static uint8_t body[256 * 1024];
    struct amqp_basic_publish publish = { .routing_key = view_str("q") };
    struct view none = { 0 };
    unsigned put = 0;
    (void)state;

    amqp_world_open(&world, NULL);
    world.frame_max = 0;
    amqp_world_meet(&world);
    while (amqp_client_publish(world.client, 1, &publish, none, view_of(body, sizeof body), put) == 0)
        put++;
    assert_in_range(put, 4, 6);
    amqp_world_forget(&world);
    sim_run_for(world.sim, 5 * SIM_NS_A_S);
    assert_non_null(strstr(world.text, "ready\n"));
    amqp_world_close(&world);
}

static void
unroutable_message_comes_back(void **state)
{
    struct amqp_world world;
    struct amqp_method m = method(AMQP_BASIC_RETURN);
    uint8_t bytes[512];
    (void)state;

    m.basic_return = (struct amqp_basic_return){ AMQP_NO_ROUTE, view_str("NO_ROUTE"), view_str(""), view_str("q") };
    meet(&world, NULL);
    size_t n = amqp_world_content(bytes, sizeof bytes, &m, view_str("hi"), 4096);
    amqp_world_say(&world, view_of(bytes, n));
    amqp_world_expect(&world, "312 NO_ROUTE: returned ''/q tag=0 'hi'\n");
    amqp_world_close(&world);
}

/* ---- receiving -------------------------------------------------------------------------------------------- */

static void
gets_or_finds_nothing(void **state)
{
    struct amqp_world world;
    struct amqp_method get = method(AMQP_BASIC_GET), ok = method(AMQP_BASIC_GET_OK);
    uint8_t bytes[512];
    (void)state;

    ok.basic_get_ok = (struct amqp_basic_get_ok){ 9, true, view_str("x"), view_str("k"), 3 };
    meet(&world, NULL);
    assert_int_equal(amqp_world_call(&world, &get, 1), 0);
    assert_int_equal(amqp_world_call(&world, &get, 2), 0);
    size_t n = amqp_world_content(bytes, sizeof bytes, &ok, view_str("hi"), 4096);
    amqp_world_say(&world, view_of(bytes, n));
    amqp_world_tell(&world, 1, &(struct amqp_method){ .id = AMQP_BASIC_GET_EMPTY });
    amqp_world_expect(&world, "> basic.get on 1\n> basic.get on 1\n"
                              "1: got 'x'/k tag=9 again 'hi'\n"
                              "answered 2 on 1: basic.get-empty\n");
    amqp_world_close(&world);
}

/* Wherever the reads cut, the same messages come. */
static void
reads_may_cut_anywhere(void **state)
{
    struct amqp_method first = deliver(1), second = deliver(2), third = deliver(3);
    static uint8_t body[5000], bytes[8192];
    size_t n;
    (void)state;

    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)i;
    n = amqp_world_content(bytes, sizeof bytes, &first, view_of(body, sizeof body), 4096);
    n += amqp_world_content(bytes + n, sizeof bytes - n, &second, view_str(""), 4096);
    n += amqp_world_content(bytes + n, sizeof bytes - n, &third, view_str("hi"), 4096);
    for (size_t cut = 1; cut<n; cut += cut> 60 && cut < 4000 ? 331 : 1) {
        struct amqp_world world;
        meet(&world, NULL);
        amqp_world_say(&world, view_of(bytes, cut));
        amqp_world_say(&world, view_of(bytes + cut, n - cut));
        amqp_world_expect(&world, "[ct] message 'x'/key tag=1 5000 bytes\n"
                                  "[ct] message 'x'/key tag=2 ''\n"
                                  "[ct] message 'x'/key tag=3 'hi'\n");
        amqp_world_close(&world);
    }
}

static void
too_large_a_message_is_not_taken(void **state)
{
    struct amqp_world world;
    struct amqp_client_settings settings = { .message_bytes_max = 100 };
    struct amqp_method m = deliver(1);
    uint8_t bytes[512], body[101] = { 0 };
    (void)state;

    meet(&world, &settings);
    size_t n = amqp_world_content(bytes, sizeof bytes, &m, view_of(body, sizeof body), 4096);
    amqp_world_say(&world, view_of(bytes, n));
    amqp_world_expect(&world, "closed: connection lost: larger than its limit\n");
    amqp_world_close(&world);
}

static void
acknowledge(struct amqp_world *world, const char *what)
{
    struct amqp_method m = ack(0, true);
    if (strcmp(what, "message") == 0)
        assert_int_equal(amqp_client_tell(world->client, 1, &m), 0);
}

static void
abort_it(struct amqp_world *world, const char *what)
{
    (void)what;
    amqp_client_abort(world->client);
}

static void
callbacks_may_act(void **state)
{
    struct amqp_world world;
    struct amqp_method m = deliver(1);
    uint8_t bytes[512];
    (void)state;

    meet(&world, NULL);
    size_t n = amqp_world_content(bytes, sizeof bytes, &m, view_str("hi"), 4096);
    n += amqp_world_content(bytes + n, sizeof bytes - n, &m, view_str("ho"), 4096);
    world.on_event = acknowledge;
    amqp_world_say(&world, view_of(bytes, n));
    amqp_world_expect(&world, "[ct] message 'x'/key tag=1 'hi'\n[ct] message 'x'/key tag=1 'ho'\n"
                              "> basic.ack on 1\n> basic.ack on 1\n");
    world.on_event = abort_it;
    amqp_world_say(&world, view_of(bytes, n));
    amqp_world_expect(&world, "[ct] message 'x'/key tag=1 'hi'\nclosed: disconnected\n");
    amqp_world_close(&world);
}

/* ---- trouble ---------------------------------------------------------------------------------------------- */

/* Each allocation fails in turn: an error or an end, never a leak. */
static void
bears_failing_allocations(void **state)
{
    struct amqp_method m = deliver(1), get = method(AMQP_BASIC_GET);
    uint8_t bytes[512];
    size_t n = amqp_world_content(bytes, sizeof bytes, &m, view_str("hi"), 4096);
    uint64_t calls = UINT64_MAX;
    (void)state;

    for (uint64_t fail_at = 1; fail_at <= calls; fail_at++) {
        struct amqp_world world;
        amqp_world_open(&world, NULL);
        uint64_t before = world.client_mem.calls;
        world.client_mem.fail_at = before + fail_at;
        amqp_world_meet(&world);
        if (world.client != NULL && !world.is_closed) {
            amqp_world_call(&world, &confirm_select, 1);
            amqp_world_publish(&world, "q", view_str("a"), 2);
            amqp_world_call(&world, &get, 3);
            amqp_world_say(&world, view_of(bytes, 20));
            amqp_world_say(&world, view_of(bytes + 20, n - 20));
        }
        if (world.client_mem.calls < before + fail_at)
            calls = 0;
        amqp_world_close(&world);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(greets_and_leaves),
        cmocka_unit_test(tells_why_it_was_closed),
        cmocka_unit_test(gives_up_on_a_silent_server),
        cmocka_unit_test(beats_and_listens),
        cmocka_unit_test(comes_back_after_a_cut),
        cmocka_unit_test(answers_come_in_order),
        cmocka_unit_test(refuses_what_cannot_be),
        cmocka_unit_test(channel_dies_alone),
        cmocka_unit_test(channel_is_closed_and_opened),
        cmocka_unit_test(server_cancels_and_blocks),
        cmocka_unit_test(confirms_come_one_by_one),
        cmocka_unit_test(many_are_confirmed),
        cmocka_unit_test(large_messages_are_cut_into_frames),
        cmocka_unit_test(full_outbox_says_again_and_then_ready),
        cmocka_unit_test(unroutable_message_comes_back),
        cmocka_unit_test(gets_or_finds_nothing),
        cmocka_unit_test(reads_may_cut_anywhere),
        cmocka_unit_test(too_large_a_message_is_not_taken),
        cmocka_unit_test(callbacks_may_act),
        cmocka_unit_test(bears_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
