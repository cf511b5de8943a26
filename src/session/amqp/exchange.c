/* Exchanges and what is bound to them: exchange.*, queue.bind, queue.unbind. */
#include "session/amqp/inner.h"

int
exchange_default_check(struct view name, struct refusal *why)
{
    if (name.len == 0)
        return deny(why, AMQP_ACCESS_REFUSED, "operation not permitted on the default exchange");
    return 0;
}

static int
no_exchange(const struct channel *ch, struct view name, struct refusal *why)
{
    struct view vhost = vhost_name(ch->conn->vhost);
    return deny(why, AMQP_NOT_FOUND, "no exchange '%.*s' in vhost '%.*s'", (int)name.len, name.data, (int)vhost.len,
                vhost.data);
}

static int
declare_passive(const struct channel *ch, struct view name, struct refusal *why)
{
    int rc = exchange_default_check(name, why);
    return rc == 0 && xchg_find(ch->conn->vhost, name) == NULL ? no_exchange(ch, name, why) : rc;
}

int
on_exchange_declare(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_exchange_declare *declare = &m->exchange_declare;
    struct exchange_spec spec = { .name = declare->exchange,
                                  .type = declare->type,
                                  .durable = declare->durable,
                                  .auto_delete = declare->auto_delete,
                                  .internal = declare->internal,
                                  .arguments = declare->arguments };
    bool stored = false;
    int rc = declare->passive ? declare_passive(ch, declare->exchange, why)
                              : xchg_declare(ch->conn->vhost, &spec, &stored, why);
    if (rc == 0)
        channel_done(ch, AMQP_EXCHANGE_DECLARE_OK, declare->no_wait, stored);
    return rc < 0 ? rc : 0;
}

static int
refuse_deletion(const struct channel *ch, struct view name, struct refusal *why)
{
    struct view vhost = vhost_name(ch->conn->vhost);
    return deny(why, AMQP_ACCESS_REFUSED, "deletion of system exchange '%.*s' in vhost '%.*s' not allowed",
                (int)name.len, name.data, (int)vhost.len, vhost.data);
}

int
on_exchange_delete(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_exchange_delete *delete = &m->exchange_delete;
    struct vhost *vhost = ch->conn->vhost;
    bool stored = false;
    int rc = exchange_default_check(delete->exchange, why);
    if (rc == 0 && view_starts(delete->exchange, "amq."))
        rc = refuse_deletion(ch, delete->exchange, why);
    if (rc == 0 && xchg_find(vhost, delete->exchange) != NULL) /* deleting what is not there is fine */
        rc = xchg_delete(vhost, delete->exchange, delete->if_unused, &stored, why);
    if (rc < 0)
        return rc;
    channel_done(ch, AMQP_EXCHANGE_DELETE_OK, delete->no_wait, stored);
    return 0;
}

/* ---- bindings ----------------------------------------------------------------------------------------------- */

typedef int binding_fn(struct vhost *vhost, const struct binding_spec *spec, bool *retstored, struct refusal *why);

/* Both ends must be there, and neither may be the default exchange.  Unbinding what is not there is fine. */
static int
change_binding(struct channel *ch, const struct binding_spec *spec, binding_fn *change, bool *retstored,
               struct refusal *why)
{
    struct vhost *vhost = ch->conn->vhost;
    int rc = exchange_default_check(spec->source, why);
    if (rc == 0 && spec->kind == BIND_XCHG)
        rc = exchange_default_check(spec->destination, why);
    if (rc < 0)
        return rc;
    if (xchg_find(vhost, spec->source) == NULL)
        return change == binding_cut ? 0 : no_exchange(ch, spec->source, why);
    if (spec->kind == BIND_XCHG && xchg_find(vhost, spec->destination) == NULL)
        return change == binding_cut ? 0 : no_exchange(ch, spec->destination, why);
    return change(vhost, spec, retstored, why);
}

static int
change_exchange_binding(struct channel *ch, const struct amqp_exchange_bind *bind, binding_fn *change,
                        uint32_t answered, struct refusal *why)
{
    struct binding_spec spec = { .source = bind->source,
                                 .destination = bind->destination,
                                 .key = bind->routing_key,
                                 .arguments = bind->arguments,
                                 .kind = BIND_XCHG };
    bool stored = false;
    int rc = change_binding(ch, &spec, change, &stored, why);
    if (rc < 0)
        return rc;
    channel_done(ch, answered, bind->no_wait, stored);
    return 0;
}

int
on_exchange_bind(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    return change_exchange_binding(ch, &m->exchange_bind, binding_add, AMQP_EXCHANGE_BIND_OK, why);
}

int
on_exchange_unbind(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    return change_exchange_binding(ch, &m->exchange_unbind, binding_cut, AMQP_EXCHANGE_UNBIND_OK, why);
}

/* Neither queue nor key given: the queue declared last, under its own name. */
static int
change_queue_binding(struct channel *ch, const struct amqp_queue_unbind *names, binding_fn *change, bool *retstored,
                     struct refusal *why)
{
    struct mq *mq;
    struct view queue;
    int rc = exchange_default_check(names->exchange, why);
    if (rc == 0)
        rc = channel_queue_name(ch, names->queue, &queue, why);
    if (rc == 0 && change == binding_cut && mq_find(ch->conn->vhost, queue) == NULL)
        return 0;
    if (rc == 0 && change == binding_add && xchg_find(ch->conn->vhost, names->exchange) == NULL)
        rc = no_exchange(ch, names->exchange, why); /* told before what may be wrong with the queue */
    if (rc == 0)
        rc = channel_queue(ch, queue, &mq, why);
    if (rc < 0)
        return rc;
    bool unnamed = names->queue.len == 0 && names->routing_key.len == 0;
    struct binding_spec spec = { .source = names->exchange,
                                 .destination = queue,
                                 .key = unnamed ? queue : names->routing_key,
                                 .arguments = names->arguments,
                                 .kind = BIND_QUEUE };
    return change_binding(ch, &spec, change, retstored, why);
}

int
on_queue_bind(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    const struct amqp_queue_bind *bind = &m->queue_bind;
    struct amqp_queue_unbind names = {
        .queue = bind->queue, .exchange = bind->exchange, .routing_key = bind->routing_key, .arguments = bind->arguments
    };
    bool stored = false;
    int rc = change_queue_binding(ch, &names, binding_add, &stored, why);
    if (rc < 0)
        return rc;
    channel_done(ch, AMQP_QUEUE_BIND_OK, bind->no_wait, stored);
    return 0;
}

int
on_queue_unbind(struct channel *ch, const struct amqp_method *m, struct refusal *why)
{
    bool stored = false;
    int rc = change_queue_binding(ch, &m->queue_unbind, binding_cut, &stored, why);
    if (rc < 0)
        return rc;
    channel_done(ch, AMQP_QUEUE_UNBIND_OK, false, stored);
    return 0;
}
