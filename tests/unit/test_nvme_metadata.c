/*
 * Namespaces whose blocks have metadata or protection information, through the
 * whole driver: which can be used, and how; what commands say; what is left on
 * the medium; and what is wrong there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/nvmevirt/internal.h"
#include "tests/unit/nvme_host.h"

enum {
    BLOCKS = 64,
    PRACT = 1 << 29,
    GUARD = 1 << 28,
    REFERENCE = 1 << 26,
    GUARD_CHECK = 0x282,
    REFERENCE_CHECK = 0x284
};

static struct nvmevirt_config config_of(const struct nvmevirt_namespace *namespace)
{
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = namespace;
    config.namespace_count = 1;
    return config;
}

static struct testhost *live(const struct nvmevirt_namespace *namespace)
{
    struct nvmevirt_config config = config_of(namespace);
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

static uint8_t *medium_metadata(struct testhost *host, uint64_t lba)
{
    return nvmevirt_metadata(&host->virt.namespaces[0], lba);
}

static uint8_t *medium_data(struct testhost *host, uint64_t lba)
{
    const struct nvmevirt_namespace *config = &host->virt.namespaces[0].config;
    return (uint8_t *)config->memory + lba * config->block_size;
}

/* ---- What is usable, and how --------------------------------------------------------------- */

struct shape {
    uint32_t block_size;
    uint16_t metadata_size;
    bool interleaved;
    uint8_t protection; /* DPS */

    uint32_t prinfo;
    bool tags, pointer;
    const char *unusable;
};

#define ALL_CHECKS (PRACT | GUARD | REFERENCE)

static const struct shape shapes[] = {
    {512, 8, false, 1, ALL_CHECKS, true, false, NULL},
    {512, 8, true, 1 | 8, ALL_CHECKS, true, false, NULL},
    {4096, 8, false, 2, ALL_CHECKS, true, false, NULL},
    {4096, 8, true, 2 | 8, ALL_CHECKS, true, false, NULL},
    {512, 8, false, 3 | 8, PRACT | GUARD, false, false, NULL},
    {512, 8, true, 3, PRACT | GUARD, false, false, NULL},
    {512, 64, false, 1, ALL_CHECKS, true, true, NULL},
    {4096, 16, false, 2 | 8, ALL_CHECKS, true, true, NULL},
    {512, 64, false, 3, PRACT | GUARD, false, true, NULL},
    {512, 8, false, 0, 0, false, true, NULL},
    {4096, 64, false, 0, 0, false, true, NULL},
    {512, 1, false, 0, 0, false, true, NULL},
    {512, 8, true, 0, 0, false, false, "behind the data"},
    {4096, 64, true, 1, ALL_CHECKS, true, false, "behind the data"},
};

static struct nvmevirt_namespace namespace_of(const struct shape *shape)
{
    return (struct nvmevirt_namespace){.nsid = 1,
                                       .block_size = shape->block_size,
                                       .blocks = BLOCKS,
                                       .metadata_size = shape->metadata_size,
                                       .interleaved = shape->interleaved,
                                       .protection = shape->protection};
}

/* By bits, as NVM 5.2.1.1 has it; the medium's was made by another. */
static uint16_t crc(uint16_t value, const uint8_t *data, size_t bytes)
{
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        unsigned in = data[bit / 8] >> (7 - bit % 8) & 1u;
        value = (uint16_t)(value << 1 ^ ((value >> 15 ^ in) ? 0x8BB7 : 0));
    }
    return value;
}

/* The block's metadata is zeros, but for the protection information that belongs there. */
static void assert_protected(struct testhost *host, const struct shape *shape, uint64_t lba)
{
    uint8_t expected[64] = {0};
    unsigned at = shape->protection & 8 ? 0 : shape->metadata_size - 8u;
    if (shape->protection) {
        uint16_t guard = crc(crc(0, medium_data(host, lba), shape->block_size), expected, at);
        expected[at] = (uint8_t)(guard >> 8);
        expected[at + 1] = (uint8_t)guard;
        expected[at + 7] = shape->tags ? (uint8_t)lba : 0;
    }
    assert_memory_equal(medium_metadata(host, lba), expected, shape->metadata_size);
}

