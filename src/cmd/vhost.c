/* cmd/vhost.c - tambo vhost: list, add, delete. */
#include "base/must.h"
#include "cmd/admin.h"
#include "cmd/cmd.h"

static void
on_list(struct admin *admin, const json_t *ok)
{
    static const struct admin_column columns[] = {
        {"name", "NAME"},
    };
    admin_print_list(admin, ok, columns, COUNT_OF(columns));
}

static void
begin_list(void *arg)
{
    admin_ask(arg, json_pack("{s:s}", "do", "list-vhosts"), on_list);
}

static void
begin_add(void *arg)
{
    struct admin *admin = arg;
    admin_ask(admin, json_pack("{s:s, s:s}", "do", "add-vhost", "name", admin->words[0]), NULL);
}

static void
begin_delete(void *arg)
{
    struct admin *admin = arg;
    admin_ask(admin, json_pack("{s:s, s:s}", "do", "delete-vhost", "name", admin->words[0]), NULL);
}

int
cmd_vhost(int argc, char *const *argv)
{
    static const struct admin_verb verbs[] = {
        {"list",    "",     0, 0, begin_list  },
        { "add",    "NAME", 1, 1, begin_add   },
        { "delete", "NAME", 1, 1, begin_delete},
    };
    struct admin admin = { 0 };
    struct admin_spec spec = {
        "Lists, makes and ends virtual hosts of a Tambo.  One that ends takes everything in it along, "
        "and its connections are closed.",
        verbs, COUNT_OF(verbs), NULL
    };
    return admin_run(&admin, "vhost", &spec, argc, argv);
}
