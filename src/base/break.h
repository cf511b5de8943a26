/* base/break.h - promises that a test build may break, one at a time, to prove that the checkers notice.
 * `meson setup -Dbreak=confirm_before_sync` defines TAMBO_BREAK_CONFIRM_BEFORE_SYNC; in every other build these are all
 * false. */
#ifndef TAMBO_BASE_BREAK_H
#define TAMBO_BASE_BREAK_H

#include <stdbool.h>

/* CONFIRM_BEFORE_SYNC  the log says committed when a write was begun, not when it was synced
 * SKIP_CHECKSUM        recovery takes records whose checksum fails
 * FORGET_SETTLEMENT    a settlement is not recorded */
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
};

#endif
