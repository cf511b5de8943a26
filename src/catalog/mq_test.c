/* Named queues: arguments, levels, consumers, dead letters, expiry, restarts (mq_rig.h). */
#include "catalog/mq_rig.h"

enum { PLENTY = 1000 };

/* ---- arguments ------------------------------------------------------------------------------------------------- */

#define INVALID(key, term) "invalid arg '" key "' for queue 'q' in vhost '/': " term
#define FOREIGN(key, type) "invalid arg '" key "' for queue 'q' in vhost '/' of queue type rabbit_" type "_queue"

/* clang-format off */
static const struct case_ {
    unsigned flags;
    const char *arguments, *refusal;
} cases[] = {
    { 0, "x-message-ttl I -1", INVALID("x-message-ttl", "{value_negative,-1}") },
    { 0, "x-message-ttl S 10", INVALID("x-message-ttl", "\"expected integer, got longstr\"") },
    { 0, "x-message-ttl l 315360000001", INVALID("x-message-ttl", "{value_too_large,315360000001}") },
    { 0, "x-message-ttl l 315360000000", NULL },
    { 0, "x-message-ttl I 0", NULL },
    { 0, "x-expires I 0", INVALID("x-expires", "{value_zero,0}") },
    { 0, "x-expires t 1", INVALID("x-expires", "\"expected integer, got bool\"") },
    { 0, "x-expires I -7", INVALID("x-expires", "{value_negative,-7}") },
    { 0, "x-expires s 1000", NULL },
    { 0, "x-max-length I -1", INVALID("x-max-length", "{value_negative,-1}") },
    { 0, "x-max-length-bytes d 1", INVALID("x-max-length-bytes", "\"expected integer, got double\"") },
    { 0, "x-max-priority I 256", INVALID("x-max-priority", "{max_value_exceeded,256}") },
    { 0, "x-max-priority I -1", INVALID("x-max-priority", "{value_negative,-1}") },
    { 0, "x-max-priority B 255", NULL },
    { 0, "x-overflow S drop-tail", INVALID("x-overflow", "invalid_overflow") },
    { 0, "x-overflow I 1", INVALID("x-overflow", "{unacceptable_type,signedint}") },
    { 0, "x-overflow S reject-publish-dlx", NULL },
    { 0, "x-dead-letter-exchange I 1", "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'" },
    { 0, "x-dead-letter-routing-key S k", INVALID("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined") },
    { 0, "x-dead-letter-exchange S x; x-dead-letter-routing-key S k", NULL },
    { 0, "x-dead-letter-routing-key S k; x-max-priority I 256",
      INVALID("x-dead-letter-routing-key", "routing_key_but_no_dlx_defined") },
    { 0, "x-dead-letter-strategy S never", INVALID("x-dead-letter-strategy", "invalid_dlx_strategy") },
    { 0, "x-single-active-consumer I 1", INVALID("x-single-active-consumer", "{unacceptable_type,signedint}") },
    { 0, "x-delivery-limit I -1", INVALID("x-delivery-limit", "{value_negative,-1}") },
    { 0, "x-queue-mode S busy", INVALID("x-queue-mode", "\"unsupported queue mode 'busy'\"") },
    { 0, "x-queue-mode S lazy", NULL },
    { 0, "x-queue-type S heap", INVALID("x-queue-type", "\"unsupported queue type 'heap'\"") },
    { 0, "x-queue-type S classic", NULL },
    { 0, "x-max-age S 7W", FOREIGN("x-max-age", "classic") },
    { 0, "x-initial-cluster-size I 3", FOREIGN("x-initial-cluster-size", "classic") },
    { 0, "x-tambo-tier S best", INVALID("x-tambo-tier", "invalid_tier") },
    { 0, "x-unheard-of S of", NULL },
    { 0, "x-queue-type S quorum", "invalid property 'non-durable' for queue 'q' in vhost '/'" },
    { DURABLE | EXCLUSIVE, "x-queue-type S quorum", "invalid property 'exclusive-owner' for queue 'q' in vhost '/'" },
    { DURABLE | AUTO_DELETE, "x-queue-type S quorum", "invalid property 'auto-delete' for queue 'q' in vhost '/'" },
    { DURABLE, "x-queue-type S quorum; x-max-priority I 5", FOREIGN("x-max-priority", "quorum") },
    { DURABLE, "x-queue-mode S lazy; x-queue-type S quorum; x-message-ttl I -1", INVALID("x-message-ttl", "{value_negative,-1}") },
    { DURABLE, "x-queue-type S quorum; x-delivery-limit I 5", NULL },
};
/* clang-format on */

