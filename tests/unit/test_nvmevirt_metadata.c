/* The software controller's metadata and protection information: what it keeps, makes, checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

enum {
    INVALID_FIELD = DNR | 2,
    INVALID_FORMAT = DNR | 0x10A,
    INVALID_PROTECTION = DNR | 0x181,
    GUARD_CHECK = 0x282,
    APPLICATION_CHECK = 0x283,
    REFERENCE_CHECK = 0x284,
    COMPARE_FAILURE = DNR | 0x285
};

#define PRACT       0x20000000u
#define GUARD       0x10000000u
#define APPLICATION 0x08000000u
#define REFERENCE   0x04000000u

struct fixture {
    struct rig *rig;
    uint64_t data, beside;
};

static struct fixture start(uint16_t metadata_size, bool interleaved, uint8_t protection)
{
    const struct nvmevirt_namespace namespace = {
        .nsid = 1,
        .block_size = 512,
        .blocks = 64,
        .backed_count = 32,
        .formats = {9, 9, 9, 12},
        .format_metadata = {metadata_size, metadata_size ? 0 : 8, 16, 64},
        .metadata_size = metadata_size,
        .interleaved = interleaved,
        .protection = protection,
    };
    struct nvmevirt_config config = rig_everything();
    config.namespaces = &namespace;
    config.namespace_count = 1;
    struct rig *rig = rig_io(&config);
    return (struct fixture){rig, rig_alloc(rig, 4096), rig_alloc(rig, 8192)};
}

static struct rig_sqe with(const struct fixture *f, uint8_t opcode, uint32_t lba, uint32_t blocks,
                           uint32_t prinfo, uint32_t tag)
{
    struct rig_sqe sqe = rig_rw(opcode, lba, blocks, f->data, 0);
    if (opcode == ZEROES || opcode == VERIFY)
        sqe = rig_command(opcode, 1, 0, 0, lba, 0, blocks - 1);
    sqe.dword[12] |= prinfo;
    sqe.dword[14] = tag;
    return sqe;
}

static struct rig_sqe beside(const struct fixture *f, struct rig_sqe sqe, uint64_t offset)
{
    uint64_t pointer = f->beside + offset;
    memcpy(&sqe.dword[4], &pointer, sizeof pointer);
    return sqe;
}

static uint16_t status(struct fixture *f, struct rig_sqe sqe)
{
    return rig_status(f->rig, 1, sqe);
}

/* ---- Metadata alone ------------------------------------------------------------------------ */

