/* A shared subscription's messages, when nobody is here for them any more but somebody is on another shard.
 *
 * The group's queue gets one more link, that hands messages to the shard, which sends them over; each is accepted when
 * the other shard has it on disk.  When a member comes back meanwhile, what was sent stays sent: the link gets no more
 * and goes when the last of it is accepted. */
#include "session/mqtt_inner.h"

#include "base/must.h"

enum { FORWARD_WINDOW = 64 };

/* Handed to the shard, and waiting for its epoch. */
struct sent {
    uint64_t seq, epoch;
};

struct forward {
    struct link link;
    struct holder holder;
    struct group *group;
    struct fifo sent;
    bool ending;
};

static struct session_host *
host_of(const struct forward *f)
{
    return f->group->server->host;
}

static void
on_deliver(struct link *link, uint64_t seq, struct publication *pub, struct entry_meta meta, bool again)
{
    struct forward *f = container_of(link, struct forward, link);
    struct session_host *host = host_of(f);
    const struct sent sent = { .seq = seq, .epoch = host->epoch };
    (void)meta, (void)again;
    host_hold(host, &f->holder);
    int rc = fifo_reserve(&f->sent); /* what cannot be remembered is not sent: it would be sent again */
    if (rc == 0)
        rc = host->ops->forward(host, f->group->topics, f->group->name, &pub->env);
    if (rc == 0) {
        must(fifo_push(&f->sent, &sent) == 0);
        return;
    }
    /* No memory: it stays here, and is tried again when an epoch is done. */
    link->credit = 0;
    link_release(link, seq);
}

static const struct link_ops forward_ops = { .deliver = on_deliver };

/* However often members come and go, no more than a window is on its way. */
static void
refill(struct forward *f)
{
    uint32_t taken = f->sent.count + f->link.credit;
    if (taken < FORWARD_WINDOW)
        link_credit(&f->link, FORWARD_WINDOW - taken);
}

void
forward_free(struct group *group)
{
    struct forward *f = group->forward;
    if (f == NULL)
        return;
    group->forward = NULL;
    link_detach(&f->link);
    list_cut(&f->holder.link);
    fifo_fini(&f->sent);
    mem_free(group->server->host->mem, f);
}

static void
on_released(struct holder *holder, uint64_t done)
{
    struct forward *f = container_of(holder, struct forward, holder);
    struct group *group = f->group;
    for (const struct sent *s = fifo_first(&f->sent); s != NULL && s->epoch <= done; s = fifo_first(&f->sent)) {
        uint64_t seq = s->seq;
        fifo_pop(&f->sent);
        (void)link_accept(&f->link, seq, true);
    }
    bool all = f->sent.count == 0;
    if (!all)
        host_hold(host_of(f), holder);
    if (!f->ending)
        refill(f);
    else if (all)
        forward_free(group);
    if (all)
        group_forwarded(group);
}

void
forward_end(struct group *group)
{
    struct forward *f = group->forward;
    if (f == NULL)
        return;
    f->ending = true;
    f->link.credit = 0;
    if (f->sent.count == 0)
        forward_free(group);
}

/* Without memory the messages wait here, until the group's members change again. */
void
forward_begin(struct group *group)
{
    struct forward *f = group->forward;
    if (f == NULL) {
        f = MEM_NEW(group->server->host->mem, struct forward);
        if (f == NULL)
            return;
        f->group = group;
        f->holder.released = on_released;
        list_init(&f->holder.link);
        fifo_init(&f->sent, group->server->host->mem, sizeof(struct sent));
        group->forward = f;
        link_attach(&f->link, group->target.queue, &forward_ops);
    }
    f->ending = false;
    refill(f);
}
