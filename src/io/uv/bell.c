#include "io/bell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"

int
io_bell_new(void)
{
    int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return bell < 0 ? -ERR_DESCRIPTORS : bell;
}

void
io_bell_set(int bell, bool on)
{
    eventfd_t count;
    if (on)
        (void)eventfd_write(bell, 1);
    else
        (void)eventfd_read(bell, &count);
}

void
io_bell_free(int bell)
{
    close(bell);
}
