/*
 * Queue pairs and their vectors: how many, how deep, shared, one, none, by
 * wish; what is counted; and what is known of single devices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

static void flush_once(struct testhost *host, struct nvme_queue *queue)
{
    struct testio io = {0};
    assert_int_equal(testio_flush(host, queue, &io), NVME_OK);
    testhost_drain(host, queue);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_OK);
}

/* ---- How many, how deep -------------------------------------------------------------------- */

static void test_depth(void **state)
{
    (void)state;
    const struct {
        uint16_t mqes;
        unsigned wish, got;
    } cases[] = {{1, 0, 2},         {1, 64, 2},          {2, 0, 3},         {63, 0, 64},
                 {63, 32, 32},      {1023, 37, 37},      {1023, 1, 2},      {4095, 0, 4096},
                 {65535, 0, 4096},  {65535, 9999, 4096}, {65535, 100, 100}, {4096, 0, 4096},
                 {4095, 4095, 4095}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvmevirt_config config = testhost_config();
        config.mqes = cases[i].mqes;
        const struct nvme_options options = {.queue_entries = cases[i].wish};
        struct testhost *host = testhost_live(&config, &options);
        assert_int_equal(host->nvme.io[0].size, cases[i].got);
        assert_int_equal(host->virt.sqs[1].size, cases[i].got);
        assert_int_equal(host->virt.cqs[1].size, cases[i].got);
        testhost_works(host);
        testhost_free(host);
    }
}

/* Memory is taken for what the device grants, not for what was wished. */
static void test_no_memory_for_queues_not_granted(void **state)
{
    (void)state;
    long allocations[2];
    for (unsigned i = 0; i < 2; i++) {
        const struct nvme_options options = {.io_queues = i ? 1000 : 4};
        struct testhost *host = testhost_live(NULL, &options);
        allocations[i] = host->dma_allocations;
        assert_int_equal(host->nvme.io_count, 4);
        testhost_free(host);
    }
    assert_int_equal(allocations[0], allocations[1]);
}

/* A queue that there was no memory for is there, and says that it takes nothing. */
static void test_memory_for_some_queues(void **state)
{
    (void)state;
    const struct nvme_options options = {.io_queues = 3, .queue_entries = 16};
    unsigned met = 0;
    for (long allocations = 1; allocations < 30; allocations++) {
        struct testhost *host = testhost_new(NULL);
        host->allocations_left = allocations;
        if (testhost_start(host, &options) == NVME_OK)
            for (unsigned q = host->nvme.io_count; q < host->nvme.io_capacity; q++, met++) {
                struct testio io = {0};
                assert_int_equal(testio_flush(host, &host->nvme.io[q], &io), NVME_ERR_NO_QUEUE);
                nvme_poll(&host->nvme.io[q], 0);
            }
        host->allocations_left = -1;
        testhost_free(host);
    }
    assert_true(met > 1);
}

/* The device may change its mind in a reset, either way; never more than there is memory for. */
static void test_other_grants_after_resets(void **state)
{
    (void)state;
    const unsigned grants[] = {4, 1, 3, 64, 2};
    struct nvmevirt_config config = testhost_config();
    config.queue_pairs = 64;
    const struct nvme_options options = {.io_queues = 4};
    struct testhost *host = testhost_live(&config, &options);
    for (unsigned i = 0; i < sizeof grants / sizeof grants[0]; i++) {
        host->virt.config.queue_pairs = (uint16_t)grants[i];
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        unsigned count = grants[i] < 4 ? grants[i] : 4;
        assert_int_equal(host->nvme.io_count, count);
        for (unsigned q = 0; q < 4; q++) {
            struct testio io = {0};
            if (q < count)
                flush_once(host, &host->nvme.io[q]);
            else
                assert_int_equal(testio_flush(host, &host->nvme.io[q], &io), NVME_ERR_NO_QUEUE);
        }
    }
    host->virt.config.queue_pairs = 64;
    testhost_free(host);
}

