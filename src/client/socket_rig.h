/* client/socket_rig.h - for the tests of sockets: machines of the simulator, each with a loop and its sockets.
 *
 * Messages are text, with "|" between their parts. */
#ifndef TAMBO_CLIENT_SOCKET_RIG_H
#define TAMBO_CLIENT_SOCKET_RIG_H

#include "base/mem.h"
#include "client/socket.h"
#include "io/sim/sim.h"

enum { RIG_HOSTS = 4, RIG_SOCKETS = 64 };

struct rig_host {
    struct mem mem;
    struct sim_machine *machine;
    struct socket_world *world;
};

struct rig {
    struct mem mem;
    struct sim *sim;
    struct rig_host hosts[RIG_HOSTS]; /* "a", "b", "c", "d" */
    unsigned gone;                    /* sockets that have said so */
    const char *password;             /* servers of PLAIN let in who knows it; NULL: everybody */
    char text[4096];                  /* what the newest answer lies in */
};

void rig_open(struct rig *rig);
void rig_open_with(struct rig *rig, uint64_t seed, const struct sim_profile *profile);
/* Frees all; nothing may be left in any mem. */
void rig_close(struct rig *rig);
void rig_run(struct rig *rig, unsigned ms);

/* On the machine of this letter. */
struct socket *rig_socket(struct rig *rig, char host, enum tambo_pattern pattern);
struct socket *rig_bound(struct rig *rig, char host, enum tambo_pattern pattern, const char *endpoint);
struct socket *rig_connected(struct rig *rig, char host, enum tambo_pattern pattern, const char *endpoint);

/* Where two sockets meet. */
struct rig_road {
    const char *bind, *connect;
    char host; /* of the one that connects; the other is on "a" */
};
enum { RIG_ROADS = 5, RIG_ORDERS = 4 };
extern const struct rig_road rig_roads[RIG_ROADS];
/* Over road `meeting / RIG_ORDERS`: who binds, and who comes first, that is the rest. */
enum { RIG_MEETINGS = RIG_ROADS * RIG_ORDERS };
void rig_meet(struct rig *rig, unsigned meeting, struct socket *one, struct socket *two);
/* On the machine that the road wants. */
void rig_pair(struct rig *rig, unsigned meeting, enum tambo_pattern one, enum tambo_pattern two, struct socket **retone,
              struct socket **rettwo);

int rig_send(struct socket *socket, const char *text);
/* "a|b", or the error's text in brackets: "(it would have to wait)" shortened to "-". */
const char *rig_recv(struct rig *rig, struct socket *socket);
/* All that is there, each behind a blank. */
const char *rig_recv_all(struct rig *rig, struct socket *socket);
/* All events that wait: "CONNECTING READY". */
const char *rig_events(struct rig *rig, struct socket *socket);
struct tambo_stats rig_stats(const struct socket *socket);
/* All connections between these machines break. */
void rig_cut(struct rig *rig, char a, char b);
/* The machine dies and is on again, without its sockets. */
void rig_reboot(struct rig *rig, char host);

#endif
