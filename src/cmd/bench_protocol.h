/* cmd/bench_protocol.h - what the load generator must know of a protocol: a table each. */
#ifndef TAMBO_CMD_BENCH_PROTOCOL_H
#define TAMBO_CMD_BENCH_PROTOCOL_H

#include "client/carry.h"

struct link;
struct link_hello;
struct sink;
struct source;

struct protocol {
    const char *name;
    uint16_t port;
    carry_size_fn *frame_size;
    size_t frame_bytes_max;
    char separator; /* between the levels of a topic */
    char any_level; /* stands for one of them in a filter */
    /* A message that is neither kept nor confirmed may be lost. */
    bool forgets;

    /* ---- a link ---- */

    /* The stream is there: what is said first.  0 or -err. */
    int (*greet)(struct link *link);
    /* A frame before link_opened(). */
    void (*introduce)(struct link *link, struct view frame);
    /* A later one: is it about the connection itself, and done with? */
    bool (*attend)(struct link *link, struct view frame);
    void (*bye)(struct link *link);

    /* ---- a publisher ---- */

    /* Fills in source->frame and the places in it. 0, -ERR_NO_MEMORY, -ERR_TOO_LARGE. */
    int (*make_frame)(struct source *source);
    /* It is open, and may publish when this was sent.  0 or -ERR_NO_MEMORY.  NULL: nothing to say. */
    int (*prepare)(struct source *source);
    void (*take_ack)(struct source *source, struct view frame);

    /* ---- a subscriber ---- */

    /* Asks for as many filters as may be open at once; called again when some were granted.  0 or -ERR_NO_MEMORY. */
    int (*subscribe)(struct sink *sink);
    /* It is subscribed, perhaps since long: messages may come.  NULL: they do by themselves. */
    int (*consume)(struct sink *sink);
    /* Before bye: what it has not answered yet; unless `keep`, what the server keeps for it may go.  NULL: nothing. */
    void (*leave)(struct sink *sink, bool keep);
    void (*take)(struct sink *sink, struct view frame);
};

extern const struct protocol bench_mqtt, bench_amqp;

/* Of AMQP only: queue.declare, and is this its answer? */
int amqp_declare(struct link *link, struct view name, bool durable);
bool amqp_is_declared(struct view frame);

#endif
