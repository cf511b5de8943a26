/* cmd/json.h - a message as a JSON object. */
#ifndef TAMBO_CMD_JSON_H
#define TAMBO_CMD_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "wire/mqtt.h"

struct mem;

/* How the payload goes in. */
enum json_payload {
    JSON_TEXT,  /* "payload": a string when it is UTF-8, else "payload_base64" */
    JSON_VALUE, /* "payload": what it says, when it is JSON itself; else as JSON_TEXT */
};

/* One line without its end:
 *   {"time":"2025-01-31T12:00:00.000Z","topic":"t","qos":1,"id":7,"retain":false,"payload":"hi","properties":{...}}
 * Properties have the names of MQTT 5 in lower case with dashes; user properties keep their order and repetitions:
 * "user-properties":[["name","value"],...].  0 or -ERR_NO_MEMORY. */
int json_print(FILE *to, struct mem *mem, const struct mqtt_publish *message, uint64_t wall_ms,
               enum json_payload payload);

/* Bytes under a name: UTF-8 as a string, anything else as base64 under "NAME_base64".  0, or -1 without memory. */
int json_set_bytes(struct mem *mem, json_t *object, const char *name, struct view bytes);

#endif
