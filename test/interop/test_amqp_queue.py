"""AMQP 0-9-1: what a queue is declared to be, and does."""
import datetime
import re
import time

import pika
import pytest

from rabbit import PERSISTENT, Rabbit, props


@pytest.fixture
def rabbit(node, parties):
    return parties(Rabbit(node)).confirming()


@pytest.fixture
def other(node, parties):
    return parties(Rabbit(node)).confirming()


def publish(rabbit, queue, *bodies, **values):
    for body in bodies:
        rabbit.publish(queue, body, **values)


# ---- what it is

def test_server_named(rabbit):
    names = {rabbit.queue() for _ in range(3)}
    assert len(names) == 3
    assert all(re.fullmatch(r"amq\.gen-[\w-]{22}", name) for name in names), names


def test_last_declared(rabbit):
    """An empty name is the queue this channel declared last."""
    queue = rabbit.queue()
    rabbit.bind("", "amq.direct", queue)
    publish(rabbit, queue, "m")
    assert rabbit.get("").body == b"m"


def test_declare_counts(rabbit, name):
    queue = rabbit.queue(name, exclusive=True)
    publish(rabbit, queue, "a", "b", "c")
    consumer = rabbit.consume(queue, channel=rabbit.connection.channel())
    consumer.take(3)
    facts = rabbit.channel.queue_declare(queue, exclusive=True).method
    assert (facts.queue, facts.message_count, facts.consumer_count) == (queue, 0, 1), "what is in flight is not ready"


def test_exclusive_ends_with_its_connection(rabbit, other, name):
    queue = other.queue(name, exclusive=True)
    other.connection.close()
    rabbit.wait(lambda: not rabbit.exists(queue), "the queue to go")


def test_auto_delete(rabbit, other, name):
    """Goes with its last consumer, not before its first."""
    queue = rabbit.queue(name, auto_delete=True)
    publish(rabbit, queue, "m")
    consumers = [rabbit.consume(queue), other.consume(queue)]
    consumers[0].cancel()
    assert rabbit.exists(queue)
    other.connection.close()
    rabbit.wait(lambda: not rabbit.exists(queue), "the queue to go")


def test_delete_tells_how_many(rabbit, name):
    queue = rabbit.queue(name, exclusive=True)
    publish(rabbit, queue, *"abc")
    assert rabbit.channel.queue_delete(queue).method.message_count == 3
    assert rabbit.channel.queue_delete(queue).method.message_count == 0, "once more is no error"


def test_delete_if(rabbit, name):
    queue = rabbit.queue(name, exclusive=True)
    rabbit.channel.queue_delete(queue, if_unused=True, if_empty=True)
    assert not rabbit.exists(queue)


def test_purge(rabbit, name):
    """What is ready, not what is in flight."""
    queue = rabbit.queue(name, exclusive=True)
    publish(rabbit, queue, *"abcde")
    rabbit.channel.basic_qos(prefetch_count=2)
    consumer = rabbit.consume(queue)
    held = consumer.take(2)
    assert rabbit.channel.queue_purge(queue).method.message_count == 3
    rabbit.channel.basic_nack(held[1].method.delivery_tag, multiple=True, requeue=True)
    assert consumer.bodies(2) == ["a", "b"]


def test_order(rabbit, name):
    queue = rabbit.queue(name, exclusive=True)
    publish(rabbit, queue, *range(500))
    assert rabbit.drain(queue) == [str(i) for i in range(500)]


def test_durable_exclusive_is_not_durable(rabbit, name):
    """So that it may be declared again either way."""
    rabbit.queue(name, exclusive=True, durable=True)
    rabbit.channel.queue_declare(name, exclusive=True, durable=False)


EQUIVALENT = {"x-message-ttl": 100000, "x-expires": 100000, "x-max-length": 10, "x-max-length-bytes": 1000, "x-overflow": "reject-publish",
              "x-dead-letter-exchange": "amq.fanout", "x-dead-letter-routing-key": "k", "x-max-priority": 3,
              "x-single-active-consumer": True, "x-queue-mode": "lazy", "x-queue-type": "classic"}


def test_declared_twice(rabbit, name):
    for _ in range(2):
        rabbit.queue(name, durable=True, arguments=EQUIVALENT)


# ---- time

def test_queue_ttl(rabbit, name):
    queue = rabbit.queue(name, exclusive=True, arguments={"x-message-ttl": 200})
    publish(rabbit, queue, "a", "b")
    assert rabbit.count(queue) == 2
    rabbit.wait(lambda: rabbit.count(queue) == 0, "the messages to expire")


