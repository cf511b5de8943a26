"""What only MQTT 5 has: through paho-mqtt where paho lets us, else on a bare socket."""
import time

import pytest
from paho.mqtt.subscribeoptions import SubscribeOptions

from nodes import wait_until
from party import Party, props
from rawmqtt import (CONNACK, DISCONNECT, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, Wire, binary, connect, packet,
                     properties, publish, subscribe)

EVER = 0xFFFFFFFF


@pytest.fixture
def five(node, parties):
    """Makes connected paho clients of MQTT 5; keywords are CONNECT's properties."""
    def make(client_id="", clean=True, **more):
        party = parties(Party(node, client_id, "5", clean))
        return party.join(properties=props("connect", **more) if more else None)
    return make


@pytest.fixture
def wire(node):
    """Makes bare connections that are closed at the end; keywords are CONNECT's properties."""
    made = []

    def make(client_id="", clean=True, on=None, **more):
        one = Wire(on or node)
        made.append(one)
        one.connack = one.connect(client_id, clean=clean, props=list(more.items()))
        assert one.connack.reason == 0
        return one
    yield make
    for one in made:
        one.close()


# ---- a message's properties

def test_properties_arrive_as_they_were_sent(five, name):
    sub = five()
    sub.subscribe(name, 2)
    pairs = [("b", "1"), ("a", "2"), ("b", "1"), ("", ""), ("ü", "\U0001F600"), ("a", "0")]
    five().publish(name, "body", 2, properties=props(
        "publish", UserProperty=pairs, ContentType="text/x", ResponseTopic="answers/1", CorrelationData=b"\0\xff\x01",
        PayloadFormatIndicator=1))
    got = sub.take_one().properties
    assert got.UserProperty == pairs
    assert (got.ContentType, got.ResponseTopic, got.CorrelationData) == ("text/x", "answers/1", b"\0\xff\x01")
    assert got.PayloadFormatIndicator == 1
    assert not hasattr(got, "MessageExpiryInterval")


def test_properties_are_kept_by_a_queue_and_by_retained(five, name):
    sub = five(name, SessionExpiryInterval=EVER)
    sub.subscribe(f"{name}/#", 1)
    sub.leave()
    pairs = [("k", str(i)) for i in range(100)]
    five().publish(f"{name}/a", "body", 1, retain=True, properties=props("publish", UserProperty=pairs, ContentType="c"))
    again = five(name, clean=False, SessionExpiryInterval=EVER)
    late = five()
    late.subscribe(f"{name}/#", 1)
    for party in (again, late):
        got = party.take_one()
        assert (got.properties.UserProperty, got.properties.ContentType) == (pairs, "c")
    late.publish(f"{name}/a", "", 1, retain=True)


def test_a_31_publisher_and_a_5_subscriber(node, five, name, parties):
    """Properties are lost on the way to 3.1.1, the message is not."""
    sub = parties(Party(node, version="3.1.1")).join()
    sub.subscribe(name, 1)
    five().publish(name, "body", 1, properties=props("publish", UserProperty=[("a", "b")], MessageExpiryInterval=100))
    assert sub.payloads(1) == ["body"]


def test_will_properties(five, name, node, parties):
    watch = five()
    watch.subscribe(name, 1)
    dying = parties(Party(node))
    dying.client.will_set(name, "gone", 1, properties=props("willmessage", UserProperty=[("a", "1"), ("a", "2")],
                                                            ContentType="c", MessageExpiryInterval=100))
    dying.join()
    dying.cut()
    got = watch.take_one().properties
    assert (got.UserProperty, got.ContentType) == ([("a", "1"), ("a", "2")], "c")
    assert 90 < got.MessageExpiryInterval <= 100


