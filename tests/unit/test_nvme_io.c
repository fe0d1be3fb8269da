/*
 * I/O: what is written is what is read, on all block sizes and up to the last
 * block; queues of all sizes, full, wrapping, completing in any order; what a
 * batch costs; and errors of the device, word for word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

static struct nvmevirt_config one_namespace(const struct nvmevirt_namespace *namespace)
{
    struct nvmevirt_config config = testhost_config();
    config.namespaces = namespace;
    config.namespace_count = 1;
    return config;
}

static void test_block_sizes(void **state)
{
    (void)state;
    for (uint32_t size = 512; size <= 65536; size *= 2) {
        const struct nvmevirt_namespace namespace = {.nsid = 1, .block_size = size, .blocks = 64};
        struct nvmevirt_config config = one_namespace(&namespace);
        struct testhost *host = testhost_live(&config, NULL);
        uint32_t most = (uint32_t)(host->nvme.max_transfer / size);
        most = most > 64 ? 64 : most;
        uint8_t *out = testhost_data(host, (size_t)most * size);
        uint8_t *in = testhost_chunks(host, 516, (size_t)most * size, 1);
        testhost_fill(out, (size_t)most * size, size);
        for (uint32_t blocks = 1; blocks <= most; blocks = blocks * 2 + 1) {
            uint64_t lba = 64 - blocks; /* up to the last */
            assert_int_equal(testhost_rw(host, true, lba, blocks, out), NVME_OK);
            memset(in, 0, (size_t)blocks * size);
            assert_int_equal(testhost_rw(host, false, lba, blocks, in), NVME_OK);
            assert_memory_equal(in, out, (size_t)blocks * size);
        }
        assert_int_equal(testhost_rw(host, false, 63, 1, in), NVME_OK);
        testhost_free(host);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    uint8_t *data = testhost_data(host, host->nvme.max_transfer);
    const struct {
        uint64_t lba;
        uint32_t blocks;
        int error;
    } cases[] = {
        {0, 1, NVME_OK},
        {4095, 1, NVME_OK},
        {4096 - 1024, 1024, NVME_OK}, /* all that MDTS allows */
        {0, 1025, NVME_ERR_INVALID},  /* and one more */
        {0, 0, NVME_ERR_INVALID},
        {4096, 1, NVME_ERR_INVALID},
        {4095, 2, NVME_ERR_INVALID},
        {UINT64_MAX, 1, NVME_ERR_INVALID},
        {UINT64_MAX, 2, NVME_ERR_INVALID}, /* a sum that overflows */
        {0, 65536, NVME_ERR_INVALID},
        {0, 65537, NVME_ERR_INVALID},
        {0, UINT32_MAX, NVME_ERR_INVALID},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int write = 0; write < 2; write++)
            assert_int_equal(testhost_rw(host, write, cases[i].lba, cases[i].blocks, data),
                             cases[i].error);
    testhost_free(host);
}

/* The most blocks that a command can name, in one command. */
static void test_largest_command(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = {.nsid = 1, .block_size = 512, .blocks = 65537};
    struct nvmevirt_config config = one_namespace(&namespace);
    config.mdts = 0;
    const struct nvme_options options = {.max_transfer = 64 << 20};
    struct testhost *host = testhost_live(&config, &options);
    uint8_t *out = testhost_chunks(host, 4092, 32 << 20, 1), *in = testhost_data(host, 32 << 20);
    testhost_fill(out, 32 << 20, 3);
    assert_int_equal(testhost_rw(host, true, 1, 65536, out), NVME_OK);
    assert_int_equal(testhost_rw(host, false, 1, 65536, in), NVME_OK);
    assert_memory_equal(in, out, 32 << 20);
    assert_int_equal(testhost_rw(host, false, 0, 65537, in), NVME_ERR_INVALID);
    testhost_free(host);
}

