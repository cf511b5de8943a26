/* wire/z85.h - Z85 (ZeroMQ's RFC 32): four bytes as five printable characters, the most significant first. */
#ifndef TAMBO_WIRE_Z85_H
#define TAMBO_WIRE_Z85_H

#include "base/view.h"

/* `bytes` is a multiple of 4 long; `ret` has room for 5 / 4 of it.  No NUL is added. */
void z85_encode(struct view bytes, char *ret);
/* 4 / 5 of `text` to `ret`; false when it is not Z85, and then what `ret` holds is of no use. */
bool z85_decode(struct view text, uint8_t *ret);

#endif