static void
test_arguments_are_checked_as_rabbitmq_does(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct mq *mq = rig_declare(rig, "q", cases[i].flags, cases[i].arguments);
        if (cases[i].refusal == NULL) {
            assert_non_null(mq);
            assert_int_equal(mq_delete(mq, true, true, NULL, NULL, &rig->why), 0);
            continue;
        }
        assert_null(mq);
        assert_string_equal(rig->why.text, cases[i].refusal);
        assert_int_equal(rig->why.code, AMQP_PRECONDITION_FAILED);
        assert_null(rig_queue(rig, "q"));
    }
    rig_free(rig);
}

#define INEQUIVALENT(key, received, current) \
    "inequivalent arg '" key "' for queue 'q' in vhost '/': received " received " but current is " current

/* clang-format off */
static const struct pair {
    unsigned first_flags, second_flags;
    const char *first, *second, *refusal;
} pairs[] = {
    { 0, 0, "", "", NULL },
    { DURABLE, 0, "", "", INEQUIVALENT("durable", "'false'", "'true'") },
    { 0, AUTO_DELETE, "", "", INEQUIVALENT("auto_delete", "'true'", "'false'") },
    { 0, 0, "x-max-length I 20", "x-max-length I 10", INEQUIVALENT("x-max-length", "'10'", "'20'") },
    { 0, 0, "x-max-length I 20", "x-max-length l 20", NULL },
    { 0, 0, "x-max-length I 20", "", INEQUIVALENT("x-max-length", "none", "the value '20' of type 'signedint'") },
    { 0, 0, "", "x-overflow S drop-head",
      INEQUIVALENT("x-overflow", "the value 'drop-head' of type 'longstr'", "none") },
    { 0, 0, "x-single-active-consumer t 1", "x-single-active-consumer t 0",
      INEQUIVALENT("x-single-active-consumer", "'false'", "'true'") },
    { 0, 0, "", "x-queue-type S classic", NULL },
    { DURABLE, DURABLE, "x-queue-type S quorum", "",
      INEQUIVALENT("x-queue-type", "none", "the value 'quorum' of type 'longstr'") },
    { 0, 0, "x-mine S a", "x-mine S b", NULL },
    { EXCLUSIVE, 0, "", "",
      "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally declared on another "
      "connection or the exclusive property value does not match that of the original declaration." },
};
/* clang-format on */

static void
test_a_declaration_must_be_of_what_there_is(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        struct mq *mq = rig_declare(rig, "q", pairs[i].first_flags, pairs[i].first);
        assert_non_null(mq);
        struct mq *same = rig_declare(rig, "q", pairs[i].second_flags, pairs[i].second);
        assert_ptr_equal(same, pairs[i].refusal == NULL ? mq : NULL);
        if (pairs[i].refusal != NULL)
            assert_string_equal(rig->why.text, pairs[i].refusal);
        assert_int_equal(mq_delete(mq, false, false, NULL, NULL, &rig->why), 0);
    }
    rig_free(rig);
}

static void
test_names(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct mq_facts facts;
    assert_null(rig_declare(rig, "amq.x", 0, ""));
    assert_int_equal(rig->why.code, AMQP_ACCESS_REFUSED);
    assert_string_equal(rig->why.text, "queue name 'amq.x' contains reserved prefix 'amq.*'");
    struct mq *one = rig_declare(rig, "", 0, ""), *two = rig_declare(rig, "", 0, "");
    assert_ptr_not_equal(one, two);
    mq_facts(one, &facts);
    assert_int_equal(facts.name.len, strlen("amq.gen-") + 22);
    assert_true(view_starts(facts.name, "amq.gen-"));
    rig->settings.queues_max = 2;
    assert_null(rig_declare(rig, "q", 0, ""));
    assert_string_equal(rig->why.text, "cannot declare queue 'q': queue limit in vhost '/' (2) is reached");
    rig_free(rig);
}

static void
test_deletion_may_ask_for_unused_and_empty(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater e = { 0 };
    uint64_t count = 0;
    bool stored = true;
    struct mq *mq = rig_declare(rig, "q", DURABLE, "");
    assert_int_equal(rig_attach(rig, &e, "q", HOLDS, ""), 0);
    assert_int_equal(rig_put(rig, "q", "a"), 0);
    assert_int_equal(mq_delete(mq, true, false, &count, &stored, &rig->why), -ERR_REFUSED);
    assert_string_equal(rig->why.text, "queue 'q' in vhost '/' in use");
    assert_int_equal(mq_delete(mq, false, true, &count, &stored, &rig->why), -ERR_REFUSED);
    assert_string_equal(rig->why.text, "queue 'q' in vhost '/' not empty");
    assert_int_equal(mq_delete(mq, false, false, &count, &stored, &rig->why), 0);
    assert_int_equal(count, 1);
    assert_false(stored); /* there is no log */
    assert_true(e.cancelled);
    assert_null(e.consumer.mq);
    rig_stop(&e);
    rig_free(rig);
}

