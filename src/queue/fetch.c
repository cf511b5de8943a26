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

/* ---- the reader ---------------------------------------------------------------------------------------------- */

struct reader *
queue_reader(struct queue *queue)
{
    if (queue->reader == NULL)
        queue->reader = MEM_NEW(queue->host->mem, struct reader);
    return queue->reader;
}

static void
release_bodies(struct queue *queue)
{
    struct reader *r = queue->reader;
    log_read_release(&r->bodies);
    r->reading_bodies = false;
    queue->host->ahead_bytes -= r->ahead_bytes;
    r->ahead_bytes = 0;
}

void
queue_reader_rest(struct queue *queue)
{
    if (queue->reader != NULL && queue->reader->ahead_bytes > 0)
        release_bodies(queue);
}

void
queue_reader_free(struct queue *queue)
{
    struct reader *r = queue->reader;
    if (r == NULL)
        return;
    release_bodies(queue);
    log_read_release(&r->index);
    io_timer_cut(queue->host->io, &r->retry);
    mem_free(queue->host->mem, r);
    queue->reader = NULL;
}

static void
on_retry(void *arg)
{
    queue_pump(arg);
}

void
queue_retry(struct queue *queue)
{
    struct io *io = queue->host->io;
    (void)io_timer_set(io, &queue->reader->retry, io_now_ns(io) + RETRY_NS, on_retry, queue);
}

/* ---- bodies -------------------------------------------------------------------------------------------------- */

static void
on_bodies(struct log_read *read)
{
    struct queue *queue = read->arg;
    struct reader *r = queue->reader;
    r->reading_bodies = false;
    r->damaged = read->rc == -ERR_DAMAGED ? read->position : 0;
    if (read->rc == 0 || r->damaged != 0)
        queue_pump(queue);
    else
        queue_retry(queue);
}

/* What waits, within bounds; little when many queues read at once. */
static size_t
ahead(const struct queue *queue)
{
    uint64_t most = queue->host->ahead_bytes > CROWD_BYTES ? AHEAD_BYTES_CROWDED : AHEAD_BYTES_MAX;
    uint64_t n = queue->bytes > AHEAD_BYTES_MIN ? queue->bytes : AHEAD_BYTES_MIN;
    return (size_t)(n < most ? n : most);
}

static enum fetched
read_bodies(struct queue *queue, uint64_t position)
{
    struct reader *r = queue_reader(queue);
    if (r == NULL || r->reading_bodies)
        return FETCH_WAIT; /* without memory, the next credit tries again */
    if (r->damaged == position)
        return FETCH_DAMAGED;
    release_bodies(queue);
    size_t n = ahead(queue);
    r->bodies = (struct log_read){ .position = position, .ahead_bytes = n, .done = on_bodies, .arg = queue };
    if (log_read(queue->host->log, &r->bodies) < 0) {
        queue_retry(queue);
        return FETCH_WAIT;
    }
    r->ahead_bytes = n;
    queue->host->ahead_bytes += n;
    r->reading_bodies = true;
    return FETCH_WAIT;
}

enum fetched
queue_fetch(struct queue *queue, const struct entry *entry, struct publication *ret)
{
    struct view record;
    unsigned kind;
    if (!queue->durable) {
        struct message *message = entry_message(entry);
        *ret = (struct publication){ .env = message->env, .message = message };
        return FETCH_GOT;
    }
    struct reader *r = queue->reader;
    bool here = r != NULL && !r->reading_bodies && log_read_at(&r->bodies, entry->ref, &kind, &record);
    if (!here && !log_peek(queue->host->log, entry->ref, &record))
        return read_bodies(queue, entry->ref);
    return publication_parse(record, entry->ref, ret) < 0 ? FETCH_DAMAGED : FETCH_GOT;
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