static void expect_command(const struct nvme_request *request, const struct shape *shape,
                           uint32_t prinfo, uint32_t lba)
{
    const uint32_t bits = PRACT | GUARD | REFERENCE | 1 << 27;
    assert_int_equal(request->command.cdw12 & bits, prinfo);
    assert_int_equal(request->command.cdw14, shape->tags && prinfo ? lba : 0);
}

static void try_commands(struct testhost *host, const struct shape *shape)
{
    struct nvme_request request = {0};
    const struct nvme_namespace *ns = first(host);
    assert_int_equal(nvme_prepare_write_zeroes(&request, ns, 20, 10, false), NVME_OK);
    expect_command(&request, shape, shape->prinfo & PRACT, 20);
    assert_int_equal(run(host, &request), NVME_OK);
    for (uint64_t lba = 20; lba < 30; lba++)
        assert_protected(host, shape, lba);
    assert_int_equal(nvme_prepare_verify(&request, ns, 3, BLOCKS - 3), NVME_OK);
    expect_command(&request, shape, shape->prinfo & ~(uint32_t)PRACT, 3);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(nvme_prepare_write_uncorrectable(&request, ns, 60, 1), NVME_OK);
    expect_command(&request, shape, 0, 60);
    assert_int_equal(run(host, &request), NVME_OK);
    struct nvme_dataset_range *range = (void *)testhost_data(host, sizeof *range);
    *range = (struct nvme_dataset_range){.blocks = BLOCKS};
    assert_int_equal(nvme_prepare_dataset(&request, ns, NVME_DATASET_DEALLOCATE, range, 1),
                     NVME_OK);
    expect_command(&request, shape, 0, 0);
    assert_int_equal(run(host, &request), NVME_OK);
}

/* Compare and Copy: not where the host would have to make protection information. */
static void try_others(struct testhost *host, const struct shape *shape, void *data)
{
    struct nvme_segment segment = {.base = data, .length = (size_t)BLOCKS * shape->block_size};
    struct nvme_request request = {.segments = &segment, .segment_count = 1};
    struct nvme_copy_range *range = (void *)testhost_data(host, sizeof *range);
    *range = (struct nvme_copy_range){.lba = 1, .blocks = 3};
    int expected = shape->protection ? NVME_ERR_NO_SUPPORT : NVME_OK;
    assert_int_equal(nvme_prepare_compare(&request, first(host), 0, BLOCKS), expected);
    if (!expected) {
        assert_int_equal(run(host, &request), NVME_OK);
        medium_metadata(host, 3)[0] ^= 1;
        assert_int_equal(run(host, &request), NVME_ERR_STATUS);
        medium_metadata(host, 3)[0] ^= 1;
    }
    assert_int_equal(nvme_prepare_copy(&request, first(host), 30, range, 1), expected);
    if (!expected)
        assert_int_equal(run(host, &request), NVME_OK);
}

static void test_shapes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *shape = &shapes[i];
        const struct nvmevirt_namespace namespace = namespace_of(shape);
        struct testhost *host = live(&namespace);
        const struct nvme_namespace *ns = first(host);
        const size_t bytes = (size_t)BLOCKS * shape->block_size;
        uint8_t *out = testhost_data(host, bytes), *in = testhost_data(host, bytes);
        struct nvme_request request = {0};
        assert_int_equal(ns->metadata_size, shape->metadata_size);
        assert_int_equal(ns->rw_blocks, 0);
        if (shape->unusable) {
            assert_non_null(strstr(ns->unusable, shape->unusable));
            assert_int_equal(ns->most_blocks, 0);
            assert_int_equal(nvme_prepare_rw(&request, ns, false, 0, 1), NVME_ERR_INVALID);
            assert_int_equal(nvme_prepare_verify(&request, ns, 0, 1), NVME_ERR_INVALID);
            assert_int_equal(nvme_prepare_write_zeroes(&request, ns, 0, 1, false),
                             NVME_ERR_INVALID);
            struct nvme_dataset_range range = {.blocks = 1};
            assert_int_equal(nvme_prepare_dataset(&request, ns, 0, &range, 1), NVME_ERR_INVALID);
            assert_int_equal(nvme_prepare_flush(&request, ns), NVME_OK);
            assert_int_equal(run(host, &request), NVME_OK);
        } else {
            assert_null(ns->unusable);
            assert_int_equal(nvme_prepare_rw(&request, ns, true, 5, 1), NVME_OK);
            expect_command(&request, shape, shape->prinfo, 5);
            assert_int_equal(!!request.command.mptr, shape->pointer);
            testhost_fill(out, bytes, i);
            assert_int_equal(testhost_rw(host, true, 0, BLOCKS, out), NVME_OK);
            for (uint64_t lba = 0; lba < BLOCKS; lba++)
                assert_protected(host, shape, lba);
            assert_int_equal(testhost_rw(host, false, 0, BLOCKS, in), NVME_OK);
            assert_memory_equal(in, out, bytes);
            try_others(host, shape, out);
            try_commands(host, shape);
            assert_int_equal(testhost_rw(host, false, 0, BLOCKS, in), NVME_OK);
            for (size_t byte = 0; byte < bytes; byte++)
                assert_int_equal(in[byte], 0);
        }
        testhost_free(host);
    }
}

