/* queue/retained.h - the last retained value of each topic, in memory; a fact in the log when there is one.
 *
 * Each value carries a stamp (wall milliseconds << 8 | shard, never going back); a value replaces only an older one, so
 * that shards that learn of two in different order end with the same.  A deletion is remembered for a minute for the
 * same reason. */
#ifndef TAMBO_QUEUE_RETAINED_H
#define TAMBO_QUEUE_RETAINED_H

#include "base/wheel.h"
#include "log/log.h"
#include "queue/message.h"
#include "route/route.h"

struct retained;

int retained_new(struct mem *mem, struct log *log, struct wheel *wheel, struct retained **ret);
void retained_free(struct retained *retained);
/* Sets, or with an empty body deletes, the value of env->topic; expires by env->expires_ms.  Records it when there is a
 * log.  0, or -err and then the old value stands: -ERR_INVALID (no topic), -ERR_TOO_LARGE (levels), -ERR_NO_MEMORY, or
 * what log_append says.  A stamp that is not newer than the one known is not an error and changes nothing. */
int retained_set(struct retained *retained, const struct envelope *env, uint64_t stamp);
/* Every live value that `filter` matches, in byte order of topics, until `fn` says false.  `fn` may not set or search.
 */
typedef bool retained_fn(void *arg, struct message *message);
void retained_search(struct retained *retained, struct view filter, retained_fn *fn, void *arg);
/* The stamp under which exactly this value (or deletion) stands; 0: it does not. */
uint64_t retained_stamp(const struct retained *retained, const struct envelope *env);
uint64_t retained_count(const struct retained *retained);
/* Topics, properties and bodies of the live values. */
uint64_t retained_bytes(const struct retained *retained);
/* Replay of RECORD_RETAIN. */
int retained_restore(struct retained *retained, struct view record);
/* Walks all values, remembered deletions too, as checkpoint records, at most `most` a call; *at starts at 0 (again,
 * after a checkpoint that was abandoned).  1 while there are more, 0 at the end, or what log_checkpoint_put says.
 * Values set meanwhile are in the log.  One walk at a time. */
int retained_checkpoint(struct retained *retained, uint64_t *at, unsigned most);

#endif
