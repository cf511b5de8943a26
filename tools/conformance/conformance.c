/* tools/conformance - prints docs/conformance-PROTOCOL.md: each rule of the specification, the tests that show that we
 * keep it, and what those tests said.
 *
 *     conformance mqtt|amqp|zmtp FILE...
 *
 * The files are what the test programs printed. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "results.h"

static const struct page {
    const char *protocol;
    void (*print)(const struct results *results);
} pages[] = {
    {"mqtt",  print_mqtt_page},
    { "amqp", print_amqp_page},
    { "zmtp", print_zmtp_page},
};

static const struct page *
page_of(const char *protocol)
{
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        if (strcmp(pages[i].protocol, protocol) == 0)
            return &pages[i];
    return NULL;
}

int
main(int argc, char **argv)
{
    const struct page *page = argc > 1 ? page_of(argv[1]) : NULL;
    if (page == NULL) {
        fprintf(stderr, "usage: conformance mqtt|amqp|zmtp FILE...\n");
        return 2;
    }
    struct mem mem = { 0 };
    struct results results = { .rows = mem_new(&mem, RESULTS_MAX * sizeof(struct result)) };
    must(results.rows != NULL);
    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (file == NULL) {
            perror(argv[i]);
            mem_free(&mem, results.rows);
            return 1;
        }
        results_read(&results, file);
        fclose(file);
    }
    page->print(&results);
    mem_free(&mem, results.rows);
    return 0;
}
