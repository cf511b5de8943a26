"""One interface, two libraries: rpcgen with libtirpc, and ours; each calls each, by tcp and by udp."""
import base64
import concurrent.futures
import json
import os
import socket
import struct

import pytest

from rpcs import ECHO_PROG, ECHO_VERS, ECHO_X

LIBRARIES = ["tirpc", "tambo"]
PAIRS = [(client, server) for client in LIBRARIES for server in LIBRARIES]


@pytest.fixture(scope="module")
def ports(here):
    """By library, by transport: servers that all tests share, unknown to any rpcbind."""
    return {library: here.server(library)[1] for library in LIBRARIES}


@pytest.fixture(params=["tcp", "udp"])
def transport(request):
    return request.param


@pytest.fixture(params=PAIRS, ids=[f"{c}-calls-{s}" for c, s in PAIRS])
def call(request, transport, here, ports):
    client, server = request.param
    return lambda *words, **more: here.client(client, transport, ports[server][transport], *words, **more)


def test_null(call):
    assert call("null") == "null\n"


def test_string(call):
    assert call("reverse", "stressed") == "desserts\n"
    assert call("reverse", "") == "\n"
    assert call("reverse", "x" * 3000) == "x" * 3000 + "\n"


def test_list_of_everything(call):
    assert call("twice", "4").splitlines() == [
        "20000000000 0.5 1 abcde 1 -1 2",
        "40000000000 1 1 abcde 2 leaf 2 4",
        "60000000000 1.5 1 abcde -3 2 4 6",
        "80000000000 2 0 abcde 1 -4",
    ]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 1399, 8000])
def test_bytes(call, size):
    assert call("invert", size) == f"inverted {size}\n"


@pytest.mark.parametrize("client, server", PAIRS)
@pytest.mark.parametrize("size", [100_000, 5_000_001])
def test_many_bytes_in_many_fragments(here, ports, client, server, size):
    assert here.client(client, "tcp", ports[server]["tcp"], "invert", size) == f"inverted {size}\n"


def test_credentials(call):
    assert call("who") == "0 0 0 \n"
    assert call("sys", "who") == "1 1234 99 somewhere 7 8\n"


# ---- from the shell ----


@pytest.fixture(params=LIBRARIES)
def shell(request, transport, here, ports):
    """`tambo rpc call` of a procedure of that server."""
    address = f"{transport}://127.0.0.1:{ports[request.param][transport]}"

    def call(procedure, args, *more, **and_more):
        words = ["call", "--idl", ECHO_X, *more, address, f"ECHO_PROG.ECHO_VERS.{procedure}", json.dumps(args)]
        out = here.tambo(*words, **and_more)
        return out if and_more else json.loads(out)

    return call


def test_shell(shell):
    assert shell("REVERSE", "stressed") == "desserts"
    assert shell("3", base64.b64encode(b"\x00\xff\x0f").decode()) == base64.b64encode(b"\xff\x00\xf0").decode()
    assert shell("0", None) is None
    leaf = {"number": -3, "weight": 0.25, "last": True, "key": base64.b64encode(b"abcdef").decode(),
            "coat": {"discriminant": "BLUE"}, "scores": []}
    root = {**leaf, "last": False, "coat": {"discriminant": "GREEN", "arm": "leaf"}, "scores": [1, 2**31 - 1], "next": leaf}
    got = shell("TWICE", root)
    assert (got["number"], got["weight"], got["last"], got["scores"]) == (-6, 0.5, True, [2, 2**32 - 2])
    assert got["coat"] == {"discriminant": "GREEN", "arm": "leaf"} and got["key"] == leaf["key"]
    assert got["next"]["coat"] == {"discriminant": "BLUE"} and got["next"]["next"] is None


def test_shell_credentials(shell):
    assert shell("WHO", None)["flavor"] == 0
    who = shell("WHO", None, "--auth-sys")
    assert (who["flavor"], who["uid"], who["gid"]) == (1, os.getuid(), os.getgid())


def test_shell_tells_what_is_wrong(shell):
    said = shell("TWICE", {"number": "x"}, code=1)
    assert "arguments: number" in said
    said = shell("NOWHERE", None, code=1)
    assert "no procedure 'NOWHERE', but REVERSE, TWICE, INVERT, WHO" in said


def test_shell_tells_what_became_of_it(here, ports):
    for library in LIBRARIES:
        port = ports[library]["tcp"]
        assert "version" in here.tambo("ping", f"127.0.0.1:{port}", f"{ECHO_PROG}.9", code=1)
        assert "program" in here.tambo("ping", f"127.0.0.1:{port}", "77.1", code=1)
        assert "answers" in here.tambo("ping", f"127.0.0.1:{port}", f"{ECHO_PROG}.{ECHO_VERS}")


