#!/usr/bin/python3
"""Two brokers of AMQP 0-9-1 side by side: random conversations, the same with each, and what they answer must be the same.

    test/interop/compare.py PORT PORT [FIRST [LAST]]     seeds FIRST to LAST - 1 (0 to 100), one conversation a seed

Nothing in a conversation depends on time: after each publication or settlement a synchronous method brings to light what it led
to.  The first answer that differs ends a conversation and is printed with all that led to it; exit code 1."""
import random
import sys

import pika

STEPS = 60
PATTERNS = ["a.*", "#", "a.#", "*"]
OVERFLOWS = ["drop-head", "reject-publish", "reject-publish-dlx"]
MATCHES = ["all", "any", "all-with-x", "any-with-x", "foo"]


class Side:
    """One broker: what a step answers, as values that can be compared."""

    def __init__(self, port):
        self.connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port))
        self.open()

    def open(self):
        self.channel, self.tags, self.returned = self.connection.channel(), [], []
        self.channel.add_on_return_callback(
            lambda channel, method, properties, body: self.returned.append((method.reply_code, method.reply_text, method.routing_key, body)))

    def step(self, name, *arguments):
        try:
            if self.channel.is_closed:
                self.open()
            answer = getattr(self, name)(*arguments)
        except pika.exceptions.AMQPChannelError as error:
            answer = repr(error)
        except pika.exceptions.AMQPConnectionError as error:
            return repr(error)
        returned, self.returned = self.returned, []
        return answer, returned

    def settled(self):
        """Comes back when all before it is done."""
        self.channel.exchange_declare("amq.direct", passive=True)

    def declare(self, queue, flags, arguments):
        method = self.channel.queue_declare(queue, arguments=arguments, **flags).method
        return method.message_count, method.consumer_count

    def purge(self, queue):
        return self.channel.queue_purge(queue).method.message_count

    def delete(self, queue, flags):
        return self.channel.queue_delete(queue, **flags).method.message_count

    def exchange(self, name, kind, flags, arguments):
        self.channel.exchange_declare(name, kind, arguments=arguments, **flags)

    def exchange_delete(self, name, flags):
        self.channel.exchange_delete(name, **flags)

    def bind(self, queue, exchange, key, arguments):
        self.channel.queue_bind(queue, exchange, key, arguments=arguments)

    def unbind(self, queue, exchange, key, arguments):
        self.channel.queue_unbind(queue, exchange, key, arguments=arguments)

    def exchange_bind(self, destination, source, key):
        self.channel.exchange_bind(destination, source, key)

    def publish(self, exchange, key, body, properties, mandatory):
        self.channel.basic_publish(exchange, key, body, pika.BasicProperties(**properties), mandatory=mandatory)
        self.settled()

    def get(self, queue, auto_ack):
        method, p, body = self.channel.basic_get(queue, auto_ack=auto_ack)
        if method is None:
            return None
        if not auto_ack:
            self.tags.append(method.delivery_tag)
        return (method.redelivered, method.exchange, method.routing_key, method.message_count, body, plain(p.headers), p.priority,
                p.expiration, p.delivery_mode, p.content_type)

    def settle(self, how, at, multiple, requeue):
        if not self.tags:
            return
        tag = self.tags[at % len(self.tags)]
        multiple = multiple and how != "reject"
        if how == "ack":
            self.channel.basic_ack(tag, multiple)
        elif how == "nack":
            self.channel.basic_nack(tag, multiple, requeue)
        else:
            self.channel.basic_reject(tag, requeue)
        self.tags = [other for other in self.tags if other > tag or (other < tag and not multiple)]
        self.settled()

    def recover(self):
        self.channel.basic_recover(requeue=True)
        self.tags = []
        self.settled()

    def ack_of_nothing(self):
        self.channel.basic_ack(999)
        self.settled()

    def close(self):
        self.channel.close()

    def confirm(self):
        self.channel.confirm_delivery()

    def transaction(self, what):
        {"select": self.channel.tx_select, "commit": self.channel.tx_commit, "rollback": self.channel.tx_rollback}[what]()
        self.settled()


