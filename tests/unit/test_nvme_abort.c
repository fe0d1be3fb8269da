/*
 * The second step of the ladder: the Abort of a command that is late. What it
 * ends is sent again; what it does not end, a reset does; and how long all that
 * may take for commands of each kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

/* A read to its end, which has to come between `least` and a second later. */
static void read_takes(struct testhost *host, struct testio *io, int result, uint64_t least)
{
    uint8_t *data = testhost_data(host, 512);
    uint64_t before = host->now;
    assert_int_equal(testio_submit(host, &host->nvme.io[0], io, false, 0, 1, data), NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(io->done, 1);
    assert_int_equal(io->request.result, result);
    assert_true(host->now - before >= least && host->now - before < least + SECOND);
}

/* Vectors, one, none: the answer to the Abort has to be seen whoever waits for what. */
static struct testhost *live(unsigned vectors, const struct nvme_options *options)
{
    struct testhost *host = testhost_new(NULL);
    if (vectors)
        host->vectors = vectors;
    else
        testhost_polled(host);
    assert_int_equal(testhost_start(host, options), NVME_OK);
    return host;
}

static const unsigned vector_counts[] = {0, 1, 2};

/* Each Abort helps, but slowly: those whose turn does not come are not left waiting for ever. */
static void test_many_aborts(void **state)
{
    (void)state;
    enum {
        COUNT = 60
    };
    const struct nvme_options options = {.io_timeout_ms = 1000, .abort_timeout_ms = 5000};
    struct nvmevirt_config config = testhost_config();
    config.commands = 255;
    struct testhost *host = testhost_live(&config, &options);
    struct testio io[COUNT] = {0};
    uint8_t *data = testhost_data(host, 512);
    testhost_meets(host, 1, NVME_IO_READ, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    testhost_meets(host, 0, NVME_ADMIN_ABORT, 0, NVMEVIRT_DELAY, 4900 * MS);
    uint64_t before = host->now;
    for (unsigned i = 0; i < COUNT; i++) {
        io[i].request.once = true;
        assert_int_equal(testio_submit(host, &host->nvme.io[0], &io[i], false, i, 1, data),
                         NVME_OK);
    }
    nvme_ring(&host->nvme.io[0]);
    testhost_drain(host, &host->nvme.io[0]);
    assert_true(host->now - before < 15 * SECOND);
    assert_int_equal(host->nvme.resets, 1);
    for (unsigned i = 0; i < COUNT; i++)
        assert_true(io[i].done == 1 && io[i].request.result == NVME_ERR_TIMEOUT);
    testhost_no_faults(host);
    testhost_works(host);
    testhost_free(host);
}

static void test_abort_helps(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 3; v++) {
        struct testhost *host = live(vector_counts[v], NULL);
        struct testio io = {0};
        testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
        read_takes(host, &io, NVME_OK, 30 * SECOND);
        assert_int_equal(io.request.repeats, 1);
        const struct nvme_counters *c = &host->nvme.io[0].counters;
        assert_true(c->timeouts == 1 && c->aborts == 1 && c->retries == 1 && c->resets == 0);
        assert_int_equal(host->nvme.resets, 0);
        assert_true(testhost_logged(host, "no answer to command"));
        testhost_works(host);
        testhost_free(host);
    }
}

/* Late each time: at the end it is said to be late, not to be aborted. */
static void test_late_each_time(void **state)
{
    (void)state;
    for (unsigned again = 0; again < 2; again++) {
        const struct nvme_options options = {.retries = again ? 2 : -1};
        struct testhost *host = live(2, &options);
        struct testio io = {0};
        testhost_meets(host, 1, NVME_IO_READ, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
        read_takes(host, &io, NVME_ERR_TIMEOUT, (again ? 90 : 30) * SECOND);
        assert_int_equal(host->nvme.io[0].counters.aborts, again ? 3 : 1);
        assert_int_equal(host->nvme.resets, 0);
        testhost_free(host);
    }
}

/* As QEMU does: success, and bit 0 says that nothing was aborted. */
static void test_abort_that_does_not_abort(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 3; v++) {
        struct testhost *host = live(vector_counts[v], NULL);
        struct testio io = {0};
        host->virt.config.abort_never = true;
        testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
        read_takes(host, &io, NVME_OK, 30 * SECOND);
        assert_int_equal(io.request.repeats, 1);
        assert_int_equal(host->nvme.resets, 1);
        assert_int_equal(host->nvme.io[0].counters.aborts, 1);
        testhost_free(host);
    }
}

static void test_abort_is_refused(void **state)
{
    (void)state;
    struct testhost *host = live(2, NULL);
    struct testio io = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    testhost_meets(host, 0, NVME_ADMIN_ABORT, 1, NVMEVIRT_STATUS, NVMEVIRT_STATUS_FIELD(1, 3, 0));
    read_takes(host, &io, NVME_OK, 30 * SECOND);
    assert_int_equal(host->nvme.resets, 1);
    testhost_free(host);
}

/* What the device says of a command is what counts, even while it is asked to abort it. */
static void test_command_fails_meanwhile(void **state)
{
    (void)state;
    struct testhost *host = live(2, NULL);
    uint8_t *data = testhost_data(host, 512);
    struct testio io = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, 30 * SECOND + 50 * MS);
    testhost_meets(host, 0, NVME_ADMIN_ABORT, 1, NVMEVIRT_DELAY, 100 * MS);
    assert_int_equal(testio_submit(host, &host->nvme.io[0], &io, false, 5, 1, data), NVME_OK);
    assert_true(nvmevirt_resize(&host->virt, 1, 1));
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(io.request.result, NVME_ERR_STATUS);
    assert_int_equal(io.request.status & 0x7ff, 0x80);
    assert_int_equal(host->nvme.io[0].counters.aborts, 1);
    testhost_free(host);
}

