"""ZMTP by hand on a bare socket: old versions, greetings in pieces, breaches."""
import socket
import struct
import time

from nodes import PATIENCE_S

PATTERNS = ("PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB")  # 2.0's numbers
SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
MORE, LONG, COMMAND = 1, 2, 4


def greeting(minor=1, mechanism=b"NULL", as_server=0, major=3):
    return SIGNATURE + bytes([major, minor]) + mechanism.ljust(20, b"\0") + bytes([as_server]) + bytes(31)


def frame(body, flags=0):
    if len(body) > 255:
        return struct.pack(">BQ", flags | LONG, len(body)) + body
    return bytes([flags, len(body)]) + body


def message(*parts):
    return b"".join(frame(part, MORE if i + 1 < len(parts) else 0) for i, part in enumerate(parts))


def command(name, body=b""):
    return frame(bytes([len(name)]) + name + body, COMMAND)


def metadata(**properties):
    return b"".join(bytes([len(name)]) + name.encode() + struct.pack(">I", len(value)) + value
                    for name, value in ((name.replace("_", "-"), value) for name, value in properties.items()))


def ready(pattern, **properties):
    return command(b"READY", metadata(Socket_Type=pattern.encode(), **properties))


def port_of(endpoint):
    return int(endpoint.rpartition(":")[2])


class Closed(Exception):
    """The other side has closed."""


class Raw:
    """One connection.  `minor`: of ZMTP 3."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(PATIENCE_S)

    @classmethod
    def connect(cls, endpoint):
        return cls(socket.create_connection(("127.0.0.1", port_of(endpoint)), timeout=PATIENCE_S))

    def put(self, *pieces):
        """A side that has closed already is found out by reading."""
        try:
            self.socket.sendall(b"".join(pieces))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def take(self, n):
        got = b""
        while len(got) < n:
            try:
                piece = self.socket.recv(n - len(got))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed(f"after {got.hex()}")
            got += piece
        return got

    def frame(self):
        """(flags without LONG, body)"""
        flags = self.take(1)[0]
        size = struct.unpack(">Q", self.take(8))[0] if flags & LONG else self.take(1)[0]
        return flags & ~LONG, self.take(size)

    def message(self):
        """The next message's parts; commands are passed over."""
        parts = []
        deadline = time.monotonic() + PATIENCE_S
        while True:
            flags, body = self.frame()
            if flags & COMMAND:
                assert time.monotonic() < deadline, "commands, and no message"
                continue
            parts.append(body)
            if not flags & MORE:
                return parts

    def command(self):
        """(name, body) of the next frame, which must be one."""
        flags, body = self.frame()
        assert flags & COMMAND, f"a message: {body!r}"
        return body[1:1 + body[0]], body[1 + body[0]:]

    def heard_us(self, context=b"are you there?"):
        """Waits until the other side (3.1) has taken in all that was put."""
        self.put(command(b"PING", b"\0\0" + context))
        while self.command() != (b"PONG", context):
            pass

    def shake(self, pattern, minor=1, **properties):
        """NULL's handshake; returns the other side's READY."""
        self.put(greeting(minor))
        assert self.take(64)[:10][0::9] == b"\xff\x7f"
        self.put(ready(pattern, **properties))
        name, body = self.command()
        assert name == b"READY", (name, body)
        return body

    def shake_2(self, pattern, identity=b""):
        """ZMTP 2.0, as libzmq 3.2: signature, revision, pattern, identity.  Returns the other's pattern and identity."""
        self.put(SIGNATURE + bytes([1, PATTERNS.index(pattern)]) + frame(identity))
        assert self.take(10)[0::9] == b"\xff\x7f"
        assert self.take(1)[0] >= 1
        theirs = PATTERNS[self.take(1)[0]]
        return theirs, self.frame()[1]

    def await_end(self):
        """Until the other side has closed; what it still said."""
        said = b""
        while True:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                return said
            if not piece:
                return said
            said += piece

    def close(self):
        self.socket.close()


class Listener:
    """What a party can connect to."""

    def __init__(self, port=0):
        self.socket = socket.create_server(("127.0.0.1", port))
        self.socket.settimeout(PATIENCE_S)
        self.endpoint = f"tcp://127.0.0.1:{self.socket.getsockname()[1]}"

    def accept(self):
        return Raw(self.socket.accept()[0])

    def close(self):
        self.socket.close()
