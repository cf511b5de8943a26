"""The rows of the comparison.  A row says what load is put on a broker, what is read off, and which value is aimed at."""
import dataclasses
import time
import typing

from broker import Failure, greet

IDLE_SETTLE_S = 0.5
SESSION = "tambo-bench-1-s-0"  # of `tambo bench backlog`
MEGA = 1e6


@dataclasses.dataclass(frozen=True)
class Metric:
    """`times`: aimed at so many times the best peer (or one named in `against`); `limit`: at so much in itself."""
    key: str
    title: str
    unit: str
    lower: bool = False
    times: typing.Optional[float] = None
    limit: typing.Optional[float] = None
    against: tuple = ()


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    title: str
    metrics: tuple
    measure: typing.Callable
    args: tuple = ()
    short: str = ""  # title in the plot
    tier: str = "synced"  # tambo's; the peers do not sync
    peers: tuple = ("mosquitto", "nats-server")
    unpinned: bool = True  # in the second table too
    once: bool = False     # too long to be repeated
    protocol: str = "mqtt"


@dataclasses.dataclass(frozen=True)
class Effort:
    """How long a run is."""
    seconds: str
    warmup: str
    latency_seconds: str
    subscriptions: int
    restart_messages: int
    amqp_messages: int


FULL = Effort("3", "1", "5", 1_000_000, 10_000_000, 1_000_000)
QUICK = Effort("1", "0.5", "2", 1_000_000, 1_000_000, 100_000)


def count_cpu(result, messages):
    if messages > 0:
        result["broker_cpu_s_per_million"] = result["broker_cpu_s"] * MEGA / messages
    return result


# ---- how rows are measured ------------------------------------------------------------------------------------


def flow(row, broker, generator, effort):
    seconds = effort.latency_seconds if "latency" in row.args else effort.seconds
    result = generator.run(broker, [*row.args, "--seconds", seconds, "--warmup", effort.warmup])
    return count_cpu(result, result["received"])


def subscriptions(row, broker, generator, effort):
    idle_bytes = broker.rss_bytes()
    args = [*row.args, "--topics", str(effort.subscriptions), "--seconds", effort.seconds, "--warmup", effort.warmup]
    result = generator.run(broker, args, timeout_s=240)
    result["added_per_s"] = effort.subscriptions / result["subscribe_s"]
    result["bytes_a_subscription"] = (result["broker_rss_bytes"] - idle_bytes) / effort.subscriptions
    return result


def fill(broker, generator, messages, timeout_s):
    args = ["backlog", "--phase", "fill", "--messages", str(messages), "--lag", str(messages)]
    return generator.run(broker, args, timeout_s)


def drain(broker, generator, messages, timeout_s):
    args = ["backlog", "--phase", "drain", "--messages", str(messages), "--grace", "10"]
    return generator.run(broker, args, timeout_s)


def backlog(row, broker, generator, effort):
    messages = 100_000
    filled = fill(broker, generator, messages, 90)
    drained = drain(broker, generator, messages, 90)
    result = filled | drained
    result["backlog_rss_bytes"] = filled["broker_rss_bytes"]
    result["broker_cpu_s"] = filled["broker_cpu_s"] + drained["broker_cpu_s"]
    return count_cpu(result, messages)


def idle(row, broker, generator, effort):
    """The memory is read while all connections are held."""
    connections, files, bytes_before = 10_000, broker.file_count(), broker.rss_bytes()
    cpu_s = broker.cpu_s()
    process = generator.start(broker, ["connections", "--connections", str(connections), "--hold", "3"])
    while broker.file_count() < files + connections and process.poll() is None:
        time.sleep(0.05)
    time.sleep(IDLE_SETTLE_S)
    held_bytes = broker.rss_bytes()
    result = generator.finish(process, broker)
    result["bytes_a_connection"] = (held_bytes - bytes_before) / connections
    result["broker_cpu_s"] = broker.cpu_s() - cpu_s
    return count_cpu(result, connections)


def first_message_s(broker):
    """From a durable subscriber's coming back to its first message."""
    began = time.monotonic()
    with greet(broker.port, SESSION, clean=False, timeout_s=60) as subscriber:
        if len(subscriber.recv(1)) != 1:
            raise Failure("the session's messages did not come")
    return time.monotonic() - began


