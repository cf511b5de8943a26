"""paho-mqtt: what MQTT 3.1.1 and 5 have in common."""
import hashlib

import pytest

from nodes import wait_until
from party import Party, props
from rawmqtt import PUBACK, PUBLISH, PUBREC, PUBREL, PUBCOMP, Wire

versions = pytest.mark.parametrize("version", ["3.1.1", "5"])
EVER = 0xFFFFFFFF


def session(version):
    """CONNECT properties of a session that stays."""
    return {"properties": props("connect", SessionExpiryInterval=EVER)} if version == "5" else {}


@versions
@pytest.mark.parametrize("pub_qos", [0, 1, 2])
@pytest.mark.parametrize("sub_qos", [0, 1, 2])
def test_qos(node, name, parties, version, pub_qos, sub_qos):
    sub = parties(Party(node, version=version)).join()
    assert sub.subscribe(f"{name}/+", sub_qos) == [sub_qos]
    pub = parties(Party(node, version=version)).join()
    for i in range(20):
        pub.publish(f"{name}/{i % 3}", str(i), pub_qos)
    got = sub.take(20)
    assert {m.qos for m in got} == {min(pub_qos, sub_qos)}
    assert not any(m.retain or m.dup for m in got)
    for topic in range(3):
        mine = [int(m.payload) for m in got if m.topic == f"{name}/{topic}"]
        assert mine == list(range(topic, 20, 3))


@pytest.mark.parametrize("pub_version", ["3.1", "3.1.1", "5"])
@pytest.mark.parametrize("sub_version", ["3.1", "3.1.1", "5"])
def test_versions_mix(node, name, parties, pub_version, sub_version):
    sub = parties(Party(node, f"s{name[:10]}", version=sub_version)).join()
    sub.subscribe(name, 2)
    pub = parties(Party(node, f"p{name[:10]}", version=pub_version)).join()
    for qos in range(3):
        pub.publish(name, str(qos), qos)
    assert sorted(sub.payloads(3)) == ["0", "1", "2"]


@versions
def test_overlapping_filters_give_one_copy_at_the_highest_qos(node, name, parties, version):
    party = parties(Party(node, version=version)).join()
    for filter, qos in ((f"{name}/#", 0), (f"{name}/+", 2), (f"{name}/a", 1)):
        party.subscribe(filter, qos)
    party.publish(f"{name}/a", "x", 2)
    party.publish(f"{name}/end", "end", 2)
    got = party.take(2)
    assert [(m.payload, m.qos) for m in got] == [(b"x", 2), (b"end", 2)]


@versions
def test_unsubscribe(node, name, parties, version):
    party = parties(Party(node, version=version)).join()
    party.subscribe(f"{name}/a", 1)
    party.subscribe(f"{name}/b", 1)
    party.unsubscribe(f"{name}/a")
    party.publish(f"{name}/a", "unwanted", 1)
    party.publish(f"{name}/b", "wanted", 1)
    assert party.payloads_until("wanted") == []


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_retained(node, name, parties, version, qos):
    pub = parties(Party(node, version=version)).join()
    watch = parties(Party(node, version=version)).join()
    watch.subscribe(f"{name}/#", 2)
    pub.publish(f"{name}/a", "old", qos, retain=True)
    pub.publish(f"{name}/a", "new", qos, retain=True)
    pub.publish(f"{name}/b", "other", qos, retain=True)
    assert not any(m.retain for m in watch.take(3))

    def fresh():
        late = parties(Party(node, version=version)).join()
        late.subscribe(f"{name}/+", 2)
        pub.publish(f"{name}/end", "end", 1)
        got = []
        while not got or got[-1].payload != b"end":
            got.append(late.take_one())
        return sorted((m.topic[-1], m.payload, m.qos, m.retain) for m in got[:-1])
    wait_until(lambda: fresh() == [("a", b"new", qos, 1), ("b", b"other", qos, 1)], "both retained messages")
    pub.publish(f"{name}/a", "", 1, retain=True)
    pub.publish(f"{name}/b", "", 1, retain=True)
    wait_until(lambda: fresh() == [], "none to be left")


