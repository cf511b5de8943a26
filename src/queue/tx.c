/* Transactions: what is published and settled between queue_tx_begin() and queue_tx_commit() is one fact.
 *
 * Bodies are appended as RECORD_HELD, which replay passes over, settlements are collected, and one RECORD_COMMIT that
 * names them all makes them true: it is in the log whole or not at all.  All of it comes in one turn, between two steps
 * of a checkpoint, so that a checkpoint never stands between them. */
#include "base/break.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "queue/inner.h"
#include "queue/record.h"

static bool
reserve(struct mem *mem, struct tx_list *list, uint32_t items)
{
    uint32_t need = list->used + items * TX_ITEM_BYTES;
    if (need <= list->room)
        return true;
    uint32_t room = list->room * 2 > need ? list->room * 2 : need;
    uint8_t *more = mem_grow(mem, list->bytes, room);
    if (more == NULL)
        return false;
    list->bytes = more;
    list->room = room;
    return true;
}

static struct pen
next_item(struct tx_list *list)
{
    struct pen p = pen_of(list->bytes + list->used, TX_ITEM_BYTES);
    list->used += TX_ITEM_BYTES;
    return p;
}

/* Beside its bytes, which are copied for the log and for queues in memory: entries, pages, records. */
enum { PUBLISH_BYTES = 1024, SETTLE_BYTES = 64 };

static bool
fits(const struct mem *mem, const struct tx_size *size)
{
    uint64_t need =
        2 * size->bytes + PUBLISH_BYTES * (uint64_t)size->publishes + SETTLE_BYTES * (uint64_t)size->settles;
    return mem->bytes_max == 0 || (need <= mem->bytes_max && mem->used_bytes <= mem->bytes_max - need);
}

/* Is there room for all of it?  After this only a queue's limit or a failed log can stand in the way. */
static int
admit(const struct queue_host *host, const struct tx_size *size)
{
    struct log_stats stats;
    if (!fits(host->mem, size))
        return -ERR_NO_MEMORY;
    if (host->log == NULL)
        return 0;
    log_stats(host->log, &stats);
    if (stats.failed)
        return -ERR_DISK;
    if (stats.disk_full && size->publishes > 0)
        return -ERR_DISK_FULL;
    return 0;
}

int
queue_tx_begin(struct queue_host *host, const struct tx_size *size)
{
    struct tx *tx = &host->tx;
    must(!tx->open);
    int rc = admit(host, size);
    if (rc < 0)
        return rc;
    tx->admitted = host->log == NULL;
    if (host->log == NULL)
        return 0;
    if (!reserve(host->mem, &tx->held, size->publishes) || !reserve(host->mem, &tx->settled, size->settles))
        return -ERR_NO_MEMORY;
    tx->open = tx->admitted = true;
    return 0;
}

bool
tx_hold(struct queue_host *host, uint64_t position, uint32_t bytes)
{
    if (!reserve(host->mem, &host->tx.held, 1))
        return false;
    struct pen p = next_item(&host->tx.held);
    put_u64(&p, position);
    put_u32(&p, bytes);
    return true;
}

bool
tx_settle(struct queue_host *host, uint32_t queue, uint64_t seq)
{
    if (!host->tx.open || !reserve(host->mem, &host->tx.settled, 1))
        return false;
    struct pen p = next_item(&host->tx.settled);
    put_u64(&p, seq);
    put_u32(&p, queue);
    return true;
}

int
queue_tx_commit(struct queue_host *host)
{
    struct tx *tx = &host->tx;
    uint8_t count[4];
    struct pen p = pen_of(count, sizeof(count));
    put_u32(&p, tx->held.used / TX_ITEM_BYTES);
    const struct view parts[] = { view_of(count, sizeof(count)), view_of(tx->held.bytes, tx->held.used),
                                  view_of(tx->settled.bytes, tx->settled.used) };
    bool any = tx->held.used + tx->settled.used > 0 && !broken(BREAK_COMMIT_WITHOUT_RECORD);
    int64_t position = any ? log_append(host->log, RECORD_COMMIT, true, parts, 3) : 0;
    mem_free(host->mem, tx->held.bytes);
    mem_free(host->mem, tx->settled.bytes);
    *tx = (struct tx){ 0 };
    return position < 0 ? (int)position : 0;
}
