"""MQTT and AMQP on one node: what is published by one is seen by the other, with its properties."""
import datetime
import json

import pytest
from pika import data

import test_cli
from nodes import wait_until
from party import Party, props
from rabbit import PERSISTENT, Rabbit
from test_cli import Sub, run

pytestmark = pytest.mark.usefixtures("tambo_only")
MANY = 4  # clients, so that each shard has some

# Topics and the routing keys that they are; `N` stands for the test's name.
SPELLINGS = [
    ("N/a/b", "N.a.b"),
    ("N/a.b/c", "N.a%2Eb.c"),
    ("N/a%2Fb/c", "N.a/b.c"),
    ("N//x/", "N..x."),
    ("N/50%/25", "N.50%.25"),
    ("N/%252F", "N.%2F"),
    ("N/%2E", "N.%252E"),
    ("N/ü/\N{SNOWMAN}", "N.ü.\N{SNOWMAN}"),
    ("N/x%2By%23", "N.x+y#"),
]


class Pairs(list):
    """A field table that keeps its order and what occurs twice, which pika's dictionaries do not."""

    def items(self):
        return iter(self)


def decode_pairs(encoded, offset):
    end = offset + 4 + int.from_bytes(encoded[offset:offset + 4], "big")
    offset += 4
    pairs = Pairs()
    while offset < end:
        key, offset = data.decode_short_string(encoded, offset)
        value, offset = data.decode_value(encoded, offset)
        pairs.append((key, value))
    return pairs, offset


@pytest.fixture
def rabbit(node, parties):
    return parties(Rabbit(node)).confirming()


@pytest.fixture
def party(node, parties):
    return parties(Party(node)).join()


class Ear:
    """A queue at amq.topic, and who consumes from it."""

    def __init__(self, rabbit, *keys, **options):
        self.queue = rabbit.queue(**options)
        for key in keys:
            rabbit.bind(self.queue, "amq.topic", key)
        self.consumer = rabbit.consume(self.queue, auto_ack=True)

    def take_one(self):
        return self.consumer.take_one()


def to_topic(rabbit, key, body="x", **values):
    rabbit.publish(key, body, exchange="amq.topic", **values)


def across(rabbit, party, name, **values):
    """What a message with these properties is at the MQTT side."""
    party.subscribe(f"{name}/props", 2)
    to_topic(rabbit, f"{name}.props", **values)
    return party.take_one()


def back(rabbit, party, name, qos=1, **values):
    """What a message with these properties is at the AMQP side."""
    ear = Ear(rabbit, f"{name}.props")
    party.publish(f"{name}/props", "x", qos, properties=props("publish", **values))
    return ear.take_one().properties


# ---- names

@pytest.mark.parametrize("topic,key", SPELLINGS)
def test_topic_is_key(rabbit, party, name, topic, key):
    topic, key = topic.replace("N", name), key.replace("N", name)
    ear = Ear(rabbit, f"{name}.#")
    party.publish(topic, "up", 1)
    got = ear.take_one()
    assert (got.method.exchange, got.method.routing_key, got.body) == ("amq.topic", key, b"up")


@pytest.mark.parametrize("topic,key", SPELLINGS)
def test_key_is_topic(rabbit, party, name, topic, key):
    topic, key = topic.replace("N", name), key.replace("N", name)
    party.subscribe(f"{name}/#", 1)
    to_topic(rabbit, key, "down")
    got = party.take_one()
    assert (got.topic, got.payload) == (topic, b"down")


@pytest.mark.parametrize("topic,key", SPELLINGS)
def test_exact_names_match(rabbit, party, name, topic, key):
    """A filter without wildcards and a binding key without wildcards, each written as its protocol does."""
    topic, key = topic.replace("N", name), key.replace("N", name)
    ear = Ear(rabbit, key)
    party.subscribe(topic, 1)
    party.publish(topic, "up", 1)
    to_topic(rabbit, key, "down")
    assert [message.body for message in ear.consumer.take(2)] == [b"up", b"down"]
    assert party.payloads(2) == ["up", "down"]