/* No answer to the Abort, or "aborted" and the command does not end: five seconds, then a reset. */
static void test_abort_has_a_deadline(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        const struct nvme_options options = {.abort_timeout_ms = i & 1 ? 1500 : 0};
        struct testhost *host = live(2, &options);
        struct testio io = {0};
        testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
        testhost_meets(host, 0, NVME_ADMIN_ABORT, 0, i & 2 ? NVMEVIRT_STATUS : NVMEVIRT_DELAY,
                       i & 2 ? 0 : NVMEVIRT_NEVER);
        read_takes(host, &io, NVME_OK, i & 1 ? 31500 * MS : 35 * SECOND);
        assert_int_equal(host->nvme.resets, 1);
        assert_int_equal(host->nvme.io[0].counters.timeouts, 1);
        assert_null(host->nvme.abort.queue);
        testhost_works(host);
        testhost_free(host);
    }
}

/* It ends by itself while the Abort is on its way: that was all. */
static void test_command_ends_meanwhile(void **state)
{
    (void)state;
    struct testhost *host = live(2, NULL);
    struct testio io = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, 32 * SECOND);
    testhost_meets(host, 0, NVME_ADMIN_ABORT, 1, NVMEVIRT_DELAY, 4 * SECOND);
    read_takes(host, &io, NVME_OK, 32 * SECOND);
    assert_int_equal(io.request.repeats, 0);
    while (host->nvme.abort.queue)
        nvme_poll(&host->nvme.admin, host->now + SECOND);
    assert_true(testhost_logged(host, "was not aborted"));
    testhost_works(host);
    assert_int_equal(host->nvme.resets, 0);
    testhost_free(host);
}

/* The slot has another command by the time of the answer: that one is left alone. */
static void test_answer_about_an_earlier_command(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 2};
    struct testhost *host = live(2, &options);
    struct testio io = {0}, next = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, 31 * SECOND);
    testhost_meets(host, 1, NVME_IO_READ, 2, NVMEVIRT_DELAY, 20 * SECOND);
    testhost_meets(host, 0, NVME_ADMIN_ABORT, 1, NVMEVIRT_DELAY, 4 * SECOND);
    read_takes(host, &io, NVME_OK, 31 * SECOND);
    read_takes(host, &next, NVME_OK, 20 * SECOND);
    assert_int_equal(host->nvme.resets, 0);
    testhost_free(host);
}

