/* cmd/bench_source.h - a publisher of the load generator.
 *
 * A message's frames are encoded once; sending copies that template into the outbox, many at a time, and patches
 * what differs: the digits of the topic, the packet id, the stamp. */
#ifndef TAMBO_CMD_BENCH_SOURCE_H
#define TAMBO_CMD_BENCH_SOURCE_H

#include "cmd/bench_link.h"
#include "cmd/bench_plan.h"
#include "cmd/histogram.h"

/* The first bytes of each payload, in the machine's own order: only the generator reads them. */
struct stamp {
    uint16_t run, publisher;
    uint32_t topic;
    uint64_t number; /* of its flow */
    uint64_t sent_ns;
};

enum { TOPIC_PREFIX_MAX = 128, TOPIC_ROOM = TOPIC_PREFIX_MAX + 16 };

/* "bench/t/0042": as many digits as the largest topic needs. */
struct topic_form {
    const char *prefix;
    char separator;
    unsigned digits;
};
struct topic_form topic_form_of(const char *prefix, char separator, unsigned topics);
/* Returns the length; `ret` has TOPIC_ROOM bytes.  `level` stands between prefix and number: 't', or '+' for a filter.
 */
size_t topic_print(const struct topic_form *form, char level, unsigned topic, char *ret);

struct source_settings {
    struct mem *mem;
    const struct protocol *protocol;
    const char *exchange; /* of AMQP */
    uint8_t version, qos; /* of MQTT; with AMQP, 1 is persistent and confirmed */
    bool retain;
    uint16_t run, publisher;
    unsigned window;           /* messages of QoS 1 and 2 not yet acknowledged */
    struct histogram *confirm; /* from sending to the acknowledgement; NULL: not wanted */
    size_t payload_bytes;
    struct topic_form form;
    struct plan_share share;
};

/* A message on its way. */
struct flight {
    uint64_t sent_ns;
    bool acked;
};

struct source {
    struct link link;
    struct source_settings settings;
    uint8_t *frame;
    size_t frame_bytes, digits_at, payload_at;
    size_t id_at;   /* of MQTT's packet id; 0: there is none */
    unsigned topic; /* of the next message */
    uint64_t number;
    uint64_t sent, settled, refused;
    struct flight *flight; /* by message number modulo the window */
    size_t unsent_max;
};

/* 0, -ERR_NO_MEMORY, -ERR_TOO_LARGE. */
int source_init(struct source *source, const struct source_settings *settings);
void source_fini(struct source *source);
/* How many messages it can take now: by its window and its outbox. */
uint64_t source_room(const struct source *source);
/* Puts `n` messages (no more than there is room for) into the outbox; returns how many it did, 0 without memory. */
uint64_t source_send(struct source *source, uint64_t n, uint64_t now_ns);
/* The topic of the next message. */
static inline unsigned
source_topic(const struct source *source)
{
    return source->topic;
}
/* For protocols: message number `sent` modulo the window is acknowledged.  false: it is not in flight. */
bool source_settle(struct source *source, uint64_t number);
static inline bool
source_is_settled(const struct source *source)
{
    return source->settled == source->sent;
}

#endif
