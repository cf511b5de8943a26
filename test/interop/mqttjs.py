"""MQTT.js in a child process, told what to do by mqttjs/client.js."""
from arm import Arm


class Js(Arm):
    def __init__(self, node):
        super().__init__(node, "mqttjs/client.js")

    def connect(self, client, version, **options):
        """Returns the CONNACK."""
        self.open(client, version, **options)
        return self.event(client, "connect")["packet"]

    def open(self, client, version, **options):
        self.tell("connect", client, url=f"mqtt://127.0.0.1:{self.node.port}",
                  options={"protocolVersion": version, "reconnectPeriod": 200, **options})

    def subscribe(self, client, filter, qos=0, **options):
        return self.ask("subscribe", client, filter=filter, options={"qos": qos, **options})

    def publish(self, client, topic, payload, qos=0, fill=0, **options):
        return self.ask("publish", client, topic=topic, payload=payload, fill=fill, options={"qos": qos, **options})

    def messages(self, client, count):
        return [self.event(client, "message") for _ in range(count)]

    def payloads(self, client, count):
        return [message["payload"] for message in self.messages(client, count)]
