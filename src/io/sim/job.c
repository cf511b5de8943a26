/* Jobs on a simulated disk: their time, their faults, and the points where power is cut.
 *
 * A job's effect is an event of the world; a second event, in a turn of its loop, tells its owner.  IO_WRITE_SYNC is
 * two effects, one after the other. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/sim/inner.h"

struct op {
    struct list link; /* its machine's */
    struct sim_event event;
    struct sim_machine *machine;
    struct sim_loop *loop;
    struct io_job *job;
    enum io_op kind; /* what is under way: the job's, or one half of IO_WRITE_SYNC */
    uint64_t mark;   /* what a sync covers */
    bool effected;
    int64_t rc;
};

static struct sim_file *
file_of(const struct op *op)
{
    return sim_disk_file(&op->machine->disk, op->job->file);
}

static bool
by_chance(struct op *op, uint64_t once_in)
{
    return prng_once_in(&op->machine->disk_chance, once_in);
}

/* ---- effects ------------------------------------------------------------------------------------------------ */

static int64_t
do_open(struct op *op)
{
    int64_t handle = sim_disk_open(&op->machine->disk, op->job->path, op->job->flags);
    if (handle < 0)
        return handle;
    op->job->file = handle;
    return 0;
}

static int64_t
do_close(struct op *op)
{
    return sim_disk_close(&op->machine->disk, op->job->file);
}

static uint64_t
bytes_of(const struct io_job *job)
{
    uint64_t len = 0;
    for (unsigned i = 0; i < job->view_count; i++)
        len += job->views[i].len;
    return len;
}

/* Writes the first `len` bytes of the job. */
static void
write_part(struct op *op, uint64_t len)
{
    struct view views[IO_VIEWS_MAX];
    unsigned n = 0;
    for (; n < op->job->view_count && len > 0; n++) {
        views[n] = op->job->views[n];
        if (views[n].len > len)
            views[n].len = len;
        len -= views[n].len;
    }
    sim_file_write(file_of(op), op->job->offset, views, n);
}

static bool
fits(struct op *op, uint64_t size)
{
    const struct sim_file *file = file_of(op);
    return size <= file->size || size - file->size <= sim_disk_space(&op->machine->disk);
}

static int64_t
do_write(struct op *op)
{
    struct io_job *job = op->job;
    uint64_t len = bytes_of(job);
    int rc = sim_disk_writable(&op->machine->disk, job->file);
    if (rc < 0)
        return rc;
    if (!fits(op, job->offset + len)) {
        uint64_t end = file_of(op)->size + sim_disk_space(&op->machine->disk);
        write_part(op, end > job->offset ? end - job->offset : 0);
        return -ERR_DISK_FULL;
    }
    if (by_chance(op, op->machine->sim->profile->write_error_once_in)) {
        write_part(op, prng_below(&op->machine->disk_chance, len + 1));
        return -ERR_IO;
    }
    sim_file_write(file_of(op), job->offset, job->views, job->view_count);
    return 0;
}

static int64_t
do_read(struct op *op)
{
    struct io_job *job = op->job;
    struct sim_file *file = file_of(op);
    const struct sim_profile *profile = op->machine->sim->profile;
    if (file == NULL)
        return -ERR_INVALID;
    if (by_chance(op, profile->read_error_once_in))
        return -ERR_IO;
    bool old = sim_file_is_saved(file) && job->offset < file->size && job->len > 0;
    if (old && by_chance(op, profile->rot_once_in)) {
        uint64_t left = file->size - job->offset;
        uint64_t bits = 8 * (left < job->len ? left : job->len);
        sim_file_flip(file, 8 * job->offset + prng_below(&op->machine->disk_chance, bits));
    }
    return (int64_t)sim_file_read(file, job->offset, job->into, job->len);
}

static int64_t
do_sync(struct op *op)
{
    struct sim_file *file = file_of(op);
    if (file == NULL)
        return -ERR_INVALID;
    if (by_chance(op, op->machine->sim->profile->sync_error_once_in)) {
        sim_file_lose(file, op->mark);
        return -ERR_IO;
    }
    sim_file_save(file, op->mark);
    return 0;
}

static int64_t
do_resize(struct op *op)
{
    struct sim_file *file = file_of(op);
    int rc = sim_disk_writable(&op->machine->disk, op->job->file);
    if (rc < 0)
        return rc;
    if (op->kind == IO_ALLOCATE && op->job->offset <= file->size)
        return 0;
    if (!fits(op, op->job->offset))
        return -ERR_DISK_FULL;
    sim_file_resize(file, op->job->offset);
    return 0;
}

