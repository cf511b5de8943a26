"""tambo rpcgen as a user types it: what it writes compiles everywhere and looks as our own code does, and what it refuses."""
import json
import pathlib
import shutil
import subprocess

import pytest

from nodes import ROOT, TAMBO

INCLUDE = ROOT / "include"
WARN = ["-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"]
OURS = [ROOT / "test/rpcgen/every.x", ROOT / "examples/date/date.x", ROOT / "test/bench/call/load.x"]
# Debian's own (rpcsvc-proto, libnsl-dev, libtirpc-dev).  Two are refused: a line of one is broken by the preprocessor, as rpcgen
# finds too; the other has a type whose fields only C knows.  The "%" lines of a third are C for Sun's headers.
SYSTEM = sorted(pathlib.Path("/usr/include/rpcsvc").glob("*.x")) + sorted(pathlib.Path("/usr/include/tirpc").glob("*/*.x"))
REFUSED = {"nis.x": "found the name 'NIS_MODIFY_ACC'", "nis_callback.x": "only C knows the type 'nis_object'"}
NOT_FOR_US = {"rpcb_prot.x"}


def rpcgen(*arguments, cwd):
    return subprocess.run([TAMBO, "rpcgen", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=60)


def compile_all(directory, *flags):
    """As C by two compilers, and the headers as C++."""
    for source in sorted(directory.glob("*.c")):
        for compiler in ("gcc", "clang"):
            subprocess.run([compiler, "-std=c17", "-O1", *flags, "-I", INCLUDE, "-c", source, "-o", "/dev/null"], cwd=directory, check=True)
    for header in sorted(directory.glob("*.h")):
        for compiler, standard in (("g++", "c++11"), ("clang++", "c++20")):
            subprocess.run([compiler, f"-std={standard}", "-x", "c++", *flags, "-I", INCLUDE, "-fsyntax-only", "-include", header, "/dev/null"],
                           cwd=directory, check=True)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_stubs_compile_and_are_formatted(tmp_path, path):
    done = rpcgen("--sample", path, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    compile_all(tmp_path, *WARN)
    for source in sorted(tmp_path.glob("*.[ch]")):
        subprocess.run(["clang-format", f"--style=file:{ROOT}/.clang-format", "--dry-run", "--Werror", source], check=True)


@pytest.mark.parametrize("path", SYSTEM, ids=lambda path: path.name)
def test_stubs_of_the_system_compile(tmp_path, path):
    done = rpcgen(path, cwd=tmp_path)
    if path.name in REFUSED:
        assert done.returncode == 1 and REFUSED[path.name] in done.stderr
        return
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    if path.name in NOT_FOR_US:
        return
    # What they take from C is not as careful: old pragmas, unsigned into signed.
    compile_all(tmp_path, "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-I", "/usr/include/tirpc")


def test_there_are_interfaces_of_the_system():
    assert len(SYSTEM) >= 15


def test_files_that_may_have_been_changed(tmp_path):
    shutil.copy(ROOT / "examples/date/date.x", tmp_path)
    assert rpcgen("--sample", "date.x", cwd=tmp_path).returncode == 0
    assert rpcgen("date.x", cwd=tmp_path).returncode == 0  # made by us: made again
    sample = tmp_path / "date_client_main.c"
    sample.write_text(sample.read_text() + "/* mine */\n")
    done = rpcgen("--sample", "date.x", cwd=tmp_path)
    assert done.returncode == 1 and "date_client_main.c is there already" in done.stderr
    assert "mine" in sample.read_text()
    assert rpcgen("--sample", "--force", "date.x", cwd=tmp_path).returncode == 0
    assert "mine" not in sample.read_text()
    (tmp_path / "date.h").write_text("int mine;\n")
    done = rpcgen("date.x", cwd=tmp_path)
    assert done.returncode == 1 and "date.h is there already" in done.stderr
    assert (tmp_path / "date.h").read_text() == "int mine;\n"


def test_elsewhere(tmp_path):
    (tmp_path / "out").mkdir()
    assert rpcgen("-o", "out", ROOT / "examples/date/date.x", cwd=tmp_path).returncode == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["date.h", "date_client.c", "date_server.c", "date_xdr.c"]
    done = rpcgen("-o", "nowhere", ROOT / "examples/date/date.x", cwd=tmp_path)
    assert done.returncode == 1 and "nowhere/date.h: No such file or directory" in done.stderr


def test_types_alone(tmp_path):
    (tmp_path / "point.x").write_text("struct point { int x; int y; };\n")
    assert rpcgen("point.x", cwd=tmp_path).returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["point.h", "point.x", "point_xdr.c"]
    compile_all(tmp_path, *WARN)


def test_included_files_keep_their_own_stubs(tmp_path):
    (tmp_path / "point.x").write_text("struct point { int x; int y; };\ntypedef point route<>;\n")
    (tmp_path / "map.x").write_text('#include "point.x"\n#define LAYERS 3\nstruct map { point corner; route ways[LAYERS]; };\n')
    assert rpcgen("point.x", cwd=tmp_path).returncode == 0
    assert rpcgen("-I", ".", "map.x", cwd=tmp_path).returncode == 0
    header = (tmp_path / "map.h").read_text()
    assert '#include "point.h"' in header and "struct point {" not in header
    compile_all(tmp_path, *WARN)


def test_defines(tmp_path):
    (tmp_path / "size.x").write_text("#ifdef LARGE\nconst SIZE = LARGE;\n#else\nconst SIZE = 1;\n#endif\n")
    assert rpcgen("-DLARGE=512", "size.x", cwd=tmp_path).returncode == 0
    assert "#define SIZE 512" in (tmp_path / "size.h").read_text()


def test_schema(tmp_path):
    done = rpcgen("--json-schema", ROOT / "examples/date/date.x", cwd=tmp_path)
    schema = json.loads(done.stdout)
    assert schema["programs"]["DATE_PROG"]["number"] == 0x31234567
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text, said", [
    ("struct point { int x }\n", "bad.x:1:22: expected"),
    ("program P { version V { int F(int a<>) = 1; } = 1; } = 0x20000001;\n", "bad.x:1:"),
])
def test_what_is_refused(tmp_path, text, said):
    (tmp_path / "bad.x").write_text(text)
    done = rpcgen("bad.x", cwd=tmp_path)
    assert done.returncode == 1 and said in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["bad.x"]


def test_words_of_cpp_are_names_of_an_interface(tmp_path):
    (tmp_path / "words.x").write_text("struct class { int new; int private; class *this; };\n"
                                      "program P { version V { int CLIENT(int client, class arg) = 1; } = 1; } = 0x20000001;\n")
    assert rpcgen("words.x", cwd=tmp_path).stderr == ""
    compile_all(tmp_path, *WARN)


def test_usage(tmp_path):
    assert "which FILE.x?" in rpcgen(cwd=tmp_path).stderr
    assert "-N, -M and -m" in rpcgen("-N", "x.x", cwd=tmp_path).stderr
    assert "No such file" in rpcgen("x.x", cwd=tmp_path).stderr or "not found" in rpcgen("x.x", cwd=tmp_path).stderr