def test_message_expiry(five, name):
    """What expires while its receiver is away is not delivered; what does not shows how long it has left."""
    sub = five(name, SessionExpiryInterval=EVER)
    sub.subscribe(f"{name}/#", 1)
    sub.leave()
    pub = five()
    for seconds in (1, 100, None):
        more = {"properties": props("publish", MessageExpiryInterval=seconds)} if seconds else {}
        pub.publish(f"{name}/queued", str(seconds), 1, **more)
        pub.publish(f"{name}/kept/{seconds}", str(seconds), 1, retain=True, **more)
    time.sleep(2.2)  # time itself is under test
    again = five(name, clean=False, SessionExpiryInterval=EVER)
    pub.publish(f"{name}/queued", "end", 1)
    got = again.take(5)
    assert sorted((m.topic[len(name) + 1:], m.payload.decode()) for m in got) == [
        ("kept/100", "100"), ("kept/None", "None"), ("queued", "100"), ("queued", "None"), ("queued", "end")]
    left = [m.properties.MessageExpiryInterval for m in got if m.payload == b"100"]
    assert len(left) == 2 and all(60 < seconds <= 98 for seconds in left)
    late = five()
    late.subscribe(f"{name}/kept/+", 1)
    pub.publish(f"{name}/kept/end", "end", 1)
    assert sorted(late.payloads(3)) == ["100", "None", "end"]


# ---- subscriptions

def test_subscription_identifiers(five, name):
    sub = five()
    for number, filter in ((1, f"{name}/a"), (268435455, f"{name}/#"), (7, f"{name}/b")):
        sub.subscribe(filter, 1, properties=props("subscribe", SubscriptionIdentifier=number))
    sub.subscribe(f"{name}/+/none")
    pub = five()
    for topic, ids in (("a", [1, 268435455]), ("b", [7, 268435455]), ("c", [268435455])):
        pub.publish(f"{name}/{topic}", topic, 1)
        got = sub.take_one()
        assert (got.topic, sorted(got.properties.SubscriptionIdentifier)) == (f"{name}/{topic}", ids)
    sub.subscribe(f"{name}/a", 1, properties=props("subscribe", SubscriptionIdentifier=2))
    pub.publish(f"{name}/a", "replaced", 1)
    assert sorted(sub.take_one().properties.SubscriptionIdentifier) == [2, 268435455]


def test_subscription_identifiers_stay_with_the_session(five, name):
    """With retained and with queued messages, too."""
    five().publish(f"{name}/a", "retained", 1, retain=True)
    sub = five(name, SessionExpiryInterval=EVER)
    sub.subscribe(f"{name}/#", 1, properties=props("subscribe", SubscriptionIdentifier=5))
    assert sub.take_one().properties.SubscriptionIdentifier == [5]
    sub.leave()
    five().publish(f"{name}/a", "", 1, retain=True)
    five().publish(f"{name}/b", "queued", 1)
    again = five(name, clean=False, SessionExpiryInterval=EVER)
    assert [m.properties.SubscriptionIdentifier for m in again.take(2)] == [[5], [5]]


def test_no_local(five, name):
    one, other = five(), five()
    one.subscribe(f"{name}/#", options=SubscribeOptions(qos=1, noLocal=True))
    one.publish(f"{name}/x", "my own", 1)
    other.publish(f"{name}/x", "another's", 1)
    assert one.payloads(1) == ["another's"]
    one.publish(f"{name}/x", "my own", 1)
    other.publish(f"{name}/x", "end", 1)
    assert one.payloads_until("end") == []


def test_retain_handling(five, name):
    pub = five()
    pub.publish(f"{name}/a", "kept", 1, retain=True)
    for handling, first, second in ((0, ["kept"], ["kept"]), (1, ["kept"], []), (2, [], [])):
        sub = five()
        for want in (first, second):
            sub.subscribe(f"{name}/a", options=SubscribeOptions(qos=1, retainHandling=handling))
            pub.publish(f"{name}/a", "live", 1)
            assert sub.payloads_until("live") == want, f"retain handling {handling}"
    pub.publish(f"{name}/a", "", 1, retain=True)