static void test_beyond_32_bits(void **state)
{
    (void)state;
    const uint64_t first = (1ull << 32) - 4;
    const struct nvmevirt_namespace namespace = {.nsid = 1,
                                                 .block_size = 512,
                                                 .blocks = 1ull << 40,
                                                 .backed_first = first,
                                                 .backed_count = 1024};
    struct nvmevirt_config config = one_namespace(&namespace);
    struct testhost *host = testhost_live(&config, NULL);
    uint8_t *out = testhost_data(host, 8 * 512), *in = testhost_data(host, 8 * 512);
    testhost_fill(out, 8 * 512, 1);
    assert_int_equal(testhost_rw(host, true, first, 8, out), NVME_OK);
    assert_int_equal(testhost_rw(host, false, first, 8, in), NVME_OK);
    assert_memory_equal(in, out, 8 * 512);
    assert_int_equal(testhost_rw(host, false, 1ull << 32, 1, in), NVME_OK);
    assert_memory_equal(in, out + 4 * 512, 512);
    assert_int_equal(testhost_rw(host, false, 0, 1, in), NVME_OK); /* not the same block */
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(in[i], 0);
    assert_int_equal(testhost_rw(host, false, (1ull << 40) - 1, 1, in), NVME_OK);
    assert_int_equal(testhost_rw(host, false, 1ull << 40, 1, in), NVME_ERR_INVALID);
    testhost_free(host);
}

static void test_flush(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_request request = {0};
    nvme_prepare_flush(&request, &host->nvme.namespaces[0]);
    assert_int_equal(nvme_execute(&host->nvme.io[0], &request), NVME_OK);
    assert_int_equal(host->virt.counters.flushes, 1);
    testhost_free(host);
}

/* ---- Queues -------------------------------------------------------------------------------- */

static void test_full_queue(void **state)
{
    (void)state;
    const unsigned sizes[] = {2, 3, 64, 1024};
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const struct nvme_options options = {.queue_entries = sizes[s]};
        struct testhost *host = testhost_live(NULL, &options);
        struct nvme_queue *queue = &host->nvme.io[0];
        struct testio *io = calloc(sizes[s], sizeof *io);
        uint8_t *data = testhost_data(host, 512);
        for (unsigned round = 0; round < 3; round++) {
            for (unsigned i = 0; i < sizes[s] - 1; i++)
                assert_int_equal(testio_submit(host, queue, &io[i], false, i, 1, data), NVME_OK);
            struct testio *last = &io[sizes[s] - 1];
            assert_int_equal(testio_submit(host, queue, last, false, 0, 1, data), NVME_ERR_BUSY);
            nvme_ring(queue);
            testhost_work(host);
            /* The device has finished, but nobody has reaped: still full. */
            assert_int_equal(testio_submit(host, queue, last, false, 0, 1, data), NVME_ERR_BUSY);
            assert_int_equal(nvme_reap(queue), sizes[s] - 1);
            assert_int_equal(nvme_reap(queue), 0);
            assert_int_equal(last->done, 0);
            for (unsigned i = 0; i < sizes[s] - 1; i++) {
                assert_int_equal(io[i].done, 1);
                assert_int_equal(io[i].request.result, NVME_OK);
            }
        }
        testhost_free(host);
        free(io);
    }
}

/* With all free entries taken by others, nvme_execute() waits for one. */
static void test_execute_waits_for_room(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 3};
    struct testhost *host = testhost_live(NULL, &options);
    struct testio io[2] = {0};
    uint8_t *data = testhost_data(host, 512);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(testio_submit(host, &host->nvme.io[0], &io[i], false, i, 1, data),
                         NVME_OK);
    assert_int_equal(testhost_rw(host, false, 0, 1, data), NVME_OK);
    assert_true(io[0].done == 1 && io[1].done == 1);
    testhost_free(host);
}

static uint32_t next_random(uint32_t *random)
{
    *random = *random * 1664525 + 1013904223;
    return *random >> 8;
}

/*
 * Writes and reads at random against a copy of the disk: no two in flight share a block, but all
 * else is left to chance: how many are submitted, when the doorbell is rung, when the device
 * works, when completions are reaped.
 */
