/*
 * Which processor uses which queue (kernel/nvme/queues.c), with a thread for
 * each processor, one for the device, and a driver that is a list of requests
 * and complains if two are inside. Threads sleep until they are woken, with no
 * deadline: a wake-up that gets lost ends the test by its alarm. Meanwhile the
 * boot processor closes the driver again and again, takes what is there and
 * changes how many queues there are.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/nvme/nvme.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/cpus.h"
#include "tests/unit/host_kernel.h"

/* What a thread has instead. */
static _Thread_local unsigned this_cpu;
static int model_submit(struct nvme_queue *queue, struct nvme_request *request);
static void model_ring(struct nvme_queue *queue);
static unsigned model_reap(struct nvme_queue *queue);
static struct nvme_request *model_take(struct nvme_queue *queue);
static uint64_t model_check(struct nvme_controller *controller);
static bool model_wait(bool (*ready)(void *context), void *context, uint64_t deadline);

#define cpu_current()    this_cpu
#define interrupts_off() ((void)0)
#define interrupts_on()  ((void)0)
#define clock_wait       model_wait
#define sleep            path_sleep /* unistd.h has another */
#define nvme_submit      model_submit
#define nvme_ring        model_ring
#define nvme_reap        model_reap
#define nvme_take        model_take
#define nvme_check       model_check

#include "kernel/nvme/queues.c"

enum {
    CPUS = 4,
    QUEUES_MOST = 2 * CPUS,
    ENTRIES = 8,
    DEPTH = 4,
    ROUNDS = 500, /* requests of each processor */
    PATIENCE = 20 /* seconds */
};

struct io {
    struct transfer transfer;
    bool in_flight; /* its processor's */
};

static struct nvme_slot slots[ENTRIES]; /* that there are any is all that is asked */

static struct model {
    struct nvme_request *requests[ENTRIES];
    unsigned count;
    bool rung, busy;
    volatile struct nvme_completion cqe;
} models[QUEUES_MOST];

static struct device device;
static struct io ios[CPUS][DEPTH];
static unsigned in_flight[CPUS], ended[CPUS];
static unsigned wrong; /* two inside, an end on a wrong processor or a second one */
static bool woken[CPUS], over;
static _Thread_local unsigned begun;

/* ---- The driver and its device --------------------------------------------------------------- */

static void complain_if(bool bad)
{
    if (bad)
        __atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
}

static struct model *begin(struct nvme_queue *queue)
{
    struct model *model = &models[queue - device.controller.io];
    complain_if(__atomic_exchange_n(&model->busy, true, __ATOMIC_RELAXED));
    if (++begun % 16 == 0)
        sched_yield();
    return model;
}

static void end(struct model *model)
{
    __atomic_store_n(&model->busy, false, __ATOMIC_RELAXED);
}

static int model_submit(struct nvme_queue *queue, struct nvme_request *request)
{
    struct model *model = begin(queue);
    bool full = model->count == queue->size - 1u;
    if (!full) {
        model->requests[model->count++] = request;
        queue->free_count--;
    }
    end(model);
    return full ? NVME_ERR_BUSY : NVME_OK;
}

static void model_ring(struct nvme_queue *queue)
{
    struct model *model = begin(queue);
    if (model->count)
        __atomic_store_n(&model->rung, true, __ATOMIC_RELEASE);
    end(model);
}

/* Everything ends at once. */
static struct nvme_request *model_take(struct nvme_queue *queue)
{
    struct model *model = begin(queue);
    struct nvme_request *chain = NULL;
    if (nvme_has_completion(queue)) {
        __atomic_store_n(&model->cqe.status, 0, __ATOMIC_RELAXED);
        queue->free_count += model->count;
        while (model->count) {
            struct nvme_request *request = model->requests[--model->count];
            request->result = NVME_OK;
            request->next = chain;
            chain = request;
        }
    }
    end(model);
    return chain;
}

static unsigned model_reap(struct nvme_queue *queue)
{
    unsigned reaped = 0;
    for (struct nvme_request *request = model_take(queue), *next; request; request = next) {
        next = request->next;
        request->done(request);
        reaped++;
    }
    return reaped;
}

static uint64_t model_check(struct nvme_controller *controller)
{
    (void)controller;
    return CLOCK_NEVER;
}

/* What host.c's handler does, for a vector that comes to processor `cpu`. */
static void interrupt(const struct nvme_queue *queue)
{
    this_cpu = (unsigned)(queue->vector - 1) % CPUS;
    cpu_wake(this_cpu);
    if (device.vectors[queue->vector].for_several)
        paths_wake_others();
}

