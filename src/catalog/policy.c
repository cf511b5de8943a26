/* catalog/policy.c - policies: what an operator lays on queues and exchanges by a pattern of their names.  Of those
 * that match, the one of highest priority holds, alone; of equal ones the one that was set last. */
#include "base/limits.h"
#include "catalog/inner.h"

/* ---- read ------------------------------------------------------------------------------------------------------ */

static int
read_reach(const json_t *json, enum policy_reach *ret)
{
    static const struct {
        const char *word;
        enum policy_reach reach;
    } words[] = {
        {"all",             POLICY_ALL   },
        { "queues",         POLICY_QUEUES},
        { "classic_queues", POLICY_QUEUES},
        { "quorum_queues",  POLICY_QUEUES},
        { "streams",        POLICY_QUEUES},
        { "exchanges",      POLICY_XCHGS },
    };
    *ret = POLICY_ALL;
    if (json == NULL)
        return 0;
    for (size_t i = 0; json_is_string(json) && i < COUNT_OF(words); i++)
        if (strcmp(words[i].word, json_string_value(json)) == 0) {
            *ret = words[i].reach;
            return 0;
        }
    return -ERR_INVALID;
}

static int
check_definition(json_t *definition, struct refusal *why)
{
    const char *key;
    json_t *value;
    if (!json_is_object(definition) || json_object_size(definition) == 0)
        return refuse(why, AMQP_PRECONDITION_FAILED, "Validation failed: definition is not an object of settings");
    json_object_foreach(definition, key, value)
    {
        bool alternate = strcmp(key, "alternate-exchange") == 0;
        if (alternate && !json_is_string(value))
            return refuse(why, AMQP_PRECONDITION_FAILED, "Validation failed: %s: expected a name", key);
        if (!alternate && !mq_policy_knows(key))
            return refuse(why, AMQP_PRECONDITION_FAILED, "Validation failed: %s is not a recognised policy setting",
                          key);
    }
    return mq_policy_check(definition, why);
}

static void
release(struct mem *mem, struct policy *policy)
{
    json_decref(policy->definition);
    mem_free(mem, policy);
}

static int
make(struct vhost *vhost, struct view name, const json_t *json, struct policy **ret, struct refusal *why)
{
    const json_t *pattern = json_object_get(json, "pattern"), *priority = json_object_get(json, "priority");
    struct mem *mem = vhost->catalog->host->mem;
    size_t n = json_string_length(pattern);
    if (!json_is_string(pattern) || strlen(json_string_value(pattern)) != n)
        return refuse(why, AMQP_PRECONDITION_FAILED, "Validation failed: pattern is not a text");
    int rc = check_definition(json_object_get(json, "definition"), why);
    if (rc < 0)
        return rc;
    struct policy *policy = mem_new(mem, sizeof(*policy) + name.len + n + 1);
    if (policy == NULL)
        return refuse_world(why, -ERR_NO_MEMORY);
    policy->vhost = vhost;
    policy->priority = (int32_t)json_integer_value(priority);
    policy->name = view_of(policy->bytes, name.len);
    policy->pattern = view_of(policy->bytes + name.len, n);
    memcpy(policy->bytes, name.data, name.len);
    memcpy(policy->bytes + name.len, json_string_value(pattern), n);
    list_init(&policy->link);
    list_init(&policy->kept.link);
    policy->definition = json_deep_copy(json_object_get(json, "definition"));
    if (policy->definition == NULL || read_reach(json_object_get(json, "apply-to"), &policy->reach) < 0 ||
        regcomp(&policy->regex, (const char *)policy->pattern.data, REG_EXTENDED | REG_NOSUB) != 0) {
        release(mem, policy);
        return refuse(why, AMQP_PRECONDITION_FAILED, "Validation failed: pattern or apply-to cannot be understood");
    }
    *ret = policy;
    return 0;
}

void
policy_free(struct policy *policy)
{
    list_cut(&policy->link);
    list_cut(&policy->kept.link);
    regfree(&policy->regex);
    release(policy->vhost->catalog->host->mem, policy);
}