@versions
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_retained_over_a_restart(new_node, name, parties, shards, version, how):
    node = new_node(shards=shards)
    pub = parties(Party(node, version=version)).join()
    for i in range(50):
        pub.publish(f"{name}/{i}", f"old {i}", 1, retain=True)
    for i in range(0, 50, 2):
        pub.publish(f"{name}/{i}", f"new {i}" if i % 4 else "", 1, retain=True)
    pub.cut()
    node.restart(how)
    late = parties(Party(node, version=version)).join()
    late.subscribe(f"{name}/#", 1)
    late.publish(f"{name}/end", "end", 1)
    want = {f"old {i}" for i in range(1, 50, 2)} | {f"new {i}" for i in range(2, 50, 4)}
    got = late.payloads(len(want) + 1)
    assert set(got) == want | {"end"}


@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_absent_session_gets_what_it_missed(node, name, parties, version, qos):
    sub = parties(Party(node, name, version, clean=False))
    assert sub.connect(**session(version))[0] is False
    sub.subscribe(f"{name}/#", qos)
    sub.leave()
    pub = parties(Party(node, version=version)).join()
    for i in range(299):
        pub.publish(f"{name}/x", str(i), qos)
    pub.publish(f"{name}/x", "lost: QoS 0 may be", 0)
    pub.publish(f"{name}/x", "299", qos)  # acknowledged: so what came before it has been seen to, on whichever shard
    again = parties(Party(node, name, version, clean=False))
    assert again.connect(**session(version))[0] is True
    assert again.payloads(300) == [str(i) for i in range(300)]
    fresh = parties(Party(node, name, version, clean=True))
    again.cut()
    assert fresh.connect()[0] is False
    pub.publish(f"{name}/x", "nobody subscribes to this any more", 1)
    fresh.subscribe(name, 1)
    pub.publish(name, "end", 1)
    assert fresh.payloads_until("end") == []


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_will(node, name, parties, version, qos):
    watch = parties(Party(node, version=version)).join()
    watch.subscribe(f"{name}/#", 2)
    dying = parties(Party(node, version=version))
    dying.client.will_set(f"{name}/will", "gone", qos, retain=True)
    dying.join()
    dying.cut()
    message = watch.take_one()
    assert (message.topic, message.payload, message.qos) == (f"{name}/will", b"gone", qos)

    def late():
        party = parties(Party(node, version=version)).join()
        party.subscribe(f"{name}/will", 2)
        party.publish(f"{name}/will", "end", 1)
        return [(m.payload, m.retain) for m in party.take(1)] == [(b"gone", 1)]
    wait_until(late, "the will to be retained")


@versions
def test_no_will_after_disconnect(node, name, parties, version):
    watch = parties(Party(node, version=version)).join()
    watch.subscribe(f"{name}/#", 1)
    leaving = parties(Party(node, version=version))
    leaving.client.will_set(f"{name}/will", "gone", 1)
    leaving.join()
    leaving.publish(f"{name}/x", "leaving", 1)
    leaving.leave()
    watch.publish(f"{name}/x", "end", 1)
    assert watch.payloads_until("end") == ["leaving"]


@versions
def test_will_after_keepalive(node, name, parties, version):
    """A client that falls silent is given up after one and a half keep-alives."""
    watch = parties(Party(node, version=version)).join()
    watch.subscribe(f"{name}/#", 1)
    silent = parties(Party(node, version=version))
    silent.client.will_set(f"{name}/will", "silent", 1)
    silent.client.connect("127.0.0.1", node.port, keepalive=1)
    while silent.connects.empty():
        silent.client.loop(0.1)
    assert watch.payloads(1) == ["silent"]