@pytest.mark.parametrize("filter,wanted", [
    ("N/+", ["N.a", "N.b", "N."]),
    ("N/+/c", ["N.a.c", "N..c"]),
    ("N/#", ["N", "N.a", "N.b", "N.", "N.a.c", "N..c", "N.a.b.c"]),
    ("N/a/#", ["N.a", "N.a.c", "N.a.b.c"]),
    ("N/+/+/c", ["N.a.b.c"]),
])
def test_mqtt_wildcards_see_amqp(rabbit, party, name, filter, wanted):
    keys = ["N", "N.a", "N.b", "N.", "N.a.c", "N..c", "N.a.b.c", "M.N.a"]
    party.subscribe(filter.replace("N", name), 1)
    party.subscribe(f"end/{name}", 1)
    for key in keys:
        to_topic(rabbit, key.replace("N", name), key)
    to_topic(rabbit, f"end.{name}", "end")
    assert party.payloads_until("end") == wanted


@pytest.mark.parametrize("key,wanted", [
    ("N.*", ["N/a", "N/b", "N/"]),
    ("N.*.c", ["N/a/c", "N//c"]),
    ("N.#", ["N", "N/a", "N/b", "N/", "N/a/c", "N//c", "N/a/b/c"]),
    ("N.#.c", ["N/a/c", "N//c", "N/a/b/c"]),
    ("#.N.a", ["N/a", "M/N/a"]),
    ("*.N.*", ["M/N/a"]),
    ("N.#.#", ["N", "N/a", "N/b", "N/", "N/a/c", "N//c", "N/a/b/c"]),
])
def test_amqp_wildcards_see_mqtt(rabbit, party, name, key, wanted):
    topics = ["N", "N/a", "N/b", "N/", "N/a/c", "N//c", "N/a/b/c", "M/N/a"]
    ear = Ear(rabbit, key.replace("N", name), f"end.{name}")
    for topic in topics:
        party.publish(topic.replace("N", name), topic, 1)
    party.publish(f"end/{name}", "end", 1)
    assert ear.consumer.until("end") == wanted


def test_what_only_looks_like_a_wildcard(rabbit, party, name):
    """`*` is a plain character in a topic; `+` is one in a routing key."""
    ear = Ear(rabbit, f"{name}.#")
    party.subscribe(f"{name}/#", 1)
    party.publish(f"{name}/*", "star", 1)
    to_topic(rabbit, f"{name}.+", "plus")
    assert [message.method.routing_key for message in ear.consumer.take(2)] == [f"{name}.*", f"{name}.+"]
    assert [message.topic for message in party.take(2)] == [f"{name}/*", f"{name}/%2B"]


# ---- properties, from MQTT

@pytest.mark.parametrize("version", ["3.1", "3.1.1", "5"])
@pytest.mark.parametrize("qos,mode", [(0, 1), (1, 2), (2, 2)])
def test_qos_is_delivery_mode(rabbit, node, parties, name, version, qos, mode):
    ear = Ear(rabbit, name)
    parties(Party(node, version=version)).join().publish(name, "x", qos)
    got = ear.take_one()
    assert (got.properties.delivery_mode, got.body) == (mode, b"x")
    assert got.properties.headers is None


def test_message_expiry_is_expiration(rabbit, party, name):
    got = back(rabbit, party, name, MessageExpiryInterval=1000)
    assert 900_000 < int(got.expiration) <= 1_000_000


def test_message_expiry_ends_it_in_a_queue(rabbit, party, name):
    """What has expired is dead-lettered, like AMQP's own."""
    dead = Ear(rabbit)
    queue = rabbit.queue(arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.queue})
    rabbit.bind(queue, "amq.topic", name)
    party.publish(name, "gone", 1, properties=props("publish", MessageExpiryInterval=1))
    got = dead.take_one()
    assert got.body == b"gone"
    assert got.properties.headers["x-death"][0]["reason"] == "expired"
    assert rabbit.count(queue) == 0


