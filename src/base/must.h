/* base/must.h - assertions that stay on.
 * must() is for our own bugs only: never for what a peer sent or the world did. */
#ifndef TAMBO_BASE_MUST_H
#define TAMBO_BASE_MUST_H

_Noreturn void must_failed(const char *what, const char *file, int line);

#define must(x) ((x) ? (void)0 : must_failed(#x, __FILE__, __LINE__))

/* The struct that holds `member` at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#endif
