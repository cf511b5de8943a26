/* Machines: power, programs, and what a script may do to them. */
#include <signal.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/sim/inner.h"

static const char *const death_names[] = {
    [SIM_EXIT] = "exits", [SIM_KILL] = "is killed", [SIM_POWER] = "loses power"
};

int
sim_machine_new(struct sim *sim, const char *name, const struct sim_program *program, struct sim_machine **ret)
{
    must(strlen(name) < SIM_NAME_BYTES && sim_machine_find(sim, name) == NULL);
    struct sim_machine *machine = MEM_NEW(sim->mem, struct sim_machine);
    if (machine == NULL)
        return -ERR_NO_MEMORY;
    machine->sim = sim;
    memcpy(machine->name, name, strlen(name));
    machine->next_program = *program;
    list_init(&machine->loops);
    list_init(&machine->listeners);
    list_init(&machine->ops);
    prng_init(&machine->chance, hash_bytes(view_str(name), sim->seed));
    prng_init(&machine->disk_chance, hash_bytes(view_str(name), ~sim->seed));
    sim_disk_init(&machine->disk, sim->mem, sim->profile->disk_bytes_max);
    list_init(&machine->link);
    list_push(&sim->machines, &machine->link);
    *ret = machine;
    return 0;
}

void
sim_machine_free(struct sim_machine *machine)
{
    sim_event_cut(&machine->boot);
    sim_disk_fini(&machine->disk);
    list_cut(&machine->link);
    mem_free(machine->sim->mem, machine);
}

struct sim_machine *
sim_machine_find(struct sim *sim, const char *name)
{
    LIST_EACH(&sim->machines, it) {
        struct sim_machine *machine = container_of(it, struct sim_machine, link);
        if (strcmp(machine->name, name) == 0)
            return machine;
    }
    return NULL;
}

void
sim_machine_program(struct sim_machine *machine, const struct sim_program *program)
{
    machine->next_program = *program;
}

const char *
sim_machine_name(const struct sim_machine *machine)
{
    return machine->name;
}

bool
sim_machine_up(const struct sim_machine *machine)
{
    return machine->phase == SIM_RUNNING;
}

struct io *
sim_machine_io(const struct sim_machine *machine)
{
    return machine->root == NULL ? NULL : sim_house_io(machine->root);
}

/* ---- life and death ----------------------------------------------------------------------------------------- */

static int
run_program(struct sim_machine *machine)
{
    struct sim *sim = machine->sim;
    int rc = sim_house_new(machine, machine->program.mem, &machine->root);
    if (rc < 0)
        return rc;
    sim->running = machine;
    rc = machine->program.start(machine->program.arg, sim_machine_io(machine));
    sim->running = NULL;
    return rc;
}

static void
start(struct sim_event *event)
{
    struct sim_machine *machine = container_of(event, struct sim_machine, boot);
    machine->phase = SIM_RUNNING;
    machine->program = machine->next_program;
    sim_note(machine->sim, "%s starts", machine->name);
    int rc = run_program(machine);
    if (rc < 0) {
        sim_note(machine->sim, "%s: %s", machine->name, err_text(rc));
        sim_machine_die(machine, SIM_EXIT);
    }
    LIST_EACH(&machine->loops, it)
        sim_loop_plan(container_of(it, struct sim_loop, link));
    sim_machine_settle(machine);
}

void
sim_boot(struct sim_machine *machine)
{
    struct sim *sim = machine->sim;
    if (machine->phase == SIM_RUNNING)
        return;
    if (machine->phase == SIM_OFF) {
        machine->phase = SIM_IDLE;
        machine->born_ns = sim->now_ns;
        sim_net_power(machine);
    }
    sim_event_set(&sim->agenda, &machine->boot, sim->now_ns, start);
}