/* ---- levels ---------------------------------------------------------------------------------------------------- */

static int
put_at(struct rig *rig, int priority, const char *body)
{
    return rig_send(rig, "q", body, &(struct letter_head){ .priority = priority, .expiration_ms = -1 });
}

static void
test_higher_priorities_go_first(void **state)
{
    (void)state;
    for (unsigned durable = 0; durable <= 1; durable++) {
        struct rig *rig = rig_new(durable != 0);
        struct eater e = { 0 };
        (void)rig_declare(rig, "q", durable, "x-max-priority I 5");
        assert_int_equal(put_at(rig, -1, "a"), 0);
        assert_int_equal(put_at(rig, 3, "b"), 0);
        assert_int_equal(put_at(rig, 9, "c"), 0);
        assert_int_equal(put_at(rig, 3, "d"), 0);
        rig_pass(rig, 10);
        assert_int_equal(rig_attach(rig, &e, "q", ACCEPTS, ""), 0);
        mq_credit(&e.consumer, 2);
        rig_pass(rig, 10);
        assert_string_equal(e.bodies, "c b");
        assert_int_equal(put_at(rig, 4, "e"), 0);
        mq_credit(&e.consumer, PLENTY);
        rig_pass(rig, 10);
        assert_string_equal(e.bodies, "c b e d a");
        assert_int_equal(put_at(rig, 1, "f"), 0); /* a new level */
        assert_int_equal(put_at(rig, 0, "g"), 0);
        rig_pass(rig, 2);
        assert_int_equal(e.count, 7);
        assert_int_equal(e.consumer.credit, PLENTY - 5);
        rig_stop(&e);
        rig_free(rig);
    }
}

static void
test_credit_is_shared_by_levels(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater e = { 0 };
    (void)rig_declare(rig, "q", 0, "x-max-priority I 2");
    assert_int_equal(rig_attach(rig, &e, "q", HOLDS, ""), 0);
    mq_credit(&e.consumer, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(put_at(rig, i, "m"), 0);
        rig_pass(rig, 2);
    }
    assert_int_equal(e.count, 2);
    assert_int_equal(e.consumer.credit, 0);
    assert_int_equal(rig_ready(rig, "q"), 1);
    rig_stop(&e);
    assert_int_equal(rig_ready(rig, "q"), 3);
    rig_free(rig);
}

/* ---- consumers ------------------------------------------------------------------------------------------------- */

static void
test_single_active_consumer_is_followed_in_order(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater e[3] = { 0 };
    (void)rig_declare(rig, "q", 0, "x-single-active-consumer t 1");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rig_attach(rig, &e[i], "q", HOLDS, ""), 0);
        mq_credit(&e[i].consumer, 10);
    }
    assert_int_equal(rig_put(rig, "q", "a"), 0);
    assert_int_equal(rig_put(rig, "q", "b"), 0);
    assert_int_equal(e[0].count, 2);
    rig_stop(&e[1]);
    mq_cancel(&e[0].consumer);
    rig_pass(rig, 5);
    assert_int_equal(rig_put(rig, "q", "c"), 0);
    assert_string_equal(e[2].bodies, "c");
    rig_stop(&e[0]); /* held two until now */
    assert_string_equal(e[2].bodies, "c a! b!");
    rig_stop(&e[2]);
    rig_free(rig);
}

/* A connection that is lost cancels, then gives back: who follows gets that first. */
static void
test_single_active_consumer_is_followed_in_the_order_of_messages(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater e[2] = { 0 };
    (void)rig_declare(rig, "q", 0, "x-single-active-consumer t 1");
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(rig_attach(rig, &e[i], "q", HOLDS, ""), 0);
    mq_credit(&e[0].consumer, 2);
    mq_credit(&e[1].consumer, 10);
    assert_int_equal(rig_put(rig, "q", "a"), 0);
    assert_int_equal(rig_put(rig, "q", "b"), 0);
    assert_int_equal(rig_put(rig, "q", "c"), 0);
    mq_cancel(&e[0].consumer);
    rig_stop(&e[0]);
    rig_pass(rig, 5);
    assert_string_equal(e[1].bodies, "a! b! c");
    rig_stop(&e[1]);
    rig_free(rig);
}

