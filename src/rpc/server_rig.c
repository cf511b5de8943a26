/* rpc/server_rig.c - see server_rig.h. */
#include "rpc/server_rig.h"

#include <ctype.h>
#include <stdio.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/must.h"
#include "rpc/server_core.h"

#define NS_A_MS UINT64_C(1000000)
enum { PROGRAM = 0x20000001, ANY_PROGRAM = 0x20000002, MARK_BYTES = 4 };
#define LAST_FRAGMENT UINT32_C(0x80000000)

/* ---- what is served --------------------------------------------------------------------------------------------- */

static int
decode_bytes(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_opaque(in, ret, UINT32_MAX);
}

static int
encode_bytes(struct tambo_xdr_out *out, const void *value)
{
    const struct tambo_bytes *bytes = value;
    return tambo_xdr_put_opaque(out, bytes->data, bytes->len, UINT32_MAX);
}

static int
decode_word(struct tambo_xdr_in *in, void *ret)
{
    return tambo_xdr_get_u32(in, ret);
}

static int
encode_word(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_u32(out, *(const uint32_t *)value);
}

static int
decode_words(struct tambo_xdr_in *in, void *ret)
{
    uint32_t *words = ret;
    int rc = tambo_xdr_get_u32(in, &words[0]);
    return rc < 0 ? rc : tambo_xdr_get_u32(in, &words[1]);
}

struct node {
    uint32_t value;
    struct node *next;
};

static int
decode_list(struct tambo_xdr_in *in, void *ret)
{
    struct node **at = ret;
    int rc;
    while ((rc = tambo_xdr_get_pointer(in, sizeof(struct node), at)) > 0) {
        rc = tambo_xdr_get_u32(in, &(*at)->value);
        tambo_xdr_in_up(in);
        if (rc < 0)
            return rc;
        at = &(*at)->next;
    }
    return rc;
}

static int
encode_text(struct tambo_xdr_out *out, const void *value)
{
    return tambo_xdr_put_string(out, *(char *const *)value, UINT32_MAX);
}

