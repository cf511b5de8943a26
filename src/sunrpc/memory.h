/* sunrpc/memory.h - memory as Sun RPC's programs know it: what xdr procedures take is the C library's, so that programs
 * may free it themselves, and theirs may be freed by XDR_FREE. */
#ifndef TAMBO_SUNRPC_MEMORY_H
#define TAMBO_SUNRPC_MEMORY_H

#include <stddef.h>

/* Zeroed; NULL: none. */
void *sun_take(size_t bytes);
/* NULL is fine. */
void sun_give(void *area);

#endif
