/* conformance/amqp_rules.h - The rules of AMQP 0-9-1, in our words, by the names that the specification's XML gives
 * them (class.method.field/rule), then those of its chapter 4, by section, then what RabbitMQ added, by capability.
 *
 *     RULE(id, level, how, text, more)
 *
 * `level` is the rule's: MUST, SHOULD, MAY, or DOC for what only the prose says.  The vectors name the rule they show.
 *
 *     KEPT      `more`: further tests that show it, by name
 *     RABBITMQ  RabbitMQ does otherwise, and so do we; the vectors show what; `more`: what it does
 *     CLIENT    binds clients only
 *     UNSHOWN   no conversation can show it; `more`: why */

/* ---- domains ------------------------------------------------------------------------------------------------- */

RULE("delivery-tag/channel-local", MUST, KEPT, "A delivery tag is good only on the channel that received it.", "")
RULE("delivery-tag/non-zero", MUST, KEPT, "No delivery has the tag 0.", "")
RULE("queue-name/current", DOC, RABBITMQ,
     "Where a queue's name may be empty, it is the queue declared last on the channel; without one it is a 502.",
     "without one it is a 404 of the channel")
RULE("redelivered/implementation", SHOULD, KEPT, "A message that was delivered before says so.",
     "f_who_is_gone_gives_back")
RULE("redelivered/hinting", MUST, CLIENT, "A client takes the redelivered flag for a hint only.", "")
RULE("message-count/ready", DOC, KEPT, "The number of messages counts those that wait, not those that were delivered.",
     "")
RULE("no-local/own-messages", DOC, RABBITMQ, "With no-local, a connection does not get what it published itself.",
     "the flag is taken and ignored")
RULE("no-wait/answers", DOC, KEPT, "With no-wait there is no answer, unless it fails.", "")

/* ---- class connection ---------------------------------------------------------------------------------------- */

RULE("connection/grammar", MUST, KEPT,
     "A connection begins by header, start, start-ok, tune, tune-ok, open, open-ok, each once, before anything else.",
     "")
RULE("connection/handshake-time", DOC, KEPT, "A peer that does not finish its handshake is not waited for for ever.",
     "")
RULE("connection.start/protocol-name", MUST, KEPT,
     "Who asks for a protocol that is not spoken here is answered by the header of one that is, and cut off.",
     "amqp:header_of_0_8 amqp:header_of_1_0")
RULE("connection.start/server-support", MUST, KEPT,
     "The version that the server answers with is not above the one asked for.",
     "amqp:header_of_0_9_1 amqp:header_of_1_0")
RULE("connection.start/client-support", MUST, CLIENT,
     "A client that cannot speak the server's version closes the connection.", "")
RULE("connection.start.server-properties/required-fields", SHOULD, KEPT,
     "The server tells its product, version, platform and information.", "")
RULE("connection.start.locales/required-support", MUST, KEPT, "The server speaks en_US.", "")
RULE("connection.start-ok/plain", DOC, KEPT, "The response is what its mechanism wants: PLAIN and AMQPLAIN are read.",
     "")
RULE("connection.start-ok/refused", DOC, KEPT,
     "Who is not let in is cut off, and told 403 before when it can be (authentication_failure_close).", "")
RULE("connection.start-ok.client-properties/required-fields", SHOULD, KEPT,
     "A client tells its product, version, platform; one that does not is served nevertheless.", "")
RULE("connection.start-ok.mechanism/security", SHOULD, CLIENT,
     "A client takes the strongest mechanism that it and the server know.", "")
RULE("connection.start-ok.mechanism/validity", MUST, KEPT,
     "Who chooses a mechanism that was not offered is cut off without a word.", "")
RULE("connection.tune.channel-max/range", DOC, KEPT, "Channel numbers go from 1 to channel-max.",
     "amqp:channel_beyond_the_maximum")
RULE("connection.tune.frame-max/minimum", MUST, KEPT,
     "Before the limit is agreed upon, frames of 4,096 octets are taken.", "")
RULE("connection.tune-ok.channel-max/upper-limit", MUST, RABBITMQ,
     "A client that asks for more channels than offered is cut off without a negotiated close.",
     "it is told 530 by connection.close")
