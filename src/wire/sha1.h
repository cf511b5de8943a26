/* wire/sha1.h - SHA-1 (RFC 3174), which WebSocket's handshake asks for.  It proves nothing: for no other use. */
#ifndef TAMBO_WIRE_SHA1_H
#define TAMBO_WIRE_SHA1_H

#include "base/view.h"

enum { SHA1_BYTES = 20 };

void sha1(struct view bytes, uint8_t ret[SHA1_BYTES]);

#endif
