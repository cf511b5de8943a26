/* io/bell.h - a descriptor that polls readable while it is on, for the event loop of somebody else. */
#ifndef TAMBO_IO_BELL_H
#define TAMBO_IO_BELL_H

#include <stdbool.h>

/* A descriptor, off; or -ERR_DESCRIPTORS. */
int io_bell_new(void);
/* Not twice the same. */
void io_bell_set(int bell, bool on);
void io_bell_free(int bell);

#endif
