"""AMQP 0-9-1: streams, which keep what is read; pika sees them as it sees RabbitMQ's."""
import time

import pika
import pytest

from nodes import PATIENCE_S
from party import Party

PERSISTENT = pika.BasicProperties(delivery_mode=2)


class Reader:
    """A consumer of a stream: offsets and bodies, in order, acknowledged as they come."""

    def __init__(self, channel, queue, offset=None, prefetch=100, acks=True):
        self.channel, self.acks = channel, acks
        self.got = []
        channel.basic_qos(prefetch_count=prefetch)
        channel.basic_consume(queue, self.on_message, arguments={} if offset is None else {"x-stream-offset": offset})

    def on_message(self, channel, method, properties, body):
        assert not method.redelivered
        self.got.append((int(properties.headers["x-stream-offset"]), body.decode()))
        if self.acks:
            channel.basic_ack(method.delivery_tag)

    def take(self, count):
        deadline = time.monotonic() + PATIENCE_S
        while len(self.got) < count:
            assert time.monotonic() < deadline, f"{len(self.got)} of {count} have come"
            self.channel.connection.process_data_events(time_limit=0.1)
        return self.got


class Stream:
    """A connection, and a stream that holds m0, m1, ..."""

    def __init__(self, node, name, **arguments):
        self.node, self.name = node, name
        self.connect()
        self.channel.queue_declare(name, durable=True, arguments={"x-queue-type": "stream", **arguments})

    def connect(self):
        self.connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.node.port, heartbeat=0))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()

    def fill(self, first, last):
        for n in range(first, last):
            self.channel.basic_publish("", self.name, f"m{n}".encode(), PERSISTENT)

    def reader(self, offset=None, **options):
        return Reader(self.connection.channel(), self.name, offset, **options)

    def count(self):
        return self.channel.queue_declare(self.name, passive=True).method.message_count

    def close(self):
        if self.connection.is_open:
            self.connection.close()


def numbered(first, last):
    return [(n, f"m{n}") for n in range(first, last)]


@pytest.fixture
def stream(node, name, parties):
    stream = parties(Stream(node, name))
    yield stream
    if not stream.connection.is_open:
        stream.connect()
    stream.connection.channel().queue_delete(name)


@pytest.mark.parametrize("offset, first", [("first", 0), ("last", 9), (0, 0), (7, 7), (-1, 0), ("1h", 0)])
def test_offset(stream, offset, first):
    stream.fill(0, 10)
    reader = stream.reader(offset)
    assert reader.take(10 - first) == numbered(first, 10)
    assert stream.count() == 10


@pytest.mark.parametrize("offset, first", [(None, 10), ("next", 10), (12, 12)])
def test_offset_of_what_comes(stream, offset, first):
    stream.fill(0, 10)
    reader = stream.reader(offset)
    stream.fill(10, 15)
    assert reader.take(15 - first) == numbered(first, 15)


def test_readers_do_not_meet(stream):
    stream.fill(0, 20)
    readers = [stream.reader("first", prefetch=prefetch) for prefetch in (1, 5, 100)]
    for reader in readers:
        assert reader.take(20) == numbered(0, 20)


def test_acknowledgements_are_credit(stream):
    stream.fill(0, 20)
    reader = stream.reader("first", prefetch=3, acks=False)
    reader.take(3)
    reader.channel.basic_ack(2, multiple=True)
    assert reader.take(5) == numbered(0, 5)
    stream.connection.process_data_events(time_limit=0.1)
    assert len(reader.got) == 5


REFUSED = {
    "get": (540, "NOT_IMPLEMENTED - basic.get not supported by stream queues queue '{}' in vhost '/'",
            lambda channel, name: channel.basic_get(name)),
    "purge": (540, "NOT_IMPLEMENTED - queue.purge not supported by stream queues queue '{}' in vhost '/'",
              lambda channel, name: channel.queue_purge(name)),
    "no prefetch": (406, "PRECONDITION_FAILED - consumer prefetch count is not set for 'queue '{}' in vhost '/''",
                    lambda channel, name: channel.basic_consume(name, print)),
    "no ack": (540, "NOT_IMPLEMENTED - automatic acknowledgement not supported by stream queues queue '{}' in vhost '/'",
               lambda channel, name: (channel.basic_qos(prefetch_count=1),
                                      channel.basic_consume(name, print, auto_ack=True))),
    "age": (406, "PRECONDITION_FAILED - inequivalent arg 'x-max-age' for queue '{}' in vhost '/': "
                 "received the value '1D' of type 'longstr' but current is none",
            lambda channel, name: channel.queue_declare(name, durable=True, arguments={"x-queue-type": "stream",
                                                                                       "x-max-age": "1D"})),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(stream, name, what):
    code, text, deed = REFUSED[what]
    with pytest.raises((pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker)) as raised:
        deed(stream.channel, name)
    assert (raised.value.reply_code, raised.value.reply_text) == (code, text.format(name))


def test_nack_is_refused(stream, name):
    stream.fill(0, 1)
    reader = stream.reader("first", acks=False)
    reader.take(1)
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as raised:
        reader.channel.basic_nack(1, requeue=True)
        stream.count()
    assert raised.value.reply_text == ("NOT_IMPLEMENTED - basic.nack and basic.reject not supported by stream queues "
                                       f"queue '{name}' in vhost '/'")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_restart(new_node, name, parties, shards, how):
    node = new_node(shards=shards)
    stream = parties(Stream(node, name))
    stream.fill(0, 2000)
    stream.reader("first").take(500)
    node.restart(how)
    stream.connect()
    assert stream.reader(500).take(1500) == numbered(500, 2000)
    stream.fill(2000, 2010)
    assert stream.reader(1999).take(11) == numbered(1999, 2010)


def test_size(stream, name, node, parties):
    small = parties(Stream(node, name + "-small", **{"x-max-length-bytes": 1300}))
    small.fill(0, 1000)
    got = small.reader("first").take(1)
    assert 500 < got[0][0] < 1000
    assert 50 < small.count() < 500
    small.channel.queue_delete(small.name)


def test_mqtt_publishes(stream, name, node, parties):
    stream.channel.queue_bind(name, "amq.topic", f"{name}.*")
    party = parties(Party(node)).join()
    for n in range(20):
        party.publish(f"{name}/{n % 2}", f"m{n}", 1)
    assert stream.reader("first").take(20) == numbered(0, 20)
    assert stream.reader(5).take(15) == numbered(5, 20)
