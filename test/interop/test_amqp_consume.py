"""AMQP 0-9-1: consuming, prefetch, settlement, redelivery."""
import pika
import pytest
from pika import spec

from rabbit import Rabbit
from rawamqp import Wire

B = spec.Basic


@pytest.fixture
def rabbit(node, parties):
    return parties(Rabbit(node))


@pytest.fixture
def other(node, parties):
    return parties(Rabbit(node))


@pytest.fixture
def wire(node, parties):
    return parties(Wire(node)).open().channel()


def filled(rabbit, name, *bodies, **options):
    """A queue that holds these."""
    queue = rabbit.queue(name, **(options or {"auto_delete": False}))
    for body in bodies:
        rabbit.publish(queue, body)
    rabbit.wait(lambda: rabbit.count(queue) == len(bodies), "all of them to be there")
    return queue


# ---- deliveries

def test_delivery(wire, name):
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    assert wire.ask(B.Consume(queue=name, consumer_tag="mine")).consumer_tag == "mine"
    wire.publish(name, b"m")
    got = wire.content().method
    assert (got.consumer_tag, got.delivery_tag, got.redelivered, got.exchange, got.routing_key) == ("mine", 1, False, "", name)


def test_tags_of_the_broker(wire, name):
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    tags = [wire.ask(B.Consume(queue=name)).consumer_tag for _ in range(3)]
    assert len(set(tags)) == 3 and all(tag.startswith("amq.ctag-") for tag in tags)


def test_nowait(wire, name):
    wire.tell(spec.Queue.Declare(queue=name, exclusive=True, nowait=True))
    wire.tell(spec.Queue.Bind(queue=name, exchange="amq.direct", routing_key=name, nowait=True))
    wire.tell(B.Consume(queue=name, consumer_tag="c", nowait=True))
    wire.publish(name, b"1", exchange="amq.direct")
    assert wire.content().body == b"1"
    wire.tell(B.Cancel("c", nowait=True))
    wire.publish(name, b"2")
    wire.tell(spec.Queue.Purge(queue=name, nowait=True))
    assert wire.ask(spec.Queue.Declare(queue=name, passive=True)).message_count == 0


def test_get(wire, name):
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.tell(B.Get(queue=name))
    wire.expect(B.GetEmpty)
    for body in (b"1", b"2"):
        wire.publish(name, body)
    wire.tell(B.Get(queue=name))
    got = wire.content(B.GetOk)
    assert (got.body, got.method.message_count, got.method.redelivered, got.method.delivery_tag) == (b"1", 1, False, 1)
    wire.tell(B.Get(queue=name, no_ack=True))
    got = wire.content(B.GetOk)
    assert (got.body, got.method.message_count, got.method.delivery_tag) == (b"2", 0, 2)
    wire.tell(B.Ack(1))
    wire.alive()


def test_round_robin(rabbit, other, name):
    queue = filled(rabbit, name)
    consumers = [rabbit.consume(queue, auto_ack=True), other.consume(queue, auto_ack=True)]
    for i in range(10):
        rabbit.publish(queue, i)
    rabbit.wait(lambda: len(consumers[0].messages) == 5, "its half")
    assert len({m.body for consumer in consumers for m in consumer.take(5)}) == 10


def test_cancel(rabbit, name):
    """What comes later stays; what it holds is still its own."""
    queue = filled(rabbit, name)
    consumer = rabbit.consume(queue)
    rabbit.publish(queue, "held")
    held = consumer.take_one()
    consumer.cancel()
    rabbit.publish(queue, "later")
    rabbit.wait(lambda: rabbit.count(queue) == 1, "the second to be ready")
    assert rabbit.facts(queue).consumer_count == 0
    consumer.ack(held)
    assert rabbit.drain(queue) == ["later"]


def test_cancel_of_the_unknown(wire):
    assert wire.ask(B.Cancel("nobody")).consumer_tag == "nobody"


def test_cancel_notify(rabbit, other, name):
    """The end of a queue is told to those that consume from it."""
    queue = filled(rabbit, name)
    consumer = other.consume(queue)
    rabbit.channel.queue_delete(queue)
    consumer.wait(lambda: consumer.cancelled, "the notice")
    other.queue(f"{name}-2", exclusive=True)  # its channel goes on


def test_no_cancel_notify(node, parties, name):
    """Not to those that never said they understand it."""
    wire = parties(Wire(node)).open(capabilities=[]).channel()
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.ask(B.Consume(queue=name))
    wire.ask(spec.Queue.Delete(queue=name))
    wire.alive()


def test_consumer_priorities(rabbit, other, name):
    """The more important gets all it has credit for."""
    queue = filled(rabbit, name)
    low = other.consume(queue, auto_ack=True)
    channel = rabbit.connection.channel()
    channel.basic_qos(prefetch_count=3)
    high = rabbit.consume(queue, channel=channel, arguments={"x-priority": 10})
    for i in range(5):
        rabbit.publish(queue, i)
    messages = high.take(3)
    assert [m.body for m in messages] == [b"0", b"1", b"2"]
    assert low.bodies(2) == ["3", "4"]


