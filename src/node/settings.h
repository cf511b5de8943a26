/* node/settings.h - what a user may set: read from YAML, checked, defaulted.
 *
 *     data: ./data                                  # directory of the log
 *     listen: [tcp://127.0.0.1:1883, unix:/run/tambo.sock]
 *     tier: synced                                  # memory, written, synced: what an acknowledgement means
 *     queue_overflow: reject                        # reject, drop_oldest, drop_newest
 *     log_format: text                              # text, json
 *     log_level: info                               # debug, info, warning, error
 *     retain_available: true
 *     zmtp: {push: {queue: jobs}, sub: {topics: amqp}}  # with what ZMTP's peers are served (session/zmtp/zmtp.h)
 *     receive_max: 1024                             # and every number of node/knobs.h */
#ifndef TAMBO_NODE_SETTINGS_H
#define TAMBO_NODE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "io/io.h"
#include "log/log.h"
#include "node/knobs.h"
#include "queue/queue.h"
#include "session/zmtp/zmtp.h"

enum line_format { LINE_TEXT, LINE_JSON };
enum { LISTENERS_MAX = 16, SETTINGS_FILE_BYTES_MAX = 1 << 20 };

struct settings {
#define KNOB_FIELD(name, standard, low, high, when, help) uint64_t name;
    KNOBS(KNOB_FIELD)
#undef KNOB_FIELD
    char data[512];
    enum tier tier;
    enum queue_overflow queue_overflow;
    enum line_format log_format;
    enum severity log_level;
    bool retain_available;
    struct zmtp_served zmtp;
    struct io_address listen[LISTENERS_MAX];
    unsigned listen_count;
};

/* Where and why a file was refused. */
struct settings_fault {
    unsigned line; /* 0: not of one line */
    char setting[64];
    char text[768];
};

void settings_default(struct settings *ret);
/* Reads YAML over what is in `ret` (settings it does not name stay).  0, or -ERR_INVALID and then *retfault says what
 * and `ret` is unchanged; -ERR_NO_MEMORY. */
int settings_parse(struct mem *mem, struct view yaml, struct settings *ret, struct settings_fault *retfault);
/* The same from a file; -ERR_NOT_FOUND and other errors of reading too. */
int settings_read(struct io *io, const char *path, struct settings *ret, struct settings_fault *retfault);
/* Takes from `news` what is marked LIVE (and the texts that are); calls `fn` with the name of each other setting that
 * differs, because it waits for a restart. */
void settings_reload(struct settings *settings, const struct settings *news, void (*fn)(void *arg, const char *name),
                     void *arg);
/* Each setting as "name: value" for --check; `fn` gets lines. */
void settings_print(const struct settings *settings, void (*fn)(void *arg, const char *line), void *arg);

#endif
