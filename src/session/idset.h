/* session/idset.h - a set of packet identifiers: the QoS 2 messages taken in and not released yet.
 *
 * Open addressing in one array of u16, at most half full.  A client counts its identifiers up, so each one's home slot
 * (its low bits) is nearly always free. */
#ifndef TAMBO_SESSION_IDSET_H
#define TAMBO_SESSION_IDSET_H

#include <stdbool.h>
#include <stdint.h>

struct mem;

/* Zeroed: empty, and owns no memory. */
struct idset {
    uint16_t *slots; /* 0: free */
    uint32_t mask, count;
};

void idset_fini(struct idset *set, struct mem *mem);
/* `id` > 0.  1: added; 0: it was there; -ERR_NO_MEMORY. */
int idset_add(struct idset *set, struct mem *mem, uint16_t id);
bool idset_has(const struct idset *set, uint16_t id);
/* Was it there? */
bool idset_cut(struct idset *set, uint16_t id);
/* Walks the set in no order: start with *at = 0; 0 at the end. */
uint16_t idset_next(const struct idset *set, uint32_t *at);

#endif
