"""Five thousand connections at once."""
import asyncio
import resource

from nodes import PATIENCE_S, SANITIZED, wait_until
from party import Party
from rawmqtt import CONNACK, PUBACK, PUBLISH, SUBACK, connect, publish, subscribe

CONNECTIONS = 5000
TOPICS = 500
AT_ONCE = 200  # that are between SYN and CONNACK
PATIENCE_ALL_S = 4 * PATIENCE_S
# A sanitizer pads every allocation and keeps what was freed.
BYTES_A_CONNECTION_MAX = 64 * 1024 if SANITIZED else 8 * 1024


def raise_limit():
    """The node inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS + 1000
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if hard != resource.RLIM_INFINITY else wanted, hard))
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > CONNECTIONS + 500, "needs more open files: raise ulimit -n"


async def packet(reader):
    """(type, body) of a small packet."""
    first, length = await reader.readexactly(2)
    if length & 0x80:
        length = length & 0x7F | (await reader.readexactly(1))[0] << 7
    return first >> 4, await reader.readexactly(length)


async def expect(reader, kind):
    got, body = await asyncio.wait_for(packet(reader), PATIENCE_ALL_S)
    assert got == kind, f"type {got} instead of {kind}"
    return body


async def join(node, i, gate):
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(connect(f"c{i}", 4) + subscribe(1, [(f"many/{i % TOPICS}", 0)], 4))
        assert await expect(reader, CONNACK) == b"\0\0"
        await expect(reader, SUBACK)
        return reader, writer


async def exchange(node):
    """Everyone is there at once; one in ten publishes; each subscriber of its topic gets it."""
    gate = asyncio.Semaphore(AT_ONCE)
    members = await asyncio.gather(*(join(node, i, gate) for i in range(CONNECTIONS)))
    full = node.memory_bytes()
    for i, (_, writer) in enumerate(members[:TOPICS]):
        writer.write(publish(f"many/{i}", str(i), 1, 1, 4))

    async def hear(i):
        reader, _ = members[i]
        kinds = sorted([await asyncio.wait_for(packet(reader), PATIENCE_ALL_S) for _ in range(2 if i < TOPICS else 1)])
        assert kinds[0][0] == PUBLISH and kinds[0][1].endswith(str(i % TOPICS).encode())
        assert i >= TOPICS or kinds[1][0] == PUBACK
    await asyncio.gather(*(hear(i) for i in range(CONNECTIONS)))
    for _, writer in members:
        writer.transport.abort()
    return full


def test_five_thousand_at_once(new_node, shards, parties):
    raise_limit()
    node = new_node(shards=shards)
    empty = node.memory_bytes()
    full = asyncio.run(exchange(node))
    assert (full - empty) / CONNECTIONS < BYTES_A_CONNECTION_MAX
    again = asyncio.run(exchange(node))
    assert again < full + CONNECTIONS * BYTES_A_CONNECTION_MAX / 2, "the second time takes no more"
    party = parties(Party(node)).join()
    party.subscribe("after", 2)
    party.publish("after", "well", 2)
    assert party.payloads(1) == ["well"]


def test_connections_max(new_node, shards, parties):
    """One too many is turned away, with words; a place that is left can be had."""
    node = new_node(shards=shards, settings={"connections_max": 10})
    members = [parties(Party(node)).join() for _ in range(10)]
    late = parties(Party(node))
    late.client._reconnect_on_failure = False
    try:
        late.client.connect("127.0.0.1", node.port)
        late.client.loop_start()
        assert late.ended() is not None
    except OSError:
        pass  # closed before it could speak
    members[0].publish("x", "fine", 1)
    members.pop().leave()

    def placed():
        party = parties(Party(node))
        party.client._reconnect_on_failure = False
        try:
            party.client.connect("127.0.0.1", node.port)
        except OSError:
            return False
        party.client.loop_start()
        while party.connects.empty() and party.ends.empty():
            party.client._thread.join(0.01)
        return not party.connects.empty() and party.connects.get()[1] == 0
    wait_until(placed, "a place")