static int64_t
do_rename(struct op *op)
{
    return sim_disk_rename(&op->machine->disk, op->job->path, op->job->path2);
}

static int64_t
do_unlink(struct op *op)
{
    return sim_disk_unlink(&op->machine->disk, op->job->path);
}

static int64_t
do_mkdir(struct op *op)
{
    return sim_disk_mkdir(&op->machine->disk, op->job->path);
}

static int64_t
do_sync_dir(struct op *op)
{
    return sim_disk_sync_dir(&op->machine->disk, op->job->path);
}

static int64_t
do_size(struct op *op)
{
    const struct sim_file *file = file_of(op);
    return file == NULL ? -ERR_INVALID : (int64_t)file->size;
}

static int64_t
do_free_space(struct op *op)
{
    return (int64_t)sim_disk_space(&op->machine->disk);
}

static int64_t
do_lock(struct op *op)
{
    return sim_disk_lock(&op->machine->disk, op->job->file);
}

/* What an operation does, and whether the disk is another one afterwards. */
static const struct {
    int64_t (*effect)(struct op *op);
    bool changes;
} acts[] = {
    [IO_OPEN] = {do_open,        false}, /* true when it creates */
    [IO_CLOSE] = { do_close,      false},
    [IO_WRITE] = { do_write,      true },
    [IO_WRITE_SYNC] = { do_write,      true },
    [IO_READ] = { do_read,       false},
    [IO_SYNC] = { do_sync,       true },
    [IO_ALLOCATE] = { do_resize,     true },
    [IO_TRUNCATE] = { do_resize,     true },
    [IO_RENAME] = { do_rename,     true },
    [IO_UNLINK] = { do_unlink,     true },
    [IO_MKDIR] = { do_mkdir,      true },
    [IO_SYNC_DIR] = { do_sync_dir,   true },
    [IO_SIZE] = { do_size,       false},
    [IO_FREE_SPACE] = { do_free_space, false},
    [IO_LOCK] = { do_lock,       false},
};

static bool
changes(const struct op *op)
{
    if (op->kind == IO_OPEN)
        return sim_disk_creates(&op->machine->disk, op->job->path, op->job->flags);
    return acts[op->kind].changes;
}

/* Power is cut in the middle of `op`, which is gone afterwards unless it is io_now's. */
static int64_t
cut_power(struct op *op)
{
    struct sim_machine *machine = op->machine;
    bool is_write = op->kind == IO_WRITE || op->kind == IO_WRITE_SYNC;
    op->effected = true;
    if (machine->cut_how == SIM_CUT_AFTER)
        acts[op->kind].effect(op);
    else if (machine->cut_how == SIM_CUT_DURING && is_write && fits(op, op->job->offset + bytes_of(op->job)))
        sim_file_tear(file_of(op), op->job->offset, op->job->views, op->job->view_count);
    else if (machine->cut_how == SIM_CUT_DURING && op->kind != IO_SYNC && op->kind != IO_SYNC_DIR)
        acts[op->kind].effect(op);
    sim_machine_die(machine, SIM_POWER);
    return -ERR_CANCELED;
}

static void
mix(const struct op *op)
{
    struct sim *sim = op->machine->sim;
    const struct io_job *job = op->job;
    sim_mix(sim, (uint64_t)op->kind << 56 | job->offset, view_str(op->machine->name));
    if (op->kind == IO_WRITE || op->kind == IO_WRITE_SYNC)
        for (unsigned i = 0; i < job->view_count; i++)
            sim_mix(sim, i, job->views[i]);
}

/* By script. */
static bool
must_fail(struct op *op)
{
    unsigned *left = &op->machine->fails[op->kind == IO_WRITE_SYNC ? IO_WRITE : op->kind];
    if (*left == 0)
        return false;
    --*left;
    if (op->kind == IO_SYNC && file_of(op) != NULL)
        sim_file_lose(file_of(op), op->mark);
    return true;
}

static int64_t
perform(struct op *op)
{
    struct sim_machine *machine = op->machine;
    mix(op);
    if (changes(op) && ++machine->disk_ops == machine->cut_op)
        return cut_power(op);
    op->effected = true;
    int64_t rc = must_fail(op) ? -ERR_IO : acts[op->kind].effect(op);
    if (rc == -ERR_IO || rc == -ERR_DISK_FULL)
        sim_note(machine->sim, "%s disk: %s (operation %u)", machine->name, err_text((int)rc), op->kind);
    return rc;
}

/* ---- time --------------------------------------------------------------------------------------------------- */

