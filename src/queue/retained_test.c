/* Retained values against a plain table of topics, and what the log and checkpoints say of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "queue/fake_log.h"
#include "queue/record.h"
#include "queue/retained.h"

enum { START_S = 1000, TEXT_ROOM = 16384 };

static struct log fake;

struct shelf {
    struct mem mem;
    struct wheel wheel;
    struct retained *retained;
};

static void
shelf_open(struct shelf *shelf, struct log *log)
{
    *shelf = (struct shelf){ 0 };
    wheel_init(&shelf->wheel, START_S);
    if (log != NULL)
        memset(log, 0, sizeof(*log));
    assert_int_equal(retained_new(&shelf->mem, log, &shelf->wheel, &shelf->retained), 0);
}

static void
shelf_close(struct shelf *shelf)
{
    retained_free(shelf->retained);
    assert_int_equal(shelf->mem.used_bytes, 0);
    assert_int_equal(shelf->wheel.count, 0);
}

static int
set_until(struct shelf *shelf, const char *topic, const char *body, uint64_t stamp, uint32_t expires_s)
{
    struct envelope env = { .topic = view_str(topic),
                            .body = view_str(body),
                            .expires_ms = expires_s * UINT64_C(1000),
                            .qos = 1,
                            .retain = true };
    return retained_set(shelf->retained, &env, stamp);
}

static void
set(struct shelf *shelf, const char *topic, const char *body, uint64_t stamp)
{
    assert_int_equal(set_until(shelf, topic, body, stamp, 0), 0);
}

static void
wait_until(struct shelf *shelf, uint64_t now_s)
{
    while (wheel_turn(&shelf->wheel, now_s, 100))
        continue;
}

static bool
list_value(void *arg, struct message *message)
{
    char *text = arg;
    size_t n = strlen(text);
    const struct envelope *env = &message->env;
    assert_true(n + env->topic.len + env->body.len + 3 < TEXT_ROOM);
    snprintf(text + n, TEXT_ROOM - n, "%.*s=%.*s ", (int)env->topic.len, (const char *)env->topic.data,
             (int)env->body.len, (const char *)env->body.data);
    return true;
}

/* What a subscriber to `filter` gets: "topic=body topic=body ". */
static const char *
look(struct shelf *shelf, const char *filter, char text[static TEXT_ROOM])
{
    text[0] = '\0';
    retained_search(shelf->retained, view_str(filter), list_value, text);
    return text;
}

#define ASSERT_LOOK(shelf, filter, want)                            \
    do {                                                            \
        static char looked[TEXT_ROOM];                              \
        assert_string_equal(look((shelf), (filter), looked), want); \
    } while (0)

static void
last_value_is_kept(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, NULL);
    set(&shelf, "a/b", "one", 1);
    set(&shelf, "a/c", "two", 2);
    set(&shelf, "$SYS/x", "sys", 3);
    ASSERT_LOOK(&shelf, "a/b", "a/b=one ");
    ASSERT_LOOK(&shelf, "a/+", "a/b=one a/c=two ");
    ASSERT_LOOK(&shelf, "#", "a/b=one a/c=two ");
    ASSERT_LOOK(&shelf, "$SYS/#", "$SYS/x=sys ");
    set(&shelf, "a/b", "three", 4);
    ASSERT_LOOK(&shelf, "#", "a/b=three a/c=two ");
    assert_int_equal(retained_count(shelf.retained), 3);
    assert_int_equal(retained_bytes(shelf.retained), strlen("a/bthreea/ctwo$SYS/xsys"));
    set(&shelf, "a/b", "", 5);
    ASSERT_LOOK(&shelf, "#", "a/c=two ");
    assert_int_equal(retained_count(shelf.retained), 2);
    assert_int_equal(retained_bytes(shelf.retained), strlen("a/ctwo$SYS/xsys"));
    shelf_close(&shelf);
}

static void
order_is_that_of_bytes(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, NULL);
    set(&shelf, "b", "1", 1);
    set(&shelf, "a/b", "1", 1);
    set(&shelf, "a!b", "1", 1);
    set(&shelf, "a", "1", 1);
    set(&shelf, "a/", "1", 1);
    set(&shelf, "a0", "1", 1);
    set(&shelf, "/", "1", 1);
    ASSERT_LOOK(&shelf, "#", "/=1 a=1 a!b=1 a/=1 a/b=1 a0=1 b=1 ");
    shelf_close(&shelf);
}

static bool
count_to_two(void *arg, struct message *message)
{
    (void)message;
    return ++*(unsigned *)arg < 2;
}

