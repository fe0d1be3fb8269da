/*
 * The software controller's queues and interrupts: full, wrapping, shared,
 * scattered, out of order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

/* A queue that lies in scattered pages, by a PRP list, where CAP.CQR allows it. */
static void test_scattered_queues(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.cqr = false;
    struct rig *rig = rig_ready(&config);
    uint64_t sq_list = rig_alloc(rig, 4096), cq_list = rig_alloc(rig, 4096);
    uint64_t sq[2] = {rig_alloc(rig, 4096), rig_alloc(rig, 4096)}, cq = rig_alloc(rig, 4096);
    memcpy(rig_at(rig, sq_list), sq, sizeof sq);
    memcpy(rig_at(rig, cq_list), &cq, sizeof cq);
    assert_int_equal(rig_status(rig, 0, rig_command(5, 0, cq_list, 0, 127u << 16 | 1, 2, 0)), 0);
    assert_int_equal(rig_status(rig, 0, rig_command(1, 0, sq_list, 0, 127u << 16 | 1, 1 << 16, 0)),
                     0);
    rig->queues[1] = (struct rig_queue){.cq = cq, .sq_size = 128, .cq_size = 128, .phase = 1};
    for (unsigned i = 0; i < 300; i++) {
        struct rig_cqe cqe;
        uint32_t tail = rig->queues[1].tail, in_page = tail % 64;
        rig->queues[1].sq = sq[tail / 64] - (tail - in_page) * 64ull;
        rig_put(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0));
        rig_ring(rig, 1);
        nvmevirt_poll(&rig->virt);
        assert_true(rig_reap(rig, 1, &cqe));
        assert_int_equal(cqe.status, 0);
    }
    rig_free(rig);
}

/* The largest queue needs 1024 pages, and so a list of three: 511 + 511 + 2 entries. */
static void test_chained_queue_list(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.cqr = false;
    config.mqes = 0xFFFF;
    struct rig *rig = rig_ready(&config);
    uint64_t lists = rig_alloc(rig, 3 * 4096), sq = rig_alloc(rig, 4 << 20);
    uint64_t *list = rig_at(rig, lists);
    size_t slot = 0;
    for (unsigned page = 0; page < 1024; page++) {
        if (slot % 512 == 511) {
            list[slot] = lists + (slot + 1) * 8;
            slot++;
        }
        list[slot++] = sq + page * 4096ull;
    }
    assert_int_equal(rig_create(rig, 1, 2, 64), 0);
    assert_int_equal(rig_status(rig, 0, rig_command(0, 0, 0, 0, 1, 0, 0)), 0);
    rig->queues[1].sq = sq;
    rig->queues[1].sq_size = 65536;
    struct rig_sqe create = rig_command(1, 0, lists, 0, 0xFFFF0001, 1 << 16, 0);
    assert_int_equal(rig_status(rig, 0, create), 0);
    for (unsigned i = 0; i < 70000; i++)
        assert_int_equal(rig_status(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0)), 0);
    rig_free(rig);
}

/* The head in a completion is how far the controller has fetched, not how far it was told to. */
static void test_submission_queue_head(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.commands = 2;
    config.event_limit = 0;
    struct rig *rig = rig_io(&config);
    struct rig_cqe cqe;
    for (unsigned i = 0; i < 8; i++)
        rig_put(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(rig_reap(rig, 1, &cqe));
        assert_int_equal(cqe.sq_head, i < 3 ? 3 : i < 6 ? 6 : 8); /* three are in work at once */
    }
    rig_free(rig);
}

static void test_submission_queue_full(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    struct rig_cqe cqe;
    assert_int_equal(rig_create(rig, 1, 4, 16), 0);
    for (unsigned i = 0; i < 3; i++)
        rig_put(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1);
    rig_put(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1); /* the fourth in a queue of four */
    rig_expect(rig, 1, "overruns head");
    rig->queues[1].tail = 3;
    nvmevirt_poll(&rig->virt);
    for (unsigned i = 0; i < 3; i++)
        assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.sq_head, 3);
    for (unsigned i = 0; i < 3; i++)
        rig_put(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    for (unsigned i = 0; i < 3; i++)
        assert_true(rig_reap(rig, 1, &cqe));
    rig_free(rig);
}

static void test_completion_queue_full(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    struct rig_cqe cqe;
    assert_int_equal(rig_create(rig, 1, 64, 4), 0);
    for (unsigned i = 0; i < 50; i++)
        rig_put(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1);
    for (unsigned seen = 0; seen < 50;) {
        nvmevirt_poll(&rig->virt);
        unsigned batch = 0;
        while (rig_look(rig, 1, &cqe)) {
            assert_int_equal(cqe.status, 0);
            batch++;
        }
        assert_int_equal(batch, seen == 48 ? 2 : 3);
        seen += batch;
        rig_consumed(rig, 1);
    }
    rig_free(rig);
}

/* The phase tag and the heads, over thousands of wraps of queues of different sizes. */
static void test_wraps(void **state)
{
    (void)state;
    const uint32_t sizes[][2] = {{2, 2}, {3, 2}, {2, 5}, {7, 3}, {64, 64}};
    for (unsigned s = 0; s < 5; s++) {
        struct nvmevirt_config config = rig_config();
        struct rig *rig = rig_ready(&config);
        assert_int_equal(rig_create(rig, 1, sizes[s][0], sizes[s][1]), 0);
        for (unsigned i = 0; i < 12000; i++)
            assert_int_equal(rig_status(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0)), 0);
        rig_free(rig);
    }
}

