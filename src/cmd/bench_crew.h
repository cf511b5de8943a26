/* cmd/bench_crew.h - the publishers and subscribers of a run: opened, subscribed and closed together. */
#ifndef TAMBO_CMD_BENCH_CREW_H
#define TAMBO_CMD_BENCH_CREW_H

#include "cmd/bench.h"

enum crew_part { CREW_SINKS = 1, CREW_SOURCES = 2, CREW_ALL = 3 };

/* One of them: the argument of its link's callbacks. */
struct member {
    struct crew *crew;
    unsigned index; /* among its kind */
    bool is_sink;
};

struct crew {
    struct bench *bench;
    struct bench_plan plan;
    struct sink *sinks;
    struct source *sources;
    struct member *members; /* sinks first */
    unsigned member_count, sinks_made, sources_made;
    uint64_t unique;          /* messages received, without duplicates */
    bool keep;                /* sinks resume their sessions, or their durable queues */
    struct histogram confirm; /* from sending to the acknowledgement, over all sources */

    /* What is going on: `then(arg)` is called when all of a part are open, subscribed or closed. */
    unsigned next, end, opening, open, wanted;
    unsigned turn; /* whose it is to send */
    bool closing;
    io_fn *then;
    void *arg;
};

/* `keep`: sessions are resumed, queues durable.  `latency` may be NULL.  0 or -err. */
int crew_init(struct crew *crew, struct bench *bench, bool keep, struct histogram *latency);
void crew_fini(struct crew *crew);
void crew_open(struct crew *crew, enum crew_part part, io_fn *then, void *arg);
void crew_subscribe(struct crew *crew, io_fn *then, void *arg);
/* All are subscribed: messages may come. */
void crew_consume(struct crew *crew);
/* With `keep` taken back, the server forgets what it has of theirs, as far as closing can say so. */
void crew_close(struct crew *crew, io_fn *then, void *arg);
/* All that was published is acknowledged. */
bool crew_is_settled(const struct crew *crew);

/* Sends up to `messages` round the sources, each as its windows allow, until `deliveries` are due from them (at least
 * one message when `deliveries` > 0).  Returns the messages, *retdue the deliveries that they make due. */
uint64_t crew_send(struct crew *crew, uint64_t messages, uint64_t deliveries, uint64_t now_ns, uint64_t *retdue);

/* Rows for the time to an acknowledgement, where there are any. */
void crew_tell_confirms(struct crew *crew);
/* Rows for lost, duplicated, misordered, foreign and refused messages; bench_blame() for what this QoS forbids. */
void crew_verdict(struct crew *crew, uint64_t expected);

#endif
