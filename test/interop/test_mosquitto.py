"""mosquitto_pub, mosquitto_sub and mosquitto_rr, as Debian has them."""
import hashlib
import subprocess

import pytest

import mosquitto
from nodes import wait_until

versions = pytest.mark.parametrize("version", ["3.1", "3.1.1", "5"])


@versions
@pytest.mark.parametrize("pub_qos", [0, 1, 2])
@pytest.mark.parametrize("sub_qos", [0, 1, 2])
def test_qos(node, name, parties, version, pub_qos, sub_qos):
    sub = parties(mosquitto.Sub(node, version, "-t", f"{name}/#", "-q", sub_qos, "-C", 3))
    assert sub.ready() == [sub_qos]
    mosquitto.pub(node, version, "-t", f"{name}/a", "-q", pub_qos, "-l", data=b"one\ntwo\nthree\n")
    got = sub.messages(3)
    assert [m["payload"] for m in got] == ["one", "two", "three"]
    assert {m["qos"] for m in got} == {min(pub_qos, sub_qos)}
    assert {m["topic"] for m in got} == {f"{name}/a"}
    assert sub.wait() == 0


@pytest.mark.parametrize("pub_version", ["3.1", "3.1.1", "5"])
@pytest.mark.parametrize("sub_version", ["3.1", "3.1.1", "5"])
def test_versions_mix(node, name, parties, pub_version, sub_version):
    sub = parties(mosquitto.Sub(node, sub_version, "-t", name, "-q", 1, "-C", 1))
    sub.ready()
    mosquitto.pub(node, pub_version, "-t", name, "-q", 1, "-m", "hello")
    assert sub.message()["payload"] == "hello"


@versions
def test_retained_then_cleared(node, name, parties, version):
    mosquitto.pub(node, version, "-t", name, "-q", 1, "-r", "-m", "first")
    mosquitto.pub(node, version, "-t", name, "-q", 1, "-r", "-m", "second")
    sub = parties(mosquitto.Sub(node, version, "-t", name, "-q", 1, "-C", 1))
    got = sub.message()
    assert (got["payload"], got["retain"]) == ("second", 1)
    mosquitto.pub(node, version, "-t", name, "-q", 1, "-r", "-n")
    sub = parties(mosquitto.Sub(node, version, "-t", name, "-q", 1, "-C", 1))
    sub.ready()
    mosquitto.pub(node, version, "-t", name, "-q", 1, "-m", "live")
    got = sub.message()
    assert (got["payload"], got["retain"]) == ("live", 0)


@versions
def test_remove_retained(node, name, parties, version):
    """mosquitto_sub clears each retained message that it gets; a third client then finds none of them."""
    for i in range(5):
        mosquitto.pub(node, version, "-t", f"{name}/{i}", "-q", 1, "-r", "-m", i)
    cleaner = parties(mosquitto.Sub(node, version, "-t", f"{name}/#", "-q", 1, "--remove-retained"))
    assert sorted((m["topic"], m["payload"]) for m in cleaner.messages(5)) == [(f"{name}/{i}", str(i)) for i in range(5)]
    mosquitto.pub(node, version, "-t", f"{name}/end", "-q", 1, "-r", "-m", "end")

    def left():
        late = mosquitto.Sub(node, version, "-t", f"{name}/#", "-q", 1, "-T", f"{name}/end")
        late.ready()
        mosquitto.pub(node, version, "-t", f"{name}/live", "-q", 1, "-m", "live")
        try:
            return late.message()["payload"] == "live"
        finally:
            late.close()
    wait_until(left, "the retained messages to go")


@versions
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_will(node, name, parties, version, qos):
    watch = parties(mosquitto.Sub(node, version, "-t", f"{name}/will", "-q", 2, "-C", 1))
    watch.ready()
    dying = parties(mosquitto.Sub(node, version, "-t", f"{name}/x", "--will-topic", f"{name}/will", "--will-payload",
                                  "gone", "--will-qos", qos, "--will-retain"))
    dying.ready()
    dying.kill()
    got = watch.message()
    assert (got["payload"], got["qos"], got["retain"]) == ("gone", qos, 0)
    late = parties(mosquitto.Sub(node, version, "-t", f"{name}/will", "-q", 2, "-C", 1))
    got = late.message()
    assert (got["payload"], got["retain"]) == ("gone", 1)
    mosquitto.pub(node, version, "-t", f"{name}/will", "-q", 1, "-r", "-n")


