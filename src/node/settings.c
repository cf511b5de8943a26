/* Settings from YAML.  libcyaml reads the file by a schema made from node/knobs.h; what it cannot check (ranges,
 * addresses) is checked here and reported with the line of the setting. */
#include "node/settings.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "node/settings_zmtp.h"

/* What the schema loads into: NULL is "not named". */
struct loaded {
#define KNOB_FIELD(name, standard, low, high, when, help) uint64_t *name;
    KNOBS(KNOB_FIELD)
#undef KNOB_FIELD
    char *data;
    char **listen;
    unsigned listen_count;
    int *tier, *queue_overflow, *log_format, *log_level;
    bool *retain_available;
    struct loaded_zmtp *zmtp;
};

static const cyaml_strval_t tiers[] = {
    {"memory",   TIER_MEMORY },
    { "written", TIER_WRITTEN},
    { "synced",  TIER_SYNCED }
};
static const cyaml_strval_t overflows[] = {
    {"reject",       QUEUE_REJECT     },
    { "drop_oldest", QUEUE_DROP_OLDEST},
    { "drop_newest", QUEUE_DROP_NEWEST}
};
static const cyaml_strval_t formats[] = {
    {"text",  LINE_TEXT},
    { "json", LINE_JSON}
};
static const cyaml_strval_t levels[] = {
    {"debug",    LOG_DEBUG  },
    { "info",    LOG_INFO   },
    { "warning", LOG_WARNING},
    { "error",   LOG_ERROR  }
};

static const cyaml_schema_value_t address_schema = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, 128) };

static const cyaml_schema_field_t fields[] = {
#define KNOB_SCHEMA(name, standard, low, high, when, help) \
    CYAML_FIELD_UINT_PTR(#name, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct loaded, name),
    KNOBS(KNOB_SCHEMA)
#undef KNOB_SCHEMA
        CYAML_FIELD_STRING_PTR("data", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct loaded, data, 1, 511),
    CYAML_FIELD_SEQUENCE_COUNT("listen", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct loaded, listen, listen_count,
                               &address_schema, 1, LISTENERS_MAX),
    CYAML_FIELD_ENUM_PTR("tier", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct loaded, tier,
                         tiers, COUNT_OF(tiers)),
    CYAML_FIELD_ENUM_PTR("queue_overflow", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct loaded,
                         queue_overflow, overflows, COUNT_OF(overflows)),
    CYAML_FIELD_ENUM_PTR("log_format", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct loaded,
                         log_format, formats, COUNT_OF(formats)),
    CYAML_FIELD_ENUM_PTR("log_level", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT, struct loaded,
                         log_level, levels, COUNT_OF(levels)),
    CYAML_FIELD_BOOL_PTR("retain_available", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct loaded, retain_available),
    CYAML_FIELD_MAPPING_PTR("zmtp", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct loaded, zmtp,
                            settings_zmtp_fields),
    CYAML_FIELD_END
};
static const cyaml_schema_value_t schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct loaded, fields) };

void
settings_default(struct settings *ret)
{
    *ret = (struct settings){
#define KNOB_DEFAULT(name, standard, low, high, when, help) .name = (standard),
        KNOBS(KNOB_DEFAULT)
#undef KNOB_DEFAULT
            .data = "./data",
        .tier = TIER_SYNCED,
        .queue_overflow = QUEUE_REJECT,
        .log_level = LOG_INFO,
        .retain_available = true,
    };
}

/* ---- errors ------------------------------------------------------------------------------------------------ */

/* Does the value behind "NAME:" begin with digits and nothing else?  libcyaml stops at the first other character. */
static bool
is_number(struct view value)
{
    size_t i = 0;
    while (i < value.len && value.data[i] == ' ')
        i++;
    size_t first = i;
    while (i < value.len && value.data[i] >= '0' && value.data[i] <= '9')
        i++;
    return i > first && (i == value.len || strchr(" \t\r\n#", value.data[i]) != NULL);
}

/* The line on which a top-level setting stands, and what is behind its colon; 0: none. */
static unsigned
find_setting(struct view yaml, const char *name, struct view *retvalue)
{
    unsigned line = 1;
    size_t n = strlen(name);
    for (size_t at = 0; at < yaml.len; line++) {
        struct view rest = view_from(yaml, at);
        if (view_starts(rest, name) && rest.len > n && rest.data[n] == ':') {
            *retvalue = view_from(rest, n + 1);
            return line;
        }
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        if (end == NULL)
            break;
        at += (size_t)(end - rest.data) + 1;
    }
    return 0;
}

