/*
 * What has to be done now and then while nobody asks for it: deadlines, events.
 * There is no thread for it; it is done where the boot processor waits for
 * something that may be long in coming.
 */
#ifndef KERNEL_IDLE_H
#define KERNEL_IDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/console.h"
#include "lib/list.h"

struct idle_work {
    uint64_t (*run)(struct idle_work *work); /* returns when it wants to be run again (clock_ns) */
    bool (*pending)(struct idle_work *work); /* is there something to do now? Any context */
    struct list node;
};

/* `work` has to stay until it is taken away again, which may be in the run() of another. */
void idle_register(struct idle_work *work);
void idle_unregister(struct idle_work *work);

/*
 * Runs all of it, for who works for long without a wait; returns when it wants to be run again.
 * Where idle_wait() may be called.
 */
uint64_t idle_run(void);

/* The same if a tenth of a second has passed: for the boot processor's loops. */
void idle_glance(void);

/*
 * clock_wait() for the boot processor; what is registered is run meanwhile, and other coroutines
 * have their turns. Not from beneath what might be run: not in a driver, nor where files or memory
 * are in an intermediate state.
 */
bool idle_wait(bool (*ready)(void *context), void *context, uint64_t deadline);

static inline bool idle_is_interrupted(void *unused)
{
    (void)unused;
    return console_interrupted();
}

/* Waits for the deadline alone; true: Ctrl-C has come first. */
static inline bool idle_sleep(uint64_t deadline)
{
    return idle_wait(idle_is_interrupted, NULL, deadline);
}

#endif
