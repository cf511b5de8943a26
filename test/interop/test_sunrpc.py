"""Old programs, as textbooks print them, on libtirpc and on libtambo-sunrpc: each client with each server."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

import sunbuild

HERE = pathlib.Path(__file__).resolve().parent / "sunrpc"
EXAMPLE = sunbuild.ROOT / "examples/date-sunrpc"
LIBRARIES = {"tirpc": (sunbuild.THEIRS, sunbuild.THEIRS_LINK), "tambo": (sunbuild.OURS, sunbuild.OURS_LINK)}
DATE, SQUARE, ONELINE, ADD = 0x31234567, 0x31230000, 0x31230001, 0x31230002

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


def source(program):
    return next(where / f"{program}.c" for where in (EXAMPLE, HERE) if (where / f"{program}.c").exists())


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Every program with every library and the stubs of both: programs["date_client", "tambo", "rpcgen"]."""
    made = {}
    for stubs, generate in (("rpcgen", sunbuild.theirs_generated), ("tambo", lambda x, where: sunbuild.ours_generated(x, where, "--sunrpc"))):
        where = tmp_path_factory.mktemp(f"sunrpc-{stubs}")
        for interface in EXAMPLE / "date.x", HERE / "square.x":
            generate(interface, where)
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
                out = sunbuild.compile(where, f"{name}-{library}", [*flags, f"-I{HERE}"], [source(name), *files], [*link, "-lm"])
                made[name, library, stubs] = str(out)
    return made


def play(servers, registered, clients):
    told = json.dumps({"servers": servers, "registered": registered, "clients": clients})
    done = subprocess.run([sys.executable, str(HERE / "stage.py"), sunbuild.TAMBO, told], capture_output=True, text=True, timeout=150,
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


@pytest.mark.parametrize("client,server", PAIRS)
def test_several_arguments(tambo_only, tmp_path, client, server):
    """The new style, with results where the caller says: stubs of ours and of rpcgen's talk to each other."""
    programs = {}
    for library, generate, options in (("tirpc", sunbuild.theirs_generated, ["-N", "-M"]), ("tambo", sunbuild.ours_generated, ["--sunrpc", "-N", "-M"])):
        where = tmp_path / library
        generate(HERE / "add.x", where, *options)
        if library == "tirpc":
            sunbuild.run(["rpcgen", "-N", "-M", "-o", "add_svc.c", "-s", "udp", "-s", "tcp", "add.x"], where)
        flags, link = LIBRARIES[library]
        for name, stubs in ("add_client", "add_clnt.c"), ("add_server", "add_svc.c"):
            programs[name, library] = str(sunbuild.compile(where, name, flags, [HERE / f"{name}.c", stubs, "add_xdr.c"], link))
    results = play([[programs["add_server", server]]], [[ADD, 1, "tcp"]], [[programs["add_client", client], "127.0.0.1"]])
    assert results == [[0, "42 together 8\n"]]


def test_several_arguments_are_of_the_new_style_only(tambo_only, tmp_path):
    (tmp_path / "add.x").write_text((HERE / "add.x").read_text())
    done = subprocess.run([sunbuild.TAMBO, "rpcgen", "--sunrpc", "add.x"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and "add.x:4:" in done.stderr and "several arguments" in done.stderr


STYLES = [[], ["-N"], ["-M"], ["-N", "-M"], ["-m"]]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: "".join(style) or "plain")
def test_stubs_compile_on_both(tambo_only, tmp_path, style):
    interfaces = [HERE / "every.x", *sorted(x for x in pathlib.Path("/usr/include/rpcsvc").glob("*.x") if x.stem not in ("nis", "nis_callback"))]
    for x in interfaces:
        where = tmp_path / x.stem
        sunbuild.ours_generated(x, where, "--sunrpc", *style)
        for source in sorted(where.glob("*.c")):
            for flags in ["-I", sunbuild.ROOT / "include/tambo/sunrpc"], ["-I", "/usr/include/tirpc"]:
                sunbuild.run(["gcc", *sunbuild.OLD, "-Werror", *flags, "-fsyntax-only", source.name], where)


def test_headers_of_the_system_compile(tambo_only, tmp_path):
    """What others have made by rpcgen and installed, on our <rpc/rpc.h>."""
    for header in "rusers", "rstat", "nfs_prot", "mount", "nlm_prot", "sm_inter", "rquota", "spray", "yppasswd", "bootparam_prot", "key_prot", "rex":
        (tmp_path / "it.c").write_text(f"#include <rpc/rpc.h>\n#include <rpcsvc/{header}.h>\nint it;\n")
        sunbuild.run(["gcc", *sunbuild.OLD, "-Werror", f"-I{sunbuild.ROOT}/include/tambo/sunrpc", "-fsyntax-only", "it.c"], tmp_path)


def test_a_server_that_is_not_there(tambo_only, programs):
    command = programs["date_client", "tambo", "tambo"]
    results = play([], [], [[command, "127.0.0.1", "tcp"], [command, "127.0.0.1", "udp"], [command, "no.such.host.invalid", "udp"]])
    assert [code for code, _ in results] == [2, 2, 2]
    assert results[0][1] == results[1][1] == "127.0.0.1: RPC: Program not registered\n"
    assert results[2][1] == "no.such.host.invalid: RPC: Unknown host\n"