RULE("connection.tune-ok.frame-max/minimum", MUST, KEPT, "No frame-max below 4,096 is agreed upon.", "")
RULE("connection.tune-ok.frame-max/upper-limit", MUST, RABBITMQ,
     "A client that asks for larger frames than offered is cut off without a negotiated close.",
     "it is told 530 by connection.close")
RULE("connection.open.virtual-host/exists", DOC, RABBITMQ, "An unknown virtual host is 402 (invalid path).",
     "it is 530 (not allowed)")
RULE("connection.open.virtual-host/separation", MUST, KEPT,
     "A connection to one virtual host reaches nothing of another.", "j_connections_move_to_their_virtual_host")
RULE("connection.open.virtual-host/security", SHOULD, UNSHOWN,
     "The server checks that the user may use the virtual host.", "every user may use every virtual host so far")
RULE("connection.close/answered", MUST, KEPT, "connection.close is answered by close-ok, in any state.", "")
RULE("connection.close/stability", MUST, KEPT,
     "After close, all but close and close-ok is discarded; a close that comes then is answered by close-ok.", "")
RULE("connection.close-ok/reporting", SHOULD, KEPT,
     "A connection that ends without a close-ok is cleaned up after; who does not send it is not waited for.", "")

/* ---- class channel ------------------------------------------------------------------------------------------- */

RULE("channel.open/answered", MUST, KEPT, "channel.open is answered by open-ok.", "")
RULE("channel.open/state", MUST, KEPT, "A channel that is open is not opened again: 504.", "")
RULE("channel.flow/initial-state", MUST, KEPT, "A new channel is active.", "")
RULE("channel.flow/bidirectional", SHOULD, KEPT, "A flow is answered while content is on its way.", "amqp:flow_on")
RULE("channel.flow/throttling", MAY, RABBITMQ, "A peer may stop the other's content by channel.flow.",
     "active=false is not implemented: 540; prefetch does it")
RULE("channel.flow/expected-behaviour", MAY, KEPT, "A flow that asks for what is so already is confirmed.", "")
RULE("channel.close/answered", MUST, KEPT, "channel.close is answered by close-ok, and its number may be used again.",
     "")
RULE("channel.close/state", MUST, KEPT, "A channel that is not open cannot be closed: 504.", "")
RULE("channel.close/stability", MUST, KEPT,
     "After close, all but close and close-ok is discarded; a close that comes then is answered by close-ok.", "")
RULE("channel.close/gives-back", DOC, KEPT, "What a channel has not acknowledged when it closes is delivered again.",
     "")
RULE("channel.close-ok/reporting", SHOULD, KEPT, "A channel whose connection breaks is as one that was closed.", "")

/* ---- class exchange ------------------------------------------------------------------------------------------ */

RULE("exchange/required-types", MUST, KEPT, "There are the types fanout and direct.", "")
RULE("exchange/recommended-types", SHOULD, KEPT, "There are the types topic and headers.", "")
RULE("exchange/required-instances", MUST, KEPT,
     "Each virtual host has an exchange amq.TYPE for each type, and the default exchange.", "")
RULE("exchange/default-exchange", MUST, KEPT, "A direct exchange without a name is the default for publishing.", "")
RULE("exchange/default-access", MUST, KEPT,
     "The default exchange is not declared, deleted or bound by clients; nor are the server's own deleted.", "")
RULE("exchange/extensions", MAY, KEPT, "There may be other types: x-consistent-hash, x-delayed-message.", "")
RULE("exchange.declare/minimum", SHOULD, KEPT, "There may be at least 16 exchanges in a virtual host.", "")
RULE("exchange.declare/auto-delete", DOC, RABBITMQ, "The bits auto-delete and internal are reserved.",
     "they mean what they meant in AMQP 0-9: deleted with the last binding; no publications from clients")
RULE("exchange.declare.exchange/reserved", MUST, KEPT,
     "Names that begin with amq. are not declared by clients, unless passive or there already: 403.", "")
RULE("exchange.declare.exchange/syntax", MUST, RABBITMQ,
     "A name is made of letters, digits, hyphen, underscore, period and colon: 406.", "any text will do")
RULE("exchange.declare.type/typed", MUST, RABBITMQ, "An exchange is not declared again with another type: 530.",
     "it is 406 of the channel")