static void *work_as_device(void *unused)
{
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        for (unsigned i = 0; i < QUEUES_MOST; i++) {
            if (!__atomic_exchange_n(&models[i].rung, false, __ATOMIC_ACQUIRE))
                continue;
            __atomic_store_n(&models[i].cqe.status, NVME_CQE_PHASE, __ATOMIC_RELEASE);
            if (device.controller.io[i].has_vector)
                interrupt(&device.controller.io[i]);
        }
        sched_yield();
    }
    return unused;
}

/* ---- Processors ------------------------------------------------------------------------------ */

void cpu_wake(unsigned cpu)
{
    __atomic_store_n(&woken[cpu], true, __ATOMIC_SEQ_CST);
}

/* The kernel interrupts processors; Linux does just that for whoever asks. */
void cpus_barrier(void)
{
    complain_if(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
}

/* Asks again only when something has come, as one that is halted does. */
static bool model_wait(bool (*ready)(void *context), void *context, uint64_t deadline)
{
    while (!ready(context)) {
        while (!__atomic_exchange_n(&woken[this_cpu], false, __ATOMIC_SEQ_CST)) {
            if (clock_ns() >= deadline)
                return ready(context);
            sched_yield();
        }
    }
    return true;
}

/* As a disk does it (disk.c). */
static int submit(struct transfer *transfer, bool polled)
{
    paths_enter(this_cpu);
    struct path *path = device.path_of[this_cpu][polled];
    transfer->request.context = transfer_home(this_cpu, false);
    uint64_t flags = path->shared ? path_lock(path) : 0;
    int error = nvme_submit(path->queue, &transfer->request);
    if (path->shared)
        path_unlock(path, flags);
    paths_leave(this_cpu);
    return error;
}

void transfer_ended(struct transfer *transfer)
{
    struct io *io = CONTAINER_OF(transfer, struct io, transfer);
    complain_if(io < ios[this_cpu] || io >= ios[this_cpu] + DEPTH || !io->in_flight);
    io->in_flight = false;
    in_flight[this_cpu]--;
    ended[this_cpu]++;
}

static void request_done(struct nvme_request *request)
{
    struct transfer *transfer = CONTAINER_OF(request, struct transfer, request);
    if (transfer_cpu(transfer) == this_cpu)
        transfer_ended(transfer);
    else
        path_ended_elsewhere(transfer);
}

void requests_ended(struct nvme_request *chain, unsigned cpu)
{
    complain_if(cpu != this_cpu);
    for (struct nvme_request *next; chain; chain = next) {
        next = chain->next;
        request_done(chain);
    }
}

/* A turn: submits what there is room for, waits for something. */
static void turn(void)
{
    for (unsigned i = 0; i < DEPTH; i++) {
        struct io *io = &ios[this_cpu][i];
        if (io->in_flight || ended[this_cpu] + in_flight[this_cpu] >= ROUNDS)
            continue;
        io->transfer.request.done = request_done;
        io->in_flight = true;
        in_flight[this_cpu]++;
        if (submit(&io->transfer, (ended[this_cpu] + i) % 3 == 0) == NVME_OK)
            continue;
        io->in_flight = false;
        in_flight[this_cpu]--;
        break;
    }
    /* One that is full of others' requests may have nothing for this one. */
    path_poll(&device, in_flight[this_cpu] ? CLOCK_NEVER : 0);
}

static void *work_as_processor(void *number)
{
    this_cpu = (unsigned)(uintptr_t)number;
    while (ended[this_cpu] < ROUNDS)
        turn();
    return NULL;
}

/* Nobody else is inside. */
static void be_alone(void)
{
    for (unsigned i = 0; i < device.controller.io_count; i++)
        begin(&device.controller.io[i]);
    for (unsigned i = 0; i < 8; i++)
        sched_yield();
    for (unsigned i = 0; i < device.controller.io_count; i++)
        end(&models[i]);
}

/* As the driver does in a reset, after which there may be other queues. */
static void close_and_open(unsigned count)
{
    paths_close();
    be_alone();
    paths_close(); /* another controller's */
    paths_reap(&device);
    paths_open();
    be_alone();
    if (!nvme_queue_in_flight(&device.controller.io[device.controller.io_count - 1]))
        device.controller.io_count = count;
    paths_map(&device);
    paths_reap(&device);
    paths_open();
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void set_up(unsigned queues, unsigned polled, unsigned vectors, enum wait_kind wait)
{
    static struct nvme_queue io[QUEUES_MOST];
    static struct path paths[QUEUES_MOST];
    assert_int_equal(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0), 0);
    host_cpus = CPUS;
    this_cpu = wrong = 0;
    device = (struct device){.paths = paths, .wait = wait};
    device.controller.io = io;
    device.controller.next_check = CLOCK_NEVER;
    device.controller.io_count = device.controller.io_capacity = queues;
    for (unsigned i = 0; i < QUEUES_MOST; i++) {
        models[i] = (struct model){0};
        paths[i] = (struct path){.queue = &io[i]};
        io[i] = (struct nvme_queue){.controller = &device.controller,
                                    .id = (uint16_t)(i + 1),
                                    .size = ENTRIES,
                                    .free_count = ENTRIES - 1,
                                    .phase = NVME_CQE_PHASE,
                                    .has_vector = i < queues - polled,
                                    .shares_vector = vectors < queues - polled,
                                    .vector = (uint16_t)(1 + i % vectors),
                                    .live = true,
                                    .slots = slots,
                                    .cq = &models[i].cqe};
    }
    paths_map(&device);
}

/* Runs them all. 0: it is never closed, so that each lost wake-up counts; else it is, and there are
 * only so many queues at times. */
static void run(unsigned fewer)
{
    pthread_t threads[CPUS];
    unsigned queues = device.controller.io_count;
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        ended[cpu] = 0;
    over = false;
    alarm(PATIENCE);
    pthread_create(&threads[0], NULL, work_as_device, NULL);
    for (uintptr_t cpu = 1; cpu < CPUS; cpu++)
        pthread_create(&threads[cpu], NULL, work_as_processor, (void *)cpu);
    for (unsigned round = 0; ended[0] < ROUNDS; round++) {
        turn();
        if (fewer && round % 16 == 0)
            close_and_open(round % 32 ? fewer : queues);
    }
    for (unsigned cpu = 1; cpu < CPUS; cpu++)
        while (pthread_tryjoin_np(threads[cpu], NULL)) {
            if (fewer)
                close_and_open(queues);
            usleep(1000);
        }
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    pthread_join(threads[0], NULL);
    alarm(0);
    assert_int_equal(wrong, 0);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        assert_int_equal(ended[cpu], ROUNDS);
        assert_int_equal(in_flight[cpu], 0);
    }
}