/* The completion queue outlives its submission queue, or the device would refuse. */
static void test_deletion(void **state)
{
    (void)state;
    const struct nvme_options options = {.io_queues = 4};
    struct testhost *host = testhost_live(NULL, &options);
    testhost_fault(host, (struct nvmevirt_fault){
                             .opcode = NVME_ADMIN_DELETE_SQ, .nth = 100, .kind = NVMEVIRT_DROP});
    testhost_fault(host, (struct nvmevirt_fault){
                             .opcode = NVME_ADMIN_DELETE_CQ, .nth = 100, .kind = NVMEVIRT_DROP});
    uint64_t errors = host->virt.error_count;
    nvme_stop(&host->nvme);
    assert_int_equal(host->faults[0].seen, 4);
    assert_int_equal(host->faults[1].seen, 4);
    assert_false(testhost_logged(host, "Delete I/O Queue"));
    assert_int_equal(host->virt.error_count, errors);
    testhost_free(host);
}

/* ---- Rings --------------------------------------------------------------------------------- */

/*
 * What was in the rings is no completion: neither what memory held before a start (the host fills
 * it with A5h, phase tags among it), nor the entries of the last round before a reset.
 */
static void test_dirty_completion_queue(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 5};
    struct testhost *host = testhost_live(NULL, &options);
    struct nvme_queue *queue = &host->nvme.io[0];
    for (unsigned flushes = 0; flushes < 12; flushes++) {
        for (unsigned i = 0; i < flushes; i++)
            flush_once(host, queue);
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_int_equal(nvme_reap(queue), 0);
        flush_once(host, queue);
        assert_int_equal(nvme_reap(queue), 0);
    }
    assert_int_equal(queue->counters.bad_completions, 0);
    testhost_free(host);
}

static void test_thousands_of_wraps(void **state)
{
    (void)state;
    const unsigned sizes[] = {2, 3, 7, 64};
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const struct nvme_options options = {.queue_entries = sizes[s]};
        struct testhost *host = testhost_live(NULL, &options);
        struct nvme_queue *queue = &host->nvme.io[0];
        struct testio io[63] = {0};
        unsigned wraps = 0, phase = queue->phase;
        for (unsigned batch = 0; wraps < 3000; batch++) {
            unsigned count = 1 + batch % (sizes[s] - 1);
            for (unsigned i = 0; i < count; i++)
                assert_int_equal(testio_flush(host, queue, &io[i]), NVME_OK);
            testhost_drain(host, queue);
            for (unsigned i = 0; i < count; i++)
                assert_true(io[i].done == 1 && io[i].request.result == NVME_OK);
            wraps += queue->phase != phase;
            phase = queue->phase;
        }
        assert_int_equal(queue->counters.completed, queue->counters.submitted);
        assert_true(queue->counters.completed > 2999 * sizes[s]);
        assert_int_equal(queue->counters.bad_completions + queue->counters.timeouts, 0);
        testhost_free(host);
    }
}

/* What is there is taken; the rest comes when it comes. */
static void test_partial_reap(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.commands = 3;
    config.latency_ns[NVMEVIRT_CLASS_FLUSH] = MS;
    const struct nvme_options options = {.queue_entries = 16};
    struct testhost *host = testhost_live(&config, &options);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[15] = {0};
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(testio_flush(host, queue, &io[i]), NVME_OK);
    nvme_ring(queue);
    for (unsigned taken = 0; taken < 15; taken += 3) {
        testhost_work(host);
        assert_int_equal(nvme_reap(queue), 0);
        host->now += MS;
        testhost_work(host);
        assert_int_equal(nvme_reap(queue), 3);
        assert_int_equal(queue->free_count, taken + 3);
        assert_int_equal(queue->head, taken + 3);
    }
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(io[i].done, 1);
    testhost_free(host);
}

/* More flushes than the queue holds, always as many as fit: none is lost, joined or repeated. */
static void test_flood_of_flushes(void **state)
{
    (void)state;
    enum {
        FLOOD = 20000
    };
    const struct nvme_options options = {.queue_entries = 32};
    struct testhost *host = testhost_live(NULL, &options);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[31] = {0};
    unsigned submitted = 0, done = 0;
    bool busy[31] = {false};
    while (done < FLOOD) {
        for (unsigned i = 0; i < 31; i++) {
            if (busy[i] && io[i].done) {
                assert_true(io[i].done == 1 && io[i].request.result == NVME_OK);
                busy[i] = false;
                done++;
            }
            if (busy[i] || submitted == FLOOD)
                continue;
            assert_int_equal(testio_flush(host, queue, &io[i]), NVME_OK);
            busy[i] = true;
            submitted++;
        }
        nvme_poll(queue, host->now + SECOND);
    }
    assert_int_equal(host->virt.counters.flushes, FLOOD);
    assert_int_equal(queue->counters.retries, 0);
    testhost_free(host);
}

