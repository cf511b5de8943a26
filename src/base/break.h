/* base/break.h - promises that a test build may break, one at a time, to prove that the checkers notice.
 * `meson setup -Dbreak=confirm_before_sync` defines TAMBO_BREAK_CONFIRM_BEFORE_SYNC; in every other build these are all
 * false. */
#ifndef TAMBO_BASE_BREAK_H
#define TAMBO_BASE_BREAK_H

#include <stdbool.h>

/* CONFIRM_BEFORE_SYNC       the log says committed when a write was begun, not when it was synced
 * SKIP_CHECKSUM             recovery takes records whose checksum fails
 * FORGET_SETTLEMENT         a settlement is not recorded
 * CONFIRM_AMQP_BEFORE_SYNC  a publication over AMQP is confirmed at the end of its turn
 * COMMIT_WITHOUT_RECORD     a transaction is committed, and not recorded
 * FORGET_BINDING            a binding of a durable queue is not recorded */
enum broken {
#ifdef TAMBO_BREAK_CONFIRM_BEFORE_SYNC
    BROKEN_CONFIRM_BEFORE_SYNC = true,
#else
    BROKEN_CONFIRM_BEFORE_SYNC = false,
#endif
#ifdef TAMBO_BREAK_SKIP_CHECKSUM
    BROKEN_SKIP_CHECKSUM = true,
#else
    BROKEN_SKIP_CHECKSUM = false,
#endif
#ifdef TAMBO_BREAK_FORGET_SETTLEMENT
    BROKEN_FORGET_SETTLEMENT = true,
#else
    BROKEN_FORGET_SETTLEMENT = false,
#endif
#ifdef TAMBO_BREAK_CONFIRM_AMQP_BEFORE_SYNC
    BROKEN_CONFIRM_AMQP_BEFORE_SYNC = true,
#else
    BROKEN_CONFIRM_AMQP_BEFORE_SYNC = false,
#endif
#ifdef TAMBO_BREAK_COMMIT_WITHOUT_RECORD
    BROKEN_COMMIT_WITHOUT_RECORD = true,
#else
    BROKEN_COMMIT_WITHOUT_RECORD = false,
#endif
#ifdef TAMBO_BREAK_FORGET_BINDING
    BROKEN_FORGET_BINDING = true,
#else
    BROKEN_FORGET_BINDING = false,
#endif
};

#endif
