"""A small MQTT client on a bare socket, for what grown-up clients do not let a test do: withhold an acknowledgement,
resume what was in flight, hold thousands of connections, break the rules."""
import collections
import select
import socket
import struct
import time

from nodes import PATIENCE_S

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = range(1, 8)
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = range(8, 15)

BYTE, U16, U32, VARINT, TEXT, BINARY, PAIR = range(7)
PROPERTIES = {
    "payload_format_indicator": (0x01, BYTE), "message_expiry_interval": (0x02, U32), "content_type": (0x03, TEXT),
    "response_topic": (0x08, TEXT), "correlation_data": (0x09, BINARY), "subscription_identifier": (0x0B, VARINT),
    "session_expiry_interval": (0x11, U32), "assigned_client_identifier": (0x12, TEXT), "server_keep_alive": (0x13, U16),
    "authentication_method": (0x15, TEXT), "authentication_data": (0x16, BINARY),
    "request_problem_information": (0x17, BYTE), "will_delay_interval": (0x18, U32),
    "request_response_information": (0x19, BYTE), "response_information": (0x1A, TEXT), "server_reference": (0x1C, TEXT),
    "reason_string": (0x1F, TEXT), "receive_maximum": (0x21, U16), "topic_alias_maximum": (0x22, U16),
    "topic_alias": (0x23, U16), "maximum_qos": (0x24, BYTE), "retain_available": (0x25, BYTE),
    "user_property": (0x26, PAIR), "maximum_packet_size": (0x27, U32), "wildcard_subscription_available": (0x28, BYTE),
    "subscription_identifier_available": (0x29, BYTE), "shared_subscription_available": (0x2A, BYTE),
}
PROPERTY_NAMES = {number: (name, kind) for name, (number, kind) in PROPERTIES.items()}


# ---- writing

def varint(n):
    out = bytearray()
    while True:
        n, low = n >> 7, n & 0x7F
        out.append(low | (0x80 if n else 0))
        if not n:
            return bytes(out)


def binary(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(value)) + value


def encode_property(name, value):
    number, kind = PROPERTIES[name]
    if kind == PAIR:
        body = binary(value[0]) + binary(value[1])
    else:
        body = {BYTE: lambda v: bytes([v]), U16: lambda v: struct.pack("!H", v), U32: lambda v: struct.pack("!I", v),
                VARINT: varint, TEXT: binary, BINARY: binary}[kind](value)
    return bytes([number]) + body


def properties(pairs):
    body = b"".join(encode_property(name, value) for name, value in pairs)
    return varint(len(body)) + body


def packet(kind, body=b"", flags=0):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


def connect(client_id, version=5, clean=True, keepalive=0, props=()):
    name, level = {3: ("MQIsdp", 3), 4: ("MQTT", 4), 5: ("MQTT", 5)}[version]
    head = binary(name) + bytes([level, 0x02 if clean else 0]) + struct.pack("!H", keepalive)
    return packet(CONNECT, head + (properties(props) if version == 5 else b"") + binary(client_id))


def publish(topic, payload, qos=0, packet_id=0, version=5, retain=False, dup=False, props=()):
    payload = payload.encode() if isinstance(payload, str) else payload
    head = binary(topic) + (struct.pack("!H", packet_id) if qos else b"")
    head += properties(props) if version == 5 else b""
    return packet(PUBLISH, head + payload, (8 if dup else 0) | qos << 1 | (1 if retain else 0))


def acknowledge(kind, packet_id):
    return packet(kind, struct.pack("!H", packet_id), 2 if kind == PUBREL else 0)


def subscribe(packet_id, filters, version=5, props=()):
    """`filters`: (filter, options byte) each."""
    head = struct.pack("!H", packet_id) + (properties(props) if version == 5 else b"")
    return packet(SUBSCRIBE, head + b"".join(binary(f) + bytes([options]) for f, options in filters), 2)


def unsubscribe(packet_id, filters, version=5):
    head = struct.pack("!H", packet_id) + (properties(()) if version == 5 else b"")
    return packet(UNSUBSCRIBE, head + b"".join(binary(f) for f in filters), 2)


# ---- reading

