#include "conformance/amqp_vector.h"

const struct amqp_vectors *const amqp_vector_tables[] = {
    &amqp_vectors_transport,
    NULL,
};
