/* io/sim/inner.h - what the files of this room share: the world, its machines and their loops. */
#ifndef TAMBO_IO_SIM_INNER_H
#define TAMBO_IO_SIM_INNER_H

#include "base/prng.h"
#include "io/sim/disk.h"
#include "io/sim/event.h"
#include "io/sim/sim.h"
#include "io/sim/wire.h"

enum { SIM_LINES_KEPT = 1024, SIM_LINE_BYTES = 160, SIM_NAME_BYTES = 40 };

struct sim_partition {
    struct list link;
    struct sim_machine *a, *b;
    struct sim_event heal; /* set when the weather made it */
};

struct sim {
    struct mem *mem;
    uint64_t now_ns;
    const struct sim_profile *profile;
    struct sim_agenda agenda;
    struct prng net, weather;
    uint64_t seed;
    struct list machines, wires, partitions, letters;
    int64_t wire_ids;
    uint64_t sent_bytes, cut_byte; /* by streams between machines; the last of its connection, 0: none */
    struct sim_event storm;        /* the next partition by chance */
    struct sim_machine *running;   /* whose turn it is */
    uint64_t hash;
    uint64_t line_count;
    char (*lines)[SIM_LINE_BYTES]; /* a ring of the newest */
};

enum sim_phase {
    SIM_OFF,     /* no power */
    SIM_IDLE,    /* power, no program */
    SIM_RUNNING, /* its program runs */
};

struct sim_machine {
    struct sim *sim;
    struct list link; /* the world's */
    char name[SIM_NAME_BYTES];
    struct sim_program program, next_program;
    enum sim_phase phase;
    bool doomed; /* it dies when its callback returns */
    enum sim_death death;
    struct sim_event boot;
    struct list loops, listeners, ops;
    struct sim_loop *root;
    struct prng chance; /* io_random */
    uint64_t born_ns;   /* when power came: its monotonic clock starts there */
    int64_t wall_ms;    /* how far its wall clock was moved */
    uint16_t port_next;
    struct sim_wire *input; /* standard input */

    struct sim_disk disk;
    struct prng disk_chance;
    uint64_t disk_ops, cut_op;
    enum sim_cut cut_how;
    unsigned fails[IO_LOCK + 1]; /* how many more of each operation fail */
};

struct sim_loop {
    struct sim_machine *machine;
    struct list link; /* its machine's */
    struct sim_agenda agenda;
    struct sim_event turn;
    uint64_t free_at_ns; /* when its latest turn is over */
    bool dead;           /* its program died: nothing is called any more */
    bool in_turn;
    bool stopped;  /* it takes no more turns */
    bool stopping; /* this turn is its last */
};

/* ---- sim.c ---- */

/* Mixes bytes with the time and `what` into the hash. */
void sim_mix(struct sim *sim, uint64_t what, struct view bytes);
/* Uniform from min to max. */
uint64_t sim_between(struct prng *chance, uint64_t min, uint64_t max);
/* The time that `bytes` take; 0 without a limit. */
uint64_t sim_transfer_ns(uint64_t bytes, uint64_t bytes_per_s);

/* ---- machine.c ---- */

/* Kills the program: at once, or when its callback returns. */
void sim_machine_die(struct sim_machine *machine, enum sim_death how);
/* A callback of the machine's program has returned. */
void sim_machine_settle(struct sim_machine *machine);
void sim_machine_free(struct sim_machine *machine);

/* ---- net.c ---- */

/* May bytes pass between the two now? */
bool sim_reachable(struct sim *sim, const struct sim_machine *a, const struct sim_machine *b);
/* Plans the next partition by chance. */
void sim_net_storms(struct sim *sim);
/* Every end on the machine is closed by its system, or vanishes with the power. */
void sim_net_died(struct sim_machine *machine, bool power);
/* Power came or went: what waits may flow, what flows may wait. */
void sim_net_power(struct sim_machine *machine);
void sim_net_free(struct sim *sim);
/* The machine that an address stands for on `from`; NULL: none. */
struct sim_machine *sim_host_of(struct sim_machine *from, const struct io_address *address);
bool sim_is_loopback(const char *host);
uint16_t sim_next_port(struct sim_machine *machine);

/* ---- datagram.c ---- */

void sim_letters_free(struct sim *sim);

/* ---- job.c ---- */

void sim_job_submit(struct sim_loop *loop, struct io_job *job);
int64_t sim_job_now(struct sim_loop *loop, struct io_job *job);
/* Of what was under way, some is done; nobody is told. */
void sim_jobs_died(struct sim_machine *machine);
/* The loop is freed while its machine lives: what it has under way is done, nobody is told. */
void sim_jobs_finish(struct sim_loop *loop);

/* ---- loop.c ---- */

void sim_loop_init(struct sim_loop *loop, struct sim_machine *machine);
void sim_loop_fini(struct sim_loop *loop);
/* Sets the loop's next turn after its agenda or timers changed. */
void sim_loop_plan(struct sim_loop *loop);

static inline struct sim_agenda *
sim_loop_agenda(struct sim_loop *loop)
{
    return &loop->agenda;
}

static inline struct sim_machine *
sim_loop_machine(const struct sim_loop *loop)
{
    return loop->machine;
}

/* ---- house.c: io.h on a loop ---- */

/* 0 or -ERR_NO_MEMORY. */
int sim_house_new(struct sim_machine *machine, struct mem *mem, struct sim_loop **ret);
void sim_house_free(struct sim_loop *loop);
struct io *sim_house_io(struct sim_loop *loop);
/* When the first timer is due, on the world's clock; UINT64_MAX without one. */
uint64_t sim_house_timer_ns(const struct sim_loop *loop);
void sim_house_set_clocks(struct sim_loop *loop);
void sim_house_begin_turn(struct sim_loop *loop);
/* The timers that are due. */
void sim_house_fire(struct sim_loop *loop);
/* Has its owner put bytes from outside of any turn?  Then it needs a turn. */
void sim_house_look(struct sim_loop *loop);
/* The hook, and the outboxes. */
void sim_house_end_turn(struct sim_loop *loop);
/* Calls the handler: false when there is none. */
bool sim_house_signal(struct sim_loop *loop, int signum);
/* Its sockets for datagrams. */
struct list *sim_house_sockets(struct sim_loop *loop);
/* Drops the outboxes. */
void sim_house_died(struct sim_loop *loop);

#endif
