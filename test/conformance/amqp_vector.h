/* conformance/amqp_vector.h - a conversation, and the rule of AMQP 0-9-1 that it shows us to keep.
 *
 * Each is played twice against a node (test/rig/amqp_script.h): as it stands, and every byte by itself. */
#ifndef TAMBO_CONFORMANCE_AMQP_VECTOR_H
#define TAMBO_CONFORMANCE_AMQP_VECTOR_H

#include <stddef.h>

struct amqp_vector {
    const char *name;
    const char *rule; /* test/conformance/amqp_rules.h */
    const char *script;
};

struct amqp_vectors {
    const struct amqp_vector *rows;
    size_t count;
};

/* All of them, a table a noun; NULL at the end. */
extern const struct amqp_vectors *const amqp_vector_tables[];
extern const struct amqp_vectors amqp_vectors_basic, amqp_vectors_channel, amqp_vectors_connection,
    amqp_vectors_exchange, amqp_vectors_extension, amqp_vectors_queue, amqp_vectors_settle, amqp_vectors_transport;

/* Connects, and opens channel 1; or 1 and 2. */
#define OPEN  "open\n1 > channel.open\n1 < channel.open-ok\n"
#define OPEN2 OPEN "2 > channel.open\n2 < channel.open-ok\n"
/* b does it, too. */
#define B_OPEN "b open\nb 1 > channel.open\nb 1 < channel.open-ok\n"
/* A queue q. */
#define QUEUE_Q "1 > queue.declare queue=q\n1 < queue.declare-ok queue=q\n"
/* The channel's, and the connection's end by its failure. */
#define CHANNEL_FAILS(code, text, class, method)                                                                 \
    "1 < channel.close reply-code=" #code " reply-text=\"" text "\" class-id=" #class " method-id=" #method "\n" \
                                                                                      "1 > channel.close-ok\n"
#define CONNECTION_FAILS(code, text, ids)                                        \
    "0 < connection.close reply-code=" #code " reply-text=\"" text "\"" ids "\n" \
    "0 > connection.close-ok\n< closed\n"

#endif
