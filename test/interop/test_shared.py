"""Shared subscriptions: a queue that its members empty together, and that loses nothing when one of them dies."""
import contextlib

import pytest

from nodes import PATIENCE_S, wait_until
from party import Party, props
from rawmqtt import DISCONNECT, PINGREQ, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, Closed, Wire, packet

EVER = 0xFFFFFFFF


def drain(parties, count):
    """Takes `count` messages off all of them; returns who got what."""
    got = [[] for _ in parties]

    def look():
        for mine, party in zip(got, parties):
            while not party.messages.empty():
                mine.append(party.messages.get().payload.decode())
        return sum(map(len, got)) >= count
    wait_until(look, f"{count} messages")
    return got


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_each_message_goes_to_one_member(node, name, parties, qos):
    group = [parties(Party(node, f"{name}-{i}")).join() for i in range(4)]
    outside = parties(Party(node)).join()
    for member in group:
        member.subscribe(f"$share/g/{name}/+", qos)
    outside.subscribe(f"{name}/+", qos)
    pub = parties(Party(node)).join()
    for i in range(400):
        pub.publish(f"{name}/{i % 5}", str(i), qos)
    got = drain(group, 400)
    assert sorted(int(x) for mine in got for x in mine) == list(range(400))
    assert min(map(len, got)) > 0
    assert sorted(int(x) for x in outside.payloads(400)) == list(range(400))


def test_groups_are_separate(node, name, parties):
    members = {group: [parties(Party(node)).join() for _ in range(2)] for group in ("g", "h")}
    for group, twins in members.items():
        for member in twins:
            member.subscribe(f"$share/{group}/{name}", 1)
    pub = parties(Party(node)).join()
    for i in range(50):
        pub.publish(name, str(i), 1)
    for twins in members.values():
        assert sorted(int(x) for mine in drain(twins, 50) for x in mine) == list(range(50))


@pytest.mark.parametrize("place", range(4))
def test_a_member_that_dies_loses_nothing(node, name, parties, place):
    """One member takes messages and never acknowledges; when it is cut the other gets them all.

    Client ids are fixed and several, so that with two shards some pairs share one and some do not."""
    lazy = Wire(node)
    lazy.connect(f"lazy-{place}", props=[("receive_maximum", 20)])
    lazy.subscribe((f"$share/g/{name}", 1))
    busy = parties(Party(node, "busy")).join()
    busy.subscribe(f"$share/g/{name}", 1)
    pub = parties(Party(node)).join()
    for i in range(200):
        pub.publish(name, str(i), 1)
    held = [lazy.expect(PUBLISH).payload.decode() for _ in range(20)]
    lazy.close()
    got = busy.payloads(200)
    assert set(held) <= set(got)
    assert sorted(map(int, got)) == list(range(200))


@pytest.mark.parametrize("place", range(4))
def test_a_member_that_leaves_loses_nothing(node, name, parties, place):
    """The same, by UNSUBSCRIBE: what it has been sent stays its own as long as it is there, whatever it acknowledges
    late; all else goes to those that stay, and nothing comes twice."""
    lazy = Wire(node)
    lazy.connect(f"lazy-{place}", props=[("receive_maximum", 5)])
    lazy.subscribe((f"$share/g/{name}", 1))
    busy = parties(Party(node, "busy")).join()
    busy.subscribe(f"$share/g/{name}", 1)
    pub = parties(Party(node)).join()
    for i in range(100):
        pub.publish(name, str(i), 1)
    held = [lazy.expect(PUBLISH) for _ in range(5)]
    lazy.unsubscribe(f"$share/g/{name}")
    got = busy.payloads(95)
    for one in held[:3]:
        lazy.acknowledge(PUBACK, one.packet_id)
    pub.publish(name, "100", 1)
    got += busy.payloads(1)
    mine = [one.payload.decode() for one in held]
    assert sorted(map(int, got + mine)) == list(range(101))
    lazy.send(packet(PINGREQ))
    lazy.expect(PINGRESP)
    lazy.close()
    assert sorted(busy.payloads(2)) == sorted(mine[3:])
    pub.publish(name, "101", 1)
    assert busy.payloads(1) == ["101"]


