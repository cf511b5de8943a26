/* rig/seeds.c - see seeds.h. */
#include "rig/seeds.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/must.h"
#include "base/prng.h"

void
seeds_each(uint64_t count, seeds_fn *play, void *arg)
{
    const char *only = getenv("BABBLE_SEED");
    uint64_t from = only == NULL ? 1 : strtoull(only, NULL, 10), to = only == NULL ? count : from;
    for (uint64_t seed = from; seed <= to; seed++) {
        if (getenv("BABBLE_TELL") != NULL)
            fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        play(arg, seed);
    }
}

struct speech {
    size_t n;
    int kind;
    seeds_babble_fn *babble;
};

static void
speak(void *arg, uint64_t seed)
{
    const struct speech *speech = arg;
    uint8_t bytes[SEEDS_BYTES_MAX];
    struct prng prng;
    prng_init(&prng, seed);
    prng_fill(&prng, bytes, speech->n);
    if (speech->kind >= 0)
        bytes[0] = (uint8_t)speech->kind;
    speech->babble(view_of(bytes, speech->n));
}

void
seeds_babble(uint64_t count, size_t n, int kind, seeds_babble_fn *babble)
{
    must(n > 0 && n <= SEEDS_BYTES_MAX);
    seeds_each(count, speak, &(struct speech){ n, kind, babble });
}