static void mixed_load(struct testhost *host, unsigned rounds)
{
    enum {
        DEPTH = 16,
        BLOCKS = 32,
        EXTENT = 4096 / 64
    };
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[DEPTH] = {0};
    bool busy[DEPTH] = {false}, write[DEPTH];
    uint32_t length[DEPTH], random = 7;
    uint8_t *copy = calloc(EXTENT * DEPTH, 512), *data[DEPTH];
    unsigned submitted = 0, finished = 0;
    for (unsigned i = 0; i < DEPTH; i++)
        data[i] = testhost_chunks(host, 4 * i, BLOCKS * 512, 1);
    while (finished < rounds) {
        for (unsigned i = 0; i < DEPTH; i++) {
            if (busy[i] && io[i].done) {
                assert_int_equal(io[i].done, 1);
                assert_int_equal(io[i].request.result, NVME_OK);
                if (!write[i])
                    assert_memory_equal(data[i], copy + i * EXTENT * 512, length[i] * 512);
                busy[i] = false;
                finished++;
            }
            if (busy[i] || next_random(&random) % 3)
                continue;
            write[i] = next_random(&random) & 1;
            length[i] = 1 + next_random(&random) % BLOCKS;
            if (write[i])
                testhost_fill(data[i], length[i] * 512, random);
            int error =
                testio_submit(host, queue, &io[i], write[i], i * EXTENT, length[i], data[i]);
            if (error == NVME_ERR_BUSY)
                continue;
            assert_int_equal(error, NVME_OK);
            if (write[i])
                memcpy(copy + i * EXTENT * 512, data[i], length[i] * 512);
            busy[i] = true;
            submitted++;
        }
        if (next_random(&random) % 2)
            nvme_ring(queue);
        if (next_random(&random) % 2)
            testhost_work(host);
        if (next_random(&random) % 2)
            nvme_reap(queue);
    }
    testhost_drain(host, queue);
    assert_int_equal(queue->counters.submitted, submitted);
    assert_int_equal(queue->counters.completed, submitted);
    assert_int_equal(queue->counters.errors + queue->counters.bad_completions, 0);
    assert_int_equal(queue->lists_free, queue->list_count);
    free(copy);
}

