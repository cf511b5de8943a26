/* rig/amqp_text.h - AMQP 0-9-1 as a line of text, both ways, by the names of the codec's own table.
 *
 *     1 queue.declare queue=q durable arguments={x-max-length=10}
 *     1 basic.publish routing-key=q delivery-mode=2 headers={k=v} 'hello'
 *     0 heartbeat
 *
 * A channel, a method, its arguments: NAME=VALUE, a bit by its name alone, nothing for what is 0 or empty.  A text with
 * blanks stands in "quotes", a byte that is no text is \HH.  A method with content goes on with the content's
 * properties and its 'body', or size=N for N bytes of x; without either it stands alone, and
 *
 *     1 header body-size=5 class=60 weight=0 delivery-mode=2
 *     1 body 'hello'
 *
 * are the frames that follow.  In a table, a value is text, true or false, or a number (type I) unless its type is
 * told: {a=text b=1 c:L=1 d:F={} e:A=[1 L=2 F={}] f:V=}; f and d as decimal numbers, D as its scale/value.
 *
 * A mistake in the notation ends the test program: notation is ours. */
#ifndef TAMBO_RIG_AMQP_TEXT_H
#define TAMBO_RIG_AMQP_TEXT_H

#include "base/view.h"

/* The frames of one line; bodies are cut to `frame_max`.  Returns the bytes written. */
size_t amqp_text_frames(const char *line, uint32_t frame_max, uint8_t *ret, size_t room);

/* Prints the first method, with all its content, or the first other frame of `in`, as such a line, without its end.
 * Returns the bytes consumed; 0: not all of it is there.  What is no frame is printed as "raw" and its bytes. */
size_t amqp_text_print(struct view in, char *ret, size_t room);

#endif