def test_exclusive_consumer_makes_room(rabbit, other, name):
    queue = filled(rabbit, name)
    first = rabbit.consume(queue, exclusive=True)
    first.cancel()
    other.consume(queue, exclusive=True)
    other.connection.close()
    rabbit.wait(lambda: rabbit.facts(queue).consumer_count == 0, "the other to be gone")
    rabbit.consume(queue, exclusive=True)


# ---- prefetch

def test_prefetch_of_a_consumer(wire, name):
    """global=false: each consumer that is started afterwards has its own."""
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    for i in range(10):
        wire.publish(name, b"%d" % i)
    wire.ask(B.Qos(prefetch_count=2))
    tags = []
    for tag in ("a", "b"):
        wire.tell(B.Consume(queue=name, consumer_tag=tag))
        wire.expect(B.ConsumeOk)
        tags += [wire.content().method for _ in range(2)]
    assert [m.consumer_tag for m in tags] == ["a", "a", "b", "b"]
    wire.alive()  # and no more came
    wire.tell(B.Ack(tags[2].delivery_tag))
    got = wire.content()
    assert (got.method.consumer_tag, got.body) == ("b", b"4")
    wire.tell(B.Ack(tags[1].delivery_tag, multiple=True))
    assert [wire.content().method.consumer_tag for _ in range(2)] == ["a", "a"]
    wire.alive()


def test_prefetch_of_a_channel(wire, name):
    """global=true: all consumers together."""
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    for i in range(10):
        wire.publish(name, b"%d" % i)
    wire.ask(B.Qos(prefetch_count=3, global_qos=True))
    wire.tell(B.Consume(queue=name, consumer_tag="a"))
    got = wire.contents_around(B.ConsumeOk, 3)
    wire.ask(B.Consume(queue=name, consumer_tag="b"))
    assert [message.body for message in got] == [b"0", b"1", b"2"]
    wire.alive()
    wire.tell(B.Ack(2, multiple=True))
    assert [wire.content().body for _ in range(2)] == [b"3", b"4"]
    wire.alive()


def test_prefetch_is_not_for_no_ack(wire, name):
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.ask(B.Qos(prefetch_count=1))
    wire.ask(B.Consume(queue=name, no_ack=True))
    for i in range(20):
        wire.publish(name, b"%d" % i)
    assert [wire.content().body for _ in range(20)] == [b"%d" % i for i in range(20)]


def test_prefetch_is_not_for_get(wire, name):
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.ask(B.Qos(prefetch_count=1))
    for i in range(5):
        wire.publish(name, b"x")
    for _ in range(5):
        wire.tell(B.Get(queue=name))
        wire.content(B.GetOk)


def test_prefetch_of_a_channel_raised(wire, name):
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    for i in range(5):
        wire.publish(name, b"%d" % i)
    wire.ask(B.Qos(prefetch_count=1, global_qos=True))
    wire.ask(B.Consume(queue=name))
    assert wire.content().body == b"0"
    wire.alive()
    wire.ask(B.Qos(prefetch_count=3, global_qos=True))
    assert [wire.content().body for _ in range(2)] == [b"1", b"2"]
    wire.alive()


# ---- settlement

def test_ack_multiple(wire, name):
    """Up to and including; 0 is all."""
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.ask(B.Consume(queue=name, consumer_tag="c"))
    for i in range(6):
        wire.publish(name, b"%d" % i)
        wire.content()
    wire.tell(B.Ack(3, multiple=True))
    wire.tell(B.Ack(5))
    wire.ask(B.Cancel("c"))
    wire.ask(B.Recover(requeue=True))
    assert wire.ask(spec.Queue.Declare(queue=name, passive=True)).message_count == 2  # 4 and 6
    for _ in range(2):
        wire.tell(B.Get(queue=name))
        wire.content(B.GetOk)
    wire.tell(B.Ack(0, multiple=True))
    wire.ask(B.Recover(requeue=True))
    assert wire.ask(spec.Queue.Declare(queue=name, passive=True)).message_count == 0


def test_ack_multiple_of_nothing(wire):
    wire.tell(B.Ack(0, multiple=True))
    wire.tell(B.Nack(0, multiple=True))
    wire.alive()


