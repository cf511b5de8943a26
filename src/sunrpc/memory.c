#include "sunrpc/memory.h"

#include <stdlib.h>

void *
sun_take(size_t bytes)
{
    return calloc(1, bytes > 0 ? bytes : 1);
}

void
sun_give(void *area)
{
    free(area);
}
