/*
 * The software controller's admin commands, each status of theirs driven
 * straight from the specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

static void test_identify_controller(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    uint64_t pages[2] = {rig_alloc(rig, 4096), rig_alloc(rig, 4096)};
    /* Across a page boundary: 512 bytes at the end of the first page. */
    struct rig_sqe identify = rig_command(6, 0, pages[0] + 3584, pages[1], 1, 0, 0);
    assert_int_equal(rig_status(rig, 0, identify), 0);
    uint8_t data[4096];
    memcpy(data, (uint8_t *)rig_at(rig, pages[0]) + 3584, 512);
    memcpy(data + 512, rig_at(rig, pages[1]), 3584);
    assert_memory_equal(data + 4, "virt0001            ", 20);
    assert_memory_equal(data + 24, "nvmevirt    ", 12);
    assert_memory_equal(data + 64, "1.0     ", 8);
    assert_int_equal(data[77], 7);
    assert_int_equal(data[512], 0x66);
    assert_int_equal(data[513], 0x44);
    assert_int_equal(data[516], 1); /* NN */
    assert_int_equal(data[520], 9); /* ONCS */
    assert_int_equal(data[525], 7); /* VWC */
    identify.dword[1] = 1;
    assert_int_equal(rig_status(rig, 0, identify), DNR | 2);
    identify.dword[1] = 0;
    identify.dword[10] = 0x77;
    assert_int_equal(rig_status(rig, 0, identify), DNR | 2);
    rig_free(rig);
}

static void test_identify_namespaces(void **state)
{
    (void)state;
    static struct nvmevirt_namespace namespaces[1030];
    for (uint32_t i = 0; i < 1030; i++)
        namespaces[i] = (struct nvmevirt_namespace){
            .nsid = 3 + 2 * i, .block_size = i ? 512 : 4096, .blocks = 8 + i, .uuid = {9}};
    struct nvmevirt_config config = nvmevirt_defaults();
    config.namespaces = namespaces;
    config.namespace_count = 1030;
    struct rig *rig = rig_ready(&config);
    uint64_t page = rig_alloc(rig, 4096);
    uint8_t *data = rig_at(rig, page);
    const uint32_t *list = rig_at(rig, page);

    assert_int_equal(rig_status(rig, 0, rig_command(6, 3, page, 0, 0, 0, 0)), 0);
    assert_int_equal(data[0], 8);
    assert_int_equal(data[130], 12); /* LBADS */
    assert_int_equal(rig_status(rig, 0, rig_command(6, 4, page, 0, 0, 0, 0)), 0);
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(data[i], 0); /* inactive */
    assert_int_equal(rig_status(rig, 0, rig_command(6, 0, page, 0, 0, 0, 0)), DNR | 0xB);
    assert_int_equal(rig_status(rig, 0, rig_command(6, 2062, page, 0, 0, 0, 0)), DNR | 0xB);
    assert_int_equal(rig_status(rig, 0, rig_command(6, UINT32_MAX, page, 0, 0, 0, 0)), DNR | 0xB);

    assert_int_equal(rig_status(rig, 0, rig_command(6, 0, page, 0, 2, 0, 0)), 0);
    assert_int_equal(list[0], 3);
    assert_int_equal(list[1023], 3 + 2 * 1023);
    assert_int_equal(rig_status(rig, 0, rig_command(6, list[1023], page, 0, 2, 0, 0)), 0);
    assert_int_equal(list[0], 3 + 2 * 1024);
    assert_int_equal(list[5], 3 + 2 * 1029);
    assert_int_equal(list[6], 0);
    assert_int_equal(rig_status(rig, 0, rig_command(6, 0xFFFFFFFE, page, 0, 2, 0, 0)), DNR | 0xB);

    assert_int_equal(rig_status(rig, 0, rig_command(6, 3, page, 0, 3, 0, 0)), 0);
    assert_int_equal(data[0], 3); /* UUID alone */
    assert_int_equal(data[1], 16);
    assert_int_equal(data[4], 9);
    assert_int_equal(data[20], 0);
    assert_int_equal(rig_status(rig, 0, rig_command(6, 4, page, 0, 3, 0, 0)),
                     DNR | 2); /* inactive */
    assert_int_equal(rig_status(rig, 0, rig_command(6, 0, page, 0, 3, 0, 0)), DNR | 0xB);
    assert_int_equal(rig_status(rig, 0, rig_command(6, UINT32_MAX, page, 0, 3, 0, 0)), DNR | 0xB);
    rig_free(rig);
}

