/* catalog/catalog_rig.h - a catalog with its shard's rooms on a simulated machine, for the tests of this room.
 * Tables of arguments and headers are written as JSON.  Every call must succeed unless it is asked for a refusal. */
#ifndef TAMBO_CATALOG_RIG_H
#define TAMBO_CATALOG_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "catalog/inner.h"
#include "io/sim/sim.h"

enum { RIG_TEXT = 4096 };

struct catalog_rig {
    struct mem world, mem;
    struct sim *sim;
    struct sim_machine *machine;
    struct io *io;
    struct log *log;
    struct log_config config;
    struct log_report report;
    struct route *route;
    struct exchange exchange;
    struct queue_host queues;
    struct delayed *delayed;
    struct catalog_host host;
    struct catalog_settings settings;
    struct catalog *catalog;
    struct vhost *vhost; /* "/" */
    uint32_t next_id;
    bool durable, up, checkpointed;
    int opened;
    uint64_t bound_calls;
    char bound[RIG_TEXT]; /* "+filter " and "-filter ", as the other shards are told */
    char text[RIG_TEXT];  /* what the last call returned */
    struct refusal why;
};

/* `durable`: with a log. */
struct catalog_rig *catalog_rig_new(bool durable);
void catalog_rig_free(struct catalog_rig *rig);
/* Until all is committed. */
void catalog_rig_settle(struct catalog_rig *rig);
void catalog_rig_pass(struct catalog_rig *rig, uint64_t ms);
void catalog_rig_restart(struct catalog_rig *rig);
void catalog_rig_checkpoint(struct catalog_rig *rig, unsigned most);

/* Flags: 'd' durable, 'a' auto-delete, 'i' internal, 'x' exclusive.  Each returns 0 or -ERR_REFUSED, with rig->why. */
int rig_exchange(struct catalog_rig *rig, const char *name, const char *type, const char *flags, const char *arguments);
int rig_queue(struct catalog_rig *rig, const char *name, const char *flags, const char *arguments);
/* A destination that begins with `>` is an exchange. */
int rig_bind(struct catalog_rig *rig, const char *source, const char *destination, const char *key,
             const char *arguments);
int rig_unbind(struct catalog_rig *rig, const char *source, const char *destination, const char *key,
               const char *arguments);
int rig_exchange_delete(struct catalog_rig *rig, const char *name, bool if_unused);
void rig_queue_delete(struct catalog_rig *rig, const char *name);

/* Publishes to an exchange; returns exchange_publish's. `headers` NULL: a message without any. */
int rig_publish(struct catalog_rig *rig, const char *exchange, const char *key, const char *headers);
int rig_publish_mqtt(struct catalog_rig *rig, const char *topic);
/* The queues that have something, as "a b c ", in order of making; they are emptied. */
const char *rig_got(struct catalog_rig *rig);
/* Both. */
const char *rig_route(struct catalog_rig *rig, const char *exchange, const char *key, const char *headers);
/* A list or definitions, as compact JSON with sorted keys. */
const char *rig_json(struct catalog_rig *rig, json_t *json);

#define EXPECT_REFUSED(rig, rc, want_code, want_text)      \
    do {                                                   \
        assert_int_equal((rc), -ERR_REFUSED);              \
        assert_string_equal((rig)->why.text, (want_text)); \
        assert_int_equal((rig)->why.code, (want_code));    \
    } while (0)

#endif