static int
decode_all(struct tambo_xdr_in *in, void *ret)
{
    struct tambo_bytes *bytes = ret;
    uint32_t len = (uint32_t)(in->end - in->at);
    uint8_t *copy = tambo_arena_take(in->arena, len + 1);
    if (copy == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    bytes->len = len;
    bytes->data = copy;
    return len == 0 ? 0 : tambo_xdr_get_fixed(in, copy, len);
}

struct numbered {
    uint32_t number;
    struct tambo_bytes bytes;
};

static int
encode_numbered(struct tambo_xdr_out *out, const void *value)
{
    const struct numbered *numbered = value;
    int rc = tambo_xdr_put_u32(out, numbered->number);
    return rc < 0 ? rc : tambo_xdr_put_fixed(out, numbered->bytes.data, numbered->bytes.len);
}

/* ---- handlers --------------------------------------------------------------------------------------------------- */

#define HANDLER(name) \
    static int name(const void *handlers, void *arg, struct tambo_rpc_request *request, const void *args, void *ret)

HANDLER(echo)
{
    (void)handlers, (void)arg, (void)request;
    *(struct tambo_bytes *)ret = *(const struct tambo_bytes *)args;
    return 0;
}

HANDLER(add)
{
    const uint32_t *words = args;
    (void)handlers, (void)arg, (void)request;
    *(uint32_t *)ret = words[0] + words[1];
    return 0;
}

HANDLER(later)
{
    struct server_rig *rig = arg;
    (void)handlers, (void)ret, (void)args;
    must(rig->later_count < RIG_LATER_MAX);
    rig->later[rig->later_count++] = (struct rpc_request *)request;
    return TAMBO_RPC_LATER;
}

HANDLER(fail)
{
    (void)handlers, (void)arg, (void)request, (void)ret;
    return -(int)*(const uint32_t *)args;
}

HANDLER(large)
{
    struct tambo_bytes *bytes = ret;
    uint32_t len = *(const uint32_t *)args;
    (void)handlers, (void)arg;
    uint8_t *data = tambo_arena_take(rpc_request_arena((struct rpc_request *)request), len + 1);
    if (data == NULL)
        return -TAMBO_ERR_NO_MEMORY;
    memset(data, 'x', len);
    *bytes = (struct tambo_bytes){ data, len };
    return 0;
}

HANDLER(sum)
{
    (void)handlers, (void)arg, (void)request;
    for (const struct node *it = *(struct node *const *)args; it != NULL; it = it->next)
        *(uint32_t *)ret += it->value;
    return 0;
}

HANDLER(nulled)
{
    (void)handlers, (void)arg, (void)request, (void)args, (void)ret;
    return 0;
}

HANDLER(any)
{
    struct numbered *numbered = ret;
    (void)handlers, (void)arg;
    numbered->number = rpc_request_number((struct rpc_request *)request);
    numbered->bytes = *(const struct tambo_bytes *)args;
    return 0;
}

static const struct tambo_rpc_procedure procedures[] = {
    {"ECHO",    1, NULL, encode_bytes, decode_bytes, NULL, sizeof(struct tambo_bytes), sizeof(struct tambo_bytes), echo  },
    { "ADD",    2, NULL, encode_word,  decode_words, NULL, 8,                          4,                          add   },
    { "LATER",  4, NULL, encode_word,  decode_word,  NULL, 4,                          4,                          later },
    { "FAIL",   5, NULL, NULL,         decode_word,  NULL, 4,                          0,                          fail  },
    { "LARGE",  6, NULL, encode_bytes, decode_word,  NULL, 4,                          sizeof(struct tambo_bytes), large },
    { "LIST",   7, NULL, encode_word,  decode_list,  NULL, sizeof(struct node *),      4,                          sum   },
    { "NULLED", 8, NULL, encode_text,  NULL,         NULL, 0,                          sizeof(char *),             nulled},
};
static const struct tambo_rpc_procedure any_procedure = {
    "ANY", 0, NULL, encode_numbered, decode_all, NULL, sizeof(struct tambo_bytes), sizeof(struct numbered), any
};
static const struct tambo_rpc_program programs[] = {
    {"TEST",  PROGRAM,     1, procedures, COUNT_OF(procedures), "program TEST { ... } = 0x20000001;", NULL          },
    { "TEST", PROGRAM,     3, procedures, COUNT_OF(procedures), NULL,                                 NULL          },
    { "ANY",  ANY_PROGRAM, 1, NULL,       0,                    NULL,                                 &any_procedure},
};

static void
on_request(void *arg, struct rpc_request *request)
{
    struct server_rig *rig = arg;
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

static void
take_later(struct server_rig *rig)
{
    rig->later_count--;
    memmove(rig->later, rig->later + 1, rig->later_count * sizeof(rig->later[0]));
}

void
rig_answer(struct server_rig *rig)
{
    static const uint32_t answer = 42;
    must(rig->later_count > 0);
    struct rpc_request *request = rig->later[0];
    take_later(rig);
    (void)rpc_request_reply(request, &answer);
}

void
rig_answer_all(struct server_rig *rig)
{
    while (rig->later_count > 0)
        rig_answer(rig);
}

/* ---- the server's machine -----------------------------------------------------------------------------------------
 */

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
    for (size_t i = 0; rc == 0 && i < COUNT_OF(programs); i++)
        rc = rpc_server_serve(rig->server, &programs[i], NULL, rig);
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

/* ---- raw callers --------------------------------------------------------------------------------------------------
 */

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
rig_call(struct server_rig *rig, unsigned i, const struct rig_extra *extra)
{
    uint64_t boot = extra->boot != 0 ? extra->boot : rig->server->boot;
    must(snprintf(rig->said, sizeof(rig->said),
                  "%s 00000000 00000002 20000001 00000001 %08x 00000000 00000000 2074616d 00000030 %08x %08x "
                  "[client: 1234567]%02x %016llx %016llx %016llx %s",
                  extra->xid, extra->number, extra->flags, extra->left_ms, (unsigned)extra->who,
                  (unsigned long long)extra->sequence, (unsigned long long)extra->settled, (unsigned long long)boot,
                  extra->args) < (int)sizeof(rig->said));
    rig_say(rig, i, rig->said);
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
