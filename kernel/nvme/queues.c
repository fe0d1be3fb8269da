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

#define SPIN_MOST_NS    (50 * NS_PER_US) /* waits that are longer are better slept through */
#define POLLED_SPIN_NS  NS_PER_MS        /* ... also where no interrupt will end them */
#define POLLED_NAP_NS   (50 * NS_PER_US)
#define POLLS_PER_CHECK 256

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

/*
 * The boot processor is who closes. What is called back from inside may come in again, which is
 * what leave() has to be told.
 */
static bool enter(unsigned cpu)
{
    bool *inside = &cpus_here[cpu].inside;
    if (cpu == 0 || *inside)
        return true;
    for (;;) {
        __atomic_store_n(inside, true, __ATOMIC_RELAXED);
        __atomic_signal_fence(__ATOMIC_SEQ_CST); /* and for other processors: cpus_barrier() */
        if (is_open(NULL))
            return false;
        __atomic_store_n(inside, false, __ATOMIC_RELEASE);
        clock_wait(is_open, NULL, CLOCK_NEVER);
    }
}

static void leave(unsigned cpu, bool was_inside)
{
    if (!was_inside)
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
        __atomic_store_n(&device->path_of[polled][cpu], having->paths[cpu % having->count],
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

/* ---- Submitting and reaping ---------------------------------------------------------------- */

static uint64_t lock(struct path *path)
{
    return path->shared ? spin_lock(&path->lock) : 0;
}

static void unlock(struct path *path, uint64_t flags)
{
    if (path->shared)
        spin_unlock(&path->lock, flags);
}

int path_submit(struct device *device, struct transfer *transfer, bool polled)
{
    unsigned cpu = cpu_current();
    bool was_inside = enter(cpu);
    struct path *path = device->path_of[polled][cpu];
    transfer->cpu = (uint16_t)cpu;
    transfer->path = path;
    int error = transfer_prepare(transfer);
    if (!error) {
        uint64_t flags = lock(path);
        error = nvme_submit(path->queue, &transfer->request);
        unlock(path, flags);
    }
    leave(cpu, was_inside);
    return error;
}

void path_ended_elsewhere(struct transfer *transfer)
{
    unsigned cpu = transfer->cpu;
    struct transfer *next = __atomic_load_n(&cpus_here[cpu].mail, __ATOMIC_RELAXED);
    do
        transfer->next = next;
    while (!__atomic_compare_exchange_n(&cpus_here[cpu].mail, &next, transfer, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    /* For what is in there already it has been woken, or is just about to look. */
    if (cpu != cpu_current() && !next)
        cpu_wake(cpu);
}

static bool take_mail(unsigned cpu)
{
    if (!__atomic_load_n(&cpus_here[cpu].mail, __ATOMIC_RELAXED))
        return false;
    struct transfer *transfer = __atomic_exchange_n(&cpus_here[cpu].mail, NULL, __ATOMIC_ACQUIRE);
    for (struct transfer *next; transfer; transfer = next) {
        next = transfer->next;
        transfer_ended(transfer);
    }
    return true;
}

static bool is_idle(const struct path *path)
{
    return !nvme_queue_in_flight(path->queue) && !nvme_has_completion(path->queue);
}

/* Brings `until` forward to when the queue wants to be looked at again. */
static unsigned sweep_path(struct path *path, uint64_t *until)
{
    uint64_t flags = lock(path);
    nvme_ring(path->queue);
    unsigned count = nvme_reap(path->queue);
    if (!count)
        *until = MIN(*until, nvme_nudge(path->queue));
    unlock(path, flags);
    return count;
}

/* True if anything has ended; if not, to be done again by `until`. */
static bool sweep(struct device *device, unsigned cpu, uint64_t *until)
{
    bool was_inside = enter(cpu);
    unsigned count = 0;
    for (unsigned polled = 0; polled < 2; polled++) {
        struct path *path = device->path_of[polled][cpu];
        if (!is_idle(path))
            count += sweep_path(path, until);
    }
    leave(cpu, was_inside);
    return take_mail(cpu) || count;
}

void paths_reap(struct device *device)
{
    for (unsigned i = 0; i < device->controller.io_count; i++)
        nvme_reap(&device->controller.io[i]);
}

/* ---- Waiting ------------------------------------------------------------------------------- */

struct wait {
    struct device *device;
    unsigned cpu;
};

static struct path *path_at(const struct device *device, bool polled, unsigned cpu)
{
    return __atomic_load_n(&device->path_of[polled][cpu], __ATOMIC_RELAXED);
}

static bool is_ready(void *argument)
{
    const struct wait *wait = argument;
    return nvme_has_completion(path_at(wait->device, false, wait->cpu)->queue) ||
           nvme_has_completion(path_at(wait->device, true, wait->cpu)->queue) ||
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

static bool polls(const struct path *path)
{
    return nvme_queue_in_flight(path->queue) && !path->queue->has_vector;
}

/* How long to look again and again before going to sleep. */
static uint64_t patience(const struct device *device, const struct path *path, bool polled)
{
    if (polled)
        return POLLED_SPIN_NS;
    if (device->wait == WAIT_POLL)
        return NS_PER_SEC;
    if (device->wait == WAIT_INTERRUPT || path->typical_ns > SPIN_MOST_NS)
        return 0;
    return 2 * path->typical_ns;
}

void path_poll(struct device *device, uint64_t deadline)
{
    struct wait wait = {device, cpu_current()};
    uint64_t until = deadline;
    /* Deadlines have to be seen also where there always is something to reap. */
    if (wait.cpu == 0 && ++device->polls % POLLS_PER_CHECK == 0)
        nvme_check(&device->controller);
    if (sweep(device, wait.cpu, &until) || !deadline)
        return;
    struct path *path = path_at(device, false, wait.cpu);
    bool polled = polls(path_at(device, true, wait.cpu)) || polls(path);
    uint64_t start = clock_ns();
    uint64_t spin_ns = patience(device, path, polled);
    if (!spin_ns || !spin(&wait, MIN(start + spin_ns, until))) {
        if (wait.cpu == 0)
            until = MIN(until, nvme_check(&device->controller));
        if (polled)
            until = MIN(until, clock_ns() + POLLED_NAP_NS);
        if (nvme_queue_in_flight(path->queue) || polled)
            clock_wait(is_ready, &wait, until);
    }
    if (!polled)
        path->typical_ns += ((int64_t)(clock_ns() - start) - (int64_t)path->typical_ns) / 8;
    sweep(device, wait.cpu, &until);
}
