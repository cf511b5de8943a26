/* Facts of the catalog as records: appended to the log as they happen, and all together for a checkpoint.  Numbers are
 * big-endian; a text is a u16 length and bytes, a table a u32 length and bytes.
 *
 *     VHOST       name text                                            VHOST_END alike
 *     XCHG        vhost text, name text, type text, flags u8, arguments table
 *     XCHG_END    vhost text, name text                                MQ_END and POLICY_END alike
 *     MQ          vhost text, name text, flags u8, arguments table, levels u16, levels x (priority u8, queue id u32)
 *     BIND        vhost text, kind u8, source text, destination text, key text, arguments table    UNBIND alike
 *     POLICY      vhost text, name text, JSON table
 *
 * Flags: 1 auto-delete, 2 internal.  What is named by what is set last wins; what names something that is not there
 * speaks of what has ended. */
#include "queue/record.h"
#include "catalog/inner.h"

#include "base/break.h"

enum place { TO_LOG, TO_CHECKPOINT };
enum { TEXTS_MAX = 4, HEAD_BYTES_MAX = 16 + TEXTS_MAX * (2 + AMQP_SHORTSTR_MAX), LEVELS_MAX = 256, LEVEL_BYTES = 5 };
enum { PARTS_MAX = 3 };

struct head {
    uint8_t bytes[HEAD_BYTES_MAX];
    struct pen pen;
};

static void
begin(struct head *head, const struct vhost *vhost)
{
    head->pen = pen_of(head->bytes, sizeof(head->bytes));
    put_short(&head->pen, vhost_name(vhost));
}

static int
put(const struct catalog *catalog, enum place place, unsigned kind, const struct head *head, struct view table,
    struct view rest)
{
    must(!head->pen.torn);
    struct log *log = catalog->host->log;
    struct view parts[PARTS_MAX] = { view_of(head->bytes, (size_t)(head->pen.at - head->bytes)), table, rest };
    if (log == NULL)
        return 0;
    if (place == TO_CHECKPOINT)
        return log_checkpoint_put(log, kind, parts, PARTS_MAX);
    bool urgent = kind == RECORD_VHOST_END || kind == RECORD_XCHG_END || kind == RECORD_MQ_END ||
                  kind == RECORD_UNBIND || kind == RECORD_POLICY_END;
    int64_t rc = log_append(log, kind, urgent, parts, PARTS_MAX);
    return rc < 0 ? (int)rc : 0;
}

static const struct view nothing = { NULL, 0 };

/* A table's length ends the head; its bytes are a part of their own. */
static void
put_length(struct head *head, struct view table)
{
    put_u32(&head->pen, (uint32_t)table.len);
}

/* ---- one kind each ---------------------------------------------------------------------------------------------- */

static int
put_vhost(const struct vhost *vhost, enum place place, unsigned kind)
{
    struct head head;
    begin(&head, vhost);
    return vhost->durable ? put(vhost->catalog, place, kind, &head, nothing, nothing) : 0;
}

static int
put_end(const struct vhost *vhost, unsigned kind, struct view name)
{
    struct head head;
    begin(&head, vhost);
    put_short(&head.pen, name);
    return vhost->catalog->restoring ? 0 : put(vhost->catalog, TO_LOG, kind, &head, nothing, nothing);
}

static bool
is_told(const struct xchg *x)
{
    return x->durable && !x->predeclared;
}

static int
put_xchg(const struct xchg *x, enum place place)
{
    struct head head;
    struct view arguments = view_of(x->arguments, x->arguments_bytes);
    begin(&head, x->vhost);
    put_short(&head.pen, xchg_name(x));
    put_short(&head.pen, xchg_type_name(x));
    put_u8(&head.pen,
           (uint8_t)((x->auto_delete ? RECORD_FLAG_AUTO_DELETE : 0) | (x->internal ? RECORD_FLAG_INTERNAL : 0)));
    put_length(&head, arguments);
    return is_told(x) ? put(x->vhost->catalog, place, RECORD_XCHG, &head, arguments, nothing) : 0;
}

static int
put_mq(const struct mq *mq, enum place place)
{
    struct head head;
    uint8_t levels[2 + LEVELS_MAX * LEVEL_BYTES];
    struct pen pen = pen_of(levels, sizeof(levels));
    struct view arguments = view_of(mq->arguments, mq->arguments_bytes);
    begin(&head, mq->vhost);
    put_short(&head.pen, mq_name(mq));
    put_u8(&head.pen, mq->auto_delete ? RECORD_FLAG_AUTO_DELETE : 0);
    put_length(&head, arguments);
    put_u16(&pen, (uint16_t)mq->level_count);
    for (unsigned i = 0; i <= mq->rules.priority_max; i++)
        if (mq->levels[i] != NULL) {
            put_u8(&pen, (uint8_t)i);
            put_u32(&pen, queue_id(mq->levels[i]->target.queue));
        }
    must(!pen.torn);
    struct view rest = view_of(levels, (size_t)(pen.at - levels));
    return mq_is_kept(mq) ? put(mq->vhost->catalog, place, RECORD_MQ, &head, arguments, rest) : 0;
}