static void
test_exclusive_use(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater one = { 0 }, two = { 0 }, get = { .consumer.browsing = true };
    (void)rig_declare(rig, "q", 0, "");
    one.consumer.exclusive = true;
    assert_int_equal(rig_attach(rig, &one, "q", HOLDS, ""), 0);
    assert_int_equal(rig_attach(rig, &two, "q", HOLDS, ""), -ERR_REFUSED);
    assert_int_equal(rig->why.code, AMQP_ACCESS_REFUSED);
    assert_string_equal(rig->why.text, "queue 'q' in vhost '/' in exclusive use");
    mq_cancel(&one.consumer);
    assert_int_equal(rig_attach(rig, &two, "q", HOLDS, ""), 0);
    rig_stop(&one);
    one.consumer.exclusive = true;
    assert_int_equal(rig_attach(rig, &one, "q", HOLDS, ""), -ERR_REFUSED);
    assert_int_equal(rig_attach(rig, &get, "q", ACCEPTS, ""), 0);
    assert_int_equal(rig_put(rig, "q", "a"), 0);
    mq_credit(&get.consumer, 1);
    assert_string_equal(get.bodies, "a");
    rig_stop(&get);
    rig_stop(&two);
    rig_free(rig);
}

static void
test_consumers_of_higher_priority_go_first(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater low = { 0 }, high = { 0 }, bad = { 0 };
    (void)rig_declare(rig, "q", 0, "");
    assert_int_equal(rig_attach(rig, &low, "q", HOLDS, ""), 0);
    assert_int_equal(rig_attach(rig, &high, "q", HOLDS, "x-priority I 10"), 0);
    assert_int_equal(rig_attach(rig, &bad, "q", HOLDS, "x-priority S 10"), -ERR_REFUSED);
    assert_string_equal(rig->why.text, INVALID("x-priority", "\"expected integer, got longstr\""));
    mq_credit(&low.consumer, 10);
    mq_credit(&high.consumer, 2);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_put(rig, "q", "m"), 0);
    assert_int_equal(high.count, 2);
    assert_int_equal(low.count, 1);
    rig_stop(&low);
    rig_stop(&high);
    rig_free(rig);
}

static void
test_auto_delete_follows_the_last_consumer(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater one = { 0 }, two = { 0 };
    (void)rig_declare(rig, "q", AUTO_DELETE, "");
    rig_pass(rig, 5);
    assert_int_equal(rig_attach(rig, &one, "q", HOLDS, ""), 0);
    assert_int_equal(rig_attach(rig, &two, "q", HOLDS, ""), 0);
    rig_stop(&one);
    rig_pass(rig, 5);
    assert_non_null(rig_queue(rig, "q"));
    mq_cancel(&two.consumer);
    assert_null(rig_queue(rig, "q")); /* at once, for who looks */
    assert_false(two.cancelled);
    assert_non_null(rig_declare(rig, "q", 0, "")); /* another one */
    assert_true(two.cancelled);
    rig_pass(rig, 5);
    assert_non_null(rig_queue(rig, "q"));
    rig_free(rig);
}

static void
test_exclusive_queues_go_with_their_owner(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    (void)rig_declare(rig, "q", DURABLE | EXCLUSIVE, "");
    (void)rig_declare(rig, "other", DURABLE, "");
    mq_owner_gone(rig->vhost, rig);
    assert_null(rig_queue(rig, "q"));
    (void)rig_declare(rig, "q", DURABLE | EXCLUSIVE, "");
    rig_restart(rig);
    assert_null(rig_queue(rig, "q"));
    assert_non_null(rig_queue(rig, "other"));
    rig_free(rig);
}

/* ---- dead letters ---------------------------------------------------------------------------------------------- */

#define TO(queue) "x-dead-letter-exchange S ''; x-dead-letter-routing-key S " queue

