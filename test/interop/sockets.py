"""Sockets with patterns, ours and those that others wrote: each library is a child process that does what it is told
(zmq/party.h)."""
import dataclasses
import itertools
import os
import pathlib
import queue
import subprocess
import threading
import time

from arm import INSTALLED, install
from nodes import COMPLAINTS, PATIENCE_S, ROOT, TAMBO

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE_MS = 1000 * PATIENCE_S
# Where the tests are built: beside the binary under test, or else where `make test` builds.
BUILDS = (pathlib.Path(TAMBO).parent.parent.parent, ROOT / "build/checked")
OTHERS = ("pyzmq", "libzmq", "npm")
PERIOD, LONG_BYTES = 251, 1000  # of the known pattern; longer parts are told by their length

numbers = itertools.count()


def built(name):
    found = [build / "test/interop/zmq" / name for build in BUILDS if (build / "test/interop/zmq" / name).exists()]
    assert found, f"{name} is not built: it comes with the tests"
    return str(found[0])


def argv_of(library):
    if library == "npm":
        install()
        return ["node", str(HERE / "zmq/party.js")]
    if library == "pyzmq":
        return ["/usr/bin/python3", str(HERE / "zmq/party.py")]
    return [built({"tambo": "tambo-party", "libzmq": "libzmq-party"}[library])]


@dataclasses.dataclass(frozen=True)
class Large:
    """So many bytes of a known pattern, that both sides can make."""
    length: int
    seed: int


class Refusal(Exception):
    """What a library said instead of doing it."""


def plain(part):
    """As it is told by a party that received it: short ones are spelled out."""
    if isinstance(part, str):
        return part.encode()
    if isinstance(part, Large) and part.length <= LONG_BYTES:
        return bytes((part.seed + i % PERIOD) & 255 for i in range(part.length))
    return part


def word(part):
    if isinstance(part, Large):
        return f"*{part.length}:{part.seed}"
    data = part.encode() if isinstance(part, str) else part
    return data.hex() or "-"


def part_of(text):
    if text == "-":
        return b""
    if text[0] == "*":
        return Large(*map(int, text[1:].split(":")))
    assert text[0] != "?", f"a part of {text[1:]} bytes that is not what was sent"
    return bytes.fromhex(text)


class Party:
    """The child.  Answers come in the order of what was told, so many things can be told before the first is heard."""

    def __init__(self, library):
        self.library = library
        env = {**os.environ, "NODE_PATH": str(INSTALLED / "node_modules")}
        self.process = subprocess.Popen(argv_of(library), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env)
        self.answers = queue.Queue()
        self.complaints = []
        self.sockets = []
        self.threads = [threading.Thread(target=self.read, daemon=True), threading.Thread(target=self.watch, daemon=True)]
        for thread in self.threads:
            thread.start()

    def read(self):
        for line in self.process.stdout:
            self.answers.put(line.split())
        self.answers.put(None)

    def watch(self):
        self.complaints += self.process.stderr

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def hear(self):
        """The next answer; one more second than the child itself may wait."""
        try:
            answer = self.answers.get(timeout=PATIENCE_S + 30)
        except queue.Empty:
            raise AssertionError(f"{self.library} does not answer") from None
        assert answer is not None, f"{self.library} has died: {''.join(self.complaints)}"
        if answer[0] == "error":
            raise Refusal(" ".join(answer[1:]))
        return answer[1:]

    def ask(self, *words):
        self.tell(*words)
        return self.hear()

    def open(self, pattern, **options):
        """A socket; options as in tambo/socket.h."""
        socket = Socket(self, f"s{next(numbers)}", pattern)
        self.ask("open", socket.name, pattern)
        self.sockets.append(socket)
        socket.set(**options)
        return socket

    def running(self):
        return self.process.poll() is None

    def reset(self):
        """For the next test."""
        for socket in list(self.sockets):
            socket.close()

    def kill(self):
        self.process.kill()
        self.end()

    def close(self):
        """It must end by itself, and without a word of a sanitizer's."""
        self.process.stdin.close()
        code = self.process.wait(PATIENCE_S)
        self.end()
        text = "".join(self.complaints)
        assert not COMPLAINTS.search(text), text
        assert code == 0 or self.library != "tambo", f"ended with {code}: {text}"

    def end(self):
        self.process.wait()
        for thread in self.threads:
            thread.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                pipe.close()
            except BrokenPipeError:
                pass


class Socket:
    def __init__(self, party, name, pattern):
        self.party, self.name, self.pattern = party, name, pattern
        self.ours = party.library == "tambo"

    def ask(self, verb, *words):
        return self.party.ask(verb, self.name, *words)

    def set(self, **options):
        for name, value in options.items():
            self.ask("set", name, value)

    def bind(self, endpoint="tcp://127.0.0.1:*"):
        """The endpoint that it got."""
        return self.ask("bind", endpoint)[0]

    def connect(self, endpoint):
        self.ask("connect", endpoint)

    def unbind(self, endpoint):
        self.ask("unbind", endpoint)

    def disconnect(self, endpoint):
        self.ask("disconnect", endpoint)

    def subscribe(self, prefix=""):
        self.ask("subscribe", word(prefix))

    def unsubscribe(self, prefix=""):
        self.ask("unsubscribe", word(prefix))

    def send(self, *parts, patience_ms=PATIENCE_MS):
        self.ask("send", patience_ms, *map(word, parts))

    def recv(self, patience_ms=PATIENCE_MS):
        return [part_of(text) for text in self.ask("recv", patience_ms)]

    def send_all(self, messages):
        """Told at once; their answers are heard by hear_all()."""
        for parts in messages:
            self.party.tell("send", self.name, PATIENCE_MS, *map(word, parts))

    def hear_all(self, count):
        for _ in range(count):
            self.party.hear()

    def recv_all(self, count):
        for _ in range(count):
            self.party.tell("recv", self.name, PATIENCE_MS)
        return [[part_of(text) for text in self.party.hear()] for _ in range(count)]

    def expect(self, *parts):
        got, want = self.recv(), [plain(part) for part in parts]
        assert got == want, f"{self.party.library} {self.pattern}: got {got}, not {want}"

    def recv_nothing_until(self, condition, what):
        """Asks it to receive, again and again."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
            try:
                got = self.recv(20)
            except Refusal:
                continue
            raise AssertionError(f"{self.party.library} {self.pattern}: got {got}")

    # What only ours has.

    def wait_peers(self, count=1, patience_ms=PATIENCE_MS):
        return int(self.ask("ask", "wait", count, patience_ms)[0])

    def stats(self):
        return {name: int(value) for name, value in (pair.split("=") for pair in self.ask("ask", "stats"))}

    def await_stats(self, condition, what, patience_s=PATIENCE_S):
        deadline = time.monotonic() + patience_s
        while not condition(stats := self.stats()):
            assert time.monotonic() < deadline, f"waited {patience_s} s for {what}: {stats}"
            time.sleep(0.02)
        return stats

    def event(self, kind, patience_ms=PATIENCE_MS):
        """The next of that kind; others are passed over."""
        error, value, endpoint, peer, *text = self.ask("ask", "event", kind, patience_ms)
        return Event(kind, int(error), int(value), endpoint, peer, " ".join(text))

    def close(self):
        self.party.sockets.remove(self)
        self.ask("close")


@dataclasses.dataclass(frozen=True)
class Event:
    kind: str
    error: int
    value: int
    endpoint: str
    peer: str
    text: str
