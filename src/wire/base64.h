/* wire/base64.h - base64 (RFC 4648, 4): three bytes as four characters, padded with '='. */
#ifndef TAMBO_WIRE_BASE64_H
#define TAMBO_WIRE_BASE64_H

#include "base/view.h"

static inline size_t
base64_chars(size_t bytes)
{
    return (bytes + 2) / 3 * 4;
}

/* `ret` has room for base64_chars(); no NUL is added. */
void base64_encode(struct view bytes, char *ret);
/* At most 3 / 4 of `text` to `ret`.  How many bytes; -ERR_INVALID when it is not base64 in its one form, and then what
 * `ret` holds is of no use. */
ptrdiff_t base64_decode(struct view text, uint8_t *ret);

#endif
