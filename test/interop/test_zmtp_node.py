"""pyzmq's sockets at a node: queues, topics, requests; crossing with pika and paho; what a kill leaves."""
import json
import socket
import struct
import threading
import time

import pytest
import zmq

from nodes import PATIENCE_S, wait_until
from party import Party
from rabbit import Rabbit, props

pytestmark = pytest.mark.usefixtures("tambo_only")

SERVED = {"zmtp": "{push: {queue: jobs}, pull: {queue: jobs}, req: {queue: rpc}, rep: {queue: rpc}}"}


class Sockets:
    def __init__(self, node):
        self.node, self.context = node, zmq.Context()

    def __call__(self, kind, **options):
        made = self.context.socket(kind)
        made.linger = 0
        made.rcvtimeo = made.sndtimeo = PATIENCE_S * 1000
        for name, value in options.items():
            setattr(made, name, value)
        made.connect(f"tcp://127.0.0.1:{self.node.port}")
        return made


@pytest.fixture(params=[1, 2], ids=["1-shard", "2-shards"])
def served(request, new_node):
    return new_node(shards=request.param, settings=SERVED)


@pytest.fixture
def sockets(served):
    made = Sockets(served)
    yield made
    made.context.destroy(linger=0)


@pytest.fixture
def rabbit(served, parties):
    return parties(Rabbit(served))


def ask(rabbit, what):
    """A request to the node, as `tambo list-...` makes it."""
    answers = rabbit.queue()
    rabbit.publish("$tambo", json.dumps({"do": what}), reply_to=answers)
    return json.loads(rabbit.get(answers).body)["ok"]


def unsettled(rabbit, queue):
    """Ready or in flight."""
    return sum(q["messages"] for q in ask(rabbit, "list-queues") if q["name"] == queue)


def test_push_to_pull(served, sockets):
    push, pull = sockets(zmq.PUSH), sockets(zmq.PULL)
    sent = [[b"%d" % i] for i in range(5000)] + [[b"a", b"", b"c" * 300], [b""], [b"x" * 1000000]]
    for parts in sent:
        push.send_multipart(parts)
    assert [pull.recv_multipart() for _ in sent] == sent


def test_push_to_pika_and_pika_to_pull(served, sockets, rabbit):
    push = sockets(zmq.PUSH)
    push.send(b"one")
    push.send_multipart([b"a", b"b"])
    wait_until(lambda: rabbit.count("jobs") == 2, "two messages")
    method, properties, body = rabbit.channel.basic_get("jobs", auto_ack=True)
    assert (body, properties.delivery_mode, properties.content_type) == (b"one", 2, None)
    method, properties, body = rabbit.channel.basic_get("jobs", auto_ack=True)
    assert (body, properties.content_type) == (b"\1\1a\0\1b", "application/x-zmtp")
    rabbit.channel.basic_publish("", "jobs", b"hello")
    rabbit.channel.basic_publish("", "jobs", b"\1\1a\0\1b", props(content_type="application/x-zmtp"))
    rabbit.channel.basic_publish("", "jobs", b"\1\1", props(content_type="application/x-zmtp"))  # says so and is not
    pull = sockets(zmq.PULL)
    assert [pull.recv_multipart() for _ in range(3)] == [[b"hello"], [b"a", b"b"], [b"\1\1"]]
    wait_until(lambda: unsettled(rabbit, "jobs") == 0, "all to be settled")


def test_an_unread_delivery_goes_back(served, sockets, rabbit):
    """Who reads nothing is settled nothing: its system's buffers are not it."""
    peer = Bare(served, "PULL")
    for i in range(10):
        rabbit.channel.basic_publish("", "jobs", b"%d" % i)
    assert peer.frames(10) == [b"%d" % i for i in range(10)]  # and does not answer the PING
    assert unsettled(rabbit, "jobs") == 10
    peer.socket.close()
    pull = sockets(zmq.PULL)
    assert sorted(pull.recv() for _ in range(10)) == [b"%d" % i for i in range(10)]
    wait_until(lambda: unsettled(rabbit, "jobs") == 0, "all to be settled")


def test_a_peer_of_3_0_is_settled_when_it_has_left(served, rabbit):
    peer = Bare(served, "PULL", minor=0)
    rabbit.channel.basic_publish("", "jobs", b"old")
    assert peer.frames(1) == [b"old"]
    wait_until(lambda: unsettled(rabbit, "jobs") == 0, "it to be settled")
    peer.socket.close()


