"""MQTT.js, versions 4 (3.1.1) and 5 of the protocol."""
import hashlib

import pytest

import arm
import mqttjs
from party import Party

versions = pytest.mark.parametrize("version", [4, 5], ids=["3.1.1", "5"])
EVER = 0xFFFFFFFF


@pytest.fixture(scope="module", autouse=True)
def arms():
    """One MQTT.js process for each node, started when first wanted."""
    arm.install()
    arms = {}
    yield arms
    for one in arms.values():
        one.close()


@pytest.fixture
def js(arms, node):
    if node not in arms:
        arms[node] = mqttjs.Js(node)
    yield arms[node]
    arms[node].reset()


def lasting(version):
    """CONNECT options of a session that stays."""
    return {"clean": False, **({"properties": {"sessionExpiryInterval": EVER}} if version == 5 else {})}


@versions
@pytest.mark.parametrize("pub_qos", [0, 1, 2])
@pytest.mark.parametrize("sub_qos", [0, 1, 2])
def test_qos(js, name, version, pub_qos, sub_qos):
    js.connect("sub", version)
    assert js.subscribe("sub", f"{name}/+", sub_qos)[0]["qos"] == sub_qos
    js.connect("pub", version)
    for i in range(10):
        js.publish("pub", f"{name}/x", str(i), pub_qos)
    got = js.messages("sub", 10)
    assert [m["payload"] for m in got] == [str(i) for i in range(10)]
    assert {m["qos"] for m in got} == {min(pub_qos, sub_qos)}
    js.ask("end", "pub")


@versions
def test_retained(js, name, version):
    js.connect("pub", version)
    js.publish("pub", name, "old", 1, retain=True)
    js.publish("pub", name, "kept", 1, retain=True)
    js.connect("late", version)
    js.subscribe("late", name, 1)
    got = js.event("late", "message")
    assert (got["payload"], got["retain"]) == ("kept", True)
    js.publish("pub", name, "", 1, retain=True)
    js.event("late", "message")
    js.connect("later", version)
    js.subscribe("later", name, 1)
    js.publish("pub", name, "live", 1)
    got = js.event("later", "message")
    assert (got["payload"], got["retain"]) == ("live", False)


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_will(js, name, version, qos):
    js.connect("watch", version)
    js.subscribe("watch", f"{name}/#", 2)
    js.connect("dying", version, will={"topic": f"{name}/will", "payload": "gone", "qos": qos, "retain": False})
    js.tell("cut", "dying", forever=True)
    got = js.event("watch", "message")
    assert (got["topic"], got["payload"], got["qos"]) == (f"{name}/will", "gone", qos)
    js.connect("leaving", version, will={"topic": f"{name}/will", "payload": "wrong", "qos": qos, "retain": False})
    js.ask("end", "leaving")
    js.publish("watch", f"{name}/end", "end", 1)
    assert js.event("watch", "message")["payload"] == "end"


@versions
def test_unsubscribe(js, name, version):
    js.connect("c", version)
    js.subscribe("c", f"{name}/a", 1)
    js.subscribe("c", f"{name}/b", 1)
    js.ask("unsubscribe", "c", filter=f"{name}/a")
    js.publish("c", f"{name}/a", "unwanted", 1)
    js.publish("c", f"{name}/b", "wanted", 1)
    assert js.payloads("c", 1) == ["wanted"]


def test_properties(js, name):
    js.connect("sub", 5)
    js.subscribe("sub", name, 1, properties={"subscriptionIdentifier": 321})
    js.connect("pub", 5)
    js.publish("pub", name, "body", 1, properties={
        "userProperties": {"a": ["1", "2"], "b": "3"}, "contentType": "text/x", "responseTopic": "answers",
        "correlationData": "\x00\xff\x01", "payloadFormatIndicator": True, "messageExpiryInterval": 1000})
    got = js.event("sub", "message")["properties"]
    assert got["userProperties"] == {"a": ["1", "2"], "b": "3"}
    assert (got["contentType"], got["responseTopic"], got["correlationData"]) == ("text/x", "answers", "\x00\xff\x01")
    assert got["payloadFormatIndicator"] is True
    assert got["subscriptionIdentifier"] == 321
    assert 900 < got["messageExpiryInterval"] <= 1000


def test_will_properties(js, name):
    js.connect("watch", 5)
    js.subscribe("watch", name, 1)
    js.connect("dying", 5, will={"topic": name, "payload": "gone", "qos": 1, "retain": False, "properties": {
        "contentType": "c", "userProperties": {"why": "cut"}}})
    js.tell("cut", "dying", forever=True)
    got = js.event("watch", "message")["properties"]
    assert (got["contentType"], got["userProperties"]) == ("c", {"why": "cut"})