def test_qos2_in_flight_stays_with_its_member(node, name, parties):
    """MQTT 5, 4.8.2: a QoS 2 delivery that has begun is completed to that client, and to nobody else."""
    kept = [("receive_maximum", 3), ("session_expiry_interval", EVER)]
    first = Wire(node)
    first.connect(f"{name}-first", props=kept)
    first.subscribe((f"$share/g/{name}", 2))
    pub = parties(Party(node)).join()
    for i in range(3):
        pub.publish(name, str(i), 2)
    begun = [first.expect(PUBLISH) for _ in range(3)]
    first.acknowledge(PUBREC, begun[0].packet_id)
    assert first.expect(PUBREL).packet_id == begun[0].packet_id
    other = parties(Party(node, f"{name}-other")).join()
    other.subscribe(f"$share/g/{name}", 2)
    first.close()
    again = Wire(node)
    assert again.connect(f"{name}-first", clean=False, props=kept).session_present
    got = sorted([again.receive() for _ in range(3)], key=lambda one: one.kind == PUBLISH)
    assert [one.kind for one in got] == [PUBREL, PUBLISH, PUBLISH]
    assert sorted(p.packet_id for p in got) == sorted(p.packet_id for p in begun)
    again.acknowledge(PUBCOMP, begun[0].packet_id)
    for one in got[1:]:
        assert one.dup
        again.acknowledge(PUBREC, one.packet_id)
        assert again.expect(PUBREL).packet_id == one.packet_id
        again.acknowledge(PUBCOMP, one.packet_id)
    again.close()
    assert other.messages.empty()


@pytest.mark.parametrize("how", ["cut", "stop", "kill"])
def test_qos2_in_flight_waits_for_the_member_that_left(new_node, name, parties, shards, how):
    """MQTT 5, 3.10.4 and 4.8.2: UNSUBSCRIBE changes nothing about that, and neither does the end of the node."""
    node = new_node(shards=shards)
    kept = [("session_expiry_interval", EVER)]
    first = Wire(node)
    first.connect(f"{name}-first", props=kept)
    first.subscribe((f"$share/g/{name}", 2))
    pub = parties(Party(node)).join()
    for i in range(3):
        pub.publish(name, str(i), 2)
    begun = [first.expect(PUBLISH) for _ in range(3)]
    first.unsubscribe(f"$share/g/{name}")
    first.close()
    pub.cut()
    if how != "cut":
        node.restart(how)
    other = parties(Party(node, f"{name}-other")).join()
    other.subscribe(f"$share/g/{name}", 2)
    again = Wire(node)
    assert again.connect(f"{name}-first", clean=False, props=kept).session_present
    got = [again.expect(PUBLISH) for _ in range(3)]
    assert [(one.packet_id, one.payload) for one in got] == [(one.packet_id, one.payload) for one in begun]
    for one in got:
        assert one.dup
        again.acknowledge(PUBREC, one.packet_id)
        assert again.expect(PUBREL).packet_id == one.packet_id
        again.acknowledge(PUBCOMP, one.packet_id)
    again.close()
    assert other.messages.empty()


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_group_of_absent_sessions_keeps_messages_over_a_restart(new_node, name, parties, shards, how, qos):
    """Members come back one by one: QoS 1 at least once, QoS 2 exactly once, whatever moves between shards meanwhile."""
    node = new_node(shards=shards)
    forever = {"properties": props("connect", SessionExpiryInterval=EVER)}
    for i in range(3):
        member = parties(Party(node, f"member-{i}")).join(**forever)
        member.subscribe(f"$share/g/{name}", qos)
        member.leave()
    pub = parties(Party(node)).join()
    for i in range(100):
        pub.publish(name, str(i), qos)
    pub.cut()
    node.restart(how)
    group = [parties(Party(node, f"member-{i}", clean=False)).join(**forever) for i in range(3)]
    last = parties(Party(node)).join()
    for i in range(100, 200):
        last.publish(name, str(i), qos)
    got = []
    while len(set(got)) < 200:
        got += [int(x) for mine in drain(group, 1) for x in mine]
    for _ in range(20):
        last.publish(name, "end", qos)
    ends = 0
    while ends < 20:
        more = [x for mine in drain(group, 1) for x in mine]
        ends += more.count("end")
        got += [int(x) for x in more if x != "end"]
    assert set(got) == set(range(200))
    assert qos == 1 or len(got) == 200, f"twice: {sorted(x for x in set(got) if got.count(x) > 1)}"


