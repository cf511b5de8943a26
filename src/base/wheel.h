/* base/wheel.h - a hierarchical timer wheel with one-second ticks (Varghese and Lauck, scheme 6 and 7).
 *
 * For expiry by the million: arming and disarming are O(1), 32 bytes a timer, no allocation.  Four levels of
 * 64 slots reach 64^4 s (194 days); what lies further waits in the last slot and is put again when it comes up.
 * Times are seconds of whatever clock the caller uses; a timer fires at the first wheel_turn() at or after its second.
 */
#ifndef TAMBO_BASE_WHEEL_H
#define TAMBO_BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

enum { WHEEL_LEVELS = 4, WHEEL_SLOTS = 64 };

struct wheel_timer {
    struct list link;
    uint64_t at_s;
    void (*fn)(struct wheel_timer *timer); /* finds its owner by container_of */
};

struct wheel {
    uint64_t now_s;
    uint64_t count;
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_s);

/* Before its first use. */
static inline void
wheel_timer_init(struct wheel_timer *timer, void (*fn)(struct wheel_timer *timer))
{
    list_init(&timer->link);
    timer->at_s = 0;
    timer->fn = fn;
}

static inline bool
wheel_timer_armed(const struct wheel_timer *timer)
{
    return !list_empty(&timer->link);
}

/* Moves the timer when it is armed already.  A time that has passed fires at the next turn. */
void wheel_arm(struct wheel *wheel, struct wheel_timer *timer, uint64_t at_s);
void wheel_disarm(struct wheel *wheel, struct wheel_timer *timer);
/* Advance to `now_s`, calling fn of each timer due, disarmed; it may arm and disarm any timer, itself included.
 * At most `most` calls; true when there is more due (call again, time stands still till then). */
bool wheel_turn(struct wheel *wheel, uint64_t now_s, unsigned most);

#endif