static unsigned
line_of(struct view yaml, const char *name)
{
    struct view value;
    return find_setting(yaml, name, &value);
}

static int
refuse(struct settings_fault *ret, struct view yaml, const char *name, const char *text)
{
    ret->line = line_of(yaml, name);
    snprintf(ret->setting, sizeof(ret->setting), "%s", name);
    snprintf(ret->text, sizeof(ret->text), "%s", text);
    return -ERR_INVALID;
}

static void
take_name(struct settings_fault *fault, const char *at, size_t before, const char *end)
{
    if (at != NULL && fault->setting[0] == '\0')
        snprintf(fault->setting, sizeof(fault->setting), "%.*s", (int)strcspn(at + before, end), at + before);
}

/* libcyaml tells what is wrong and then where, a line at a time ("Load: ...", "in mapping field 'x' (line: 3, column:
 * 1)"). */
static void
hear(cyaml_log_t level, void *arg, const char *format, va_list args)
{
    struct settings_fault *fault = arg;
    char line[256];
    (void)level;
    vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0';
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    if (fault->text[0] == '\0')
        snprintf(fault->text, sizeof(fault->text), "%s", text);
    const char *at = strstr(line, "(line: ");
    if (at != NULL && fault->line == 0)
        fault->line = (unsigned)strtoul(at + strlen("(line: "), NULL, 10);
    take_name(fault, strstr(line, "mapping field '"), strlen("mapping field '"), "'");
    take_name(fault, strstr(line, "Unexpected key: "), strlen("Unexpected key: "), " ");
}

static int
refuse_line(struct settings_fault *ret, unsigned line, struct view name, const char *text)
{
    ret->line = line;
    snprintf(ret->setting, sizeof(ret->setting), "%.*s", (int)name.len, (const char *)name.data);
    snprintf(ret->text, sizeof(ret->text), "%s", text);
    return -ERR_INVALID;
}

static bool
is_truth(struct view value)
{
    static const char *const words[] = { "true", "false", "yes", "no", "on", "off" };
    while (value.len > 0 && value.data[0] == ' ')
        value = view_from(value, 1);
    size_t n = 0;
    while (n < value.len && strchr(" \t\r\n#", value.data[n]) == NULL)
        n++;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (view_is(view_of(value.data, n), words[i]))
            return true;
    return false;
}

/* One line: what libcyaml accepts, or refuses without saying where. */
static int
check_line(struct view yaml, struct view rest, unsigned line, struct settings_fault *retfault)
{
    char name[64];
    size_t n = 0;
    if (rest.len > 0 && rest.data[0] == '\t')
        return refuse_line(retfault, line, view_of(rest.data, 0), "a tab may not indent YAML");
    while (n < rest.len && n < sizeof(name) - 1 &&
           (rest.data[n] == '_' || (rest.data[n] >= 'a' && rest.data[n] <= 'z')))
        n++;
    if (n == 0 || n == rest.len || rest.data[n] != ':')
        return 0;
    memcpy(name, rest.data, n);
    name[n] = '\0';
    struct view key = view_of(rest.data, n);
    if (line_of(yaml, name) != line)
        return refuse_line(retfault, line, key, "is set twice");
    if (view_is(key, "retain_available") && !is_truth(view_from(rest, n + 1)))
        return refuse_line(retfault, line, key, "neither true nor false");
    return 0;
}

