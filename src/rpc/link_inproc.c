/* rpc/link_inproc.c - links within one loop: two ends that know each other.
 *
 * What one end puts lies in the other's box until the loop comes to it.  A box is told as a whole, aside, so that what
 * is put meanwhile does not move it:
 *
 *     put -> other's `box` -> (the loop) `told` -> owner
 */
#include <stdio.h>

#include "base/err.h"
#include "rpc/link_inner.h"

/* Messages, each behind its length. */
struct box {
    uint8_t *bytes;
    size_t at, len, room;
};

struct inproc_link {
    struct rpc_link link;
    struct inproc_link *other;
    struct box box, told;
    size_t waiting; /* bytes of both */
    int16_t end_rc; /* no more will come, 0: it may */
    bool is_above;  /* the other's box has been over the high mark */
    bool is_met;    /* or was refused */
    bool is_over;   /* its end was told */
    char name[];    /* of who is called */
};

static const struct rpc_link_ops inproc_ops;

static struct inproc_link *
of(struct rpc_link *link)
{
    return container_of(link, struct inproc_link, link);
}

static struct inproc_link *
inproc_new(struct rpc_world *world, const char *name, size_t message_bytes_max)
{
    size_t n = strlen(name) + 1;
    struct rpc_link *link = rpc_link_new(world, sizeof(struct inproc_link) + n, &inproc_ops, message_bytes_max);
    if (link == NULL)
        return NULL;
    memcpy(of(link)->name, name, n);
    return of(link);
}

/* ---- boxes ------------------------------------------------------------------------------------------------------ */

enum { BOX_BYTES_MIN = 512 };

static int
box_put(struct box *box, struct mem *mem, struct view message)
{
    size_t need = box->len + sizeof(message.len) + message.len;
    if (need > box->room) {
        size_t room = 2 * box->room > need ? 2 * box->room : need;
        uint8_t *bytes = mem_grow(mem, box->bytes, room < BOX_BYTES_MIN ? BOX_BYTES_MIN : room);
        if (bytes == NULL)
            return -ERR_NO_MEMORY;
        box->bytes = bytes;
        box->room = room < BOX_BYTES_MIN ? BOX_BYTES_MIN : room;
    }
    memcpy(box->bytes + box->len, &message.len, sizeof(message.len));
    memcpy(box->bytes + box->len + sizeof(message.len), message.data, message.len);
    box->len = need;
    return 0;
}

static struct view
box_take(struct box *box)
{
    size_t n;
    memcpy(&n, box->bytes + box->at, sizeof(n));
    box->at += sizeof(n) + n;
    return view_of(box->bytes + box->at - n, n);
}

static bool
box_empty(const struct box *box)
{
    return box->at == box->len;
}

static void
box_free(struct box *box, struct mem *mem)
{
    mem_free(mem, box->bytes);
    *box = (struct box){ 0 };
}

/* ---- what comes ------------------------------------------------------------------------------------------------- */

static void
tell_drained(struct inproc_link *l)
{
    const struct rpc_link_on *on = l->link.on;
    l->is_above = false;
    if (on != NULL && on->drained != NULL)
        on->drained(l->link.arg);
}

static void
end(struct inproc_link *l, int rc)
{
    if (l->link.on == NULL || l->is_over)
        return;
    l->is_over = true;
    l->link.on->ended(l->link.arg, rc);
}

static void
tell(struct inproc_link *l)
{
    struct rpc_link *link = &l->link;
    while (link->on != NULL && !link->is_paused && !l->is_over && !box_empty(&l->told)) {
        struct view message = box_take(&l->told);
        l->waiting -= message.len;
        if (message.len > link->message_bytes_max)
            end(l, -ERR_TOO_LARGE);
        else
            link->on->message(link->arg, NULL, message);
    }
}

static void
deliver(struct inproc_link *l)
{
    if (box_empty(&l->told)) {
        box_free(&l->told, l->link.world->mem);
        l->told = l->box;
        l->box = (struct box){ 0 };
    }
    tell(l);
    if (l->other != NULL && l->other->is_above && l->waiting <= RPC_LINK_BYTES_LOW)
        tell_drained(l->other);
    if (l->link.on == NULL || l->link.is_paused || l->is_over)
        return;
    box_free(&l->told, l->link.world->mem);
    if (!box_empty(&l->box))
        rpc_link_soon(&l->link);
    else if (l->end_rc != 0)
        end(l, l->end_rc);
}

