/*
 * The software controller's Scatter Gather Lists: each rule of Base 4.1.2
 * broken once, and what keeps to it accepted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

enum {
    DATA = 0x00,
    BUCKET = 0x10,
    SEGMENT = 0x20,
    LAST = 0x30
};

struct sgl {
    struct rig *rig;
    uint64_t data, list, next;
};

static struct sgl start(struct nvmevirt_config config)
{
    struct rig *rig = rig_io(&config);
    return (struct sgl){rig, rig_alloc(rig, 4 * 4096), rig_alloc(rig, 2 * 4096),
                        rig_alloc(rig, 4096)};
}

static void put(struct sgl *sgl, uint64_t bus, uint64_t address, uint32_t length, uint8_t type)
{
    uint32_t descriptor[4] = {(uint32_t)address, (uint32_t)(address >> 32), length,
                              (uint32_t)type << 24};
    memcpy(rig_at(sgl->rig, bus), descriptor, sizeof descriptor);
}

static uint16_t io(struct sgl *sgl, uint8_t opcode, uint32_t blocks, uint64_t address,
                   uint32_t length, uint8_t type)
{
    return rig_status(sgl->rig, 1, rig_sgl(rig_rw(opcode, 0, blocks, 0, 0), address, length, type));
}

/* Blocks 0 to 15 hold bytes that tell where they are. */
static void fill(struct sgl *sgl)
{
    uint8_t *bytes = rig_at(sgl->rig, sgl->data);
    for (unsigned i = 0; i < 8192; i++)
        bytes[i] = (uint8_t)(i * 5 + i / 256);
    assert_int_equal(io(sgl, WRITE, 16, sgl->data, 8192, DATA), 0);
    memset(bytes, 0, 4 * 4096);
}

static uint8_t wanted(unsigned i)
{
    return (uint8_t)(i * 5 + i / 256);
}

static void test_one_block(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    uint8_t *bytes = rig_at(sgl.rig, sgl.data);
    fill(&sgl);
    /* An odd address, over page ends, without any list. */
    sgl.rig->access_count = 0;
    assert_int_equal(io(&sgl, READ, 16, sgl.data + 1001, 8192, DATA), 0);
    assert_int_equal(sgl.rig->access_count, 5); /* SQE, three pages, CQE */
    for (unsigned i = 0; i < 8192; i++)
        assert_int_equal(bytes[1001 + i], wanted(i));
    assert_int_equal(io(&sgl, COMPARE, 16, sgl.data + 1001, 8192, DATA), 0);
    bytes[9000]++;
    assert_int_equal(io(&sgl, COMPARE, 16, sgl.data + 1001, 8192, DATA), DNR | 0x285);
    assert_int_equal(sgl.rig->virt.counters.sgl, 4);
    assert_int_equal(rig_status(sgl.rig, 1, rig_rw(READ, 0, 8, sgl.data, 0)), 0); /* PRPs stay */
    rig_free(sgl.rig);
}

static void test_segments(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    uint8_t *bytes = rig_at(sgl.rig, sgl.data);
    fill(&sgl);
    /* Three blocks, backwards, in a last segment whose first descriptor crosses a page. */
    uint64_t list = sgl.list + 4096 - 8;
    put(&sgl, list, sgl.data + 8192, 1000, DATA);
    put(&sgl, list + 16, 0, 0, DATA); /* describes nothing */
    put(&sgl, list + 32, sgl.data, 536, DATA);
    assert_int_equal(io(&sgl, READ, 3, list, 48, LAST), 0);
    for (unsigned i = 0; i < 1536; i++)
        assert_int_equal(bytes[i < 1000 ? 8192 + i : i - 1000], wanted(i));
    rig_free(sgl.rig);
}

static void test_segment_chain(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    uint8_t *bytes = rig_at(sgl.rig, sgl.data);
    fill(&sgl);
    put(&sgl, sgl.list, sgl.data + 8192, 1000, DATA);
    put(&sgl, sgl.list + 16, sgl.next, 16, SEGMENT);
    put(&sgl, sgl.next, sgl.list + 64, 16, LAST);
    put(&sgl, sgl.list + 64, sgl.data, 536, DATA);
    assert_int_equal(io(&sgl, READ, 3, sgl.list, 32, SEGMENT), 0);
    for (unsigned i = 0; i < 1536; i++)
        assert_int_equal(bytes[i < 1000 ? 8192 + i : i - 1000], wanted(i));
    rig_free(sgl.rig);
}

