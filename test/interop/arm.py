"""A script for Node.js as a child process, told what to do by JSON on its standard input, heard by JSON on its output."""
import collections
import json
import os
import pathlib
import queue
import shutil
import subprocess
import threading
import time

from nodes import PATIENCE_S, ROOT

HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = ROOT / "build" / "interop-npm"


def install():
    """`npm ci` into build/, once for each state of the lock file."""
    lock = (HERE / "package-lock.json").read_bytes()
    stamp = INSTALLED / "installed-lock.json"
    if stamp.exists() and stamp.read_bytes() == lock:
        return
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, INSTALLED)
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=INSTALLED, capture_output=True,
                          text=True, timeout=240)
    assert done.returncode == 0, f"npm ci: {done.stdout}{done.stderr}"
    stamp.write_bytes(lock)


class Arm:
    """The child; events are kept apart by client and kind."""

    def __init__(self, node, script):
        self.node = node
        env = {**os.environ, "NODE_PATH": str(INSTALLED / "node_modules")}
        self.process = subprocess.Popen(["node", str(HERE / script)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=env)
        self.events = collections.defaultdict(queue.Queue)
        self.lock = threading.Lock()  # two threads must not each make the queue that is missing
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            self.queue(event["client"], event["event"]).put(event)

    def queue(self, client, kind):
        with self.lock:
            return self.events[client, kind]

    def tell(self, op, client, **more):
        self.process.stdin.write(json.dumps({"op": op, "client": client, **more}) + "\n")
        self.process.stdin.flush()

    def event(self, client, kind, patience_s=PATIENCE_S):
        deadline = time.monotonic() + patience_s
        while True:
            try:
                return self.queue(client, kind).get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None, "node has died"
                assert time.monotonic() < deadline, f"no {kind} for {client} in {patience_s} s"

    def ask(self, op, client, **more):
        """An operation with an answer, which must not be an error."""
        self.tell(op, client, **more)
        got = self.event(client, op)
        assert got["error"] is None, got
        return got.get("packet")

    def reset(self):
        """For the next test."""
        self.ask("reset", "all")
        self.events.clear()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdin.close()
        self.process.stdout.close()
