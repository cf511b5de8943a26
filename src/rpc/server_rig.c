/* rpc/server_rig.c - see server_rig.h. */
#include "rpc/server_rig.h"

#include <ctype.h>
#include <stdio.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/must.h"
#include "rpc/server_core.h"

#define NS_A_MS UINT64_C(1000000)
enum { MARK_BYTES = 4 };
#define LAST_FRAGMENT UINT32_C(0x80000000)

/* ---- requests ---------------------------------------------------------------------------------------------------- */

/* It has never run before. */
static void
check_once(struct server_rig *rig, const struct rpc_request *request)
{
    if (request->remembered == NULL || !request->remembered->key.is_clients)
        return;
    const struct replay_key *key = &request->remembered->key;
    for (unsigned i = 0; i < rig->once_count; i++)
        must(memcmp(rig->once[i].bytes, key->bytes, key->len) != 0);
    must(rig->once_count < RIG_ONCE_MAX);
    rig->once[rig->once_count++] = *key;
}

static void
on_request(void *arg, struct rpc_request *request)
{
    struct server_rig *rig = arg;
    check_once(rig, request);
    if (rig->is_kept) {
        must(rig->later_count < RIG_LATER_MAX);
        rig->later[rig->later_count++] = request;
        return;
    }
    rig->executed++;
    rpc_request_end(request, rpc_request_run(request));
}

static void
on_drained(void *arg)
{
    struct server_rig *rig = arg;
    rig->drained++;
}

uint64_t
rig_boot_of(const struct server_rig *rig)
{
    return rig->server->boot;
}

struct rpc_request *
rig_take(struct server_rig *rig)
{
    must(rig->later_count > 0);
    struct rpc_request *request = rig->later[0];
    rig->later_count--;
    memmove(rig->later, rig->later + 1, rig->later_count * sizeof(rig->later[0]));
    return request;
}

void
rig_answer(struct server_rig *rig)
{
    static const uint32_t answer = 42;
    (void)rpc_request_reply(rig_take(rig), &answer);
}

void
rig_answer_all(struct server_rig *rig)
{
    while (rig->later_count > 0)
        rig_answer(rig);
}

/* ---- the server's machine -------------------------------------------------------------------------------------- */

static int
listen_at(struct server_rig *rig, const char *text)
{
    struct rpc_address address, bound;
    must(rpc_address_parse(view_str(text), &address) == 0);
    return rpc_server_listen(rig->server, &address, &bound);
}

static int
set_up(struct server_rig *rig, struct io *io)
{
    static const struct rpc_server_on on = { .request = on_request, .drained = on_drained };
    static const char *const addresses[] = { "tcp://*:700", "udp://*:700", "inproc:test" };
    int rc = rpc_world_new(io, &rig->world);
    if (rc == 0)
        rc = rpc_server_new(rig->world, &on, rig, &rig->server);
    for (size_t i = 0; rc == 0 && i < RIG_PROGRAMS; i++)
        rc = rpc_server_serve(rig->server, &rig_programs[i], NULL, rig);
    for (size_t i = 0; rc == 0 && i < COUNT_OF(addresses); i++)
        rc = listen_at(rig, addresses[i]);
    return rc;
}

static int
start(void *arg, struct io *io)
{
    struct server_rig *rig = arg;
    rig->start_rc = set_up(rig, io);
    return rig->start_rc;
}

static void
died(void *arg, enum sim_death how)
{
    struct server_rig *rig = arg;
    (void)how;
    rpc_server_free(rig->server);
    rig->server = NULL;
    rig_answer_all(rig);
    rpc_world_free(rig->world);
    rig->world = NULL;
}

static int
start_raws(void *arg, struct io *io)
{
    struct server_rig *rig = arg;
    rig->raw_io = io;
    return 0;
}

static struct server_rig *
new_rig(uint64_t fail_at)
{
    struct mem rig_mem = { 0 };
    struct server_rig *rig = MEM_NEW(&rig_mem, struct server_rig);
    must(rig != NULL);
    rig->rig_mem = rig_mem;
    rig->server_mem.fail_at = fail_at;
    must(sim_new(&rig->mem, 1, NULL, &rig->sim) == 0);
    struct sim_program server = { .start = start, .died = died, .arg = rig, .mem = &rig->server_mem };
    struct sim_program raws = { .start = start_raws, .arg = rig, .mem = &rig->raw_mem };
    must(sim_machine_new(rig->sim, "a", &server, &rig->server_machine) == 0);
    must(sim_machine_new(rig->sim, "b", &raws, &rig->raw_machine) == 0);
    sim_boot(rig->server_machine);
    sim_boot(rig->raw_machine);
    rig_run(rig, 1);
    return rig;
}