static void
test_expired_message_dies_into_its_exchange(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    struct eater e = { 0 };
    (void)rig_declare(rig, "work", DURABLE, TO("dead") "; x-message-ttl I 50");
    (void)rig_declare(rig, "dead", DURABLE, "");
    assert_int_equal(rig_put(rig, "work", "a"), 0);
    assert_int_equal(
        rig_send(rig, "work", "b",
                 &(struct letter_head){ .priority = 7, .expiration_ms = 20, .headers = "mine S kept; CC A else" }),
        0);
    rig_pass(rig, 100);
    assert_int_equal(rig_ready(rig, "work"), 0);
    assert_int_equal(rig_attach(rig, &e, "dead", ACCEPTS, ""), 0);
    mq_credit(&e.consumer, 1);
    rig_pass(rig, 10);
    assert_string_equal(e.bodies, "b");
    assert_string_equal(e.deaths, "work/expired/1//workelse/20");
    assert_string_equal(e.headers, "mine=kept x-first-death-reason=expired x-first-death-queue=work "
                                   "x-first-death-exchange= ");
    assert_false(amqp_has(&e.props, AMQP_EXPIRATION));
    assert_int_equal(e.props.priority, 7);
    mq_credit(&e.consumer, 1);
    rig_pass(rig, 10);
    assert_string_equal(e.deaths, "work/expired/1//work");
    rig_stop(&e);
    rig_free(rig);
}

/* It came through amq.topic under the key that its topic is, and has AMQP's properties from now on. */
static void
test_message_of_mqtt_dies_too(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    struct eater e = { 0 };
    struct binding_spec bind = {
        .source = view_str("amq.topic"), .destination = view_str("work"), .key = view_str("a.*"), .kind = BIND_QUEUE
    };
    struct outgoing out = { 0 };
    (void)rig_declare(rig, "work", DURABLE, TO("dead") "; x-message-ttl I 50");
    (void)rig_declare(rig, "dead", DURABLE, "");
    assert_int_equal(binding_add(rig->vhost, &bind, NULL, &rig->why), 0);
    out.pub.env = (struct envelope){
        .topic = view_str("a/b"), .body = view_str("m"), .published_ms = io_wall_ms(rig->io), .qos = 1
    };
    assert_int_equal(exchange_publish(&rig->exchange, &out), 0);
    assert_int_equal(out.matched, 1);
    rig_pass(rig, 100);
    assert_int_equal(rig_attach(rig, &e, "dead", ACCEPTS, ""), 0);
    mq_credit(&e.consumer, PLENTY);
    rig_pass(rig, 10);
    assert_string_equal(e.bodies, "m");
    assert_string_equal(e.deaths, "work/expired/1/amq.topic/a.b");
    assert_int_equal(e.props.delivery_mode, 2);
    rig_stop(&e);
    rig_free(rig);
}

static void
test_rejection_overflow_and_delivery_limit_are_deaths(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater e = { 0 }, dead = { 0 };
    (void)rig_declare(rig, "work", 0, TO("dead") "; x-max-length I 1; x-delivery-limit I 2");
    (void)rig_declare(rig, "dead", 0, "");
    assert_int_equal(rig_attach(rig, &dead, "dead", ACCEPTS, ""), 0);
    mq_credit(&dead.consumer, PLENTY);
    assert_int_equal(rig_put(rig, "work", "a"), 0);
    assert_int_equal(rig_put(rig, "work", "b"), 0);
    rig_pass(rig, 5);
    assert_string_equal(dead.bodies, "a");
    assert_string_equal(dead.deaths, "work/maxlen/1//work");
    assert_int_equal(rig_attach(rig, &e, "work", REJECTS, ""), 0);
    mq_credit(&e.consumer, 1);
    rig_pass(rig, 5);
    assert_string_equal(dead.deaths, "work/rejected/1//work");
    e.manner = RETURNS;
    assert_int_equal(rig_put(rig, "work", "c"), 0);
    mq_credit(&e.consumer, 10);
    rig_pass(rig, 5);
    assert_string_equal(e.bodies, "b c c! c!");
    assert_string_equal(dead.bodies, "a b c");
    assert_string_equal(dead.deaths, "work/delivery_limit/1//work");
    rig_stop(&e);
    rig_stop(&dead);
    rig_free(rig);
}

/* The pattern of retries: work rejects into wait, which expires into work; each entry counts, the newest stands first.
 */
static void
test_deaths_are_counted_a_queue_and_reason(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    struct eater e = { 0 };
    (void)rig_declare(rig, "work", DURABLE, TO("wait"));
    (void)rig_declare(rig, "wait", DURABLE, TO("work") "; x-message-ttl I 10");
    assert_int_equal(rig_attach(rig, &e, "work", REJECTS, ""), 0);
    assert_int_equal(rig_put(rig, "work", "a"), 0);
    for (unsigned i = 0; i < 3; i++) {
        mq_credit(&e.consumer, 1);
        rig_pass(rig, 50);
    }
    e.manner = ACCEPTS;
    mq_credit(&e.consumer, 1);
    rig_pass(rig, 50);
    assert_string_equal(e.bodies, "a a a a");
    assert_string_equal(e.deaths, "wait/expired/3//wait work/rejected/3//work");
    assert_string_equal(e.headers, "x-first-death-reason=rejected x-first-death-queue=work x-first-death-exchange= ");
    rig_stop(&e);
    rig_free(rig);
}

