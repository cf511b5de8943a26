"""AMQP 0-9-1: every kind of exchange, and what leads from one to another."""
import pika
import pytest

from rabbit import Rabbit, props


@pytest.fixture
def rabbit(node, parties):
    return parties(Rabbit(node)).confirming()


def bound(rabbit, exchange, *keys, **arguments):
    """A queue of the connection's own, bound with each key, or with an empty one."""
    queue = rabbit.queue()
    for key in keys or [""]:
        rabbit.bind(queue, exchange, key, **arguments)
    return queue


def routed(rabbit, exchange, queues, key="", **values):
    """Publishes, and returns the indices of the queues that have it."""
    rabbit.publish(key, "m", exchange, props(**values))
    return [i for i, queue in enumerate(queues) if rabbit.drain(queue)]


def test_default(rabbit):
    queues = [rabbit.queue() for _ in range(2)]
    assert routed(rabbit, "", queues, queues[1]) == [1]


@pytest.mark.parametrize("exchange", ["amq.direct", "own"])
def test_direct(rabbit, name, exchange):
    if exchange == "own":
        rabbit.exchange(name, "direct")
        exchange = name
    queues = [bound(rabbit, exchange, *(f"{name}-{key}" for key in keys)) for keys in ("a", "ab", "b", "")]
    assert routed(rabbit, exchange, queues, f"{name}-a") == [0, 1]
    assert routed(rabbit, exchange, queues, f"{name}-b") == [1, 2]
    assert routed(rabbit, exchange, queues, f"{name}-c") == []
    rabbit.channel.queue_unbind(queues[1], exchange, f"{name}-a")
    assert routed(rabbit, exchange, queues, f"{name}-a") == [0]
    rabbit.channel.queue_unbind(queues[1], exchange, f"{name}-a")  # once more is no error


def test_bound_twice_is_delivered_once(rabbit, name):
    rabbit.exchange(name, "topic")
    queue = bound(rabbit, name, "a.b", "a.*", "#", "a.b")
    rabbit.publish("a.b", "once", name)
    assert rabbit.drain(queue) == ["once"]


def test_fanout(rabbit, name):
    rabbit.exchange(name, "fanout")
    queues = [bound(rabbit, name, "ignored"), bound(rabbit, name, ""), rabbit.queue()]
    assert routed(rabbit, name, queues, "whatever") == [0, 1]


TOPICS = {
    "a.b.c": {"a.b.c", "a.b.*", "a.*.c", "*.*.*", "#", "a.#", "#.c", "a.#.c", "a.b.c.#", "a.*.#", "#.b.#", "*.#", "#.#", "a.#.#.c", "#.*"},
    "a": {"#", "a.#", "*", "#.#", "*.#", "#.*", "a"},
    "a.c": {"#", "a.#", "#.c", "a.#.c", "a.*.#", "*.#", "#.#", "a.#.#.c", "#.*", "a.*"},
    "": {"#", "#.#", ""},  # no words at all
    "a..c": {"a.*.c", "*.*.*", "#", "a.#", "#.c", "a.#.c", "a.*.#", "*.#", "#.#", "a.#.#.c", "#.*", "a..c"},
    "a.b.c.d": {"#", "a.#", "a.b.c.#", "a.*.#", "#.b.#", "*.#", "#.#", "#.*"},
    "a/b": {"#", "#.#", "*", "*.#", "#.*"},
    "a+b.#x": {"#", "#.#", "*.#", "#.*"},
}


@pytest.mark.parametrize("exchange", ["amq.topic", "own"])
def test_topic(rabbit, name, exchange):
    """Each pattern against each key; amq.topic is the one that MQTT shares, with a first word of the test's own."""
    prefix = ""
    if exchange == "own":
        rabbit.exchange(name, "topic")
        exchange = name
    else:
        prefix = name + "."
    patterns = sorted(set().union(*TOPICS.values()))
    queues = {pattern: bound(rabbit, exchange, prefix + pattern) for pattern in patterns}
    for key, wanted in TOPICS.items():
        if prefix and not key:
            continue  # with a word before it, that is one empty word more
        rabbit.publish(prefix + key, key, exchange)
        got = {pattern for pattern, queue in queues.items() if rabbit.drain(queue)}
        assert got == wanted, key


def test_topic_keys_of_the_greatest_length(rabbit, name):
    rabbit.exchange(name, "topic")
    key = ".".join(["w"] * 128)
    queues = [bound(rabbit, name, key), bound(rabbit, name, "#.w"), bound(rabbit, name, "*." * 127 + "*")]
    assert len(key) == 255
    assert routed(rabbit, name, queues, key) == [0, 1, 2]


