/* Delayed publications under a clock that the test turns, and what the log says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"
#include "queue/delayed.h"
#include "queue/fake_log.h"
#include "queue/record.h"

/* ---- a loop with one timer -------------------------------------------------------------------------------- */

enum { START_MS = 1000000, TEXT_ROOM = 16384 };

struct io {
    uint64_t now_ms, wall_ms;
    struct io_timer *timer;
    unsigned turns; /* in which the timer came */
    bool refuse;
};

uint64_t
io_now_ns(const struct io *io)
{
    return io->now_ms * 1000000;
}

uint64_t
io_wall_ms(const struct io *io)
{
    return io->wall_ms;
}

int
io_timer_set(struct io *io, struct io_timer *timer, uint64_t at_ns, io_fn *fn, void *arg)
{
    if (io->timer == NULL && io->refuse)
        return -ERR_NO_MEMORY;
    assert_true(io->timer == NULL || io->timer == timer);
    io->timer = timer;
    timer->node.at = at_ns;
    timer->fn = fn;
    timer->arg = arg;
    return 0;
}

void
io_timer_cut(struct io *io, struct io_timer *timer)
{
    if (io->timer == timer)
        io->timer = NULL;
}

static bool
timer_comes(struct io *io)
{
    struct io_timer *timer = io->timer;
    if (timer == NULL || timer->node.at > io_now_ns(io))
        return false;
    io->timer = NULL;
    io->turns++;
    timer->fn(timer->arg);
    return true;
}

/* Both clocks go on, a millisecond a step as in life. */
static void
wait_ms(struct io *io, uint64_t ms)
{
    for (; ms > 0; ms--) {
        io->now_ms++;
        io->wall_ms++;
        while (timer_comes(io))
            continue;
    }
}

/* ---- a house ---------------------------------------------------------------------------------------------- */

static struct log fake;

struct shelf {
    struct mem mem;
    struct io io;
    struct delayed *delayed;
    char text[TEXT_ROOM]; /* what was published: "id:topic=body@ms " */
    unsigned again;       /* how often the next due one is put anew by its own publication */
};

static void
on_due(void *arg, uint64_t id, const struct envelope *env)
{
    struct shelf *shelf = arg;
    size_t n = strlen(shelf->text);
    assert_true(n + 64 < TEXT_ROOM);
    snprintf(shelf->text + n, TEXT_ROOM - n, "%u:%.*s=%.*s@%u ", (unsigned)id, (int)env->topic.len,
             (const char *)env->topic.data, (int)env->body.len, (const char *)env->body.data,
             (unsigned)(shelf->io.wall_ms - START_MS));
    if (shelf->again > 0) {
        shelf->again--;
        assert_int_equal(delayed_put(shelf->delayed, id, shelf->io.wall_ms + 10, env), 0);
    }
}

static void
shelf_open(struct shelf *shelf, struct log *log)
{
    *shelf = (struct shelf){ .io.now_ms = 5, .io.wall_ms = START_MS };
    if (log != NULL)
        memset(log, 0, sizeof(*log));
    assert_int_equal(delayed_new(&shelf->mem, &shelf->io, log, on_due, shelf, &shelf->delayed), 0);
}

static void
shelf_close(struct shelf *shelf)
{
    delayed_free(shelf->delayed);
    assert_int_equal(shelf->mem.used_bytes, 0);
    assert_null(shelf->io.timer);
}

static int
put(struct shelf *shelf, uint64_t id, uint64_t after_ms, const char *body)
{
    struct envelope env = { .topic = view_str("w"), .body = view_str(body), .qos = 1 };
    return delayed_put(shelf->delayed, id, START_MS + after_ms, &env);
}

static void
replay(struct shelf *shelf, const struct fake_records *records, size_t from)
{
    for (size_t i = from; i < records->count; i++)
        assert_int_equal(delayed_restore(shelf->delayed, records->all[i].kind, fake_bytes(&records->all[i])), 0);
}

/* ---- when ------------------------------------------------------------------------------------------------- */