def restart(row, broker, generator, effort):
    messages = effort.restart_messages
    result = fill(broker, generator, messages, 600)
    result["full_rss_bytes"] = broker.rss_bytes()
    result["stop_s"] = broker.stop()
    result["ready_s"] = broker.start()
    result["ready_rss_bytes"] = broker.rss_bytes()
    result["first_message_s"] = first_message_s(broker)
    broker.kill()
    result["killed_ready_s"] = broker.start()
    result["killed_rss_bytes"] = broker.rss_bytes()
    return result | drain(broker, generator, messages, 600)


# ---- AMQP -----------------------------------------------------------------------------------------------------

AMQP_BACKLOG = ("backlog", "--bytes", "100", "--window", "1000")


def amqp_fill(broker, generator, messages, *more):
    """RabbitMQ may stand still for a while when it pages out."""
    args = [*AMQP_BACKLOG, "--phase", "fill", "--messages", str(messages), "--grace", "60", *more]
    return generator.run(broker, args, 600)


def amqp_drain(broker, generator, messages):
    return generator.run(broker, [*AMQP_BACKLOG, "--phase", "drain", "--messages", str(messages), "--grace", "20"], 600)


def amqp_confirm(row, broker, generator, effort):
    """Nobody consumes, so that nothing but the confirm is waited for."""
    messages = 5000
    return count_cpu(amqp_fill(broker, generator, messages, "--window", "1"), messages)


def amqp_declares(row, broker, generator, effort):
    queues, idle_bytes = 10_000, broker.rss_bytes()
    result = generator.run(broker, ["declares", "--messages", str(queues), "--window", "100"])
    result["bytes_a_queue"] = (result["broker_rss_bytes"] - idle_bytes) / queues
    several = generator.run(broker, ["declares", "--messages", str(queues), "--window", "100", "--publishers", "10"])
    result["declares_by_ten_per_s"] = several["declares_per_s"]
    return count_cpu(result, queues)


def amqp_backlog(row, broker, generator, effort):
    messages = effort.amqp_messages
    result = amqp_fill(broker, generator, messages)
    result["full_rss_bytes"], result["full_peak_bytes"] = broker.rss_bytes(), broker.peak_bytes()
    result["full_disk_bytes"] = broker.disk_bytes()
    broker.stop()
    result["ready_s"] = broker.start()
    broker.kill()
    result["killed_ready_s"] = broker.start()
    result["killed_rss_bytes"] = broker.rss_bytes()
    broker.await_quiet()
    drained = amqp_drain(broker, generator, messages)
    cpu_s = result["broker_cpu_s"] + drained["broker_cpu_s"]
    return count_cpu(result | drained | {"broker_cpu_s": cpu_s}, messages)


# ---- the rows -------------------------------------------------------------------------------------------------


def rate(times, key="received_per_s", title="rate", against=()):
    return Metric(key, title, "msg/s", times=times, against=against)


RABBIT = ("rabbitmq-server",)

