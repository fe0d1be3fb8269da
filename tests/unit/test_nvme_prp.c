/*
 * The driver's PRP builder, held against the oracle: what the entries must be
 * is told from the bus addresses of the pages, what they are is read back the
 * way a device reads it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/nvme/internal.h"
#include "tests/unit/nvme_host.h"
#include "tests/unit/prp_oracle.h"

enum {
    MOST_ENTRIES = 4096,
    MOST_PIECES = 8192
};

/* A queue that no device knows of. */
struct bench {
    struct testhost *host;
    struct nvme_controller *controller;
    struct nvme_queue queue;
};

static struct bench bench_new(uint32_t page_size, size_t max_transfer, unsigned queue_entries)
{
    struct bench bench = {.host = testhost_new(NULL)};
    bench.controller = &bench.host->nvme;
    bench.controller->host = &bench.host->ops;
    bench.controller->page_size = page_size;
    bench.controller->max_transfer = max_transfer;
    assert_int_equal(nvme_queue_allocate(bench.controller, &bench.queue, 1, queue_entries,
                                         (unsigned)(max_transfer / page_size) + 1),
                     NVME_OK);
    return bench;
}

static void bench_free(struct bench *bench)
{
    assert_int_equal(bench->queue.lists_free, bench->queue.list_count);
    nvme_queue_free(&bench->queue);
    testhost_free(bench->host);
}

/* The fewest lists there can be: all but the last lose an entry to the link. */
static unsigned fewest_lists(size_t entries, size_t capacity)
{
    if (entries <= 2)
        return 0;
    unsigned lists = 1;
    for (size_t left = entries - 1; left > capacity; left -= capacity - 1)
        lists++;
    return lists;
}

/* Builds, and holds the outcome against the oracle's, whichever it is. */
static int check(struct bench *bench, const struct nvme_segment *segments, unsigned count)
{
    static struct prp_segment pieces[MOST_PIECES];
    static uint64_t wanted[MOST_ENTRIES], got[MOST_ENTRIES];
    size_t wanted_count, got_count, bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes += segments[i].length;
    size_t piece_count = testhost_pieces(bench->host, segments, count, pieces, MOST_PIECES);
    const uint32_t page = bench->controller->page_size;
    bool possible = prp_oracle(page, pieces, piece_count, wanted, MOST_ENTRIES, &wanted_count);

    struct nvme_request request = {.segments = segments,
                                   .segment_count = count,
                                   .data_bytes = bytes,
                                   .command.prp1 = UINT64_MAX,
                                   .command.prp2 = UINT64_MAX};
    int error = nvme_data_build(&bench->queue, &request);
    if (!possible) {
        assert_int_equal(error, NVME_ERR_INVALID);
        assert_int_equal(bench->queue.lists_free, bench->queue.list_count);
        return error;
    }
    assert_int_equal(error, NVME_OK);
    assert_true(prp_oracle_decode(page, request.command.prp1, request.command.prp2, bytes,
                                  testhost_read_qword, bench->host, got, MOST_ENTRIES, &got_count));
    assert_int_equal(got_count, wanted_count);
    assert_memory_equal(got, wanted, wanted_count * sizeof *wanted);
    unsigned taken = bench->queue.list_count - bench->queue.lists_free;
    assert_int_equal(taken, fewest_lists(wanted_count, bench->queue.list_bytes / 8));
    nvme_data_release(&bench->queue, &request);
    assert_int_equal(request.list_first, NVME_NO_LIST);
    assert_int_equal(bench->queue.lists_free, bench->queue.list_count);
    return error;
}

static int check_one(struct bench *bench, void *base, size_t length)
{
    const struct nvme_segment segment = {.base = base, .length = length};
    return check(bench, &segment, 1);
}

static void test_every_offset(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 64 << 10, 64);
    static const size_t lengths[] = {1,     4,     511,   512,   513,   4092,  4095,  4096,
                                     4097,  4100,  8188,  8192,  8196,  12284, 12288, 12292,
                                     16380, 16384, 16388, 32768, 61440, 65532, 65536};
    uint8_t *data = testhost_data(bench.host, 65536 + 4096);
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t offset = 0; offset < 4096; offset += 4)
            assert_int_equal(check_one(&bench, data + offset, lengths[i]), NVME_OK);
    bench_free(&bench);
}

