/* Senseless conversations with a ZMTP peer, of fixed seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rig/seeds.h"
#include "wire/zmtp.h"
#include "zmtp/babble.h"

enum { SEEDS = 1500, BYTES = 300 };

static void
fixed_seeds(void **state)
{
    (void)state;
    seeds_babble(SEEDS, BYTES, -1, zmtp_babble);
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