def test_message_ttl(rabbit, name):
    """At the head of the queue; the lesser of the queue's and the message's own."""
    queue = rabbit.queue(name, exclusive=True, arguments={"x-message-ttl": 60000})
    publish(rabbit, queue, "short", expiration="200")
    publish(rabbit, queue, "long", expiration="100000000")
    rabbit.wait(lambda: rabbit.count(queue) == 1, "the first to expire")
    assert rabbit.get(queue).body == b"long"


def test_ttl_zero(rabbit, name):
    """Expires unless it can be delivered at once."""
    queue = rabbit.queue(name, exclusive=True)
    publish(rabbit, queue, "nobody", expiration="0")
    assert rabbit.drain(queue) == []
    consumer = rabbit.consume(queue, auto_ack=True)
    publish(rabbit, queue, "somebody", expiration="0")
    publish(rabbit, queue, "end")
    assert consumer.until("end") == ["somebody"]


def test_expiration_is_passed_on(rabbit, name):
    queue = rabbit.queue(name, exclusive=True)
    publish(rabbit, queue, "m", expiration="60000")
    assert rabbit.get(queue).properties.expiration == "60000"


def test_expired_in_flight_is_not_requeued(rabbit, name):
    queue = rabbit.queue(name, exclusive=True)
    publish(rabbit, queue, "m", expiration="300")
    message = rabbit.get(queue, auto_ack=False)
    time.sleep(0.6)
    rabbit.channel.basic_nack(message.method.delivery_tag, requeue=True)
    publish(rabbit, queue, "end")
    assert rabbit.drain(queue) == ["end"]


def test_expires(rabbit, name):
    """A queue that nobody uses; consumers, get and declare are uses."""
    queue = rabbit.queue(name, arguments={"x-expires": 1000}, auto_delete=False)
    consumer = rabbit.consume(queue)
    time.sleep(1.5)
    assert rabbit.exists(queue), "it has a consumer"
    consumer.cancel()
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        rabbit.channel.basic_get(queue)
    assert rabbit.exists(queue), "it was asked"
    time.sleep(2)
    assert not rabbit.exists(queue)


# ---- length

def test_max_length(rabbit, name):
    queue = rabbit.queue(name, exclusive=True, arguments={"x-max-length": 3})
    publish(rabbit, queue, *"abcde")
    assert rabbit.drain(queue) == ["c", "d", "e"]


def test_max_length_zero(rabbit, name):
    """Keeps only what it can deliver."""
    queue = rabbit.queue(name, exclusive=True, arguments={"x-max-length": 0})
    publish(rabbit, queue, "dropped")
    consumer = rabbit.consume(queue, auto_ack=True)
    publish(rabbit, queue, "delivered")
    assert consumer.bodies(1) == ["delivered"]


