/* libFuzzer target: a node and its clients, talking as the bytes say (test/talk/babble.h). */
#include "../talk/babble.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    babble(view_of(data, size));
    return 0;
}
