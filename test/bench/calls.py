"""The rows of the comparison of remote procedure calls: libtambo, libtirpc, and bare sockets as their limit."""
import time

from patterns import count
from scenario import Metric, Row, count_cpu

CLIENTS = 10_000
SETTLE_S = 1
LIBTIRPC, RAW, BOTH = ("libtirpc",), ("raw",), ("libtirpc", "raw")


def effort_options(effort):
    return ["--seconds", effort.seconds, "--warmup", effort.warmup]


def flow(row, pair, effort):
    """A server, and one that calls and tells."""
    role, transport, *options = row.args
    endpoint = pair.endpoint(transport)
    server = pair.start(0, "serve", endpoint, *options)
    caller = pair.start(1, role, endpoint, *options, *effort_options(effort))
    pair.started()
    result = caller.result()
    share = float(effort.seconds) / (float(effort.seconds) + float(effort.warmup))
    return count(result, result["cpu_s"] + server.cpu_s() * share)


def alone(row, pair, effort):
    process = pair.start(1, *row.args, *effort_options(effort))
    pair.started()
    result = process.result()
    return count(result, result["cpu_s"])


def clients(row, pair, effort):
    """CPU time is the server's, while a hundred call at a time."""
    endpoint = pair.endpoint("tcp")
    server = pair.start(0, "serve", endpoint)
    time.sleep(SETTLE_S)
    before = server.rss_bytes()
    crowd = pair.start(1, endpoint.rpartition(":")[2], CLIENTS, effort.seconds, effort.warmup, program="call-crowd")
    connected = crowd.result()
    time.sleep(SETTLE_S)
    held = server.rss_bytes()
    pair.started()
    idle_s = server.cpu_s()
    few = crowd.result()["few"]
    share = float(effort.seconds) / (float(effort.seconds) + float(effort.warmup))
    cpu_s = (server.cpu_s() - idle_s) * share
    result = connected | crowd.result()
    result["bytes_a_connection"] = (held - before) / CLIENTS
    result["broker_cpu_s"] = cpu_s
    return count_cpu(result, few)


def row(name, title, metrics, measure, args, peers):
    return Row(name, title, metrics, measure, args, peers=peers, tier="", unpinned=False, protocol="rpc")


def trip(name, title, transport, size):
    metrics = (Metric("p50_us", "p50", "us", lower=True, times=1.15, against=RAW),
               Metric("mean_us", "mean", "us", lower=True, against=RAW),
               Metric("p99_us", "p99", "us", lower=True, against=RAW))
    return row(name, title, metrics, flow, ("call", transport, "--bytes", size), BOTH)


ROWS = (
    trip("rpc-null-tcp", "NULL call, tcp", "tcp", 0),
    trip("rpc-null-udp", "NULL call, udp", "udp", 0),
    trip("rpc-1k-tcp", "ECHO of 1 KiB, tcp", "tcp", 1024),
    trip("rpc-1k-udp", "ECHO of 1 KiB, udp", "udp", 1024),
    row("rpc-pipelined", "NULL calls, 256 under way on one connection (libtirpc: one)",
        (Metric("calls_per_s", "rate", "/s", limit=1_000_000, against=LIBTIRPC),), flow,
        ("pipeline", "tcp"), BOTH),
    row("rpc-xdr", "encode and decode a record of 50 fields and a list of 100",
        (Metric("calls_per_s", "rate", "/s", times=4, against=LIBTIRPC),), alone, ("xdr", "-"), LIBTIRPC),
    row("rpc-clients", f"{CLIENTS:,} clients, NULL calls of 100 of them under way, in turn",
        (Metric("calls_per_s", "rate", "/s", times=5, against=LIBTIRPC),
         Metric("all_per_s", "rate, all at once", "/s", against=LIBTIRPC),
         Metric("bytes_a_connection", "memory each", "B", lower=True, limit=2048, against=LIBTIRPC),
         Metric("connect_s", "time to connect", "s", lower=True, against=LIBTIRPC)), clients, (), LIBTIRPC),
)
