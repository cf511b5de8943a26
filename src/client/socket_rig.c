/* client/socket_rig.c - see socket_rig.h. */
#include "client/socket_rig.h"

#include "base/err.h"
#include "base/must.h"
#include "wire/zmtp.h"

#define NS_A_MS UINT64_C(1000000)

static int
start(void *arg, struct io *io)
{
    struct rig_host *host = arg;
    return socket_world_new(io, &host->world);
}

static void
died(void *arg, enum sim_death how)
{
    struct rig_host *host = arg;
    (void)how;
    socket_world_free(host->world);
    host->world = NULL;
}

void
rig_open(struct rig *rig)
{
    rig_open_with(rig, 1, NULL);
}

void
rig_open_with(struct rig *rig, uint64_t seed, const struct sim_profile *profile)
{
    memset(rig, 0, sizeof *rig);
    must(sim_new(&rig->mem, seed, profile, &rig->sim) == 0);
    for (size_t i = 0; i < RIG_HOSTS; i++) {
        struct rig_host *host = &rig->hosts[i];
        struct sim_program program = { .start = start, .died = died, .arg = host, .mem = &host->mem };
        char name[2] = { (char)('a' + i), '\0' };
        must(sim_machine_new(rig->sim, name, &program, &host->machine) == 0);
        sim_boot(host->machine);
    }
    rig_run(rig, 1);
}

void
rig_close(struct rig *rig)
{
    sim_free(rig->sim);
    for (size_t i = 0; i < RIG_HOSTS; i++)
        must(rig->hosts[i].mem.used_bytes == 0);
    must(rig->mem.used_bytes == 0);
}

void
rig_run(struct rig *rig, unsigned ms)
{
    sim_run_for(rig->sim, ms * NS_A_MS);
}

static struct rig_host *
host_of(struct rig *rig, char letter)
{
    return &rig->hosts[letter - 'a'];
}

static void
on_gone(void *arg)
{
    struct rig *rig = arg;
    rig->gone++;
}

static int
on_admit(void *arg, const char *mechanism, struct view name, struct view password, const char *peer)
{
    const struct rig *rig = arg;
    must(strcmp(mechanism, "PLAIN") != 0 || (name.len > 0 && peer[0] != '\0'));
    return rig->password == NULL || view_is(password, rig->password) ? 0 : -ERR_DENIED;
}

struct socket *
rig_socket(struct rig *rig, char host, enum tambo_pattern pattern)
{
    static const struct socket_on on = { .admit = on_admit, .gone = on_gone };
    struct socket *socket;
    must(socket_new(host_of(rig, host)->world, pattern, &on, rig, &socket) == 0);
    return socket;
}

struct socket *
rig_bound(struct rig *rig, char host, enum tambo_pattern pattern, const char *endpoint)
{
    struct socket *socket = rig_socket(rig, host, pattern);
    must(socket_bind(socket, endpoint) == 0);
    return socket;
}

struct socket *
rig_connected(struct rig *rig, char host, enum tambo_pattern pattern, const char *endpoint)
{
    struct socket *socket = rig_socket(rig, host, pattern);
    must(socket_connect(socket, endpoint) == 0);
    return socket;
}

const struct rig_road rig_roads[RIG_ROADS] = {
    {"tcp://*:5000",      "tcp://a:5000",      'b'},
    { "tcp://*:5000",     "tcp://a:5000/jobs", 'b'},
    { "ipc://jobs",       "ipc://jobs",        'a'},
    { "inproc://jobs",    "inproc://jobs",     'a'},
    { "ws://*:5000/jobs", "ws://a:5000/jobs",  'b'},
};

void
rig_meet(struct rig *rig, unsigned meeting, struct socket *one, struct socket *two)
{
    const struct rig_road *road = &rig_roads[meeting / RIG_ORDERS];
    bool swap = (meeting & 1) != 0, connect_first = (meeting & 2) != 0;
    if (connect_first) {
        must(socket_connect(swap ? one : two, road->connect) == 0);
        rig_run(rig, 50);
    }
    must(socket_bind(swap ? two : one, road->bind) == 0);
    if (!connect_first)
        must(socket_connect(swap ? one : two, road->connect) == 0);
    rig_run(rig, 1000);
}

