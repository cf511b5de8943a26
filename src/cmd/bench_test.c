/* cmd/bench_test.c - the load generator's judgement: histogram, checker, plan, source and result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/prng.h"
#include "cmd/bench_check.h"
#include "cmd/bench_plan.h"
#include "cmd/bench_source.h"
#include "cmd/histogram.h"
#include "wire/amqp.h"

/* ---- histogram -------------------------------------------------------------------------------------------- */

static struct histogram *
new_histogram(void)
{
    return test_calloc(1, sizeof(struct histogram));
}

static void
empty_histogram_has_no_percentiles(void **state)
{
    struct histogram *h = new_histogram();
    (void)state;

    assert_int_equal(histogram_at(h, 500000), 0);
    assert_int_equal(histogram_at(h, 1000000), 0);
    test_free(h);
}

static void
small_values_are_exact(void **state)
{
    struct histogram *h = new_histogram();
    (void)state;

    for (uint64_t i = 1; i <= 200; i++)
        histogram_add(h, i);
    assert_int_equal(histogram_at(h, 5000), 1);
    assert_int_equal(histogram_at(h, 500000), 100);
    assert_int_equal(histogram_at(h, 990000), 198);
    assert_int_equal(histogram_at(h, 1000000), 200);
    test_free(h);
}

static int
compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Against the sorted values themselves: never below, and at most one part in 128 above. */
static void
percentiles_are_within_a_slot(void **state)
{
    enum { VALUES = 20000 };
    static const unsigned points[] = { 1, 1000, 500000, 900000, 990000, 999000, 1000000 };
    struct histogram *h = new_histogram();
    uint64_t *values = test_calloc(VALUES, sizeof *values);
    struct prng prng;
    (void)state;

    prng_init(&prng, 7);
    for (unsigned i = 0; i < VALUES; i++) {
        values[i] = prng_next(&prng) >> prng_below(&prng, 64);
        histogram_add(h, values[i]);
    }
    qsort(values, VALUES, sizeof *values, compare);
    for (size_t i = 0; i < COUNT_OF(points); i++) {
        uint64_t nth = ((uint64_t)VALUES * points[i] + 999999) / 1000000, want = values[nth - 1];
        uint64_t got = histogram_at(h, points[i]);
        assert_true(got >= want && got - want <= want / 128);
    }
    test_free(values);
    test_free(h);
}

static void
the_largest_value_has_a_slot(void **state)
{
    struct histogram *h = new_histogram();
    (void)state;

    histogram_add(h, UINT64_MAX);
    histogram_add(h, 0);
    assert_true(histogram_at(h, 1000000) == UINT64_MAX);
    assert_int_equal(histogram_at(h, 500000), 0);
    test_free(h);
}

/* ---- checker ---------------------------------------------------------------------------------------------- */

struct verdict {
    uint64_t unique, duplicated, misordered;
};

static void
expect_verdict(const uint64_t *numbers, size_t count, struct verdict want)
{
    struct mem mem = { 0 };
    struct check check;

    assert_int_equal(check_init(&check, &mem, 2), 0);
    for (size_t i = 0; i < count; i++) {
        check_take(&check, 1, numbers[i]);
        check_take(&check, 0, i); /* a flow beside it is not disturbed */
    }
    assert_int_equal(check.unique - count, want.unique);
    assert_int_equal(check.duplicated, want.duplicated);
    assert_int_equal(check.misordered, want.misordered);
    check_fini(&check);
    assert_int_equal(mem.used_bytes, 0);
}

#define EXPECT_VERDICT(unique, duplicated, misordered, ...)                                          \
    expect_verdict((const uint64_t[]){ __VA_ARGS__ }, COUNT_OF(((const uint64_t[]){ __VA_ARGS__ })), \
                   (struct verdict){ unique, duplicated, misordered })

static void
checker_knows_what_came(void **state)
{
    (void)state;
    EXPECT_VERDICT(4, 0, 0, 0, 1, 2, 3);
    EXPECT_VERDICT(3, 0, 0, 0, 1, 3);       /* one lost */
    EXPECT_VERDICT(3, 0, 0, 5, 6, 7);       /* the first ones lost */
    EXPECT_VERDICT(3, 2, 0, 0, 1, 1, 2, 0); /* duplicates, near and far */
    EXPECT_VERDICT(4, 0, 1, 0, 2, 1, 3);    /* one late */
    EXPECT_VERDICT(4, 1, 1, 0, 2, 1, 1, 3); /* late, and twice */
    EXPECT_VERDICT(4, 0, 3, 3, 2, 1, 0);    /* upside down */
    EXPECT_VERDICT(4, 0, 2, 0, 100, 0, 1);  /* a duplicate from beyond the memory passes for a late one */
    EXPECT_VERDICT(2, 1, 0, 0, 100, 100);
}

