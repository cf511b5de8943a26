#include "route/sort.h"

/* Moves the longest run in order from the front of `head` to `run`, which is empty. */
static void
cut_run(struct list *head, struct list *run, sort_before_fn *before)
{
    list_init(run);
    if (list_empty(head))
        return;
    struct list *last = head->next;
    while (last->next != head && !before(last->next, last))
        last = last->next;
    run->next = head->next;
    run->prev = last;
    head->next = last->next;
    head->next->prev = head;
    run->next->prev = run;
    last->next = run;
}

static void
merge(struct list *to, struct list *a, struct list *b, sort_before_fn *before)
{
    while (!list_empty(a) && !list_empty(b))
        list_push(to, before(b->next, a->next) ? b->next : a->next);
    list_splice(to, a);
    list_splice(to, b);
}

/* Merges neighbouring runs two by two; how many runs it left. */
static size_t
pass(struct list *head, sort_before_fn *before)
{
    struct list merged, a, b;
    size_t runs = 0;
    list_init(&merged);
    for (; !list_empty(head); runs++) {
        cut_run(head, &a, before);
        cut_run(head, &b, before);
        merge(&merged, &a, &b, before);
    }
    list_splice(head, &merged);
    return runs;
}

void
sort_list(struct list *head, sort_before_fn *before)
{
    while (pass(head, before) > 1)
        continue;
}
