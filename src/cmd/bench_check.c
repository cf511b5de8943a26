/* cmd/bench_check.c - see bench_check.h. */
#include "cmd/bench_check.h"

#include "base/err.h"
#include "base/mem.h"

enum { REMEMBERED = 64 };

int
check_init(struct check *check, struct mem *mem, unsigned flow_count)
{
    *check = (struct check){ .mem = mem, .flow_count = flow_count };
    check->flows = mem_new(mem, (flow_count + 1) * sizeof *check->flows);
    return check->flows == NULL ? -ERR_NO_MEMORY : 0;
}

void
check_fini(struct check *check)
{
    mem_free(check->mem, check->flows);
    check->flows = NULL;
}

static void
take_early(struct check *check, struct check_flow *flow, uint64_t gap)
{
    flow->seen = gap + 1 >= REMEMBERED ? 1 : flow->seen << (gap + 1) | 1;
    flow->missing += (uint32_t)gap;
    flow->next += (uint32_t)gap + 1;
    check->unique++;
}

static void
take_late(struct check *check, struct check_flow *flow, uint64_t back)
{
    uint64_t bit = back < REMEMBERED ? UINT64_C(1) << back : 0;

    if ((flow->seen & bit) || flow->missing == 0) {
        check->duplicated++;
        return;
    }
    flow->seen |= bit;
    flow->missing--;
    check->misordered++;
    check->unique++;
}

void
check_take(struct check *check, unsigned index, uint64_t number)
{
    struct check_flow *flow = &check->flows[index];

    if (number == flow->next) {
        flow->seen = flow->seen << 1 | 1;
        flow->next++;
        check->unique++;
    } else if (number > flow->next) {
        take_early(check, flow, number - flow->next);
    } else {
        take_late(check, flow, flow->next - 1 - number);
    }
}
