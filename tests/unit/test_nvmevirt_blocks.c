/*
 * The software controller's optional I/O commands: Dataset Management, Verify,
 * Copy, Write Uncorrectable, what they claim and what limits they have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

struct fixture {
    struct rig *rig;
    uint64_t page, ranges;
};

static struct fixture start(struct nvmevirt_config config)
{
    struct rig *rig = rig_io(&config);
    return (struct fixture){rig, rig_alloc(rig, 4096), rig_alloc(rig, 2 * 4096)};
}

/* Block `lba` is made of bytes `value`. */
static void write_block(struct fixture *f, uint64_t lba, uint8_t value)
{
    memset(rig_at(f->rig, f->page), value, 512);
    assert_int_equal(rig_status(f->rig, 1, rig_rw(WRITE, lba, 1, f->page, 0)), 0);
}

static uint16_t read_block(struct fixture *f, uint64_t lba, uint8_t *value)
{
    uint8_t *bytes = rig_at(f->rig, f->page);
    memset(bytes, 0xEE, 512);
    uint16_t status = rig_status(f->rig, 1, rig_rw(READ, lba, 1, f->page, 0));
    *value = bytes[0];
    for (unsigned i = 1; i < 512; i++)
        assert_int_equal(bytes[i], bytes[0]);
    return status;
}

static void expect_block(struct fixture *f, uint64_t lba, uint8_t value)
{
    uint8_t got;
    assert_int_equal(read_block(f, lba, &got), 0);
    assert_int_equal(got, value);
}

static void put_range(struct fixture *f, unsigned index, uint64_t lba, uint32_t blocks)
{
    uint32_t range[4] = {0, blocks, (uint32_t)lba, (uint32_t)(lba >> 32)};
    memcpy(rig_at(f->rig, f->ranges + 16 * index), range, sizeof range);
}

static uint16_t dataset(struct fixture *f, uint32_t count, uint32_t attributes)
{
    return rig_status(f->rig, 1, rig_command(DATASET, 1, f->ranges, 0, count - 1, attributes, 0));
}

static void test_deallocate(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    for (unsigned i = 0; i < 512; i++)
        write_block(&f, i, (uint8_t)(i + 1) | 1);
    for (unsigned i = 0; i < 256; i++)
        put_range(&f, i, 2 * i, 1); /* every other block, in as many ranges as there can be */
    assert_int_equal(dataset(&f, 256, 3), 0);
    expect_block(&f, 0, 1); /* hints change nothing */
    assert_int_equal(dataset(&f, 256, 4), 0);
    for (unsigned i = 0; i < 512; i++)
        expect_block(&f, i, i % 2 ? (uint8_t)(i + 1) | 1 : 0);
    assert_int_equal(f.rig->virt.counters.deallocated, 256);

    put_range(&f, 0, 1, 0); /* the length counts from 1: this is nothing */
    put_range(&f, 1, 5, 3);
    put_range(&f, 2, 5000, 0); /* and may start anywhere */
    assert_int_equal(dataset(&f, 3, 4), 0);
    expect_block(&f, 1, 3);
    expect_block(&f, 7, 0);
    expect_block(&f, 9, 11);
    rig_free(f.rig);
}

static void test_deallocate_rules(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    write_block(&f, 0, 0x55);
    put_range(&f, 0, 0, 1);
    put_range(&f, 1, 2047, 2);
    assert_int_equal(dataset(&f, 2, 4), DNR | 0x80);
    expect_block(&f, 0, 0x55); /* all or nothing */
    put_range(&f, 1, 1ull << 32, 1);
    assert_int_equal(dataset(&f, 2, 4), DNR | 0x80);
    put_range(&f, 1, 2047, 1);
    assert_int_equal(dataset(&f, 2, 4 | 8), 0);
    rig_expect(f.rig, 1, "dword 11");
    assert_int_equal(rig_status(f.rig, 1, rig_command(DATASET, 1, f.ranges + 4096 - 8, 0, 0, 4, 0)),
                     DNR | 2);
    rig_expect(f.rig, 1, "PRP2 is null");

    rig_free(f.rig);
}

/* Without ONCS it is the limits that offer the command, and hold. */
static void test_deallocate_limits(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    struct nvmevirt_config *config = &f.rig->virt.config;
    config->oncs = 0;
    put_range(&f, 0, 0, 1);
    put_range(&f, 1, 2047, 1);
    assert_int_equal(dataset(&f, 2, 4), DNR | 1);
    config->dmrl = 1;
    assert_int_equal(dataset(&f, 2, 4), DNR | 0x183);
    assert_int_equal(dataset(&f, 2, 1), DNR | 0x183); /* for hints as well */
    assert_int_equal(dataset(&f, 1, 4), 0);
    config->dmrl = 0;
    config->dmrsl = 4;
    put_range(&f, 0, 0, 5);
    assert_int_equal(dataset(&f, 2, 4), DNR | 0x183);
    put_range(&f, 0, 0, 4);
    assert_int_equal(dataset(&f, 2, 4), 0);
    config->dmsl = 4;
    assert_int_equal(dataset(&f, 2, 4), DNR | 0x183);
    config->dmsl = 5;
    assert_int_equal(dataset(&f, 2, 4), 0);
    rig_free(f.rig);
}

