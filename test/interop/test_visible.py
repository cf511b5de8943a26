"""What one client was told is true for every other from then on, whichever shards they are on."""
import contextlib
import threading

from party import Party
from rawmqtt import PINGREQ, PINGRESP, PUBACK, PUBLISH, Closed, Wire, packet, publish

ROUNDS = 300


@contextlib.contextmanager
def flood(node, topic):
    """Keeps both shards busy, so that what one tells the other is not there at once."""
    wires = [Wire(node) for _ in range(4)]
    batch = publish(topic, b"x" * 50) * 200
    stop = threading.Event()

    def run(wire):
        with contextlib.suppress(Closed):
            while not stop.is_set():
                wire.send(batch)
    threads = [threading.Thread(target=run, args=(wire,)) for wire in wires]
    for wire, thread in zip(wires, threads):
        wire.connect("")
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for wire in wires:
            wire.close()


def test_suback_means_subscribed(node, name):
    """A publication confirmed after a SUBACK reaches that subscriber."""
    pub = Wire(node)
    pub.connect("")
    with flood(node, f"{name}/flood"):
        for i in range(ROUNDS):
            sub = Wire(node)
            sub.connect(f"{name}-{i}")
            assert sub.subscribe((f"{name}/{i}", 1)).reasons == [1]
            pub.publish(f"{name}/{i}", "x", 1, packet_id=1)
            assert pub.expect(PUBACK).reason in (0, 0x10)
            got = sub.receive(5)
            assert got is not None, f"round {i}: confirmed after the SUBACK, and never delivered"
            assert (got.kind, got.topic) == (PUBLISH, f"{name}/{i}")
            sub.close()
    pub.close()


def test_puback_means_retained(node, name):
    """A retained value that was confirmed is what the next subscriber gets."""
    pubs = [Wire(node) for _ in range(2)]
    for i, pub in enumerate(pubs):
        pub.connect(f"{name}-{i}")
    sub = Wire(node)
    sub.connect(f"{name}-sub")
    for i in range(ROUNDS):
        pub = pubs[i % 2]
        pub.publish(f"{name}/{i % 3}", str(i), 1, packet_id=1, retain=True)
        pub.expect(PUBACK)
        sub.subscribe((f"{name}/{i % 3}", 0))
        got = sub.expect(PUBLISH)
        assert (got.payload.decode(), got.retain) == (str(i), True)
        sub.unsubscribe(f"{name}/{i % 3}")
    for i in range(3):
        pubs[0].publish(f"{name}/{i}", "", 1, packet_id=1, retain=True)
        pubs[0].expect(PUBACK)
    sub.subscribe((f"{name}/#", 0))
    pubs[1].publish(f"{name}/end", "end", 1, packet_id=1)
    assert sub.expect(PUBLISH).payload == b"end"


def test_last_retained_wins(node, name):
    """Publishers on all shards set one retained topic in turn: the value confirmed last is the value, for everyone."""
    pubs, subs = [Wire(node) for _ in range(8)], [Wire(node) for _ in range(4)]
    for role, wires in (("pub", pubs), ("sub", subs)):
        for i, wire in enumerate(wires):
            wire.connect(f"last-retained-{role}-{i}")
    for i in range(ROUNDS):
        pubs[i % 8].publish(name, str(i), 1, packet_id=1, retain=True)
        pubs[i % 8].expect(PUBACK)
        for sub in subs:
            sub.subscribe((name, 0))
            assert sub.expect(PUBLISH).payload.decode() == str(i)
            sub.unsubscribe(name)
    pubs[0].publish(name, "", 1, packet_id=1, retain=True)
    pubs[0].expect(PUBACK)


def test_take_over_keeps_one_session(node, name, parties):
    """The same client id from many connections, one after the other: each finds the session of the last."""
    pub = parties(Party(node)).join()
    last = None
    for i in range(50):
        wire = Wire(node, 4)
        assert wire.connect(name, clean=False).session_present is (i > 0)
        if i == 0:
            wire.subscribe((name, 1))
        pub.publish(name, str(i), 1)
        got = wire.expect(PUBLISH)
        assert got.payload.decode() == str(i)
        wire.acknowledge(PUBACK, got.packet_id)
        wire.send(packet(PINGREQ))
        wire.expect(PINGRESP)
        if last is not None:
            last.expect_end()
        last = wire
    last.close()
