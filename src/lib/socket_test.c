/* libtambo as a program sees it, one thread at a time. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/rig.h"

/* ---- messages ------------------------------------------------------------------------------------------------- */

static void
a_request_is_answered(void **state)
{
    struct rig *rig = *state;
    rig_meet(rig, TAMBO_REP, TAMBO_REQ);
    for (unsigned i = 0; i < 100; i++) {
        rig_say(rig->b, "hello");
        rig_hear(rig->a, "hello");
        rig_say(rig->a, "world");
        rig_hear(rig->b, "world");
    }
}

static void
parts_stay_together(void **state)
{
    struct rig *rig = *state;
    const struct tambo_part parts[] = {
        {"one",    3},
        { "",      0},
        { "three", 5}
    };
    struct tambo_message *message;
    char small[2];
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    assert_int_equal(tambo_send_parts(rig->b, parts, 3, 0), 0);
    assert_int_equal(tambo_recv(rig->a, small, sizeof(small), PATIENCE_MS), -TAMBO_ERR_TOO_LARGE);
    assert_int_equal(tambo_recv_message(rig->a, &message, 0), 0);
    assert_int_equal(tambo_message_count(message), 3);
    for (unsigned i = 0; i < 3; i++) {
        struct tambo_part part = tambo_message_part(message, i);
        assert_int_equal(part.len, parts[i].len);
        assert_memory_equal(part.data, parts[i].data, part.len);
    }
    tambo_message_free(message);
    assert_int_equal(tambo_recv(rig->a, small, sizeof(small), 0), -TAMBO_ERR_AGAIN);
}

static void
a_message_too_long_for_the_room_stays(void **state)
{
    struct rig *rig = *state;
    char small[2];
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    rig_say(rig->b, "hello");
    assert_int_equal(tambo_recv(rig->a, small, sizeof(small), PATIENCE_MS), -TAMBO_ERR_TOO_LARGE);
    rig_hear(rig->a, "hello");
}

static void
messages_without_a_copy(void **state)
{
    struct rig *rig = *state;
    static const size_t lens[] = { 0, 1, 255, 256, 70000, 3000000 };
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct tambo_message *message;
        void *data;
        assert_int_equal(tambo_message_new(rig->other, lens[i], &message, &data), 0);
        assert_int_equal((uintptr_t)data % 16, 0);
        memset(data, (int)i, lens[i]);
        assert_int_equal(tambo_send_message(rig->b, message, 0), 0);
        assert_int_equal(tambo_recv_message(rig->a, &message, PATIENCE_MS), 0);
        struct tambo_part part = tambo_message_part(message, 0);
        assert_int_equal(tambo_message_count(message), 1);
        assert_int_equal(part.len, lens[i]);
        for (size_t at = 0; at < part.len; at += 997)
            assert_int_equal(((const uint8_t *)part.data)[at], i);
        tambo_message_free(message);
    }
}

static void
a_message_of_another_context_is_refused(void **state)
{
    struct rig *rig = *state;
    struct tambo_message *message;
    void *data;
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    assert_int_equal(tambo_message_new(rig->context, 1, &message, &data), 0);
    assert_int_equal(tambo_send_message(rig->b, message, 0), -TAMBO_ERR_INVALID);
    tambo_message_free(message);
    tambo_message_free(NULL);
}

