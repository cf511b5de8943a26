/* conformance/zmtp_frame.c - frames of ZMTP 3.x and 2.0. */
#include "base/must.h"
#include "conformance/zmtp_vector.h"

#define TEN   "[0123456789]"
#define FIFTY TEN TEN TEN TEN TEN
#define B255  FIFTY FIFTY FIFTY FIFTY FIFTY "[01234]"
#define B256  B255 "[5]"
#define B512  B256 B256

/* clang-format off */
static const struct zmtp_vector rows[] = {
    { "frame_empty", "37/3.7/size", ZMTP_READ_FRAMES, "00 00", SAYS("last ''") },
    { "frame_of_one", "37/3.7/size", ZMTP_READ_FRAMES, "00 01 [a]", SAYS("last 'a'") },
    { "frame_short_of_255", "37/3.7/short", ZMTP_READ_FRAMES, "00 ff" B255, SAYS("last 255 bytes") },
    { "frame_long_of_256", "37/3.7/long", ZMTP_READ_FRAMES, "02 0000000000000100" B256, SAYS("last 256 bytes") },
    { "frame_long_that_could_be_short", "37/3.7/long", ZMTP_READ_FRAMES, "02 0000000000000002 [ab]", SAYS("last 'ab'") },
    { "frame_long_and_empty", "37/3.7/long", ZMTP_READ_FRAMES, "02 0000000000000000", SAYS("last ''") },
    { "frames_of_a_message", "37/3.7/more", ZMTP_READ_FRAMES, "01 01 [a] 03 0000000000000001 [b] 01 00 00 01 [c]",
      SAYS("more 'a', more 'b', more '', last 'c'") },
    { "frames_of_two_messages", "37/3.7/more", ZMTP_READ_FRAMES, "01 01 [a] 00 01 [b] 00 01 [c]",
      SAYS("more 'a', last 'b', last 'c'") },
    { "frame_of_a_command", "37/3.7/command", ZMTP_READ_FRAMES, "04 06 05[READY]", SAYS("command '\\05READY'") },
    { "frame_of_a_long_command", "37/3.7/command", ZMTP_READ_FRAMES, "06 0000000000000006 05[READY]",
      SAYS("command '\\05READY'") },
    { "frame_of_a_command_between", "37/3.2/traffic", ZMTP_READ_FRAMES, "00 01 [a] 04 05 04[PING] 00 01 [b]",
      SAYS("last 'a', command '\\04PING', last 'b'") },

    { "frame_flag_3", "37/3.7/reserved", ZMTP_READ_FRAMES, "08 00", BREAKS("37/3.7") },
    { "frame_flag_4", "37/3.7/reserved", ZMTP_READ_FRAMES, "10 00", BREAKS("37/3.7") },
    { "frame_flag_5", "37/3.7/reserved", ZMTP_READ_FRAMES, "21 00", BREAKS("37/3.7") },
    { "frame_flag_6", "37/3.7/reserved", ZMTP_READ_FRAMES, "42 0000000000000000", BREAKS("37/3.7") },
    { "frame_flag_7", "37/3.7/reserved", ZMTP_READ_FRAMES, "00 01 [a] 84 06 05[READY]", BREAKS("37/3.7") },
    { "frame_of_a_command_and_more", "37/3.7/command-more", ZMTP_READ_FRAMES, "05 06 05[READY]", BREAKS("37/3.7") },
    { "frame_of_a_long_command_and_more", "37/3.7/command-more", ZMTP_READ_FRAMES, "07 0000000000000006 05[READY]",
      BREAKS("37/3.7") },

    { "frame_of_2_63", "37/3.7/size-max", ZMTP_READ_FRAMES, "02 8000000000000000", BREAKS("37/3.7") },
    { "frame_of_2_64", "37/3.7/size-max", ZMTP_READ_FRAMES, "02 ffffffffffffffff", BREAKS("37/3.7") },
    { "frame_of_2_63_less_one", "37/9/memory", ZMTP_READ_FRAMES, "02 7fffffffffffffff", PASSES_LIMIT },
    { "frame_of_the_limit", "37/9/memory", ZMTP_READ_FRAMES, "02 0000000000000200" B512, SAYS("last 512 bytes") },
    { "frame_above_the_limit", "37/9/memory", ZMTP_READ_FRAMES, "02 0000000000000201", PASSES_LIMIT },
    { "frame_of_a_command_above_the_limit", "37/9/memory", ZMTP_READ_FRAMES, "06 0000000000000201", PASSES_LIMIT },

    { "frame_2_empty", "15/5.2/size", ZMTP_READ_FRAMES_2, "00 00", SAYS("last ''") },
    { "frames_2_of_a_message", "15/5.2/more", ZMTP_READ_FRAMES_2, "01 01 [a] 03 0000000000000001 [b] 02 0000000000000001 [c]",
      SAYS("more 'a', more 'b', last 'c'") },
    { "frame_2_of_a_command", "15/5.2/reserved", ZMTP_READ_FRAMES_2, "04 06 05[READY]", BREAKS("15/5.2") },
    { "frame_2_flag_7", "15/5.2/reserved", ZMTP_READ_FRAMES_2, "81 00", BREAKS("15/5.2") },
    { "frame_2_of_2_63", "15/5.2/long", ZMTP_READ_FRAMES_2, "02 8000000000000000", BREAKS("37/3.7") },
};
/* clang-format on */

const struct zmtp_vectors zmtp_vectors_frame = { rows, COUNT_OF(rows) };
