/* zmtp/world.h - for the tests of session/zmtp: peers on simulated machines, and a raw stream that says any bytes.
 *
 * `a` accepts, `b` connects to it; or the raw end does, and speaks for itself.  Between a and b there may be a middle
 * that changes bytes.  Everything that happens goes into one transcript: "a ready: PUSH 3.1" is an event of a's,
 * "> READY ..." is what a sends to the raw end. */
#ifndef TAMBO_ZMTP_WORLD_H
#define TAMBO_ZMTP_WORLD_H

#include "base/mem.h"
#include "session/zmtp/peer.h"

struct sim;
struct sim_machine;
struct zmtp_world;

struct zmtp_party {
    struct zmtp_world *world;
    char name[2];
    struct mem mem;
    struct sim_machine *machine;
    struct io *io;
    struct zmtp_side side;
    struct zmtp_peer_on on; /* all of them but `pattern`, until the test changes it */
    struct zmtp_peer *peer; /* NULL when it is closed */
    int start_rc;
    int serves; /* what on.pattern answers, when the test sets it to zmtp_world_serves() */
    bool denies, counts_only;
    unsigned begun, closed;
    uint64_t messages, bytes, runs, referred;
    struct zmtp_end end;
};

struct zmtp_world {
    struct mem world_mem, raw_mem;
    struct sim *sim;
    struct zmtp_party a, b;

    struct sim_machine *raw_machine;
    struct io *raw_io;
    struct io_stream *raw;
    size_t raw_said;    /* bytes, on this connection */
    unsigned raw_major; /* what it has said that it speaks: it tells how a's bytes are read */
    size_t raw_at;      /* bytes of a's greeting that have come */
    uint8_t raw_bytes[128 * 1024];
    size_t raw_len;

    struct io_stream *middle[2]; /* to a, to b */
    size_t passed[2];            /* bytes that have come from a, from b */
    size_t flip[2];              /* that byte is changed; SIZE_MAX: none */
    bool repeats;                /* it passes everything twice */

    bool is_web; /* a and b talk over WebSocket; what the raw end hears is written down as it is */

    char text[32768];
    size_t text_len;
};

/* Two machines with NULL, PULL (a) and PUSH (b); the test changes their sides before it goes on. */
void zmtp_world_open(struct zmtp_world *world);
/* Frees all; nothing may be left in any mem. */
void zmtp_world_close(struct zmtp_world *world);
void zmtp_world_run(struct zmtp_world *world);
void zmtp_world_wait(struct zmtp_world *world, unsigned ms);

/* Keys for CURVE, for both sides. */
void zmtp_world_curve(struct zmtp_world *world);
int zmtp_world_serves(void *arg, const struct zmtp_peer *peer, const char **retreason);

/* b connects to a, or (`through_middle`) to the middle; all is let happen. */
void zmtp_world_meet(struct zmtp_world *world, bool through_middle);
/* The raw end connects to a. */
void zmtp_world_raw(struct zmtp_world *world);
/* Says bytes, in rig/notation.h; all is let happen. */
void zmtp_world_say(struct zmtp_world *world, const char *notation);
void zmtp_world_say_bytes(struct zmtp_world *world, struct view bytes);
/* A greeting of 3.x, as far as `len`. */
void zmtp_world_greet(struct zmtp_world *world, unsigned minor, const char *mechanism, size_t len);
/* A greeting of 3.x and READY: a is ready, and the transcript empty. */
void zmtp_world_raw_ready(struct zmtp_world *world, unsigned minor, const char *pattern);
/* A command with `data` in notation. */
void zmtp_world_command(struct zmtp_world *world, const char *name, const char *data);
void zmtp_world_hang_up(struct zmtp_world *world);

/* One message of `parts`, separated by '+'. */
int zmtp_world_put(struct zmtp_party *party, const char *parts);
/* One message of one part of `len` bytes, in a chunk of its own. */
int zmtp_world_put_large(struct zmtp_party *party, size_t len);

/* For raw.c and middle.c. */
__attribute__((format(printf, 2, 3))) void zmtp_world_note(struct zmtp_world *world, const char *format, ...);
void zmtp_world_note_bytes(struct zmtp_world *world, struct view bytes);
struct io_address zmtp_world_address(const char *machine);
int zmtp_world_start_middle(void *arg, struct io *io);

/* A case's own world, for cmocka_unit_test_setup_teardown(). */
int zmtp_world_setup(void **state);
int zmtp_world_teardown(void **state);

/* What was written since the last call is `want`. */
void zmtp_world_expect(struct zmtp_world *world, const char *want);
void zmtp_world_forget(struct zmtp_world *world);
/* It ends with a's leaving a peer that broke this rule ("text [clause]"). */
void zmtp_world_expect_breach(struct zmtp_world *world, const char *rule);

#endif
