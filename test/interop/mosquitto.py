"""Mosquitto's own clients as child processes."""
import json
import queue
import re
import subprocess
import threading

from nodes import PATIENCE_S

VERSIONS = {"3.1": "mqttv31", "3.1.1": "mqttv311", "5": "mqttv5"}


def keep_pairs(pairs):
    """A user property may come twice; a dictionary would hide one."""
    return dict(pairs) if len(dict(pairs)) == len(pairs) else pairs


def command(tool, node, version, *arguments):
    return [tool, "-h", "127.0.0.1", "-p", str(node.port), "-V", VERSIONS[version], *[str(a) for a in arguments]]


def pub(node, version, *arguments, data=None):
    """mosquitto_pub; it must succeed."""
    done = subprocess.run(command("mosquitto_pub", node, version, *arguments), input=data, capture_output=True,
                          timeout=2 * PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done


def rr(node, version, *arguments):
    done = subprocess.run(command("mosquitto_rr", node, version, "-W", PATIENCE_S, *arguments), capture_output=True,
                          timeout=2 * PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Sub:
    """mosquitto_sub, each message a JSON object; debug lines tell when its subscription stands."""

    def __init__(self, node, version, *arguments):
        line = command("mosquitto_sub", node, version, "-F", "%j", "-d", *arguments)
        self.process = subprocess.Popen(["stdbuf", "-oL", *line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors="surrogateescape")
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def line(self):
        line = self.lines.get(timeout=PATIENCE_S)
        assert line is not None, f"mosquitto_sub ended with {self.process.wait(PATIENCE_S)}"
        return line

    def ready(self):
        """Waits for the SUBACK; returns the granted QoS of each filter."""
        while True:
            match = re.match(r"Subscribed \(mid: \d+\): (.*)$", self.line())
            if match:
                return [int(word) for word in match.group(1).split(", ")]

    def message(self):
        while True:
            line = self.line()
            if line.startswith("{"):
                return json.loads(line, object_pairs_hook=keep_pairs)

    def messages(self, count):
        return [self.message() for _ in range(count)]

    def wait(self):
        return self.process.wait(PATIENCE_S)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        self.thread.join()
        self.process.stdout.close()
