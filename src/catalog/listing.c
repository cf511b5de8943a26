/* Lists for people and tools: arrays of objects with the field names of RabbitMQ's management API. */
#include "catalog/inner.h"

json_t *
mq_json(const struct mq *mq)
{
    return json_pack("{s:o, s:o, s:b, s:b, s:o}", "name", text_json(mq_name(mq)), "vhost",
                     text_json(vhost_name(mq->vhost)), "durable", mq->durable, "auto_delete", mq->auto_delete,
                     "arguments", field_json(view_of(mq->arguments, mq->arguments_bytes)));
}

json_t *
xchg_json(const struct xchg *x)
{
    return json_pack("{s:o, s:o, s:o, s:b, s:b, s:b, s:o}", "name", text_json(xchg_name(x)), "vhost",
                     text_json(vhost_name(x->vhost)), "type", text_json(xchg_type_name(x)), "durable", x->durable,
                     "auto_delete", x->auto_delete, "internal", x->internal, "arguments",
                     field_json(view_of(x->arguments, x->arguments_bytes)));
}

static json_t *
pack_binding(const struct vhost *vhost, struct view source, struct view destination, bool to_queue, struct view key,
             struct view arguments)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "source", text_json(source), "vhost",
                     text_json(vhost_name(vhost)), "destination", text_json(destination), "destination_type",
                     to_queue ? "queue" : "exchange", "routing_key", text_json(key), "arguments",
                     field_json(arguments));
}

json_t *
binding_json(const struct binding *b)
{
    return pack_binding(b->source->vhost, xchg_name(b->source), b->mq != NULL ? mq_name(b->mq) : xchg_name(b->xchg),
                        b->mq != NULL, binding_key(b), binding_arguments(b));
}

static json_t *
queue_row(const struct mq *mq)
{
    static const char *const tiers[] = {
        [TIER_MEMORY] = "memory", [TIER_WRITTEN] = "written", [TIER_SYNCED] = "synced"
    };
    struct mq_facts f;
    mq_facts(mq, &f);
    json_t *row = mq_json(mq),
           *more = json_pack("{s:b, s:I, s:I, s:I, s:I, s:i, s:s, s:s, s:s, s:o}", "exclusive", f.exclusive, "messages",
                             (json_int_t)(f.ready + f.unacked), "messages_ready", (json_int_t)f.ready,
                             "messages_unacknowledged", (json_int_t)f.unacked, "message_bytes_ready",
                             (json_int_t)f.ready_bytes, "consumers", (int)f.consumers, "type", mq_type(f.arguments),
                             "state", "running", "tier", tiers[f.tier], "policy", text_json(f.policy));
    bool fine = row != NULL && more != NULL && json_object_update(row, more) == 0;
    json_decref(more);
    if (fine)
        return row;
    json_decref(row);
    return NULL;
}

json_t *
catalog_list_queues(const struct vhost *vhost)
{
    json_t *list = json_array();
    LIST_EACH(&vhost->mqs, l)
        list = list == NULL ? NULL : json_appended(list, queue_row(container_of(l, struct mq, link)));
    return list;
}

static json_t *
exchange_row(const struct xchg *x)
{
    json_t *row = xchg_json(x);
    struct view policy = x->policy == NULL ? view_of(NULL, 0) : x->policy->name;
    if (row == NULL || json_object_set_new(row, "policy", text_json(policy)) == 0)
        return row;
    json_decref(row);
    return NULL;
}

json_t *
catalog_list_exchanges(const struct vhost *vhost)
{
    json_t *list = json_array();
    LIST_EACH(&vhost->xchgs, l)
        list = list == NULL ? NULL : json_appended(list, exchange_row(container_of(l, struct xchg, link)));
    return list;
}

/* Every queue is bound to the default exchange by its name. */
static json_t *
default_row(const struct mq *mq)
{
    static const struct view nothing = { NULL, 0 };
    return pack_binding(mq->vhost, nothing, mq_name(mq), true, mq_name(mq), nothing);
}

json_t *
catalog_list_bindings(const struct vhost *vhost)
{
    json_t *list = json_array();
    LIST_EACH(&vhost->mqs, l)
        list = list == NULL ? NULL : json_appended(list, default_row(container_of(l, struct mq, link)));
    LIST_EACH(&vhost->xchgs, x)
        LIST_EACH(&container_of(x, struct xchg, link)->bindings, l)
            list = list == NULL ? NULL : json_appended(list, binding_json(container_of(l, struct binding, from)));
    return list;
}

static json_t *
policy_row(const struct policy *policy)
{
    json_t *row = policy_json(policy);
    if (row == NULL || json_object_set_new(row, "vhost", text_json(vhost_name(policy->vhost))) == 0)
        return row;
    json_decref(row);
    return NULL;
}

json_t *
catalog_list_policies(const struct vhost *vhost)
{
    json_t *list = json_array();
    LIST_EACH(&vhost->policies, l)
        list = list == NULL ? NULL : json_appended(list, policy_row(container_of(l, struct policy, link)));
    return list;
}
