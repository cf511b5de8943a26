/* log/log.c - a log's life: opened by recovery, at work by turns of its parts, closed when everything is written. */
#include <stdarg.h>
#include <stdio.h>

#include "log/internal.h"

void
log_note(struct log *log, enum note severity, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    log->owner.note(log->owner.arg, (int)severity, line);
}

static bool
valid(const struct log_config *config)
{
    return config->segment_bytes >= SEGMENT_BYTES_MIN && config->segment_bytes <= UINT32_MAX / 2 &&
           strlen(config->dir) < DIR_BYTES_MAX;
}

int
log_new(struct io *io, const struct log_config *config, const struct log_owner *owner, struct log **ret)
{
    if (!valid(config))
        return -ERR_INVALID;
    struct log *log = MEM_NEW(io_mem(io), struct log);
    if (log == NULL)
        return -ERR_NO_MEMORY;
    log->io = io;
    log->mem = io_mem(io);
    log->owner = *owner;
    log->config = *config;
    memcpy(log->dir, config->dir, strlen(config->dir) + 1);
    log->config.dir = log->dir;
    log->config.segment_bytes = page_up(config->segment_bytes);
    list_init(&log->fetching);
    writer_init(log);
    supply_init(log);
    *ret = log;
    return 0;
}

int
log_open(struct log *log, struct log_report *retreport)
{
    *retreport = (struct log_report){ 0 };
    must(log->active == NULL);
    return recover(log, retreport);
}

void
log_free(struct log *log)
{
    if (log == NULL)
        return;
    writer_fini(log);
    checkpoint_fini(log);
    supply_fini(log);
    reads_forget(&log->fetching);
    table_free(log);
    mem_free(log->mem, log);
}

/* Nothing more can be written, though something is pending. */
static bool
stuck(const struct log *log)
{
    return log->failed || (log->disk_full && !log->writing && !log->supply.busy);
}

void
log_settle(struct log *log)
{
    if (!log->closing || log->writing || log->supply.busy || log->checkpoint.busy || !list_empty(&log->fetching))
        return;
    if (!list_empty(&log->pending) && !stuck(log))
        return;
    io_fn *done = log->on_closed;
    void *arg = log->on_closed_arg;
    log_free(log);
    done(arg);
}

void
log_close(struct log *log, io_fn *done, void *arg)
{
    must(!log->closing);
    writer_close_batch(log);
    writer_mark_closed(log);
    log->closing = true;
    log->on_closed = done;
    log->on_closed_arg = arg;
    log_checkpoint_abandon(log);
    writer_turn(log);
    supply_tick(log); /* so that a completion comes even when there is nothing to write */
}

void
log_stats(const struct log *log, struct log_stats *ret)
{
    *ret = (struct log_stats){
        .appended_bytes = log->appended_bytes,
        .appended_records = log->appended_records,
        .syncs = log->syncs,
        .free_segments = log->supply.spare_count,
        .pressed = log->pressed,
        .failed = log->failed,
        .disk_full = log->disk_full,
    };
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];
        ret->segments += segment->state == SEGMENT_READY;
        ret->segment_bytes += segment->state == SEGMENT_READY ? segment->size : 0;
        ret->held_records += segment->held_records;
        ret->held_bytes += segment->held_bytes;
    }
}
