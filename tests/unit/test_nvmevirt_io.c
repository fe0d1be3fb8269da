/*
 * The software controller's I/O commands, and the PRP rules: each broken once,
 * and held against the oracle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/prp_oracle.h"
#include "tests/unit/virt_rig.h"

static void test_round_trip(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    uint64_t out = rig_alloc(rig, 4096), in = rig_alloc(rig, 4096);
    uint8_t *written = rig_at(rig, out), *got = rig_at(rig, in);
    for (unsigned i = 0; i < 4096; i++)
        written[i] = (uint8_t)(i * 7 + i / 256);
    assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, 2040, 8, out, 0)), 0);
    assert_int_equal(rig_status(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0)), 0);
    assert_int_equal(rig_status(rig, 1, rig_command(FLUSH, UINT32_MAX, 0, 0, 0, 0, 0)), 0);
    assert_int_equal(rig->virt.counters.flushes, 2);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 2040, 8, in, 0)), 0);
    assert_memory_equal(written, got, 4096);
    assert_int_equal(rig_status(rig, 1, rig_rw(COMPARE, 2040, 8, out, 0)), 0);
    written[4095]++;
    assert_int_equal(rig_status(rig, 1, rig_rw(COMPARE, 2040, 8, out, 0)), DNR | 0x285);
    assert_int_equal(rig_status(rig, 1, rig_rw(ZEROES, 2041, 2, 0, 0)), 0);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 2040, 8, in, 0)), 0);
    for (unsigned i = 512; i < 1536; i++)
        assert_int_equal(got[i], 0);
    assert_memory_equal(got, written, 512);
    assert_memory_equal(got + 1536, written + 1536, 2559);
    rig_free(rig);
}

static void test_ranges(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 4096);
    const uint64_t bad[] = {2048, 2047, 1ull << 32, UINT64_MAX, UINT64_MAX - 1};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rig_status(rig, 1, rig_rw(READ, bad[i], 2, page, 0)), DNR | 0x80);
        assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, bad[i], 2, page, 0)), DNR | 0x80);
        assert_int_equal(rig_status(rig, 1, rig_rw(ZEROES, bad[i], 2, 0, 0)), DNR | 0x80);
    }
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 2047, 1, page, 0)), 0);
    struct rig_sqe sqe = rig_rw(READ, 0, 1, page, 0);
    const uint32_t nsids[] = {0, 2, UINT32_MAX};
    for (unsigned i = 0; i < 3; i++) {
        sqe.dword[1] = nsids[i];
        assert_int_equal(rig_status(rig, 1, sqe), DNR | 0xB);
    }
    rig_free(rig);
}

/* Far blocks: only a window has memory, so a truncated LBA shows; an inactive NSID between. */
static void test_large_lba(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 1,
         .block_size = 4096,
         .blocks = 1ull << 40,
         .backed_first = (1ull << 32) + 7,
         .backed_count = 2},
        {.nsid = 3, .block_size = 512, .blocks = 1},
    };
    struct nvmevirt_config config = rig_config();
    config.namespaces = namespaces;
    config.namespace_count = 2;
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 3 * 4096);
    uint8_t *data = rig_at(rig, page);
    memset(data, 0x5A, 4096);
    assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, (1ull << 32) + 7, 1, page, 0)), 0);
    assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, 7, 1, page, 0)), 0x280);
    assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, (1ull << 32) + 9, 1, page, 0)), 0x280);
    /* One block before the window, one in it. */
    memset(data, 0xEE, 8192);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, (1ull << 32) + 6, 2, page, page + 4096)), 0);
    assert_int_equal(data[4095], 0);
    assert_int_equal(data[4096], 0x5A);
    assert_int_equal(data[8191], 0x5A);
    assert_int_equal(rig_status(rig, 1, rig_rw(COMPARE, (1ull << 32) + 6, 2, page, page + 4096)),
                     0);
    data[5] = 1; /* against a block without memory */
    assert_int_equal(rig_status(rig, 1, rig_rw(COMPARE, (1ull << 32) + 6, 2, page, page + 4096)),
                     DNR | 0x285);
    struct rig_sqe sqe = rig_rw(READ, 0, 1, page, 0);
    sqe.dword[1] = 2;
    assert_int_equal(rig_status(rig, 1, sqe), DNR | 2);
    sqe.dword[1] = 3;
    assert_int_equal(rig_status(rig, 1, sqe), 0);
    rig_free(rig);
}

