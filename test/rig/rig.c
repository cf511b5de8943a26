#include "rig/rig.h"

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"
#include "rig/notation.h"
#include "wire/mqtt.h"

enum { MQTT_PORT = 1883, MOMENT_MS = 200, BOOT_MS = 1000, SAY_BYTES_MAX = 4096 };

/* ---- the node ------------------------------------------------------------------------------------------------ */

static void
on_line(void *arg, const struct line *line)
{
    struct rig *rig = arg;
    rig->lines++;
    size_t n = line_print(line, LINE_TEXT, rig->last_line, sizeof(rig->last_line) - 1);
    rig->last_line[n] = '\0';
    sim_note(rig->sim, "%s", rig->last_line);
}

static void
on_stopped(void *arg)
{
    struct rig *rig = arg;
    rig->stopped = true;
    io_stop(sim_machine_io(rig->node_machine));
}

static int
start_node(void *arg, struct io *io)
{
    struct rig *rig = arg;
    const struct node_owner owner = { .arg = rig, .say = on_line, .stopped = on_stopped };
    rig->fault = (struct settings_fault){ 0 };
    rig->stopped = false;
    rig->node_mem.bytes_max = rig->settings.node_memory_bytes_max;
    if (rig->before != NULL)
        rig->before(io, rig->before_arg);
    rig->started = node_new(io, &rig->settings, &owner, &rig->node);
    if (rig->started == 0)
        rig->started = node_open(rig->node, 1, &rig->fault);
    if (rig->started == 0)
        rig->started = node_start(rig->node);
    return rig->started;
}

static void
node_died(void *arg, enum sim_death how)
{
    struct rig *rig = arg;
    (void)how;
    node_free(rig->node);
    rig->node = NULL;
}

static void
choose_settings(struct settings *s)
{
    settings_default(s);
    snprintf(s->data, sizeof(s->data), "data");
    s->shards = 1;
    s->tier = TIER_MEMORY;
    s->segment_bytes = KIB(64);
    s->checkpoint_bytes = KIB(64);
    s->log_batch_bytes_max = KIB(64);
    s->disk_free_bytes_min = 0;
    s->sys_interval_s = 0;
    s->listen_count = 1;
    must(io_address_parse("tcp://*", MQTT_PORT, &s->listen[0]) == 0);
}

/* ---- the stage ----------------------------------------------------------------------------------------------- */

static int
start_raws(void *arg, struct io *io)
{
    struct rig *rig = arg;
    rig->raw_io = io;
    return 0;
}

struct rig *
rig_new(void)
{
    struct mem mem = { 0 };
    struct rig *rig = MEM_NEW(&mem, struct rig);
    must(rig != NULL);
    rig->world = mem;
    choose_settings(&rig->settings);
    must(sim_new(&rig->world, 1, NULL, &rig->sim) == 0);
    const struct sim_program node = { .start = start_node, .died = node_died, .arg = rig, .mem = &rig->node_mem };
    const struct sim_program raws = { .start = start_raws, .arg = rig, .mem = &rig->raw_mem };
    must(sim_machine_new(rig->sim, "node", &node, &rig->node_machine) == 0);
    must(sim_machine_new(rig->sim, "raws", &raws, &rig->raw_machine) == 0);
    sim_boot(rig->raw_machine);
    return rig;
}

void
rig_free(struct rig *rig)
{
    sim_free(rig->sim);
    must(rig->node_mem.used_bytes == 0 && rig->raw_mem.used_bytes == 0);
    struct mem mem = rig->world;
    mem_free(&mem, rig);
    must(mem.used_bytes == 0);
}

void
rig_wait(struct rig *rig, uint64_t ms)
{
    sim_run_for(rig->sim, ms * SIM_NS_A_MS);
}

bool
rig_boot(struct rig *rig)
{
    rig->started = -ERR_CANCELED;
    sim_boot(rig->node_machine);
    rig_wait(rig, BOOT_MS);
    return sim_machine_up(rig->node_machine);
}

void
rig_die(struct rig *rig, enum sim_death how)
{
    if (how == SIM_POWER)
        sim_power_cut(rig->node_machine);
    else
        sim_kill(rig->node_machine);
    rig_wait(rig, MOMENT_MS);
}

/* ---- connections --------------------------------------------------------------------------------------------- */