static void
test_cycle_without_rejection_ends(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    (void)rig_declare(rig, "one", 0, TO("two") "; x-message-ttl I 10");
    (void)rig_declare(rig, "two", 0, TO("one") "; x-message-ttl I 10");
    assert_int_equal(rig_put(rig, "one", "a"), 0);
    rig_pass(rig, 15);
    assert_int_equal(rig_ready(rig, "two"), 1);
    rig_pass(rig, 50);
    assert_int_equal(rig_ready(rig, "one") + rig_ready(rig, "two"), 0);
    assert_int_equal(rig->queues.entries, 0);
    rig_free(rig);
}

static void
test_dead_letters_wait_for_a_full_queue(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    struct eater e = { 0 };
    (void)rig_declare(rig, "work", DURABLE, TO("dead") "; x-message-ttl I 10");
    (void)rig_declare(rig, "dead", DURABLE, "x-max-length I 1; x-overflow S reject-publish");
    assert_int_equal(rig_put(rig, "work", "a"), 0);
    assert_int_equal(rig_put(rig, "work", "b"), 0);
    rig_pass(rig, 100);
    assert_int_equal(rig_ready(rig, "dead"), 1);
    assert_true(rig->refused > 0);
    assert_int_equal(rig_attach(rig, &e, "dead", ACCEPTS, ""), 0);
    mq_credit(&e.consumer, PLENTY);
    rig_pass(rig, 2000);
    assert_string_equal(e.bodies, "a b");
    rig_stop(&e);
    rig_free(rig);
}

/* Wherever the power goes in a chain of two deaths, the message is at its end afterwards. */
static void
test_dead_letters_outlive_power_at_any_time(void **state)
{
    (void)state;
    for (unsigned ms = 0; ms < 40; ms++) {
        struct rig *rig = rig_new(true);
        (void)rig_declare(rig, "work", DURABLE, TO("wait") "; x-message-ttl I 30");
        (void)rig_declare(rig, "wait", DURABLE, TO("dead") "; x-message-ttl I 10");
        (void)rig_declare(rig, "dead", DURABLE, "");
        assert_int_equal(rig_put(rig, "work", "a"), 0);
        rig_pass(rig, ms);
        rig_restart(rig);
        rig_pass(rig, 100);
        assert_int_equal(rig_ready(rig, "work") + rig_ready(rig, "wait"), 0);
        assert_in_range(rig_ready(rig, "dead"), 1, 2);
        rig_free(rig);
    }
}

static void
test_refused_publication_may_be_dead_lettered(void **state)
{
    (void)state;
    struct rig *rig = rig_new(false);
    struct eater e = { 0 };
    (void)rig_declare(rig, "work", 0, TO("dead") "; x-max-length I 1; x-overflow S reject-publish-dlx");
    (void)rig_declare(rig, "dead", 0, "");
    assert_int_equal(rig_put(rig, "work", "a"), 0);
    assert_int_equal(rig_put(rig, "work", "b"), -ERR_FULL);
    rig_pass(rig, 2);
    assert_int_equal(rig_attach(rig, &e, "dead", ACCEPTS, ""), 0);
    mq_credit(&e.consumer, PLENTY);
    assert_string_equal(e.bodies, "b");
    assert_string_equal(e.deaths, "work/maxlen/1//work");
    rig_stop(&e);
    rig_free(rig);
}

/* ---- time, policies, restarts, memory ---------------------------------------------------------------------------- */

static void
test_unused_queue_expires(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    struct eater e = { 0 };
    (void)rig_declare(rig, "q", DURABLE, "x-expires I 100");
    rig_pass(rig, 80);
    (void)rig_declare(rig, "q", DURABLE, "x-expires I 100"); /* counts as use */
    rig_pass(rig, 80);
    assert_int_equal(rig_attach(rig, &e, "q", HOLDS, ""), 0);
    rig_pass(rig, 300);
    assert_non_null(rig_queue(rig, "q"));
    rig_stop(&e);
    rig_pass(rig, 60);
    rig_restart(rig);
    rig_pass(rig, 90);
    assert_non_null(rig_queue(rig, "q"));
    rig_pass(rig, 20);
    assert_null(rig_queue(rig, "q"));
    rig_restart(rig);
    assert_null(rig_queue(rig, "q"));
    rig_free(rig);
}