static void
due_in_order(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, NULL);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    assert_int_equal(put(&shelf, 1, 300, "c"), 0);
    assert_int_equal(put(&shelf, 2, 100, "a"), 0);
    assert_int_equal(put(&shelf, 3, 200, "b"), 0);
    assert_int_equal(put(&shelf, 4, 200, "b2"), 0);
    assert_int_equal(delayed_count(shelf.delayed), 4);
    wait_ms(&shelf.io, 99);
    assert_string_equal(shelf.text, "");
    wait_ms(&shelf.io, 500);
    assert_string_equal(shelf.text, "2:w=a@100 3:w=b@200 4:w=b2@200 1:w=c@300 ");
    assert_int_equal(delayed_count(shelf.delayed), 0);
    assert_int_equal(shelf.io.turns, 3);
    assert_null(shelf.io.timer);
    shelf_close(&shelf);
}

static void
what_is_due_already_waits_for_the_loop(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, NULL);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    assert_int_equal(put(&shelf, 1, 0, "now"), 0);
    assert_string_equal(shelf.text, "");
    assert_true(timer_comes(&shelf.io));
    assert_string_equal(shelf.text, "1:w=now@0 ");
    shelf_close(&shelf);
}

static void
put_replaces_and_cancel_forgets(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, NULL);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    assert_int_equal(put(&shelf, 1, 10, "early"), 0);
    assert_int_equal(put(&shelf, 2, 20, "gone"), 0);
    assert_int_equal(put(&shelf, 1, 30, "late"), 0);
    delayed_cancel(shelf.delayed, 2);
    delayed_cancel(shelf.delayed, 2);
    delayed_cancel(shelf.delayed, 77);
    assert_int_equal(delayed_count(shelf.delayed), 1);
    wait_ms(&shelf.io, 100);
    assert_string_equal(shelf.text, "1:w=late@30 ");
    assert_int_equal(put(&shelf, 3, 200, "x"), 0);
    delayed_cancel(shelf.delayed, 3);
    assert_null(shelf.io.timer);
    shelf_close(&shelf);
}

static void
nothing_is_due_before_the_start(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, NULL);
    assert_int_equal(delayed_start(shelf.delayed), 0); /* of nothing */
    shelf_close(&shelf);
    shelf_open(&shelf, NULL);
    assert_int_equal(put(&shelf, 1, 10, "a"), 0);
    assert_int_equal(put(&shelf, 2, 5000, "b"), 0);
    wait_ms(&shelf.io, 1000);
    assert_string_equal(shelf.text, "");
    shelf.io.refuse = true;
    assert_int_equal(delayed_start(shelf.delayed), -ERR_NO_MEMORY);
    shelf.io.refuse = false;
    assert_int_equal(delayed_start(shelf.delayed), 0);
    wait_ms(&shelf.io, 1);
    assert_string_equal(shelf.text, "1:w=a@1001 ");
    wait_ms(&shelf.io, 5000);
    assert_string_equal(shelf.text, "1:w=a@1001 2:w=b@5000 ");
    shelf_close(&shelf);
}

/* A clock that is set forward makes things due within a minute, one set back makes them wait. */
static void
wall_clock_may_be_set(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, NULL);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    assert_int_equal(put(&shelf, 1, 3600 * 1000, "hour"), 0);
    shelf.io.wall_ms += 3600 * 1000;
    wait_ms(&shelf.io, 60 * 1000);
    assert_string_equal(shelf.text, "1:w=hour@3660000 ");
    assert_int_equal(put(&shelf, 2, 3670 * 1000, "back"), 0);
    shelf.io.wall_ms -= 100 * 1000;
    wait_ms(&shelf.io, 109 * 1000);
    assert_string_equal(shelf.text, "1:w=hour@3660000 ");
    wait_ms(&shelf.io, 1000);
    assert_string_equal(shelf.text, "1:w=hour@3660000 2:w=back@3670000 ");
    shelf_close(&shelf);
}

static void
many_at_once_take_several_turns(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, NULL);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    for (unsigned i = 0; i < 700; i++)
        assert_int_equal(put(&shelf, i, 10, ""), 0);
    wait_ms(&shelf.io, 9);
    shelf.io.now_ms++;
    shelf.io.wall_ms++;
    assert_true(timer_comes(&shelf.io));
    assert_in_range(delayed_count(shelf.delayed), 1, 699);
    wait_ms(&shelf.io, 1);
    assert_int_equal(delayed_count(shelf.delayed), 0);
    char want[TEXT_ROOM] = "", *at = want;
    for (unsigned i = 0; i < 700; i++)
        at += snprintf(at, 32, "%u:w=@", i);
    at = want;
    for (const char *c = shelf.text; *c != '\0'; c = strchr(c, ' ') + 1, at = strchr(at, '@') + 1)
        assert_memory_equal(c, at, (size_t)(strchr(at, '@') - at));
    shelf_close(&shelf);
}

