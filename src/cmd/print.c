/* cmd/print.c - see print.h. */
#include "cmd/print.h"

#include <time.h>

#include "base/must.h"
#include "cmd/json.h"
#include "cmd/property.h"

/* "%-12.5t": how wide, and at most how much of it. */
struct field {
    bool left, zeros;
    int width, precision; /* -1: none */
};

typedef void field_fn(const struct print *print, const struct field *field);

/* ---- fields ----------------------------------------------------------------------------------------------- */

static void
pad(const struct print *print, const struct field *field, size_t len, bool before)
{
    bool zeros = field->zeros && before;

    if (field->left == before)
        return;
    for (size_t i = len; i < (size_t)(field->width < 0 ? 0 : field->width); i++)
        putc(zeros ? '0' : ' ', print->to);
}

static void
put_text(const struct print *print, const struct field *field, struct view text)
{
    if (field->precision >= 0 && text.len > (size_t)field->precision)
        text.len = (size_t)field->precision;
    pad(print, field, text.len, true);
    if (text.len > 0)
        fwrite(text.data, 1, text.len, print->to);
    pad(print, field, text.len, false);
}

static void
put_number(const struct print *print, const struct field *field, uint64_t x)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)x);
    struct field whole = *field;

    whole.precision = -1;
    put_text(print, &whole, view_of(digits, (size_t)n));
}

/* ---- letters ---------------------------------------------------------------------------------------------- */

static const struct mqtt_properties *
properties(const struct print *print)
{
    return &print->message->properties;
}

static void
put_if(const struct print *print, const struct field *field, enum mqtt_property id, uint64_t x)
{
    if (mqtt_has(properties(print), id))
        put_number(print, field, x);
}

static void
print_alias(const struct print *print, const struct field *field)
{
    put_if(print, field, MQTT_TOPIC_ALIAS, properties(print)->topic_alias);
}

static void
print_content_type(const struct print *print, const struct field *field)
{
    put_text(print, field, properties(print)->content_type);
}

static void
print_correlation_data(const struct print *print, const struct field *field)
{
    put_text(print, field, properties(print)->correlation_data);
}

static void
print_expiry(const struct print *print, const struct field *field)
{
    put_if(print, field, MQTT_MESSAGE_EXPIRY, properties(print)->message_expiry_s);
}

static void
print_payload_format(const struct print *print, const struct field *field)
{
    put_if(print, field, MQTT_PAYLOAD_FORMAT, properties(print)->payload_format);
}

static struct tm
local_time(const struct print *print)
{
    time_t seconds = (time_t)(print->wall_ms / 1000);
    struct tm local;
    localtime_r(&seconds, &local);
    return local;
}

static void
print_strftime(const struct print *print, const struct field *field, const char *format)
{
    char text[128];
    struct tm local = local_time(print);
    put_text(print, field, view_of(text, strftime(text, sizeof text, format, &local)));
}

static void
print_date(const struct print *print, const struct field *field)
{
    print_strftime(print, field, "%Y-%m-%dT%H:%M:%S%z");
}

static void
print_unix_time(const struct print *print, const struct field *field)
{
    char text[48];
    int n = snprintf(text, sizeof text, "%llu.%09llu", (unsigned long long)(print->wall_ms / 1000),
                     (unsigned long long)(print->wall_ms % 1000 * 1000000));
    put_text(print, field, view_of(text, (size_t)n));
}

static void
print_json(const struct print *print, const struct field *field)
{
    (void)field;
    json_print(print->to, print->mem, print->message, print->wall_ms, JSON_TEXT);
}

static void
print_json_value(const struct print *print, const struct field *field)
{
    (void)field;
    json_print(print->to, print->mem, print->message, print->wall_ms, JSON_VALUE);
}

static void
print_length(const struct print *print, const struct field *field)
{
    put_number(print, field, print->message->payload.len);
}

static void
print_id(const struct print *print, const struct field *field)
{
    put_number(print, field, print->message->packet_id);
}

static void
print_payload(const struct print *print, const struct field *field)
{
    put_text(print, field, print->message->payload);
}

static void
print_user_properties(const struct print *print, const struct field *field)
{
    struct cursor at = cursor_of(properties(print)->raw);
    struct mqtt_property_item item;
    bool first = true;

    while (mqtt_property_next(&at, &item)) {
        if (item.id != MQTT_USER_PROPERTY)
            continue;
        if (!first)
            putc(' ', print->to);
        first = false;
        put_text(print, field, item.text);
        putc(':', print->to);
        put_text(print, field, item.value);
    }
}

static void
print_qos(const struct print *print, const struct field *field)
{
    put_number(print, field, print->message->qos);
}

static void
print_response_topic(const struct print *print, const struct field *field)
{
    put_text(print, field, properties(print)->response_topic);
}

static void
print_retain(const struct print *print, const struct field *field)
{
    put_number(print, field, print->message->retain);
}

