/*
 * Two controllers on two hosts in one program: nothing of the driver is shared
 * between them. Their hosts differ in clock, vectors and memory, their limits
 * in everything that a device says of itself, and what happens to the one is
 * not noticed by the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

enum {
    DEPTH = 6,
    BYTES = 8192
};

/* With interrupts, small, and what came after 1.0. */
static struct testhost *small_one(void)
{
    static const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 2, .block_size = 512, .blocks = 4096},
        {.nsid = 9, .block_size = 512, .blocks = 64}};
    struct nvmevirt_config config = testhost_config();
    config.namespaces = namespaces;
    config.namespace_count = 2;
    config.mqes = 15;
    config.mdts = 1;
    config.serial = "small";
    const struct nvme_options options = {.io_queues = 2};
    return testhost_live(&config, &options);
}

/* Polled, an hour later, with large pages and blocks, wide doorbells, SGLs and MSI-X for nobody. */
static struct testhost *large_one(void)
{
    static const struct nvmevirt_namespace namespace = {
        .nsid = 1, .block_size = 4096, .blocks = 4096};
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = &namespace;
    config.namespace_count = 1;
    config.mqes = 1023;
    config.mdts = 5;
    config.mpsmin = config.mpsmax = 2;
    config.dstrd = 3;
    config.serial = "large";
    struct testhost *host = testhost_new(&config);
    testhost_polled(host);
    host->now += 3600 * SECOND;
    host->ops.isolate = NULL;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    return host;
}

static void test_limits_are_each_ones_own(void **state)
{
    (void)state;
    struct testhost *small = small_one(), *large = large_one();
    const struct nvme_controller *a = &small->nvme, *b = &large->nvme;
    assert_string_equal(a->serial, "small");
    assert_string_equal(b->serial, "large");
    assert_true(a->page_size == 4096 && b->page_size == 16384);
    assert_true(a->max_transfer == 8192 && b->max_transfer == 512 << 10);
    assert_true(a->doorbell_shift == 2 && b->doorbell_shift == 5);
    assert_true(a->io_count == 2 && b->io_count == 1);
    assert_true(a->io[0].size == 16 && b->io[0].size == 1024);
    assert_true(a->io[0].has_vector && !b->io[0].has_vector);
    assert_true(a->namespace_count == 2 && b->namespace_count == 1);
    assert_true(a->namespaces->id == 2 && b->namespaces->id == 1);
    assert_true(a->namespaces->block_size == 512 && b->namespaces->block_size == 4096);
    testhost_works(small);
    testhost_works(large);
    testhost_free(large);
    testhost_works(small);
    testhost_free(small);
}

/* A load that goes on in steps, each of them a write or the read that has to find it. */
struct load {
    struct testhost *host;
    struct testio io[DEPTH];
    uint8_t *out[DEPTH], *in[DEPTH];
    bool busy[DEPTH], reads[DEPTH];
    unsigned finished;
};

static struct load load_new(struct testhost *host)
{
    struct load load = {.host = host};
    for (unsigned i = 0; i < DEPTH; i++) {
        load.out[i] = testhost_chunks(host, 0, BYTES, 4);
        load.in[i] = testhost_chunks(host, 0, BYTES, 4);
    }
    return load;
}

static void load_step(struct load *load)
{
    struct testhost *host = load->host;
    const uint32_t blocks = BYTES / host->nvme.namespaces->block_size;
    struct nvme_queue *queue = &host->nvme.io[host->nvme.io_count - 1];
    for (unsigned i = 0; i < DEPTH; i++) {
        if (load->busy[i] && load->io[i].done) {
            assert_int_equal(load->io[i].done, 1);
            assert_int_equal(load->io[i].request.result, NVME_OK);
            if (load->reads[i])
                assert_memory_equal(load->in[i], load->out[i], BYTES);
            load->reads[i] = !load->reads[i];
            load->busy[i] = false;
            load->finished++;
        }
        if (load->busy[i])
            continue;
        if (!load->reads[i])
            testhost_fill(load->out[i], BYTES, load->finished);
        assert_int_equal(testio_submit(host, queue, &load->io[i], !load->reads[i], i * blocks,
                                       blocks, load->reads[i] ? load->in[i] : load->out[i]),
                         NVME_OK);
        load->busy[i] = true;
    }
    nvme_poll(queue, host->now + MS);
}

static void load_end(struct load *load)
{
    testhost_drain(load->host, &load->host->nvme.io[load->host->nvme.io_count - 1]);
    for (unsigned i = 0; i < DEPTH; i++)
        assert_int_equal(load->io[i].done, 1);
}

