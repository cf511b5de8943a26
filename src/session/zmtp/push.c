/* A PUSH: each message becomes one publication to its queue, as durable as that is. */
#include "session/zmtp/role.h"

static int
take(struct guest *g, struct view message)
{
    struct posting posting = { .key = guest_queue(g), .parts = parts_of_frames(message), .persistent = g->durable };
    return posting_enqueue(g, &posting);
}

const struct role role_push = {
    .name = "PUSH",
    .own = ZMTP_PULL,
    .queue = offsetof(struct zmtp_served, push),
    .take = take,
};
