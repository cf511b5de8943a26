/* client/carry.h - cuts a stream of reads into packets.
 *
 * What a read holds whole is decoded where it lies; only a packet that straddles reads is copied, into a buffer
 * that lives until that packet is complete. */
#ifndef TAMBO_CLIENT_CARRY_H
#define TAMBO_CLIENT_CARRY_H

#include "base/fault.h"
#include "base/view.h"

struct mem;

/* The size of the packet at the front of `in`; 0 when that cannot be told yet; -ERR_PROTOCOL with the fault.  It knows
 * by CARRY_HEADER_BYTES_MAX bytes at the latest. */
typedef ptrdiff_t carry_size_fn(struct view in, size_t packet_bytes_max, struct fault *reterr);

/* MQTT 5, 2.1.4: a type and four bytes of length.  AMQP 0-9-1, 4.2.3: type, channel, size. */
enum { CARRY_HEADER_BYTES_MAX = 7 };

struct carry {
    struct mem *mem;
    carry_size_fn *size;
    uint8_t *bytes;
    size_t len, room;
};

void carry_init(struct carry *carry, struct mem *mem, carry_size_fn *size);
/* Drops what is carried: for a new connection, and at the end. */
void carry_clear(struct carry *carry);

/* Give it each read and call until it returns 0; every 1 brings a view of exactly one packet, valid until the next
 * call. `in` moves on over what was taken.  -ERR_PROTOCOL (with the fault), -ERR_TOO_LARGE, -ERR_NO_MEMORY. */
int carry_next(struct carry *carry, struct view *in, size_t packet_bytes_max, struct view *ret, struct fault *reterr);

#endif