/* Memory whose addresses the host has told beforehand: not asked for, and the same entries. */
static void test_direct_memory(void **state)
{
    (void)state;
    enum {
        PAGES = 32
    };
    struct bench bench = bench_new(4096, 64 << 10, 64);
    struct nvme_host *ops = &bench.host->ops;
    uint8_t *data = testhost_chunks(bench.host, 0, PAGES * 4096, PAGES);
    size_t run = PAGES * 4096;
    uint64_t bus = ops->bus_address(ops->context, data, &run);
    /* Its last page is not of it. */
    ops->direct_start = (uintptr_t)data;
    ops->direct_length = (PAGES - 1) * 4096;
    ops->direct_bus = bus;
    uint64_t (*asked)(void *, const void *, size_t *) = ops->bus_address;
    static const size_t lengths[] = {1, 512, 4092, 4096, 4100, 8192, 12288, 65536};
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t offset = 0; offset <= 4096; offset += 2)
            check_one(&bench, data + offset, lengths[i]);
    for (size_t offset = 29 * 4096; offset <= PAGES * 4096 - 4096; offset += 4)
        assert_int_equal(check_one(&bench, data + offset, 4096), NVME_OK);
    ops->bus_address = NULL;
    const struct nvme_segment segment = {.base = data + 512, .length = 4096};
    struct nvme_request request = {.segments = &segment, .segment_count = 1, .data_bytes = 4096};
    assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_OK);
    assert_true(request.command.prp1 == bus + 512 && request.command.prp2 == bus + 4096);
    ops->bus_address = asked;
    bench_free(&bench);
}

static void test_page_boundaries(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 64 << 10, 64);
    uint8_t *data = testhost_data(bench.host, 65536 + 4096);
    for (size_t pages = 0; pages < 16; pages++)
        for (size_t offset = 0; offset < 4096; offset += offset == 16 ? 4064 : 4)
            for (int off = -9; off <= 9; off++) {
                size_t length = pages * 4096 + 4096 - offset + (size_t)(16 + off) - 16;
                if (length && length <= 65536)
                    assert_int_equal(check_one(&bench, data + offset, length), NVME_OK);
            }
    bench_free(&bench);
}

/* One page of list holds 512: PRP1 and 512 of list, and from 514 entries on a second list. */
static void test_list_boundaries(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 9 << 20, 16);
    uint8_t *data = testhost_data(bench.host, 9 << 20);
    assert_int_equal(bench.queue.list_bytes, 4096);
    for (size_t lists = 1; lists <= 4; lists++)
        for (size_t entries = lists * 511; entries <= lists * 511 + 5; entries++)
            for (size_t offset = 0; offset < 4096; offset += 1364) {
                size_t pages = entries * 4096;
                assert_int_equal(check_one(&bench, data + offset, pages - offset), NVME_OK);
                assert_int_equal(check_one(&bench, data + offset, pages - offset - 4092), NVME_OK);
                if (offset) /* ends where it began in its page */
                    assert_int_equal(check_one(&bench, data + offset, pages - 4096), NVME_OK);
            }
    assert_int_equal(fewest_lists(513, 512), 1);
    assert_int_equal(fewest_lists(514, 512), 2);
    bench_free(&bench);
}

static void test_pool_of_lists(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 8 << 20, 2);
    uint8_t *data = testhost_data(bench.host, (8 << 20) + 4096);
    const struct nvme_segment segment = {.base = data + 512, .length = 8 << 20};
    struct nvme_request requests[65];
    unsigned built = 0;
    for (;; built++) {
        assert_true(built < 65);
        requests[built] = (struct nvme_request){
            .segments = &segment, .segment_count = 1, .data_bytes = segment.length};
        int error = nvme_data_build(&bench.queue, &requests[built]);
        if (error) {
            assert_int_equal(error, NVME_ERR_BUSY);
            assert_int_equal(requests[built].list_first, NVME_NO_LIST);
            break;
        }
    }
    assert_true(built >= 1); /* the largest transfer always fits once */
    assert_true(bench.queue.lists_free < 5);
    for (unsigned i = 0; i < built; i += 2)
        nvme_data_release(&bench.queue, &requests[i]);
    assert_int_equal(nvme_data_build(&bench.queue, &requests[0]), NVME_OK);
    for (unsigned i = 0; i < built; i++)
        nvme_data_release(&bench.queue, &requests[i]);
    bench_free(&bench);
}

