/* rpc/link_datagram.c - links over UDP: a message is a datagram.
 *
 * A door has one link for all its peers.  Nothing is held back here: what comes while the owner wants no more is lost,
 * as it may be on the way. */
#include <stdio.h>

#include "base/err.h"
#include "rpc/link_inner.h"

struct datagram_link {
    struct rpc_link link;
    struct io_datagram *datagram;
    struct rpc_door *door; /* whose it is; NULL: it has one peer */
    bool is_told;          /* that it is open, or to the door's owner */
    bool is_over;          /* its end was told */
    char peer[];
};

static const struct rpc_link_ops datagram_ops;

static struct datagram_link *
of(struct rpc_link *link)
{
    return container_of(link, struct datagram_link, link);
}

/* ---- what comes ------------------------------------------------------------------------------------------------- */

static void
on_read(void *arg, const struct io_remote *from, struct view bytes)
{
    struct datagram_link *d = arg;
    struct rpc_link *link = &d->link;
    if (link->on != NULL && !link->is_paused && bytes.len <= link->message_bytes_max)
        link->on->message(link->arg, d->door == NULL ? NULL : from, bytes);
}

static void
on_refused(void *arg, int rc)
{
    struct datagram_link *d = arg;
    if (d->link.on == NULL || d->is_over)
        return;
    d->is_over = true;
    d->link.on->ended(d->link.arg, rc);
}

static void
on_closed(void *arg)
{
    struct datagram_link *d = arg;
    rpc_link_gone(&d->link);
}

static const struct io_datagram_on datagram_on = { .read = on_read, .refused = on_refused, .closed = on_closed };

static void
flow(struct rpc_link *link)
{
    (void)link;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

/* Bound, or with a peer; exactly one of the two is not NULL. */
static int
make(struct rpc_world *world, const struct rpc_address *bound, const struct rpc_address *to, size_t message_bytes_max,
     struct rpc_link **ret)
{
    char peer[sizeof(to->at.host) + sizeof("udp://[]:65535")] = "";
    if (to != NULL)
        rpc_address_print(to, peer, sizeof(peer));
    size_t n = strlen(peer) + 1;
    struct rpc_link *link = rpc_link_new(world, sizeof(struct datagram_link) + n, &datagram_ops, message_bytes_max);
    if (link == NULL)
        return -ERR_NO_MEMORY;
    struct datagram_link *d = of(link);
    memcpy(d->peer, peer, n);
    int rc = io_datagram_open(world->io, bound == NULL ? NULL : &bound->at, to == NULL ? NULL : &to->at, &datagram_on,
                              d, &d->datagram);
    if (rc < 0) {
        rpc_link_gone(link);
        return rc;
    }
    rpc_link_soon(link);
    *ret = link;
    return 0;
}

int
rpc_datagram_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
                  struct rpc_link **ret)
{
    return make(world, NULL, address, message_bytes_max, ret);
}

int
rpc_datagram_listen(struct rpc_door *door)
{
    int rc = make(door->world, &door->address, NULL, door->message_bytes_max, &door->datagram);
    if (rc == 0)
        of(door->datagram)->door = door;
    return rc;
}

void
rpc_datagram_address(const struct rpc_link *link, struct io_address *ret)
{
    io_datagram_address(container_of(link, const struct datagram_link, link)->datagram, ret);
}

void
rpc_datagram_shut(struct rpc_link *link)
{
    struct datagram_link *d = of(link);
    link->on = NULL;
    link->is_open = false;
    list_cut(&link->ready);
    d->door->datagram = NULL;
    io_datagram_close(d->datagram);
}

static void
go(struct rpc_link *link)
{
    struct datagram_link *d = of(link);
    if (d->is_told)
        return;
    d->is_told = true;
    if (d->door == NULL) {
        link->is_open = true;
        link->on->opened(link->arg, 0);
    } else if (!rpc_link_offer(link, d->door)) {
        rpc_datagram_shut(link);
    }
}

static void
leave(struct rpc_link *link, bool abort)
{
    struct datagram_link *d = of(link);
    (void)abort;
    if (d->door != NULL)
        d->door->datagram = NULL;
    io_datagram_close(d->datagram);
}

static void
fini(struct rpc_link *link)
{
    (void)link;
}

/* ---- what goes -------------------------------------------------------------------------------------------------- */

static int
put(struct rpc_link *link, const struct io_remote *to, struct view message)
{
    return io_datagram_put(of(link)->datagram, to, message);
}

static size_t
unsent(const struct rpc_link *link)
{
    (void)link;
    return 0;
}

static void
peer(const struct rpc_link *link, const struct io_remote *from, char *ret, size_t len)
{
    if (from != NULL)
        io_remote_print(from, ret, len);
    else
        snprintf(ret, len, "%s", container_of(link, const struct datagram_link, link)->peer);
}

static const struct rpc_link_ops datagram_ops = {
    .bytes_max = IO_DATAGRAM_BYTES_MAX,
    .is_datagram = true,
    .put = put,
    .flow = flow,
    .unsent = unsent,
    .peer = peer,
    .go = go,
    .leave = leave,
    .fini = fini,
};
