/* Connections before their protocol is known: the first bytes decide. */
#include "shard/inner.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "wire/zmtp.h"

enum { SNIFF_BYTES_MAX = 32 };

struct protocol {
    const char *name;
    int (*sniff)(struct view bytes); /* 1 yes, 0 more bytes, -1 no */
    int (*accept)(struct shard *shard, struct io_stream *stream, struct view bytes);
};

struct door {
    struct list link;
    struct shard *shard;
    struct io_stream *stream;
    struct wheel_timer timer;
    uint8_t count;
    uint8_t bytes[SNIFF_BYTES_MAX];
};

static int
accept_mqtt(struct shard *shard, struct io_stream *stream, struct view bytes)
{
    return mqtt_server_accept(shard->mqtt, stream, bytes);
}

static int
accept_amqp(struct shard *shard, struct io_stream *stream, struct view bytes)
{
    return amqp_server_accept(shard->amqp, stream, bytes);
}

static int
accept_zmtp(struct shard *shard, struct io_stream *stream, struct view bytes)
{
    return zmtp_server_accept(shard->zmtp, stream, bytes);
}

/* Who speaks what.  The first that says yes has it. */
static const struct protocol protocols[] = {
    {"mqtt",  mqtt_sniff, accept_mqtt},
    { "amqp", amqp_sniff, accept_amqp},
    { "zmtp", zmtp_sniff, accept_zmtp},
};

static void
free_door(struct door *door)
{
    struct shard *shard = door->shard;
    wheel_disarm(&shard->host.wheel, &door->timer);
    list_cut(&door->link);
    shard->door_count--;
    mem_free(shard->host.mem, door);
}

/* The protocol that these bytes begin; NULL and *retmore when that cannot be told yet. */
static const struct protocol *
sniff(struct view bytes, bool *retmore)
{
    *retmore = false;
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        int yes = protocols[i].sniff(bytes);
        if (yes > 0)
            return &protocols[i];
        *retmore |= yes == 0;
    }
    return NULL;
}

static void
refuse(struct door *door, const char *why)
{
    char peer[64];
    io_peer(door->stream, peer, sizeof(peer));
    wheel_disarm(&door->shard->host.wheel, &door->timer);
    door->shard->host.counters.protocol_errors++;
    shard_say(door->shard, LOG_WARNING, "refused", "%s: %s", peer, why);
    io_close(door->stream);
}

/* `bytes` is everything that came so far. */
static void
enter(struct door *door, struct view bytes)
{
    bool more;
    const struct protocol *p = sniff(bytes, &more);
    if (p == NULL && more && bytes.len <= SNIFF_BYTES_MAX) {
        if (bytes.data != door->bytes)
            memcpy(door->bytes, bytes.data, bytes.len);
        door->count = (uint8_t)bytes.len;
        return;
    }
    if (p == NULL) {
        refuse(door, "the first bytes are of no protocol spoken here (MQTT 3.1, 3.1.1, 5; AMQP 0-9-1; ZMTP)");
        return;
    }
    struct shard *shard = door->shard;
    struct io_stream *stream = door->stream;
    uint8_t first[SNIFF_BYTES_MAX];
    if (bytes.data == door->bytes)
        bytes = view_of(memcpy(first, bytes.data, bytes.len), bytes.len);
    int rc = p->accept(shard, stream, bytes);
    if (rc < 0) {
        refuse(door, err_text(rc));
        return;
    }
    free_door(door);
}

static void
on_read(void *arg, struct view bytes)
{
    struct door *door = arg;
    if (door->count == 0) {
        enter(door, bytes);
        return;
    }
    /* A dribble: joined with what came before. */
    struct mem *mem = door->shard->host.mem;
    size_t all = door->count + bytes.len;
    uint8_t *joined = mem_raw(mem, all);
    if (joined == NULL) {
        refuse(door, err_text(-ERR_NO_MEMORY));
        return;
    }
    memcpy(joined, door->bytes, door->count);
    memcpy(joined + door->count, bytes.data, bytes.len);
    enter(door, view_of(joined, all));
    mem_free(mem, joined);
}

