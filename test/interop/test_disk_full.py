"""A disk that fills, for real: a small tmpfs.  Publishers are told and wait, consumers drain, service resumes by itself."""
import contextlib
import os
import subprocess
import threading

import pika
import pytest

from nodes import PATIENCE_S, Node, wait_until
from rabbit import Rabbit

MIB = 1024 * 1024
MESSAGES, BODY_BYTES = 600, 128 * 1024  # more than the disk holds


@pytest.fixture
def small_disk(tmp_path):
    """48 MiB; needs to be root, as tests in a container are."""
    at = tmp_path / "disk"
    at.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", at], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs may be mounted here: {done.stderr.strip()}")
    yield at
    subprocess.run(["umount", at], check=True)


@pytest.fixture
def node_on_it(small_disk):
    node = Node(small_disk, settings={"segment_bytes": 4 * MIB, "disk_free_bytes_min": 6 * MIB, "checkpoint_bytes": 4 * MIB}).start()
    yield node
    if node.running():
        node.kill()


class Publisher(threading.Thread):
    """Publishes with confirms, one after the other; what is refused, as the disk fills under it, it publishes again."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.confirmed, self.blocked, self.unblocked = node, 0, threading.Event(), threading.Event()
        self.failure = None

    def run(self):
        try:
            rabbit = Rabbit(self.node).confirming()
            rabbit.connection.add_on_connection_blocked_callback(lambda *_: self.blocked.set())
            rabbit.connection.add_on_connection_unblocked_callback(lambda *_: self.unblocked.set())
            while self.confirmed < MESSAGES:
                body = b"%d " % self.confirmed + os.urandom(BODY_BYTES)
                with contextlib.suppress(pika.exceptions.NackError):
                    rabbit.publish("q", body, delivery_mode=2)
                    self.confirmed += 1
                rabbit.connection.process_data_events(0)
            rabbit.close()
        except Exception as failure:
            self.failure = failure


def test_publishers_wait_and_consumers_drain(node_on_it):
    rabbit = Rabbit(node_on_it)
    rabbit.channel.queue_declare("q", durable=True)
    publisher = Publisher(node_on_it)
    publisher.start()
    assert publisher.blocked.wait(PATIENCE_S), f"never told, {publisher.confirmed} confirmed, {publisher.failure}"
    before = publisher.confirmed
    assert 0 < before < MESSAGES
    got = []
    for method, _, body in rabbit.channel.consume("q", inactivity_timeout=PATIENCE_S):
        assert method is not None, f"{len(got)} came, {publisher.confirmed} confirmed, {publisher.failure}"
        got.append(int(body.split(b" ", 1)[0]))
        rabbit.channel.basic_ack(method.delivery_tag)
        if len(got) == MESSAGES:
            break
    assert got == list(range(MESSAGES)), "each once, in order"
    assert publisher.unblocked.wait(PATIENCE_S)
    publisher.join(PATIENCE_S)
    assert (publisher.failure, publisher.confirmed) == (None, MESSAGES)
    rabbit.channel.cancel()
    wait_until(lambda: rabbit.channel.queue_declare("q", passive=True).method.message_count == 0, "an empty queue")
    node_on_it.restart("kill")
    again = Rabbit(node_on_it)
    assert again.channel.queue_declare("q", passive=True).method.message_count == 0, "what was acknowledged came back"
    again.close()
