#include "base/must.h"
#include "io/sim/sim.h"

#define US SIM_NS_A_US
#define MS SIM_NS_A_MS
#define S  SIM_NS_A_S

/* A data centre's network, and one that reaches around the world on a bad day. */
#define NET_CALM \
    .latency_ns_min = 50 * US, .latency_ns_max = 500 * US, .net_bytes_per_s = 1000 * 1000 * 1000, .chunk_once_in = 8
#define NET_LOSSY                                                                                                \
    .latency_ns_min = 1 * MS, .latency_ns_max = 80 * MS, .net_bytes_per_s = 2 * 1000 * 1000, .chunk_once_in = 2, \
    .reset_once_in = 200, .mute_once_in = 1000, .refuse_once_in = 10, .partition_every_ns = 20 * S,              \
    .partition_ns_max = 5 * S, .letter_lost_once_in = 10, .letter_twice_once_in = 20, .letter_late_once_in = 20, \
    .letter_late_ns_max = 3 * S

#define DISK_CALM                                                                                   \
    .disk_ns_min = 5 * US, .disk_ns_max = 50 * US, .sync_ns_min = 50 * US, .sync_ns_max = 300 * US, \
    .disk_bytes_per_s = 1000 * 1000 * 1000
#define DISK_SLOW                                                                                   \
    .disk_ns_min = 5 * US, .disk_ns_max = 20 * MS, .sync_ns_min = 50 * US, .sync_ns_max = 500 * MS, \
    .disk_bytes_per_s = 5 * 1000 * 1000
#define DISK_FAILS .write_error_once_in = 500, .read_error_once_in = 500, .sync_error_once_in = 500, .rot_once_in = 500

#define TURN .turn_ns = 1 * US

static const struct sim_profile profiles[] = {
    {.name = "calm",       NET_CALM,  DISK_CALM,          TURN             },
    { .name = "lossy",     NET_LOSSY, DISK_CALM,          TURN             },
    { .name = "slow_disk", NET_CALM,  DISK_SLOW,          TURN             },
    { .name = "bad_disk",  NET_CALM,  DISK_CALM,          DISK_FAILS,        TURN },
    { .name = "full_disk",                   NET_CALM,         DISK_CALM, .disk_bytes_max = 1024 * 1024, TURN },
    { .name = "chaos",                NET_LOSSY,                        DISK_SLOW,                           TURN                   },
};

const struct sim_profile *
sim_profile_at(size_t i)
{
    return i < COUNT_OF(profiles) ? &profiles[i] : NULL;
}

const struct sim_profile *
sim_profile_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(profiles); i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}
