/* cmd/field.h - AMQP field tables and properties on the command line, and as JSON. */
#ifndef TAMBO_CMD_FIELD_H
#define TAMBO_CMD_FIELD_H

#include <jansson.h>

#include "client/amqp.h"
#include "cmd/options.h"

struct mem;

/* A table that grows word by word. */
struct field_table {
    struct mem *mem;
    uint8_t *bytes;
    size_t len;
};

void field_table_fini(struct field_table *table);
struct view field_table_view(const struct field_table *table);
/* "KEY=VALUE"; `guess`: what reads as a whole number or as true or false is one, else all is text.  `option` is named
 * in complaints. */
int field_table_add(struct field_table *table, const char *option, const char *word, bool guess,
                    struct complaint *complaint);

/* Every type as what is next to it; NULL without memory. */
json_t *table_json(struct mem *mem, struct view table);
/* The properties of a message as an object, with the names of AMQP. */
json_t *properties_json(struct mem *mem, const struct amqp_properties *props);
/* A whole message:
 *   {"exchange":"","routing_key":"q","redelivered":false,"payload":"hi","properties":{"delivery_mode":2}} */
json_t *message_json(struct mem *mem, const struct amqp_client_message *message);

#endif