class Member:
    """A durable member of a group that acknowledges as QoS 2 asks, and knows a repetition by its packet identifier."""

    def __init__(self, node, client_id, group):
        self.node, self.client_id, self.group = node, client_id, group
        self.got, self.half = [], set()
        self.wire = None

    def come(self, first=False):
        self.wire = Wire(self.node)
        self.wire.connect(self.client_id, clean=first, props=[("session_expiry_interval", EVER)])
        if first:
            self.wire.subscribe((self.group, 2))

    def leave(self):
        """And the node knows when this returns."""
        self.wire.send(packet(DISCONNECT))
        with contextlib.suppress(Closed):
            while self.wire.receive() is not None:
                pass
        self.wire.close()

    def hear(self):
        found = self.wire.receive(0.005)
        if found is None:
            return
        if found.kind == PUBREL:
            self.half.discard(found.packet_id)
            self.wire.acknowledge(PUBCOMP, found.packet_id)
            return
        if found.packet_id not in self.half:
            self.got.append(int(found.payload))
        self.half.add(found.packet_id)
        self.wire.acknowledge(PUBREC, found.packet_id)


def test_members_that_come_and_go_get_each_message_once(node, name, parties):
    """QoS 2, no faults but absence: nothing is lost or doubled, whatever moves from one shard's part to another's."""
    pub = parties(Party(node)).join()
    outside = [parties(Party(node)).join() for _ in range(4)]  # no group: what is moved is not for them
    for party in outside:
        party.subscribe(name, 2)
    members = [Member(node, f"member-{i}", f"$share/g/{name}") for i in range(3)]
    for member in members:
        member.come(first=True)
        member.leave()
    total = 0
    for round in range(15):
        if round < 14:
            for info in [pub.client.publish(name, str(total + i), 2) for i in range(30)]:
                info.wait_for_publish(PATIENCE_S)
            total += 30
        for member in members:
            member.come()

        def all_had():
            for member in members:
                member.hear()
            return len({x for member in members for x in member.got}) == total
        wait_until(all_had, f"all of round {round}", pause_s=0)
        for member in members:
            member.leave()
    got = sorted(x for member in members for x in member.got)
    assert got == list(range(total)), f"twice: {sorted({x for x in got if got.count(x) > 1})}"
    pub.publish(name, "end", 2)
    for party in outside:
        assert [int(x) for x in party.payloads_until("end")] == list(range(total))


def test_no_retained_messages_for_a_group(node, name, parties):
    """MQTT 5, 3.8.4: retained messages are not sent to a shared subscription."""
    pub = parties(Party(node)).join()
    pub.publish(name, "retained", 1, retain=True)
    member = parties(Party(node)).join()
    member.subscribe(f"$share/g/{name}", 1)
    pub.publish(name, "", 1, retain=True)
    pub.publish(name, "live", 1)
    assert [p for p in member.payloads_until("live") if p] == []


def test_leaving_a_group(node, name, parties):
    stays, leaves = [parties(Party(node)).join() for _ in range(2)]
    for member in (stays, leaves):
        member.subscribe(f"$share/g/{name}", 1)
    leaves.unsubscribe(f"$share/g/{name}")
    pub = parties(Party(node)).join()
    for i in range(20):
        pub.publish(name, str(i), 1)
    assert stays.payloads(20) == [str(i) for i in range(20)]
    assert leaves.messages.empty()


def test_subscription_identifier_of_a_member(node, name, parties):
    """Each member's own."""
    group = [parties(Party(node)).join() for _ in range(2)]
    for i, member in enumerate(group):
        member.subscribe(f"$share/g/{name}", 1, properties=props("subscribe", SubscriptionIdentifier=10 + i))
    pub = parties(Party(node)).join()
    for i in range(50):
        pub.publish(name, str(i), 1)
    count = [0]

    def look():
        for i, member in enumerate(group):
            while not member.messages.empty():
                assert member.messages.get().properties.SubscriptionIdentifier == [10 + i]
                count[0] += 1
        return count[0] == 50
    wait_until(look, "all fifty")


def test_311_clients_share_too(node, name, parties):
    group = [parties(Party(node, version="3.1.1")).join() for _ in range(2)]
    for member in group:
        member.subscribe(f"$share/g/{name}", 1)
    pub = parties(Party(node, version="3.1.1")).join()
    for i in range(50):
        pub.publish(name, str(i), 1)
    got = drain(group, 50)
    assert sorted(int(x) for mine in got for x in mine) == list(range(50))