static void
flow(struct rpc_link *link)
{
    if (!link->is_paused)
        rpc_link_soon(link);
}

/* ---- meeting and parting ---------------------------------------------------------------------------------------- */

static struct rpc_door *
find(const struct rpc_world *world, const char *name)
{
    LIST_EACH(&world->doors, it) {
        struct rpc_door *door = container_of(it, struct rpc_door, link);
        if (door->address.transport == RPC_INPROC && strcmp(door->address.at.host, name) == 0)
            return door;
    }
    return NULL;
}

int
rpc_inproc_listen(struct rpc_door *door)
{
    return find(door->world, door->address.at.host) != NULL ? -ERR_ADDRESS_IN_USE : 0;
}

static int
meet(struct inproc_link *l)
{
    struct rpc_world *world = l->link.world;
    const struct rpc_door *door = find(world, l->name);
    if (door == NULL)
        return -ERR_REFUSED;
    struct inproc_link *other = inproc_new(world, "", door->message_bytes_max);
    if (other == NULL)
        return -ERR_NO_MEMORY;
    l->other = other;
    other->other = l;
    other->is_met = true;
    if (rpc_link_offer(&other->link, door))
        return 0;
    l->other = NULL;
    rpc_link_gone(&other->link);
    return -ERR_REFUSED;
}

static void
go(struct rpc_link *link)
{
    struct inproc_link *l = of(link);
    if (link->on == NULL) {
        rpc_link_gone(link);
    } else if (l->is_met) {
        deliver(l);
    } else {
        int rc = meet(l);
        l->is_met = true;
        l->is_over = rc < 0;
        link->is_open = l->other != NULL; /* who has come may have left at once */
        link->on->opened(link->arg, rc);
    }
}

int
rpc_inproc_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
                struct rpc_link **ret)
{
    struct inproc_link *l = inproc_new(world, address->at.host, message_bytes_max);
    if (l == NULL)
        return -ERR_NO_MEMORY;
    rpc_link_soon(&l->link);
    *ret = &l->link;
    return 0;
}

/* What its other end has put but not heard yet is dropped with an abort.  A box that is just being told stays: somebody
 * looks at it. */
static void
leave(struct rpc_link *link, bool abort)
{
    struct inproc_link *l = of(link), *other = l->other;
    l->other = NULL;
    rpc_link_soon(link);
    if (other == NULL)
        return;
    other->other = NULL;
    other->link.is_open = false;
    other->end_rc = abort ? -ERR_RESET : -ERR_EOF;
    if (abort) {
        other->told.at = other->told.len;
        other->box.at = other->box.len;
        other->waiting = 0;
    }
    rpc_link_soon(&other->link);
}

static void
fini(struct rpc_link *link)
{
    struct inproc_link *l = of(link);
    box_free(&l->box, link->world->mem);
    box_free(&l->told, link->world->mem);
}

/* ---- what goes -------------------------------------------------------------------------------------------------- */

static int
put(struct rpc_link *link, const struct io_remote *to, struct view message)
{
    struct inproc_link *l = of(link), *other = l->other;
    (void)to;
    int rc = box_put(&other->box, link->world->mem, message);
    if (rc < 0)
        return rc;
    other->waiting += message.len;
    l->is_above = l->is_above || other->waiting > RPC_LINK_BYTES_HIGH;
    rpc_link_soon(&other->link);
    return 0;
}

static size_t
unsent(const struct rpc_link *link)
{
    const struct inproc_link *l = container_of(link, const struct inproc_link, link);
    return l->other == NULL ? 0 : l->other->waiting;
}

static void
peer(const struct rpc_link *link, const struct io_remote *from, char *ret, size_t len)
{
    (void)link;
    (void)from;
    snprintf(ret, len, "inproc");
}

static const struct rpc_link_ops inproc_ops = {
    .bytes_max = INT32_MAX,
    .put = put,
    .flow = flow,
    .unsent = unsent,
    .peer = peer,
    .go = go,
    .leave = leave,
    .fini = fini,
};