/* Step by step beside one another, each with resets of its own in between. */
static void test_interleaved(void **state)
{
    (void)state;
    struct testhost *hosts[] = {small_one(), large_one()};
    struct load loads[] = {load_new(hosts[0]), load_new(hosts[1])};
    for (unsigned step = 0; step < 600; step++) {
        load_step(&loads[step % 2]);
        if (step % 2)
            load_step(&loads[step / 2 % 2]);
        if (step % 100 == 99)
            assert_int_equal(nvme_reset(&hosts[step / 100 % 2]->nvme), NVME_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_true(loads[i].finished > 1000);
        load_end(&loads[i]);
        assert_int_equal(hosts[i]->nvme.resets, 3);
        testhost_free(hosts[i]);
    }
}

struct other {
    struct nvme_request request;
    struct load *load;
    unsigned done;
};

/* In the middle of the one's reset the other works, resets and is waited for. */
static void go_on(struct nvme_request *request)
{
    struct other *other = request->context;
    other->done++;
    for (unsigned step = 0; step < 20; step++)
        load_step(other->load);
    assert_int_equal(nvme_reset(&other->load->host->nvme), NVME_OK);
    testhost_works(other->load->host);
}

static void test_inside_the_others_reset(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 2; way++) {
        struct testhost *hosts[] = {small_one(), large_one()};
        struct testhost *host = hosts[way];
        struct load load = load_new(hosts[!way]);
        struct other other = {.load = &load};
        testhost_fault(host, (struct nvmevirt_fault){.queue = 1,
                                                     .opcode = NVME_IO_FLUSH,
                                                     .kind = NVMEVIRT_DELAY,
                                                     .argument = NVMEVIRT_NEVER});
        nvme_prepare_flush(&other.request, host->nvme.namespaces);
        other.request.once = true;
        other.request.done = go_on;
        other.request.context = &other;
        assert_int_equal(nvme_submit(&host->nvme.io[0], &other.request), NVME_OK);
        nvme_ring(&host->nvme.io[0]);
        testhost_work(host);
        assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        assert_int_equal(other.done, 1);
        assert_int_equal(other.request.result, NVME_ERR_RESET);
        testhost_no_faults(host);
        testhost_works(host);
        load_end(&load);
        assert_true(host->nvme.resets == 1 && load.host->nvme.resets == 1);
        testhost_free(hosts[0]);
        testhost_free(hosts[1]);
    }
}

/* Gone, broken for good, or without an answer: the other does not wait and does not notice. */
static void test_one_dies(void **state)
{
    (void)state;
    static const enum nvmevirt_fault_kind kinds[] = {NVMEVIRT_REMOVED, NVMEVIRT_FATAL,
                                                     NVMEVIRT_RDY_STUCK_LOW};
    for (unsigned way = 0; way < 2; way++)
        for (unsigned k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            struct testhost *hosts[] = {small_one(), large_one()};
            struct testhost *dying = hosts[way], *other = hosts[!way];
            struct load load = load_new(other);
            struct testio io = {0};
            uint8_t *data = testhost_chunks(dying, 0, 4096, 4);
            for (unsigned step = 0; step < 50; step++)
                load_step(&load);
            assert_int_equal(testio_submit(dying, &dying->nvme.io[0], &io, true, 0, 1, data),
                             NVME_OK);
            nvmevirt_inject(&dying->virt, kinds[k], 0);
            uint64_t now = other->now, lines = other->log_length;
            if (kinds[k] == NVMEVIRT_FATAL)
                testhost_drain(dying, &dying->nvme.io[0]);
            else
                assert_int_equal(nvme_reset(&dying->nvme), NVME_ERR_DEAD);
            assert_int_equal(io.done, 1);
            if (kinds[k] == NVMEVIRT_FATAL)
                assert_int_equal(dying->nvme.resets, 1); /* which ends it */
            else
                assert_int_equal(dying->nvme.state, NVME_DEAD);
            assert_true(other->now == now && other->log_length == lines);
            for (unsigned step = 0; step < 50; step++)
                load_step(&load);
            load_end(&load);
            assert_int_equal(other->nvme.resets, 0);
            assert_int_equal(other->nvme.state, NVME_LIVE);
            long kept = dying->nvme.at_large ? dying->dma_live : 0;
            testhost_free_kept(dying, kept);
            testhost_works(other);
            testhost_free(other);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_are_each_ones_own),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_inside_the_others_reset),
        cmocka_unit_test(test_one_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
