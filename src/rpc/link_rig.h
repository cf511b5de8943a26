/* rpc/link_rig.h - for the tests of links: machines of the simulator, each with an rpc world, and ends of links that
 * remember what they were told. */
#ifndef TAMBO_RPC_LINK_RIG_H
#define TAMBO_RPC_LINK_RIG_H

#include "base/mem.h"
#include "io/sim/sim.h"
#include "rpc/link.h"

enum { RIG_HOSTS = 2, RIG_ENDS = 8, RIG_MESSAGE_BYTES_MAX = 1 << 20 };

struct rig_host {
    struct mem mem;
    struct sim_machine *machine;
    struct rpc_world *world;
    unsigned idles;
};

/* One end, and what has come.  Messages are text; `heard` has all of them, each with a comma behind. */
struct rig_end {
    struct rig *rig;
    struct rpc_link *link; /* NULL: closed, or never there */
    unsigned opened, ended, drained, messages;
    int opened_rc, ended_rc;
    size_t bytes;
    char heard[512];
    bool echoes, has_from;
    enum { RIG_STAYS, RIG_CLOSES, RIG_ABORTS, RIG_PAUSES } at_message;
    bool closes_at_opened, closes_at_ended;
};

struct rig {
    struct mem mem;
    struct sim *sim;
    struct rig_host a, b;
    struct rpc_door *door; /* on a */
    struct rig_end client; /* on b, or on a where there is no other way */
    struct rig_end servers[RIG_ENDS];
    unsigned came;
    bool refuses, closes_at_came;
};

/* A way between two ends. */
struct rig_road {
    const char *door, *link;
    bool is_local;
};
enum { RIG_TCP, RIG_UNIX, RIG_INPROC, RIG_UDP, RIG_ROADS };
extern const struct rig_road rig_roads[RIG_ROADS];

void rig_open(struct rig *rig);
/* Frees all; nothing may be left in any mem. */
void rig_close(struct rig *rig);
void rig_run(struct rig *rig, unsigned ms);

/* 0 or -err. */
int rig_listen(struct rig *rig, unsigned road);
int rig_connect(struct rig *rig, unsigned road);
/* Both, and all is let happen; then both ends are there. */
void rig_meet(struct rig *rig, unsigned road);
/* Puts an encoded text.  0 or -err. */
int rig_say(struct rig_end *end, const char *text);
/* The same where it leaves, of `n` bytes. */
int rig_write(struct rig_end *end, size_t n, size_t bytes_max);
void rig_leave(struct rig_end *end);

#endif
