/* node/settings_zmtp.h - the setting `zmtp`, for settings.c: what its schema loads into, how that is taken and printed.
 *
 *     zmtp:
 *       push: {queue: jobs}        # also pull, req, rep
 *       sub: {topics: amqp}        # also pub; mqtt is the default */
#ifndef TAMBO_NODE_SETTINGS_ZMTP_H
#define TAMBO_NODE_SETTINGS_ZMTP_H

#include <cyaml/cyaml.h>

#include "session/zmtp/zmtp.h"

/* NULL is "not named". */
struct loaded_queue;
struct loaded_topics;
struct loaded_zmtp {
    struct loaded_queue *push, *pull, *req, *rep;
    struct loaded_topics *pub, *sub;
};
extern const cyaml_schema_field_t settings_zmtp_fields[];

/* As a whole: what it does not name is not served any more.  NULL, or what is wrong with it; nothing when `loaded` is
 * NULL. */
const char *settings_zmtp_take(const struct loaded_zmtp *loaded, struct zmtp_served *ret);
void settings_zmtp_print(const struct zmtp_served *served, void (*fn)(void *arg, const char *line), void *arg);

#endif
