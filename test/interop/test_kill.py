"""kill -9 under load, on the real file system, twenty times: what was confirmed is there, QoS 2 once, order kept."""
import threading
import time

from nodes import PATIENCE_S, wait_until
from rawmqtt import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, Closed, Wire, publish, subscribe

KILLS = 20
WINDOW = 50
A_ROUND = 150  # confirmations of each publisher between two kills


class Client(threading.Thread):
    """A client that keeps its session's state in memory and comes back whenever the node does."""

    def __init__(self, node, client_id):
        super().__init__(daemon=True)
        self.node, self.client_id = node, client_id
        self.stopping = threading.Event()
        self.problem = None
        self.returns = 0

    def run(self):
        try:
            while not self.stopping.is_set():
                try:
                    self.live()
                except (Closed, OSError):
                    time.sleep(0.01)
        except BaseException as problem:  # told by check(), in the test's own thread
            self.problem = problem

    def live(self):
        wire = Wire(self.node, 4)
        try:
            answer = wire.connect(self.client_id, clean=False)
            assert answer.reason == 0
            assert answer.session_present is (self.returns > 0), "the session is lost"
            self.begin(wire)
            self.returns += 1
            while not self.stopping.is_set():
                self.work(wire)
        finally:
            wire.close()

    def check(self):
        if self.problem is not None:
            raise self.problem

    def stop(self):
        self.stopping.set()
        self.join()
        self.check()


class Publisher(Client):
    """Counts up, with a window of messages in flight; `confirmed` is how many are, in order."""

    def __init__(self, node, client_id, topic, qos, retain=False):
        super().__init__(node, client_id)
        self.topic, self.qos, self.retain = topic, qos, retain
        self.next = 0
        self.confirmed = 0
        self.inflight = {}  # packet id: number; in order
        self.released = set()  # packet ids that have had their PUBREC
        self.pausing = threading.Event()

    def encode(self, packet_id, dup):
        return publish(self.topic, str(self.inflight[packet_id]), self.qos, packet_id, 4, self.retain, dup)

    def begin(self, wire):
        for packet_id in self.inflight:
            if packet_id not in self.released:
                wire.send(self.encode(packet_id, True))
        for packet_id in self.inflight:
            if packet_id in self.released:
                wire.acknowledge(PUBREL, packet_id)

    def work(self, wire):
        out = b""
        while len(self.inflight) < WINDOW and not self.pausing.is_set():
            packet_id = self.next % 60000 + 1
            self.inflight[packet_id] = self.next
            self.next += 1
            out += self.encode(packet_id, False)
        wire.send(out)
        got = wire.receive(0.05)
        if got is None:
            return
        assert got.packet_id in self.inflight, f"type {got.kind} for packet id {got.packet_id}, which is not in flight"
        if got.kind == PUBREC:
            self.released.add(got.packet_id)
            wire.acknowledge(PUBREL, got.packet_id)
            return
        assert got.kind == (PUBACK if self.qos == 1 else PUBCOMP)
        self.released.discard(got.packet_id)
        assert self.inflight.pop(got.packet_id) == self.confirmed, "confirmations out of order"
        self.confirmed += 1


class Subscriber(Client):
    """Keeps the numbers of each topic as they come; knows QoS 2 duplicates by their packet ids."""

    def __init__(self, node, client_id, filter):
        super().__init__(node, client_id)
        self.filter = filter
        self.got = {}
        self.half = set()  # packet ids between PUBLISH and PUBREL

    def begin(self, wire):
        self.wire = wire
        if self.returns == 0:
            wire.send(subscribe(1, [(self.filter, 2)], 4))
            assert wire.expect(SUBACK).reasons == [2]

    def work(self, wire):
        found = wire.receive(0.05)
        if found is None:
            return
        if found.kind == PUBREL:
            self.half.discard(found.packet_id)
            wire.acknowledge(PUBCOMP, found.packet_id)
            return
        assert found.kind == PUBLISH
        if found.qos == 1 or found.packet_id not in self.half:
            self.got.setdefault(found.topic, []).append(int(found.payload))
        if found.qos == 2:
            self.half.add(found.packet_id)
        wire.acknowledge(PUBACK if found.qos == 1 else PUBREC, found.packet_id)


def firsts(numbers):
    """Each number once, where it came first."""
    return list(dict.fromkeys(numbers))


def check_delivery(subscriber, publishers):
    for pub in publishers:
        got = subscriber.got[pub.topic]
        if pub.qos == 1:
            got = firsts(got)
        lost = sorted(set(range(pub.confirmed)) - set(got))
        assert not lost, f"{subscriber.client_id} never had {lost[:10]} ({len(lost)}) of {pub.topic}"
        twice = len(got) - len(set(got))
        assert twice == 0, f"{subscriber.client_id} had {twice} of {pub.topic} twice at QoS 2"
        assert got == sorted(got), f"{subscriber.client_id}: order of {pub.topic}"


def retained_value(node, topic):
    wire = Wire(node, 4)
    wire.connect("")
    wire.subscribe((topic, 0))
    value = int(wire.expect(PUBLISH).payload)
    wire.close()
    return value


def test_nothing_confirmed_is_lost(new_node, shards):
    node = new_node(shards=shards)
    publishers = [Publisher(node, f"pub-{i}", f"k/{i}", qos) for i, qos in enumerate((1, 2, 1, 2))]
    keeper = Publisher(node, "keeper", "kept", 1, retain=True)
    present, absent = Subscriber(node, "present", "k/+"), Subscriber(node, "absent", "k/+")
    clients = [present, *publishers, keeper]
    absent.start()
    wait_until(lambda: absent.check() or absent.returns, "a session that stays away")
    absent.stop()
    present.start()
    wait_until(lambda: present.check() or present.returns, "the subscription")
    for client in clients[1:]:
        client.start()
    try:
        for kill in range(KILLS):
            goals = [(pub, pub.confirmed + A_ROUND) for pub in [*publishers, keeper]]

            def reached():
                for client in clients:
                    client.check()
                return all(pub.confirmed >= goal for pub, goal in goals)
            wait_until(reached, f"confirmations in round {kill}", 2 * PATIENCE_S)
            node.kill()
            confirmed = keeper.confirmed
            node.start()
            assert confirmed - 1 <= retained_value(node, "kept")
        for pub in [*publishers, keeper]:
            pub.pausing.set()
        wait_until(lambda: [c.check() for c in clients] and not any(p.inflight for p in publishers), "the last confirmations",
                   2 * PATIENCE_S)
        late = Subscriber(node, "absent", "k/+")
        late.returns = 1
        late.start()
        clients.append(late)
        for subscriber in (present, late):
            wait_until(lambda: [c.check() for c in clients] and all(
                p.confirmed - 1 in subscriber.got.get(p.topic, ()) for p in publishers), "the last deliveries",
                2 * PATIENCE_S)
            check_delivery(subscriber, publishers)
        assert retained_value(node, "kept") == keeper.next - 1
    finally:
        for client in clients:
            client.stopping.set()
    for client in clients:
        client.stop()
    assert all(pub.confirmed == pub.next >= KILLS * A_ROUND for pub in publishers)
