"""AMQP 0-9-1 at its limits: large messages, many queues and consumers, peers that stand still."""
import hashlib
import os
import socket
import threading

import pytest
from pika import frame, spec

from nodes import PATIENCE_S, SANITIZED, wait_until
from rabbit import PERSISTENT, Rabbit
from rawamqp import Close, Wire

MANY = 10000
MESSAGE_BYTES_MAX = 128 << 20
PATIENCE_LARGE_S = 8 * PATIENCE_S


@pytest.fixture
def wire(node, parties):
    wire = parties(Wire(node)).open().channel()
    wire.socket.settimeout(PATIENCE_LARGE_S)
    return wire


@pytest.mark.parametrize("durable", [False, True], ids=["transient", "durable"])
def test_16_mib(node, parties, name, durable):
    rabbit = parties(Rabbit(node)).confirming()
    queue = rabbit.queue(name, durable=durable)
    body = os.urandom(16 << 20)
    rabbit.publish(queue, body, properties=PERSISTENT if durable else None)
    consumer = rabbit.consume(queue, auto_ack=True)
    assert hashlib.sha256(consumer.take_one(PATIENCE_LARGE_S).body).digest() == hashlib.sha256(body).digest()


def test_the_largest(wire, name):
    """128 MiB, while another channel of the same connection is heard between the frames of a delivery before or after."""
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.ask(spec.Confirm.Select())
    body = os.urandom(1 << 20) * 128
    wire.publish(name, body, frame_bytes=131064)
    assert wire.expect(spec.Basic.Ack).delivery_tag == 1
    wire.tell(spec.Basic.Get(queue=name, no_ack=True))
    wire.expect(spec.Basic.GetOk)
    assert take_body(wire) == hashlib.sha256(body).digest()
    wire.alive()


def take_body(wire):
    """The digest of a body whose header comes next."""
    left = wire.take_frame().body_size
    digest = hashlib.sha256()
    while left > 0:
        fragment = wire.take_frame().fragment
        digest.update(fragment)
        left -= len(fragment)
    return digest.digest()


def test_larger_than_the_largest(wire, name):
    """Refused on its channel; other channels go on."""
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    body = bytes(MESSAGE_BYTES_MAX + 1)
    wire.publish(name, body, frame_bytes=131064)
    text = f"PRECONDITION_FAILED - message size {len(body)} is larger than configured max size {MESSAGE_BYTES_MAX}"
    assert wire.closed() == Close("channel", 406, text, (60, 40))
    wire.alive()
    wire.channel()
    assert wire.ask(spec.Queue.Declare(queue=name, passive=True)).message_count == 0


def test_many_consumers_of_a_queue(wire, name):
    """Ten thousand on one connection; everyone gets one."""
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.ask(spec.Basic.Qos(prefetch_count=1))
    out = b"".join(frame.Method(1, spec.Basic.Consume(queue=name, consumer_tag=str(i))).marshal() for i in range(MANY))
    sending = threading.Thread(target=wire.send, args=[out])
    sending.start()
    for i in range(MANY):
        assert wire.expect(spec.Basic.ConsumeOk).consumer_tag == str(i)
    sending.join()
    out = frame.Method(1, spec.Basic.Publish(routing_key=name)).marshal()
    out += frame.Header(1, 1, spec.BasicProperties()).marshal() + frame.Body(1, b"x").marshal()
    sending = threading.Thread(target=wire.send, args=[out * MANY])
    sending.start()
    assert len({wire.content().method.consumer_tag for _ in range(MANY)}) == MANY
    sending.join()


