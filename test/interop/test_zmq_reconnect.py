"""Either side goes and comes back: connections, subscriptions and what waited come back with it."""
import os
import signal

import pytest

from sockets import OTHERS, Large, Refusal
from test_zmq_patterns import free_port, join_subscriber

LIBRARIES = pytest.mark.parametrize("library", OTHERS)


@LIBRARIES
def test_their_server_comes_back(ours, new_party, library):
    """What is sent while it is away waits."""
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    push = ours.open("PUSH", RECONNECT_MS=20)
    push.connect(endpoint)
    for generation in range(3):
        party = new_party(library)
        pull = party.open("PULL")
        pull.bind(endpoint)
        if generation == 0:
            push.send("to 0")
        pull.expect(f"to {generation}")
        party.kill()
        push.event("DISCONNECTED")
        push.await_stats(lambda stats: stats["peers"] == 0, "its loss to be noticed")
        push.send(f"to {generation + 1}")


@LIBRARIES
def test_our_server_comes_back(party_of, new_party, library):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    req = party_of(library).open("REQ", RECONNECT_MS=20)
    req.connect(endpoint)
    for generation in range(3):
        party = new_party("tambo")
        rep = party.open("REP")
        rep.bind(endpoint)
        req.send(f"question {generation}")
        rep.expect(f"question {generation}")
        rep.send(f"answer {generation}")
        req.expect(f"answer {generation}")
        party.kill()


@LIBRARIES
def test_our_subscriptions_come_back(ours, new_party, library):
    """All that were made meanwhile, too; none that was undone."""
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    sub = ours.open("SUB", RECONNECT_MS=20)
    for prefix in ("a", "b", "undone"):
        sub.subscribe(prefix)
    sub.unsubscribe("undone")
    sub.connect(endpoint)
    seen = {b"\1a", b"\1b"}
    for generation in range(2):
        party = new_party(library)
        xpub = party.open("XPUB")
        xpub.bind(endpoint)
        got = {xpub.recv()[0] for _ in seen}
        assert got == seen
        for topic in ("undone", "c", "b", "a"):
            xpub.send(topic)
        sub.expect(*(["c"] if b"\1c" in seen else ["b"]))
        while sub.recv() != [b"a"]:
            pass
        party.kill()
        sub.event("DISCONNECTED")
        sub.subscribe("c")
        seen.add(b"\1c")


@LIBRARIES
def test_their_subscriptions_come_back(party_of, new_party, library):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    sub = party_of(library).open("SUB", RECONNECT_MS=20)
    sub.subscribe("a")
    sub.connect(endpoint)
    for generation in range(2):
        party = new_party("tambo")
        pub = party.open("PUB")
        pub.bind(endpoint)
        join_subscriber(pub, sub, "a")
        pub.send("b")
        pub.send(f"a {generation}")
        sub.expect(f"a {generation}")
        party.kill()


@LIBRARIES
def test_our_client_dies(party_of, new_party, library):
    """Their server goes on with the next."""
    router = party_of(library).open("ROUTER", ROUTER_HANDOVER=1)
    endpoint = router.bind()
    for generation in range(3):
        party = new_party("tambo")
        dealer = party.open("DEALER", ROUTING_ID="ana")
        dealer.connect(endpoint)
        dealer.send(f"{generation}", Large(100_000, 3))
        router.expect("ana", f"{generation}", Large(100_000, 3))
        router.send("ana", "answer")
        dealer.expect("answer")
        party.kill()


@LIBRARIES
def test_their_client_dies(ours, new_party, library):
    """With a request under way: the reply has nowhere to go, and the next is served."""
    rep = ours.open("REP")
    endpoint = rep.bind()
    for generation in range(3):
        party = new_party(library)
        req = party.open("REQ")
        req.connect(endpoint)
        req.send(f"{generation}")
        rep.expect(f"{generation}")
        if generation == 1:
            party.kill()
            rep.event("DISCONNECTED")
            rep.send("too late")
            continue
        rep.send("answer")
        req.expect("answer")


@LIBRARIES
def test_a_worker_dies(ours, new_party, party_of, library):
    """PUSH goes on with who is left; what waited for the dead one is not stuck."""
    push = ours.open("PUSH")
    endpoint = push.bind()
    party = new_party(library)
    doomed = party.open("PULL")
    doomed.connect(endpoint)
    push.wait_peers(1)
    push.send("first")
    doomed.expect("first")
    party.kill()
    push.await_stats(lambda stats: stats["peers"] == 0, "its loss to be noticed")
    survivor = party_of(library).open("PULL")
    survivor.connect(endpoint)
    push.wait_peers(1)
    for i in range(10):
        push.send(f"{i}")
    assert survivor.recv_all(10) == [[str(i).encode()] for i in range(10)]


@pytest.mark.parametrize("we_connect", [True, False], ids=["we-connect", "they-connect"])
def test_leaving_and_coming_back(ours, theirs, we_connect):
    """disconnect() and connect(), unbind() and bind()."""
    pull, push = (theirs.open("PULL"), ours.open("PUSH")) if we_connect else (ours.open("PULL"), theirs.open("PUSH"))
    endpoint = pull.bind(f"tcp://127.0.0.1:{free_port()}")
    other = theirs.open("PULL") if we_connect else ours.open("PULL")
    push.connect(endpoint)
    push.send("one")
    pull.expect("one")
    push.disconnect(endpoint)
    push.connect(other.bind())
    push.send("two")
    other.expect("two")


@LIBRARIES
def test_heartbeats_find_a_peer_that_hangs(ours, new_party, library):
    """Stopped, not dead: its connections stay open and say nothing."""
    push = ours.open("PUSH", HEARTBEAT_MS=100, HEARTBEAT_TIMEOUT_MS=500)
    endpoint = push.bind()
    party = new_party(library)
    pull = party.open("PULL")
    pull.connect(endpoint)
    push.wait_peers(1)
    os.kill(party.process.pid, signal.SIGSTOP)
    try:
        assert push.event("DISCONNECTED").error < 0
        push.await_stats(lambda stats: stats["peers"] == 0, "it to be left")
    finally:
        os.kill(party.process.pid, signal.SIGCONT)
    push.wait_peers(1)  # and it is back
    push.send("again")
    pull.expect("again")


@LIBRARIES
def test_heartbeats_both_ways(ours, party_of, library):
    """Each side pings the other for a while, and both stay."""
    rep = ours.open("REP", HEARTBEAT_MS=50, HEARTBEAT_TIMEOUT_MS=2000)
    req = party_of(library).open("REQ", HEARTBEAT_MS=50, HEARTBEAT_TIMEOUT_MS=2000)
    req.connect(rep.bind())
    rep.wait_peers(1)
    with pytest.raises(Refusal):
        rep.event("DISCONNECTED", 1000)
    req.send("question")
    rep.expect("question")
