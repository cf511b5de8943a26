#include "conformance/mqtt_vector.h"

const struct mqtt_vectors *const mqtt_vector_tables[] = {
    &vectors_framing,
    &vectors_connect,
    &vectors_connect_properties,
    &vectors_publish,
    &vectors_ack,
    &vectors_subscribe,
    &vectors_server,
    NULL,
};
