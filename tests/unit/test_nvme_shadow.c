/*
 * Shadow doorbells: what they save, when the register is written all the same,
 * what happens to them at a reset, and that a device which sleeps through them
 * is woken in microseconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define US 1000ull

enum {
    DEPTH = 8,
    PAGE_WORDS = TESTHOST_PAGE / 4
};

static struct nvmevirt_config offering(void)
{
    struct nvmevirt_config config = testhost_config();
    config.oacs |= NVMEVIRT_OACS_DOORBELL_BUFFER;
    return config;
}

static struct testhost *live(const struct nvme_options *options)
{
    struct nvmevirt_config config = offering();
    return testhost_live(&config, options);
}

/* Where the device says what it waits for: the word behind the shadow, a page on. */
static uint32_t *event_index(struct nvme_queue *queue, unsigned is_cq)
{
    return queue->shadow + PAGE_WORDS + is_cq;
}

static void flush(struct testhost *host, struct nvme_queue *queue, struct testio *io)
{
    assert_int_equal(testio_flush(host, queue, io), NVME_OK);
    nvme_ring(queue);
}

static void flush_all(struct testhost *host, struct nvme_queue *queue, unsigned count)
{
    struct testio io[DEPTH] = {0};
    assert_true(count <= DEPTH);
    for (unsigned i = 0; i < count; i++)
        flush(host, queue, &io[i]);
    testhost_drain(host, queue);
    for (unsigned i = 0; i < count; i++)
        assert_true(io[i].done == 1 && io[i].request.result == NVME_OK);
}

/* ---- What they save ------------------------------------------------------------------------ */

/* The first command wakes the device, which then looks for itself until nothing is left. */
static void test_saved_writes(void **state)
{
    (void)state;
    struct testhost *host = live(NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    const struct nvme_counters *c = &queue->counters;
    assert_non_null(queue->shadow);
    assert_null(host->nvme.admin.shadow);
    for (unsigned round = 1; round <= 1000; round++) {
        flush_all(host, queue, DEPTH);
        assert_int_equal(c->sq_doorbells, round);
    }
    assert_int_equal(c->completed, 1000 * DEPTH);
    assert_true(c->shadow_doorbells >= 1000 * DEPTH);
    assert_int_equal(c->nudges, 0);
    assert_true(host->virt.counters.shadow >= 1000);
    testhost_free(host);
}

/* The same with registers: one write for each time that the driver rings. */
static void test_without(void **state)
{
    (void)state;
    const struct nvme_options off = {.shadow_doorbells = NVME_SHADOW_OFF};
    struct testhost *host = live(&off);
    struct nvme_queue *queue = &host->nvme.io[0];
    for (unsigned round = 0; round < 1000; round++)
        flush_all(host, queue, DEPTH);
    assert_null(queue->shadow);
    assert_null(host->nvme.shadows);
    assert_int_equal(queue->counters.sq_doorbells, 1000 * DEPTH);
    assert_int_equal(queue->counters.shadow_doorbells, 0);
    assert_int_equal(host->virt.counters.shadow, 0);
    assert_int_equal(nvme_nudge(queue), UINT64_MAX);
    testhost_free(host);
}

/* Rings of any length, and any number of commands at a time: nothing is lost at the ends. */
static void test_wrap(void **state)
{
    (void)state;
    struct nvmevirt_config config = offering();
    for (unsigned entries = 2; entries < 12; entries++) {
        const struct nvme_options options = {.queue_entries = entries, .io_queues = 2};
        config.mqes = (uint16_t)(entries - 1);
        struct testhost *host = testhost_live(&config, &options);
        struct nvme_queue *queue = &host->nvme.io[1];
        assert_int_equal(queue->size, entries);
        for (unsigned round = 0; round < 300; round++)
            flush_all(host, queue, 1 + round % (entries - 1 < DEPTH ? entries - 1 : DEPTH));
        assert_int_equal(queue->counters.nudges, 0);
        assert_int_equal(queue->counters.errors, 0);
        testhost_free(host);
    }
}

/* For every position of a small ring: the register is written if EventIdx lies between, only then.
 */
static void test_event_index(void **state)
{
    (void)state;
    enum {
        SIZE = 6
    };
    const struct nvme_options options = {.queue_entries = SIZE};
    struct testhost *host = live(&options);
    struct nvme_queue *queue = &host->nvme.io[0];
    for (unsigned case_ = 0; case_ < SIZE * SIZE * (SIZE - 1); case_++) {
        const unsigned before = case_ % SIZE, asked = case_ / SIZE % SIZE,
                       count = 1 + case_ / SIZE / SIZE;
        while (queue->tail != before)
            flush_all(host, queue, 1);
        struct testio io[SIZE] = {0};
        uint64_t doorbells = queue->counters.sq_doorbells;
        *event_index(queue, 0) = asked;
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(testio_flush(host, queue, &io[i]), NVME_OK);
        nvme_ring(queue);
        bool between = (asked + SIZE - before) % SIZE < count;
        assert_int_equal(queue->counters.sq_doorbells - doorbells, between);
        assert_int_equal(*queue->shadow, queue->tail);
        testhost_drain(host, queue);
    }
    testhost_free(host);
}

/* A device whose completion queue is full asks for the head, and gets it. */
static void test_full_completion_queue(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 4};
    struct testhost *host = live(&options);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[6] = {0};
    for (unsigned i = 0; i < 3; i++)
        flush(host, queue, &io[i]);
    testhost_work(host); /* three answers: there is no room for more */
    *event_index(queue, 1) = 0;
    assert_int_equal(nvme_reap(queue), 3);
    assert_int_equal(queue->counters.cq_doorbells, 1);
    for (unsigned i = 3; i < 6; i++)
        flush(host, queue, &io[i]);
    testhost_drain(host, queue);
    assert_int_equal(queue->counters.completed, 6);
    testhost_free(host);
}