def test_retain_as_published(five, name):
    plain, faithful = five(), five()
    plain.subscribe(f"{name}/#", options=SubscribeOptions(qos=1))
    faithful.subscribe(f"{name}/#", options=SubscribeOptions(qos=1, retainAsPublished=True))
    pub = five()
    pub.publish(f"{name}/a", "retained", 1, retain=True)
    pub.publish(f"{name}/a", "not", 1)
    assert [m.retain for m in plain.take(2)] == [0, 0]
    assert [m.retain for m in faithful.take(2)] == [1, 0]
    pub.publish(f"{name}/a", "", 1, retain=True)


def test_subscribe_answers_each_filter(five, wire, name):
    sub = five()
    assert sub.subscribe([(f"{name}/a", SubscribeOptions(qos=0)), (f"{name}/b", SubscribeOptions(qos=2)),
                          (f"{name}/c", SubscribeOptions(qos=1))]) == [0, 2, 1]
    one = wire()
    assert one.subscribe((f"{name}/ok", 1)).reasons == [1]
    answer = one.unsubscribe(f"{name}/ok", f"{name}/never")
    assert answer.reasons == [0, 0x11]


# ---- topic aliases

def test_aliases_to_the_node(five, name):
    pub, sub = five(), five()
    sub.subscribe(f"{name}/#", 1)
    pub.publish(f"{name}/long", "1", 1, properties=props("publish", TopicAlias=3))
    pub.publish("", "2", 1, properties=props("publish", TopicAlias=3))
    pub.publish(f"{name}/other", "3", 0, properties=props("publish", TopicAlias=3))
    pub.publish("", "4", 1, properties=props("publish", TopicAlias=3))
    got = sub.take(4)
    assert sorted((m.payload, m.topic[len(name) + 1:]) for m in got) == [
        (b"1", "long"), (b"2", "long"), (b"3", "other"), (b"4", "other")]
    assert not any(hasattr(m.properties, "TopicAlias") for m in got)


@pytest.mark.parametrize("qos", [0, 1])
def test_aliases_from_the_node(wire, five, name, qos):
    """More topics than aliases; every message must resolve, and aliases must be used."""
    sub = wire(topic_alias_maximum=4)
    sub.subscribe((f"{name}/#", qos))
    pub = five()
    sent = [f"{name}/{i % 7 if i % 3 else 0}" for i in range(60)]
    for i, topic in enumerate(sent):
        pub.publish(topic, str(i), qos)
    names, short = {}, 0
    for i, topic in enumerate(sent):
        got = sub.expect(PUBLISH)
        alias = got.get("topic_alias")
        assert alias is None or 1 <= alias <= 4
        short += got.topic == ""
        if got.topic and alias:
            names[alias] = got.topic
        assert (got.topic or names[alias], got.payload.decode()) == (topic, str(i))
        if qos:
            sub.acknowledge(PUBACK, got.packet_id)
    assert short > 0


@pytest.mark.parametrize("alias", [0, 65535])
def test_alias_out_of_range(wire, name, alias):
    one = wire()
    assert one.connack.get("topic_alias_maximum") < 65535
    one.publish(name, "x", 0, props=[("topic_alias", alias)])
    assert one.expect_end() == 0x94


def test_alias_unknown(wire):
    one = wire()
    one.publish("", "x", 0, props=[("topic_alias", 1)])
    assert one.expect_end() in (0x82, 0x94)


# ---- sessions

def test_session_expires(five, node, name, parties):
    short, long = five(f"{name}-s", SessionExpiryInterval=1), five(f"{name}-l", SessionExpiryInterval=1000)
    for party in (short, long):
        party.subscribe(name, 1)
        party.cut()
    five().publish(name, "for both", 1)
    time.sleep(2.5)  # time itself is under test
    again = parties(Party(node, f"{name}-s", clean=False))
    assert again.connect()[0] is False
    again = parties(Party(node, f"{name}-l", clean=False))
    assert again.connect()[0] is True
    assert again.payloads(1) == ["for both"]


