/* wire/websocket_upgrade.c - from HTTP/1.1 to WebSocket (6455/4): strict, and of the headers only those that decide. */
#include <stdio.h>
#include <strings.h>

#include "base/err.h"
#include "wire/base64.h"
#include "wire/sha1.h"
#include "wire/websocket.h"

/* What the headers say; a view of NULL: it is not there. */
struct headers {
    struct view host, key, accept, version;
    bool upgrades, connects, has_protocol;
};

static int
breach(struct fault *why, unsigned code, const char *clause, const char *text)
{
    *why = (struct fault){ .code = code, .clause = clause, .text = text };
    return -ERR_PROTOCOL;
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

void
websocket_key(const uint8_t nonce[WEBSOCKET_NONCE_BYTES], char ret[WEBSOCKET_KEY_CHARS + 1])
{
    base64_encode(view_of(nonce, WEBSOCKET_NONCE_BYTES), ret);
    ret[WEBSOCKET_KEY_CHARS] = '\0';
}

void
websocket_accept(struct view key, char ret[WEBSOCKET_ACCEPT_CHARS + 1])
{
    uint8_t text[WEBSOCKET_KEY_CHARS + 36], digest[SHA1_BYTES];
    memcpy(text, key.data, WEBSOCKET_KEY_CHARS);
    memcpy(text + WEBSOCKET_KEY_CHARS, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    sha1(view_of(text, sizeof(text)), digest);
    base64_encode(view_of(digest, sizeof(digest)), ret);
    ret[WEBSOCKET_ACCEPT_CHARS] = '\0';
}

/* Sixteen bytes in base64. */
static bool
is_key(struct view v)
{
    if (v.len != WEBSOCKET_KEY_CHARS || v.data[22] != '=' || v.data[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        uint8_t c = v.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '+' && c != '/')
            return false;
    }
    return true;
}

/* ---- headers ---------------------------------------------------------------------------------------------------- */

static bool
is_like(struct view v, const char *text)
{
    return v.len == strlen(text) && strncasecmp((const char *)v.data, text, v.len) == 0;
}

static struct view
trim(struct view v)
{
    while (v.len > 0 && (v.data[0] == ' ' || v.data[0] == '\t'))
        v = view_from(v, 1);
    while (v.len > 0 && (v.data[v.len - 1] == ' ' || v.data[v.len - 1] == '\t'))
        v.len--;
    return v;
}

/* Cuts what stands before `end`, or all; false when nothing is left. */
static bool
cut(struct view *v, uint8_t end, struct view *ret)
{
    if (v->len == 0)
        return false;
    const uint8_t *at = memchr(v->data, end, v->len);
    *ret = view_of(v->data, at == NULL ? v->len : (size_t)(at - v->data));
    *v = view_from(*v, at == NULL ? v->len : ret->len + 1);
    return true;
}

static bool
lists(struct view list, const char *what, bool exactly)
{
    struct view item;
    while (cut(&list, ',', &item)) {
        item = trim(item);
        if (exactly ? view_is(item, what) : is_like(item, what))
            return true;
    }
    return false;
}

/* A line that ends with CR LF and has no other control characters. */
static bool
take_line(struct view *text, struct view *ret)
{
    size_t all = text->len;
    if (!cut(text, '\n', ret) || ret->len == 0 || ret->len == all || ret->data[ret->len - 1] != '\r')
        return false;
    ret->len--;
    for (size_t i = 0; i < ret->len; i++)
        if ((ret->data[i] < ' ' && ret->data[i] != '\t') || ret->data[i] == 0x7f)
            return false;
    return true;
}

static bool
set_once(struct view *ret, struct view value)
{
    bool was_set = ret->data != NULL;
    *ret = value;
    return !was_set;
}

/* false: it may not be. */
static bool
take_header(struct headers *headers, struct view line, const char *protocol)
{
    struct view name, value = line;
    if (!cut(&value, ':', &name) || name.len == 0 || name.len == line.len || view_has_any(name, " \t\"(),/;<=>?@[]{}"))
        return false;
    value = trim(value);
    if (is_like(name, "Host"))
        return set_once(&headers->host, value);
    if (is_like(name, "Sec-WebSocket-Key"))
        return set_once(&headers->key, value);
    if (is_like(name, "Sec-WebSocket-Accept"))
        return set_once(&headers->accept, value);
    if (is_like(name, "Sec-WebSocket-Version"))
        return set_once(&headers->version, value);
    if (is_like(name, "Sec-WebSocket-Protocol"))
        headers->has_protocol |= lists(value, protocol, true);
    else if (is_like(name, "Upgrade"))
        headers->upgrades |= lists(value, "websocket", false);
    else if (is_like(name, "Connection"))
        headers->connects |= lists(value, "upgrade", false);
    return true;
}

static bool
take_headers(struct view text, const char *protocol, struct headers *ret)
{
    struct view line;
    *ret = (struct headers){ 0 };
    while (take_line(&text, &line)) {
        if (line.len == 0)
            return text.len == 0;
        if (!take_header(ret, line, protocol))
            return false;
    }
    return false;
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

static bool
take_request_line(struct view *text, struct view *retpath)
{
    struct view line, method;
    if (!take_line(text, &line) || !cut(&line, ' ', &method) || !view_is(method, "GET") || !cut(&line, ' ', retpath))
        return false;
    return retpath->len > 0 && retpath->data[0] == '/' && view_is(line, "HTTP/1.1");
}

int
websocket_request_parse(struct view text, const char *protocol, struct websocket_request *ret, struct fault *why)
{
    struct headers headers;
    struct view path;
    if (!take_request_line(&text, &path))
        return breach(why, HTTP_BAD_REQUEST, "6455/4.1", "no GET of HTTP/1.1");
    if (!take_headers(text, protocol, &headers) || headers.host.data == NULL)
        return breach(why, HTTP_BAD_REQUEST, "6455/4.1", "a header that is malformed, missing or repeated");
    if (!headers.upgrades || !headers.connects)
        return breach(why, HTTP_UPGRADE_REQUIRED, "6455/4.2.1", "a request that does not ask for WebSocket");
    if (headers.version.data == NULL || !view_is(headers.version, "13"))
        return breach(why, HTTP_UPGRADE_REQUIRED, "6455/4.4", "another version of WebSocket than 13");
    if (headers.key.data == NULL || !is_key(headers.key))
        return breach(why, HTTP_BAD_REQUEST, "6455/4.1", "a Sec-WebSocket-Key that is not sixteen bytes");
    if (!headers.has_protocol)
        return breach(why, HTTP_BAD_REQUEST, "45/3.1", "our Sec-WebSocket-Protocol is not offered");
    ret->path = path;
    ret->key = headers.key;
    return 0;
}

int
websocket_response_parse(struct view text, const char *key, const char *protocol, struct fault *why)
{
    struct headers headers;
    struct view line;
    char accept[WEBSOCKET_ACCEPT_CHARS + 1];
    if (!take_line(&text, &line) || !view_starts(line, "HTTP/1.1 "))
        return breach(why, 0, "6455/4.1", "no answer of HTTP/1.1");
    if (!view_starts(line, "HTTP/1.1 101"))
        return breach(why, 0, "6455/4.1", "the server does not switch to WebSocket");
    websocket_accept(view_of(key, WEBSOCKET_KEY_CHARS), accept);
    if (!take_headers(text, protocol, &headers) || !headers.upgrades || !headers.connects)
        return breach(why, 0, "6455/4.1", "a header that is malformed, missing or repeated");
    if (headers.accept.data == NULL || !view_is(headers.accept, accept))
        return breach(why, 0, "6455/4.1", "a Sec-WebSocket-Accept that does not answer our key");
    return headers.has_protocol ? 0 : breach(why, 0, "45/3.1", "the server has not chosen our Sec-WebSocket-Protocol");
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

int
websocket_request_write(char *ret, size_t room, const char *host, struct view path, const char *key,
                        const char *protocol)
{
    return snprintf(ret, room,
                    "GET %.*s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                    (int)path.len, (const char *)path.data, host, key, protocol);
}

int
websocket_response_write(char *ret, size_t room, struct view key, const char *protocol)
{
    char accept[WEBSOCKET_ACCEPT_CHARS + 1];
    websocket_accept(key, accept);
    return snprintf(ret, room,
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
                    accept, protocol);
}

static const char *
status_text(unsigned status)
{
    switch (status) {
    case HTTP_NOT_FOUND: return "Not Found";
    case HTTP_UPGRADE_REQUIRED: return "Upgrade Required";
    case HTTP_HEAD_TOO_LARGE: return "Request Header Fields Too Large";
    default: return "Bad Request";
    }
}

int
websocket_refusal_write(char *ret, size_t room, const struct fault *why)
{
    return snprintf(ret, room,
                    "HTTP/1.1 %u %s\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\n"
                    "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n",
                    why->code, status_text(why->code), strlen(why->text) + 1, why->text);
}
