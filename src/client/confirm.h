/* client/confirm.h - publications of one channel that the server has not confirmed yet, by their number.
 *
 * A ring of tokens: the server counts what is published in confirm mode from 1, and settles in any order, one by one or
 * all up to a number. */
#ifndef TAMBO_CLIENT_CONFIRM_H
#define TAMBO_CLIENT_CONFIRM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mem;

enum { CONFIRMS_MAX = 1 << 20 };

struct confirm {
    uint64_t token;
    bool settled;
};

struct confirms {
    struct mem *mem;
    struct confirm *slots;
    size_t room;          /* a power of two, or 0 */
    uint64_t first, next; /* numbers: the oldest unsettled one, the one to come */
    uint64_t unsettled;
};

void confirms_init(struct confirms *confirms, struct mem *mem);
void confirms_fini(struct confirms *confirms);
/* Makes sure that the next push fits.  0, -ERR_FULL (CONFIRMS_MAX are unsettled), -ERR_NO_MEMORY. */
int confirms_reserve(struct confirms *confirms);
void confirms_push(struct confirms *confirms, uint64_t token);
/* Is it published and not settled? */
bool confirms_has(const struct confirms *confirms, uint64_t number);
/* Settles it and returns its token. */
uint64_t confirms_settle(struct confirms *confirms, uint64_t number);

#endif