static void
search_stops_when_told(void **state)
{
    (void)state;
    struct shelf shelf;
    unsigned seen = 0;
    shelf_open(&shelf, NULL);
    set(&shelf, "a", "1", 1);
    set(&shelf, "b", "1", 1);
    set(&shelf, "c", "1", 1);
    retained_search(shelf.retained, view_str("#"), count_to_two, &seen);
    assert_int_equal(seen, 2);
    ASSERT_LOOK(&shelf, "#", "a=1 b=1 c=1 "); /* and nothing is left behind by the stopped one */
    shelf_close(&shelf);
}

static void
older_stamp_changes_nothing(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, &fake);
    set(&shelf, "t", "new", 10);
    set(&shelf, "t", "old", 9);
    set(&shelf, "t", "same", 10);
    set(&shelf, "t", "", 8);
    ASSERT_LOOK(&shelf, "t", "t=new ");
    assert_int_equal(fake.appended.count, 1);
    set(&shelf, "t", "", 11);
    set(&shelf, "t", "late", 10);
    ASSERT_LOOK(&shelf, "t", "");
    set(&shelf, "u", "", 5); /* a deletion that came before what it deletes */
    set(&shelf, "u", "late", 4);
    ASSERT_LOOK(&shelf, "u", "");
    shelf_close(&shelf);
}

static void
deletion_is_forgotten_after_a_minute(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, NULL);
    set(&shelf, "t", "v", 1);
    set(&shelf, "t", "", 2);
    size_t used = shelf.mem.used_bytes;
    wait_until(&shelf, START_S + 59);
    assert_int_equal(shelf.mem.used_bytes, used);
    wait_until(&shelf, START_S + 60);
    assert_true(shelf.mem.used_bytes < used);
    assert_int_equal(shelf.wheel.count, 0);
    set(&shelf, "t", "again", 3);
    ASSERT_LOOK(&shelf, "t", "t=again ");
    shelf_close(&shelf);
}

static void
value_expires(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, NULL);
    assert_int_equal(set_until(&shelf, "t", "short", 5, START_S + 10), 0);
    assert_int_equal(set_until(&shelf, "u", "long", 5, START_S + 20), 0);
    set(&shelf, "u", "for ever", 6);
    assert_int_equal(set_until(&shelf, "v", "too late", 5, START_S), 0);
    ASSERT_LOOK(&shelf, "#", "t=short u=for ever ");
    wait_until(&shelf, START_S + 9);
    ASSERT_LOOK(&shelf, "#", "t=short u=for ever ");
    wait_until(&shelf, START_S + 10);
    ASSERT_LOOK(&shelf, "#", "u=for ever ");
    assert_int_equal(retained_count(shelf.retained), 1);
    set(&shelf, "t", "older and late", 4);
    ASSERT_LOOK(&shelf, "#", "u=for ever ");
    wait_until(&shelf, START_S + 70);
    assert_int_equal(shelf.wheel.count, 0);
    ASSERT_LOOK(&shelf, "#", "u=for ever ");
    shelf_close(&shelf);
}

/* The wheel may be behind: it fires a bounded number at once. */
static void
expired_is_not_shown_before_its_timer_came(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, NULL);
    assert_int_equal(set_until(&shelf, "t", "v", 1, START_S + 1), 0);
    assert_int_equal(set_until(&shelf, "u", "v", 1, START_S + 1), 0);
    assert_true(wheel_turn(&shelf.wheel, START_S + 1, 1));
    ASSERT_LOOK(&shelf, "#", "");
    shelf_close(&shelf);
}

