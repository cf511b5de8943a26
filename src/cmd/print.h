/* cmd/print.h - how tambo sub prints a message: plain, verbose, by a format, or as JSON. */
#ifndef TAMBO_CMD_PRINT_H
#define TAMBO_CMD_PRINT_H

#include <stdio.h>

#include "cmd/options.h"
#include "wire/mqtt.h"

struct mem;

/* What there is to print. */
struct print {
    FILE *to;
    struct mem *mem;
    const struct mqtt_publish *message;
    uint64_t wall_ms;
};

/* mosquitto_sub's format: %A %C %D %E %F %I %J %P %R %S %U %X %j %l %m %p %q %r %t %x %%, %@ and a letter of
 * strftime, each with a width, '-' or '0' and a precision as printf has them where text or a number comes out; \0 \a \e
 * \n \r \t \v \\.  0, or -ERR_INVALID with a complaint. */
int print_check(const char *format, struct complaint *complaint);
/* `format` was checked. */
void print_format(const struct print *print, const char *format);

#endif