/* With ONCS they say how much is done; the rest is left alone, and no error. */
static void test_deallocate_advice(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.dmrl = 3;
    config.dmrsl = 4;
    config.dmsl = 8;
    struct fixture f = start(config);
    for (unsigned i = 0; i < 64; i++)
        write_block(&f, i, 0x55);
    put_range(&f, 0, 0, 6);
    put_range(&f, 1, 16, 3); /* 6 have gone before, be they left alone or not: 2 remain */
    put_range(&f, 2, 32, 1);
    put_range(&f, 3, 48, 1);
    assert_int_equal(dataset(&f, 4, 4), 0);
    assert_int_equal(f.rig->virt.counters.deallocated, 4 + 2);
    expect_block(&f, 3, 0);
    expect_block(&f, 4, 0x55);
    expect_block(&f, 17, 0);
    expect_block(&f, 18, 0x55);
    expect_block(&f, 32, 0x55);
    f.rig->virt.config.dmsl = 100;
    assert_int_equal(dataset(&f, 4, 4), 0);
    expect_block(&f, 18, 0);
    expect_block(&f, 32, 0);
    expect_block(&f, 48, 0x55); /* the fourth range of three */
    rig_free(f.rig);
}

static void test_uncorrectable(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    uint8_t value;
    write_block(&f, 10, 0x11);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(UNCORRECTABLE, 10, 3, 0, 0)), 0);
    assert_int_equal(read_block(&f, 10, &value), 0x281);
    assert_int_equal(value, 0xEE); /* no data comes */
    assert_int_equal(rig_status(f.rig, 1, rig_rw(COMPARE, 9, 8, f.page, 0)), 0x281);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(VERIFY, 12, 1, 0, 0)), 0x281);
    expect_block(&f, 9, 0);
    expect_block(&f, 13, 0);
    write_block(&f, 10, 0x22);
    expect_block(&f, 10, 0x22);
    assert_int_equal(read_block(&f, 11, &value), 0x281);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(ZEROES, 11, 1, 0, 0)), 0);
    expect_block(&f, 11, 0);
    put_range(&f, 0, 12, 1);
    assert_int_equal(dataset(&f, 1, 4), 0);
    expect_block(&f, 12, 0);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(UNCORRECTABLE, 2047, 2, 0, 0)), DNR | 0x80);
    assert_int_equal(f.rig->virt.counters.made_uncorrectable, 3);
    rig_free(f.rig);
}

static void test_verify(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    assert_int_equal(rig_status(f.rig, 1, rig_rw(VERIFY, 0, 2048, 0, 0)), 0);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(VERIFY, 2047, 2, 0, 0)), DNR | 0x80);
    assert_int_equal(f.rig->virt.counters.verified, 2048);
    assert_int_equal(f.rig->virt.counters.bytes_read, 2048 * 512); /* in SMART, as if it was read */
    assert_int_equal(rig_status(f.rig, 1, rig_rw(VERIFY, 0, 8, f.page, 0)), 0);
    rig_expect(f.rig, 2, "dword 7"); /* it has no data */
    rig_free(f.rig);
}

static void test_limits(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.vsl = 1;
    config.wzsl = 2;
    config.wusl = 3;
    struct fixture f = start(config);
    const struct {
        uint8_t opcode;
        uint32_t blocks;
    } limits[] = {{VERIFY, 16}, {ZEROES, 32}, {UNCORRECTABLE, 64}};
    for (unsigned i = 0; i < 3; i++) {
        uint8_t opcode = limits[i].opcode;
        f.rig->virt.config.oncs = UINT16_MAX; /* advice */
        assert_int_equal(rig_status(f.rig, 1, rig_rw(opcode, 0, limits[i].blocks + 1, 0, 0)), 0);
        f.rig->virt.config.oncs = 0;
        assert_int_equal(rig_status(f.rig, 1, rig_rw(opcode, 0, limits[i].blocks, 0, 0)), 0);
        assert_int_equal(rig_status(f.rig, 1, rig_rw(opcode, 0, limits[i].blocks + 1, 0, 0)),
                         DNR | 2);
        rig_expect(f.rig, 1, "exceeds its limit");
    }
    rig_free(f.rig);
}