RULE("exchange.declare.type/support", MUST, KEPT, "A type that there is not is 503.", "")
RULE("exchange.declare.passive/not-found", MUST, KEPT, "A passive declare of what is not there is 404.", "")
RULE("exchange.declare.passive/equivalent", MUST, KEPT,
     "An exchange that is there is declared again only with the same type, durability and arguments.", "")
RULE("exchange.declare.durable/support", MUST, KEPT, "There are durable exchanges, which survive, and transient ones.",
     "")
RULE("exchange.delete/bindings", DOC, KEPT, "With an exchange its bindings go.", "")
RULE("exchange.delete.exchange/exists", MUST, RABBITMQ, "An exchange that is not there cannot be deleted: 404.",
     "deleting it succeeds")
RULE("exchange.delete.if-unused/in-use", MUST, KEPT, "With if-unused, an exchange with bindings stays: 406.", "")

/* ---- class queue --------------------------------------------------------------------------------------------- */

RULE("queue.declare/default-binding", MUST, KEPT, "A new queue is bound to the default exchange by its name.", "")
RULE("queue.declare/minimum-queues", SHOULD, KEPT, "There may be at least 256 queues in a virtual host.",
     "queues_by_the_hundred")
RULE("queue.declare/auto-delete", DOC, KEPT,
     "An auto-delete queue goes with its last consumer, and not before it had one.", "")
RULE("queue.declare.queue/default-name", MUST, KEPT, "Without a name the queue gets a unique one, which is told.", "")
RULE("queue.declare.queue/reserved", MUST, KEPT,
     "Names that begin with amq. are not declared by clients, unless passive or there already: 403.", "")
RULE("queue.declare.queue/syntax", MUST, RABBITMQ,
     "A name is made of letters, digits, hyphen, underscore, period and colon: 406.", "any text will do")
RULE("queue.declare.passive/passive", MUST, KEPT, "A passive declare of what is not there is 404.", "")
RULE("queue.declare.passive/equivalent", MUST, KEPT,
     "A queue that is there is declared again only with the same durable, exclusive, auto-delete and arguments.", "")
RULE("queue.declare.durable/persistence", MUST, KEPT, "A durable queue is there after a restart.", "")
RULE("queue.declare.durable/types", MUST, KEPT, "There are durable queues and transient ones.", "")
RULE("queue.declare.exclusive/types", MUST, KEPT,
     "There are exclusive queues, which end with their connection, and shared.", "")
RULE("queue.declare.exclusive/exclusive", MUST, KEPT,
     "Nobody uses another connection's exclusive queue: 405, for each method that names one.", "")
RULE("queue.declare.auto-delete/pre-existence", MUST, RABBITMQ,
     "auto-delete is ignored when the queue is there (which contradicts the rule above).", "it is compared: 406")
RULE("queue.bind/duplicates", MUST, KEPT, "The same binding made again is no error and no second one.", "")
RULE("queue.bind/unique", MUST, KEPT, "A queue gets a message once, however many of its bindings match.", "")
RULE("queue.bind/transient-exchange", MUST, KEPT, "A durable queue may be bound to a transient exchange.", "")
RULE("queue.bind/durable-exchange", MUST, KEPT, "A binding of a durable queue to a durable exchange survives.", "")
RULE("queue.bind/binding-count", SHOULD, KEPT, "A queue may have at least 4 bindings.", "")
RULE("queue.bind.queue/queue-known", MUST, KEPT, "The queue is named, or was declared on the channel: 404.", "")
RULE("queue.bind.queue/must-exist", MUST, KEPT, "A queue that is not there cannot be bound: 404.", "")
RULE("queue.bind.exchange/exchange-existence", MUST, KEPT, "Nothing is bound to an exchange that is not there: 404.",
     "")
RULE("queue.bind.exchange/default-exchange", MUST, RABBITMQ, "An empty name is the default exchange.",
     "nothing more is bound to it: 403")
RULE("queue.bind.routing-key/direct-exchange-key-matching", MUST, KEPT, "A direct exchange routes by equal keys.", "")
RULE("queue.unbind/effect", DOC, KEPT, "What is unbound is not routed to any more.", "")
RULE("queue.unbind/01", MUST, RABBITMQ, "An unbind that fails is a connection exception.",
     "unbinding what is not bound succeeds; what does fail is the channel's exception")
