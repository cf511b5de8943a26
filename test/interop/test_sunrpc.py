"""Old programs, as textbooks print them, on libtirpc and on libtambo-sunrpc: each client with each server."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

import sunbuild

HERE = pathlib.Path(__file__).resolve().parent / "sunrpc"
LIBRARIES = {"tirpc": (sunbuild.THEIRS, sunbuild.THEIRS_LINK), "tambo": (sunbuild.OURS, sunbuild.OURS_LINK)}
DATE, SQUARE, ONELINE = 0x31234567, 0x31230000, 0x31230001

SQUARES = """no such net
unregistered: RPC: Program not registered
square 144
root 0 2
root of -1: error
squared 1
squared 4
squared 9
{batch}nobody -1
user 1234
nobody -1
99: RPC: Procedure unavailable (1)
version 9: RPC: Program/version mismatch
silence: RPC: Timed out
{misfit}"""
BATCH = "noted 55\nno arguments: RPC: Server can't decode arguments\n"
MISFIT = "results that do not fit: RPC: Can't decode result\n"


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Every program with every library and the stubs of both: programs["date_client", "tambo", "rpcgen"]."""
    made = {}
    for stubs, generate in (("rpcgen", sunbuild.theirs_generated), ("tambo", lambda x, where: sunbuild.ours_generated(x, where, "--sunrpc"))):
        where = tmp_path_factory.mktemp(f"sunrpc-{stubs}")
        for name in "date", "square":
            generate(HERE / f"{name}.x", where)
        sunbuild.run(["rpcgen", "-o", "rpcgen_svc.c", "-s", "udp", "-s", "tcp", "date.x"], where)
        svc = "rpcgen_svc.c" if stubs == "rpcgen" else "date_svc.c"
        for library, (flags, link) in LIBRARIES.items():
            for name, files in {
                "date_client": ["date_clnt.c", "date_xdr.c"],
                "date_server": [svc, "date_xdr.c"],
                "square_client": ["square_clnt.c", "square_xdr.c"],
                "square_server": ["square_xdr.c"],
                "oneline_client": [],
                "oneline_server": [],
            }.items():
                out = sunbuild.compile(where, f"{name}-{library}", [*flags, f"-I{HERE}"], [HERE / f"{name}.c", *files], [*link, "-lm"])
                made[name, library, stubs] = str(out)
    return made


def play(servers, registered, clients):
    told = json.dumps({"servers": servers, "registered": registered, "clients": clients})
    done = subprocess.run([sys.executable, str(HERE / "stage.py"), told], capture_output=True, text=True, timeout=150,
                          env={**os.environ, **sunbuild.ENVIRONMENT})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return json.loads(done.stdout)


PAIRS = [("tirpc", "tambo"), ("tambo", "tirpc"), ("tambo", "tambo")]


@pytest.mark.parametrize("stubs", ["rpcgen", "tambo"])
@pytest.mark.parametrize("client,server", PAIRS)
def test_the_date_program(tambo_only, programs, stubs, client, server):
    command = programs["date_client", client, stubs]
    results = play([[programs["date_server", server, stubs]]], [[DATE, 1, "udp"], [DATE, 1, "tcp"]],
                   [[command, "127.0.0.1", "tcp"], [command, "127.0.0.1", "udp"], [command, "localhost", "tcp"]])
    for code, out in results:
        lines = out.splitlines()
        assert code == 0 and len(lines) == 2 and lines[0].startswith("time on host ") and lines[1].startswith("time on host "), out
        assert lines[0].split(" = ")[1].isdigit() and len(lines[1].split(" = ")[1].split()) == 5


@pytest.mark.parametrize("stubs", ["rpcgen", "tambo"])
@pytest.mark.parametrize("client,server", PAIRS)
def test_squares(tambo_only, programs, stubs, client, server):
    command = programs["square_client", client, stubs]
    results = play([[programs["square_server", server, stubs]]], [[SQUARE, 1, "udp"], [SQUARE, 1, "tcp"]],
                   [[command, "127.0.0.1", "tcp"], [command, "127.0.0.1", "udp"]])
    assert results == [[0, SQUARES.format(batch=BATCH, misfit="")], [0, SQUARES.format(batch="", misfit=MISFIT)]]


# (libtirpc's own registerrpc() does not know its programs again.)
@pytest.mark.parametrize("client", ["tirpc", "tambo"])
def test_calls_of_one_line(tambo_only, programs, client):
    results = play([[programs["oneline_server", "tambo", "tambo"]]], [[ONELINE, 1, "udp"]], [[programs["oneline_client", client, "tambo"], "127.0.0.1"]])
    assert results == [[0, "twice 40\nupper 0 TEXTBOOK\n77: RPC: Procedure unavailable\n"]]


def test_a_server_that_is_not_there(tambo_only, programs):
    command = programs["date_client", "tambo", "tambo"]
    results = play([], [], [[command, "127.0.0.1", "tcp"], [command, "127.0.0.1", "udp"], [command, "no.such.host.invalid", "udp"]])
    assert [code for code, _ in results] == [2, 2, 2]
    assert results[0][1] == results[1][1] == "127.0.0.1: RPC: Program not registered\n"
    assert results[2][1] == "no.such.host.invalid: RPC: Unknown host\n"
