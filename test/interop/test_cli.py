"""tambo serve, pub and sub as a user types them: pipes, files, JSON, settings, refusals."""
import base64
import json
import os
import shlex
import signal
import socket
import subprocess

import pytest

import mosquitto
from nodes import PATIENCE_S, TAMBO, Node, wait_until
from party import Party, props
from rawmqtt import Wire


def run(*arguments, data=None, code=0, env=None):
    """tambo with arguments, to its end."""
    done = subprocess.run([TAMBO, *[str(a) for a in arguments]], input=data, capture_output=True, timeout=2 * PATIENCE_S,
                          env={**os.environ, **(env or {})})
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr.decode(errors='replace')}"
    return done


def pub(node, *arguments, **more):
    return run("pub", "-p", node.port, *arguments, **more)


class Sub:
    """tambo sub, its subscription standing before anything is published."""

    def __init__(self, node, *arguments):
        self.process = subprocess.Popen([TAMBO, "sub", "-p", str(node.port), "-d", *[str(a) for a in arguments]],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = b""
        while b"request" not in line:
            line = self.process.stderr.readline()
            assert line, f"tambo sub ended: {self.process.wait()}"

    def output(self, code=0):
        out, err = self.process.communicate(timeout=2 * PATIENCE_S)
        assert self.process.returncode == code, err.decode(errors="replace")
        return out

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


# ---- pub and sub

@pytest.mark.parametrize("version", ["3.1", "3.1.1", "5"])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_lines_through_a_pipe(node, name, parties, version, qos):
    lines = b"".join(b"line %d \xc3\xbc\n" % i for i in range(5000))
    sub = parties(Sub(node, "-t", name, "-q", qos, "-C", 5000, "-V", version))
    pub(node, "-t", name, "-l", "-q", qos, "-V", version, data=lines)
    assert sub.output() == lines


def test_stdin_as_one_message(node, name, parties):
    data = os.urandom(100000)
    sub = parties(Sub(node, "-t", name, "-C", 1, "-N"))
    pub(node, "-t", name, "-s", "-q", 1, data=data)
    assert sub.output() == data


@pytest.mark.parametrize("size", [0, 1, 16 * 1024 * 1024])
def test_a_file(node, name, parties, tmp_path, size):
    path = tmp_path / "payload"
    path.write_bytes(os.urandom(size))
    sub = parties(Sub(node, "-t", name, "-C", 1, "-N", "-q", 1))
    pub(node, "-t", name, "-f", path, "-q", 1)
    assert sub.output() == path.read_bytes()


def test_json(node, name, parties):
    sub = parties(Sub(node, "-t", f"{name}/#", "-C", 3, "-q", 1, "--json", "-D", "subscribe", "subscription-identifier", 9))
    pub(node, "-t", f"{name}/a", "-m", 'quo"te\u00fc', "-q", 1, "-D", "publish", "user-property", "k", "v1",
        "-D", "publish", "user-property", "k", "v2", "-D", "publish", "content-type", "text/x")
    pub(node, "-t", f"{name}/b", "-s", data=b"\xff\x00bytes")
    pub(node, "-t", f"{name}/c", "-n", "-q", 1)
    first, second, third = [json.loads(line) for line in sub.output().splitlines()]
    assert (first["topic"], first["payload"], first["qos"], first["retain"]) == (f"{name}/a", 'quo"te\u00fc', 1, False)
    assert first["properties"]["user-properties"] == [["k", "v1"], ["k", "v2"]]
    assert first["properties"]["content-type"] == "text/x"
    assert first["properties"]["subscription-identifiers"] == [9]
    assert base64.b64decode(second["payload_base64"]) == b"\xff\x00bytes"
    assert (third["topic"], third["payload"]) == (f"{name}/c", "")


def test_verbose_and_format(node, name):
    pub(node, "-t", name, "-m", "hi", "-r", "-q", 1)
    assert run("sub", "-p", node.port, "-t", name, "-C", 1, "-v").stdout == f"{name} hi\n".encode()
    out = run("sub", "-p", node.port, "-t", name, "-C", 1, "-q", 1, "-F", r"%t|%p|%x|%l|%q|%r|%%\t.").stdout
    assert out == f"{name}|hi|6869|2|1|1|%\t.\n".encode()
    pub(node, "-t", name, "-n", "-r", "-q", 1)


def test_sub_gives_up_in_time(node, name):
    done = run("sub", "-p", node.port, "-t", name, "-C", 1, "-W", 1, code=1)
    assert b"timed out" in done.stderr


def test_retained_options(node, name, parties):
    pub(node, "-t", f"{name}/a", "-m", "old", "-r", "-q", 1)
    sub = parties(Sub(node, "-t", f"{name}/#", "-R", "-C", 1, "-q", 1))
    pub(node, "-t", f"{name}/b", "-m", "live", "-q", 1)
    assert sub.output() == b"live\n"
    sub = parties(Sub(node, "-t", f"{name}/#", "--retained-only", "-q", 1))
    pub(node, "-t", f"{name}/b", "-m", "live", "-q", 1)
    assert sub.output() == b"old\n"
    sub = parties(Sub(node, "-t", f"{name}/#", "-T", f"{name}/a", "-C", 1, "-q", 1))
    pub(node, "-t", f"{name}/b", "-m", "other", "-q", 1)
    assert sub.output() == b"other\n"
    pub(node, "-t", f"{name}/a", "-n", "-r", "-q", 1)


def test_will(node, name, parties):
    watch = parties(Sub(node, "-t", f"{name}/will", "-C", 1))
    dying = parties(Sub(node, "-t", name, "--will-topic", f"{name}/will", "--will-payload", "gone"))
    dying.close()
    assert watch.output() == b"gone\n"


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_session_kept_over_a_restart(new_node, shards, name, how):
    node = new_node(shards=shards)
    keep = ["-p", node.port, "-c", "-i", "keeper", "-q", 2, "-t", name]
    run("sub", *keep, "-E")
    pub(node, "-t", name, "-l", "-q", 2, data=b"a\nb\nc\n")
    node.restart(how)
    assert run("sub", *keep, "-C", 3).stdout == b"a\nb\nc\n"


def test_with_other_peoples_clients(node, name, parties):
    """tambo pub to mosquitto_sub and paho, mosquitto_pub to tambo sub."""
    theirs = parties(mosquitto.Sub(node, "5", "-t", name, "-q", 2, "-C", 1))
    theirs.ready()
    paho = parties(Party(node)).join()
    paho.subscribe(name, 2)
    ours = parties(Sub(node, "-t", name, "-q", 2, "-C", 2))
    pub(node, "-t", name, "-m", "from tambo", "-q", 2, "-D", "publish", "user-property", "a", "b")
    assert theirs.message()["properties"]["user-properties"] == {"a": "b"}
    assert paho.take_one().properties.UserProperty == [("a", "b")]
    mosquitto.pub(node, "5", "-t", name, "-m", "from mosquitto", "-q", 2)
    assert ours.output() == b"from tambo\nfrom mosquitto\n"


def test_a_topic_that_is_invalid(node):
    assert run("pub", "-p", node.port, "-t", "a/#", "-m", "x", code=1).stderr


def test_nobody_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = run("pub", "-p", unused.getsockname()[1], "-t", "a", "-m", "x", code=1)
    assert b"refused" in done.stderr


def test_pub_fails_when_the_node_dies(new_node, name):
    """What was not confirmed is not called published."""
    node = new_node()
    process = subprocess.Popen([TAMBO, "pub", "-p", str(node.port), "-t", name, "-q", "1", "-l"], stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdin.write(b"one\n")
    process.stdin.flush()
    watch = Party(node).join()
    node.kill()
    process.stdin.write(b"two\n")
    process.stdin.close()
    assert process.wait(PATIENCE_S) != 0
    assert process.stderr.read()
    process.stderr.close()
    watch.close()


def test_help():
    for command in ("serve", "pub", "sub", "bench"):
        assert b"Usage: tambo " + command.encode() in run(command, "--help").stdout
    assert b"serve" in run("--help").stdout
    assert run("pub", "--no-such-option", code=1).stderr
    assert run("no-such-command", code=1).stderr


# ---- serve

def test_what_serve_prints_works(tmp_path):
    """The two lines of the greeting, word for word."""
    node = Node(tmp_path / "node")
    process = subprocess.Popen(node.command("tcp://127.0.0.1:0"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        said = {}
        while "stop" not in said:
            line = process.stdout.readline()
            assert line, "the node ended"
            word, _, rest = line.strip().partition(" ")
            said[word] = rest.strip()
        subscribe = [TAMBO, *shlex.split(said["subscribe"])[1:], "-C", "1", "-d"]
        publish = [TAMBO, *shlex.split(said["publish"])[1:]]
        sub = subprocess.Popen(subscribe, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = [sub.stderr.readline() for _ in range(2)]
        assert "connected" in first[0], first
        assert subprocess.run(publish, timeout=60).returncode == 0
        out, _ = sub.communicate(timeout=60)
        assert out == "hello/world hi\n"
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 0


def test_unix_socket(new_node, name, tmp_path, parties):
    path = tmp_path / "tambo.sock"
    node = new_node(arguments=["--listen", f"unix:{path}"])
    sub = parties(Sub(node, "-t", name, "-C", 2, "--unix", path))
    run("pub", "--unix", path, "-t", name, "-m", "one", "-q", 1)
    run("pub", "-L", f"unix:{path}", "-t", name, "-m", "two", "-q", 1)
    assert sub.output() == b"one\ntwo\n"
    node.restart("kill")
    run("pub", "--unix", path, "-t", name, "-m", "the path is taken again after a kill", "-q", 1)
    node.stop()
    assert not path.exists()


def check_settings(tmp_path, text, code):
    path = tmp_path / "tambo.yaml"
    path.write_text(text)
    return path, run("serve", "--config", path, "--check", code=code)


def test_check_prints_what_holds(tmp_path):
    _, done = check_settings(tmp_path, "receive_max: 77\ntier: written\nlisten: [tcp://127.0.0.1:1999]\nlog_format: json\n", 0)
    lines = done.stdout.decode().splitlines()
    assert any(line.startswith("receive_max: 77") for line in lines)
    assert "tier: written" in lines
    assert "  - tcp://127.0.0.1:1999" in lines
    again, _ = check_settings(tmp_path, done.stdout.decode(), 0)
    assert run("serve", "--config", again, "--check").stdout == done.stdout


@pytest.mark.parametrize("line, text", [
    (1, "receive_max: 0\n"), (2, "receive_max: 10\nreceive_max: 99999\n"), (3, "# words\n\ntier: fast\n"),
    (2, "receive_max: 10\nno_such_setting: 1\n"), (4, "receive_max: 10\n\n\nno_such_setting: 1\n"),
    (2, "receive_max: 10\nqueue_count_max: -3\n"), (1, "receive_max: ten\n"), (1, "receive_max: 10abc\n"),
    (1, "receive_max: 5.5\n"), (1, "retain_available: maybe\n"), (2, "receive_max: 10\nlisten: [tcp://127.0.0.1:port]\n"),
    (2, "receive_max: 10\n\t: [\n"),
], ids=["too low", "twice", "no such word", "unknown", "unknown further down", "negative", "not a number", "trailing letters",
        "a fraction", "not a truth", "no address", "not YAML"])
def test_check_refuses(tmp_path, line, text):
    """With the file and the line."""
    path, done = check_settings(tmp_path, text, 1)
    assert f"{path}:{line}:" in done.stderr.decode()
    assert done.stdout == b""


def test_no_such_file(tmp_path):
    done = run("serve", "--config", tmp_path / "none.yaml", "--check", code=1)
    assert b"none.yaml" in done.stderr


def test_bad_settings_do_not_start(tmp_path):
    path = tmp_path / "tambo.yaml"
    path.write_text("receive_max: 0\n")
    run("serve", "--config", path, "--data", tmp_path / "data", "--listen", "tcp://127.0.0.1:0", code=1)
    assert not (tmp_path / "data").exists()


def test_reload(new_node, shards):
    node = new_node(shards=shards, settings={"receive_max": 10, "segment_bytes": 8388608})

    def granted():
        one = Wire(node)
        told = one.connect("").get("receive_maximum")
        one.close()
        return told
    assert granted() == 10
    stays = Wire(node)
    stays.connect("stays")
    node.configure({"receive_max": 20, "segment_bytes": 16777216})
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: granted() == 20, "the new value")
    assert "segment_bytes" in node.log(), "what waits for a restart is told"
    node.configure({"receive_max": "nonsense"})
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "stay as they were" in node.log(), "the refusal")
    assert granted() == 20
    stays.send(b"\xc0\0")
    assert stays.expect(13), "connections stay"
    stays.close()


def serve_refused(*arguments):
    done = run("serve", *arguments, code=1)
    assert done.stdout == b"", "it said that it listens"
    return done.stderr.decode()


def test_one_directory_one_node(new_node, shards, name):
    node = new_node(shards=shards)
    said = serve_refused("--data", node.data, "--shards", shards, "--listen", "tcp://127.0.0.1:0")
    assert str(node.data) in said
    pub(node, "-t", name, "-m", "the first one lives", "-q", 1)
    node.kill()
    node.start()  # the lock went with the process


def test_port_in_use(new_node, tmp_path, name):
    node = new_node()
    said = serve_refused("--data", tmp_path / "second", "--shards", 1, "--listen", f"tcp://127.0.0.1:{node.port}")
    assert str(node.port) in said and "in use" in said
    pub(node, "-t", name, "-m", "the first one lives", "-q", 1)


@pytest.mark.parametrize("before, after", [(1, 2), (2, 1)])
def test_shards_mismatch(new_node, before, after):
    node = new_node(shards=before)
    node.stop()
    said = serve_refused("--data", node.data, "--shards", after, "--listen", "tcp://127.0.0.1:0")
    assert "shards" in said
    node.start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_graceful_stop(new_node, shards, number):
    """Clients of version 5 are told, nothing of theirs is lost, and it is quick."""
    node = new_node(shards=shards)
    party = Party(node, "kept", clean=False).join(properties=props("connect", SessionExpiryInterval=1000))
    party.subscribe("a", 1)
    party.leave()
    wires = [Wire(node) for _ in range(20)]
    for i, wire in enumerate(wires):
        wire.connect(f"w{i}")
        wire.publish("a", str(i), 1, packet_id=1)
        wire.expect(4)
    node.process.send_signal(number)
    for wire in wires:
        assert wire.expect_end() == 0x8B
        wire.close()
    assert node.process.wait(PATIENCE_S) == 0
    node.process.stdout.close()
    node.start()
    again = Party(node, "kept", clean=False)
    assert again.connect(properties=props("connect", SessionExpiryInterval=1000))[0] is True
    assert sorted(map(int, again.payloads(20))) == list(range(20))
    again.close()


def test_log_lines_as_json(new_node):
    node = new_node(settings={"log_format": "json"})
    node.stop()
    lines = [json.loads(line) for line in node.log().splitlines()]
    assert lines
    for line in lines:
        assert {"time", "level", "shard", "event", "text"} <= line.keys()


@pytest.mark.parametrize("tier", ["memory", "written", "synced"])
def test_tiers(new_node, shards, name, tier):
    """Memory keeps nothing and says so; the others keep it over a kill."""
    node = new_node(shards=shards, arguments=["--tier", tier])
    keep = ["-p", node.port, "-c", "-i", "keeper", "-q", 1, "-t", name]
    run("sub", *keep, "-E")
    pub(node, "-t", name, "-m", "kept", "-q", 1)
    node.restart("kill")
    if tier == "memory":
        run("sub", *keep, "-C", 1, "-W", 1, code=1)
    else:
        assert run("sub", *keep, "-C", 1).stdout == b"kept\n"