RULE("queue.unbind.queue/queue-known", MUST, KEPT, "The queue is named, or was declared on the channel: 404.", "")
RULE("queue.unbind.queue/must-exist", MUST, RABBITMQ, "A queue that is not there cannot be unbound: 404.",
     "unbinding it succeeds")
RULE("queue.unbind.exchange/must-exist", MUST, RABBITMQ, "Nothing is unbound from an exchange that is not there: 404.",
     "unbinding it succeeds")
RULE("queue.unbind.exchange/default-exchange", MUST, RABBITMQ, "An empty name is the default exchange.",
     "nothing is unbound from it: 403")
RULE("queue.purge/counts", DOC, KEPT, "purge-ok tells how many messages were dropped.", "")
RULE("queue.purge/02", MUST, KEPT, "What was delivered and is not acknowledged is not purged.", "")
RULE("queue.purge/03", MAY, UNSHOWN, "Purged messages may be kept for an administrator.", "they are not")
RULE("queue.purge.queue/queue-known", MUST, KEPT, "The queue is named, or was declared on the channel: 404.", "")
RULE("queue.purge.queue/must-exist", MUST, KEPT, "A queue that is not there cannot be purged: 404.", "")
RULE("queue.delete/counts", DOC, KEPT, "delete-ok tells how many messages went with it.", "")
RULE("queue.delete/consumers", DOC, KEPT, "With a queue its consumers are cancelled, and told.", "")
RULE("queue.delete/01", SHOULD, RABBITMQ, "Messages of a deleted queue go to its dead letter queue.",
     "they are dropped")
RULE("queue.delete.queue/queue-known", MUST, KEPT, "The queue is named, or was declared on the channel: 404.", "")
RULE("queue.delete.queue/must-exist", MUST, RABBITMQ, "A queue that is not there cannot be deleted: 404.",
     "deleting it succeeds")
RULE("queue.delete.if-unused/in-use", MUST, KEPT, "With if-unused, a queue with consumers stays: 406.", "")
RULE("queue.delete.if-empty/not-empty", MUST, KEPT, "With if-empty, a queue with messages stays: 406.", "")

/* ---- class basic --------------------------------------------------------------------------------------------- */

RULE("basic/01", SHOULD, KEPT, "Persistent messages of durable queues survive.", "e_confirms_are_coalesced_and_durable")
RULE("basic/02", MUST, KEPT,
     "A full queue does not drop persistent messages: it refuses new ones, unless its declarer chose drop-head.", "")
RULE("basic/03", MAY, UNSHOWN, "Publishers may be slowed by channel.flow.",
     "they are told by connection.blocked, and not read from: see connection.blocked")
RULE("basic/04", MAY, UNSHOWN, "Transient messages may go to disk.", "durable queues keep them there")
RULE("basic/05", MAY, UNSHOWN, "Transient messages may be dropped by priority when a queue is full.", "they are not")
RULE("basic/06", MUST, RABBITMQ, "Each queue has at least two priorities.",
     "a queue has as many as x-max-priority says; without it none")
RULE("basic/07", MAY, KEPT, "There may be 10 priorities.", "")
RULE("basic/08", MUST, KEPT, "Messages of a priority are delivered in order whatever their persistence.", "")
RULE("basic/09", MUST, KEPT, "There is delivery without acknowledgement.", "")
RULE("basic/10", MUST, KEPT, "There is delivery with acknowledgement.", "a_message_goes_through_a_queue")
RULE("basic.qos.prefetch-size/01", MUST, RABBITMQ, "A window in octets does not hold back a single message.",
     "windows in octets are not implemented: 540")
RULE("basic.qos.prefetch-count/01", MUST, KEPT, "No more is in flight than the window.", "c_prefetch_is_a_window")
RULE("basic.qos.global/scope", DOC, RABBITMQ, "A window is the channel's, with global the connection's.",
     "it is each new consumer's, with global the channel's")
