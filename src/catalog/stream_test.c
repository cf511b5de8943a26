/* Streams among named queues: where consumers begin, what they may ask for, what stays and what goes (mq_rig.h). */
#include "catalog/mq_rig.h"

enum { PLENTY = 1000 };

#define STREAM "x-queue-type S stream"

#define INVALID(key, term) "invalid arg '" key "' for queue 'q' in vhost '/': " term
#define FOREIGN(key)       "invalid arg '" key "' for queue 'q' in vhost '/' of queue type rabbit_stream_queue"

/* clang-format off */
static const struct case_ {
    unsigned flags;
    const char *arguments, *refusal;
} cases[] = {
    { DURABLE, STREAM, NULL },
    { 0, STREAM, "invalid property 'non-durable' for queue 'q' in vhost '/'" },
    { EXCLUSIVE | AUTO_DELETE, STREAM, "invalid property 'auto-delete' for queue 'q' in vhost '/'" },
    { DURABLE | EXCLUSIVE, STREAM, "invalid property 'exclusive-owner' for queue 'q' in vhost '/'" },
    { DURABLE, STREAM "; x-max-priority I 5", FOREIGN("x-max-priority") },
    { DURABLE, STREAM "; x-message-ttl S x", FOREIGN("x-message-ttl") },
    { DURABLE, STREAM "; x-expires I 5", FOREIGN("x-expires") },
    { DURABLE, STREAM "; x-dead-letter-exchange S x", FOREIGN("x-dead-letter-exchange") },
    { DURABLE, STREAM "; x-max-length I 5", FOREIGN("x-max-length") },
    { DURABLE, STREAM "; x-overflow S drop-head", FOREIGN("x-overflow") },
    { DURABLE, STREAM "; x-single-active-consumer t 1", FOREIGN("x-single-active-consumer") },
    { DURABLE, STREAM "; x-quorum-initial-group-size I 1", FOREIGN("x-quorum-initial-group-size") },
    { DURABLE, STREAM "; x-max-age S 7", INVALID("x-max-age", "invalid_max_age") },
    { DURABLE, STREAM "; x-max-age S 7W", INVALID("x-max-age", "invalid_max_age") },
    { DURABLE, STREAM "; x-max-age S 0D", INVALID("x-max-age", "invalid_max_age") },
    { DURABLE, STREAM "; x-max-age S D", INVALID("x-max-age", "invalid_max_age") },
    { DURABLE, STREAM "; x-max-age I 7", INVALID("x-max-age", "{unacceptable_type,signedint}") },
    { DURABLE, STREAM "; x-max-age S 99999999999Y", NULL },
    { DURABLE, STREAM "; x-max-length-bytes I -1", INVALID("x-max-length-bytes", "{value_negative,-1}") },
    { DURABLE, STREAM "; x-initial-cluster-size I 0", INVALID("x-initial-cluster-size", "{value_zero,0}") },
    { DURABLE,
      STREAM "; x-max-length-bytes l 20000; x-stream-max-segment-size-bytes I 5000; x-initial-cluster-size I 3; "
             "x-queue-leader-locator S client-local; x-max-age S 1Y",
      NULL },
};
/* clang-format on */

static void
test_arguments_are_checked_as_rabbitmq_does(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct mq *mq = rig_declare(rig, "q", cases[i].flags, cases[i].arguments);
        if (cases[i].refusal == NULL) {
            assert_int_equal(mq_delete(mq, true, true, NULL, NULL, &rig->why), 0);
            continue;
        }
        assert_null(mq);
        assert_int_equal(rig->why.code, AMQP_PRECONDITION_FAILED);
        assert_string_equal(rig->why.text, cases[i].refusal);
    }
    rig_free(rig);
}

static struct rig *
stream_rig(const char *arguments)
{
    struct rig *rig = rig_new(true);
    assert_non_null(rig_declare(rig, "q", DURABLE, arguments));
    return rig;
}

