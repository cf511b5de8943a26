/* cmd/rpc_target.c - see rpc_target.h. */
#include "cmd/rpc_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"

/* ---- words ---------------------------------------------------------------------------------------------------- */

bool
rpc_target_number(const char *word, uint32_t *ret)
{
    char *end;

    if (word[0] < '0' || word[0] > '9')
        return false;
    errno = 0;
    unsigned long long x = strtoull(word, &end, 0);
    if (*end != '\0' || errno != 0 || x > UINT32_MAX)
        return false;
    *ret = (uint32_t)x;
    return true;
}

int
rpc_target_parse(const char *text, unsigned parts_min, struct rpc_target *ret, struct complaint *complaint)
{
    static const char *const shapes[] = { "", "PROG, PROG.VERS or PROG.VERS.PROC", "PROG.VERS or PROG.VERS.PROC",
                                          "PROG.VERS.PROC" };
    const char *at = text;
    unsigned n = 0;

    *ret = (struct rpc_target){ 0 };
    for (; n < 3 && at != NULL; n++) {
        const char *dot = strchr(at, '.');
        size_t len = dot == NULL ? strlen(at) : (size_t)(dot - at);
        if (len == 0 || len >= RPC_WORD_MAX)
            break;
        memcpy(ret->words[n], at, len);
        at = dot == NULL ? NULL : dot + 1;
    }
    if (at != NULL || n < parts_min)
        return complain(complaint, "'%s' is not %s", text, shapes[parts_min]);
    return 0;
}

static bool
is_said(const char *word, struct view name, int64_t number)
{
    uint32_t x;
    return rpc_target_number(word, &x) ? x == number : view_is(name, word);
}

/* ---- what there is -------------------------------------------------------------------------------------------- */

/* "date.x has no program 'X', but DATE_PROG, TIME_PROG": names are added while they fit. */
struct offer {
    char text[160];
    size_t len;
};

static void
add_name(struct offer *offer, struct view name)
{
    int n = snprintf(offer->text + offer->len, sizeof(offer->text) - offer->len, "%s%.*s", offer->len == 0 ? "" : ", ",
                     (int)name.len, (const char *)name.data);
    if (n > 0 && offer->len + (size_t)n < sizeof(offer->text))
        offer->len += (size_t)n;
    else
        offer->text[offer->len] = '\0';
}

static int
refuse(const char *where, const char *what, const char *word, const struct offer *offer, struct complaint *complaint)
{
    if (offer->len == 0)
        complain(complaint, "%s has no %s", where, what);
    else
        complain(complaint, "%s has no %s '%s', but %s", where, what, word, offer->text);
    return -ERR_NOT_FOUND;
}

/* ---- finding -------------------------------------------------------------------------------------------------- */

static const struct idl_def *
find_program(const struct idl *idl, const char *word, struct offer *offer)
{
    for (const struct idl_def *def = idl->defs; def != NULL; def = def->next) {
        if (def->kind != IDL_PROGRAM)
            continue;
        if (is_said(word, def->name, def->program.number.value))
            return def;
        add_name(offer, def->name);
    }
    return NULL;
}

static const struct idl_version *
find_version(const struct idl_def *program, const char *word, struct offer *offer)
{
    const struct idl_version *newest = NULL;
    for (const struct idl_version *v = program->program.versions; v != NULL; v = v->next) {
        if (word[0] != '\0' && is_said(word, v->name, v->number.value))
            return v;
        if (newest == NULL || v->number.value > newest->number.value)
            newest = v;
        add_name(offer, v->name);
    }
    return word[0] == '\0' ? newest : NULL;
}

static const struct idl_procedure *
find_procedure(const struct idl_version *version, const char *word, struct offer *offer)
{
    for (const struct idl_procedure *p = version->procedures; p != NULL; p = p->next) {
        if (is_said(word, p->name, p->number.value))
            return p;
        add_name(offer, p->name);
    }
    return NULL;
}

static bool
is_null(const char *word)
{
    return word[0] == '\0' || strcmp(word, "0") == 0 || strcmp(word, "NULL") == 0;
}

int
rpc_target_find(struct rpc_target *target, const struct idl *idl, const char *file, struct complaint *complaint)
{
    struct offer programs = { 0 }, versions = { 0 }, procedures = { 0 };
    const struct idl_def *program = find_program(idl, target->words[0], &programs);
    if (program == NULL)
        return refuse(file, "program", target->words[0], &programs, complaint);
    const struct idl_version *version = find_version(program, target->words[1], &versions);
    if (version == NULL)
        return refuse(target->words[0], "version", target->words[1], &versions, complaint);
    target->program = (uint32_t)program->program.number.value;
    target->version = (uint32_t)version->number.value;
    target->procedure = find_procedure(version, target->words[2], &procedures);
    if (target->procedure == NULL && !is_null(target->words[2]))
        return refuse(target->words[0], "procedure", target->words[2], &procedures, complaint);
    if (target->procedure != NULL)
        target->number = (uint32_t)target->procedure->number.value;
    return 0;
}
