/* io/sim/stage.h - for the simulator's own tests: a world of two machines whose programs do as they are told. */
#ifndef TAMBO_IO_SIM_STAGE_H
#define TAMBO_IO_SIM_STAGE_H

#include "base/mem.h"
#include "io/sim/sim.h"

/* One of many connections to an echo service. */
struct guest {
    struct io_stream *stream;
};

/* What a test's machine is and remembers. */
struct actor {
    struct mem mem;
    struct sim_machine *machine;
    int (*script)(struct actor *actor); /* at each start; may be NULL */
    struct io *io;
    unsigned starts, deaths;
    enum sim_death death;

    struct io_listener *listener;
    struct io_stream *stream;
    struct guest guests[32];
    bool echoes;
    int opened, ended;
    bool is_opened, is_ended, is_closed;
    uint64_t ended_ns;
    size_t read_bytes, reads;
    uint8_t newest;
    unsigned signals, fires;
    int64_t job_rc;
    unsigned jobs_done;
    struct io_timer timer, timer2;
    struct io_job job;
    uint8_t page[8 * 4096];
};

struct stage {
    struct mem mem;
    struct sim *sim;
    struct actor a, b;
};

/* Machines "a" and "b", switched off, in a world with this profile. */
void stage_open(struct stage *stage, uint64_t seed, const char *profile);
/* Nothing may be left in any mem. */
void stage_close(struct stage *stage);
/* Boots `actor` with this script, and lets it run for 10 ms. */
void stage_play(struct stage *stage, struct actor *actor, int (*script)(struct actor *actor));
/* A connection from b to a. */
void stage_meet(struct stage *stage);

/* Scripts: on port 1883 of all addresses, and to it on a. */
int actor_listen(struct actor *actor);
int actor_listen_for(struct actor *actor, io_accept_fn *fn);
int actor_connect(struct actor *actor);
/* Counts and checks what comes, and closes when the peer is gone. */
extern const struct io_stream_on actor_stream_on;
/* Bytes that count up, from `from` on: what an actor expects to read. */
void actor_say(struct actor *actor, size_t from, size_t n);

/* Blocking jobs; the file is actor->job.file. */
int actor_open(struct actor *actor, const char *path, unsigned flags);
int64_t actor_write(struct actor *actor, enum io_op op, uint64_t offset, uint8_t fill, size_t n);
int64_t actor_path(struct actor *actor, enum io_op op, const char *path, const char *path2);
int64_t actor_file(struct actor *actor, enum io_op op, uint64_t offset);

#endif
