/* QoS 2 publications that came from other shards.
 *
 * A publisher sends what was not acknowledged again, and its shard forwards it again, because after a loss of power one
 * shard may have it on disk and another not.  So each shard remembers what it took in, as a fact in its log, until the
 * publisher's shard says that the publisher has released it. */
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "shard/inner.h"

struct kept_receipt {
    struct receipt receipt;
};

static uint64_t
hash(const struct receipt *r)
{
    const uint64_t key = (uint64_t)r->session << 32 | (uint64_t)r->shard << 16 | r->packet_id;
    return hash_bytes(view_of(&key, sizeof(key)), 0);
}

static bool
same(const void *value, const void *key)
{
    const struct kept_receipt *kept = value;
    const struct receipt *r = key;
    return kept->receipt.session == r->session && kept->receipt.packet_id == r->packet_id &&
           kept->receipt.shard == r->shard;
}

bool
receipt_known(const struct shard *shard, const struct receipt *receipt)
{
    return map_get(&shard->receipts, hash(receipt), same, receipt) != NULL;
}

int
receipt_keep(struct shard *shard, const struct receipt *receipt)
{
    if (receipt_known(shard, receipt))
        return 0;
    struct kept_receipt *kept = MEM_NEW(shard->host.mem, struct kept_receipt);
    if (kept == NULL)
        return -ERR_NO_MEMORY;
    kept->receipt = *receipt;
    int rc = map_put(&shard->receipts, hash(receipt), kept);
    if (rc < 0)
        mem_free(shard->host.mem, kept);
    return rc;
}

static void
cut(struct shard *shard, struct kept_receipt *kept)
{
    map_cut(&shard->receipts, hash(&kept->receipt), kept);
    mem_free(shard->host.mem, kept);
}

/* Is there one of this session?  Sessions end rarely, so this may walk. */
static struct kept_receipt *
any_of(const struct shard *shard, const struct receipt *of)
{
    size_t at = 0;
    for (struct kept_receipt *kept = map_next(&shard->receipts, &at); kept != NULL;
         kept = map_next(&shard->receipts, &at))
        if (kept->receipt.session == of->session && kept->receipt.shard == of->shard)
            return kept;
    return NULL;
}

/* True: something was forgotten. */
bool
receipt_drop(struct shard *shard, const struct receipt *receipt)
{
    bool dropped = false;
    struct kept_receipt *kept =
        receipt->packet_id == 0 ? any_of(shard, receipt) : map_get(&shard->receipts, hash(receipt), same, receipt);
    while (kept != NULL) {
        cut(shard, kept);
        dropped = true;
        kept = receipt->packet_id == 0 ? any_of(shard, receipt) : NULL;
    }
    return dropped;
}

static struct view
write(const struct receipt *receipt, uint8_t room[RECEIPT_BYTES])
{
    struct pen p = pen_of(room, RECEIPT_BYTES);
    record_put_receipt(&p, receipt);
    return view_of(room, RECEIPT_BYTES);
}

int
receipt_forget(struct shard *shard, const struct receipt *receipt)
{
    uint8_t room[RECEIPT_BYTES];
    if (!receipt_drop(shard, receipt) || shard->log == NULL)
        return 0;
    struct view record = write(receipt, room);
    int64_t position = log_append(shard->log, RECORD_RECEIPT_END, true, &record, 1);
    return position < 0 ? (int)position : 0;
}

int
receipts_checkpoint(struct shard *shard)
{
    uint8_t room[RECEIPT_BYTES];
    size_t at = 0;
    int rc = 0;
    for (struct kept_receipt *kept = map_next(&shard->receipts, &at); kept != NULL && rc == 0;
         kept = map_next(&shard->receipts, &at)) {
        struct view record = write(&kept->receipt, room);
        rc = log_checkpoint_put(shard->log, RECORD_RECEIPT, &record, 1);
    }
    return rc;
}

void
receipts_free(struct shard *shard)
{
    size_t at = 0;
    for (struct kept_receipt *kept = map_next(&shard->receipts, &at); kept != NULL;
         kept = map_next(&shard->receipts, &at))
        mem_free(shard->host.mem, kept);
    map_fini(&shard->receipts);
}