/* ---- Sizes, and the buffer ----------------------------------------------------------------- */

/* As many blocks as the buffer has room for; what is read does not become what is written. */
static void test_buffer(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 1, .block_size = 512, .blocks = 4096, .metadata_size = 64},
        {.nsid = 2, .block_size = 512, .blocks = 8, .metadata_size = UINT16_MAX},
        {.nsid = 3, .block_size = 4096, .blocks = 8, .metadata_size = 16},
    };
    struct nvmevirt_config config = config_of(namespaces);
    config.namespace_count = 3;
    config.mdts = 10;
    struct testhost *host = testhost_live(&config, NULL);
    struct nvme_request request = {0};
    const struct nvme_namespace *ns = first(host);
    const size_t bytes = (size_t)1024 * 512;
    uint8_t *data = testhost_data(host, bytes);
    assert_int_equal(ns->most_blocks, 1024);
    assert_int_equal(nvme_prepare_rw(&request, ns, false, 0, 1025), NVME_ERR_INVALID);
    assert_int_equal(ns->next->most_blocks, 1);
    assert_int_equal(ns->next->next->most_blocks, (4096 << 10) / 4096);
    assert_true(ns->metadata_bus == ns->next->next->metadata_bus);

    for (uint64_t lba = 0; lba < 1024; lba++)
        memset(medium_metadata(host, lba), 0xA5, 64);
    assert_int_equal(testhost_rw(host, false, 0, 1024, data), NVME_OK);
    assert_int_equal(testhost_rw(host, true, 0, 1024, data), NVME_OK);
    for (uint64_t lba = 0; lba < 1024; lba++)
        for (unsigned i = 0; i < 64; i++)
            assert_int_equal(medium_metadata(host, lba)[i], 0);
    testhost_free(host);
}

static void test_no_memory(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = namespace_of(&shapes[9]);
    struct nvmevirt_config config = config_of(&namespace);
    int error = NVME_ERR_NO_MEMORY;
    for (long allocations = 0; error == NVME_ERR_NO_MEMORY; allocations++) {
        struct testhost *host = testhost_new(&config);
        host->allocations_left = allocations;
        error = testhost_start(host, NULL);
        assert_true(!error || error == NVME_ERR_NO_MEMORY);
        testhost_free(host);
    }
}

/* MPTR is the buffer's address whether data has PRPs or an SGL. */
static void test_sgl(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = namespace_of(&shapes[6]);
    struct nvmevirt_config config = config_of(&namespace);
    const struct nvme_options options = {.data = NVME_DATA_SGL};
    struct testhost *host = testhost_live(&config, &options);
    testhost_works(host);
    assert_true(host->virt.counters.sgl > 0);
    assert_protected(host, &shapes[6], 5);
    testhost_free(host);
}

/* ---- Requests that come again -------------------------------------------------------------- */

