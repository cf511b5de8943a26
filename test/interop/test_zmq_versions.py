"""ZMTP 3.1, 3.0 and 2.0 by hand: what goes over the wire to peers of each, and greetings in pieces."""
import struct

import pytest

from rawzmtp import COMMAND, SIGNATURE, Closed, Listener, Raw, command, frame, greeting, message, ready
from sockets import Refusal


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


# ---- the greeting ----


def test_greeting_does_not_wait_for_all_of_the_others(ours):
    """libzmq sends ten bytes and waits for a version before it sends on."""
    pull = ours.open("PULL")
    raw = Raw.connect(pull.bind())
    raw.put(SIGNATURE)
    got = raw.take(11)
    assert got[0] == 0xff and got[9] & 1 == 1 and got[10] == 3
    raw.put(greeting()[10:11])
    raw.take(64 - 11)
    raw.put(greeting()[11:], ready("PUSH"), message(b"hello"))
    pull.expect("hello")


def test_greeting_byte_by_byte(ours):
    pull = ours.open("PULL")
    raw = Raw.connect(pull.bind())
    for byte in greeting() + ready("PUSH") + message(b"a", b"", b"c" * 300):
        raw.put(bytes([byte]))
    pull.expect("a", "", "c" * 300)


def test_everything_in_one_piece(ours):
    pull = ours.open("PULL")
    raw = Raw.connect(pull.bind())
    raw.put(greeting(), ready("PUSH"), message(b"1"), message(b"2", b"3"))
    pull.expect("1")
    pull.expect("2", "3")


def test_a_newer_version_is_answered_with_ours(ours):
    pull = ours.open("PULL")
    raw = Raw.connect(pull.bind())
    raw.put(greeting(major=4, minor=0), ready("PUSH"), message(b"from later"))
    assert raw.take(64)[10] == 3
    pull.expect("from later")


def test_long_sizes_for_short_bodies(ours):
    pull = ours.open("PULL")
    raw = Raw.connect(pull.bind())
    raw.shake("PUSH")
    raw.put(struct.pack(">BQ", 2, 3), b"abc")
    pull.expect("abc")


def test_identity_and_resource_go_with_ready(ours, listener):
    dealer = ours.open("DEALER", ROUTING_ID="ana")
    dealer.connect(listener.endpoint + "/jobs")
    raw = listener.accept()
    properties = raw.shake("ROUTER")
    assert b"\x08Identity\0\0\0\x03ana" in properties
    assert b"\x08Resource\0\0\0\x04jobs" in properties or b"\x08Resource\0\0\0\x05/jobs" in properties


# ---- subscriptions ----


@pytest.mark.parametrize("minor", [0, 1])
def test_we_subscribe_as_the_peer_understands(ours, listener, minor):
    """A command to 3.1, a message to 3.0."""
    sub = ours.open("SUB")
    sub.subscribe("ab")
    sub.connect(listener.endpoint)
    raw = listener.accept()
    raw.shake("PUB", minor)
    assert raw.frame() == ((COMMAND, b"\x09SUBSCRIBEab") if minor else (0, b"\1ab"))
    raw.put(message(b"abc", b"d"))
    sub.expect("abc", "d")
    sub.unsubscribe("ab")
    while (got := raw.frame())[1][:5] == b"\x04PING":
        pass
    assert got == ((COMMAND, b"\x06CANCELab") if minor else (0, b"\0ab"))