static void test_beside(void **state)
{
    (void)state;
    struct fixture f = start(16, false, 0);
    uint8_t *metadata = rig_at(f.rig, f.beside);
    for (unsigned i = 0; i < 64; i++)
        metadata[4096 - 24 + i] = (uint8_t)(i + 1);
    /* Across a page of the host, in the middle of a block's. */
    assert_int_equal(status(&f, beside(&f, with(&f, WRITE, 3, 4, 0, 0), 4096 - 24)), 0);
    memset(metadata, 0xEE, 8192);
    assert_int_equal(status(&f, beside(&f, with(&f, READ, 3, 4, 0, 0), 100)), 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(metadata[100 + i], i + 1);
    assert_int_equal(metadata[99], 0xEE);
    assert_int_equal(metadata[164], 0xEE);
    assert_int_equal(status(&f, beside(&f, with(&f, COMPARE, 3, 4, 0, 0), 100)), 0);
    metadata[163] ^= 1;
    assert_int_equal(status(&f, beside(&f, with(&f, COMPARE, 3, 4, 0, 0), 100)), COMPARE_FAILURE);
    assert_int_equal(status(&f, with(&f, ZEROES, 4, 1, 0, 0)), 0);
    assert_int_equal(status(&f, beside(&f, with(&f, READ, 3, 4, 0, 0), 0)), 0);
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(metadata[i], i / 16 == 1 ? 0 : i + 1);
    /* Where there is no memory there are zeros. */
    assert_int_equal(status(&f, beside(&f, with(&f, READ, 40, 1, 0, 0), 0)), 0);
    assert_int_equal(metadata[0], 0);
    rig_free(f.rig);
}

static void test_interleaved(void **state)
{
    (void)state;
    struct fixture f = start(8, true, 0);
    uint8_t *data = rig_at(f.rig, f.data);
    for (unsigned i = 0; i < 2 * 520; i++)
        data[i] = (uint8_t)(i * 3);
    assert_int_equal(status(&f, with(&f, WRITE, 5, 2, 0, 0)), 0);
    memset(data, 0xEE, 4096);
    assert_int_equal(status(&f, with(&f, READ, 6, 1, 0, 0)), 0);
    for (unsigned i = 0; i < 520; i++)
        assert_int_equal(data[i], (uint8_t)((520 + i) * 3));
    assert_int_equal(data[520], 0xEE);
    assert_int_equal(status(&f, with(&f, COMPARE, 6, 1, 0, 0)), 0);
    data[519] ^= 1;
    assert_int_equal(status(&f, with(&f, COMPARE, 6, 1, 0, 0)), COMPARE_FAILURE);

    assert_int_equal(status(&f, beside(&f, with(&f, READ, 6, 1, 0, 0), 0)), 0);
    rig_expect(f.rig, 2, "dword 5"); /* a pointer to metadata that is not apart */
    rig_free(f.rig);
}

static void test_pointer(void **state)
{
    (void)state;
    struct fixture f = start(8, false, 0);
    assert_int_equal(status(&f, beside(&f, with(&f, READ, 6, 1, 0, 0), 2)), INVALID_FIELD);
    rig_expect(f.rig, 1, "the metadata pointer is not aligned");
    struct rig_sqe sqe = rig_sgl(beside(&f, with(&f, READ, 6, 1, 0, 0), 2), f.data, 512, 0);
    assert_int_equal(status(&f, sqe), 0); /* beside an SGL it may point to any byte */
    sqe.dword[0] ^= 3u << 14;
    assert_int_equal(status(&f, sqe), INVALID_FIELD); /* not to an SGL */
    assert_int_equal(status(&f, with(&f, READ, 6, 1, 0, 0)), 4);
    rig_expect(f.rig, 1, "metadata");
    rig_free(f.rig);

    f = start(0, false, 0);
    assert_int_equal(status(&f, beside(&f, with(&f, READ, 6, 1, 0, 0), 0)), 0);
    rig_expect(f.rig, 2, "dword 5");
    rig_free(f.rig);
}

static void test_copy(void **state)
{
    (void)state;
    struct fixture f = start(8, false, 0);
    uint64_t ranges = rig_alloc(f.rig, 4096);
    memset(rig_at(f.rig, f.beside), 0x77, 24);
    assert_int_equal(status(&f, beside(&f, with(&f, WRITE, 29, 3, 0, 0), 0)), 0);
    *(uint64_t *)(void *)((uint8_t *)rig_at(f.rig, ranges) + 8) = 30;
    *((uint8_t *)rig_at(f.rig, ranges) + 16) = 3; /* 30 and 31, and two that have no memory */
    assert_int_equal(status(&f, rig_command(COPY, 1, ranges, 0, 1, 0, 0)), 0);
    assert_int_equal(status(&f, beside(&f, with(&f, READ, 0, 5, 0, 0), 0)), 0);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(((uint8_t *)rig_at(f.rig, f.beside))[i],
                         i / 8 == 1 || i / 8 == 2 ? 0x77 : 0);
    rig_free(f.rig);
    f = start(8, false, 1);
    assert_int_equal(status(&f, rig_command(COPY, 1, ranges, 0, 1, 0, 0)), INVALID_FIELD);
    rig_free(f.rig);
}

/* ---- Protection information ---------------------------------------------------------------- */

/* The tuple that PRACT made for a block of `bytes`, as a read without it shows. */
static const uint8_t *made(struct fixture *f, uint8_t bytes, uint32_t lba, uint32_t tags)
{
    memset(rig_at(f->rig, f->data), bytes, 512);
    struct rig_sqe sqe = with(f, WRITE, lba, 1, PRACT, lba);
    sqe.dword[15] = tags;
    assert_int_equal(status(f, sqe), 0);
    assert_int_equal(status(f, beside(f, with(f, READ, lba, 1, 0, 0), 0)), 0);
    return rig_at(f->rig, f->beside);
}

/* Known guards: NVM 5.2.1.1 has a CRC whose check value, of "123456789", is D0DBh. */
static void test_tuples(void **state)
{
    (void)state;
    struct fixture f = start(8, false, 2);
    assert_memory_equal(made(&f, 0, 9, 0x1234), "\0\0\x12\x34\0\0\0\x09", 8);
    uint8_t *data = rig_at(f.rig, f.data);
    memset(data, 0, 512);
    memcpy(data + 512 - 9, "123456789", 9); /* zeros before it do not change a CRC of zeros */
    assert_int_equal(status(&f, with(&f, WRITE, 7, 1, PRACT, 0x01020304)), 0);
    assert_int_equal(status(&f, beside(&f, with(&f, READ, 7, 1, GUARD, 0), 0)), 0);
    assert_memory_equal(rig_at(f.rig, f.beside), "\xD0\xDB\0\0\1\2\3\4", 8);
    rig_free(f.rig);
}

/* What the host hands over is checked before it is kept. */
static void test_checks_of_writes(void **state)
{
    (void)state;
    for (uint8_t type = 1; type <= 3; type++) {
        struct fixture f = start(8, false, type);
        uint8_t *metadata = rig_at(f.rig, f.beside), *data = rig_at(f.rig, f.data);
        uint32_t checks = GUARD | APPLICATION | (type < 3 ? REFERENCE : 0);
        memcpy(metadata, made(&f, 0xA5, 9, 0x00FF), 8);
        struct rig_sqe write = beside(&f, with(&f, WRITE, 9, 1, checks, 9), 0);
        write.dword[15] = 0xFFFF00FF;
        assert_int_equal(status(&f, write), 0);
        data[100] ^= 1;
        assert_int_equal(status(&f, write), GUARD_CHECK);
        data[100] ^= 1;
        metadata[2] = 1;
        assert_int_equal(status(&f, write), APPLICATION_CHECK);
        write.dword[15] = 0x00FF00FF; /* by what is in the mask */
        assert_int_equal(status(&f, write), 0);
        metadata[7] = 8;
        assert_int_equal(status(&f, write), type < 3 ? REFERENCE_CHECK : 0);
        memset(metadata + 2, 0xFF, 2); /* unchecked, for type 3 only with the other tag */
        data[100] ^= 1;
        assert_int_equal(status(&f, write), type < 3 ? 0 : GUARD_CHECK);
        memset(metadata + 4, 0xFF, 4);
        assert_int_equal(status(&f, write), 0);
        rig_free(f.rig);
    }
}

static void test_refused_writes_leave_nothing(void **state)
{
    (void)state;
    struct fixture f = start(8, false, 1);
    uint8_t *metadata = rig_at(f.rig, f.beside), *data = rig_at(f.rig, f.data);
    made(&f, 0xA5, 9, 0);
    metadata[0] ^= 1;
    memset(data, 0xA5, 512);
    assert_int_equal(status(&f, beside(&f, with(&f, WRITE, 9, 1, GUARD, 9), 0)), GUARD_CHECK);
    assert_int_equal(status(&f, with(&f, READ, 9, 1, PRACT | GUARD | REFERENCE, 9)), 0);
    assert_int_equal(status(&f, beside(&f, with(&f, WRITE, 9, 1, 0, 9), 0)),
                     0); /* as it was told */
    assert_int_equal(status(&f, with(&f, READ, 9, 1, PRACT | GUARD, 9)), GUARD_CHECK);
    assert_int_equal(status(&f, with(&f, VERIFY, 9, 1, GUARD, 9)), GUARD_CHECK);
    assert_int_equal(status(&f, with(&f, VERIFY, 9, 1, REFERENCE, 9)), 0);
    assert_int_equal(status(&f, with(&f, VERIFY, 8, 2, GUARD | REFERENCE, 8)), GUARD_CHECK);
    assert_int_equal(status(&f, with(&f, ZEROES, 8, 2, PRACT, 8)), 0);
    assert_int_equal(status(&f, with(&f, VERIFY, 8, 2, GUARD | REFERENCE, 8)), 0);
    rig_free(f.rig);
}

/* Nothing that was not written has protection to be checked. */
static void test_unwritten(void **state)
{
    (void)state;
    struct fixture f = start(8, true, 1 | 8);
    assert_int_equal(status(&f, with(&f, VERIFY, 0, 64, GUARD | REFERENCE, 0)), 0);
    assert_int_equal(status(&f, with(&f, READ, 30, 4, PRACT | GUARD | REFERENCE, 30)), 0);
    assert_int_equal(status(&f, with(&f, READ, 9, 1, GUARD | REFERENCE, 9)), 0);
    assert_memory_equal((uint8_t *)rig_at(f.rig, f.data) + 512, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                        8);
    rig_free(f.rig);
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        uint8_t type, opcode;
        uint32_t prinfo, tag;
        const char *rule;
    } cases[] = {
        {1, READ, PRACT | REFERENCE, 8, "reference tag is not the LBA"},
        {1, WRITE, PRACT, 8, "reference tag is not the LBA"},
        {1, ZEROES, PRACT, 8, "reference tag is not the LBA"},
        {1, VERIFY, REFERENCE, 8, "reference tag is not the LBA"},
        {1, READ, PRACT | GUARD, 8, NULL},
        {1, VERIFY, GUARD, 8, NULL},
        {2, WRITE, PRACT | REFERENCE, 8, NULL},
        {2, COMPARE, PRACT, 9, "PRACT"},
        {2, VERIFY, PRACT, 9, "PRACT"},
        {2, ZEROES, PRACT | GUARD, 9, "PRCHK"},
        {3, READ, PRACT | REFERENCE, 9, "type 3"},
        {3, WRITE, PRACT | GUARD, 0, NULL},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = start(8, false, cases[i].type);
        uint16_t got = status(&f, with(&f, cases[i].opcode, 9, 1, cases[i].prinfo, cases[i].tag));
        assert_int_equal(got, cases[i].rule ? INVALID_PROTECTION : 0);
        if (cases[i].rule)
            rig_expect(f.rig, 1, cases[i].rule);
        rig_free(f.rig);
    }
}

