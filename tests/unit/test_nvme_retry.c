/*
 * Requests that are sent again: after which status, how often, when, and how a
 * late one gets there by Abort or by a reset. Whatever happens in between, each
 * completes once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

/* One read to its end; how long it took. */
static uint64_t read_once(struct testhost *host, struct testio *io)
{
    uint8_t *data = testhost_data(host, 512);
    uint64_t before = host->now;
    assert_int_equal(testio_submit(host, &host->nvme.io[0], io, false, 0, 1, data), NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(io->done, 1);
    return host->now - before;
}

static void assert_took(uint64_t took, uint64_t least, uint64_t slack)
{
    assert_true(took >= least && took < least + slack);
}

/* ---- After which status -------------------------------------------------------------------- */

static bool is_transient(unsigned sct, unsigned sc)
{
    switch (sct << 8 | sc) {
    case 0x004: /* Data Transfer Error */
    case 0x006: /* Internal Error */
    case 0x007: /* Command Abort Requested */
    case 0x021: /* Command Interrupted */
    case 0x022: /* Transient Transport Error */
    case 0x082: /* Namespace Not Ready */
    case 0x300: /* Internal Path Error */
    case 0x303: /* Asymmetric Access Transition */
    case 0x360: /* Controller Pathing Error */
        return true;
    }
    return false;
}

static void test_every_status(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    uint8_t *data = testhost_data(host, 512);
    for (unsigned code = 1; code < 0x1000; code++) {
        unsigned sct = code >> 8 & 7, sc = code & 0xff;
        bool dnr = code >> 11, again = is_transient(sct, sc) && !dnr;
        if (!sct && !sc)
            continue;
        struct testio io = {0};
        testhost_no_faults(host);
        testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_STATUS,
                       NVMEVIRT_STATUS_FIELD(sct, sc, dnr));
        assert_int_equal(testio_submit(host, &host->nvme.io[0], &io, false, 0, 1, data), NVME_OK);
        testhost_drain(host, &host->nvme.io[0]);
        assert_int_equal(io.done, 1);
        assert_int_equal(io.request.repeats, again);
        assert_int_equal(io.request.result, again ? NVME_OK : NVME_ERR_STATUS);
        assert_int_equal(io.request.status, again ? 0 : NVMEVIRT_STATUS_FIELD(sct, sc, dnr));
    }
    assert_int_equal(host->nvme.io[0].counters.retries, 9);
    testhost_free(host);
}

static void test_limit(void **state)
{
    (void)state;
    const struct {
        int wish;
        unsigned got;
    } cases[] = {{0, 5}, {1, 1}, {3, 3}, {-1, 0}, {-100, 0}, {1000, 255}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct nvme_options options = {.retries = cases[i].wish};
        struct testhost *host = testhost_live(NULL, &options);
        struct testio io = {0};
        testhost_meets(host, 1, NVME_IO_READ, 0, NVMEVIRT_STATUS, NVMEVIRT_STATUS_FIELD(0, 6, 0));
        read_once(host, &io);
        assert_int_equal(io.request.result, NVME_ERR_STATUS);
        assert_int_equal(io.request.status, 6);
        assert_int_equal(io.request.repeats, cases[i].got);
        const struct nvme_counters *c = &host->nvme.io[0].counters;
        assert_true(c->submitted == 1 && c->completed == 1 && c->errors == 1);
        assert_int_equal(c->retries, cases[i].got);
        assert_int_equal(host->faults[0].seen, 1 + cases[i].got);
        testhost_free(host);
    }
}

/* Only what can be executed twice without harm, and not where the caller forbids it. */
static void test_which_commands(void **state)
{
    (void)state;
    const struct {
        uint8_t opcode, flags;
        bool once, again;
    } cases[] = {
        {NVME_IO_FLUSH, 0, false, true},
        {NVME_IO_WRITE, 0, false, true},
        {NVME_IO_READ, 0, false, true},
        {NVME_IO_COMPARE, 0, false, true},
        {NVME_IO_WRITE_ZEROES, 0, false, true},
        {NVME_IO_VERIFY, 0, false, true},
        {NVME_IO_READ, 0, true, false},
        {NVME_IO_FLUSH, 0, true, false},
        {NVME_IO_COMPARE, 1, false, false}, /* fused */
        {NVME_IO_WRITE, 2, false, false},
        {NVME_IO_WRITE_UNCORRECTABLE, 0, false, false},
        {NVME_IO_DATASET, 0, false, false},
        {NVME_IO_COPY, 0, false, false},
        {0x0d, 0, false, false}, /* Reservation Register */
        {0x80, 0, false, false}, /* of a vendor */
    };
    struct testhost *host = testhost_live(NULL, NULL);
    testhost_meets(host, NVMEVIRT_ANY, NVMEVIRT_ANY, 0, NVMEVIRT_STATUS,
                   NVMEVIRT_STATUS_FIELD(0, 6, 0));
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvme_request request = {
            .command = {.opcode = cases[i].opcode, .flags = cases[i].flags, .nsid = 1},
            .once = cases[i].once};
        assert_int_equal(nvme_execute(&host->nvme.io[0], &request), NVME_ERR_STATUS);
        assert_int_equal(request.repeats, cases[i].again ? 5 : 0);
        /* The same numbers mean other things in the admin queue: Delete, Create, Get Log Page. */
        request.command.flags = 0;
        assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_ERR_STATUS);
        assert_int_equal(request.repeats, 0);
    }
    testhost_free(host);
}

