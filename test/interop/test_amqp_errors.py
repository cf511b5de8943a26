"""Wrong uses: each answered with RabbitMQ's reply code and text, on the channel or on the connection, as it does."""
import struct

import pytest
from pika import frame, spec

from rawamqp import Close, Wire, raw_frame

B, C, E, Q, T = spec.Basic, spec.Channel, spec.Exchange, spec.Queue, spec.Tx


@pytest.fixture
def wire(node, parties):
    return parties(Wire(node)).open().channel()


@pytest.fixture
def other(node, parties):
    return parties(Wire(node)).open().channel()


class Scene:
    """What a wrong use needs around it, in short words."""

    def __init__(self, wire, other, name):
        self.wire, self.other, self.name = wire, other, name

    def queue(self, name=None, **more):
        more.setdefault("exclusive", True)
        self.wire.ask(Q.Declare(queue=name or self.name, **more))

    def exchange(self, kind="direct", **more):
        more.setdefault("auto_delete", True)
        self.wire.ask(E.Declare(exchange=self.name, type=kind, **more))

    def bound(self, kind="direct", **more):
        """An exchange and a queue bound to it, both gone with the connection."""
        self.exchange(kind, **more)
        self.queue()
        self.wire.ask(Q.Bind(queue=self.name, exchange=self.name, routing_key="k"))

    def tell(self, method, channel=1):
        self.wire.tell(method, channel)

    def publish(self, queue, body=b"x", **more):
        self.wire.publish(queue, body, **more)


# ---- the channel is closed, the connection goes on: (what is done, code, text, class and method that were wrong)

def queue_args(**arguments):
    named = {"x-" + key.replace("_", "-"): value for key, value in arguments.items()}
    return lambda s: s.tell(Q.Declare(queue=s.name, exclusive=True, arguments=named))


def durable_args(**arguments):
    named = {"x-" + key.replace("_", "-"): value for key, value in arguments.items()}
    return lambda s: s.tell(Q.Declare(queue=s.name, durable=True, arguments=named))


def redeclared(first, second):
    def do(s):
        s.queue(**first)
        s.tell(Q.Declare(queue=s.name, **{"exclusive": True, **second}))
    return do


def exchange_redeclared(first, second):
    def do(s):
        s.bound(**first)
        s.tell(E.Declare(exchange=s.name, **{"type": "direct", "auto_delete": True, **second}))
    return do


def then(*steps):
    def do(s):
        for step in steps:
            step(s)
    return do


def tell(make):
    return lambda s: s.tell(make(s))


def publishing(body=b"x", **more):
    return lambda s: s.publish(s.name, body, **more)


def locked(method):
    """On a queue that is another connection's own."""
    def do(s):
        s.other.ask(Q.Declare(queue=s.name, exclusive=True))
        s.tell(method(s))
    return do


def in_use(consume, wanted):
    def do(s):
        s.queue()
        s.wire.ask(B.Consume(queue=s.name, consumer_tag="a", **consume))
        s.tell(B.Consume(queue=s.name, consumer_tag="b", **wanted))
    return do


def one_delivered(s):
    s.queue()
    s.wire.ask(B.Consume(queue=s.name, consumer_tag="a"))
    s.publish(s.name)
    s.wire.content()


LOCKED = ("cannot obtain exclusive access to locked queue '{name}' in vhost '/'. It could be originally declared on another "
          "connection or the exclusive property value does not match that of the original declaration.")

