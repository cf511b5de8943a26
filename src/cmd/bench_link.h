/* cmd/bench_link.h - one bare connection of the load generator: dials, greets, cuts the stream into frames.
 *
 * It is not client/mqtt.h or client/amqp.h: those decode and keep every message, this one hands out frames as they lie
 * in the read buffer, so that a generator on one core can outrun any broker on another. */
#ifndef TAMBO_CMD_BENCH_LINK_H
#define TAMBO_CMD_BENCH_LINK_H

#include "client/carry.h"
#include "cmd/bench_protocol.h"
#include "io/io.h"

enum { LINK_END_MAX = 200 };

/* Who is connecting. */
struct link_hello {
    struct view name, username, password;
    bool has_username, has_password;
    bool keep;       /* the server keeps what it has of that name, and goes on keeping it */
    uint8_t version; /* of MQTT */
};

/* `arg` is the one given at link_open. */
struct link_on {
    /* The views are used at once. */
    void (*greet)(void *arg, struct link_hello *ret);
    /* The server said yes. */
    void (*opened)(void *arg);
    /* Any later frame, whole, borrowed for the call. */
    void (*frame)(void *arg, struct view frame);
    /* The last call.  `why`: a line without its end; NULL when link_close() was called. */
    void (*closed)(void *arg, const char *why);
};

struct link {
    struct io *io;
    struct io_stream *stream;
    const struct protocol *protocol;
    const struct link_on *on;
    void *arg;
    struct carry carry;
    uint64_t read_ns; /* when the last read came */
    uint8_t version;  /* of MQTT */
    bool is_open, leaving, left;
    char end[LINK_END_MAX];
};

/* Zeroed memory is a link that is not open.  0 or -err. */
int link_open(struct link *link, struct io *io, const struct io_address *address, const struct protocol *protocol,
              const struct link_on *on, void *arg);
/* After `closed`, or when the loop is gone. */
void link_fini(struct link *link);
/* The protocol's farewell, and then the end. */
void link_close(struct link *link);
/* Something was wrong with what the server sent. */
void link_fail(struct link *link, const char *text);

/* ---- for protocols ---- */

void link_opened(struct link *link);
/* It ends for this reason. */
void link_end(struct link *link, const char *why);
/* Room for `n` bytes, for io_put_done().  NULL: no memory, or the stream has ended, which the
 * owner hears by itself. */
static inline uint8_t *
link_room(struct link *link, size_t n)
{
    return link->leaving ? NULL : io_put_room(link->stream, n);
}

#endif