/* The look that finds the status sends the command again: nobody else has to ring. */
static void test_sent_again_at_once(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io = {0};
    testhost_meets(host, 1, NVME_IO_FLUSH, 1, NVMEVIRT_STATUS, 6);
    assert_int_equal(testio_flush(host, queue, &io), NVME_OK);
    nvme_ring(queue);
    testhost_work(host);
    assert_int_equal(nvme_reap(queue), 1);
    assert_int_equal(io.done, 0);
    testhost_work(host);
    assert_int_equal(nvme_reap(queue), 1);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_OK);
    testhost_free(host);
}

/* ---- When ---------------------------------------------------------------------------------- */

static void set_delays(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    struct nvme_identify_controller *identify = (struct nvme_identify_controller *)(void *)data;
    if (cns == NVME_IDENTIFY_CONTROLLER) {
        identify->crdt1 = 10;
        identify->crdt2 = 2;
        identify->crdt3 = 0xffff;
    }
}

static struct testhost *live_with_delays(const struct nvme_options *options)
{
    struct testhost *host = testhost_new(NULL);
    host->identify = set_delays;
    assert_int_equal(testhost_start(host, options), NVME_OK);
    return host;
}

static void test_retry_delays(void **state)
{
    (void)state;
    const struct {
        uint16_t status;
        uint64_t delay;
    } cases[] = {
        {6, 0},
        {6 | 1 << 11, SECOND},
        {6 | 2 << 11, 200 * MS},
        {6 | 3 << 11, 9 * SECOND},
        {0x82, 100 * MS},
        {0x82 | 1 << 11, SECOND},
        {0x303, 100 * MS},
    };
    const struct nvme_options options = {.io_timeout_ms = 9000};
    struct testhost *host = live_with_delays(&options);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct testio io = {0};
        testhost_no_faults(host);
        testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_STATUS, cases[i].status);
        assert_took(read_once(host, &io), cases[i].delay, MS);
        assert_int_equal(io.request.result, NVME_OK);
        assert_int_equal(io.request.repeats, 1);
    }
    testhost_free(host);
}

/* A device is told that its delays are known, again after a reset; it may not want to hear. */
static void test_delays_are_asked_for(void **state)
{
    (void)state;
    for (unsigned accepts = 0; accepts < 2; accepts++) {
        struct testhost *host = testhost_new(NULL);
        host->identify = set_delays;
        if (accepts) {
            testhost_meets(host, 0, NVME_ADMIN_SET_FEATURES, 2, NVMEVIRT_STATUS, 0);
            testhost_meets(host, 0, NVME_ADMIN_SET_FEATURES, 5, NVMEVIRT_STATUS, 0);
        }
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_int_equal(testhost_logged(host, "retry delays are not used"), !accepts);
        if (accepts)
            assert_true(host->faults[0].seen >= 4);
        testhost_works(host);
        testhost_free(host);
    }
}

/* What a device that cannot be stopped was given for that is kept from it for ever. */
static void test_delays_are_asked_of_a_device_that_leaves(void **state)
{
    (void)state;
    for (unsigned isolate = 0; isolate < 2; isolate++) {
        struct testhost *host = live_with_delays(NULL);
        if (!isolate)
            host->ops.isolate = NULL;
        long held = host->dma_live;
        testhost_meets(host, 0, NVME_ADMIN_SET_FEATURES, 2, NVMEVIRT_REMOVED, 0);
        assert_int_equal(nvme_reset(&host->nvme), NVME_ERR_DEAD);
        assert_int_equal(host->dma_live, isolate ? held : held + 1);
        testhost_free_kept(host, isolate ? 0 : held + 1);
    }
}

/* Memory to ask with is all that is missing: the controller works without the delays. */
static void test_no_memory_for_delays(void **state)
{
    (void)state;
    unsigned without = 0;
    int error = NVME_ERR_NO_MEMORY;
    for (long n = 0; error || without == 0; n++) {
        struct testhost *host = testhost_new(NULL);
        host->identify = set_delays;
        testhost_meets(host, 0, NVME_ADMIN_SET_FEATURES, 0, NVMEVIRT_STATUS, 0);
        host->allocations_left = n;
        error = testhost_start(host, NULL);
        assert_true(n < 100 && (error == NVME_OK || error == NVME_ERR_NO_MEMORY));
        without += testhost_logged(host, "retry delays are not used: ");
        testhost_free(host);
    }
    assert_int_equal(without, 1);
}

