"""Peers that are broken, slow or hostile cost the others nothing."""
import contextlib
import random
import socket
import threading
import time

import pytest

from nodes import PATIENCE_S, QUARANTINE_BYTES, wait_until
from rawmqtt import (CONNACK, PINGREQ, PINGRESP, PUBACK, PUBLISH, Closed, Wire, binary, connect, packet, properties, publish,
                     subscribe)


class Pair(threading.Thread):
    """Two well-behaved clients that exchange messages of QoS 1 all the while, one after the other."""

    def __init__(self, node, name):
        super().__init__(daemon=True)
        self.topic = f"{name}/pair"
        self.sub, self.pub = Wire(node), Wire(node)
        self.sub.connect(f"{name}-sub")
        self.sub.subscribe((self.topic, 1))
        self.pub.connect(f"{name}-pub")
        self.stopping = threading.Event()
        self.rounds, self.slowest_s, self.problem = 0, 0, None

    def run(self):
        try:
            while not self.stopping.is_set():
                started = time.monotonic()
                self.pub.publish(self.topic, str(self.rounds), 1, packet_id=1)
                assert self.pub.expect(PUBACK).reason == 0
                got = self.sub.expect(PUBLISH)
                assert (got.payload.decode(), got.dup) == (str(self.rounds), False)
                self.sub.acknowledge(PUBACK, got.packet_id)
                self.slowest_s = max(self.slowest_s, time.monotonic() - started)
                self.rounds += 1
        except BaseException as problem:
            self.problem = problem

    def go_on(self, rounds=50):
        """Waits for that many more."""
        goal = self.rounds + rounds
        wait_until(lambda: self.problem is not None or self.rounds >= goal, f"{rounds} more rounds of the pair")
        if self.problem is not None:
            raise self.problem

    def close(self):
        self.stopping.set()
        self.join()
        self.sub.close()
        self.pub.close()
        if self.problem is not None:
            raise self.problem


@contextlib.contextmanager
def pair_on(node, name):
    pair = Pair(node, name)
    pair.start()
    try:
        pair.go_on()
        yield pair
        pair.go_on()
    finally:
        pair.close()


def strange(node, data):
    """A connection that says just this."""
    peer = socket.create_connection(("127.0.0.1", node.port), timeout=PATIENCE_S)
    with contextlib.suppress(OSError):
        peer.sendall(data)
    return peer


def closed(peer):
    """Reads to the end."""
    with contextlib.suppress(ConnectionError):
        while peer.recv(1 << 16):
            pass
    return True


GARBAGE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "zeros": bytes(1000),
    "ones": b"\xff" * 1000,
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "AMQP 1.0": b"AMQP\0\x01\0\0",
    "PUBLISH first": publish("a", "b"),
    "PINGREQ first": packet(PINGREQ),
    "a length of five bytes": b"\x10\xff\xff\xff\xff\xff\x01",
    "CONNECT of another protocol": packet(1, binary("MQTR") + b"\x05\x02\0\0\0" + binary("")),
    "reserved flag": packet(1, binary("MQTT") + b"\x05\x03\0\0\0" + binary("")),
    "no client id": packet(1, binary("MQTT") + b"\x05\x02\0\0\0"),
    "id of bad UTF-8": packet(1, binary("MQTT") + b"\x05\x02\0\0\0" + binary(b"\xc0\x80")),
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_first(node, name, data):
    """Refused for what it is, not because its time is up (ten seconds)."""
    with pair_on(node, name):
        started = time.monotonic()
        peers = [strange(node, data) for _ in range(20)]
        assert all(closed(peer) for peer in peers)
        assert time.monotonic() - started < 8


def test_slow_connect(new_node, shards, name):
    """One byte a second: the time for CONNECT counts as a whole."""
    node = new_node(shards=shards, settings={"connect_s_max": 3})
    with pair_on(node, name) as pair:
        peers = [strange(node, b"") for _ in range(50)]
        started = time.monotonic()
        data = iter(connect("slow" * 100))
        alive = True
        while alive and time.monotonic() - started < PATIENCE_S:
            byte = bytes([next(data)])
            try:
                for peer in peers:
                    peer.sendall(byte)
            except OSError:
                alive = False
            pair.go_on(10)
            time.sleep(1)  # its pace
        assert not alive and 2.5 < time.monotonic() - started < 15
        assert all(closed(peer) for peer in peers)


def test_half_open(new_node, shards, name):
    """Connections that never say anything go; those that say half a packet wait no longer than their keep-alive."""
    node = new_node(shards=shards, settings={"connect_s_max": 2})
    with pair_on(node, name):
        silent = [strange(node, b"") for _ in range(100)]
        halves = [strange(node, connect(f"{name}-{i}", keepalive=2) + publish("a", "x" * 1000)[:500]) for i in range(20)]
        assert all(closed(peer) for peer in silent + halves)


