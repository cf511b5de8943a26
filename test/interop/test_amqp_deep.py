"""A queue so deep that neither memory nor a restart may depend on it."""
import json
import subprocess

from nodes import QUARANTINE_BYTES, RELEASE, wait_until

DEEP = 10_000_000
BUDGET_BYTES = 64 << 20
PATIENCE_DEEP_S = 600


def bench(node, phase, *more):
    """One persistent publisher and one consumer that checks loss, duplicates and order."""
    command = [RELEASE, "bench", "backlog", "--protocol", "amqp", "-p", str(node.port), "--durable", "-q", "1", "--bytes", "24",
               "-n", str(DEEP), "--phase", phase, "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_DEEP_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def depths(node):
    done = subprocess.run([RELEASE, "queue", "list", "-p", str(node.port), "--json"], capture_output=True, text=True, timeout=30)
    return [json.loads(line)["messages_ready"] for line in done.stdout.splitlines()]


def test_ten_million(new_node):
    """Each confirmed, none in memory, all there after kill -9, and each delivered once and in order."""
    node = new_node(binary=RELEASE, settings={"node_memory_bytes_max": BUDGET_BYTES})
    filled = bench(node, "fill", "--window", "1000")
    assert filled["sent"] == DEEP
    assert node.memory_peak_bytes() < BUDGET_BYTES + QUARANTINE_BYTES
    node.restart("kill")
    wait_until(lambda: depths(node) == [DEEP], "the queue to be as deep as before")
    drained = bench(node, "drain")
    assert [drained[what] for what in ("received", "lost", "duplicated", "misordered")] == [DEEP, 0, 0, 0]
    assert node.memory_peak_bytes() < BUDGET_BYTES + QUARANTINE_BYTES