json_t *
policy_json(const struct policy *policy)
{
    static const char *const words[] = {
        [POLICY_QUEUES] = "queues", [POLICY_XCHGS] = "exchanges", [POLICY_ALL] = "all"
    };
    return json_pack("{s:s%, s:s%, s:s, s:i, s:O}", "name", policy->name.data, policy->name.len, "pattern",
                     policy->pattern.data, policy->pattern.len, "apply-to", words[policy->reach], "priority",
                     (int)policy->priority, "definition", policy->definition);
}

/* ---- applied --------------------------------------------------------------------------------------------------- */

static bool
matches(const struct policy *policy, struct view name)
{
    regmatch_t whole = { .rm_so = 0, .rm_eo = (regoff_t)name.len };
    return regexec(&policy->regex, (const char *)name.data, 1, &whole, REG_STARTEND) == 0;
}

const struct policy *
policy_of(const struct vhost *vhost, struct view name, enum policy_reach reach)
{
    LIST_EACH(&vhost->policies, l) {
        const struct policy *policy = container_of(l, struct policy, link);
        if (policy->reach & reach && matches(policy, name))
            return policy;
    }
    return NULL;
}

/* While restoring too: what is replayed after it expires by it. */
static void
apply(struct vhost *vhost)
{
    LIST_EACH(&vhost->mqs, l)
        mq_policy(container_of(l, struct mq, link));
    LIST_EACH(&vhost->xchgs, l)
        xchg_policy(container_of(l, struct xchg, link));
}

/* Before the first of no higher priority. */
static void
place(struct vhost *vhost, struct policy *policy)
{
    struct list *at = vhost->policies.next;
    while (at != &vhost->policies && container_of(at, struct policy, link)->priority > policy->priority)
        at = at->next;
    list_push(at, &policy->link);
}

static struct policy *
find(const struct vhost *vhost, struct view name, unsigned *retcount)
{
    struct policy *found = NULL;
    *retcount = 0;
    LIST_EACH(&vhost->policies, l) {
        struct policy *policy = container_of(l, struct policy, link);
        ++*retcount;
        if (view_equal(policy->name, name))
            found = policy;
    }
    return found;
}

/* Made, and not yet in its place.  *retold: the one of this name; NULL: there is none. */
static int
prepare(struct vhost *vhost, struct view name, const json_t *json, struct policy **ret, struct policy **retold,
        struct refusal *why)
{
    unsigned count;
    *retold = find(vhost, name, &count);
    if (*retold == NULL && count >= POLICIES_MAX)
        return refuse(why, AMQP_PRECONDITION_FAILED, "vhost '%.*s' has %d policies already",
                      VIEW_ARGS(vhost_name(vhost)), POLICIES_MAX);
    return make(vhost, name, json, ret, why);
}

int
policy_check(struct vhost *vhost, struct view name, const json_t *json, struct refusal *why)
{
    struct policy *policy = NULL, *old;
    int rc = prepare(vhost, name, json, &policy, &old, why);
    if (rc == 0)
        policy_free(policy);
    return rc;
}

const struct policy *
policy_find(const struct vhost *vhost, struct view name)
{
    unsigned count;
    return find(vhost, name, &count);
}

int
policy_set(struct vhost *vhost, struct view name, const json_t *json, struct refusal *why)
{
    struct policy *policy = NULL, *old;
    int rc = prepare(vhost, name, json, &policy, &old, why);
    if (rc < 0)
        return rc;
    rc = record_policy(policy);
    if (rc < 0) {
        policy_free(policy);
        return refuse_world(why, rc);
    }
    if (old != NULL)
        list_cut(&old->link);
    kept_add(vhost->catalog, &policy->kept, KEPT_POLICY);
    place(vhost, policy);
    apply(vhost);
    if (old != NULL)
        policy_free(old); /* rules looked into its definition till now */
    return 0;
}

int
policy_clear(struct vhost *vhost, struct view name, struct refusal *why)
{
    unsigned count;
    struct policy *policy = find(vhost, name, &count);
    if (policy == NULL)
        return refuse(why, AMQP_NOT_FOUND, "no policy '%.*s' in vhost '%.*s'", VIEW_ARGS(name),
                      VIEW_ARGS(vhost_name(vhost)));
    int rc = record_policy_end(policy);
    if (rc < 0)
        return refuse_world(why, rc);
    list_cut(&policy->link);
    apply(vhost);
    policy_free(policy);
    return 0;
}