/* Any order, with losses and repetitions: within 64 numbers the checker must agree with one that remembers all. */
static void
checker_agrees_with_a_full_memory(void **state)
{
    enum { NUMBERS = 64, ROUNDS = 300 };
    struct mem mem = { 0 };
    struct prng prng;
    (void)state;

    prng_init(&prng, 11);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct check check;
        struct verdict want = { 0 };
        bool seen[NUMBERS] = { false };
        uint64_t top = 0;

        assert_int_equal(check_init(&check, &mem, 1), 0);
        for (unsigned i = 0; i < NUMBERS; i++) {
            uint64_t number = prng_below(&prng, NUMBERS);
            want.duplicated += seen[number];
            want.misordered += !seen[number] && number < top;
            want.unique += !seen[number];
            seen[number] = true;
            top = number > top ? number : top;
            check_take(&check, 0, number);
        }
        assert_int_equal(check.unique, want.unique);
        assert_int_equal(check.duplicated, want.duplicated);
        assert_int_equal(check.misordered, want.misordered);
        check_fini(&check);
    }
}

static void
checker_needs_memory(void **state)
{
    struct mem mem = { .fail_at = 1 };
    struct check check;
    (void)state;

    assert_true(check_init(&check, &mem, 10) < 0);
    check_fini(&check);
    assert_int_equal(mem.used_bytes, 0);
}

/* ---- plan ------------------------------------------------------------------------------------------------- */

static bool
share_has(struct plan_share share, unsigned topic)
{
    return topic >= share.first && (topic - share.first) % share.stride == 0 &&
           (topic - share.first) / share.stride < share.count;
}

/* Each topic has the takers that the plan says, and one publisher or more; a subscriber's slots never collide. */
static void
expect_plan(struct bench_plan plan)
{
    struct plan_slots slots = plan_slots(&plan);

    for (unsigned topic = 0; topic < plan.topics; topic++) {
        unsigned takers = 0, makers = 0;
        for (unsigned s = 0; s < plan.subscribers; s++)
            takers += share_has(plan_subscribed(&plan, s), topic);
        for (unsigned p = 0; p < plan.publishers; p++)
            makers += share_has(plan_published(&plan, p), topic);
        assert_int_equal(takers, plan_takers(&plan, topic));
        assert_true(makers >= 1);
    }
    for (unsigned s = 0; s < plan.subscribers; s++) {
        struct plan_share share = plan_subscribed(&plan, s);
        bool *used = test_calloc(slots.count, sizeof *used);
        for (unsigned p = 0; p < plan.publishers; p++) {
            for (unsigned topic = 0; topic < plan.topics; topic++) {
                if (!share_has(share, topic) || !share_has(plan_published(&plan, p), topic))
                    continue;
                unsigned slot = plan_slot(&plan, slots, topic, p);
                assert_true(slot < slots.count && !used[slot]);
                used[slot] = true;
            }
        }
        test_free(used);
    }
}

static void
plans_add_up(void **state)
{
    (void)state;
    for (unsigned publishers = 1; publishers <= 5; publishers++) {
        for (unsigned subscribers = 0; subscribers <= 5; subscribers++) {
            for (unsigned topics = 1; topics <= 12; topics++) {
                expect_plan((struct bench_plan){ publishers, subscribers, topics, false });
                expect_plan((struct bench_plan){ publishers, subscribers, topics, true });
            }
        }
    }
}

/* ---- source ----------------------------------------------------------------------------------------------- */

static void
topics_are_padded_to_one_width(void **state)
{
    struct topic_form form = topic_form_of("b", '/', 1000);
    char text[TOPIC_ROOM];
    (void)state;

    assert_int_equal(topic_print(&form, '+', 42, text), 7);
    assert_string_equal(text, "b/+/042");
    assert_int_equal(topic_form_of("b", '/', 1).digits, 1);
    assert_int_equal(topic_form_of("b", '/', 10).digits, 1);
    assert_int_equal(topic_form_of("b", '/', 11).digits, 2);
}

