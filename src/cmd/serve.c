/* cmd/serve.c - tambo serve: runs a node until it is told to stop. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/must.h"
#include "cmd/cmd.h"
#include "node/node.h"

enum { MQTT_PORT = 1883, AMQP_PORT = 5672 };

struct serve_options {
    const char *config, *data, *tier;
    const char *listen[LISTENERS_MAX];
    unsigned listen_count;
    uint64_t shards;
    bool check, shards_given;
};

struct serve {
    struct serve_options options;
    struct mem mem;
    struct io *io;
    struct settings settings;
    struct node *node;
};

static int
parse_listen(void *into, char *const *words, struct complaint *complaint)
{
    struct serve_options *o = into;
    struct io_address address;
    if (io_address_parse(words[0], MQTT_PORT, &address) < 0)
        return complain(complaint, "--listen %s: neither tcp://HOST:PORT nor unix:PATH", words[0]);
    if (o->listen_count == LISTENERS_MAX)
        return complain(complaint, "--listen: at most %d", LISTENERS_MAX);
    o->listen[o->listen_count++] = words[0];
    return 0;
}

static int
parse_shards(void *into, char *const *words, struct complaint *complaint)
{
    struct serve_options *o = into;
    o->shards_given = true;
    if (parse_number(words[0], 0, SHARDS_MAX, &o->shards) < 0)
        return complain(complaint, "--shards %s: a number from 0 to %d", words[0], SHARDS_MAX);
    return 0;
}

#define AT(field) offsetof(struct serve_options, field)
/* clang-format off */
static const struct option_row rows[] = {
    { 'c', "config", "FILE", "settings in YAML (see tambo-serve(1))", OPTION_TEXT, AT(config) },
    { 'd', "data", "DIR", "directory of the log (default ./data)", OPTION_TEXT, AT(data) },
    { 'l', "listen", "ADDRESS", "tcp://HOST:PORT or unix:PATH; may be repeated (default tcp://127.0.0.1:1883 and :5672)",
      OPTION_CALL, .parse = parse_listen },
    { 's', "shards", "N", "threads, each with its own loop and log; 0: one a core", OPTION_CALL, .parse = parse_shards },
    { 't', "tier", "TIER", "what an acknowledgement means: memory, written or synced (default)", OPTION_TEXT, AT(tier) },
    { 0, "check", NULL, "read the settings, print them and exit", OPTION_FLAG, AT(check) },
};
/* clang-format on */
#undef AT

/* ---- settings ---------------------------------------------------------------------------------------------- */

static int
tell_fault(const struct serve *serve, const struct settings_fault *fault)
{
    const char *file = serve->options.config;
    fprintf(stderr, "tambo serve: ");
    if (file != NULL)
        fprintf(stderr, "%s:", file);
    if (file != NULL && fault->line > 0)
        fprintf(stderr, "%u:", fault->line);
    fprintf(stderr, "%s%s%s%s\n", file != NULL ? " " : "", fault->setting, fault->setting[0] ? ": " : "", fault->text);
    return 1;
}

/* The command line goes over the file. */
static int
apply_options(const struct serve_options *o, struct settings *ret, struct settings_fault *retfault)
{
    static const char *const tiers[] = {
        [TIER_MEMORY] = "memory", [TIER_WRITTEN] = "written", [TIER_SYNCED] = "synced"
    };
    if (o->data != NULL)
        snprintf(ret->data, sizeof(ret->data), "%s", o->data);
    if (o->shards_given)
        ret->shards = o->shards;
    if (o->listen_count > 0)
        ret->listen_count = o->listen_count;
    for (unsigned i = 0; i < o->listen_count; i++)
        must(io_address_parse(o->listen[i], MQTT_PORT, &ret->listen[i]) == 0);
    if (ret->listen_count == 0) {
        must(io_address_parse("tcp://127.0.0.1", MQTT_PORT, &ret->listen[ret->listen_count++]) == 0);
        must(io_address_parse("tcp://127.0.0.1", AMQP_PORT, &ret->listen[ret->listen_count++]) == 0);
    }
    for (unsigned t = 0; o->tier != NULL && t < COUNT_OF(tiers); t++) {
        if (strcmp(o->tier, tiers[t]) == 0) {
            ret->tier = (enum tier)t;
            return 0;
        }
    }
    if (o->tier == NULL)
        return 0;
    snprintf(retfault->setting, sizeof(retfault->setting), "--tier %s", o->tier);
    snprintf(retfault->text, sizeof(retfault->text), "memory, written or synced");
    return -ERR_INVALID;
}

static int
read_settings(struct serve *serve, struct settings *ret, struct settings_fault *retfault)
{
    settings_default(ret);
    *retfault = (struct settings_fault){ 0 };
    if (serve->options.config != NULL) {
        int rc = settings_read(serve->io, serve->options.config, ret, retfault);
        if (rc < 0)
            return rc;
    }
    return apply_options(&serve->options, ret, retfault);
}

