/* Senseless conversations in AMQP, of fixed seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig/amqp_babble.h"
#include "rig/seeds.h"

enum { SEEDS = 100, BYTES = 500 };

static void
in_memory(void **state)
{
    (void)state;
    seeds_babble(SEEDS, BYTES, 0, amqp_babble);
}

static void
on_the_log(void **state)
{
    (void)state;
    seeds_babble(SEEDS, BYTES, 1, amqp_babble);
}

static void
on_two_shards(void **state)
{
    (void)state;
    seeds_babble(SEEDS, BYTES, 3, amqp_babble);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory),
        cmocka_unit_test(on_the_log),
        cmocka_unit_test(on_two_shards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
