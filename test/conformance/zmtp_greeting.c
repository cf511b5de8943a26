/* conformance/zmtp_greeting.c - greetings of ZMTP 3.1, 3.0 and 2.0, and of what else may come. */
#include "base/must.h"
#include "conformance/zmtp_vector.h"

#define GREETING(version, mechanism, server) ZMTP_SIGNATURE version " " mechanism server ZMTP_ZEROS_31
#define LONGEST                              "[ABCDEFGHIJKLMNOPQRST]"

/* clang-format off */
static const struct zmtp_vector rows[] = {
    /* ---- signature ---- */
    { "greeting_of_3_1", "37/3.2/greeting", ZMTP_READ_GREETING, GREETING("0301", ZMTP_IS_NULL, "00"), SAYS("3.1 NULL") },
    { "greeting_of_3_0", "37/3.2/greeting", ZMTP_READ_GREETING, GREETING("0300", ZMTP_IS_NULL, "00"), SAYS("3.0 NULL") },
    { "greeting_begins_otherwise", "37/3.2/signature", ZMTP_READ_GREETING, "[GET / HTTP/1.1]", BREAKS("37/3.2") },
    { "greeting_without_7f", "37/3.2/signature", ZMTP_READ_GREETING, "ff 0000000000000000 7e 03", BREAKS("37/3.2") },
    { "greeting_with_any_padding", "37/3.3/padding", ZMTP_READ_GREETING,
      "ff 0123456789abcdef 7f 0301" ZMTP_IS_NULL "00" ZMTP_ZEROS_31, SAYS("3.1 NULL") },
    { "greeting_with_a_length_for_1_0", "37/6.2/signature", ZMTP_READ_GREETING,
      "ff 0000000000000001 7f 0301" ZMTP_IS_NULL "00" ZMTP_ZEROS_31, SAYS("3.1 NULL") },
    { "greeting_of_1_0", "37/6.2/1.0", ZMTP_READ_GREETING, "01 00", BREAKS("37/3.2") },
    { "greeting_of_1_0_with_a_long_length", "37/6.2/1.0", ZMTP_READ_GREETING, "ff 0000000000000101 00", BREAKS("37/3.2") },

    /* ---- version ---- */
    { "version_is_told_at_eleven_bytes", "37/3.3/eleven", ZMTP_READ_VERSION, ZMTP_SIGNATURE "03", SAYS("3") },
    { "version_2_is_told_at_eleven_bytes", "37/6.1/older", ZMTP_READ_VERSION, ZMTP_SIGNATURE "01", SAYS("2") },
    { "version_above_ours_is_told", "37/3.3/higher", ZMTP_READ_VERSION, ZMTP_SIGNATURE "ff", SAYS("3") },
    { "version_of_a_later_minor", "37/3.3/higher", ZMTP_READ_GREETING, GREETING("0309", ZMTP_IS_NULL, "00"), SAYS("3.1 NULL") },
    { "version_of_a_later_major", "37/3.3/higher", ZMTP_READ_GREETING, GREETING("0400", ZMTP_IS_NULL, "00"), SAYS("3.1 NULL") },
    { "version_above_ours_with_another_filler", "37/3.3/higher", ZMTP_READ_GREETING,
      ZMTP_SIGNATURE "0302" ZMTP_IS_NULL "00 01" ZMTP_ZEROS_15 ZMTP_ZEROS_15, SAYS("3.1 NULL") },
    { "version_0", "37/3.3/lower", ZMTP_READ_VERSION, ZMTP_SIGNATURE "00", BREAKS("37/3.3") },

    /* ---- mechanism ---- */
    { "mechanism_plain_as_server", "37/3.2/as-server", ZMTP_READ_GREETING, GREETING("0301", ZMTP_IS_PLAIN, "01"),
      SAYS("3.1 PLAIN server") },
    { "mechanism_curve", "37/3.2/mechanism", ZMTP_READ_GREETING, GREETING("0301", ZMTP_IS_CURVE, "00"), SAYS("3.1 CURVE") },
    { "mechanism_of_twenty", "37/3.2/mechanism", ZMTP_READ_GREETING, GREETING("0301", LONGEST, "00"),
      SAYS("3.1 ABCDEFGHIJKLMNOPQRST") },
    { "mechanism_with_signs", "37/3.2/mechanism", ZMTP_READ_GREETING, GREETING("0301", "[A-B_C.D+0]" ZMTP_ZEROS_8 "000000", "00"),
      SAYS("3.1 A-B_C.D+0") },
    { "mechanism_in_small_letters", "37/3.2/mechanism", ZMTP_READ_GREETING, GREETING("0301", "[null]" ZMTP_ZEROS_15 "00", "00"),
      BREAKS("37/3.2") },
    { "mechanism_with_something_behind", "37/3.2/mechanism", ZMTP_READ_GREETING,
      GREETING("0301", "[NULL] 00 [X]" ZMTP_ZEROS_8 "000000000000", "00"), BREAKS("37/3.2") },
    { "mechanism_without_a_name", "37/3.2/mechanism", ZMTP_READ_GREETING,
      GREETING("0301", ZMTP_ZEROS_15 "0000000000", "00"), BREAKS("37/3.2") },
    { "as_server_2", "37/3.2/as-server", ZMTP_READ_GREETING, GREETING("0301", ZMTP_IS_CURVE, "02"), BREAKS("37/3.2") },
    { "as_server_with_null", "37/3.4/roles", ZMTP_READ_GREETING, GREETING("0301", ZMTP_IS_NULL, "01"), SAYS("3.1 NULL server") },
    { "filler_begins_with_1", "37/3.2/filler", ZMTP_READ_GREETING,
      ZMTP_SIGNATURE "0301" ZMTP_IS_NULL "00 01" ZMTP_ZEROS_15 ZMTP_ZEROS_15, BREAKS("37/3.2") },
    { "filler_ends_with_1", "37/3.2/filler", ZMTP_READ_GREETING,
      ZMTP_SIGNATURE "0300" ZMTP_IS_NULL "00" ZMTP_ZEROS_15 ZMTP_ZEROS_15 "01", BREAKS("37/3.2") },

    /* ---- 2.0 ---- */
    { "greeting_2_of_pair", "15/5.1/greeting", ZMTP_READ_GREETING, ZMTP_SIGNATURE "01 00", SAYS("2.0 PAIR") },
    { "greeting_2_of_push", "15/5.1/greeting", ZMTP_READ_GREETING, ZMTP_SIGNATURE "01 08", SAYS("2.0 PUSH") },
    { "greeting_2_of_xsub", "15/5.4/xpub", ZMTP_READ_GREETING, ZMTP_SIGNATURE "01 0a", SAYS("2.0 XSUB") },
    { "greeting_2_of_revision_2", "37/6.1/older", ZMTP_READ_GREETING, ZMTP_SIGNATURE "02 05", SAYS("2.0 DEALER") },
    { "greeting_2_of_another_type", "15/5.1/socket-type", ZMTP_READ_GREETING, ZMTP_SIGNATURE "01 0b", BREAKS("15/5.1") },
    { "identity_2_empty", "15/5.1/identity", ZMTP_READ_IDENTITY, "00 00", SAYS("''") },
    { "identity_2", "15/5.1/identity", ZMTP_READ_IDENTITY, "00 03 [ana]", SAYS("'ana'") },
    { "identity_2_and_more", "15/5.1/identity", ZMTP_READ_IDENTITY, "01 03 [ana]", BREAKS("15/5.1") },
    { "identity_2_as_a_long_frame", "15/5.1/identity", ZMTP_READ_IDENTITY, "02 0000000000000003 [ana]", BREAKS("15/5.1") },
    { "identity_2_that_begins_with_0", "37/3.9.2/zero", ZMTP_READ_IDENTITY, "00 02 0061", BREAKS("37/3.9.2") },
};
/* clang-format on */

const struct zmtp_vectors zmtp_vectors_greeting = { rows, COUNT_OF(rows) };
