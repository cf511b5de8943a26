/* lib/poll.c - many sockets at once. */
#include "lib/inner.h"

enum { FEW = 16 };

static int
check(const struct tambo_poll *items, size_t count)
{
    if (count == 0 || items[0].socket == NULL)
        return -ERR_INVALID;
    for (size_t i = 1; i < count; i++)
        if (items[i].socket == NULL || items[i].socket->context != items[0].socket->context)
            return -ERR_INVALID;
    return 0;
}

/* How many are ready; or -ERR_NO_MEMORY. */
static int
look(struct tambo_poll *items, size_t count)
{
    int ready = 0;
    for (size_t i = 0; i < count; i++) {
        struct tambo_poll *item = &items[i];
        int rc = (item->want & TAMBO_HAS_EVENT) == 0 ? 0 : socket_watch(item->socket->core);
        if (rc < 0)
            return rc;
        item->is = socket_ready(item->socket->core) & item->want;
        ready += item->is != 0;
    }
    return ready;
}

static int
poll_within(struct tambo *context, struct tambo_poll *items, size_t count, struct lib_wish *wishes, int wait_ms)
{
    struct lib_patience patience = { .ms = wait_ms };
    int rc;
    for (size_t i = 0; i < count; i++)
        wishes[i] = (struct lib_wish){ .socket = items[i].socket };
    while ((rc = look(items, count)) == 0)
        if ((rc = lib_wait_all(context, wishes, count, &patience)) < 0)
            return rc;
    return rc;
}

int
tambo_poll(struct tambo_poll *items, size_t count, int wait_ms)
{
    struct lib_wish few[FEW], *wishes = few;
    int rc = check(items, count);
    if (rc < 0)
        return rc;
    struct tambo *context = items[0].socket->context;
    rc = lib_enter(context);
    if (rc < 0)
        return rc;
    if (count > FEW)
        wishes = count > SIZE_MAX / sizeof(*wishes) ? NULL : mem_new(&context->mem, count * sizeof(*wishes));
    rc = wishes == NULL ? -ERR_NO_MEMORY : poll_within(context, items, count, wishes, wait_ms);
    if (wishes != few)
        mem_free(&context->mem, wishes);
    lib_leave(context);
    return rc;
}