static void test_wrap_and_order(void **state)
{
    (void)state;
    const unsigned sizes[] = {2, 3, 5, 16, 64};
    const enum nvmevirt_order orders[] = {NVMEVIRT_IN_ORDER, NVMEVIRT_REVERSED, NVMEVIRT_SHUFFLED};
    for (unsigned s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (unsigned o = 0; o < 3; o++) {
            struct nvmevirt_config config = testhost_config();
            config.order = orders[o];
            const struct nvme_options options = {.queue_entries = sizes[s]};
            struct testhost *host = testhost_live(&config, &options);
            mixed_load(host, 3000);
            testhost_free(host);
        }
}

/* Every identifier of one slot, and more of them than there are. */
static void test_identifiers_wrap(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 2};
    struct testhost *host = testhost_live(NULL, &options);
    uint8_t *data = testhost_data(host, 512);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(testhost_rw(host, i & 1, i, 1, data), NVME_OK);
    testhost_free(host);

    /* In the largest queue FFFFh is never used; the model would say so. */
    struct nvmevirt_config config = testhost_config();
    config.mqes = 65535;
    config.commands = 4096;
    host = testhost_live(&config, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio *io = calloc(4095, sizeof *io);
    for (unsigned round = 0; round < 17; round++) {
        for (unsigned i = 0; i < 4095; i++)
            assert_int_equal(testio_flush(host, queue, &io[i]), NVME_OK);
        testhost_drain(host, queue);
        for (unsigned i = 0; i < 4095; i++)
            assert_int_equal(io[i].done, 1);
    }
    testhost_free(host);
    free(io);
}

static void test_out_of_order(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.order = NVMEVIRT_REVERSED;
    struct testhost *host = testhost_live(&config, NULL);
    struct testio io[8] = {0};
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(testio_flush(host, &host->nvme.io[0], &io[i]), NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(io[i].order, 8 - i);
    testhost_free(host);
}

static void test_batch_costs_one_doorbell(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    struct testio io[32] = {0};
    uint64_t reads = host->reads, writes = host->writes;
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(testio_flush(host, queue, &io[i]), NVME_OK);
    assert_int_equal(host->writes, writes);
    testhost_work(host);
    assert_false(nvme_has_completion(queue)); /* it has not been told */
    nvme_ring(queue);
    nvme_ring(queue);
    assert_int_equal(host->writes, writes + 1);
    testhost_work(host);
    assert_true(nvme_has_completion(queue));
    assert_int_equal(nvme_reap(queue), 32);
    assert_int_equal(host->writes, writes + 1);
    assert_int_equal(host->reads, reads); /* no register is read for I/O */
    assert_int_equal(nvme_reap(queue), 0);
    assert_int_equal(host->writes, writes + 1);
    assert_int_equal(queue->counters.sq_doorbells, 1);
    testhost_free(host);
}

/* The device gets completion entries back a quarter of the ring at a time. */
static void test_head_doorbell_in_quarters(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 16};
    struct testhost *host = testhost_live(NULL, &options);
    struct nvme_queue *queue = &host->nvme.io[0];
    for (unsigned n = 1; n <= 40; n++) {
        struct testio io = {0};
        assert_int_equal(testio_flush(host, queue, &io), NVME_OK);
        testhost_drain(host, queue);
        assert_int_equal(queue->counters.cq_doorbells, n / 4);
    }
    testhost_free(host);
}

/* ---- done() does things -------------------------------------------------------------------- */

struct chain {
    struct nvme_request request;
    struct testhost *host;
    unsigned left;
};

static void submit_again(struct nvme_request *request)
{
    struct chain *chain = request->context;
    assert_int_equal(request->result, NVME_OK);
    if (--chain->left)
        assert_int_equal(nvme_submit(&chain->host->nvme.io[0], request), NVME_OK);
}

static void test_done_submits(void **state)
{
    (void)state;
    const struct nvme_options options = {.queue_entries = 2};
    struct testhost *host = testhost_live(NULL, &options);
    struct chain chain = {.host = host, .left = 100};
    nvme_prepare_flush(&chain.request, &host->nvme.namespaces[0]);
    chain.request.done = submit_again;
    chain.request.context = &chain;
    assert_int_equal(nvme_submit(&host->nvme.io[0], &chain.request), NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(chain.left, 0);
    assert_int_equal(host->virt.counters.flushes, 100);
    testhost_free(host);
}

/* Waits for another command within done(), which reaps within reaping. */
static void execute_another(struct nvme_request *request)
{
    struct chain *chain = request->context;
    struct nvme_request another = {0};
    chain->left--;
    nvme_prepare_flush(&another, &chain->host->nvme.namespaces[0]);
    assert_int_equal(nvme_execute(&chain->host->nvme.io[0], &another), NVME_OK);
}

static void test_done_waits(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct chain chains[4];
    for (unsigned i = 0; i < 4; i++) {
        chains[i] = (struct chain){.host = host, .left = 1};
        nvme_prepare_flush(&chains[i].request, &host->nvme.namespaces[0]);
        chains[i].request.done = execute_another;
        chains[i].request.context = &chains[i];
        assert_int_equal(nvme_submit(&host->nvme.io[0], &chains[i].request), NVME_OK);
    }
    testhost_drain(host, &host->nvme.io[0]);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(chains[i].left, 0);
    assert_int_equal(host->virt.counters.flushes, 8);
    testhost_free(host); /* the model has seen no doorbell written twice */
}

/* ---- The device's errors ------------------------------------------------------------------- */

static void test_status_is_carried(void **state)
{
    (void)state;
    const struct {
        uint16_t status;
        const char *text;
    } cases[] = {
        {NVMEVIRT_STATUS_FIELD(2, 0x81, 1), "Unrecovered Read Error"},
        {NVMEVIRT_STATUS_FIELD(0, 0x06, 0), "Internal Error"},
        {NVMEVIRT_STATUS_FIELD(0, 0x80, 1), "LBA Out of Range"},
        {NVMEVIRT_STATUS_FIELD(1, 0x29, 1), "I/O Command Set Not Supported"},
        {NVMEVIRT_STATUS_FIELD(3, 0x71, 0), "Command Aborted By Host"},
        {NVMEVIRT_STATUS_FIELD(7, 0xff, 1), "Vendor Specific Status"},
        {NVMEVIRT_STATUS_FIELD(4, 0x01, 0), "Unknown Status"},
        {NVMEVIRT_STATUS_FIELD(2, 0x80, 0) | 3 << 11 | 1 << 13, "Write Fault"},
    };
    const struct nvme_options options = {.retries = -1};
    struct testhost *host = testhost_live(NULL, &options);
    uint8_t *data = testhost_data(host, 512);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        testhost_no_faults(host);
        testhost_fault(host, (struct nvmevirt_fault){.queue = 1,
                                                     .opcode = NVME_IO_READ,
                                                     .nth = 2,
                                                     .kind = NVMEVIRT_STATUS,
                                                     .argument = cases[i].status});
        struct testio io[3] = {0};
        for (unsigned n = 0; n < 3; n++)
            assert_int_equal(testio_submit(host, &host->nvme.io[0], &io[n], false, n, 1, data),
                             NVME_OK);
        testhost_drain(host, &host->nvme.io[0]);
        for (unsigned n = 0; n < 3; n++) {
            assert_int_equal(io[n].done, 1);
            assert_int_equal(io[n].request.result, n == 1 ? NVME_ERR_STATUS : NVME_OK);
            assert_int_equal(io[n].request.status, n == 1 ? cases[i].status : 0);
        }
        assert_string_equal(nvme_status_text(io[1].request.status), cases[i].text);
        assert_int_equal(host->nvme.io[0].counters.errors, i + 1);
    }
    testhost_free(host);
}

/* What only the device can know: an error of its own making, not of a script. */
static void test_write_fault(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = {
        .nsid = 1, .block_size = 512, .blocks = 64, .backed_first = 8, .backed_count = 8};
    struct nvmevirt_config config = one_namespace(&namespace);
    struct testhost *host = testhost_live(&config, NULL);
    uint8_t *data = testhost_data(host, 4096);
    assert_int_equal(testhost_rw(host, true, 7, 1, data), NVME_ERR_STATUS);
    assert_int_equal(testhost_rw(host, true, 8, 8, data), NVME_OK);
    assert_int_equal(testhost_rw(host, true, 9, 8, data), NVME_ERR_STATUS);
    testhost_free(host);
}

/* Any command, with the value that its completion carries. */
static void test_admin_command(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_request request = {
        .command = {.opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = NVME_FEATURE_QUEUES}};
    assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_OK);
    assert_int_equal(request.value, 3 << 16 | 3);
    request = (struct nvme_request){.command = {.opcode = 0xc0}};
    assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_ERR_STATUS);
    assert_int_equal(request.status & 0x7ff, 1);
    testhost_free(host);
}

