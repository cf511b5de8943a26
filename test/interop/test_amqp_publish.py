"""AMQP 0-9-1: publishing, returns, confirms, transactions, properties."""
import datetime
import decimal

import pika
import pytest
from pika import frame, spec

from rabbit import PERSISTENT, Rabbit, props
from rawamqp import Wire, raw_frame


@pytest.fixture
def rabbit(node, parties):
    return parties(Rabbit(node))


@pytest.fixture
def wire(node, parties):
    return parties(Wire(node)).open().channel()


def declared(wire, name, **more):
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True, **more))
    return name


# ---- properties

def test_every_property(rabbit):
    queue = rabbit.queue()
    values = dict(content_type="text/plain", content_encoding="gzip", headers={"h": 1}, delivery_mode=2, priority=7,
                  correlation_id="corr", reply_to="back", expiration="60000", message_id="mid", timestamp=1700000000,
                  type="kind", user_id="guest", app_id="app", cluster_id="cluster")
    rabbit.publish(queue, "m", **values)
    assert rabbit.get(queue).properties == props(**values)


@pytest.mark.parametrize("one", ["content_type", "delivery_mode", "cluster_id", None])
def test_no_more_properties_than_were_sent(rabbit, one):
    queue = rabbit.queue()
    values = {"content_type": "x", "delivery_mode": 1, "cluster_id": "c"}
    sent = props(**{one: values[one]}) if one else props()
    rabbit.publish(queue, "m", properties=sent)
    assert rabbit.get(queue).properties == sent


def test_headers_of_every_type(rabbit):
    """As RabbitMQ reads them; what one client wrote the other sees."""
    queue = rabbit.queue()
    when = datetime.datetime(2026, 1, 2, 3, 4, 5)
    headers = {"bool": True, "no": False, "int": -5, "long": 2**40, "text": "schlüssel ☃", "bytes": b"\x00\xff", "none": None,
               "decimal": decimal.Decimal("3.14"), "time": when, "table": {"in": {"deep": [1, "a", {"k": None}]}, "x": 1},
               "array": [1, -1, "two", [True], {"t": 1}], "empty": {}, "nothing": [], "": "no name", "k" * 128: 1}
    rabbit.publish(queue, "m", headers=headers)
    assert rabbit.get(queue).properties.headers == headers


def test_headers_by_hand(wire, name):
    """Types that pika cannot write pass through untouched."""
    declared(wire, name)
    table = b"\x01bb\xfe" + b"\x01BB\xfe" + b"\x01ss\xff\xfe" + b"\x01uu\xff\xfe" + b"\x01ii\xff\xff\xff\xfe" + b"\x01f" + b"f\x3f\x80\x00\x00"
    table += b"\x01d" + b"d\x3f\xf0" + bytes(6) + b"\x01x" + b"x\x00\x00\x00\x02hi" + b"\x01V" + b"V"
    raw = len(table).to_bytes(4, "big") + table
    head = b"\x00\x3c\x00\x00" + (1).to_bytes(8, "big") + b"\x20\x00" + raw
    wire.send(frame.Method(1, spec.Basic.Publish(routing_key=name)).marshal() + raw_frame(2, 1, head) + frame.Body(1, b"x").marshal())
    wire.tell(spec.Basic.Get(queue=name, no_ack=True))
    wire.expect(spec.Basic.GetOk)
    while wire.input.count(b"\xce") < 2 or len(wire.input) < len(head) + 16:
        wire.read()
    assert wire.input[7:7 + len(head)] == head


def test_empty_body(rabbit):
    queue = rabbit.queue()
    rabbit.publish(queue, b"", content_type="none")
    got = rabbit.get(queue)
    assert (got.body, got.properties.content_type) == (b"", "none")


@pytest.mark.parametrize("size", [1, 131063, 131064, 131065, 262128, 262129, 1 << 20])
def test_bodies_around_a_frame(rabbit, size):
    queue = rabbit.queue()
    body = bytes(i * 7 & 0xFF for i in range(size))
    rabbit.publish(queue, body)
    assert rabbit.get(queue).body == body


# ---- mandatory, immediate

def test_mandatory(wire, name):
    """The whole message comes back, before its confirm."""
    wire.ask(spec.Confirm.Select())
    wire.publish(name, b"body", mandatory=True, content_type="t", headers={"a": 1})
    got = wire.content(spec.Basic.Return)
    assert (got.method.reply_code, got.method.reply_text, got.method.exchange, got.method.routing_key) == (312, "NO_ROUTE", "", name)
    assert (got.body, got.properties.content_type, got.properties.headers) == (b"body", "t", {"a": 1})
    assert wire.expect(spec.Basic.Ack).delivery_tag == 1