@pytest.mark.parametrize("topic,key", [("answers/a", "answers.a"), ("answers/a.b/c", "answers.a%2Eb.c")])
def test_response_topic_is_a_header(rabbit, party, name, topic, key):
    got = back(rabbit, party, name, ResponseTopic=topic)
    assert got.headers == {"x-reply-to-topic": key}
    assert got.reply_to is None


@pytest.mark.parametrize("text", ["c-1", "ü", "x" * 255])
def test_correlation_text_is_the_correlation_id(rabbit, party, name, text):
    got = back(rabbit, party, name, CorrelationData=text.encode())
    assert (got.correlation_id, got.headers) == (text, None)


@pytest.mark.parametrize("bytes_", [b"\xff\x00\x01", b"x" * 256], ids=["binary", "long"])
def test_other_correlation_data_is_a_header(rabbit, party, name, bytes_):
    got = back(rabbit, party, name, CorrelationData=bytes_)
    assert got.correlation_id is None
    assert got.headers == {"x-correlation-id": bytes_}


def test_user_properties_are_headers(rabbit, party, name, monkeypatch):
    """In their order, with what occurs twice."""
    pairs = [("b", "1"), ("a", "2"), ("b", "3"), ("ü", ""), ("a", "2")]
    monkeypatch.setattr(data, "decode_table", decode_pairs)
    assert back(rabbit, party, name, UserProperty=pairs).headers == pairs


def test_content_type(rabbit, party, name):
    assert back(rabbit, party, name, ContentType="text/x").content_type == "text/x"


def test_payload_format_is_left_out(rabbit, party, name):
    got = back(rabbit, party, name, PayloadFormatIndicator=1)
    assert (got.headers, got.content_type, got.content_encoding) == (None, None, None)


def test_topic_alias_is_resolved(rabbit, party, name):
    ear = Ear(rabbit, f"{name}.#")
    for topic in (f"{name}/a", ""):
        party.client.publish(topic, "x", 1, properties=props("publish", TopicAlias=1))
    assert [message.method.routing_key for message in ear.consumer.take(2)] == [f"{name}.a"] * 2


def test_retained_is_seen_when_published(rabbit, party, name):
    ear = Ear(rabbit, name)
    party.publish(name, "kept", 1, retain=True)
    party.publish(name, "", 1, retain=True)
    assert [message.body for message in ear.consumer.take(2)] == [b"kept", b""]


def test_will(rabbit, node, parties, name):
    ear = Ear(rabbit, name)
    dying = Party(node, name)
    dying.client.will_set(name, "gone", 1, properties=props("willmessage", ContentType="c", UserProperty=("why", "cut")))
    dying.join()
    dying.cut()
    got = ear.take_one()
    assert (got.body, got.properties.content_type, got.properties.headers) == (b"gone", "c", {"why": "cut"})


# ---- properties, from AMQP

@pytest.mark.parametrize("mode,qos", [(None, 0), (1, 0), (2, 1)])
def test_delivery_mode_is_qos(rabbit, party, name, mode, qos):
    assert across(rabbit, party, name, delivery_mode=mode).qos == qos


@pytest.mark.parametrize("granted,qos", [(0, 0), (1, 1), (2, 1)])
def test_durable_at_the_granted_qos(rabbit, party, name, granted, qos):
    party.subscribe(name, granted)
    to_topic(rabbit, name, delivery_mode=2)
    assert party.take_one().qos == qos


def test_expiration_is_message_expiry(rabbit, party, name):
    assert 900 < across(rabbit, party, name, expiration="1000000").properties.MessageExpiryInterval <= 1000