static void
print_subscription_ids(const struct print *print, const struct field *field)
{
    struct cursor at = cursor_of(properties(print)->raw);
    struct mqtt_property_item item;
    bool first = true;

    while (mqtt_property_next(&at, &item)) {
        if (item.id != MQTT_SUBSCRIPTION_ID)
            continue;
        if (!first)
            putc(' ', print->to);
        first = false;
        put_number(print, field, item.number);
    }
}

static void
print_topic(const struct print *print, const struct field *field)
{
    put_text(print, field, print->message->topic);
}

static void
put_hex(const struct print *print, const struct field *field, const char *digits)
{
    struct view bytes = print->message->payload;

    if (field->precision >= 0 && bytes.len > (size_t)field->precision)
        bytes.len = (size_t)field->precision;
    pad(print, field, 2 * bytes.len, true);
    for (size_t i = 0; i < bytes.len; i++) {
        putc(digits[bytes.data[i] >> 4], print->to);
        putc(digits[bytes.data[i] & 15], print->to);
    }
    pad(print, field, 2 * bytes.len, false);
}

static void
print_hex(const struct print *print, const struct field *field)
{
    put_hex(print, field, "0123456789abcdef");
}

static void
print_hex_upper(const struct print *print, const struct field *field)
{
    put_hex(print, field, "0123456789ABCDEF");
}

static void
print_percent(const struct print *print, const struct field *field)
{
    put_text(print, field, view_str("%"));
}

/* clang-format off */
static const struct letter {
    char letter;
    field_fn *fn;
} letters[] = {
    { 'A', print_alias },            { 'C', print_content_type },     { 'D', print_correlation_data },
    { 'E', print_expiry },           { 'F', print_payload_format },   { 'I', print_date },
    { 'J', print_json_value },       { 'P', print_user_properties },  { 'R', print_response_topic },
    { 'S', print_subscription_ids }, { 'U', print_unix_time },        { 'X', print_hex_upper },
    { 'j', print_json },             { 'l', print_length },           { 'm', print_id },
    { 'p', print_payload },          { 'q', print_qos },              { 'r', print_retain },
    { 't', print_topic },            { 'x', print_hex },              { '%', print_percent },
};
/* clang-format on */

static field_fn *
letter_fn(char letter)
{
    for (size_t i = 0; i < COUNT_OF(letters); i++) {
        if (letters[i].letter == letter)
            return letters[i].fn;
    }
    return NULL;
}

/* ---- the format ------------------------------------------------------------------------------------------- */

/* clang-format off */
static const char escapes[][2] = {
    { '0', '\0' }, { 'a', '\a' }, { 'e', '\033' }, { 'n', '\n' },
    { 'r', '\r' }, { 't', '\t' }, { 'v', '\v' },   { '\\', '\\' },
};
/* clang-format on */

static const char *
escape_of(char letter)
{
    for (size_t i = 0; i < COUNT_OF(escapes); i++) {
        if (letter != '\0' && escapes[i][0] == letter)
            return &escapes[i][1];
    }
    return NULL;
}

enum { WIDTH_MAX = 10000 };

static int
take_width(const char **at)
{
    int n = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (n <= WIDTH_MAX)
            n = n * 10 + (**at - '0');
    }
    return n < WIDTH_MAX ? n : WIDTH_MAX;
}

/* What stands between '%' and the letter. */
static struct field
take_field(const char **at)
{
    struct field field = { .width = -1, .precision = -1 };

    for (; **at == '-' || **at == '0'; (*at)++) {
        field.left |= **at == '-';
        field.zeros |= **at == '0';
    }
    field.width = take_width(at);
    if (**at == '.') {
        (*at)++;
        field.precision = take_width(at);
    }
    return field;
}

int
print_check(const char *format, struct complaint *complaint)
{
    for (const char *at = format; *at != '\0'; at++) {
        if (*at == '\\') {
            if (escape_of(*++at) == NULL)
                return complain(complaint, "--format: \\%.1s is not one of \\0 \\a \\e \\n \\r \\t \\v \\\\", at);
        } else if (*at == '%') {
            at++;
            take_field(&at);
            if (*at == '@' && at[1] != '\0')
                at++;
            else if (*at == '\0' || letter_fn(*at) == NULL)
                return complain(complaint, "--format: there is no %%%.1s", at);
        }
    }
    return 0;
}

static void
print_letter(const struct print *print, const char **at)
{
    struct field field = take_field(at);

    if (**at == '@') {
        char format[] = { '%', *++*at, '\0' };
        print_strftime(print, &field, format);
    } else {
        letter_fn (**at)(print, &field);
    }
}

void
print_format(const struct print *print, const char *format)
{
    for (const char *at = format; *at != '\0'; at++) {
        if (*at == '\\') {
            putc(*escape_of(*++at), print->to);
        } else if (*at == '%') {
            at++;
            print_letter(print, &at);
        } else {
            putc(*at, print->to);
        }
    }
}
