"""PLAIN and CURVE with every library, on either side; and who must not come in."""
import pytest
import zmq

from sockets import Large
from test_cli import run

SERVER_KEYS = tuple(key.decode() for key in zmq.curve_keypair())  # public, secret
CLIENT_KEYS = tuple(key.decode() for key in zmq.curve_keypair())
STRANGER_KEYS = tuple(key.decode() for key in zmq.curve_keypair())

PLAIN_SERVER = {"PLAIN_SERVER": 1}
CURVE_SERVER = {"CURVE_SERVER": 1, "CURVE_SECRET_KEY": SERVER_KEYS[1], "CURVE_PUBLIC_KEY": SERVER_KEYS[0]}


def plain_client(password="secret"):
    return {"PLAIN_USER": "ana", "PLAIN_PASSWORD": password}


def curve_client(server_key=SERVER_KEYS[0], keys=CLIENT_KEYS):
    return {"CURVE_SERVER_KEY": server_key, "CURVE_PUBLIC_KEY": keys[0], "CURVE_SECRET_KEY": keys[1]}


MECHANISMS = {"plain": (PLAIN_SERVER, plain_client()), "curve": (CURVE_SERVER, curve_client())}
# Who may not, and why.
WRONG = {
    "plain-password": (PLAIN_SERVER, plain_client("guessed")),
    "plain-none": (PLAIN_SERVER, {}),
    "curve-server-key": (CURVE_SERVER, curve_client(STRANGER_KEYS[0])),
    "curve-none": (CURVE_SERVER, {}),
    "curve-for-plain": (PLAIN_SERVER, curve_client()),
    "plain-for-curve": (CURVE_SERVER, plain_client()),
}


@pytest.fixture
def pair(ours, theirs):
    """`pair(we_serve, server's pattern, client's, server options, client options)`, not joined."""
    for party in (ours, theirs):
        party.ask("allow", "ana", "secret")

    def make(we_serve, patterns, server_options, client_options):
        server, client = (ours, theirs) if we_serve else (theirs, ours)
        return server.open(patterns[0], **server_options), client.open(patterns[1], **client_options)
    return make


@pytest.mark.parametrize("server_binds", [True, False], ids=["server-binds", "client-binds"])
@pytest.mark.parametrize("we_serve", [True, False], ids=["we-serve", "they-serve"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_who_may_comes_in(pair, mechanism, we_serve, server_binds):
    """Which side is the server has nothing to do with which side binds."""
    server, client = pair(we_serve, ("REP", "REQ"), *MECHANISMS[mechanism])
    binder, connecter = (server, client) if server_binds else (client, server)
    connecter.connect(binder.bind())
    for body in ("", "question", Large(255, 1), Large(256, 2), Large(70_000, 3), Large(4 << 20, 4)):
        client.send(body, "and more", "")
        server.expect(body, "and more", "")
        server.send("answer", body)
        client.expect("answer", body)


@pytest.mark.parametrize("we_serve", [True, False], ids=["we-serve", "they-serve"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_many_messages(pair, mechanism, we_serve):
    pull, push = pair(we_serve, ("PULL", "PUSH"), *MECHANISMS[mechanism])
    push.connect(pull.bind())
    push.send_all([[f"{i}"] for i in range(500)])
    assert pull.recv_all(500) == [[str(i).encode()] for i in range(500)]
    push.hear_all(500)


@pytest.mark.parametrize("we_serve", [True, False], ids=["we-serve", "they-serve"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_subscriptions_go_through(pair, mechanism, we_serve):
    xpub, sub = pair(we_serve, ("XPUB", "SUB"), *MECHANISMS[mechanism])
    sub.subscribe("a")
    sub.connect(xpub.bind())
    xpub.expect(b"\1a")
    xpub.send("b nobody")
    xpub.send("a", Large(100_000, 5))
    sub.expect("a", Large(100_000, 5))


@pytest.mark.parametrize("we_serve", [True, False], ids=["we-serve", "they-serve"])
@pytest.mark.parametrize("why", WRONG)
def test_who_may_not_stays_out(pair, ours, theirs, why, we_serve):
    """It is named and counted on our side, and whoever may come in is served all the same."""
    server, client = pair(we_serve, ("PULL", "PUSH"), *WRONG[why])
    mine = server if we_serve else client
    client.set(RECONNECT_MS=50)
    endpoint = server.bind()
    client.connect(endpoint)
    refused = mine.event("REFUSED")
    assert refused.error < 0 and refused.text, refused
    assert mine.stats()["refused"] >= 1 and mine.stats()["peers"] == 0

    right = plain_client() if WRONG[why][0] is PLAIN_SERVER else curve_client()
    friend = (theirs if we_serve else ours).open("PUSH", **right)
    friend.connect(endpoint)
    friend.send("friend")
    server.expect("friend")


def test_our_keys_are_taken_everywhere(ours, theirs):
    """What `tambo zmq keypair` prints."""
    words = run("zmq", "keypair").stdout.decode().split()
    public, secret = words[1], words[3]
    assert words[0::2] == ["public", "secret"] and len(public) == len(secret) == 40
    pull = ours.open("PULL", CURVE_SERVER=1, CURVE_SECRET_KEY=secret, CURVE_PUBLIC_KEY=public)
    push = theirs.open("PUSH", **curve_client(public))
    push.connect(pull.bind())
    push.send("hello")
    pull.expect("hello")