static void
on_opened(void *arg, int rc)
{
    struct raw *raw = arg;
    if (rc < 0)
        raw->ended = true;
}

static void
on_read(void *arg, struct view bytes)
{
    struct raw *raw = arg;
    size_t room = raw->got_bytes < RAW_BYTES_MAX ? RAW_BYTES_MAX - raw->got_bytes : 0;
    if (room > 0)
        memcpy(raw->got + raw->got_bytes, bytes.data, bytes.len < room ? bytes.len : room);
    raw->got_bytes += bytes.len;
}

static void
on_ended(void *arg, int rc)
{
    struct raw *raw = arg;
    (void)rc;
    raw->ended = true;
}

static void
on_drained(void *arg)
{
    (void)arg;
}

static const struct io_stream_on raw_on = {
    .opened = on_opened, .read = on_read, .ended = on_ended, .drained = on_drained, .closed = on_drained
};

void
raw_open(struct rig *rig, unsigned i)
{
    struct io_address address = { .kind = IO_TCP, .host = "node", .port = MQTT_PORT };
    struct raw *raw = &rig->raws[i];
    raw_cut(rig, i);
    raw->ended = false;
    raw->got_bytes = 0;
    must(io_connect(rig->raw_io, &address, &raw_on, raw, &raw->stream) == 0);
    rig_wait(rig, 10);
}

bool
raw_meet(struct rig *rig, unsigned i, const char *connect)
{
    raw_open(rig, i);
    raw_say(rig, i, connect);
    struct view got = raw_got(rig, i);
    raw_forget(rig, i);
    return got.len >= 4 && got.data[0] == MQTT_CONNACK << 4 && got.data[3] == MQTT_SUCCESS;
}

void
raw_deafen(struct rig *rig, unsigned i)
{
    if (raw_lives(rig, i))
        io_read_pause(rig->raws[i].stream);
}

void
raw_listen(struct rig *rig, unsigned i)
{
    if (raw_lives(rig, i))
        io_read_resume(rig->raws[i].stream);
}

void
raw_send(struct rig *rig, unsigned i, struct view bytes)
{
    if (raw_lives(rig, i) && bytes.len > 0)
        must(io_put(rig->raws[i].stream, bytes) == 0);
}

void
raw_say(struct rig *rig, unsigned i, const char *notation)
{
    uint8_t bytes[SAY_BYTES_MAX];
    raw_send(rig, i, view_of(bytes, notation_bytes(notation, bytes, sizeof(bytes))));
    rig_wait(rig, MOMENT_MS);
}

void
raw_cut(struct rig *rig, unsigned i)
{
    struct raw *raw = &rig->raws[i];
    if (raw->stream != NULL)
        io_abort(raw->stream);
    raw->stream = NULL;
}

struct view
raw_got(const struct rig *rig, unsigned i)
{
    const struct raw *raw = &rig->raws[i];
    return view_of(raw->got, raw->got_bytes < RAW_BYTES_MAX ? raw->got_bytes : RAW_BYTES_MAX);
}

void
raw_forget(struct rig *rig, unsigned i)
{
    rig->raws[i].got_bytes = 0;
}

void
raw_eat(struct rig *rig, unsigned i, size_t n)
{
    struct raw *raw = &rig->raws[i];
    must(n <= raw_got(rig, i).len);
    memmove(raw->got, raw->got + n, raw_got(rig, i).len - n);
    raw->got_bytes -= n;
}

bool
raw_hears(struct rig *rig, unsigned i, const char *notation)
{
    uint8_t bytes[SAY_BYTES_MAX];
    struct view want = view_of(bytes, notation_bytes(notation, bytes, sizeof(bytes)));
    bool heard = view_equal(raw_got(rig, i), want);
    raw_forget(rig, i);
    return heard;
}

unsigned
raw_counts(const struct rig *rig, unsigned i, const char *text)
{
    struct view got = raw_got(rig, i);
    unsigned n = 0;
    for (const uint8_t *at = memmem(got.data, got.len, text, strlen(text)); at != NULL; n++) {
        size_t past = (size_t)(at - got.data) + 1;
        at = memmem(got.data + past, got.len - past, text, strlen(text));
    }
    return n;
}

bool
raw_lives(const struct rig *rig, unsigned i)
{
    return rig->raws[i].stream != NULL && !rig->raws[i].ended;
}
