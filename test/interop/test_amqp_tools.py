"""amqp-tools (librabbitmq): amqp-publish, amqp-consume, amqp-get, amqp-declare-queue, amqp-delete-queue."""
import subprocess

import pika
import pytest

from nodes import PATIENCE_S, wait_until
from rabbit import Rabbit


@pytest.fixture
def tool(node):
    """Runs one to its end; returns its exit code and what it printed."""
    def run(name, *arguments, stdin=b""):
        done = subprocess.run([f"amqp-{name}", "--server=127.0.0.1", f"--port={node.port}", *arguments], input=stdin,
                              capture_output=True, timeout=2 * PATIENCE_S)
        assert done.returncode == 0 or name == "get", (name, arguments, done.stderr)
        return done.returncode, done.stdout
    return run


@pytest.fixture
def queue(tool, name):
    assert tool("declare-queue", "--durable", f"--queue={name}") == (0, f"{name}\n".encode())
    yield name
    tool("delete-queue", f"--queue={name}")


def test_publish_and_get(tool, queue):
    tool("publish", f"--routing-key={queue}", "--body=from the command line")
    assert tool("get", f"--queue={queue}") == (0, b"from the command line")
    code, out = tool("get", f"--queue={queue}")
    assert (code, out) == (2, b""), "empty"


def test_body_from_stdin(tool, queue):
    body = bytes(range(256)) * 1000
    tool("publish", f"--routing-key={queue}", "--persistent", stdin=body)
    assert tool("get", f"--queue={queue}") == (0, body)


def test_lines(tool, queue):
    """One message a line."""
    tool("publish", f"--routing-key={queue}", "--line-buffered", stdin=b"one\ntwo\nthree\n")
    assert [tool("get", f"--queue={queue}")[1] for _ in range(3)] == [b"one\n", b"two\n", b"three\n"]


def test_properties(tool, queue, node, parties):
    tool("publish", f"--routing-key={queue}", "--persistent", "--content-type=text/plain", "--content-encoding=none",
         "--reply-to=back", "--header=key: value", "--body=m")
    got = parties(Rabbit(node)).get(queue).properties
    assert (got.delivery_mode, got.content_type, got.content_encoding, got.reply_to) == (
        2, "text/plain", "none", "back")
    assert got.headers == {"key": "value"}


def test_consume(tool, queue):
    """A command for each message, the body on its standard input."""
    for i in range(5):
        tool("publish", f"--routing-key={queue}", f"--body={i}")
    assert tool("consume", f"--queue={queue}", "--count=5", "--prefetch-count=2", "cat")[1] == b"01234"
    assert tool("get", f"--queue={queue}")[0] == 2


def test_consume_through_an_exchange(node, parties, name):
    """A queue of its own, bound; what comes while it runs."""
    rabbit = parties(Rabbit(node))
    rabbit.exchange(name, "topic")
    child = subprocess.Popen(["amqp-consume", "--server=127.0.0.1", f"--port={node.port}", f"--exchange={name}",
                              "--routing-key=a.#", "--count=2", "cat"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    rabbit.confirming()
    wait_until(lambda: routed(rabbit, name), "its queue to be bound")
    rabbit.publish("a.b", "more", name)
    out, _ = child.communicate(timeout=PATIENCE_S)
    assert out == b"xmore"


def routed(rabbit, exchange):
    try:
        rabbit.publish("a", "x", exchange, mandatory=True)
    except pika.exceptions.UnroutableError:
        return False
    return True


def test_delete_queue_tells_how_many(tool, name):
    tool("declare-queue", f"--queue={name}")
    for _ in range(3):
        tool("publish", f"--routing-key={name}", "--body=x")
    assert tool("delete-queue", f"--queue={name}")[1].strip() == b"3"