/* ---- Vectors ------------------------------------------------------------------------------- */

static void test_polled_by_wish(void **state)
{
    (void)state;
    for (unsigned polled = 0; polled <= 5; polled++) {
        const struct nvme_options options = {.io_queues = 4, .polled_queues = polled};
        struct testhost *host = testhost_live(NULL, &options);
        unsigned with = polled < 4 ? 4 - polled : 0;
        assert_int_equal(host->nvme.vectors, 1 + with);
        for (unsigned q = 0; q < 4; q++) {
            assert_int_equal(host->nvme.io[q].has_vector, q < with);
            assert_int_equal(host->virt.cqs[q + 1].interrupts, q < with);
            flush_once(host, &host->nvme.io[q]);
            assert_int_equal(host->nvme.io[q].counters.interrupts, q < with);
        }
        assert_true(host->nvme.admin.has_vector);
        testhost_free(host);
    }
}

/* An interrupt of a shared vector is counted by each of its queues, and wakes whoever waits. */
static void test_shared_vectors(void **state)
{
    (void)state;
    for (unsigned vectors = 1; vectors <= 3; vectors++) {
        struct testhost *host = testhost_new(NULL);
        host->vectors = vectors;
        const struct nvme_options options = {.io_queues = 4};
        assert_int_equal(testhost_start(host, &options), NVME_OK);
        const struct nvme_queue *io = host->nvme.io;
        for (unsigned q = 0; q < 4; q++) {
            uint64_t before[4];
            for (unsigned other = 0; other < 4; other++)
                before[other] = io[other].counters.interrupts;
            flush_once(host, &host->nvme.io[q]);
            for (unsigned other = 0; other < 4; other++)
                assert_int_equal(io[other].counters.interrupts - before[other],
                                 io[other].vector == io[q].vector);
            assert_true(io[q].shares_vector);
        }
        assert_int_equal(host->nvme.admin.shares_vector, vectors == 1);
        testhost_free(host);
    }
}

/* A masked vector keeps its message; the completion is found by looking, or after unmasking. */
static void test_masked_then_unmasked(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io = {0};
    uint64_t interrupts = queue->counters.interrupts;
    nvmevirt_msix_mask(&host->virt, queue->vector, true);
    assert_int_equal(testio_flush(host, queue, &io), NVME_OK);
    nvme_ring(queue);
    testhost_work(host);
    assert_true(nvmevirt_msix_pending(&host->virt, queue->vector));
    assert_int_equal(queue->counters.interrupts, interrupts);
    assert_true(nvme_has_completion(queue));
    nvmevirt_msix_mask(&host->virt, queue->vector, false);
    assert_int_equal(queue->counters.interrupts, interrupts + 1);
    assert_int_equal(nvme_reap(queue), 1);
    assert_int_equal(io.done, 1);

    nvmevirt_msix_mask(&host->virt, queue->vector, true);
    uint64_t before = host->now;
    flush_once(host, queue); /* without any interrupt: within the pause between two looks */
    assert_true(host->now - before <= SECOND);
    nvmevirt_msix_mask(&host->virt, queue->vector, false);
    testhost_free(host);
}

static void test_spurious_interrupts(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    flush_once(host, queue);
    nvme_reap(queue);
    assert_int_equal(queue->counters.spurious, 0);
    for (unsigned i = 0; i < 3; i++)
        testhost_interrupt(host, queue->vector);
    assert_int_equal(queue->counters.spurious, 0); /* nobody has looked yet */
    assert_int_equal(nvme_reap(queue), 0);
    assert_int_equal(queue->counters.spurious, 3);
    nvme_reap(queue);
    assert_int_equal(queue->counters.spurious, 3);
    flush_once(host, queue);
    assert_int_equal(queue->counters.spurious, 3);
    testhost_free(host);
}

