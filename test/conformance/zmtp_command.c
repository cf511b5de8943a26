/* conformance/zmtp_command.c - commands, metadata, heartbeats, ERROR. */
#include "base/must.h"
#include "conformance/zmtp_vector.h"

#define TEN         "[aaaaaaaaaa]"
#define FIFTY       TEN TEN TEN TEN TEN
#define B255        FIFTY FIFTY FIFTY FIFTY FIFTY "[aaaaa]"
#define SOCKET_TYPE "0b[Socket-Type]"
#define DEALER      SOCKET_TYPE "00000006[DEALER]"
#define IDENTITY    "08[Identity]"
#define RESOURCE    "08[Resource]"

/* clang-format off */
static const struct zmtp_vector rows[] = {
    /* ---- commands ---- */
    { "command_with_data", "37/3.2/command", ZMTP_READ_COMMAND, "09[SUBSCRIBE] [abc]", SAYS("SUBSCRIBE 'abc'") },
    { "command_without_data", "37/3.2/command", ZMTP_READ_COMMAND, "07[WELCOME]", SAYS("WELCOME ''") },
    { "command_in_any_letters", "37/3.2/command-name", ZMTP_READ_COMMAND, "04[xYzZ] 00", SAYS("xYzZ '\\00'") },
    { "command_of_an_empty_body", "37/3.2/command", ZMTP_READ_COMMAND, "", BREAKS("37/3.2") },
    { "command_without_a_name", "37/3.2/command-name", ZMTP_READ_COMMAND, "00 [abc]", BREAKS("37/3.2") },
    { "command_with_a_torn_name", "37/3.2/command", ZMTP_READ_COMMAND, "06[READY]", BREAKS("37/3.2") },
    { "command_with_a_digit", "37/3.2/command-name", ZMTP_READ_COMMAND, "05[READ1]", BREAKS("37/3.2") },
    { "command_padded_with_a_blank", "37/3.2/command-name", ZMTP_READ_COMMAND, "06[READY ]", BREAKS("37/3.2") },
    { "command_with_a_zero", "37/3.2/command-name", ZMTP_READ_COMMAND, "05[REA]0059", BREAKS("37/3.2") },

    /* ---- properties ---- */
    { "properties_none", "37/3.8/metadata", ZMTP_READ_PROPERTIES, "", SAYS("") },
    { "properties_two", "37/3.8/metadata", ZMTP_READ_PROPERTIES, DEALER IDENTITY "00000000",
      SAYS("Socket-Type 'DEALER', Identity ''") },
    { "property_of_any_bytes", "37/3.8/value", ZMTP_READ_PROPERTIES, "01[x] 00000003 00ff0a", SAYS("x '\\00\\ff\\0a'") },
    { "property_name_of_all_kinds", "37/3.8/name", ZMTP_READ_PROPERTIES, "09[X-a_1.b+Z] 00000001[v]", SAYS("X-a_1.b+Z 'v'") },
    { "property_without_a_name", "37/3.8/name", ZMTP_READ_PROPERTIES, "00 00000001[v]", BREAKS("37/3.8") },
    { "property_name_with_a_blank", "37/3.8/name", ZMTP_READ_PROPERTIES, "03[a b] 00000001[v]", BREAKS("37/3.8") },
    { "property_name_with_a_zero", "37/3.8/name", ZMTP_READ_PROPERTIES, "03 610062 00000001[v]", BREAKS("37/3.8") },
    { "property_torn_in_its_name", "37/3.8/metadata", ZMTP_READ_PROPERTIES, "05[name]", BREAKS("37/3.8") },
    { "property_torn_in_its_size", "37/3.8/metadata", ZMTP_READ_PROPERTIES, "04[name] 000000", BREAKS("37/3.8") },
    { "property_torn_in_its_value", "37/3.8/metadata", ZMTP_READ_PROPERTIES, "04[name] 00000002[v]", BREAKS("37/3.8") },
    { "property_torn_behind_a_good_one", "37/3.8/metadata", ZMTP_READ_PROPERTIES, DEALER "01", BREAKS("37/3.8") },
    { "property_of_2_31", "37/3.8/value", ZMTP_READ_PROPERTIES, "04[name] 80000000", BREAKS("37/3.8") },
    { "property_of_2_31_less_one", "37/3.8/value", ZMTP_READ_PROPERTIES, "04[name] 7fffffff", BREAKS("37/3.8") },

    /* ---- what they mean ---- */
    { "metadata_all", "37/3.9/properties", ZMTP_READ_METADATA, DEALER IDENTITY "00000003[ana]" RESOURCE "00000003[a/b]",
      SAYS("DEALER identity 'ana' resource 'a/b'") },
    { "metadata_none", "37/3.9/properties", ZMTP_READ_METADATA, "", SAYS("- identity '' resource ''") },
    { "metadata_in_small_letters", "37/3.9/case", ZMTP_READ_METADATA, "0b[socket-TYPE] 00000003[REQ]",
      SAYS("REQ identity '' resource ''") },
    { "metadata_of_others", "37/3.9/others", ZMTP_READ_METADATA, "06[X-Port] 00000002[80]" DEALER "04[Name] 00000000",
      SAYS("DEALER identity '' resource ''") },
    { "socket_type_unknown", "37/3.9.1/type", ZMTP_READ_METADATA, SOCKET_TYPE "00000006[STREAM]", BREAKS("37/3.9.1") },
    { "socket_type_in_small_letters", "37/3.9.1/type", ZMTP_READ_METADATA, SOCKET_TYPE "00000003[req]", BREAKS("37/3.9.1") },
    { "socket_type_empty", "37/3.9.1/type", ZMTP_READ_METADATA, SOCKET_TYPE "00000000", BREAKS("37/3.9.1") },
    { "identity_of_255", "37/3.9.2/length", ZMTP_READ_METADATA, IDENTITY "000000ff" B255, SAYS("- identity 255 bytes resource ''") },
    { "identity_of_256", "37/3.9.2/length", ZMTP_READ_METADATA, IDENTITY "00000100" B255 "[a]", BREAKS("37/3.9.2") },
    { "identity_that_begins_with_0", "37/3.9.2/zero", ZMTP_READ_METADATA, IDENTITY "00000002 0061", BREAKS("37/3.9.2") },
    { "identity_with_a_0", "37/3.9.2/zero", ZMTP_READ_METADATA, IDENTITY "00000002 6100", SAYS("- identity 'a\\00' resource ''") },
    { "resource_of_all_kinds", "37/3.9.3/grammar", ZMTP_READ_METADATA, RESOURCE "0000000d[aZ9/$-_@.&+/x]",
      SAYS("- identity '' resource 'aZ9/$-_@.&+/x'") },
    { "resource_that_begins_with_a_slash", "37/3.9.3/grammar", ZMTP_READ_METADATA, RESOURCE "00000002[/a]", BREAKS("37/3.9.3") },
    { "resource_that_ends_with_a_slash", "37/3.9.3/grammar", ZMTP_READ_METADATA, RESOURCE "00000002[a/]", BREAKS("37/3.9.3") },
    { "resource_with_an_empty_name", "37/3.9.3/grammar", ZMTP_READ_METADATA, RESOURCE "00000004[a//b]", BREAKS("37/3.9.3") },
    { "resource_with_a_blank", "37/3.9.3/grammar", ZMTP_READ_METADATA, RESOURCE "00000003[a b]", BREAKS("37/3.9.3") },

    /* ---- heartbeats and ERROR ---- */
    { "ping", "37/5/ping", ZMTP_READ_PING, "0000", SAYS("0 ''") },
    { "ping_with_context", "37/5/ping", ZMTP_READ_PING, "ffff [0123456789abcdef]", SAYS("65535 '0123456789abcdef'") },
    { "ping_without_ttl", "37/5/ping", ZMTP_READ_PING, "", BREAKS("37/5") },
    { "ping_with_half_a_ttl", "37/5/ping", ZMTP_READ_PING, "00", BREAKS("37/5") },
    { "ping_with_a_context_of_17", "37/5/context", ZMTP_READ_PING, "0000 [0123456789abcdefg]", BREAKS("37/5") },
    { "pong", "37/5/pong", ZMTP_READ_PONG, "", SAYS("''") },
    { "pong_with_context", "37/5/pong", ZMTP_READ_PONG, "[0123456789abcdef]", SAYS("'0123456789abcdef'") },
    { "pong_with_a_context_of_17", "37/5/context", ZMTP_READ_PONG, "[0123456789abcdefg]", BREAKS("37/5") },
    { "error_with_a_reason", "37/3.8/error", ZMTP_READ_ERROR, "03[400]", SAYS("'400'") },
    { "error_without_a_reason", "37/3.8/error", ZMTP_READ_ERROR, "00", SAYS("''") },
    { "error_with_blanks", "37/3.8/error-text", ZMTP_READ_ERROR, "0a[not let in]", SAYS("'not let in'") },
    { "error_with_no_text", "37/3.8/error-text", ZMTP_READ_ERROR, "05[ab]0a[cd]", SAYS("'ab'") },
    { "error_empty", "37/3.8/error", ZMTP_READ_ERROR, "", BREAKS("37/3.8") },
    { "error_torn", "37/3.8/error", ZMTP_READ_ERROR, "04[400]", BREAKS("37/3.8") },
    { "error_with_something_behind", "37/3.8/error", ZMTP_READ_ERROR, "02[400]", BREAKS("37/3.8") },
};
/* clang-format on */

const struct zmtp_vectors zmtp_vectors_command = { rows, COUNT_OF(rows) };
