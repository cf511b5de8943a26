/* Lists of all lengths come into order, and equal ones stay in theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "route/sort.h"

struct card {
    struct list link;
    uint64_t value, place;
};

static bool
smaller(const struct list *a, const struct list *b)
{
    return container_of(a, const struct card, link)->value < container_of(b, const struct card, link)->value;
}

static void
sorting_is_stable(void **state)
{
    (void)state;
    static struct card cards[300];
    struct prng prng;
    prng_init(&prng, 2);
    for (size_t n = 0; n <= 300; n += 1 + n / 3) {
        struct list head;
        size_t count = 0;
        list_init(&head);
        for (size_t i = 0; i < n; i++) {
            cards[i] = (struct card){ .value = prng_below(&prng, n), .place = i };
            list_init(&cards[i].link);
            list_push(&head, &cards[i].link);
        }
        sort_list(&head, smaller);
        const struct card *last = NULL;
        LIST_EACH(&head, it) {
            const struct card *card = container_of(it, struct card, link);
            assert_ptr_equal(it->next->prev, it);
            if (last != NULL)
                assert_true(last->value < card->value || (last->value == card->value && last->place < card->place));
            last = card;
            count++;
        }
        assert_int_equal(count, n);
    }
}

/* Whatever runs it begins with: in order, backwards, all the same. */
static void
sorting_knows_every_start(void **state)
{
    (void)state;
    static struct card cards[100];
    for (unsigned form = 0; form < 3; form++) {
        struct list head;
        uint64_t last = 0, count = 0;
        list_init(&head);
        for (uint64_t i = 0; i < 100; i++) {
            cards[i].value = form == 0 ? i : form == 1 ? 100 - i : 7;
            list_init(&cards[i].link);
            list_push(&head, &cards[i].link);
        }
        sort_list(&head, smaller);
        LIST_EACH(&head, it) {
            uint64_t value = container_of(it, const struct card, link)->value;
            assert_true(last <= value);
            last = value;
            count++;
        }
        assert_int_equal(count, 100);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorting_is_stable),
        cmocka_unit_test(sorting_knows_every_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