static void
put_all(struct rig *rig, const char *bodies)
{
    for (; *bodies != 0; bodies++) {
        char body[2] = { *bodies, 0 };
        assert_int_equal(rig_put(rig, "q", body), 0);
        rig_pass(rig, 2);
    }
}

/* What one gets that begins there. */
static void
expect_from(struct rig *rig, const char *arguments, const char *bodies)
{
    struct eater e = { 0 };
    assert_int_equal(rig_attach(rig, &e, "q", HOLDS, arguments), 0);
    mq_credit(&e.consumer, PLENTY);
    rig_pass(rig, 10);
    assert_string_equal(e.bodies, bodies);
    rig_stop(&e);
}

static void
test_consumers_begin_where_they_want(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(STREAM);
    char time[64];
    put_all(rig, "ab");
    rig_pass(rig, 5000);
    (void)snprintf(time, sizeof(time), "x-stream-offset T %llu", (unsigned long long)(io_wall_ms(rig->io) / 1000 - 1));
    put_all(rig, "cd");
    expect_from(rig, "", "");
    expect_from(rig, "x-stream-offset S next", "");
    expect_from(rig, "x-stream-offset S first", "a b c d");
    expect_from(rig, "x-stream-offset S last", "d");
    expect_from(rig, "x-stream-offset I 0", "a b c d");
    expect_from(rig, "x-stream-offset l 3", "d");
    expect_from(rig, "x-stream-offset I -1", "a b c d");
    expect_from(rig, time, "c d");
    expect_from(rig, "x-stream-offset S 3s", "c d");
    expect_from(rig, "x-stream-offset S 1Y", "a b c d");
    rig_free(rig);
}

static void
test_an_offset_may_still_be_to_come(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(STREAM);
    struct eater e = { 0 };
    put_all(rig, "ab");
    assert_int_equal(rig_attach(rig, &e, "q", HOLDS, "x-stream-offset I 3"), 0);
    mq_credit(&e.consumer, PLENTY);
    put_all(rig, "cde");
    rig_pass(rig, 10);
    assert_string_equal(e.bodies, "d e");
    assert_int_equal(e.seq - 1, 4);
    rig_stop(&e);
    rig_free(rig);
}

static void
test_what_is_no_offset_is_refused(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(STREAM);
    struct eater e = { 0 };
    static const char *const offsets[][2] = {
        {"x-stream-offset S 0s", "invalid arg 'x-stream-offset' for queue 'q' in vhost '/': "
                                  "{invalid_stream_offset_arg,{longstr,<<\"0s\">>}}"    },
        { "x-stream-offset t 1",
         "invalid arg 'x-stream-offset' for queue 'q' in vhost '/': {invalid_stream_offset_arg,{bool,<<\"\">>}}"        },
        { "x-priority I 1",      "invalid arg 'x-priority' for queue 'q' in vhost '/' of queue type rabbit_stream_queue"},
    };
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        assert_int_equal(rig_attach(rig, &e, "q", HOLDS, offsets[i][0]), -ERR_REFUSED);
        assert_int_equal(rig->why.code, AMQP_PRECONDITION_FAILED);
        assert_string_equal(rig->why.text, offsets[i][1]);
    }
    assert_non_null(rig_declare(rig, "other", 0, ""));
    assert_int_equal(rig_attach(rig, &e, "other", HOLDS, "x-stream-offset S first"), -ERR_REFUSED);
    assert_string_equal(
        rig->why.text,
        "invalid arg 'x-stream-offset' for queue 'other' in vhost '/' of queue type rabbit_classic_queue");
    assert_null(rig_declare(rig, "", DURABLE, STREAM));
    assert_string_equal(rig->why.text, "Cannot declare a server-named queue for type rabbit_stream_queue");
    rig_free(rig);
}