def test_expiration_ends_it_in_a_session(rabbit, node, parties, name):
    """A queue's dead letter tells when the time is over."""
    away = parties(Party(node, name, clean=False)).join(properties=props("connect", SessionExpiryInterval=1000))
    away.subscribe(name, 1)
    away.leave()
    dead = Ear(rabbit)
    queue = rabbit.queue(arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.queue})
    rabbit.bind(queue, "amq.topic", name)
    to_topic(rabbit, name, "gone", delivery_mode=2, expiration="100")
    assert dead.take_one().body == b"gone"
    to_topic(rabbit, name, "stays", delivery_mode=2)
    again = parties(Party(node, name, clean=False))
    assert again.connect()[0] is True
    assert again.payloads(1) == ["stays"]


@pytest.mark.parametrize("key,topic", [("answers.a", "answers/a"), ("answers.a%2Eb.c", "answers/a.b/c")])
def test_reply_header_is_response_topic(rabbit, party, name, key, topic):
    got = across(rabbit, party, name, headers={"x-reply-to-topic": key}).properties
    assert got.ResponseTopic == topic
    assert not hasattr(got, "UserProperty")


@pytest.mark.parametrize("values,bytes_", [
    ({"correlation_id": "c-1"}, b"c-1"),
    ({"correlation_id": "ü"}, "ü".encode()),
    ({"headers": {"x-correlation-id": b"\xff\x00\x01"}}, b"\xff\x00\x01"),
    ({"headers": {"x-correlation-id": "x" * 300}}, b"x" * 300),
])
def test_correlation_data(rabbit, party, name, values, bytes_):
    got = across(rabbit, party, name, **values).properties
    assert got.CorrelationData == bytes_
    assert not hasattr(got, "UserProperty")


def test_headers_are_user_properties(rabbit, party, name):
    pairs = [("b", "1"), ("a", "2"), ("b", "3"), ("ü", ""), ("a", "2")]
    assert across(rabbit, party, name, headers=Pairs(pairs)).properties.UserProperty == pairs


def test_typed_headers_become_strings(rabbit, party, name):
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    got = across(rabbit, party, name, headers={"n": -5, "long": 1 << 40, "yes": True, "no": False, "when": when})
    assert got.properties.UserProperty == [("n", "-5"), ("long", str(1 << 40)), ("yes", "true"), ("no", "false"),
                                           ("when", str(int(when.timestamp())))]


def test_content_type_from_amqp(rabbit, party, name):
    assert across(rabbit, party, name, content_type="text/x").properties.ContentType == "text/x"


def test_properties_there_and_back(rabbit, node, party, parties, name):
    """A worker that hands on what it got changes nothing."""
    sub = parties(Party(node)).join()
    sub.subscribe(f"{name}/out", 1)
    ear = Ear(rabbit, f"{name}.in")
    sent = {"ContentType": "text/x", "ResponseTopic": "a/b.c", "CorrelationData": b"\xff\x00",
            "UserProperty": [("k", "v"), ("a", "b")]}
    party.publish(f"{name}/in", "x", 1, properties=props("publish", **sent, MessageExpiryInterval=1000))
    got = ear.take_one()
    rabbit.publish(f"{name}.out", got.body, exchange="amq.topic", properties=got.properties)
    message = sub.take_one()
    assert {key: getattr(message.properties, key) for key in sent} == sent
    assert 900 < message.properties.MessageExpiryInterval <= 1000
    assert message.qos == 1


# ---- whoever is there

def test_all_to_all(node, parties, name):
    """Every client hears every client once, whichever shards they are on."""
    rabbits = [parties(Rabbit(node)).confirming() for _ in range(MANY)]
    people = [parties(Party(node)).join() for _ in range(MANY)]
    ears = [Ear(rabbit, f"{name}.*") for rabbit in rabbits]
    for person in people:
        person.subscribe(f"{name}/+", 1)
    for i in range(MANY):
        to_topic(rabbits[i], f"{name}.{i}", f"amqp {i}")
        people[i].publish(f"{name}/{i}", f"mqtt {i}", 1)
    wanted = sorted(f"{who} {i}" for who in ("amqp", "mqtt") for i in range(MANY))
    assert [sorted(ear.consumer.bodies(2 * MANY)) for ear in ears] == [wanted] * MANY
    assert [sorted(person.payloads(2 * MANY)) for person in people] == [wanted] * MANY


