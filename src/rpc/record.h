/* rpc/record.h - messages out of a stream of marked fragments (RFC 5531, 11).
 *
 * A record that lies whole in what was read, in one fragment, is told where it lies.  Any other is gathered: memory is
 * taken for bytes that have come, never for what a mark claims. */
#ifndef TAMBO_RPC_RECORD_H
#define TAMBO_RPC_RECORD_H

#include "base/view.h"
#include "wire/oncrpc.h"

struct mem;

/* Empty fragments say nothing and cost nothing, so a record may not have them without end. */
enum { RPC_EMPTY_FRAGMENTS_MAX = 16 };

/* Zeroed memory is the beginning of a stream. */
struct rpc_record {
    uint8_t *bytes; /* gathered */
    size_t len, room;
    uint32_t left; /* of the fragment */
    uint8_t mark[ONCRPC_MARK_BYTES], mark_len;
    uint8_t empty_fragments;
    bool in_fragment, is_last, is_told;
};

/* Takes from the front of *in: 1 and a message, borrowed until the next call; 0: all of *in is used up;
 * -ERR_TOO_LARGE, -ERR_PROTOCOL, -ERR_NO_MEMORY, and then the stream cannot be read any more. */
int rpc_record_next(struct rpc_record *record, struct mem *mem, size_t bytes_max, struct view *in, struct view *ret);
void rpc_record_fini(struct rpc_record *record, struct mem *mem);

#endif
