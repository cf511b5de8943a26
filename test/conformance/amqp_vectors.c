#include "conformance/amqp_vector.h"

const struct amqp_vectors *const amqp_vector_tables[] = {
    &amqp_vectors_transport, &amqp_vectors_connection, &amqp_vectors_channel,
    &amqp_vectors_exchange,  &amqp_vectors_queue,      &amqp_vectors_basic,
    &amqp_vectors_settle,    &amqp_vectors_extension,  NULL,
};
