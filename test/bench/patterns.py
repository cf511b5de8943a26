"""The rows of the comparison between libraries of sockets: libtambo, libzmq, nng, and bare sockets as their limit."""
import time

from scenario import Metric, Row, count_cpu

CONNECTIONS = 10_000
SETTLE_S = 1
LIBZMQ, RAW, BOTH = ("libzmq",), ("raw",), ("libzmq", "nng")


def flow(row, pair, effort):
    """The side that is named first binds and sends no result; the second tells."""
    first, second, transport, *options = row.args
    options += ["--seconds", effort.seconds, "--warmup", effort.warmup]
    endpoint = pair.endpoint(transport)
    if first is None:
        cores = ",".join(map(str, pair.cores)) if pair.cores[0] is not None else "-1,-1"
        alone = pair.start(0, second, endpoint, *options, "--cores", cores)
        pair.started()
        result = alone.result()
        return count(result, result["cpu_s"])
    quiet = pair.start(0, first, endpoint, *options)
    telling = pair.start(1, second, endpoint, *options)
    pair.started()
    result = telling.result()
    share = float(effort.seconds) / (float(effort.seconds) + float(effort.warmup))
    return count(result, result["cpu_s"] + quiet.cpu_s() * share)


def count(result, cpu_s):
    """CPU time of both sides."""
    result["broker_cpu_s"] = cpu_s
    return count_cpu(result, result["received"])


def idle(row, pair, effort):
    endpoint = pair.endpoint("tcp")
    server = pair.start(0, "idle", endpoint)
    time.sleep(SETTLE_S)
    before = server.rss_bytes()
    protocol = "sp" if pair.library == "nng" else "zmtp"
    crowd = pair.start(1, protocol, endpoint.rpartition(":")[2], CONNECTIONS, program="crowd")
    result = crowd.result()
    time.sleep(SETTLE_S)
    result["bytes_a_connection"] = (server.rss_bytes() - before) / CONNECTIONS
    result["broker_cpu_s"] = server.cpu_s()
    result["cpu_s_each"] = server.cpu_s() / CONNECTIONS
    return count_cpu(result, CONNECTIONS)


def trip(name, title, transport, times, against, peers):
    first = None if transport == "inproc" else "rep"
    metrics = (Metric("p50_us", "p50", "us", lower=True, times=times, against=against),
               Metric("mean_us", "mean", "us", lower=True, against=against),
               Metric("p99_us", "p99", "us", lower=True, against=against))
    second = "inproc" if transport == "inproc" else "req"
    return Row(name, title, metrics, flow, (first, second, transport), peers=peers, tier="", unpinned=False, protocol="zmtp")


def pipeline(name, title, size, times, key="received_per_s", unit="msg/s", peers=BOTH):
    metrics = (Metric(key, "rate", unit, times=times, against=LIBZMQ),)
    return Row(name, title, metrics, flow, ("push", "pull", "tcp", "--bytes", size), peers=peers, tier="", unpinned=False,
               protocol="zmtp")


ROWS = (
    trip("req-tcp", "REQ/REP round trip, tcp, 64 B", "tcp", 1.2, RAW, (*BOTH, "raw")),
    trip("req-ipc", "REQ/REP round trip, ipc, 64 B", "ipc", 1.2, RAW, (*BOTH, "raw")),
    trip("req-inproc", "REQ/REP round trip, inproc, 64 B", "inproc", 0.5, LIBZMQ, BOTH),
    pipeline("push", "PUSH/PULL, tcp, 64 B", 64, 2),
    pipeline("push-1k", "PUSH/PULL, tcp, 1 KiB", 1024, 1.5),
    pipeline("push-64k", "PUSH/PULL, tcp, 64 KiB", 65536, 1.3, "bytes_per_s", "B/s", (*BOTH, "raw")),
    Row("pub", "PUB to 100 SUB, tcp, 64 B, 10 prefixes", (Metric("received_per_s", "delivered", "msg/s", times=2,
        against=LIBZMQ),), flow, ("pub", "sub", "tcp", "--sockets", 100), peers=BOTH, tier="", unpinned=False,
        protocol="zmtp"),
    Row("idle-sockets", f"{CONNECTIONS:,} idle connections to a PULL",
        (Metric("bytes_a_connection", "memory each", "B", lower=True, times=0.5, against=LIBZMQ),
         Metric("connect_s", "time to connect", "s", lower=True, times=0.5, against=LIBZMQ),
         Metric("cpu_s_each", "CPU each", "s", lower=True, against=LIBZMQ)), idle, peers=BOTH, tier="",
        unpinned=False, protocol="zmtp"),
)
