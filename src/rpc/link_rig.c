#include "rpc/link_rig.h"

#include <stdio.h>

#include "base/err.h"
#include "base/must.h"

const struct rig_road rig_roads[RIG_ROADS] = {
    [RIG_TCP] = {"tcp://*:5000",  "tcp://a:5000", false},
    [RIG_UNIX] = { "unix:@date",   "unix:@date",   true },
    [RIG_INPROC] = { "inproc:date",  "inproc:date",  true },
    [RIG_UDP] = { "udp://*:5000", "udp://a:5000", false},
};

/* ---- machines --------------------------------------------------------------------------------------------------- */

static void
on_idle(void *arg)
{
    ((struct rig_host *)arg)->idles++;
}

static int
on_start(void *arg, struct io *io)
{
    struct rig_host *host = arg;
    int rc = rpc_world_new(io, &host->world);
    if (rc == 0)
        rpc_world_on_idle(host->world, on_idle, host);
    return rc;
}

static void
on_died(void *arg, enum sim_death how)
{
    struct rig_host *host = arg;
    (void)how;
    rpc_world_free(host->world);
    host->world = NULL;
}

static void
host_init(struct rig *rig, struct rig_host *host, const char *name)
{
    const struct sim_program program = { .start = on_start, .died = on_died, .arg = host, .mem = &host->mem };
    must(sim_machine_new(rig->sim, name, &program, &host->machine) == 0);
    sim_boot(host->machine);
}

void
rig_open(struct rig *rig)
{
    *rig = (struct rig){ 0 };
    must(sim_new(&rig->mem, 1, NULL, &rig->sim) == 0);
    host_init(rig, &rig->a, "a");
    host_init(rig, &rig->b, "b");
    rig->client.rig = rig;
    for (unsigned i = 0; i < RIG_ENDS; i++)
        rig->servers[i].rig = rig;
    rig_run(rig, 1);
}

void
rig_close(struct rig *rig)
{
    sim_free(rig->sim);
    must(rig->mem.used_bytes == 0);
    must(rig->a.mem.used_bytes == 0 && rig->b.mem.used_bytes == 0);
}

void
rig_run(struct rig *rig, unsigned ms)
{
    sim_run_for(rig->sim, ms * SIM_NS_A_MS);
}

/* ---- ends ------------------------------------------------------------------------------------------------------- */

void
rig_leave(struct rig_end *end)
{
    struct rpc_link *link = end->link;
    end->link = NULL;
    if (link != NULL)
        rpc_link_close(link);
}

static void
on_opened(void *arg, int rc)
{
    struct rig_end *end = arg;
    end->opened++;
    end->opened_rc = rc;
    if (end->closes_at_opened)
        rig_leave(end);
}

static void
note(struct rig_end *end, struct view message)
{
    size_t len = strlen(end->heard);
    end->messages++;
    end->bytes += message.len;
    if (message.len < 64)
        snprintf(end->heard + len, sizeof(end->heard) - len, "%.*s,", (int)message.len, (const char *)message.data);
}

static void
on_message(void *arg, const struct io_remote *from, struct view message)
{
    struct rig_end *end = arg;
    must(end->link != NULL);
    note(end, message);
    end->has_from = from != NULL;
    if (end->echoes)
        must(rpc_link_put(end->link, from, message) == 0);
    if (end->at_message == RIG_PAUSES)
        rpc_link_pause(end->link);
    if (end->at_message == RIG_CLOSES)
        rig_leave(end);
    if (end->at_message == RIG_ABORTS) {
        rpc_link_abort(end->link);
        end->link = NULL;
    }
    uint8_t sum = 0;
    for (size_t i = 0; i < message.len; i++)
        sum = (uint8_t)(sum + message.data[i]); /* it is still there */
    (void)sum;
}

static void
on_ended(void *arg, int rc)
{
    struct rig_end *end = arg;
    end->ended++;
    end->ended_rc = rc;
    if (end->closes_at_ended)
        rig_leave(end);
}

static void
on_drained(void *arg)
{
    ((struct rig_end *)arg)->drained++;
}

static const struct rpc_link_on end_on = {
    .opened = on_opened, .message = on_message, .ended = on_ended, .drained = on_drained
};

static void
on_came(void *arg, struct rpc_link *link)
{
    struct rig *rig = arg;
    must(rig->came < RIG_ENDS);
    struct rig_end *end = &rig->servers[rig->came++];
    if (rig->refuses)
        return;
    end->link = link;
    rpc_link_accept(link, &end_on, end);
    if (rig->closes_at_came)
        rig_leave(end);
}

static struct rpc_address
address_of(const char *text)
{
    struct rpc_address address;
    must(rpc_address_parse(view_str(text), &address) == 0);
    return address;
}

int
rig_listen(struct rig *rig, unsigned road)
{
    static const struct rpc_door_on on = { .came = on_came };
    struct rpc_address address = address_of(rig_roads[road].door);
    return rpc_door_open(rig->a.world, &address, RIG_MESSAGE_BYTES_MAX, &on, rig, &rig->door);
}

int
rig_connect(struct rig *rig, unsigned road)
{
    struct rpc_address address = address_of(rig_roads[road].link);
    struct rpc_world *world = rig_roads[road].is_local ? rig->a.world : rig->b.world;
    return rpc_link_open(world, &address, RIG_MESSAGE_BYTES_MAX, &end_on, &rig->client, &rig->client.link);
}

void
rig_meet(struct rig *rig, unsigned road)
{
    must(rig_listen(rig, road) == 0);
    must(rig_connect(rig, road) == 0);
    must(rig->client.opened == 0 && rig->came == 0);
    rig_run(rig, 100);
    must(rig->client.opened == 1 && rig->client.opened_rc == 0);
    must(rig->came == 1);
}

int
rig_say(struct rig_end *end, const char *text)
{
    return rpc_link_put(end->link, NULL, view_str(text));
}

int
rig_write(struct rig_end *end, size_t n, size_t bytes_max)
{
    struct tambo_xdr_out *out = rpc_link_begin(end->link, bytes_max);
    if (out == NULL)
        return -ERR_STATE;
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = tambo_xdr_room(out, 1);
        if (p == NULL) {
            int rc = out->fault.rc;
            rpc_link_drop(end->link);
            return rc;
        }
        *p = (uint8_t)('a' + i % 26);
    }
    return rpc_link_commit(end->link, NULL);
}
