"""A play with rpcbind, which has one port on a machine: on a network of its own where that is allowed.

stage.py TAMBO PLAY: {"servers": [command], "registered": [[program, version, protocol]], "clients": [command]} as JSON; prints
[[exit code, output]] of the clients.  The servers are started, waited for until rpcbind knows them, and killed.
"""
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time

PATIENCE_S = 30
ALONE = "SUNRPC_STAGE_ALONE"
LOCK = "/tmp/tambo-test-rpcbind.lock"  # of whoever needs this machine's one rpcbind
PROTOCOLS = {"tcp": 6, "udp": 17}


def enter():
    """Runs itself again in namespaces of its own: as root, as a user, or not at all.  A user's rpcbind is ours: Debian's
    changes to a user that is not there."""
    for options in (["-nm"], ["-Urnm"]):
        if subprocess.run(["unshare", *options, "mount", "-t", "tmpfs", "none", "/run"], capture_output=True).returncode == 0:
            os.environ[ALONE] = options[0]
            os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv])
    os.environ[ALONE] = "0"


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14s", b"lo", 0x49, b""))  # SIOCSIFFLAGS: up, running, loopback


def port_of(program, version, protocol):
    """What rpcbind says (RFC 1833, 3); 0: nothing; None: there is no rpcbind."""
    call = struct.pack(">14I", 7, 0, 2, 100000, 2, 3, 0, 0, 0, 0, program, version, PROTOCOLS[protocol], 0)
    try:
        with socket.create_connection(("127.0.0.1", 111), PATIENCE_S) as s:
            s.sendall(struct.pack(">I", 0x80000000 | len(call)) + call)
            got = b""
            while len(got) < 4 + 28:
                more = s.recv(100)
                if not more:
                    return None
                got += more
            return struct.unpack(">I", got[28:32])[0]
    except OSError:
        return None


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.02)


def perform(play, started):
    for command in play["servers"]:
        started.append(subprocess.Popen(command, stdout=sys.stderr))
    for program, version, protocol in play["registered"]:
        wait_until(lambda: port_of(program, version, protocol), f"program {program:#x} by {protocol}")
    results = []
    for command in play["clients"]:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE_S)
        results.append([done.returncode, done.stdout])
    for server in started[1:]:
        if server.poll() is not None:
            raise SystemExit(f"a server ended with {server.returncode}")
    return results


def main():
    if ALONE not in os.environ:
        enter()
    if os.environ[ALONE] != "0":
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
        loopback_up()
    else:
        lock = open(LOCK, "w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    rpcbind = [sys.argv[1], "rpc", "bind"] if os.environ[ALONE] == "-Urnm" else ["/usr/sbin/rpcbind", "-f"]
    started = [subprocess.Popen(rpcbind, stdout=sys.stderr)]
    try:
        wait_until(lambda: port_of(100000, 2, "tcp") is not None, "rpcbind")
        print(json.dumps(perform(json.loads(sys.argv[2]), started)))
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