/* ---- Formats ------------------------------------------------------------------------------- */

static void expect_format(struct fixture *f, uint8_t flbas, uint8_t dps)
{
    const uint8_t *data = rig_at(f->rig, f->data);
    assert_int_equal(rig_status(f->rig, 0, rig_command(6, 1, f->data, 0, 0, 0, 0)), 0);
    assert_int_equal(data[26], flbas);
    assert_int_equal(data[27], 3);
    assert_int_equal(data[28], 0x1F);
    assert_int_equal(data[29], dps);
    assert_memory_equal(data + 128, "\x08\0\x09\0\0\0\x09\0\x10\0\x09\0\x40\0\x0C\0", 16);
}

static void test_format(void **state)
{
    (void)state;
    struct fixture f = start(8, false, 1);
    expect_format(&f, 0, 1);
    static const struct {
        uint32_t how;
        uint8_t flbas, dps;
    } formats[] = {
        {0 | 1 << 4 | 2 << 5 | 1 << 8, 0x10, 2 | 8},
        {2 | 3 << 5, 2, 3},
        {3 | 1 << 4, 0x13, 0},
        {1 | 1 << 4 | 1 << 8, 1, 0}, /* neither means anything */
        {0 | 1 << 5, 0, 1},
    };
    for (unsigned i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        assert_int_equal(rig_status(f.rig, 0, rig_command(0x80, 1, 0, 0, formats[i].how, 0, 0)), 0);
        expect_format(&f, formats[i].flbas, formats[i].dps);
    }
    assert_int_equal(f.rig->virt.counters.formats, 5);
    made(&f, 0x55, 3, 0);
    assert_int_equal(rig_status(f.rig, 0, rig_command(0x80, 1, 0, 0, 1 << 5, 0, 0)), 0);
    assert_int_equal(status(&f, beside(&f, with(&f, READ, 3, 1, 0, 0), 0)), 0);
    assert_memory_equal(rig_at(f.rig, f.beside), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8);
    const uint32_t wrong[] = {1 | 1 << 5, 0 | 4 << 5, 2 | 7 << 5, 4};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rig_status(f.rig, 0, rig_command(0x80, 1, 0, 0, wrong[i], 0, 0)),
                         INVALID_FORMAT);
    expect_format(&f, 0, 1);
    rig_free(f.rig);
}