@pytest.mark.parametrize("minor", [0, 1])
@pytest.mark.parametrize("pattern", ["PUB", "XPUB"])
def test_subscriptions_are_understood_in_both_forms(ours, pattern, minor):
    """Also as messages from a 3.1 peer, as libzmq up to 4.3.2 sends them."""
    pub = ours.open(pattern)
    raw = Raw.connect(pub.bind())
    raw.shake("SUB", minor)
    forms = [(message(b"\1a"), message(b"\0a"))]
    if minor:
        forms.append((command(b"SUBSCRIBE", b"a"), command(b"CANCEL", b"a")))
    for on, off in forms:
        raw.put(on)
        if pattern == "XPUB":
            pub.expect(b"\1a")
        else:
            pub.wait_peers()
            if minor:
                raw.heard_us()
        pub.send("b")
        pub.send("a1", "more")
        assert raw.message() == [b"a1", b"more"]
        raw.put(off, command(b"SUBSCRIBE", b"end") if minor else message(b"\1end"))
        if pattern == "XPUB":
            pub.expect(b"\0a")
            pub.expect(b"\1end")
            pub.send("a2")
            pub.send("end")
            assert raw.message() == [b"end"]
            raw.put(message(b"\0end"))
            pub.expect(b"\0end")


# ---- heartbeats ----


def test_ping_is_answered_also_without_own_heartbeats(ours):
    pull = ours.open("PULL", HEARTBEAT_MS=0)
    raw = Raw.connect(pull.bind())
    raw.shake("PUSH")
    raw.put(command(b"PING", struct.pack(">H", 100) + b"context"))
    assert raw.command() == (b"PONG", b"context")


def test_a_silent_peer_is_left(ours):
    """It is pinged first; what it says keeps it."""
    pull = ours.open("PULL", HEARTBEAT_MS=100, HEARTBEAT_TIMEOUT_MS=500)
    raw = Raw.connect(pull.bind())
    raw.shake("PUSH")
    for _ in range(3):
        name, body = raw.command()
        assert name == b"PING"
        raw.put(command(b"PONG", body[2:]))
    raw.put(message(b"here"))
    pull.expect("here")
    raw.await_end()
    gone = pull.event("DISCONNECTED")
    assert gone.error < 0 and gone.text, gone


def test_a_peer_of_3_0_is_never_pinged(ours):
    """It would not know the command; its silence is not held against it."""
    pull = ours.open("PULL", HEARTBEAT_MS=50, HEARTBEAT_TIMEOUT_MS=150)
    raw, witness = [Raw.connect(endpoint) for endpoint in [pull.bind()] * 2]
    raw.shake("PUSH", 0)
    witness.shake("PUSH", 1)
    witness.await_end()  # that one was silent for too long
    raw.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        raw.socket.recv(1)
    raw.put(message(b"still here"))
    pull.expect("still here")


# ---- 2.0 ----


def test_2_0_push_and_pull(ours, listener):
    pull = ours.open("PULL")
    raw = Raw.connect(pull.bind())
    assert raw.shake_2("PUSH") == ("PULL", b"")
    raw.put(message(b"a", b"b" * 1000))
    pull.expect("a", "b" * 1000)

    push = ours.open("PUSH")
    push.connect(listener.endpoint)
    raw = listener.accept()
    assert raw.shake_2("PULL") == ("PUSH", b"")
    push.send("x", "y" * 256)
    assert raw.message() == [b"x", b"y" * 256]


def test_2_0_identity(ours):
    router = ours.open("ROUTER", ROUTING_ID="us")
    raw = Raw.connect(router.bind())
    assert raw.shake_2("DEALER", b"old one") == ("ROUTER", b"us")
    raw.put(message(b"hello"))
    router.expect("old one", "hello")
    router.send("old one", "welcome")
    assert raw.message() == [b"welcome"]


def test_2_0_request(ours):
    rep = ours.open("REP")
    raw = Raw.connect(rep.bind())
    raw.shake_2("REQ")
    raw.put(message(b"", b"question"))
    rep.expect("question")
    rep.send("answer")
    assert raw.message() == [b"", b"answer"]


def test_2_0_subscriptions(ours, listener):
    pub = ours.open("PUB")
    raw = Raw.connect(pub.bind())
    raw.shake_2("SUB")
    raw.put(message(b"\1a"))
    pub.wait_peers()
    pub.send("b")
    pub.send("a1")
    assert raw.message() == [b"a1"]

    sub = ours.open("SUB")
    sub.subscribe("z")
    sub.connect(listener.endpoint)
    raw = listener.accept()
    raw.shake_2("PUB")
    assert raw.frame() == (0, b"\1z")
    raw.put(message(b"zz"))
    sub.expect("zz")


