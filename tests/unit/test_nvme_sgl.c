/*
 * The driver's SGLs, held against an oracle that reads them the way a device
 * does and compares with where the bytes are, one page after the other; and
 * which commands get one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/nvme/internal.h"
#include "tests/unit/nvme_host.h"

enum {
    MOST_RUNS = 8192,
    PSDT_SGL = 0x40,
    BLOCK = 0x00,
    SEGMENT = 0x20,
    LAST_SEGMENT = 0x30
};

/* ---- The oracle ---------------------------------------------------------------------------- */

/* Where the bytes are: pieces, joined where one follows another. */
static size_t runs_of(struct testhost *host, const struct nvme_segment *segments, unsigned count,
                      struct prp_segment *runs)
{
    return prp_segments_join(runs, testhost_pieces(host, segments, count, runs, MOST_RUNS));
}

static struct prp_segment descriptor(const uint8_t *bytes, unsigned *type)
{
    struct prp_segment run = {0};
    memcpy(&run.bus, bytes, 8);
    memcpy(&run.length, bytes + 8, 4);
    assert_int_equal(bytes[12] | bytes[13] | bytes[14], 0);
    *type = bytes[15];
    return run;
}

/* What the command says, by Base 4.1.2; *lists: how many segments it has. */
static size_t decode(struct testhost *host, const struct nvme_command *command,
                     struct prp_segment *runs, unsigned *lists)
{
    unsigned type;
    struct prp_segment next = descriptor((const uint8_t *)&command->prp1, &type);
    *lists = 0;
    assert_int_equal(command->flags & NVME_FLAGS_PSDT, PSDT_SGL);
    if (type == BLOCK) {
        runs[0] = next;
        return 1;
    }
    for (size_t n = 0;;) {
        assert_true(type == SEGMENT || type == LAST_SEGMENT);
        assert_true(next.bus % 8 == 0 && next.length % 16 == 0 && next.length >= 32);
        bool last = type == LAST_SEGMENT;
        const uint8_t *list = testhost_at(host, next.bus, next.length);
        assert_non_null(list);
        ++*lists;
        for (uint64_t at = 0; at < next.length; at += 16) {
            assert_true(n < MOST_RUNS);
            runs[n] = descriptor(list + at, &type);
            bool link = !last && at + 16 == next.length;
            assert_int_equal(type == BLOCK, !link);
            n += !link;
        }
        if (last)
            return n;
        next = runs[n];
    }
}

/* ---- A queue that no device knows of --------------------------------------------------------- */

struct bench {
    struct testhost *host;
    struct nvme_controller *controller;
    struct nvme_queue queue;
};

static struct bench bench_new(uint32_t sgls, size_t max_transfer, unsigned entries)
{
    static struct nvme_identify_controller identify;
    identify.sgls = sgls;
    struct bench bench = {.host = testhost_new(NULL)};
    bench.controller = &bench.host->nvme;
    bench.controller->host = &bench.host->ops;
    bench.controller->page_size = 4096;
    bench.controller->max_transfer = max_transfer;
    bench.controller->identify = &identify;
    bench.controller->options.data = NVME_DATA_SGL;
    assert_int_equal(nvme_queue_allocate(bench.controller, &bench.queue, 1, entries,
                                         (unsigned)(max_transfer / 4096) + 1),
                     NVME_OK);
    return bench;
}

static void bench_free(struct bench *bench)
{
    assert_int_equal(bench->queue.lists_free, bench->queue.list_count);
    nvme_queue_free(&bench->queue);
    bench->controller->identify = NULL;
    testhost_free(bench->host);
}

static struct nvme_request request_for(const struct nvme_segment *segments, unsigned count)
{
    struct nvme_request request = {.segments = segments, .segment_count = count};
    for (unsigned i = 0; i < count; i++)
        request.data_bytes += segments[i].length;
    return request;
}

/* All but the last lose a descriptor to the link. */
static unsigned fewest_lists(size_t runs, size_t capacity)
{
    unsigned lists = runs > 1;
    for (; runs > capacity; runs -= capacity - 1)
        lists++;
    return lists;
}

