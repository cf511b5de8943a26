"""Brokers: how each is started, watched and ended.  A running one is a context that cleans up after itself."""
import os
import pathlib
import resource
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
START_S_MAX = 30
QUIET_S, QUIET_S_MAX = 0.2, 5
STOP_S_MAX = 60
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """A row that could not be measured, and why."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(argv, core):
    return argv if core is None else ["taskset", "-c", str(core)] + argv


def raise_files():
    """Runs in the child: a connection is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def fill_in(template, directory, **values):
    text = string.Template((HERE / template).read_text()).substitute(directory=directory, **values)
    path = pathlib.Path(directory) / template
    path.write_text(text)
    return str(path)


def mosquitto_argv(port, directory, options):
    return ["mosquitto", "-c", fill_in("mosquitto.conf", directory, port=port)]


def nats_argv(port, directory, options):
    return ["nats-server", "-c", fill_in("nats.conf", directory, port=port, inner_port=free_port())]


def tambo_argv(port, directory, options):
    return [options["binary"], "serve", "--shards", str(options["shards"]), "--tier", options["tier"],
            "--data", f"{directory}/data", "--listen", f"tcp://127.0.0.1:{port}"]


ARGV = {"tambo": tambo_argv, "mosquitto": mosquitto_argv, "nats-server": nats_argv}
VERSION_ARGV = {"mosquitto": ["mosquitto", "-h"], "nats-server": ["nats-server", "--version"]}
PEERS = ("mosquitto", "nats-server")


def version(name, binary):
    argv = VERSION_ARGV.get(name, [binary, "--version"])
    try:
        run = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    except OSError as error:
        return f"not there ({error.strerror})"
    return run.stdout.strip().splitlines()[0].split()[-1].lstrip("v")


def mqtt_string(text):
    return len(text).to_bytes(2, "big") + text.encode()


def greet(port, client_id="ready", clean=True, timeout_s=5):
    """A connection of MQTT 3.1.1 whose CONNECT was accepted."""
    body = mqtt_string("MQTT") + bytes([4, 2 if clean else 0, 0, 60]) + mqtt_string(client_id)
    s = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
    try:
        s.sendall(bytes([0x10, len(body)]) + body)
        answer = s.recv(4, socket.MSG_WAITALL)
        if len(answer) != 4 or answer[0] != 0x20 or answer[3] != 0:
            raise OSError(f"answered a CONNECT with {answer.hex() or 'nothing'}")
    except OSError:
        s.close()
        raise
    return s


class Broker:
    """One broker in a directory of its own.  `options`: binary, shards, tier (for tambo)."""

    def __init__(self, name, core, scratch, options):
        self.name, self.core, self.options = name, core, options
        self.directory = tempfile.mkdtemp(prefix=f"{name}-", dir=scratch)
        self.log_path = pathlib.Path(self.directory) / "log"
        self.process = None
        self.port = None

    def __enter__(self):
        try:
            self.start()
            self.await_quiet()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        """Returns the seconds from starting the program to an accepted CONNECT."""
        self.port = free_port()
        argv = pinned(ARGV[self.name](self.port, self.directory, self.options), self.core)
        with open(self.log_path, "ab") as log:
            began = time.monotonic()
            try:
                self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                preexec_fn=raise_files)
            except OSError as error:
                raise Failure(f"{self.name}: {error.strerror}") from error
        self.await_ready(began)
        return time.monotonic() - began

    def await_ready(self, began):
        while True:
            try:
                greet(self.port).close()
                return
            except OSError as error:
                if self.process.poll() is not None:
                    raise Failure(f"{self.name} ended at its start: {self.last_words()}") from error
                if time.monotonic() - began > START_S_MAX:
                    raise Failure(f"{self.name} took no CONNECT in {START_S_MAX} s: {error}") from error
            time.sleep(0.002)

    def await_quiet(self):
        """What it still does for its start (files made ready, streams created) is not part of a measurement."""
        deadline, before = time.monotonic() + QUIET_S_MAX, -1
        while before != self.cpu_s() and time.monotonic() < deadline:
            before = self.cpu_s()
            time.sleep(QUIET_S)

    def stop(self):
        """Gracefully; returns the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{self.name} did not stop in {STOP_S_MAX} s") from error
        return time.monotonic() - began

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def last_words(self):
        lines = self.log_path.read_text(errors="replace").strip().splitlines()
        return lines[-1][-200:] if lines else "without a word"

    def ended(self):
        """How it ended, when it should not have."""
        code = self.process.poll()
        return None if code is None else f"{self.name} died with {code}: {self.last_words()}"

    def cpu_s(self):
        """Of all its threads, user and system."""
        try:
            text = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError as error:
            raise Failure(self.ended() or str(error)) from error
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failure(self.ended() or "no VmRSS")

    def file_count(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
