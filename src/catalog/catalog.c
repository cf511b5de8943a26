#include <stdarg.h>
#include <stdio.h>

#include "catalog/inner.h"

int
catalog_new(struct catalog_host *host, const struct catalog_settings *settings, struct catalog **ret)
{
    struct catalog *catalog = MEM_NEW(host->mem, struct catalog);
    if (catalog == NULL)
        return -ERR_NO_MEMORY;
    catalog->host = host;
    catalog->settings = settings;
    catalog->restoring = true;
    map_init(&catalog->vhosts, host->mem);
    map_init(&catalog->queues, host->mem);
    map_init(&catalog->filters, host->mem);
    list_init(&catalog->all);
    list_init(&catalog->due);
    list_init(&catalog->spurned);
    list_init(&catalog->keeping);
    list_init(&catalog->cursor.link);
    list_init(&catalog->walk);
    *ret = catalog;
    return 0;
}

void
catalog_free(struct catalog *catalog)
{
    if (catalog == NULL)
        return;
    catalog->restoring = true; /* nothing is recorded any more, and nobody told */
    dead_turn(catalog, false);
    LIST_EACH(&catalog->all, l)
        vhost_free(container_of(l, struct vhost, link));
    map_fini(&catalog->vhosts);
    map_fini(&catalog->queues);
    map_fini(&catalog->filters);
    io_timer_cut(catalog->host->io, &catalog->wake);
    mem_free(catalog->host->mem, catalog->scratch);
    mem_free(catalog->host->mem, catalog);
}

void
catalog_turn(struct catalog *catalog)
{
    struct list due; /* what cannot be done now asks for another turn */
    list_init(&due);
    list_splice(&due, &catalog->due);
    for (struct list *l = list_pop(&due); l != NULL; l = list_pop(&due))
        mq_turn(container_of(l, struct mq, due));
    dead_turn(catalog, true);
}

void
catalog_stats(const struct catalog *catalog, struct catalog_stats *ret)
{
    *ret = (struct catalog_stats){ .vhosts = catalog->vhosts.count };
    LIST_EACH(&catalog->all, l) {
        const struct vhost *vhost = container_of(l, struct vhost, link);
        ret->exchanges += vhost->exchanges.count;
        ret->queues += vhost->queues.count;
        ret->bindings += vhost->bindings.count;
        LIST_EACH(&vhost->mqs, m)
            ret->consumers += container_of(m, struct mq, link)->consumer_count;
    }
}

int
refuse(struct refusal *why, unsigned code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    why->code = code;
    vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    return -ERR_REFUSED;
}

int
refuse_world(struct refusal *why, int rc)
{
    if (rc == -ERR_REFUSED)
        return rc;
    bool is_short = rc == -ERR_NO_MEMORY || rc == -ERR_DISK_FULL || rc == -ERR_FULL || rc == -ERR_TIGHT;
    (void)refuse(why, is_short ? AMQP_RESOURCE_ERROR : AMQP_INTERNAL_ERROR, "%s", err_text(rc));
    return rc;
}
