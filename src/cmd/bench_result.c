/* cmd/bench_result.c - see bench_result.h. */
#include "cmd/bench_result.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "cmd/histogram.h"

static void
add(struct result *result, struct result_row row)
{
    must(result->count < RESULT_ROWS_MAX);
    result->rows[result->count++] = row;
}

void
result_parameter(struct result *result, const char *key, uint64_t value)
{
    add(result, (struct result_row){ .key = key, .unit = "", .value = (double)value, .parameter = true });
}

void
result_count(struct result *result, const char *key, const char *unit, uint64_t value)
{
    add(result, (struct result_row){ .key = key, .unit = unit, .value = (double)value });
}

void
result_number(struct result *result, const char *key, const char *unit, double value, unsigned decimals)
{
    add(result, (struct result_row){ .key = key, .unit = unit, .value = value, .decimals = decimals });
}

void
result_latency(struct result *result, const struct histogram *latency_ns)
{
    static const struct {
        const char *key;
        unsigned per_million;
    } points[] = {
        {"p50_us",   500000 },
        { "p90_us",  900000 },
        { "p99_us",  990000 },
        { "p999_us", 999000 },
        { "max_us",  1000000},
    };

    for (size_t i = 0; i < COUNT_OF(points); i++)
        result_number(result, points[i].key, "us", (double)histogram_at(latency_ns, points[i].per_million) / 1e3, 1);
}

/* "1,234,567.8" */
static void
group_digits(double value, unsigned decimals, char *ret, size_t room)
{
    char plain[64];
    int n = snprintf(plain, sizeof plain, "%.*f", (int)decimals, value);
    int whole = (int)strcspn(plain, ".");
    size_t at = 0;

    for (int i = 0; i < n && at + 2 < room; i++) {
        ret[at++] = plain[i];
        if (i + 1 < whole && (whole - i - 1) % 3 == 0 && plain[i] != '-')
            ret[at++] = ',';
    }
    ret[at] = '\0';
}

void
result_print(const struct result *result)
{
    char number[80];

    printf("%s\n", result->scenario);
    for (unsigned i = 0; i < result->count; i++) {
        const struct result_row *row = &result->rows[i];
        group_digits(row->value, row->decimals, number, sizeof number);
        printf("  %-22s %16s %s\n", row->key, number, row->unit);
    }
}

static json_t *
number_of(const struct result_row *row)
{
    return row->decimals == 0 ? json_integer((json_int_t)row->value) : json_real(row->value);
}

int
result_print_json(const struct result *result)
{
    json_t *object = json_pack("{s:s,s:{}}", "scenario", result->scenario, "parameters");
    json_t *parameters = json_object_get(object, "parameters");
    int rc = parameters == NULL ? -1 : 0;

    for (unsigned i = 0; i < result->count && rc == 0; i++) {
        const struct result_row *row = &result->rows[i];
        rc = json_object_set_new(row->parameter ? parameters : object, row->key, number_of(row));
    }
    if (rc == 0)
        rc = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(8));
    putchar('\n');
    json_decref(object);
    return rc < 0 ? -ERR_NO_MEMORY : 0;
}
