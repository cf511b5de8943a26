/* conformance/zmtp_mechanism.c - PLAIN's commands and CURVE's, as far as they are not in boxes. */
#include "base/must.h"
#include "conformance/zmtp_vector.h"

#define TEN      "[aaaaaaaaaa]"
#define B80      TEN TEN TEN TEN TEN TEN TEN TEN
#define B160     B80 B80
#define B255     B160 B80 TEN "[aaaaa]"
#define B144     B80 TEN TEN TEN TEN TEN TEN "[aaaa]"
#define B96      B80 TEN "[aaaaaa]"
#define NONCE_8  "0000000000000001"
#define KEY      TEN TEN TEN "[aa]"
#define ZEROS_24 ZMTP_ZEROS_8 ZMTP_ZEROS_8 ZMTP_ZEROS_8
#define PADDING  ZEROS_24 ZEROS_24 ZEROS_24

/* clang-format off */
static const struct zmtp_vector rows[] = {
    /* ---- PLAIN ---- */
    { "plain_hello", "24/3/hello", ZMTP_READ_HELLO, "03[ana] 06[secret]", SAYS("'ana' 'secret'") },
    { "plain_hello_of_nobody", "24/3/hello", ZMTP_READ_HELLO, "00 00", SAYS("'' ''") },
    { "plain_hello_of_255", "24/3/hello", ZMTP_READ_HELLO, "ff" B255 "ff" B255, SAYS("255 bytes 255 bytes") },
    { "plain_hello_of_any_bytes", "24/3/text", ZMTP_READ_HELLO, "02 c3a9 01 20", SAYS("'\\c3\\a9' ' '") },
    { "plain_hello_empty", "24/3/hello", ZMTP_READ_HELLO, "", BREAKS("24/3") },
    { "plain_hello_without_password", "24/3/hello", ZMTP_READ_HELLO, "03[ana]", BREAKS("24/3") },
    { "plain_hello_with_a_torn_password", "24/3/hello", ZMTP_READ_HELLO, "03[ana] 07[secret]", BREAKS("24/3") },
    { "plain_hello_with_something_behind", "24/3/hello", ZMTP_READ_HELLO, "03[ana] 06[secret] 00", BREAKS("24/3") },
    { "plain_welcome", "24/3/welcome", ZMTP_READ_WELCOME, "", SAYS("") },
    { "plain_welcome_with_data", "24/3/welcome", ZMTP_READ_WELCOME, "00", BREAKS("24/3") },
    { "plain_initiate", "24/3/initiate", ZMTP_READ_METADATA, "0b[Socket-Type] 00000003[SUB]",
      SAYS("SUB identity '' resource ''") },

    /* ---- CURVE ---- */
    { "curve_hello", "26/2.7.1/layout", ZMTP_READ_CURVE_HELLO, "0100" PADDING KEY NONCE_8 B80,
      SAYS("front 32, nonce 8, box 80") },
    { "curve_hello_one_short", "26/2.7.1/size", ZMTP_READ_CURVE_HELLO, "0100" PADDING KEY "00000000000000" B80,
      BREAKS("26/2.7.1") },
    { "curve_hello_one_long", "26/2.7.1/size", ZMTP_READ_CURVE_HELLO, "0100" PADDING KEY NONCE_8 B80 "00", BREAKS("26/2.7.1") },
    { "curve_hello_of_version_1_1", "26/2.7.1/version", ZMTP_READ_CURVE_HELLO, "0101" PADDING KEY NONCE_8 B80,
      BREAKS("26/2.7.1") },
    { "curve_hello_of_version_2_0", "26/2.7.1/version", ZMTP_READ_CURVE_HELLO, "0200" PADDING KEY NONCE_8 B80,
      BREAKS("26/2.7.1") },
    { "curve_hello_without_zeros", "26/2.7.1/padding", ZMTP_READ_CURVE_HELLO,
      "0100" ZEROS_24 ZEROS_24 ZMTP_ZEROS_8 ZMTP_ZEROS_8 "0000000000000001" KEY NONCE_8 B80, BREAKS("26/2.7.1") },
    { "curve_welcome", "26/2.7.2/layout", ZMTP_READ_CURVE_WELCOME, B160, SAYS("front 0, nonce 16, box 144") },
    { "curve_welcome_one_long", "26/2.7.2/size", ZMTP_READ_CURVE_WELCOME, B160 "00", BREAKS("26/2.7.2") },
    { "curve_welcome_empty", "26/2.7.2/size", ZMTP_READ_CURVE_WELCOME, "", BREAKS("26/2.7.2") },
    { "curve_initiate", "26/2.7.3/layout", ZMTP_READ_CURVE_INITIATE, B96 NONCE_8 B144, SAYS("front 96, nonce 8, box 144") },
    { "curve_initiate_with_metadata", "26/2.7.3/layout", ZMTP_READ_CURVE_INITIATE, B96 NONCE_8 B144 TEN,
      SAYS("front 96, nonce 8, box 154") },
    { "curve_initiate_one_short", "26/2.7.3/size", ZMTP_READ_CURVE_INITIATE, B96 "00000000000000" B144, BREAKS("26/2.7.3") },
    { "curve_ready", "26/2.7.4/layout", ZMTP_READ_CURVE_READY, NONCE_8 TEN "[aaaaaa]", SAYS("front 0, nonce 8, box 16") },
    { "curve_ready_one_short", "26/2.7.4/size", ZMTP_READ_CURVE_READY, NONCE_8 TEN "[aaaaa]", BREAKS("26/2.7.4") },
    { "curve_message", "26/2.7.5/layout", ZMTP_READ_CURVE_MESSAGE, NONCE_8 TEN "[aaaaaaa]", SAYS("front 0, nonce 8, box 17") },
    { "curve_message_one_short", "26/2.7.5/size", ZMTP_READ_CURVE_MESSAGE, NONCE_8 TEN "[aaaaaa]", BREAKS("26/2.7.5") },
    { "curve_payload_last", "26/2.7.5/flags", ZMTP_READ_PAYLOAD, "00 [abc]", SAYS("last 'abc'") },
    { "curve_payload_more", "26/2.7.5/flags", ZMTP_READ_PAYLOAD, "01", SAYS("more ''") },
    { "curve_payload_command", "26/2.7.5/command", ZMTP_READ_PAYLOAD, "02 04[PING] 0000", SAYS("command '\\04PING\\00\\00'") },
    { "curve_payload_empty", "26/2.7.5/size", ZMTP_READ_PAYLOAD, "", BREAKS("26/2.7.5") },
    { "curve_payload_flag_2", "26/2.7.5/flags", ZMTP_READ_PAYLOAD, "04 [abc]", BREAKS("26/2.7.5") },
    { "curve_payload_flag_7", "26/2.7.5/flags", ZMTP_READ_PAYLOAD, "80 [abc]", BREAKS("26/2.7.5") },
    { "curve_payload_command_and_more", "26/2.7.5/command", ZMTP_READ_PAYLOAD, "03 04[PING] 0000", BREAKS("26/2.7.5") },
};
/* clang-format on */

const struct zmtp_vectors zmtp_vectors_mechanism = { rows, COUNT_OF(rows) };
