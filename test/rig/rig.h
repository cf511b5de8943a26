/* rig/rig.h - a node on a simulated machine, and raw connections to it that send bytes as they are.
 *
 * For what a scripted conversation (test/talk) cannot do: bytes that are no packets, peers that do not read, disks that
 * are full, memory that runs out.  It knows no test framework: what must hold is checked by must(), so that fuzzers use
 * it too. */
#ifndef TAMBO_TEST_RIG_H
#define TAMBO_TEST_RIG_H

#include "base/mem.h"
#include "io/sim/sim.h"
#include "node/node.h"

enum { RAWS_MAX = 8, RAW_BYTES_MAX = 64 * 1024 };

/* One connection.  What arrives is kept up to RAW_BYTES_MAX, and counted beyond. */
struct raw {
    struct io_stream *stream; /* NULL: none */
    bool ended;               /* the node closed it, or it broke */
    size_t got_bytes;
    uint8_t got[RAW_BYTES_MAX];
};

struct rig {
    struct mem world, node_mem, raw_mem;
    struct sim *sim;
    struct sim_machine *node_machine, *raw_machine;
    struct settings settings;
    struct node *node;
    struct io *raw_io;
    struct settings_fault fault; /* why the node could not start */
    int started;                 /* what its start returned; -ERR_CANCELED: not even its loop could be made */
    bool stopped;                /* it said that it has */
    unsigned lines;              /* it has said to the operator */
    char last_line[512];
    void (*before)(struct io *io, const void *arg); /* with the node's disk, before it starts; NULL: nothing */
    const void *before_arg;
    struct raw raws[RAWS_MAX];
};

/* Small settings: one shard, tier memory, small segments, no $SYS.  Switched off: change `settings`, then boot. */
struct rig *rig_new(void);
/* Checks that the node has given all its memory back. */
void rig_free(struct rig *rig);
void rig_wait(struct rig *rig, uint64_t ms);
/* Starts the node and waits until it listens, or its start failed: is it up? */
bool rig_boot(struct rig *rig);
void rig_die(struct rig *rig, enum sim_death how);

/* Connects the i-th; what an earlier one had got is forgotten. */
void raw_open(struct rig *rig, unsigned i);
/* Connects the i-th, and says this CONNECT (test/rig/notation.h): was it accepted?  The CONNACK is forgotten. */
bool raw_meet(struct rig *rig, unsigned i, const char *connect);
/* Stops reading, until raw_listen(). */
void raw_deafen(struct rig *rig, unsigned i);
void raw_listen(struct rig *rig, unsigned i);
/* Sends at once, without waiting; nothing when the connection has ended. */
void raw_send(struct rig *rig, unsigned i, struct view bytes);
/* Sends (notation), and lets a moment pass. */
void raw_say(struct rig *rig, unsigned i, const char *notation);
/* Breaks it off. */
void raw_cut(struct rig *rig, unsigned i);
/* What came since the last raw_forget(). */
struct view raw_got(const struct rig *rig, unsigned i);
void raw_forget(struct rig *rig, unsigned i);
/* Forgets the first `n` bytes of it. */
void raw_eat(struct rig *rig, unsigned i, size_t n);
/* Did exactly these bytes come (notation)?  They are forgotten then. */
bool raw_hears(struct rig *rig, unsigned i, const char *notation);
/* How often does this text come in it? */
unsigned raw_counts(const struct rig *rig, unsigned i, const char *text);
/* Is it open from both sides? */
bool raw_lives(const struct rig *rig, unsigned i);

#endif
