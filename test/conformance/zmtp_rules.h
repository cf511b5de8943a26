/* conformance/zmtp_rules.h - The rules of ZMTP and of ZeroMQ's patterns, in our words, by RFC and section, which are
 * counted as they stand (src/wire/zmtp_rule.h): 37 is ZMTP 3.1, 23 is 3.0 where it differs, 15 is 2.0; 24 PLAIN, 25 and
 * 26 CURVE; 28 to 31 the patterns.
 *
 *     KEPT(id, level, text, tests)
 *     OTHERWISE(id, level, text, instead, tests)    another way is gone: which, and why
 *     UNSHOWN(id, level, text, why)                 no test can show it
 *
 * `level` is the rule's: MUST (also SHALL), SHOULD, MAY, or DOC for what only the grammar or the prose says.  The
 * vectors of test/conformance/zmtp_*.c name the rule they show; `tests` are further ones, as the test programs print
 * them, with blanks between ("zmtp:NAME" is a vector of another rule).  A rule that none shows yet has not been run. */

/* ---- 37/3 greeting ------------------------------------------------------------------------------------------- */

KEPT("37/3.2/greeting", DOC, "A greeting is signature, version, mechanism, as-server and filler: 64 octets.",
     "greetings_are_written_as_they_are_read")
KEPT("37/3.2/signature", DOC, "The signature begins with FF and ends with 7F.",
     "first_bytes_tell_a_greeting greetings_do_not_tell_anything_in_the_signature wrong_greetings_are_refused")
KEPT("37/3.2/mechanism", DOC,
     "The mechanism is a name of capital letters, digits, hyphens, underscores, dots and pluses, padded with zeros.",
     "")
KEPT("37/3.2/as-server", DOC, "as-server is 0 or 1.", "")
KEPT("37/3.2/filler", DOC, "The filler is 31 zeros.", "")
KEPT("37/3.2/handshake", DOC, "Nothing but commands comes before the handshake is done.", "breaches_of_the_handshake")
KEPT("37/3.2/traffic", DOC, "Commands may come between messages.", "")
KEPT("37/3.2/command", DOC, "A command is its name, behind the name's length, and data.",
     "commands_are_written_as_they_are_read")
KEPT("37/3.2/command-name", DOC, "A command's name is 1 to 255 letters.", "")
KEPT("37/3.3/eleven", MUST,
     "Signature and major version are sent first, and are enough to go on with; no side waits for all of the greeting.",
     "greeting_is_staggered")
KEPT("37/3.3/padding", MUST, "What is between FF and 7F is not looked at.", "")
KEPT("37/3.3/higher", MUST, "Higher versions are taken, and 3.1 is spoken with them.",
     "newer_versions_are_taken_for_3_1")
KEPT("37/3.3/lower", MUST, "A peer of a version that is not spoken here is left.", "wrong_greetings_are_refused")
KEPT("37/3.4/bind-or-connect", MUST, "Either side of a mechanism may bind, the other connects.",
     "speaks_plain speaks_curve")
KEPT("37/3.4/roles", MUST, "With a mechanism that has no roles, as-server has no significance.", "")
KEPT("37/3.5/full-greeting", MUST, "Who has read a full greeting sends a full greeting.", "greeting_is_staggered")
KEPT("37/3.5/same-mechanism", MUST, "A peer with another mechanism is left.", "another_mechanism_is_refused")
KEPT("37/3.5/command-size", SHOULD, "A command of up to 255 octets is a short frame, a longer one a long one.",
     "commands_are_written_as_they_are_read heads_are_as_short_as_can_be")
KEPT("37/3.6/error", MUST, "ERROR in the handshake ends the connection.", "error_is_understood")
OTHERWISE("37/3.6/error-for-good", MUST, "Who was told ERROR does not come back with the same credentials.",
          "after the longest interval it tries again, for passwords are mended", "who_is_denied_takes_its_time")
KEPT("37/3.6/closed", SHOULD, "A connection that was closed unexpectedly is made again.", "what_waits_survives_a_loss")
KEPT("37/3.6/backoff", SHOULD, "It is made again after an interval that grows and is not the same for all.",
     "backs_off")

/* ---- 37/3.7 frames ------------------------------------------------------------------------------------------- */

