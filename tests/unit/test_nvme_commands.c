/*
 * Every I/O command through the whole driver: what it does to the blocks, what
 * is refused before the device hears of it, and what passes unchecked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

enum {
    BLOCK = 512,
    BLOCKS = 4096,
    COMPARE_FAILURE = 0x285,
    UNRECOVERED_READ = 0x281
};

static struct nvmevirt_config everything(void)
{
    static const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 1, .block_size = BLOCK, .blocks = BLOCKS},
        {.nsid = 2, .block_size = 4096, .blocks = 1ull << 40, .backed_count = 64},
        {.nsid = 5, .block_size = BLOCK, .blocks = BLOCKS, .read_only = true},
    };
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = namespaces;
    config.namespace_count = 3;
    return config;
}

static struct testhost *live(void)
{
    struct nvmevirt_config config = everything();
    return testhost_live(&config, NULL);
}

static struct nvme_namespace *first(struct testhost *host)
{
    return host->nvme.namespaces;
}

static int run(struct testhost *host, struct nvme_request *request)
{
    return nvme_execute(&host->nvme.io[0], request);
}

/* Blocks that tell where they are, from 0 on. */
static uint8_t *write_pattern(struct testhost *host, uint32_t blocks)
{
    uint8_t *data = testhost_data(host, (size_t)blocks * BLOCK);
    testhost_fill(data, (size_t)blocks * BLOCK, 3);
    assert_int_equal(testhost_rw(host, true, 0, blocks, data), NVME_OK);
    return data;
}

static void assert_zeros(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(data[i], 0);
}