/* One Abort at a time, however many are late: no device allows fewer. */
static void test_many_are_late(void **state)
{
    (void)state;
    enum {
        LATE = 10
    };
    for (unsigned v = 0; v < 3; v++) {
        struct nvmevirt_config config = testhost_config();
        config.abort_limit = 0;
        struct testhost *host = testhost_new(&config);
        if (vector_counts[v])
            host->vectors = vector_counts[v];
        else
            testhost_polled(host);
        const struct nvme_options options = {.io_queues = 2};
        assert_int_equal(testhost_start(host, &options), NVME_OK);
        uint8_t *data = testhost_data(host, 512);
        struct testio io[LATE] = {0};
        for (unsigned n = 0; n < LATE; n++) {
            testhost_no_faults(host);
            testhost_meets(host, NVMEVIRT_ANY, NVME_IO_READ, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
            testhost_meets(host, 0, NVME_ADMIN_ABORT, 0, NVMEVIRT_DELAY, 100 * MS);
            assert_int_equal(testio_submit(host, &host->nvme.io[n % 2], &io[n], false, n, 1, data),
                             NVME_OK);
        }
        nvme_ring(&host->nvme.io[0]);
        nvme_ring(&host->nvme.io[1]);
        testhost_work(host);
        host->fault_count = 0;
        testhost_meets(host, 0, NVME_ADMIN_ABORT, 0, NVMEVIRT_DELAY, 100 * MS);
        uint64_t before = host->now;
        testhost_drain(host, &host->nvme.io[0]);
        testhost_drain(host, &host->nvme.io[1]);
        assert_true(host->now - before < 33 * SECOND);
        for (unsigned n = 0; n < LATE; n++) {
            assert_int_equal(io[n].done, 1);
            assert_int_equal(io[n].request.result, NVME_OK);
            assert_int_equal(io[n].request.repeats, 1);
        }
        assert_int_equal(host->nvme.resets, 0);
        assert_int_equal(host->nvme.io[0].counters.aborts + host->nvme.io[1].counters.aborts, LATE);
        testhost_free(host);
    }
}

/* There is one Abort at a time: the second late command has its turn when that is answered. */
static void test_late_while_another_is_aborted(void **state)
{
    (void)state;
    struct testhost *host = live(2, NULL);
    uint8_t *data = testhost_data(host, 512);
    struct testio io[2] = {0};
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    testhost_meets(host, 1, NVME_IO_READ, 2, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    testhost_meets(host, 0, NVME_ADMIN_ABORT, 1, NVMEVIRT_DELAY, 4 * SECOND);
    for (unsigned n = 0; n < 2; n++) {
        assert_int_equal(testio_submit(host, &host->nvme.io[0], &io[n], false, n, 1, data),
                         NVME_OK);
        nvme_ring(&host->nvme.io[0]);
        testhost_work(host);
        host->now += 2 * SECOND;
    }
    testhost_drain(host, &host->nvme.io[0]);
    for (unsigned n = 0; n < 2; n++) {
        assert_int_equal(io[n].request.result, NVME_OK);
        assert_int_equal(io[n].request.repeats, 1);
    }
    assert_int_equal(host->nvme.io[0].counters.aborts, 2);
    assert_int_equal(host->nvme.resets, 0);
    testhost_free(host);
}

static void test_late_admin_command(void **state)
{
    (void)state;
    for (unsigned helps = 0; helps < 2; helps++) {
        struct testhost *host = live(2, NULL);
        host->virt.config.abort_never = !helps;
        testhost_meets(host, 0, NVME_ADMIN_GET_FEATURES, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
        struct nvme_request request = {
            .command = {.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = NVME_FEATURE_QUEUES}};
        uint64_t before = host->now;
        assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_ERR_TIMEOUT);
        assert_true(host->now - before >= 60 * SECOND && host->now - before < 61 * SECOND);
        assert_int_equal(host->nvme.resets, !helps);
        assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_OK);
        testhost_free(host);
    }
}

/* No room for an Abort: straight to the reset. */
static void test_admin_queue_is_full(void **state)
{
    (void)state;
    enum {
        ROOM = 63
    };
    struct testhost *host = live(2, NULL);
    struct testio io = {0}, flush = {0}, admin[ROOM];
    unsigned filled = 0;
    testhost_meets(host, 0, NVME_ADMIN_GET_FEATURES, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
    testio_flush(host, &host->nvme.io[0], &flush);
    testhost_drain(host, &host->nvme.io[0]);
    for (; host->nvme.admin.free_count; filled++) {
        admin[filled] = flush; /* for its done() */
        admin[filled].done = 0;
        admin[filled].queue = &host->nvme.admin;
        admin[filled].request.context = &admin[filled];
        admin[filled].request.timeout_ns = 1000 * SECOND;
        admin[filled].request.command =
            (struct nvme_command){.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = 7};
        assert_int_equal(nvme_submit(&host->nvme.admin, &admin[filled].request), NVME_OK);
    }
    nvme_ring(&host->nvme.admin);
    read_takes(host, &io, NVME_OK, 30 * SECOND);
    assert_int_equal(host->nvme.io[0].counters.aborts, 0);
    assert_int_equal(host->nvme.resets, 1);
    for (unsigned n = 0; n < filled; n++) {
        assert_int_equal(admin[n].done, 1);
        assert_int_equal(admin[n].request.result, NVME_ERR_RESET);
    }
    testhost_free(host);
}

/* ---- How long each kind may take ----------------------------------------------------------- */

static void test_deadlines_by_kind(void **state)
{
    (void)state;
    const struct {
        uint8_t opcode;
        uint64_t seconds, wish; /* as options have it, and with wishes */
    } kinds[] = {
        {NVME_ADMIN_GET_FEATURES, 60, 2},     {NVME_ADMIN_IDENTIFY, 60, 2},
        {NVME_ADMIN_FORMAT, 600, 7},          {NVME_ADMIN_SANITIZE, 600, 7},
        {NVME_ADMIN_FIRMWARE_COMMIT, 600, 7}, {NVME_ADMIN_NAMESPACE_MANAGEMENT, 600, 7},
    };
    for (unsigned wishes = 0; wishes < 2; wishes++) {
        const struct nvme_options options = {.admin_timeout_ms = wishes ? 2000 : 0,
                                             .slow_timeout_ms = wishes ? 7000 : 0};
        struct testhost *host = live(2, &options);
        for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            struct nvme_request request = {.command = {.opcode = kinds[i].opcode}};
            uint64_t before = host->now;
            testhost_no_faults(host);
            testhost_meets(host, 0, kinds[i].opcode, 1, NVMEVIRT_DELAY, NVMEVIRT_NEVER);
            assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_ERR_TIMEOUT);
            uint64_t least = (wishes ? kinds[i].wish : kinds[i].seconds) * SECOND;
            assert_true(host->now - before >= least && host->now - before < least + SECOND);
        }
        testhost_free(host);
    }
}

