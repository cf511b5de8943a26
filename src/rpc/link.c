/* rpc/link.c - what all links share: their life, and how a message is written.
 *
 * A message is encoded where it will leave, when the transport has such a place and the guess of its size was large
 * enough; else in the world's scratch memory, from where it is put. */
#include "rpc/link_inner.h"

#include "base/err.h"

enum {
    GUESS_BYTES_MIN = 256,
    GUESS_BYTES_MAX = 16 * 1024,
    SCRATCH_BYTES_MIN = 4096,
    SCRATCH_BYTES_KEPT = 1024 * 1024, /* from one message to the next */
};

/* ---- life ------------------------------------------------------------------------------------------------------- */

struct rpc_link *
rpc_link_new(struct rpc_world *world, size_t size, const struct rpc_link_ops *ops, size_t message_bytes_max)
{
    struct rpc_link *link = mem_new(world->mem, size);
    if (link == NULL)
        return NULL;
    link->ops = ops;
    link->world = world;
    link->message_bytes_max = message_bytes_max;
    link->guess = GUESS_BYTES_MIN;
    list_init(&link->link);
    list_init(&link->ready);
    list_push(&world->links, &link->link);
    rpc_world_add(world);
    return link;
}

void
rpc_link_gone(struct rpc_link *link)
{
    struct rpc_world *world = link->world;
    link->ops->fini(link);
    list_cut(&link->link);
    list_cut(&link->ready);
    mem_free(world->mem, link);
    rpc_world_sub(world);
}

void
rpc_link_soon(struct rpc_link *link)
{
    list_push(&link->world->ready, &link->ready);
    rpc_world_soon(link->world);
}

int
rpc_link_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
              const struct rpc_link_on *on, void *arg, struct rpc_link **ret)
{
    typedef int open_fn(struct rpc_world *, const struct rpc_address *, size_t, struct rpc_link **);
    static open_fn *const by_transport[] = {
        [RPC_TCP] = rpc_stream_open,
        [RPC_UNIX] = rpc_stream_open,
        [RPC_UDP] = rpc_datagram_open,
        [RPC_INPROC] = rpc_inproc_open,
    };
    struct rpc_link *link;
    int rc = by_transport[address->transport](world, address, message_bytes_max, &link);
    if (rc < 0)
        return rc;
    link->on = on;
    link->arg = arg;
    link->is_taken = true;
    *ret = link;
    return 0;
}

bool
rpc_link_offer(struct rpc_link *link, const struct rpc_door *door)
{
    door->on->came(door->arg, link);
    return link->is_taken;
}

void
rpc_link_accept(struct rpc_link *link, const struct rpc_link_on *on, void *arg)
{
    link->on = on;
    link->arg = arg;
    link->is_taken = link->is_open = true;
    if (link->ops->accepted != NULL)
        link->ops->accepted(link);
}

static void
leave(struct rpc_link *link, bool abort)
{
    must(link->on != NULL && link->world->writer != link);
    link->on = NULL;
    link->is_open = false;
    list_cut(&link->ready);
    link->ops->leave(link, abort);
}

void
rpc_link_close(struct rpc_link *link)
{
    leave(link, false);
}

void
rpc_link_abort(struct rpc_link *link)
{
    leave(link, true);
}

/* ---- flow ------------------------------------------------------------------------------------------------------- */

static void
set_paused(struct rpc_link *link, bool is_paused)
{
    if (link->is_paused == is_paused)
        return;
    link->is_paused = is_paused;
    link->ops->flow(link);
}

void
rpc_link_pause(struct rpc_link *link)
{
    set_paused(link, true);
}

void
rpc_link_resume(struct rpc_link *link)
{
    set_paused(link, false);
}

bool
rpc_link_is_datagram(const struct rpc_link *link)
{
    return link->ops->is_datagram;
}

size_t
rpc_link_unsent(const struct rpc_link *link)
{
    return link->ops->unsent(link);
}

uint64_t
rpc_link_unheard_ms(const struct rpc_link *link)
{
    return link->ops->unheard_ms == NULL ? 0 : link->ops->unheard_ms(link);
}

