"""Every pattern with every library, in both roles, whoever binds."""
import socket
import time

import pytest

from nodes import PATIENCE_S
from sockets import Large, Refusal

MANY = 200
BIG = Large(8 << 20, 77)
ODD = ("", Large(300, 5), "x", Large(70_000, 9), "")  # parts that are empty, short and long


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- conversations: `a` and `b` are joined ----


def stream(a, b):
    """One way: in order, whole, and of every size."""
    a.send_all([[f"{i}"] for i in range(MANY)])
    got = b.recv_all(MANY)
    a.hear_all(MANY)
    assert got == [[str(i).encode()] for i in range(MANY)]
    a.send(*ODD)
    b.expect(*ODD)
    a.send(BIG)
    b.expect(BIG)


def one_way(push, pull):
    stream(push, pull)


def both_ways(a, b):
    stream(a, b)
    stream(b, a)
    a.send("crossing")
    b.send("crossing too")
    a.expect("crossing too")
    b.expect("crossing")


def request(req, rep):
    for i in range(20):
        req.send(f"question {i}")
        rep.expect(f"question {i}")
        rep.send(f"answer {i}")
        req.expect(f"answer {i}")
    req.send(*ODD)
    rep.expect(*ODD)
    rep.send(BIG, "")
    req.expect(BIG, "")


def dealer_to_rep(dealer, rep):
    """Requests may follow one another without an answer between."""
    for i in range(20):
        dealer.send("", f"question {i}")
    for i in range(20):
        rep.expect(f"question {i}")
        rep.send(f"answer {i}", "")
    for i in range(20):
        dealer.expect("", f"answer {i}", "")


def req_to_router(req, router):
    for i in range(20):
        req.send(f"question {i}", "")
        identity, *rest = router.recv()
        assert rest == [b"", f"question {i}".encode(), b""]
        router.send(identity, "", f"answer {i}")
        req.expect(f"answer {i}")


def dealer_to_router(dealer, router):
    dealer.send("first")
    identity, body = router.recv()
    assert body == b"first" and len(identity) > 0
    for i in range(MANY):
        router.send(identity, f"{i}")
    assert dealer.recv_all(MANY) == [[str(i).encode()] for i in range(MANY)]
    dealer.send(*ODD)
    router.expect(identity, *ODD)
    router.send(identity, BIG)
    dealer.expect(BIG)


def router_to_router(a, b):
    """They know each other by the ids that they were given."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            a.send("id-b", "hello")
            break
        except Refusal:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    b.expect("id-a", "hello")
    b.send("id-a", *ODD)
    a.expect("id-b", *ODD)


def knows(pub, prefix):
    try:
        if pub.pattern == "XPUB":
            assert pub.recv(20) == [b"\1" + prefix.encode()]
        else:
            pub.wait_peers(patience_ms=20)
    except Refusal:
        return False
    return True


def join_subscriber(pub, sub, prefix):
    """The first message finds its subscriber; where the publisher cannot tell, it publishes until one was found.

    A SUB of libzmq that is bound tells its subscriptions only from inside a call of its user's, such as recv()."""
    if pub.pattern == "XPUB" or pub.ours:
        sub.recv_nothing_until(lambda: knows(pub, prefix), "the publisher to know of the subscription")
    else:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            pub.send(prefix + "is anybody there")
            try:
                sub.recv(50)
                break
            except Refusal:
                assert time.monotonic() < deadline
        pub.send(prefix + "now")
        while sub.recv() != [f"{prefix}now".encode()]:
            pass


