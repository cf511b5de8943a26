/* Senseless conversations in AMQP, of fixed seeds.  BABBLE_SEED=n plays that one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"
#include "rig/amqp_babble.h"

enum { SEEDS = 100, BYTES = 500 };

static void
babble_kind(uint8_t kind)
{
    const char *only = getenv("BABBLE_SEED");
    uint64_t from = only == NULL ? 1 : strtoull(only, NULL, 10), to = only == NULL ? SEEDS : from;
    for (uint64_t seed = from; seed <= to; seed++) {
        uint8_t bytes[BYTES];
        struct prng prng;
        prng_init(&prng, seed);
        prng_fill(&prng, bytes, sizeof(bytes));
        bytes[0] = kind;
        if (getenv("BABBLE_TELL") != NULL)
            print_message("kind %u seed %llu\n", kind, (unsigned long long)seed);
        amqp_babble(view_of(bytes, sizeof(bytes)));
    }
}

static void
in_memory(void **state)
{
    (void)state;
    babble_kind(0);
}

static void
on_the_log(void **state)
{
    (void)state;
    babble_kind(1);
}

static void
on_two_shards(void **state)
{
    (void)state;
    babble_kind(3);
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
