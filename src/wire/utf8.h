/* wire/utf8.h - are these bytes text?  Pure. */
#ifndef TAMBO_WIRE_UTF8_H
#define TAMBO_WIRE_UTF8_H

#include "base/view.h"

/* Well-formed UTF-8 (RFC 3629: shortest forms, no surrogates, nothing above U+10FFFF) without U+0000: what MQTT calls
 * a UTF-8 Encoded String (1.5.4).  The empty view is. */
bool utf8_valid(struct view v);

#endif