static int
check_lines(struct view yaml, struct settings_fault *retfault)
{
    struct view rest = yaml;
    for (unsigned line = 1;; line++) {
        int rc = check_line(yaml, rest, line, retfault);
        const uint8_t *end = rest.len == 0 ? NULL : memchr(rest.data, '\n', rest.len);
        if (rc < 0 || end == NULL)
            return rc;
        rest = view_from(rest, (size_t)(end - rest.data) + 1);
    }
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

static void *
count_memory(void *ctx, void *block, size_t n)
{
    struct mem *mem = ctx;
    if (n > 0)
        return mem_grow(mem, block, n);
    mem_free(mem, block);
    return NULL;
}

static int
take_number(const uint64_t *loaded, uint64_t low, uint64_t high, const char *name, struct view yaml, uint64_t *ret,
            struct settings_fault *retfault)
{
    char text[128];
    struct view value;
    if (loaded == NULL)
        return 0;
    if (find_setting(yaml, name, &value) != 0 && !is_number(value))
        return refuse(retfault, yaml, name, "not a whole number");
    if (*loaded < low || *loaded > high) {
        snprintf(text, sizeof(text), "%llu is outside %llu .. %llu", (unsigned long long)*loaded,
                 (unsigned long long)low, (unsigned long long)high);
        return refuse(retfault, yaml, name, text);
    }
    *ret = *loaded;
    return 0;
}

static int
take_numbers(const struct loaded *loaded, struct view yaml, struct settings *ret, struct settings_fault *retfault)
{
    int rc = 0;
#define KNOB_TAKE(name, standard, low, high, when, help) \
    if (rc == 0)                                         \
        rc = take_number(loaded->name, low, high, #name, yaml, &ret->name, retfault);
    KNOBS(KNOB_TAKE)
#undef KNOB_TAKE
    return rc;
}

enum { MQTT_PORT = 1883 };

static int
take_listeners(const struct loaded *loaded, struct view yaml, struct settings *ret, struct settings_fault *retfault)
{
    char text[200];
    for (unsigned i = 0; i < loaded->listen_count; i++) {
        if (io_address_parse(loaded->listen[i], MQTT_PORT, &ret->listen[i]) == 0)
            continue;
        snprintf(text, sizeof(text), "'%s' is neither tcp://HOST:PORT nor unix:PATH", loaded->listen[i]);
        return refuse(retfault, yaml, "listen", text);
    }
    if (loaded->listen_count > 0)
        ret->listen_count = loaded->listen_count;
    return 0;
}

static void
take_texts(const struct loaded *loaded, struct settings *ret)
{
    if (loaded->data != NULL)
        snprintf(ret->data, sizeof(ret->data), "%s", loaded->data);
    if (loaded->tier != NULL)
        ret->tier = (enum tier) * loaded->tier;
    if (loaded->queue_overflow != NULL)
        ret->queue_overflow = (enum queue_overflow) * loaded->queue_overflow;
    if (loaded->log_format != NULL)
        ret->log_format = (enum line_format) * loaded->log_format;
    if (loaded->log_level != NULL)
        ret->log_level = (enum severity) * loaded->log_level;
    if (loaded->retain_available != NULL)
        ret->retain_available = *loaded->retain_available;
}

static int
take_zmtp(const struct loaded *loaded, struct view yaml, struct settings *ret, struct settings_fault *retfault)
{
    const char *why = settings_zmtp_take(loaded->zmtp, &ret->zmtp);
    return why == NULL ? 0 : refuse(retfault, yaml, "zmtp", why);
}

int
settings_parse(struct mem *mem, struct view yaml, struct settings *ret, struct settings_fault *retfault)
{
    const cyaml_config_t config = {
        .log_fn = hear,
        .log_ctx = retfault,
        .log_level = CYAML_LOG_ERROR,
        .mem_fn = count_memory,
        .mem_ctx = mem,
        .flags = CYAML_CFG_DEFAULT,
    };
    struct loaded *loaded = NULL;
    struct settings news = *ret;
    *retfault = (struct settings_fault){ 0 };
    int refused = check_lines(yaml, retfault);
    if (refused < 0)
        return refused;
    cyaml_err_t err = cyaml_load_data(yaml.data, yaml.len, &config, &schema, (cyaml_data_t **)&loaded, NULL);
    if (err == CYAML_ERR_OOM)
        return -ERR_NO_MEMORY;
    if (err != CYAML_OK) {
        if (retfault->text[0] == '\0')
            snprintf(retfault->text, sizeof(retfault->text), "%s", cyaml_strerror(err));
        unsigned line = retfault->setting[0] == '\0' ? 0 : line_of(yaml, retfault->setting);
        if (line != 0)
            retfault->line = line;
        return -ERR_INVALID;
    }
    if (loaded == NULL)
        return 0; /* an empty document names nothing */
    int rc = take_numbers(loaded, yaml, &news, retfault);
    if (rc == 0)
        rc = take_listeners(loaded, yaml, &news, retfault);
    if (rc == 0)
        rc = take_zmtp(loaded, yaml, &news, retfault);
    take_texts(loaded, &news);
    cyaml_free(&config, &schema, loaded, 0);
    if (rc == 0)
        *ret = news;
    return rc;
}

static int
read_whole(struct io *io, const char *path, uint8_t *into, size_t room, size_t *retlen)
{
    struct io_job job = { .op = IO_OPEN, .path = path, .flags = IO_FLAG_READ_ONLY };
    int64_t rc = io_now(io, &job);
    if (rc < 0)
        return (int)rc;
    job.op = IO_READ;
    job.into = into;
    job.len = room;
    rc = io_now(io, &job);
    job.op = IO_CLOSE;
    (void)io_now(io, &job);
    if (rc < 0)
        return (int)rc;
    *retlen = (size_t)rc;
    return *retlen == room ? -ERR_TOO_LARGE : 0;
}

int
settings_read(struct io *io, const char *path, struct settings *ret, struct settings_fault *retfault)
{
    struct mem *mem = io_mem(io);
    size_t len = 0;
    uint8_t *text = mem_raw(mem, SETTINGS_FILE_BYTES_MAX);
    if (text == NULL)
        return -ERR_NO_MEMORY;
    *retfault = (struct settings_fault){ 0 };
    int rc = read_whole(io, path, text, SETTINGS_FILE_BYTES_MAX, &len);
    if (rc == 0)
        rc = settings_parse(mem, view_of(text, len), ret, retfault);
    else
        snprintf(retfault->text, sizeof(retfault->text), "%s", err_text(rc));
    mem_free(mem, text);
    return rc;
}

/* ---- reload and print --------------------------------------------------------------------------------------- */

void
settings_reload(struct settings *settings, const struct settings *news, void (*fn)(void *arg, const char *name),
                void *arg)
{
#define KNOB_RELOAD(name, standard, low, high, when, help) \
    if ((when) == LIVE)                                    \
        settings->name = news->name;                       \
    else if (settings->name != news->name)                 \
        fn(arg, #name);
    KNOBS(KNOB_RELOAD)
#undef KNOB_RELOAD
    settings->queue_overflow = news->queue_overflow;
    settings->log_format = news->log_format;
    settings->log_level = news->log_level;
    settings->retain_available = news->retain_available;
    settings->zmtp = news->zmtp;
    if (settings->tier != news->tier)
        fn(arg, "tier");
    if (strcmp(settings->data, news->data) != 0)
        fn(arg, "data");
    if (settings->listen_count != news->listen_count ||
        memcmp(settings->listen, news->listen, sizeof(news->listen)) != 0)
        fn(arg, "listen");
}

static const char *
text_of(const cyaml_strval_t *values, size_t n, int64_t value)
{
    for (size_t i = 0; i < n; i++)
        if (values[i].val == value)
            return values[i].str;
    return "?";
}

void
settings_print(const struct settings *settings, void (*fn)(void *arg, const char *line), void *arg)
{
    char line[640];
    char address[160];
    snprintf(line, sizeof(line), "data: %s", settings->data);
    fn(arg, line);
    for (unsigned i = 0; i < settings->listen_count; i++) {
        io_address_print(&settings->listen[i], address, sizeof(address));
        snprintf(line, sizeof(line), "%s- %s", i == 0 ? "listen:\n  " : "  ", address);
        fn(arg, line);
    }
    const struct {
        const char *name, *value;
    } texts[] = {
        {"tier",             text_of(tiers,         COUNT_OF(tiers), settings->tier) },
        { "queue_overflow",   text_of(overflows,                       COUNT_OF(overflows), settings->queue_overflow) },
        { "log_format",text_of(formats,COUNT_OF(formats), settings->log_format) },
        { "log_level",                 text_of(levels,                          COUNT_OF(levels), settings->log_level) },
        { "retain_available", settings->retain_available ? "true" : "false"                      },
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        snprintf(line, sizeof(line), "%s: %s", texts[i].name, texts[i].value);
        fn(arg, line);
    }
    settings_zmtp_print(&settings->zmtp, fn, arg);
#define KNOB_PRINT(name, standard, low, high, when, help)                                            \
    snprintf(line, sizeof(line), "%s: %llu  # %s", #name, (unsigned long long)settings->name, help); \
    fn(arg, line);
    KNOBS(KNOB_PRINT)
#undef KNOB_PRINT
}