static int
set_policy(struct rig *rig, const char *name, const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    int rc = policy_set(rig->vhost, view_str(name), json, &rig->why);
    json_decref(json);
    return rc;
}

static void
test_policies_are_applied_live_and_kept(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    struct mq *mq = rig_declare(rig, "work.1", DURABLE, "x-max-length I 5; x-overflow S reject-publish");
    (void)rig_declare(rig, "other", DURABLE, "");
    assert_int_equal(set_policy(rig, "low",
                                "{\"pattern\": \"^work\\\\.\", \"definition\": {\"max-length\": 3, "
                                "\"overflow\": \"drop-head\", \"dead-letter-exchange\": \"x\"}}"),
                     0);
    assert_int_equal(mq->rules.limits.count_max, 3);
    assert_int_equal(mq->rules.limits.overflow, QUEUE_REJECT);
    assert_true(mq->rules.dead_letters && view_is(mq->rules.dead_exchange, "x"));
    assert_null(rig_queue(rig, "other")->policy);
    assert_int_equal(set_policy(rig, "high",
                                "{\"pattern\": \".\", \"priority\": 1, \"apply-to\": \"queues\", "
                                "\"definition\": {\"message-ttl\": 7}}"),
                     0);
    assert_int_equal(mq->rules.limits.count_max, 5);
    assert_int_equal(mq->rules.limits.ttl_ms, 7);
    assert_false(mq->rules.dead_letters);
    rig_restart(rig);
    mq = rig_queue(rig, "work.1");
    assert_int_equal(mq->rules.limits.ttl_ms, 7);
    assert_int_equal(policy_clear(rig->vhost, view_str("high"), &rig->why), 0);
    assert_int_equal(mq->rules.limits.count_max, 3);
    assert_int_equal(policy_clear(rig->vhost, view_str("high"), &rig->why), -ERR_REFUSED);
    assert_int_equal(rig->why.code, AMQP_NOT_FOUND);
    rig_free(rig);
}

static void
test_policy_of_expiry_holds_after_a_restart(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    (void)rig_declare(rig, "q", DURABLE, "");
    assert_int_equal(set_policy(rig, "p", "{\"pattern\": \".\", \"definition\": {\"message-ttl\": 200}}"), 0);
    assert_int_equal(rig_put(rig, "q", "a"), 0);
    rig_restart(rig);
    assert_int_equal(rig_ready(rig, "q"), 1);
    rig_pass(rig, 300);
    assert_int_equal(rig_ready(rig, "q"), 0);
    rig_free(rig);
}

static void
test_policies_are_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"definition\": {\"max-length\": 3}}",
        "{\"pattern\": \"(\", \"definition\": {\"max-length\": 3}}",
        "{\"pattern\": \"a\", \"definition\": {}}",
        "{\"pattern\": \"a\", \"definition\": {\"max-length\": -3}}",
        "{\"pattern\": \"a\", \"definition\": {\"max-length\": \"3\"}}",
        "{\"pattern\": \"a\", \"definition\": {\"max-priority\": 3}}",
        "{\"pattern\": \"a\", \"definition\": {\"unheard\": 3}}",
        "{\"pattern\": \"a\", \"apply-to\": \"people\", \"definition\": {\"expires\": 3}}",
    };
    struct rig *rig = rig_new(false);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(set_policy(rig, "p", bad[i]), -ERR_REFUSED);
        assert_true(view_starts(view_str(rig->why.text), "Validation failed: "));
    }
    assert_true(list_empty(&rig->vhost->policies));
    rig_free(rig);
}

static void
test_queues_and_messages_outlive_power(void **state)
{
    (void)state;
    struct rig *rig = rig_new(true);
    struct eater e = { 0 };
    (void)rig_declare(rig, "q", DURABLE, "x-max-priority I 3");
    (void)rig_declare(rig, "fleeting", 0, "");
    assert_int_equal(put_at(rig, 0, "a"), 0);
    assert_int_equal(put_at(rig, 2, "b"), 0);
    rig_restart(rig);
    assert_null(rig_queue(rig, "fleeting"));
    assert_non_null(rig_declare(rig, "q", DURABLE, "x-max-priority I 3"));
    assert_int_equal(put_at(rig, 2, "c"), 0);
    assert_int_equal(rig_attach(rig, &e, "q", ACCEPTS, ""), 0);
    mq_credit(&e.consumer, PLENTY);
    rig_pass(rig, 20);
    assert_string_equal(e.bodies, "b c a");
    rig_stop(&e);
    rig_restart(rig);
    assert_int_equal(rig_ready(rig, "q"), 0);
    rig_free(rig);
}

