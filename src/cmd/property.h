/* cmd/property.h - MQTT 5 properties on the command line: `-D publish content-type text/plain`. */
#ifndef TAMBO_CMD_PROPERTY_H
#define TAMBO_CMD_PROPERTY_H

#include "cmd/options.h"
#include "wire/mqtt.h"

struct mem;

/* The packets that can be given properties. */
enum property_packet {
    PROPERTY_CONNECT,
    PROPERTY_WILL,
    PROPERTY_PUBLISH,
    PROPERTY_SUBSCRIBE,
    PROPERTY_UNSUBSCRIBE,
    PROPERTY_DISCONNECT,
    PROPERTY_PACKETS,
};

struct property_set {
    uint8_t *bytes; /* encoded */
    size_t len;
    uint64_t has;
};

struct property_sets {
    struct mem *mem;
    struct property_set of[PROPERTY_PACKETS];
    uint16_t topic_alias; /* belongs to the hop, so it stands beside the set of PUBLISH; 0: none */
};

void property_sets_init(struct property_sets *sets, struct mem *mem);
void property_sets_fini(struct property_sets *sets);
/* Encoded, as the client wants them. */
struct view property_view(const struct property_sets *sets, enum property_packet packet);

/* PACKET NAME VALUE, or PACKET user-property NAME VALUE. */
int property_words(char *const *words, int left);
int property_parse(struct property_sets *sets, char *const *words, struct complaint *complaint);
/* One that another option stands for (-x); it must fit the packet. */
int property_put_number(struct property_sets *sets, enum property_packet packet, enum mqtt_property id, uint32_t x);

/* "content-type"; NULL for an id that the specification does not have. */
const char *property_name(enum mqtt_property id);
bool property_is_number(enum mqtt_property id);
bool property_is_binary(enum mqtt_property id);

#endif
