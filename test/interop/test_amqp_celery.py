"""Celery: a worker process, its results over rpc://, and what becomes of a task when its worker dies."""
import os
import pathlib
import signal
import subprocess
import sys

import celery
import pytest

from celery_tasks import make_app
from nodes import PATIENCE_S, wait_until
from rabbit import Rabbit

HERE = pathlib.Path(__file__).resolve().parent
CONCURRENCY = 2
PREFETCHED = 4 * CONCURRENCY  # Celery's default


def url(node):
    return f"amqp://guest:guest@127.0.0.1:{node.port}//"


class Worker:
    """`celery worker` with its pool, a process group."""

    count = 0

    def __init__(self, node, queue, directory):
        Worker.count += 1
        self.log = directory / f"worker-{Worker.count}"
        self.name = f"{queue}-{Worker.count}@localhost"
        command = [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "-l", "INFO", "-c", str(CONCURRENCY),
                   "-n", self.name]
        env = {**os.environ, "CELERY_BROKER": url(node), "CELERY_QUEUE": queue, "C_FORCE_ROOT": "1"}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, cwd=HERE, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)

    def ready(self):
        def started():
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            return " ready." in self.log.read_text()
        wait_until(started, "the worker", 2 * PATIENCE_S)
        return self

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.kill()


class Crew:
    """A queue of tasks at a node, who sends there, and its workers."""

    def __init__(self, node, queue, directory):
        self.node, self.queue, self.directory = node, queue, directory
        self.app = make_app(url(node), queue)
        self.workers = []

    def work(self):
        self.workers.append(Worker(self.node, self.queue, self.directory))
        return self.workers[-1].ready()

    def send(self, task, *arguments, **options):
        return self.app.send_task(task, arguments, **options)

    def of(self, task, *arguments):
        return self.app.signature(task, args=arguments)

    def close(self):
        for worker in self.workers:
            worker.close()
        self.app.close()
        rabbit = Rabbit(self.node)
        rabbit.declared = [("queue", self.queue), ("exchange", self.queue)]
        rabbit.close()


@pytest.fixture(scope="module")
def crews(tmp_path_factory):
    """For each node a worker that tests share."""
    crews = {}
    yield crews
    for crew in crews.values():
        crew.close()


@pytest.fixture
def crew(crews, node, tmp_path_factory):
    if node not in crews:
        crews[node] = Crew(node, f"celery-{node.port}", tmp_path_factory.mktemp("celery"))
        crews[node].work()
    return crews[node]


@pytest.fixture
def own_crew(node, name, tmp_path, parties):
    """Without a worker."""
    return parties(Crew(node, name, tmp_path))


def got(result):
    return result.get(timeout=2 * PATIENCE_S)


# ---- tasks

def test_results(crew):
    results = [crew.send("add", i, i) for i in range(50)]
    assert [got(result) for result in results] == [2 * i for i in range(50)]


def test_errors_are_results(crew):
    with pytest.raises(ValueError, match="so it is"):
        got(crew.send("fail", "so it is"))


@pytest.mark.parametrize("size", [1, 100000, 1 << 20])
def test_sizes(crew, size):
    assert got(crew.send("add", "x" * size, "y")) == "x" * size + "y"


def test_retries(crew):
    assert got(crew.send("flaky", 3)) == 3


def test_countdown(crew):
    """What is due later comes later, though it was sent first."""
    path = crew.directory / "countdown"
    late = crew.send("append", str(path), "late", countdown=2)
    got(crew.send("append", str(path), "soon"))
    assert path.read_text() == "soon\n"
    got(late)
    assert path.read_text() == "soon\nlate\n"


def test_tasks_that_wait_are_in_nobodys_way(crew):
    """A worker asks for more than its prefetch when it holds tasks whose time has not come."""
    held = [crew.send("add", 1, 1, countdown=3600) for _ in range(3 * PREFETCHED)]
    assert got(crew.send("add", 2, 3)) == 5
    for task in held:
        task.revoke()


def test_an_expired_task_is_left_alone(own_crew):
    path = own_crew.directory / "ran"
    own_crew.send("append", str(path), "wrong", expires=0.001)
    end = own_crew.send("append", str(path), "end")
    own_crew.work()
    got(end)
    assert path.read_text() == "end\n"


def test_chain(crew):
    assert got(celery.chain(crew.of("add", 2, 2), crew.of("add", 4), crew.of("add", 8), app=crew.app).apply_async()) == 16


def test_group(crew):
    """Without a chord: each has its result."""
    results = celery.group([crew.of("add", i, 1) for i in range(20)], app=crew.app).apply_async()
    assert results.get(timeout=2 * PATIENCE_S) == [i + 1 for i in range(20)]


def test_remote_control(crew):
    """A fanout exchange to the workers, and their answers."""
    asked = crew.app.control.inspect(timeout=PATIENCE_S, limit=1, destination=[crew.workers[0].name])
    assert list(asked.ping().values()) == [{"ok": "pong"}]
    assert "add" in next(iter(asked.registered().values()))


# ---- workers that die

def test_killed_worker_gives_its_task_back(own_crew):
    """acks_late: the whole worker is killed in the middle of a task, another does it."""
    path = own_crew.directory / "started"
    worker = own_crew.work()
    result = own_crew.send("hold", str(path))
    wait_until(path.exists, "the task", 2 * PATIENCE_S)
    worker.kill()
    own_crew.work()
    assert got(result) == "redelivered"


def test_killed_pool_process_gives_its_task_back(own_crew):
    """Only the process that runs the task is killed: the worker itself rejects the task, it comes again."""
    path = own_crew.directory / "started"
    own_crew.work()
    result = own_crew.send("hold", str(path))
    wait_until(path.exists, "the task", 2 * PATIENCE_S)
    os.kill(int(path.read_text()), signal.SIGKILL)
    assert got(result) == "redelivered"


# ---- a node that dies

def test_tasks_outlive_the_node(new_node, parties, shards, name, tmp_path):
    """Sent before it is killed, done after; the worker comes back to it by itself, too."""
    node = new_node(shards=shards)
    crew = parties(Crew(node, name, tmp_path))
    path = tmp_path / "done"
    for i in range(20):
        crew.send("append", str(path), i)
    node.restart("kill")
    crew.work()
    wait_until(lambda: path.exists() and len(path.read_text().split()) == 20, "the tasks", 2 * PATIENCE_S)
    assert sorted(map(int, path.read_text().split())) == list(range(20))
    node.restart("kill")
    again = make_app(url(node), name)
    assert got(again.send_task("add", (1, 2))) == 3
    again.close()
