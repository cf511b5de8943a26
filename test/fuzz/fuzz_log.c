/* libFuzzer target: opening a log whose files somebody has changed.
 *
 * A small log with a checkpoint is written on a simulated machine.  The input is a list of edits of its files (bytes
 * written, a file cut short, a checksum made good again).  Then the log is opened: that must not crash, and as long
 * as no checksum was forged, every record that is replayed must be one that was appended there, in order. */
#include "base/cursor.h"
#include "base/mem.h"
#include "io/sim/sim.h"
#include "log/internal.h"

enum { RECORDS = 40, EDITS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
    struct mem world, mem;
    struct sim *sim;
    struct sim_machine *machine;
    struct io *io;
    struct log *log;
    uint64_t positions[RECORDS];
    unsigned replayed;
    uint64_t last;
    bool forged, checkpointed;
};

/* The i-th record: its number, and a tail of a length and content that follow from it. */
static size_t
print_record(uint8_t *ret, unsigned i)
{
    size_t len = 1 + i * 53 % 400;
    memset(ret, (int)(i * 7), len);
    ret[0] = (uint8_t)i;
    return len;
}

static void
check_record(struct bench *b, unsigned kind, uint64_t position, struct view record)
{
    uint8_t wanted[512];
    unsigned i = record.len == 0 ? RECORDS : record.data[0];
    must(i < RECORDS && kind == i % 9 + 1 && position == b->positions[i] && position > b->last);
    must(view_equal(record, view_of(wanted, print_record(wanted, i))));
    b->last = position;
}

static int
on_replay(void *arg, unsigned kind, uint64_t position, struct view record)
{
    struct bench *b = arg;
    b->replayed++;
    if (!b->forged && position != 0)
        check_record(b, kind, position, record);
    return 0;
}

static void
on_committed(void *arg, uint64_t position)
{
    (void)arg;
    (void)position;
}

static void
on_note(void *arg, int severity, const char *line)
{
    (void)arg;
    (void)severity;
    must(line[0] != '\0');
}

static void
on_pressed(void *arg, bool short_of_room)
{
    (void)arg;
    (void)short_of_room;
}

static int
on_start(void *arg, struct io *io)
{
    struct bench *b = arg;
    struct log_report report;
    struct log_config config = {
        .dir = "log", .tier = TIER_SYNCED, .segment_bytes = SEGMENT_BYTES_MIN, .batch_bytes_max = 64 * 1024
    };
    struct log_owner owner = {
        .arg = b, .committed = on_committed, .replay = on_replay, .note = on_note, .pressed = on_pressed
    };
    b->io = io;
    b->last = 0;
    must(log_new(io, &config, &owner, &b->log) == 0);
    (void)log_open(b->log, &report); /* it may well refuse */
    return 0;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct bench *b = arg;
    (void)how;
    log_free(b->log);
    b->log = NULL;
}

static void
boot(struct bench *b)
{
    sim_boot(b->machine);
    sim_run_for(b->sim, SIM_NS_A_S);
}

static void
on_checkpointed(void *arg, int rc)
{
    struct bench *b = arg;
    b->checkpointed = rc == 0;
}

static void
write_log(struct bench *b)
{
    uint8_t bytes[512];
    for (unsigned i = 0; i < RECORDS; i++) {
        struct view part = view_of(bytes, print_record(bytes, i));
        int64_t position = log_append(b->log, i % 9 + 1, false, &part, 1);
        must(position > 0);
        b->positions[i] = (uint64_t)position;
        if (i == RECORDS / 4) {
            must(log_checkpoint_begin(b->log) > 0 && log_checkpoint_put(b->log, 3, &part, 1) == 0);
            log_checkpoint_end(b->log, on_checkpointed, b);
        }
        if (i % 5 == 4)
            log_flush(b->log);
        sim_run_for(b->sim, SIM_NS_A_MS);
    }
    log_flush(b->log);
    sim_run_for(b->sim, SIM_NS_A_S);
    must(b->checkpointed);
}

static void
write_at(struct bench *b, int64_t file, uint64_t offset, struct view bytes)
{
    struct io_job job = { .op = IO_WRITE, .file = file, .offset = offset, .view_count = 1 };
    job.views[0] = bytes;
    (void)io_now(b->io, &job);
}

/* The record header at `offset` gets the checksums that its length and kind ask for. */
static void
forge(struct bench *b, const char *path, int64_t file, uint64_t offset)
{
    uint8_t page[SEGMENT_HEADER_BYTES], bytes[1024];
    struct segment_header header;
    if (sim_file_peek(b->machine, path, 0, page, sizeof(page)) != sizeof(page) ||
        segment_header_decode(page, 1, &header) < 0)
        return;
    int64_t got = sim_file_peek(b->machine, path, offset, bytes, sizeof(bytes));
    if (got < RECORD_HEADER_BYTES)
        return;
    uint32_t len = (uint32_t)(bytes[10] << 8 | bytes[11]) % (uint32_t)((size_t)got - RECORD_HEADER_BYTES + 1);
    struct view payload = view_of(bytes + RECORD_HEADER_BYTES, len);
    uint8_t record[2048];
    record_encode(record, (struct record_header){ .len = len, .kind = bytes[5] }, &payload, 1,
                  segment_seed(header.epoch, 1) + offset);
    write_at(b, file, offset, view_of(record, record_span(len)));
    b->forged = true;
}

static void
edit(struct bench *b, struct cursor *input)
{
    static const char *const paths[] = { "log/0000000001.seg", "log/0000000002.seg", "log/checkpoint-0000000001" };
    const char *path = paths[take_u8(input) % COUNT_OF(paths)];
    unsigned op = take_u8(input) % 8;
    uint64_t offset = take_u16(input) % SEGMENT_BYTES_MIN;
    struct view bytes = take_bytes(input, op < 6 ? op + 1 : 0);
    int64_t file = open_now(b->io, path, 0);
    struct io_job cut = { .op = IO_TRUNCATE, .file = file, .offset = offset };
    if (file < 0 || input->torn)
        return;
    if (op < 6)
        write_at(b, file, offset, bytes);
    else if (op == 6)
        (void)io_now(b->io, &cut);
    else
        forge(b, path, file, offset / ALIGN_BYTES * ALIGN_BYTES);
    close_now(b->io, file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench b = { 0 };
    struct cursor input = cursor_of(view_of(data, size));
    must(sim_new(&b.world, 1, NULL, &b.sim) == 0);
    struct sim_program program = { .start = on_start, .died = on_died, .arg = &b, .mem = &b.mem };
    must(sim_machine_new(b.sim, "n1", &program, &b.machine) == 0);
    boot(&b);
    write_log(&b);
    for (int i = 0; i < EDITS_MAX && cursor_left(&input) > 0; i++)
        edit(&b, &input);
    sim_kill(b.machine);
    b.replayed = 0;
    boot(&b);
    must(size > 0 || b.replayed > RECORDS / 2);
    sim_free(b.sim);
    must(b.mem.used_bytes == 0 && b.world.used_bytes == 0);
    return 0;
}