def test_many_queues(node, parties, name):
    """Ten thousand, durable, each with a message; then none is left."""
    wire = parties(Wire(node)).open().channel()
    wire.socket.settimeout(PATIENCE_LARGE_S)
    talk(wire, [spec.Queue.Declare(queue=f"{name}-{i}", durable=True) for i in range(MANY)], spec.Queue.DeclareOk)
    wire.ask(spec.Confirm.Select())
    for i in range(MANY):
        wire.publish(f"{name}-{i}", str(i).encode(), delivery_mode=2)
    confirmed = set()
    while len(confirmed) < MANY:
        ack = wire.expect(spec.Basic.Ack)
        confirmed |= set(range(max(confirmed, default=0) + 1, ack.delivery_tag + 1)) if ack.multiple else {ack.delivery_tag}
    for i in (0, 1, MANY // 2, MANY - 1):
        wire.tell(spec.Basic.Get(queue=f"{name}-{i}", no_ack=True))
        assert wire.content(spec.Basic.GetOk).body == str(i).encode()
    answers = talk(wire, [spec.Queue.Delete(queue=f"{name}-{i}") for i in range(MANY)], spec.Queue.DeleteOk)
    assert sum(answer.message_count for answer in answers) == MANY - 4


def talk(wire, methods, kind):
    """All the methods, pipelined, and their answers."""
    sending = threading.Thread(target=lambda: [wire.tell(method) for method in methods])
    sending.start()
    answers = [wire.expect(kind) for _ in methods]
    sending.join()
    return answers


def test_stuck_consumer(node, parties, name):
    """One that takes nothing off its socket delays nobody else, and what it did not take is delivered to others."""
    rabbit = parties(Rabbit(node)).confirming()
    queue = rabbit.queue(f"{name}-q", auto_delete=False)
    stuck = parties(Wire(node, receive_bytes=4096)).open().channel()
    stuck.tell(spec.Basic.Consume(queue=queue))
    stuck.expect(spec.Basic.ConsumeOk)
    body = bytes(10000)
    for _ in range(3000):
        rabbit.publish(queue, body)
    own = rabbit.queue()
    rabbit.publish(own, "others")
    assert rabbit.get(own).body == b"others"
    stuck.close()
    rabbit.wait(lambda: rabbit.count(queue) == 3000, "all to be back")
    consumer = rabbit.consume(queue, auto_ack=True)
    assert all(message.body == body for message in consumer.take(3000))


def test_publisher_that_never_reads(node, parties, name):
    """Its confirms pile up in the broker only so far: it is not read from, and the others do not notice."""
    rabbit = parties(Rabbit(node)).confirming()
    queue = rabbit.queue(f"{name}-q", auto_delete=False, arguments={"x-max-length": 1000})
    deaf = parties(Wire(node, receive_bytes=4096)).open().channel()
    deaf.ask(spec.Confirm.Select())
    one = frame.Method(1, spec.Basic.Publish(routing_key=f"{name}-no", mandatory=True)).marshal()
    one += frame.Header(1, 10000, spec.BasicProperties()).marshal() + frame.Body(1, bytes(10000)).marshal()
    before = memory_bytes(node)
    deaf.socket.settimeout(3)
    sent = 0
    try:
        while sent < 256 << 20:
            sent += deaf.socket.send(one * 10)
    except (socket.timeout, BrokenPipeError, ConnectionResetError):
        pass  # held back, or cut
    assert memory_bytes(node) - before < (128 << 20) * (3 if SANITIZED else 1)
    rabbit.publish(queue, "others")
    assert rabbit.get(queue).body == b"others"
    deaf.close()
    wait_until(lambda: rabbit.count(queue) == 0, "an answer")


def memory_bytes(node):
    return node.memory_bytes() if node.running() else 0


def test_many_channels_with_consumers(node, parties, name):
    """2,047 channels, each with a consumer of its own queue's messages."""
    wire = parties(Wire(node)).open()
    wire.socket.settimeout(PATIENCE_LARGE_S)
    for channel in range(1, 2048):
        wire.tell(spec.Channel.Open(), channel)
    for _ in range(2047):
        assert isinstance(wire.take_frame().method, spec.Channel.OpenOk)
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    for channel in range(1, 2048):
        wire.tell(spec.Basic.Qos(prefetch_count=1), channel)
        wire.tell(spec.Basic.Consume(queue=name), channel)
    answers = [wire.take_frame().method for _ in range(2 * 2047)]
    assert sum(isinstance(answer, spec.Basic.ConsumeOk) for answer in answers) == 2047
    out = frame.Method(1, spec.Basic.Publish(routing_key=name)).marshal()
    out += frame.Header(1, 1, spec.BasicProperties()).marshal() + frame.Body(1, b"x").marshal()
    wire.send(out * 2047)
    channels = set()
    for _ in range(2047):
        got = wire.take_frame()
        assert isinstance(got.method, spec.Basic.Deliver)
        channels.add(got.channel_number)
        wire.take_frame(), wire.take_frame()
    assert len(channels) == 2047
