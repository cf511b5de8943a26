"""pyzmq as a party; see party.h."""
import sys

import zmq
import zmq.auth.thread

PERIOD, LONG_BYTES = 251, 1000
OPTIONS = {
    "LINGER_MS": zmq.LINGER, "SEND_MESSAGES_MAX": zmq.SNDHWM, "RECV_MESSAGES_MAX": zmq.RCVHWM,
    "HEARTBEAT_MS": zmq.HEARTBEAT_IVL, "HEARTBEAT_TIMEOUT_MS": zmq.HEARTBEAT_TIMEOUT, "RECONNECT_MS": zmq.RECONNECT_IVL,
    "REQUEST_IDS": zmq.REQ_CORRELATE, "ROUTER_MANDATORY": zmq.ROUTER_MANDATORY, "ROUTER_HANDOVER": zmq.ROUTER_HANDOVER,
    "XPUB_VERBOSE": zmq.XPUB_VERBOSE, "CURVE_SERVER": zmq.CURVE_SERVER, "PLAIN_SERVER": zmq.PLAIN_SERVER,
    "ROUTING_ID": zmq.ROUTING_ID, "PLAIN_USER": zmq.PLAIN_USERNAME, "PLAIN_PASSWORD": zmq.PLAIN_PASSWORD,
    "CURVE_SECRET_KEY": zmq.CURVE_SECRETKEY, "CURVE_PUBLIC_KEY": zmq.CURVE_PUBLICKEY,
    "CURVE_SERVER_KEY": zmq.CURVE_SERVERKEY,
}
TEXTS = ("ROUTING_ID", "PLAIN_USER", "PLAIN_PASSWORD", "CURVE_SECRET_KEY", "CURVE_PUBLIC_KEY", "CURVE_SERVER_KEY")


def patterned(length, seed):
    period = bytes((seed + i) & 255 for i in range(PERIOD))
    return (period * (length // PERIOD + 1))[:length]


def read(word):
    if word == "-":
        return b""
    if word[0] == "*":
        return patterned(*map(int, word[1:].split(":")))
    return bytes.fromhex(word)


def write(part):
    if not part:
        return "-"
    if len(part) <= LONG_BYTES:
        return part.hex()
    return f"*{len(part)}:{part[0]}" if part == patterned(len(part), part[0]) else f"?{len(part)}"


class Party:
    def __init__(self):
        self.context = zmq.Context()
        self.sockets = {}
        self.authenticator = None

    def open(self, name, pattern):
        self.sockets[name] = self.context.socket(getattr(zmq, pattern))
        self.sockets[name].linger = 0

    def set(self, name, option, value):
        self.sockets[name].setsockopt(OPTIONS[option], value.encode() if option in TEXTS else int(value))

    def bind(self, name, endpoint):
        self.sockets[name].bind(endpoint)
        return self.sockets[name].last_endpoint.rstrip(b"\0").decode()

    def connect(self, name, endpoint):
        self.sockets[name].connect(endpoint)

    def unbind(self, name, endpoint):
        self.sockets[name].unbind(endpoint)

    def disconnect(self, name, endpoint):
        self.sockets[name].disconnect(endpoint)

    def subscribe(self, name, prefix):
        self.filter(self.sockets[name], zmq.SUBSCRIBE, b"\1", read(prefix))

    def unsubscribe(self, name, prefix):
        self.filter(self.sockets[name], zmq.UNSUBSCRIBE, b"\0", read(prefix))

    def filter(self, socket, option, sign, prefix):
        """XSUB has no option for it but sends a message."""
        if socket.type == zmq.XSUB:
            socket.send(sign + prefix)
        else:
            socket.setsockopt(option, prefix)

    def send(self, name, ms, *parts):
        self.sockets[name].sndtimeo = int(ms)
        self.sockets[name].send_multipart([read(part) for part in parts])

    def recv(self, name, ms):
        self.sockets[name].rcvtimeo = int(ms)
        return " ".join(map(write, self.sockets[name].recv_multipart()))

    def allow(self, user, password):
        if self.authenticator is None:
            self.authenticator = zmq.auth.thread.ThreadAuthenticator(self.context)
            self.authenticator.start()
        self.authenticator.configure_plain("*", {user: password})
        self.authenticator.configure_curve("*", zmq.auth.CURVE_ALLOW_ANY)

    def close(self, name):
        self.sockets.pop(name).close()


def main():
    party = Party()
    for line in sys.stdin:
        verb, *words = line.split()
        try:
            answer = getattr(party, verb)(*words)
            print("ok", answer, flush=True) if answer else print("ok", flush=True)
        except zmq.ZMQError as error:
            print("error", error, flush=True)


if __name__ == "__main__":
    main()
