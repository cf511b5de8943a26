#include "node/line.h"

#include <stdio.h>
#include <time.h>

const char *
severity_text(enum severity severity)
{
    static const char *const texts[] = {
        [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARNING] = "warning", [LOG_ERROR] = "error"
    };
    return texts[severity];
}

static void
print_time(uint64_t wall_ms, char *ret, size_t room)
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(ret, room, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(ret + n, room - n, ".%03uZ", (unsigned)(wall_ms % 1000));
}

/* JSON's string escapes (RFC 8259, 7), in both formats, so that no client identifier can forge a line; bytes above 0x7f
 * pass, as texts here are UTF-8 or come from checked strings. */
static size_t
escape(const char *text, char *ret, size_t room)
{
    size_t n = 0;
    for (; *text && n + 7 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            n += (size_t)snprintf(ret + n, room - n, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(ret + n, room - n, "\\u%04x", c);
        else
            ret[n++] = (char)c;
    }
    ret[n] = '\0';
    return n;
}

size_t
line_print(const struct line *line, enum line_format format, char *ret, size_t room)
{
    char when[40], text[1024];
    int n;
    print_time(line->wall_ms, when, sizeof(when));
    escape(line->text, text, sizeof(text));
    if (format == LINE_JSON) {
        n = snprintf(ret, room, "{\"time\":\"%s\",\"level\":\"%s\",\"shard\":%u,\"event\":\"%s\",\"text\":\"%s\"}\n",
                     when, severity_text(line->severity), line->shard, line->event, text);
    } else {
        n = snprintf(ret, room, "%s %-7s shard=%u %s: %s\n", when, severity_text(line->severity), line->shard,
                     line->event, text);
    }
    if ((size_t)n < room)
        return (size_t)n;
    ret[room - 2] = '\n';
    return room - 1;
}
