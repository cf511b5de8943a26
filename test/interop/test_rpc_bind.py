"""rpcbind: rpcinfo and libtirpc at our built-in one, our servers and clients at Debian's, and at our own."""
import os
import pathlib
import signal

import pytest

from nodes import TAMBO, wait_until
from rpcs import BROADCASTS_FROM, ECHO_PROG, ECHO_VERS

LIBRARIES = ["tirpc", "tambo"]


@pytest.fixture(params=["debian", "ours"])
def bound(request, place):
    """A place with an rpcbind."""
    place.rpcbind(request.param)
    return place


def ports_of(text):
    """(program, version, protocol): port, out of what rpcinfo -p prints."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return {(int(row[0]), int(row[1]), row[2]): int(row[3]) for row in rows}


def test_rpcinfo_lists_what_tambo_lists(bound):
    _, ports = bound.server("tambo", "register")
    wait_until(lambda: bound.knows(ECHO_PROG, "udp"), "the registration")
    theirs = ports_of(bound.run("rpcinfo", "-p", "127.0.0.1"))
    assert theirs[ECHO_PROG, ECHO_VERS, "tcp"] == ports["tcp"]
    assert theirs[ECHO_PROG, ECHO_VERS, "udp"] == ports["udp"]
    for version in (2, 3, 4):
        for protocol in ("tcp", "udp"):
            assert theirs[100000, version, protocol] == 111
    ours = {(row["program"], row["version"], row["netid"]): row["port"] for row in bound.listing()
            if row["netid"] in ("tcp", "udp")}
    assert ours == theirs
    assert str(ECHO_PROG) in bound.run("rpcinfo", "-s", "127.0.0.1")
    assert "100000" in bound.tambo("list", "127.0.0.1")
    assert bound.run("rpcinfo", "-m", "127.0.0.1")


@pytest.mark.parametrize("netid", ["tcp", "udp"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_rpcinfo_reaches_registered_servers(bound, library, netid):
    bound.server(library, "register")
    wait_until(lambda: bound.knows(ECHO_PROG, netid), "the registration")
    said = bound.run("rpcinfo", "-T", netid, "127.0.0.1", ECHO_PROG)
    assert f"program {ECHO_PROG} version {ECHO_VERS} ready and waiting" in said
    said = bound.run("rpcinfo", "-T", netid, "127.0.0.1", 100000)
    for version in (2, 3, 4):
        assert f"program 100000 version {version} ready and waiting" in said
    assert "not" in bound.run("rpcinfo", "-T", netid, "127.0.0.1", ECHO_PROG + 1, code=1).lower()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("client", LIBRARIES)
@pytest.mark.parametrize("server", LIBRARIES)
def test_clients_find_servers(bound, client, server, transport):
    bound.server(server, "register")
    wait_until(lambda: bound.knows(ECHO_PROG, transport), "the registration")
    assert bound.client(client, transport, 0, "reverse", "stressed") == "desserts\n"


def test_a_client_is_told_that_there_is_no_such_program(bound):
    said = bound.tambo("ping", "127.0.0.1", f"{ECHO_PROG + 1}.1", code=1)
    assert f"rpcbind at 127.0.0.1 has no program {ECHO_PROG + 1} over tcp" in said
    said = bound.tambo("ping", "--udp", "127.0.0.1", f"{ECHO_PROG + 1}.1", code=1)
    assert "over udp" in said


def test_what_is_drained_is_not_known_any_more(bound):
    child, _ = bound.server("tambo", "register")
    wait_until(lambda: bound.knows(ECHO_PROG), "the registration")
    assert child.stop() == 0
    assert not bound.knows(ECHO_PROG) and not bound.knows(ECHO_PROG, "udp")


def test_a_server_takes_over_what_a_dead_one_left(bound):
    dead, _ = bound.server("tambo", "register")
    wait_until(lambda: bound.knows(ECHO_PROG), "the registration")
    dead.stop(signal.SIGKILL)
    bound.children.remove(dead)
    _, ports = bound.server("tambo", "register")
    wait_until(lambda: [row["port"] for row in bound.knows(ECHO_PROG)] == [ports["tcp"]], "the new registration")


def test_without_an_rpcbind_a_server_is_one(place):
    place.must_be_free()
    _, ports = place.server("tambo", "register")
    wait_until(place.is_bound, "an rpcbind")
    wait_until(lambda: place.knows(ECHO_PROG, "udp"), "the registration")
    assert ports_of(place.run("rpcinfo", "-p", "127.0.0.1"))[ECHO_PROG, ECHO_VERS, "udp"] == ports["udp"]
    assert place.client("tirpc", "udp", 0, "reverse", "abc") == "cba\n"


def test_broadcasts_find_ours(place):
    if not place.broadcasts:
        pytest.skip("no interface that broadcasts can be had here")
    place.rpcbind("ours")
    place.server("tambo", "register", "0.0.0.0")
    wait_until(lambda: place.knows(ECHO_PROG, "udp"), "the registration")
    assert BROADCASTS_FROM in place.run("rpcinfo", "-b", ECHO_PROG, ECHO_VERS)


def test_a_port_of_its_own(here):
    child = here.start(TAMBO, "rpc", "bind", "--listen", "127.0.0.1:0")
    lines = [child.line(), child.line()]
    assert lines[0].startswith("listening on tcp://127.0.0.1:") and lines[1].startswith("listening on udp://127.0.0.1:")
    port = int(lines[0].rsplit(":", 1)[1])
    assert lines[1].endswith(f":{port}")
    said = here.tambo("list", f"127.0.0.1:{port}")
    assert said.splitlines()[0].split()[:3] == ["PROGRAM", "VERSION", "NETID"]
    assert "100000" in here.tambo("list", "--udp", f"127.0.0.1:{port}")
    for netid in ("tcp", "udp"):
        here.run("rpcinfo", "-a", f"127.0.0.1.{port >> 8}.{port & 255}", "-T", netid, 100000, 4)
    assert child.stop() == 0


def test_who_is_not_root_registers_too(bound):
    """At Debian's by its local socket, where it sees whose the program is; programs that come by loopback it would refuse."""
    if os.geteuid() != 0:
        pytest.skip("we are not root anyway")
    child = bound.start("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", bound.program("tambo", "server"),
                        "register")
    child.line()
    wait_until(lambda: bound.knows(ECHO_PROG, "udp"), "the registration")
    assert bound.knows(ECHO_PROG)[0]["owner"] != "superuser"
    assert child.stop() == 0
    assert not bound.knows(ECHO_PROG)


def test_rpcbind_by_its_local_socket(place):
    place.rpcbind("debian")
    if place.namespace is None and not pathlib.Path("/run/rpcbind.sock").exists():
        pytest.skip("the rpcbind that runs here has none")
    assert place.tambo("list", "--json", "unix:/run/rpcbind.sock") == place.tambo("list", "--json")