static void
test_a_durable_queue_costs_a_kilobyte(void **state)
{
    (void)state;
    enum { QUEUES = 10000, BYTES_MAX = 1024 };
    struct rig *rig = rig_new(true);
    size_t before = rig->mem.used_bytes;
    for (unsigned i = 0; i < QUEUES; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "orders.region-%u", i);
        assert_non_null(rig_declare(rig, name, DURABLE, ""));
        if (i % 100 == 99)
            rig_pass(rig, 1);
    }
    rig_pass(rig, 50);
    size_t each = (rig->mem.used_bytes - before) / QUEUES;
    print_message("a durable queue takes %zu bytes\n", each);
    assert_true(each < BYTES_MAX);
    rig_free(rig);
}

/* One life with the n-th allocation refused: what cannot be had leaves nothing behind.  True: it was reached. */
static bool
live_with_failure(bool durable, uint64_t n)
{
    struct rig *rig = rig_new(durable);
    struct eater e = { 0 };
    struct queue_spec spec = { .name = view_str("q"), .durable = durable };
    struct mq *mq = NULL;
    (void)rig_declare(rig, "dead", durable, "");
    rig_pass(rig, 5);
    rig->mem.calls = 0;
    rig->mem.fail_at = n;
    spec.arguments =
        rig_table(rig, TO("dead") "; x-max-priority I 2; x-max-length I 2; x-overflow S reject-publish-dlx");
    int rc = mq_declare(rig->vhost, &spec, &mq, NULL, NULL, &rig->why);
    assert_true(rc == 0 || rc == -ERR_NO_MEMORY);
    assert_true((rc == 0) == (rig_queue(rig, "q") != NULL));
    if (rc == 0 && rig_attach(rig, &e, "q", REJECTS, "") == 0) {
        for (int i = 0; i < 3; i++)
            (void)put_at(rig, i, "m");
        (void)put_at(rig, 1, "n");
        mq_credit(&e.consumer, 2);
        rig_pass(rig, 20);
    }
    bool reached = rig->mem.calls >= n;
    rig->mem.fail_at = 0;
    rig_pass(rig, 20);
    rig_stop(&e);
    rig_free(rig);
    return reached;
}

static void
test_each_allocation_may_fail(void **state)
{
    (void)state;
    for (uint64_t n = 1; live_with_failure(false, n); n++)
        continue;
    for (uint64_t n = 1; live_with_failure(true, n); n++)
        continue;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_are_checked_as_rabbitmq_does),
        cmocka_unit_test(test_a_declaration_must_be_of_what_there_is),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_deletion_may_ask_for_unused_and_empty),
        cmocka_unit_test(test_higher_priorities_go_first),
        cmocka_unit_test(test_credit_is_shared_by_levels),
        cmocka_unit_test(test_single_active_consumer_is_followed_in_order),
        cmocka_unit_test(test_single_active_consumer_is_followed_in_the_order_of_messages),
        cmocka_unit_test(test_exclusive_use),
        cmocka_unit_test(test_consumers_of_higher_priority_go_first),
        cmocka_unit_test(test_auto_delete_follows_the_last_consumer),
        cmocka_unit_test(test_exclusive_queues_go_with_their_owner),
        cmocka_unit_test(test_expired_message_dies_into_its_exchange),
        cmocka_unit_test(test_message_of_mqtt_dies_too),
        cmocka_unit_test(test_rejection_overflow_and_delivery_limit_are_deaths),
        cmocka_unit_test(test_deaths_are_counted_a_queue_and_reason),
        cmocka_unit_test(test_cycle_without_rejection_ends),
        cmocka_unit_test(test_dead_letters_wait_for_a_full_queue),
        cmocka_unit_test(test_dead_letters_outlive_power_at_any_time),
        cmocka_unit_test(test_refused_publication_may_be_dead_lettered),
        cmocka_unit_test(test_unused_queue_expires),
        cmocka_unit_test(test_policies_are_applied_live_and_kept),
        cmocka_unit_test(test_policy_of_expiry_holds_after_a_restart),
        cmocka_unit_test(test_policies_are_checked),
        cmocka_unit_test(test_queues_and_messages_outlive_power),
        cmocka_unit_test(test_a_durable_queue_costs_a_kilobyte),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