static void test_own_queues(void **state)
{
    (void)state;
    set_up(2 * CPUS, CPUS, CPUS, WAIT_INTERRUPT);
    for (unsigned i = 0; i < 2 * CPUS; i++)
        assert_false(device.paths[i].shared);
    run(2 * CPUS);
    set_up(2 * CPUS, CPUS, CPUS, WAIT_HYBRID);
    run(2 * CPUS);
}

static void test_shared_queues(void **state)
{
    (void)state;
    for (unsigned queues = 1; queues < CPUS; queues++) {
        set_up(queues, 0, queues, queues % 2 ? WAIT_INTERRUPT : WAIT_HYBRID);
        for (unsigned i = 0; i < queues; i++)
            assert_int_equal(device.paths[i].shared, i + queues < CPUS);
        run(0);
        run(queues);
    }
}

static void test_shared_vectors(void **state)
{
    (void)state;
    for (unsigned vectors = 1; vectors < CPUS; vectors++) {
        set_up(CPUS, 0, vectors, WAIT_INTERRUPT);
        run(0);
    }
}

/* Requests in a queue that is its processor's no more: the next look of the boot processor. */
static void test_queues_come_and_go(void **state)
{
    (void)state;
    set_up(CPUS, 0, CPUS, WAIT_INTERRUPT);
    run(3);
    set_up(CPUS, 1, CPUS - 1, WAIT_HYBRID);
    run(2);
}

static void start(struct io *io)
{
    io->transfer.request.done = request_done;
    io->in_flight = true;
    in_flight[this_cpu]++;
    assert_int_equal(submit(&io->transfer, false), NVME_OK);
}

/* Two requests of one processor end on another: both wait for it, which is woken, for the first. */
static void test_mail(void **state)
{
    (void)state;
    set_up(1, 0, 1, WAIT_INTERRUPT);
    ended[1] = 0;
    for (unsigned i = 0; i < 2; i++) {
        this_cpu = 1;
        start(&ios[1][i]);
        woken[1] = false;
        models[0].cqe.status = NVME_CQE_PHASE;
        this_cpu = 0;
        path_poll(&device, 0);
        assert_int_equal(nvme_queue_in_flight(&device.controller.io[0]), 0);
        assert_int_equal(woken[1], i == 0);
    }
    assert_int_equal(ended[1], 0);
    this_cpu = 1;
    path_poll(&device, CLOCK_NEVER);
    assert_int_equal(ended[1], 2);
    assert_int_equal(wrong, 0);
}

/* A controller that died before it had any: who comes is told so by the driver. */
static void test_no_queues(void **state)
{
    (void)state;
    set_up(2, 1, 1, WAIT_HYBRID);
    device.controller.io_count = 0;
    paths_map(&device);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        for (unsigned polled = 0; polled < 2; polled++)
            assert_ptr_equal(device.path_of[cpu][polled], &device.paths[polled]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_queues),     cmocka_unit_test(test_shared_queues),
        cmocka_unit_test(test_shared_vectors), cmocka_unit_test(test_queues_come_and_go),
        cmocka_unit_test(test_mail),           cmocka_unit_test(test_no_queues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