/* All get all, by the credit they have; nothing is ever in flight. */
static void
test_readers_do_not_meet(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(STREAM);
    struct eater e[3] = { { .consumer.exclusive = true } };
    struct mq_facts facts;
    put_all(rig, "abc");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rig_attach(rig, &e[i], "q", HOLDS, "x-stream-offset S first"), 0);
        mq_credit(&e[i].consumer, i + 1);
    }
    rig_pass(rig, 10);
    assert_string_equal(e[0].bodies, "a");
    assert_string_equal(e[1].bodies, "a b");
    assert_string_equal(e[2].bodies, "a b c");
    assert_int_equal(e[2].consumer.credit, 0);
    mq_facts(rig_queue(rig, "q"), &facts);
    assert_true(facts.stream);
    assert_int_equal(facts.consumers, 3);
    assert_int_equal(facts.ready, 3);
    assert_int_equal(facts.unacked, 0);
    mq_credit(&e[0].consumer, 5);
    mq_credit(&e[0].consumer, 1);
    rig_pass(rig, 10);
    assert_string_equal(e[0].bodies, "a b");
    mq_cancel(&e[1].consumer);
    put_all(rig, "d");
    assert_string_equal(e[1].bodies, "a b");
    assert_int_equal(mq_delete(rig_queue(rig, "q"), false, false, NULL, NULL, &rig->why), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_true(e[i].cancelled && e[i].consumer.mq == NULL);
    rig_free(rig);
}

static void
test_offsets_go_on_after_a_restart(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(STREAM "; x-max-age S 10s");
    struct eater e = { 0 };
    put_all(rig, "abc");
    rig_restart(rig);
    expect_from(rig, "x-stream-offset I 1", "b c");
    rig_pass(rig, 12000);
    assert_int_equal(rig_ready(rig, "q"), 0);
    rig_restart(rig);
    expect_from(rig, "x-stream-offset S first", "");
    put_all(rig, "d");
    assert_int_equal(rig_attach(rig, &e, "q", HOLDS, "x-stream-offset S first"), 0);
    mq_credit(&e.consumer, PLENTY);
    rig_pass(rig, 10);
    assert_string_equal(e.bodies, "d");
    assert_int_equal(e.seq - 1, 3);
    rig_stop(&e);
    rig_free(rig);
}

/* Not by what messages say themselves, nor by what a policy says to other queues. */
static void
test_the_head_goes_by_age_and_size(void **state)
{
    (void)state;
    struct rig *rig = stream_rig(STREAM "; x-max-length-bytes I 100; x-max-age S 20s");
    json_t *policy =
        json_pack("{s:s, s:{s:i, s:i, s:s, s:s, s:s}}", "pattern", "q", "definition", "max-length", 1, "message-ttl", 5,
                  "overflow", "reject-publish", "dead-letter-exchange", "x", "max-age", "1h");
    assert_int_equal(policy_set(rig->vhost, view_str("p"), policy, &rig->why), 0);
    json_decref(policy);
    struct mq *mq = rig_queue(rig, "q");
    assert_int_equal(mq->rules.limits.ttl_ms, 20000);
    assert_int_equal(mq->rules.limits.overflow, QUEUE_DROP_OLDEST);
    assert_false(mq->rules.dead_letters);
    for (unsigned i = 0; i < 100; i++) {
        char body[4];
        (void)snprintf(body, sizeof(body), "%u", i);
        assert_int_equal(rig_send(rig, "q", body, &(struct letter_head){ .priority = -1, .expiration_ms = 1 }), 0);
        rig_pass(rig, 2);
    }
    assert_in_range(rig_ready(rig, "q"), 10, 60);
    expect_from(rig, "x-stream-offset S last", "99");
    rig_pass(rig, 21000);
    assert_int_equal(rig_ready(rig, "q"), 0);
    rig_free(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_are_checked_as_rabbitmq_does),
        cmocka_unit_test(test_consumers_begin_where_they_want),
        cmocka_unit_test(test_an_offset_may_still_be_to_come),
        cmocka_unit_test(test_what_is_no_offset_is_refused),
        cmocka_unit_test(test_readers_do_not_meet),
        cmocka_unit_test(test_offsets_go_on_after_a_restart),
        cmocka_unit_test(test_the_head_goes_by_age_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