def plain(value):
    """Headers without times."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in sorted(value.items()) if key != "time"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, int) else str(value)


class Author:
    """Writes one conversation."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.queues = [f"c{seed}-q{i}" for i in range(3)]
        self.exchanges = [f"c{seed}-x{i}" for i in range(5)]
        self.keys = ["a", "a.b", "a.b.c", "b", "", *self.queues]
        self.published = 0

    def maybe(self, chance):
        return self.dice.random() < chance

    def some(self, table):
        """Of (chance, key, values) those that come up."""
        return {key: self.dice.choice(values) for chance, key, values in table if self.maybe(chance)}

    def queue_arguments(self):
        arguments = self.some([
            (.3, "x-max-length", [0, 1, 2, 3]), (.15, "x-max-length-bytes", [0, 1, 5, 10]), (.3, "x-overflow", OVERFLOWS),
            (.35, "x-dead-letter-exchange", [*self.exchanges, ""]), (.2, "x-dead-letter-routing-key", self.keys),
            (.2, "x-message-ttl", [60000, -1]), (.15, "x-max-priority", [1, 3, 10, 256, 0]), (.1, "x-expires", [0, 100000]),
            (.1, "x-queue-type", ["classic", "quorum", "nope"]), (.05, "x-single-active-consumer", [True]),
            (.05, "x-queue-mode", ["lazy", "default", "x"])])
        if arguments.get("x-queue-type") == "quorum":
            arguments["x-delivery-limit"] = self.dice.choice([1, 2])
        return arguments or None

    def binding_arguments(self):
        if self.maybe(.6):
            return None
        return self.some([(.7, "x-match", MATCHES), (.6, "k1", [1, "v", True]), (.4, "x-k", [1, "v"])])

    def properties(self):
        properties = self.some([(.6, "delivery_mode", [1, 2]), (.2, "priority", [0, 1, 2, 5, 9, 255]),
                                (.15, "expiration", ["60000", "x", "-1", ""]), (.2, "content_type", ["t/x"])])
        if self.maybe(.4):
            properties["headers"] = self.some([
                (.5, "k1", [1, "v", True]), (.3, "x-k", [1, "v"]), (.2, "BCC", [[self.dice.choice(self.keys)]]),
                (.3, "CC", [[self.dice.choice(self.keys)], self.dice.sample(self.queues, 2), "bad"])])
        return properties

    def publication(self):
        self.published += 1
        body = b"m%d" % self.published * self.dice.choice([1, 1, 3])
        return "publish", self.dice.choice([*self.exchanges, "", "", ""]), self.dice.choice(self.keys), body, self.properties(), self.maybe(.3)

    def step(self):
        queue, exchange = self.dice.choice(self.queues), self.dice.choice([*self.exchanges, ""])
        key = self.dice.choice(self.keys + PATTERNS)
        kinds = [
            (10, lambda: ("declare", queue, self.flags("durable", "auto_delete", "exclusive"), self.queue_arguments())),
            (3, lambda: ("declare", queue, {"passive": True}, None)),
            (5, lambda: ("exchange", exchange, self.dice.choice(["direct", "topic", "fanout", "headers"]),
                         self.flags("durable", "auto_delete", "internal"), self.some([(.3, "alternate-exchange", self.exchanges)]))),
            (2, lambda: ("exchange_delete", exchange, {"if_unused": self.maybe(.5)})),
            (10, lambda: ("bind", queue, exchange, key, self.binding_arguments())),
            (3, lambda: ("unbind", queue, exchange, key, None)),
            (3, lambda: ("exchange_bind", self.dice.choice(self.exchanges), exchange, key)),
            (26, self.publication),
            (14, lambda: ("get", queue, self.maybe(.4))),
            (12, lambda: ("settle", self.dice.choice(["ack", "nack", "reject"]), self.dice.randrange(5), self.maybe(.3), self.maybe(.6))),
            (2, lambda: ("recover",)), (1, lambda: ("ack_of_nothing",)), (2, lambda: ("close",)), (1, lambda: ("confirm",)),
            (2, lambda: ("purge", queue)), (1, lambda: ("delete", queue, self.flags("if_unused", "if_empty"))),
            (3, lambda: ("transaction", self.dice.choice(["select", "commit", "commit", "rollback"])))]
        (kind,) = self.dice.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])
        return kind()

    def flags(self, first, *others):
        return {first: self.maybe(.5), **{name: self.maybe(.15) for name in others}}

    def conversation(self):
        begin = [("exchange", name, kind, {}, None) for name, kind in zip(self.exchanges, ["topic", "fanout", "headers", "direct"])]
        end = [("get", queue, True) for queue in self.queues for _ in range(4)]
        return begin + [("declare", self.queues[0], {"durable": True}, None)] + [self.step() for _ in range(STEPS)] + end

    def clearing(self):
        return [("delete", queue, {}) for queue in self.queues] + [("exchange_delete", name, {}) for name in self.exchanges]


def compare(seed, ports):
    """True when they are of one mind to the end."""
    author = Author(seed)
    sides, said = [Side(port) for port in ports], []
    for step in author.conversation():
        answers = [side.step(*step) for side in sides]
        said.append(step)
        if answers[0] != answers[1]:
            print(f"seed {seed}:", *said, sep="\n    ")
            print(*(f"{port}: {answer}" for port, answer in zip(ports, answers)), sep="\n")
            break
        if not sides[0].connection.is_open:
            break
    alike = answers[0] == answers[1]
    for side in [Side(port) for port in ports]:
        for step in author.clearing():
            side.step(*step)
        side.connection.close()
    for side in sides:
        if side.connection.is_open:
            side.connection.close()
    return alike


def main():
    ports = [int(port) for port in sys.argv[1:3]]
    first, last = (int(n) for n in (sys.argv[3:] + ["0", "100"][len(sys.argv[3:]):]))
    different = sum(not compare(seed, ports) for seed in range(first, last))
    print(f"{last - first} conversations, {different} of them differ")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