@pytest.mark.parametrize("how", ["nack", "reject", "recover", "channel", "connection"])
def test_requeue(rabbit, other, name, how):
    """Back in its place, flagged."""
    queue = filled(rabbit, name, *"abcd")
    channel = other.connection.channel()
    tags = [channel.basic_get(queue)[0].delivery_tag for _ in range(3)]
    if how == "nack":
        channel.basic_nack(tags[-1], multiple=True, requeue=True)
    elif how == "reject":
        for tag in tags:
            channel.basic_reject(tag, requeue=True)
    elif how == "recover":
        channel.basic_recover(requeue=True)
    else:
        (channel if how == "channel" else other.connection).close()
    rabbit.wait(lambda: rabbit.count(queue) == 4, "all to be back")
    got = [rabbit.get(queue) for _ in range(4)]
    assert [(m.body, m.method.redelivered) for m in got] == [(b"a", True), (b"b", True), (b"c", True), (b"d", False)]


def test_nack_without_requeue(rabbit, name):
    """Dropped, for the queue has no dead letter exchange."""
    queue = filled(rabbit, name, *"abc")
    tags = [rabbit.get(queue, auto_ack=False).method.delivery_tag for _ in range(2)]
    rabbit.channel.basic_nack(tags[1], multiple=True, requeue=False)
    assert rabbit.drain(queue) == ["c"]


def test_recover_to_the_same_consumer(wire, name):
    """It gets them again under new tags."""
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.ask(B.Consume(queue=name))
    for i in range(3):
        wire.publish(name, b"%d" % i)
    assert [wire.content().method.delivery_tag for _ in range(3)] == [1, 2, 3]
    wire.tell(B.Recover(requeue=True))
    got = wire.contents_around(B.RecoverOk, 3)
    assert [(m.body, m.method.delivery_tag, m.method.redelivered) for m in got] == [(b"0", 4, True), (b"1", 5, True), (b"2", 6, True)]


def test_recover_async(wire, name):
    """The deprecated one has no answer."""
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.publish(name, b"m")
    wire.tell(B.Get(queue=name))
    wire.content(B.GetOk)
    wire.tell(B.RecoverAsync(requeue=True))
    wire.tell(B.Get(queue=name))
    got = wire.content(B.GetOk)
    assert (got.body, got.method.redelivered) == (b"m", True)


def test_tags_are_the_channels(wire, name):
    """Each channel counts its own and settles its own."""
    wire.channel(2)
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    for channel in (1, 2):
        wire.publish(name, b"x")
        wire.ask(spec.Queue.Declare(queue=name, passive=True))
        wire.tell(B.Get(queue=name), channel)
        assert wire.content(B.GetOk, channel).method.delivery_tag == 1
    wire.tell(B.Ack(1), 2)
    wire.tell(B.Ack(1), 1)
    wire.alive()


def test_requeue_while_others_wait(rabbit, other, name):
    """Another consumer gets what one gives back."""
    queue = filled(rabbit, name, "m")
    held = rabbit.get(queue, auto_ack=False)
    consumer = other.consume(queue, auto_ack=True)
    rabbit.channel.basic_reject(held.method.delivery_tag, requeue=True)
    got = consumer.take_one()
    assert (got.body, got.method.redelivered) == (b"m", True)


def test_one_message_round_and_round(rabbit, name):
    """A consumer that gives back all it gets, a thousand times, then takes it."""
    queue = filled(rabbit, name, "m")
    consumer = rabbit.consume(queue)
    for _ in range(1000):
        rabbit.channel.basic_nack(consumer.take_one().method.delivery_tag, requeue=True)
    consumer.ack(consumer.take_one())
    consumer.cancel()
    assert rabbit.count(queue) == 0


def test_work_queue(rabbit, node, parties, name):
    """Three workers, one at a time each; one of them dies halfway: every task is done."""
    queue = filled(rabbit, name, *range(60))
    done = []
    workers = [parties(Rabbit(node)) for _ in range(3)]
    consumers = []
    for worker in workers:
        worker.channel.basic_qos(prefetch_count=1)
        consumers.append(worker.consume(queue))
    for turn in range(15):
        for consumer in consumers:
            message = consumer.take_one()
            done.append(int(message.body))
            consumer.ack(message)
    workers[0].connection.close()
    while len(set(done)) < 60:
        for worker, consumer in zip(workers[1:], consumers[1:]):
            worker.connection.process_data_events(time_limit=0.05)
            while consumer.messages:
                message = consumer.messages.popleft()
                done.append(int(message.body))
                consumer.ack(message)
    assert sorted(done) == list(range(60)), "each once, since none was acknowledged by the dead one and lost"


def test_ack_makes_room_at_once(rabbit, other, name):
    """A settlement counts for the publication behind it on the same channel: the more important consumer gets it."""
    queue = rabbit.queue(name, auto_delete=False)
    other.consume(queue, auto_ack=True)
    channel = rabbit.connection.channel()
    channel.basic_qos(prefetch_count=3)
    high = rabbit.consume(queue, channel=channel, arguments={"x-priority": 10})
    for body in range(3):
        rabbit.publish(queue, body)
    messages = high.take(3)
    high.ack(messages[-1], multiple=True)
    channel.basic_publish("", queue, b"3")
    assert high.bodies(1) == ["3"]