def test_mandatory_that_is_routed(wire, name):
    declared(wire, name)
    wire.publish(name, b"1", mandatory=True)
    wire.publish(name, b"2")
    wire.publish(f"{name}-no", b"3")  # not mandatory: silently dropped
    wire.tell(spec.Basic.Consume(queue=name, no_ack=True))
    wire.expect(spec.Basic.ConsumeOk)
    assert [wire.content().body for _ in range(2)] == [b"1", b"2"]


def test_mandatory_through_exchanges(rabbit, name):
    rabbit.confirming()
    rabbit.exchange(f"{name}-1", "fanout")
    rabbit.exchange(f"{name}-2", "fanout")
    rabbit.channel.exchange_bind(f"{name}-2", f"{name}-1")
    with pytest.raises(pika.exceptions.UnroutableError) as returned:
        rabbit.publish("k", "m", f"{name}-1", mandatory=True)
    assert returned.value.messages[0].method.exchange == f"{name}-1"


# ---- confirms

def test_confirms(wire, name):
    """Counted from 1 a channel, from confirm.select on; each once."""
    declared(wire, name)
    wire.publish(name, b"before")
    wire.ask(spec.Confirm.Select())
    for i in range(100):
        wire.publish(name, b"x", delivery_mode=1 + i % 2)
    confirmed = 0
    while confirmed < 100:
        ack = wire.expect(spec.Basic.Ack)
        assert ack.delivery_tag > confirmed and (ack.multiple or ack.delivery_tag == confirmed + 1), (ack, confirmed)
        confirmed = ack.delivery_tag
    wire.ask(spec.Confirm.Select())  # once more changes nothing
    wire.publish(name, b"x")
    assert wire.expect(spec.Basic.Ack).delivery_tag == 101


def test_confirm_of_the_unroutable(wire, name):
    wire.ask(spec.Confirm.Select())
    wire.publish(name, b"dropped")
    assert wire.expect(spec.Basic.Ack).delivery_tag == 1


def test_confirms_of_two_channels(wire, name):
    wire.channel(2)
    declared(wire, name)
    for channel in (1, 2):
        wire.ask(spec.Confirm.Select(), channel)
        wire.publish(name, b"x", channel=channel)
        assert wire.expect(spec.Basic.Ack, channel).delivery_tag == 1


