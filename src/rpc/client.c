/* rpc/client.c - see client.h: handles, and the way that they share. */
#include "rpc/client.h"

#include "base/err.h"
#include "base/mem.h"
#include "rpc/caller.h"

/* ---- the way ----------------------------------------------------------------------------------------------------- */

static void
way_free(struct rpc_way *way)
{
    for (unsigned i = 0; i < way->line_count; i++)
        rpc_line_fini(&way->lines[i]);
    io_timer_cut(way->io, &way->timer);
    heap_fini(&way->calls);
    map_fini(&way->attempts);
    mem_free(way->mem, way);
}

void
rpc_way_release(struct rpc_way *way)
{
    if (--way->holds == 0)
        way_free(way);
}

uint64_t
rpc_way_backoff_ns(struct rpc_way *way, uint64_t ms, uint64_t ms_max, unsigned doublings)
{
    uint64_t chance;
    while (doublings-- > 0 && ms < ms_max)
        ms *= 2;
    uint64_t half = (ms < ms_max ? ms : ms_max) * RPC_NS_A_MS / 2;
    io_random(way->io, &chance, sizeof chance);
    return half + chance % (half + 1);
}

/* The next word of `text`; empty: there is none. */
static struct view
next_word(const char **text)
{
    *text += strspn(*text, " \t\n");
    struct view word = view_of(*text, strcspn(*text, " \t\n"));
    *text += word.len;
    return word;
}

static int
count_words(const char *text)
{
    int count = 0;
    while (next_word(&text).len > 0)
        count++;
    return count;
}

static int
add_lines(struct rpc_way *way, const char *addresses)
{
    struct view word;
    while ((word = next_word(&addresses)).len > 0) {
        struct rpc_line *line = &way->lines[way->line_count];
        int rc = rpc_address_parse(word, &line->address);
        if (rc < 0)
            return rc;
        rpc_line_init(line, way);
        way->line_count++;
        rc = io_timer_set(way->io, &line->timer, RPC_NEVER_NS, line->timer.fn, line);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int
way_new(struct rpc_world *world, const char *addresses, struct rpc_way **ret)
{
    struct io *io = rpc_world_io(world);
    int count = count_words(addresses);
    if (count == 0 || count > RPC_LINES_MAX)
        return count == 0 ? -ERR_ADDRESS : -ERR_FULL;
    struct rpc_way *way = mem_new(io_mem(io), sizeof *way + (size_t)count * sizeof(struct rpc_line));
    if (way == NULL)
        return -ERR_NO_MEMORY;
    way->world = world;
    way->io = io;
    way->mem = io_mem(io);
    way->timer_ns = RPC_NEVER_NS;
    /* Not from the start: a server's memory of replies, by address and xid, may outlive the program that asked. */
    io_random(io, &way->xid, sizeof way->xid);
    map_init(&way->attempts, way->mem);
    heap_init(&way->calls, way->mem);
    int rc = io_timer_set(io, &way->timer, RPC_NEVER_NS, rpc_call_due, way);
    if (rc == 0)
        rc = add_lines(way, addresses);
    if (rc < 0) {
        way_free(way);
        return rc;
    }
    *ret = way;
    return 0;
}

/* ---- handles ----------------------------------------------------------------------------------------------------- */

static struct rpc_client *
client_new(struct rpc_way *way)
{
    struct rpc_client *client = MEM_NEW(way->mem, struct rpc_client);
    if (client == NULL)
        return NULL;
    client->way = way;
    list_init(&client->calls);
    io_random(way->io, client->id, sizeof client->id);
    rpc_client_defaults(client);
    rpc_way_hold(way);
    return client;
}

int
rpc_client_new(struct rpc_world *world, const char *addresses, uint32_t program, uint32_t version,
               struct rpc_client **ret)
{
    struct rpc_way *way;
    int rc = way_new(world, addresses, &way);
    if (rc < 0)
        return rc;
    way->program = program;
    way->version = version;
    struct rpc_client *client = client_new(way);
    if (client == NULL) {
        way_free(way);
        return -ERR_NO_MEMORY;
    }
    *ret = client;
    return 0;
}

int
rpc_client_again(struct rpc_client *client, struct rpc_client **ret)
{
    struct rpc_client *again = client_new(client->way);
    if (again == NULL)
        return -ERR_NO_MEMORY;
    memcpy(again->options, client->options, sizeof again->options);
    memcpy(again->cred, client->cred, client->cred_bytes);
    again->cred_bytes = client->cred_bytes;
    again->cred_flavor = client->cred_flavor;
    *ret = again;
    return 0;
}

void
rpc_client_free(struct rpc_client *client)
{
    if (client == NULL)
        return;
    client->is_closing = true;
    while (!list_empty(&client->calls))
        rpc_call_cancel(container_of(client->calls.next, struct rpc_call, link));
    struct rpc_way *way = client->way;
    mem_free(way->mem, client->guards);
    mem_free(way->mem, client);
    rpc_way_release(way);
}

const char *
rpc_client_why(const struct rpc_client *client)
{
    return client->why;
}