static void test_mdts(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.mdts = 1;
    struct rig *rig = rig_io(&config);
    uint64_t pages = rig_alloc(rig, 3 * 4096);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 16, pages, pages + 4096)), 0);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 17, pages, pages + 4096)), DNR | 2);
    rig_expect(rig, 1, "MDTS");
    assert_int_equal(rig_status(rig, 1, rig_rw(ZEROES, 0, 17, 0, 0)), 0); /* moves no data */
    rig_free(rig);
}

static void broken(struct rig *rig, uint32_t blocks, uint64_t prp1, uint64_t prp2, uint16_t status,
                   const char *text)
{
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, blocks, prp1, prp2)), status);
    rig_expect(rig, 1, text);
}

static void test_prp_rules(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.mdts = 0;
    struct rig *rig = rig_io(&config);
    uint64_t data = rig_alloc(rig, 8 * 4096), list = rig_alloc(rig, 4096);
    uint64_t *entry = rig_at(rig, list);

    broken(rig, 1, data + 2, 0, DNR | 0x13, "PRP1");
    broken(rig, 1, 0, 0, DNR | 2, "PRP1 is null");
    broken(rig, 1, data, data + 4096, 0, "PRP2"); /* reserved, but reading it does no harm */
    broken(rig, 2, data + 3584, 0, DNR | 2, "PRP2 is null");
    broken(rig, 2, data + 3584, data + 4100, DNR | 0x13, "PRP2");
    broken(rig, 24, data, 0, DNR | 2, "list pointer is null");
    broken(rig, 24, data, list + 4, DNR | 0x13, "list pointer");
    broken(rig, 24, data, list, DNR | 2, "list entry is null");
    entry[0] = data + 4096;
    entry[1] = data + 8192 + 4;
    broken(rig, 24, data, list, DNR | 0x13, "list entry");
    broken(rig, 24, data, list - 4096, 4, "PRP list: read");
    entry[1] = data - 4096;
    broken(rig, 24, data, list, 4, "data: write");
    rig_protect(rig, data, true, false);
    broken(rig, 1, data, 0, 4, "data: write");
    rig_protect(rig, data, false, true);
    assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, 0, 1, data, 0)), 4);
    rig_expect(rig, 1, "data: read");

    /* A chain is followed at the end of the page only, and only if it is needed. */
    rig_protect(rig, data, true, true);
    entry[510] = data + 4096;
    entry[511] = data + 8192;
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 24, data, list + 510 * 8)), 0);
    broken(rig, 32, data, list + 510 * 8, DNR | 2, "list entry is null"); /* data as a list */
    entry[511] = list + 8;
    broken(rig, 32, data, list + 510 * 8, DNR | 0x13, "list chain");
    entry[511] = 0;
    broken(rig, 32, data, list + 510 * 8, DNR | 2, "list chain is null");
    uint64_t next = rig_alloc(rig, 4096);
    uint64_t *more = rig_at(rig, next);
    entry[511] = next;
    more[0] = data + 8192;
    more[1] = data + 12288;
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 32, data, list + 510 * 8)), 0);
    rig_free(rig);
}

static bool read_qword(void *context, uint64_t bus, uint64_t *value)
{
    memcpy(value, rig_at(context, bus), sizeof *value);
    return true;
}