@pytest.mark.parametrize("before", ["CONNECT", "PUBLISH"])
def test_oversized(node, name, before):
    """The announced length is enough to refuse; nothing is kept for it."""
    with pair_on(node, name):
        memory = node.memory_bytes()
        for i in range(20):
            if before == "CONNECT":
                assert closed(strange(node, b"\x10\xff\xff\xff\x7f" + b"x" * 1000))
                continue
            wire = Wire(node)
            wire.connect(f"{name}-{i}")
            wire.send(b"\x30\xff\xff\xff\x7f" + b"x" * 1000)
            assert wire.expect_end() == 0x95
            wire.close()
        assert node.memory_bytes() < memory + 64 * 1024 * 1024 + QUARANTINE_BYTES


def test_promised_and_not_sent(node, name):
    """Many announce 60 MB each and send a little: that little is all that they may cost."""
    with pair_on(node, name) as pair:
        memory = node.memory_bytes()
        wires = []
        for i in range(50):
            wire = Wire(node)
            wire.connect(f"{name}-{i}")
            wire.send(b"\x30\x80\x80\x80\x1c" + binary("a") + b"\0" + b"x" * 1000)
            wires.append(wire)
        pair.go_on()
        assert node.memory_bytes() < memory + 128 * 1024 * 1024 + QUARANTINE_BYTES
        for wire in wires:
            wire.close()


def test_a_subscriber_that_does_not_read(node, name):
    """QoS 0 to it is dropped at a bound; the pair and the node's memory do not suffer."""
    with pair_on(node, name) as pair:
        memory = node.memory_bytes()
        deaf = Wire(node)
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(f"{name}-deaf")
        deaf.subscribe((f"{name}/flood", 0))
        loud = Wire(node)
        loud.connect(f"{name}-loud")
        batch = publish(f"{name}/flood", b"x" * 100000) * 10
        for _ in range(100):  # 100 MB
            loud.send(batch)
        loud.send(packet(PINGREQ))
        assert loud.expect(PINGRESP)
        pair.go_on()
        assert node.memory_bytes() < memory + 64 * 1024 * 1024 + QUARANTINE_BYTES
        loud.close()
        deaf.close()


def test_a_subscriber_that_never_acknowledges(node, name):
    with pair_on(node, name) as pair:
        lazy, loud = Wire(node), Wire(node)
        lazy.connect(f"{name}-lazy", props=[("receive_maximum", 10)])
        lazy.subscribe((f"{name}/q", 1))
        loud.connect(f"{name}-loud")
        for i in range(2000):
            loud.publish(f"{name}/q", b"x" * 1000, 1, packet_id=i % 500 + 1)
            if i % 500 == 499:
                for _ in range(500):
                    assert loud.expect(PUBACK).reason == 0
        pair.go_on()
        lazy.close()
        loud.close()


def test_mutated_packets(node, name):
    """Good packets with a byte or two wrong, by the hundred, from a fixed seed."""
    rng = random.Random(7)
    sane = [publish(f"{name}/m", "x" * 20, 1, 7, props=[("user_property", ("a", "b")), ("content_type", "c")]),
            subscribe(3, [(f"{name}/#", 1), ("$share/g/a", 0)], props=[("subscription_identifier", 9)]),
            packet(12), packet(14, b"\0" + properties([("reason_string", "bye")])),
            packet(15, b"\x18" + properties([("authentication_method", "m")])),
            packet(4, b"\0\7"), packet(6, b"\0\7", 2), packet(10, b"\0\1\0" + binary("a"), 2)]
    with pair_on(node, name) as pair:
        for i in range(400):
            data = bytearray(connect(f"{name}-{i}", props=[("receive_maximum", 5)]) if i % 2 else
                             connect(f"{name}-{i}") + b"".join(rng.sample(sane, 3)))
            for _ in range(rng.randint(1, 3)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            peer = strange(node, bytes(data))
            peer.settimeout(0.05)
            with contextlib.suppress(OSError):
                peer.recv(1000)
            peer.close()
        pair.go_on()


def test_reset_in_the_middle(node, name):
    """Peers that vanish by RST while they are sent to."""
    with pair_on(node, name):
        for i in range(100):
            wire = Wire(node)
            wire.connect(f"{name}-{i}")
            wire.subscribe((f"{name}/pair", 1))
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            wire.close()


def test_connect_storm(node, name):
    """The same client id from a hundred connections at once: all are let in, one after the other, and one is left."""
    with pair_on(node, name):
        wires = [Wire(node) for _ in range(100)]
        for wire in wires:
            wire.send(connect(name))
        for wire in wires:
            assert wire.expect(CONNACK).reason == 0
        left = 0
        for wire in wires:
            with contextlib.suppress(Closed):
                wire.send(packet(PINGREQ))
                got = wire.receive()
                left += got is not None and got.kind == PINGRESP
            wire.close()
        assert left == 1