def test_topics(served, sockets, rabbit, parties):
    paho = parties(Party(served)).join()
    paho.subscribe("a/#")
    queue = rabbit.channel.queue_declare("", exclusive=True).method.queue
    rabbit.channel.queue_bind(queue, "amq.topic", "a.#")
    sub = sockets(zmq.SUB)
    sub.subscribe(b"a/b")
    pub = sockets(zmq.XPUB)
    assert pub.recv() == b"\1"  # the node takes everything
    hello = threading.Event()

    def knock():  # a SUB's subscription is nowhere confirmed
        while not hello.wait(0.05):
            pub.send_multipart([b"a/b!", b"hello"])

    knocking = threading.Thread(target=knock)
    knocking.start()
    assert sub.recv_multipart() == [b"a/b!", b"hello"]
    hello.set()
    knocking.join()
    pub.send_multipart([b"a/bc", b"one"])
    pub.send_multipart([b"a/c", b"not for it"])
    pub.send_multipart([b"a/b", b"two", b"three"])
    pub.send(b"a/b alone")
    pub.send_multipart([b"a/last", b""])
    got = []
    while len(got) < 3:
        parts = sub.recv_multipart()
        if parts[0] != b"a/b!":
            got.append(parts)
    assert got == [[b"a/bc", b"one"], [b"a/b", b"two", b"three"], [b"a/b alone"]]
    seen = []
    while not seen or seen[-1][0] != "a/last":
        message = paho.messages.get(timeout=PATIENCE_S)
        if message.topic != "a/b!":
            seen.append((message.topic, message.payload))
    assert seen == [("a/bc", b"one"), ("a/c", b"not for it"), ("a/b", b"\1\3two\0\5three"), ("a/b alone", b""),
                    ("a/last", b"")]
    wait_until(lambda: rabbit.channel.basic_get(queue, auto_ack=True)[2] == b"one", "it at AMQP")
    paho.client.publish("a/b/mqtt", b"from paho", qos=1)
    rabbit.channel.basic_publish("amq.topic", "a.b.amqp", b"from pika")
    assert sorted([sub.recv_multipart(), sub.recv_multipart()]) == [[b"a/b/amqp", b"from pika"],
                                                                    [b"a/b/mqtt", b"from paho"]]


def test_a_request_waits_for_its_worker(served, sockets, rabbit):
    req, rep = sockets(zmq.REQ), None
    req.send_multipart([b"how", b"much"])
    wait_until(lambda: rabbit.count("rpc") == 1, "the request to wait")
    rep = sockets(zmq.REP)
    assert rep.recv_multipart() == [b"how", b"much"]
    rep.send_multipart([b"so", b"much"])
    assert req.recv_multipart() == [b"so", b"much"]


def test_a_request_outlives_its_worker(served, sockets):
    req, first = sockets(zmq.REQ), sockets(zmq.REP)
    req.send(b"hello")
    assert first.recv() == b"hello"
    first.close()
    second = sockets(zmq.REP)
    assert second.recv() == b"hello"
    second.send(b"here")
    assert req.recv() == b"here"


def test_many_requests_and_workers(served, sockets):
    dealer, workers = sockets(zmq.DEALER), [sockets(zmq.REP) for _ in range(3)]
    router = sockets(zmq.ROUTER)

    def work():
        poller = zmq.Poller()
        for worker in (*workers, router):
            poller.register(worker, zmq.POLLIN)
        answered = 0
        while answered < 300:
            for worker, _ in poller.poll(PATIENCE_S * 1000):
                parts = worker.recv_multipart()
                worker.send_multipart(parts[:-1] + [parts[-1].upper()])
                answered += 1

    working = threading.Thread(target=work)
    working.start()
    for i in range(300):
        dealer.send_multipart([b"%d" % i, b"", b"ask %d" % i])
    got = dict(dealer.recv_multipart()[::2] for _ in range(300))
    working.join()
    assert got == {b"%d" % i: b"ASK %d" % i for i in range(300)}


def test_requests_cross(served, sockets, rabbit, parties):
    """pika works for REQ as its own tutorial does, and asks REP."""
    other = parties(Rabbit(served))
    req = sockets(zmq.REQ)
    req.send(b"to pika")
    got = []
    wait_until(lambda: (got.append(rabbit.channel.basic_get("rpc", auto_ack=True)) or got[-1][0]), "the request")
    _, asked, body = got[-1]
    assert body == b"to pika"
    rabbit.channel.basic_publish("", asked.reply_to, b"from pika", props(correlation_id=asked.correlation_id))
    assert req.recv() == b"from pika"
    answers = []
    other.channel.basic_consume("amq.rabbitmq.reply-to", lambda *message: answers.append(message), auto_ack=True)
    other.channel.basic_publish("", "rpc", b"to zmq", props(reply_to="amq.rabbitmq.reply-to", correlation_id="7"))
    rep = sockets(zmq.REP)
    assert rep.recv() == b"to zmq"
    rep.send(b"from zmq")
    deadline = time.monotonic() + PATIENCE_S
    while not answers and time.monotonic() < deadline:
        other.channel.connection.process_data_events(0.1)
    _, _, properties, body = answers[0]
    assert (properties.correlation_id, body) == ("7", b"from zmq")