static void
a_subscriber_gets_the_first_message(void **state)
{
    struct rig *rig = *state;
    rig->a = rig_socket(rig->context, TAMBO_PUB);
    rig->b = rig_socket(rig->other, TAMBO_SUB);
    assert_int_equal(tambo_subscribe(rig->b, "news.", 5), 0);
    rig_connect(rig->a, rig->b);
    assert_int_equal(tambo_wait_peers(rig->a, 1, PATIENCE_MS), 1);
    assert_int_equal(tambo_wait_peers(rig->b, 1, PATIENCE_MS), 1);
    rig_say(rig->a, "weather.rain");
    rig_say(rig->a, "news.first");
    rig_hear(rig->b, "news.first");
    assert_int_equal(tambo_unsubscribe(rig->b, "other", 5), -TAMBO_ERR_NOT_FOUND);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static void
nothing_comes(void **state)
{
    struct rig *rig = *state;
    char got[8];
    rig->a = rig_socket(rig->context, TAMBO_PULL);
    rig->b = rig_socket(rig->context, TAMBO_PUSH);
    assert_int_equal(tambo_recv(rig->a, got, sizeof(got), 0), -TAMBO_ERR_AGAIN);
    assert_int_equal(tambo_recv(rig->a, got, sizeof(got), SHORT_MS), -TAMBO_ERR_TIMEOUT);
    assert_int_equal(tambo_send(rig->b, "x", 1, 0), -TAMBO_ERR_AGAIN);
    assert_int_equal(tambo_send(rig->b, "x", 1, SHORT_MS), -TAMBO_ERR_TIMEOUT);
    assert_int_equal(tambo_wait_peers(rig->a, 1, SHORT_MS), -TAMBO_ERR_TIMEOUT);
    assert_int_equal(tambo_wait_peers(rig->a, 0, 0), 0);
}

static void
poll_tells_who_is_ready(void **state)
{
    struct rig *rig = *state;
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    struct tambo_poll items[20] = {
        {rig->a, TAMBO_CAN_RECV | TAMBO_CAN_SEND, 0}
    };
    for (unsigned i = 1; i < 20; i++)
        items[i] = (struct tambo_poll){ rig_socket(rig->context, TAMBO_PULL), TAMBO_CAN_RECV, 0 };
    assert_int_equal(tambo_poll(items, 20, 0), -TAMBO_ERR_AGAIN);
    assert_int_equal(tambo_poll(items, 20, SHORT_MS), -TAMBO_ERR_TIMEOUT);
    rig_say(rig->b, "hello");
    assert_int_equal(tambo_poll(items, 20, PATIENCE_MS), 1);
    assert_int_equal(items[0].is, TAMBO_CAN_RECV);
    items[3].socket = rig->b;
    assert_int_equal(tambo_poll(items, 20, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_poll(items, 0, 0), -TAMBO_ERR_INVALID);
}

static bool
is_readable(int fd, int ms)
{
    struct pollfd poller = { .fd = fd, .events = POLLIN };
    return poll(&poller, 1, ms) == 1;
}

static void
a_descriptor_is_readable_while_the_socket_is_ready(void **state)
{
    struct rig *rig = *state;
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    int in = tambo_fd(rig->a, TAMBO_CAN_RECV), out = tambo_fd(rig->b, TAMBO_CAN_SEND);
    assert_true(in >= 0 && out >= 0);
    assert_int_equal(tambo_fd(rig->a, TAMBO_CAN_RECV), in);
    assert_false(is_readable(in, 0));
    assert_true(is_readable(out, 0));
    for (unsigned i = 0; i < 10; i++) {
        rig_say(rig->b, "one");
        rig_say(rig->b, "two");
        assert_true(is_readable(in, PATIENCE_MS)); /* though nobody calls */
        rig_hear(rig->a, "one");
        rig_hear(rig->a, "two");
        assert_false(is_readable(in, 0));
    }
    assert_int_equal(tambo_fd(rig->a, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_fd(rig->a, 8), -TAMBO_ERR_INVALID);
}

/* ---- the rest --------------------------------------------------------------------------------------------------- */

static void
events_are_told(void **state)
{
    struct rig *rig = *state;
    struct tambo_event event;
    rig->a = rig_socket(rig->context, TAMBO_PULL);
    rig->b = rig_socket(rig->other, TAMBO_PUSH);
    assert_int_equal(tambo_event(rig->a, &event, 0), -TAMBO_ERR_AGAIN);
    rig_connect(rig->a, rig->b);
    do
        assert_int_equal(tambo_event(rig->a, &event, PATIENCE_MS), 0);
    while (event.kind != TAMBO_READY);
    assert_string_equal(tambo_event_text(event.kind), "the handshake is done");
    tambo_close(rig->b);
    do
        assert_int_equal(tambo_event(rig->a, &event, PATIENCE_MS), 0);
    while (event.kind != TAMBO_DISCONNECTED);
    assert_string_equal(tambo_event_text((enum tambo_event_kind)999), "unknown event");
}

static void
stats_count(void **state)
{
    struct rig *rig = *state;
    struct tambo_stats stats;
    rig_meet(rig, TAMBO_PULL, TAMBO_PUSH);
    rig_say(rig->b, "hello");
    rig_hear(rig->a, "hello");
    assert_int_equal(tambo_stats(rig->a, &stats), 0);
    assert_int_equal(stats.received, 1);
    assert_int_equal(stats.received_bytes, 5);
    assert_int_equal(stats.peers, 1);
}

static void
options_have_ranges(void **state)
{
    struct rig *rig = *state;
    int64_t value;
    rig->a = rig_socket(rig->context, TAMBO_PULL);
    assert_int_equal(tambo_get(rig->a, TAMBO_RECV_MESSAGES_MAX, &value), 0);
    assert_int_equal(value, 1000);
    assert_int_equal(tambo_set(rig->a, TAMBO_RECV_MESSAGES_MAX, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_set_text(rig->a, TAMBO_ROUTING_ID, "", 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_set_text(rig->a, TAMBO_ROUTING_ID, "me", 2), 0);
}

static void
arguments_that_are_none(void **state)
{
    struct rig *rig = *state;
    struct tambo_socket *socket;
    char got[4];
    assert_int_equal(tambo_socket(NULL, TAMBO_PULL, &socket), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_socket(rig->context, (enum tambo_pattern)77, &socket), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_send(NULL, "x", 1, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_recv(NULL, got, 4, 0), -TAMBO_ERR_INVALID);
    rig->a = rig_socket(rig->context, TAMBO_PULL);
    assert_int_equal(tambo_bind(rig->a, NULL), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_bind(rig->a, "nonsense"), -TAMBO_ERR_ADDRESS);
    assert_int_equal(tambo_send(rig->a, "x", 1, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_send_parts(rig->a, NULL, 0, 0), -TAMBO_ERR_INVALID);
    assert_int_equal(tambo_endpoint(rig->a, got, sizeof(got)), -TAMBO_ERR_NOT_FOUND);
    tambo_close(NULL);
    tambo_free(NULL);
}

static int
admit(void *arg, const char *mechanism, const void *name, size_t name_len, const void *password, size_t password_len,
      const char *peer)
{
    struct rig *rig = arg;
    (void)peer;
    assert_int_equal(tambo_send(rig->a, "x", 1, TAMBO_FOREVER), -TAMBO_ERR_STATE);
    bool known = strcmp(mechanism, "PLAIN") == 0 && name_len == 3 && memcmp(name, "ana", 3) == 0 && password_len == 6 &&
                 memcmp(password, "secret", 6) == 0;
    return known ? 0 : -1;
}

static void
a_stranger_is_not_admitted(void **state)
{
    struct rig *rig = *state;
    static const char *const words[] = { "secret", "guess" };
    rig->a = rig_socket(rig->context, TAMBO_PULL);
    assert_int_equal(tambo_set(rig->a, TAMBO_PLAIN_SERVER, 1), 0);
    assert_int_equal(tambo_on_admit(rig->a, admit, rig), 0);
    for (unsigned i = 0; i < 2; i++) {
        rig->b = rig_socket(rig->other, TAMBO_PUSH);
        assert_int_equal(tambo_set_text(rig->b, TAMBO_PLAIN_USER, "ana", 3), 0);
        assert_int_equal(tambo_set_text(rig->b, TAMBO_PLAIN_PASSWORD, words[i], strlen(words[i])), 0);
        rig_connect(rig->a, rig->b);
        int rc = tambo_wait_peers(rig->b, 1, i == 0 ? PATIENCE_MS : 10 * SHORT_MS);
        assert_int_equal(rc, i == 0 ? 1 : -TAMBO_ERR_TIMEOUT);
    }
}

static void
keys_are_made(void **state)
{
    char open[41], secret[41];
    (void)state;
    assert_int_equal(tambo_curve_keypair(open, secret), 0);
    assert_int_equal(strlen(open), 40);
    assert_int_equal(strlen(secret), 40);
    assert_string_not_equal(open, secret);
}

static void
errors_have_texts(void **state)
{
    (void)state;
    assert_string_equal(tambo_error_text(0), "success");
    assert_string_equal(tambo_error_text(-TAMBO_ERR_TIMEOUT), "the time given is over");
    assert_string_equal(tambo_error_text(TAMBO_ERR_TIMEOUT), "the time given is over");
    assert_string_equal(tambo_error_text(INT32_MIN), "unknown error");
}

static void
a_forked_child_may_only_leave(void **state)
{
    struct rig *rig = *state;
    char got[8];
    int status;
    rig_meet(rig, TAMBO_REP, TAMBO_REQ);
    pid_t child = fork();
    if (child == 0) {
        bool told = tambo_send(rig->b, "x", 1, 0) == -TAMBO_ERR_FORKED &&
                    tambo_recv(rig->b, got, sizeof(got), TAMBO_FOREVER) == -TAMBO_ERR_FORKED;
        tambo_close(rig->a);
        tambo_free(rig->context);
        tambo_free(rig->other);
        _exit(told ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    rig_say(rig->b, "still here");
    rig_hear(rig->a, "still here");
}

int
main(void)
{
#define LIB_TEST(name) cmocka_unit_test_setup_teardown(name, rig_open, rig_close)
    const struct CMUnitTest tests[] = {
        LIB_TEST(a_request_is_answered),
        LIB_TEST(parts_stay_together),
        LIB_TEST(a_message_too_long_for_the_room_stays),
        LIB_TEST(messages_without_a_copy),
        LIB_TEST(a_message_of_another_context_is_refused),
        LIB_TEST(a_subscriber_gets_the_first_message),
        LIB_TEST(nothing_comes),
        LIB_TEST(poll_tells_who_is_ready),
        LIB_TEST(a_descriptor_is_readable_while_the_socket_is_ready),
        LIB_TEST(events_are_told),
        LIB_TEST(stats_count),
        LIB_TEST(options_have_ranges),
        LIB_TEST(arguments_that_are_none),
        LIB_TEST(a_stranger_is_not_admitted),
        LIB_TEST(keys_are_made),
        LIB_TEST(errors_have_texts),
        LIB_TEST(a_forked_child_may_only_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
