"""tambo put, get, poll, notify, queue, exchange, bind, policy, definitions as a user types them."""
import json
import signal
import subprocess

import pytest

from nodes import PATIENCE_S, TAMBO
from test_cli import run


class Queue:
    """The commands, told where the node is."""

    def __init__(self, node, name):
        self.node = node
        self.name = name
        self.tambo("queue", "declare", name)

    def tambo(self, command, *arguments, **more):
        return run(command, "-p", self.node.port, *arguments, **more)

    def put(self, *arguments, **more):
        return self.tambo("put", self.name, *arguments, **more)

    def show(self):
        return json.loads(self.tambo("queue", "show", self.name, "--json").stdout)


@pytest.fixture
def queue(node, name):
    queue = Queue(node, name)
    yield queue
    run("queue", "-p", node.port, "delete", name)


def notify(queue, *arguments, code=0):
    return run("notify", "-p", queue.node.port, queue.name, *arguments, code=code)


# ---- put, get, poll

def test_what_is_put_is_got_once(queue):
    queue.put("hello")
    assert queue.tambo("get", queue.name).stdout == b"hello\n"
    assert queue.tambo("poll", queue.name, code=1).stdout == b""


def test_lines_through_a_pipe(queue):
    lines = b"".join(b"line %d \xc3\xbc\n" % i for i in range(5000))
    queue.put("-l", data=lines)
    assert queue.tambo("get", "-n", 5000, queue.name).stdout == lines


def test_get_takes_no_more_than_it_was_asked_for(queue):
    queue.put("-l", data=b"1\n2\n3\n4\n5\n")
    assert queue.tambo("get", "-n", 2, queue.name).stdout == b"1\n2\n"
    left = [json.loads(line) for line in queue.tambo("poll", "--json", "-n", 9, queue.name).stdout.splitlines()]
    assert [(one["payload"], one["redelivered"]) for one in left] == [("3", False), ("4", False), ("5", False)]


def test_get_waits(queue):
    waiting = subprocess.Popen([TAMBO, "get", "-p", str(queue.node.port), queue.name], stdout=subprocess.PIPE)
    queue.put("late")
    assert waiting.communicate(timeout=PATIENCE_S)[0] == b"late\n"
    assert waiting.returncode == 0


def test_get_gives_up(queue):
    done = queue.tambo("get", "-W", 0.3, queue.name, code=1)
    assert b"timed out after 0 of 1 messages" in done.stderr


def test_properties_come_through(queue):
    queue.put("hi", "--content-type", "text/plain", "--header", "n=5", "--header", "flag=true", "--header", "word=x",
              "--priority", 3, "--correlation-id", "c", "--transient", "--expiration", 60000)
    message = json.loads(queue.tambo("get", "--json", queue.name).stdout)
    assert message == {"exchange": "", "routing_key": queue.name, "redelivered": False, "payload": "hi", "properties": {
        "content_type": "text/plain", "delivery_mode": 1, "priority": 3, "correlation_id": "c", "expiration": "60000",
        "headers": {"n": 5, "flag": True, "word": "x"}}}


def test_large_and_binary(queue):
    blob = bytes(range(256)) * 4096
    queue.put("-s", data=blob)
    assert queue.tambo("get", "-N", queue.name).stdout == blob
    queue.put("-s", data=b"\xff\xfe")
    assert json.loads(queue.tambo("get", "--json", queue.name).stdout)["payload_base64"] == "//4="


def test_refusals_are_the_servers_words(node, name):
    assert f"NO_ROUTE: no queue '{name}'".encode() in run("put", "-p", node.port, name, "x", code=1).stderr
    for command in ("get", "poll"):
        assert f"NOT_FOUND - no queue '{name}' in vhost '/'".encode() in run(command, "-p", node.port, name, code=1).stderr


