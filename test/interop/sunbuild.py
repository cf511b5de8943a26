"""Building programs of Sun RPC: on libtirpc or on libtambo-sunrpc, with stubs of rpcgen's or of `tambo rpcgen`'s."""
import pathlib
import subprocess

from nodes import ROOT, TAMBO

BUILD = pathlib.Path(TAMBO).parent.parent.parent  # of src/cmd/tambo
if not (BUILD / "src/lib").exists():  # build/tambo, beside the directory that it is a link into
    BUILD = ROOT / "build/release"
LIBRARIES = [BUILD / "src/sunrpc", BUILD / "src/lib"]
SANITIZED = (BUILD / "src/lib/libtambo.so.0").exists() and b"__asan_init" in (BUILD / "src/lib/libtambo.so.0").read_bytes()
SANITIZERS = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"] if SANITIZED else []
# What old programs are compiled with, and may not be told of.
OLD = ["-std=gnu17", "-O0", "-Wall", "-Wno-unused-variable", "-Wno-unknown-pragmas"]

THEIRS = [*OLD, "-I/usr/include/tirpc"]
THEIRS_LINK = ["-ltirpc"]
OURS = [*OLD, *SANITIZERS, "-Werror", f"-I{ROOT}/include/tambo/sunrpc", f"-I{ROOT}/include"]
OURS_LINK = [*SANITIZERS, *[f"-L{lib}" for lib in LIBRARIES], *[f"-Wl,-rpath,{lib}" for lib in LIBRARIES], "-ltambo-sunrpc", "-ltambo"]
NATIVE = ["-std=c17", "-O0", "-Wall", "-Wextra", "-Werror", "-Wno-cast-function-type", "-Wno-unknown-pragmas", *SANITIZERS,
          f"-I{ROOT}/include", f"-I{ROOT}/include/tambo/sunrpc"]
NATIVE_LINK = [*SANITIZERS, f"-L{LIBRARIES[1]}", f"-Wl,-rpath,{LIBRARIES[1]}", "-ltambo"]
# Old programs do not give back what they were given.
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


def run(command, cwd):
    done = subprocess.run([str(word) for word in command], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert done.returncode == 0, f"{' '.join(str(word) for word in command)}:\n{done.stdout}"
    return done.stdout


def copy(x, where):
    """With its neighbours, which it may include."""
    for other in x.parent.glob("*.x"):
        (where / other.name).write_text(other.read_text())


def theirs_generated(x, where, *options):
    """rpcgen's files of an interface, in a directory of their own; the header's text."""
    where.mkdir(parents=True, exist_ok=True)
    copy(x, where)
    for kind, ending in (("-h", ".h"), ("-c", "_xdr.c"), ("-l", "_clnt.c")):
        run(["rpcgen", *options, kind, "-o", f"{x.stem}{ending}", x.name], where)
    return (where / f"{x.stem}.h").read_text()


def ours_generated(x, where, *options):
    """The same by `tambo rpcgen`."""
    where.mkdir(parents=True, exist_ok=True)
    copy(x, where)
    run([TAMBO, "rpcgen", *options, x.name], where)
    return (where / f"{x.stem}.h").read_text()


def compile(where, out, flags, sources, link):
    run(["gcc", *flags, f"-I{where}", "-o", out, *sources, *link], where)
    return where / out