def test_no_local_and_retain_options(js, name):
    js.connect("c", 5)
    js.connect("other", 5)
    js.publish("other", f"{name}/kept", "kept", 1, retain=True)
    js.subscribe("c", f"{name}/#", 1, nl=True, rap=True, rh=2)
    js.publish("c", f"{name}/x", "my own", 1)
    js.publish("other", f"{name}/x", "another's", 1, retain=True)
    got = js.event("c", "message")
    assert (got["payload"], got["retain"]) == ("another's", True)
    for topic in ("x", "kept"):
        js.publish("other", f"{name}/{topic}", "", 1, retain=True)


def test_topic_aliases(js, name):
    """MQTT.js assigns aliases of its own accord and resolves ours."""
    js.connect("sub", 5, properties={"topicAliasMaximum": 3})
    js.subscribe("sub", f"{name}/#", 1)
    js.connect("pub", 5, autoAssignTopicAlias=True)
    for i in range(40):
        js.publish("pub", f"{name}/{i % 5}", str(i), 1)
    got = js.messages("sub", 40)
    assert [(m["topic"], m["payload"]) for m in got] == [(f"{name}/{i % 5}", str(i)) for i in range(40)]


def test_shared_subscription(js, name):
    for i in range(2):
        js.connect(f"m{i}", 5)
        js.subscribe(f"m{i}", f"$share/g/{name}", 1)
    js.connect("pub", 5)
    for i in range(40):
        js.publish("pub", name, str(i), 1)
    js.connect("watch", 5)
    seen = []
    while len(seen) < 40:
        for i in range(2):
            while not js.queue(f"m{i}", "message").empty():
                seen.append(int(js.event(f"m{i}", "message")["payload"]))
        if len(seen) < 40:
            js.subscribe("watch", f"{name}/pause", 0)
    assert sorted(seen) == list(range(40))


def test_connack_tells(js, name):
    packet = js.connect("c", 5, clientId="", properties={"requestResponseInformation": True})
    assert packet["properties"]["assignedClientIdentifier"]
    assert packet["properties"]["responseInformation"]


def test_take_over_is_told(js, name):
    js.connect("first", 5, clientId=name, reconnectPeriod=0)
    js.connect("second", 5, clientId=name, reconnectPeriod=0)
    assert js.event("first", "disconnect")["packet"]["reasonCode"] == 0x8E


@versions
@pytest.mark.parametrize("qos", [1, 2])
def test_reconnects_to_its_session(js, node, name, parties, version, qos):
    """MQTT.js comes back by itself and gets what was published meanwhile."""
    other = parties(Party(node, version="3.1.1")).join()
    js.connect("sub", version, clientId=name, resubscribe=False, **lasting(version))
    js.subscribe("sub", name, qos)
    for i in range(3):
        js.tell("cut", "sub")
        js.event("sub", "close")
        for k in range(5):
            other.publish(name, f"{i} {k}", qos)
        assert js.event("sub", "connect")["packet"]["sessionPresent"] is True
        assert js.payloads("sub", 5) == [f"{i} {k}" for k in range(5)]


@versions
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_session_over_a_restart(new_node, name, parties, shards, version, how):
    node = new_node(shards=shards)
    js = parties(mqttjs.Js(node))
    js.connect("sub", version, clientId="sub", resubscribe=False, **lasting(version))
    js.subscribe("sub", name, 2)
    js.connect("pub", version, clientId="pub", resubscribe=False, **lasting(version))
    for i in range(60):
        js.publish("pub", name, str(i), 1 + i % 2) if i % 30 else None
        if i % 30 == 15:
            node.restart(how)
            for client in ("sub", "pub"):
                js.event(client, "close")
                assert js.event(client, "connect")["packet"]["sessionPresent"] is True
    js.publish("pub", name, "end", 2)
    got = []
    while len([x for x in got if x % 2]) < 30 or len({x for x in got if x % 2 == 0}) < 28:
        message = js.event("sub", "message")
        if message["payload"] != "end":
            got.append(int(message["payload"]))
    twos = [x for x in got if x % 2]
    assert twos == list(range(1, 60, 2)), "QoS 2 exactly once and in order"
    assert sorted(set(got) - set(twos)) == [i for i in range(2, 60, 2) if i % 30], "QoS 1 at least once"


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_large_payload(js, name, version, qos):
    js.connect("sub", version)
    js.subscribe("sub", name, qos)
    js.connect("pub", version)
    js.publish("pub", name, "0123456789abcdef", qos, fill=16 * 1024 * 1024)
    want = hashlib.sha256(b"0123456789abcdef" * (1024 * 1024)).hexdigest()
    assert js.event("sub", "message")["payload"] == {"length": 16 * 1024 * 1024, "sha256": want}