struct server_rig *
rig_open(void)
{
    struct server_rig *rig = new_rig(0);
    must(rig->start_rc == 0);
    return rig;
}

struct server_rig *
rig_open_failing(uint64_t fail_at)
{
    return new_rig(fail_at);
}

void
rig_close(struct server_rig *rig)
{
    sim_free(rig->sim);
    must(rig->server_mem.used_bytes == 0);
    must(rig->raw_mem.used_bytes == 0);
    must(rig->mem.used_bytes == 0);
    struct mem rig_mem = rig->rig_mem;
    mem_free(&rig_mem, rig);
}

void
rig_run(struct server_rig *rig, unsigned ms)
{
    sim_run_for(rig->sim, ms * NS_A_MS);
}

void
rig_set(struct server_rig *rig, enum tambo_rpc_server_option option, int64_t value)
{
    must(rpc_server_set(rig->server, option, value) == 0);
}

/* ---- raw callers ----------------------------------------------------------------------------------------------- */

static void
keep(struct rig_raw *raw, struct view bytes)
{
    must(raw->is_counted_only || bytes.len <= sizeof(raw->got) - raw->got_bytes);
    if (!raw->is_counted_only)
        memcpy(raw->got + raw->got_bytes, bytes.data, bytes.len);
    raw->got_bytes += bytes.len;
}

static void
on_read(void *arg, struct view bytes)
{
    keep(arg, bytes);
}

static void
on_ended(void *arg, int rc)
{
    struct rig_raw *raw = arg;
    (void)rc;
    raw->is_ended = true;
    io_abort(raw->stream);
    raw->stream = NULL;
}

static void
on_opened(void *arg, int rc)
{
    if (rc < 0)
        on_ended(arg, rc);
}

static void
on_closed(void *arg)
{
    (void)arg;
}

/* Marked as a record, so that both kinds are read alike. */
static void
on_datagram(void *arg, const struct io_remote *from, struct view bytes)
{
    uint8_t mark[MARK_BYTES];
    struct pen pen = pen_of(mark, sizeof(mark));
    (void)from;
    put_u32(&pen, LAST_FRAGMENT | (uint32_t)bytes.len);
    keep(arg, view_of(mark, sizeof(mark)));
    keep(arg, bytes);
}

static void
on_refused(void *arg, int rc)
{
    struct rig_raw *raw = arg;
    (void)rc;
    raw->is_ended = true;
}

static struct rig_raw *
fresh(struct server_rig *rig, unsigned i)
{
    struct rig_raw *raw = &rig->raws[i];
    rig_cut(rig, i);
    raw->rig = rig;
    raw->is_ended = raw->is_counted_only = false;
    raw->got_bytes = 0;
    return raw;
}

void
rig_connect(struct server_rig *rig, unsigned i)
{
    static const struct io_stream_on on = { on_opened, on_read, on_ended, NULL, on_closed };
    struct rig_raw *raw = fresh(rig, i);
    struct io_address address;
    must(io_address_parse("tcp://a:700", 0, &address) == 0);
    must(io_connect(rig->raw_io, &address, &on, raw, &raw->stream) == 0);
    rig_run(rig, 5);
}

void
rig_bind(struct server_rig *rig, unsigned i)
{
    static const struct io_datagram_on on = { on_datagram, on_refused, on_closed };
    struct rig_raw *raw = fresh(rig, i);
    struct io_address address;
    must(io_address_parse("tcp://a:700", 0, &address) == 0);
    must(io_datagram_open(rig->raw_io, NULL, &address, &on, raw, &raw->datagram) == 0);
    rig_run(rig, 5);
}

void
rig_cut(struct server_rig *rig, unsigned i)
{
    struct rig_raw *raw = &rig->raws[i];
    if (raw->stream != NULL)
        io_abort(raw->stream);
    if (raw->datagram != NULL)
        io_datagram_close(raw->datagram);
    raw->stream = NULL;
    raw->datagram = NULL;
    rig_run(rig, 5);
}

