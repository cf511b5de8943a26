"""ONC RPC: a place where an rpcbind of the test's own may be, and the programs of test/interop/rpc.

A place is a network namespace with its own loopback, its own port 111, an interface that broadcasts, and its own /run.
Where namespaces cannot be had it is this machine, one test at a time, and only what does not disturb an rpcbind that
runs already."""
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

import sockets
from nodes import COMPLAINTS, PATIENCE_S, TAMBO, wait_until

PROGRAMS = {"tambo": "rpc/tambo", "tirpc": "rpc/tirpc/tirpc", "rstat": "rpc/rstat"}
ECHO_X = str(pathlib.Path(__file__).resolve().parent / "rpc/echo.x")
ECHO_PROG, ECHO_VERS = 0x2F544D42, 2
LOCK = pathlib.Path("/tmp/tambo-test-rpcbind.lock")
BROADCASTS_FROM = "10.177.0.1"


def program(library, side):
    """The program of test/interop/rpc, where the tests were built."""
    name = f"{PROGRAMS[library]}-{side}"
    found = [build / "test/interop" / name for build in sockets.BUILDS if (build / "test/interop" / name).exists()]
    assert found, f"{name} is not built: it comes with the tests"
    return found[0]


class Child:
    """A program of a test: its first line says that it is ready."""

    def __init__(self, command, directory):
        self.stderr = directory / f"{pathlib.Path(command[-1]).name}-{id(self)}.stderr"
        with open(self.stderr, "wb") as stderr:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)

    def line(self):
        line = self.process.stdout.readline()
        assert line, f"it ended before it was ready: {self.complaints()}"
        return line.strip()

    def complaints(self):
        return self.stderr.read_text(errors="replace")

    def stop(self, with_signal=signal.SIGTERM):
        """Its exit code; nothing that sanitizers complain of is let pass."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process.stdout.close()
        assert not COMPLAINTS.search(self.complaints()), self.complaints()
        return code


class Here:
    """This machine; programs are stopped at the end."""

    prefix = []

    def __init__(self, directory):
        self.directory = directory
        self.children = []

    def close(self):
        for child in reversed(self.children):
            child.stop()

    def start(self, *command):
        child = Child(self.prefix + [str(word) for word in command], self.directory)
        self.children.append(child)
        return child

    def run(self, *command, code=0, stdin=None):
        """What it prints; where it is to fail (`code`), what it complains of."""
        done = subprocess.run(self.prefix + [str(word) for word in command], input=stdin, capture_output=True, text=True,
                              timeout=PATIENCE_S)
        assert not COMPLAINTS.search(done.stderr), done.stderr
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stdout + done.stderr

    def tambo(self, *words, **more):
        return self.run(TAMBO, "rpc", *words, **more)

    program = staticmethod(program)

    def server(self, library, *words):
        """echo.x served with that library: the child, and its ports by transport."""
        child = self.start(self.program(library, "server"), *words)
        said = child.line().split()
        return child, dict(zip(said[::2], map(int, said[1::2])))

    def client(self, library, transport, port, *words, code=0):
        return self.run(self.program(library, "client"), transport, port, *words, code=code)


class Place(Here):
    """Where an rpcbind may be started."""

    SETTLE = """
        mount -t tmpfs none /run && mkdir -m 777 /run/rpcbind && ip link set lo up || exit 1
        for kind in dummy "veth peer name b1"; do
            ip link add b0 type $kind 2> /dev/null && break
        done
        ip addr add 10.177.0.1/24 broadcast 10.177.0.255 dev b0 2> /dev/null
        ip link set b0 up 2> /dev/null
        ip link set b1 up 2> /dev/null
        ip addr show dev b0 2> /dev/null | grep -q "brd 10.177" && echo broadcasts || echo ready
        exec sleep infinity"""

    def __init__(self, directory):
        super().__init__(directory)
        self.broadcasts = False
        self.lock = None
        # Root needs no namespace of users, and in one Debian's rpcbind could not become another user.
        user = [] if os.geteuid() == 0 else ["--user"]
        self.namespace = subprocess.Popen(["unshare", *user, *(["--map-root-user"] if user else []), "--net", "--mount",
                                           "sh", "-c", self.SETTLE],
                                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = self.namespace.stdout.readline().strip()
        if said:
            self.broadcasts = said == "broadcasts"
            self.prefix = ["nsenter", *user, *(["--preserve-credentials"] if user else []), "--net", "--mount", "-t",
                           str(self.namespace.pid)]
            return
        self.leave()
        self.lock = open(LOCK, "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def leave(self):
        if self.namespace is not None:
            self.namespace.kill()
            self.namespace.communicate()
        self.namespace = None

    def close(self):
        try:
            super().close()
        finally:
            self.leave()
            if self.lock is not None:
                self.lock.close()

    def listing(self):
        return [json.loads(line) for line in self.tambo("list", "--json").splitlines()]

    def knows(self, program, netid="tcp"):
        return [row for row in self.listing() if row["program"] == program and row["netid"] == netid]

    def is_bound(self):
        """Does an rpcbind answer?"""
        return subprocess.run([*self.prefix, TAMBO, "rpc", "ping", "127.0.0.1:111", "100000.2"], capture_output=True,
                              timeout=PATIENCE_S).returncode == 0

    def must_be_free(self):
        if self.namespace is None and self.is_bound():
            pytest.skip("port 111 is taken, and no namespace can be had")

    def rpcbind(self, whose):
        if whose == "ours":
            self.must_be_free()
            self.start(TAMBO, "rpc", "bind", "--listen", "*").line()
        elif not self.is_bound():  # one that runs serves as well
            self.start(shutil.which("rpcbind") or "/usr/sbin/rpcbind", "-f")
        wait_until(self.is_bound, f"an rpcbind, {whose}")