def test_order_is_kept(rabbit, node, parties, name):
    """What one publisher sent comes in its order, at every other client."""
    people = [parties(Party(node)).join() for _ in range(MANY)]
    ear = Ear(rabbit, f"{name}.#")
    people[0].subscribe(f"{name}/#", 2)
    for i in range(300):
        for k, person in enumerate(people[1:]):
            person.client.publish(f"{name}/{k}", str(i), k)
    wanted = [str(i) for i in range(300)]
    for k in range(MANY - 1):
        def mine():
            return [m.body.decode() for m in ear.consumer.messages if m.method.routing_key == f"{name}.{k}"]
        ear.consumer.wait(lambda: len(mine()) == 300, "300 messages")
        assert mine() == wanted
    got = people[0].take(300 * (MANY - 1))
    for k in range(MANY - 1):
        assert [m.payload.decode() for m in got if m.topic == f"{name}/{k}"] == wanted


def test_mandatory_is_content_with_mqtt(rabbit, party, name):
    """A subscriber on another shard is somebody, too; without one the message comes back."""
    party.subscribe(f"{name}/+", 1)
    rabbit.publish(f"{name}.x", "x", exchange="amq.topic", mandatory=True)
    assert party.payloads(1) == ["x"]


def test_shared_subscription_shares_amqp(rabbit, node, parties, name):
    members = [parties(Party(node)).join() for _ in range(2)]
    for member in members:
        member.subscribe(f"$share/g/{name}/#", 1)
    for i in range(40):
        to_topic(rabbit, f"{name}.{i}", str(i), delivery_mode=2)
    wait_until(lambda: sum(member.messages.qsize() for member in members) >= 40, "40 messages")
    seen = [[m.payload.decode() for m in member.take(member.messages.qsize())] for member in members]
    assert sorted(map(int, sum(seen, []))) == list(range(40))


def test_competing_consumers_share_mqtt(rabbit, party, name):
    queue = rabbit.queue()
    rabbit.bind(queue, "amq.topic", f"{name}.#")
    rabbit.channel.basic_qos(prefetch_count=1)
    consumers = [rabbit.consume(queue) for _ in range(2)]
    for i in range(20):
        party.publish(f"{name}/{i}", str(i), 1)
    seen = []
    while len(seen) < 20:
        rabbit.wait(lambda: any(one.messages for one in consumers), "a message")
        for one in consumers:
            if one.messages:
                message = one.take_one()
                seen.append(int(message.body))
                one.ack(message)
    assert sorted(seen) == list(range(20))
    assert rabbit.count(queue) == 0


def test_other_exchanges_hear_mqtt_by_bindings(rabbit, party, name):
    """amq.topic bound to an exchange of one's own."""
    rabbit.exchange(name, "fanout")
    rabbit.channel.exchange_bind(name, "amq.topic", f"{name}.*")
    queue = rabbit.queue()
    rabbit.bind(queue, name)
    party.publish(f"{name}/a", "x", 1)
    got = rabbit.get(queue)
    assert (got.method.exchange, got.method.routing_key, got.body) == ("amq.topic", f"{name}.a", b"x")


def test_exchanges_reach_mqtt_by_bindings(rabbit, party, name):
    """An exchange of one's own bound in front of amq.topic."""
    rabbit.exchange(name, "fanout")
    rabbit.channel.exchange_bind("amq.topic", name)
    party.subscribe(f"{name}/+", 1)
    rabbit.publish(f"{name}.a", "x", exchange=name)
    got = party.take_one()
    assert (got.topic, got.payload) == (f"{name}/a", b"x")


