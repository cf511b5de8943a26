/* wire/zmtp_greeting.c - the greeting of ZMTP 3.x, and of 2.0.
 *
 * It is read as it comes, because a peer may wait for ours: its first ten bytes tell that it is one, the eleventh which
 * one.  What the signature's middle says is nobody's business (37/3.3), and neither is what a version above ours has
 * done with the filler. */
#include "base/err.h"
#include "base/must.h"
#include "wire/zmtp.h"
#include "wire/zmtp_rule.h"

enum {
    SIGNATURE_FIRST = 0xff,
    SIGNATURE_LAST = 0x7f,
    AT_MAJOR = ZMTP_SIGNATURE_BYTES,
    AT_MINOR,
    AT_MECHANISM,
    MECHANISM_BYTES = 20,
    AT_SERVER = AT_MECHANISM + MECHANISM_BYTES,
    AT_FILLER,
    AT_PATTERN = AT_MINOR, /* 2.0 */
    GREETING_2_BYTES,
    MAJOR = 3,
    MINOR = 1,
};

int
zmtp_sniff(struct view bytes)
{
    if (bytes.len > 0 && bytes.data[0] != SIGNATURE_FIRST)
        return -1;
    if (bytes.len < ZMTP_SIGNATURE_BYTES)
        return 0;
    return bytes.data[ZMTP_SIGNATURE_BYTES - 1] == SIGNATURE_LAST ? 1 : -1;
}

int
zmtp_version_parse(struct view in, unsigned *retmajor, struct fault *why)
{
    int sniffed = zmtp_sniff(in);
    if (sniffed < 0)
        return zmtp_breach(why, ZMTP_RULE_SIGNATURE);
    if (sniffed == 0 || in.len <= AT_MAJOR)
        return 0;
    uint8_t major = in.data[AT_MAJOR];
    if (major == 0)
        return zmtp_breach(why, ZMTP_RULE_VERSION);
    *retmajor = major < MAJOR ? 2 : MAJOR;
    return ZMTP_VERSION_BYTES;
}

/* ---- mechanism ------------------------------------------------------------------------------------------------- */

static bool
is_mechanism_char(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-_.+", c) != NULL);
}

static int
take_mechanism(struct view padded, struct view *ret, struct fault *why)
{
    size_t n = 0;
    while (n < padded.len && is_mechanism_char(padded.data[n]))
        n++;
    if (n == 0 || !zmtp_is_zeros(view_from(padded, n)))
        return zmtp_breach(why, ZMTP_RULE_MECHANISM);
    *ret = view_of(padded.data, n);
    return 0;
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

static int
parse_2(struct view in, struct zmtp_greeting *ret, struct fault *why)
{
    if (in.len < GREETING_2_BYTES)
        return 0;
    if (in.data[AT_PATTERN] >= ZMTP_PATTERNS)
        return zmtp_breach(why, ZMTP_RULE_PATTERN_2);
    *ret = (struct zmtp_greeting){ .major = 2, .pattern = in.data[AT_PATTERN] };
    return GREETING_2_BYTES;
}

static int
parse_3(struct view in, struct zmtp_greeting *ret, struct fault *why)
{
    if (in.len < ZMTP_GREETING_BYTES)
        return 0;
    const uint8_t *at = in.data;
    bool newer = at[AT_MAJOR] > MAJOR || at[AT_MINOR] > MINOR;
    struct zmtp_greeting g = {
        .major = MAJOR,
        .minor = newer ? MINOR : at[AT_MINOR],
        .as_server = at[AT_SERVER] == 1,
    };
    int rc = take_mechanism(view_of(at + AT_MECHANISM, MECHANISM_BYTES), &g.mechanism, why);
    if (rc < 0)
        return rc;
    if (at[AT_SERVER] > 1)
        return zmtp_breach(why, ZMTP_RULE_AS_SERVER);
    if (!newer && !zmtp_is_zeros(view_of(at + AT_FILLER, ZMTP_GREETING_BYTES - AT_FILLER)))
        return zmtp_breach(why, ZMTP_RULE_FILLER);
    *ret = g;
    return ZMTP_GREETING_BYTES;
}

int
zmtp_greeting_parse(struct view in, struct zmtp_greeting *ret, struct fault *why)
{
    unsigned major = 0;
    int rc = zmtp_version_parse(in, &major, why);
    if (rc <= 0)
        return rc;
    return major == 2 ? parse_2(in, ret, why) : parse_3(in, ret, why);
}

/* A short frame and the last: no flags. */
int
zmtp_identity_parse(struct view in, struct view *retidentity, struct fault *why)
{
    struct cursor c = cursor_of(in);
    if (in.len > 0 && in.data[0] != 0)
        return zmtp_breach(why, ZMTP_RULE_IDENTITY_2);
    take_u8(&c);
    struct view identity = take_bytes(&c, take_u8(&c));
    if (c.torn)
        return 0;
    int rc = zmtp_identity_check(identity, why);
    if (rc < 0)
        return rc;
    *retidentity = identity;
    return (int)(in.len - cursor_left(&c));
}

void
zmtp_greeting_write(uint8_t ret[ZMTP_GREETING_BYTES], enum zmtp_mechanism mechanism, bool as_server)
{
    const char *name = zmtp_mechanism_name(mechanism);
    memset(ret, 0, ZMTP_GREETING_BYTES);
    ret[0] = SIGNATURE_FIRST;
    ret[ZMTP_SIGNATURE_BYTES - 1] = SIGNATURE_LAST;
    ret[AT_MAJOR] = MAJOR;
    ret[AT_MINOR] = MINOR;
    memcpy(ret + AT_MECHANISM, name, strlen(name));
    ret[AT_SERVER] = as_server;
}
