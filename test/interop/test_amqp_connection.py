"""AMQP 0-9-1: how a connection begins, what it negotiates, and how it ends."""
import socket
import struct
import threading
import time

import pika
import pytest
from pika import frame, spec

from nodes import PATIENCE_S, wait_until
from rabbit import Rabbit
from rawamqp import HEADER, Close, Closed, Wire, plain, raw_frame

CHANNELS = 2047


@pytest.fixture
def dial(node, parties):
    return lambda **more: parties(Wire(node, **more))


@pytest.mark.parametrize("header", [b"AMQP\x02\x02\x00\x09", b"AMQP\x00\x00\x09\x02", b"AMQP\x00\x00\x08\x00"])
def test_other_version_is_told_ours(dial, header):
    assert dial(header=header).rest() == HEADER


def test_foreign_header(dial):
    """Whatever the broker says to it, it says it soon and closes."""
    dial(header=b"SSH-2.0-OpenSSH_9.2\r\n").rest()
    dial().open().channel().alive()


def test_start(dial):
    wire = dial()
    start = wire.start()
    assert (start.version_major, start.version_minor) == (0, 9)
    assert b"PLAIN" in start.mechanisms.split() and b"AMQPLAIN" in start.mechanisms.split()
    assert start.locales == b"en_US"
    wanted = ["publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify", "connection.blocked",
              "consumer_priorities", "authentication_failure_close", "per_consumer_qos", "direct_reply_to"]
    assert {name: True for name in wanted} == start.server_properties["capabilities"]
    assert {"product", "version", "platform", "information"} <= start.server_properties.keys()


def test_tune(dial):
    wire = dial()
    wire.start()
    wire.start_ok()
    tune = wire.expect(spec.Connection.Tune, 0)
    assert (tune.channel_max, tune.frame_max, tune.heartbeat) == (CHANNELS, 131072, 60)


def amqplain(user, password):
    pairs = b""
    for key, value in (("LOGIN", user), ("PASSWORD", password)):
        pairs += bytes([len(key)]) + key.encode() + b"S" + struct.pack(">I", len(value)) + value.encode()
    return pairs


def test_amqplain(dial):
    dial().open(mechanism="AMQPLAIN", response=amqplain("guest", "guest")).channel().alive()


def refused(wire, code, text):
    """Before connection.open a refusal may be a close, or just the end of the stream (RabbitMQ's way)."""
    try:
        got = wire.closed()
    except (Closed, ConnectionResetError):
        return
    assert got[:3] == ("connection", code, text)


def test_unknown_mechanism(dial):
    wire = dial()
    wire.start()
    wire.start_ok(mechanism="HOPE")
    refused(wire, 503, "COMMAND_INVALID - unknown authentication mechanism 'HOPE'")


def test_malformed_login(dial):
    wire = dial()
    wire.start()
    wire.start_ok(response=b"no zeros here")
    text = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."
    refused(wire, 403, text)


def test_unknown_vhost(node):
    with pytest.raises(pika.exceptions.ProbableAccessDeniedError) as refused:
        Rabbit(node, vhost="nowhere")
    assert str(refused.value) == "ConnectionClosedByBroker: (530) 'NOT_ALLOWED - vhost nowhere not found'"


@pytest.mark.parametrize("tuned, text", [
    ((CHANNELS, 4095, 0), "NOT_ALLOWED - negotiated frame_max = 4095 is lower than the minimum allowed value (4096)"),
    ((CHANNELS, 131073, 0), "NOT_ALLOWED - negotiated frame_max = 131073 is higher than the maximum allowed value (131072)"),
    ((CHANNELS, 0, 0), "NOT_ALLOWED - negotiated frame_max = 0 (no limit) is higher than the maximum allowed value (131072)"),
    ((CHANNELS + 1, 131072, 0), "NOT_ALLOWED - negotiated channel_max = 2048 is higher than the maximum allowed value (2047)"),
    ((0, 131072, 0), "NOT_ALLOWED - negotiated channel_max = 0 (no limit) is higher than the maximum allowed value (2047)"),
], ids=["frame-small", "frame-large", "frame-none", "channels-large", "channels-none"])
def test_tune_out_of_bounds(dial, tuned, text):
    wire = dial()
    wire.start()
    wire.start_ok()
    wire.expect(spec.Connection.Tune, 0)
    wire.tell(spec.Connection.TuneOk(*tuned), 0)
    refused(wire, 530, text)