def test_a_full_queue_holds_its_pushes(new_node, parties):
    """Back-pressure reaches the sender, and nothing is lost."""
    node = new_node(settings=SERVED)
    rabbit = parties(Rabbit(node))
    rabbit.channel.queue_delete("jobs")
    rabbit.channel.queue_declare("jobs", durable=True, arguments={"x-max-length": 100, "x-overflow": "reject-publish"})
    sockets = Sockets(node)
    push = sockets(zmq.PUSH, sndhwm=10)
    push.sndtimeo = 500
    sent = 0
    with pytest.raises(zmq.Again):
        while True:
            push.send(b"%8d" % sent + b"x" * 10000)
            sent += 1
    assert 100 < sent < 3000
    assert rabbit.count("jobs") == 100
    pull = sockets(zmq.PULL)
    assert [int(pull.recv()[:8]) for _ in range(sent)] == list(range(sent))
    sockets.context.destroy(linger=0)


def test_kill_keeps_what_was_synced(new_node):
    """ZMTP acknowledges nothing: a message is safe when the node has synced it, which shows in the queue only.  So: what
    the node had when it was killed is there afterwards, once each and in order, and what it did not have is lost."""
    node = new_node(settings=SERVED)
    sockets = Sockets(node)
    push = sockets(zmq.PUSH)
    for i in range(2000):
        push.send(b"%d" % i)
    rabbit = Rabbit(node)
    wait_until(lambda: rabbit.count("jobs") == 2000, "all in the queue")
    confirmed = rabbit.confirming()  # its confirm waits for the same log
    confirmed.channel.basic_publish("", "jobs", b"2000", props(delivery_mode=2))
    node.restart("kill")
    sockets.context.destroy(linger=0)
    sockets = Sockets(node)
    pull = sockets(zmq.PULL)
    assert [int(pull.recv()) for _ in range(2001)] == list(range(2001))
    sockets.context.destroy(linger=0)


def test_refusals_are_told(served, sockets):
    peer = Bare(served, "PUSH", resource=b"nowhere")
    assert peer.error() == b"there-is-no-queue-of-this-name"
    assert Bare(served, "PAIR").error() == b"this-socket-type-is-not-served-here"
    wait_until(lambda: "there is no queue of this name" in served.log(), "its line")


def test_connections_are_listed(served, sockets, rabbit):
    pull = sockets(zmq.PULL)
    wait_until(lambda: [c["queue"] for c in ask(rabbit, "list-connections") if c["protocol"] == "ZMTP"] == ["jobs"],
               "it in the list")
    pull.close()


class Bare:
    """A socket that says what a peer of ZMTP 3.x says, and answers nothing."""

    def __init__(self, node, pattern, minor=1, resource=b""):
        self.socket = socket.create_connection(("127.0.0.1", node.port), PATIENCE_S)
        self.buffer = b""
        self.socket.sendall(b"\xff" + bytes(8) + b"\x7f\3" + bytes([minor]) + b"NULL".ljust(20, b"\0") + bytes(32))
        data = self.property(b"Socket-Type", pattern.encode())
        if resource:
            data += self.property(b"Resource", resource)
        body = b"\5READY" + data
        self.socket.sendall(bytes([4, len(body)]) + body)
        self.take(64)
        self.answer = self.frame()

    @staticmethod
    def property(name, value):
        return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value

    def take(self, n):
        while len(self.buffer) < n:
            got = self.socket.recv(65536)
            assert got, "the node has closed"
            self.buffer += got
        got, self.buffer = self.buffer[:n], self.buffer[n:]
        return got

    def frame(self):
        flags = self.take(1)[0]
        size = struct.unpack(">Q", self.take(8))[0] if flags & 2 else self.take(1)[0]
        return flags, self.take(size)

    def frames(self, count):
        """The next messages of one frame; commands are passed over."""
        got = []
        while len(got) < count:
            flags, body = self.frame()
            if not flags & 4:
                got.append(body)
        return got

    def error(self):
        flags, body = self.answer
        assert body.startswith(b"\5ERROR"), body
        return body[7:]