/* Who repeats nothing has no use for them. */
static void test_delays_without_retries(void **state)
{
    (void)state;
    const struct nvme_options options = {.retries = -1};
    struct testhost *host = live_with_delays(&options);
    assert_false(testhost_logged(host, "retry delays"));
    testhost_works(host);
    testhost_free(host);
}

static void test_other_requests_pass_a_waiting_one(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 3};
    struct testhost *host = live_with_delays(&options);
    uint8_t *data = testhost_data(host, 512);
    struct testio slow = {0}, quick = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_STATUS, 6 | 1 << 11);
    assert_int_equal(testio_submit(host, &host->nvme.io[0], &slow, false, 0, 1, data), NVME_OK);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(testio_submit(host, &host->nvme.io[0], &quick, false, 1, 1, data),
                         NVME_OK);
        while (!quick.done)
            nvme_poll(&host->nvme.io[0], host->now + SECOND);
        assert_int_equal(slow.done, 0);
    }
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(slow.done, 1);
    assert_int_equal(slow.request.result, NVME_OK);
    testhost_free(host);
}

/* What is not with the device cannot be completed by it. */
static void test_a_waiting_one_passes_others(void **state)
{
    (void)state;
    struct testhost *host = live_with_delays(NULL);
    uint8_t *data = testhost_data(host, 512);
    struct testio io[3] = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, 5 * SECOND);
    testhost_meets(host, 1, NVME_IO_READ, 2, NVMEVIRT_STATUS, 6 | 1 << 11);
    testhost_meets(host, 1, NVME_IO_READ, 3, NVMEVIRT_DELAY, 5 * SECOND);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(testio_submit(host, &host->nvme.io[0], &io[i], false, i, 1, data),
                         NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(io[1].order, 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(io[i].request.result, NVME_OK);
        assert_int_equal(io[i].request.repeats, i == 1);
    }
    testhost_free(host);
}

static void test_duplicate_of_a_waiting_request(void **state)
{
    (void)state;
    struct testhost *host = live_with_delays(NULL);
    struct testio io = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_STATUS, 6 | 1 << 11);
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DUPLICATE, 0);
    assert_took(read_once(host, &io), SECOND, MS);
    assert_int_equal(io.request.result, NVME_OK);
    assert_int_equal(io.request.repeats, 1);
    assert_int_equal(host->nvme.io[0].counters.bad_completions, 1);
    testhost_free(host);
}

static void test_waiting_through_a_reset(void **state)
{
    (void)state;
    for (unsigned end = 0; end < 3; end++) { /* a reset, a stop, a removal */
        struct testhost *host = live_with_delays(NULL);
        uint8_t *data = testhost_data(host, 512);
        struct testio io = {0};
        testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_STATUS, 6 | 1 << 11);
        assert_int_equal(testio_submit(host, &host->nvme.io[0], &io, false, 0, 1, data), NVME_OK);
        uint64_t before = host->now;
        nvme_poll(&host->nvme.io[0], host->now);
        assert_int_equal(host->nvme.io[0].waiting, 1);
        if (end == 2)
            nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
        if (end == 1)
            nvme_stop(&host->nvme);
        else
            assert_int_equal(nvme_reset(&host->nvme), end ? NVME_ERR_DEAD : NVME_OK);
        if (end == 0) {
            assert_int_equal(io.done, 0);
            testhost_drain(host, &host->nvme.io[0]);
            assert_took(host->now - before, SECOND, MS);
            assert_int_equal(io.request.repeats, 1);
        }
        const int results[] = {NVME_OK, NVME_ERR_RESET, NVME_ERR_DEAD};
        assert_int_equal(io.done, 1);
        assert_int_equal(io.request.result, results[end]);
        testhost_free(host);
    }
}

/* ---- After a reset ------------------------------------------------------------------------- */