/* Strides, and queues whose place is beyond the page. */
static void test_strides(void **state)
{
    (void)state;
    for (uint8_t dstrd = 0; dstrd < 10; dstrd++) {
        struct nvmevirt_config config = offering();
        const struct nvme_options options = {.io_queues = 4};
        config.dstrd = dstrd;
        struct testhost *host = testhost_live(&config, &options);
        for (unsigned i = 0; i < 4; i++) {
            struct nvme_queue *queue = &host->nvme.io[i];
            bool fits = (2 * (i + 1) + 2) * (4u << dstrd) <= TESTHOST_PAGE;
            assert_int_equal(queue->shadow != NULL, fits);
            flush_all(host, queue, DEPTH);
            assert_int_equal(queue->counters.sq_doorbells, fits ? 1 : DEPTH);
        }
        testhost_free(host);
    }
}

/* ---- Lost wake-ups ------------------------------------------------------------------------- */

/* The device is asleep, and the driver sees what it has asked for before: it has that already. */
static void lose(struct nvme_queue *queue)
{
    *event_index(queue, 0) = (queue->rung + queue->size - 1u) % queue->size;
    *event_index(queue, 1) = (queue->head - queue->untold + 2 * queue->size - 1u) % queue->size;
}

static void test_nudge(void **state)
{
    (void)state;
    struct testhost *host = live(NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    const struct nvme_counters *c = &queue->counters;
    for (unsigned i = 1; i <= 3000; i++) {
        struct testio io = {0};
        uint64_t start = host->now;
        lose(queue);
        flush(host, queue, &io);
        assert_int_equal(c->sq_doorbells, i - 1);
        testhost_drain(host, queue);
        assert_int_equal(io.request.result, NVME_OK);
        assert_in_range(host->now - start, 100 * US, 150 * US);
        assert_true(c->nudges == i && c->sq_doorbells == i);
    }
    assert_true(c->timeouts == 0 && c->cq_doorbells > 0);
    testhost_free(host);
}

/* A device that is merely slow is nudged once, and only if a register has not been told. */
static void test_slow_device(void **state)
{
    (void)state;
    struct testhost *host = live(NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    host->virt.config.latency_ns[NVMEVIRT_CLASS_FLUSH] = 10 * MS;
    flush_all(host, queue, 1);
    assert_int_equal(queue->counters.nudges, 0);
    flush_all(host, queue, DEPTH);
    assert_int_equal(queue->counters.nudges, 1);
    testhost_free(host);
}

/* As long as something comes now and then, the device is awake. */
static void test_busy_device(void **state)
{
    (void)state;
    struct testhost *host = live(NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[DEPTH] = {0};
    host->virt.config.latency_ns[NVMEVIRT_CLASS_FLUSH] = 99 * US;
    host->virt.config.commands = 1;
    for (unsigned i = 0; i < DEPTH; i++)
        flush(host, queue, &io[i]);
    testhost_drain(host, queue);
    assert_int_equal(queue->counters.nudges, 0);
    assert_true(host->now > DEPTH * 99 * US);
    testhost_free(host);
}

/* What nvme_nudge() answers to somebody who waits in his own way. */
static void test_nudge_by_hand(void **state)
{
    (void)state;
    struct testhost *host = live(NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[2] = {0};
    assert_int_equal(nvme_nudge(queue), UINT64_MAX);
    lose(queue);
    flush(host, queue, &io[0]);
    uint64_t when = nvme_nudge(queue);
    assert_int_equal(when, host->now + 100 * US);
    host->now = when - 1;
    assert_int_equal(nvme_nudge(queue), when);
    assert_int_equal(queue->counters.sq_doorbells, 0);
    host->now = when;
    assert_int_equal(nvme_nudge(queue), UINT64_MAX);
    assert_int_equal(queue->counters.sq_doorbells, 1);
    assert_int_equal(nvme_nudge(queue), UINT64_MAX); /* nothing is left to say */
    testhost_work(host);
    assert_int_equal(nvme_reap(queue), 1);
    host->now += 500 * MS; /* an idle queue does not count as one that waits */
    lose(queue);
    flush(host, queue, &io[1]);
    assert_int_equal(nvme_nudge(queue), host->now + 100 * US);
    testhost_drain(host, queue);
    testhost_free(host);
}

/* Of a queue that nobody waits for, the check that comes anyway takes care. */
static void test_nobody_waits(void **state)
{
    (void)state;
    struct testhost *host = live(NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io = {0};
    uint64_t start = host->now;
    lose(queue);
    flush(host, queue, &io);
    while (!nvme_has_completion(queue) && host->now - start < 5000 * MS) {
        host->now = nvme_check(&host->nvme);
        testhost_work(host);
    }
    assert_in_range(host->now - start, 0, 1500 * MS);
    testhost_drain(host, queue);
    assert_true(io.request.result == NVME_OK && queue->counters.timeouts == 0);
    testhost_free(host);
}

/* ---- Reset --------------------------------------------------------------------------------- */

static void test_reset(void **state)
{
    (void)state;
    struct testhost *host = live(NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    long allocations = host->dma_allocations;
    for (unsigned i = 0; i < 5; i++) {
        struct testio io[3] = {0};
        flush_all(host, queue, DEPTH);
        for (unsigned n = 0; n < 3; n++)
            flush(host, queue, &io[n]);
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_true(host->virt.shadow && queue->shadow);
        uint64_t doorbells = queue->counters.sq_doorbells;
        testhost_drain(host, queue);
        flush_all(host, queue, DEPTH);
        assert_int_equal(queue->counters.sq_doorbells, doorbells + 1);
        testhost_works(host);
    }
    assert_int_equal(queue->counters.nudges, 0);
    assert_int_equal(host->dma_allocations, allocations);
    testhost_free(host);
}

/* Not every firmware offers again what it did: the one after a reset may refuse. */
static void test_refused_after_reset(void **state)
{
    (void)state;
    struct testhost *host = live(NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    testhost_meets(host, 0, NVME_ADMIN_DOORBELL_BUFFER, 1, NVMEVIRT_STATUS,
                   NVMEVIRT_STATUS_FIELD(0, 1, 1));
    flush_all(host, queue, DEPTH);
    uint64_t doorbells = queue->counters.sq_doorbells;
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_null(queue->shadow);
    flush_all(host, queue, DEPTH);
    assert_int_equal(queue->counters.sq_doorbells, doorbells + DEPTH);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_non_null(queue->shadow);
    testhost_works(host);
    testhost_free(host);
}

/* A queue that a reset has taken away is nobody's to nudge. */
static void test_queue_that_is_gone(void **state)
{
    (void)state;
    const struct nvme_options two = {.io_queues = 2};
    struct testhost *host = live(&two);
    testhost_meets(host, 0, NVME_ADMIN_CREATE_CQ, 2, NVMEVIRT_STATUS,
                   NVMEVIRT_STATUS_FIELD(1, 1, 1));
    struct nvme_queue *queue = &host->nvme.io[1];
    flush_all(host, queue, DEPTH);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.io_count, 1);
    uint64_t doorbells = queue->counters.sq_doorbells;
    assert_int_equal(nvme_nudge(queue), UINT64_MAX);
    assert_int_equal(queue->counters.sq_doorbells, doorbells);
    testhost_works(host);
    testhost_free(host);
}

/* ---- Without ------------------------------------------------------------------------------- */

static void expect_registers(struct testhost *host)
{
    assert_null(host->nvme.io[0].shadow);
    assert_int_equal(host->virt.shadow, 0);
    flush_all(host, &host->nvme.io[0], DEPTH);
    assert_int_equal(host->nvme.io[0].counters.sq_doorbells, DEPTH);
    testhost_free(host);
}

static void test_refused(void **state)
{
    (void)state;
    struct nvmevirt_config config = offering();
    struct testhost *host = testhost_new(&config);
    testhost_meets(host, 0, NVME_ADMIN_DOORBELL_BUFFER, 0, NVMEVIRT_STATUS,
                   NVMEVIRT_STATUS_FIELD(0, 1, 1));
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_true(testhost_logged(host, "no shadow doorbells: "));
    expect_registers(host);
}

/* One that does not answer has more wrong with it. */
static void test_not_answered(void **state)
{
    (void)state;
    struct nvmevirt_config config = offering();
    struct testhost *host = testhost_new(&config);
    testhost_meets(host, 0, NVME_ADMIN_DOORBELL_BUFFER, 0, NVMEVIRT_DROP, 0);
    assert_int_equal(testhost_start(host, NULL), NVME_ERR_TIMEOUT);
    testhost_free(host);
}

/* Whichever allocation fails: it starts without, or not at all, and nothing is lost. */
static void test_no_memory(void **state)
{
    (void)state;
    bool without = false;
    for (long n = 0;; n++) {
        struct nvmevirt_config config = offering();
        struct testhost *host = testhost_new(&config);
        host->allocations_left = n;
        int error = testhost_start(host, NULL);
        if (host->allocations_left >= 0) { /* that was all there are */
            assert_int_equal(error, NVME_OK);
            testhost_free(host);
            break;
        }
        assert_true(error == NVME_OK || error == NVME_ERR_NO_MEMORY);
        if (!error && !host->nvme.io[0].shadow) {
            assert_true(testhost_logged(host, "no shadow doorbells: "));
            assert_int_equal(nvme_reset(&host->nvme), NVME_OK); /* there is memory by then */
            assert_non_null(host->nvme.io[0].shadow);
            without = true;
        }
        testhost_free(host);
    }
    assert_true(without);
}

static void test_not_offered(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    assert_false(testhost_logged(host, "shadow"));
    expect_registers(host);
    const struct nvme_options on = {.shadow_doorbells = NVME_SHADOW_ON};
    host = testhost_live(NULL, &on);
    assert_true(testhost_logged(host, "the device has no shadow doorbells"));
    expect_registers(host);
}

/* QEMU's loses one now and then: only for those who insist. */
static void test_quirk(void **state)
{
    (void)state;
    static const struct nvme_options options[] = {
        {.pci_vendor = 0x1b36, .pci_device = 0x0010},
        {.pci_vendor = 0x8086, .pci_device = 0x5845},
        {.pci_vendor = 0x1b36, .pci_device = 0x0010, .shadow_doorbells = NVME_SHADOW_OFF}};
    for (unsigned i = 0; i < 3; i++)
        expect_registers(live(&options[i]));
    const struct nvme_options others[] = {
        {.pci_vendor = 0x1b36, .pci_device = 0x0010, .shadow_doorbells = NVME_SHADOW_ON},
        {.pci_vendor = 0x144d, .pci_device = 0xa822}};
    for (unsigned i = 0; i < 2; i++) {
        struct testhost *host = live(&others[i]);
        assert_non_null(host->nvme.io[0].shadow);
        flush_all(host, &host->nvme.io[0], DEPTH);
        assert_int_equal(host->nvme.io[0].counters.sq_doorbells, 1);
        testhost_free(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saved_writes),
        cmocka_unit_test(test_without),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_event_index),
        cmocka_unit_test(test_full_completion_queue),
        cmocka_unit_test(test_strides),
        cmocka_unit_test(test_nudge),
        cmocka_unit_test(test_slow_device),
        cmocka_unit_test(test_busy_device),
        cmocka_unit_test(test_nudge_by_hand),
        cmocka_unit_test(test_nobody_waits),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_refused_after_reset),
        cmocka_unit_test(test_queue_that_is_gone),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_not_answered),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_not_offered),
        cmocka_unit_test(test_quirk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