def test_a_version_1_peer_is_refused(ours):
    """Its first byte is the length of its identity, not a signature."""
    pull = ours.open("PULL")
    raw = Raw.connect(pull.bind())
    raw.put(bytes([1, 0]) + frame(b"hello"))
    raw.await_end()
    assert pull.event("REFUSED").text
    with pytest.raises(Refusal):
        pull.recv(0)


# ---- requests over a bare peer ----


def test_rep_keeps_the_whole_envelope(ours):
    """RFC 28: everything up to the empty frame goes back before the reply."""
    rep = ours.open("REP")
    raw = Raw.connect(rep.bind())
    raw.shake("DEALER")
    raw.put(message(b"hop 2", b"hop 1", b"", b"question", b""))
    rep.expect("question", "")
    rep.send("answer")
    assert raw.message() == [b"hop 2", b"hop 1", b"", b"answer"]


def test_req_discards_what_is_no_reply(ours, listener):
    """Without the empty frame, or after the reply has come."""
    req = ours.open("REQ")
    req.connect(listener.endpoint)
    raw = listener.accept()
    raw.shake("REP")
    req.send("question")
    assert raw.message() == [b"", b"question"]
    raw.put(message(b"no delimiter"), message(b"", b"answer"), message(b"", b"answer again"))
    req.expect("answer")
    req.send("second")
    assert raw.message() == [b"", b"second"]
    raw.put(message(b"", b"second answer"))
    assert req.recv() in ([b"second answer"], [b"answer again"])


def test_req_survives_a_lost_reply(ours, listener):
    """The connection breaks before the reply: the request goes out again, without options."""
    req = ours.open("REQ", RECONNECT_MS=20)
    req.connect(listener.endpoint)
    raw = listener.accept()
    raw.shake("REP")
    req.send("question")
    assert raw.message() == [b"", b"question"]
    raw.close()
    raw = listener.accept()
    raw.shake("REP")
    assert raw.message() == [b"", b"question"]
    raw.put(message(b"", b"answer"))
    req.expect("answer")
    assert req.stats()["resent"] == 1


def test_req_with_numbers(ours, listener):
    """REQUEST_IDS: a late reply to an earlier request is told apart, and counted."""
    req = ours.open("REQ", REQUEST_IDS=1)
    req.connect(listener.endpoint)
    raw = listener.accept()
    raw.shake("ROUTER")
    req.send("one")
    number, empty, body = raw.message()
    assert len(number) == 4 and (empty, body) == (b"", b"one")
    raw.put(message(bytes([255 - number[0]]) + number[1:], b"", b"to another"), message(number, b"", b"to one"))
    req.expect("to one")
    assert req.stats()["stale"] == 1


def test_end_of_the_stream_in_a_message(ours):
    """Half a message is none."""
    pull = ours.open("PULL")
    raw = Raw.connect(pull.bind())
    raw.shake("PUSH")
    raw.put(message(b"whole"), message(b"half", b"of it")[:-3])
    raw.close()
    pull.expect("whole")
    pull.event("DISCONNECTED")
    with pytest.raises(Refusal):
        pull.recv(0)


def test_a_slow_reader_gets_all(ours):
    """More than the buffers of the system hold."""
    push = ours.open("PUSH")
    raw = Raw.connect(push.bind())
    raw.shake("PULL")
    push.send_all([[f"{i}", "x" * 900] for i in range(5000)])
    for i in range(5000):
        assert raw.message() == [str(i).encode(), b"x" * 900]
    push.hear_all(5000)


def test_closed_is_raised():
    """Of the helper itself: a closed connection is no empty frame."""
    listener = Listener()
    raw = Raw.connect(listener.endpoint)
    listener.accept().close()
    with pytest.raises(Closed):
        raw.frame()
    listener.close()
