/* session/host.c - see host.h. */
#include "session/host.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES = 512 };

void
host_say(struct session_host *host, enum severity severity, const char *event, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    host->ops->say(host, severity, event, text);
}