HEADERS = {  # binding: which of the messages below it takes
    (("x-match", "all"), ("a", 1), ("b", "two")): "both more",
    (("x-match", "any"), ("a", 1), ("b", "two")): "both more a b",
    (("a", 1),): "both more a",  # all is the default
    (("x-match", "all"),): "both more a b none other no-headers",
    (("x-match", "any"),): "",
    (("x-match", "all"), ("a", None)): "both more a other",  # no value: the name is enough
    (("x-match", "all-with-x"), ("x-q", "y")): "more",
    (("x-match", "any-with-x"), ("x-q", "y"), ("b", "two")): "both more b",
    (("x-match", "all"), ("x-q", "z"), ("a", 1)): "both more a",  # names that begin with x- do not count
}
MESSAGES = {"both": {"a": 1, "b": "two"}, "more": {"a": 1, "b": "two", "c": True, "x-q": "y"}, "a": {"a": 1}, "b": {"b": "two"},
            "none": {"d": 1}, "other": {"a": 2, "b": "TWO"}, "no-headers": None}


@pytest.mark.parametrize("exchange", ["amq.headers", "amq.match", "own"])
def test_headers(rabbit, name, exchange):
    if exchange == "own":
        exchange = rabbit.exchange(name, "headers")
    queues = {binding: bound(rabbit, exchange, "", **dict(binding)) for binding in HEADERS}
    for message, headers in MESSAGES.items():
        rabbit.publish("", message, exchange, props(headers=headers))
    for binding, queue in queues.items():
        assert " ".join(rabbit.drain(queue)) == HEADERS[binding], binding


def test_headers_of_every_type(rabbit, name):
    """A value matches one of the same type and value."""
    rabbit.exchange(name, "headers")
    values = [True, 5, -5, 2**40, "text", b"bytes", {"k": "v"}, ["a", 1]]
    queues = [bound(rabbit, name, "", v=value) for value in values]
    for i, value in enumerate(values):
        assert routed(rabbit, name, queues, headers={"v": value}) == [i], value


def test_exchange_to_exchange(rabbit, name):
    first, second = rabbit.exchange(f"{name}-1", "topic"), rabbit.exchange(f"{name}-2", "fanout")
    rabbit.channel.exchange_bind(second, first, "a.*")
    queue = bound(rabbit, second)
    rabbit.publish("a.b", "through", first)
    rabbit.publish("b.b", "not", first)
    rabbit.publish("a.c", "end", first)
    assert rabbit.drain(queue) == ["through", "end"]
    rabbit.channel.exchange_unbind(second, first, "a.*")
    rabbit.publish("a.b", "no more", first)
    assert rabbit.drain(queue) == []


def test_cycle_of_exchanges(rabbit, name):
    """Each exchange routes a message once."""
    names = [rabbit.exchange(f"{name}-{i}", "fanout") for i in range(3)]
    for i in range(3):
        rabbit.channel.exchange_bind(names[(i + 1) % 3], names[i])
    queues = [bound(rabbit, exchange) for exchange in names]
    rabbit.publish("", "round", names[1])
    assert [rabbit.drain(queue) for queue in queues] == [["round"]] * 3


def test_exchange_to_exchange_keeps_the_key(rabbit, name):
    first, second = rabbit.exchange(f"{name}-1", "fanout"), rabbit.exchange(f"{name}-2", "direct")
    rabbit.channel.exchange_bind(second, first)
    queues = [bound(rabbit, second, "k"), bound(rabbit, second, "l")]
    assert routed(rabbit, first, queues, "k") == [0]
    rabbit.publish("l", "m", first)
    got = rabbit.get(queues[1])
    assert (got.method.exchange, got.method.routing_key) == (first, "l")


def test_system_exchanges_bind(rabbit, name):
    """amq.topic as a source and as a destination."""
    first = rabbit.exchange(name, "fanout")
    rabbit.channel.exchange_bind("amq.topic", first)
    queue = bound(rabbit, "amq.topic", f"{name}.*")
    rabbit.publish(f"{name}.x", "into", first)
    assert rabbit.drain(queue) == ["into"]
    rabbit.channel.exchange_unbind("amq.topic", first)
    rabbit.channel.exchange_bind(first, "amq.topic", f"{name}.out")
    other = bound(rabbit, first)
    rabbit.publish(f"{name}.out", "out of", "amq.topic")
    assert rabbit.drain(other) == ["out of"] and rabbit.drain(queue) == ["out of"]


def test_alternate(rabbit, name):
    """What an exchange cannot route goes to its alternate, and on to that one's."""
    rabbit.exchange(f"{name}-3", "fanout")
    rabbit.exchange(f"{name}-2", "direct", arguments={"alternate-exchange": f"{name}-3"})
    rabbit.exchange(f"{name}-1", "direct", arguments={"alternate-exchange": f"{name}-2"})
    queues = [bound(rabbit, f"{name}-{i}", key) for i, key in ((1, "a"), (2, "b"), (3, ""))]
    for key, wanted in (("a", [0]), ("b", [1]), ("c", [2])):
        assert routed(rabbit, f"{name}-1", queues, key) == wanted