void
rig_send(struct server_rig *rig, unsigned i, struct view bytes)
{
    struct rig_raw *raw = &rig->raws[i];
    if (raw->datagram != NULL)
        must(io_datagram_put(raw->datagram, NULL, bytes) == 0);
    else if (raw->stream != NULL)
        must(io_put(raw->stream, bytes) == 0);
}

static unsigned
digit(char c)
{
    must(isxdigit((unsigned char)c));
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

size_t
rig_bytes(const char *text, uint8_t *ret, size_t room)
{
    struct pen pen = pen_of(ret, room);
    while (*text != '\0') {
        if (*text == ' ') {
            text++;
        } else if (*text == '[') {
            size_t len = strcspn(++text, "]");
            put_bytes(&pen, view_of(text, len));
            text += len + 1;
        } else {
            put_u8(&pen, (uint8_t)(digit(text[0]) << 4 | digit(text[1])));
            text += 2;
        }
    }
    must(!pen.torn);
    return (size_t)(pen.at - ret);
}

void
rig_put(struct server_rig *rig, unsigned i, const char *message)
{
    uint8_t bytes[MARK_BYTES + 4096];
    size_t n = rig_bytes(message, bytes + MARK_BYTES, sizeof(bytes) - MARK_BYTES);
    struct pen pen = pen_of(bytes, MARK_BYTES);
    put_u32(&pen, LAST_FRAGMENT | (uint32_t)n);
    if (rig->raws[i].datagram != NULL)
        rig_send(rig, i, view_of(bytes + MARK_BYTES, n));
    else
        rig_send(rig, i, view_of(bytes, MARK_BYTES + n));
}

void
rig_say(struct server_rig *rig, unsigned i, const char *message)
{
    rig_put(rig, i, message);
    rig_run(rig, 20);
}

void
rig_put_call(struct server_rig *rig, unsigned i, const struct rig_extra *extra)
{
    uint64_t boot = extra->boot != 0 ? extra->boot : rig->server->boot;
    must(snprintf(rig->said, sizeof(rig->said),
                  "%s 00000000 00000002 20000001 00000001 %08x 00000000 00000000 2074616d 00000030 %08x %08x "
                  "[client: 1234567]%02x %016llx %016llx %016llx %s",
                  extra->xid, extra->number, extra->flags, extra->left_ms, (unsigned)extra->who,
                  (unsigned long long)extra->sequence, (unsigned long long)extra->settled, (unsigned long long)boot,
                  extra->args) < (int)sizeof(rig->said));
    rig_put(rig, i, rig->said);
}

void
rig_call(struct server_rig *rig, unsigned i, const struct rig_extra *extra)
{
    rig_put_call(rig, i, extra);
    rig_run(rig, 20);
}

static size_t
print(char *to, size_t room, struct view message)
{
    size_t n = 0;
    for (size_t i = 0; i < message.len; i++) {
        must(n + 4 < room);
        n += (size_t)snprintf(to + n, room - n, "%s%02x", i > 0 && i % 4 == 0 ? " " : "", message.data[i]);
    }
    to[n++] = '\n';
    to[n] = '\0';
    return n;
}

const char *
rig_heard(struct server_rig *rig, unsigned i)
{
    struct rig_raw *raw = &rig->raws[i];
    struct cursor c = cursor_of(view_of(raw->got, raw->got_bytes));
    size_t n = 0;
    rig->text[0] = '\0';
    while (cursor_left(&c) > 0) {
        uint32_t mark = take_u32(&c);
        must((mark & LAST_FRAGMENT) != 0);
        struct view message = take_bytes(&c, mark & ~LAST_FRAGMENT);
        must(!c.torn);
        n += print(rig->text + n, sizeof(rig->text) - n, message);
    }
    raw->got_bytes = 0;
    return rig->text;
}

struct server_rig *
rig_open_connected(void)
{
    struct server_rig *rig = rig_open();
    rig_connect(rig, 0);
    rig_connect(rig, 1);
    return rig;
}

void
rig_say_once(struct server_rig *rig, unsigned i, const char *xid, unsigned number, uint64_t sequence)
{
    const char *args = number == RIG_ADD ? "00000001 00000002" : "00000008";
    rig_call(rig, i, &(struct rig_extra){ xid, number, args, ONCRPC_EXTRA_ONCE, 0, 'a', sequence, 0, 0 });
}

struct tambo_rpc_metric
rig_metric(const struct server_rig *rig, unsigned row)
{
    struct tambo_rpc_metric metric;
    must(rpc_server_metric(rig->server, row, &metric) == 0);
    return metric;
}
