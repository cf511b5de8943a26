"""AMQP 0-9-1 by hand: one frame at a time over a bare socket, encoded and decoded by pika's codec.

For what pika's own connection does not let through: breaches, the exact close a broker answers with, what comes before
what, and peers that do not read."""
import collections
import socket
import struct

from pika import frame, spec

from nodes import PATIENCE_S

HEADER = b"AMQP\x00\x00\x09\x01"
CAPABILITIES = ["publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
                "connection.blocked", "authentication_failure_close"]

Content = collections.namedtuple("Content", "method properties body")
Close = collections.namedtuple("Close", "where code text method")  # `method` is what was wrong: (class, method)


class Closed(Exception):
    """The peer has closed the stream."""


def plain(user="guest", password="guest"):
    return f"\0{user}\0{password}".encode()


def raw_frame(kind, channel, payload, end=spec.FRAME_END):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + bytes([end])


class Wire:
    """A connection that sends what it is told and shows what comes, heartbeats left out."""

    def __init__(self, node, header=HEADER, receive_bytes=None):
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", node.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = b""
        self.heartbeats = 0
        if header:
            self.send(header)

    # ---- frames

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise Closed(self.input)
        self.input += data

    def rest(self):
        """Everything until the peer closes."""
        try:
            while True:
                self.read()
        except (Closed, ConnectionResetError):
            return self.input

    def take_frame(self):
        while True:
            consumed, got = frame.decode_frame(self.input)
            if got is None:
                self.read()
                continue
            self.input = self.input[consumed:]
            if not isinstance(got, frame.Heartbeat):
                return got
            self.heartbeats += 1

    # ---- methods

    def tell(self, method, channel=1):
        self.send(frame.Method(channel, method).marshal())

    def expect(self, kind, channel=1):
        """The next frame, which must be a method of this kind."""
        got = self.take_frame()
        assert isinstance(got, frame.Method) and isinstance(got.method, kind), f"{got} instead of {kind}"
        assert got.channel_number == channel, got
        return got.method

    def ask(self, method, channel=1):
        """A method and its answer, `X` and `XOk`."""
        self.tell(method, channel)
        return self.expect(answer_of(method), channel)

    def content(self, kind=spec.Basic.Deliver, channel=1):
        """A whole message: method, properties and body."""
        return self.rest_of(self.expect(kind, channel))

    def contents_around(self, answer, count, channel=1):
        """So many deliveries, and one answer that may come before, between or behind them."""
        got = []
        answered = False
        while len(got) < count or not answered:
            method = self.expect((answer, spec.Basic.Deliver), channel)
            if isinstance(method, answer):
                answered = True
            else:
                got.append(self.rest_of(method))
        return got

    def rest_of(self, method):
        head = self.take_frame()
        body = b""
        while len(body) < head.body_size:
            body += self.take_frame().fragment
        return Content(method, head.properties, body)

    def closed(self, channel=1):
        """What the channel or the connection is closed with; answered, so that both may go on."""
        got = self.take_frame().method
        if isinstance(got, spec.Channel.Close):
            self.tell(spec.Channel.CloseOk(), channel)
            where = "channel"
        else:
            assert isinstance(got, spec.Connection.Close), got
            self.tell(spec.Connection.CloseOk(), 0)
            where = "connection"
        return Close(where, got.reply_code, got.reply_text, (got.class_id, got.method_id))

    # ---- conversations

    def start(self):
        return self.expect(spec.Connection.Start, 0)

    def start_ok(self, mechanism="PLAIN", response=plain(), capabilities=CAPABILITIES):
        self.tell(spec.Connection.StartOk({"capabilities": {name: True for name in capabilities}}, mechanism,
                                          response.decode("latin1"), "en_US"), 0)

    def open(self, channel_max=2047, frame_max=131072, heartbeat=0, vhost="/", **start_ok):
        """The whole handshake; returns the wire."""
        self.start()
        self.start_ok(**start_ok)
        self.expect(spec.Connection.Tune, 0)
        self.tell(spec.Connection.TuneOk(channel_max, frame_max, heartbeat), 0)
        self.ask(spec.Connection.Open(vhost), 0)
        return self

    def channel(self, channel=1):
        self.ask(spec.Channel.Open(), channel)
        return self

    def publish(self, queue, body=b"", channel=1, exchange="", frame_bytes=100000, **more):
        """Properties by name; mandatory and immediate too."""
        flags = {key: more.pop(key) for key in ("mandatory", "immediate") if key in more}
        out = frame.Method(channel, spec.Basic.Publish(exchange=exchange, routing_key=queue, **flags)).marshal()
        out += frame.Header(channel, len(body), spec.BasicProperties(**more)).marshal()
        starts = range(0, len(body), frame_bytes)
        self.send(out + b"".join(frame.Body(channel, body[at:at + frame_bytes]).marshal() for at in starts))

    def alive(self):
        """The connection still answers, on a channel of its own."""
        self.ask(spec.Channel.Open(), 99)
        self.ask(spec.Channel.Close(200, "", 0, 0), 99)

    def close(self):
        self.socket.close()


def answer_of(method):
    return getattr(getattr(spec, type(method).__qualname__.split(".")[0]), type(method).__qualname__.split(".")[1] + "Ok")
