/*
 * What a controller is started with: queues, interrupt vectors, memory,
 * namespaces; too many of them, too few, and none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define FEATURE_EVENTS 0x0bu
#define ANY_STATUS     NVMEVIRT_STATUS_FIELD(0, 6, 0)
#define LAST_WORD      NVMEVIRT_STATUS_FIELD(0, 6, 1)

/* ---- Queues and vectors -------------------------------------------------------------------- */

static void test_queues_granted(void **state)
{
    (void)state;
    const struct {
        uint16_t offered;
        unsigned wish, got;
    } cases[] = {{1, 1, 1}, {1, 4, 1}, {3, 4, 3}, {4, 4, 4}, {64, 4, 4}, {64, 0, 1}, {64, 64, 64}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvmevirt_config config = testhost_config();
        config.queue_pairs = cases[i].offered;
        const struct nvme_options options = {.io_queues = cases[i].wish, .queue_entries = 8};
        struct testhost *host = testhost_live(&config, &options);
        assert_int_equal(host->nvme.io_count, cases[i].got);
        for (unsigned q = 0; q < cases[i].got; q++) {
            struct testio io = {0};
            assert_int_equal(testio_flush(host, &host->nvme.io[q], &io), NVME_OK);
            testhost_drain(host, &host->nvme.io[q]);
            assert_int_equal(io.done, 1);
            assert_int_equal(io.request.result, NVME_OK);
        }
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_int_equal(host->nvme.io_count, cases[i].got);
        testhost_works(host);
        testhost_free(host);
    }
}

/* An ill device: its admin queue works, resets and all, and that is what there is. */
static void test_no_queues_granted(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.queue_pairs = 0;
    struct testhost *host = testhost_live(&config, NULL);
    assert_true(testhost_logged(host, "no I/O queues"));
    for (unsigned i = 0; i < 2; i++) {
        uint32_t value;
        assert_int_equal(host->nvme.io_count, 0);
        assert_int_equal(host->nvme.namespace_count, 0);
        assert_int_equal(
            nvme_get_feature(&host->nvme, FEATURE_EVENTS, NVME_FEATURE_CURRENT, &value), NVME_OK);
        assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    }
    testhost_free(host);
}

static void test_vectors(void **state)
{
    (void)state;
    const unsigned queues = 4;
    for (unsigned vectors = 0; vectors <= 6; vectors++) {
        struct testhost *host = testhost_new(NULL);
        host->vectors = vectors < 5 ? vectors : 5;
        const struct nvme_options options = {.io_queues = queues};
        assert_int_equal(testhost_start(host, &options), NVME_OK);
        assert_int_equal(host->nvme.vectors, host->vectors);
        assert_int_equal(host->nvme.admin.has_vector, vectors > 0);
        assert_int_equal(host->nvme.admin.vector, 0);
        for (unsigned q = 0; q < queues; q++) {
            struct nvme_queue *queue = &host->nvme.io[q];
            assert_int_equal(queue->has_vector, vectors > 0);
            assert_int_equal(queue->vector, vectors > 1 ? 1 + q % (host->vectors - 1) : 0);
            assert_int_equal(host->virt.cqs[q + 1].interrupts, vectors > 0);
            struct testio io = {0};
            assert_int_equal(testio_flush(host, queue, &io), NVME_OK);
            testhost_drain(host, queue);
            assert_int_equal(io.done, 1);
        }
        testhost_free(host);
    }
}

static void test_polled(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    for (unsigned pin = 0; pin < 2; pin++) {
        config.vectors = pin ? 0 : 5;
        struct testhost *host = testhost_new(&config);
        testhost_polled(host);
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        assert_false(host->nvme.admin.has_vector || host->nvme.io[0].has_vector);
        testhost_works(host);
        testhost_free(host);
    }
    /* Vectors that cannot be attached are none. */
    struct testhost *host = testhost_new(NULL);
    host->attach_fails = true;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_false(host->nvme.admin.has_vector || host->nvme.io[0].has_vector);
    assert_false(host->virt.cqs[1].interrupts);
    uint64_t before = host->now;
    testhost_works(host);
    assert_true(host->now - before < 2 * MS); /* looked at often */
    testhost_free(host);
}

static void test_too_many_queues(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    const struct nvme_options options = {.io_queues = UINT32_MAX, .queue_entries = 2};
    assert_int_equal(testhost_start(host, &options), NVME_OK);
    assert_int_equal(host->nvme.options.io_queues,
                     0xfffe); /* a count, 0's based, that is allowed */
    assert_int_equal(host->nvme.io_count, 4);
    testhost_works(host);
    testhost_free(host);
}

/* ---- Failures ------------------------------------------------------------------------------ */