def test_nack_of_the_rejected(wire, name):
    declared(wire, name, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    wire.ask(spec.Confirm.Select())
    wire.publish(name, b"1")
    assert wire.expect(spec.Basic.Ack).delivery_tag == 1
    wire.publish(name, b"2")
    assert wire.expect(spec.Basic.Nack).delivery_tag == 2
    wire.publish(f"{name}-no", b"3")
    assert wire.expect(spec.Basic.Ack).delivery_tag == 3


def test_confirm_after_the_queue_is_gone(wire, name):
    declared(wire, name)
    wire.ask(spec.Confirm.Select())
    wire.publish(name, b"1")
    wire.tell(spec.Queue.Delete(queue=name))
    kinds = sorted(type(wire.take_frame().method).__name__ for _ in range(2))
    assert kinds == ["Ack", "DeleteOk"]


def test_user_id_that_is_ones_own(rabbit):
    queue = rabbit.queue()
    rabbit.publish(queue, "m", user_id="guest")
    assert rabbit.get(queue).properties.user_id == "guest"


def test_pika_confirms_persistent(rabbit, name):
    queue = rabbit.queue(name, durable=True)
    rabbit.confirming()
    for i in range(100):
        rabbit.publish(queue, i, properties=PERSISTENT, mandatory=True)
    assert rabbit.drain(queue) == [str(i) for i in range(100)]


# ---- transactions

def test_commit(rabbit, node, parties):
    """Nothing is seen before, all of it after, in order."""
    watch = parties(Rabbit(node))
    queues = [watch.queue(auto_delete=False) for _ in range(2)]
    rabbit.channel.tx_select()
    for i in range(10):
        rabbit.publish(queues[i % 2], i)
    assert [watch.count(queue) for queue in queues] == [0, 0]
    rabbit.channel.tx_commit()
    assert [watch.drain(queue) for queue in queues] == [["0", "2", "4", "6", "8"], ["1", "3", "5", "7", "9"]]


def test_rollback(rabbit, node, parties):
    queue = rabbit.queue()
    rabbit.channel.tx_select()
    rabbit.publish(queue, "never")
    rabbit.channel.tx_rollback()
    rabbit.publish(queue, "ever")
    rabbit.channel.tx_commit()
    assert rabbit.drain(queue) == ["ever"]


def test_commit_of_acks(rabbit, name):
    """Settlements are part of it: rolled back, they have not been made."""
    queue = rabbit.queue()
    for body in "abc":
        rabbit.publish(queue, body)
    channel = rabbit.connection.channel()
    channel.tx_select()
    consumer = rabbit.consume(queue, channel=channel)
    messages = consumer.take(3)
    consumer.ack(messages[0])
    channel.tx_rollback()
    consumer.ack(messages[1])
    channel.tx_commit()
    channel.close()
    assert rabbit.drain(queue) == ["a", "c"]


def test_requeue_in_a_transaction(rabbit):
    queue = rabbit.queue()
    rabbit.publish(queue, "m")
    channel = rabbit.connection.channel()
    channel.tx_select()
    method, _, _ = channel.basic_get(queue)
    channel.basic_reject(method.delivery_tag, requeue=True)
    assert rabbit.count(queue) == 0, "not yet"
    channel.tx_commit()
    got = rabbit.get(queue)
    assert (got.body, got.method.redelivered) == (b"m", True)


def test_transaction_that_is_not_committed(rabbit):
    """The end of the channel rolls back."""
    queue = rabbit.queue()
    rabbit.publish(queue, "held")
    channel = rabbit.connection.channel()
    channel.tx_select()
    channel.basic_publish("", queue, b"never")
    method, _, _ = channel.basic_get(queue)
    channel.basic_ack(method.delivery_tag)
    channel.close()
    assert rabbit.drain(queue) == ["held"]


def test_error_in_a_transaction(rabbit, name):
    """A publication to an exchange that is not there closes the channel, and what was before it is not committed."""
    queue = rabbit.queue()
    channel = rabbit.connection.channel()
    channel.tx_select()
    channel.basic_publish("", queue, b"never")
    channel.basic_publish(f"{name}-no", "k", b"wrong")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.tx_commit()
    assert closed.value.reply_code == 404
    assert rabbit.drain(queue) == []


def test_mandatory_in_a_transaction(wire, name):
    """Returned at the commit, before commit-ok."""
    wire.ask(spec.Tx.Select())
    wire.publish(name, b"back", mandatory=True)
    wire.tell(spec.Tx.Commit())
    assert wire.content(spec.Basic.Return).body == b"back"
    wire.expect(spec.Tx.CommitOk)


# ---- requests and replies

def test_direct_reply_to(rabbit, node, parties):
    """Request and answer without a queue for the answers."""
    server = parties(Rabbit(node))
    queue = server.queue(auto_delete=False)
    answers = rabbit.consume("amq.rabbitmq.reply-to", auto_ack=True)
    for i in range(10):
        rabbit.publish(queue, i, reply_to="amq.rabbitmq.reply-to", correlation_id=str(i))
    for request in server.consume(queue, auto_ack=True).take(10):
        reply_to = request.properties.reply_to
        assert reply_to.startswith("amq.rabbitmq.reply-to.")
        server.publish(reply_to, b"re: " + request.body, correlation_id=request.properties.correlation_id)
    got = answers.take(10)
    assert [(m.body.decode(), m.properties.correlation_id) for m in got] == [(f"re: {i}", str(i)) for i in range(10)]
    assert got[0].method.exchange == ""


def test_direct_reply_to_is_checked(rabbit, node, parties):
    """A server can ask whether the client still waits; afterwards its answers are dropped, or returned."""
    server = parties(Rabbit(node)).confirming()
    queue = server.queue(auto_delete=False)
    rabbit.consume("amq.rabbitmq.reply-to", auto_ack=True)
    rabbit.publish(queue, "ask", reply_to="amq.rabbitmq.reply-to")
    reply_to = server.get(queue).properties.reply_to
    assert server.facts(reply_to).queue == reply_to
    rabbit.connection.close()
    server.wait(lambda: not server.exists(reply_to), "the client's reply queue to go")
    server.publish(reply_to, "late")
    with pytest.raises(pika.exceptions.UnroutableError):
        server.publish(reply_to, "late", mandatory=True)


def test_rpc_by_a_queue(rabbit, node, parties):
    """The classic way."""
    server = parties(Rabbit(node))
    requests = server.queue(auto_delete=False)
    replies = rabbit.queue()
    answers = rabbit.consume(replies, auto_ack=True)
    rabbit.publish(requests, "6*7", reply_to=replies, correlation_id="c")
    asked = server.consume(requests, auto_ack=True).take_one()
    server.publish(asked.properties.reply_to, "42", correlation_id=asked.properties.correlation_id)
    got = answers.take_one()
    assert (got.body, got.properties.correlation_id) == (b"42", "c")
