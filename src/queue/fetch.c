/* queue/fetch.c - bodies back out of the log: read ahead for the pump, or one to be sent again. */
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"
#include "queue/record.h"

enum {
    AHEAD_BYTES_MAX = 256 * 1024,
    AHEAD_BYTES_MIN = 4 * 1024,
    AHEAD_BYTES_CROWDED = 16 * 1024, /* for each, when many queues read */
    CROWD_BYTES = 16 * 1024 * 1024,
};
static const uint64_t RETRY_NS = 100 * 1000 * 1000;

int
publication_parse(struct view record, uint64_t position, struct publication *ret)
{
    struct record_publish publish;
    *ret = (struct publication){ .position = position, .bytes = (uint32_t)record.len };
    return record_publish_parse(record, &publish, &ret->env);
}

/* ---- reading ahead ------------------------------------------------------------------------------------------- */

void
ahead_init(struct ahead *ahead, struct queue *queue, void (*more)(struct queue *queue))
{
    *ahead = (struct ahead){ .queue = queue, .more = more };
}

void
ahead_release(struct ahead *ahead)
{
    log_read_release(&ahead->read);
    ahead->reading = false;
    ahead->queue->host->ahead_bytes -= ahead->bytes;
    ahead->bytes = 0;
}

void
ahead_fini(struct ahead *ahead)
{
    ahead_release(ahead);
    io_timer_cut(ahead->queue->host->io, &ahead->retry);
}

static void
on_retry(void *arg)
{
    struct ahead *ahead = arg;
    ahead->more(ahead->queue);
}

void
ahead_retry(struct ahead *ahead)
{
    struct io *io = ahead->queue->host->io;
    (void)io_timer_set(io, &ahead->retry, io_now_ns(io) + RETRY_NS, on_retry, ahead);
}

static void
on_bodies(struct log_read *read)
{
    struct ahead *ahead = read->arg;
    ahead->reading = false;
    ahead->damaged = read->rc == -ERR_DAMAGED ? read->position : 0;
    if (read->rc == 0 || ahead->damaged != 0)
        ahead->more(ahead->queue);
    else
        ahead_retry(ahead);
}

/* What waits, within bounds; little when many queues read at once. */
static size_t
ahead_bytes(const struct queue *queue)
{
    uint64_t most = queue->host->ahead_bytes > CROWD_BYTES ? AHEAD_BYTES_CROWDED : AHEAD_BYTES_MAX;
    uint64_t n = queue->bytes > AHEAD_BYTES_MIN ? queue->bytes : AHEAD_BYTES_MIN;
    return (size_t)(n < most ? n : most);
}

static enum fetched
read_bodies(struct ahead *ahead, uint64_t position)
{
    struct queue_host *host = ahead->queue->host;
    if (ahead->reading)
        return FETCH_WAIT;
    if (ahead->damaged == position)
        return FETCH_DAMAGED;
    ahead_release(ahead);
    size_t n = ahead_bytes(ahead->queue);
    ahead->read = (struct log_read){ .position = position, .ahead_bytes = n, .done = on_bodies, .arg = ahead };
    if (log_read(host->log, &ahead->read) < 0) {
        ahead_retry(ahead);
        return FETCH_WAIT;
    }
    ahead->bytes = n;
    host->ahead_bytes += n;
    ahead->reading = true;
    return FETCH_WAIT;
}

/* FETCH_WAIT: it must be read.  `ahead` may be NULL. */
static enum fetched
look(struct queue *queue, const struct ahead *ahead, const struct entry *entry, struct publication *ret)
{
    struct view record;
    unsigned kind;
    if (!queue->durable) {
        struct message *message = entry_message(entry);
        *ret = (struct publication){ .env = message->env, .message = message };
        return FETCH_GOT;
    }
    bool here = ahead != NULL && !ahead->reading && log_read_at(&ahead->read, entry->ref, &kind, &record);
    if (!here && !log_peek(queue->host->log, entry->ref, &record))
        return FETCH_WAIT;
    return publication_parse(record, entry->ref, ret) < 0 ? FETCH_DAMAGED : FETCH_GOT;
}