CHANNEL = {
    # what is not there
    "passive-queue": (tell(lambda s: Q.Declare(queue=s.name, passive=True)), 404, "NOT_FOUND - no queue '{name}' in vhost '/'", Q.Declare),
    "passive-exchange": (tell(lambda s: E.Declare(exchange=s.name, type="direct", passive=True)), 404, "NOT_FOUND - no exchange '{name}' in vhost '/'", E.Declare),
    "purge": (tell(lambda s: Q.Purge(queue=s.name)), 404, "NOT_FOUND - no queue '{name}' in vhost '/'", Q.Purge),
    "consume": (tell(lambda s: B.Consume(queue=s.name)), 404, "NOT_FOUND - no queue '{name}' in vhost '/'", B.Consume),
    "get": (tell(lambda s: B.Get(queue=s.name)), 404, "NOT_FOUND - no queue '{name}' in vhost '/'", B.Get),
    "bind-queue": (tell(lambda s: Q.Bind(queue=s.name, exchange="amq.direct")), 404, "NOT_FOUND - no queue '{name}' in vhost '/'", Q.Bind),
    "bind-exchange": (then(Scene.queue, tell(lambda s: Q.Bind(queue=s.name, exchange=s.name))), 404, "NOT_FOUND - no exchange '{name}' in vhost '/'", Q.Bind),
    "bind-neither": (tell(lambda s: Q.Bind(queue=s.name, exchange=s.name)), 404, "NOT_FOUND - no exchange '{name}' in vhost '/'", Q.Bind),
    "exchange-bind-source": (tell(lambda s: E.Bind(source=s.name, destination="amq.direct")), 404, "NOT_FOUND - no exchange '{name}' in vhost '/'", E.Bind),
    "exchange-bind-destination": (tell(lambda s: E.Bind(source="amq.direct", destination=s.name)), 404, "NOT_FOUND - no exchange '{name}' in vhost '/'", E.Bind),
    "publish": (publishing(exchange="no-such"), 404, "NOT_FOUND - no exchange 'no-such' in vhost '/'", B.Publish),
    "no-last-queue": (tell(lambda s: Q.Bind(queue="", exchange="amq.direct")), 404, "NOT_FOUND - no previously declared queue", Q.Bind),
    "no-last-queue-consume": (tell(lambda s: B.Consume(queue="")), 404, "NOT_FOUND - no previously declared queue", B.Consume),
    # names and exchanges that are the broker's
    "reserved-queue": (tell(lambda s: Q.Declare(queue="amq.mine", exclusive=True)), 403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'", Q.Declare),
    "reserved-exchange": (tell(lambda s: E.Declare(exchange="amq.mine", type="direct")), 403, "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'", E.Declare),
    "default-declare": (tell(lambda s: E.Declare(exchange="", type="direct")), 403, "ACCESS_REFUSED - operation not permitted on the default exchange", E.Declare),
    "default-delete": (tell(lambda s: E.Delete(exchange="")), 403, "ACCESS_REFUSED - operation not permitted on the default exchange", E.Delete),
    "default-bind": (then(Scene.queue, tell(lambda s: Q.Bind(queue=s.name, exchange="", routing_key="k"))), 403, "ACCESS_REFUSED - operation not permitted on the default exchange", Q.Bind),
    "default-unbind": (then(Scene.queue, tell(lambda s: Q.Unbind(queue=s.name, exchange="", routing_key=s.name))), 403, "ACCESS_REFUSED - operation not permitted on the default exchange", Q.Unbind),
    "default-exchange-bind": (tell(lambda s: E.Bind(source="", destination="amq.direct")), 403, "ACCESS_REFUSED - operation not permitted on the default exchange", E.Bind),
    "reserved-delete": (tell(lambda s: E.Delete(exchange="amq.direct")), 403, "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed", E.Delete),
    "internal": (then(lambda s: s.bound(internal=True), lambda s: s.publish("k", exchange=s.name)), 403, "ACCESS_REFUSED - cannot publish to internal exchange '{name}' in vhost '/'", B.Publish),
    # what another has
    "locked-declare": (locked(lambda s: Q.Declare(queue=s.name, exclusive=True)), 405, "RESOURCE_LOCKED - " + LOCKED, Q.Declare),
    "locked-passive": (locked(lambda s: Q.Declare(queue=s.name, passive=True)), 405, "RESOURCE_LOCKED - " + LOCKED, Q.Declare),
    "locked-consume": (locked(lambda s: B.Consume(queue=s.name)), 405, "RESOURCE_LOCKED - " + LOCKED, B.Consume),
    "locked-get": (locked(lambda s: B.Get(queue=s.name)), 405, "RESOURCE_LOCKED - " + LOCKED, B.Get),
    "locked-bind": (locked(lambda s: Q.Bind(queue=s.name, exchange="amq.direct")), 405, "RESOURCE_LOCKED - " + LOCKED, Q.Bind),
    "locked-purge": (locked(lambda s: Q.Purge(queue=s.name)), 405, "RESOURCE_LOCKED - " + LOCKED, Q.Purge),
    "locked-delete": (locked(lambda s: Q.Delete(queue=s.name)), 405, "RESOURCE_LOCKED - " + LOCKED, Q.Delete),
    "exclusive-consumer": (in_use({"exclusive": True}, {}), 403, "ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use", B.Consume),
    "exclusive-late": (in_use({}, {"exclusive": True}), 403, "ACCESS_REFUSED - queue '{name}' in vhost '/' in exclusive use", B.Consume),
    # declared once more, otherwise
    "queue-durable": (redeclared({"exclusive": False, "auto_delete": True}, {"exclusive": False, "auto_delete": True, "durable": True}), 406, "PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{name}' in vhost '/': received 'true' but current is 'false'", Q.Declare),
    "queue-auto-delete": (redeclared({"auto_delete": True}, {"auto_delete": False}), 406, "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue '{name}' in vhost '/': received 'false' but current is 'true'", Q.Declare),
    "queue-exclusive": (redeclared({"exclusive": True}, {"exclusive": False}), 405, "RESOURCE_LOCKED - " + LOCKED, Q.Declare),
    "queue-argument": (redeclared({"arguments": {"x-message-ttl": 1000}}, {"arguments": {"x-message-ttl": 2000}}), 406, "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue '{name}' in vhost '/': received '2000' but current is '1000'", Q.Declare),
    "queue-argument-new": (redeclared({}, {"arguments": {"x-expires": 2000}}), 406, "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue '{name}' in vhost '/': received the value '2000' of type 'signedint' but current is none", Q.Declare),
    "queue-argument-gone": (redeclared({"arguments": {"x-max-length": 5}}, {}), 406, "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue '{name}' in vhost '/': received none but current is the value '5' of type 'signedint'", Q.Declare),
    "queue-argument-text": (redeclared({"arguments": {"x-overflow": "drop-head"}}, {"arguments": {"x-overflow": "reject-publish"}}), 406, "PRECONDITION_FAILED - inequivalent arg 'x-overflow' for queue '{name}' in vhost '/': received 'reject-publish' but current is 'drop-head'", Q.Declare),
    "exchange-type": (exchange_redeclared({}, {"type": "fanout"}), 406, "PRECONDITION_FAILED - inequivalent arg 'type' for exchange '{name}' in vhost '/': received 'fanout' but current is 'direct'", E.Declare),
    "exchange-durable": (exchange_redeclared({}, {"durable": True}), 406, "PRECONDITION_FAILED - inequivalent arg 'durable' for exchange '{name}' in vhost '/': received 'true' but current is 'false'", E.Declare),
    "exchange-auto-delete": (exchange_redeclared({}, {"auto_delete": False}), 406, "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for exchange '{name}' in vhost '/': received 'false' but current is 'true'", E.Declare),
    "exchange-internal": (exchange_redeclared({}, {"internal": True}), 406, "PRECONDITION_FAILED - inequivalent arg 'internal' for exchange '{name}' in vhost '/': received 'true' but current is 'false'", E.Declare),
    "exchange-alternate": (exchange_redeclared({}, {"arguments": {"alternate-exchange": "x"}}), 406, "PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange '{name}' in vhost '/': received the value 'x' of type 'longstr' but current is none", E.Declare),
    # arguments that mean nothing
    "ttl-negative": (queue_args(message_ttl=-1), 406, "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue '{name}' in vhost '/': {{value_negative,-1}}", Q.Declare),
    "ttl-text": (queue_args(message_ttl="soon"), 406, "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue '{name}' in vhost '/': \"expected integer, got longstr\"", Q.Declare),
    "ttl-large": (queue_args(message_ttl=2**40), 406, "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue '{name}' in vhost '/': {{value_too_large,1099511627776}}", Q.Declare),
    "expires-zero": (queue_args(expires=0), 406, "PRECONDITION_FAILED - invalid arg 'x-expires' for queue '{name}' in vhost '/': {{value_zero,0}}", Q.Declare),
    "max-length-negative": (queue_args(max_length=-1), 406, "PRECONDITION_FAILED - invalid arg 'x-max-length' for queue '{name}' in vhost '/': {{value_negative,-1}}", Q.Declare),
    "max-length-bytes-text": (queue_args(max_length_bytes="big"), 406, "PRECONDITION_FAILED - invalid arg 'x-max-length-bytes' for queue '{name}' in vhost '/': \"expected integer, got longstr\"", Q.Declare),
    "max-priority-text": (queue_args(max_priority="high"), 406, "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '{name}' in vhost '/': \"expected integer, got longstr\"", Q.Declare),
    "max-priority-negative": (queue_args(max_priority=-1), 406, "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '{name}' in vhost '/': {{value_negative,-1}}", Q.Declare),
    "max-priority-large": (queue_args(max_priority=256), 406, "PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '{name}' in vhost '/': {{max_value_exceeded,256}}", Q.Declare),
    "overflow": (queue_args(overflow="burst"), 406, "PRECONDITION_FAILED - invalid arg 'x-overflow' for queue '{name}' in vhost '/': invalid_overflow", Q.Declare),
    "overflow-type": (queue_args(overflow=3), 406, "PRECONDITION_FAILED - invalid arg 'x-overflow' for queue '{name}' in vhost '/': {{unacceptable_type,signedint}}", Q.Declare),
    "dead-letter-key-alone": (queue_args(dead_letter_routing_key="k"), 406, "PRECONDITION_FAILED - invalid arg 'x-dead-letter-routing-key' for queue '{name}' in vhost '/': routing_key_but_no_dlx_defined", Q.Declare),
    "dead-letter-type": (queue_args(dead_letter_exchange=5), 406, "PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue '{name}' in vhost '/'", Q.Declare),
    "single-active-type": (queue_args(single_active_consumer="yes"), 406, "PRECONDITION_FAILED - invalid arg 'x-single-active-consumer' for queue '{name}' in vhost '/': {{unacceptable_type,longstr}}", Q.Declare),
    "queue-mode": (queue_args(queue_mode="fast"), 406, "PRECONDITION_FAILED - invalid arg 'x-queue-mode' for queue '{name}' in vhost '/': \"unsupported queue mode 'fast'\"", Q.Declare),
    "queue-type": (durable_args(queue_type="round"), 406, "PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue '{name}' in vhost '/': \"unsupported queue type 'round'\"", Q.Declare),
    "queue-type-type": (durable_args(queue_type=1), 406, "PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue '{name}' in vhost '/': {{unacceptable_type,signedint}}", Q.Declare),
    "quorum-exclusive": (queue_args(queue_type="quorum"), 406, "PRECONDITION_FAILED - invalid property 'exclusive-owner' for queue '{name}' in vhost '/'", Q.Declare),
    "quorum-transient": (lambda s: s.tell(Q.Declare(queue=s.name, arguments={"x-queue-type": "quorum"})), 406, "PRECONDITION_FAILED - invalid property 'non-durable' for queue '{name}' in vhost '/'", Q.Declare),
    "consumer-priority-type": (then(Scene.queue, tell(lambda s: B.Consume(queue=s.name, arguments={"x-priority": "high"}))), 406, "PRECONDITION_FAILED - invalid arg 'x-priority' for queue '{name}' in vhost '/': \"expected integer, got longstr\"", B.Consume),
    "x-match": (then(Scene.queue, tell(lambda s: Q.Bind(queue=s.name, exchange="amq.headers", arguments={"x-match": "some"}))), 406, "PRECONDITION_FAILED - Invalid x-match field value <<\"some\">>; expected all, any, all-with-x, or any-with-x", Q.Bind),
    "x-match-type": (then(Scene.queue, tell(lambda s: Q.Bind(queue=s.name, exchange="amq.headers", arguments={"x-match": 1}))), 406, "PRECONDITION_FAILED - Invalid x-match field type signedint (value 1); expected longstr", Q.Bind),
    # what is not so
    "queue-not-unused": (then(in_use({}, {}), lambda s: s.wire.expect(B.ConsumeOk), tell(lambda s: Q.Delete(queue=s.name, if_unused=True))), 406, "PRECONDITION_FAILED - queue '{name}' in vhost '/' in use", Q.Delete),
    "queue-not-empty": (then(Scene.queue, publishing(), tell(lambda s: Q.Delete(queue=s.name, if_empty=True))), 406, "PRECONDITION_FAILED - queue '{name}' in vhost '/' not empty", Q.Delete),
    "exchange-not-unused": (then(Scene.bound, tell(lambda s: E.Delete(exchange=s.name, if_unused=True))), 406, "PRECONDITION_FAILED - exchange '{name}' in vhost '/' in use", E.Delete),
    "ack-unknown": (tell(lambda s: B.Ack(7)), 406, "PRECONDITION_FAILED - unknown delivery tag 7", B.Ack),
    "ack-multiple-unknown": (tell(lambda s: B.Ack(7, multiple=True)), 406, "PRECONDITION_FAILED - unknown delivery tag 7", B.Ack),
    "ack-twice": (then(one_delivered, tell(lambda s: B.Ack(1)), tell(lambda s: B.Ack(1))), 406, "PRECONDITION_FAILED - unknown delivery tag 1", B.Ack),
    "ack-zero": (then(one_delivered, tell(lambda s: B.Ack(0))), 406, "PRECONDITION_FAILED - unknown delivery tag 0", B.Ack),
    "nack-unknown": (tell(lambda s: B.Nack(7)), 406, "PRECONDITION_FAILED - unknown delivery tag 7", B.Nack),
    "reject-unknown": (tell(lambda s: B.Reject(7)), 406, "PRECONDITION_FAILED - unknown delivery tag 7", B.Reject),
    "tx-after-confirm": (then(lambda s: s.wire.ask(spec.Confirm.Select()), tell(lambda s: T.Select())), 406, "PRECONDITION_FAILED - cannot switch from confirm to tx mode", T.Select),
    "confirm-after-tx": (then(lambda s: s.wire.ask(T.Select()), tell(lambda s: spec.Confirm.Select())), 406, "PRECONDITION_FAILED - cannot switch from tx to confirm mode", spec.Confirm.Select),
    "commit": (tell(lambda s: T.Commit()), 406, "PRECONDITION_FAILED - channel is not transactional", T.Commit),
    "rollback": (tell(lambda s: T.Rollback()), 406, "PRECONDITION_FAILED - channel is not transactional", T.Rollback),
    "expiration-text": (then(Scene.queue, publishing(expiration="soon")), 406, "PRECONDITION_FAILED - invalid expiration 'soon': no_integer", B.Publish),
    "expiration-trailing": (then(Scene.queue, publishing(expiration="12s")), 406, "PRECONDITION_FAILED - invalid expiration '12s': {{leftover_string,\"s\"}}", B.Publish),
    "expiration-negative": (then(Scene.queue, publishing(expiration="-1")), 406, "PRECONDITION_FAILED - invalid expiration '-1': {{value_negative,-1}}", B.Publish),
    "expiration-large": (then(Scene.queue, publishing(expiration="999999999999")), 406, "PRECONDITION_FAILED - invalid expiration '999999999999': {{value_too_large,999999999999}}", B.Publish),
    "user-id": (then(Scene.queue, publishing(user_id="somebody")), 406, "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'guest'", B.Publish),
    "cc": (then(Scene.queue, publishing(headers={"CC": "text"})), 406, "PRECONDITION_FAILED - invalid message: {{unacceptable_type_in_header,\"CC\",longstr}}", B.Publish),
    "bcc": (then(Scene.queue, publishing(headers={"BCC": 5})), 406, "PRECONDITION_FAILED - invalid message: {{unacceptable_type_in_header,\"BCC\",signedint}}", B.Publish),
    "reply-without-consumer": (publishing(reply_to="amq.rabbitmq.reply-to"), 406, "PRECONDITION_FAILED - fast reply consumer does not exist", B.Publish),
    "reply-with-acks": (tell(lambda s: B.Consume(queue="amq.rabbitmq.reply-to")), 406, "PRECONDITION_FAILED - reply consumer cannot acknowledge", B.Consume),
    "reply-twice": (then(lambda s: s.wire.ask(B.Consume(queue="amq.rabbitmq.reply-to", no_ack=True)), tell(lambda s: B.Consume(queue="amq.rabbitmq.reply-to", no_ack=True))), 406, "PRECONDITION_FAILED - reply consumer already set", B.Consume),
}


@pytest.mark.parametrize("case", CHANNEL)
def test_channel(wire, other, name, case):
    do, code, text, method = CHANNEL[case]
    do(Scene(wire, other, name))
    assert wire.closed() == Close("channel", code, text.format(name=name), (method.INDEX >> 16, method.INDEX & 0xFFFF))
    wire.channel()  # the number may be used again
    wire.alive()


# ---- the connection is closed

def header(size, class_id=60, flags=0):
    return struct.pack(">HHQH", class_id, 0, size, flags)


def bytes_of(make):
    return lambda s: s.wire.send(make(s))


PUBLISH = frame.Method(1, B.Publish(routing_key="q")).marshal()

CONNECTION = {
    "exchange-kind": (tell(lambda s: E.Declare(exchange=s.name, type="no-such")), 503, "COMMAND_INVALID - unknown exchange type 'no-such'", E.Declare),
    "immediate": (publishing(immediate=True), 540, "NOT_IMPLEMENTED - immediate=true", B.Publish),
    "prefetch-size": (tell(lambda s: B.Qos(prefetch_size=5)), 540, "NOT_IMPLEMENTED - prefetch_size!=0 (5)", B.Qos),
    "recover-same": (tell(lambda s: B.Recover(requeue=False)), 540, "NOT_IMPLEMENTED - requeue=false", B.Recover),
    "consumer-tag-twice": (then(one_delivered, tell(lambda s: B.Consume(queue=s.name, consumer_tag="a"))), 530, "NOT_ALLOWED - attempt to reuse consumer tag 'a'", B.Consume),
    "channel-twice": (tell(lambda s: C.Open()), 504, "CHANNEL_ERROR - second 'channel.open' seen", C.Open),
    "channel-not-open": (lambda s: s.tell(B.Qos(), 7), 504, "CHANNEL_ERROR - expected 'channel.open'", B.Qos),
    "channel-zero": (lambda s: s.tell(C.Open(), 0), 504, "CHANNEL_ERROR - unexpected method in connection state running", C.Open),
    "connection-on-channel": (lambda s: s.tell(spec.Connection.Open("/"), 1), 503, "COMMAND_INVALID - unimplemented method", spec.Connection.Open),
    "start-ok-again": (lambda s: s.wire.start_ok(), 504, "CHANNEL_ERROR - unexpected method in connection state running", spec.Connection.StartOk),
    "server-method": (tell(lambda s: Q.DeclareOk("q", 0, 0)), 503, "COMMAND_INVALID - unimplemented method", Q.DeclareOk),
    "torn-method": (bytes_of(lambda s: raw_frame(1, 1, struct.pack(">HHHB", 60, 20, 0, 200))), 501, "FRAME_ERROR - ...", B.Consume),
    "torn-table": (bytes_of(lambda s: raw_frame(1, 1, struct.pack(">HHHBcBI", 50, 10, 0, 1, b"q", 0, 100))), 501, "FRAME_ERROR - ...", Q.Declare),
    "short-method": (bytes_of(lambda s: raw_frame(1, 1, b"\x00\x0a")), 501, "FRAME_ERROR - ...", None),
    "body-alone": (bytes_of(lambda s: frame.Body(1, b"x").marshal()), 505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", None),
    "header-alone": (bytes_of(lambda s: raw_frame(2, 1, header(1))), 505, "UNEXPECTED_FRAME - expected method frame, got non method frame instead", None),
    "method-for-header": (bytes_of(lambda s: PUBLISH + frame.Method(1, B.Qos()).marshal()), 505, "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead", B.Publish),
    "method-for-body": (bytes_of(lambda s: PUBLISH + raw_frame(2, 1, header(5)) + frame.Method(1, B.Qos()).marshal()), 505, "UNEXPECTED_FRAME - expected content body, got non content body frame instead", B.Publish),
    "header-for-body": (bytes_of(lambda s: PUBLISH + raw_frame(2, 1, header(5)) + raw_frame(2, 1, header(5))), 505, "UNEXPECTED_FRAME - expected content body, got non content body frame instead", B.Publish),
    "header-of-class": (bytes_of(lambda s: PUBLISH + raw_frame(2, 1, header(1, 50))), 505, "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead", B.Publish),
    "header-short": (bytes_of(lambda s: PUBLISH + raw_frame(2, 1, b"\x00")), 501, "FRAME_ERROR - ...", None),
    "frame-end": (bytes_of(lambda s: raw_frame(1, 1, struct.pack(">HHIHB", 60, 10, 0, 1, 0), end=0xCD)), 501, "FRAME_ERROR - ...", None),
    "frame-too-large": (bytes_of(lambda s: struct.pack(">BHI", 3, 1, 200000)), 501, "FRAME_ERROR - ...", None),
    "frame-kind": (bytes_of(lambda s: raw_frame(9, 1, b"x")), 501, "FRAME_ERROR - ...", None),
    "heartbeat-on-channel": (bytes_of(lambda s: raw_frame(8, 1, b"")), 505, "UNEXPECTED_FRAME - ...", None),
}


def agrees(text, wanted):
    """`...` stands for what only Erlang can print."""
    start = wanted.removesuffix("...")
    assert text == wanted or (start != wanted and text.startswith(start)), f"{text!r} instead of {wanted!r}"


@pytest.mark.parametrize("case", CONNECTION)
def test_connection(wire, other, name, case):
    do, code, text, method = CONNECTION[case]
    do(Scene(wire, other, name))
    got = wire.closed()
    while got.where == "channel":
        got = wire.closed()
    assert (got.where, got.code) == ("connection", code), got
    if method is not None:  # else it is not clear whose it was
        assert got.method == (method.INDEX >> 16, method.INDEX & 0xFFFF)
    agrees(got.text, text.format(name=name))
    assert wire.rest() == b"", "nothing follows close-ok"
    other.alive()
