/* party.h - one side of a conversation between sockets with patterns: told what to do line by line on standard input,
 * answers a line each on standard output.  The test is in Python; party.c reads and writes the lines, and a back end of
 * each library does what they say.
 *
 *     open S PATTERN              set S OPTION VALUE          names of options as in tambo/socket.h
 *     bind S ENDPOINT             -> ok REAL-ENDPOINT
 *     connect S ENDPOINT          unbind, disconnect
 *     subscribe S PART            unsubscribe S PART
 *     send S MS PART...           recv S MS                   -> ok PART...
 *     allow USER PASSWORD         PLAIN: who may come in
 *     close S                     ask S WORD...               what only one library has
 *
 * A part is hexadecimal, or "-" when it is empty, or "*LEN:SEED": so many bytes of a known pattern.  An answer is
 * "ok WORD..." or "error TEXT". */
#ifndef PARTY_H
#define PARTY_H

#include <stdbool.h>
#include <stddef.h>

enum { PARTY_PARTS_MAX = 64, PARTY_WORDS_MAX = PARTY_PARTS_MAX + 3, PARTY_SOCKETS_MAX = 256 };

struct party_part {
    unsigned char *data; /* by malloc */
    size_t len;
};

struct party_message {
    struct party_part parts[PARTY_PARTS_MAX];
    size_t count;
};

/* Each returns 0, or an error of the library's for party_error(). */
int party_open(const char *pattern, void **ret);
int party_set(void *socket, const char *option, const char *value);
int party_bind(void *socket, const char *endpoint, char *ret, size_t size);
int party_connect(void *socket, const char *endpoint);
int party_unbind(void *socket, const char *endpoint);
int party_disconnect(void *socket, const char *endpoint);
int party_subscribe(void *socket, const struct party_part *prefix, bool on);
int party_send(void *socket, const struct party_message *message, int wait_ms);
/* Adds parts to the empty `ret`. */
int party_recv(void *socket, struct party_message *ret, int wait_ms);
int party_allow(const char *user, const char *password);
void party_close(void *socket);
/* All sockets are closed. */
void party_end(void);
/* Answers in `ret`. */
int party_ask(void *socket, char *const *words, int count, char *ret, size_t size);
const char *party_error(int rc);

/* For party_recv(): copies.  For options: a number. */
void party_add(struct party_message *message, const void *data, size_t len);
long long party_number(const char *text);

#endif
