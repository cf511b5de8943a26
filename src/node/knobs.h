/* node/knobs.h - every number a user may set: one list makes the struct, the reader, its checks, the manual and the
 * rule for a live reload.  The names are the ones that errors name. */
#ifndef TAMBO_NODE_KNOBS_H
#define TAMBO_NODE_KNOBS_H

#include "base/limits.h"

enum knob_when { AT_START, LIVE };

#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)

/* clang-format off */
#define KNOBS(KNOB)                                                                                                               \
    /*   name                    default                      low       high              when      help */                       \
    KNOB(shards,                 0,                           0,        SHARDS_MAX,       AT_START, "shards, each a thread with its own loop and log; 0: one a core") \
    KNOB(node_memory_bytes_max,  NODE_MEMORY_BYTES_MAX_DEFAULT, MIB(16), GIB(1024),       AT_START, "memory budget of the node; work beyond it is refused") \
    KNOB(connections_max,        CONNECTIONS_MAX_DEFAULT,     1,        10000000,         LIVE,     "connections at once") \
    KNOB(connect_s_max,          CONNECT_S_MAX_DEFAULT,       1,        3600,             LIVE,     "seconds a connection may take to send its CONNECT") \
    KNOB(packet_bytes_max,       PACKET_BYTES_MAX_DEFAULT,    1024,     PACKET_BYTES_MAX_HIGH, LIVE, "largest MQTT packet accepted") \
    KNOB(keepalive_s_max,        KEEPALIVE_S_MAX_DEFAULT,     5,        65535,            LIVE,     "longest keep-alive granted") \
    KNOB(session_expiry_s_max,   UINT32_MAX,                  0,        UINT32_MAX,       LIVE,     "longest session expiry granted; 4294967295: for ever") \
    KNOB(receive_max,            RECEIVE_MAX_DEFAULT,         1,        65535,            LIVE,     "QoS 1 and 2 publications a client may have in flight to us") \
    KNOB(inflight_max,           INFLIGHT_MAX_DEFAULT,        1,        65535,            LIVE,     "QoS 1 and 2 publications we have in flight to a client at most") \
    KNOB(topic_alias_max,        TOPIC_ALIAS_MAX_DEFAULT,     0,        65535,            LIVE,     "topic aliases a client may define") \
    KNOB(topic_levels_max,       TOPIC_LEVELS_MAX,            1,        TOPIC_LEVELS_MAX, LIVE,     "levels in a topic or filter") \
    KNOB(client_id_bytes_max,    CLIENT_ID_BYTES_MAX,         23,       65535,            LIVE,     "bytes in a client identifier") \
    KNOB(subscriptions_max,      SUBSCRIPTIONS_MAX_DEFAULT,   1,        100000000,        LIVE,     "subscriptions of one session or ZMTP peer") \
    KNOB(channel_max,            CHANNEL_MAX_DEFAULT,         1,        65535,            LIVE,     "AMQP channels of one connection") \
    KNOB(frame_bytes_max,        FRAME_BYTES_MAX_DEFAULT,     FRAME_BYTES_MAX_LOW, FRAME_BYTES_MAX_HIGH, LIVE, "largest AMQP frame offered") \
    KNOB(heartbeat_s,            HEARTBEAT_S_DEFAULT,         0,        65535,            LIVE,     "AMQP heartbeat offered, in seconds; 0: none") \
    KNOB(consumers_max,          CONSUMERS_MAX_DEFAULT,       1,        10000000,         LIVE,     "AMQP consumers of one channel") \
    KNOB(zmtp_heartbeat_s,       ZMTP_HEARTBEAT_S_DEFAULT,    0,        3600,             LIVE,     "seconds of silence after which a ZMTP peer is asked for a sign of life; 0: never") \
    KNOB(zmtp_prefetch,          ZMTP_PREFETCH_DEFAULT,       1,        1000000,          LIVE,     "messages a ZMTP PULL or ROUTER is sent before it must have read some") \
    KNOB(message_bytes_max,      MESSAGE_BYTES_MAX_DEFAULT,   1024,     MESSAGE_BYTES_MAX_HIGH, LIVE, "largest AMQP or ZMTP message accepted") \
    KNOB(queues_max,             QUEUES_MAX_DEFAULT,          1,        10000000,         LIVE,     "named queues of one virtual host") \
    KNOB(exchanges_max,          EXCHANGES_MAX_DEFAULT,       16,       10000000,         LIVE,     "exchanges of one virtual host") \
    KNOB(bindings_max,           BINDINGS_MAX_DEFAULT,        1,        100000000,        LIVE,     "bindings of one virtual host") \
    KNOB(outbox_bytes_max,       MIB(8),                      KIB(64),  GIB(1),           LIVE,     "bytes waiting to be written to one client before QoS 0 is dropped") \
    KNOB(queue_count_max,        QUEUE_COUNT_MAX_DEFAULT,     1,        UINT64_C(1) << 40, LIVE,    "messages in one queue") \
    KNOB(queue_bytes_max,        QUEUE_BYTES_MAX_DEFAULT,     1024,     UINT64_C(1) << 50, LIVE,    "bytes in one queue") \
    KNOB(segment_bytes,          SEGMENT_BYTES_DEFAULT,       MIB(1),   GIB(1),           AT_START, "size up to which a segment of the log grows") \
    KNOB(log_batch_bytes_max,    MIB(4),                      KIB(64),  MIB(256),         AT_START, "bytes waiting for the disk before publishers are held") \
    KNOB(checkpoint_bytes,       MIB(128),                    MIB(1),   GIB(64),          AT_START, "log written between two checkpoints: what a restart reads") \
    KNOB(compact_percent,        50,                          1,        95,               LIVE,     "segments of the log with less than this in use are compacted") \
    KNOB(disk_free_bytes_min,    DISK_FREE_BYTES_MIN_DEFAULT, 0,        GIB(1024),        AT_START, "free disk below which publications are refused") \
    KNOB(sys_interval_s,         10,                          0,        86400,            LIVE,     "seconds between two rounds of $SYS topics; 0: none")
/* clang-format on */

#endif