@pytest.mark.parametrize("exchange", ["", "amq.direct", "amq.fanout"])
def test_only_amq_topic_reaches_mqtt(rabbit, party, name, exchange):
    party.subscribe("#", 1)
    rabbit.publish(name, "unwanted", exchange=exchange)
    to_topic(rabbit, name, "end")
    assert "unwanted" not in party.payloads_until("end")


# ---- RPC

def test_rpc_from_mqtt(rabbit, party, name):
    """A pika worker answers an MQTT 5 requester."""
    worker = Ear(rabbit, f"{name}.double")
    party.subscribe(f"{name}/answers/+", 1)
    for i, correlation in enumerate([b"c-1", b"\xff\x00"]):
        party.publish(f"{name}/double", str(i + 4), 1, properties=props(
            "publish", ResponseTopic=f"{name}/answers/a.{i}", CorrelationData=correlation))
        request = worker.take_one()
        headers = dict(request.properties.headers)
        to_topic(rabbit, headers.pop("x-reply-to-topic"), str(2 * int(request.body)), headers=headers or None,
                 correlation_id=request.properties.correlation_id)
        answer = party.take_one()
        assert (answer.topic, answer.payload.decode()) == (f"{name}/answers/a.{i}", str(2 * (i + 4)))
        assert answer.properties.CorrelationData == correlation


def test_rpc_from_amqp(rabbit, party, name):
    """An MQTT 5 worker answers a pika requester."""
    answers = Ear(rabbit, f"{name}.answers.*")
    party.subscribe(f"{name}/double", 1)
    to_topic(rabbit, f"{name}.double", "4", correlation_id="c-1", headers={"x-reply-to-topic": f"{name}.answers.a"})
    request = party.take_one()
    party.publish(request.properties.ResponseTopic, str(2 * int(request.payload)), 1, properties=props(
        "publish", CorrelationData=request.properties.CorrelationData))
    answer = answers.take_one()
    assert (answer.method.routing_key, answer.body, answer.properties.correlation_id) == (f"{name}.answers.a", b"8", "c-1")


# ---- what outlives the node

def collector(node, parties, name):
    rabbit = parties(Rabbit(node)).confirming()
    rabbit.queue("collected", keep=True, durable=True)
    rabbit.bind("collected", "amq.topic", f"{name}.#")
    return rabbit


def test_durable_queue_keeps_what_was_confirmed(new_node, parties, shards, name):
    """QoS 0 too: it lies in the log before the QoS 1 behind it."""
    node = new_node(shards=shards)
    collector(node, parties, name)
    people = [parties(Party(node)).join() for _ in range(MANY)]
    for i in range(60):
        for k, person in enumerate(people):
            person.publish(f"{name}/{k}", f"{i}", i % 3)
    for k, person in enumerate(people):
        person.publish(f"{name}/{k}", "end", 1)
    node.restart("kill")
    rabbit = parties(Rabbit(node))
    assert rabbit.count("collected") == 61 * MANY
    consumer = rabbit.consume("collected", auto_ack=True)
    got = consumer.take(61 * MANY)
    for k in range(MANY):
        mine = [m for m in got if m.method.routing_key == f"{name}.{k}"]
        assert [m.body.decode() for m in mine] == [str(i) for i in range(60)] + ["end"]
        assert [m.properties.delivery_mode for m in mine] == [1, 2, 2] * 20 + [2]