def test_alternate_that_is_not_there(rabbit, name):
    rabbit.exchange(name, "direct", arguments={"alternate-exchange": f"{name}-never"})
    with pytest.raises(pika.exceptions.UnroutableError):
        rabbit.publish("k", "m", name, mandatory=True)
    rabbit.publish("k", "m", name)


def test_alternate_makes_it_routable(rabbit, name):
    rabbit.exchange(f"{name}-2", "fanout")
    rabbit.exchange(f"{name}-1", "direct", arguments={"alternate-exchange": f"{name}-2"})
    queue = bound(rabbit, f"{name}-2")
    rabbit.publish("k", "m", f"{name}-1", mandatory=True)
    assert rabbit.drain(queue) == ["m"]


def test_internal(rabbit, name):
    outer, inner = rabbit.exchange(f"{name}-1", "fanout"), rabbit.exchange(f"{name}-2", "fanout", internal=True)
    rabbit.channel.exchange_bind(inner, outer)
    queue = bound(rabbit, inner)
    rabbit.publish("", "through", outer)
    assert rabbit.drain(queue) == ["through"]


def exchange_exists(rabbit, name):
    channel = rabbit.connection.channel()
    try:
        channel.exchange_declare(name, passive=True)
    except pika.exceptions.ChannelClosedByBroker as closed:
        assert closed.reply_code == 404
        return False
    channel.close()
    return True


def test_auto_delete(rabbit, name):
    """Goes with its last binding, not before its first."""
    rabbit.exchange(name, "direct", auto_delete=True)
    queues = [bound(rabbit, name, "a"), bound(rabbit, name, "b")]
    rabbit.channel.queue_unbind(queues[0], name, "a")
    assert exchange_exists(rabbit, name)
    rabbit.channel.queue_delete(queues[1])
    assert not exchange_exists(rabbit, name)


def test_auto_delete_chain(rabbit, name):
    """The end of a queue ends the exchange it was bound to, and the one before that."""
    first, second = f"{name}-1", f"{name}-2"
    rabbit.exchange(first, "fanout", auto_delete=True)
    rabbit.exchange(second, "fanout", auto_delete=True)
    rabbit.channel.exchange_bind(second, first)
    rabbit.channel.queue_delete(bound(rabbit, second, ""))
    assert not exchange_exists(rabbit, second) and not exchange_exists(rabbit, first)


def test_delete(rabbit, name):
    rabbit.exchange(name, "fanout")
    queue = bound(rabbit, name, "")
    rabbit.channel.exchange_delete(name)
    assert not exchange_exists(rabbit, name)
    rabbit.channel.exchange_delete(name)  # once more is no error
    rabbit.exchange(name, "fanout")
    rabbit.publish("", "m", name)
    assert rabbit.drain(queue) == [], "the new one has no bindings"


@pytest.mark.parametrize("kind", ["direct", "fanout", "topic", "headers"])
def test_declared_twice(rabbit, name, kind):
    for _ in range(2):
        rabbit.exchange(name, kind, durable=True, arguments={"alternate-exchange": "amq.fanout"})
    rabbit.channel.exchange_declare(name, passive=True)


@pytest.mark.parametrize("exchange, kind", [("amq.direct", "direct"), ("amq.fanout", "fanout"), ("amq.topic", "topic"),
                                            ("amq.headers", "headers"), ("amq.match", "headers")])
def test_system_exchanges_are_declared(rabbit, exchange, kind):
    rabbit.channel.exchange_declare(exchange, kind, durable=True)


def test_cc_and_bcc(rabbit):
    """More routing keys in headers; BCC is not shown."""
    queues = [rabbit.queue() for _ in range(4)]
    rabbit.publish(queues[0], "m", headers={"CC": [queues[1], queues[2]], "BCC": [queues[3]], "other": 1})
    for queue in queues:
        got = rabbit.get(queue)
        assert got.properties.headers == {"CC": [queues[1], queues[2]], "other": 1}
        assert got.method.routing_key == queues[0]


def test_names_of_every_sort(rabbit, name):
    """UTF-8, blanks, 255 octets."""
    for exchange in (f"{name} é☃", f"{name}/a b", f"{name}-".ljust(255, "x")):
        rabbit.exchange(exchange, "direct")
        queue = bound(rabbit, exchange, "schlüssel")
        rabbit.publish("schlüssel", "m", exchange)
        got = rabbit.get(queue)
        assert (got.method.exchange, got.method.routing_key) == (exchange, "schlüssel")


def test_many_bindings(rabbit, name):
    """A thousand queues on one exchange; a message finds its one."""
    rabbit.exchange(name, "direct")
    queues = [bound(rabbit, name, str(i)) for i in range(1000)]
    for i in (0, 499, 999):
        rabbit.publish(str(i), i, name)
        assert rabbit.drain(queues[i]) == [str(i)]
    assert sum(rabbit.count(queue) for queue in queues) == 0