/* Begins `kind`: how long it will take. */
static uint64_t
begin(struct op *op, enum io_op kind)
{
    struct prng *chance = &op->machine->disk_chance;
    const struct sim_profile *profile = op->machine->sim->profile;
    op->kind = kind;
    op->effected = false;
    if (kind == IO_SYNC) {
        op->mark = file_of(op) != NULL ? sim_file_mark(file_of(op)) : 0;
        return sim_between(chance, profile->sync_ns_min, profile->sync_ns_max);
    }
    if (kind == IO_SYNC_DIR)
        return sim_between(chance, profile->sync_ns_min, profile->sync_ns_max);
    uint64_t bytes = kind == IO_READ ? op->job->len : bytes_of(op->job);
    return sim_between(chance, profile->disk_ns_min, profile->disk_ns_max) +
           sim_transfer_ns(bytes, profile->disk_bytes_per_s);
}

static void
op_free(struct op *op)
{
    sim_event_cut(&op->event);
    list_cut(&op->link);
    mem_free(op->machine->sim->mem, op);
}

static void
tell(struct sim_event *event)
{
    struct op *op = container_of(event, struct op, event);
    struct io_job *job = op->job;
    job->rc = op->rc;
    op_free(op);
    job->done(job);
}

static void
run(struct sim_event *event)
{
    struct op *op = container_of(event, struct op, event);
    struct sim_machine *machine = op->machine;
    int64_t rc = perform(op);
    if (machine->phase != SIM_RUNNING)
        return; /* power was cut, and the op went with it */
    uint64_t now_ns = machine->sim->now_ns;
    if (rc >= 0 && op->kind == IO_WRITE_SYNC) {
        sim_event_set(&machine->sim->agenda, &op->event, now_ns + begin(op, IO_SYNC), run);
        return;
    }
    op->rc = rc;
    sim_event_set(&op->loop->agenda, &op->event, now_ns, tell);
}

void
sim_job_submit(struct sim_loop *loop, struct io_job *job)
{
    struct sim_machine *machine = loop->machine;
    if (loop->dead || machine->doomed)
        return;
    struct op *op = sim_sure(MEM_NEW(machine->sim->mem, struct op));
    op->machine = machine;
    op->loop = loop;
    op->job = job;
    list_init(&op->link);
    list_push(&machine->ops, &op->link);
    sim_event_set(&machine->sim->agenda, &op->event, machine->sim->now_ns + begin(op, job->op), run);
}

int64_t
sim_job_now(struct sim_loop *loop, struct io_job *job)
{
    struct sim_machine *machine = loop->machine;
    struct op op = { .machine = machine, .loop = loop, .job = job };
    if (loop->dead || machine->doomed)
        return job->rc = -ERR_CANCELED;
    loop->free_at_ns += begin(&op, job->op);
    job->rc = perform(&op);
    if (job->op == IO_WRITE_SYNC && job->rc >= 0) {
        loop->free_at_ns += begin(&op, IO_SYNC);
        job->rc = perform(&op);
    }
    return job->rc;
}

/* ---- death -------------------------------------------------------------------------------------------------- */

/* An operation under way when its process dies: not done, done, or a write done in part. */
static void
leave_half_done(struct op *op)
{
    struct prng *chance = &op->machine->disk_chance;
    bool is_write = op->kind == IO_WRITE || op->kind == IO_WRITE_SYNC;
    if (op->effected || !acts[op->kind].changes || op->kind == IO_SYNC || op->kind == IO_SYNC_DIR)
        return;
    uint64_t part = prng_below(chance, bytes_of(op->job) + 1);
    if (is_write && prng_once_in(chance, 3) && file_of(op) != NULL && fits(op, op->job->offset + part))
        write_part(op, part);
    else if (prng_once_in(chance, 2))
        acts[op->kind].effect(op);
}

void
sim_jobs_died(struct sim_machine *machine)
{
    LIST_EACH(&machine->ops, it) {
        struct op *op = container_of(it, struct op, link);
        leave_half_done(op);
        op_free(op);
    }
}

void
sim_jobs_finish(struct sim_loop *loop)
{
    LIST_EACH(&loop->machine->ops, it) {
        struct op *op = container_of(it, struct op, link);
        if (op->loop != loop)
            continue;
        if (!op->effected)
            acts[op->kind].effect(op);
        if (op->job->op == IO_WRITE_SYNC && op->kind != IO_SYNC) {
            begin(op, IO_SYNC);
            do_sync(op);
        }
        op_free(op);
    }
}
