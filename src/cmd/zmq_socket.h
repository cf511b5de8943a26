/* cmd/zmq_socket.h - the socket of a `tambo zmq` command: its options, its endpoints, waiting, its end.
 *
 * On the public API (tambo/socket.h), whose calls wait by themselves; with --events they wait a little at a time, and
 * what happened is told between. */
#ifndef TAMBO_CMD_ZMQ_SOCKET_H
#define TAMBO_CMD_ZMQ_SOCKET_H

#include "base/mem.h"
#include "cmd/options.h"
#include "tambo/socket.h"

struct io;

enum { ZMQ_ENDPOINTS_MAX = 64, ZMQ_KEY_CHARS = 40 };

struct zmq_socket {
    const char *command; /* "zmq push" */
    const char *endpoints[ZMQ_ENDPOINTS_MAX];
    unsigned endpoint_count;
    const char *routing_id, *plain_user, *plain_password, *curve_secret_key, *curve_public_key, *curve_server_key;
    uint64_t timeout_ns, linger_ns, send_max, recv_max, heartbeat_ns, message_bytes_max;
    bool bind, events, plain_server, curve_server;

    struct mem mem;
    struct io *io; /* for its clock, and to read files */
    struct tambo *context;
    struct tambo_socket *socket;
    struct complaint complaint;
};

void zmq_socket_init(struct zmq_socket *zmq, const char *command);
/* "Socket". */
struct option_group zmq_socket_options(struct zmq_socket *zmq);

/* The socket with what the options say, not on any endpoint yet.  This and all below: 0 or more, or -TAMBO_ERR_X with
 * the complaint. */
int zmq_socket_open(struct zmq_socket *zmq, enum tambo_pattern pattern);
/* Binds or connects. */
int zmq_socket_join(struct zmq_socket *zmq);
/* Each waits at most for --timeout: then -TAMBO_ERR_TIMEOUT. */
int zmq_socket_await_peers(struct zmq_socket *zmq, unsigned count);
int zmq_socket_send(struct zmq_socket *zmq, const struct tambo_part *parts, size_t count);
/* Flushes standard output before it waits. */
int zmq_socket_recv(struct zmq_socket *zmq, struct tambo_message **ret);
/* Waits for something on standard input, or for its end.  Without --timeout: whoever types may think. */
int zmq_socket_await_input(struct zmq_socket *zmq);
/* Waits until everything has been handed over; at most for --linger. */
int zmq_socket_drain(struct zmq_socket *zmq);
/* Frees all.  `rc` of what was done last; returns the exit code and tells the complaint. */
int zmq_socket_finish(struct zmq_socket *zmq, int rc);

#endif
