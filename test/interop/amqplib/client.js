// Channels of amqplib that do what they are told, each on a connection of its own: a JSON command a line on standard
// input, a JSON event a line on standard output.  The test is in Python; this is only its arm.
const readline = require('readline');
const amqp = require('amqplib');

const connections = new Map();
const channels = new Map();

const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');

// Bodies and byte strings travel as text, in which every character is a byte.
const plain = (value) => {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
};

const answer = (client, op, error, result) =>
  say({ client, event: op, error: error ? String(error.message || error) : null, packet: plain(result) });

const operations = {
  async open({ client, url, confirm }) {
    const connection = await amqp.connect(url);
    connection.on('error', (error) => say({ client, event: 'connection error', error: error.message, code: error.code }));
    connection.on('close', () => say({ client, event: 'connection close' }));
    const channel = await (confirm ? connection.createConfirmChannel() : connection.createChannel());
    channel.on('error', (error) => say({ client, event: 'error', error: error.message, code: error.code }));
    channel.on('close', () => say({ client, event: 'close' }));
    channel.on('return', (message) => say({ client, event: 'return', ...plain(message) }));
    connections.set(client, connection);
    channels.set(client, channel);
  },
  // Any method of a channel.
  async call({ client, method, args }) {
    return channels.get(client)[method](...args);
  },
  async consume({ client, queue, options }) {
    return channels.get(client).consume(queue, (message) =>
      say({ client, event: message ? 'message' : 'cancel', ...plain(message) }), options);
  },
  // Answers when the message is confirmed; on a channel without confirms, when it is written.
  async publish({ client, exchange, key, body, options }) {
    const channel = channels.get(client);
    const content = Buffer.from(body, 'latin1');
    if (!channel.waitForConfirms) return channel.publish(exchange, key, content, options);
    return new Promise((done, failed) =>
      channel.publish(exchange, key, content, options, (error) => error ? failed(error) : done(null)));
  },
  // Publishes bodies 0 to count - 1 without waiting for one another, and waits for all their confirms.
  async flood({ client, exchange, key, count, options }) {
    const channel = channels.get(client);
    for (let i = 0; i < count; i++) channel.publish(exchange, key, Buffer.from(String(i)), options);
    return channel.waitForConfirms();
  },
  // Forget all channels and whatever they still had to say; a connection that is gone already refuses.
  async reset() {
    for (const connection of connections.values()) await connection.removeAllListeners('close').close().catch(() => {});
    connections.clear();
    channels.clear();
  },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  operations[command.op](command)
    .then((result) => answer(command.client, command.op, null, result), (error) => answer(command.client, command.op, error));
}).on('close', () => process.exit(0));