static int check(struct bench *bench, const struct nvme_segment *segments, unsigned count)
{
    static struct prp_segment wanted[MOST_RUNS], got[MOST_RUNS];
    bool dwords = bench->controller->identify->sgls == NVME_SGLS_DWORDS, possible = true;
    size_t wanted_count = runs_of(bench->host, segments, count, wanted);
    for (size_t i = 0; i < wanted_count; i++)
        possible &= !dwords || (wanted[i].bus % 4 == 0 && wanted[i].length % 4 == 0);
    struct nvme_request request = request_for(segments, count);
    request.command.flags = 0xc0;
    int error = nvme_data_build(&bench->queue, &request);
    assert_int_equal(error, possible ? NVME_OK : NVME_ERR_INVALID);
    if (!error) {
        unsigned lists;
        size_t got_count = decode(bench->host, &request.command, got, &lists);
        assert_int_equal(got_count, wanted_count);
        assert_memory_equal(got, wanted, wanted_count * sizeof *wanted);
        assert_int_equal(lists, fewest_lists(wanted_count, bench->queue.list_bytes / 16));
        assert_int_equal(bench->queue.list_count - bench->queue.lists_free, lists);
        nvme_data_release(&bench->queue, &request);
    }
    assert_int_equal(request.list_first, NVME_NO_LIST);
    assert_int_equal(bench->queue.lists_free, bench->queue.list_count);
    return error;
}

static int check_one(struct bench *bench, void *base, size_t length)
{
    const struct nvme_segment segment = {base, length};
    return check(bench, &segment, 1);
}

static void test_every_offset(void **state)
{
    (void)state;
    static const size_t lengths[] = {1,    3,    4,    511,  512,  4095,  4096,
                                     4097, 4100, 8191, 8192, 8193, 16384, 65536};
    for (uint32_t sgls = 1; sgls <= 2; sgls++) {
        struct bench bench = bench_new(sgls, 64 << 10, 64);
        uint8_t *data = testhost_data(bench.host, 65536 + 4096);
        for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            for (size_t offset = 0; offset < 4096; offset += offset < 16 ? 1 : 5)
                check_one(&bench, data + offset, lengths[i]);
        bench_free(&bench);
    }
}

/* However the host cuts it: what follows one another is one descriptor. */
static void test_runs_are_joined(void **state)
{
    (void)state;
    struct bench bench = bench_new(1, 4 << 20, 64);
    for (size_t chunk = 1; chunk <= 256; chunk *= 2) {
        uint8_t *data = testhost_chunks(bench.host, 100, 4 << 20, chunk);
        for (unsigned whole = 0; whole < 2; whole++) {
            bench.host->whole_runs = whole;
            for (size_t length = 1; length <= 4 << 20; length = length * 3 + 1)
                assert_int_equal(check_one(&bench, data, length), NVME_OK);
            const struct nvme_segment parts[] = {{data, 5}, {data + 5, 0}, {data + 5, 9000}};
            assert_int_equal(check(&bench, parts, 3), NVME_OK);
        }
    }
    bench_free(&bench);
}

static void test_list_boundaries(void **state)
{
    (void)state;
    struct bench bench = bench_new(1, 4 << 20, 64);
    uint8_t *data = testhost_data(bench.host, (4 << 20) + 4096);
    const size_t capacity = bench.queue.list_bytes / 16;
    assert_int_equal(capacity, 256);
    for (size_t lists = 1; lists <= 4; lists++)
        for (size_t runs = lists * (capacity - 1) - 2; runs <= lists * (capacity - 1) + 3; runs++)
            for (size_t offset = 0; offset < 4096; offset += 1365)
                assert_int_equal(check_one(&bench, data + offset, runs * 4096 - offset), NVME_OK);
    assert_int_equal(fewest_lists(256, 256), 1);
    assert_int_equal(fewest_lists(257, 256), 2);
    assert_int_equal(fewest_lists(511, 256), 2);
    assert_int_equal(fewest_lists(512, 256), 3);
    bench_free(&bench);
}

