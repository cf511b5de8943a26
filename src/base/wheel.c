#include "base/wheel.h"

enum { SLOT_BITS = 6, SLOT_MASK = WHEEL_SLOTS - 1 };

void
wheel_init(struct wheel *wheel, uint64_t now_s)
{
    wheel->now_s = now_s;
    wheel->count = 0;
    for (unsigned l = 0; l < WHEEL_LEVELS; l++)
        for (unsigned s = 0; s < WHEEL_SLOTS; s++)
            list_init(&wheel->slots[l][s]);
}

/* The slot whose coming up is the last chance to fire at `at_s` in time: the level of the highest digit (base 64)
 * in which `at_s` differs from now. */
static struct list *
slot_of(struct wheel *wheel, uint64_t at_s)
{
    uint64_t apart = at_s ^ wheel->now_s;
    for (unsigned l = 0; l < WHEEL_LEVELS; l++)
        if (apart >> (SLOT_BITS * (l + 1)) == 0)
            return &wheel->slots[l][at_s >> (SLOT_BITS * l) & SLOT_MASK];
    /* Further than the top level's own turn: its slot of that time when it comes up within the next turn, else
     * the last one to come up, to be put again from there. */
    unsigned top = SLOT_BITS * (WHEEL_LEVELS - 1);
    uint64_t slots_away = (at_s >> top) - (wheel->now_s >> top);
    uint64_t slot = slots_away <= SLOT_MASK ? at_s >> top : (wheel->now_s >> top) + SLOT_MASK;
    return &wheel->slots[WHEEL_LEVELS - 1][slot & SLOT_MASK];
}

void
wheel_arm(struct wheel *wheel, struct wheel_timer *timer, uint64_t at_s)
{
    wheel_disarm(wheel, timer);
    timer->at_s = at_s;
    list_push(slot_of(wheel, at_s > wheel->now_s ? at_s : wheel->now_s), &timer->link);
    wheel->count++;
}

void
wheel_disarm(struct wheel *wheel, struct wheel_timer *timer)
{
    if (!wheel_timer_armed(timer))
        return;
    list_cut(&timer->link);
    wheel->count--;
}

/* A higher slot has come up: its timers go down to where they belong now. */
static void
cascade(struct wheel *wheel, unsigned level)
{
    struct list moved;
    list_init(&moved);
    list_splice(&moved, &wheel->slots[level][wheel->now_s >> (SLOT_BITS * level) & SLOT_MASK]);
    for (struct list *l = list_pop(&moved); l != NULL; l = list_pop(&moved)) {
        struct wheel_timer *t = container_of(l, struct wheel_timer, link);
        list_push(slot_of(wheel, t->at_s > wheel->now_s ? t->at_s : wheel->now_s), &t->link);
    }
}

static void
tick(struct wheel *wheel)
{
    wheel->now_s++;
    for (unsigned l = WHEEL_LEVELS - 1; l > 0; l--)
        if ((wheel->now_s & ((UINT64_C(1) << (SLOT_BITS * l)) - 1)) == 0)
            cascade(wheel, l);
}

bool
wheel_turn(struct wheel *wheel, uint64_t now_s, unsigned most)
{
    for (;;) {
        struct list *due = &wheel->slots[0][wheel->now_s & SLOT_MASK];
        /* What a timer arms for this same second waits for the next call, or one timer could spin here forever. */
        struct list batch;
        list_init(&batch);
        list_splice(&batch, due);
        while (!list_empty(&batch)) {
            if (most-- == 0) {
                list_splice(due, &batch);
                return true;
            }
            struct wheel_timer *t = container_of(list_pop(&batch), struct wheel_timer, link);
            wheel->count--;
            t->fn(t);
        }
        if (wheel->now_s >= now_s)
            return false;
        if (wheel->count == 0 && now_s > wheel->now_s)
            wheel->now_s = now_s; /* nothing armed: no ticks to walk, no slots to cascade */
        else
            tick(wheel);
    }
}
