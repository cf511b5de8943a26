/* Named queues: queue.declare, purge, delete. */
#include "session/amqp/inner.h"

static int
no_queue(const struct channel *ch, struct view name, struct refusal *why)
{
    struct view vhost = vhost_name(ch->conn->vhost);
    return deny(why, AMQP_NOT_FOUND, "no queue '%.*s' in vhost '%.*s'", (int)name.len, name.data, (int)vhost.len,
                vhost.data);
}

static int
locked(const struct channel *ch, struct view name, struct refusal *why)
{
    struct view vhost = vhost_name(ch->conn->vhost);
    return deny(
        why, AMQP_RESOURCE_LOCKED,
        "cannot obtain exclusive access to locked queue '%.*s' in vhost '%.*s'. It could be originally declared "
        "on another connection or the exclusive property value does not match that of the original declaration.",
        (int)name.len, name.data, (int)vhost.len, vhost.data);
}

int
queue_lock_check(const struct channel *ch, const struct mq *mq, struct refusal *why)
{
    struct mq_facts facts;
    mq_facts(mq, &facts);
    return facts.exclusive && facts.owner != ch->conn ? locked(ch, facts.name, why) : 0;
}

int
channel_queue_name(const struct channel *ch, struct view named, struct view *ret, struct refusal *why)
{
    *ret = named.len > 0 ? named : view_of(ch->last_queue, ch->last_queue_bytes);
    if (ret->len == 0)
        return deny(why, AMQP_NOT_FOUND, "no previously declared queue");
    return 0;
}

int
channel_queue(const struct channel *ch, struct view named, struct mq **ret, struct refusal *why)
{
    struct view name;
    int rc = channel_queue_name(ch, named, &name, why);
    if (rc < 0)
        return rc;
    *ret = mq_find(ch->conn->vhost, name);
    if (*ret == NULL)
        return no_queue(ch, name, why);
    return queue_lock_check(ch, *ret, why);
}

/* ---- declare ------------------------------------------------------------------------------------------------ */

static int
remember(struct channel *ch, struct view name, struct refusal *why)
{
    if (view_equal(name, view_of(ch->last_queue, ch->last_queue_bytes)))
        return 0;
    uint8_t *copy = mem_raw(channel_mem(ch), name.len);
    if (copy == NULL)
        return deny_rc(why, -ERR_NO_MEMORY);
    memcpy(copy, name.data, name.len);
    mem_free(channel_mem(ch), ch->last_queue);
    ch->last_queue = copy;
    ch->last_queue_bytes = (uint8_t)name.len;
    return 0;
}

/* What is there already must be this connection's to use, and was exclusive or not as it is asked for now. */
static int
check_declared(const struct channel *ch, const struct amqp_queue_declare *declare, const struct mq *mq,
               struct refusal *why)
{
    struct mq_facts facts;
    if (mq != NULL) {
        mq_facts(mq, &facts);
        bool others = facts.exclusive && facts.owner != ch->conn;
        bool mismatch = !declare->passive && facts.exclusive != declare->exclusive;
        return others || mismatch ? locked(ch, facts.name, why) : 0;
    }
    if (declare->passive)
        return no_queue(ch, declare->queue, why);
    if (view_starts(declare->queue, "amq."))
        return deny(why, AMQP_ACCESS_REFUSED, "queue name '%.*s' contains reserved prefix 'amq.*'",
                    (int)declare->queue.len, declare->queue.data);
    return 0;
}

static void
answer_declared(struct channel *ch, const struct mq *mq, bool waits)
{
    struct mq_facts facts;
    mq_facts(mq, &facts);
    struct amqp_method ok = { .id = AMQP_QUEUE_DECLARE_OK };
    ok.queue_declare_ok.queue = facts.name;
    ok.queue_declare_ok.message_count = facts.ready < UINT32_MAX ? (uint32_t)facts.ready : UINT32_MAX;
    ok.queue_declare_ok.consumer_count = facts.consumers;
    channel_answer(ch, &ok, waits);
}

int
on_queue_declare(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    struct amqp_queue_declare declare = m->queue_declare;
    if (declare.passive && amqp_is_reply_address(declare.queue))
        return reply_declared(ch, &declare, why);
    if (declare.passive && declare.queue.len == 0)
        declare.queue = view_of(ch->last_queue, ch->last_queue_bytes);
    struct mq *mq = declare.queue.len == 0 ? NULL : mq_find(ch->conn->vhost, declare.queue);
    bool stored = false;
    int rc = check_declared(ch, &declare, mq, why);
    if (rc == 0 && !declare.passive) {
        struct queue_spec spec = { .name = declare.queue,
                                   .durable = declare.durable && !declare.exclusive, /* ends with its connection */
                                   .exclusive = declare.exclusive,
                                   .auto_delete = declare.auto_delete,
                                   .arguments = declare.arguments,
                                   .owner = declare.exclusive ? ch->conn : NULL };
        rc = mq_declare(ch->conn->vhost, &spec, &mq, NULL, &stored, why);
    }
    struct mq_facts facts;
    if (rc == 0) {
        mq_facts(mq, &facts);
        rc = remember(ch, facts.name, why);
    }
    if (rc == 0 && !declare.no_wait)
        answer_declared(ch, mq, stored);
    return rc;
}

/* ---- purge, delete ------------------------------------------------------------------------------------------ */

int
on_queue_purge(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    struct mq *mq;
    int rc = channel_queue(ch, m->queue_purge.queue, &mq, why);
    if (rc == 0)
        rc = stream_refuses(mq, "queue.purge", why);
    if (rc < 0)
        return rc;
    uint64_t count = mq_purge(mq);
    struct amqp_method ok = { .id = AMQP_QUEUE_PURGE_OK };
    ok.queue_purge_ok.message_count = (uint32_t)count;
    if (!m->queue_purge.no_wait)
        channel_answer(ch, &ok, false);
    return 0;
}

/* Deleting what is not there is fine. */
int
on_queue_delete(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_queue_delete *delete = &m->queue_delete;
    struct view name;
    uint64_t count = 0;
    bool stored = false;
    int rc = channel_queue_name(ch, delete->queue, &name, why);
    struct mq *mq = rc < 0 ? NULL : mq_find(ch->conn->vhost, name);
    if (mq != NULL)
        rc = queue_lock_check(ch, mq, why);
    if (mq != NULL && rc == 0)
        rc = mq_delete(mq, delete->if_unused, delete->if_empty, &count, &stored, why);
    if (rc < 0)
        return rc;
    struct amqp_method ok = { .id = AMQP_QUEUE_DELETE_OK };
    ok.queue_delete_ok.message_count = (uint32_t)count;
    if (!delete->no_wait)
        channel_answer(ch, &ok, stored);
    return 0;
}
