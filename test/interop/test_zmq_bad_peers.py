"""Peers that break the protocol: each is left, named in an event and counted, and a good one beside it notices nothing."""
import pathlib
import struct
import time

import pytest

from nodes import PATIENCE_S, SANITIZED
from rawzmtp import COMMAND, LONG, MORE, SIGNATURE, Listener, Raw, command, frame, greeting, message, metadata, ready
from sockets import Refusal

MB = 1 << 20


@pytest.fixture
def pull(ours, theirs):
    """With a good peer that must not notice."""
    pull = ours.open("PULL", HANDSHAKE_MS=1000 * PATIENCE_S, MESSAGE_BYTES_MAX=MB)
    pull.endpoint = pull.bind()
    good = theirs.open("PUSH")
    good.connect(pull.endpoint)
    good.send("before")
    pull.expect("before")
    yield pull
    good.send("after")
    pull.expect("after")


def rss_bytes(party):
    for line in pathlib.Path(f"/proc/{party.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


#   what it says instead of a handshake
STRANGERS = {
    "http": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "mqtt": bytes.fromhex("101000044d5154540402003c000474657374"),
    "tls": bytes.fromhex("160301020001000200010000"),
    "zeros": bytes(64),
    "signature without its end": b"\xff" + bytes(9) + bytes([3, 1]) + bytes(52),
    "unknown mechanism": greeting(mechanism=b"MAGIC"),
    "lower case mechanism": greeting(mechanism=b"null"),
    "ready without a type": greeting() + command(b"READY", metadata(Identity=b"x")),
    "ready with a torn property": greeting() + command(b"READY", b"\x0bSocket-Type\0\0\1\0PUSH"),
    "a pattern that does not fit": greeting() + ready("PULL"),
    "a pattern that is none": greeting() + ready("PUSHY"),
    "a message before the handshake": greeting() + message(b"hello"),
    "hello instead of ready": greeting() + command(b"HELLO", bytes(198)),
    "a command of a huge length": greeting() + struct.pack(">BQ", COMMAND | LONG, 1 << 63) + b"\x05READY",
    "a command with an empty name": greeting() + frame(b"\0", COMMAND),
    "a command longer than its frame": greeting() + frame(b"\xffREADY", COMMAND),
}


@pytest.mark.parametrize("theirs", ["pyzmq"], indirect=True)
@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_handshake(pull, stranger):
    raw = Raw.connect(pull.endpoint)
    raw.put(STRANGERS[stranger])
    raw.await_end()
    refused = pull.event("REFUSED")
    assert refused.error < 0 and refused.text and refused.peer != "-", refused
    assert pull.stats()["refused"] == 1


#   what it says after it
BREACHES = {
    "a length of 2^63": struct.pack(">BQ", LONG, 1 << 63) + b"hello",
    "a length of 2^64 - 1": struct.pack(">BQ", LONG, (1 << 64) - 1),
    "a message longer than allowed": struct.pack(">BQ", LONG, MB + 1),
    "parts longer than allowed together": message(*[bytes(1000)] * 1100),
    "parts without an end": frame(b"", MORE) * 3_000_000,
    "reserved flags": bytes([0xf0, 1]) + b"x",
    "a command with more": bytes([COMMAND | MORE, 5]) + b"\4PING",
    "a ping without its time": command(b"PING"),
    "a ping with a context too long": command(b"PING", bytes(2 + 17)),
    "a second ready": ready("PUSH"),
    "an unknown command": command(b"DANCE", b"now"),
}


@pytest.mark.parametrize("theirs", ["pyzmq"], indirect=True)
@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach(pull, breach):
    raw = Raw.connect(pull.endpoint)
    raw.shake("PUSH")
    pull.wait_peers(2)
    before = rss_bytes(pull.party)
    raw.put(BREACHES[breach])
    raw.await_end()
    pull.await_stats(lambda stats: stats["refused"] == 1 and stats["peers"] == 1, "the breach to be counted")
    with pytest.raises(Refusal):
        pull.recv(0)
    grown = rss_bytes(pull.party) - before
    assert grown < (256 if SANITIZED else 24) * MB, f"{grown} bytes more"


@pytest.mark.parametrize("theirs", ["pyzmq"], indirect=True)
def test_a_breach_is_named(pull):
    raw = Raw.connect(pull.endpoint)
    raw.shake("PUSH")
    raw.put(struct.pack(">BQ", LONG, 1 << 63))
    raw.await_end()
    gone = pull.event("DISCONNECTED")
    assert gone.error < 0 and gone.text, gone


def test_slow_handshakes(ours):
    """However slowly it drips, its time is over from the connection on."""
    pull = ours.open("PULL", HANDSHAKE_MS=300)
    endpoint = pull.bind()
    silent, dripping = Raw.connect(endpoint), Raw.connect(endpoint)
    for byte in SIGNATURE:
        dripping.put(bytes([byte]))
        time.sleep(0.01)
    silent.await_end()
    dripping.await_end()
    for _ in range(2):
        assert pull.event("REFUSED").text
    assert pull.stats()["refused"] == 2


@pytest.mark.parametrize("as_commands", [True, False], ids=["commands", "messages"])
def test_a_flood_of_subscriptions(ours, theirs, as_commands):
    """One too many and it is left; the others keep theirs."""
    pub = ours.open("PUB", SUBSCRIPTIONS_MAX=1000)
    endpoint = pub.bind()
    sub = theirs.open("SUB")
    sub.subscribe("good")
    sub.connect(endpoint)
    pub.wait_peers()
    raw = Raw.connect(endpoint)
    raw.shake("SUB")
    prefixes = [str(i).encode() for i in range(1001)]
    raw.put(*[command(b"SUBSCRIBE", prefix) if as_commands else message(b"\1" + prefix) for prefix in prefixes])
    raw.await_end()
    pub.await_stats(lambda stats: stats["refused"] == 1 and stats["peers"] == 1, "the flood to be counted")
    pub.send("good day")
    sub.expect("good day")


def test_a_crowd_is_turned_away(ours, theirs):
    pull = ours.open("PULL", CONNECTIONS_MAX=3)
    endpoint = pull.bind()
    raws = [Raw.connect(endpoint) for _ in range(3)]
    for raw in raws:
        raw.shake("PUSH")
    pull.wait_peers(3)
    Raw.connect(endpoint).await_end()
    raws.pop().close()
    push = theirs.open("PUSH")
    push.connect(endpoint)
    push.send("there is room again")
    pull.expect("there is room again")


def test_a_thousand_strangers(ours, theirs):
    """None of them costs anything afterwards."""
    pull = ours.open("PULL")
    endpoint = pull.bind()
    kinds = list(STRANGERS.values())
    for i in range(1000):
        raw = Raw.connect(endpoint)
        raw.put(kinds[i % len(kinds)][:1 + i % 90])
        raw.close()
    push = theirs.open("PUSH")
    push.connect(endpoint)
    push.send("hello")
    pull.expect("hello")
    pull.await_stats(lambda stats: stats["peers"] == 1, "the strangers to be gone")


def test_we_refuse_what_we_connect_to(ours):
    """A server that is no ZMTP peer: named, and tried again."""
    listener = Listener()
    push = ours.open("PUSH", RECONNECT_MS=20)
    push.connect(listener.endpoint)
    raw = listener.accept()
    raw.put(b"220 mail.example.org ESMTP\r\n")
    assert push.event("REFUSED").text
    push.event("RETRY")
    raw = listener.accept()
    raw.shake("PULL")
    push.send("found you")
    assert raw.message() == [b"found you"]
    listener.close()
