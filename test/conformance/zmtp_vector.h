/* conformance/zmtp_vector.h - bytes of ZMTP, the rule that they show, and what the codec must say of them.
 *
 * Each is fed as it stands and cut at every byte, always ending at a guard page. */
#ifndef TAMBO_CONFORMANCE_ZMTP_VECTOR_H
#define TAMBO_CONFORMANCE_ZMTP_VECTOR_H

#include <stddef.h>

#include "base/fault.h"
#include "base/view.h"

/* ZMTP_VECTOR_BODY_MAX is the limit that frames are read with. */
enum { ZMTP_VECTOR_BYTES_MAX = 1024, ZMTP_VECTOR_TEXT_MAX = 512, ZMTP_VECTOR_BODY_MAX = 512 };

/* What the bytes are read as, and how that is said.  Values are quoted, or only counted when they are long. */
enum zmtp_kind {
    /* what comes in pieces */
    ZMTP_READ_VERSION,  /* "3" */
    ZMTP_READ_GREETING, /* "3.1 NULL", "3.0 PLAIN server", "2.0 DEALER" */
    ZMTP_READ_IDENTITY, /* "'name'" */
    ZMTP_READ_FRAMES,   /* "more 'a', last 'b', command 'c'" */
    ZMTP_READ_FRAMES_2, /* the same of ZMTP 2.0 */
    /* what is whole, in a frame, a command or a box */
    ZMTP_READ_COMMAND,     /* "READY 'data'" */
    ZMTP_READ_PROPERTIES,  /* "Name 'value', Name 'value'" */
    ZMTP_READ_METADATA,    /* "DEALER identity '' resource ''" */
    ZMTP_READ_PING,        /* "10 'context'" */
    ZMTP_READ_PONG,        /* "'context'" */
    ZMTP_READ_ERROR,       /* "'reason'" */
    ZMTP_READ_HELLO,       /* "'user' 'password'" */
    ZMTP_READ_WELCOME,     /* "" */
    ZMTP_READ_CURVE_HELLO, /* "front 32, nonce 8, box 80" */
    ZMTP_READ_CURVE_WELCOME,
    ZMTP_READ_CURVE_INITIATE,
    ZMTP_READ_CURVE_READY,
    ZMTP_READ_CURVE_MESSAGE,
    ZMTP_READ_PAYLOAD, /* as a frame */
    ZMTP_READ_KINDS,
};

struct zmtp_vector {
    const char *name;
    const char *rule; /* test/conformance/zmtp_rules.h */
    enum zmtp_kind kind;
    const char *bytes;   /* rig/notation.h */
    const char *expects; /* what is said of them; NULL: they are refused */
    const char *clause;  /* that the refusal names; NULL: -ERR_TOO_LARGE */
};

#define SAYS(text)     .expects = text
#define BREAKS(clause) NULL, clause
#define PASSES_LIMIT   NULL, NULL

struct zmtp_vectors {
    const struct zmtp_vector *rows;
    size_t count;
};

/* All of them, a table a noun; NULL at the end. */
extern const struct zmtp_vectors *const zmtp_vector_tables[];
extern const struct zmtp_vectors zmtp_vectors_greeting, zmtp_vectors_frame, zmtp_vectors_command,
    zmtp_vectors_mechanism;

/* The parts of a greeting, padded. */
#define ZMTP_SIGNATURE "ff 0000000000000000 7f "
#define ZMTP_ZEROS_8   " 0000000000000000 "
#define ZMTP_ZEROS_15  ZMTP_ZEROS_8 "00000000000000 "
#define ZMTP_ZEROS_31  ZMTP_ZEROS_15 ZMTP_ZEROS_15 "00 "
#define ZMTP_IS_NULL   "[NULL]" ZMTP_ZEROS_15 "00 "
#define ZMTP_IS_PLAIN  "[PLAIN]" ZMTP_ZEROS_15
#define ZMTP_IS_CURVE  "[CURVE]" ZMTP_ZEROS_15

/* What comes in pieces: the rest may follow. */
bool zmtp_kind_is_stream(enum zmtp_kind kind);
/* What has been said so far; zeroed at the beginning. */
struct zmtp_said {
    char text[ZMTP_VECTOR_TEXT_MAX];
    size_t len;
};
/* Reads what is in front as `kind`, and says it behind what is there.  Returns its bytes, 0 when it is not whole yet,
 * or -err; of what is no stream 0 is success. */
int64_t zmtp_vector_read(enum zmtp_kind kind, struct view in, struct zmtp_said *ret, struct fault *why);

#endif