@versions
def test_no_will_after_disconnect(node, name, parties, version):
    watch = parties(mosquitto.Sub(node, version, "-t", f"{name}/#", "-q", 1, "-C", 2))
    watch.ready()
    leaving = parties(mosquitto.Sub(node, version, "-t", f"{name}/x", "-q", 1, "-C", 1, "--will-topic", f"{name}/will",
                                    "--will-payload", "gone"))
    leaving.ready()
    mosquitto.pub(node, version, "-t", f"{name}/x", "-q", 1, "-m", "enough")
    assert leaving.wait() == 0
    mosquitto.pub(node, version, "-t", f"{name}/end", "-q", 1, "-m", "end")
    assert [m["topic"] for m in watch.messages(2)] == [f"{name}/x", f"{name}/end"]


@versions
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_persistent_session_over_a_restart(new_node, name, parties, shards, version, how):
    node = new_node(shards=shards)
    listen = ["-c", "-i", name, "-t", f"{name}/#", "-q", 2]
    first = parties(mosquitto.Sub(node, version, *listen, "-C", 1))
    assert first.ready() == [2]
    mosquitto.pub(node, version, "-t", f"{name}/0", "-q", 1, "-m", "online")
    assert first.message()["payload"] == "online"
    assert first.wait() == 0
    for qos in (1, 2):
        mosquitto.pub(node, version, "-t", f"{name}/{qos}", "-q", qos, "-l", data=b"a\nb\nc\n")
    mosquitto.pub(node, version, "-t", f"{name}/kept", "-q", 1, "-r", "-m", "retained")
    node.restart(how)
    mosquitto.pub(node, version, "-t", f"{name}/after", "-q", 1, "-m", "after")
    second = parties(mosquitto.Sub(node, version, "-c", "-i", name, "-t", f"{name}/none", "-q", 2, "-C", 8))
    got = second.messages(8)
    by_topic = {}
    for message in got:
        by_topic.setdefault(message["topic"][len(name) + 1:], []).append((message["payload"], message["qos"]))
    assert by_topic == {"1": [("a", 1), ("b", 1), ("c", 1)], "2": [("a", 2), ("b", 2), ("c", 2)],
                        "kept": [("retained", 1)], "after": [("after", 1)]}
    assert second.wait() == 0
    third = parties(mosquitto.Sub(node, version, "-t", f"{name}/kept", "-q", 1, "-C", 1))
    assert third.message()["retain"] == 1


def test_properties(node, name, parties):
    sub = parties(mosquitto.Sub(node, "5", "-t", name, "-q", 1, "-C", 1, "-D", "subscribe", "subscription-identifier", 77))
    sub.ready()
    mosquitto.pub(node, "5", "-t", name, "-q", 1, "-m", "body",
                  "-D", "publish", "user-property", "colour", "red", "-D", "publish", "user-property", "colour", "blue",
                  "-D", "publish", "content-type", "text/plain", "-D", "publish", "response-topic", "answers",
                  "-D", "publish", "correlation-data", "c-1", "-D", "publish", "payload-format-indicator", 1,
                  "-D", "publish", "message-expiry-interval", 1000)
    got = sub.message()["properties"]
    assert got["user-properties"] == [("colour", "red"), ("colour", "blue")]
    assert got["content-type"] == "text/plain"
    assert got["response-topic"] == "answers"
    assert got["correlation-data"] == "c-1"
    assert got["payload-format-indicator"] == 1
    assert 900 < got["message-expiry-interval"] <= 1000