ROWS = (
    Row("qos0", "QoS 0, 64 B, 1 publisher to 1 subscriber", (rate(2),), flow, ("throughput",)),
    Row("qos0-1k", "QoS 0, 1 KiB", (rate(2),), flow, ("throughput", "--bytes", "1024")),
    Row("fanout", "QoS 0, fan-out 1 to 50", (rate(2, title="delivered"),), flow, ("fanout",)),
    Row("match", "10,000 topics, 100 subscribers with b/+/NNNN", (rate(3),), flow, ("match", "--prefix", "b")),
    Row("qos1", "QoS 1, window 100, nothing on disk", (rate(5),), flow, ("throughput", "--qos", "1"), tier="memory"),
    Row("qos2", "QoS 2, window 100, nothing on disk", (rate(5),), flow, ("throughput", "--qos", "2"), tier="memory",
        peers=("mosquitto",)),  # this nats-server has no QoS 2
    Row("qos1-synced", "QoS 1 synced, 20 publishers, window 100 each, 20 durable subscribers",
        (rate(1, against=("mosquitto",)),), flow,
        ("throughput", "--qos", "1", "--publishers", "20", "--subscribers", "20", "--topics", "20", "--durable"),
        short="QoS 1 synced, 20 to 20 durable"),
    Row("backlog", "100,000 messages for an absent session",
        (Metric("filled_per_s", "fill", "msg/s", times=2), Metric("drained_per_s", "drain", "msg/s", times=2),
         Metric("backlog_rss_bytes", "memory", "B", lower=True, limit=12 * MEGA)), backlog),
    Row("latency", "latency at 1,000 msg/s",
        (Metric("p50_us", "p50", "us", lower=True, times=0.7), Metric("p99_us", "p99", "us", lower=True, times=0.7)),
        flow, ("latency",)),
    Row("idle", "10,000 idle connections",
        (Metric("bytes_a_connection", "memory each", "B", lower=True, times=1, against=("mosquitto",)),
         Metric("connects_per_s", "connects", "/s", times=2, against=("mosquitto",))), idle),
    Row("subscriptions", "1,000,000 subscriptions",
        (rate(10, title="match", against=("mosquitto",)), Metric("added_per_s", "add", "/s"),
         Metric("bytes_a_subscription", "memory each", "B", lower=True)),
        subscriptions, ("subscriptions",), peers=("mosquitto",), unpinned=False),
    Row("restart", "restart with {restart_messages:,} messages queued",
        (Metric("ready_s", "ready after a stop", "s", lower=True, limit=1),
         Metric("killed_ready_s", "ready after kill -9", "s", lower=True, limit=1),
         Metric("killed_rss_bytes", "memory then", "B", lower=True, limit=200 * MEGA),
         Metric("first_message_s", "first message of the session", "s", lower=True),
         Metric("filled_per_s", "fill", "msg/s"), Metric("drained_per_s", "drain", "msg/s")),
        restart, peers=(), unpinned=False, once=True),
    Row("amqp-transient", "AMQP transient, auto-ack, 64 B, 1 to 1",
        (rate(15), Metric("broker_cpu_s_per_million", "CPU a million", "s", lower=True, limit=0.8)), flow,
        ("throughput",), protocol="amqp", peers=RABBIT),
    Row("amqp-persistent", "AMQP persistent, confirms (window 1,000), prefetch 1,000, each acked, 64 B",
        (rate(10), Metric("confirm_p50_us", "confirm p50", "us", lower=True, limit=5000),
         Metric("broker_cpu_s_per_million", "CPU a million", "s", lower=True)), flow,
        ("throughput", "--qos", "1", "--durable", "--window", "1000", "--lag", "10000"), protocol="amqp", peers=RABBIT,
        short="AMQP persistent, confirmed, acked"),
    Row("amqp-fanout", "AMQP transient, fan-out exchange to 10 queues", (rate(15, title="delivered"),), flow,
        ("fanout", "--subscribers", "10", "--exchange", "amq.fanout"), protocol="amqp", peers=RABBIT),
    Row("amqp-topic", "AMQP transient, topic exchange with 100 wildcard bindings, 10 queues", (rate(15),), flow,
        ("match", "--topics", "100", "--subscribers", "10"), protocol="amqp", peers=RABBIT,
        short="AMQP topic exchange, 100 wildcards"),
    Row("amqp-latency", "AMQP delivery latency at 1,000 msg/s",
        (Metric("p50_us", "p50", "us", lower=True, times=0.5), Metric("p99_us", "p99", "us", lower=True, times=0.5)),
        flow, ("latency",), protocol="amqp", peers=RABBIT),
    Row("amqp-confirm", "AMQP confirm latency, window 1, persistent",
        (Metric("confirm_p50_us", "p50", "us", lower=True, limit=250),
         Metric("confirm_p99_us", "p99", "us", lower=True)), amqp_confirm, protocol="amqp", peers=RABBIT),
    Row("amqp-declares", "AMQP, 10,000 durable queues declared, 100 in flight",
        (Metric("declares_per_s", "one connection", "/s", times=20),
         Metric("declares_by_ten_per_s", "ten connections", "/s", times=20),
         Metric("bytes_a_queue", "memory a queue", "B", lower=True, limit=1000)), amqp_declares, protocol="amqp",
        peers=RABBIT),
    Row("amqp-backlog", "AMQP, {amqp_messages:,} durable messages of 100 B queued, confirmed, then acked",
        (rate(15, "filled_per_s", "fill"), rate(15, "drained_per_s", "drain"),
         Metric("full_rss_bytes", "memory", "B", lower=True, limit=40 * MEGA),
         Metric("full_peak_bytes", "peak memory", "B", lower=True),
         Metric("full_disk_bytes", "disk", "B", lower=True, limit=160 * MEGA),
         Metric("ready_s", "ready after a stop", "s", lower=True, limit=0.5),
         Metric("killed_ready_s", "ready after kill -9", "s", lower=True, limit=0.5),
         Metric("killed_rss_bytes", "memory then", "B", lower=True, limit=40 * MEGA),
         Metric("broker_cpu_s_per_million", "CPU a million", "s", lower=True)),
        amqp_backlog, protocol="amqp", peers=RABBIT, unpinned=False, once=True, short="AMQP backlog"),
)
