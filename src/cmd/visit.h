/* cmd/visit.h - a command's connection to an AMQP server: its options, its one channel, its end.
 *
 * Embed it first: the callbacks of the client get the command's struct, which is the visit too.  visit_run() connects,
 * opens channel 1 and calls `begin`; from then on the command calls and publishes, and leaves. */
#ifndef TAMBO_CMD_VISIT_H
#define TAMBO_CMD_VISIT_H

#include "base/mem.h"
#include "client/amqp.h"
#include "cmd/url.h"

enum { VISIT_CHANNEL = 1 };

struct visit {
    const char *command; /* "put" */
    const char *host, *unix_path, *username, *password, *vhost;
    uint64_t port, heartbeat_s;
    char url[URL_BYTES_MAX];

    struct mem mem;
    struct io *io;
    struct amqp_client *client;
    struct amqp_client_on on;
    struct amqp_client_settings settings;
    void (*begin)(void *arg);
    /* SIGINT and SIGTERM; NULL: leaves. */
    void (*interrupted)(void *arg);
    /* Standard output was flushed at the end of a turn; may be NULL. */
    void (*flushed)(void *arg);
    bool dialed, leaving;
    int exit_code;
    struct complaint complaint;
};

void visit_init(struct visit *visit, const char *command);
/* "Server". */
struct option_group visit_options(struct visit *visit);
/* The loop, before visit_run(): for input and timers.  0, or an exit code and the complaint is told. */
int visit_open(struct visit *visit);
/* `on`: what the command wants to hear; opened, closed and (when NULL) channel_closed are the visit's.  Begins to
 * connect; 0 or -err with the complaint. */
int visit_dial(struct visit *visit, const struct amqp_client_on *on, void (*begin)(void *arg));
/* Runs the loop to its end, and frees all but what is the command's.  `rc`: what came of the start.  Returns the exit
 * code. */
int visit_finish(struct visit *visit, int rc);

/* A method on the channel; a failure ends the visit. */
void visit_call(struct visit *visit, const struct amqp_method *m, uint64_t token);
/* Leaves; what was put before still arrives. */
void visit_leave(struct visit *visit);
/* Leaves with a complaint and exit code 1; the first one counts. */
void visit_fail(struct visit *visit, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
