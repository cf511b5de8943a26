"""paho-mqtt with its callbacks turned into values one can wait for."""
import queue
import socket
import time

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from nodes import PATIENCE_S

VERSIONS = {"3.1": paho.MQTTv31, "3.1.1": paho.MQTTv311, "5": paho.MQTTv5}


def props(kind, **values):
    """Properties of a packet: props("publish", UserProperty=[("a", "b")])."""
    made = Properties(getattr(PacketTypes, kind.upper()))
    for key, value in values.items():
        setattr(made, key, value)
    return made


def code(reason):
    """paho gives reason codes as objects (5) or numbers (3.1.1)."""
    return getattr(reason, "value", reason)


class Party:
    """A client with its own thread."""

    def __init__(self, node, client_id="", version="5", clean=True):
        self.node, self.version, self.clean = node, version, clean
        session = {} if version == "5" else {"clean_session": clean}
        self.client = paho.Client(client_id, protocol=VERSIONS[version], **session)
        self.client.reconnect_delay_set(1, 1)
        self.client.max_queued_messages_set(0)
        self.messages = queue.Queue()
        self.acks = queue.Queue()
        self.connects = queue.Queue()
        self.ends = queue.Queue()
        self.topics = {}
        self.client.on_message = lambda client, arg, message: self.messages.put(message)
        self.client.on_subscribe = lambda client, arg, mid, granted, *rest: self.acks.put((mid, granted, *rest))
        self.client.on_unsubscribe = lambda client, arg, mid, *rest: self.acks.put((mid, *rest))
        self.client.on_connect = lambda client, arg, flags, reason, *rest: self.connects.put((flags, code(reason), *rest))
        self.client.on_disconnect = lambda client, arg, reason, *rest: self.ends.put((code(reason), *rest))

    def connect(self, keepalive=60, properties=None):
        """Returns (session present, reason code, properties)."""
        if self.version == "5":
            self.client.connect("127.0.0.1", self.node.port, keepalive, clean_start=self.clean, properties=properties)
        else:
            self.client.connect("127.0.0.1", self.node.port, keepalive)
        self.client.loop_start()
        return self.connected()

    def connected(self):
        flags, reason, *rest = self.connects.get(timeout=PATIENCE_S)
        return flags["session present"] == 1, reason, rest[0] if rest else None

    def join(self, *more, **options):
        """connect() that must succeed; returns the party."""
        _, reason, _ = self.connect(*more, **options)
        assert reason == 0, f"refused with 0x{reason:02x}"
        return self

    def subscribe(self, topic, qos=0, **more):
        """Waits for the SUBACK and returns its codes."""
        rc, mid = self.client.subscribe(topic, **({} if "options" in more or isinstance(topic, list) else {"qos": qos}), **more)
        assert rc == 0
        acked, granted, *_ = self.acks.get(timeout=PATIENCE_S)
        assert acked == mid
        return [code(one) for one in granted]

    def unsubscribe(self, topic):
        rc, mid = self.client.unsubscribe(topic)
        assert rc == 0
        acked, *rest = self.acks.get(timeout=PATIENCE_S)
        assert acked == mid
        return rest

    def publish(self, topic, payload=b"", qos=0, **more):
        """Returns when it is confirmed (QoS 0: written)."""
        info = self.client.publish(topic, payload, qos, **more)
        assert info.rc == 0
        info.wait_for_publish(PATIENCE_S)
        assert info.is_published(), f"no confirmation in {PATIENCE_S} s"

    def take(self, count=1, patience_s=PATIENCE_S):
        """The next `count` messages."""
        got = []
        deadline = time.monotonic() + patience_s
        while len(got) < count:
            try:
                got.append(self.messages.get(timeout=max(0.001, deadline - time.monotonic())))
            except queue.Empty:
                raise AssertionError(f"{len(got)} of {count} messages in {patience_s} s: {[m.payload[:40] for m in got]}")
        return got

    def take_one(self):
        return self.take()[0]

    def payloads(self, count):
        return [message.payload.decode() for message in self.take(count)]

    def payloads_until(self, last):
        """Everything up to the payload `last`, which is left out."""
        got = []
        while True:
            payload = self.take_one().payload.decode()
            if payload == last:
                return got
            got.append(payload)

    def ended(self):
        """Waits for the end of the connection: (reason code, properties...)."""
        return self.ends.get(timeout=PATIENCE_S)

    def cut(self):
        """The connection is gone without a DISCONNECT, and paho does not come back.

        loop_stop() alone would wait for whatever is not yet confirmed."""
        self.client._thread_terminate = True
        try:
            self.client._sock.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            pass  # it is gone already
        self.client.loop_stop()
        self.client._sock_close()

    def leave(self, **more):
        self.client.disconnect(**more)
        self.ended()
        self.client.loop_stop()

    def close(self):
        self.cut()