static int
put_binding(const struct binding *b, enum place place, unsigned kind)
{
    struct head head;
    begin(&head, b->source->vhost);
    put_u8(&head.pen, b->mq != NULL ? BIND_QUEUE : BIND_XCHG);
    put_short(&head.pen, xchg_name(b->source));
    put_short(&head.pen, b->mq != NULL ? mq_name(b->mq) : xchg_name(b->xchg));
    put_short(&head.pen, binding_key(b));
    put_length(&head, binding_arguments(b));
    return binding_durable(b) ? put(b->source->vhost->catalog, place, kind, &head, binding_arguments(b), nothing) : 0;
}

static int
put_policy(const struct policy *policy, enum place place)
{
    struct mem *mem = policy->vhost->catalog->host->mem;
    json_t *json = policy_json(policy);
    size_t n = json == NULL ? 0 : json_dumpb(json, NULL, 0, JSON_COMPACT);
    char *text = n == 0 ? NULL : mem_raw(mem, n);
    int rc = -ERR_NO_MEMORY;
    if (text != NULL) {
        struct head head;
        (void)json_dumpb(json, text, n, JSON_COMPACT);
        begin(&head, policy->vhost);
        put_short(&head.pen, policy->name);
        put_length(&head, view_of(text, n));
        rc = put(policy->vhost->catalog, place, RECORD_POLICY, &head, view_of(text, n), nothing);
    }
    mem_free(mem, text);
    json_decref(json);
    return rc;
}

/* ---- as they happen ---------------------------------------------------------------------------------------------- */

int
record_vhost(const struct vhost *vhost)
{
    return put_vhost(vhost, TO_LOG, RECORD_VHOST);
}

int
record_vhost_end(const struct vhost *vhost)
{
    return put_vhost(vhost, TO_LOG, RECORD_VHOST_END);
}

int
record_xchg(const struct xchg *x)
{
    return x->vhost->catalog->restoring ? 0 : put_xchg(x, TO_LOG);
}

int
record_xchg_end(const struct xchg *x)
{
    return is_told(x) ? put_end(x->vhost, RECORD_XCHG_END, xchg_name(x)) : 0;
}

int
record_mq(const struct mq *mq)
{
    return mq->vhost->catalog->restoring ? 0 : put_mq(mq, TO_LOG);
}

int
record_mq_end(const struct mq *mq)
{
    return mq_is_kept(mq) && !broken(BREAK_FORGET_DELETE) ? put_end(mq->vhost, RECORD_MQ_END, mq_name(mq)) : 0;
}

int
record_binding(const struct binding *b)
{
    bool quiet = b->source->vhost->catalog->restoring || broken(BREAK_FORGET_BINDING);
    return quiet ? 0 : put_binding(b, TO_LOG, RECORD_BIND);
}

int
record_binding_end(const struct binding *b)
{
    bool quiet = b->source->vhost->catalog->restoring || broken(BREAK_FORGET_UNBIND);
    return quiet ? 0 : put_binding(b, TO_LOG, RECORD_UNBIND);
}

int
record_policy(const struct policy *policy)
{
    bool quiet = policy->vhost->catalog->restoring || broken(BREAK_FORGET_POLICY);
    return quiet ? 0 : put_policy(policy, TO_LOG);
}

int
record_policy_end(const struct policy *policy)
{
    return put_end(policy->vhost, RECORD_POLICY_END, policy->name);
}

/* ---- the checkpoint -----------------------------------------------------------------------------------------------
 */

static int
checkpoint_mq(const struct mq *mq)
{
    int rc = mq_is_kept(mq) ? put_mq(mq, TO_CHECKPOINT) : 0;
    for (unsigned i = 0; rc == 0 && mq_is_kept(mq) && i <= mq->rules.priority_max; i++)
        if (mq->levels[i] != NULL && queue_durable(mq->levels[i]->target.queue))
            rc = queue_checkpoint(mq->levels[i]->target.queue);
    return rc;
}

static int
checkpoint_kept(const struct kept *kept)
{
    switch (kept->kind) {
    case KEPT_VHOST: return put_vhost(container_of(kept, const struct vhost, kept), TO_CHECKPOINT, RECORD_VHOST);
    case KEPT_XCHG: return put_xchg(container_of(kept, const struct xchg, kept), TO_CHECKPOINT);
    case KEPT_MQ: return checkpoint_mq(container_of(kept, const struct mq, kept));
    case KEPT_BINDING: return put_binding(container_of(kept, const struct binding, kept), TO_CHECKPOINT, RECORD_BIND);
    case KEPT_POLICY: return put_policy(container_of(kept, const struct policy, kept), TO_CHECKPOINT);
    case KEPT_CURSOR: break;
    }
    return 0;
}

/* The cursor stands before the next one, so that whatever comes and goes meanwhile cannot lose the place. */
int
catalog_checkpoint(struct catalog *catalog, uint64_t *at, unsigned most)
{
    struct list *cursor = &catalog->cursor.link, *keeping = &catalog->keeping;
    if (*at == 0) {
        list_cut(cursor);
        list_push(keeping->next, cursor); /* before the first */
    }
    for (; cursor->next != keeping && most > 0; most--) {
        struct list *next = cursor->next;
        int rc = checkpoint_kept(container_of(next, struct kept, link));
        if (rc < 0)
            return rc;
        list_push(next->next, cursor);
        (*at)++;
    }
    if (cursor->next != keeping)
        return 1;
    list_cut(cursor);
    return 0;
}
