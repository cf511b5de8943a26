/* libFuzzer target: a settings file.
 *
 * What is refused must say why and leave the settings alone; what is taken must be within the limits of node/knobs.h,
 * and what is printed of it must be read as the same settings. */
#include <stdio.h>

#include "base/mem.h"
#include "base/must.h"
#include "node/settings.h"

enum { TEXT_BYTES_MAX = 16 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    size_t len;
    char bytes[TEXT_BYTES_MAX];
};

static void
check_limits(const struct settings *s)
{
#define KNOB_CHECK(name, standard, low, high, when, help) \
    must(s->name >= (uint64_t)(low) && s->name <= (uint64_t)(high));
    KNOBS(KNOB_CHECK)
#undef KNOB_CHECK
    must(s->listen_count <= LISTENERS_MAX);
}

static bool
same(const struct settings *a, const struct settings *b)
{
#define KNOB_SAME(name, standard, low, high, when, help) \
    if (a->name != b->name)                              \
        return false;
    KNOBS(KNOB_SAME)
#undef KNOB_SAME
    return a->tier == b->tier && a->queue_overflow == b->queue_overflow && a->log_format == b->log_format &&
           a->log_level == b->log_level && a->retain_available == b->retain_available &&
           strcmp(a->data, b->data) == 0 && a->listen_count == b->listen_count;
}

static void
add_line(void *arg, const char *line)
{
    struct text *text = arg;
    int n = snprintf(text->bytes + text->len, sizeof(text->bytes) - text->len, "%s\n", line);
    text->len += (size_t)n;
    must(text->len < sizeof(text->bytes));
}

/* Paths are printed as they are; only these need no quotes in YAML. */
static bool
is_plain(const char *path)
{
    return path[0] != '\0' && strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/_") == strlen(path);
}

static bool
is_printable(const struct settings *s)
{
    bool plain = is_plain(s->data);
    for (unsigned i = 0; i < s->listen_count; i++)
        plain = plain && is_plain(s->listen[i].host);
    return plain;
}

static void
check_printed(struct mem *mem, const struct settings *s)
{
    struct text text = { 0 };
    struct settings again;
    struct settings_fault fault;
    settings_default(&again);
    settings_print(s, add_line, &text);
    must(settings_parse(mem, view_of(text.bytes, text.len), &again, &fault) == 0);
    must(same(s, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mem mem = { 0 };
    struct settings standard, settings;
    struct settings_fault fault;
    settings_default(&standard);
    settings = standard;
    int rc = settings_parse(&mem, view_of(data, size), &settings, &fault);
    if (rc < 0)
        must(fault.text[0] != '\0' && memcmp(&settings, &standard, sizeof(settings)) == 0);
    check_limits(&settings);
    if (rc == 0 && is_printable(&settings))
        check_printed(&mem, &settings);
    must(mem.used_bytes == 0);
    return 0;
}