static void test_error_texts(void **state)
{
    (void)state;
    static const int errors[] = {
        NVME_OK,       NVME_ERR_STATUS,     NVME_ERR_TIMEOUT,   NVME_ERR_RESET,  NVME_ERR_DEAD,
        NVME_ERR_BUSY, NVME_ERR_INVALID,    NVME_ERR_NO_MEMORY, NVME_ERR_DEVICE, NVME_ERR_PENDING,
        NVME_ERR_GONE, NVME_ERR_NO_SUPPORT, NVME_ERR_NO_QUEUE,
    };
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        assert_string_not_equal(nvme_error_text(errors[i]), "unknown error");
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(nvme_error_text(errors[i]), nvme_error_text(errors[other]));
    }
    assert_string_equal(nvme_error_text(1), "unknown error");
    assert_string_equal(nvme_error_text(-100), "unknown error");
}

/* A request that cannot be described leaves no trace. */
static void test_refused_requests(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = testhost_data(host, 8192);
    struct testio io = {0};
    assert_int_equal(testio_submit(host, queue, &io, false, 0, 1, data + 2), NVME_ERR_INVALID);
    host->translations_left = 1;
    assert_int_equal(testio_submit(host, queue, &io, false, 0, 16, data), NVME_ERR_INVALID);
    assert_int_equal(io.done, 0);
    assert_int_equal(queue->free_count, queue->size - 1);
    assert_int_equal(queue->tail, 0);
    nvme_ring(queue);
    assert_int_equal(queue->counters.sq_doorbells, 0);
    testhost_works(host);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_sizes),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_largest_command),
        cmocka_unit_test(test_beyond_32_bits),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_execute_waits_for_room),
        cmocka_unit_test(test_wrap_and_order),
        cmocka_unit_test(test_identifiers_wrap),
        cmocka_unit_test(test_out_of_order),
        cmocka_unit_test(test_batch_costs_one_doorbell),
        cmocka_unit_test(test_head_doorbell_in_quarters),
        cmocka_unit_test(test_done_submits),
        cmocka_unit_test(test_done_waits),
        cmocka_unit_test(test_status_is_carried),
        cmocka_unit_test(test_write_fault),
        cmocka_unit_test(test_admin_command),
        cmocka_unit_test(test_error_texts),
        cmocka_unit_test(test_refused_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