static void nonsense(void *context, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)context;
    (void)nsid;
    memset(data, cns ? 0xFF : 0, 4096);
}

static void test_identify_nonsense(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    rig->virt.environment.identify = nonsense;
    uint64_t page = rig_alloc(rig, 4096);
    assert_int_equal(rig_status(rig, 0, rig_command(6, 0, page, 0, 1, 0, 0)), 0);
    assert_int_equal(*(uint8_t *)rig_at(rig, page + 4095), 0xFF);
    rig_free(rig);
}

static uint16_t create_cq(struct rig *rig, uint64_t bus, uint32_t dw10, uint32_t dw11)
{
    return rig_status(rig, 0, rig_command(5, 0, bus, 0, dw10, dw11, 0));
}

static uint16_t create_sq(struct rig *rig, uint64_t bus, uint32_t dw10, uint32_t dw11)
{
    return rig_status(rig, 0, rig_command(1, 0, bus, 0, dw10, dw11, 0));
}

static void test_create_errors(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.mqes = 63;
    struct rig *rig = rig_ready(&config);
    uint64_t cq = rig_alloc(rig, 1024), sq = rig_alloc(rig, 4096);
    const uint32_t size = 63u << 16;

    assert_int_equal(create_cq(rig, cq, size | 0, 3), DNR | 0x101);
    assert_int_equal(create_cq(rig, cq, size | 5, 3), DNR | 0x101);
    assert_int_equal(create_cq(rig, cq, 64u << 16 | 1, 3), DNR | 0x102);
    assert_int_equal(create_cq(rig, cq, 0 << 16 | 1, 3), DNR | 0x102);
    assert_int_equal(create_cq(rig, cq, size | 1, 5 << 16 | 3), DNR | 0x108);
    assert_int_equal(create_cq(rig, cq, size | 1, 2), DNR | 2); /* CAP.CQR */
    assert_int_equal(create_cq(rig, cq + 16, size | 1, 3), DNR | 0x13);
    rig_expect(rig, 1, "not aligned");
    assert_int_equal(create_cq(rig, 0, size | 1, 3), DNR | 2);
    rig_expect(rig, 1, "address 0");
    assert_int_equal(create_cq(rig, cq - 4096, size | 1, 3), 4);
    rig_expect(rig, 1, "not granted");
    assert_int_equal(create_cq(rig, cq, size | 1, 4 << 16 | 3), 0);
    assert_int_equal(create_cq(rig, cq, size | 1, 3), DNR | 0x101); /* twice */

    assert_int_equal(create_sq(rig, sq, size | 0, 1 << 16 | 1), DNR | 0x101);
    assert_int_equal(create_sq(rig, sq, size | 5, 1 << 16 | 1), DNR | 0x101);
    assert_int_equal(create_sq(rig, sq, size | 1, 0 << 16 | 1), DNR | 0x101);
    assert_int_equal(create_sq(rig, sq, size | 1, 5 << 16 | 1), DNR | 0x101);
    assert_int_equal(create_sq(rig, sq, size | 1, 2 << 16 | 1), DNR | 0x100);
    assert_int_equal(create_sq(rig, sq, 64u << 16 | 1, 1 << 16 | 1), DNR | 0x102);
    assert_int_equal(create_sq(rig, sq, 1, 1 << 16 | 1), DNR | 0x102);
    assert_int_equal(create_sq(rig, sq, size | 1, 1 << 16), DNR | 2);
    assert_int_equal(create_sq(rig, sq + 64, size | 1, 1 << 16 | 1), DNR | 0x13);
    rig_expect(rig, 1, "not aligned");
    assert_int_equal(create_sq(rig, sq, size | 1, 1 << 16 | 1), 0);
    assert_int_equal(create_sq(rig, sq, size | 1, 1 << 16 | 1), DNR | 0x101);
    rig_free(rig);
}