/* Offset by offset, length by length: model and oracles find the same pages. */
static void test_prp_oracle_agrees(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.mdts = 0;
    struct rig *rig = rig_io(&config);
    uint64_t data = rig_alloc(rig, 1100 * 4096ull);
    uint64_t lists = rig_alloc(rig, 4 * 4096);
    uint64_t *list = rig_at(rig, lists);
    uint64_t want[1100], found[1100];
    size_t count, found_count;
    const uint32_t blocks[] = {1, 8, 9, 16, 17, 1000, 2048};

    for (unsigned b = 0; b < 7; b++) {
        for (uint64_t offset = 0; offset < 4096; offset += b < 5 ? 4 : 508) {
            struct prp_segment segment = {data + offset, blocks[b] * 512ull};
            assert_true(prp_oracle(4096, &segment, 1, want, 1100, &count));
            uint64_t prp2 = count == 1 ? 0 : count == 2 ? want[1] : lists;
            memcpy(list, want + 1, (count - 1) * 8);
            assert_true(prp_oracle_decode(4096, want[0], prp2, segment.length, read_qword, rig,
                                          found, 1100, &found_count));
            assert_int_equal(found_count, count);
            assert_memory_equal(found, want, count * 8);

            rig_put(rig, 1, rig_rw(READ, 0, blocks[b], want[0], prp2));
            rig_ring(rig, 1);
            rig->access_count = 0;
            nvmevirt_poll(&rig->virt);
            struct rig_cqe cqe;
            assert_true(rig_reap(rig, 1, &cqe));
            assert_int_equal(cqe.status, 0);
            /* SQE, pages with at most one list in between, CQE. */
            unsigned next = 0;
            for (unsigned i = 0; i < rig->access_count && next < count; i++)
                next += rig->accesses[i] == want[next];
            assert_int_equal(next, count);
            assert_int_equal(rig->access_count, count + 2 + (count > 2));
        }
    }
    rig_free(rig);
}

/* 2048 data pages of 4 KiB would need 2047 list entries: four chained list pages. */
static void test_prp_chains(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = {.nsid = 1, .block_size = 512, .blocks = 16384};
    struct nvmevirt_config config = rig_config();
    config.mdts = 0;
    config.namespaces = &namespace;
    struct rig *rig = rig_io(&config);
    uint64_t data = rig_alloc(rig, 8ull << 20), lists = rig_alloc(rig, 5 * 4096);
    uint64_t *list = rig_at(rig, lists);
    uint8_t *bytes = rig_at(rig, data);
    static uint64_t found[2048];
    size_t slot = 0, count;
    for (unsigned page = 1; page < 2048; page++) {
        if (slot % 512 == 511 && page != 2047) {
            list[slot] = lists + (slot + 1) * 8;
            slot++;
        }
        list[slot++] = data + (2047ull - page) * 4096; /* scattered: backwards */
    }
    uint64_t prp1 = data + 2047ull * 4096;
    assert_true(
        prp_oracle_decode(4096, prp1, lists, 8 << 20, read_qword, rig, found, 2048, &count));
    assert_int_equal(count, 2048);
    for (uint32_t i = 0; i < 8 << 20; i += 4096)
        memset(bytes + i, (int)(i / 4096 % 251), 4096);
    assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, 0, 16384, prp1, lists)), 0);
    memset(bytes, 0, 4096);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 8, 8, data, 0)), 0);
    assert_int_equal(bytes[0], 2046 % 251);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 16376, 8, data + 4096, 0)), 0);
    assert_int_equal(bytes[4096], 0);
    rig_free(rig);
}

static void test_large_pages(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_new(&config);
    rig->next_bus += 0xE000; /* so that the queues begin a page of 64 KiB */
    rig->next_bus &= ~0xFFFFull;
    rig_admin_queue(rig, 16, 16);
    uint64_t area = rig_alloc(rig, 512 * 1024) + 0xFFFF;
    area &= ~0xFFFFull;
    rig->queues[0].sq = area;
    rig->queues[0].cq = area + 0x10000;
    rig_write(rig, R_ASQ, (uint32_t)area);
    rig_write(rig, R_ASQ + 4, (uint32_t)(area >> 32));
    rig_write(rig, R_ACQ, (uint32_t)area + 0x10000);
    rig_write(rig, R_CC, CC_GOOD | 4 << 7);
    assert_true(rig_wait_ready(rig, 1));
    struct rig_sqe identify = rig_command(6, 0, area + 0x20000 + 0xF800, area + 0x40000, 1, 0, 0);
    assert_int_equal(rig_status(rig, 0, identify), 0);
    assert_memory_equal(rig_at(rig, area + 0x2F804), "virt", 4);
    assert_int_equal(rig_status(rig, 0, rig_command(6, 0, area + 0x21000, 0, 1, 0, 0)), 0);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_large_lba),  cmocka_unit_test(test_mdts),
        cmocka_unit_test(test_prp_rules),  cmocka_unit_test(test_prp_oracle_agrees),
        cmocka_unit_test(test_prp_chains), cmocka_unit_test(test_large_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