/* Impossible ones; and memory that runs out. */
static void test_no_start(void **state)
{
    (void)state;
    struct rig rig = {.allocations_left = -1};
    const struct nvmevirt_environment environment = rig_environment(&rig);
    const struct nvmevirt_namespace cases[] = {
        {.metadata_size = 8, .protection = 4},
        {.metadata_size = 7, .protection = 1},
        {.metadata_size = 8, .formats = {9, 9}, .format_metadata = {0, 16}},
    };
    struct nvmevirt controller;
    struct nvmevirt_config config = rig_config();
    for (unsigned i = 0; i < 4; i++) {
        struct nvmevirt_namespace namespace = cases[i % 3];
        if (i == 3)
        namespace = (struct nvmevirt_namespace){.metadata_size = 8};
        namespace.nsid = 1;
        namespace.block_size = 512;
        namespace.blocks = 8;
        config.namespaces = &namespace;
        for (long left = 0; i == 3 && left < 9; left++) {
            rig.allocations_left = left;
            assert_false(nvmevirt_init(&controller, &config, &environment));
            assert_int_equal(rig.allocations, 0);
        }
        rig.allocations_left = -1;
        assert_int_equal(nvmevirt_init(&controller, &config, &environment), i == 3);
        if (i == 3)
            nvmevirt_destroy(&controller);
        assert_int_equal(rig.allocations, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside),
        cmocka_unit_test(test_interleaved),
        cmocka_unit_test(test_pointer),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_tuples),
        cmocka_unit_test(test_checks_of_writes),
        cmocka_unit_test(test_refused_writes_leave_nothing),
        cmocka_unit_test(test_unwritten),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_no_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
