/* catalog/mq_equivalence.c - does a declaration ask for what there is already?  With RabbitMQ's words. */
#include <stdio.h>

#include "catalog/inner.h"

/* As RabbitMQ prints a value: with its type when the other side has none. */
static void
print_value(char *text, size_t room, const struct amqp_value *v, bool with_type)
{
    char plain[192];
    int64_t n;
    if (v == NULL) {
        (void)snprintf(text, room, "none");
        return;
    }
    if (amqp_value_integer(v, &n))
        (void)snprintf(plain, sizeof(plain), "'%lld'", (long long)n);
    else if (v->type == 'S')
        (void)snprintf(plain, sizeof(plain), "'%.*s'", (int)v->bytes.len, (const char *)v->bytes.data);
    else
        (void)snprintf(plain, sizeof(plain), "'%s'", v->type == 't' && v->boolean ? "true" : "false");
    if (with_type)
        (void)snprintf(text, room, "the value %s of type '%s'", plain, mq_type_name(v->type));
    else
        (void)snprintf(text, room, "%s", plain);
}

static int
inequivalent(struct refusal *why, const struct mq_label *l, const char *key, const char *received, const char *current)
{
    return refuse(why, AMQP_PRECONDITION_FAILED, "inequivalent arg '%s' for %s: received %s but current is %s", key,
                  l->text, received, current);
}

static int
compare_flag(struct refusal *why, const struct mq_label *l, const char *key, bool received, bool current)
{
    if (received == current)
        return 0;
    return inequivalent(why, l, key, received ? "'true'" : "'false'", current ? "'true'" : "'false'");
}

/* A queue that does not name its type is a classic one. */
static bool
find(struct view arguments, const char *key, struct amqp_value *ret)
{
    if (!amqp_table_find(arguments, key, ret))
        return false;
    return !(strcmp(key, "x-queue-type") == 0 && ret->type == 'S' && view_is(ret->bytes, "classic"));
}

static int
compare_argument(const struct mq *mq, const struct queue_spec *spec, const char *key, const struct mq_label *l,
                 struct refusal *why)
{
    char received[256], current[256];
    struct amqp_value new, old;
    bool has_new = find(spec->arguments, key, &new);
    bool has_old = find(view_of(mq->arguments, mq->arguments_bytes), key, &old);
    if (has_new == has_old && (!has_new || amqp_value_equal(&new, &old)))
        return 0;
    print_value(received, sizeof(received), has_new ? &new : NULL, !has_old);
    print_value(current, sizeof(current), has_old ? &old : NULL, !has_new);
    return inequivalent(why, l, key, received, current);
}

int
mq_equivalent(const struct mq *mq, const struct queue_spec *spec, struct refusal *why)
{
    struct mq_label l = mq_label(mq->vhost, mq_name(mq));
    if (mq->exclusive != spec->exclusive || (mq->exclusive && mq->owner != spec->owner))
        return refuse(why, AMQP_RESOURCE_LOCKED,
                      "cannot obtain exclusive access to locked %s. It could be originally declared on another "
                      "connection or the exclusive property value does not match that of the original declaration.",
                      l.text);
    int rc = compare_flag(why, &l, "durable", spec->durable, mq->durable);
    if (rc == 0)
        rc = compare_flag(why, &l, "auto_delete", spec->auto_delete, mq->auto_delete);
    const char *key;
    for (size_t i = 0; rc == 0 && (key = mq_argument(i)) != NULL; i++)
        rc = compare_argument(mq, spec, key, &l, why);
    return rc;
}