static void broken(struct sgl *sgl, uint64_t address, uint32_t length, uint8_t type,
                   uint16_t status, const char *text)
{
    uint8_t *bytes = rig_at(sgl->rig, sgl->data);
    memset(bytes, 0xEE, 4096);
    assert_int_equal(io(sgl, READ, 2, address, length, type), status);
    rig_expect(sgl->rig, 1, text);
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(bytes[i], 0xEE); /* nothing moves before all has been checked */
}

static void test_segment_rules(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    put(&sgl, sgl.list, sgl.data, 512, DATA);
    put(&sgl, sgl.list + 16, sgl.data, 512, DATA);
    broken(&sgl, sgl.list, 31, LAST, DNR | 0xD, "multiple of 16");
    broken(&sgl, sgl.list, 0, LAST, DNR | 0xD, "multiple of 16");
    broken(&sgl, sgl.list, 40, SEGMENT, DNR | 0xD, "multiple of 16");
    broken(&sgl, sgl.list + 4, 32, LAST, DNR | 0xD, "aligned");
    broken(&sgl, 0, 32, LAST, DNR | 0xD, "null");
    broken(&sgl, sgl.list, 32, SEGMENT, DNR | 0xD, "leads nowhere");
    broken(&sgl, sgl.list - 4096, 32, LAST, 4, "SGL segment: read");
    assert_int_equal(io(&sgl, READ, 2, sgl.list, 32, LAST), 0);

    put(&sgl, sgl.list, sgl.next, 16, LAST); /* a pointer that is not the last descriptor */
    put(&sgl, sgl.next, sgl.data, 1024, DATA);
    broken(&sgl, sgl.list, 32, SEGMENT, DNR | 0xE, "not its segment's last");
    broken(&sgl, sgl.list, 16, LAST, DNR | 0xD, "last segment leads");
    assert_int_equal(io(&sgl, READ, 2, sgl.list, 16, SEGMENT), 0);

    put(&sgl, sgl.list, sgl.list, 16, SEGMENT); /* in a circle */
    broken(&sgl, sgl.list, 16, SEGMENT, DNR | 0xE, "no end");
    rig_free(sgl.rig);
}

static void test_types(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    const uint8_t bad[] = {DATA | 1, DATA | 10, BUCKET | 0, SEGMENT | 1,
                           LAST | 1, 0x40,      0x50,       0xF0};
    sgl.rig->virt.config.sgls &= ~NVMEVIRT_SGLS_BIT_BUCKET;
    for (unsigned i = 0; i < sizeof bad; i++)
        broken(&sgl, sgl.data, 1024, bad[i], DNR | 0x11, "not offered");
    struct rig_sqe sqe = rig_sgl(rig_rw(READ, 0, 2, 0, 0), sgl.data, 1024, DATA);
    sqe.dword[9] |= 0x00010000;
    assert_int_equal(rig_status(sgl.rig, 1, sqe), 0);
    rig_expect(sgl.rig, 1, "reserved bytes");
    rig_free(sgl.rig);
}

static void test_length(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    broken(&sgl, sgl.data, 1023, DATA, DNR | 0xF, "3ff bytes");
    assert_int_equal(io(&sgl, READ, 2, sgl.data, 1025, DATA), 0); /* longer is allowed */
    put(&sgl, sgl.list, sgl.data, 1024, DATA);
    put(&sgl, sgl.list + 16, sgl.data - 4096, 512, DATA); /* of no use, and so not touched */
    assert_int_equal(io(&sgl, READ, 2, sgl.list, 32, LAST), 0);
    sgl.rig->virt.config.sgls &= ~NVMEVIRT_SGLS_LONGER;
    broken(&sgl, sgl.data, 1025, DATA, DNR | 0xF, "401 bytes");
    broken(&sgl, sgl.list, 32, LAST, DNR | 0xF, "600 bytes");
    assert_int_equal(io(&sgl, READ, 2, sgl.data, 1024, DATA), 0);
    rig_free(sgl.rig);
}

static void test_granularity(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.sgls = NVMEVIRT_SGLS_DWORDS | NVMEVIRT_SGLS_LONGER;
    struct sgl sgl = start(config);
    broken(&sgl, sgl.data + 2, 1024, DATA, DNR | 0x1E, "dwords");
    broken(&sgl, sgl.data, 1026, DATA, DNR | 0x1E, "dwords");
    assert_int_equal(io(&sgl, READ, 2, sgl.data + 4, 1024, DATA), 0);
    rig_free(sgl.rig);
}

