"""Tools of Debian's that speak ONC RPC: rup and rusers, at their interfaces served with our stubs."""
import re

import pytest

from nodes import wait_until

RSTAT, RUSERS = 100001, 100002


@pytest.fixture(params=["debian", "ours"])
def served(request, place):
    place.rpcbind(request.param)
    place.start(place.program("rstat", "server")).line()
    wait_until(lambda: place.knows(RSTAT, "udp") and place.knows(RUSERS, "udp"), "the registrations")
    return place


def test_rup(served):
    said = served.run("rup", "127.0.0.1")
    assert re.search(r"\d\d?:\d\d up +1 day, +1:01, +load 1\.25 0\.50 0\.25", said), said


def test_rusers(served):
    said = served.run("rusers", "127.0.0.1")
    assert re.search(r"\bana bo\b", said), said
    said = served.run("rusers", "-l", "127.0.0.1")
    assert re.search(r"^ana\b.*tty1", said, re.M) and re.search(r"^bo\b.*pts/0.*far\.example", said, re.M), said


def test_every_version_is_served(served):
    versions = {row["version"] for row in served.knows(RSTAT, "udp")}
    assert versions == {1, 2, 3}
    said = served.run("rpcinfo", "-T", "udp", "127.0.0.1", RSTAT)
    for version in (1, 2, 3):
        assert f"program {RSTAT} version {version} ready and waiting" in said
    got = served.tambo("call", "--udp", "--idl", "/usr/include/rpcsvc/rstat.x", "127.0.0.1",
                       "RSTATPROG.RSTATVERS_TIME.RSTATPROC_STATS")
    assert '"if_opackets":7' in got
