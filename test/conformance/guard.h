/* conformance/guard.h - bytes that end where the address space does: one read too far ends the test program. */
#ifndef TAMBO_CONFORMANCE_GUARD_H
#define TAMBO_CONFORMANCE_GUARD_H

#include "base/view.h"

struct guard {
    uint8_t *base, *end; /* what is at `end` may not be touched */
};

/* Room for `bytes_max` bytes. */
void guard_init(struct guard *guard, size_t bytes_max);
void guard_fini(struct guard *guard);
/* A copy of `v` that ends at the guard; gone with the next one. */
struct view guard_place(const struct guard *guard, struct view v);

#endif