static void test_bit_bucket(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    uint8_t *bytes = rig_at(sgl.rig, sgl.data);
    fill(&sgl);
    put(&sgl, sgl.list, sgl.data, 100, DATA);
    put(&sgl, sgl.list + 16, 0, 5000, BUCKET);
    put(&sgl, sgl.list + 32, sgl.data + 100, 8192 - 5100, DATA);
    assert_int_equal(io(&sgl, READ, 16, sgl.list, 48, LAST), 0);
    for (unsigned i = 0; i < 8192 - 5000; i++)
        assert_int_equal(bytes[i], wanted(i < 100 ? i : i + 5000));
    assert_int_equal(bytes[8192 - 5000], 0);
    assert_int_equal(io(&sgl, READ, 2, 0, 1024, BUCKET), 0); /* all of it */
    assert_int_equal(io(&sgl, READ, 2, sgl.data, 1024, BUCKET), 0);
    rig_expect(sgl.rig, 1, "has an address");

    put(&sgl, sgl.list + 32, sgl.data + 100, 924, DATA);
    assert_int_equal(io(&sgl, WRITE, 2, sgl.list, 48, LAST), 0); /* says nothing in a write */
    assert_int_equal(io(&sgl, WRITE, 2, 0, 1024, BUCKET), DNR | 0xF);
    rig_expect(sgl.rig, 1, "0 bytes");
    rig_free(sgl.rig);
}

static void test_threshold(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.sgls |= 2u << 8;
    struct sgl sgl = start(config);
    put(&sgl, sgl.list, sgl.data, 512, DATA);
    put(&sgl, sgl.list + 16, sgl.data, 512, DATA);
    assert_int_equal(io(&sgl, READ, 2, sgl.list, 32, LAST), 0);
    rig_expect(sgl.rig, 1, "3 descriptors, 2 are advised");
    assert_int_equal(io(&sgl, READ, 1, sgl.list, 16, LAST), 0);
    rig_free(sgl.rig);
}

static void test_not_granted(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    assert_int_equal(io(&sgl, READ, 2, sgl.data - 512, 1024, DATA), 4);
    rig_expect(sgl.rig, 1, "data: write");
    rig_protect(sgl.rig, sgl.data, true, false);
    assert_int_equal(io(&sgl, READ, 2, sgl.data, 1024, DATA), 4);
    rig_expect(sgl.rig, 1, "data: write");
    assert_int_equal(io(&sgl, WRITE, 2, sgl.data, 1024, DATA), 0);
    rig_free(sgl.rig);
}

/* PSDT: which values, on which queue, by what is claimed. */
static void test_psdt(void **state)
{
    (void)state;
    struct sgl sgl = start(rig_everything());
    struct rig_sqe sqe = rig_sgl(rig_rw(READ, 0, 2, 0, 0), sgl.data, 1024, DATA);
    sqe.dword[0] ^= 3u << 14; /* 10b */
    assert_int_equal(rig_status(sgl.rig, 1, sqe), 0);
    sgl.rig->virt.config.sgls &= ~NVMEVIRT_SGLS_METADATA;
    assert_int_equal(rig_status(sgl.rig, 1, sqe), DNR | 2);
    sqe.dword[0] |= 3u << 14;
    assert_int_equal(rig_status(sgl.rig, 1, sqe), DNR | 2);
    sqe.dword[0] ^= 2u << 14;
    assert_int_equal(rig_status(sgl.rig, 1, sqe), 0);
    sgl.rig->virt.config.sgls = 0;
    assert_int_equal(rig_status(sgl.rig, 1, sqe), DNR | 2);

    sgl.rig->virt.config.sgls = NVMEVIRT_SGLS_BYTES;
    sqe = rig_sgl(rig_command(6, 0, 0, 0, 1, 0, 0), sgl.data, 4096, DATA);
    assert_int_equal(rig_status(sgl.rig, 0, sqe), DNR | 2);
    rig_expect(sgl.rig, 1, "PSDT");
    assert_int_equal(rig_status(sgl.rig, 0, rig_command(6, 0, sgl.data, 0, 1, 0, 0)), 0);
    uint32_t sgls;
    memcpy(&sgls, (uint8_t *)rig_at(sgl.rig, sgl.data) + 536, 4);
    assert_int_equal(sgls, NVMEVIRT_SGLS_BYTES);
    rig_free(sgl.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_block),     cmocka_unit_test(test_segments),
        cmocka_unit_test(test_segment_chain), cmocka_unit_test(test_segment_rules),
        cmocka_unit_test(test_types),         cmocka_unit_test(test_length),
        cmocka_unit_test(test_granularity),   cmocka_unit_test(test_bit_bucket),
        cmocka_unit_test(test_threshold),     cmocka_unit_test(test_not_granted),
        cmocka_unit_test(test_psdt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