static void test_random_segments(void **state)
{
    (void)state;
    uint32_t random = 7;
    for (uint32_t sgls = 1; sgls <= 2; sgls++) {
        struct bench bench = bench_new(sgls, 1 << 20, 64);
        uint8_t *data = testhost_chunks(bench.host, 0, 1 << 20, 4);
        unsigned outcomes[2] = {0, 0};
        for (unsigned round = 0; round < 5000; round++) {
            struct nvme_segment segments[40];
            unsigned count = 1 + round % 40;
            for (unsigned i = 0; i < count; i++) {
                random = random * 1664525 + 1013904223;
                size_t length = (random >> 8) % 20000, offset = (random >> 4) % 1000000;
                if (sgls == 2 && random >> 28) /* most are good */
                    length &= ~3ul, offset &= ~3ul;
                segments[i] = (struct nvme_segment){data + offset, length};
            }
            outcomes[check(&bench, segments, count) == NVME_OK]++;
        }
        assert_true(outcomes[1] > 1000 && (sgls == 1) == (outcomes[0] == 0));
        bench_free(&bench);
    }
}

/* At whichever page the host cannot translate: refused, and all lists are back. */
static void test_translation_fails(void **state)
{
    (void)state;
    struct bench bench = bench_new(1, 4 << 20, 64);
    uint8_t *data = testhost_data(bench.host, 4 << 20);
    const size_t pages[] = {1, 2, 3, 255, 256, 257, 258, 600};
    for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++)
        for (size_t fails = 0; fails < pages[i]; fails++) {
            const struct nvme_segment segment = {data, pages[i] * 4096};
            struct nvme_request request = request_for(&segment, 1);
            bench.host->translations_left = (long)fails;
            assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
            assert_int_equal(bench.host->translations_left, -1);
            assert_int_equal(bench.queue.lists_free, bench.queue.list_count);
        }
    bench_free(&bench);
}

static void test_pool_of_lists(void **state)
{
    (void)state;
    struct bench bench = bench_new(1, 64 << 10, 8);
    uint8_t *data = testhost_data(bench.host, 64 << 10);
    const struct nvme_segment segment = {data, 64 << 10};
    struct nvme_request requests[17];
    unsigned built = 0;
    int error = NVME_OK;
    for (; !error; built += !error) {
        assert_true(built < 17);
        requests[built] = request_for(&segment, 1);
        error = nvme_data_build(&bench.queue, &requests[built]);
    }
    assert_int_equal(error, NVME_ERR_BUSY); /* when others are through, there are some again */
    assert_true(built > 1);
    while (built)
        nvme_data_release(&bench.queue, &requests[--built]);

    /* The same with requests of one list each, so that one finds none to begin with. */
    const struct nvme_segment small = {data, 8192};
    for (error = NVME_OK; !error; built += !error) {
        assert_true(built < 17);
        requests[built] = request_for(&small, 1);
        error = nvme_data_build(&bench.queue, &requests[built]);
    }
    assert_int_equal(error, NVME_ERR_BUSY);
    assert_int_equal(bench.queue.lists_free, 0);
    while (built--)
        nvme_data_release(&bench.queue, &requests[built]);

    /* More pieces than all lists together could hold: waiting would not help. */
    static struct nvme_segment pieces[4096];
    for (unsigned i = 0; i < 4096; i++)
        pieces[i] = (struct nvme_segment){data + 8 * i, 1};
    struct nvme_request request = request_for(pieces, 4096);
    assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
    bench_free(&bench);
}

/* SGLS bits 15:8 count every descriptor: in the command, in lists, and from list to list. */
static void test_descriptor_limit(void **state)
{
    (void)state;
    for (uint32_t limit = 1; limit < 40; limit++) {
        struct bench bench = bench_new(1 | limit << 8, 64 << 10, 64);
        uint8_t *data = testhost_data(bench.host, 64 << 10);
        const uint32_t capacity = bench.queue.list_bytes / 16;
        bench.queue.list_bytes = 64; /* of four, so that there are links */
        for (uint32_t pages = 1; pages <= 16; pages++) {
            const struct nvme_segment segment = {data, pages * 4096};
            struct nvme_request request = request_for(&segment, 1);
            uint32_t needed = pages == 1 ? 1 : pages + fewest_lists(pages, 4);
            assert_int_equal(nvme_data_build(&bench.queue, &request),
                             needed <= limit ? NVME_OK : NVME_ERR_INVALID);
            nvme_data_release(&bench.queue, &request);
        }
        bench.queue.list_bytes = capacity * 16;
        bench_free(&bench);
    }
}

/* ---- Which commands get one ------------------------------------------------------------------ */