def test_session_expiry_at_disconnect(five, node, name, parties):
    five(f"{name}-z", SessionExpiryInterval=1000).leave(properties=props("disconnect", SessionExpiryInterval=0))
    five(f"{name}-m", SessionExpiryInterval=1).leave(properties=props("disconnect", SessionExpiryInterval=1000))
    time.sleep(2.2)  # time itself is under test
    assert parties(Party(node, f"{name}-z", clean=False)).connect()[0] is False
    assert parties(Party(node, f"{name}-m", clean=False)).connect()[0] is True


def test_session_expiry_cannot_be_raised_from_zero(wire):
    one = wire()
    one.send(packet(DISCONNECT, b"\0" + properties([("session_expiry_interval", 10)])))
    assert one.expect_end() == 0x82


def test_session_without_expiry_ends_with_its_connection(five, node, name, parties):
    five(name).cut()
    again = parties(Party(node, name, clean=False))
    assert again.connect()[0] is False


def test_session_expiry_goes_on_over_a_restart(new_node, shards, name, parties):
    node = new_node(shards=shards)
    for client_id, seconds in (("short", 1), ("long", 1000)):
        party = parties(Party(node, client_id)).join(properties=props("connect", SessionExpiryInterval=seconds))
        party.subscribe(name, 1)
        party.leave()
    node.kill()
    time.sleep(2.5)  # time itself is under test
    node.start()
    assert parties(Party(node, "long", clean=False)).connect()[0] is True
    wait_until(lambda: parties(Party(node, "short", clean=False)).connect()[0] is False, "the session to expire", 5, 1)


def test_take_over_is_told(wire, name):
    first = wire(name, session_expiry_interval=EVER)
    second = wire(name, clean=False, session_expiry_interval=EVER)
    assert second.connack.session_present
    assert first.expect_end() == 0x8E


def test_will_delay(five, node, name, parties):
    """It is sent when the delay is over, and not at all when the client is back before."""
    watch = five()
    watch.subscribe(f"{name}/#", 1)
    cut_at = {}
    for client_id in ("gone", "back"):
        party = parties(Party(node, f"{name}-{client_id}"))
        party.client.will_set(f"{name}/{client_id}", client_id, 1, properties=props("willmessage", WillDelayInterval=2))
        party.join(properties=props("connect", SessionExpiryInterval=1000))
        party.cut()
        cut_at[client_id] = time.monotonic()
    back = five(f"{name}-back", clean=False, SessionExpiryInterval=1000)
    assert watch.payloads(1) == ["gone"]
    assert time.monotonic() - cut_at["gone"] > 1.5
    back.publish(f"{name}/end", "end", 1)
    assert watch.payloads_until("end") == []


def test_will_delay_ends_with_the_session(five, node, name, parties):
    watch = five()
    watch.subscribe(name, 1)
    party = parties(Party(node))
    party.client.will_set(name, "at the session's end", 1, properties=props("willmessage", WillDelayInterval=1000))
    party.join(properties=props("connect", SessionExpiryInterval=1))
    party.cut()
    assert watch.payloads(1) == ["at the session's end"]


def test_will_delay_over_a_restart(new_node, shards, name, parties):
    node = new_node(shards=shards)
    party = parties(Party(node, "dying"))
    party.client.will_set(name, "after the restart", 1, properties=props("willmessage", WillDelayInterval=3))
    party.join(properties=props("connect", SessionExpiryInterval=1000))
    watch = parties(Party(node, "watch")).join(properties=props("connect", SessionExpiryInterval=1000))
    watch.subscribe(name, 1)
    watch.leave()
    party.cut()
    node.restart("kill")
    again = parties(Party(node, "watch", clean=False)).join(properties=props("connect", SessionExpiryInterval=1000))
    assert again.payloads(1) == ["after the restart"]


