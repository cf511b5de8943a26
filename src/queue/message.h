/* queue/message.h - the one container on every path.
 *
 * An envelope is a message as it stands in somebody else's bytes: views, good for the turn.  A message is the same in
 * one allocation of its own, immutable and counted.  Properties stay in the encoding in which they came; they are
 * converted only when a message leaves by another protocol. */
#ifndef TAMBO_QUEUE_MESSAGE_H
#define TAMBO_QUEUE_MESSAGE_H

#include "base/cursor.h"
#include "base/view.h"

struct mem;

enum encoding {
    ENCODING_NONE,  /* no properties at all */
    ENCODING_MQTT5, /* MQTT 5 PUBLISH properties without their length, and without topic alias, expiry and subscription
                     * identifiers, which belong to the hop and not to the message */
    ENCODING_AMQP091,
};

struct envelope {
    struct view topic; /* in MQTT's syntax, or the routing key */
    struct view props;
    struct view body;
    uint64_t published_ms; /* UTC: when it was taken in */
    uint64_t expires_ms;   /* UTC millisecond at which it is worthless; 0: never */
    uint8_t encoding;
    uint8_t qos; /* as published: above 0 is durable */
    bool retain; /* as published */
};

struct message {
    uint32_t refs;
    struct mem *mem;
    struct envelope env; /* its views look into bytes[] */
    uint8_t bytes[];
};

/* Copies; one reference is the caller's.  NULL: no memory. */
struct message *message_new(struct mem *mem, const struct envelope *env);
struct message *message_ref(struct message *message);
void message_unref(struct message *message); /* NULL is fine */

/* As bytes in a log record: the fixed fields, then topic, props, body.  The layout is in docs/disk-format.md. */
enum { ENVELOPE_HEAD_BYTES_MAX = 64, ENVELOPE_HEAD_BYTES_NOMINAL = 32 };
/* Writes the head into `room` (ENVELOPE_HEAD_BYTES_MAX); the record is then head, topic, props, body.  Returns the
 * head's bytes. */
size_t envelope_head(const struct envelope *env, uint8_t *room);
/* What it counts for against a limit in bytes, whatever the form in which it is stored. */
size_t envelope_bytes(const struct envelope *env);
/* 0, -ERR_DAMAGED, or -ERR_FORMAT (written by a later version).  Views borrow `in`. */
int envelope_parse(struct view in, struct envelope *ret);

#endif