static void
print_setting(void *arg, const char *line)
{
    (void)arg;
    puts(line);
}

/* ---- running ----------------------------------------------------------------------------------------------- */

/* One write a line, so that shards' lines do not mix. */
static void
on_say(void *arg, const struct line *line)
{
    const struct serve *serve = arg;
    char text[2048];
    size_t n = line_print(line, serve->settings.log_format, text, sizeof(text));
    fwrite(text, 1, n, stderr);
}

static void
on_stopped(void *arg)
{
    struct serve *serve = arg;
    io_stop(serve->io);
}

static void
on_term(void *arg)
{
    struct serve *serve = arg;
    node_stop(serve->node);
}

static void
on_hup(void *arg)
{
    struct serve *serve = arg;
    struct settings news;
    struct settings_fault fault;
    if (read_settings(serve, &news, &fault) < 0) {
        tell_fault(serve, &fault);
        fprintf(stderr, "tambo serve: the settings stay as they were\n");
        return;
    }
    serve->settings.log_format = news.log_format;
    node_reload(serve->node, &news);
}

/* The options by which pub and sub find the first listener. */
static void
print_where(const struct serve *serve, char *ret, size_t room)
{
    struct io_address at;
    ret[0] = '\0';
    node_address(serve->node, 0, &at);
    bool local = strcmp(at.host, "127.0.0.1") == 0 || strcmp(at.host, "*") == 0 || strcmp(at.host, "0.0.0.0") == 0;
    if (at.kind == IO_UNIX)
        snprintf(ret, room, " -L unix:%s", at.host);
    else if (!local)
        snprintf(ret, room, " -h %s -p %u", at.host, at.port);
    else if (at.port != MQTT_PORT)
        snprintf(ret, room, " -p %u", at.port);
}

static void
greet(const struct serve *serve)
{
    struct io_address address;
    char text[160];
    printf("tambo %s, %u shard%s", TAMBO_VERSION, node_shards(serve->node), node_shards(serve->node) == 1 ? "" : "s");
    if (serve->settings.tier == TIER_MEMORY)
        printf(", nothing on disk\n");
    else
        printf(", data in %s\n", serve->settings.data);
    for (unsigned i = 0; node_address(serve->node, i, &address); i++) {
        io_address_print(&address, text, sizeof(text));
        printf("listening on   %s\n", text);
    }
    print_where(serve, text, sizeof(text));
    printf("subscribe      tambo sub%s -t 'hello/#' -v\n", text);
    printf("publish        tambo pub%s -t hello/world -q 1 -m 'hi'\n", text);
    printf("stop           Ctrl-C, or kill %ld\n", (long)getpid());
    fflush(stdout);
}

static int
watch_signals(struct serve *serve)
{
    int rc = io_on_signal(serve->io, SIGTERM, on_term, serve);
    if (rc == 0)
        rc = io_on_signal(serve->io, SIGINT, on_term, serve);
    if (rc == 0)
        rc = io_on_signal(serve->io, SIGHUP, on_hup, serve);
    return rc;
}

static int
run(struct serve *serve)
{
    const struct node_owner owner = { .arg = serve, .say = on_say, .stopped = on_stopped };
    struct settings_fault fault = { 0 };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    serve->mem.bytes_max = serve->settings.node_memory_bytes_max;
    int rc = node_new(serve->io, &serve->settings, &owner, &serve->node);
    if (rc == 0)
        rc = node_open(serve->node, cores > 0 ? (unsigned)cores : 1, &fault);
    if (rc < 0)
        return tell_fault(serve, &fault);
    if (watch_signals(serve) < 0 || node_start(serve->node) < 0) {
        fprintf(stderr, "tambo serve: cannot start threads or watch signals\n");
        return 1;
    }
    greet(serve);
    io_ready(serve->io);
    return io_run(serve->io) < 0;
}

int
cmd_serve(int argc, char *const *argv)
{
    struct serve serve = { 0 };
    struct settings_fault fault;
    int exit_code;
    const struct option_group group = { "Options", rows, COUNT_OF(rows), &serve.options };
    const struct option_spec spec = {
        .usage = "tambo serve [OPTION]...",
        .about =
            "Runs a node in the foreground.  SIGTERM and SIGINT stop it gracefully, SIGHUP reads the settings again.",
        .groups = &group,
        .group_count = 1,
    };
    if (cmd_options("serve", &spec, argc, argv, &exit_code) != 0)
        return exit_code;
    if (io_uv_new(&serve.mem, &serve.io) < 0) {
        fprintf(stderr, "tambo serve: no event loop: %s\n", err_text(-ERR_NO_MEMORY));
        return 1;
    }
    if (read_settings(&serve, &serve.settings, &fault) < 0)
        exit_code = tell_fault(&serve, &fault);
    else if (serve.options.check)
        settings_print(&serve.settings, print_setting, NULL);
    else
        exit_code = run(&serve);
    node_free(serve.node);
    io_free(serve.io);
    return exit_code;
}