/* ---- the log ---------------------------------------------------------------------------------------------- */

static void
records_have_their_form(void **state)
{
    (void)state;
    static struct shelf shelf;
    struct envelope env;
    shelf_open(&shelf, &fake);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    assert_int_equal(put(&shelf, 7, 10, "x"), 0);
    assert_int_equal(put(&shelf, 8, 20, "y"), 0);
    delayed_cancel(shelf.delayed, 8);
    assert_int_equal(fake.appended.count, 3);
    struct fake_record *r = fake.appended.all;
    assert_int_equal(r[0].kind, RECORD_DELAY);
    assert_false(r[0].urgent);
    struct cursor c = cursor_of(fake_bytes(&r[0]));
    assert_int_equal(take_u64(&c), 7);
    assert_int_equal(take_u64(&c), START_MS + 10);
    assert_int_equal(envelope_parse(take_rest(&c), &env), 0);
    assert_true(view_is(env.topic, "w") && view_is(env.body, "x") && env.qos == 1);
    assert_int_equal(r[2].kind, RECORD_DELAY_END);
    assert_true(r[2].urgent);
    c = cursor_of(fake_bytes(&r[2]));
    assert_int_equal(take_u64(&c), 8);
    for (size_t i = 0; i < 3; i++) /* a body of one byte ends the first two; how long it is, the record's length says */
        for (size_t n = 0; n < r[i].len - (i < 2); n++)
            assert_int_equal(delayed_restore(shelf.delayed, r[i].kind, view_of(r[i].bytes, n)), -ERR_DAMAGED);
    wait_ms(&shelf.io, 50);
    assert_int_equal(fake.appended.count, 4);
    assert_int_equal(r[3].kind, RECORD_DELAY_END);
    shelf_close(&shelf);
}

static void
refused_by_the_log_changes_nothing(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, &fake);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    assert_int_equal(put(&shelf, 1, 50, "stands"), 0);
    fake.refuse = -ERR_DISK_FULL;
    assert_int_equal(put(&shelf, 1, 20, "new"), -ERR_DISK_FULL);
    assert_int_equal(put(&shelf, 2, 10, "new"), -ERR_DISK_FULL);
    assert_int_equal(delayed_count(shelf.delayed), 1);
    wait_ms(&shelf.io, 100);
    assert_string_equal(shelf.text, "1:w=stands@50 ");
    shelf_close(&shelf);
}

/* Its publication puts it anew: the record of the end must not follow, or a replay would lose it. */
static void
put_again_when_due(void **state)
{
    (void)state;
    static struct shelf shelf, other;
    shelf_open(&shelf, &fake);
    shelf_open(&other, NULL);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    assert_int_equal(put(&shelf, 1, 10, "x"), 0);
    shelf.again = 1;
    wait_ms(&shelf.io, 10);
    assert_int_equal(delayed_count(shelf.delayed), 1);
    replay(&other, &fake.appended, 0);
    assert_int_equal(delayed_count(other.delayed), 1);
    wait_ms(&shelf.io, 10);
    assert_string_equal(shelf.text, "1:w=x@10 1:w=x@20 ");
    replay(&other, &fake.appended, 0);
    assert_int_equal(delayed_count(other.delayed), 0);
    shelf_close(&shelf);
    shelf_close(&other);
}

