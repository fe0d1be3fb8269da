/*
 * Which processor uses which queue pair, and how it waits. Each has a queue with
 * an interrupt that comes to it, and a polled one, so that no lock is needed;
 * where the device has fewer, they are shared out, and locked.
 *
 * The boot processor looks after the controller as a whole (nvme_check()). When
 * that needs all queues it closes the driver: others that are inside are waited
 * for, which by a barrier that interrupts them costs them nothing more than two
 * stores on their way in and out (cpus_barrier()).
 *
 * A request ends on the processor that submitted it. What another has reaped is
 * left in that processor's mailbox, and it is woken.
 */
#include "kernel/nvme/device.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "lib/bits.h"

#define SPIN_MOST_NS        (100 * NS_PER_US) /* waits that are longer are better slept through */
#define POLLED_SPIN_NS      NS_PER_MS         /* ... also where no interrupt will end them */
#define POLLED_NAP_NS       (50 * NS_PER_US)
#define SPIN_IN_FLIGHT      8u /* with more than these a sleeper is better off */
#define SPINS_LEFT_OUT_MOST 63u
#define POLLS_PER_CHECK     256

/* What processors show each other. */
static struct {
    bool inside;           /* the driver; written by the processor itself */
    struct transfer *mail; /* its requests that have ended elsewhere */
} __attribute__((aligned(64))) cpus_here[CPUS_MOST];

static unsigned closings; /* by controllers that want to be alone; not 0: it is closed */

/* ---- In and out of the driver -------------------------------------------------------------- */

static bool is_open(void *unused)
{
    (void)unused;
    return !__atomic_load_n(&closings, __ATOMIC_ACQUIRE);
}

void paths_enter_other(unsigned cpu)
{
    bool *inside = &cpus_here[cpu].inside;
    for (;;) {
        __atomic_store_n(inside, true, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST); /* and for other processors: cpus_barrier() */
        if (is_open(NULL))
            return;
        __atomic_store_n(inside, false, __ATOMIC_RELEASE);
        clock_wait(is_open, NULL, CLOCK_NEVER);
    }
}

void paths_leave_other(unsigned cpu)
{
    __atomic_store_n(&cpus_here[cpu].inside, false, __ATOMIC_RELEASE);
}

void paths_close(void)
{
    if (__atomic_fetch_add(&closings, 1, __ATOMIC_RELEASE))
        return;
    cpus_barrier();
    for (unsigned cpu = 1; cpu < cpus_count(); cpu++)
        while (__atomic_load_n(&cpus_here[cpu].inside, __ATOMIC_ACQUIRE))
            cpu_pause();
}

void paths_open(void)
{
    if (__atomic_sub_fetch(&closings, 1, __ATOMIC_RELEASE) == 0)
        paths_wake_others();
}

void paths_wake_others(void)
{
    for (unsigned cpu = 0; cpu < cpus_count(); cpu++)
        if (cpu != cpu_current())
            cpu_wake(cpu);
}

/* ---- Whose queue is whose ------------------------------------------------------------------ */

struct having {
    struct path *paths[2 * CPUS_MOST]; /* no more are asked for */
    unsigned count;
};

static struct having collect(struct device *device, bool polled)
{
    struct having having = {0};
    for (unsigned i = 0; i < device->controller.io_count; i++)
        if (device->controller.io[i].has_vector != polled)
            having.paths[having.count++] = &device->paths[i];
    return having;
}

/* Others may be looking: each entry leads to a queue at any time. */
static void share_out(struct device *device, bool polled, const struct having *having)
{
    for (unsigned cpu = 0; cpu < cpus_count(); cpu++)
        __atomic_store_n(&device->path_of[cpu][polled], having->paths[cpu % having->count],
                         __ATOMIC_RELAXED);
    for (unsigned i = 0; i < having->count; i++) {
        struct path *path = having->paths[i];
        path->shared = i + having->count < cpus_count();
        if (path->queue->has_vector && (path->shared || path->queue->shares_vector))
            device->vectors[path->queue->vector].for_several = true;
    }
}

