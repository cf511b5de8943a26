/* call.h - one side of a measurement of remote procedure calls, the same for all libraries.
 *
 * call.c has the roles, the clock and the numbers; tambo.c, libtirpc.c and raw.c (bare sockets that block, with
 * messages of the same sizes) each say how theirs does these few things.
 *
 *     serve ENDPOINT                     answers NULL and ECHO until it is killed
 *     call ENDPOINT --bytes N            one after the other -> times; 0: NULL, else ECHO
 *     pipeline ENDPOINT --flight N       so many NULL calls under way -> calls a second
 *     xdr                                encodes and decodes the record of load.x -> times a second
 *
 * An endpoint is tcp://127.0.0.1:PORT or udp://127.0.0.1:PORT.  With --seconds S, --warmup S.  Results are JSON on a
 * line. */
#ifndef CALL_H
#define CALL_H

#include <stddef.h>
#include <stdint.h>

enum { CALL_BYTES_MAX = 65536, CALL_FLIGHT_MAX = 4096, CALL_ENTRIES = 100 };

struct call_client;

/* Ends the program with a complaint when it cannot be done. `bytes`: what ECHO will have, for bare sockets. */
_Noreturn void call_serve(const char *endpoint, size_t bytes);
struct call_client *call_open(const char *endpoint, size_t bytes);
/* ECHO of so many bytes, which come back; NULL when there are none. */
void call_once(struct call_client *client, const void *data, size_t len);
/* NULL calls, so many under way, until `on`, which is called for each that is done, returns 0. */
void call_pipeline(struct call_client *client, unsigned flight, int (*on)(void *arg), void *arg);
/* The record, encoded and decoded once; the number of its bytes. */
size_t call_record(void);

_Noreturn void call_fail(const char *what, const char *why);
/* tcp or udp, and the port. */
int call_is_udp(const char *endpoint, unsigned *retport);

#endif