def test_disconnect_with_will(wire, five, name):
    watch = five()
    watch.subscribe(name, 1)
    body = binary("MQTT") + b"\x05\x06\0\0" + properties([]) + binary(f"{name}-w") + properties([]) + binary(name) + binary("will")
    one = wire()
    one.close()
    one = Wire(watch.node)
    one.send(packet(1, body))
    assert one.expect(CONNACK).reason == 0
    one.send(packet(DISCONNECT, b"\x04"))
    assert watch.payloads(1) == ["will"]
    one.close()


# ---- flow

def test_receive_maximum_of_a_client(wire, five, name):
    """Three in flight, never four; each acknowledgement lets one more through."""
    sub = wire(receive_maximum=3)
    sub.subscribe((name, 1))
    pub = five()
    for i in range(10):
        pub.publish(name, str(i), 1)
    inflight = [sub.expect(PUBLISH) for _ in range(3)]
    for i in range(3, 10):
        sub.send(packet(12))
        assert sub.receive().kind == 13, "a fourth in flight"
        sub.acknowledge(PUBACK, inflight.pop(0).packet_id)
        got = sub.expect(PUBLISH)
        assert got.payload.decode() == str(i)
        inflight.append(got)


def test_receive_maximum_counts_qos2_until_pubcomp(wire, five, name):
    sub = wire(receive_maximum=1)
    sub.subscribe((name, 2))
    pub = five()
    for i in range(3):
        pub.publish(name, str(i), 2)
    for i in range(3):
        got = sub.expect(PUBLISH)
        assert got.payload.decode() == str(i)
        sub.acknowledge(PUBREC, got.packet_id)
        assert sub.expect(PUBREL).packet_id == got.packet_id
        sub.acknowledge(PUBCOMP, got.packet_id)


def test_qos0_does_not_wait_for_credit(wire, five, name):
    sub = wire(receive_maximum=1)
    sub.subscribe((name, 1))
    pub = five()
    pub.publish(name, "held", 1)
    pub.publish(name, "waits", 1)
    pub.publish(name, "free", 0)
    assert [sub.expect(PUBLISH).payload for _ in range(2)] == [b"held", b"free"]


def test_receive_maximum_of_the_node(new_node, wire, name, shards):
    node = new_node(shards=shards, settings={"receive_max": 5})
    one = wire(on=node)
    assert one.connack.get("receive_maximum") == 5
    for i in range(1, 6):
        one.publish(name, "x", 2, packet_id=i)
    for i in range(1, 6):
        one.expect(PUBREC)
    one.publish(name, "x", 2, packet_id=6)
    assert one.expect_end() == 0x93


def test_maximum_packet_size_of_a_client(wire, five, name):
    """What is too large for a client is as if it had been sent; the rest comes."""
    sub = wire(maximum_packet_size=200)
    sub.subscribe((name, 1))
    pub = five()
    for payload in ("a", "x" * 300, "b", "y" * 100000, "c"):
        pub.publish(name, payload, 1)
    got = [sub.expect(PUBLISH) for _ in range(3)]
    assert [p.payload for p in got] == [b"a", b"b", b"c"]


def test_maximum_packet_size_of_the_node(new_node, wire, name, shards):
    node = new_node(shards=shards, settings={"packet_bytes_max": 2000})
    one = wire(on=node)
    assert one.connack.get("maximum_packet_size") == 2000
    one.subscribe((name, 1))
    one.publish(name, "x" * 1900, 1, packet_id=1)
    assert {one.receive().kind for _ in range(2)} == {PUBACK, PUBLISH}
    one.publish(name, "x" * 2000, 1, packet_id=2)
    assert one.expect_end() == 0x95


# ---- what CONNACK tells

def test_assigned_client_id(wire):
    one, other = wire(), wire()
    ids = [w.connack.get("assigned_client_identifier") for w in (one, other)]
    assert all(ids) and ids[0] != ids[1]
    assert wire("mine").connack.get("assigned_client_identifier") is None
    assert wire(ids[0]).connack.session_present is False
    assert one.expect_end() == 0x8E


