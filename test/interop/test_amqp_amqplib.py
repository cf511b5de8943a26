"""amqplib, the AMQP 0-9-1 client of Node.js."""
import hashlib

import pytest

import amqplib
import arm


@pytest.fixture(scope="module", autouse=True)
def arms():
    """One process for each node, started when first wanted."""
    arm.install()
    arms = {}
    yield arms
    for one in arms.values():
        one.close()


@pytest.fixture
def js(arms, node):
    if node not in arms:
        arms[node] = amqplib.Js(node)
    arms[node].open("c", confirm=True)
    yield arms[node]
    arms[node].reset()


def filled(js, count):
    """A queue with bodies 0 to count - 1."""
    queue = js.declare("c")
    js.ask("flood", "c", exchange="", key=queue, count=count, options={})
    return queue


# ---- publishing

def test_confirms(js):
    queue = filled(js, 500)
    js.consume("c", queue, noAck=True)
    assert js.bodies("c", 500) == [str(i) for i in range(500)]


def test_a_full_queue_nacks(js):
    queue = js.declare("c", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    js.publish("c", "", queue, "fits")
    with pytest.raises(AssertionError, match="message nacked"):
        js.publish("c", "", queue, "does not")
    assert js.call("c", "get", queue)["content"] == "fits"


def test_mandatory_is_returned(js, name):
    js.publish("c", "", name, "lost", mandatory=True)
    got = js.event("c", "return")
    assert (got["fields"]["replyCode"], got["fields"]["replyText"], got["content"]) == (312, "NO_ROUTE", "lost")


def test_properties(js):
    queue = js.declare("c")
    sent = {"contentType": "text/x", "contentEncoding": "y", "priority": 3, "correlationId": "c", "replyTo": "r",
            "expiration": "60000", "messageId": "m", "timestamp": 1700000000, "type": "t", "appId": "a"}
    headers = {"text": "ü", "small": -3, "large": 1 << 40, "half": 0.5, "yes": True, "none": None, "list": [1, "two", [3]],
               "table": {"inner": {"k": "v"}}}
    js.publish("c", "", queue, "\x00\xff", persistent=True, headers=headers, **sent)
    got = js.call("c", "get", queue)
    assert got["content"] == "\x00\xff"
    assert got["properties"]["headers"] == headers
    assert got["properties"]["deliveryMode"] == 2
    assert {key: got["properties"][key] for key in sent} == sent


@pytest.mark.parametrize("size", [0, 4088, 4089, 1 << 20])
def test_sizes(js, size):
    """amqplib asks for small frames: a large body is many."""
    queue = js.declare("c")
    body = "0123456789abcdef" * (size // 16) + "x" * (size % 16)
    js.publish("c", "", queue, body)
    got = js.call("c", "get", queue)["content"]
    assert hashlib.sha256(got.encode()).digest() == hashlib.sha256(body.encode()).digest()


# ---- exchanges

@pytest.mark.parametrize("pattern,wanted", [
    ("*.orange.*", ["quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox"]),
    ("*.*.rabbit", ["quick.orange.rabbit"]),
    ("lazy.#", ["lazy.orange.elephant", "lazy.brown.fox", "lazy"]),
    ("#", ["quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox", "lazy.brown.fox", "lazy", "orange"]),
])
def test_topic_exchange(js, name, pattern, wanted):
    js.call("c", "assertExchange", name, "topic", {"durable": False, "autoDelete": True})
    queue = js.declare("c")
    js.call("c", "bindQueue", queue, name, pattern)
    js.consume("c", queue, noAck=True)
    for key in ("quick.orange.rabbit", "lazy.orange.elephant", "quick.orange.fox", "lazy.brown.fox", "lazy", "orange"):
        js.publish("c", name, key, key)
    js.publish("c", "", queue, "end")
    assert js.bodies("c", len(wanted) + 1) == [*wanted, "end"]


def test_exchange_to_exchange(js, name):
    for exchange in (f"{name}-in", f"{name}-out"):
        js.call("c", "assertExchange", exchange, "fanout", {"durable": False, "autoDelete": True})
    queue = js.declare("c")
    js.call("c", "bindExchange", f"{name}-out", f"{name}-in", "")
    js.call("c", "bindQueue", queue, f"{name}-out", "")
    js.publish("c", f"{name}-in", "k", "through")
    got = js.call("c", "get", queue)
    assert (got["fields"]["exchange"], got["fields"]["routingKey"], got["content"]) == (f"{name}-in", "k", "through")


# ---- consuming

def test_prefetch(js):
    queue = filled(js, 10)
    js.call("c", "prefetch", 3)
    js.consume("c", queue)
    got = [js.message("c") for _ in range(3)]
    assert js.ready("c", queue) == 7
    js.settle("c", "ack", got[0])
    assert js.message("c")["content"] == "3"
    js.settle("c", "ack", got[2], True)
    assert js.bodies("c", 2) == ["4", "5"]
    assert js.ready("c", queue) == 4


def test_work_is_shared(js):
    """Two workers that take one at a time; what one of them never finishes goes to the other when it leaves."""
    queue = js.call("c", "assertQueue", "", {"autoDelete": True})["queue"]
    js.ask("flood", "c", exchange="", key=queue, count=10, options={})
    for worker in ("stuck", "busy"):
        js.open(worker)
        js.call(worker, "prefetch", 1)
        js.consume(worker, queue)
    first = js.message("stuck")
    seen = []
    for _ in range(9):
        message = js.message("busy")
        seen.append(message["content"])
        js.settle("busy", "ack", message)
    assert [first["content"], *seen] == [str(i) for i in range(10)]
    js.call("stuck", "close")
    again = js.message("busy")
    assert (again["content"], again["fields"]["redelivered"]) == (first["content"], True)


def test_nack_requeues(js):
    queue = filled(js, 3)
    js.call("c", "prefetch", 1)
    js.consume("c", queue)
    first = js.message("c")
    assert (first["content"], first["fields"]["redelivered"]) == ("0", False)
    js.settle("c", "nack", first)
    again = js.message("c")
    assert (again["content"], again["fields"]["redelivered"]) == ("0", True)
    js.settle("c", "ack", again)
    assert js.message("c")["content"] == "1"


def test_nack_of_all(js):
    queue = filled(js, 5)
    tag = js.consume("c", queue)
    assert js.bodies("c", 5) == list("01234")
    js.call("c", "cancel", tag)
    js.call("c", "nackAll", True)
    assert js.ready("c", queue) == 5


def test_recover(js):
    queue = filled(js, 3)
    js.consume("c", queue)
    assert js.bodies("c", 3) == list("012")
    js.call("c", "recover")
    again = [js.message("c") for _ in range(3)]
    assert [(m["content"], m["fields"]["redelivered"]) for m in again] == [("0", True), ("1", True), ("2", True)]


@pytest.mark.parametrize("how", ["nack", "reject"])
def test_refused_messages_are_dead_lettered(js, how):
    dead = js.declare("c")
    queue = js.declare("c", deadLetterExchange="", deadLetterRoutingKey=dead)
    js.publish("c", "", queue, "bad")
    js.consume("c", dead, noAck=True)
    js.settle("c", how, js.call("c", "get", queue), *([False, False] if how == "nack" else [False]))
    got = js.message("c")
    death = got["properties"]["headers"]["x-death"][0]
    assert (got["content"], death["reason"], death["queue"], death["count"]) == ("bad", "rejected", queue, 1)


def test_consumer_hears_that_its_queue_is_gone(js):
    queue = js.declare("c")
    js.consume("c", queue)
    js.call("c", "deleteQueue", queue)
    js.event("c", "cancel")


def test_rpc_with_direct_reply_to(js):
    js.open("worker")
    js.open("asker")
    queue = js.call("worker", "assertQueue", "", {"autoDelete": True})["queue"]
    js.consume("worker", queue, noAck=True)
    js.consume("asker", "amq.rabbitmq.reply-to", noAck=True)
    for i in range(20):
        js.publish("asker", "", queue, str(i), replyTo="amq.rabbitmq.reply-to", correlationId=f"c{i}")
        request = js.message("worker")["properties"]
        assert request["replyTo"].startswith("amq.rabbitmq.reply-to.")
        js.publish("worker", "", request["replyTo"], str(i * i), correlationId=request["correlationId"])
        answer = js.message("asker")
        assert (answer["content"], answer["properties"]["correlationId"]) == (str(i * i), f"c{i}")


# ---- what goes wrong

def test_errors_are_told(js, name):
    with pytest.raises(AssertionError, match="404"):
        js.call("c", "checkQueue", name)
    got = js.event("c", "error")
    assert (got["code"], f"NOT_FOUND - no queue '{name}' in vhost '/'" in got["error"]) == (404, True)


def test_equivalence_is_checked(js, name):
    js.declare("c", name, maxLength=1)
    with pytest.raises(AssertionError, match="406"):
        js.declare("c", name, maxLength=2)
    assert "inequivalent arg 'x-max-length' for queue" in js.event("c", "error")["error"]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_durable_over_a_restart(new_node, parties, shards, how):
    node = new_node(shards=shards)
    js = parties(amqplib.Js(node))
    js.open("c", confirm=True)
    js.call("c", "assertQueue", "jobs", {"durable": True})
    js.ask("flood", "c", exchange="", key="jobs", count=100, options={"persistent": True})
    node.restart(how)
    js.event("c", "connection close")
    js.open("again")
    js.consume("again", "jobs", noAck=True)
    assert js.bodies("again", 100) == [str(i) for i in range(100)]
