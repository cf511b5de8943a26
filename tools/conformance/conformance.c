/* tools/conformance - prints docs/conformance-mqtt.md or docs/conformance-amqp.md: each rule of the specification, the
 * tests that show that we keep it, and what those tests said.
 *
 *     conformance mqtt|amqp FILE...
 *
 * The files are what the test programs printed. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "results.h"

int
main(int argc, char **argv)
{
    if (argc < 2 || (strcmp(argv[1], "amqp") != 0 && strcmp(argv[1], "mqtt") != 0)) {
        fprintf(stderr, "usage: conformance mqtt|amqp FILE...\n");
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
    if (strcmp(argv[1], "amqp") == 0)
        print_amqp_page(&results);
    else
        print_mqtt_page(&results);
    mem_free(&mem, results.rows);
    return 0;
}