/* Counted once, also by the look that done() takes in the middle of another. */
static void interrupt_and_look(struct nvme_request *request)
{
    struct testhost *host = request->context;
    struct nvme_queue *queue = &host->nvme.io[0];
    testhost_interrupt(host, queue->vector);
    nvme_reap(queue);
}

static void test_spurious_interrupt_while_reaping(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct nvme_request request = {.done = interrupt_and_look, .context = host};
    nvme_prepare_flush(&request, host->nvme.namespaces);
    assert_int_equal(nvme_submit(queue, &request), NVME_OK);
    testhost_drain(host, queue);
    uint64_t spurious = queue->counters.spurious;
    assert_true(spurious > 0);
    nvme_reap(queue);
    nvme_reap(queue);
    assert_int_equal(queue->counters.spurious, spurious);
    testhost_free(host);
}

/* ---- Counters ------------------------------------------------------------------------------ */

static void test_counters(void **state)
{
    (void)state;
    enum {
        BATCH = 10
    };
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    const struct nvme_counters *c = &queue->counters, zero = {0};
    assert_memory_equal(c, &zero, sizeof zero);
    struct testio io[BATCH] = {0};
    testhost_fault(host, (struct nvmevirt_fault){.queue = 1,
                                                 .opcode = NVME_IO_FLUSH,
                                                 .nth = 4,
                                                 .kind = NVMEVIRT_STATUS,
                                                 .argument = NVMEVIRT_STATUS_FIELD(2, 0x80, 1)});
    for (unsigned n = 0; n < BATCH; n++)
        assert_int_equal(testio_flush(host, queue, &io[n]), NVME_OK);
    assert_true(c->submitted == BATCH && c->sq_doorbells == 0);
    nvme_ring(queue);
    nvme_ring(queue);
    assert_int_equal(c->sq_doorbells, 1);
    testhost_work(host);
    assert_true(c->interrupts == 1 && c->polls == 0 && c->completed == 0);
    assert_int_equal(nvme_reap(queue), BATCH);
    assert_true(c->completed == BATCH && c->errors == 1);
    assert_true(c->cq_doorbells == 0 && c->polls == 1);
    assert_int_equal(nvme_reap(queue), 0);
    assert_true(c->cq_doorbells == 0 && c->polls == 2);
    assert_true(!c->retries && !c->timeouts && !c->missed && !c->aborts && !c->bad_completions &&
                !c->spurious && !c->resets);
    assert_int_equal(host->virt.counters.sq_doorbells,
                     c->sq_doorbells + host->nvme.admin.counters.sq_doorbells);
    assert_int_equal(host->virt.counters.cq_doorbells,
                     c->cq_doorbells + host->nvme.admin.counters.cq_doorbells);

    /* One that is sent again costs a doorbell more, and is one request all the same. */
    testhost_no_faults(host);
    testhost_fault(
        host,
        (struct nvmevirt_fault){
            .queue = 1, .opcode = NVME_IO_FLUSH, .nth = 1, .kind = NVMEVIRT_STATUS, .argument = 6});
    flush_once(host, queue);
    assert_true(c->submitted == BATCH + 1 && c->completed == BATCH + 1 && c->errors == 1);
    assert_true(c->retries == 1 && c->sq_doorbells == 3);
    assert_int_equal(host->virt.counters.fetched,
                     c->submitted + c->retries + host->nvme.admin.counters.submitted);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_true(c->resets == 1 && c->completed == BATCH + 1);
    testhost_free(host);
}

/* ---- Quirks -------------------------------------------------------------------------------- */

static uint16_t oncs;

static void set_oncs(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    struct nvme_identify_controller *identify = (struct nvme_identify_controller *)(void *)data;
    if (cns == NVME_IDENTIFY_CONTROLLER)
        identify->oncs = oncs;
}