def test_shell_says_so_when_nobody_can_know(here):
    """A server that is not ours (it has no such program), and that never answers the call itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve():
            with listener.accept()[0] as peer:
                xid, = struct.unpack_from(">I", hear(peer))
                peer.sendall(struct.pack(">7I", 0x80000018, xid, 1, 0, 0, 0, 1))
                hear(peer)
                peer.recv(1)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            served = pool.submit(serve)
            here.tambo("ping", "-t", "0.5", f"127.0.0.1:{port}", "77.1", code=3)
            served.result()
    here.tambo("ping", f"127.0.0.1:{port}", "77.1", code=1)


def test_shell_puts_interfaces_through_the_preprocessor(here, ports, tmp_path):
    (tmp_path / "types.h").write_text("typedef opaque bytes<LENGTH>;\n")
    (tmp_path / "small.x").write_text('#include "types.h"\nprogram SMALL { version ONE { bytes INVERT(bytes) = 3; } = 2; } '
                                      f"= {ECHO_PROG:#x};\n")
    words = [f"127.0.0.1:{ports['tirpc']['tcp']}", "SMALL.ONE.INVERT", "-", "--idl", tmp_path / "small.x"]
    assert here.tambo("call", *words, "-DLENGTH=3", stdin='"AP8P"') == '"/wDw"\n'
    said = here.tambo("call", *words, "-DLENGTH=2", stdin='"AP8P"', code=1)
    assert "arguments: " in said and "limit" in said
    said = here.tambo("call", *words, stdin='"AP8P"', code=1)
    assert "types.h:1:" in said


def test_shell_tells_when_a_result_does_not_fit(here, ports, tmp_path):
    (tmp_path / "other.x").write_text(f"program P {{ version V {{ hyper REVERSE(string) = 1; }} = 2; }} = {ECHO_PROG};\n")
    said = here.tambo("call", "--idl", tmp_path / "other.x", f"127.0.0.1:{ports['tambo']['tcp']}", "P.V.REVERSE", '""', code=2)
    assert "results" in said


def test_shell_asks_a_server_of_ours_for_its_interface(here, ports):
    port = ports["tambo"]["tcp"]
    assert here.tambo("call", f"127.0.0.1:{port}", f"{ECHO_PROG}.{ECHO_VERS}.REVERSE", "-", stdin='"abc"') == '"cba"\n'
    said = here.tambo("call", f"127.0.0.1:{ports['tirpc']['tcp']}", f"{ECHO_PROG}.{ECHO_VERS}.REVERSE", '"abc"', code=1)
    assert "say --idl" in said


# ---- by hand ----


def hear(peer):
    """One record, whatever fragments it comes in."""
    record = b""
    while True:
        mark, = struct.unpack(">I", peer.recv(4, socket.MSG_WAITALL))
        record += peer.recv(mark & 0x7FFFFFFF, socket.MSG_WAITALL)
        if mark >> 31:
            return record


@pytest.mark.parametrize("library", LIBRARIES)
def test_fragments_of_a_byte(ports, library):
    text = b"fragment"
    message = struct.pack(">10I", 99, 0, 2, ECHO_PROG, ECHO_VERS, 1, 0, 0, 0, 0) + struct.pack(">I", len(text)) + text
    with socket.create_connection(("127.0.0.1", ports[library]["tcp"]), 20) as peer:
        for i in range(len(message)):
            last = 0x80000000 if i == len(message) - 1 else 0
            peer.sendall(struct.pack(">I", last | 1) + message[i:i + 1])
        answer = hear(peer)
    assert answer == struct.pack(">7I", 99, 1, 0, 0, 0, 0, len(text)) + text[::-1]


def test_many_calls_before_the_first_answer(ports):
    """A client of libtirpc waits for each answer; a server of ours need not be waited for."""
    with socket.create_connection(("127.0.0.1", ports["tambo"]["tcp"]), 20) as peer:
        call = struct.pack(">9I", 0, 2, ECHO_PROG, ECHO_VERS, 0, 0, 0, 0, 0)
        record = b"".join(struct.pack(">II", 0x80000028, xid) + call for xid in range(500))
        peer.sendall(record)
        seen = {struct.unpack(">6I", hear(peer)) for _ in range(500)}
    assert seen == {(xid, 1, 0, 0, 0, 0) for xid in range(500)}
