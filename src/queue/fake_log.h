/* queue/fake_log.h - a log for unit tests: it keeps what is appended in memory and refuses when it is told to.
 * Included by one test program each, which then does not link log/. */
#ifndef TAMBO_QUEUE_FAKE_LOG_H
#define TAMBO_QUEUE_FAKE_LOG_H

#include "log/log.h"

enum { FAKE_RECORDS_MAX = 8192, FAKE_RECORD_BYTES_MAX = 160 };

struct fake_record {
    unsigned kind;
    bool urgent;
    size_t len;
    uint8_t bytes[FAKE_RECORD_BYTES_MAX];
};

struct fake_records {
    struct fake_record all[FAKE_RECORDS_MAX];
    size_t count;
};

struct log {
    struct fake_records appended, checkpoint;
    int refuse; /* -err for everything that is not urgent */
};

static inline void
fake_keep(struct fake_records *records, unsigned kind, bool urgent, const struct view *parts, unsigned n)
{
    assert_true(records->count < FAKE_RECORDS_MAX);
    struct fake_record *r = &records->all[records->count++];
    *r = (struct fake_record){ .kind = kind, .urgent = urgent };
    for (unsigned i = 0; i < n; i++) {
        assert_true(r->len + parts[i].len <= sizeof(r->bytes));
        if (parts[i].len > 0)
            memcpy(r->bytes + r->len, parts[i].data, parts[i].len);
        r->len += parts[i].len;
    }
}

static inline struct view
fake_bytes(const struct fake_record *record)
{
    return view_of(record->bytes, record->len);
}

int64_t
log_append(struct log *log, unsigned kind, bool urgent, const struct view *parts, unsigned n)
{
    if (log->refuse < 0 && !urgent)
        return log->refuse;
    fake_keep(&log->appended, kind, urgent, parts, n);
    return (int64_t)log->appended.count;
}

int
log_checkpoint_put(struct log *log, unsigned kind, const struct view *parts, unsigned n)
{
    if (log->refuse < 0)
        return log->refuse;
    fake_keep(&log->checkpoint, kind, false, parts, n);
    return 0;
}

#endif
