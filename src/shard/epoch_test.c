/* Marks: which turns are durable. */
#include "shard/epoch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/prng.h"

enum { SHARDS = 3, RING = 256 };

struct rig {
    struct mem mem;
    struct marks marks;
};

static void
open_marks(struct rig *rig)
{
    *rig = (struct rig){ 0 };
    assert_int_equal(marks_init(&rig->marks, &rig->mem, SHARDS), 0);
    assert_null(marks_first(&rig->marks));
}

static void
close_marks(struct rig *rig)
{
    marks_fini(&rig->marks);
    assert_int_equal(rig->mem.used_bytes, 0);
}

static void
push(struct rig *rig, uint64_t epoch, uint64_t position, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t numbers[SHARDS] = { a, b, c };
    marks_push(&rig->marks, epoch, position, numbers);
}

static void
expect_first(struct rig *rig, uint64_t epoch, uint64_t position, uint64_t a, uint64_t b, uint64_t c)
{
    const struct mark *m = marks_first(&rig->marks);
    const uint64_t numbers[SHARDS] = { a, b, c };
    assert_non_null(m);
    assert_int_equal(m->epoch, epoch);
    assert_int_equal(m->position, position);
    assert_memory_equal(m->numbers, numbers, sizeof(numbers));
}

static void
what_is_written_does_not_ask_the_others(void **state)
{
    struct rig rig;
    (void)state;
    open_marks(&rig);
    assert_null(marks_upto(&rig.marks, 1000));
    push(&rig, 1, 100, 0, 1, 2);
    push(&rig, 2, 100, 0, 1, 3);
    push(&rig, 3, 200, 0, 1, 3);
    assert_null(marks_upto(&rig.marks, 99));
    assert_int_equal(marks_upto(&rig.marks, 100)->epoch, 2);
    assert_int_equal(marks_upto(&rig.marks, 199)->epoch, 2);
    assert_int_equal(marks_upto(&rig.marks, 200)->epoch, 3);
    close_marks(&rig);
}

static void
marks_leave_in_order(void **state)
{
    struct rig rig;
    (void)state;
    open_marks(&rig);
    push(&rig, 1, 100, 0, 1, 2);
    push(&rig, 2, 200, 0, 1, 2);
    push(&rig, 3, 200, 0, 1, 3);
    expect_first(&rig, 1, 100, 0, 1, 2);
    marks_pop(&rig.marks);
    expect_first(&rig, 2, 200, 0, 1, 2);
    marks_pop(&rig.marks);
    expect_first(&rig, 3, 200, 0, 1, 3);
    marks_pop(&rig.marks);
    assert_null(marks_first(&rig.marks));
    close_marks(&rig);
}

/* A turn in which nothing was stored is durable when the one before it is. */
static void
a_turn_without_news_joins_the_last(void **state)
{
    struct rig rig;
    (void)state;
    open_marks(&rig);
    push(&rig, 1, 100, 0, 1, 2);
    push(&rig, 2, 100, 0, 1, 2);
    push(&rig, 3, 100, 0, 1, 2);
    expect_first(&rig, 3, 100, 0, 1, 2);
    marks_pop(&rig.marks);
    assert_null(marks_first(&rig.marks));
    push(&rig, 4, 100, 0, 1, 2);
    expect_first(&rig, 4, 100, 0, 1, 2);
    close_marks(&rig);
}

/* Beyond its room the newest mark stands for all that come: they wait longer, and none is lost. */
static void
a_full_ring_folds(void **state)
{
    struct rig rig;
    (void)state;
    open_marks(&rig);
    for (uint64_t i = 1; i <= 2 * RING; i++)
        push(&rig, i, i * 10, i, i, i);
    for (uint64_t i = 1; i < RING; i++) {
        expect_first(&rig, i, i * 10, i, i, i);
        marks_pop(&rig.marks);
    }
    expect_first(&rig, 2 * RING, 20 * RING, 2 * RING, 2 * RING, 2 * RING);
    marks_pop(&rig.marks);
    assert_null(marks_first(&rig.marks));
    close_marks(&rig);
}

/* What a mark promises: when its position and numbers are reached, so are those of every epoch up to its own. */
static void
no_epoch_is_done_too_early(void **state)
{
    enum { EPOCHS = 5000 };
    static uint64_t position_of[EPOCHS + 1], number_of[EPOCHS + 1];
    uint64_t position = 0, number = 0, done = 0, epoch = 0;
    struct rig rig;
    struct prng prng;
    (void)state;
    open_marks(&rig);
    prng_init(&prng, 1);
    while (done < EPOCHS) {
        if (epoch < EPOCHS && !prng_once_in(&prng, 3)) {
            position_of[++epoch] = position += prng_below(&prng, 3);
            number_of[epoch] = number += prng_below(&prng, 2);
            push(&rig, epoch, position, 0, number, 0);
        } else if (marks_first(&rig.marks) != NULL && (epoch == EPOCHS || prng_once_in(&prng, 4))) {
            const struct mark *m = marks_first(&rig.marks);
            assert_true(m->epoch > done && m->epoch <= epoch);
            assert_true(m->position >= position_of[m->epoch] && m->numbers[1] >= number_of[m->epoch]);
            done = m->epoch;
            marks_pop(&rig.marks);
        }
    }
    close_marks(&rig);
}

static void
no_memory(void **state)
{
    struct mem mem = { .fail_at = 1 };
    struct marks marks;
    (void)state;
    assert_int_equal(marks_init(&marks, &mem, SHARDS), -ERR_NO_MEMORY);
    marks_fini(&marks);
    assert_int_equal(mem.used_bytes, 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_leave_in_order),
        cmocka_unit_test(what_is_written_does_not_ask_the_others),
        cmocka_unit_test(a_turn_without_news_joins_the_last),
        cmocka_unit_test(a_full_ring_folds),
        cmocka_unit_test(no_epoch_is_done_too_early),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