def test_will_properties(node, name, parties):
    watch = parties(mosquitto.Sub(node, "5", "-t", f"{name}/will", "-q", 1, "-C", 1))
    watch.ready()
    dying = parties(mosquitto.Sub(node, "5", "-t", f"{name}/x", "--will-topic", f"{name}/will", "--will-payload", "gone",
                                  "-D", "will", "content-type", "text/plain", "-D", "will", "user-property", "why", "cut"))
    dying.ready()
    dying.kill()
    got = watch.message()["properties"]
    assert got["content-type"] == "text/plain"
    assert got["user-properties"] == {"why": "cut"}


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_request_and_response(node, name, parties, qos):
    """mosquitto_rr asks; a subscriber answers on the response topic with the correlation data."""
    answerer = parties(mosquitto.Sub(node, "5", "-t", f"{name}/ask", "-q", qos))
    answerer.ready()
    asker = subprocess.Popen(mosquitto.command("mosquitto_rr", node, "5", "-t", f"{name}/ask", "-e", f"{name}/answer", "-m",
                                               "6*7", "-q", qos, "-W", 30, "-D", "publish", "correlation-data", "n1"),
                             stdout=subprocess.PIPE, text=True)
    asked = answerer.message()
    assert asked["payload"] == "6*7"
    mosquitto.pub(node, "5", "-t", asked["properties"]["response-topic"], "-m", "42", "-q", qos,
                  "-D", "publish", "correlation-data", asked["properties"]["correlation-data"])
    out, _ = asker.communicate(timeout=60)
    assert (asker.returncode, out) == (0, "42\n")


def test_shared_subscription(node, name, parties):
    subs = [parties(mosquitto.Sub(node, "5", "-t", f"$share/g/{name}", "-q", 1)) for _ in range(2)]
    for sub in subs:
        sub.ready()
    mosquitto.pub(node, "5", "-t", name, "-q", 1, "-l", data=b"".join(b"%d\n" % i for i in range(100)))
    counts = [0, 0]
    seen = set()

    def all_seen():
        for i, sub in enumerate(subs):
            while not sub.lines.empty():
                line = sub.lines.get()
                if line.startswith("{"):
                    payload = line.split('"payload":')[1]
                    assert payload not in seen
                    seen.add(payload)
                    counts[i] += 1
        return len(seen) == 100
    wait_until(all_seen, "the group to have had all")
    assert min(counts) > 0


@versions
def test_wildcards_and_several_filters(node, name, parties, version):
    sub = parties(mosquitto.Sub(node, version, "-t", f"{name}/+/x", "-t", f"{name}/a/#", "-q", 1, "-C", 4))
    assert sub.ready() == [1, 1]
    for topic in ("b/x", "b/y", "a", "c/d/x", "a/b/c", "end/x"):
        mosquitto.pub(node, version, "-t", f"{name}/{topic}", "-q", 1, "-m", topic)
    assert [m["payload"] for m in sub.messages(4)] == ["b/x", "a", "a/b/c", "end/x"]


@versions
@pytest.mark.parametrize("qos", [0, 2])
def test_large_payload(node, name, tmp_path, parties, version, qos):
    """16 MB there and back, byte by byte."""
    payload = hashlib.sha512(name.encode()).hexdigest() * (16 * 1024 * 1024 // 128)
    sent = tmp_path / "sent"
    sent.write_text(payload)
    sub = parties(mosquitto.Sub(node, version, "-t", name, "-q", qos, "-C", 1))
    sub.ready()
    mosquitto.pub(node, version, "-t", name, "-q", qos, "-f", sent)
    got = sub.message()
    assert (got["payloadlen"], got["payload"] == payload) == (16 * 1024 * 1024, True)


def test_unix_socket(new_node, name, tmp_path, parties):
    path = tmp_path / "tambo.sock"
    node = new_node(arguments=["--listen", f"unix:{path}"])
    sub = parties(mosquitto.Sub(node, "5", "-t", name, "-q", 1, "-C", 1, "--unix", path))
    sub.ready()
    done = subprocess.run(["mosquitto_pub", "--unix", str(path), "-t", name, "-q", "2", "-m", "local"], capture_output=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert sub.message()["payload"] == "local"