static void test_force_unit_access(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_segment segment = {.base = testhost_data(host, BLOCK), .length = BLOCK};
    struct nvme_request request = {.segments = &segment, .segment_count = 1};
    assert_int_equal(nvme_prepare_rw(&request, first(host), true, 0, 1), NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(host->virt.counters.fua, 0);
    for (unsigned write = 0; write < 2; write++) {
        assert_int_equal(nvme_prepare_rw(&request, first(host), write, 0, 1), NVME_OK);
        nvme_set_fua(&request);
        assert_int_equal(run(host, &request), NVME_OK);
        assert_int_equal(host->virt.counters.fua, 1 + write);
    }
    testhost_free(host);
}

static void test_compare(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = write_pattern(host, 64);
    struct nvme_segment segment = {.base = data, .length = 64 * BLOCK};
    struct nvme_request request = {.segments = &segment, .segment_count = 1};
    assert_int_equal(nvme_prepare_compare(&request, first(host), 0, 64), NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    data[63 * BLOCK + 511] ^= 1;
    assert_int_equal(run(host, &request), NVME_ERR_STATUS);
    assert_int_equal(request.status & 0x7ff, COMPARE_FAILURE);
    assert_int_equal(nvme_prepare_compare(&request, first(host), 0, 1025), NVME_ERR_INVALID);
    testhost_free(host);
}

static void test_write_zeroes(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = write_pattern(host, 64);
    struct nvme_request request = {.segments = (void *)data, .segment_count = 7};
    for (unsigned deallocate = 0; deallocate < 2; deallocate++) {
        uint32_t lba = 10 + deallocate * 20;
        assert_int_equal(nvme_prepare_write_zeroes(&request, first(host), lba, 10, deallocate),
                         NVME_OK);
        assert_int_equal(!!(request.command.cdw12 & NVME_RW_CDW12_DEAC), deallocate);
        assert_int_equal(run(host, &request), NVME_OK);
        memset(data + (size_t)lba * BLOCK, 0, 10 * BLOCK);
    }
    uint8_t *in = testhost_data(host, 64 * BLOCK);
    assert_int_equal(testhost_rw(host, false, 0, 64, in), NVME_OK);
    assert_memory_equal(in, data, 64 * BLOCK);

    /* No transfer, so MDTS is no limit. */
    assert_int_equal(nvme_prepare_write_zeroes(&request, first(host), 0, BLOCKS, false), NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(testhost_rw(host, false, 0, 64, in), NVME_OK);
    assert_zeros(in, 64 * BLOCK);
    testhost_free(host);
}

static void test_verify_and_uncorrectable(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = write_pattern(host, 64);
    struct nvme_request request = {0};
    assert_int_equal(nvme_prepare_verify(&request, first(host), 0, BLOCKS), NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(host->virt.counters.verified, BLOCKS);
    assert_int_equal(nvme_prepare_write_uncorrectable(&request, first(host), 7, 3), NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(host->virt.counters.made_uncorrectable, 3);
    for (uint32_t lba = 5; lba < 12; lba++) {
        int wanted = lba >= 7 && lba < 10 ? NVME_ERR_STATUS : NVME_OK;
        assert_int_equal(nvme_prepare_verify(&request, first(host), lba, 1), NVME_OK);
        assert_int_equal(run(host, &request), wanted);
        assert_int_equal(request.status & 0x7ff, wanted ? UNRECOVERED_READ : 0);
        assert_int_equal(testhost_rw(host, false, lba, 1, data), wanted);
    }
    assert_int_equal(testhost_rw(host, true, 7, 3, data), NVME_OK); /* written: healed */
    assert_int_equal(testhost_rw(host, false, 0, 64, data), NVME_OK);
    testhost_free(host);
}

/* The whole array of 256 ranges, which starts inside a page and goes on in another. */
static void test_dataset(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = write_pattern(host, 1024);
    uint8_t *memory = testhost_chunks(host, 3080, 256 * sizeof(struct nvme_dataset_range), 1);
    struct nvme_dataset_range *ranges = (void *)memory;
    struct nvme_request request = {0};
    for (unsigned i = 0; i < 256; i++) {
        uint32_t blocks = 1 + i % 3;
        ranges[i] = (struct nvme_dataset_range){.lba = i * 4, .blocks = blocks};
        memset(data + (size_t)i * 4 * BLOCK, 0, (size_t)blocks * BLOCK);
    }
    for (unsigned hints = 0; hints < 2; hints++) {
        uint32_t attributes = hints ? NVME_DATASET_INTEGRAL_RD : NVME_DATASET_DEALLOCATE;
        assert_int_equal(nvme_prepare_dataset(&request, first(host), attributes, ranges, 256),
                         NVME_OK);
        assert_int_equal(run(host, &request), NVME_OK);
        assert_int_equal(host->virt.counters.deallocated, 511);
    }
    uint8_t *in = testhost_data(host, 1024 * BLOCK);
    assert_int_equal(testhost_rw(host, false, 0, 1024, in), NVME_OK);
    assert_memory_equal(in, data, 1024 * BLOCK);

    /* One range of more than a Write's 65536 blocks. */
    ranges[0] = (struct nvme_dataset_range){.lba = 64, .blocks = UINT32_MAX};
    assert_int_equal(
        nvme_prepare_dataset(&request, first(host)->next, NVME_DATASET_DEALLOCATE, ranges, 1),
        NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    testhost_free(host);
}

static void test_dataset_refused(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    config.dmrl = 4;
    config.dmrsl = 100;
    config.dmsl = 250;
    struct testhost *host = testhost_live(&config, NULL);
    struct nvme_dataset_range *ranges = (void *)testhost_data(host, 8192);
    struct nvme_request request = {0};
    const struct {
        uint64_t lba;
        uint32_t blocks;
        unsigned count;
        int result;
    } cases[] = {
        {0, 100, 1, NVME_OK},
        {0, 101, 1, NVME_ERR_INVALID},
        {0, 100, 3, NVME_ERR_INVALID},
        {0, 83, 3, NVME_OK},
        {0, 62, 4, NVME_OK},
        {0, 1, 5, NVME_ERR_INVALID},
        {0, 1, 0, NVME_ERR_INVALID},
        {0, 1, 257, NVME_ERR_INVALID},
        {0, 0, 1, NVME_ERR_INVALID},
        {BLOCKS - 100, 100, 2, NVME_OK},
        {BLOCKS - 99, 100, 2, NVME_ERR_INVALID},
        {UINT64_MAX, 1, 1, NVME_ERR_INVALID},
        {UINT64_MAX, 2, 2, NVME_ERR_INVALID},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned r = 0; r < cases[i].count; r++)
            ranges[r] = (struct nvme_dataset_range){.lba = cases[i].lba, .blocks = cases[i].blocks};
        int error = nvme_prepare_dataset(&request, first(host), NVME_DATASET_DEALLOCATE, ranges,
                                         cases[i].count);
        assert_int_equal(error, cases[i].result);
        if (!error)
            assert_int_equal(run(host, &request), NVME_OK);
    }
    testhost_free(host);
}

static void test_copy(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = write_pattern(host, 1024);
    struct nvme_copy_range *ranges = (void *)testhost_data(host, 128 * sizeof *ranges);
    struct nvme_request request = {0};
    memset(ranges, 0, 128 * sizeof *ranges);
    const unsigned count = 128; /* MSRC */
    uint8_t *wanted = calloc(2 * count, BLOCK);
    for (unsigned i = 0; i < count; i++) { /* backwards, so that the order is seen */
        ranges[i].lba = (count - i) * 4;
        ranges[i].blocks = 1;
        memcpy(wanted + (size_t)2 * i * BLOCK, data + (size_t)(count - i) * 4 * BLOCK, 2 * BLOCK);
    }
    assert_int_equal(nvme_prepare_copy(&request, first(host), 2000, ranges, count), NVME_OK);
    nvme_set_fua(&request);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(host->virt.counters.copied, 2 * count);
    assert_int_equal(host->virt.counters.fua, 1);
    assert_int_equal(testhost_rw(host, false, 2000, 2 * count, data), NVME_OK);
    assert_memory_equal(data, wanted, (size_t)2 * count * BLOCK);
    free(wanted);
    testhost_free(host);
}

static void test_copy_refused(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    config.mssrl = 16;
    config.mcl = 40;
    config.msrc = 3;
    struct testhost *host = testhost_live(&config, NULL);
    struct nvme_copy_range *ranges = (void *)testhost_data(host, 4096);
    struct nvme_request request = {0};
    const struct {
        uint64_t from, to;
        uint32_t blocks;
        unsigned count;
        int result;
    } cases[] = {
        {0, 100, 16, 2, NVME_OK},
        {0, 100, 10, 4, NVME_OK},
        {0, 100, 17, 1, NVME_ERR_INVALID},
        {0, 100, 14, 3, NVME_ERR_INVALID},
        {0, 100, 1, 5, NVME_ERR_INVALID},
        {0, 100, 1, 0, NVME_ERR_INVALID},
        {BLOCKS - 16, 100, 16, 1, NVME_OK},
        {BLOCKS - 15, 100, 16, 1, NVME_ERR_INVALID},
        {0, BLOCKS - 32, 16, 2, NVME_OK},
        {0, BLOCKS - 31, 16, 2, NVME_ERR_INVALID},
        {UINT64_MAX, 0, 1, 1, NVME_ERR_INVALID},
        {0, UINT64_MAX, 1, 1, NVME_ERR_INVALID},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(ranges, 0, 4096);
        for (unsigned r = 0; r < cases[i].count; r++) {
            ranges[r].lba = cases[i].from;
            ranges[r].blocks = (uint16_t)(cases[i].blocks - 1);
        }
        int error = nvme_prepare_copy(&request, first(host), cases[i].to, ranges, cases[i].count);
        assert_int_equal(error, cases[i].result);
        if (!error)
            assert_int_equal(run(host, &request), NVME_OK);
    }
    testhost_free(host);
}

/* ---- All of them --------------------------------------------------------------------------- */

enum {
    READ,
    COMPARE,
    VERIFY,
    WRITE, /* from here on something is changed */
    ZEROES,
    UNCORRECTABLE,
    DATASET,
    COPY,
    KINDS
};

/* Any of the commands on one range; Copy with it as target. */
static int prepare(struct testhost *host, struct nvme_request *request,
                   const struct nvme_namespace *ns, unsigned kind, uint64_t lba, uint32_t blocks)
{
    static struct nvme_dataset_range dataset;
    static struct nvme_copy_range copy;
    (void)host;
    dataset = (struct nvme_dataset_range){.lba = lba, .blocks = blocks};
    copy = (struct nvme_copy_range){.lba = 0, .blocks = (uint16_t)(blocks - 1)};
    switch (kind) {
    case READ:
    case WRITE:
        return nvme_prepare_rw(request, ns, kind == WRITE, lba, blocks);
    case COMPARE:
        return nvme_prepare_compare(request, ns, lba, blocks);
    case VERIFY:
        return nvme_prepare_verify(request, ns, lba, blocks);
    case ZEROES:
        return nvme_prepare_write_zeroes(request, ns, lba, blocks, false);
    case UNCORRECTABLE:
        return nvme_prepare_write_uncorrectable(request, ns, lba, blocks);
    case DATASET:
        return nvme_prepare_dataset(request, ns, NVME_DATASET_DEALLOCATE, &dataset, 1);
    default:
        return nvme_prepare_copy(request, ns, lba, &copy, 1);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_request request = {0};
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct nvme_namespace *ns = first(host), *huge = ns->next;
        assert_int_equal(prepare(host, &request, ns, kind, 0, 1), NVME_OK);
        assert_int_equal(request.command.nsid, 1);
        assert_int_equal(prepare(host, &request, ns, kind, BLOCKS - 1, 1), NVME_OK);
        assert_int_equal(prepare(host, &request, ns, kind, BLOCKS, 1), NVME_ERR_INVALID);
        assert_int_equal(prepare(host, &request, ns, kind, BLOCKS - 1, 2), NVME_ERR_INVALID);
        assert_int_equal(prepare(host, &request, ns, kind, UINT64_MAX, 1), NVME_ERR_INVALID);
        assert_int_equal(prepare(host, &request, ns, kind, UINT64_MAX, 2), NVME_ERR_INVALID);
        assert_int_equal(prepare(host, &request, huge, kind, (1ull << 40) - 1, 1), NVME_OK);
        if (kind != DATASET) {
            assert_int_equal(request.command.cdw10, 0xffffffff);
            assert_int_equal(request.command.cdw11, 0xff);
        }
        if (kind == COPY)
            continue; /* whose counts are 0's based, and cannot be wrong */
        assert_int_equal(prepare(host, &request, ns, kind, 0, 0), NVME_ERR_INVALID);
        if (kind != DATASET)
            assert_int_equal(prepare(host, &request, huge, kind, 0, 0x10001), NVME_ERR_INVALID);
    }
    testhost_free(host);
}

static void test_write_protection(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_request request = {0};
    const struct nvme_namespace *locked = first(host)->next->next;
    assert_int_equal(locked->id, 5);
    for (unsigned kind = 0; kind < KINDS; kind++)
        assert_int_equal(prepare(host, &request, locked, kind, 0, 1),
                         kind >= WRITE ? NVME_ERR_INVALID : NVME_OK);
    testhost_free(host);
}

/* What ONCS does not tell is refused, and can be tried all the same. */
static void test_not_offered(void **state)
{
    (void)state;
    static const struct {
        unsigned kind;
        uint16_t oncs;
        uint8_t opcode;
    } cases[] = {{COMPARE, NVMEVIRT_ONCS_COMPARE, NVME_IO_COMPARE},
                 {VERIFY, NVMEVIRT_ONCS_VERIFY, NVME_IO_VERIFY},
                 {ZEROES, NVMEVIRT_ONCS_WRITE_ZEROES, NVME_IO_WRITE_ZEROES},
                 {UNCORRECTABLE, NVMEVIRT_ONCS_WRITE_UNCORRECTABLE, NVME_IO_WRITE_UNCORRECTABLE},
                 {DATASET, NVMEVIRT_ONCS_DATASET, NVME_IO_DATASET},
                 {COPY, NVMEVIRT_ONCS_COPY, NVME_IO_COPY}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvmevirt_config config = everything();
        config.oncs &= (uint16_t)~cases[i].oncs;
        struct testhost *host = testhost_live(&config, NULL);
        struct nvme_request request = {0};
        for (unsigned kind = 0; kind < KINDS; kind++)
            assert_int_equal(prepare(host, &request, first(host), kind, 0, 1),
                             kind == cases[i].kind ? NVME_ERR_NO_SUPPORT : NVME_OK);
        request = (struct nvme_request){.command = {.opcode = cases[i].opcode, .nsid = 1}};
        assert_int_equal(run(host, &request), NVME_ERR_STATUS);
        assert_int_equal(request.status & 0x7ff, 1);
        testhost_free(host);
    }
}

static void expect_size_limits(const struct nvmevirt_config *config)
{
    struct testhost *host = testhost_live(config, NULL);
    const unsigned kinds[] = {VERIFY, ZEROES, UNCORRECTABLE};
    for (unsigned i = 0; i < 3; i++) {
        struct nvme_request request = {0};
        uint32_t most = 16u << i;
        assert_int_equal(prepare(host, &request, first(host), kinds[i], 0, most + 1),
                         NVME_ERR_INVALID);
        assert_int_equal(prepare(host, &request, first(host), kinds[i], 0, most), NVME_OK);
        assert_int_equal(run(host, &request), NVME_OK);
    }
    testhost_free(host);
}

/* Limits of commands without data count in pages, of 4 KiB here. */
static void test_size_limits(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    config.vsl = 1;
    config.wzsl = 2;
    config.wusl = 3;
    expect_size_limits(&config);
    config.oncs = 0; /* what has a limit is there all the same */
    expect_size_limits(&config);

    config.css = 1; /* without command sets nobody says what the limits are */
    struct testhost *host = testhost_live(&config, NULL);
    struct nvme_request request = {0};
    assert_int_equal(host->nvme.limits.verify_bytes, UINT64_MAX);
    assert_int_equal(prepare(host, &request, first(host), VERIFY, 0, 1), NVME_ERR_NO_SUPPORT);
    testhost_free(host);
}

/* One limit of the three is enough, and a command that is known not to work stays away. */
static void test_offered_by_limits(void **state)
{
    (void)state;
    const struct nvme_options skyhawk = {.pci_vendor = 0x15b7, .pci_device = 0x2001};
    struct nvmevirt_config config = everything();
    config.oncs = 0;
    config.wzsl = 2;
    config.dmsl = 250;
    struct testhost *host = testhost_live(&config, &skyhawk);
    struct nvme_dataset_range *range = (void *)testhost_data(host, 4096);
    struct nvme_request request = {0};
    assert_int_equal(prepare(host, &request, first(host), ZEROES, 0, 1), NVME_ERR_NO_SUPPORT);
    *range = (struct nvme_dataset_range){.blocks = 251};
    assert_int_equal(nvme_prepare_dataset(&request, first(host), NVME_DATASET_DEALLOCATE, range, 1),
                     NVME_ERR_INVALID);
    range->blocks = 250;
    assert_int_equal(nvme_prepare_dataset(&request, first(host), NVME_DATASET_DEALLOCATE, range, 1),
                     NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(host->virt.counters.deallocated, 250);
    testhost_free(host);
}

/* ---- By hand ------------------------------------------------------------------------------- */

static void test_data_both_ways(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *out = testhost_chunks(host, 100, 16384, 1), *in = testhost_chunks(host, 204, 16384, 1);
    testhost_fill(out, 16384, 9);
    struct nvme_segment pieces[] = {{out, 3996}, {out + 3996, 8192}, {out + 12188, 4196}};
    struct nvme_request request = {
        .command = {.opcode = NVME_IO_WRITE, .nsid = 2, .cdw10 = 4, .cdw12 = 3},
        .segments = pieces,
        .segment_count = 3,
        .data_bytes = 16384};
    assert_int_equal(run(host, &request), NVME_OK);
    struct nvme_segment whole = {in, 16384};
    request.command.opcode = NVME_IO_READ;
    request.segments = &whole;
    request.segment_count = 1;
    assert_int_equal(run(host, &request), NVME_OK);
    assert_memory_equal(in, out, 16384);

    /* An admin command: Identify Controller into memory that starts anywhere. */
    request = (struct nvme_request){.command = {.opcode = NVME_ADMIN_IDENTIFY, .cdw10 = 1},
                                    .segments = &(struct nvme_segment){in, 4096},
                                    .segment_count = 1,
                                    .data_bytes = 4096};
    assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_OK);
    assert_memory_equal(in, host->nvme.identify, 4096);
    testhost_free(host);
}

/* Whatever the opcode: the device answers, and the queue works on. */
static void test_every_opcode(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = testhost_data(host, 4096);
    for (unsigned opcode = 0; opcode < 256; opcode++)
        for (unsigned i = 0; i < 4; i++) {
            bool admin = i & 1, with_data = i & 2;
            if (admin && (opcode <= 1 || opcode == 4 || opcode == 5 || opcode == 9 ||
                          opcode == 0x0c || opcode == 0x0d || opcode == 0x15 || opcode == 0x7c))
                continue; /* queues, features, events, namespaces: see nvme.h */
            struct nvme_segment segment = {data, 4096};
            struct nvme_request request = {.command = {.opcode = (uint8_t)opcode, .nsid = 1},
                                           .segments = &segment,
                                           .segment_count = with_data,
                                           .data_bytes = with_data ? 4096 : 0};
            memset(data, 0, 4096);
            int error = nvme_execute(admin ? &host->nvme.admin : &host->nvme.io[0], &request);
            assert_true(error == NVME_OK || error == NVME_ERR_STATUS);
            assert_int_equal(error == NVME_OK, request.status == 0);
        }
    host->violations_expected = host->violations; /* null pointers where data is due */
    testhost_works(host);
    assert_int_equal(host->nvme.resets, 0);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_force_unit_access),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_write_zeroes),
        cmocka_unit_test(test_verify_and_uncorrectable),
        cmocka_unit_test(test_dataset),
        cmocka_unit_test(test_dataset_refused),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_refused),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_write_protection),
        cmocka_unit_test(test_not_offered),
        cmocka_unit_test(test_size_limits),
        cmocka_unit_test(test_offered_by_limits),
        cmocka_unit_test(test_data_both_ways),
        cmocka_unit_test(test_every_opcode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
