/* rpc/server_rig.h - for the tests of servers: one on a simulated machine, and raw callers that send bytes as they are.
 *
 * It serves program 0x20000001 in versions 1 and 3:
 *     1 ECHO    opaque<> -> opaque<>
 *     2 ADD     int, int -> int
 *     4 LATER   unsigned -> unsigned: answered when the test says so
 *     5 FAIL    unsigned -> void: fails with that error; above 1000 its handler returns 1000
 *     6 LARGE   unsigned -> opaque<>: of so many bytes, up to a mebibyte
 *     7 LIST    linked list of unsigned -> unsigned: its sum
 *     8 NULLED  void -> string: results that cannot be encoded
 * and program 0x20000002, version 1, which takes any procedure: bytes -> the procedure's number, the bytes.
 *
 * Of a call that says that it is to be executed once, it checks that it is.
 *
 * It knows no test framework: what must hold is checked by must(), so that the fuzzer uses it too. */
#ifndef TAMBO_RPC_SERVER_RIG_H
#define TAMBO_RPC_SERVER_RIG_H

#include "base/mem.h"
#include "io/sim/sim.h"
#include "rpc/replay.h"
#include "rpc/server.h"

enum {
    RIG_RAWS = 4,
    RIG_RAW_BYTES_MAX = 256 * 1024,
    RIG_LATER_MAX = 4096,
    RIG_ONCE_MAX = 4096,
    RIG_RAN_MAX = 4096,
    RIG_MESSAGE_BYTES_MAX = 64 * 1024
};

/* One caller: a connection, or a socket for datagrams. */
struct rig_raw {
    struct server_rig *rig;
    struct io_stream *stream;
    struct io_datagram *datagram;
    bool is_ended;
    bool is_counted_only; /* what comes is not kept */
    size_t got_bytes;
    uint8_t got[RIG_RAW_BYTES_MAX];
};

struct server_rig {
    struct mem rig_mem, mem, server_mem, raw_mem;
    struct sim *sim;
    struct sim_machine *server_machine, *raw_machine;
    struct io *raw_io;
    struct rpc_world *world;
    struct rpc_server *server;
    int start_rc;
    struct rig_raw raws[RIG_RAWS];
    struct rpc_request *later[RIG_LATER_MAX]; /* LATERs that wait, oldest first */
    unsigned later_count;
    unsigned executed;                    /* handlers that ran */
    struct replay_key once[RIG_ONCE_MAX]; /* of those that are to run once */
    unsigned once_count;
    uint8_t ran[RIG_RAN_MAX]; /* how often ADD and LATER ran, by their first argument */
    unsigned drained;
    bool is_kept; /* requests are not run but kept in `later` */
    char text[3 * RIG_MESSAGE_BYTES_MAX];
    char said[1024];
};

enum { RIG_PROGRAMS = 3 };
extern const struct tambo_rpc_program rig_programs[RIG_PROGRAMS];

/* Procedures of rig_programs[0] by their numbers. */
enum { RIG_ADD = 2, RIG_LATER = 4 };

/* The server listens at tcp://a:700, udp://a:700 and inproc:test. */
struct server_rig *rig_open(void);
/* And two are connected. */
struct server_rig *rig_open_connected(void);
/* `fail_at`: the so many-th allocation of the server's machine fails; then rig->server may be NULL. */
struct server_rig *rig_open_failing(uint64_t fail_at);
/* Nothing may be left in any mem. */
void rig_close(struct server_rig *rig);
void rig_run(struct server_rig *rig, unsigned ms);
void rig_set(struct server_rig *rig, enum tambo_rpc_server_option option, int64_t value);

/* The i-th connects, or is for datagrams. */
void rig_connect(struct server_rig *rig, unsigned i);
void rig_bind(struct server_rig *rig, unsigned i);
void rig_cut(struct server_rig *rig, unsigned i);
/* Sends these bytes as they are, and lets nothing happen. */
void rig_send(struct server_rig *rig, unsigned i, struct view bytes);
/* Bytes as people write them: hex with blanks where one likes, [text]. */
size_t rig_bytes(const char *text, uint8_t *ret, size_t room);
/* Sends a message, written so, with its mark where it has one. */
void rig_put(struct server_rig *rig, unsigned i, const char *message);
/* And lets what follows happen. */
void rig_say(struct server_rig *rig, unsigned i, const char *message);
/* A call with our verifier: of procedure `number` with these arguments, by client "client" + `who`. */
struct rig_extra {
    const char *xid;
    unsigned number;
    const char *args;
    uint32_t flags, left_ms;
    char who;
    uint64_t sequence, settled;
    uint64_t boot; /* 0: the server's own */
};
void rig_put_call(struct server_rig *rig, unsigned i, const struct rig_extra *extra);
/* And lets what follows happen. */
void rig_call(struct server_rig *rig, unsigned i, const struct rig_extra *extra);
/* ADD 1 and 2, or LATER 8, to be executed once, by client "a". */
void rig_say_once(struct server_rig *rig, unsigned i, const char *xid, unsigned number, uint64_t sequence);
/* Of the procedure number `row` of all that are served. */
struct tambo_rpc_metric rig_metric(const struct server_rig *rig, unsigned row);
/* All that has come, one message a line in hexadecimal, words apart; forgotten then. */
const char *rig_heard(struct server_rig *rig, unsigned i);
uint64_t rig_boot_of(const struct server_rig *rig);
/* The oldest of those that wait, to be answered otherwise. */
struct rpc_request *rig_take(struct server_rig *rig);
/* Answers the oldest of those that wait with what it was asked. */
void rig_answer(struct server_rig *rig);
void rig_answer_all(struct server_rig *rig);

#endif
