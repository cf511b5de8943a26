/* cmd/dial.h - the options that say which server to connect to and as whom, shared by pub and sub. */
#ifndef TAMBO_CMD_DIAL_H
#define TAMBO_CMD_DIAL_H

#include "client/mqtt.h"
#include "cmd/options.h"
#include "cmd/property.h"

enum { DIAL_TEXT_MAX = 1024 };

/* Choices of --protocol-version. */
enum dial_version { DIAL_V31, DIAL_V311, DIAL_V5 };

struct dial {
    const char *host, *unix_path, *id, *username, *password, *expiry;
    const char *will_topic, *will_payload;
    uint64_t port, keepalive_s, will_qos;
    unsigned version; /* a choice: 3.1, 3.1.1, 5 */
    bool keep, will_retain, debug;
    struct property_sets properties;

    /* Out of -L URL. */
    char url[DIAL_TEXT_MAX];
    const char *topic; /* NULL: none given */

    char made_id[40]; /* where the protocol wants one and the user gave none */
};

void dial_init(struct dial *dial, struct mem *mem);
void dial_fini(struct dial *dial);
/* "Server": where to connect to and as which user. */
struct option_group dial_server_options(struct dial *dial);
/* "Session": client id, will, properties. */
struct option_group dial_session_options(struct dial *dial);
/* The address that the options say. */
int dial_address(const struct dial *dial, struct io_address *ret, struct complaint *complaint);

/* What the options mean together: the settings of the client, which borrow from `dial`, and the address. */
int dial_settle(struct dial *dial, struct io *io, struct mqtt_client_settings *ret, struct io_address *retaddress,
                struct complaint *complaint);
/* A line on stderr, with -d. */
void dial_debug(const struct dial *dial, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
