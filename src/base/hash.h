/* base/hash.h - hashing for maps and checksums for disk: xxHash's XXH3. */
#ifndef TAMBO_BASE_HASH_H
#define TAMBO_BASE_HASH_H

#include "base/view.h"

uint64_t hash_bytes(struct view v, uint64_t seed);

#endif