static void test_every_allocation_fails(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespaces[] = {{.nsid = 1, .block_size = 512, .blocks = 8},
                                                    {.nsid = 2, .block_size = 512, .blocks = 8}};
    for (unsigned isolate = 0; isolate < 2; isolate++) {
        bool started = false;
        for (long n = 0; !started; n++) {
            struct nvmevirt_config config = testhost_config();
            config.namespaces = namespaces;
            config.namespace_count = 2;
            struct testhost *host = testhost_new(&config);
            if (!isolate)
                host->ops.isolate = NULL;
            host->allocations_left = n;
            const struct nvme_options options = {.io_queues = 2};
            int error = testhost_start(host, &options);
            started = host->allocations_left != -1;
            if (!error) {
                /* Only the second queue is a wish. */
                assert_int_equal(host->nvme.io_count, started ? 2 : 1);
                assert_int_equal(testhost_logged(host, "memory for 1 of 2 queues only"), !started);
                assert_int_equal(host->nvme.namespace_count, 2);
                testhost_works(host);
            } else {
                assert_int_equal(error, NVME_ERR_NO_MEMORY);
                assert_int_equal(host->allocations_left, -1);
                assert_int_equal(host->dma_live, 0);
                assert_int_equal(host->virt.cc & 1, 0);
                assert_false(host->virt.ready);
                assert_int_equal(testhost_start(host, &options), NVME_OK);
            }
            testhost_free(host);
        }
    }
}

/* The outcome of a start that meets a fault; a failed one is followed by one that succeeds. */
static int start_with_fault(struct testhost *host, struct nvmevirt_fault fault)
{
    testhost_fault(host, fault);
    const struct nvme_options options = {.io_queues = 1};
    int error = testhost_start(host, &options);
    if (error) {
        assert_int_equal(host->nvme.state, NVME_DEAD);
        assert_int_equal(host->dma_live, 0);
        assert_int_equal(host->virt.cc & 1, 0);
        for (unsigned v = 0; v < TESTHOST_VECTORS; v++)
            assert_null(host->handlers[v].function);
        testhost_no_faults(host);
        assert_int_equal(testhost_start(host, &options), NVME_OK);
        testhost_works(host);
    }
    return error;
}

/*
 * Identify Controller, Set Features, CQ, SQ, Set Features, 4 event requests, list, list, namespace,
 * its descriptors: 13 commands.
 */
enum {
    COMMANDS_OF_START = 13,
    SET_QUEUES = 2,
    CREATE_CQ = 3,
    CREATE_SQ = 4,
    SET_EVENTS = 5,
    FIRST_EVENT = 6,
    LAST_EVENT = 9,
    IDENTIFY_NAMESPACE = 12
};

static bool is_event(uint32_t n)
{
    return n >= FIRST_EVENT && n <= LAST_EVENT;
}

static void test_every_command_fails(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= COMMANDS_OF_START + 1; n++) {
        struct testhost *host = testhost_new(NULL);
        struct nvmevirt_fault fault = {
            .opcode = NVMEVIRT_ANY, .nth = n, .kind = NVMEVIRT_STATUS, .argument = LAST_WORD};
        int error = start_with_fault(host, fault);
        if (n <= COMMANDS_OF_START)
            assert_true(testhost_logged(host, "Internal Error"));
        if (n < IDENTIFY_NAMESPACE && n != SET_QUEUES && n != SET_EVENTS && !is_event(n)) {
            assert_int_equal(error, NVME_ERR_STATUS);
        } else { /* no queues, a namespace less, or nothing that is missed */
            assert_int_equal(error, NVME_OK);
            assert_int_equal(host->nvme.namespace_count,
                             n != SET_QUEUES && n != IDENTIFY_NAMESPACE);
        }
        testhost_no_faults(host);
        testhost_free(host);
    }
}

/* Not for good, says the device: what can be asked again is, and nothing is missing. */
static void test_every_command_fails_once(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= COMMANDS_OF_START; n++) {
        struct testhost *host = testhost_new(NULL);
        struct nvmevirt_fault fault = {
            .opcode = NVMEVIRT_ANY, .nth = n, .kind = NVMEVIRT_STATUS, .argument = ANY_STATUS};
        bool creates = n == CREATE_CQ || n == CREATE_SQ;
        assert_int_equal(start_with_fault(host, fault), creates ? NVME_ERR_STATUS : NVME_OK);
        assert_int_equal(host->nvme.namespace_count, 1);
        testhost_no_faults(host);
        testhost_free(host);
    }
}