/* Where lists are shorter than a page, none crosses its end, for that would be a link. */
static void test_short_lists(void **state)
{
    (void)state;
    for (size_t transfer = 4096; transfer <= 2 << 20; transfer *= 2) {
        struct bench bench = bench_new(4096, transfer, 64);
        assert_true(bench.queue.list_bytes / 8 >= transfer / 4096 - (transfer > 4096));
        assert_int_equal(bench.queue.lists_bus % 4096, 0);
        uint8_t *data = testhost_data(bench.host, transfer + 4096);
        for (unsigned i = 0; i < 64; i++)
            assert_int_equal(check_one(&bench, data + 8 * i, transfer), NVME_OK);
        /* Every list of the pool, one after the other. */
        const struct nvme_segment whole = {.base = data + 4, .length = transfer};
        struct nvme_request held[64];
        for (unsigned i = 0; i < 64; i++) {
            held[i] = (struct nvme_request){
                .segments = &whole, .segment_count = 1, .data_bytes = transfer};
            assert_int_equal(nvme_data_build(&bench.queue, &held[i]), NVME_OK);
            uint64_t list = held[i].command.prp2;
            assert_true(list / 4096 == (list + bench.queue.list_bytes - 1) / 4096);
        }
        for (unsigned i = 0; i < 64; i++)
            nvme_data_release(&bench.queue, &held[i]);
        const struct nvme_segment segment = {.base = data, .length = transfer + 1};
        struct nvme_request request = {
            .segments = &segment, .segment_count = 1, .data_bytes = transfer + 1};
        assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
        bench_free(&bench);
    }
}

static void test_segments(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 1 << 20, 64);
    uint8_t *a = testhost_data(bench.host, 65536), *b = testhost_data(bench.host, 65536);
    const struct nvme_segment good[][5] = {
        {{a, 4096}, {b, 4096}, {a + 8192, 8192}, {b + 16384, 512}, {b, 0}},
        {{a + 3584, 512}, {b, 4096}, {NULL, 0}, {a + 8192, 100}, {NULL, 0}},
        {{a + 512, 3584}, {b + 4096, 61440}, {a + 4096, 4096}, {b, 4096}, {a, 4}},
        {{NULL, 0}, {a + 100, 12}, {a + 112, 4}, {a + 116, 3980}, {b, 1}},
        {{a, 512}, {a + 512, 512}, {a + 1024, 512}, {a + 1536, 5120}, {NULL, 0}},
    };
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(check(&bench, good[i], 5), NVME_OK);
    const struct nvme_segment bad[][3] = {
        {{a, 512}, {b, 512}, {NULL, 0}},              /* leaves a page before its end */
        {{a, 4096}, {b + 512, 3584}, {NULL, 0}},      /* begins one inside */
        {{a, 4096}, {b, 4095}, {a + 4096, 1}},        /* a byte is missing */
        {{a, 1000}, {a + 1004, 3092}, {NULL, 0}},     /* a hole in a page */
        {{a, 1000}, {a + 996, 3100}, {NULL, 0}},      /* back */
        {{a + 2, 512}, {NULL, 0}, {NULL, 0}},         /* not a dword's address */
        {{a + 1, 4095}, {b, 4096}, {NULL, 0}},        /* the same */
        {{a, 512}, {b + 512, 3584}, {NULL, 0}},       /* as if it went on, elsewhere */
        {{a + 512, 3584}, {b, 100}, {b + 4096, 100}}, /* a page left early in the middle */
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(check(&bench, bad[i], 3), NVME_ERR_INVALID);
    bench_free(&bench);
}

/* Segments at random; the oracle says which of them are possible. */
static void test_random_segments(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 1 << 20, 64);
    uint8_t *data = testhost_data(bench.host, 1 << 20);
    uint32_t random = 1;
    unsigned outcomes[2] = {0, 0};
    for (unsigned round = 0; round < 20000; round++) {
        struct nvme_segment segments[6];
        unsigned count = 1 + round % 6;
        for (unsigned i = 0; i < count; i++) {
            random = random * 1664525 + 1013904223;
            size_t page = random >> 20 & 127, pages = 1 + (random >> 16 & 3);
            segments[i].base = data + page * 4096;
            segments[i].length = pages * 4096;
            if (i == 0 && random & 1 << 8) {
                segments[i].base = data + page * 4096 + (random >> 8 & 4092);
                segments[i].length -= random >> 8 & 4092;
            }
            if (i == count - 1 || (random >> 8 & 31) == 0)
                segments[i].length -= (random >> 9) % segments[i].length / 2;
        }
        outcomes[check(&bench, segments, count) == NVME_OK]++;
    }
    assert_true(outcomes[0] > 1000 && outcomes[1] > 1000);
    bench_free(&bench);
}