def publish(pub, sub):
    sub.subscribe("a")
    join_subscriber(pub, sub, "a")
    pub.send("b nobody")
    pub.send("a", *ODD)
    sub.expect("a", *ODD)
    for i in range(MANY):
        pub.send(f"{'ab'[i % 2]} {i}")
    assert sub.recv_all(MANY // 2) == [[f"a {i}".encode()] for i in range(0, MANY, 2)]
    pub.send("a", BIG)
    sub.expect("a", BIG)


def publish_counted(pub, sub):
    """Subscriptions are counted: two need two to undo."""
    publish(pub, sub)
    sub.subscribe("c")
    sub.subscribe("c")
    sub.unsubscribe("c")
    sub.subscribe("last ")
    if pub.pattern == "XPUB":
        pub.expect(b"\1c")
        pub.expect(b"\1last ")
    else:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            pub.send("last is it there")
            try:
                sub.recv(50)
                break
            except Refusal:
                assert time.monotonic() < deadline
    pub.send("c stays")
    while (got := sub.recv()) != [b"c stays"]:
        assert got == [b"last is it there"]
    sub.unsubscribe("c")
    sub.unsubscribe("last ")
    if pub.pattern == "XPUB":
        pub.expect(b"\0c")
        pub.expect(b"\0last ")
        pub.send("c goes")
        pub.send("a end")
        sub.expect("a end")


#   ours or theirs     theirs or ours     what they say
PAIRS = [
    ("PUSH", "PULL", one_way),
    ("PAIR", "PAIR", both_ways),
    ("REQ", "REP", request),
    ("DEALER", "REP", dealer_to_rep),
    ("REQ", "ROUTER", req_to_router),
    ("DEALER", "ROUTER", dealer_to_router),
    ("DEALER", "DEALER", both_ways),
    ("ROUTER", "ROUTER", router_to_router),
    ("PUB", "SUB", publish_counted),
    ("XPUB", "SUB", publish_counted),
    ("PUB", "XSUB", publish),
    ("XPUB", "XSUB", publish),
]


def make(ours, theirs, pair, we_are_first):
    """Both sockets, the first of the pair first."""
    options = [{}, {}]
    if pair[2] is router_to_router:
        options = [{"ROUTING_ID": "id-a", "ROUTER_MANDATORY": 1}, {"ROUTING_ID": "id-b"}]
    parties = (ours, theirs) if we_are_first else (theirs, ours)
    return [party.open(pattern, **more) for party, pattern, more in zip(parties, pair, options)]


@pytest.mark.parametrize("we_bind", [True, False], ids=["we-bind", "they-bind"])
@pytest.mark.parametrize("we_are_first", [True, False], ids=["we-first", "they-first"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_pattern(ours, theirs, pair, we_are_first, we_bind):
    a, b = make(ours, theirs, pair, we_are_first)
    binder, connecter = (a, b) if a.ours == we_bind else (b, a)
    connecter.connect(binder.bind())
    pair[2](a, b)


@pytest.mark.parametrize("we_bind", [True, False], ids=["we-bind", "they-bind"])
@pytest.mark.parametrize("pair", [PAIRS[0], PAIRS[2], PAIRS[8]], ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_connecting_first(ours, theirs, pair, we_bind):
    """Who connects may be there before who binds; what was sent meanwhile waits."""
    a, b = make(ours, theirs, pair, True)
    binder, connecter = (a, b) if a.ours == we_bind else (b, a)
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    connecter.connect(endpoint)
    early = connecter is a and pair[0] != "PUB"
    if early:
        a.send("early")
    binder.bind(endpoint)
    if early:
        b.expect("early")
    if pair[0] == "REQ" and early:
        b.send("not too late")
        a.expect("not too late")
    pair[2](a, b)


@pytest.mark.parametrize("we_bind", [True, False], ids=["we-bind", "they-bind"])
@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_unix_sockets(ours, theirs, tmp_path, kind, we_bind):
    endpoint = f"ipc://{tmp_path}/s" if kind == "file" else f"ipc://@{tmp_path}"
    a, b = make(ours, theirs, PAIRS[2], True)
    binder, connecter = (a, b) if we_bind else (b, a)
    binder.bind(endpoint)
    connecter.connect(endpoint)
    request(a, b)


def test_many_to_one(ours, theirs):
    """Three libraries' pushers, ours among them, into one of theirs; fair: each is heard."""
    pull = theirs.open("PULL")
    endpoint = pull.bind()
    pushers = [party.open("PUSH") for party in (ours, theirs, ours)]
    for n, push in enumerate(pushers):
        push.connect(endpoint)
        push.send_all([[f"{n}"] for _ in range(30)])
        push.hear_all(30)
    got = pull.recv_all(90)
    assert sorted(got) == sorted([[str(n).encode()] for n in range(3)] * 30)


def test_one_to_many(ours, theirs):
    """PUSH goes around; each of theirs gets its share."""
    push = ours.open("PUSH")
    endpoint = push.bind()
    pulls = [theirs.open("PULL") for _ in range(3)]
    for pull in pulls:
        pull.connect(endpoint)
    push.wait_peers(3)
    push.send_all([[f"{i}"] for i in range(30)])
    push.hear_all(30)
    got = [pull.recv_all(10) for pull in pulls]
    assert sorted(sum(got, [])) == sorted([[str(i).encode()] for i in range(30)])


def test_replies_go_back_to_who_asked(ours, theirs):
    """Many that ask one at once."""
    rep = ours.open("REP")
    endpoint = rep.bind()
    reqs = [theirs.open("REQ") for _ in range(8)]
    for i, req in enumerate(reqs):
        req.connect(endpoint)
        req.send(f"{i}")
    for _ in reqs:
        rep.send("answer to", *rep.recv())
    for i, req in enumerate(reqs):
        req.expect("answer to", f"{i}")


def test_a_router_knows_ids_that_were_given(ours, theirs):
    router = ours.open("ROUTER")
    endpoint = router.bind()
    dealers = {name: theirs.open("DEALER", ROUTING_ID=name) for name in ("ana", "bo")}
    for name, dealer in dealers.items():
        dealer.connect(endpoint)
        dealer.send("hello")
    assert sorted(router.recv_all(2)) == [[b"ana", b"hello"], [b"bo", b"hello"]]
    for name, dealer in dealers.items():
        router.send(name, "to " + name)
        dealer.expect("to " + name)
