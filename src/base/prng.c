#include "base/prng.h"

#include <string.h>

static uint64_t
rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

/* SplitMix64 spreads the seed over the state, so that near seeds give far sequences. */
void
prng_init(struct prng *prng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        prng->s[i] = z ^ z >> 31;
    }
}

uint64_t
prng_next(struct prng *prng)
{
    uint64_t *s = prng->s;
    uint64_t r = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return r;
}

uint64_t
prng_below(struct prng *prng, uint64_t n)
{
    return (uint64_t)((unsigned __int128)prng_next(prng) * n >> 64);
}

int
prng_once_in(struct prng *prng, uint64_t n)
{
    return n != 0 && prng_below(prng, n) == 0;
}

void
prng_fill(struct prng *prng, void *ret, size_t n)
{
    uint8_t *at = ret;
    while (n > 0) {
        uint64_t x = prng_next(prng);
        size_t k = n < sizeof(x) ? n : sizeof(x);
        memcpy(at, &x, k);
        at += k;
        n -= k;
    }
}