RULE("basic.consume/01", SHOULD, KEPT, "A queue may have at least 16 consumers.", "")
RULE("basic.consume.queue/must-exist", DOC, KEPT, "Nobody consumes from a queue that is not there: 404.", "")
RULE("basic.consume.consumer-tag/generated", DOC, KEPT, "Without a tag the consumer gets a unique one.", "")
RULE("basic.consume.consumer-tag/01", MUST, KEPT, "A tag names one consumer of a channel: 530.", "")
RULE("basic.consume.consumer-tag/02", MUST, KEPT, "A tag is the channel's: another channel's is another consumer.", "")
RULE("basic.consume.exclusive/01", MUST, KEPT, "An exclusive consumer is alone on its queue: 403.", "")
RULE("basic.cancel/answered", MUST, KEPT, "After cancel-ok nothing more is delivered; what was can be settled.", "")
RULE("basic.cancel/01", MUST, KEPT, "Cancelling a consumer whose queue is gone is no error.", "")
RULE("basic.publish/size", DOC, KEPT, "A message larger than message_bytes_max is refused: 406.",
     "messages_too_large_cost_nothing")
RULE("basic.publish.exchange/must-exist", MUST, KEPT, "Nothing is published to an exchange that is not there: 404.", "")
RULE("basic.publish.exchange/default-exchange", MUST, KEPT, "An empty name is the default exchange.", "")
RULE("basic.publish.exchange/02", MUST, KEPT, "Nothing is published to an internal exchange: 403.", "")
RULE("basic.publish.exchange/03", MAY, UNSHOWN, "An exchange may refuse content: 540.", "none does")
RULE("basic.publish.mandatory/01", SHOULD, KEPT, "What is mandatory and goes to no queue is returned: 312.", "")
RULE("basic.publish.immediate/01", SHOULD, RABBITMQ, "What is immediate and cannot be delivered at once is returned.",
     "immediate is not implemented: 540")
RULE("basic.expiration/number", DOC, KEPT, "An expiration is a number of milliseconds: else 406.", "")
RULE("basic.user-id/checked", DOC, KEPT, "A user-id is that of the connection's user: else 406.", "")
RULE("basic.deliver/01", SHOULD, KEPT, "A message that was returned too often is dead (x-delivery-limit).", "")
RULE("basic.deliver/fields", DOC, KEPT, "A delivery tells the exchange and the key it was published with.", "")
RULE("basic.get/empty", MUST, KEPT, "A get from an empty queue is answered by get-empty.", "")
RULE("basic.get/queue", DOC, KEPT, "Nobody gets from a queue that is not there: 404.", "")
RULE("basic.get-ok/count", DOC, KEPT, "get-ok tells how many messages still wait.", "")
RULE("basic.ack/multiple", MUST, KEPT, "With multiple, all up to the tag are acknowledged; with tag 0, all there are.",
     "")
RULE("basic.ack.multiple/exists", MUST, KEPT,
     "A tag that was not delivered, or is settled already, is 406 at once, in a transaction too.", "")
RULE("basic.reject/01", SHOULD, UNSHOWN, "A reject is taken while the message it means is being sent.",
     "deliveries are written whole into the outbox, so none is half sent when a reject is read")
RULE("basic.reject/02", SHOULD, KEPT, "A rejected message with requeue goes back.", "")
RULE("basic.reject/03", MUST, CLIENT, "Clients do not select messages by rejecting.", "")
RULE("basic.reject.requeue/discards", DOC, KEPT, "Without requeue it is dropped, or made a dead letter.", "")
RULE("basic.reject.requeue/01", MUST, RABBITMQ, "What was rejected does not come back on the same channel.",
     "it goes to whoever has credit, the same consumer too")
RULE("basic.recover-async/01", MUST, KEPT, "What comes again says that it was delivered before.", "")
RULE("basic.recover/01", MUST, KEPT, "What comes again says that it was delivered before.", "")
RULE("basic.recover.requeue/original", DOC, RABBITMQ, "Without requeue, messages come again to who had them.",
     "it is not implemented: 540")

/* ---- class tx ------------------------------------------------------------------------------------------------ */

RULE("tx/atomic", SHOULD, KEPT,
     "What is published and acknowledged in a transaction is done at its commit, or not at all.",
     "h_a_transaction_is_all_or_nothing")
RULE("tx/not multiple queues", MUST, CLIENT, "Clients do not count on transactions over several queues; here they may.",
     "")