KEPT("37/3.7/size", DOC, "A frame's size counts its body only, which may be empty.", "frames_say_how_much_to_wait_for")
KEPT("37/3.7/short", DOC, "A short frame has a body of 0 to 255 octets.", "")
KEPT("37/3.7/long", DOC, "A long frame has a body of any size, also of one that a short frame could have.", "")
KEPT("37/3.7/size-max", DOC, "No body is larger than 2^63-1 octets.", "")
KEPT("37/3.7/reserved", MUST, "Bits 7 to 3 of the flags are zero.", "")
KEPT("37/3.7/command", DOC, "COMMAND tells a command from a message.", "")
KEPT("37/3.7/more", DOC, "MORE says that the message goes on in the next frame.", "runs_are_walked_as_they_were_parsed")
KEPT("37/3.7/command-more", MUST, "MORE is zero on a command.", "")
KEPT("37/3.7.2/atomic", MUST, "A message is delivered with all its frames, or not at all.",
     "greeting_comes_byte_by_byte pushes_to_a_puller")

/* ---- 37/3.8 NULL --------------------------------------------------------------------------------------------- */

OTHERWISE("37/3.8/as-server", MUST, "With NULL, as-server is zero.",
          "it is sent as zero, and taken as it comes: 37/3.4 gives it no significance", "zmtp:as_server_with_null")
KEPT("37/3.8/ready", MUST, "Both sides send READY, and send messages when they have sent and received it.",
     "null_from_both_sides")
KEPT("23/4/ready-first", MUST, "READY is sent before one is waited for.", "greeting_is_staggered")
KEPT("37/3.8/metadata", DOC, "Metadata is properties behind each other: name and value behind their lengths.",
     "properties_are_written_as_they_are_read")
KEPT("37/3.8/name", MUST, "A property's name is 1 to 255 letters, digits, hyphens, underscores, dots or pluses.", "")
KEPT("37/3.8/value", MUST, "A property's value is 0 to 2^31-1 octets of anything.", "")
KEPT("37/3.8/error", DOC, "ERROR has a reason of 0 to 255 octets behind its length.", "error_is_understood")
OTHERWISE("37/3.8/error-text", DOC, "A reason is visible characters.",
          "blanks are taken and sent too, and the reason ends before what is no text", "")

/* ---- 37/3.9 metadata ----------------------------------------------------------------------------------------- */

KEPT("37/3.9/properties", DOC, "Socket-Type, Identity and Resource are known.", "")
KEPT("37/3.9/case", MUST, "The case of a property's name means nothing.", "properties_are_written_as_they_are_read")
KEPT("37/3.9/others", MAY, "Other properties may be there.", "")
KEPT("37/3.9.1/type", MUST, "Socket-Type is the name of one, in capital letters.", "patterns_have_names")
KEPT("37/3.9.1/told", SHOULD, "Socket-Type is told.", "greeting_is_staggered")
KEPT("37/3.9.1/combinations", SHOULD, "Only those talk to each other that the table says.",
     "patterns_talk_to_those_that_the_table_says")
KEPT("37/3.9.1/refusal", SHOULD, "A peer of a type that does not fit is told ERROR, and left.",
     "misfits_are_told refuses_who_does_not_fit")
KEPT("37/3.9.2/length", MUST, "An identity is 0 to 255 octets.", "")
KEPT("37/3.9.2/zero", MUST, "An identity does not begin with a zero.", "")
KEPT("37/3.9.2/ignored", MUST, "The identity of a peer means nothing but to a ROUTER.",
     "an_identity_means_nothing_but_to_a_router")
KEPT("37/3.9.3/grammar", MUST, "A resource is names with slashes between them.", "")
KEPT("37/3.9.3/accepted", MUST, "Every resource is accepted.", "null_from_both_sides")

/* ---- 37/4 sockets -------------------------------------------------------------------------------------------- */

KEPT("37/4/both", MUST, "Every socket accepts connections and makes them.", "pushes_to_a_puller a_pair_talks")
KEPT("37/4/opportunistic", MUST, "Connections are made in the background, and again when they break.",
     "what_waits_survives_a_loss")
OTHERWISE("37/4/once", MUST, "No message is delivered to a peer twice.",
          "a REQ sends its request again when no reply comes",
          "nothing_leaves_twice a_request_without_a_reply_is_sent_again")
KEPT("37/4/order", MUST, "Messages between two peers stay in order.", "nothing_leaves_twice")
KEPT("37/4.2/publisher-filters", MUST, "Messages are filtered at the publisher.", "publishes_by_prefix")
KEPT("37/4.2/commands", MUST, "To a peer of 3.1 SUBSCRIBE and CANCEL are sent, and taken from it, as commands.",
     "subscribing_at_2_0_and_3_0")
KEPT("37/4.2/prefix", MUST, "A subscription matches all messages that begin with it, an empty one all.",
     "publishes_by_prefix publishes_to_whom_it_concerns")
