/* cmd/url.c - see url.h. */
#include "cmd/url.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/must.h"

static int
hex(char c)
{
    const char *digits = "0123456789abcdef", *at = c == '\0' ? NULL : strchr(digits, c | 0x20);
    return at == NULL ? -1 : (int)(at - digits);
}

int
url_unescape(char *text)
{
    char *to = text;

    for (; *text != '\0'; text++) {
        if (*text != '%') {
            *to++ = *text;
            continue;
        }
        int high = hex(text[1]), low = high < 0 ? -1 : hex(text[2]);
        if (low < 0 || high + low == 0)
            return -ERR_INVALID;
        *to++ = (char)(high << 4 | low);
        text += 2;
    }
    *to = '\0';
    return 0;
}

int
url_cut(char *rest, struct url *url, struct complaint *complaint)
{
    char *slash = strchr(rest, '/');
    if (slash != NULL) {
        *slash = '\0';
        url->path = slash[1] == '\0' ? NULL : slash + 1;
    }
    char *at = strrchr(rest, '@');
    if (at != NULL) {
        *at = '\0';
        char *colon = strchr(rest, ':');
        if (colon != NULL) {
            *colon = '\0';
            url->password = colon + 1;
        }
        url->username = rest;
        if (url_unescape(rest) < 0 || (colon != NULL && url_unescape(colon + 1) < 0))
            return complain(complaint, "--url: a %% must be followed by two hexadecimal digits");
        rest = at + 1;
    }
    char *bracket = strrchr(rest, ']'), *colon = strrchr(bracket == NULL ? rest : bracket, ':');
    if (colon != NULL) {
        *colon = '\0';
        if (parse_number(colon + 1, 1, UINT16_MAX, &url->port) < 0)
            return complain(complaint, "--url: '%s' is not a port", colon + 1);
    }
    url->host = rest;
    return 0;
}

int
url_address(const char *host, const char *unix_path, uint64_t port, struct io_address *ret, struct complaint *complaint)
{
    char text[URL_BYTES_MAX + sizeof "unix:"];
    const char *target = unix_path != NULL ? unix_path : host;

    must(target != NULL);
    if (unix_path != NULL)
        snprintf(text, sizeof text, "unix:%s", target);
    else if (strchr(target, ':') != NULL && target[0] != '[')
        snprintf(text, sizeof text, "tcp://[%s]", target);
    else
        snprintf(text, sizeof text, "tcp://%s", target);
    if (strlen(target) >= URL_BYTES_MAX || io_address_parse(text, (uint16_t)port, ret) < 0)
        return complain(complaint, "'%s' is not an address", target);
    return 0;
}
