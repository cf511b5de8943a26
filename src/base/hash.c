#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
hash_bytes(struct view v, uint64_t seed)
{
    return XXH3_64bits_withSeed(v.data, v.len, seed);
}
