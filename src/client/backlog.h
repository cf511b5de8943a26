/* client/backlog.h - messages that wait in order, one direction of a pipe.
 *
 *     piece -> chunk | message | message | message |  room  |
 *     piece -> chunk of somebody else's | message |
 *
 * Small messages are copied behind each other into the newest chunk, large ones are kept by reference; so there is no
 * allocation a message, and a whole piece leaves with one call.  It bounds nothing: its user looks at `messages` and
 * `bytes`. */
#ifndef TAMBO_CLIENT_BACKLOG_H
#define TAMBO_CLIENT_BACKLOG_H

#include "base/list.h"
#include "session/zmtp/message.h"

struct mem;

struct backlog {
    struct mem *mem;
    struct list pieces;
    uint64_t messages, bytes;
};

void backlog_init(struct backlog *backlog, struct mem *mem);
/* Drops all that waits. */
void backlog_clear(struct backlog *backlog);

/* Room for `n` bytes at its end, of which backlog_room_done() then says how many messages they are.  NULL: no memory.
 */
uint8_t *backlog_room(struct backlog *backlog, size_t n);
void backlog_room_done(struct backlog *backlog, size_t n, uint32_t count);
/* Copies a run of `count` messages.  0 or -ERR_NO_MEMORY. */
int backlog_copy(struct backlog *backlog, struct view run, uint32_t count);
/* Keeps it with a reference of its own.  0 or -ERR_NO_MEMORY. */
int backlog_refer(struct backlog *backlog, struct zmtp_chunk *chunk, struct view run, uint32_t count);

static inline bool
backlog_empty(const struct backlog *backlog)
{
    return backlog->messages == 0;
}

/* The first message, borrowed until it is taken.  Not when empty. */
struct view backlog_front(const struct backlog *backlog);
/* Cuts it off; `message` is what backlog_front() gave.  The reference goes to the caller. */
struct zmtp_slice backlog_take(struct backlog *backlog, struct view message);
/* Drops the first message. */
void backlog_drop(struct backlog *backlog);

/* The first piece as one run of *retcount messages; borrowed.  Not when empty. */
const struct zmtp_slice *backlog_first(const struct backlog *backlog, uint32_t *retcount);
void backlog_drop_first(struct backlog *backlog);

#endif
