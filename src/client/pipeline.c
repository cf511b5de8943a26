/* client/pipeline.c - PUSH and PULL (RFC 30), and DEALER (RFC 28), which is both at once. */
#include "client/pattern.h"

const struct pattern pattern_push = {
    .send = pattern_send_in_turn,
    .can_send = pattern_can_send_in_turn,
};

const struct pattern pattern_pull = {
    .joins_ready = true,
    .next = pattern_next_in_turn,
};

const struct pattern pattern_dealer = {
    .send = pattern_send_in_turn,
    .can_send = pattern_can_send_in_turn,
    .next = pattern_next_in_turn,
};
