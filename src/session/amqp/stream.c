/* What is not for streams, in RabbitMQ's words. */
#include "session/amqp/inner.h"

static bool
is_stream(const struct mq *mq, struct mq_facts *ret)
{
    mq_facts(mq, ret);
    return ret->stream;
}

#define LABEL         "queue '%.*s' in vhost '%.*s'"
#define LABEL_ARGS(f) (int)(f).name.len, (f).name.data, (int)(f).vhost.len, (f).vhost.data

int
stream_refuses(const struct mq *mq, const char *what, struct refusal *why)
{
    struct mq_facts f;
    if (!is_stream(mq, &f))
        return 0;
    return deny(why, AMQP_NOT_IMPLEMENTED, "%s not supported by stream queues " LABEL, what, LABEL_ARGS(f));
}

int
stream_check_consumer(const struct consumer *consumer, const struct mq *mq, struct refusal *why)
{
    struct mq_facts f;
    if (!is_stream(mq, &f))
        return 0;
    if (consumer->prefetch == 0)
        return deny(why, AMQP_PRECONDITION_FAILED, "consumer prefetch count is not set for '" LABEL "'", LABEL_ARGS(f));
    if (consumer->no_ack)
        return deny(why, AMQP_NOT_IMPLEMENTED, "automatic acknowledgement not supported by stream queues " LABEL,
                    LABEL_ARGS(f));
    if (consumer->channel->prefetch_all > 0)
        return deny(why, AMQP_NOT_IMPLEMENTED, LABEL " does not support global qos", LABEL_ARGS(f));
    return 0;
}

int
stream_check_return(const struct channel *ch, uint64_t tag, bool multiple, struct refusal *why)
{
    const struct unacked *item = multiple ? unackeds_first(&ch->unacked) : unackeds_find(&ch->unacked, tag);
    for (; item != NULL && (tag == 0 || item->tag <= tag); item = unackeds_next(&ch->unacked, item)) {
        const struct consumer *consumer = item->consumer;
        if (consumer != NULL && consumer->tap.reader != NULL)
            return stream_refuses(consumer->tap.mq, "basic.nack and basic.reject", why);
        if (!multiple)
            break;
    }
    return 0;
}