def test_kill_while_mqtt_publishes(new_node, parties, shards, name):
    """The publishers come back and go on: QoS 2 once and in order, QoS 1 at least once, QoS 0 at most once."""
    node = new_node(shards=shards)
    rabbit = collector(node, parties, name)
    people = [parties(Party(node, f"p{qos}", "3.1.1", clean=False)).join() for qos in range(3)]
    sent = [[person.client.publish(f"{name}/{qos}", f"{i}", qos) for i in range(400)] for qos, person in enumerate(people)]
    wait_until(lambda: all(any(info.is_published() for info in infos) for infos in sent[1:]), "the first confirmations")
    node.restart("kill")
    for info in sent[1] + sent[2]:
        wait_until(info.is_published, "a confirmation")
    rabbit = parties(Rabbit(node))
    got = [[], [], []]
    while (message := rabbit.channel.basic_get("collected", True))[0] is not None:
        got[int(message[0].routing_key[-1])].append(int(message[2]))
    assert got[0] == sorted(set(got[0]))
    assert sorted(set(got[1])) == list(range(400))
    assert got[2] == list(range(400))


def test_session_collects_amqp_through_a_kill(new_node, parties, shards, name):
    """The other way round: what was confirmed to pika waits for an MQTT client that is away."""
    node = new_node(shards=shards)
    for i in range(MANY):
        away = parties(Party(node, f"away{i}", "3.1.1", clean=False)).join()
        away.subscribe(f"{name}/#", 2)
        away.leave()
    rabbit = parties(Rabbit(node)).confirming()
    for i in range(30):
        to_topic(rabbit, f"{name}.{i}", str(i), properties=PERSISTENT)
    node.restart("kill")
    for i in range(MANY):
        again = parties(Party(node, f"away{i}", "3.1.1", clean=False))
        assert again.connect()[0] is True
        got = again.take(30)
        assert [(m.topic, m.payload.decode(), m.qos) for m in got] == [(f"{name}/{k}", str(k), 1) for k in range(30)]


# ---- tambo's own commands

def test_sub_sees_both(rabbit, node, party, parties, name):
    sub = parties(Sub(node, "-t", f"{name}/#", "-q", 1, "-C", 2, "--json"))
    party.publish(f"{name}/a.b", "mqtt", 1)
    to_topic(rabbit, f"{name}.a.b", "amqp", delivery_mode=2, headers={"k": "v"})
    first, second = [json.loads(line) for line in sub.output().splitlines()]
    assert (first["topic"], first["payload"]) == (f"{name}/a.b", "mqtt")
    assert (second["topic"], second["payload"], second["qos"]) == (f"{name}/a/b", "amqp", 1)
    assert second["properties"]["user-properties"] == [["k", "v"]]


def test_get_sees_both(rabbit, node, party, name):
    queue = rabbit.queue(name, auto_delete=False)
    rabbit.bind(queue, "amq.topic", f"{name}.#")
    party.publish(f"{name}/a.b", "mqtt", 1, properties=props("publish", UserProperty=("k", "v")))
    to_topic(rabbit, f"{name}.a.b", "amqp", delivery_mode=2)
    first, second = [json.loads(line) for line in run("get", "-p", node.port, "-n", 2, "--json", queue).stdout.splitlines()]
    assert (first["exchange"], first["routing_key"], first["payload"]) == ("amq.topic", f"{name}.a%2Eb", "mqtt")
    assert first["properties"] == {"delivery_mode": 2, "headers": {"k": "v"}}
    assert (second["exchange"], second["routing_key"], second["payload"]) == ("amq.topic", f"{name}.a.b", "amqp")


def test_put_and_pub_reach_both(rabbit, node, party, name):
    ear = Ear(rabbit, f"{name}.#")
    party.subscribe(f"{name}/#", 1)
    test_cli.pub(node, "-t", f"{name}/pub", "-m", "1", "-q", 1)
    run("put", "-p", node.port, "--exchange", "amq.topic", f"{name}.put", "2")
    assert [(m.method.routing_key, m.body) for m in ear.consumer.take(2)] == [(f"{name}.pub", b"1"), (f"{name}.put", b"2")]
    assert [(m.topic, m.payload) for m in party.take(2)] == [(f"{name}/pub", b"1"), (f"{name}/put", b"2")]
