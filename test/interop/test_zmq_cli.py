"""tambo zmq as a user types it, with pyzmq and itself on the other side."""
import json
import subprocess
import threading
import time

import pytest
import zmq

from nodes import COMPLAINTS, PATIENCE_S, TAMBO
from test_cli import run
from test_zmq_patterns import free_port

ANY = "tcp://127.0.0.1:*"


@pytest.fixture
def context():
    context = zmq.Context()
    context.setsockopt(zmq.RCVTIMEO, 1000 * PATIENCE_S)
    context.setsockopt(zmq.SNDTIMEO, 1000 * PATIENCE_S)
    context.setsockopt(zmq.LINGER, 0)
    yield context
    context.destroy(linger=0)


def bound(context, pattern, **options):
    socket = context.socket(pattern)
    for name, value in options.items():
        setattr(socket, name, value)
    socket.bind(ANY)
    return socket, socket.last_endpoint.decode()


class Command:
    """One that runs beside the test."""

    def __init__(self, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE):
        self.process = subprocess.Popen([TAMBO, "zmq", *map(str, arguments)], stdin=stdin, stdout=stdout,
                                        stderr=subprocess.PIPE)

    def end(self, code=0, data=None):
        out, err = self.process.communicate(data, timeout=PATIENCE_S)
        assert self.process.returncode == code and not COMPLAINTS.search(err.decode()), err.decode()
        return out


@pytest.fixture
def endpoint():
    return f"tcp://127.0.0.1:{free_port()}"


# ---- push and pull ----


def test_push_sends_a_message_a_line(context):
    pull, endpoint = bound(context, zmq.PULL)
    lines = [b"line %d" % i for i in range(5000)] + [b"", b"\xff\0", b"without an end"]
    command = Command("push", endpoint, stdin=subprocess.PIPE)
    thread = threading.Thread(target=command.end, kwargs={"data": b"\n".join(lines)})
    thread.start()
    assert [pull.recv() for _ in lines] == lines
    thread.join()


def test_pull_prints_a_message_a_line(context):
    push, endpoint = bound(context, zmq.PUSH)
    command = Command("pull", "-n", 5003, endpoint)
    for i in range(5000):
        push.send(b"%d" % i)
    push.send(b"")
    push.send_multipart([b"a", b"", b"b"])
    push.send(b"\xff")
    assert command.end() == b"".join(b"%d\n" % i for i in range(5000)) + b"\na\t\tb\n\xff\n"


@pytest.mark.parametrize("pull_binds", [True, False], ids=["pull-binds", "push-binds"])
@pytest.mark.parametrize("scheme", ["tcp", "ipc"])
def test_a_pipe_over_a_socket(endpoint, tmp_path, scheme, pull_binds):
    """tambo zmq push <file | tambo zmq pull: nothing lost, in order, both end."""
    endpoint = endpoint if scheme == "tcp" else f"ipc://{tmp_path}/pipe"
    lines = b"".join(b"%d %s\n" % (i, b"x" * (i % 200)) for i in range(50_000))
    with open(tmp_path / "out", "w+b") as out:
        pull = Command("pull", "-n", 50_000, *(["--bind"] if pull_binds else []), endpoint, stdout=out)
        push = Command("push", *([] if pull_binds else ["--bind"]), endpoint, stdin=subprocess.PIPE)
        push.end(data=lines)
        pull.end()
        out.seek(0)
        assert out.read() == lines


def test_push_ends_only_when_all_is_handed_over(context, endpoint):
    """The peer comes late and reads slowly: nothing that exit code 0 covers is lost."""
    command = Command("push", endpoint, stdin=subprocess.PIPE)
    thread = threading.Thread(target=command.end, kwargs={"data": (b"x" * 1_000_000 + b"\n") * 30})
    thread.start()
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = 1
    pull.bind(endpoint)
    time.sleep(3)  # it is not read from: nothing else can be waited for
    assert [len(pull.recv()) for _ in range(30)] == [1_000_000] * 30
    thread.join()


def test_push_to_nobody(endpoint):
    done = run("zmq", "push", "--timeout", "0.3", "-m", "hello", endpoint, code=1)
    assert done.stderr == b"tambo zmq push: cannot send: the time given is over\n"


def test_many_endpoints(context):
    pulls = [bound(context, zmq.PULL) for _ in range(2)]
    run("zmq", "push", *[endpoint for _, endpoint in pulls], data=b"1\n2\n3\n4\n")
    got = []
    poller = zmq.Poller()
    for pull, _ in pulls:
        poller.register(pull, zmq.POLLIN)
    while len(got) < 4:
        ready = poller.poll(1000 * PATIENCE_S)
        assert ready
        got += [socket.recv() for socket, _ in ready]
    assert sorted(got) == [b"1", b"2", b"3", b"4"]


# ---- parts and formats ----


