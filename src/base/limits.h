/* base/limits.h - every hard limit of the house.  What a user may change has its default here too and its
 * setting in node/knobs.h under the same name.  Units come last in the names. */
#ifndef TAMBO_BASE_LIMITS_H
#define TAMBO_BASE_LIMITS_H

enum {
    SHARDS_MAX = 64,

    /* io */
    READ_BUFFER_BYTES = 256 * 1024, /* one a shard, shared by all its connections */
    OUTBOX_CHUNK_BYTES = 64 * 1024,
    ACCEPTS_A_TURN_MAX = 64,

    /* mqtt */
    TOPIC_BYTES_MAX = 65535,
    TOPIC_LEVELS_MAX = 128,
    CLIENT_ID_BYTES_MAX = 65535,
    PACKET_BYTES_MAX_DEFAULT = 64 * 1024 * 1024,
    PACKET_BYTES_MAX_HIGH = 256 * 1024 * 1024 - 1,
    TOPIC_ALIAS_MAX_DEFAULT = 64,
    RECEIVE_MAX_DEFAULT = 1024,  /* in flight from a client to us */
    INFLIGHT_MAX_DEFAULT = 1024, /* in flight from us to a client that asks for no less */
    KEEPALIVE_S_MAX_DEFAULT = 65535,
    CONNECT_S_MAX_DEFAULT = 10,         /* from accept to a whole CONNECT */
    SUBSCRIPTIONS_MAX_DEFAULT = 100000, /* a session */
    CONNECTIONS_MAX_DEFAULT = 100000,

    /* amqp */
    CHANNEL_MAX_DEFAULT = 2047,
    FRAME_BYTES_MAX_DEFAULT = 128 * 1024,
    FRAME_BYTES_MAX_LOW = 4096, /* AMQP 0-9-1, frame-min-size */
    FRAME_BYTES_MAX_HIGH = 16 * 1024 * 1024,
    HEARTBEAT_S_DEFAULT = 60,
    CONSUMERS_MAX_DEFAULT = 100000, /* a channel */
    MESSAGE_BYTES_MAX_DEFAULT = 128 * 1024 * 1024,
    MESSAGE_BYTES_MAX_HIGH = 512 * 1024 * 1024,

    /* zmtp */
    ZMTP_HEARTBEAT_S_DEFAULT = 10,
    ZMTP_PREFETCH_DEFAULT = 1000,

    /* catalog: of one virtual host */
    QUEUES_MAX_DEFAULT = 1000000,
    EXCHANGES_MAX_DEFAULT = 100000,
    BINDINGS_MAX_DEFAULT = 10000000,

    /* queue */
    QUEUE_PAGE_ENTRIES = 512,

    /* catalog */
    POLICIES_MAX = 1000, /* a virtual host */
};

/* Larger than an int. */
#define NODE_MEMORY_BYTES_MAX_DEFAULT (UINT64_C(1) << 30)
#define QUEUE_COUNT_MAX_DEFAULT       UINT64_C(100000000)
#define QUEUE_BYTES_MAX_DEFAULT       (UINT64_C(64) << 30)
#define DISK_FREE_BYTES_MIN_DEFAULT   (UINT64_C(256) << 20)
#define TTL_MS_MAX                    UINT64_C(315360000000) /* RabbitMQ's: ten years */
#define SEGMENT_BYTES_DEFAULT         (UINT64_C(64) << 20)

#endif