/* 65536 entries: the largest queue, where head and tail use all 16 bits. */
static void test_largest_queue(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.mqes = 0xFFFF;
    config.commands = 1000;
    struct rig *rig = rig_ready(&config);
    assert_int_equal(rig_create(rig, 1, 65536, 65536), 0);
    unsigned completed = 0;
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 65535; i++)
            rig_put_as(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), (uint16_t)i);
        rig_ring(rig, 1);
        nvmevirt_poll(&rig->virt);
        struct rig_cqe cqe;
        while (rig_look(rig, 1, &cqe))
            assert_int_equal(cqe.cid, completed++ % 65535);
        rig_consumed(rig, 1);
        assert_int_equal(cqe.sq_head, rig->queues[1].tail);
    }
    assert_int_equal(completed, 4 * 65535);
    rig_free(rig);
}

static void test_identifier_in_use(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    struct rig_cqe cqe;
    rig_put_as(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), 77);
    rig_put_as(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), 77);
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    rig_expect(rig, 1, "4d is in use");
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.status, 0);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.status, DNR | 3);
    rig_put_as(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), 77); /* free again */
    rig_put_as(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), 0xFFFF);
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    rig_expect(rig, 1, "ffff");
    rig_free(rig);
}

static void test_shared_completion_queue(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    struct rig_cqe cqe;
    rig->queues[2] = (struct rig_queue){.sq = rig_alloc(rig, 4096), .sq_size = 4};
    struct rig_sqe create = rig_command(1, 0, rig->queues[2].sq, 0, 3 << 16 | 2, 1 << 16 | 1, 0);
    assert_int_equal(rig_status(rig, 0, create), 0);
    for (uint16_t i = 0; i < 3; i++) {
        rig_put_as(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), i); /* the same identifiers */
        rig_put_as(rig, 2, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), i);
    }
    rig_ring(rig, 2);
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    for (uint16_t i = 0; i < 6; i++) {
        assert_true(rig_reap(rig, 1, &cqe));
        assert_int_equal(cqe.cid, i / 2);
        assert_int_equal(cqe.sqid, 1 + i % 2); /* round robin */
        assert_int_equal(cqe.sq_head, 3);
    }
    assert_int_equal(rig_status(rig, 0, rig_command(0, 0, 0, 0, 1, 0, 0)), 0);
    assert_int_equal(rig_status(rig, 0, rig_command(4, 0, 0, 0, 1, 0, 0)), DNR | 0x10C);
    rig_free(rig);
}

static void test_order(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.order = NVMEVIRT_REVERSED;
    struct rig *rig = rig_io(&config);
    struct rig_cqe cqe;
    for (unsigned round = 0; round < 2; round++) {
        for (uint16_t i = 0; i < 15; i++)
            rig_put_as(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), i);
        rig_ring(rig, 1);
        nvmevirt_poll(&rig->virt);
        unsigned in_place = 0, seen = 0;
        for (uint16_t i = 0; i < 15; i++) {
            assert_true(rig_reap(rig, 1, &cqe));
            if (round == 0)
                assert_int_equal(cqe.cid, 14 - i);
            in_place += cqe.cid == i;
            seen |= 1u << cqe.cid;
        }
        assert_int_equal(seen, 0x7FFF);
        assert_true(in_place < 15);
        rig->virt.config.order = NVMEVIRT_SHUFFLED;
    }
    rig_free(rig);
}

static void test_interrupts(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    assert_int_equal(rig->interrupts[0], 2); /* Create twice */
    struct rig_sqe flush = rig_command(FLUSH, 1, 0, 0, 0, 0, 0);
    for (unsigned i = 0; i < 5; i++)
        rig_put(rig, 1, flush);
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    nvmevirt_poll(&rig->virt);
    assert_int_equal(rig->interrupts[1], 1); /* one for all that one poll has done */
    nvmevirt_msix_mask(&rig->virt, 1, true);
    rig_put(rig, 1, flush);
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    assert_int_equal(rig->interrupts[1], 1);
    assert_true(nvmevirt_msix_pending(&rig->virt, 1));
    assert_false(nvmevirt_msix_pending(&rig->virt, 0));
    nvmevirt_msix_mask(&rig->virt, 1, false);
    assert_int_equal(rig->interrupts[1], 2);
    assert_false(nvmevirt_msix_pending(&rig->virt, 1));
    nvmevirt_msix_mask(&rig->virt, 5, true);
    rig_expect(rig, 1, "vector 5");
    rig_free(rig);
}

static void test_pin_interrupt(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.vectors = 0;
    struct rig *rig = rig_io(&config);
    struct rig_cqe cqe;
    unsigned before = rig->interrupts[0];
    rig_put(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1);
    rig_write(rig, R_INTMS, 1);
    nvmevirt_poll(&rig->virt);
    assert_int_equal(rig->interrupts[0], before);
    rig_write(rig, R_INTMC, 1);
    nvmevirt_poll(&rig->virt);
    nvmevirt_poll(&rig->virt);
    assert_int_equal(rig->interrupts[0], before + 2); /* a level */
    assert_true(rig_reap(rig, 1, &cqe));
    nvmevirt_poll(&rig->virt);
    assert_int_equal(rig->interrupts[0], before + 2);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scattered_queues),
        cmocka_unit_test(test_chained_queue_list),
        cmocka_unit_test(test_submission_queue_head),
        cmocka_unit_test(test_submission_queue_full),
        cmocka_unit_test(test_completion_queue_full),
        cmocka_unit_test(test_wraps),
        cmocka_unit_test(test_largest_queue),
        cmocka_unit_test(test_identifier_in_use),
        cmocka_unit_test(test_shared_completion_queue),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_pin_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