KEPT("37/4.2/counted", MUST, "What was subscribed to twice is canceled by two CANCELs.", "publishes_by_prefix")
KEPT("23/5.2/messages", MUST,
     "To a peer of 3.0 subscriptions are sent, and taken from any, as messages that begin with 1 or 0.",
     "subscribing_at_2_0_and_3_0 peer_of_2_0")

/* ---- 37/5 heartbeats ----------------------------------------------------------------------------------------- */

KEPT("37/5/ping", DOC, "PING has a time to live in tenths of a second and a context.", "")
KEPT("37/5/context", MUST, "A context is at most 16 octets.", "")
KEPT("37/5/pong", MUST, "PING is answered by PONG with the same context.", "")
KEPT("37/5/silence", SHOULD, "A peer that was sent PING, and is silent for a time, is gone.",
     "silence_is_asked_and_then_left")
KEPT("37/5/ttl", SHOULD, "A peer that sent PING, and is silent for its time to live, is gone.",
     "time_to_live_is_honoured time_to_live_is_taken_back")
KEPT("37/5/any-traffic", SHOULD, "Everything that comes is a sign of life.", "whatever_comes_is_a_sign_of_life")
OTHERWISE("37/5/storm", SHOULD, "No PING is sent while one is not answered.",
          "one more each interval, until the timeout", "silence_is_asked_and_then_left")

/* ---- 37/6 older versions -------------------------------------------------------------------------------------- */

KEPT("37/6.1/older", MAY, "A peer of version 1 or 2 speaks ZMTP 2.0, and so do we with it.", "peer_of_2_0")
KEPT("37/6.2/signature", MAY, "A signature may hold a length, for peers of ZMTP 1.0.", "")
KEPT("37/6.2/1.0", MAY, "A peer of ZMTP 1.0 is known by its first octets; it is left.", "wrong_greetings_are_refused")
KEPT("37/6.2/security", MUST, "With another mechanism than NULL a peer of ZMTP 2.0 is left.", "security_is_not_for_2_0")

/* ---- 37/8, 37/9 ------------------------------------------------------------------------------------------------ */

KEPT("37/8/clear", MUST, "Without encryption messages are sent as message frames.", "room_is_written_in_place")
OTHERWISE("37/8/encrypted", MUST, "With encryption messages are sent as commands.",
          "as libzmq does, MESSAGE goes in a message frame; both are taken", "curve_from_both_sides")
KEPT("37/9/downgrade", MUST, "Nobody gets a lesser mechanism than the socket was told to have.",
     "another_mechanism_is_refused security_is_not_for_2_0")
KEPT("37/9/memory", MAY, "No size that a peer tells is trusted before its octets have come.",
     "frames_say_how_much_to_wait_for")
KEPT("37/9/handshakes", MAY, "A handshake that does not end is ended.",
     "slow_greeting_is_left silent_handshake_is_left")
UNSHOWN("37/9/padding", SHOULD, "Encrypted messages are padded, and noise is sent between them.",
        "not done, as in libzmq")

/* ---- 15 ZMTP 2.0 ----------------------------------------------------------------------------------------------- */

KEPT("15/5.1/greeting", DOC, "A greeting is signature, revision 1, socket type and identity.", "peer_of_2_0")
KEPT("15/5.1/socket-type", DOC, "The socket type is one of the numbers.", "")
KEPT("15/5.1/identity", DOC, "The identity is one short frame.", "peer_of_2_0")
KEPT("15/5.2/size", DOC, "A frame's size counts its body only.", "")
KEPT("15/5.2/more", MUST, "MORE says that the message goes on in the next frame.", "")
KEPT("15/5.2/long", DOC, "A long frame has its size in eight octets.", "")
KEPT("15/5.2/reserved", MUST, "Bits 7 to 2 of the flags are zero: there are no commands.", "peer_of_2_0")
KEPT("15/5.3/combinations", SHOULD, "A peer of a type that does not fit is left without a word.", "")
OTHERWISE("15/5.4/xpub", DOC, "XPUB and XSUB are PUB and SUB on the wire.",
          "their own numbers, which libzmq sends, are known as well", "")
KEPT("15/5.4/subscriptions", DOC, "Subscriptions are messages that begin with 1, their ends with 0.",
     "peer_of_2_0 subscribing_at_2_0_and_3_0")

/* ---- 24 PLAIN -------------------------------------------------------------------------------------------------- */

KEPT("24/3/hello", DOC, "HELLO is user name and password, each of 0 to 255 octets.", "")
OTHERWISE("24/3/text", DOC, "User name and password are visible characters.",
          "they are octets, compared by whoever lets in", "")
