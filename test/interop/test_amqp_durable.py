"""AMQP 0-9-1 over the end of the node: what is durable is there, what is not is gone, nothing confirmed is lost."""
import threading

import pika
import pytest
from pika import spec

from nodes import wait_until
from rabbit import PERSISTENT, Rabbit, props
from rawamqp import Closed, Wire

hows = pytest.mark.parametrize("how", ["stop", "kill"])


class Life:
    """A node of the test's own, and connections to it that come anew after each restart."""

    def __init__(self, node, parties):
        self.node, self.parties = node, parties
        self.rabbit = None
        self.connect()

    def connect(self):
        self.rabbit = self.parties(Rabbit(self.node)).confirming()
        return self.rabbit

    def restart(self, how):
        self.node.restart(how)
        return self.connect()


@pytest.fixture
def life(new_node, parties, shards):
    return Life(new_node(shards=shards), parties)


@hows
def test_definitions(life, how):
    rabbit = life.rabbit
    rabbit.exchange("lasting", "topic", durable=True, arguments={"alternate-exchange": "behind"})
    rabbit.exchange("behind", "fanout", durable=True)
    rabbit.exchange("passing", "topic")
    rabbit.queue("lasting", durable=True, arguments={"x-max-length": 2, "x-message-ttl": 600000})
    rabbit.queue("behind", durable=True)
    rabbit.queue("passing", auto_delete=False)
    rabbit.bind("lasting", "lasting", "a.*")
    rabbit.bind("behind", "behind")
    rabbit.channel.exchange_bind("behind", "amq.topic", "over.#")
    rabbit = life.restart(how)
    assert not rabbit.exists("passing")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        rabbit.connection.channel().exchange_declare("passing", passive=True)
    rabbit.queue("lasting", durable=True, arguments={"x-max-length": 2, "x-message-ttl": 600000})
    for key in ("a.1", "a.2", "a.3", "b"):
        rabbit.publish(key, key, "lasting")
    rabbit.publish("over.there", "t", "amq.topic")
    assert rabbit.drain("lasting") == ["a.2", "a.3"] and rabbit.drain("behind") == ["b", "t"]


@hows
def test_deleted_stays_deleted(life, how):
    rabbit = life.rabbit
    rabbit.exchange("x", "fanout", durable=True)
    for queue in ("a", "b"):
        rabbit.queue(queue, durable=True)
        rabbit.bind(queue, "x")
    rabbit.publish("a", "m", properties=PERSISTENT)
    rabbit.channel.queue_unbind("b", "x", "")
    rabbit.channel.queue_delete("a")
    rabbit = life.restart(how)
    assert not rabbit.exists("a")
    rabbit.publish("", "m", "x")
    assert rabbit.drain("b") == []


@hows
def test_messages(life, how):
    """In order and whole; acknowledged ones do not come back; those in flight do, flagged."""
    rabbit = life.rabbit
    rabbit.queue("q", durable=True)
    for i in range(100):
        rabbit.publish("q", i, properties=props(delivery_mode=2, headers={"i": i}, message_id=str(i)))
    for i in range(10):
        rabbit.get("q")
    held = [rabbit.get("q", auto_ack=False) for _ in range(3)]
    rabbit.channel.basic_ack(held[0].method.delivery_tag)
    settled(rabbit)
    rabbit = life.restart(how)
    consumer = rabbit.consume("q", auto_ack=True)
    messages = consumer.take(89)
    assert [int(m.body) for m in messages] == list(range(11, 100))
    assert all(m.properties.headers == {"i": int(m.body)} and m.properties.message_id == m.body.decode() for m in messages)
    assert [m.method.redelivered for m in messages[:2]] == [True, True]


def settled(rabbit):
    """A durable confirm behind the settlements: what was written before it is on disk."""
    rabbit.queue("settled", durable=True)
    rabbit.publish("settled", "mark", properties=PERSISTENT)


@hows
def test_priorities(life, how):
    rabbit = life.rabbit
    rabbit.queue("q", durable=True, arguments={"x-max-priority": 4})
    for i in range(20):
        rabbit.publish("q", i, delivery_mode=2, priority=i % 5)
    rabbit = life.restart(how)
    got = [int(body) for body in rabbit.drain("q")]
    assert got == sorted(range(20), key=lambda i: (-(i % 5), i))


