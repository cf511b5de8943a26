"""amqplib in a child process, told what to do by amqplib/client.js."""
from arm import Arm


class Js(Arm):
    def __init__(self, node):
        super().__init__(node, "amqplib/client.js")

    def open(self, client, confirm=False):
        """A channel on a connection of its own."""
        self.ask("open", client, url=f"amqp://guest:guest@127.0.0.1:{self.node.port}", confirm=confirm)

    def call(self, client, method, *arguments):
        """A method of the channel, and what it resolves to."""
        return self.ask("call", client, method=method, args=list(arguments))

    def declare(self, client, name="", **options):
        """Returns its name; it goes with the connection unless told otherwise."""
        return self.call(client, "assertQueue", name, {"exclusive": True, **options})["queue"]

    def publish(self, client, exchange, key, body, **options):
        self.ask("publish", client, exchange=exchange, key=key, body=body, options=options)

    def consume(self, client, queue, **options):
        return self.ask("consume", client, queue=queue, options=options)["consumerTag"]

    def message(self, client):
        return self.event(client, "message")

    def bodies(self, client, count):
        return [self.message(client)["content"] for _ in range(count)]

    def ready(self, client, queue):
        """Messages that wait there."""
        return self.call(client, "checkQueue", queue)["messageCount"]

    def settle(self, client, how, message, *arguments):
        """`how` is ack, nack or reject."""
        self.call(client, how, {"fields": message["fields"]}, *arguments)
