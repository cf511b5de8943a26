#include "life.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/mem.h"

static uint64_t
count_allocations(const struct life *life, const struct talk_setup *setup)
{
    struct talk *talk = talk_open(setup);
    uint64_t before = talk_mem(talk)->calls;
    life->live(talk);
    uint64_t n = talk_mem(talk)->calls - before;
    talk_close(talk);
    return n;
}

static void
each_fails(const struct life *life, bool durable)
{
    struct talk_setup setup = { .durable = durable, .settings = life->settings };
    uint64_t n = count_allocations(life, &setup);
    assert_true(n > 50);
    for (setup.mem_fail_at = 1; setup.mem_fail_at <= n; setup.mem_fail_at++) {
        struct talk *talk = talk_open(&setup);
        life->live(talk);
        life->still_works(talk);
        talk_close(talk);
    }
}

static void
each_allocation_fails_in_memory(void **state)
{
    each_fails(*state, false);
}

static void
each_allocation_fails_on_the_log(void **state)
{
    each_fails(*state, true);
}

int
life_main(const struct life *life)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(each_allocation_fails_in_memory, (void *)(uintptr_t)life),
        cmocka_unit_test_prestate(each_allocation_fails_on_the_log, (void *)(uintptr_t)life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