static void test_lengths_that_lie(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 65536, 64);
    uint8_t *data = testhost_data(bench.host, 65536);
    const struct nvme_segment segments[] = {{data, 4096}, {data + 4096, SIZE_MAX}};
    struct nvme_request request = {.segments = segments, .segment_count = 1, .data_bytes = 4095};
    assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
    request.data_bytes = 4097;
    assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
    request.data_bytes = 4095;
    request.segment_count = 2; /* the sum overflows to what is claimed */
    assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
    request.data_bytes = 0;
    assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);

    /* Without data the pointers are the caller's. */
    request.segment_count = 0;
    request.command.prp1 = 4096;
    request.command.prp2 = 8192;
    assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_OK);
    assert_int_equal(request.command.prp1, 4096);
    assert_int_equal(request.command.prp2, 8192);
    bench_free(&bench);
}

/* At whichever page the host cannot translate: refused, and all lists are back. */
static void test_translation_fails(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 8 << 20, 64);
    uint8_t *data = testhost_data(bench.host, (8 << 20) + 4096);
    const size_t pages[] = {1, 2, 3, 4, 512, 513, 514, 1100};
    for (unsigned i = 0; i < sizeof pages / sizeof pages[0]; i++)
        for (size_t fails = 0; fails < pages[i]; fails++) {
            const struct nvme_segment segment = {.base = data, .length = pages[i] * 4096};
            struct nvme_request request = {
                .segments = &segment, .segment_count = 1, .data_bytes = segment.length};
            bench.host->translations_left = (long)fails;
            assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
            assert_int_equal(bench.host->translations_left, -1);
            assert_int_equal(bench.queue.lists_free, bench.queue.list_count);
            assert_int_equal(request.list_first, NVME_NO_LIST);
        }
    /* Within a device's page that is several of the host's. */
    bench.controller->page_size = 65536;
    uint8_t *large = testhost_chunks(bench.host, 0, 65536 * 2, 16);
    for (long fails = 0; fails < 32; fails++) {
        const struct nvme_segment segment = {.base = large, .length = 65536 * 2};
        struct nvme_request request = {
            .segments = &segment, .segment_count = 1, .data_bytes = segment.length};
        bench.host->translations_left = fails;
        assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
    }
    bench.host->translations_left = -1;
    bench_free(&bench);
}

static uint64_t too_long(void *context, const void *memory, size_t *bytes)
{
    (void)context, (void)memory;
    ++*bytes;
    return 0x1000;
}

/* A host that answers for more than it was asked about is not believed. */
static void test_translation_lies(void **state)
{
    (void)state;
    struct bench bench = bench_new(4096, 1 << 20, 4);
    const struct nvme_segment segment = {.base = testhost_data(bench.host, 512), .length = 512};
    struct nvme_request request = {
        .segments = &segment, .segment_count = 1, .data_bytes = segment.length};
    bench.host->ops.bus_address = too_long;
    assert_int_equal(nvme_data_build(&bench.queue, &request), NVME_ERR_INVALID);
    bench_free(&bench);
}

static void test_page_sizes(void **state)
{
    (void)state;
    for (uint32_t page = 8192; page <= 65536; page *= 2) {
        struct bench bench = bench_new(page, 4 << 20, 64);
        uint8_t *data = testhost_chunks(bench.host, 0, (4 << 20) + page, page / TESTHOST_PAGE);
        uint8_t *scattered = testhost_data(bench.host, 4 * page);
        for (int runs = 0; runs < 2; runs++) {
            bench.host->whole_runs = runs;
            for (size_t offset = 0; offset < page; offset += 2044)
                for (size_t length = 512; length <= 4 << 20; length = length * 2 + 512)
                    assert_int_equal(check_one(&bench, data + offset, length), NVME_OK);
            for (size_t pages = 1; pages <= 64 && pages * page <= 4 << 20; pages++) {
                assert_int_equal(check_one(&bench, data, pages * page), NVME_OK);
                assert_int_equal(check_one(&bench, data + page - 512, pages * page), NVME_OK);
            }
            /* Pages of the host that do not follow one another make no page of the device. */
            assert_int_equal(check_one(&bench, scattered, 4096), NVME_OK);
            assert_int_equal(check_one(&bench, scattered, 12288), NVME_ERR_INVALID);
        }
        bench_free(&bench);
    }
}

