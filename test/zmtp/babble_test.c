/* Senseless conversations with a ZMTP peer, of fixed seeds.  BABBLE_SEED=n plays that one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"
#include "zmtp/babble.h"

enum { SEEDS = 1500, BYTES = 300 };

static void
fixed_seeds(void **state)
{
    const char *only = getenv("BABBLE_SEED");
    uint64_t from = only == NULL ? 1 : strtoull(only, NULL, 10), to = only == NULL ? SEEDS : from;
    (void)state;
    for (uint64_t seed = from; seed <= to; seed++) {
        uint8_t bytes[BYTES];
        struct prng prng;
        prng_init(&prng, seed);
        prng_fill(&prng, bytes, sizeof(bytes));
        if (getenv("BABBLE_TELL") != NULL)
            print_message("seed %llu\n", (unsigned long long)seed);
        zmtp_babble(view_of(bytes, sizeof(bytes)));
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(fixed_seeds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
