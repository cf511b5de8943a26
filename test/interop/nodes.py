"""A tambo node as a child process: started on a free port, watched, stopped, and asked afterwards how it died."""
import os
import pathlib
import re
import signal
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TAMBO = str(pathlib.Path(os.environ.get("TAMBO", ROOT / "build/tambo")).resolve())
# Without a sanitizer, for what is about large numbers.
RELEASE = str(pathlib.Path(os.environ.get("TAMBO_RELEASE", TAMBO)).resolve())
SANITIZED = os.path.exists(TAMBO) and b"__asan_init" in pathlib.Path(TAMBO).read_bytes()
QUARANTINE_BYTES = 320 * 1024 * 1024 if SANITIZED else 0  # what a sanitizer keeps of freed memory
REFERENCE_PORT = int(os.environ.get("AMQP_REFERENCE_PORT", 0))  # a RabbitMQ to hold the tests of AMQP against

# Generous: the machine may be loaded and the binary full of checks.  Nothing waits so long unless it has failed.
PATIENCE_S = 30
COMPLAINTS = re.compile(r"ERROR: \w+Sanitizer|runtime error:|tambo: bug:|assertion", re.IGNORECASE)


def wait_until(condition, what, patience_s=PATIENCE_S, pause_s=0.02):
    """Asks until `condition` gives something true, and returns that."""
    deadline = time.monotonic() + patience_s
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s} s for {what}")
        time.sleep(pause_s)


class Node:
    """One `tambo serve` on its own data directory.  The port stays the same over restarts."""

    def __init__(self, directory, shards=1, arguments=(), settings=None, binary=TAMBO):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data = self.directory / "data"
        self.stderr = self.directory / "stderr"
        self.shards = shards
        self.binary = binary
        self.arguments = list(arguments)
        self.port = 0
        self.process = None
        self.config = None
        if settings is not None:
            self.configure(settings)

    def configure(self, settings):
        self.config = self.directory / "tambo.yaml"
        self.config.write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))

    def command(self, listen):
        command = [self.binary, "serve", "--data", str(self.data), "--shards", str(self.shards), "--listen", listen]
        if self.config is not None:
            command += ["--config", str(self.config)]
        return command + self.arguments

    def start(self):
        with open(self.stderr, "ab") as stderr:
            self.process = subprocess.Popen(self.command(f"tcp://127.0.0.1:{self.port}"), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=stderr, text=True)
        for line in self.process.stdout:
            match = re.match(r"listening on\s+tcp://127\.0\.0\.1:(\d+)$", line)
            if match:
                self.port = int(match.group(1))
            if line.startswith("stop "):
                return self
        raise AssertionError(f"the node did not start: {self.log()}")

    def log(self):
        return self.stderr.read_text(errors="replace") if self.stderr.exists() else ""

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """As a power cut would, for the process."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def stop(self):
        """Gracefully, and it must be graceful."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM did not end the node in {PATIENCE_S} s: {self.log()[-4000:]}")
        self.process.stdout.close()
        self.process = None
        assert code == 0, f"the node left with {code}: {self.log()[-8000:]}"

    def restart(self, how):
        {"stop": self.stop, "kill": self.kill}[how]()
        return self.start()

    def check(self):
        """No sanitizer, assertion or crash has spoken."""
        match = COMPLAINTS.search(self.log())
        assert match is None, self.log()[max(0, match.start() - 500):][:12000]
        if self.process is not None:
            code = self.process.poll()
            assert code is None, f"the node died with {code}: {self.log()[-8000:]}"

    def close(self):
        """The end of every node in every test: healthy to the last, and gone within seconds."""
        try:
            self.check()
            if self.process is not None:
                self.stop()
            self.check()
        finally:
            if self.process is not None:
                self.kill()

    def memory_bytes(self):
        """Resident set."""
        return self.memory("VmRSS")

    def memory_peak_bytes(self):
        """The largest that it ever was."""
        return self.memory("VmHWM")

    def memory(self, what):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE).group(1)) * 1024


class Reference:
    """A broker that runs already, in the place of a node: what the tests of AMQP expect is what it does."""

    def __init__(self, port):
        self.port = port

    def running(self):
        return False

    def check(self):
        pass

    def close(self):
        pass