/* Through the whole driver and the model's own walk, which was written apart from it. */
static void test_transfers(void **state)
{
    (void)state;
    for (uint8_t mps = 0; mps <= 4; mps++) {
        struct nvmevirt_config config = testhost_config();
        const struct nvmevirt_namespace namespace = {.nsid = 1, .block_size = 512, .blocks = 16384};
        config.namespaces = &namespace;
        config.mpsmin = mps;
        config.mpsmax = mps;
        config.mdts = 0; /* three lists and more in one command, where pages are small */
        const struct nvme_options options = {.max_transfer = 8 << 20, .queue_entries = 4};
        struct testhost *host = testhost_live(&config, &options);
        size_t page = 4096u << mps, most = 8 << 20;
        assert_int_equal(host->nvme.page_size, page);
        assert_int_equal(host->nvme.max_transfer, most);
        uint8_t *out = testhost_chunks(host, page - 512, most, page / TESTHOST_PAGE);
        uint8_t *in = testhost_chunks(host, 516, most, page / TESTHOST_PAGE);
        testhost_fill(out, most, mps);
        const uint32_t blocks[] = {1, 8, 9, 17, 4104, 4105, 8176, 8184, 8200, 12272, 12280, 16384};
        for (unsigned i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
            memset(in, 0, blocks[i] * 512);
            assert_int_equal(testhost_rw(host, true, 16384 - blocks[i], blocks[i], out), NVME_OK);
            assert_int_equal(testhost_rw(host, false, 16384 - blocks[i], blocks[i], in), NVME_OK);
            assert_memory_equal(in, out, blocks[i] * 512);
        }
        assert_int_equal(host->nvme.io[0].lists_free, host->nvme.io[0].list_count);
        testhost_free(host);
    }
}

/* CC.MPS is the smallest page unless the host wishes; MDTS counts in the smallest all the same. */
static void test_wished_page_size(void **state)
{
    (void)state;
    static const struct {
        uint32_t wish, page;
    } cases[] = {{0, 8192},      {4096, 8192},   {8192, 8192},     {8193, 16384},
                 {32768, 32768}, {65536, 32768}, {1u << 31, 32768}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvmevirt_config config = testhost_config();
        config.mpsmin = 1;
        config.mpsmax = 3;
        config.mdts = 4;
        const struct nvme_options options = {.page_size = cases[i].wish};
        struct testhost *host = testhost_live(&config, &options);
        assert_int_equal(host->nvme.page_size, cases[i].page);
        assert_int_equal(host->nvme.max_transfer, 8192 << 4);
        uint8_t *out = testhost_chunks(host, 516, 8192 << 4, 8);
        uint8_t *in = testhost_chunks(host, 2048, 8192 << 4, 8);
        testhost_fill(out, 8192 << 4, i);
        assert_int_equal(testhost_rw(host, true, 0, 256, out), NVME_OK);
        assert_int_equal(testhost_rw(host, false, 0, 256, in), NVME_OK);
        assert_memory_equal(in, out, 8192 << 4);
        testhost_free(host);
    }
}

/* MDTS may be less than the page that the host wishes. */
static void test_page_larger_than_a_transfer(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.mpsmax = 4;
    config.mdts = 1;
    const struct nvme_options options = {.page_size = 65536, .data = NVME_DATA_PRP};
    struct testhost *host = testhost_live(&config, &options);
    assert_int_equal(host->nvme.page_size, 65536);
    assert_int_equal(host->nvme.max_transfer, 8192);
    uint8_t *data = testhost_chunks(host, 0, 2 * 65536, 16);
    for (size_t offset = 0; offset <= 65536; offset += 2044) {
        testhost_fill(data + offset, 8192, (unsigned)offset);
        assert_int_equal(testhost_rw(host, true, 0, 16, data + offset), NVME_OK);
        uint8_t written[8192];
        memcpy(written, data + offset, 8192);
        memset(data + offset, 0, 8192);
        assert_int_equal(testhost_rw(host, false, 0, 16, data + offset), NVME_OK);
        assert_memory_equal(data + offset, written, 8192);
    }
    assert_int_equal(testhost_rw(host, false, 0, 17, data), NVME_ERR_INVALID);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_offset),     cmocka_unit_test(test_direct_memory),
        cmocka_unit_test(test_page_boundaries),  cmocka_unit_test(test_list_boundaries),
        cmocka_unit_test(test_pool_of_lists),    cmocka_unit_test(test_short_lists),
        cmocka_unit_test(test_segments),         cmocka_unit_test(test_random_segments),
        cmocka_unit_test(test_lengths_that_lie), cmocka_unit_test(test_translation_fails),
        cmocka_unit_test(test_page_sizes),       cmocka_unit_test(test_transfers),
        cmocka_unit_test(test_wished_page_size), cmocka_unit_test(test_page_larger_than_a_transfer),
        cmocka_unit_test(test_translation_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
