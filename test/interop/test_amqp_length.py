"""AMQP 0-9-1: how long queues may be."""
import pytest

from rabbit import Rabbit


@pytest.fixture
def rabbit(node, parties):
    return parties(Rabbit(node)).confirming()


def publish(rabbit, queue, *bodies):
    for body in bodies:
        rabbit.publish(queue, body)


def test_max_length_counts_what_is_ready(rabbit, name):
    queue = rabbit.queue(name, exclusive=True, arguments={"x-max-length": 2})
    publish(rabbit, queue, *"ab")
    held = [rabbit.get(queue, auto_ack=False) for _ in range(2)]
    publish(rabbit, queue, *"cd")
    assert rabbit.count(queue) == 2
    rabbit.channel.basic_nack(held[1].method.delivery_tag, multiple=True, requeue=True)
    rabbit.wait(lambda: rabbit.count(queue) == 2, "the oldest to be dropped")
    assert rabbit.drain(queue) == ["c", "d"]


def test_priorities_and_max_length(rabbit, name):
    """The head of the queue, which is dropped first, is the most important."""
    queue = rabbit.queue(name, exclusive=True, arguments={"x-max-priority": 3, "x-max-length": 2})
    for body, priority in (("high", 3), ("low", 0), ("middle", 2)):
        rabbit.publish(queue, body, priority=priority)
    assert rabbit.drain(queue) == ["middle", "low"]
