// The zeromq package as a party; see party.h.  Lines are obeyed one after the other.
const readline = require('readline');
const zmq = require('zeromq');

const PERIOD = 251;
const LONG_BYTES = 1000;

const patterns = {
  PAIR: zmq.Pair, PUB: zmq.Publisher, SUB: zmq.Subscriber, REQ: zmq.Request, REP: zmq.Reply, DEALER: zmq.Dealer,
  ROUTER: zmq.Router, PULL: zmq.Pull, PUSH: zmq.Push, XPUB: zmq.XPublisher, XSUB: zmq.XSubscriber,
};

const number = (name) => [name, Number];
const flag = (name) => [name, (value) => value !== '0'];
const text = (name) => [name, String];
const options = {
  LINGER_MS: number('linger'), SEND_MESSAGES_MAX: number('sendHighWaterMark'),
  RECV_MESSAGES_MAX: number('receiveHighWaterMark'), HEARTBEAT_MS: number('heartbeatInterval'),
  HEARTBEAT_TIMEOUT_MS: number('heartbeatTimeout'), RECONNECT_MS: number('reconnectInterval'),
  REQUEST_IDS: flag('correlate'), ROUTER_MANDATORY: flag('mandatory'), ROUTER_HANDOVER: flag('handover'),
  CURVE_SERVER: flag('curveServer'), PLAIN_SERVER: flag('plainServer'), ROUTING_ID: text('routingId'),
  PLAIN_USER: text('plainUsername'), PLAIN_PASSWORD: text('plainPassword'), CURVE_SECRET_KEY: text('curveSecretKey'),
  CURVE_PUBLIC_KEY: text('curvePublicKey'), CURVE_SERVER_KEY: text('curveServerKey'),
};

const sockets = new Map();
const allowed = { name: '', password: '' };

const patterned = (len, seed) => {
  const bytes = Buffer.allocUnsafe(len);
  for (let i = 0; i < len; i++) bytes[i] = seed + (i % PERIOD);
  return bytes;
};

const read = (word) => {
  if (word === '-') return Buffer.alloc(0);
  if (word[0] !== '*') return Buffer.from(word, 'hex');
  const [len, seed] = word.slice(1).split(':').map(Number);
  return patterned(len, seed);
};

const write = (part) => {
  if (part.length === 0) return '-';
  if (part.length <= LONG_BYTES) return part.toString('hex');
  return part.equals(patterned(part.length, part[0])) ? `*${part.length}:${part[0]}` : `?${part.length}`;
};

// RFC 27, ZAP.
const serveZap = async () => {
  const socket = new zmq.Reply();
  await socket.bind('inproc://zeromq.zap.01');
  for await (const [version, id, , , , mechanism, name, password] of socket) {
    const fine = String(mechanism) !== 'PLAIN' ||
      (String(name) === allowed.name && String(password) === allowed.password);
    await socket.send([version, id, fine ? '200' : '400', fine ? 'OK' : 'No access', '', '']);
  }
};

let zap = null;

const verbs = {
  open: (name, pattern) => { sockets.set(name, Object.assign(new patterns[pattern](), { linger: 0 })); },
  set: (socket, option, value) => { const [name, convert] = options[option]; socket[name] = convert(value); },
  bind: async (socket, endpoint) => { await socket.bind(endpoint); return socket.lastEndpoint; },
  connect: (socket, endpoint) => socket.connect(endpoint),
  unbind: (socket, endpoint) => socket.unbind(endpoint),
  disconnect: (socket, endpoint) => socket.disconnect(endpoint),
  subscribe: (socket, prefix) => socket.subscribe ? socket.subscribe(read(prefix))
    : socket.send(Buffer.concat([Buffer.from([1]), read(prefix)])),
  unsubscribe: (socket, prefix) => socket.unsubscribe ? socket.unsubscribe(read(prefix))
    : socket.send(Buffer.concat([Buffer.from([0]), read(prefix)])),
  send: (socket, ms, ...parts) => { socket.sendTimeout = Number(ms); return socket.send(parts.map(read)); },
  recv: async (socket, ms) => {
    socket.receiveTimeout = Number(ms);
    return (await socket.receive()).map(write).join(' ');
  },
  close: (socket, name) => { socket.close(); sockets.delete(name); },
  allow: (name, password) => { Object.assign(allowed, { name, password }); zap = zap || serveZap(); },
};

const obey = (verb, name, ...words) => {
  if (verb === 'open' || verb === 'allow') return verbs[verb](name, ...words);
  return verbs[verb](sockets.get(name), ...(verb === 'close' ? [name] : words));
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      const answer = await obey(...line.split(' '));
      process.stdout.write(`ok${answer ? ' ' + answer : ''}\n`);
    } catch (error) {
      process.stdout.write(`error ${error.message}\n`);
    }
  }
  process.exit(0);
})();