static void put_source(struct fixture *f, unsigned index, uint64_t lba, uint32_t blocks)
{
    uint32_t range[8] = {0, 0, (uint32_t)lba, (uint32_t)(lba >> 32), blocks - 1};
    memcpy(rig_at(f->rig, f->ranges + 32 * index), range, sizeof range);
}

static struct rig_cqe copy(struct fixture *f, uint64_t to, uint32_t count, uint32_t dword12)
{
    return rig_run(f->rig, 1,
                   rig_command(COPY, 1, f->ranges, count > 128 ? f->ranges + 4096 : 0, (uint32_t)to,
                               (uint32_t)(to >> 32), (count - 1) | dword12));
}

static void test_copy(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    for (unsigned i = 0; i < 8; i++)
        write_block(&f, i, (uint8_t)(i + 1));
    put_source(&f, 0, 6, 2);
    put_source(&f, 1, 0, 3);
    assert_int_equal(copy(&f, 1000, 2, 1u << 30).status, 0);
    const uint8_t want[] = {7, 8, 1, 2, 3, 0};
    for (unsigned i = 0; i < 6; i++)
        expect_block(&f, 1000 + i, want[i]);
    assert_int_equal(f.rig->virt.counters.copied, 5);
    assert_int_equal(f.rig->virt.counters.fua, 1);
    for (unsigned i = 0; i < 128; i++)
        put_source(&f, i, 7, 1);
    assert_int_equal(copy(&f, 1100, 128, 0).status, 0);
    expect_block(&f, 1227, 8);
    expect_block(&f, 1228, 0);
    rig_free(f.rig);
}

static void test_copy_rules(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.mssrl = 8;
    config.mcl = 12;
    config.msrc = 2;
    struct fixture f = start(config);
    write_block(&f, 0, 0x77);
    for (unsigned i = 0; i < 4; i++)
        put_source(&f, i, 0, 3);
    assert_int_equal(copy(&f, 100, 4, 0).status, DNR | 0x183);
    assert_int_equal(copy(&f, 100, 3, 0).status, 0);
    assert_int_equal(copy(&f, 100, 3, 1 << 8).status, DNR | 2); /* format 1 */
    put_source(&f, 1, 0, 9);
    struct rig_cqe cqe = copy(&f, 200, 2, 0);
    assert_int_equal(cqe.status, DNR | 0x183);
    assert_int_equal(cqe.result, 0); /* nothing was written */
    put_source(&f, 1, 0, 8);
    assert_int_equal(copy(&f, 200, 2, 0).status, 0);
    assert_int_equal(copy(&f, 200, 3, 0).status, DNR | 0x183); /* 14 blocks, 12 are allowed */
    put_source(&f, 1, 2045, 4);
    assert_int_equal(copy(&f, 300, 2, 0).status, DNR | 0x80);
    expect_block(&f, 300, 0); /* all or nothing */
    put_source(&f, 1, 2045, 3);
    assert_int_equal(copy(&f, 2043, 2, 0).status, DNR | 0x80);
    assert_int_equal(copy(&f, 2042, 2, 0).status, 0);
    expect_block(&f, 2042, 0x77);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(UNCORRECTABLE, 2046, 1, 0, 0)), 0);
    cqe = copy(&f, 300, 2, 0);
    assert_int_equal(cqe.status, 0x281);
    assert_int_equal(cqe.result, 0);
    assert_int_equal(copy(&f, 2046, 1, 0).status, DNR | 0x80);
    put_source(&f, 0, 0, 2);
    assert_int_equal(copy(&f, 2046, 1, 0).status, 0); /* what is copied over is good again */
    expect_block(&f, 2046, 0x77);
    ((uint8_t *)rig_at(f.rig, f.ranges))[3] = 1;
    assert_int_equal(copy(&f, 300, 1, 0).status, 0);
    rig_expect(f.rig, 1, "reserved bytes");
    put_source(&f, 0, 0, 1);
    assert_int_equal(copy(&f, 300, 1, 1u << 25).status, 0);
    rig_expect(f.rig, 1, "dword 12");
    rig_free(f.rig);
}

/* Commands that are not claimed do not exist. */
static void test_claims(void **state)
{
    (void)state;
    const struct {
        uint8_t opcode;
        uint16_t bit;
        bool data;
    } commands[] = {{COMPARE, 1, true}, {UNCORRECTABLE, 2, false}, {DATASET, 4, true},
                    {ZEROES, 8, false}, {VERIFY, 0x80, false},     {COPY, 0x100, true}};
    struct fixture f = start(rig_everything());
    put_source(&f, 0, 0, 1);
    for (unsigned i = 0; i < 6; i++) {
        struct rig_sqe sqe = rig_rw(commands[i].opcode, 0, 1, commands[i].data ? f.ranges : 0, 0);
        if (commands[i].opcode == COMPARE)
            sqe.dword[6] = (uint32_t)f.page;
        f.rig->virt.config.oncs = commands[i].bit;
        if (commands[i].opcode == UNCORRECTABLE)
            sqe.dword[10] = 100;
        assert_int_equal(rig_status(f.rig, 1, sqe), 0);
        f.rig->virt.config.oncs = (uint16_t)~commands[i].bit;
        assert_int_equal(rig_status(f.rig, 1, sqe), DNR | 1);
    }
    rig_free(f.rig);
}

