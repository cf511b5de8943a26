/* route/table.h - what a route is made of, for this room only. */
#ifndef TAMBO_ROUTE_TABLE_H
#define TAMBO_ROUTE_TABLE_H

#include "route/cache.h"
#include "route/match.h"
#include "route/trie.h"

struct route {
    struct mem *mem;
    struct trie trie;
    struct matcher matcher;
    struct cache cache;
    uint64_t rows;
    uint64_t version; /* changes so far */
};

#endif