class Cursor:
    def __init__(self, body):
        self.body, self.at = body, 0

    def take(self, n):
        self.at += n
        return self.body[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    def text(self):
        return self.take(self.number(2)).decode()

    def property(self):
        name, kind = PROPERTY_NAMES[self.number(1)]
        if kind == PAIR:
            return name, (self.text(), self.text())
        return name, {BYTE: lambda: self.number(1), U16: lambda: self.number(2), U32: lambda: self.number(4),
                      VARINT: self.varint, TEXT: self.text, BINARY: lambda: self.take(self.number(2))}[kind]()

    def properties(self):
        end = self.varint() + self.at
        found = []
        while self.at < end:
            found.append(self.property())
        return found

    def rest(self):
        return self.take(len(self.body) - self.at)

    def left(self):
        return len(self.body) - self.at


class Packet:
    """One packet that came; `props` is a list of pairs in their order."""

    def __init__(self, first, body, version):
        self.kind, self.flags = first >> 4, first & 0xF
        self.packet_id, self.reason, self.props = 0, 0, []
        cursor = Cursor(bytes(body))
        if self.kind == PUBLISH:
            self.read_publish(cursor, version)
        elif self.kind == CONNACK:
            self.session_present, self.reason = cursor.number(1) == 1, cursor.number(1)
            self.props = cursor.properties() if version == 5 else []
        elif self.kind in (SUBACK, UNSUBACK):
            self.packet_id = cursor.number(2)
            self.props = cursor.properties() if version == 5 else []
            self.reasons = list(cursor.rest())
        elif self.kind == DISCONNECT:
            self.read_reason(cursor)
        elif self.kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
            self.packet_id = cursor.number(2)
            self.read_reason(cursor)

    def read_publish(self, cursor, version):
        self.dup, self.qos, self.retain = bool(self.flags & 8), self.flags >> 1 & 3, bool(self.flags & 1)
        self.topic = cursor.text()
        self.packet_id = cursor.number(2) if self.qos else 0
        self.props = cursor.properties() if version == 5 else []
        self.payload = cursor.rest()

    def read_reason(self, cursor):
        self.reason = cursor.number(1) if cursor.left() else 0
        self.props = cursor.properties() if cursor.left() else []

    def all(self, name):
        return [value for key, value in self.props if key == name]

    def get(self, name):
        return next(iter(self.all(name)), None)


class Closed(Exception):
    """The node has closed the connection."""


class Wire:
    """A connection; blocking, with a deadline for everything."""

    def __init__(self, node, version=5):
        self.version = version
        self.buffer = bytearray()
        self.early = collections.deque()  # what came before the SUBACK that was waited for: MQTT allows it
        self.socket = socket.create_connection(("127.0.0.1", node.port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as gone:
            raise Closed from gone

    def parse(self):
        """A whole packet from the front of the buffer, or None."""
        length = shift = 0
        for at in range(1, min(5, len(self.buffer))):
            length |= (self.buffer[at] & 0x7F) << shift
            shift += 7
            if not self.buffer[at] & 0x80:
                end = at + 1 + length
                if len(self.buffer) < end:
                    return None
                found = Packet(self.buffer[0], self.buffer[at + 1:end], self.version)
                del self.buffer[:end]
                return found
        return None

    def receive(self, patience_s=PATIENCE_S):
        """The next packet; None when none came in time; Closed at the end of the stream."""
        if self.early:
            return self.early.popleft()
        return self.receive_next(time.monotonic() + patience_s)

    def receive_next(self, deadline):
        while True:
            found = self.parse()
            if found is not None:
                return found
            ready, _, _ = select.select([self.socket], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                return None
            try:
                data = self.socket.recv(1 << 16)
            except OSError as gone:
                raise Closed from gone
            if not data:
                raise Closed
            self.buffer += data

    def expect(self, kind, patience_s=PATIENCE_S):
        """The next packet, which must be of this kind."""
        found = self.receive(patience_s)
        assert found is not None, f"no packet of type {kind} in {patience_s} s"
        assert found.kind == kind, f"type {found.kind} (reason 0x{found.reason:02x}) instead of {kind}"
        return found

    def expect_among(self, kind):
        """The next packet of this kind; publications before it stay for receive()."""
        while True:
            found = self.receive_next(time.monotonic() + PATIENCE_S)
            assert found is not None, f"no packet of type {kind} in {PATIENCE_S} s"
            if found.kind == kind:
                return found
            assert found.kind == PUBLISH, f"type {found.kind} (reason 0x{found.reason:02x}) instead of {kind}"
            self.early.append(found)

    def connect(self, client_id, **more):
        self.send(connect(client_id, version=self.version, **more))
        return self.expect(CONNACK)

    def subscribe(self, *filters, props=()):
        self.send(subscribe(1, filters, self.version, props))
        return self.expect_among(SUBACK)

    def unsubscribe(self, *filters):
        self.send(unsubscribe(1, filters, self.version))
        return self.expect_among(UNSUBACK)

    def publish(self, topic, payload, qos=0, packet_id=0, **more):
        self.send(publish(topic, payload, qos, packet_id, self.version, **more))

    def acknowledge(self, kind, packet_id):
        self.send(acknowledge(kind, packet_id))

    def expect_end(self):
        """Nothing but the end of the stream, perhaps after a DISCONNECT; returns its reason."""
        reason = None
        try:
            while True:
                found = self.receive()
                assert found is not None, "the connection stayed open"
                assert found.kind == DISCONNECT, f"type {found.kind}"
                reason = found.reason
        except Closed:
            return reason