static void test_reset_repeats(void **state)
{
    (void)state;
    enum {
        COUNT = 40
    };
    const struct nvme_options options = {.io_queues = 2, .queue_entries = 32};
    struct testhost *host = testhost_live(NULL, &options);
    uint8_t *data = testhost_data(host, COUNT * 512), *back = testhost_data(host, COUNT * 512);
    testhost_fill(data, COUNT * 512, 7);
    testhost_meets(host, NVMEVIRT_ANY, NVMEVIRT_ANY, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    struct testio io[COUNT] = {0};
    for (unsigned n = 0; n < COUNT; n++) {
        io[n].request.once = n == 4;
        assert_int_equal(
            testio_submit(host, &host->nvme.io[n % 2], &io[n], true, n, 1, data + n * 512),
            NVME_OK);
        if (n == COUNT / 2)
            nvme_ring(&host->nvme.io[0]); /* of the others it hears in the reset, and can answer */
    }
    testhost_work(host);
    testhost_no_faults(host);
    uint64_t before = host->now;
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_true(host->now - before < SECOND);
    testhost_drain(host, &host->nvme.io[0]);
    testhost_drain(host, &host->nvme.io[1]);
    for (unsigned n = 0; n < COUNT; n++) {
        bool hung = n % 2 == 0 && n <= COUNT / 2;
        assert_int_equal(io[n].done, 1);
        assert_int_equal(io[n].request.result, n == 4 ? NVME_ERR_RESET : NVME_OK);
        assert_int_equal(io[n].request.repeats, hung && n != 4);
    }
    assert_int_equal(testhost_rw(host, false, 0, COUNT, back), NVME_OK);
    memcpy(data + 4 * 512, back + 4 * 512, 512); /* whether that was written, nobody knows */
    assert_memory_equal(data, back, COUNT * 512);
    assert_int_equal(host->nvme.io[0].counters.resets, 1);
    testhost_free(host);
}

/* Ten resets use up five repetitions. */
static void test_limit_over_resets(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    testhost_meets(host, 1, NVME_IO_FLUSH, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    assert_int_equal(testio_flush(host, &host->nvme.io[0], &io), NVME_OK);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_int_equal(io.done, i > 5);
        assert_int_equal(io.request.repeats, i > 5 ? 5 : i);
    }
    assert_int_equal(io.request.result, NVME_ERR_RESET);
    testhost_free(host);
}

static void test_admin_commands_end_by_a_reset(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct testio io = {0};
    testhost_meets(host, 0, NVME_ADMIN_GET_FEATURES, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    testio_flush(host, &host->nvme.io[0], &io);
    testhost_drain(host, &host->nvme.io[0]);
    io.done = 0;
    io.queue = &host->nvme.admin;
    io.request.command = (struct nvme_command){.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = 7};
    assert_int_equal(nvme_submit(&host->nvme.admin, &io.request), NVME_OK);
    nvme_ring(&host->nvme.admin);
    testhost_work(host);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_ERR_RESET);
    testhost_free(host);
}

/* Another size behind the same identifier: the request is not for that any more. */
static void shrink(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns == NVME_IDENTIFY_NAMESPACE || cns == NVME_IDENTIFY_SET_NAMESPACE)
        data[1] = 1; /* NSZE from 4096 blocks to 256 */
}

static void test_namespace_changes_in_a_reset(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    uint8_t *data = testhost_data(host, 512);
    struct testio io = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    assert_int_equal(testio_submit(host, &host->nvme.io[0], &io, false, 9, 1, data), NVME_OK);
    nvme_ring(&host->nvme.io[0]);
    testhost_work(host);
    host->identify = shrink;
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_ERR_GONE);
    assert_int_equal(host->nvme.namespaces->block_count, 256);
    testhost_works(host);
    testhost_free(host);
}

/* What was written for a namespace that is another now is not sent to it again. */
static void test_namespace_changes_before_the_answer(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    uint8_t *data = testhost_data(host, 512);
    struct testio io = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_STATUS, NVMEVIRT_STATUS_FIELD(0, 6, 0));
    assert_int_equal(testio_submit(host, &host->nvme.io[0], &io, false, 9, 1, data), NVME_OK);
    nvme_ring(&host->nvme.io[0]);
    testhost_work(host);
    host->identify = shrink;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_ERR_STATUS);
    assert_int_equal(io.request.repeats, 0);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_which_commands),
        cmocka_unit_test(test_sent_again_at_once),
        cmocka_unit_test(test_retry_delays),
        cmocka_unit_test(test_delays_are_asked_for),
        cmocka_unit_test(test_delays_are_asked_of_a_device_that_leaves),
        cmocka_unit_test(test_other_requests_pass_a_waiting_one),
        cmocka_unit_test(test_duplicate_of_a_waiting_request),
        cmocka_unit_test(test_waiting_through_a_reset),
        cmocka_unit_test(test_reset_repeats),
        cmocka_unit_test(test_limit_over_resets),
        cmocka_unit_test(test_admin_commands_end_by_a_reset),
        cmocka_unit_test(test_namespace_changes_in_a_reset),
        cmocka_unit_test(test_no_memory_for_delays),
        cmocka_unit_test(test_delays_without_retries),
        cmocka_unit_test(test_namespace_changes_before_the_answer),
        cmocka_unit_test(test_a_waiting_one_passes_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