/* Nothing of the program happens any more. */
static void
still(struct sim_machine *machine)
{
    LIST_EACH(&machine->loops, it)
        container_of(it, struct sim_loop, link)->dead = true;
    sim_jobs_died(machine);
    LIST_EACH(&machine->loops, it) {
        struct sim_loop *loop = container_of(it, struct sim_loop, link);
        sim_house_died(loop);
        sim_loop_plan(loop);
    }
    LIST_EACH(&machine->listeners, it)
        list_cut(it);
}

static void
bury(struct sim_machine *machine)
{
    bool power = machine->death == SIM_POWER;
    machine->doomed = false;
    machine->phase = power ? SIM_OFF : SIM_IDLE;
    sim_note(machine->sim, "%s %s", machine->name, death_names[machine->death]);
    still(machine);
    sim_net_died(machine, power);
    sim_net_power(machine);
    if (power)
        sim_disk_cut(&machine->disk, &machine->disk_chance);
    else
        sim_disk_close_all(&machine->disk);
    if (machine->program.died != NULL)
        machine->program.died(machine->program.arg, machine->death);
    LIST_EACH(&machine->loops, it)
        sim_house_free(container_of(it, struct sim_loop, link));
    machine->root = NULL;
}

void
sim_machine_settle(struct sim_machine *machine)
{
    if (machine->doomed && machine->sim->running != machine)
        bury(machine);
}

void
sim_machine_die(struct sim_machine *machine, enum sim_death how)
{
    if (machine->phase != SIM_RUNNING || (machine->doomed && machine->death >= how))
        return;
    machine->doomed = true;
    machine->death = how;
    sim_machine_settle(machine);
}

void
sim_kill(struct sim_machine *machine)
{
    sim_machine_die(machine, SIM_KILL);
}

void
sim_power_cut(struct sim_machine *machine)
{
    if (machine->phase == SIM_RUNNING) {
        sim_machine_die(machine, SIM_POWER);
        return;
    }
    if (machine->phase == SIM_IDLE) {
        machine->phase = SIM_OFF;
        sim_event_cut(&machine->boot);
        sim_net_power(machine);
        sim_disk_cut(&machine->disk, &machine->disk_chance);
    }
}

/* ---- by script ---------------------------------------------------------------------------------------------- */

void
sim_signal(struct sim_machine *machine, int signum)
{
    if (machine->root != NULL && !sim_house_signal(machine->root, signum))
        sim_kill(machine);
}

void
sim_wall_jump(struct sim_machine *machine, int64_t ms)
{
    machine->wall_ms += ms;
    if (machine->sim->running != machine)
        LIST_EACH(&machine->loops, it)
            sim_house_set_clocks(container_of(it, struct sim_loop, link));
}

uint64_t
sim_disk_ops(const struct sim_machine *machine)
{
    return machine->disk_ops;
}

void
sim_cut_at(struct sim_machine *machine, uint64_t n, enum sim_cut how)
{
    machine->cut_op = n;
    machine->cut_how = how;
}

void
sim_disk_capacity(struct sim_machine *machine, uint64_t bytes)
{
    machine->disk.space_max = bytes;
}

uint64_t
sim_disk_used(const struct sim_machine *machine)
{
    return machine->disk.space_used;
}

void
sim_disk_fail(struct sim_machine *machine, enum io_op op, unsigned n)
{
    machine->fails[op] = n;
}

int
sim_flip_bit(struct sim_machine *machine, const char *path, uint64_t bit)
{
    struct sim_file *file = sim_disk_find(&machine->disk, path);
    if (file == NULL)
        return -ERR_NOT_FOUND;
    if (bit / 8 >= file->size)
        return -ERR_INVALID;
    sim_file_flip(file, bit);
    return 0;
}

int64_t
sim_file_peek(struct sim_machine *machine, const char *path, uint64_t offset, void *ret, size_t n)
{
    const struct sim_file *file = sim_disk_find(&machine->disk, path);
    return file == NULL ? -ERR_NOT_FOUND : (int64_t)sim_file_read(file, offset, ret, n);
}