static void test_delete(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    assert_int_equal(rig_status(rig, 0, rig_command(4, 0, 0, 0, 1, 0, 0)), DNR | 0x10C);
    assert_int_equal(rig_status(rig, 0, rig_command(4, 0, 0, 0, 0, 0, 0)), DNR | 0x101);
    assert_int_equal(rig_status(rig, 0, rig_command(0, 0, 0, 0, 0, 0, 0)), DNR | 0x101);
    assert_int_equal(rig_status(rig, 0, rig_command(0, 0, 0, 0, 2, 0, 0)), DNR | 0x101);
    assert_int_equal(rig_status(rig, 0, rig_command(0, 0, 0, 0, 1, 0, 0)), 0);
    rig_write(rig, rig_sq_doorbell(rig, 1), 1);
    rig_expect(rig, 1, "no queue");
    assert_int_equal(rig_status(rig, 0, rig_command(4, 0, 0, 0, 1, 0, 0)), 0);
    assert_int_equal(rig_status(rig, 0, rig_command(4, 0, 0, 0, 1, 0, 0)), DNR | 0x101);
    assert_int_equal(rig_create(rig, 1, 4, 4), 0);
    rig_free(rig);
}

static void test_features(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    struct rig_cqe cqe = rig_run(rig, 0, rig_command(9, 0, 0, 0, 7, 63 << 16 | 63, 0));
    assert_int_equal(cqe.status, 0);
    assert_int_equal(cqe.result, 3 << 16 | 3);
    assert_int_equal(rig_run(rig, 0, rig_command(10, 0, 0, 0, 7, 0, 0)).result, 3 << 16 | 3);
    assert_int_equal(rig_status(rig, 0, rig_command(9, 0, 0, 0, 7, 0xFFFF, 0)), DNR | 2);
    assert_int_equal(rig_status(rig, 0, rig_command(9, 1, 0, 0, 7, 1, 0)), DNR | 0x10F);
    assert_int_equal(rig_status(rig, 0, rig_command(9, 0, 0, 0, 1u << 31 | 7, 1, 0)), DNR | 0x10D);
    assert_int_equal(rig_create(rig, 1, 4, 4), 0);
    assert_int_equal(rig_status(rig, 0, rig_command(9, 0, 0, 0, 7, 1, 0)), DNR | 0xC);

    assert_int_equal(rig_run(rig, 0, rig_command(10, 0, 0, 0, 6, 0, 0)).result, 1);
    assert_int_equal(rig_status(rig, 0, rig_command(9, 0, 0, 0, 6, 0, 0)), 0);
    assert_int_equal(rig_run(rig, 0, rig_command(10, 0, 0, 0, 6, 0, 0)).result, 0);
    assert_int_equal(rig_status(rig, 0, rig_command(9, 0, 0, 0, 6, 2, 0)), 0);
    rig_expect(rig, 1, "feature 6");
    assert_int_equal(rig_status(rig, 0, rig_command(10, 0, 0, 0, 0x106, 0, 0)), DNR | 2);
    assert_int_equal(rig_status(rig, 0, rig_command(10, 0, 0, 0, 0x7F, 0, 0)), DNR | 2);
    assert_int_equal(rig_status(rig, 0, rig_command(9, 0, 0, 0, 0x7F, 0, 0)), DNR | 2);
    rig_free(rig);
}

static void test_log_pages(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    uint64_t page = rig_alloc(rig, 4096);
    uint8_t *data = rig_at(rig, page);
    const uint32_t all = 127u << 16; /* 512 bytes */

    assert_int_equal(rig_status(rig, 0, rig_command(0x7E, 0, 0, 0, 0, 0, 0)), DNR | 1);
    uint16_t cid = (uint16_t)(rig->next_cid - 1);
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, all | 1, 0, 0)), 0);
    assert_int_equal(data[0], 1);
    assert_int_equal(data[10] | data[11] << 8, cid);
    assert_int_equal(data[12] | data[13] << 8, (DNR | 1) << 1);
    assert_int_equal(data[64], 0);

    assert_int_equal(rig_status(rig, 0, rig_command(2, UINT32_MAX, page, 0, all | 2, 0, 0)), 0);
    assert_int_equal(data[1] | data[2] << 8, 308);
    assert_int_equal(data[3], 100);
    /* In a piece from an offset: the temperature comes first now, of 4 bytes. */
    memset(data, 0xEE, 16);
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, 2, 0, 176)), 0);
    assert_int_equal(data[0], 1); /* error log entries */
    assert_int_equal(data[4], 0xEE);
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, 2, 0, 516)), DNR | 2);
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, 2, 0, 2)), DNR | 2);
    assert_int_equal(rig_status(rig, 0, rig_command(2, 1, page, 0, all | 2, 0, 0)), DNR | 2);

    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, all | 3, 0, 0)), 0);
    assert_int_equal(data[0], 1);
    assert_memory_equal(data + 8, "1.0     ", 8);
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, all | 0x7F, 0, 0)), DNR | 0x109);
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, 0xFFFF0002, 0xFFFF, 0)),
                     DNR | 2);
    rig_expect(rig, 1, "MDTS");
    rig_free(rig);
}

