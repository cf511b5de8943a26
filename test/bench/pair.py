"""Two processes that talk without a broker, each on a core of its own: the programs of pattern/ and call/."""
import json
import pathlib
import signal
import subprocess
import time

from broker import TICKS_A_SECOND, Failure, free_port, pinned, raise_files

TIMEOUT_S = 90


class Process:
    """One of them; its result is a line of JSON."""

    def __init__(self, argv, core):
        self.process = subprocess.Popen(pinned(argv, core), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, preexec_fn=raise_files)
        self.pid = self.process.pid

    def result(self):
        """Waits for its line."""
        line = self.process.stdout.readline()
        if not line:
            raise Failure(self.process.stderr.read().strip() or f"ended with {self.process.wait()}")
        return json.loads(line)

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise Failure("it has ended")

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


class Pair:
    """`library`: tambo, libzmq, nng, libtirpc or raw; `programs`: where they are built, and what their names begin with;
    `profile`: begins one of processes."""

    def __init__(self, library, programs, stem, cores, scratch, profile=None):
        self.library, self.programs, self.stem, self.cores, self.scratch = library, pathlib.Path(programs), stem, cores, scratch
        self.processes, self.profile, self.profiling = [], profile, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.profiling is not None:
            self.profiling.finish()
        for process in self.processes:
            process.end()

    def endpoint(self, transport):
        if transport in ("tcp", "udp"):
            return f"{transport}://127.0.0.1:{free_port()}"
        return f"{transport}://{self.scratch}/{self.library}-{time.monotonic_ns()}"

    def start(self, side, *args, program=None):
        """`side`: 0 or 1, on which core."""
        path = self.programs / (program or f"{self.stem}-{self.library}")
        if not path.exists():
            raise Failure(f"{path} is not built")
        process = Process([str(path), *map(str, args)], self.cores[side])
        self.processes.append(process)
        return process

    def started(self):
        """All that take part."""
        if self.profile is not None:
            self.profiling = self.profile([process.pid for process in self.processes])
