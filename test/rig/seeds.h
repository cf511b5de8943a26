/* rig/seeds.h - the same conversation with many fixed seeds.  BABBLE_SEED=n in the environment plays that one alone,
 * BABBLE_TELL=1 tells each before it begins. */
#ifndef TAMBO_TEST_SEEDS_H
#define TAMBO_TEST_SEEDS_H

#include "base/view.h"

/* `play(arg, seed)` for each seed from 1 to `count`. */
typedef void seeds_fn(void *arg, uint64_t seed);
void seeds_each(uint64_t count, seeds_fn *play, void *arg);
/* For conversations that are made of bytes: `n` of them out of each seed (at most SEEDS_BYTES_MAX), the first of them
 * `kind` where that is not negative. */
enum { SEEDS_BYTES_MAX = 1024 };
typedef void seeds_babble_fn(struct view bytes);
void seeds_babble(uint64_t count, size_t n, int kind, seeds_babble_fn *babble);

#endif