RULE("tx/not immediate", MUST, CLIENT, "Clients do not count on immediate in transactions.", "")
RULE("tx/not mandatory", MUST, CLIENT,
     "Clients do not count on mandatory in transactions; here it is returned at the commit.", "")
RULE("tx.select/again", DOC, KEPT, "Selecting again changes nothing.", "")
RULE("tx.commit/transacted", MUST, KEPT, "A commit needs a channel with transactions: 406.", "")
RULE("tx.rollback/transacted", MUST, KEPT, "A rollback needs a channel with transactions: 406.", "")
RULE("tx.rollback/publications", MUST, KEPT, "Publications that are rolled back are gone.", "")
RULE("tx.rollback/acknowledgements", MUST, KEPT,
     "Acknowledgements that are rolled back may be made again; nothing is delivered anew.", "")

/* ---- chapter 4 ----------------------------------------------------------------------------------------------- */

RULE("4.2.2/header", MUST, KEPT, "A client begins by the protocol header; a server that agrees says start.",
     "a_stranger_is_told_what_is_spoken_here")
RULE("4.2.2/version", MUST, KEPT, "A header of another version is answered by ours, and the connection is closed.", "")
RULE("4.2.3/type", MUST, RABBITMQ, "A frame of unknown type ends the connection without another word.",
     "it is told 501 before")
RULE("4.2.3/end", MUST, RABBITMQ, "A frame with a wrong end octet ends the connection without another word.",
     "it is told 501 before")
RULE("4.2.3/size", MUST, KEPT, "A frame above the agreed size is 501; one of just that size is taken.",
     "frames_too_large_are_not_waited_for")
RULE("4.2.3/size-sent", MUST, KEPT, "No frame above the agreed size is sent.", "b_a_large_message_is_cut_into_frames")
RULE("4.2.3/channel-zero", MUST, RABBITMQ, "Methods of class connection are on channel 0 and others are not: 503.",
     "others on channel 0 are 504")
RULE("4.2.4/method", MUST, KEPT, "A method that there is not is 503, a class that there is not 540.", "")
RULE("4.2.4/arguments", MUST, RABBITMQ, "Arguments that do not fit their method are 502.", "they are 501")
RULE("4.2.5.3/short", MUST, RABBITMQ, "A short string has up to 255 octets of UTF-8 without zero octets.",
     "zero octets are not looked for; what is no UTF-8 is 501")
RULE("4.2.5.4/timestamps", DOC, KEPT, "A timestamp is 64 bits of seconds.", "amqp:every_property")
RULE("4.2.5.5/types", MUST, KEPT, "Field tables hold values of all types, by RabbitMQ's letters; others are 502.", "")
RULE("4.2.5.5/names", SHOULD, RABBITMQ, "A field's name begins with a letter, $ or #: else 502.", "any name will do")
RULE("4.2.5.5/duplicates", MUST, KEPT, "Of fields of one name, the first one counts.", "")
RULE("4.2.6/bodies", MUST, KEPT, "Content may come in any number of body frames.", "")
RULE("4.2.6/interleaved", MUST, KEPT, "Content of one channel may come between that of others.", "")
RULE("4.2.6/incomplete", MUST, KEPT, "Content that is incomplete or out of place is 505.", "")
RULE("4.2.6/channel", MUST, KEPT, "Content on channel 0 is 504.", "")
RULE("4.2.6.1/class", MUST, RABBITMQ, "A content header of another class than its method's is 501.", "it is 505")
RULE("4.2.6.1/weight", MUST, KEPT, "The weight of a content header is 0.", "")
RULE("4.2.6.1/properties", MUST, KEPT, "Properties are those that the flags tell, and come back as they were.", "")
RULE("4.2.7/sending", MUST, KEPT, "A heartbeat is sent when nothing else was for an interval, if it was asked for.", "")
RULE("4.2.7/discarding", MUST, KEPT, "A heartbeat is taken at any time, asked for or not.", "")
RULE("4.2.7/missing", SHOULD, KEPT, "Who is silent for two intervals is cut off without a word.",
     "m_who_is_silent_is_dropped")