def test_a_reader_that_goes_is_no_failure(queue):
    queue.put("-l", data=b"x\n" * 2000)
    getting = subprocess.Popen([TAMBO, "get", "-n", "0", "-p", str(queue.node.port), queue.name],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    getting.stdout.readline()
    getting.stdout.close()
    queue.put("-l", data=b"y\n" * 10)
    assert getting.wait(PATIENCE_S) == 0
    assert getting.stderr.read() == b""


# ---- notify

def test_notify_acknowledges_what_succeeds(queue):
    queue.put("one", "--header", "n=1")
    out = notify(queue, "-n", 1, "--", "sh", "-c", "cat; echo; echo $TAMBO_HEADERS $TAMBO_ROUTING_KEY").stdout
    assert out == f'one\n{{"n":1}} {queue.name}\n'.encode()
    assert queue.show()["messages"] == 0


def test_notify_puts_back_what_fails(queue):
    queue.put("bad")
    assert b"exited with 3" in notify(queue, "-n", 1, "--", "sh", "-c", "exit 3").stderr
    assert json.loads(queue.tambo("poll", "--json", queue.name).stdout)["redelivered"]


def test_notify_runs_in_parallel(queue):
    queue.put("-l", data=b"1\n2\n3\n")
    # Each waits until all three have begun.
    script = "touch $0.$(cat); while [ $(ls $0.* | wc -l) -lt 3 ]; do sleep 0.05; done"
    notify(queue, "-n", 3, "-j", 3, "--", "sh", "-c", script, str(queue.node.directory / queue.name))


def test_notify_of_a_command_that_is_not_there(queue):
    queue.put("x")
    assert b"/no/such: not found" in notify(queue, "--", "/no/such", code=1).stderr
    assert queue.tambo("poll", queue.name).stdout == b"x\n"


# ---- what there is

def test_queues_are_declared_shown_purged_and_deleted(node, name):
    def tambo(*arguments, code=0):
        return run("queue", "-p", node.port, *arguments, code=code)

    assert tambo("declare", name, "--arg", "x-max-length=3", "--json").stdout == \
        f'{{"queue":"{name}","messages":0,"consumers":0}}\n'.encode()
    run("put", "-p", node.port, name, "-l", data=b"1\n2\n3\n4\n5\n")
    shown = json.loads(tambo("show", name, "--json").stdout)
    assert (shown["messages"], shown["arguments"], shown["durable"]) == (3, {"x-max-length": 3}, True)
    assert name in [json.loads(line)["name"] for line in tambo("list", "--json").stdout.splitlines()]
    assert b"PRECONDITION_FAILED - inequivalent arg 'x-max-length'" in tambo("declare", name, code=1).stderr
    assert tambo("purge", name).stdout == b"3 messages\n"
    assert tambo("delete", name).stdout == b"0 messages\n"
    assert b"NOT_FOUND" in tambo("show", name, code=1).stderr


def test_bindings_lead_somewhere(queue):
    port, source, between = queue.node.port, f"{queue.name}-x", f"{queue.name}-y"
    run("exchange", "-p", port, "declare", source, "-t", "topic")
    run("exchange", "-p", port, "declare", between, "-t", "headers")
    run("bind", "-p", port, source, queue.name, "--key", "a.*")
    run("bind", "-p", port, between, source, "--exchange-to-exchange", "--header", "n=1")
    run("put", "-p", port, "--exchange", source, "--key", "a.b", "first")
    run("put", "-p", port, "--exchange", between, "--key", "a.c", "second", "--header", "n=1")
    run("put", "-p", port, "--exchange", between, "--key", "a.c", "third", "--header", "n=2")
    assert b"NO_ROUTE" in run("put", "-p", port, "--exchange", source, "--mandatory", "--key", "b", "x", code=1).stderr
    assert queue.tambo("poll", "-n", 9, queue.name).stdout == b"first\nsecond\n"
    run("unbind", "-p", port, source, queue.name, "--key", "a.*")
    run("put", "-p", port, "--exchange", source, "--key", "a.b", "fourth")
    queue.tambo("poll", queue.name, code=1)
    for exchange in (source, between):
        run("exchange", "-p", port, "delete", exchange)


def test_policies_apply(queue):
    port, policy = queue.node.port, f"{queue.name}-policy"
    run("policy", "-p", port, "set", policy, f"^{queue.name}$", '{"max-length": 2}', "--apply-to", "queues")
    queue.put("-l", data=b"1\n2\n3\n")
    assert queue.show()["policy"] == policy
    assert queue.tambo("poll", "-n", 9, queue.name).stdout == b"2\n3\n"
    listed = [json.loads(line) for line in run("policy", "-p", port, "list", "--json").stdout.splitlines()]
    assert [one["definition"] for one in listed if one["name"] == policy] == [{"max-length": 2}]
    run("policy", "-p", port, "clear", policy)
    assert queue.show()["policy"] == ""


def test_definitions_move_to_another_node(queue, new_node, tmp_path):
    run("bind", "-p", queue.node.port, "amq.topic", queue.name, "--key", "d.#")
    file = tmp_path / "definitions.json"
    file.write_bytes(run("definitions", "-p", queue.node.port, "export").stdout)
    other = new_node()
    run("definitions", "-p", other.port, "import", file)
    run("put", "-p", other.port, "--exchange", "amq.topic", "--key", "d.e", "hi")
    assert run("poll", "-p", other.port, queue.name).stdout == b"hi\n"


def test_what_was_put_outlives_a_kill(new_node):
    node = new_node()
    run("queue", "-p", node.port, "declare", "q")
    run("put", "-p", node.port, "q", "-l", data=b"1\n2\n3\n")
    node.process.send_signal(signal.SIGKILL)
    node.process.wait()
    node.start()
    assert run("get", "-p", node.port, "-n", 3, "q").stdout == b"1\n2\n3\n"


# ---- both protocols

def test_mqtt_feeds_a_queue(queue):
    run("bind", "-p", queue.node.port, "amq.topic", queue.name, "--key", f"{queue.name}.*")
    run("pub", "-p", queue.node.port, "-t", f"{queue.name}/1", "-q", 1, "-m", "21.5")
    message = json.loads(queue.tambo("get", "--json", queue.name).stdout)
    assert (message["payload"], message["routing_key"]) == ("21.5", f"{queue.name}.1")


def test_virtual_hosts_come_and_go(new_node, shards):
    """Several, so that with two shards some live on another than the one that is asked."""
    node = new_node(shards=shards)
    names = [f"house {i}" for i in range(4)]

    def listed():
        return {json.loads(line)["name"] for line in run("vhost", "-p", node.port, "list", "--json").stdout.splitlines()}
    for one in names:
        run("vhost", "-p", node.port, "add", one)
        run("queue", "-p", node.port, "declare", "-v", one, "q")
        run("put", "-p", node.port, "-v", one, "q", f"in {one}")
    assert b"exists already" in run("vhost", "-p", node.port, "add", names[0], code=1).stderr
    node.restart("kill")
    assert listed() == {"/", *names}
    for one in names:
        assert run("get", "-p", node.port, "-v", one, "q").stdout == f"in {one}\n".encode()
    run("vhost", "-p", node.port, "delete", names[1])
    assert b"NOT_ALLOWED - vhost house 1 not found" in run("put", "-p", node.port, "-v", names[1], "q", "x", code=1).stderr
    assert b"stays" in run("vhost", "-p", node.port, "delete", "/", code=1).stderr
    node.restart("stop")
    assert listed() == {"/", names[0], *names[2:]}