def test_server_keep_alive(new_node, name):
    node = new_node(settings={"keepalive_s_max": 60})
    for asked, told in ((10, None), (60, None), (61, 60), (0, 60)):
        one = Wire(node)
        assert one.connect("", keepalive=asked).get("server_keep_alive") == told
        one.close()


def test_keep_alive_timeout_is_told(node):
    one = Wire(node)
    assert one.connect("", keepalive=1).reason == 0
    started = time.monotonic()
    assert one.expect_end() == 0x8D
    assert time.monotonic() - started > 1.0
    one.close()


def test_session_expiry_is_limited(new_node, wire):
    node = new_node(settings={"session_expiry_s_max": 100})
    assert wire("a", on=node, session_expiry_interval=1000).connack.get("session_expiry_interval") == 100
    assert wire("b", on=node, session_expiry_interval=10).connack.get("session_expiry_interval") in (None, 10)


def test_response_information(wire, name):
    assert wire().connack.get("response_information") is None
    assert wire(request_response_information=0).connack.get("response_information") is None
    told = [wire(f"{name}-{i}", request_response_information=1).connack.get("response_information") for i in range(2)]
    assert all(told) and told[0] != told[1]


def test_request_and_response(five, name):
    """The pattern as the specification draws it: response topic, correlation data, two askers at once."""
    answerer, askers = five(), [five(), five()]
    answerer.subscribe(f"{name}/ask", 1)
    for i, asker in enumerate(askers):
        asker.subscribe(f"{name}/answer/{i}", 1)
        asker.publish(f"{name}/ask", str(i), 1, properties=props("publish", ResponseTopic=f"{name}/answer/{i}",
                                                                 CorrelationData=bytes([i])))
    for _ in askers:
        asked = answerer.take_one()
        answerer.publish(asked.properties.ResponseTopic, asked.payload * 2, 1,
                         properties=props("publish", CorrelationData=asked.properties.CorrelationData))
    for i, asker in enumerate(askers):
        got = asker.take_one()
        assert (got.payload, got.properties.CorrelationData) == (str(i).encode() * 2, bytes([i]))


# ---- refusals

def test_nobody_listens(wire, name):
    one = wire()
    one.publish(name, "x", 1, packet_id=1)
    assert one.expect(PUBACK).reason == 0x10
    one.publish(name, "x", 2, packet_id=2)
    assert one.expect(PUBREC).reason == 0x10
    one.acknowledge(PUBREL, 2)
    assert one.expect(PUBCOMP).reason == 0
    one.acknowledge(PUBREL, 99)
    assert one.expect(PUBCOMP).reason == 0x92


@pytest.mark.parametrize("data, reason", [
    (publish("a/+/b", "x"), 0x81),
    (publish("a/#", "x"), 0x81),
    (publish("", "x"), 0x82),
    (packet(3, binary("a") + b"\0\1" + properties([]), 6), 0x81),
    (packet(8, b"\0\1" + properties([]), 2), 0x82),
    (packet(8, b"\0\1" + properties([]) + binary("a") + b"\3", 2), 0x82),
    (packet(8, b"\0\1" + properties([]) + binary("a") + b"\0", 0), 0x81),
    (subscribe(1, [("a", 0)], props=[("subscription_identifier", 0)]), 0x82),
    (subscribe(1, [("$share/g/a", 0x05)]), 0x82),
    (publish("a", "x", props=[("subscription_identifier", 1)]), 0x82),
    (publish("a", "x", props=[("message_expiry_interval", 1), ("message_expiry_interval", 1)]), 0x82),
    (publish("a", "x", props=[("reason_string", "no")]), 0x81),
    (packet(2, b"\0\0\0"), 0x82),
    (packet(9, b"\0\1\0\0"), 0x82),
    (connect("again"), 0x82),
    (packet(0), 0x81),
], ids=["plus in a topic", "hash in a topic", "no topic", "qos 3", "no filters", "qos 3 filter", "flags of SUBSCRIBE",
        "identifier 0", "no local shared", "identifier from a client", "a property twice", "a property out of place",
        "CONNACK from a client", "SUBACK from a client", "CONNECT twice", "type 0"])
