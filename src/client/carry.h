/* client/carry.h - cuts a stream of reads into packets.
 *
 * What a read holds whole is decoded where it lies; only a packet that straddles reads is copied, into a buffer
 * that lives until that packet is complete. */
#ifndef TAMBO_CLIENT_CARRY_H
#define TAMBO_CLIENT_CARRY_H

#include "base/fault.h"
#include "base/view.h"

struct mem;

struct carry {
    struct mem *mem;
    uint8_t *bytes;
    size_t len, room;
};

void carry_init(struct carry *carry, struct mem *mem);
/* Drops what is carried: for a new connection, and at the end. */
void carry_clear(struct carry *carry);

/* Give it each read and call until it returns 0; every 1 brings a view of exactly one packet, valid until the next
 * call. `in` moves on over what was taken.  -ERR_PROTOCOL (with the fault), -ERR_TOO_LARGE, -ERR_NO_MEMORY. */
int carry_next(struct carry *carry, struct view *in, size_t packet_bytes_max, struct view *ret, struct fault *reterr);

#endif
