/*
 * What another processor does at the same time: the interrupt handler runs
 * there, or the device itself, which writes completions while they are looked
 * for. x86 keeps the order of loads and of stores, so that what is seen here is
 * the order in which driver and device ask for them.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define FEATURE_TEMPERATURE 0x04

/* ---- The handler --------------------------------------------------------------------------- */

struct elsewhere {
    void (*handler)(void *argument);
    void *argument;
};

static void *on_another_processor(void *context)
{
    const struct elsewhere *elsewhere = context;
    elsewhere->handler(elsewhere->argument);
    return NULL;
}

static void interrupt_elsewhere(void *context)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, on_another_processor, context), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

/* The handler runs on another processor than the one that submits, sleeps and reaps. */
static void test_interrupt_on_another_processor(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct handler *handler = &host->handlers[queue->vector];
    const struct handler here = *handler;
    struct elsewhere elsewhere = {here.function, here.argument};
    *handler = (struct handler){interrupt_elsewhere, &elsewhere};
    uint64_t before = host->now;
    for (unsigned i = 1; i <= 50; i++) {
        struct testio io = {0};
        assert_int_equal(testio_flush(host, queue, &io), NVME_OK);
        testhost_drain(host, queue);
        assert_true(io.done == 1 && io.request.result == NVME_OK);
        assert_int_equal(queue->counters.interrupts, i);
    }
    assert_int_equal(host->now, before); /* woken each time, not by a deadline */
    assert_int_equal(queue->counters.missed + queue->counters.spurious, 0);
    *handler = here;
    testhost_free(host);
}

/* ---- The device ------------------------------------------------------------------------------ */

struct machine {
    struct testhost *host;
    pthread_mutex_t bus; /* one register access or step of the device at a time */
    bool ends;
    void (*write32)(void *context, uint32_t offset, uint32_t value);
};

static struct machine machine = {.bus = PTHREAD_MUTEX_INITIALIZER};

static void write_locked(void *context, uint32_t offset, uint32_t value)
{
    pthread_mutex_lock(&machine.bus);
    machine.write32(context, offset, value);
    pthread_mutex_unlock(&machine.bus);
}

static void *device(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&machine.ends, __ATOMIC_RELAXED)) {
        pthread_mutex_lock(&machine.bus);
        testhost_work(machine.host);
        pthread_mutex_unlock(&machine.bus);
        sched_yield();
    }
    return NULL;
}

enum {
    BATCH = 15,
    BATCHES = 1000,
    FEATURES = 3,
    MOST_LOOKS = 100000000
};

static const uint32_t features[FEATURES] = {NVME_FEATURE_QUEUES, FEATURE_TEMPERATURE,
                                            NVME_FEATURE_EVENTS};

/* Sends a batch of Get Features and takes its answers: how many were wrong. */
static unsigned ask(struct nvme_queue *admin, const uint32_t *values, unsigned batch)
{
    struct testio io[BATCH] = {0};
    unsigned wrong = 0;
    for (unsigned i = 0; i < BATCH; i++) {
        io[i].request.command = (struct nvme_command){
            .opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = features[(batch * 7 + i * i) % FEATURES]};
        testio_watch(machine.host, admin, &io[i]);
        wrong += nvme_submit(admin, &io[i].request) != NVME_OK;
    }
    nvme_ring(admin);
    unsigned taken = 0;
    for (unsigned looks = 0; taken < BATCH && !wrong && looks < MOST_LOOKS; looks++) {
        taken += nvme_reap(admin);
        wrong += admin->counters.bad_completions != 0;
    }
    for (unsigned i = 0; i < BATCH; i++)
        wrong += io[i].done != 1 || io[i].request.result != NVME_OK ||
                 io[i].request.value != values[(batch * 7 + i * i) % FEATURES];
    return wrong;
}

/* The phase tag is the last that the device writes and the first that the driver reads. */
static void test_completions_come_whole(void **state)
{
    (void)state;
    struct nvmevirt_config config = nvmevirt_everything();
    struct testhost *host = testhost_new(&config);
    testhost_polled(host);
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    uint32_t values[FEATURES];
    for (unsigned i = 0; i < FEATURES; i++)
        assert_int_equal(
            nvme_get_feature(&host->nvme, features[i], NVME_FEATURE_CURRENT, &values[i]), NVME_OK);
    assert_true(values[0] != values[1] && values[1] != values[2] && values[0] != values[2]);

    pthread_t thread;
    machine.host = host;
    machine.write32 = host->ops.write32;
    host->ops.write32 = write_locked;
    assert_int_equal(pthread_create(&thread, NULL, device, NULL), 0);
    unsigned wrong = 0;
    for (unsigned batch = 0; batch < BATCHES && !wrong; batch++)
        wrong = ask(&host->nvme.admin, values, batch);
    __atomic_store_n(&machine.ends, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    host->ops.write32 = machine.write32;
    assert_int_equal(wrong, 0);
    assert_int_equal(host->nvme.admin.counters.bad_completions, 0);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interrupt_on_another_processor),
        cmocka_unit_test(test_completions_come_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