KEPT("24/3/welcome", DOC, "WELCOME has no data.", "")
KEPT("24/3/initiate", DOC, "INITIATE and READY have metadata.", "")
KEPT("24/3/order", DOC, "HELLO, WELCOME, INITIATE, READY, each once and in this order.",
     "plain_from_both_sides breaches_of_plain")
KEPT("24/3/refusal", DOC, "Who is not let in is told ERROR, and left.", "plain_denies")
OTHERWISE("24/3/as-server", DOC, "as-server says who is the server.",
          "libzmq never sets it: who is the server is known from the sockets' settings", "plain_understands_libzmq")

/* ---- 26 CURVE -------------------------------------------------------------------------------------------------- */

KEPT("26/2.5/order", DOC, "HELLO, WELCOME, INITIATE, READY, each once and in this order, then MESSAGEs.",
     "curve_from_both_sides")
KEPT("26/2.5/error", MUST, "A client that is refused is told ERROR.", "curve_denies_a_key")
OTHERWISE("26/2.5/error-for-good", MUST, "Who was told ERROR does not try again with the same keys.",
          "after the longest interval it tries again, for keys are added to servers", "who_is_denied_takes_its_time")
KEPT("26/2.5/error-by-client", MUST, "A client sends no ERROR.", "")
KEPT("26/2.7.1/layout", MUST, "HELLO is version, padding, the client's transient key, a nonce and a box.", "")
KEPT("26/2.7.1/size", MUST, "HELLO is 200 octets long.", "")
KEPT("26/2.7.1/version", MUST, "The version of CurveZMQ is 1.0.", "")
KEPT("26/2.7.1/padding", MUST, "The padding is zeros.", "")
KEPT("26/2.7.1/box", MUST, "A client with a false HELLO is refused and left.",
     "curve_denies_false_proofs curve_notices_every_change")
KEPT("26/2.7.1/no-state", SHOULD, "The server keeps nothing of a HELLO but in the cookie.", "")
KEPT("26/2.7.1/nonces", MUST, "A peer whose short nonces do not grow is left.", "curve_notices_changes_of_traffic")
KEPT("26/2.7.2/layout", MUST, "WELCOME is a nonce and a box with the server's transient key and the cookie.", "")
KEPT("26/2.7.2/size", MUST, "WELCOME is 168 octets long.", "")
KEPT("26/2.7.2/box", MUST, "A server with a false WELCOME is left.", "curve_notices_every_change")
KEPT("26/2.7.3/layout", MUST, "INITIATE is the cookie, a nonce and a box with key, vouch and metadata.", "")
KEPT("26/2.7.3/size", MUST, "INITIATE is at least 257 octets long.", "")
KEPT("26/2.7.3/box", MUST, "A client with a false cookie, box or vouch is left.",
     "curve_notices_every_change curve_denies_false_proofs")
KEPT("26/2.7.4/layout", MUST, "READY is a nonce and a box with metadata.", "")
KEPT("26/2.7.4/size", MUST, "READY is at least 30 octets long.", "")
KEPT("26/2.7.4/box", MUST, "A server with a false READY is left.", "curve_notices_every_change")
KEPT("26/2.7.5/layout", MUST, "MESSAGE is a nonce and a box with flags and body.", "")
KEPT("26/2.7.5/size", MUST, "MESSAGE is at least 33 octets long.", "")
KEPT("26/2.7.5/flags", MUST, "Bits 7 to 1 of the flags in a MESSAGE are zero.", "flags_of_a_box_are_told_apart")
OTHERWISE("26/2.7.5/command", DOC, "No bit of a MESSAGE says that it is a command.",
          "bit 1 does, as in libzmq, which so sends PING, SUBSCRIBE and CANCEL", "")
KEPT("26/2.7.5/box", MUST, "A peer with a false MESSAGE is left without a word.", "curve_notices_changes_of_traffic")

/* ---- 28 request and reply ---------------------------------------------------------------------------------------- */

OTHERWISE("28/4/lockstep", MUST, "A REQ sends one message, then receives one.",
          "it may give up on a request by sending another", "asks_and_answers a_new_request_never_gets_the_old_reply")
KEPT("28/4/delimiter", MUST, "A REQ puts an empty frame before its message, and takes it off the reply.",
     "a_router_answers_by_name")
KEPT("28/4/round-robin", MUST, "A REQ asks its peers in turn.", "asks_in_turn")
KEPT("28/4/no-peer", MUST, "Without a peer a REQ waits or fails; it drops nothing.",
     "a_request_waits_for_its_peer_to_come_back")