@versions
def test_take_over(node, name, parties, version):
    first = parties(Party(node, name, version, clean=False))
    first.client._reconnect_on_failure = False
    first.join(**session(version))
    first.subscribe(name, 1)
    second = parties(Party(node, name, version, clean=False))
    assert second.connect(**session(version))[0] is True
    first.ended()
    second.publish(name, "for the second", 1)
    assert second.payloads(1) == ["for the second"]
    assert first.messages.empty()


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_large_payload(node, name, parties, version, qos):
    payload = hashlib.sha512(name.encode()).digest() * (16 * 1024 * 1024 // 64)
    sub = parties(Party(node, version=version)).join()
    sub.subscribe(name, qos)
    pub = parties(Party(node, version=version)).join()
    pub.publish(name, payload, qos)
    got = sub.take_one()
    assert (len(got.payload), got.payload == payload) == (16 * 1024 * 1024, True)


def test_large_payload_waits_for_an_absent_session(new_node, name, parties, shards):
    """Through the log, and over a kill."""
    payload = hashlib.sha512(name.encode()).digest() * (16 * 1024 * 1024 // 64)
    node = new_node(shards=shards)
    sub = parties(Party(node, name, "3.1.1", clean=False)).join()
    sub.subscribe(name, 1)
    sub.leave()
    pub = parties(Party(node, version="3.1.1")).join()
    for _ in range(3):
        pub.publish(name, payload, 1)
    pub.cut()
    node.restart("kill")
    again = parties(Party(node, name, "3.1.1", clean=False))
    assert again.connect()[0] is True
    assert [m.payload == payload for m in again.take(3)] == [True] * 3


def test_topics_of_every_shape(node, name, parties):
    party = parties(Party(node, version="5")).join()
    party.subscribe(f"{name}/#", 1)
    topics = [f"{name}{rest}" for rest in ("", "/", "//", "/ ", "/a b", "/ü/\U0001F600", "/$SYS", "/" + "x" * 60000,
                                           "/".join([""] * 100))]
    for topic in topics:
        party.publish(topic, "x", 1)
    assert [m.topic for m in party.take(len(topics))] == topics


def test_wildcards_do_not_match_dollar_topics(node, name, parties):
    party = parties(Party(node, version="3.1.1")).join()
    party.subscribe("#", 1)
    party.subscribe("+/" + name, 1)
    party.publish(f"$other/{name}", "hidden", 1)
    party.publish(f"plain/{name}", "seen", 1)
    topics = []
    while f"plain/{name}" not in topics:
        topics.append(party.take_one().topic)
    assert f"$other/{name}" not in topics


@versions
def test_qos2_once_over_kills(new_node, name, parties, shards, version):
    """paho's own resumption on both sides, the node killed three times while messages flow."""
    node = new_node(shards=shards)
    sub = parties(Party(node, f"sub-{name}", version, clean=False)).join(**session(version))
    sub.subscribe(name, 2)
    pub = parties(Party(node, f"pub-{name}", version, clean=False)).join(**session(version))
    total, window = 800, 100
    infos = []
    for i in range(total):
        infos.append(pub.client.publish(name, str(i), 2))
        if i >= window:
            infos[i - window].wait_for_publish(60)
        if i % 200 == 150:
            node.restart("kill")
            assert (sub.connected()[0], pub.connected()[0]) == (True, True)
    for info in infos:
        info.wait_for_publish(60)
        assert info.is_published()
    pub.publish(name, "end", 2)
    assert sorted(map(int, sub.payloads_until("end"))) == list(range(total))


@versions
def test_unacknowledged_comes_again(node, name, version):
    """QoS 1 and 2 in flight at a cut: again, marked dup, under the same packet identifier and in the same order."""
    number = 5 if version == "5" else 4
    props_ = [("session_expiry_interval", EVER)] if number == 5 else []
    wire = Wire(node, number)
    wire.connect(name, clean=False, props=props_)
    wire.subscribe((name, 2))
    pub = Wire(node, number)
    pub.connect("")
    for qos in (1, 2):
        pub.publish(name, f"qos {qos}", qos, packet_id=qos)
        pub.expect(PUBACK if qos == 1 else PUBREC)
    pub.acknowledge(PUBREL, 2)
    pub.expect(PUBCOMP)
    before = sorted([wire.expect(PUBLISH) for _ in range(2)], key=lambda p: p.qos)
    wire.close()
    again = Wire(node, number)
    assert again.connect(name, clean=False, props=props_).session_present
    after = sorted([again.expect(PUBLISH) for _ in range(2)], key=lambda p: p.qos)
    assert [(p.packet_id, p.payload, p.qos) for p in after] == [(p.packet_id, p.payload, p.qos) for p in before]
    assert all(p.dup for p in after)
    again.acknowledge(PUBACK, after[0].packet_id)
    again.acknowledge(PUBREC, after[1].packet_id)
    assert again.expect(PUBREL).packet_id == after[1].packet_id
    again.close()
    third = Wire(node, number)
    assert third.connect(name, clean=False, props=props_).session_present
    assert third.expect(PUBREL).packet_id == after[1].packet_id
    third.acknowledge(PUBCOMP, after[1].packet_id)
    third.publish(name, "end", 0)
    assert third.expect(PUBLISH).payload == b"end"
    third.close()
    pub.close()

