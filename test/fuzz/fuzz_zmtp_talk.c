/* libFuzzer target: peers of ZMTP, talking as the bytes say (test/zmtp/babble.h). */
#include "zmtp/babble.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    zmtp_babble(view_of(data, size));
    return 0;
}