void paths_map(struct device *device)
{
    struct having having[2] = {collect(device, false), collect(device, true)};
    for (unsigned polled = 0; polled < 2; polled++) {
        const struct having *best = &having[having[polled].count ? polled : !polled];
        if (best->count) /* a controller that died on the way up has none: all stays as it was */
            share_out(device, polled, best);
    }
}

void paths_cut(struct device *device)
{
    device->no_queue = (struct nvme_queue){.controller = &device->controller};
    device->nowhere = (struct path){.queue = &device->no_queue};
    for (unsigned i = 0; i < device->controller.io_capacity; i++)
        device->paths[i].queue = &device->no_queue;
    for (unsigned cpu = 0; cpu < cpus_count(); cpu++)
        for (unsigned polled = 0; polled < 2; polled++)
            __atomic_store_n(&device->path_of[cpu][polled], &device->nowhere, __ATOMIC_RELAXED);
}

/* ---- Reaping --------------------------------------------------------------------------------- */

void path_ended_elsewhere(struct transfer *transfer)
{
    unsigned cpu = transfer_cpu(transfer);
    struct transfer *next = __atomic_load_n(&cpus_here[cpu].mail, __ATOMIC_RELAXED);
    do
        transfer->next = next;
    while (!__atomic_compare_exchange_n(&cpus_here[cpu].mail, &next, transfer, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    /* For what is in there already it has been woken, or is just about to look. */
    if (!next)
        cpu_wake(cpu);
}

static inline void take_mail(unsigned cpu)
{
    if (!__atomic_load_n(&cpus_here[cpu].mail, __ATOMIC_RELAXED))
        return;
    struct transfer *transfer = __atomic_exchange_n(&cpus_here[cpu].mail, NULL, __ATOMIC_ACQUIRE);
    for (struct transfer *next; transfer; transfer = next) {
        next = transfer->next;
        transfer_ended(transfer);
    }
}

void paths_reap(struct device *device)
{
    for (unsigned i = 0; i < device->controller.io_count; i++)
        nvme_reap(&device->controller.io[i]);
}

/* ---- Waiting ------------------------------------------------------------------------------- */

/* A processor at its queues. */
struct wait {
    struct device *device;
    struct path *const *paths; /* with interrupts, and polled; they may change while it waits */
    unsigned cpu;
    bool polled; /* something is in flight on the second, which is not the first */
};

static struct path *path_at(const struct wait *wait, bool polled)
{
    return __atomic_load_n(&wait->paths[polled], __ATOMIC_RELAXED);
}

static bool is_ready(void *argument)
{
    const struct wait *wait = argument;
    return nvme_has_completion(path_at(wait, false)->queue) ||
           (wait->polled && nvme_has_completion(path_at(wait, true)->queue)) ||
           __atomic_load_n(&cpus_here[wait->cpu].mail, __ATOMIC_RELAXED);
}

/* True if it has been worth it. */
static __attribute__((noinline)) bool spin(struct wait *wait, uint64_t until)
{
    do {
        for (unsigned looks = 0; looks < 8; looks++) {
            if (is_ready(wait))
                return true;
            cpu_pause();
        }
    } while (clock_ns() < until);
    return false;
}

/* The boot processor sees to it, when the time has come, that nothing is late. */
static inline __attribute__((always_inline)) void nap(struct wait *wait, uint64_t until)
{
    struct nvme_controller *controller = &wait->device->controller;
    if (wait->cpu != 0) {
        clock_wait(is_ready, wait, until);
        return;
    }
    uint64_t check = __atomic_load_n(&controller->next_check, __ATOMIC_RELAXED);
    if (!clock_wait(is_ready, wait, MIN(until, check)))
        nvme_check(controller);
}

/*
 * How long to look again and again before going to sleep. With much in flight a sleeper finds more
 * done at once when it wakes. Where looking was in vain it is left alone for a while, the longer
 * the more often that was so.
 */
static uint64_t patience(const struct device *device, struct path *path, bool polled)
{
    if (polled)
        return POLLED_SPIN_NS;
    if (device->wait == WAIT_POLL)
        return NS_PER_SEC;
    if (nvme_queue_in_flight(path->queue) > SPIN_IN_FLIGHT)
        return 0;
    if (path->spins_left_out < path->in_vain) {
        path->spins_left_out++;
        return 0;
    }
    return SPIN_MOST_NS;
}

static __attribute__((noinline)) void spin_and_sleep(struct wait *wait, struct path *path,
                                                     bool polled, uint64_t until)
{
    uint64_t spin_ns = patience(wait->device, path, polled);
    if (spin_ns) {
        path->spins_left_out = 0;
        if (spin(wait, MIN(clock_ns() + spin_ns, until))) {
            path->in_vain = 0;
            return;
        }
        path->in_vain = MIN(2 * path->in_vain + 1, SPINS_LEFT_OUT_MOST);
    }
    nap(wait, polled ? MIN(until, clock_ns() + POLLED_NAP_NS) : until);
}

/* If there is something to wait for. */
static inline void await(struct wait *wait, uint64_t until)
{
    struct path *path = wait->paths[false];
    unsigned in_flight = nvme_queue_in_flight(path->queue);
    bool polled = wait->polled || (in_flight && !path->queue->has_vector);
    if (!polled && !in_flight)
        return;
    if (polled || wait->device->wait != WAIT_INTERRUPT)
        spin_and_sleep(wait, path, polled, until);
    else
        nap(wait, until);
}

/* Returns when the queue wants to be told of again, if nothing has come by then. */
static inline uint64_t ring(struct nvme_queue *queue)
{
    nvme_ring(queue);
    return queue->shadow && !nvme_has_completion(queue) ? nvme_nudge(queue) : UINT64_MAX;
}

static __attribute__((noinline)) uint64_t ring_locked(struct path *path)
{
    uint64_t flags = path_lock(path), until = ring(path->queue);
    path_unlock(path, flags);
    return until;
}

static inline uint64_t ring_path(struct path *path)
{
    return path->shared ? ring_locked(path) : ring(path->queue);
}

static __attribute__((noinline)) struct nvme_request *take_locked(struct path *path)
{
    uint64_t flags = path_lock(path);
    struct nvme_request *chain = nvme_take(path->queue);
    path_unlock(path, flags);
    return chain;
}

static inline struct nvme_request *take_path(struct path *path)
{
    return path->shared ? take_locked(path) : nvme_take(path->queue);
}

static inline uint64_t ring_all(const struct wait *wait)
{
    paths_enter(wait->cpu);
    uint64_t until = ring_path(wait->paths[false]);
    if (wait->polled)
        until = MIN(until, ring_path(wait->paths[true]));
    paths_leave(wait->cpu);
    return until;
}

static inline void take(const struct wait *wait, bool polled)
{
    paths_enter(wait->cpu);
    struct nvme_request *chain = take_path(wait->paths[polled]);
    paths_leave(wait->cpu);
    if (chain)
        requests_ended(chain, wait->cpu);
}

void path_poll(struct device *device, uint64_t deadline)
{
    unsigned cpu = cpu_current();
    struct path *const *paths = device->path_of[cpu];
    struct wait wait = {device, paths, cpu,
                        paths[true] != paths[false] && nvme_queue_in_flight(paths[true]->queue)};
    /* Deadlines have to be seen also where there always is something to reap, and events. */
    if (cpu == 0 && ++device->polls % POLLS_PER_CHECK == 0)
        nvme_check(&device->controller);
    uint64_t until = ring_all(&wait);
    /* What nobody has asked for may be there too, and has raised an interrupt. */
    if (deadline && !nvme_has_interrupted(paths[false]->queue))
        await(&wait, MIN(until, deadline));
    take(&wait, false);
    if (wait.polled)
        take(&wait, true);
    take_mail(cpu);
}
