/* catalog/equivalence.c - does a declaration ask for what there is already?  With RabbitMQ's words
 * (rabbit_misc:assert_args_equivalence). */
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "catalog/inner.h"

struct label
label_of(const char *kind, const struct vhost *vhost, struct view name)
{
    struct label l;
    struct view home = vhost_name(vhost);
    (void)snprintf(l.text, sizeof(l.text), "%s '%.*s' in vhost '%.*s'", kind, VIEW_ARGS(name), VIEW_ARGS(home));
    return l;
}

/* As RabbitMQ prints a value: with its type when the other side has none. */
static void
print_value(char *text, size_t room, const struct amqp_value *v, bool with_type)
{
    char plain[AMQP_SHORTSTR_MAX + 8];
    int64_t n;
    if (v == NULL) {
        (void)snprintf(text, room, "none");
        return;
    }
    if (amqp_value_integer(v, &n))
        (void)snprintf(plain, sizeof(plain), "'%" PRId64 "'", n);
    else if (v->type == 'S')
        (void)snprintf(plain, sizeof(plain), "'%.*s'", VIEW_ARGS(v->bytes));
    else
        (void)snprintf(plain, sizeof(plain), "'%s'", v->type == 't' && v->boolean ? "true" : "false");
    if (with_type)
        (void)snprintf(text, room, "the value %s of type '%s'", plain, amqp_type_name(v->type));
    else
        (void)snprintf(text, room, "%s", plain);
}

int
inequivalent(struct refusal *why, const struct label *l, const char *key, const char *received, const char *current)
{
    return refuse(why, AMQP_PRECONDITION_FAILED, "inequivalent arg '%s' for %s: received %s but current is %s", key,
                  l->text, received, current);
}

int
same_flag(struct refusal *why, const struct label *l, const char *key, bool received, bool current)
{
    if (received == current)
        return 0;
    return inequivalent(why, l, key, received ? "'true'" : "'false'", current ? "'true'" : "'false'");
}

int
same_argument(struct refusal *why, const struct label *l, const char *key, const struct amqp_value *received,
              const struct amqp_value *current)
{
    char new[AMQP_SHORTSTR_MAX + 64], old[AMQP_SHORTSTR_MAX + 64];
    bool both = received != NULL && current != NULL;
    if (received == current || (both && amqp_value_equal(received, current)))
        return 0;
    print_value(new, sizeof(new), received, current == NULL);
    print_value(old, sizeof(old), current, received == NULL);
    return inequivalent(why, l, key, new, old);
}

/* ---- queues ---------------------------------------------------------------------------------------------------- */

/* A queue that does not name its type is a classic one. */
static bool
find(struct view arguments, const char *key, struct amqp_value *ret)
{
    if (!amqp_table_find(arguments, key, ret))
        return false;
    return !(strcmp(key, "x-queue-type") == 0 && ret->type == 'S' && view_is(ret->bytes, "classic"));
}

const char *
mq_type(struct view arguments)
{
    struct amqp_value v;
    if (!amqp_table_find(arguments, "x-queue-type", &v) || v.type != 'S')
        return "classic";
    return view_is(v.bytes, "stream") ? "stream" : view_is(v.bytes, "quorum") ? "quorum" : "classic";
}

static int
compare_argument(const struct mq *mq, const struct queue_spec *spec, const char *key, const struct label *l,
                 struct refusal *why)
{
    struct amqp_value received, current;
    bool has_received = find(spec->arguments, key, &received);
    bool has_current = find(view_of(mq->arguments, mq->arguments_bytes), key, &current);
    return same_argument(why, l, key, has_received ? &received : NULL, has_current ? &current : NULL);
}

int
mq_equivalent(const struct mq *mq, const struct queue_spec *spec, struct refusal *why)
{
    struct label l = label_of("queue", mq->vhost, mq_name(mq));
    if (mq->exclusive != spec->exclusive || (mq->exclusive && mq->owner != spec->owner))
        return refuse(why, AMQP_RESOURCE_LOCKED,
                      "cannot obtain exclusive access to locked %s. It could be originally declared on another "
                      "connection or the exclusive property value does not match that of the original declaration.",
                      l.text);
    int rc = same_flag(why, &l, "durable", spec->durable, mq->durable);
    if (rc == 0)
        rc = same_flag(why, &l, "auto_delete", spec->auto_delete, mq->auto_delete);
    const char *key;
    for (size_t i = 0; rc == 0 && (key = mq_argument(i)) != NULL; i++)
        rc = compare_argument(mq, spec, key, &l, why);
    return rc;
}