void
rig_pair(struct rig *rig, unsigned meeting, enum tambo_pattern one, enum tambo_pattern two, struct socket **retone,
         struct socket **rettwo)
{
    char host = rig_roads[meeting / RIG_ORDERS].host;
    bool swap = (meeting & 1) != 0;
    *retone = rig_socket(rig, swap ? host : 'a', one);
    *rettwo = rig_socket(rig, swap ? 'a' : host, two);
}

int
rig_send(struct socket *socket, const char *text)
{
    struct tambo_part parts[8];
    size_t count = 0;
    for (;;) {
        size_t n = strcspn(text, "|");
        must(count < COUNT_OF(parts));
        parts[count++] = (struct tambo_part){ .data = text, .len = n };
        if (text[n] == '\0')
            return socket_send_parts(socket, parts, count);
        text += n + 1;
    }
}

static size_t
print(char *to, size_t room, struct view run)
{
    struct zmtp_frame frame;
    size_t n = 0;
    while (zmtp_frame_next(&run, &frame)) {
        must(n + frame.body.len + 2 < room);
        for (size_t i = 0; i < frame.body.len; i++) {
            uint8_t c = frame.body.data[i];
            to[n++] = c < ' ' ? (char)('0' + c) : c < 0x7f ? (char)c : '?';
        }
        if ((frame.flags & ZMTP_MORE) != 0)
            to[n++] = '|';
    }
    to[n] = '\0';
    return n;
}

/* Appends it; the text's new length, or -err. */
static int
take(struct rig *rig, struct socket *socket, size_t at)
{
    struct zmtp_slice slice;
    struct view peeked;
    int rc = socket_peek(socket, &peeked);
    if (rc < 0)
        return rc;
    must((socket_ready(socket) & TAMBO_CAN_RECV) != 0);
    struct view same = peeked;
    must(socket_recv(socket, &slice) == 0);
    must(slice.run.len == same.len);
    at += print(rig->text + at, sizeof rig->text - at, slice.run);
    zmtp_chunk_unref(slice.chunk);
    return (int)at;
}

const char *
rig_recv(struct rig *rig, struct socket *socket)
{
    int rc = take(rig, socket, 0);
    return rc == -ERR_AGAIN ? "-" : rc < 0 ? err_text(rc) : rig->text;
}

const char *
rig_recv_all(struct rig *rig, struct socket *socket)
{
    int at = 0, next;
    rig->text[0] = '\0';
    while ((next = take(rig, socket, (size_t)at)) >= 0) {
        rig->text[next] = ' ';
        rig->text[next + 1] = '\0';
        at = next + 1;
    }
    if (at > 0)
        rig->text[at - 1] = '\0';
    return rig->text;
}

const char *
rig_events(struct rig *rig, struct socket *socket)
{
    static const char *const names[] = {
#define NAME(name, what) [TAMBO_##name] = #name,
        TAMBO_EVENTS(NAME)
#undef NAME
    };
    struct tambo_event event;
    size_t at = 0;
    rig->text[0] = '\0';
    while (socket_event(socket, &event) == 0) {
        const char *blank = at > 0 ? " " : "";
        at += (size_t)snprintf(rig->text + at, sizeof rig->text - at, "%s%s", blank, names[event.kind]);
        must(at < sizeof rig->text);
    }
    return rig->text;
}

struct tambo_stats
rig_stats(const struct socket *socket)
{
    struct tambo_stats stats;
    socket_stats(socket, &stats);
    return stats;
}

void
rig_cut(struct rig *rig, char a, char b)
{
    sim_cut_streams(rig->sim, host_of(rig, a)->machine, host_of(rig, b)->machine);
}

void
rig_reboot(struct rig *rig, char host)
{
    sim_kill(host_of(rig, host)->machine);
    rig_run(rig, 1);
    sim_boot(host_of(rig, host)->machine);
    rig_run(rig, 1);
}