@hows
def test_expiry_goes_on(life, how):
    rabbit = life.rabbit
    rabbit.queue("dead", durable=True)
    rabbit.queue("q", durable=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    rabbit.publish("q", "m", delivery_mode=2, expiration="1500")
    rabbit = life.restart(how)
    got = rabbit.get("dead")
    assert (got.body, got.properties.headers["x-death"][0]["reason"]) == (b"m", "expired")


@hows
def test_transaction(life, how):
    """Committed is committed, in all its queues; what was not is not."""
    rabbit = life.rabbit
    for queue in "ab":
        rabbit.queue(queue, durable=True)
    channel = rabbit.connection.channel()
    channel.tx_select()
    for queue in "ab":
        channel.basic_publish("", queue, b"committed", PERSISTENT)
    channel.tx_commit()
    for queue in "ab":
        channel.basic_publish("", queue, b"never", PERSISTENT)
    rabbit = life.restart(how)
    assert [rabbit.drain(queue) for queue in "ab"] == [["committed"]] * 2


@hows
def test_dead_letters(life, how):
    rabbit = life.rabbit
    rabbit.queue("dead", durable=True)
    rabbit.queue("q", durable=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    for i in range(50):
        rabbit.publish("q", i, properties=PERSISTENT)
    for i in range(50):
        rabbit.channel.basic_reject(rabbit.get("q", auto_ack=False).method.delivery_tag, requeue=False)
    rabbit.wait(lambda: rabbit.count("dead") == 50, "the dead")
    settled(rabbit)
    rabbit = life.restart(how)
    got = [rabbit.get("dead") for _ in range(50)]
    assert [int(m.body) for m in got] == list(range(50))
    assert all(m.properties.headers["x-death"][0]["count"] == 1 for m in got)


def test_delivery_count(life):
    """A poisonous message stays poisonous."""
    rabbit = life.rabbit
    rabbit.queue("q", durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 3})
    rabbit.publish("q", "poison", properties=PERSISTENT)
    for count in range(3):
        got = rabbit.get("q", auto_ack=False)
        assert got.properties.headers["x-delivery-count"] == count
        rabbit.channel.basic_reject(got.method.delivery_tag, requeue=True)
        settled(rabbit)
        rabbit = life.restart("stop")
    assert rabbit.get("q", auto_ack=False).properties.headers["x-delivery-count"] == 3


class Publisher(threading.Thread):
    """Publishes numbers and keeps those that were confirmed, over every end of the node."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.next = node, 0
        self.confirmed = set()
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                wire = Wire(self.node).open().channel()
            except (OSError, Closed):
                continue
            try:
                self.talk(wire)
            except (OSError, Closed):
                pass
            finally:
                wire.close()

    def talk(self, wire):
        wire.ask(spec.Confirm.Select())
        base, told = self.next, 0
        while not self.stopping.is_set():
            for _ in range(20):
                wire.publish("q", str(self.next).encode(), delivery_mode=2)
                self.next += 1
            while told < self.next - base:
                ack = wire.expect(spec.Basic.Ack)
                tags = range(told + 1, ack.delivery_tag + 1) if ack.multiple else [ack.delivery_tag]
                self.confirmed |= {base + tag - 1 for tag in tags}
                told = max(told, ack.delivery_tag)


def test_kill_under_load(life):
    """Ten times: nothing confirmed is lost, each publisher's order is kept."""
    life.rabbit.queue("q", durable=True)
    publisher = Publisher(life.node)
    publisher.start()
    for _ in range(10):
        goal = len(publisher.confirmed) + 200
        wait_until(lambda: len(publisher.confirmed) >= goal, "confirms")
        rabbit = life.restart("kill")
    publisher.stopping.set()
    publisher.join()
    got = [int(body) for body in rabbit.drain("q")]
    assert publisher.confirmed <= set(got), "confirmed and lost"
    assert got == sorted(set(got)), "order"