KEPT("28/4/reply", MUST, "A REQ takes a reply only from whom it asked last; others are dropped without a word.",
     "a_new_request_never_gets_the_old_reply")
KEPT("28/5/lockstep", MUST, "A REP receives one message, then sends one.", "asks_and_answers")
KEPT("28/5/fair", MUST, "A REP receives from its peers in turn.", "receives_in_turn")
KEPT("28/5/envelope", MUST, "A REP keeps all up to the empty frame, and puts it before its reply.",
     "a_replier_keeps_the_envelope")
KEPT("28/5/back", MUST, "A reply goes to whom the request came from; if that is gone it is dropped.",
     "a_replier_keeps_the_envelope a_request_goes_to_another_when_its_peer_dies")
KEPT("28/6/unchanged", MUST, "A DEALER changes nothing in a message.", "dealers_talk")
KEPT("28/6/round-robin", MUST, "A DEALER sends to those in turn whose queue has room.", "sends_in_turn")
KEPT("28/6/full", MUST, "Without such a peer a DEALER waits or fails; it drops nothing.", "a_full_queue_waits_or_drops")
KEPT("28/6/fair", MUST, "A DEALER receives from its peers in turn.", "receives_in_turn")
KEPT("28/6/queue", MUST, "A queue is there from the attempt to connect on; one of a peer that came goes with it.",
     "queues_come_and_go_with_their_peers")
KEPT("28/7/identity", SHOULD, "A ROUTER knows a peer by the identity that it told, or else by one of its own.",
     "an_identity_is_one_peers who_has_no_identity_is_given_one")
KEPT("28/7/prefix", MUST, "A ROUTER puts the identity before a message that came, and takes it off one to send.",
     "a_router_answers_by_name who_has_no_identity_is_given_one")
KEPT("28/7/unroutable", MUST, "What is for nobody, or for a full queue, is dropped, or an error, as configured.",
     "a_router_answers_by_name an_identity_is_one_peers a_full_queue_waits_or_drops")
KEPT("28/7/fair", MUST, "A ROUTER receives from its peers in turn.", "receives_in_turn")

/* ---- 29 publish and subscribe -------------------------------------------------------------------------------------
 */

KEPT("29/4/send-only", MUST, "A PUB only sends; what subscribers send is dropped without a word.",
     "what_comes_to_a_pub_is_dropped")
KEPT("29/4/prefix", MUST, "A subscription is compared with the beginning of the first frame.",
     "publishes_by_prefix publishes_to_whom_it_concerns")
KEPT("29/4/full", MUST, "A PUB does not wait: what is for a full queue is dropped.", "a_full_queue_waits_or_drops")
KEPT("29/5/delivered", MUST, "An XPUB is given subscriptions, and their ends, also when a subscriber is gone.",
     "subscriptions_reach_the_xpub subscribes_again")
KEPT("29/5/receive", MAY, "An XPUB receives what subscribers send.", "subscriptions_reach_the_xpub")
KEPT("29/5/once", MAY, "Of equal subscriptions an XPUB is given the first, and the end of the last.",
     "xpub_may_hear_every_subscription")
KEPT("29/6/receive-only", MUST, "A SUB only receives.", "a_sub_drops_what_it_does_not_want")
KEPT("29/6/fair", MUST, "A SUB receives from its publishers in turn.", "receives_in_turn")
KEPT("29/6/filter", MAY, "A SUB drops what it has not subscribed to.", "a_sub_drops_what_it_does_not_want")
KEPT("29/7/subscribe", MUST, "An XSUB subscribes by messages of its application, at all its publishers.",
     "subscriptions_reach_the_xpub")
KEPT("29/7/send", MUST, "An XSUB sends messages to all its publishers.", "sends_upstream_to_all")

/* ---- 30 pipeline, 31 pair ------------------------------------------------------------------------------------------
 */

KEPT("30/4/send-only", MUST, "A PUSH only sends.", "pushes_to_a_puller")
KEPT("30/4/round-robin", MUST, "A PUSH sends to those in turn whose queue has room.", "takes_turns")
KEPT("30/4/full", MUST, "Without such a peer a PUSH waits or fails; it drops nothing.",
     "a_full_queue_follows_its_policy")
KEPT("30/5/receive-only", MUST, "A PULL only receives.", "pushes_to_a_puller")
KEPT("30/5/fair", MUST, "A PULL receives from its peers in turn.", "takes_turns")
KEPT("31/4/one", MUST, "A PAIR has one peer at most.", "a_pair_is_exclusive")
KEPT("31/4/full", MUST, "Without a peer, or with a full queue, a PAIR waits or fails; it drops nothing.",
     "a_full_queue_waits_or_drops")
