/* test/talk/talk.h - scripted conversations between a node and raw MQTT clients in the simulator.
 *
 * Clients are named; what one says is a line of commands, what it hears is a transcript with a line a packet:
 *
 *     talk_say(talk, "ana", "connect v=4 clean=0; subscribe t qos=1");
 *     talk_hear(talk, "ana", "CONNACK 00\n"
 *                            "SUBACK 1 [01]\n");
 *
 * Commands (WORD=VALUE in any order; numbers decimal, reasons hexadecimal); `;` lets the answer come before the next,
 * `&` does not:
 *
 *     connect       v=5 clean=1 id=NAME keep=0 expiry= receive= max= alias= problem= response= method= data=
 *                   will=TOPIC wmsg= wqos= wretain= wdelay= wexpiry= user=NAME:VALUE...
 *     subscribe     FILTER... qos=0 nl= rap= rh= sub= pid=           packet ids count up by themselves
 *     unsubscribe   FILTER... pid=
 *     publish       TOPIC qos=0 pid= retain= dup= msg= size= alias= expiry= user=NAME:VALUE... format=
 *                   content= response= corr=    TOPIC - is empty
 *     puback, pubrec, pubrel, pubcomp   PID r=00
 *     ping, disconnect r=00 expiry=, auth r=18 method= data=, raw HEX... v=, cut,
 *     deaf (reads no more), listen (reads on), show (limits and reasons too)
 *
 * May not: look into the node. */
#ifndef TAMBO_TEST_TALK_H
#define TAMBO_TEST_TALK_H

#include "io/sim/sim.h"
#include "node/node.h"

struct talk;

struct talk_setup {
    bool durable;                                /* tier synced, else memory */
    unsigned shards;                             /* 0: 1 */
    void (*settings)(struct settings *settings); /* NULL: as they are */
    uint64_t mem_fail_at;                        /* the node's allocation that fails; 0: none */
    /* Instead of a node: what listens on port 1883 of this machine. */
    int (*start)(struct io *io);
    void (*died)(void);
};

/* A node that listens, and no clients yet. */
struct talk *talk_open(const struct talk_setup *setup);
/* Checks that the node gave all its memory back. */
void talk_close(struct talk *talk);
/* Says it, and lets a moment pass. */
void talk_say(struct talk *talk, const char *who, const char *line);
/* The same, by a client that forgets what it hears and does not mind being refused. */
void talk_mumble(struct talk *talk, const char *who, const char *line);
/* Asserts what `who` heard since the last time. */
void talk_hear(struct talk *talk, const char *who, const char *want);
/* What `who` heard since the last time, forgotten then; valid until the next call. */
const char *talk_heard(struct talk *talk, const char *who);
void talk_wait(struct talk *talk, uint64_t ms);
/* The node dies, and is started again on the same disk. */
void talk_restart(struct talk *talk, enum sim_death how);
/* It ends by SIGTERM, as an operator ends it, and is started again. */
void talk_stop_and_start(struct talk *talk);
/* Where clients of other protocols live (amqp_talk.h): "n1", port 1883. */
struct io *talk_clients(struct talk *talk);
/* From now on the node's disk holds so much; 0: no limit. */
void talk_disk(struct talk *talk, uint64_t bytes);
struct mem *talk_mem(struct talk *talk);
struct counters talk_counters(struct talk *talk);

#endif