static void test_events(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    struct rig_cqe cqe;
    uint64_t page = rig_alloc(rig, 4096);
    uint16_t first = rig_put(rig, 0, rig_command(0x0C, 0, 0, 0, 0, 0, 0));
    for (unsigned i = 0; i < 3; i++)
        rig_put(rig, 0, rig_command(0x0C, 0, 0, 0, 0, 0, 0));
    rig_ring(rig, 0);
    nvmevirt_poll(&rig->virt);
    assert_false(rig_look(rig, 0, &cqe)); /* held */
    assert_int_equal(rig_status(rig, 0, rig_command(0x0C, 0, 0, 0, 0, 0, 0)), DNR | 0x105);

    nvmevirt_event(&rig->virt, 1, 1, 2);
    nvmevirt_poll(&rig->virt);
    assert_true(rig_reap(rig, 0, &cqe));
    assert_int_equal(cqe.cid, first);
    assert_int_equal(cqe.result, 0x020101);
    nvmevirt_event(&rig->virt, 1, 0, 2); /* silent until the log page is read */
    nvmevirt_poll(&rig->virt);
    assert_false(rig_look(rig, 0, &cqe));
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, 1u << 15 | 2, 0, 0)), 0);
    assert_false(rig_look(rig, 0, &cqe)); /* retained */
    rig_put(rig, 0, rig_command(2, 0, page, 0, 2, 0, 0));
    rig_ring(rig, 0);
    nvmevirt_poll(&rig->virt);
    assert_true(rig_reap(rig, 0, &cqe));
    assert_true(rig_reap(rig, 0, &cqe));
    assert_int_equal(cqe.result, 0x020001);

    rig_write(rig, rig_sq_doorbell(rig, 3), 1);
    rig_expect(rig, 1, "no queue");
    nvmevirt_poll(&rig->virt);
    assert_true(rig_reap(rig, 0, &cqe));
    assert_int_equal(cqe.result, 0x010000);
    rig_free(rig);
}

static void test_abort(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    struct nvmevirt_fault hang = {1, NVMEVIRT_ANY, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER, 0};
    nvmevirt_set_faults(&rig->virt, &hang, 1);
    struct rig_cqe cqe;
    uint16_t cid = rig_put(rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    rig->now += 1000000 * MS;
    nvmevirt_poll(&rig->virt);
    assert_false(rig_look(rig, 1, &cqe));

    assert_int_equal(rig_run(rig, 0, rig_command(8, 0, 0, 0, (cid + 1u) << 16 | 1, 0, 0)).result,
                     1);
    rig->virt.config.abort_never = true;
    assert_int_equal(rig_run(rig, 0, rig_command(8, 0, 0, 0, (uint32_t)cid << 16 | 1, 0, 0)).result,
                     1);
    rig->virt.config.abort_never = false;
    assert_int_equal(rig_run(rig, 0, rig_command(8, 0, 0, 0, (uint32_t)cid << 16 | 1, 0, 0)).result,
                     0);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.cid, cid);
    assert_int_equal(cqe.status, 7);

    for (unsigned i = 0; i < 5; i++)
        rig_put(rig, 0, rig_command(8, 0, 0, 0, 9, 0, 0));
    rig_ring(rig, 0);
    nvmevirt_poll(&rig->virt);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(rig_reap(rig, 0, &cqe));
        assert_int_equal(cqe.status, i ? 0 : 0x103); /* five at once, four are allowed */
    }
    rig_free(rig);
}

