/* Publisher confirms: confirm.select, and an ack or a nack for each publication.
 *
 * Acks are in order and coalesced: what a turn published and an epoch made durable is answered by one ack with
 * `multiple`.  A publication that waits for nothing waits for those before it.  Who was refused hears it at once. */
#include "session/amqp/inner.h"

#include "base/break.h"

/* All up to `tag` that are not settled may be when `epoch` is done, or, when it is hasty, written. */
struct run {
    uint64_t tag, epoch;
    bool hasty;
};

struct confirms {
    struct holder holder;
    struct channel *channel;
    uint64_t tag;     /* of the last publication */
    uint64_t settled; /* all up to here have been answered */
    struct fifo runs; /* that wait, of struct run: tags and epochs grow; the last of them is `last` */
    struct run last;
    uint64_t ready; /* up to here, none of them waits for an epoch; 0: nothing */
};

static void
write_ack(struct confirms *confirms, uint64_t tag)
{
    struct channel *ch = confirms->channel;
    struct amqp_method m = { .id = AMQP_BASIC_ACK };
    m.basic_ack.delivery_tag = tag;
    m.basic_ack.multiple = tag > confirms->settled + 1;
    confirms->settled = tag;
    conn_write(ch->conn, ch->number, &m);
}

static bool
is_done(const struct confirms *confirms, const struct run *run, uint64_t done)
{
    return run->epoch <= done || (run->hasty && run->epoch <= channel_host(confirms->channel)->epoch_written);
}

/* The first runs' epochs are done. */
static void
settle_runs(struct confirms *confirms, uint64_t done)
{
    uint64_t tag = 0;
    for (const struct run *run; (run = fifo_first(&confirms->runs)) != NULL && is_done(confirms, run, done);) {
        tag = run->tag;
        fifo_pop(&confirms->runs);
    }
    if (confirms->runs.count == 0 && confirms->last.tag != 0 && is_done(confirms, &confirms->last, done)) {
        tag = confirms->last.tag;
        confirms->last = (struct run){ 0 };
    }
    if (tag != 0)
        write_ack(confirms, tag);
}

static void
on_released(struct holder *holder, uint64_t done)
{
    struct confirms *confirms = container_of(holder, struct confirms, holder);
    settle_runs(confirms, done);
    if (confirms->last.tag != 0)
        host_hold(channel_host(confirms->channel), holder);
}

void
confirms_turn(struct channel *ch)
{
    struct confirms *confirms = ch->confirms;
    if (confirms != NULL && confirms->ready > confirms->settled)
        write_ack(confirms, confirms->ready);
}

int
on_confirm_select(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    if (ch->tx != NULL)
        return deny(why, AMQP_PRECONDITION_FAILED, "cannot switch from tx to confirm mode");
    if (ch->confirms == NULL) {
        struct confirms *confirms = MEM_NEW(channel_mem(ch), struct confirms);
        if (confirms == NULL)
            return deny_rc(why, -ERR_NO_MEMORY);
        confirms->channel = ch;
        confirms->holder.released = on_released;
        list_init(&confirms->holder.link);
        fifo_init(&confirms->runs, channel_mem(ch), sizeof(struct run));
        ch->confirms = confirms;
    }
    channel_done(ch, AMQP_CONFIRM_SELECT_OK, m->confirm_select.no_wait, false);
    return 0;
}

void
confirms_free(struct channel *ch)
{
    struct confirms *confirms = ch->confirms;
    if (confirms == NULL)
        return;
    list_cut(&confirms->holder.link);
    fifo_fini(&confirms->runs);
    mem_free(channel_mem(ch), confirms);
    ch->confirms = NULL;
}

/* Behind one that waits, the run goes on; another epoch, or a longer wait for it, begins a new one. */
static void
wait_for(struct confirms *confirms, uint64_t epoch, bool hasty)
{
    struct channel *ch = confirms->channel;
    struct run *last = &confirms->last;
    bool same = last->epoch == epoch && last->hasty <= hasty;
    if (last->tag != 0 && !same && fifo_push(&confirms->runs, last) < 0)
        conn_doom(ch->conn, AMQP_INTERNAL_ERROR);
    hasty &= !same || last->hasty;
    *last = (struct run){ .tag = confirms->tag, .epoch = epoch, .hasty = hasty };
    host_hold(channel_host(ch), &confirms->holder);
    if (hasty)
        log_hurry(channel_host(ch)->log);
}

static void
refuse(struct confirms *confirms)
{
    struct channel *ch = confirms->channel;
    struct amqp_method m = { .id = AMQP_BASIC_NACK };
    m.basic_nack.delivery_tag = confirms->tag;
    if (confirms->settled + 1 == confirms->tag)
        confirms->settled = confirms->tag;
    conn_write(ch->conn, ch->number, &m);
}

void
confirm(struct channel *ch, const struct published *published)
{
    struct confirms *confirms = ch->confirms;
    struct session_host *host = channel_host(ch);
    confirms->tag++;
    if (published->rc < 0) {
        refuse(confirms);
    } else if (published->waits && !broken(BREAK_CONFIRM_AMQP_BEFORE_SYNC)) {
        wait_for(confirms, host->epoch, published->hasty);
    } else if (confirms->last.tag != 0) {
        confirms->last.tag = confirms->tag;
    } else {
        confirms->ready = confirms->tag;
        list_push(&ch->conn->server->busy, &ch->busy);
    }
}
