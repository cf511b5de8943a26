/* rig/notation.h - bytes as people write them.
 *
 *     30 c0a8      hex, two digits a byte, blanks as you like
 *     (topic)      text behind its two-byte length
 *     [payload]    text alone
 *     < ... >      what is inside, behind its length as a variable byte integer: a packet's body, a packet's properties
 *
 * so "36 < (t) 0001 <> [hi] >" is an MQTT 5 PUBLISH with no properties. */
#ifndef TAMBO_RIG_NOTATION_H
#define TAMBO_RIG_NOTATION_H

#include <stddef.h>
#include <stdint.h>

/* Writes the bytes and returns how many.  A mistake in the notation, or one byte too many for `room`, ends the test
 * program: notation is ours. */
size_t notation_bytes(const char *text, uint8_t *ret, size_t room);

#endif