static void test_policy(void **state)
{
    (void)state;
    struct bench bench = bench_new(1, 1 << 20, 64);
    const struct nvme_namespace ns = {.id = 1};
    const struct {
        size_t bytes, chunk; /* pages that follow one another */
        enum nvme_data wish;
        bool prepared;
        bool sgl;
    } cases[] = {
        {32768, 8, NVME_DATA_AUTO, true, true},
        {32768 - 512, 8, NVME_DATA_AUTO, true, false}, /* too short to be worth it */
        {32768, 8, NVME_DATA_AUTO, false, false},      /* by hand: who knows what it is */
        {32768, 4, NVME_DATA_AUTO, true, false},       /* two runs and a list: no gain */
        {131072, 8, NVME_DATA_AUTO, true, true},
        {131072, 4, NVME_DATA_AUTO, true, false},
        {131072, 1, NVME_DATA_AUTO, true, false},
        {1 << 20, 256, NVME_DATA_PRP, true, false},
        {1 << 20, 256, NVME_DATA_AUTO, true, true},
        {512, 1, NVME_DATA_SGL, true, true},
        {512, 1, NVME_DATA_SGL, false, true},
        {131072, 1, NVME_DATA_SGL, true, true},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *data = testhost_chunks(bench.host, 0, cases[i].bytes, cases[i].chunk);
        const struct nvme_segment segment = {data, cases[i].bytes};
        struct nvme_request request = request_for(&segment, 1);
        request.ns = cases[i].prepared ? &ns : NULL;
        bench.controller->options.data = cases[i].wish;
        assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_OK);
        if (!!(request.command.flags & PSDT_SGL) != cases[i].sgl)
            fail_msg("case %u: SGL %u", i, !cases[i].sgl);
        nvme_data_release(&bench.queue, &request);
        bench.queue.id = 0; /* over PCIe admin commands have PRPs, whatever is wished */
        assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_OK);
        assert_int_equal(request.command.flags & PSDT_SGL, 0);
        nvme_data_release(&bench.queue, &request);
        bench.queue.id = 1;
    }
    bench_free(&bench);
}

/* What has no PRPs: an SGL if there are SGLs, wished or not; refused if not. */
static void test_data_without_prps(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        const uint32_t sgls[] = {0, 1, 2, 3, 1};
        struct bench bench = bench_new(sgls[i], 1 << 20, 64);
        uint8_t *data = testhost_data(bench.host, 65536);
        const struct nvme_segment holes[] = {{data, 512}, {data + 8192, 512}};
        const struct nvme_segment odd[] = {{data + 1, 512}};
        bench.controller->options.data = i == 4 ? NVME_DATA_PRP : NVME_DATA_AUTO;
        struct nvme_request request = request_for(holes, 2);
        assert_int_equal(nvme_data_build(&bench.queue, &request),
                         i == 1 || i == 2 ? NVME_OK : NVME_ERR_INVALID);
        nvme_data_release(&bench.queue, &request);
        request = request_for(odd, 1);
        assert_int_equal(nvme_data_build(&bench.queue, &request),
                         i == 1 ? NVME_OK : NVME_ERR_INVALID);
        nvme_data_release(&bench.queue, &request);
        bench_free(&bench);
    }
}

/* ---- Through the whole driver and the model's own walk ------------------------------------- */

static struct testhost *live(uint32_t sgls, enum nvme_data wish)
{
    static const struct nvmevirt_namespace namespace = {
        .nsid = 1, .block_size = 512, .blocks = 8192};
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = &namespace;
    config.namespace_count = 1;
    config.sgls = sgls;
    const struct nvme_options options = {.data = wish};
    return testhost_live(&config, &options);
}

static int run(struct testhost *host, bool write, uint32_t blocks,
               const struct nvme_segment *segments, unsigned count)
{
    struct nvme_request request = {.segments = segments, .segment_count = count};
    assert_int_equal(nvme_prepare_rw(&request, host->nvme.namespaces, write, 3, blocks), NVME_OK);
    return nvme_execute(&host->nvme.io[0], &request);
}

