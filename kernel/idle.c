/* See idle.h. */
#include "kernel/idle.h"

#include "kernel/x86/clock.h"
#include "lib/bits.h"

#define INTERVAL_NS (100 * NS_PER_MS)

static struct list works = LIST_EMPTY(works);
static uint64_t last_run;

void idle_register(struct idle_work *work)
{
    list_insert(&works, &work->node);
}

void idle_unregister(struct idle_work *work)
{
    list_remove(&work->node);
}

uint64_t idle_run(void)
{
    uint64_t next = CLOCK_NEVER;
    last_run = clock_ns();
    LIST_FOR_EACH(node, &works)
    {
        struct idle_work *work = CONTAINER_OF(node, struct idle_work, node);
        next = MIN(next, work->run(work));
    }
    return next;
}

void idle_glance(void)
{
    if (clock_ns() - last_run >= INTERVAL_NS)
        idle_run();
}

struct wait {
    bool (*ready)(void *context);
    void *context;
};

static bool ready_or_pending(void *argument)
{
    const struct wait *wait = argument;
    LIST_FOR_EACH(node, &works)
    {
        struct idle_work *work = CONTAINER_OF(node, struct idle_work, node);
        if (work->pending(work))
            return true;
    }
    return wait->ready(wait->context);
}

bool idle_wait(bool (*ready)(void *context), void *context, uint64_t deadline)
{
    struct wait wait = {ready, context};
    while (!ready(context)) {
        uint64_t next = idle_run();
        clock_wait(ready_or_pending, &wait, MIN(next, deadline));
        if (clock_ns() >= deadline)
            return ready(context);
    }
    return true;
}
