/* Senseless conversations with a ZMTP peer, of fixed seeds.  BABBLE_SEED=n plays that one alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"
#include "wire/zmtp.h"
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

/* What the fuzzer has found: a PUSH that is greeted by a peer of ZMTP 2.0, which it then sends a large message. */
static void
findings(void **state)
{
    static const uint8_t large_to_2_0[] = { 0, ZMTP_PUSH, 0, 0, 0, 2, 1, 9, 2, 200, 9, 2, 200 };
    (void)state;
    zmtp_babble(view_of(large_to_2_0, sizeof(large_to_2_0)));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = { cmocka_unit_test(fixed_seeds), cmocka_unit_test(findings) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
