/* tx.select, commit, rollback: publications and settlements are kept, and done at the commit in one go. */
#include "session/amqp/inner.h"

struct tx_post {
    struct list link;
    bool mandatory;
    uint8_t exchange_bytes, key_bytes;
    size_t props_bytes, body_bytes;
    uint8_t bytes[];
};

struct tx_settlement {
    uint64_t tag;
    enum settlement how;
};

struct transaction {
    struct list posts;
    struct fifo settlements; /* of struct tx_settlement */
    uint64_t bytes;
};

int
on_tx_select(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    (void)m;
    if (ch->confirms != NULL)
        return deny(why, AMQP_PRECONDITION_FAILED, "cannot switch from confirm to tx mode");
    if (ch->tx == NULL) {
        ch->tx = MEM_NEW(channel_mem(ch), struct transaction);
        if (ch->tx == NULL)
            return deny_rc(why, -ERR_NO_MEMORY);
        list_init(&ch->tx->posts);
        fifo_init(&ch->tx->settlements, channel_mem(ch), sizeof(struct tx_settlement));
    }
    channel_done(ch, AMQP_TX_SELECT_OK, false, false);
    return 0;
}

/* ---- keeping ------------------------------------------------------------------------------------------------ */

int
transaction_keep(struct channel *ch, const struct posting *posting, struct refusal *why)
{
    struct transaction *tx = ch->tx;
    size_t n = posting->exchange.len + posting->key.len + posting->props.len + posting->body.len;
    if (tx->bytes + n > TX_BYTES_MAX)
        return deny(why, AMQP_RESOURCE_ERROR, "more than %u bytes published in a transaction", TX_BYTES_MAX);
    struct tx_post *post = mem_raw(channel_mem(ch), sizeof(*post) + n);
    if (post == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    list_init(&post->link);
    post->mandatory = posting->mandatory;
    post->exchange_bytes = (uint8_t)posting->exchange.len;
    post->key_bytes = (uint8_t)posting->key.len;
    post->props_bytes = posting->props.len;
    post->body_bytes = posting->body.len;
    struct pen p = pen_of(post->bytes, n);
    put_bytes(&p, posting->exchange);
    put_bytes(&p, posting->key);
    put_bytes(&p, posting->props);
    put_bytes(&p, posting->body);
    list_push(&tx->posts, &post->link);
    tx->bytes += n;
    return 0;
}

int
transaction_settle(struct channel *ch, uint64_t tag, bool multiple, enum settlement how, struct refusal *why)
{
    struct unacked *item = multiple ? unackeds_first(&ch->unacked) : unackeds_find(&ch->unacked, tag);
    for (; item != NULL && (tag == 0 || item->tag <= tag); item = unackeds_next(&ch->unacked, item)) {
        struct tx_settlement settlement = { .tag = item->tag, .how = how };
        if (!item->kept && fifo_push(&ch->tx->settlements, &settlement) < 0)
            return deny_rc(why, -ERR_NO_MEMORY);
        item->kept = true;
        if (!multiple)
            break;
    }
    return 0;
}

/* ---- the end of the transaction ----------------------------------------------------------------------------- */

static void
forget(struct channel *ch)
{
    for (struct list *l = list_pop(&ch->tx->posts); l != NULL; l = list_pop(&ch->tx->posts))
        mem_free(channel_mem(ch), container_of(l, struct tx_post, link));
    fifo_clear(&ch->tx->settlements);
    ch->tx->bytes = 0;
}

void
transaction_free(struct channel *ch)
{
    if (ch->tx == NULL)
        return;
    forget(ch);
    fifo_fini(&ch->tx->settlements);
    mem_free(channel_mem(ch), ch->tx);
    ch->tx = NULL;
}

static struct posting
posting_of(const struct tx_post *post)
{
    struct cursor in =
        cursor_of(view_of(post->bytes, post->exchange_bytes + post->key_bytes + post->props_bytes + post->body_bytes));
    struct posting posting = { .mandatory = post->mandatory };
    posting.exchange = take_bytes(&in, post->exchange_bytes);
    posting.key = take_bytes(&in, post->key_bytes);
    posting.props = take_bytes(&in, post->props_bytes);
    posting.body = take_rest(&in);
    return posting;
}

/* What the queues must have room for. */
static struct tx_size
size_of(const struct transaction *tx)
{
    struct tx_size size = { .settles = tx->settlements.count, .bytes = tx->bytes };
    LIST_EACH(&tx->posts, l)
        size.publishes++;
    return size;
}

static int
publish_all(struct channel *ch, bool *retwaits)
{
    int rc = 0;
    LIST_EACH(&ch->tx->posts, l) {
        struct posting posting = posting_of(container_of(l, struct tx_post, link));
        struct published published;
        publish_posting(ch, &posting, &published);
        *retwaits |= published.waits;
        rc = published.rc < 0 ? published.rc : rc;
    }
    return rc;
}

/* All that was kept, as one fact.  *retwaits: something of it is durable when the epoch is done.  0, or -err of what
 * was refused. */
static int
apply(struct channel *ch, bool *retwaits)
{
    struct transaction *tx = ch->tx;
    struct queue_host *queues = &channel_host(ch)->queues;
    struct tx_size size = size_of(tx);
    int rc = queue_tx_begin(queues, &size);
    if (rc < 0)
        return rc;
    rc = publish_all(ch, retwaits);
    *retwaits |= tx->settlements.count > 0;
    /* What was consumed for messages that are refused is not lost with them: it goes back with the channel. */
    for (const struct tx_settlement *s; rc == 0 && (s = fifo_first(&tx->settlements)) != NULL;
         fifo_pop(&tx->settlements))
        settle(ch, s->tag, false, s->how);
    int done = queue_tx_commit(queues);
    return rc < 0 ? rc : done;
}

static int
not_transactional(struct refusal *why)
{
    return deny(why, AMQP_PRECONDITION_FAILED, "channel is not transactional");
}

int
on_tx_commit(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    (void)m;
    bool waits = false;
    if (ch->tx == NULL)
        return not_transactional(why);
    int rc = apply(ch, &waits);
    forget(ch);
    if (rc < 0)
        return deny(why, AMQP_PRECONDITION_FAILED, "partial tx completion");
    channel_done(ch, AMQP_TX_COMMIT_OK, false, waits);
    return 0;
}

int
on_tx_rollback(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    (void)m;
    if (ch->tx == NULL)
        return not_transactional(why);
    for (const struct tx_settlement *s; (s = fifo_first(&ch->tx->settlements)) != NULL;
         fifo_pop(&ch->tx->settlements)) {
        struct unacked *item = unackeds_find(&ch->unacked, s->tag);
        if (item != NULL)
            item->kept = false;
    }
    forget(ch);
    channel_done(ch, AMQP_TX_ROLLBACK_OK, false, false);
    return 0;
}
