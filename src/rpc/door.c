/* rpc/door.c - where links come from. */
#include "base/err.h"
#include "rpc/link_inner.h"

static int
listen_at(struct rpc_door *door)
{
    typedef int listen_fn(struct rpc_door *);
    static listen_fn *const by_transport[] = {
        [RPC_TCP] = rpc_stream_listen,
        [RPC_UNIX] = rpc_stream_listen,
        [RPC_UDP] = rpc_datagram_listen,
        [RPC_INPROC] = rpc_inproc_listen,
    };
    return by_transport[door->address.transport](door);
}

int
rpc_door_open(struct rpc_world *world, const struct rpc_address *address, size_t message_bytes_max,
              const struct rpc_door_on *on, void *arg, struct rpc_door **ret)
{
    struct rpc_door *door = MEM_NEW(world->mem, struct rpc_door);
    if (door == NULL)
        return -ERR_NO_MEMORY;
    *door = (struct rpc_door){
        .world = world, .address = *address, .message_bytes_max = message_bytes_max, .on = on, .arg = arg
    };
    int rc = listen_at(door);
    if (rc < 0) {
        mem_free(world->mem, door);
        return rc;
    }
    list_init(&door->link);
    list_push(&world->doors, &door->link);
    rpc_world_add(world);
    *ret = door;
    return 0;
}

void
rpc_door_address(const struct rpc_door *door, struct rpc_address *ret)
{
    *ret = door->address;
    if (door->listener != NULL)
        io_listener_address(door->listener, &ret->at);
    else if (door->datagram != NULL)
        rpc_datagram_address(door->datagram, &ret->at);
}

void
rpc_door_close(struct rpc_door *door)
{
    struct rpc_world *world = door->world;
    if (door->listener != NULL)
        io_listener_close(door->listener);
    if (door->datagram != NULL)
        rpc_datagram_shut(door->datagram);
    list_cut(&door->link);
    mem_free(world->mem, door);
    rpc_world_sub(world);
}
