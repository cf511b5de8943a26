// One MQTT.js client that does what it is told: a JSON command a line on standard input, a JSON event a line on standard
// output.  The test is in Python; this is only its arm.
const readline = require('readline');
const mqtt = require('mqtt');

const clients = new Map();

const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');

// Buffers inside properties travel as text.
const plain = (value) => {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
};

const propertiesOf = (properties) => {
  if (properties && properties.correlationData) properties.correlationData = Buffer.from(properties.correlationData, 'latin1');
  return properties;
};

const answer = (client, op) => (error, packet) =>
  say({ client, event: op, error: error ? String(error.message || error) : null, code: error ? error.code : undefined, packet: plain(packet) });

const describe = (payload) => payload.length > 1000
  ? { length: payload.length, sha256: require('crypto').createHash('sha256').update(payload).digest('hex') }
  : payload.toString();

const operations = {
  connect({ client, url, options }) {
    if (options.will && options.will.properties) propertiesOf(options.will.properties);
    const c = mqtt.connect(url, options);
    clients.set(client, c);
    c.on('connect', (packet) => say({ client, event: 'connect', packet: plain(packet) }));
    c.on('close', () => say({ client, event: 'close' }));
    c.on('disconnect', (packet) => say({ client, event: 'disconnect', packet: plain(packet) }));
    c.on('error', (error) => say({ client, event: 'error', error: String(error.message || error), code: error.code }));
    c.on('message', (topic, payload, packet) => say({
      client, event: 'message', topic, payload: describe(payload), qos: packet.qos, retain: packet.retain, dup: packet.dup,
      properties: plain(packet.properties) || null,
    }));
  },
  subscribe({ client, filter, options }) {
    clients.get(client).subscribe(filter, options, (error, granted) => answer(client, 'subscribe')(error, granted));
  },
  unsubscribe({ client, filter }) {
    clients.get(client).unsubscribe(filter, answer(client, 'unsubscribe'));
  },
  publish({ client, topic, payload, fill, options }) {
    propertiesOf(options.properties);
    clients.get(client).publish(topic, fill ? Buffer.alloc(fill, payload) : payload, options, answer(client, 'publish'));
  },
  // The socket goes away without a DISCONNECT.
  cut({ client, forever }) {
    const c = clients.get(client);
    if (forever) c.options.reconnectPeriod = 0;
    c.stream.destroy();
  },
  // Forget all clients and whatever they still had to say.
  reset({ client }) {
    for (const c of clients.values()) {
      for (const event of ['connect', 'close', 'disconnect', 'error', 'message']) c.removeAllListeners(event);
      c.on('error', () => {});
      c.end(true);
    }
    clients.clear();
    answer(client, 'reset')(null);
  },
  end({ client }) {
    clients.get(client).end(false, {}, answer(client, 'end'));
  },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  operations[command.op](command);
}).on('close', () => process.exit(0));
