/* node/line.h - one event as one line for the operator.
 *
 *   text   2026-11-21T04:05:06.789Z info  shard=0 event: details
 *   json   {"time":"2026-11-21T04:05:06.789Z","level":"info","shard":0,"event":"event","text":"details"} */
#ifndef TAMBO_NODE_LINE_H
#define TAMBO_NODE_LINE_H

#include "node/settings.h"

struct line {
    uint64_t wall_ms;
    enum severity severity;
    unsigned shard;
    const char *event, *text;
};

/* Writes the line with its newline; cut when `room` is too small.  Returns its bytes. */
size_t line_print(const struct line *line, enum line_format format, char *ret, size_t room);
const char *severity_text(enum severity severity);

#endif
