/* catalog/stream.c - consumers of streams: where they begin, and the reader that each has in place of taps. */
#include "catalog/inner.h"

/* ---- where it begins ------------------------------------------------------------------------------------------- */

struct place {
    enum stream_from from;
    uint64_t value;
};

bool
age_parse(struct view text, uint64_t *retms)
{
    enum { MOST = 100000000 };
    static const char units[] = "YMDhms";
    static const uint64_t seconds[] = { 31536000, 2592000, 86400, 3600, 60, 1 };
    const char *unit = text.len < 2 ? NULL : memchr(units, text.data[text.len - 1], strlen(units));
    uint64_t n = 0;
    for (size_t i = 0; i + 1 < text.len; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9)
            return false;
        n = n < MOST ? n * 10 + digit : MOST;
    }
    if (n == 0 || unit == NULL)
        return false;
    *retms = n * seconds[unit - units] * 1000;
    return true;
}

static bool
place_by_word(struct io *io, struct view word, struct place *ret)
{
    static const struct {
        const char *word;
        enum stream_from from;
    } words[] = {
        {"first", STREAM_FIRST},
        { "last", STREAM_LAST },
        { "next", STREAM_NEXT },
    };
    uint64_t age_ms, now_ms = io_wall_ms(io);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (view_is(word, words[i].word)) {
            ret->from = words[i].from;
            return true;
        }
    if (!age_parse(word, &age_ms))
        return false;
    *ret = (struct place){ .from = STREAM_TIME, .value = age_ms < now_ms ? now_ms - age_ms : 0 };
    return true;
}

/* Offsets are counted from 0, and sequence numbers from 1. */
static bool
place_of(struct io *io, const struct amqp_value *v, struct place *ret)
{
    enum { MS_A_S = 1000 };
    int64_t n;
    if (v->type == 'S' || v->type == 'x')
        return place_by_word(io, v->bytes, ret);
    if (v->type == 'T') {
        uint64_t s = v->unsigned_number;
        *ret = (struct place){ .from = STREAM_TIME, .value = s < UINT64_MAX / MS_A_S ? s * MS_A_S : UINT64_MAX };
        return true;
    }
    if (!amqp_value_integer(v, &n))
        return false;
    *ret = (struct place){ .from = STREAM_SEQ, .value = n < 0 ? 1 : (uint64_t)n + 1 };
    return true;
}

static int
refuse_offset(const struct mq *mq, const struct amqp_value *v, struct refusal *why)
{
    struct view word = v->type == 'S' || v->type == 'x' ? v->bytes : view_of(NULL, 0);
    return refuse(why, AMQP_PRECONDITION_FAILED,
                  "invalid arg 'x-stream-offset' for queue '%.*s' in vhost '%.*s': "
                  "{invalid_stream_offset_arg,{%s,<<\"%.*s\">>}}",
                  VIEW_ARGS(mq_name(mq)), VIEW_ARGS(vhost_name(mq->vhost)), amqp_type_name(v->type), VIEW_ARGS(word));
}

/* ---- the reader ------------------------------------------------------------------------------------------------ */

static void
on_deliver(struct stream_reader *reader, uint64_t seq, struct publication *pub, struct entry_meta meta)
{
    struct mq_consumer *consumer = container_of(reader, struct mq_reader, reader)->consumer;
    consumer->credit = reader->credit;
    consumer->ops->deliver(consumer, NULL, seq, pub, meta, false);
    mq_reader_lower(consumer); /* it may have taken credit back */
}

static const struct stream_reader_ops reader_ops = { .deliver = on_deliver };

int
mq_reader_make(const struct mq *mq, struct mq_consumer *consumer, struct view arguments, struct refusal *why)
{
    const struct catalog_host *host = mq->vhost->catalog->host;
    struct place place = { .from = STREAM_NEXT };
    struct amqp_value v;
    if (amqp_table_find(arguments, "x-stream-offset", &v) && !place_of(host->io, &v, &place))
        return refuse_offset(mq, &v, why);
    struct mq_reader *reader = MEM_NEW(host->mem, struct mq_reader);
    int rc = reader == NULL
                 ? -ERR_NO_MEMORY
                 : stream_attach(&reader->reader, mq->levels[0]->target.queue, &reader_ops, place.from, place.value);
    if (rc < 0) {
        mem_free(host->mem, reader);
        return refuse_world(why, rc);
    }
    reader->consumer = consumer;
    consumer->reader = reader;
    return 0;
}

void
mq_reader_free(struct mem *mem, struct mq_consumer *consumer)
{
    if (consumer->reader == NULL)
        return;
    stream_detach(&consumer->reader->reader);
    mem_free(mem, consumer->reader);
    consumer->reader = NULL;
}

/* Its credit is the consumer's: it is delivered to at the end of the turn. */
void
mq_reader_feed(struct mq_consumer *consumer)
{
    struct stream_reader *reader = &consumer->reader->reader;
    if (consumer->credit > reader->credit)
        stream_credit(reader, consumer->credit - reader->credit);
}

void
mq_reader_lower(const struct mq_consumer *consumer)
{
    struct stream_reader *reader = &consumer->reader->reader;
    if (reader->credit > consumer->credit)
        reader->credit = consumer->credit;
}