def test_frames_as_small_as_tuned(dial, name):
    """4,096 octets hold a frame with its head and end, both ways."""
    wire = dial().open(frame_max=4096).channel()
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    wire.ask(spec.Basic.Consume(queue=name, no_ack=True))
    body = bytes(range(256)) * 100
    wire.publish(name, body, frame_bytes=4088)
    wire.expect(spec.Basic.Deliver)
    assert wire.take_frame().body_size == len(body)
    got = []
    while sum(map(len, got)) < len(body):
        got.append(wire.take_frame().fragment)
    assert b"".join(got) == body and max(map(len, got)) == 4088


def test_frame_over_the_tuned_size(dial):
    wire = dial().open(frame_max=4096).channel()
    wire.send(struct.pack(">BHI", 3, 1, 5000))
    got = wire.closed()
    assert (got.where, got.code) == ("connection", 501) and got.text.startswith("FRAME_ERROR - "), got


def test_every_channel(dial, name):
    wire = dial().open()
    for channel in range(1, CHANNELS + 1):
        wire.tell(spec.Channel.Open(), channel)
    assert sorted(wire.take_frame().channel_number for _ in range(CHANNELS)) == list(range(1, CHANNELS + 1))
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    for channel in (1, 2, 1024, CHANNELS):
        wire.publish(name, str(channel).encode(), channel=channel)
        wire.ask(spec.Queue.Declare(queue=name, passive=True), channel)  # channels are in no order to each other
    wire.tell(spec.Basic.Consume(queue=name, no_ack=True), CHANNELS)
    wire.expect(spec.Basic.ConsumeOk, CHANNELS)
    assert [wire.content(channel=CHANNELS).body for _ in range(4)] == [b"1", b"2", b"1024", b"2047"]


def test_one_channel_too_many(dial):
    wire = dial().open(channel_max=2).channel(1).channel(2)
    wire.tell(spec.Channel.Open(), 3)
    text = "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)"
    assert wire.closed()[:3] == ("connection", 530, text)


def test_a_closed_channel_makes_room(dial):
    wire = dial().open(channel_max=1)
    for _ in range(10):
        wire.channel()
        wire.ask(spec.Channel.Close(200, "", 0, 0))
    wire.channel()
    wire.ask(spec.Queue.Declare(queue="", exclusive=True))


def test_flow_to_the_client_is_not_to_be_had(dial):
    """RabbitMQ answers active=true and refuses false."""
    wire = dial().open().channel()
    assert wire.ask(spec.Channel.Flow(True)).active is True
    wire.tell(spec.Channel.Flow(False))
    assert wire.closed() == Close("connection", 540, "NOT_IMPLEMENTED - active=false", (20, 20))


def test_after_an_error_the_channel_is_deaf(dial, name):
    """Until close-ok whatever comes on the channel is passed over; then its number is free."""
    wire = dial().open().channel()
    wire.tell(spec.Basic.Get(queue=name))
    for _ in range(5):
        wire.publish(name, b"x")
        wire.tell(spec.Queue.Declare(queue=name, exclusive=True))
    assert wire.closed().code == 404
    wire.channel()
    wire.tell(spec.Queue.Declare(queue=name, passive=True))
    assert wire.closed().code == 404, "the declare was not done"


def test_close_is_answered(dial):
    wire = dial().open().channel()
    wire.ask(spec.Connection.Close(200, "bye", 0, 0), 0)


def test_heartbeats_come(dial):
    """Twice within the interval; and a peer that sends none is cut after two."""
    wire = dial().open(heartbeat=1)
    began = time.monotonic()
    with pytest.raises((Closed, ConnectionResetError)):
        wire.take_frame()
    took = time.monotonic() - began
    assert wire.heartbeats >= 2, "the broker's own were sent while it waited"
    assert 1 < took < PATIENCE_S, took


