/* cmd/histogram.h - a log-linear histogram (after Gil Tene's HdrHistogram): any uint64_t, within 1 in 128, in fixed
 * room.
 *
 * Values below 256 have a slot each; above, every power of two is cut into 128 equal slots. */
#ifndef TAMBO_CMD_HISTOGRAM_H
#define TAMBO_CMD_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_BITS = 7,
    HISTOGRAM_SLOTS = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS,
};

/* Zeroed memory is an empty one. */
struct histogram {
    uint64_t count, max;
    uint64_t slots[HISTOGRAM_SLOTS];
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* The value that `per_million` of a million recorded ones do not pass: 990,000 asks for the 99th percentile.  Rounded
 * up within its slot, never above the largest one recorded.  0 when nothing was. */
uint64_t histogram_at(const struct histogram *histogram, unsigned per_million);

#endif
