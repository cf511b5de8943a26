/* libFuzzer target: a node and its AMQP clients, talking as the bytes say (test/rig/amqp_babble.h). */
#include "rig/amqp_babble.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    amqp_babble(view_of(data, size));
    return 0;
}