/* Whatever happened, a house built from the log goes on as the first would have. */
static void
replay_goes_on(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        static struct shelf shelf, other;
        struct prng prng;
        prng_init(&prng, seed);
        shelf_open(&shelf, &fake);
        shelf_open(&other, NULL);
        assert_int_equal(delayed_start(shelf.delayed), 0);
        size_t tail = 0;
        for (unsigned i = 0; i < 300; i++) {
            char body[16];
            uint64_t id = prng_below(&prng, 30);
            snprintf(body, sizeof(body), "%u", i);
            if (prng_once_in(&prng, 4))
                delayed_cancel(shelf.delayed, id);
            else
                /* Different times: those of one millisecond have no order of their own in a checkpoint. */
                assert_int_equal(put(&shelf, id, shelf.io.wall_ms - START_MS + 1 + (i * 7919) % 997, body), 0);
            wait_ms(&shelf.io, prng_below(&prng, 5));
            if (i == 150) {
                tail = fake.appended.count;
                assert_int_equal(delayed_checkpoint(shelf.delayed), 0);
            }
        }
        replay(&other, &fake.checkpoint, 0);
        replay(&other, &fake.appended, tail);
        assert_int_equal(delayed_count(other.delayed), delayed_count(shelf.delayed));
        shelf.text[0] = '\0';
        other.io = shelf.io;
        other.io.timer = NULL;
        assert_int_equal(delayed_start(other.delayed), 0);
        wait_ms(&shelf.io, 2000);
        wait_ms(&other.io, 2000);
        assert_string_equal(shelf.text, other.text);
        assert_true(strlen(other.text) > 0);
        shelf_close(&shelf);
        shelf_close(&other);
    }
}

static void
checkpoint_tells_refusal(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, &fake);
    assert_int_equal(put(&shelf, 1, 10, "x"), 0);
    assert_int_equal(put(&shelf, 2, 10, "x"), 0);
    fake.refuse = -ERR_DISK;
    assert_int_equal(delayed_checkpoint(shelf.delayed), -ERR_DISK);
    fake.refuse = 0;
    assert_int_equal(delayed_checkpoint(shelf.delayed), 0);
    assert_int_equal(fake.checkpoint.count, 2);
    shelf_close(&shelf);
}

/* ---- memory ----------------------------------------------------------------------------------------------- */

static void
each_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t calls = UINT64_MAX;
    for (uint64_t fail_at = 0; fail_at <= calls; fail_at++) {
        static struct shelf shelf;
        shelf = (struct shelf){ .io.wall_ms = START_MS, .mem.fail_at = fail_at };
        int rc = delayed_new(&shelf.mem, &shelf.io, NULL, on_due, &shelf, &shelf.delayed);
        assert_true(rc == 0 || rc == -ERR_NO_MEMORY);
        uint64_t taken = 0;
        for (unsigned i = 0; rc == 0 && i < 40; i++) {
            int put_rc = put(&shelf, i, 100 - i, "x");
            assert_true(put_rc == 0 || put_rc == -ERR_NO_MEMORY);
            taken += put_rc == 0;
            assert_int_equal(delayed_count(shelf.delayed), taken);
        }
        if (rc == 0) {
            assert_int_equal(delayed_start(shelf.delayed), 0);
            wait_ms(&shelf.io, 200);
            assert_int_equal(delayed_count(shelf.delayed), 0);
        }
        if (fail_at == 0)
            calls = shelf.mem.calls;
        shelf_close(&shelf);
    }
}

static void
timer_without_memory_refuses_the_put(void **state)
{
    (void)state;
    static struct shelf shelf;
    shelf_open(&shelf, &fake);
    assert_int_equal(delayed_start(shelf.delayed), 0);
    shelf.io.refuse = true;
    assert_int_equal(put(&shelf, 1, 10, "x"), -ERR_NO_MEMORY);
    assert_int_equal(delayed_count(shelf.delayed), 0);
    assert_int_equal(fake.appended.count, 0);
    shelf_close(&shelf);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_in_order),
        cmocka_unit_test(what_is_due_already_waits_for_the_loop),
        cmocka_unit_test(put_replaces_and_cancel_forgets),
        cmocka_unit_test(nothing_is_due_before_the_start),
        cmocka_unit_test(wall_clock_may_be_set),
        cmocka_unit_test(many_at_once_take_several_turns),
        cmocka_unit_test(records_have_their_form),
        cmocka_unit_test(refused_by_the_log_changes_nothing),
        cmocka_unit_test(put_again_when_due),
        cmocka_unit_test(replay_goes_on),
        cmocka_unit_test(checkpoint_tells_refusal),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(timer_without_memory_refuses_the_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