static void
bad_topics_are_refused(void **state)
{
    (void)state;
    struct shelf shelf;
    char deep[200];
    shelf_open(&shelf, &fake);
    memset(deep, '/', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(set_until(&shelf, "", "v", 1, 0), -ERR_INVALID);
    assert_int_equal(set_until(&shelf, "a/+", "v", 1, 0), -ERR_INVALID);
    assert_int_equal(set_until(&shelf, deep, "v", 1, 0), -ERR_TOO_LARGE);
    assert_int_equal(fake.appended.count, 0);
    ASSERT_LOOK(&shelf, "#", "");
    shelf_close(&shelf);
}

/* ---- the log ---------------------------------------------------------------------------------------------- */

static void
refused_by_the_log_changes_nothing(void **state)
{
    (void)state;
    struct shelf shelf;
    shelf_open(&shelf, &fake);
    set(&shelf, "t", "stands", 1);
    fake.refuse = -ERR_DISK_FULL;
    size_t used = shelf.mem.used_bytes;
    assert_int_equal(set_until(&shelf, "t", "new", 2, 0), -ERR_DISK_FULL);
    assert_int_equal(set_until(&shelf, "t", "", 2, 0), -ERR_DISK_FULL);
    assert_int_equal(set_until(&shelf, "u", "new", 2, 0), -ERR_DISK_FULL);
    assert_int_equal(shelf.mem.used_bytes, used);
    ASSERT_LOOK(&shelf, "#", "t=stands ");
    fake.refuse = 0;
    set(&shelf, "t", "new", 2);
    ASSERT_LOOK(&shelf, "#", "t=new ");
    shelf_close(&shelf);
}

static void
record_has_its_form(void **state)
{
    (void)state;
    struct shelf shelf;
    struct envelope env;
    shelf_open(&shelf, &fake);
    assert_int_equal(set_until(&shelf, "t/x", "body", 0x0102030405060708, 77777), 0);
    const struct fake_record *r = &fake.appended.all[0];
    assert_int_equal(r->kind, RECORD_RETAIN);
    assert_false(r->urgent);
    struct cursor c = cursor_of(fake_bytes(r));
    assert_int_equal(take_u64(&c), 0x0102030405060708);
    assert_int_equal(envelope_parse(take_rest(&c), &env), 0);
    assert_true(view_is(env.topic, "t/x"));
    assert_true(view_is(env.body, "body"));
    assert_int_equal(env.expires_ms, 77777000);
    assert_int_equal(env.qos, 1);
    for (size_t n = 0; n < r->len - env.body.len; n++)
        assert_int_equal(retained_restore(shelf.retained, view_of(r->bytes, n)), -ERR_DAMAGED);
    shelf_close(&shelf);
}

static void
random_set(struct shelf *shelf, struct prng *prng, uint64_t stamp)
{
    char topic[32], body[32] = "";
    snprintf(topic, sizeof(topic), "%c/%u", (char)('a' + prng_below(prng, 3)), (unsigned)prng_below(prng, 20));
    if (!prng_once_in(prng, 3))
        snprintf(body, sizeof(body), "%u", (unsigned)stamp);
    uint32_t expires_s = prng_once_in(prng, 4) ? START_S + (uint32_t)prng_below(prng, 200) : 0;
    assert_int_equal(set_until(shelf, topic, body, stamp, expires_s), 0);
}

static void
replay(struct shelf *shelf, const struct fake_records *records, size_t from)
{
    for (size_t i = from; i < records->count; i++)
        assert_int_equal(retained_restore(shelf->retained, fake_bytes(&records->all[i])), 0);
}

static void
assert_same_values(struct shelf *a, struct shelf *b)
{
    static char one[TEXT_ROOM], two[TEXT_ROOM];
    assert_string_equal(look(a, "#", one), look(b, "#", two));
    assert_int_equal(retained_count(a->retained), retained_count(b->retained));
    assert_int_equal(retained_bytes(a->retained), retained_bytes(b->retained));
}

/* In whatever order shards and replays learn of values, they end with the same. */
static void
order_of_learning_does_not_matter(void **state)
{
    (void)state;
    struct shelf shelf, other;
    struct prng prng;
    prng_init(&prng, 4);
    shelf_open(&shelf, &fake);
    shelf_open(&other, NULL);
    for (unsigned i = 1; i <= 300; i++)
        random_set(&shelf, &prng, i);
    assert_int_equal(fake.appended.count, 300);
    for (size_t i = fake.appended.count; i-- > 1;) {
        size_t j = (size_t)prng_below(&prng, i + 1);
        struct fake_record swap = fake.appended.all[i];
        fake.appended.all[i] = fake.appended.all[j];
        fake.appended.all[j] = swap;
    }
    replay(&other, &fake.appended, 0);
    assert_same_values(&shelf, &other);
    replay(&other, &fake.appended, 0); /* again: nothing changes */
    assert_same_values(&shelf, &other);
    for (uint64_t now_s = START_S; now_s < START_S + 300; now_s += 7) {
        wait_until(&shelf, now_s);
        wait_until(&other, now_s);
        assert_same_values(&shelf, &other);
    }
    shelf_close(&shelf);
    shelf_close(&other);
}

/* A restored deletion still keeps older values away. */
static void
restored_deletion_is_remembered(void **state)
{
    (void)state;
    struct shelf shelf, other;
    shelf_open(&shelf, &fake);
    shelf_open(&other, NULL);
    set(&shelf, "t", "v", 1);
    set(&shelf, "t", "", 5);
    replay(&other, &fake.appended, 1);
    set(&other, "t", "late", 4);
    ASSERT_LOOK(&other, "t", "");
    wait_until(&other, START_S + 60);
    assert_int_equal(other.wheel.count, 0);
    shelf_close(&shelf);
    shelf_close(&other);
}

/* ---- checkpoints ------------------------------------------------------------------------------------------ */

/* Values come, change, expire and are forgotten between any two calls; checkpoint and tail give the state at the end.
 */
static void
checkpoint_and_tail_are_the_state(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct shelf shelf, other;
        struct prng prng;
        uint64_t stamp = 0, at = 0, now_s = START_S;
        prng_init(&prng, seed);
        shelf_open(&shelf, &fake);
        shelf_open(&other, NULL);
        for (unsigned i = 0; i < 100; i++)
            random_set(&shelf, &prng, ++stamp);
        size_t tail = fake.appended.count;
        unsigned calls = 0;
        int rc;
        while ((rc = retained_checkpoint(shelf.retained, &at, 1 + (unsigned)prng_below(&prng, 4))) > 0) {
            for (uint64_t n = prng_below(&prng, 6); n > 0; n--)
                random_set(&shelf, &prng, ++stamp);
            if (prng_once_in(&prng, 2))
                wait_until(&shelf, now_s += prng_below(&prng, 30));
            assert_true(++calls <= 100); /* what is set meanwhile does not prolong it */
        }
        assert_int_equal(rc, 0);
        assert_true(calls > 5);
        wait_until(&other, now_s);
        replay(&other, &fake.checkpoint, 0);
        replay(&other, &fake.appended, tail);
        assert_same_values(&shelf, &other);
        shelf_close(&shelf);
        shelf_close(&other);
    }
}

