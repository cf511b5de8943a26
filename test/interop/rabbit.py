"""pika's blocking connection, with what arrives turned into values one can wait for."""
import collections
import time

import pika

from nodes import PATIENCE_S

Message = collections.namedtuple("Message", "method properties body")

PERSISTENT = pika.BasicProperties(delivery_mode=2)


def props(**values):
    return pika.BasicProperties(**values)


class Consumer:
    """What one consumer has been given, in order."""

    def __init__(self, channel, queue, **options):
        self.channel = channel
        self.messages = collections.deque()
        self.cancelled = False
        channel.add_on_cancel_callback(self.on_cancel)
        self.tag = channel.basic_consume(queue, self.on_message, **options)

    def on_message(self, channel, method, properties, body):
        self.messages.append(Message(method, properties, body))

    def on_cancel(self, frame):
        self.cancelled = self.cancelled or frame.method.consumer_tag == self.tag

    def wait(self, condition, what, patience_s=PATIENCE_S):
        wait_on(self.channel.connection, condition, what, patience_s)

    def take(self, count=1, patience_s=PATIENCE_S):
        """The next `count` messages."""
        self.wait(lambda: len(self.messages) >= count, f"{count} messages", patience_s)
        return [self.messages.popleft() for _ in range(count)]

    def take_one(self, patience_s=PATIENCE_S):
        return self.take(1, patience_s)[0]

    def bodies(self, count):
        return [message.body.decode() for message in self.take(count)]

    def until(self, last):
        """The bodies up to `last`, which is left out: nothing else has come before it."""
        got = []
        while True:
            body = self.take_one().body.decode()
            if body == last:
                return got
            got.append(body)

    def ack(self, message, multiple=False):
        self.channel.basic_ack(message.method.delivery_tag, multiple)

    def cancel(self):
        self.channel.basic_cancel(self.tag)


def wait_on(connection, condition, what, patience_s=PATIENCE_S):
    """Lets pika read until `condition` holds."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {patience_s} s for {what}"
        connection.process_data_events(time_limit=0.1)


class Rabbit:
    """A connection, its first channel, and what was declared on it, which goes when it is closed."""

    def __init__(self, node, user="guest", password="guest", vhost="/", heartbeat=0, **more):
        self.node = node
        parameters = pika.ConnectionParameters("127.0.0.1", node.port, vhost, pika.PlainCredentials(user, password),
                                               heartbeat=heartbeat, blocked_connection_timeout=4 * PATIENCE_S,
                                               socket_timeout=PATIENCE_S, **more)
        self.connection = pika.BlockingConnection(parameters)
        self.channel = self.connection.channel()
        self.declared = []

    def queue(self, name="", keep=False, arguments=None, **options):
        """Returns its name."""
        options = options or {"exclusive": not keep and name == ""}
        name = self.channel.queue_declare(name, arguments=arguments, **options).method.queue
        if not keep:
            self.declared.append(("queue", name))
        return name

    def exchange(self, name, kind, keep=False, **options):
        self.channel.exchange_declare(name, kind, **options)
        if not keep:
            self.declared.append(("exchange", name))
        return name

    def bind(self, queue, exchange, key="", **arguments):
        self.channel.queue_bind(queue, exchange, key, arguments or None)

    def publish(self, queue, body, exchange="", properties=None, mandatory=False, **values):
        self.channel.basic_publish(exchange, queue, body if isinstance(body, bytes) else str(body).encode(),
                                   properties or (props(**values) if values else None), mandatory)

    def confirming(self):
        self.channel.confirm_delivery()
        return self

    def consume(self, queue, channel=None, **options):
        return Consumer(channel or self.channel, queue, **options)

    def get(self, queue, auto_ack=True):
        """The next message of the queue, which must be there by now or soon."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            message = Message(*self.channel.basic_get(queue, auto_ack))
            if message.method is not None:
                return message
            assert time.monotonic() < deadline, f"nothing in {queue}"

    def drain(self, queue):
        """The bodies of everything that is ready."""
        got = []
        while True:
            message = Message(*self.channel.basic_get(queue, True))
            if message.method is None:
                return got
            got.append(message.body.decode())

    def count(self, queue):
        """Messages that are ready."""
        return self.facts(queue).message_count

    def facts(self, queue):
        return self.channel.queue_declare(queue, passive=True).method

    def exists(self, queue):
        """Asked on a channel of its own, which a `no` closes."""
        channel = self.connection.channel()
        try:
            channel.queue_declare(queue, passive=True)
        except pika.exceptions.ChannelClosedByBroker as closed:
            assert closed.reply_code == 404, closed
            return False
        channel.close()
        return True

    def wait(self, condition, what, patience_s=PATIENCE_S):
        wait_on(self.connection, condition, what, patience_s)

    def clear(self):
        channel = self.connection.channel()
        for kind, name in self.declared:
            {"queue": channel.queue_delete, "exchange": channel.exchange_delete}[kind](name)

    def close(self):
        """Whatever state the test has left it in."""
        if not self.connection.is_open:
            return
        try:
            self.clear()
            self.connection.close()
        except pika.exceptions.AMQPError:
            pass  # the node is gone, or the connection broke: the test knows