def test_delimiter_cuts_and_joins(context):
    pull, endpoint = bound(context, zmq.PULL)
    run("zmq", "push", "-d", "::", endpoint, data=b"a::b::\nplain\n")
    assert pull.recv_multipart() == [b"a", b"b", b""]
    assert pull.recv_multipart() == [b"plain"]
    push, endpoint = bound(context, zmq.PUSH)
    command = Command("pull", "-n", 1, "-d", "|", endpoint)
    push.send_multipart([b"a", b"b", b""])
    assert command.end() == b"a|b|\n"


def test_hex_and_json(context):
    push, endpoint = bound(context, zmq.PUSH)
    command = Command("pull", "-n", 1, "--hex", endpoint)
    push.send_multipart([b"\0\xff", b"", b"a"])
    assert command.end() == b"00ff\t\t61\n"
    command = Command("pull", "-n", 1, "--json", endpoint)
    push.send_multipart([b"\xff", b"", b"a"])
    assert json.loads(command.end()) == {"parts": [{"data_base64": "/w=="}, {"data": ""}, {"data": "a"}]}
    command = Command("pull", "-n", 2, "-N", endpoint)
    push.send(b"a")
    push.send(b"b")
    assert command.end() == b"ab"


# ---- pub and sub ----


def test_pub_waits_for_its_subscriber(context, endpoint):
    """No sleep anywhere, and the first line is there."""
    command = Command("pub", "--bind", endpoint, "-m", "first")
    sub = context.socket(zmq.SUB)
    sub.subscribe(b"f")
    sub.connect(endpoint)
    assert sub.recv() == b"first"
    assert command.end() == b""


def test_pub_waits_for_as_many_as_asked(endpoint):
    subs = [Command("sub", "-n", 2, "-s", "a", endpoint) for _ in range(3)]
    run("zmq", "pub", "--bind", "--wait", 3, endpoint, data=b"a1\nb\na2\n")
    assert [sub.end() for sub in subs] == [b"a1\na2\n"] * 3


def test_pub_to_nobody(endpoint):
    done = run("zmq", "pub", "--bind", "--timeout", "0.3", "-m", "hello", endpoint, code=1)
    assert done.stderr == b"tambo zmq pub: waiting for peers: the time given is over\n"
    run("zmq", "pub", "--bind", "--wait", 0, "-m", "hello", endpoint)


def test_pub_waits_for_a_slow_subscriber(context, endpoint):
    """It blocks rather than drops."""
    lines = [b"%d %s" % (i, b"x" * 100) for i in range(50_000)]
    command = Command("pub", "--bind", endpoint, stdin=subprocess.PIPE)
    thread = threading.Thread(target=command.end, kwargs={"data": b"\n".join(lines)})
    thread.start()
    sub = context.socket(zmq.SUB)
    sub.rcvhwm = 10
    sub.subscribe(b"")
    sub.connect(endpoint)
    first = sub.recv()
    time.sleep(0.5)  # more than fits between us has come by then
    assert [first] + [sub.recv() for _ in lines[1:]] == lines
    thread.join()


def test_sub_takes_all_or_what_it_asked_for(context):
    xpub, endpoint = bound(context, zmq.XPUB)
    command = Command("sub", "-n", 2, endpoint)
    assert xpub.recv() == b"\1"
    xpub.send(b"a")
    xpub.send_multipart([b"b", b"more"])
    assert command.end() == b"a\nb\tmore\n"
    assert xpub.recv() == b"\0"
    command = Command("sub", "-n", 1, "-s", "x", "--subscribe", "y", endpoint)
    assert {xpub.recv(), xpub.recv()} == {b"\1x", b"\1y"}
    xpub.send(b"a")
    xpub.send(b"y1")
    assert command.end() == b"y1\n"


# ---- req and rep ----


def test_req_prints_the_reply(context):
    rep, endpoint = bound(context, zmq.REP)
    command = Command("req", endpoint, stdin=subprocess.PIPE)
    command.process.stdin.write(b"two\nlines\n")
    command.process.stdin.close()
    command.process.stdin = None
    assert rep.recv() == b"two\nlines\n"
    rep.send_multipart([b"the", b"answer"])
    assert command.end() == b"the\tanswer\n"


def test_rep_runs_a_command_a_request(context, endpoint):
    command = Command("rep", "--bind", "-n", 3, endpoint, "--", "tr", "a-z", "A-Z")
    req = context.socket(zmq.REQ)
    req.connect(endpoint)
    for body in (b"hello", b"", b"x" * 1_000_000):
        req.send(body)
        assert req.recv() == body.upper()
    assert command.end() == b""


def test_rep_answers_also_when_its_command_fails(context, endpoint):
    command = Command("rep", "--bind", "-n", 1, endpoint, "--", "sh", "-c", "echo some; exit 3")
    req = context.socket(zmq.REQ)
    req.connect(endpoint)
    req.send(b"x" * 1_000_000)  # which nobody reads
    assert req.recv() == b"some\n"
    out, err = command.process.communicate(timeout=PATIENCE_S)
    assert err == b"tambo zmq rep: sh exited with 3\n" and command.process.returncode == 0