static void
checkpoint_can_be_begun_anew(void **state)
{
    (void)state;
    struct shelf shelf;
    uint64_t at = 0;
    shelf_open(&shelf, &fake);
    assert_int_equal(retained_checkpoint(shelf.retained, &at, 10), 0); /* of nothing */
    set(&shelf, "a", "1", 1);
    set(&shelf, "b", "1", 1);
    set(&shelf, "c", "1", 1);
    at = 0;
    assert_int_equal(retained_checkpoint(shelf.retained, &at, 2), 1);
    assert_int_equal(fake.checkpoint.count, 2);
    at = 0;
    fake.refuse = -ERR_DISK;
    assert_int_equal(retained_checkpoint(shelf.retained, &at, 2), -ERR_DISK);
    fake.refuse = 0;
    fake.checkpoint.count = 0;
    at = 0;
    assert_int_equal(retained_checkpoint(shelf.retained, &at, 10), 0);
    assert_int_equal(fake.checkpoint.count, 3);
    at = 0;
    assert_int_equal(retained_checkpoint(shelf.retained, &at, 1), 1);
    shelf_close(&shelf); /* in the middle of a walk */
}

/* ---- memory ----------------------------------------------------------------------------------------------- */

static void
each_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t calls = UINT64_MAX;
    for (uint64_t fail_at = 0; fail_at <= calls; fail_at++) {
        struct mem mem = { .fail_at = fail_at };
        struct wheel wheel;
        struct retained *retained = NULL;
        wheel_init(&wheel, START_S);
        int rc = retained_new(&mem, NULL, &wheel, &retained);
        for (unsigned i = 0; rc == 0 && i < 40; i++) {
            char topic[16];
            snprintf(topic, sizeof(topic), "%u/x", i % 30);
            struct envelope env = { .topic = view_str(topic),
                                    .body = view_str("v"),
                                    .expires_ms = (START_S + 1 + i) * UINT64_C(1000) };
            uint64_t before = retained_count(retained);
            int set_rc = retained_set(retained, &env, i + 1);
            assert_true(set_rc == 0 || set_rc == -ERR_NO_MEMORY);
            assert_true(set_rc == 0 || retained_count(retained) == before);
        }
        assert_true(rc == 0 || rc == -ERR_NO_MEMORY);
        if (fail_at == 0)
            calls = mem.calls;
        retained_free(retained);
        assert_int_equal(mem.used_bytes, 0);
        assert_int_equal(wheel.count, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_value_is_kept),
        cmocka_unit_test(order_is_that_of_bytes),
        cmocka_unit_test(search_stops_when_told),
        cmocka_unit_test(older_stamp_changes_nothing),
        cmocka_unit_test(deletion_is_forgotten_after_a_minute),
        cmocka_unit_test(value_expires),
        cmocka_unit_test(expired_is_not_shown_before_its_timer_came),
        cmocka_unit_test(bad_topics_are_refused),
        cmocka_unit_test(refused_by_the_log_changes_nothing),
        cmocka_unit_test(record_has_its_form),
        cmocka_unit_test(order_of_learning_does_not_matter),
        cmocka_unit_test(restored_deletion_is_remembered),
        cmocka_unit_test(checkpoint_and_tail_are_the_state),
        cmocka_unit_test(checkpoint_can_be_begun_anew),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