/* An Asynchronous Event Request is never late: it waits for something to happen. */
static void test_event_requests_are_never_late(void **state)
{
    (void)state;
    struct testhost *host = live(2, NULL);
    const struct nvme_queue *admin = &host->nvme.admin;
    unsigned waiting = admin->size - 1u - admin->free_count;
    assert_true(waiting > 0); /* the driver's own */
    for (unsigned day = 0; day < 1000; day++) {
        nvme_poll(&host->nvme.admin, host->now + SECOND);
        host->now += 86400 * SECOND;
        nvme_check(&host->nvme);
    }
    assert_int_equal(admin->size - 1u - admin->free_count, waiting);
    assert_int_equal(admin->counters.timeouts, 0);
    assert_int_equal(host->nvme.resets, 0);
    testhost_free(host);
}

/* RTD3E says how long a shutdown may take; within reason. */
static uint32_t rtd3e_us;

static void set_rtd3e(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    struct nvme_identify_controller *identify = (struct nvme_identify_controller *)(void *)data;
    if (cns == NVME_IDENTIFY_CONTROLLER)
        identify->rtd3e = rtd3e_us;
}

static void test_shutdown_by_rtd3e(void **state)
{
    (void)state;
    const struct {
        uint32_t rtd3e;
        uint64_t seconds;
    } cases[] = {{0, 5}, {1000000, 5}, {20000000, 20}, {UINT32_MAX, 60}};
    for (unsigned i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        bool completes = i & 1;
        uint64_t limit = cases[i / 2].seconds * SECOND;
        struct nvmevirt_config config = testhost_config();
        config.shutdown_ns = completes ? limit - 100 * MS : limit + 100 * MS;
        struct testhost *host = testhost_new(&config);
        host->identify = set_rtd3e;
        rtd3e_us = cases[i / 2].rtd3e;
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        uint64_t before = host->now;
        nvme_stop(&host->nvme);
        assert_true(host->now - before >= limit - 100 * MS && host->now - before < limit + SECOND);
        assert_int_equal(testhost_logged(host, "shutdown was not completed"), !completes);
        assert_int_equal(host->nvme.state, NVME_STOPPED);
        testhost_free(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abort_helps),
        cmocka_unit_test(test_many_aborts),
        cmocka_unit_test(test_late_each_time),
        cmocka_unit_test(test_abort_that_does_not_abort),
        cmocka_unit_test(test_abort_is_refused),
        cmocka_unit_test(test_abort_has_a_deadline),
        cmocka_unit_test(test_command_ends_meanwhile),
        cmocka_unit_test(test_answer_about_an_earlier_command),
        cmocka_unit_test(test_many_are_late),
        cmocka_unit_test(test_late_admin_command),
        cmocka_unit_test(test_admin_queue_is_full),
        cmocka_unit_test(test_deadlines_by_kind),
        cmocka_unit_test(test_event_requests_are_never_late),
        cmocka_unit_test(test_shutdown_by_rtd3e),
        cmocka_unit_test(test_command_fails_meanwhile),
        cmocka_unit_test(test_late_while_another_is_aborted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