RULE("4.2.7/channel-zero", MUST, RABBITMQ, "A heartbeat on another channel than 0 is 503.", "it is 505")
RULE("4.3/open", MUST, KEPT, "A channel is opened before it is used: 504.", "")
RULE("4.3/maximum", MUST, KEPT, "No channel is opened above the agreed number.", "channels_without_end")
RULE("4.3/independent", MUST, KEPT, "Channels do not disturb each other.", "")
RULE("4.3/fairness", SHOULD, UNSHOWN, "Busy channels share a connection fairly.",
     "a measurement, not a conversation: consumers are fed in turns of bounded credit")
RULE("4.4/visibility", MUST, KEPT, "A method's effect is seen by all that follow it on its channel.", "")
RULE("4.6/synchronization", MUST, KEPT,
     "Messages that go the same way from a publisher to a consumer do not overtake each other.",
     "amqp:order_from_a_channel_to_a_queue")
RULE("4.7/order", MUST, KEPT, "Messages from one channel by one exchange to one queue stay in order.", "")
RULE("4.8/channel", MUST, KEPT, "A soft error closes the channel, with code, text and method.",
     "each_gets_its_code_and_text")
RULE("4.8/connection", MUST, KEPT, "A hard error closes the connection, with code, text and method.",
     "each_gets_its_code_and_text")
RULE("4.10.1/buffers", MUST, KEPT, "No length that a peer tells is trusted before its bytes have come.",
     "frames_too_large_are_not_waited_for messages_too_large_cost_nothing")
RULE("4.10.2/denial", SHOULD, KEPT, "Peers that are slow, or say nothing, cost a bounded amount, for a bounded time.",
     "a_byte_a_second amqp:handshake_that_stops")

/* ---- RabbitMQ ------------------------------------------------------------------------------------------------ */

RULE("publisher_confirms", DOC, KEPT, "confirm.select: each publication is acked when it is safe, or nacked.",
     "e_confirms_are_coalesced_and_durable")
RULE("exchange_exchange_bindings", DOC, KEPT, "Exchanges are bound to exchanges; each is passed once by a message.", "")
RULE("basic.nack/multiple", DOC, KEPT, "basic.nack settles as ack does, and requeues in the old place, or drops.", "")
RULE("consumer_cancel_notify", DOC, KEPT, "A consumer whose queue is gone is told by basic.cancel, when it can be.",
     "g_a_consumer_hears_that_its_queue_is_gone")
RULE("connection.blocked", DOC, KEPT, "Publishers are told when they are held back, and when they are not any more.",
     "l_a_full_disk_blocks_publishers a_publisher_that_outruns_is_blocked "
     "nothing_of_a_publisher_that_consumes_is_lost its_settlements_make_room")
RULE("connection.update-secret/answered", DOC, KEPT, "connection.update-secret is answered.", "")
RULE("direct_reply_to", DOC, KEPT, "amq.rabbitmq.reply-to is a queue of the channel's own, without being one.",
     "i_a_request_is_answered_directly")
RULE("access.request", DOC, KEPT, "access.request, of AMQP 0-8, is granted.", "")
RULE("consumer_priorities", DOC, KEPT, "Consumers of a higher x-priority are fed first.", "")
RULE("alternate-exchange", DOC, KEPT, "What an exchange routes to nobody goes to its alternate exchange.", "")
RULE("sender-selected distribution", DOC, KEPT, "The headers CC and BCC name further keys; BCC is taken out.", "")
RULE("x-dead-letter-exchange", DOC, KEPT, "What dies goes to the dead letter exchange, with its story in x-death.", "")
RULE("x-max-length", DOC, KEPT, "A queue keeps no more messages than it says, of all priorities together.", "")
RULE("x-max-length-bytes", DOC, KEPT, "A queue keeps no more bytes of bodies that are ready than it says.", "")
RULE("x-message-ttl", DOC, KEPT, "A message waits no longer than that, or than its own expiration.", "")
RULE("x-expires", DOC, KEPT, "A queue that nobody uses for so long is deleted.", "")
RULE("x-single-active-consumer", DOC, KEPT, "One consumer gets all, until it goes; then the next.", "")
RULE("arguments", DOC, KEPT, "Arguments that a queue knows are checked: 406.", "each_gets_its_code_and_text")