static void test_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        const struct nvmevirt_namespace namespace = namespace_of(&shapes[i]);
        struct testhost *host = live(&namespace);
        struct nvme_queue *queue = &host->nvme.io[0];
        uint8_t *data = testhost_chunks(host, 0, 4096, 1);
        host->ops.direct_start = (uintptr_t)data;
        host->ops.direct_length = 4096;
        host->ops.direct_bus = testhost_bus(host, data);
        struct testio io = {0};
        testhost_fill(data, 4096, i);
        assert_int_equal(testio_submit(host, queue, &io, true, 0, 1, data), NVME_OK);
        testhost_drain(host, queue);
        for (unsigned lba = 0; lba < BLOCKS; lba++) {
            assert_int_equal(testio_again(&io, lba), NVME_OK);
            testhost_drain(host, queue);
            assert_int_equal(io.request.result, NVME_OK);
            assert_protected(host, &shapes[i], lba);
            /* A reference tag for each LBA is not for those in a hurry, nor is a second pointer. */
            bool plain = !shapes[i].tags && !io.request.ns->metadata_bus;
            assert_int_equal(io.request.again_end, plain ? BLOCKS : 0);
        }
        assert_int_equal(testio_again(&io, BLOCKS), NVME_ERR_INVALID);
        testhost_free(host);
    }
}

/* ---- What is wrong on the medium ----------------------------------------------------------- */

static void expect_refusal(struct testhost *host, uint64_t lba, uint16_t status)
{
    struct nvme_segment segment = {.base = testhost_data(host, 4096), .length = 4096};
    struct nvme_request request = {.segments = &segment, .segment_count = 1};
    segment.length = first(host)->block_size;
    assert_int_equal(nvme_prepare_rw(&request, first(host), false, lba, 1), NVME_OK);
    assert_int_equal(run(host, &request), NVME_ERR_STATUS);
    assert_int_equal(request.status & 0x7ff, status);
    assert_int_equal(request.repeats, 0);
    assert_int_equal(nvme_prepare_verify(&request, first(host), lba, 1), NVME_OK);
    assert_int_equal(run(host, &request), NVME_ERR_STATUS);
    assert_int_equal(request.status & 0x7ff, status);
}

static void test_wrong_protection(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        const struct shape *shape = &shapes[i];
        const struct nvmevirt_namespace namespace = namespace_of(shape);
        struct testhost *host = live(&namespace);
        unsigned at = shape->protection & 8 ? 0 : shape->metadata_size - 8u;
        testhost_works(host); /* which writes 5 to 7 */
        medium_data(host, 6)[shape->block_size - 1] ^= 1;
        expect_refusal(host, 6, GUARD_CHECK);
        medium_data(host, 6)[shape->block_size - 1] ^= 1;
        medium_metadata(host, 6)[at + 1] ^= 0x80;
        expect_refusal(host, 6, GUARD_CHECK);
        medium_metadata(host, 6)[at + 1] ^= 0x80;
        medium_metadata(host, 6)[at + 7] ^= 1;
        if (shape->tags)
            expect_refusal(host, 6, REFERENCE_CHECK);
        testhost_works(host);
        assert_protected(host, shape, 6);
        testhost_free(host);
    }
    assert_string_equal(nvme_status_text(GUARD_CHECK), "End-to-end Guard Check Error");
    assert_string_equal(nvme_status_text(REFERENCE_CHECK), "End-to-end Reference Tag Check Error");
}

/* ---- What a device may say ----------------------------------------------------------------- */

struct lie {
    uint8_t dps;
    uint16_t metadata_size;
    uint32_t elbaf;
    bool told; /* CTRATT has extended formats */
    bool usable;
};

static void describe(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    const struct lie *lie = host->context;
    (void)nsid;
    if (cns == 0) {
        data[29] = lie->dps;
        memcpy(data + 128, &lie->metadata_size, 2);
    } else if (cns == 1) {
        data[97] = lie->told ? 0x80 : 0;
    } else if (cns == 5) {
        assert_true(lie->told);
        memcpy(data + 12, &lie->elbaf, 4);
    }
}

