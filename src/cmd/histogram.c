/* cmd/histogram.c - see histogram.h. */
#include "cmd/histogram.h"

static unsigned
slot_of(uint64_t value)
{
    if (value >> (HISTOGRAM_BITS + 1) == 0)
        return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
    return (shift << HISTOGRAM_BITS) + (unsigned)(value >> shift);
}

/* The largest value of a slot. */
static uint64_t
slot_top(unsigned slot)
{
    if (slot >> (HISTOGRAM_BITS + 1) == 0)
        return slot;
    unsigned shift = (slot >> HISTOGRAM_BITS) - 1;
    uint64_t base = slot - (shift << HISTOGRAM_BITS);
    return (base << shift) + ((UINT64_C(1) << shift) - 1);
}

void
histogram_add(struct histogram *histogram, uint64_t value)
{
    histogram->slots[slot_of(value)]++;
    histogram->count++;
    if (value > histogram->max)
        histogram->max = value;
}

uint64_t
histogram_at(const struct histogram *histogram, unsigned per_million)
{
    uint64_t want = (histogram->count * per_million + 999999) / 1000000, seen = 0;

    for (unsigned slot = 0; slot < HISTOGRAM_SLOTS && histogram->count > 0; slot++) {
        seen += histogram->slots[slot];
        if (seen >= want && seen > 0)
            return slot_top(slot) < histogram->max ? slot_top(slot) : histogram->max;
    }
    return 0;
}