static void
on_ended(void *arg, int rc)
{
    struct door *door = arg;
    (void)rc;
    io_abort(door->stream);
}

static void
on_closed(void *arg)
{
    free_door(arg);
}

static const struct io_stream_on door_on = { .read = on_read, .ended = on_ended, .closed = on_closed };

static void
on_silence(struct wheel_timer *timer)
{
    refuse(container_of(timer, struct door, timer), "sent nothing for connect_s_max seconds");
}

static bool
full(const struct shard *shard)
{
    return rooms_connections(shard) + shard->door_count >= shard->settings->mqtt.connections_max;
}

static struct door *
new_door(struct shard *shard)
{
    struct door *door = shard->host.stopping || full(shard) ? NULL : MEM_NEW(shard->host.mem, struct door);
    if (door == NULL) {
        shard->host.counters.connections_refused++;
        shard_say(shard, LOG_WARNING, "refused", "connections_max (%u a shard) or memory reached",
                  shard->settings->mqtt.connections_max);
        return NULL;
    }
    door->shard = shard;
    list_init(&door->link);
    list_push(&shard->doors, &door->link);
    wheel_timer_init(&door->timer, on_silence);
    wheel_arm(&shard->host.wheel, &door->timer, host_wall_s(&shard->host) + shard->settings->mqtt.connect_s_max);
    shard->door_count++;
    return door;
}

void
door_open(struct shard *shard, struct io_stream *stream)
{
    struct door *door = new_door(shard);
    if (door == NULL)
        return; /* not taken: io closes it */
    door->stream = stream;
    io_accept(stream, &door_on, door);
}

/* Its handshake was made on the shard that it came from. */
static void
adopt(struct door *door, struct view bytes)
{
    int rc = amqp_server_adopt(door->shard->amqp, door->stream, bytes);
    if (rc < 0)
        refuse(door, err_text(rc));
    else
        free_door(door);
}

void
door_arrived(struct shard *shard, struct io_parcel parcel, struct view bytes)
{
    struct door *door = new_door(shard);
    if (door == NULL) {
        io_parcel_discard(shard->host.io, parcel);
    } else if (io_attach(shard->host.io, parcel, &door_on, door, &door->stream) < 0) {
        io_parcel_discard(shard->host.io, parcel);
        free_door(door);
    } else if (amqp_handed_over(bytes)) {
        adopt(door, bytes);
    } else {
        enter(door, bytes);
    }
}

static void
on_accept(void *arg, struct io_stream *stream)
{
    struct listener *listener = arg;
    door_open(listener->shard, stream);
}

int
shard_listen(struct shard *shard, const struct io_address *address, struct io_address *retbound)
{
    struct listener *listener = MEM_NEW(shard->host.mem, struct listener);
    if (listener == NULL)
        return -ERR_NO_MEMORY;
    listener->shard = shard;
    int rc = io_listen(shard->host.io, address, on_accept, listener, &listener->io);
    if (rc < 0) {
        mem_free(shard->host.mem, listener);
        return rc;
    }
    io_listener_address(listener->io, retbound);
    list_init(&listener->link);
    list_push(&shard->listeners, &listener->link);
    return 0;
}

void
doors_init(struct shard *shard)
{
    list_init(&shard->listeners);
    list_init(&shard->doors);
}

void
doors_close_listeners(struct shard *shard)
{
    for (struct list *l = list_pop(&shard->listeners); l != NULL; l = list_pop(&shard->listeners)) {
        struct listener *listener = container_of(l, struct listener, link);
        io_listener_close(listener->io);
        mem_free(shard->host.mem, listener);
    }
}

/* The loop is dead already: what io held goes with it. */
void
doors_free(struct shard *shard)
{
    for (struct list *l = list_pop(&shard->listeners); l != NULL; l = list_pop(&shard->listeners))
        mem_free(shard->host.mem, container_of(l, struct listener, link));
    for (struct list *l = list_pop(&shard->doors); l != NULL; l = list_pop(&shard->doors))
        mem_free(shard->host.mem, container_of(l, struct door, link));
}
