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
START_S_MAX = 60
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


def rabbitmq_argv(port, directory, options):
    """The program itself, which answers signals, not the system's script that becomes another user."""
    return [f"{RABBITMQ}/rabbitmq-server"]


def rabbitmq_environment(port, directory, options):
    """Everything it writes lies in the directory; its schedulers are as many as tambo's shards."""
    config = fill_in("rabbitmq.conf", directory, port=port)
    (pathlib.Path(directory) / "environment").touch()
    (pathlib.Path(directory) / "plugins").write_text("[].\n")
    return {
        "HOME": directory, "ERL_CRASH_DUMP": f"{directory}/crash.dump", "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(options["epmd_port"]), "RUNNING_UNDER_SYSTEMD": "true",
        "RABBITMQ_CONF_ENV_FILE": f"{directory}/environment", "RABBITMQ_CONFIG_FILE": config, "RABBITMQ_ENABLED_PLUGINS_FILE": f"{directory}/plugins",
        "RABBITMQ_NODENAME": "bench@localhost", "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()), "RABBITMQ_MNESIA_BASE": f"{directory}/mnesia",
        "RABBITMQ_LOG_BASE": f"{directory}/log.d", "RABBITMQ_LOGS": "-",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S {0}:{0}".format(options["shards"]),
    }


RABBITMQ = "/usr/lib/rabbitmq/bin"
ARGV = {"tambo": tambo_argv, "mosquitto": mosquitto_argv, "nats-server": nats_argv, "rabbitmq-server": rabbitmq_argv}
VERSION_ARGV = {
    "mosquitto": ["mosquitto", "-h"], "nats-server": ["nats-server", "--version"],
    "rabbitmq-server": ["dpkg-query", "-f", "${Version}\n", "-W", "rabbitmq-server"],
    "libzmq": ["dpkg-query", "-f", "${Version}\n", "-W", "libzmq5"],
    "nng": ["dpkg-query", "-f", "${Version}\n", "-W", "libnng1"],
    "libtirpc": ["dpkg-query", "-f", "${Version}\n", "-W", "libtirpc3"],
    "raw": ["uname", "-r"],  # bare sockets: the system's
}
PEERS = ("mosquitto", "nats-server", "rabbitmq-server", "libzmq", "nng", "libtirpc", "raw")


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


def greet_amqp(port, timeout_s=5):
    """A connection whose protocol header was answered with connection.start."""
    s = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
    try:
        s.sendall(b"AMQP\x00\x00\x09\x01")
        answer = s.recv(11, socket.MSG_WAITALL)
        if answer[:1] != b"\x01" or answer[7:11] != b"\x00\x0a\x00\x0a":
            raise OSError(f"answered a protocol header with {answer.hex() or 'nothing'}")
    except OSError:
        s.close()
        raise
    return s


class Epmd:
    """Erlang's port mapper, which a RabbitMQ node would start and leave behind."""

    def __init__(self, port):
        self.port = port
        environment = {**os.environ, "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self.process = subprocess.Popen(["epmd", "-port", str(port)], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.process.kill()
        self.process.wait()


class Broker:
    """One broker in a directory of its own.  `options`: binary, tier (for tambo), shards, protocol."""

    def __init__(self, name, core, scratch, options):
        self.name, self.core, self.options = name, core, options
        self.directory = os.path.abspath(tempfile.mkdtemp(prefix=f"{name}-", dir=scratch))
        self.log_path = pathlib.Path(self.directory) / "log"
        self.process = None
        self.port = None
        self.epmd = None

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
        if self.epmd is not None:
            self.epmd.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        """Returns the seconds from starting the program to its first answer."""
        self.port = free_port()
        environment = self.environment()
        argv = pinned(ARGV[self.name](self.port, self.directory, self.options), self.core)
        with open(self.log_path, "ab") as log:
            began = time.monotonic()
            try:
                self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                                preexec_fn=raise_files)
            except OSError as error:
                raise Failure(f"{self.name}: {error.strerror}") from error
        self.await_ready(began)
        return time.monotonic() - began

    def environment(self):
        if self.name != "rabbitmq-server":
            return None
        if self.epmd is None:
            self.epmd = Epmd(free_port())
        options = {**self.options, "epmd_port": self.epmd.port}
        return {**os.environ, **rabbitmq_environment(self.port, self.directory, options)}

    def await_ready(self, began):
        answer = greet_amqp if self.options["protocol"] == "amqp" else greet
        while True:
            try:
                answer(self.port).close()
                return
            except OSError as error:
                if self.process.poll() is not None:
                    raise Failure(f"{self.name} ended at its start: {self.last_words()}") from error
                if time.monotonic() - began > START_S_MAX:
                    raise Failure(f"{self.name} did not answer in {START_S_MAX} s: {error}") from error
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

    def memory_bytes(self, kind):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(kind):
                return int(line.split()[1]) * 1024
        raise Failure(self.ended() or f"no {kind}")

    def rss_bytes(self):
        return self.memory_bytes("VmRSS:")

    def peak_bytes(self):
        return self.memory_bytes("VmHWM:")

    def disk_bytes(self):
        """Blocks that are allocated, whether written or not."""
        files = (os.path.join(at, name) for at, _, names in os.walk(self.directory) for name in names)
        return sum(os.lstat(file).st_blocks * 512 for file in files)

    def file_count(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