void
rpc_link_peer(const struct rpc_link *link, const struct io_remote *from, char *ret, size_t len)
{
    link->ops->peer(link, from, ret, len);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static size_t
smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool
widen_scratch(struct rpc_world *world, size_t need)
{
    size_t n = world->scratch_bytes > 0 ? world->scratch_bytes : SCRATCH_BYTES_MIN;
    while (n < need)
        n *= 2;
    if (n == world->scratch_bytes)
        return true;
    uint8_t *scratch = mem_grow(world->mem, world->scratch, n);
    if (scratch == NULL)
        return false;
    world->scratch = scratch;
    world->scratch_bytes = n;
    return true;
}

static void
trim_scratch(struct rpc_world *world)
{
    if (world->scratch_bytes <= SCRATCH_BYTES_KEPT)
        return;
    mem_free(world->mem, world->scratch);
    world->scratch = NULL;
    world->scratch_bytes = 0;
}

static bool
is_in_scratch(const struct rpc_world *world)
{
    return world->out.start == world->scratch;
}

/* The `more` of what is written: what there is moves to the scratch memory, or grows there. */
static int
more(struct tambo_xdr_out *out, size_t n)
{
    struct rpc_world *world = out->arg;
    size_t len = tambo_xdr_out_len(out);
    bool moves = !is_in_scratch(world);
    if (n > out->bytes_max || len > out->bytes_max - n)
        return -ERR_TOO_LARGE;
    if (!widen_scratch(world, len + n))
        return -ERR_NO_MEMORY;
    if (moves)
        memcpy(world->scratch, out->start, len);
    out->start = world->scratch;
    out->at = out->start + len;
    out->end = out->start + smaller(world->scratch_bytes, out->bytes_max);
    return 0;
}

struct tambo_xdr_out *
rpc_link_begin(struct rpc_link *link, size_t bytes_max)
{
    struct rpc_world *world = link->world;
    struct tambo_xdr_out *out = &world->out;
    must(world->writer == NULL);
    if (!link->is_open)
        return NULL;
    out->bytes_max = smaller(bytes_max, link->ops->bytes_max);
    size_t n = smaller(link->guess, out->bytes_max);
    if (link->ops->room != NULL) {
        out->start = link->ops->room(link, n);
    } else {
        out->start = widen_scratch(world, n) ? world->scratch : NULL;
        n = smaller(world->scratch_bytes, out->bytes_max);
    }
    if (out->start == NULL)
        return NULL;
    out->at = out->start;
    out->end = out->start + n;
    out->more = more;
    out->arg = world;
    tambo_xdr_out_begin(out);
    world->writer = link;
    return out;
}

/* A little more than the last one had, so that others like it fit. */
static void
guess(struct rpc_link *link, size_t n)
{
    size_t next = n + n / 4;
    next = next < GUESS_BYTES_MIN ? GUESS_BYTES_MIN : smaller(next, GUESS_BYTES_MAX);
    link->guess = (uint32_t)next;
}

int
rpc_link_commit(struct rpc_link *link, const struct io_remote *to)
{
    struct rpc_world *world = link->world;
    size_t n = tambo_xdr_out_len(&world->out);
    int rc = 0;
    must(world->writer == link);
    world->writer = NULL;
    guess(link, n);
    if (!is_in_scratch(world)) {
        link->ops->room_done(link, world->out.start, n);
        return 0;
    }
    rc = link->ops->put(link, to, view_of(world->scratch, n));
    trim_scratch(world);
    return rc;
}

void
rpc_link_drop(struct rpc_link *link)
{
    struct rpc_world *world = link->world;
    must(world->writer == link);
    world->writer = NULL;
    if (link->ops->room_drop != NULL)
        link->ops->room_drop(link);
    trim_scratch(world);
}

int
rpc_link_put(struct rpc_link *link, const struct io_remote *to, struct view message)
{
    must(link->world->writer == NULL);
    if (!link->is_open)
        return -ERR_STATE;
    return message.len > link->ops->bytes_max ? -ERR_TOO_LARGE : link->ops->put(link, to, message);
}
