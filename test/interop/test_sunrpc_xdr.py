"""XDR byte by byte: rpcgen with libtirpc, `tambo rpcgen --sunrpc` with libtambo-sunrpc, and `tambo rpcgen`, for every type of
the interfaces that Debian has.

Random bytes are decoded by libtirpc and by our old style; both take the same for values.  What one encodes of a value the
others decode, and encode to the same bytes.
"""
import os
import pathlib
import random
import re
import struct
import subprocess
import zlib

import pytest

import sunbuild

HERE = pathlib.Path(__file__).resolve().parent
# rpcgen cannot read nis.x, and what it makes of nis_callback.x wants a header that nobody has.
NOT_THEIRS = {"nis", "nis_callback"}
INTERFACES = [HERE / "sunrpc/every.x", *sorted(x for x in pathlib.Path("/usr/include/rpcsvc").glob("*.x") if x.stem not in NOT_THEIRS)]
CASES = 250  # of each type
BYTES_MAX = 600
REFUSED = 0xFFFFFFFF

# An enumerator that the interface does not name, which the old style lets through.
NO_ENUMERATOR = re.compile(r"enum", re.IGNORECASE)


def draw(rng):
    """Words as they are in messages: small numbers above all, since they are lengths, discriminants and booleans."""
    words = []
    for _ in range(rng.randrange(1, BYTES_MAX // 4)):
        kind = rng.random()
        if kind < 0.55:
            words.append(rng.randrange(3))
        elif kind < 0.75:
            words.append(rng.randrange(12))
        elif kind < 0.8:
            words.append(rng.randrange(1 << 32))
        else:  # text
            words.append(int.from_bytes(bytes(rng.randrange(97, 123) for _ in range(4)), "big"))
    return struct.pack(f">{len(words)}I", *words)


def play(program, cases):
    """[(type, bytes)] -> [bytes or None], and what it said."""
    told = b"".join(struct.pack(">II", at, len(data)) + data for at, data in cases)
    done = subprocess.run([program], input=told, capture_output=True, env={**os.environ, **sunbuild.ENVIRONMENT}, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    answers, out, at = [], done.stdout, 0
    while at < len(out):
        length = struct.unpack_from(">I", out, at)[0]
        at += 4
        if length == REFUSED:
            answers.append(None)
            continue
        answers.append(out[at:at + length])
        at += length
    assert len(answers) == len(cases)
    return answers, done.stderr.decode(errors="replace")


def filter_of(where, header, rows, flags, link, sources):
    (where / "types.inc").write_text("\n".join(rows) + "\n")
    defines = [f'-DTYPES="{where}/types.inc"', f'-DTYPES_H="{header}"']
    return sunbuild.compile(where, "filter", [*flags, *defines], [HERE / "sunrpc/filter.c", *sources], link)


def old_filter(x, where, header, flags, link):
    """And the names of its types."""
    names = list(dict.fromkeys(re.findall(r"extern\s+bool_t xdr_(\w+) ?\(XDR \*, ?\1 ?\*?\);", header)))
    rows = [f'{{ "{name}", sizeof({name}), (xdrproc_t)xdr_{name} }},' for name in names]
    return filter_of(where, f"{x.stem}.h", rows, flags, link, [f"{x.stem}_xdr.c"]), names


def native_filter(x, where, header, names):
    rows = {}
    for prefix, name, value in re.findall(r"int (\w+)_decode_(\w+)\(struct tambo_xdr_in \*in, ([^()]*?) ?ret\);", re.sub(r"\s+", " ", header)):
        of = value[:-1].strip() if value.endswith("*") else value
        rows[name] = (f'{{ "{name}", sizeof({of}), (int (*)(struct tambo_xdr_out *, const void *)){prefix}_encode_{name},'
                      f' (int (*)(struct tambo_xdr_in *, void *)){prefix}_decode_{name} }},')
    missing = [name for name in names if name not in rows]
    return filter_of(where, f"{x.stem}.h", [rows[name] for name in names if name in rows], [*sunbuild.NATIVE, "-DNATIVE"], sunbuild.NATIVE_LINK,
                     [f"{x.stem}_xdr.c"]), missing


@pytest.mark.parametrize("x", INTERFACES, ids=lambda x: x.stem)
def test_every_type_is_the_same_bytes(tambo_only, tmp_path, x):
    theirs, names = old_filter(x, tmp_path / "theirs", sunbuild.theirs_generated(x, tmp_path / "theirs"), sunbuild.THEIRS, sunbuild.THEIRS_LINK)
    ours, same = old_filter(x, tmp_path / "ours", sunbuild.ours_generated(x, tmp_path / "ours", "--sunrpc"), sunbuild.OURS, sunbuild.OURS_LINK)
    assert names and set(same) == set(names)
    native, missing = native_filter(x, tmp_path / "native", sunbuild.ours_generated(x, tmp_path / "native"), names)
    assert not missing

    rng = random.Random(zlib.crc32(x.stem.encode()))
    drawn = [(at, draw(rng)) for at in range(len(names)) for _ in range(CASES)]
    made, _ = play(theirs, drawn)
    again, _ = play(ours, [(same.index(names[at]), data) for at, data in drawn])
    for (at, data), want, got in zip(drawn, made, again):
        assert (got is None) == (want is None), f"{names[at]}: {data.hex()}"

    # A boolean of 2, which rpcgen hands on, is true: so what is compared is what the old style of ours has written.
    values = [(at, got) for (at, _), got in zip(drawn, again) if got is not None]
    assert {at for at, _ in values} == set(range(len(names))), "a type that no random bytes were a value of"
    theirs_made = [(at, want) for (at, _), want in zip(drawn, made) if want is not None]
    assert play(ours, [(same.index(names[at]), want) for at, want in theirs_made])[0] == [value for _, value in values]
    for (at, want), got in zip(values, play(theirs, values)[0]):
        assert got == want, f"{names[at]}: {want.hex()}"
    again, said = play(native, values)
    refused = sum(got is None for got in again)
    for (at, want), got in zip(values, again):
        assert got is None or got == want, f"{names[at]}: {want.hex()}"
    assert refused == sum(bool(NO_ENUMERATOR.search(line)) for line in said.splitlines()), said
    assert {at for (at, _), got in zip(values, again) if got is not None} == set(range(len(names)))