/* ---- AMQP ------------------------------------------------------------------------------------------------- */

static void
make_source(struct source *source, struct mem *mem, size_t payload_bytes)
{
    struct source_settings settings = {
        .mem = mem,
        .protocol = &bench_amqp,
        .exchange = "amq.topic",
        .qos = 1,
        .window = 8,
        .payload_bytes = payload_bytes,
        .form = topic_form_of("b", '.', 100),
        .share = {.first = 0, .stride = 1, .count = 100},
    };
    assert_int_equal(source_init(source, &settings), 0);
}

static struct view
next_frame(struct view *in, enum amqp_frame_type type)
{
    struct amqp_frame frame;
    struct fault fault;
    size_t need;
    int64_t n = amqp_frame_parse(*in, 128 * 1024, &frame, &need, &fault);

    assert_true(n > 0);
    assert_int_equal(frame.type, type);
    *in = view_from(*in, (size_t)n);
    return frame.payload;
}

/* The template of a message, read as a server would: with one body frame, and with three. */
static void
expect_message(size_t payload_bytes)
{
    struct mem mem = { 0 };
    struct source source;
    struct amqp_method m;
    struct amqp_header header;
    struct fault fault;

    make_source(&source, &mem, payload_bytes);
    memcpy(source.frame + source.digits_at, "42", 2);
    struct view in = view_of(source.frame, source.frame_bytes);
    assert_int_equal(amqp_method_parse(next_frame(&in, AMQP_FRAME_METHOD), &m, &fault), 0);
    assert_true(m.id == AMQP_BASIC_PUBLISH && view_is(m.basic_publish.exchange, "amq.topic"));
    assert_true(view_is(m.basic_publish.routing_key, "b.t.42"));
    assert_int_equal(amqp_header_parse(next_frame(&in, AMQP_FRAME_HEADER), &header, &fault), 0);
    assert_int_equal(header.body_size, payload_bytes);
    assert_ptr_equal(in.data + AMQP_FRAME_HEAD, source.frame + source.payload_at);
    for (size_t left = payload_bytes; left > 0;)
        left -= next_frame(&in, AMQP_FRAME_BODY).len;
    assert_int_equal(in.len, 0);
    source_fini(&source);
    assert_int_equal(mem.used_bytes, 0);
}

static void
amqp_messages_are_whole(void **state)
{
    (void)state;
    expect_message(sizeof(struct stamp));
    expect_message(300000);
}

static void
confirm(struct source *source, uint32_t id, uint64_t tag, bool multiple)
{
    struct amqp_method m = { .id = id };
    uint8_t room[64];

    if (id == AMQP_BASIC_ACK)
        m.basic_ack = (struct amqp_basic_ack){ .delivery_tag = tag, .multiple = multiple };
    else
        m.basic_nack = (struct amqp_basic_nack){ .delivery_tag = tag, .multiple = multiple };
    size_t n = amqp_method_write(room, sizeof room, 1, &m);
    bench_amqp.take_ack(source, view_of(room, n));
}

static void
amqp_confirms_settle_what_they_name(void **state)
{
    struct mem mem = { 0 };
    struct source source;
    (void)state;

    make_source(&source, &mem, 64);
    source.sent = 8;
    confirm(&source, AMQP_BASIC_ACK, 2, false);
    assert_int_equal(source.settled, 0);
    confirm(&source, AMQP_BASIC_ACK, 1, false);
    assert_int_equal(source.settled, 2);
    confirm(&source, AMQP_BASIC_NACK, 4, false);
    confirm(&source, AMQP_BASIC_ACK, 6, true);
    assert_int_equal(source.settled, 6);
    assert_int_equal(source.refused, 1);
    confirm(&source, AMQP_BASIC_NACK, 8, true);
    assert_true(source_is_settled(&source));
    assert_int_equal(source.refused, 3);
    source_fini(&source);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_histogram_has_no_percentiles),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(percentiles_are_within_a_slot),
        cmocka_unit_test(the_largest_value_has_a_slot),
        cmocka_unit_test(checker_knows_what_came),
        cmocka_unit_test(checker_agrees_with_a_full_memory),
        cmocka_unit_test(checker_needs_memory),
        cmocka_unit_test(plans_add_up),
        cmocka_unit_test(topics_are_padded_to_one_width),
        cmocka_unit_test(amqp_messages_are_whole),
        cmocka_unit_test(amqp_confirms_settle_what_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
