/* conformance/amqp_settle.c - The rules of acknowledging, rejecting, recovering; and of class tx. */
#include "base/must.h"
#include "conformance/amqp_vector.h"

#define PUT(body)          "1 > basic.publish routing-key=q '" body "'\n"
#define GET(n, more)       "1 > basic.get queue=q\n1 < basic.get-ok delivery-tag=" #n " " more "\n"
#define THREE              OPEN QUEUE_Q PUT("1") PUT("2") PUT("3") GET(1, "* '1'") GET(2, "* '2'") GET(3, "* '3'")
#define EMPTY              "1 > basic.get queue=q\n1 < basic.get-empty\n"
#define UNKNOWN(n, method) CHANNEL_FAILS(406, "PRECONDITION_FAILED - unknown delivery tag " #n, 60, method)
#define SELECT             "1 > tx.select\n1 < tx.select-ok\n"
#define COMMIT             "1 > tx.commit\n1 < tx.commit-ok\n"
#define ROLLBACK           "1 > tx.rollback\n1 < tx.rollback-ok\n"

/* clang-format off */
static const struct amqp_vector rows[] = {
    /* ---- ack ---- */
    { "ack_one", "basic.ack.multiple/exists",
      THREE "1 > basic.ack delivery-tag=2\n1 > basic.recover requeue\n1 < basic.recover-ok\n"
      GET(4, "redelivered routing-key=q message-count=1 '1'") GET(5, "redelivered routing-key=q '3'") },
    { "ack_up_to", "basic.ack/multiple",
      THREE "1 > basic.ack delivery-tag=2 multiple\n1 > basic.recover requeue\n1 < basic.recover-ok\n"
      GET(4, "redelivered routing-key=q '3'") },
    { "ack_all", "basic.ack/multiple",
      THREE "1 > basic.ack multiple\n1 > basic.recover requeue\n1 < basic.recover-ok\n" EMPTY },
    { "ack_all_of_nothing", "basic.ack/multiple", OPEN QUEUE_Q "1 > basic.ack multiple\n" EMPTY },
    { "ack_of_an_unknown_tag", "basic.ack.multiple/exists", OPEN "1 > basic.ack delivery-tag=1\n" UNKNOWN(1, 80) },
    { "ack_twice", "basic.ack.multiple/exists",
      THREE "1 > basic.ack delivery-tag=1\n1 > basic.ack delivery-tag=1\n" UNKNOWN(1, 80) },
    { "ack_of_zero_alone", "basic.ack.multiple/exists", THREE "1 > basic.ack\n" UNKNOWN(0, 80) },
    { "ack_of_what_needs_none", "basic.ack.multiple/exists",
      OPEN QUEUE_Q PUT("x") "1 > basic.get queue=q no-ack\n1 < basic.get-ok * 'x'\n1 > basic.ack delivery-tag=1\n" UNKNOWN(1, 80) },
    { "ack_in_a_transaction_is_checked_at_once", "basic.ack.multiple/exists",
      OPEN SELECT "1 > basic.ack delivery-tag=1\n" UNKNOWN(1, 80) },
    { "ack_on_another_channel", "delivery-tag/channel-local",
      OPEN2 QUEUE_Q PUT("x") GET(1, "* 'x'") "2 > basic.ack delivery-tag=1\n"
      "2 < channel.close reply-code=406 reply-text=\"PRECONDITION_FAILED - unknown delivery tag 1\" class-id=60 method-id=80\n" },

    /* ---- reject, nack, recover ---- */
    { "reject_requeues", "basic.reject/02",
      OPEN QUEUE_Q PUT("x") GET(1, "* 'x'") "1 > basic.reject delivery-tag=1 requeue\n" GET(2, "redelivered routing-key=q 'x'") },
    { "reject_discards", "basic.reject.requeue/discards",
      OPEN QUEUE_Q PUT("x") GET(1, "* 'x'") "1 > basic.reject delivery-tag=1\n" EMPTY },
    { "reject_makes_dead", "basic.reject.requeue/discards",
      OPEN "1 > queue.declare queue=d\n1 < queue.declare-ok queue=d\n"
      "1 > queue.declare queue=q arguments={x-dead-letter-exchange=\"\" x-dead-letter-routing-key=d}\n1 < queue.declare-ok queue=q\n"
      PUT("x") GET(1, "* 'x'") "1 > basic.reject delivery-tag=1\nwait 200\n1 > basic.get queue=d no-ack\n"
      "1 < basic.get-ok delivery-tag=2 routing-key=d headers={x-death:A=[F={count:l=1 reason=rejected queue=q time:T=* "
      "exchange=\"\" routing-keys:A=[q]}] x-first-death-reason=rejected x-first-death-queue=q x-first-death-exchange=\"\"} 'x'\n" },
    { "rejected_message_comes_back_to_the_same_consumer", "basic.reject.requeue/01",
      OPEN QUEUE_Q PUT("x") "1 > basic.consume queue=q consumer-tag=c\n1 < basic.consume-ok consumer-tag=c\n"
      "1 < basic.deliver consumer-tag=c delivery-tag=1 routing-key=q 'x'\n1 > basic.reject delivery-tag=1 requeue\n"
      "1 < basic.deliver consumer-tag=c delivery-tag=2 redelivered routing-key=q 'x'\n" },
    { "reject_of_an_unknown_tag", "basic.ack.multiple/exists", OPEN "1 > basic.reject delivery-tag=4\n" UNKNOWN(4, 90) },
    { "nack_many", "basic.nack/multiple",
      THREE "1 > basic.nack delivery-tag=2 multiple requeue\n" GET(4, "redelivered routing-key=q message-count=1 '1'")
      GET(5, "redelivered routing-key=q '2'") },
    { "nack_of_an_unknown_tag", "basic.ack.multiple/exists", OPEN "1 > basic.nack delivery-tag=4\n" UNKNOWN(4, 120) },
    { "nack_keeps_the_place", "basic.nack/multiple",
      OPEN QUEUE_Q PUT("1") PUT("2") GET(1, "* '1'") "1 > basic.nack delivery-tag=1 requeue\n"
      GET(2, "redelivered routing-key=q message-count=1 '1'") },
    { "recover", "basic.recover/01",
      THREE "1 > basic.recover requeue\n1 < basic.recover-ok\n" GET(4, "redelivered * '1'") GET(5, "redelivered * '2'")
      GET(6, "redelivered * '3'") },
    { "recover_async", "basic.recover-async/01",
      OPEN QUEUE_Q PUT("x") GET(1, "* 'x'") "1 > basic.recover-async requeue\n" GET(2, "redelivered * 'x'") },
    { "recover_to_the_same", "basic.recover.requeue/original",
      OPEN "1 > basic.recover\n" CONNECTION_FAILS(540, "NOT_IMPLEMENTED - requeue=false", " class-id=60 method-id=110") },

    /* ---- tx ---- */
    { "tx_publications_wait_for_the_commit", "tx/atomic",
      OPEN2 QUEUE_Q SELECT PUT("1") PUT("2") "2 > basic.get queue=q no-ack\n2 < basic.get-empty\n" COMMIT
      "2 > basic.get queue=q no-ack\n2 < basic.get-ok delivery-tag=1 routing-key=q message-count=1 '1'\n" },
    { "tx_publications_are_taken_back", "tx.rollback/publications", OPEN QUEUE_Q SELECT PUT("1") ROLLBACK COMMIT EMPTY },
    { "tx_acks_wait_for_the_commit", "tx/atomic",
      OPEN QUEUE_Q PUT("x") GET(1, "* 'x'") SELECT "1 > basic.ack delivery-tag=1\nwait 50\ncut\n"
      OPEN GET(1, "redelivered routing-key=q 'x'") SELECT "1 > basic.ack delivery-tag=1\n" COMMIT "cut\n" OPEN EMPTY },
    { "tx_acks_are_taken_back", "tx.rollback/acknowledgements",
      OPEN QUEUE_Q PUT("x") GET(1, "* 'x'") SELECT "1 > basic.ack delivery-tag=1\n" ROLLBACK "1 > basic.ack delivery-tag=1\n" COMMIT
      "1 > basic.recover requeue\n1 < basic.recover-ok\n" EMPTY },
    { "tx_over_two_queues", "tx/not multiple queues",
      OPEN "1 > queue.declare queue=q durable\n1 < queue.declare-ok queue=q\n1 > queue.declare queue=r durable\n"
      "1 < queue.declare-ok queue=r\n" SELECT "1 > basic.publish routing-key=q delivery-mode=2 '1'\n"
      "1 > basic.publish routing-key=r delivery-mode=2 '2'\n" COMMIT "power\n"
      OPEN "1 > basic.get queue=q no-ack\n1 < basic.get-ok * '1'\n1 > basic.get queue=r no-ack\n1 < basic.get-ok * '2'\n" },
    { "tx_mandatory", "tx/not mandatory",
      OPEN SELECT "1 > basic.publish routing-key=nobody mandatory 'x'\nquiet\n1 > tx.commit\n1 < basic.return * 'x'\n"
      "1 < tx.commit-ok\n" },
    { "tx_without_select", "tx.commit/transacted",
      OPEN "1 > tx.commit\n" CHANNEL_FAILS(406, "PRECONDITION_FAILED - channel is not transactional", 90, 20) },
    { "tx_rollback_without_select", "tx.rollback/transacted",
      OPEN "1 > tx.rollback\n" CHANNEL_FAILS(406, "PRECONDITION_FAILED - channel is not transactional", 90, 30) },
    { "tx_selected_twice", "tx.select/again", OPEN SELECT SELECT COMMIT },
    { "tx_ends_with_its_channel", "tx/atomic",
      OPEN2 QUEUE_Q SELECT PUT("1") "1 > channel.close reply-code=200\n1 < channel.close-ok\n"
      "2 > basic.get queue=q no-ack\n2 < basic.get-empty\n" },
};
/* clang-format on */

const struct amqp_vectors amqp_vectors_settle = { rows, COUNT_OF(rows) };
