/* idl/check_union.c - what may stand in a union (RFC 4506, 4.15) and in a program (RFC 5531, 12.3). */
#include "idl/inner.h"

/* ---- unions ---------------------------------------------------------------------------------------------------- */

static bool
is_enumerator(const struct idl_def *def, int64_t value)
{
    for (const struct idl_enumerator *e = def->enumerators; e != NULL; e = e->next)
        if (e->number.value == value)
            return true;
    return false;
}

static bool
is_in_range(const struct idl_type *type, int64_t value)
{
    int64_t high = (INT64_C(1) << (type->bits - (type->is_unsigned ? 0u : 1u))) - 1;
    return value <= high && value >= (type->is_unsigned ? 0 : -high - 1);
}

/* Can the discriminant have this value? */
static void
check_label(struct idl_source *source, const struct idl_decl *discriminant, const struct idl_number *label)
{
    const struct idl_type *type = &discriminant->type;
    if (source->rc != 0)
        return;
    if (type->kind == IDL_NAMED && !is_enumerator(type->def, label->value))
        idl_fault_at(source, label->text.data, "'%.*s' is no value of the enum '%.*s'", IDL_NAME(label->text),
                     IDL_NAME(type->def->name));
    if (type->kind == IDL_BOOL && label->value != 0 && label->value != 1)
        idl_fault_at(source, label->text.data, "'%.*s' is neither TRUE nor FALSE", IDL_NAME(label->text));
    if (type->kind == IDL_INT && !is_in_range(type, label->value))
        idl_fault_at(source, label->text.data, "'%.*s' is out of the range of the discriminant '%.*s'",
                     IDL_NAME(label->text), IDL_NAME(discriminant->name));
}

static bool
has_label(const struct idl_case *c, unsigned count, int64_t value)
{
    for (unsigned i = 0; i < count; i++)
        if (c->labels[i].value == value)
            return true;
    return false;
}

/* Does a label before label `at` of `c` have this value? */
static bool
is_taken(const struct idl_def *def, const struct idl_case *c, unsigned at, int64_t value)
{
    for (const struct idl_case *before = def->choice.cases; before != c; before = before->next)
        if (has_label(before, before->label_count, value))
            return true;
    return has_label(c, at, value);
}

static bool
has_arm(const struct idl_def *def, const struct idl_case *until, struct view name)
{
    for (const struct idl_case *c = def->choice.cases; c != until; c = c->next)
        if (name.len > 0 && view_equal(c->arm.name, name))
            return true;
    return false;
}

static void
check_arm(struct idl_source *source, const struct idl_def *def, const struct idl_case *c)
{
    if (has_arm(def, c->label_count == 0 ? NULL : c, c->arm.name))
        idl_fault_at(source, c->arm.name.data, "the union '%.*s' has an arm '%.*s' already", IDL_NAME(def->name),
                     IDL_NAME(c->arm.name));
}

void
idl_check_union(struct idl_source *source, struct idl_names *names, struct idl_def *def)
{
    struct idl_decl discriminant = idl_resolve(&def->choice.discriminant);
    const struct idl_type *type = &discriminant.type;
    bool is_enum = type->kind == IDL_NAMED && type->def->kind == IDL_ENUM;
    if (discriminant.shape != IDL_PLAIN || !(is_enum || type->kind == IDL_BOOL || type->kind == IDL_INT))
        idl_fault_at(source, def->choice.discriminant.name.data,
                     "the discriminant '%.*s' must be an int, an unsigned int, a bool or an enum",
                     IDL_NAME(discriminant.name));
    for (struct idl_case *c = def->choice.cases; c != NULL && source->rc == 0; c = c->next) {
        for (unsigned i = 0; i < c->label_count; i++) {
            idl_names_number(source, names, &c->labels[i]);
            check_label(source, &discriminant, &c->labels[i]);
            if (is_taken(def, c, i, c->labels[i].value))
                idl_fault_at(source, c->labels[i].text.data, "the union '%.*s' has a case '%.*s' already",
                             IDL_NAME(def->name), IDL_NAME(c->labels[i].text));
        }
        check_arm(source, def, c);
    }
    if (def->choice.otherwise != NULL)
        check_arm(source, def, def->choice.otherwise);
}

/* ---- programs -------------------------------------------------------------------------------------------------- */

static void
check_number(struct idl_source *source, struct idl_names *names, struct idl_number *number)
{
    idl_names_number(source, names, number);
    if (number->value < 0 || number->value > UINT32_MAX)
        idl_fault_at(source, number->text.data, "'%.*s' must be from 0 to 4294967295", IDL_NAME(number->text));
}

static void
check_procedure(struct idl_source *source, struct idl_names *names, struct idl_procedure *procedure)
{
    idl_check_name(source, procedure->name);
    idl_check_decl(source, names, &procedure->ret);
    check_number(source, names, &procedure->number);
    for (struct idl_decl *arg = procedure->args; arg != NULL && source->rc == 0; arg = arg->next) {
        idl_check_decl(source, names, arg);
        for (const struct idl_decl *before = procedure->args; before != arg; before = before->next)
            if (arg->name.len > 0 && view_equal(before->name, arg->name))
                idl_fault_at(source, arg->name.data, "the procedure '%.*s' has an argument '%.*s' already",
                             IDL_NAME(procedure->name), IDL_NAME(arg->name));
    }
}

static void
check_version(struct idl_source *source, struct idl_names *names, struct idl_version *version)
{
    idl_check_name(source, version->name);
    check_number(source, names, &version->number);
    for (struct idl_procedure *p = version->procedures; p != NULL && source->rc == 0; p = p->next) {
        check_procedure(source, names, p);
        for (const struct idl_procedure *before = version->procedures; before != p && source->rc == 0;
             before = before->next)
            if (before->number.value == p->number.value)
                idl_fault_at(source, p->number.text.data, "'%.*s' has the number %lld already", IDL_NAME(before->name),
                             (long long)p->number.value);
            else if (view_equal(before->name, p->name))
                idl_fault_at(source, p->name.data, "the version '%.*s' has a procedure '%.*s' already",
                             IDL_NAME(version->name), IDL_NAME(p->name));
    }
}

/* No other program of the text may have its number. */
static void
check_program_number(struct idl_source *source, const struct idl_names *names, const struct idl_def *def)
{
    for (const struct idl_def *before = names->idl->defs; before != def && source->rc == 0; before = before->next)
        if (before->kind == IDL_PROGRAM && before->program.number.value == def->program.number.value)
            idl_fault_at(source, def->program.number.text.data, "the program '%.*s' has this number already",
                         IDL_NAME(before->name));
}

void
idl_check_program(struct idl_source *source, struct idl_names *names, struct idl_def *def)
{
    check_number(source, names, &def->program.number);
    check_program_number(source, names, def);
    for (struct idl_version *v = def->program.versions; v != NULL && source->rc == 0; v = v->next) {
        check_version(source, names, v);
        for (const struct idl_version *before = def->program.versions; before != v && source->rc == 0;
             before = before->next)
            if (before->number.value == v->number.value)
                idl_fault_at(source, v->number.text.data, "the version '%.*s' has the number %lld already",
                             IDL_NAME(before->name), (long long)v->number.value);
            else if (view_equal(before->name, v->name))
                idl_fault_at(source, v->name.data, "the program '%.*s' has a version '%.*s' already",
                             IDL_NAME(def->name), IDL_NAME(v->name));
    }
}
