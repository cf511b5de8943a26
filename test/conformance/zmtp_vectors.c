#include "conformance/zmtp_vector.h"

const struct zmtp_vectors *const zmtp_vector_tables[] = {
    &zmtp_vectors_greeting, &zmtp_vectors_frame, &zmtp_vectors_command, &zmtp_vectors_mechanism, NULL,
};
