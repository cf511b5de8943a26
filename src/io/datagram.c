/* io/datagram.c - what both houses share of datagrams: what was put waits here for the end of the turn.
 *
 *     | head | bytes .. | head | bytes .. |        each begins at a multiple of LETTER_ALIGN
 *
 * A house is given them in batches, and never has to keep one. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/house.h"

enum {
    LETTER_ALIGN = 8,
    LETTERS_A_BATCH = 64,
    WAITING_MAX = 64, /* for a name to be resolved */
    OUTGOING_BYTES_MIN = 1024,
    OUTGOING_BYTES_KEPT = 16 * 1024, /* from one turn to the next */
};

struct head {
    uint32_t len;
    struct io_remote to; /* its length is 0: the peer */
};

static size_t
span(size_t len)
{
    return (sizeof(struct head) + len + LETTER_ALIGN - 1) / LETTER_ALIGN * LETTER_ALIGN;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

void
io_datagram_init(struct io_datagram *datagram, struct io *io)
{
    *datagram = (struct io_datagram){ .io = io };
    list_init(&datagram->dirty);
    list_init(&datagram->aside);
}

void
io_datagram_fini(struct io_datagram *datagram)
{
    list_cut(&datagram->dirty);
    list_cut(&datagram->aside);
    mem_free(datagram->io->mem, datagram->outgoing);
    datagram->outgoing = NULL;
}

int
io_datagram_open(struct io *io, const struct io_address *address, const struct io_address *peer,
                 const struct io_datagram_on *on, void *arg, struct io_datagram **ret)
{
    struct io_datagram *datagram;
    must((address == NULL) != (peer == NULL));
    if ((address == NULL ? peer : address)->kind != IO_TCP)
        return -ERR_ADDRESS;
    int rc = io->house->datagram_open(io, address, peer, &datagram);
    if (rc < 0)
        return rc;
    datagram->on = on;
    datagram->arg = arg;
    datagram->has_peer = peer != NULL;
    *ret = datagram;
    return 0;
}

void
io_datagram_address(const struct io_datagram *datagram, struct io_address *ret)
{
    datagram->io->house->datagram_address(datagram, ret);
}

int
io_datagram_broadcast(struct io_datagram *datagram, bool allowed)
{
    return datagram->io->house->datagram_broadcast(datagram, allowed);
}

void
io_datagram_close(struct io_datagram *datagram)
{
    if (datagram->closing)
        return;
    io_datagram_flush(datagram);
    datagram->closing = true;
    list_cut(&datagram->dirty);
    list_cut(&datagram->aside);
    datagram->io->house->datagram_close(datagram);
}

/* ---- addresses -------------------------------------------------------------------------------------------------- */

int
io_remote_of(struct io *io, const struct io_address *address, struct io_remote *ret)
{
    return address->kind == IO_TCP ? io->house->remote_of(io, address, ret) : -ERR_ADDRESS;
}

/* An address of version 4 is shown as one, also where it came to a socket of both versions. */
void
io_remote_print(const struct io_remote *remote, char *ret, size_t len)
{
    struct sockaddr_in6 at = { 0 };
    char host[INET6_ADDRSTRLEN] = "?";
    must(remote->len <= sizeof(at));
    memcpy(&at, remote->bytes, remote->len);
    const struct sockaddr_in *at4 = (const struct sockaddr_in *)(const void *)&at;
    bool is_4 = at.sin6_family == AF_INET, is_mapped = !is_4 && IN6_IS_ADDR_V4MAPPED(&at.sin6_addr);
    if (is_4 || is_mapped)
        inet_ntop(AF_INET, is_4 ? (const void *)&at4->sin_addr : &at.sin6_addr.s6_addr[12], host, sizeof(host));
    else
        inet_ntop(AF_INET6, &at.sin6_addr, host, sizeof(host));
    snprintf(ret, len, is_4 || is_mapped ? "%s:%u" : "[%s]:%u", host, ntohs(at.sin6_port));
}

/* ---- what goes -------------------------------------------------------------------------------------------------- */

static int
widen(struct io_datagram *d, size_t need)
{
    size_t room = d->room > 0 ? d->room : OUTGOING_BYTES_MIN;
    while (room < need)
        room *= 2;
    if (room == d->room)
        return 0;
    uint8_t *outgoing = mem_grow(d->io->mem, d->outgoing, room);
    if (outgoing == NULL)
        return -ERR_NO_MEMORY;
    d->outgoing = outgoing;
    d->room = room;
    return 0;
}

int
io_datagram_put(struct io_datagram *datagram, const struct io_remote *to, struct view bytes)
{
    struct io_datagram *d = datagram;
    struct head head = { .len = (uint32_t)bytes.len };
    must((to == NULL) == d->has_peer);
    if (bytes.len > IO_DATAGRAM_BYTES_MAX)
        return -ERR_TOO_LARGE;
    if (d->closing || d->io->dead || (d->opening && d->waiting == WAITING_MAX))
        return 0; /* lost, as it may be on the way */
    if (widen(d, d->len + span(bytes.len)) < 0)
        return -ERR_NO_MEMORY;
    if (to != NULL)
        head.to = *to;
    memcpy(d->outgoing + d->len, &head, sizeof(head));
    if (bytes.len > 0)
        memcpy(d->outgoing + d->len + sizeof(head), bytes.data, bytes.len);
    d->len += span(bytes.len);
    d->waiting++;
    if (d->len >= d->io->ripe_bytes)
        d->io->ripe = true;
    if (!d->opening && list_empty(&d->dirty))
        list_push(&d->io->letters, &d->dirty);
    return 0;
}

/* The next of what was put, from *at on; how many. */
static unsigned
batch(const struct io_datagram *d, size_t *at, struct io_letter ret[LETTERS_A_BATCH])
{
    unsigned n = 0;
    while (*at < d->len && n < LETTERS_A_BATCH) {
        const struct head *head = (const struct head *)(const void *)(d->outgoing + *at);
        ret[n++] = (struct io_letter){ head->to.len > 0 ? &head->to : NULL, view_of(head + 1, head->len) };
        *at += span(head->len);
    }
    return n;
}

void
io_datagram_flush(struct io_datagram *datagram)
{
    struct io_datagram *d = datagram;
    struct io_letter letters[LETTERS_A_BATCH];
    if (d->opening)
        return;
    list_cut(&d->dirty);
    for (size_t at = 0; at < d->len;) {
        unsigned n = batch(d, &at, letters);
        d->io->house->datagram_send(d, letters, n);
    }
    d->len = d->waiting = 0;
    if (d->room > OUTGOING_BYTES_KEPT) {
        mem_free(d->io->mem, d->outgoing);
        d->outgoing = NULL;
        d->room = 0;
    }
}

void
io_datagrams_flush(struct io *io)
{
    for (struct list *l = list_pop(&io->letters); l != NULL; l = list_pop(&io->letters))
        io_datagram_flush(container_of(l, struct io_datagram, dirty));
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

void
io_event_datagram_opened(struct io_datagram *datagram, int rc)
{
    datagram->opening = false;
    if (datagram->closing)
        return;
    if (rc < 0) {
        datagram->len = datagram->waiting = 0;
        io_event_datagram_refused(datagram, rc);
    } else if (datagram->len > 0) {
        list_push(&datagram->io->letters, &datagram->dirty);
    }
}

void
io_event_datagram_read(struct io_datagram *datagram, const struct io_remote *from, struct view bytes)
{
    if (!datagram->closing)
        datagram->on->read(datagram->arg, from, bytes);
}

void
io_event_datagram_refused(struct io_datagram *datagram, int rc)
{
    if (!datagram->closing && datagram->has_peer)
        datagram->on->refused(datagram->arg, rc);
}

void
io_datagram_broke(struct io_datagram *datagram, int rc)
{
    datagram->refused_rc = (int16_t)rc;
    list_push(&datagram->io->refusals, &datagram->aside);
    datagram->io->house->kick(datagram->io);
}

void
io_datagrams_tell(struct io *io)
{
    struct list refusals;
    list_init(&refusals);
    list_splice(&refusals, &io->refusals);
    for (struct list *l = list_pop(&refusals); l != NULL; l = list_pop(&refusals)) {
        struct io_datagram *datagram = container_of(l, struct io_datagram, aside);
        io_event_datagram_refused(datagram, datagram->refused_rc);
    }
}

void
io_event_datagram_gone(struct io_datagram *datagram)
{
    io_datagram_fini(datagram);
    if (datagram->on != NULL && !datagram->io->dead)
        datagram->on->closed(datagram->arg);
}