static uint16_t oncs_of(uint16_t vendor, uint16_t device)
{
    const struct nvme_options options = {.pci_vendor = vendor, .pci_device = device};
    struct testhost *host = testhost_new(NULL);
    host->identify = set_oncs;
    assert_int_equal(testhost_start(host, &options), NVME_OK);
    uint16_t got = host->nvme.identify->oncs;
    testhost_free(host);
    return got;
}

static void test_quirks_of_commands(void **state)
{
    (void)state;
    oncs = 0x15d;
    assert_int_equal(oncs_of(0, 0), 0x15d);
    assert_int_equal(oncs_of(0x1b36, 0x0011), 0x15d);
    assert_int_equal(oncs_of(0x15b7, 0x2001), 0x15d & ~NVME_ONCS_WRITE_ZEROES);
    oncs = 0;
    assert_int_equal(oncs_of(0x15b7, 0x2001), 0);
}

/* What the register says, whatever queues the device can make. */
static bool no_entries(struct testhost *host, uint32_t offset, uint32_t *value)
{
    *value = nvmevirt_read32(&host->virt, offset) & ~0xffffu;
    return offset == NVME_REG_CAP;
}

static void test_quirks_of_queues(void **state)
{
    (void)state;
    const struct {
        uint16_t vendor, device;
        bool says_none;
        unsigned entries, vectors; /* 0: does not start */
    } cases[] = {
        {0, 0, false, 128, 5},           {0, 0, true, 0, 0},
        {0x144d, 0xa821, false, 128, 5}, {0x144d, 0xa821, true, 64, 5},
        {0x144d, 0xa822, true, 64, 5},   {0x106b, 0x2001, false, 2, 1},
        {0x1217, 0x8760, false, 2, 5},   {0x1987, 0x5013, false, 32, 5},
        {0x1987, 0x5013, true, 0, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct nvme_options options = {
            .io_queues = 4, .pci_vendor = cases[i].vendor, .pci_device = cases[i].device};
        struct nvmevirt_config config = testhost_config();
        config.mqes = 127;
        struct testhost *host = testhost_new(&config);
        if (cases[i].says_none)
            host->read = no_entries;
        int error = testhost_start(host, &options);
        assert_int_equal(error, cases[i].entries ? NVME_OK : NVME_ERR_DEVICE);
        if (!error) {
            assert_int_equal(host->nvme.io[0].size, cases[i].entries);
            assert_int_equal(host->nvme.vectors, cases[i].vectors);
            testhost_works(host);
        }
        testhost_free(host);
    }
}

/* Some are not to be asked for CSTS for a while after CC.EN was cleared. */
static uint64_t disabled_at;

static bool watch_status(struct testhost *host, uint32_t offset, uint32_t *value)
{
    (void)value;
    if (host->virt.cc & 1)
        disabled_at = 0;
    else if (!disabled_at)
        disabled_at = host->virt.enable_written;
    if (offset == NVME_REG_CSTS && disabled_at && host->virt.counters.resets)
        assert_true(host->now - disabled_at >= 2300 * MS || host->virt.ready_target);
    return false;
}

static void test_quirk_of_reset(void **state)
{
    (void)state;
    const struct nvme_options options = {.pci_vendor = 0x1c58, .pci_device = 0x0003};
    struct testhost *host = testhost_live(NULL, &options);
    host->read = watch_status;
    uint64_t before = host->now;
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_true(host->now - before >= 2300 * MS);
    host->read = NULL;
    testhost_works(host);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_no_memory_for_queues_not_granted),
        cmocka_unit_test(test_memory_for_some_queues),
        cmocka_unit_test(test_other_grants_after_resets),
        cmocka_unit_test(test_deletion),
        cmocka_unit_test(test_dirty_completion_queue),
        cmocka_unit_test(test_thousands_of_wraps),
        cmocka_unit_test(test_partial_reap),
        cmocka_unit_test(test_flood_of_flushes),
        cmocka_unit_test(test_polled_by_wish),
        cmocka_unit_test(test_shared_vectors),
        cmocka_unit_test(test_masked_then_unmasked),
        cmocka_unit_test(test_spurious_interrupts),
        cmocka_unit_test(test_spurious_interrupt_while_reaping),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_quirks_of_commands),
        cmocka_unit_test(test_quirks_of_queues),
        cmocka_unit_test(test_quirk_of_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
