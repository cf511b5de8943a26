/* catalog/mq_rig.h - a catalog on a simulated machine for the tests of its queues: one virtual host "/" that publishes
 * and consumes without a protocol. */
#ifndef TAMBO_CATALOG_MQ_RIG_H
#define TAMBO_CATALOG_MQ_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "catalog/inner.h"
#include "io/sim/sim.h"

struct rig {
    struct mem world, mem;
    struct sim *sim;
    struct sim_machine *machine;
    struct io *io;
    struct log *log;
    struct log_report report;
    struct queue_host queues;
    struct route *route;
    struct exchange exchange;
    struct delayed *delayed;
    struct catalog_host host;
    struct catalog_settings settings;
    struct catalog *catalog;
    struct vhost *vhost;
    uint32_t last_id;
    bool up, durable;
    uint64_t refused; /* publications of the catalog's own that failed */
    int opened;
    struct refusal why; /* of the last thing that was refused */
    uint8_t table[1024];
};

struct rig *rig_new(bool durable);
void rig_free(struct rig *rig);
void rig_restart(struct rig *rig);
/* Milliseconds pass, turn by turn. */
void rig_pass(struct rig *rig, unsigned ms);

/* A field table out of words: "x-max-length I 10; x-overflow S drop-head; x-single-active-consumer t 1".  '' is
 * the empty word; A an array of one word.  Good until the next call. */
struct view rig_table(struct rig *rig, const char *text);
enum { DURABLE = 1, EXCLUSIVE = 2, AUTO_DELETE = 4 };
/* NULL: refused, see rig->why. */
struct mq *rig_declare(struct rig *rig, const char *name, unsigned flags, const char *arguments);
struct mq *rig_queue(struct rig *rig, const char *name);
uint64_t rig_ready(struct rig *rig, const char *name);

/* By the default exchange.  priority and expiration below 0: none. */
struct letter_head {
    int priority, expiration_ms;
    const char *headers; /* as for rig_table() */
};
int rig_send(struct rig *rig, const char *queue, const char *body, const struct letter_head *head);
int rig_put(struct rig *rig, const char *queue, const char *body);

enum manner { HOLDS, ACCEPTS, REJECTS, RETURNS };
struct eater {
    struct mq_consumer consumer;
    struct rig *rig;
    enum manner manner;
    bool cancelled;
    unsigned count;
    char bodies[512]; /* of what came, with spaces between; `!` behind what is redelivered */
    char deaths[512]; /* of the last: "queue/reason/count/exchange/keys ..." */
    char headers[512];
    struct link *link; /* of the last */
    uint64_t seq;
    struct amqp_properties props;
    char expiration[16];
};
/* 0, or -ERR_REFUSED and rig->why. */
int rig_attach(struct rig *rig, struct eater *eater, const char *queue, enum manner manner, const char *arguments);
void rig_stop(struct eater *eater);

#endif