def test_breaches_are_told_and_end_the_connection(wire, data, reason):
    one = wire()
    one.send(data)
    got = one.expect_end()
    assert got == reason or (reason == 0x81 and got == 0x82), f"0x{got or 0:02x} instead of 0x{reason:02x}"


def test_filters_that_are_invalid(wire):
    for bad in ("a#", "a/#/b", "a+", "+a", "$share/g", "$share/g/", "$share/+/a"):
        one = wire()
        one.send(subscribe(1, [("fine", 0), (bad, 0)]))
        got = one.receive()
        if got.kind == SUBACK:
            assert (got.reasons[0], got.reasons[1]) == (0, 0x8F), bad
        else:
            assert (got.kind, got.reason in (0x81, 0x82, 0x8F)) == (DISCONNECT, True), bad


def test_versions_that_are_unknown(node):
    for name, level in (("MQTT", 6), ("MQTT", 0)):
        one = Wire(node)
        one.send(packet(1, binary(name) + bytes([level, 2, 0, 0]) + properties([]) + binary("")))
        got = one.expect(CONNACK)
        assert got.reason in (0x84, 1)
        one.expect_end()
        one.close()


def test_empty_client_id_needs_a_clean_session(node):
    one = Wire(node, 4)
    assert one.connect("", clean=False).reason == 2
    one.expect_end()
    one.close()


def test_unknown_authentication_method(node):
    one = Wire(node)
    assert one.connect("", props=[("authentication_method", "nobody knows it")]).reason == 0x8C
    one.expect_end()
    one.close()


def test_retain_can_be_off(new_node, wire, name):
    node = new_node(settings={"retain_available": "false"})
    one = wire(on=node)
    assert one.connack.get("retain_available") == 0
    one.publish(name, "x", 0, retain=True)
    assert one.expect_end() == 0x9A


def test_no_words_when_problem_information_is_unwanted(wire, name):
    one = wire(request_problem_information=0)
    one.publish(name, "x", 1, packet_id=1)
    got = one.expect(PUBACK)
    assert (got.reason, got.props) == (0x10, [])
    assert one.unsubscribe(f"{name}/none").props == []


# ---- $SYS

def test_sys(new_node, shards, parties):
    node = new_node(shards=shards, settings={"sys_interval_s": 1})
    party = parties(Party(node)).join()
    party.subscribe("$SYS/#", 1)
    party.subscribe("#", 1)
    values = {}

    def told(topic, wanted):
        def look():
            while not party.messages.empty():
                message = party.messages.get()
                values[message.topic] = message.payload.decode()
            return wanted(values.get(f"$SYS/broker/{topic}", ""))
        wait_until(look, f"{topic}: {values.get(f'$SYS/broker/{topic}')}")
    told("version", lambda v: v.startswith("tambo"))
    told("uptime", lambda v: v.endswith("seconds"))
    told("clients/connected", lambda v: v == "1")
    others = [parties(Party(node)).join() for _ in range(4)]
    told("clients/connected", lambda v: v == "5")
    told("clients/maximum", lambda v: v == "5")
    for _ in range(10):
        others[0].publish("plain", "12345", 1)
    told("publish/messages/received", lambda v: v.isdigit() and int(v) >= 10)
    told("subscriptions/count", lambda v: v == "2")
    others[0].publish("kept", "x", 1, retain=True)
    told("retained messages/count", lambda v: v.isdigit() and int(v) >= 1)
    for other in others:
        other.leave()
    told("clients/connected", lambda v: v == "1")


def test_sys_is_the_nodes_own(wire):
    """Nobody else may publish there."""
    one = wire()
    one.publish("$SYS/broker/version", "forged", 1, packet_id=1, retain=True)
    assert one.expect(PUBACK).reason in (0x87, 0x90)
