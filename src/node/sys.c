#include "node/sys.h"

#include <math.h>
#include <stdio.h>

/* Publishes `value` under `topic` unless that is what it was. `at` counts the topics of a round. */
static void
tell(struct sys *sys, const char *topic, const char *value)
{
    char full[128];
    char *last = sys->last[sys->at++];
    must(sys->at <= SYS_VALUES_MAX);
    if (strcmp(last, value) == 0)
        return;
    snprintf(last, SYS_VALUE_BYTES, "%s", value);
    snprintf(full, sizeof(full), "$SYS/broker/%s", topic);
    (void)shard_publish_sys(sys->shard, full, value); /* refused under pressure: the next round tells */
}

static void
tell_number(struct sys *sys, const char *topic, uint64_t x)
{
    char value[SYS_VALUE_BYTES];
    snprintf(value, sizeof(value), "%llu", (unsigned long long)x);
    tell(sys, topic, value);
}

/* Numbers that are a sum or difference of what is counted. */
static void
tell_numbers(struct sys *sys, const struct shard_stats *s)
{
    const struct counters *c = &s->counters;
    uint64_t parked = c->sessions > c->connections ? c->sessions - c->connections : 0;
    const struct {
        const char *topic;
        uint64_t x;
    } rows[] = {
        {"clients/total",               c->connections + parked                                        },
        { "clients/connected",          c->connections                                                 },
        { "clients/active",             c->connections                                                 },
        { "clients/disconnected",       parked                                                         },
        { "clients/inactive",           parked                                                         },
        { "clients/expired",            c->sessions_expired                                            },
        { "clients/maximum",            sys->clients_max                                               },
        { "messages/received",          c->packets_in                                                  },
        { "messages/sent",              c->packets_out                                                 },
        { "messages/stored",            s->queued + s->retained                                        },
        { "store/messages/count",       s->queued + s->retained                                        },
        { "store/messages/bytes",       s->queued_bytes + s->retained_bytes                            },
        { "publish/messages/received",  c->publishes_in                                                },
        { "publish/messages/sent",      c->publishes_out                                               },
        { "publish/messages/dropped",   c->publishes_dropped + c->publishes_refused + s->queues_dropped},
        { "publish/bytes/received",     c->publish_bytes_in                                            },
        { "publish/bytes/sent",         c->publish_bytes_out                                           },
        { "bytes/received",             c->bytes_in                                                    },
        { "bytes/sent",                 c->bytes_out                                                   },
        { "subscriptions/count",        c->subscriptions                                               },
        { "shared_subscriptions/count", c->subscriptions_shared                                        },
        { "retained messages/count",    s->retained                                                    },
        { "heap/current",               s->memory_bytes                                                },
        { "heap/maximum",               s->memory_peak_bytes                                           },
        { "log/bytes",                  s->log.segment_bytes                                           },
        { "log/syncs",                  s->log.syncs                                                   },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        tell_number(sys, rows[i].topic, rows[i].x);
}

/* Moving averages a minute, over 1, 5 and 15 minutes, as exponential decay. */
static void
tell_loads(struct sys *sys, const struct counters *c, double passed_s)
{
    static const struct {
        const char *name;
        double s;
    } spans[SYS_SPANS] = {
        {"1min",   60 },
        { "5min",  300},
        { "15min", 900}
    };
    const struct counters *b = &sys->before;
    const struct {
        const char *name;
        uint64_t delta;
    } rows[] = {
        {"messages/received", c->packets_in - b->packets_in              },
        { "messages/sent",    c->packets_out - b->packets_out            },
        { "publish/dropped",  c->publishes_dropped - b->publishes_dropped},
        { "publish/received", c->publishes_in - b->publishes_in          },
        { "publish/sent",     c->publishes_out - b->publishes_out        },
        { "bytes/received",   c->bytes_in - b->bytes_in                  },
        { "bytes/sent",       c->bytes_out - b->bytes_out                },
        { "sockets",          c->connects - b->connects                  },
        { "connections",      c->connects - b->connects                  },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t k = 0; k < SYS_SPANS; k++) {
            char topic[64], value[SYS_VALUE_BYTES];
            double keep = exp(-passed_s / spans[k].s);
            double a_minute = passed_s > 0 ? (double)rows[i].delta * 60 / passed_s : 0;
            sys->loads[i][k] = sys->loads[i][k] * keep + a_minute * (1 - keep);
            snprintf(topic, sizeof(topic), "load/%s/%s", rows[i].name, spans[k].name);
            snprintf(value, sizeof(value), "%.2f", sys->loads[i][k]);
            tell(sys, topic, value);
        }
    }
    sys->before = *c;
}

static void
on_round(void *arg)
{
    struct sys *sys = arg;
    enum { IDLE_S = 1 };
    uint64_t now = io_now_ns(sys->io);
    uint64_t wait_s = *sys->interval_s == 0 ? IDLE_S : *sys->interval_s;
    (void)io_timer_set(sys->io, &sys->timer, now + wait_s * UINT64_C(1000000000), on_round, sys);
    if (*sys->interval_s == 0)
        return;
    struct shard_stats stats;
    char uptime[SYS_VALUE_BYTES];
    shard_stats_all(sys->shard, &stats);
    if (stats.counters.connections > sys->clients_max)
        sys->clients_max = stats.counters.connections;
    sys->at = 0;
    tell(sys, "version", "tambo version " TAMBO_VERSION);
    snprintf(uptime, sizeof(uptime), "%llu seconds", (unsigned long long)((now - sys->started_ns) / 1000000000));
    tell(sys, "uptime", uptime);
    tell_numbers(sys, &stats);
    tell_loads(sys, &stats.counters, (double)(now - sys->before_ns) / 1e9);
    sys->before_ns = now;
}

void
sys_start(struct sys *sys, struct shard *shard, struct io *io, const uint64_t *interval_s)
{
    *sys = (struct sys){ .shard = shard, .io = io, .interval_s = interval_s };
    sys->started_ns = sys->before_ns = io_now_ns(io);
    on_round(sys);
}

void
sys_stop(struct sys *sys)
{
    if (sys->io != NULL)
        io_timer_cut(sys->io, &sys->timer);
}
