#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void
must_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "tambo: bug: must(%s) at %s:%d\n", what, file, line);
    abort();
}