def test_heartbeats_keep(dial):
    wire = dial().open(heartbeat=1)
    beat = raw_frame(8, 0, b"")
    while wire.heartbeats < 8:  # four seconds and more
        wire.send(beat)
        before = wire.heartbeats
        while wire.heartbeats == before:
            consumed, got = frame.decode_frame(wire.input)
            if got is None:
                wire.read()
                continue
            assert isinstance(got, frame.Heartbeat), got
            wire.input = wire.input[consumed:]
            wire.heartbeats += 1
    wire.channel().alive()


def test_no_heartbeats(dial):
    """0 turns them off."""
    wire = dial().open(heartbeat=0)
    wire.socket.settimeout(3)
    with pytest.raises(socket.timeout):
        wire.take_frame()
    assert wire.heartbeats == 0
    wire.socket.settimeout(PATIENCE_S)
    wire.channel().alive()


def test_pika_heartbeats(node, parties, name):
    """pika closes connections whose broker is silent."""
    rabbit = parties(Rabbit(node, heartbeat=2))
    rabbit.connection.sleep(6)
    rabbit.queue(name, exclusive=True)


def test_bytes_one_by_one(dial, name):
    """However a frame is cut."""
    wire = dial(header=b"")
    for byte in HEADER:
        wire.send(bytes([byte]))
    wire.open().channel()
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    out = frame.Method(1, spec.Basic.Publish(routing_key=name)).marshal()
    out += frame.Header(1, 5, spec.BasicProperties(content_type="text/plain", headers={"a": 1})).marshal()
    out += frame.Body(1, b"he").marshal() + frame.Body(1, b"llo").marshal()
    for byte in out:
        wire.send(bytes([byte]))
    wire.tell(spec.Basic.Get(queue=name))
    got = wire.content(spec.Basic.GetOk)
    assert (got.body, got.properties.content_type, got.properties.headers) == (b"hello", "text/plain", {"a": 1})


def test_frames_of_channels_interleave(dial, name):
    """Contents on two channels, frame by frame in turn; heartbeats between."""
    wire = dial().open().channel(1).channel(2)
    wire.ask(spec.Queue.Declare(queue=name, exclusive=True))
    both = {}
    for channel in (1, 2):
        both[channel] = [frame.Method(channel, spec.Basic.Publish(routing_key=name)).marshal(),
                         frame.Header(channel, 4, spec.BasicProperties()).marshal(),
                         frame.Body(channel, b"%d-" % channel).marshal(), frame.Body(channel, b"%d." % channel).marshal()]
    for one, two in zip(both[1], both[2]):
        wire.send(one + raw_frame(8, 0, b"") + two)
    wire.ask(spec.Queue.Declare(queue=name, passive=True), 2)
    wire.ask(spec.Queue.Declare(queue=name, passive=True), 1)
    wire.ask(spec.Basic.Consume(queue=name, no_ack=True))
    assert sorted(wire.content().body for _ in range(2)) == [b"1-1.", b"2-2."]


def test_many_connections(node, parties, name):
    """Each from a thread of its own, each with a queue of its own."""
    problems = []

    def talk(i):
        try:
            rabbit = Rabbit(node)
            queue = rabbit.queue(exclusive=True)
            for k in range(20):
                rabbit.publish(queue, k)
            consumer = rabbit.consume(queue, auto_ack=True)
            assert consumer.bodies(20) == [str(k) for k in range(20)]
            rabbit.close()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=talk, args=[i]) for i in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_cut_off(node, parties, name):
    """What a connection had that is cut without a close comes back, flagged; its own queues go."""
    watch = parties(Rabbit(node))
    queue = watch.queue(f"{name}-q", auto_delete=False)
    watch.publish(queue, "one")
    wire = parties(Wire(node)).open().channel()
    wire.ask(spec.Queue.Declare(queue=f"{name}-own", exclusive=True))
    wire.ask(spec.Basic.Consume(queue=queue))
    assert wire.content().method.redelivered is False
    wire.close()
    got = watch.get(queue)
    assert (got.body, got.method.redelivered) == (b"one", True)
    wait_until(lambda: not watch.exists(f"{name}-own"), "its exclusive queue to go")