static void test_unknown_protection(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = namespace_of(&shapes[0]);
    struct nvmevirt_config config = config_of(&namespace);
    struct lie lies[] = {
        {1, 8, 0, true, true},        {1, 8, 1 << 7, false, true}, /* not to be asked for */
        {1, 8, 16, true, false},                                   /* a storage tag */
        {1, 16, 2 << 7, true, false}, {3, 16, 1 << 7, true, false},
        {4, 8, 0, false, false},      {7, 8, 0, true, false},
        {1, 7, 0, false, false},      {2, 0, 0, false, true}, /* no metadata, no protection */
        {0, 16, 2 << 7, true, true},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct testhost *host = testhost_new(&config);
        struct nvme_request request = {0};
        host->context = &lies[i];
        host->identify = describe;
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        assert_int_equal(nvme_prepare_rw(&request, first(host), false, 0, 1),
                         lies[i].usable ? NVME_OK : NVME_ERR_INVALID);
        assert_int_equal(!first(host)->unusable, lies[i].usable);
        testhost_free(host);
    }
}

/* Without an answer of the second kind nobody knows what the first was about. */
static void test_format_is_not_told(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = namespace_of(&shapes[0]);
    struct nvmevirt_config config = config_of(&namespace);
    struct lie lie = {1, 8, 0, true, true};
    struct testhost *host = testhost_new(&config);
    host->context = &lie;
    host->identify = describe;
    /* Identify: the controller, its command set's, the list twice, then three of the namespace. */
    testhost_meets(host, 0, NVME_ADMIN_IDENTIFY, 7, NVMEVIRT_STATUS,
                   NVMEVIRT_STATUS_FIELD(0, 2, 1));
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 0);
    testhost_free(host);
}

/* ---- From format to format ----------------------------------------------------------------- */

static int format(struct testhost *host, uint32_t how)
{
    struct nvme_request request = {
        .command = {.opcode = NVME_ADMIN_FORMAT, .nsid = 1, .cdw10 = how}};
    int error = nvme_execute(&host->nvme.admin, &request);
    return error ? error : nvme_rescan(&host->nvme);
}

static void test_formats(void **state)
{
    (void)state;
    static const struct nvmevirt_namespace namespace = {
        .nsid = 1,
        .block_size = 512,
        .blocks = BLOCKS,
        .formats = {9, 9, 9, 12},
        .format_metadata = {0, 8, 64, 8},
    };
    static const struct {
        uint32_t how;
        struct shape shape;
    } steps[] = {
        {1, {512, 8, false, 0, 0, false, true, NULL}},
        {1 | 1 << 5, {512, 8, false, 1, ALL_CHECKS, true, false, NULL}},
        {1 | 3 << 5 | 1 << 8, {512, 8, false, 3 | 8, PRACT | GUARD, false, false, NULL}},
        {2, {512, 64, false, 0, 0, false, true, NULL}},
        {2 | 2 << 5, {512, 64, false, 2, ALL_CHECKS, true, true, NULL}},
        {2 | 2 << 5 | 1 << 4, {512, 64, true, 2, ALL_CHECKS, true, false, "behind"}},
        {1 | 1 << 4, {512, 8, true, 0, 0, false, false, "behind"}},
        {3 | 1 << 5 | 1 << 4, {4096, 8, true, 1, ALL_CHECKS, true, false, NULL}},
        {0, {512, 0, false, 0, 0, false, false, NULL}},
    };
    struct testhost *host = live(&namespace);
    struct nvme_request before = {0};
    host->manages = true;
    assert_int_equal(first(host)->rw_blocks, first(host)->most_blocks);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct shape *shape = &steps[i].shape;
        int usable = nvme_prepare_rw(&before, first(host), false, 0, 1);
        assert_int_equal(format(host, steps[i].how), NVME_OK);
        if (!usable)
            assert_int_equal(nvme_submit(&host->nvme.io[0], &before), NVME_ERR_GONE);
        assert_int_equal(!first(host)->unusable, !shape->unusable);
        assert_int_equal(first(host)->block_size, shape->block_size);
        if (!shape->unusable) {
            testhost_works(host);
            assert_protected(host, shape, 5);
        }
    }
    assert_true(first(host)->rw_blocks > 0);
    assert_int_equal(format(host, 0 | 1 << 5), NVME_ERR_STATUS);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_sgl),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_wrong_protection),
        cmocka_unit_test(test_unknown_protection),
        cmocka_unit_test(test_format_is_not_told),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
