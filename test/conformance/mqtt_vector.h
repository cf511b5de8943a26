/* conformance/mqtt_vector.h - a conversation of one breath: bytes in, and what must come of it.
 *
 * The same rows are run twice: by mqtt_vectors_test against the decoder alone, which must name the rule and the reason
 * code, and against a running session, which must say so to the client.  How a refusal is said follows from where the
 * conversation stands (MQTT 5, 4.13): in 5.0 a CONNACK before the connection was accepted and a DISCONNECT after;
 * in 3.x a CONNACK for what has a return code (3.1.1, table 3.1) and nothing else; then the connection is closed.
 * First bytes that do not name MQTT tell no version: the closing is all their answer. */
#ifndef TAMBO_CONFORMANCE_MQTT_VECTOR_H
#define TAMBO_CONFORMANCE_MQTT_VECTOR_H

#include <stddef.h>

#include "wire/mqtt.h"

/* The maximum packet size that the vectors are written for. */
enum { VECTOR_PACKET_BYTES_MAX = 1 << 20, VECTOR_BYTES_MAX = 512 };

enum setup {
    FRESH,       /* nothing was said yet */
    CONNECTED,   /* as client "c", clean, keep alive 60 s, no properties; CONNACK received */
    FROM_SERVER, /* the bytes are a server's, and our client reads them */
};

enum answer {
    ANSWER_NONE,    /* nothing to complain of: the connection stays open */
    ANSWER_BYTES,   /* exactly `expects`, and the connection stays open */
    ANSWER_REFUSAL, /* `code`, and the connection is closed */
};

struct mqtt_vector {
    const char *name;
    const char *clause; /* the statement or section that it tests */
    enum mqtt_version version;
    enum setup setup;
    const char *sends; /* notation.h */
    enum answer answer;
    unsigned code;
    const char *seen; /* the clause that the decoder names; NULL: the bytes are well-formed, only a session can tell */
    const char *expects; /* notation.h */
};

#define ACCEPTED              .answer = ANSWER_NONE
#define ANSWERED(bytes)       .answer = ANSWER_BYTES, .expects = bytes
#define REFUSED(with, rule)   .answer = ANSWER_REFUSAL, .code = with, .seen = rule
#define SESSION_REFUSES(with) .answer = ANSWER_REFUSAL, .code = with

struct mqtt_vectors {
    const struct mqtt_vector *rows;
    size_t count;
};

/* All of them, a table a noun; NULL at the end. */
extern const struct mqtt_vectors *const mqtt_vector_tables[];
extern const struct mqtt_vectors vectors_ack, vectors_connect, vectors_connect_properties, vectors_framing,
    vectors_publish, vectors_server, vectors_subscribe;

#endif