/* A command of the start that is never answered ends the start, whoever's it is. */
static void test_every_command_hangs(void **state)
{
    (void)state;
    const enum nvmevirt_fault_kind kinds[] = {NVMEVIRT_DROP, NVMEVIRT_DELAY, NVMEVIRT_FATAL};
    for (unsigned k = 0; k < 6; k++)
        for (uint32_t n = 1; n <= COMMANDS_OF_START; n++) {
            struct testhost *host = testhost_new(NULL);
            if (k & 1)
                host->ops.isolate = NULL; /* it does stop: nothing is kept */
            struct nvmevirt_fault fault = {
                .opcode = NVMEVIRT_ANY, .nth = n, .kind = kinds[k / 2], .argument = NVMEVIRT_NEVER};
            uint64_t before = host->now;
            int error = start_with_fault(host, fault);
            if (kinds[k / 2] != NVMEVIRT_FATAL && is_event(n)) {
                assert_int_equal(error, NVME_OK); /* who knows that there is no event? */
            } else if (kinds[k / 2] == NVMEVIRT_FATAL) {
                assert_int_equal(error, NVME_ERR_RESET);
            } else {
                assert_int_equal(error, NVME_ERR_TIMEOUT);
                assert_true(host->now - before >= 60000 * MS);
                assert_true(testhost_logged(host, "no answer to command"));
            }
            assert_int_equal(host->isolated, 0);
            testhost_free(host);
        }
}

static void test_removed_while_starting(void **state)
{
    (void)state;
    for (unsigned isolate = 0; isolate < 2; isolate++)
        for (uint32_t n = 1; n <= COMMANDS_OF_START; n++) {
            struct testhost *host = testhost_new(NULL);
            if (!isolate)
                host->ops.isolate = NULL;
            struct nvmevirt_fault fault = {
                .opcode = NVMEVIRT_ANY, .nth = n, .kind = NVMEVIRT_REMOVED};
            testhost_fault(host, fault);
            assert_int_equal(testhost_start(host, NULL), NVME_ERR_DEAD);
            assert_int_equal(host->isolated, isolate);
            if (isolate)
                testhost_free(host);
            else
                testhost_free_kept(host, host->dma_live);
        }
}

/* At every single register that is read. */
static void test_removed_at_every_read(void **state)
{
    (void)state;
    int error = NVME_ERR_DEAD;
    for (unsigned n = 1; error; n++) {
        struct testhost *host = testhost_new(NULL);
        unsigned left = n;
        host->context = &left;
        host->read = testhost_vanish;
        error = testhost_start(host, NULL);
        /* With half of CAP it may look like an impossible device, or like one with huge pages. */
        if (n > 3)
            assert_true(error == NVME_ERR_DEAD || error == NVME_ERR_DEVICE || (!error && left));
        else
            assert_int_not_equal(error, NVME_OK);
        testhost_free(host);
    }
}

/* The second I/O queue is a wish, and its CQ goes when its SQ does not come. */
static void test_second_queue_fails(void **state)
{
    (void)state;
    const struct nvme_options options = {.io_queues = 3};
    for (unsigned sq = 0; sq < 2; sq++) {
        struct testhost *host = testhost_new(NULL);
        struct nvmevirt_fault fault = {.opcode = sq ? NVME_ADMIN_CREATE_SQ : NVME_ADMIN_CREATE_CQ,
                                       .nth = 2,
                                       .kind = NVMEVIRT_STATUS,
                                       .argument = NVMEVIRT_STATUS_FIELD(1, 1, 1)};
        testhost_fault(host, fault);
        assert_int_equal(testhost_start(host, &options), NVME_OK);
        assert_int_equal(host->nvme.io_count, 1);
        assert_false(host->virt.cqs[2].exists || host->virt.sqs[2].exists);
        assert_true(testhost_logged(host, "Invalid Queue Identifier"));
        testhost_works(host);
        testhost_free(host);
    }
}

static void test_second_queue_hangs(void **state)
{
    (void)state;
    const struct nvme_options options = {.io_queues = 3};
    const uint16_t opcodes[] = {NVME_ADMIN_CREATE_CQ, NVME_ADMIN_CREATE_SQ};
    for (unsigned i = 0; i < 4; i++) {
        bool at_start = i & 1;
        struct nvmevirt_fault fault = {.opcode = opcodes[i / 2], .nth = 2, .kind = NVMEVIRT_DROP};
        struct testhost *host = at_start ? testhost_new(NULL) : testhost_live(NULL, &options);
        testhost_fault(host, fault);
        if (at_start)
            assert_int_equal(testhost_start(host, &options), NVME_ERR_TIMEOUT);
        else
            assert_int_equal(nvme_reset(&host->nvme), NVME_OK); /* the second try */
        assert_int_equal(host->nvme.state, at_start ? NVME_DEAD : NVME_LIVE);
        assert_int_equal(host->virt.cc & 1, !at_start);
        if (!at_start)
            assert_int_equal(host->nvme.io_count, 3);
        testhost_free(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queues_granted),
        cmocka_unit_test(test_no_queues_granted),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_polled),
        cmocka_unit_test(test_too_many_queues),
        cmocka_unit_test(test_every_allocation_fails),
        cmocka_unit_test(test_every_command_fails),
        cmocka_unit_test(test_every_command_fails_once),
        cmocka_unit_test(test_every_command_hangs),
        cmocka_unit_test(test_removed_while_starting),
        cmocka_unit_test(test_removed_at_every_read),
        cmocka_unit_test(test_second_queue_fails),
        cmocka_unit_test(test_second_queue_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