def test_req_and_rep_of_ours(endpoint):
    rep = Command("rep", "--bind", "-n", 1, endpoint, "--", "rev")
    assert run("zmq", "req", "-m", "tambo", endpoint).stdout == b"obmat\n"
    rep.end()


def test_rep_without_its_command(endpoint):
    done = run("zmq", "rep", "--bind", endpoint, code=1)
    assert done.stderr == b"tambo zmq rep: no command: say one behind --\n"
    done = Command("rep", "--bind", "-n", 1, endpoint, "--", "no-such-command")
    run("zmq", "req", "-m", "x", "--timeout", "1", endpoint, code=1)
    assert done.process.wait(PATIENCE_S) == 1
    assert done.process.stderr.read() == b"tambo zmq rep: no-such-command: not found\n"


# ---- security ----


def test_curve_from_a_file(context, tmp_path, endpoint):
    keys = {}
    for who in ("server", "client"):
        words = run("zmq", "keypair").stdout.decode().split()
        keys[who] = (words[1], words[3])
        (tmp_path / who).write_text(words[3] + "\n")
    pull = Command("pull", "--bind", "-n", 1, "--curve-server", "--curve-secret-key", tmp_path / "server",
                   "--curve-public-key", keys["server"][0], endpoint)
    client = ("--curve-server-key", keys["server"][0], "--curve-public-key", keys["client"][0])
    run("zmq", "push", *client, "--curve-secret-key", tmp_path / "client", "-m", "sealed", endpoint)
    assert pull.end() == b"sealed\n"
    done = run("zmq", "push", *client, "--curve-secret-key", tmp_path / "none", "-m", "x", endpoint, code=1)
    assert b"none: not found" in done.stderr


def test_plain(endpoint):
    server = Command("pull", "--bind", "-n", 1, "--plain-server", "--plain-user", "ana", "--plain-password", "secret",
                     endpoint)
    done = run("zmq", "push", "--plain-user", "ana", "--plain-password", "guess", "--timeout", "0.5", "--events", "-m",
               "x", endpoint, code=1)
    assert b"the handshake failed" in done.stderr
    run("zmq", "push", "--plain-user", "ana", "--plain-password", "secret", "-m", "let in", endpoint)
    assert server.end() == b"let in\n"


# ---- events, ends and errors ----


def test_events_are_told(context):
    pull, endpoint = bound(context, zmq.PULL)
    done = run("zmq", "push", "--events", endpoint, data=b"hello\n")
    text = done.stderr.decode()
    for what in ("an attempt begins", "a connection is there", "the handshake is done"):
        assert f"{endpoint}: {what}" in text, text
    assert pull.recv() == b"hello"


def test_a_reader_that_goes_is_no_failure(context):
    push, endpoint = bound(context, zmq.PUSH, sndhwm=10, sndtimeo=200)
    shell = f"'{TAMBO}' zmq pull {endpoint} | head -n 3; exit ${{PIPESTATUS[0]}}"
    piped = subprocess.Popen(["bash", "-c", shell], stdout=subprocess.PIPE)
    for i in range(100_000):
        try:
            push.send(b"%d" % i)
        except zmq.Again:
            if piped.poll() is not None:
                break
    assert piped.communicate(timeout=PATIENCE_S)[0] == b"0\n1\n2\n" and piped.returncode == 0


def test_pull_gives_up_in_time(endpoint):
    done = run("zmq", "pull", "--bind", "-n", 2, "--timeout", "0.2", endpoint, code=1)
    assert done.stderr == b"tambo zmq pull: timed out after 0 of 2 messages\n"
    run("zmq", "pull", "--bind", "--timeout", "0.2", endpoint)


WRONG = {
    "an endpoint without a scheme": (["push", "localhost:1"], "localhost:1: not an endpoint"),
    "a scheme that is none": (["push", "pgm://a:1"], "pgm://a:1: not an endpoint"),
    "no endpoint": (["pull"], "no endpoint: say one, such as tcp://127.0.0.1:5555"),
    "a role that is none": (["publish", "tcp://a:1"], "unknown role 'publish'"),
    "an option of another role": (["push", "--subscribe", "a", "tcp://a:1"], "unknown option --subscribe"),
    "an address in use": (["pull", "--bind", "{taken}"], "{taken}: the address is in use"),
    "a key that is none": (["pull", "--curve-secret-key", "!" * 39 + "\"", "tcp://a:1"], "--curve-secret-key: "),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_errors_name_what_is_wrong(context, wrong):
    keeper, taken = bound(context, zmq.PULL)
    arguments, text = WRONG[wrong]
    done = run("zmq", *[word.format(taken=taken) for word in arguments], code=1)
    assert text.format(taken=taken) in done.stderr.decode(), done.stderr
    keeper.close()


@pytest.mark.parametrize("role", ["push", "pull", "pub", "sub", "req", "rep", "keypair"])
def test_help(role):
    text = run("zmq", role, "--help").stdout.decode()
    assert text.startswith(f"Usage: tambo zmq {role}") and max(map(len, text.splitlines())) <= 100
    assert f"  {role} " in run("zmq", "--help").stdout.decode()
