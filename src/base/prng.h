/* base/prng.h - seeded pseudo-randomness (xoshiro256**, Blackman and Vigna).  Never for secrets.
 * The seeds come from io: this room knows no chance of its own. */
#ifndef TAMBO_BASE_PRNG_H
#define TAMBO_BASE_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct prng {
    uint64_t s[4];
};

void prng_init(struct prng *prng, uint64_t seed);
uint64_t prng_next(struct prng *prng);
/* Uniform in [0, n); n > 0. */
uint64_t prng_below(struct prng *prng, uint64_t n);
/* True once in `n` on average; n == 0 is never. */
int prng_once_in(struct prng *prng, uint64_t n);
void prng_fill(struct prng *prng, void *ret, size_t n);

#endif