/* Room to remember bad blocks is taken at the start only. */
static void test_late_claim(void **state)
{
    (void)state;
    struct fixture f = start(rig_config());
    f.rig->virt.config.oncs = UINT16_MAX;
    assert_int_equal(rig_status(f.rig, 1, rig_rw(UNCORRECTABLE, 0, 1, 0, 0)), DNR | 1);
    put_range(&f, 0, 0, 8);
    assert_int_equal(dataset(&f, 1, 4), 0);
    rig_free(f.rig);
}

static void test_fua(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    struct rig_sqe sqe = rig_rw(WRITE, 0, 1, f.page, 0);
    assert_int_equal(rig_status(f.rig, 1, sqe), 0);
    assert_int_equal(f.rig->virt.counters.fua, 0);
    sqe.dword[12] |= 1u << 30;
    assert_int_equal(rig_status(f.rig, 1, sqe), 0);
    sqe.dword[0] = READ;
    assert_int_equal(rig_status(f.rig, 1, sqe), 0);
    assert_int_equal(f.rig->virt.counters.fua, 2);
    rig_free(f.rig);
}

static void test_read_only(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    write_block(&f, 3, 0x33);
    put_range(&f, 0, 3, 1);
    assert_true(nvmevirt_protect(&f.rig->virt, 1, true));
    assert_false(nvmevirt_protect(&f.rig->virt, 1, true));
    assert_false(nvmevirt_protect(&f.rig->virt, 2, true));
    const uint8_t opcodes[] = {WRITE, ZEROES, UNCORRECTABLE};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_status(f.rig, 1, rig_rw(opcodes[i], 3, 1, i ? 0 : f.page, 0)),
                         DNR | 0x20);
    assert_int_equal(dataset(&f, 1, 4), DNR | 0x20);
    assert_int_equal(dataset(&f, 1, 1), 0);
    put_source(&f, 0, 0, 1);
    assert_int_equal(copy(&f, 3, 1, 0).status, DNR | 0x20);
    assert_int_equal(rig_status(f.rig, 0, rig_command(0x80, 1, 0, 0, 0, 0, 0)), DNR | 0x20);
    expect_block(&f, 3, 0x33);
    assert_int_equal(rig_status(f.rig, 0, rig_command(6, 1, f.page, 0, 0, 0, 0)), 0);
    assert_int_equal(((uint8_t *)rig_at(f.rig, f.page))[99], 1); /* NSATTR */
    assert_int_equal(rig_status(f.rig, 0, rig_command(6, 1, f.page, 0, 8, 0, 0)), 0);
    assert_int_equal(((uint8_t *)rig_at(f.rig, f.page))[8], 1);
    rig_free(f.rig);
}

/* Outside the window that has memory: zeros come, nothing stays, nothing else happens. */
static void test_unbacked(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = {.nsid = 1,
                                                 .block_size = 512,
                                                 .blocks = 1ull << 40,
                                                 .backed_first = 1ull << 33,
                                                 .backed_count = 4};
    struct nvmevirt_config config = rig_everything();
    config.namespaces = &namespace;
    struct fixture f = start(config);
    uint64_t first = 1ull << 33;
    write_block(&f, first, 0x44);
    put_source(&f, 0, first - 1, 2);
    assert_int_equal(copy(&f, first + 2, 1, 0).status, 0);
    expect_block(&f, first + 2, 0);
    expect_block(&f, first + 3, 0x44);
    assert_int_equal(copy(&f, first + 3, 1, 0).status, 0x280);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(UNCORRECTABLE, first + 3, 2, 0, 0)), 0x280);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(UNCORRECTABLE, first + 3, 1, 0, 0)), 0);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(VERIFY, first + 3, 2, 0, 0)), 0x281);
    put_range(&f, 0, 0, UINT32_MAX); /* nothing there, but a long way */
    put_range(&f, 1, first - UINT32_MAX + 4, UINT32_MAX);
    assert_int_equal(dataset(&f, 2, 4), 0);
    expect_block(&f, first, 0);
    expect_block(&f, first + 3, 0);
    rig_free(f.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deallocate),
        cmocka_unit_test(test_deallocate_rules),
        cmocka_unit_test(test_uncorrectable),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_deallocate_limits),
        cmocka_unit_test(test_deallocate_advice),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_rules),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_late_claim),
        cmocka_unit_test(test_fua),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_unbacked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