def test_reject_publish(rabbit, name):
    queue = rabbit.queue(name, exclusive=True, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    publish(rabbit, queue, *"ab")
    with pytest.raises(pika.exceptions.NackError):
        rabbit.publish(queue, "c")
    assert rabbit.drain(queue) == ["a", "b"]
    publish(rabbit, queue, "d")
    assert rabbit.drain(queue) == ["d"]


def test_reject_publish_of_one_of_two(rabbit, name):
    """The other queue has it; the publisher is told no."""
    rabbit.exchange(name, "fanout")
    full = rabbit.queue(f"{name}-full", exclusive=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    free = rabbit.queue(f"{name}-free", exclusive=True)
    publish(rabbit, full, "a")
    for queue in (full, free):
        rabbit.bind(queue, name)
    with pytest.raises(pika.exceptions.NackError):
        rabbit.publish("", "b", name)
    assert rabbit.drain(full) == ["a"]


def test_reject_publish_dlx(rabbit, name):
    dead = rabbit.queue(f"{name}-dead", exclusive=True)
    queue = rabbit.queue(name, exclusive=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish-dlx",
                                                          "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    publish(rabbit, queue, "a")
    with pytest.raises(pika.exceptions.NackError):
        rabbit.publish(queue, "b")
    got = rabbit.get(dead)
    assert (got.body, got.properties.headers["x-death"][0]["reason"]) == (b"b", "maxlen")
    assert rabbit.drain(queue) == ["a"]


# ---- dead letters

def lettered(rabbit, name, key=None, exchange="", **arguments):
    """A queue whose dead go to another, and that one."""
    dead = rabbit.queue(f"{name}-dead", exclusive=True)
    where = {"x-dead-letter-exchange": exchange, **({"x-dead-letter-routing-key": key or dead} if exchange == "" or key else {})}
    return rabbit.queue(name, exclusive=True, arguments={**where, **arguments}), dead


def expire(rabbit, queue):
    rabbit.publish(queue, "m", expiration="50", priority=3, headers={"mine": 1})


def overflow(rabbit, queue):
    rabbit.publish(queue, "m", priority=3, headers={"mine": 1})
    rabbit.publish(queue, "next")


def reject(rabbit, queue):
    rabbit.publish(queue, "m", priority=3, headers={"mine": 1})
    rabbit.channel.basic_reject(rabbit.get(queue, auto_ack=False).method.delivery_tag, requeue=False)


def nack(rabbit, queue):
    rabbit.publish(queue, "m", priority=3, headers={"mine": 1})
    rabbit.channel.basic_nack(rabbit.get(queue, auto_ack=False).method.delivery_tag, requeue=False)


DEATHS = {"expired": (expire, {}), "maxlen": (overflow, {"x-max-length": 1}), "rejected": (reject, {}), "rejected-nack": (nack, {}),
          "expired-queue": (lambda rabbit, queue: rabbit.publish(queue, "m", priority=3, headers={"mine": 1}), {"x-message-ttl": 50})}


@pytest.mark.parametrize("death", DEATHS)
def test_x_death(rabbit, name, death):
    """Every field."""
    die, arguments = DEATHS[death]
    reason = death.split("-")[0]
    queue, dead = lettered(rabbit, name, **arguments)
    before = datetime.datetime.utcnow().replace(microsecond=0)
    die(rabbit, queue)
    got = rabbit.get(dead)
    headers = got.properties.headers
    when = headers["x-death"][0].pop("time")
    wanted = {"reason": reason, "count": 1, "queue": queue, "exchange": "", "routing-keys": [queue]}
    if death == "expired":
        wanted["original-expiration"] = "50"
    assert headers == {"mine": 1, "x-death": [wanted], "x-first-death-reason": reason, "x-first-death-queue": queue,
                       "x-first-death-exchange": ""}
    assert before <= when <= datetime.datetime.utcnow()
    assert (got.body, got.properties.priority, got.properties.expiration) == (b"m", 3, None)
    assert (got.method.exchange, got.method.routing_key, got.method.redelivered) == ("", dead, False)


def test_dead_letter_keeps_its_key(rabbit, name):
    """Without a key of the queue's own; through an exchange."""
    rabbit.exchange(f"{name}-x", "topic")
    queue, dead = lettered(rabbit, name, exchange=f"{name}-x")
    rabbit.exchange(f"{name}-in", "direct")
    rabbit.bind(queue, f"{name}-in", "a.b")
    rabbit.bind(dead, f"{name}-x", "a.*")
    rabbit.publish("a.b", "m", f"{name}-in")
    rabbit.channel.basic_reject(rabbit.get(queue, auto_ack=False).method.delivery_tag, requeue=False)
    got = rabbit.get(dead)
    assert (got.method.exchange, got.method.routing_key) == (f"{name}-x", "a.b")
    death = got.properties.headers["x-death"][0]
    assert (death["exchange"], death["routing-keys"]) == (f"{name}-in", ["a.b"])


def test_dead_letter_with_cc(rabbit, name):
    """The copies' keys are told, the blind ones not."""
    queue, dead = lettered(rabbit, name)
    rabbit.publish("nowhere", "m", headers={"CC": [queue, "elsewhere"], "BCC": ["blind"]})
    rabbit.channel.basic_reject(rabbit.get(queue, auto_ack=False).method.delivery_tag, requeue=False)
    headers = rabbit.get(dead).properties.headers
    assert headers["x-death"][0]["routing-keys"] == ["nowhere", queue, "elsewhere"]
    assert "CC" not in headers, "a key of the queue's own replaces them"


def test_x_death_counts(rabbit, name):
    """Round and round by rejection: one entry a queue and reason, the latest first."""
    back = rabbit.queue(f"{name}-back", exclusive=True, arguments={
        "x-message-ttl": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": name})
    queue = rabbit.queue(name, exclusive=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": back})
    rabbit.publish(queue, "m")
    for count in range(1, 4):
        rabbit.channel.basic_reject(rabbit.get(queue, auto_ack=False).method.delivery_tag, requeue=False)
    headers = rabbit.get(queue).properties.headers
    told = [(death["queue"], death["reason"], death["count"]) for death in headers["x-death"]]
    assert told == [(back, "expired", 3), (queue, "rejected", 3)]
    assert (headers["x-first-death-queue"], headers["x-first-death-reason"]) == (queue, "rejected")


def test_dead_letter_cycle(rabbit, name):
    """A message that dies of itself in a circle is dropped when it comes round."""
    first = rabbit.queue(f"{name}-1", exclusive=True, arguments={
        "x-message-ttl": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}-2"})
    second = rabbit.queue(f"{name}-2", exclusive=True, arguments={
        "x-message-ttl": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}-1"})
    watch = rabbit.exchange(f"{name}-watch", "fanout")
    rabbit.publish(first, "m")
    rabbit.wait(lambda: rabbit.count(first) == rabbit.count(second) == 0, "the message to be gone")
    rabbit.bind(first, watch)
    rabbit.publish("", "end", watch)
    assert rabbit.get(first).body == b"end"


def test_dead_letter_to_nowhere(rabbit, name):
    """An exchange that is not there drops them, and nobody is told."""
    queue = rabbit.queue(name, exclusive=True, arguments={"x-dead-letter-exchange": f"{name}-never"})
    reject(rabbit, queue)
    publish(rabbit, queue, "end")
    assert rabbit.drain(queue) == ["end"]


def test_dead_letters_keep_order(rabbit, name):
    queue, dead = lettered(rabbit, name, **{"x-max-length": 10})
    publish(rabbit, queue, *range(300))
    consumer = rabbit.consume(dead, auto_ack=True)
    assert consumer.bodies(290) == [str(i) for i in range(290)]
    assert rabbit.drain(queue) == [str(i) for i in range(290, 300)]


# ---- priorities

def test_priorities(rabbit, name):
    queue = rabbit.queue(name, exclusive=True, arguments={"x-max-priority": 5})
    for i, priority in enumerate([0, 5, 3, None, 9, 3, 5, 1]):
        rabbit.publish(queue, i, properties=props(priority=priority))
    assert rabbit.drain(queue) == ["1", "4", "6", "2", "5", "7", "0", "3"], "9 is as 5; none is 0; equal ones in order"


def test_priority_is_passed_on(rabbit, name):
    queue = rabbit.queue(name, exclusive=True)
    for i, priority in enumerate([0, 200, None]):
        rabbit.publish(queue, i, properties=props(priority=priority))
    assert [rabbit.get(queue).properties.priority for _ in range(3)] == [0, 200, None], "and a plain queue keeps order"


def test_requeued_keeps_its_priority(rabbit, name):
    queue = rabbit.queue(name, exclusive=True, arguments={"x-max-priority": 10})
    rabbit.publish(queue, "low", priority=1)
    rabbit.publish(queue, "high", priority=9)
    first = rabbit.get(queue, auto_ack=False)
    rabbit.channel.basic_nack(first.method.delivery_tag, requeue=True)
    assert rabbit.drain(queue) == ["high", "low"]


# ---- who consumes

def test_single_active_consumer(rabbit, other, name):
    queue = rabbit.queue(name, arguments={"x-single-active-consumer": True}, auto_delete=False)
    first, second = other.consume(queue, auto_ack=True), rabbit.consume(queue, auto_ack=True)
    publish(rabbit, queue, *"abc")
    assert first.bodies(3) == ["a", "b", "c"]
    first.cancel()
    publish(rabbit, queue, *"de")
    assert second.bodies(2) == ["d", "e"]
    third = other.consume(queue, auto_ack=True)
    publish(rabbit, queue, "f")
    assert second.bodies(1) == ["f"] and not third.messages


def test_single_active_consumer_that_dies(rabbit, other, name):
    """What it held goes to the next, in order."""
    queue = rabbit.queue(name, arguments={"x-single-active-consumer": True}, auto_delete=False)
    first, second = other.consume(queue), rabbit.consume(queue, auto_ack=True)
    publish(rabbit, queue, *"abc")
    first.take(3)
    other.connection.close()
    assert second.bodies(3) == ["a", "b", "c"]


def test_single_active_consumer_is_not_exclusive(rabbit, name):
    queue = rabbit.queue(name, exclusive=True, arguments={"x-single-active-consumer": True})
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as refused:
        rabbit.consume(queue, channel=rabbit.connection.channel(), exclusive=True)
    assert (refused.value.reply_code, refused.value.reply_text) == (
        403, f"ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use")


def test_delivery_limit(rabbit, name):
    """A quorum queue counts what came back, tells it, and lets a poisonous message die."""
    dead = rabbit.queue(f"{name}-dead", exclusive=True)
    queue = rabbit.queue(name, durable=True, arguments={"x-queue-type": "quorum", "x-delivery-limit": 2,
                                                        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    rabbit.publish(queue, "poison", properties=PERSISTENT)
    for count in range(3):
        got = rabbit.get(queue, auto_ack=False)
        assert (got.properties.headers["x-delivery-count"], got.method.redelivered) == (count, count > 0)
        rabbit.channel.basic_reject(got.method.delivery_tag, requeue=True)
    got = rabbit.get(dead)
    assert (got.body, got.properties.headers["x-death"][0]["reason"]) == (b"poison", "delivery_limit")


def test_quorum(rabbit, name):
    """Declared and used as any other."""
    queue = rabbit.queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    publish(rabbit, queue, *range(20))
    consumer = rabbit.consume(queue)
    messages = consumer.take(20)
    assert [message.body.decode() for message in messages] == [str(i) for i in range(20)]
    consumer.ack(messages[-1], multiple=True)
    assert rabbit.count(queue) == 0