enum fetched
ahead_fetch(struct ahead *ahead, const struct entry *entry, struct publication *ret)
{
    enum fetched fetched = look(ahead->queue, ahead, entry, ret);
    return fetched == FETCH_WAIT ? read_bodies(ahead, entry->ref) : fetched;
}

/* ---- the pump's ---------------------------------------------------------------------------------------------- */

struct reader *
queue_reader(struct queue *queue)
{
    if (queue->reader != NULL)
        return queue->reader;
    queue->reader = MEM_NEW(queue->host->mem, struct reader);
    if (queue->reader != NULL)
        ahead_init(&queue->reader->bodies, queue, queue_pump);
    return queue->reader;
}

void
queue_reader_rest(struct queue *queue)
{
    if (queue->reader != NULL && queue->reader->bodies.bytes > 0)
        ahead_release(&queue->reader->bodies);
}

void
queue_reader_free(struct queue *queue)
{
    struct reader *r = queue->reader;
    if (r == NULL)
        return;
    ahead_fini(&r->bodies);
    log_read_release(&r->index);
    mem_free(queue->host->mem, r);
    queue->reader = NULL;
}

void
queue_retry(struct queue *queue)
{
    ahead_retry(&queue->reader->bodies);
}

enum fetched
queue_fetch(struct queue *queue, const struct entry *entry, struct publication *ret)
{
    enum fetched fetched = look(queue, queue->reader == NULL ? NULL : &queue->reader->bodies, entry, ret);
    if (fetched != FETCH_WAIT)
        return fetched;
    struct reader *r = queue_reader(queue);
    return r == NULL ? FETCH_WAIT : read_bodies(&r->bodies, entry->ref); /* without memory, the next credit tries */
}

/* ---- to be sent again ---------------------------------------------------------------------------------------- */

static void again_later(struct again *again);

static void
again_free(struct again *again)
{
    list_cut(&again->link);
    log_read_release(&again->read);
    io_timer_cut(again->host->io, &again->timer);
    mem_free(again->host->mem, again);
}

static void
on_again_timer(void *arg)
{
    struct again *again = arg;
    if (log_read(again->host->log, &again->read) < 0)
        again_later(again);
}

/* The disk did not answer, or memory is short; the message is not lost for that. */
static void
again_later(struct again *again)
{
    struct io *io = again->host->io;
    (void)io_timer_set(io, &again->timer, io_now_ns(io) + RETRY_NS, on_again_timer, again);
}

static void
on_again(struct log_read *read)
{
    struct again *again = read->arg;
    struct publication pub;
    struct view record;
    unsigned kind;
    if (read->rc < 0 && read->rc != -ERR_DAMAGED) {
        again_later(again);
        return;
    }
    bool good = read->rc == 0 && log_read_at(read, read->position, &kind, &record) &&
                publication_parse(record, read->position, &pub) == 0;
    list_cut(&again->link); /* nobody cancels it while it is told */
    if (good)
        link_hand_again(again->to, again->seq, &pub);
    else
        link_lose(again->to, again->seq);
    again_free(again);
}

int
again_read(struct link *link, uint64_t seq, uint64_t position)
{
    struct queue *queue = link->queue;
    struct again *again = MEM_NEW(queue->host->mem, struct again);
    if (again == NULL)
        return -ERR_NO_MEMORY;
    *again = (struct again){ .host = queue->host, .to = link, .seq = seq };
    again->read = (struct log_read){ .position = position, .done = on_again, .arg = again };
    list_init(&again->link);
    int rc = log_read(queue->host->log, &again->read);
    if (rc < 0)
        mem_free(queue->host->mem, again);
    else
        list_push(&queue->agains, &again->link);
    return rc;
}

void
agains_cancel(struct queue *queue, const struct link *link)
{
    LIST_EACH(&queue->agains, l) {
        struct again *again = container_of(l, struct again, link);
        if (link == NULL || again->to == link)
            again_free(again);
    }
}