static void test_transfers(void **state)
{
    (void)state;
    for (unsigned wish = NVME_DATA_AUTO; wish <= NVME_DATA_SGL; wish++)
        for (size_t chunk = 1; chunk <= 64; chunk *= 4) {
            struct testhost *host = live(1, (enum nvme_data)wish);
            uint8_t *out = testhost_chunks(host, 1020, 512 << 10, chunk);
            uint8_t *in = testhost_chunks(host, 8, 512 << 10, chunk);
            testhost_fill(out, 512 << 10, (unsigned)chunk);
            for (uint32_t blocks = 1; blocks <= 1024; blocks = blocks * 3 / 2 + 1) {
                const struct nvme_segment from = {out, blocks * 512}, to = {in, blocks * 512};
                memset(in, 0, blocks * 512);
                assert_int_equal(run(host, true, blocks, &from, 1), NVME_OK);
                assert_int_equal(run(host, false, blocks, &to, 1), NVME_OK);
                assert_memory_equal(in, out, blocks * 512);
            }
            if (wish == NVME_DATA_SGL)
                assert_int_equal(host->virt.counters.sgl,
                                 host->virt.counters.reads + host->virt.counters.writes);
            else if (wish == NVME_DATA_PRP || chunk == 1)
                assert_int_equal(host->virt.counters.sgl, 0);
            else if (chunk == 64)
                assert_true(host->virt.counters.sgl > 0);
            assert_int_equal(host->nvme.io[0].lists_free, host->nvme.io[0].list_count);
            testhost_free(host);
        }
}

/* Bytes from everywhere, which no PRPs could name. */
static void test_scattered_bytes(void **state)
{
    (void)state;
    struct testhost *host = live(1, NVME_DATA_AUTO);
    uint8_t *memory = testhost_data(host, 65536), *in = testhost_data(host, 4096);
    testhost_fill(memory, 65536, 5);
    struct nvme_segment pieces[64];
    uint8_t wanted[4096];
    size_t bytes = 0;
    for (unsigned i = 0; i < 64; i++) {
        pieces[i] = (struct nvme_segment){memory + i * 1000 + i % 3, 33 + i};
        if (i == 63)
            pieces[i].length = 4096 - bytes;
        memcpy(wanted + bytes, pieces[i].base, pieces[i].length);
        bytes += pieces[i].length;
    }
    assert_int_equal(bytes, 4096);
    assert_int_equal(run(host, true, 8, pieces, 64), NVME_OK);
    const struct nvme_segment whole = {in, 4096};
    assert_int_equal(run(host, false, 8, &whole, 1), NVME_OK);
    assert_memory_equal(in, wanted, 4096);
    memset(memory, 0, 65536);
    assert_int_equal(run(host, false, 8, pieces, 64), NVME_OK);
    for (unsigned i = 0, at = 0; i < 64; at += pieces[i++].length)
        assert_memory_equal(pieces[i].base, wanted + at, pieces[i].length);
    assert_int_equal(host->virt.counters.sgl, 2);
    testhost_free(host);
}

/* Sent again after a reset, the command still says where its data is. */
static void test_sent_again(void **state)
{
    (void)state;
    struct testhost *host = live(1, NVME_DATA_SGL);
    uint8_t *out = testhost_data(host, 65536), *in = testhost_data(host, 65536);
    struct testio io = {0};
    testhost_fill(out, 65536, 1);
    testhost_fault(host, (struct nvmevirt_fault){.queue = 1,
                                                 .opcode = NVME_IO_WRITE,
                                                 .nth = 1,
                                                 .kind = NVMEVIRT_DELAY,
                                                 .argument = NVMEVIRT_NEVER});
    assert_int_equal(testio_submit(host, &host->nvme.io[0], &io, true, 0, 128, out), NVME_OK);
    nvme_ring(&host->nvme.io[0]);
    testhost_work(host);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    testhost_drain(host, &host->nvme.io[0]);
    assert_int_equal(io.request.result, NVME_OK);
    assert_int_equal(testhost_rw(host, false, 0, 128, in), NVME_OK);
    assert_memory_equal(in, out, 65536);
    assert_int_equal(host->nvme.io[0].lists_free, host->nvme.io[0].list_count);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_offset),      cmocka_unit_test(test_runs_are_joined),
        cmocka_unit_test(test_list_boundaries),   cmocka_unit_test(test_random_segments),
        cmocka_unit_test(test_translation_fails), cmocka_unit_test(test_pool_of_lists),
        cmocka_unit_test(test_descriptor_limit),  cmocka_unit_test(test_policy),
        cmocka_unit_test(test_data_without_prps), cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_scattered_bytes),   cmocka_unit_test(test_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
