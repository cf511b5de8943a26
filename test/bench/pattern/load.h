/* load.h - one side of a measurement between sockets with patterns, the same for all libraries.
 *
 * load.c has the roles, the clock and the numbers; tambo.c, libzmq.c, nng.c and raw.c (bare sockets that block)
 * each say how theirs does these few things, in the way that its own documentation recommends for speed.
 *
 *     rep ENDPOINT                       echoes
 *     req ENDPOINT                       -> round trips
 *     inproc NAME                        both, in threads of one process
 *     pull ENDPOINT                      -> messages a second
 *     push ENDPOINT                      sends until it is killed
 *     sub ENDPOINT --sockets N           -> messages a second, of all N
 *     pub ENDPOINT --sockets N           waits for N subscribers, publishes until it is killed
 *     idle ENDPOINT                      PULL, and nothing else
 *
 * With --bytes N, --seconds S, --warmup S, --cores A,B (inproc: its threads' cores).  Results are JSON on a line.  Who
 * is killed says nothing. */
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <stdint.h>

enum load_role { LOAD_REQ, LOAD_REP, LOAD_PUSH, LOAD_PULL, LOAD_PUB, LOAD_SUB };

/* Larger ones are made and taken as the library does it without a copy. */
enum { LOAD_COPY_MAX = 2048, LOAD_SOCKETS_MAX = 1000 };

struct load_socket;

/* Once, before all others. */
void load_begin(void);
/* Ends the program with a complaint when it cannot be done.  REP, PULL and PUB bind, the others connect.  `prefix`: for
 * LOAD_SUB.  `bytes`: what its messages will have, for bare sockets. */
struct load_socket *load_open(enum load_role role, const char *endpoint, const char *prefix, size_t bytes);
/* PUB: until `count` are there. */
void load_await_subscribers(struct load_socket *socket, unsigned count);
/* A message of `len` bytes that begins with the `head_len` ones; of what is behind them nothing is asked. */
void load_send(struct load_socket *socket, const void *head, size_t head_len, size_t len);
/* The next message; its first bytes, at most `size`, are copied.  Returns its length. */
size_t load_recv(struct load_socket *socket, void *head, size_t size);
/* Waits until one of `count` sockets has messages and hands over what is there. */
void load_recv_any(struct load_socket **sockets, unsigned count,
                   void (*on)(void *arg, unsigned socket, const void *head, size_t len), void *arg);

_Noreturn void load_fail(const char *what, const char *why);

#endif