/* Abort reaches what waits, also on the admin queue, and what is held; not what is over. */
static void test_abort_admin(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    struct nvmevirt_fault late = {0, 10, 0, NVMEVIRT_DELAY, 10 * MS, 0};
    nvmevirt_set_faults(&rig->virt, &late, 1);
    struct rig_cqe cqe;
    uint16_t cids[2] = {rig_put(rig, 0, rig_command(0x0C, 0, 0, 0, 0, 0, 0)),
                        rig_put(rig, 0, rig_command(10, 0, 0, 0, 7, 0, 0))};
    rig_ring(rig, 0);
    nvmevirt_poll(&rig->virt);
    for (unsigned i = 0; i < 2; i++) {
        rig_put(rig, 0, rig_command(8, 0, 0, 0, (uint32_t)cids[i] << 16, 0, 0));
        rig_ring(rig, 0);
        nvmevirt_poll(&rig->virt);
        assert_true(rig_reap(rig, 0, &cqe));
        assert_int_equal(cqe.cid, cids[i]);
        assert_int_equal(cqe.status, 7);
        assert_true(rig_reap(rig, 0, &cqe));
        assert_int_equal(cqe.result, 0);
    }
    rig->now += 10 * MS;
    nvmevirt_poll(&rig->virt);
    assert_false(rig_look(rig, 0, &cqe));
    assert_int_equal(rig_run(rig, 0, rig_command(8, 0, 0, 0, (uint32_t)cids[1] << 16, 0, 0)).result,
                     1);
    nvmevirt_event(&rig->virt, 1, 0, 2);
    nvmevirt_poll(&rig->virt);
    assert_false(rig_look(rig, 0, &cqe)); /* there is no request any more */
    rig_free(rig);
}

/* All I/O command sets at once is a way to begin, where it is offered. */
static void test_all_command_sets(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    struct rig *rig = rig_new(&config);
    rig_admin_queue(rig, 16, 16);
    rig_write(rig, R_CC, CC_GOOD | 6 << 4);
    assert_true(rig_wait_ready(rig, 1));
    assert_int_equal(rig_create(rig, 1, 16, 16), 0);
    assert_int_equal(rig_status(rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0)), 0);
    rig_free(rig);
}

static void test_command_rules(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 4096);
    struct rig_sqe sqe = rig_command(6, 0, page, 0, 1, 0, 0);
    sqe.dword[0] |= 1 << 12;
    assert_int_equal(rig_status(rig, 0, sqe), 0);
    rig_expect(rig, 1, "dword 0");
    sqe = rig_command(6, 0, page, 0, 1 | 1 << 8, 0, 0);
    assert_int_equal(rig_status(rig, 0, sqe), 0);
    rig_expect(rig, 1, "dword 10");
    sqe = rig_command(0, 1, page, 0, 0, 0, 0);
    rig_status(rig, 1, sqe);
    rig_expect(rig, 2, "dword 7"); /* both halves of PRP1 */
    sqe = rig_command(2, 1, page, 0, 0, 0, 0);
    sqe.dword[4] = 8;
    rig_status(rig, 1, sqe);
    rig_expect(rig, 1, "dword 4");
    sqe.dword[4] = 0;
    sqe.dword[0] |= 1 << 8; /* fused */
    assert_int_equal(rig_status(rig, 1, sqe), DNR | 2);
    sqe.dword[0] ^= 1 << 8 | 1 << 14; /* SGL */
    assert_int_equal(rig_status(rig, 1, sqe), DNR | 2);
    assert_int_equal(rig_status(rig, 0, rig_command(8, 1, 0, 0, 9, 0, 0)), DNR | 2); /* NSID */
    assert_int_equal(rig_status(rig, 1, rig_command(0x7F, 1, 0, 0, 0, 0, 0)), DNR | 1);
    assert_int_equal(rig_status(rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0)), 0); /* still alive */
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identify_controller),
        cmocka_unit_test(test_identify_namespaces),
        cmocka_unit_test(test_identify_nonsense),
        cmocka_unit_test(test_create_errors),
        cmocka_unit_test(test_delete),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_log_pages),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_abort_admin),
        cmocka_unit_test(test_all_command_sets),
        cmocka_unit_test(test_command_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
