/*
 * What a script can make go wrong in the software controller: each kind of
 * fault, and what remains of the rules while it happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

static struct rig *faulty(struct nvmevirt_fault *fault)
{
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_io(&config);
    nvmevirt_set_faults(&rig->virt, fault, 1);
    return rig;
}

static uint16_t submit_flush(struct rig *rig)
{
    uint16_t cid = rig_put(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    return cid;
}

static void test_matching(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, READ, 2, NVMEVIRT_STATUS, NVMEVIRT_STATUS_FIELD(2, 0x81, 0),
                                   0};
    struct rig *rig = faulty(&fault);
    uint64_t page = rig_alloc(rig, 4096);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 1, page, 0)), 0);
    assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, 0, 1, page, 0)), 0);
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, 2, 0, 0)),
                     0); /* also opcode 2 */
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 1, page, 0)), 0x281);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 1, page, 0)), 0);
    assert_int_equal(fault.seen, 3);
    fault = (struct nvmevirt_fault){
        NVMEVIRT_ANY, NVMEVIRT_ANY, 0, NVMEVIRT_STATUS, NVMEVIRT_STATUS_FIELD(0, 6, 1), 0};
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 1, page, 0)), DNR | 6);
    assert_int_equal(rig_status(rig, 0, rig_command(6, 0, page, 0, 1, 0, 0)), DNR | 6);
    nvmevirt_set_faults(&rig->virt, NULL, 0);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 1, page, 0)), 0);
    rig_free(rig);
}

static void test_status_moves_no_data(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, WRITE, 1, NVMEVIRT_STATUS, NVMEVIRT_STATUS_FIELD(2, 0x80, 0),
                                   0};
    struct rig *rig = faulty(&fault);
    uint64_t page = rig_alloc(rig, 4096);
    memset(rig_at(rig, page), 0xAA, 512);
    assert_int_equal(rig_status(rig, 1, rig_rw(WRITE, 0, 1, page, 0)), 0x280);
    assert_int_equal(rig_status(rig, 1, rig_rw(READ, 0, 1, page, 0)), 0);
    assert_int_equal(*(uint8_t *)rig_at(rig, page), 0);
    rig_free(rig);
}

static void test_drop(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, FLUSH, 1, NVMEVIRT_DROP, 0, 0};
    struct rig *rig = faulty(&fault);
    struct rig_cqe cqe;
    uint16_t cid = submit_flush(rig);
    rig->now += 100000 * MS;
    nvmevirt_poll(&rig->virt);
    assert_false(rig_look(rig, 1, &cqe));
    assert_int_equal(rig->virt.counters.flushes, 1); /* done, only nobody hears of it */
    assert_int_equal(rig_run(rig, 0, rig_command(8, 0, 0, 0, (uint32_t)cid << 16 | 1, 0, 0)).result,
                     1);
    submit_flush(rig);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.sq_head, 2);
    rig_put_as(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0), cid); /* still outstanding */
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    rig_expect(rig, 1, "in use");
    rig_free(rig);
}

static void test_delay(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, READ, 1, NVMEVIRT_DELAY, 20 * MS, 0};
    struct rig *rig = faulty(&fault);
    struct rig_cqe cqe;
    uint64_t page = rig_alloc(rig, 4096);
    uint8_t *data = rig_at(rig, page);
    memset(data, 0xEE, 512);
    uint16_t late = rig_put(rig, 1, rig_rw(READ, 0, 1, page, 0));
    uint16_t early = submit_flush(rig);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.cid, early);
    rig->now += 20 * MS - 1;
    nvmevirt_poll(&rig->virt);
    assert_false(rig_look(rig, 1, &cqe));
    assert_int_equal(data[0], 0xEE); /* the data comes late, too */
    rig->now += 1;
    nvmevirt_poll(&rig->virt);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.cid, late);
    assert_int_equal(data[0], 0);
    rig_free(rig);
}

/* Nothing of what was in work happens after a reset, nor after Delete. */
static void test_reset_forgets(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, READ, 0, NVMEVIRT_DELAY, 20 * MS, 0};
    struct rig *rig = faulty(&fault);
    uint64_t page = rig_alloc(rig, 4096);
    *(uint8_t *)rig_at(rig, page) = 0xEE;
    rig_put(rig, 1, rig_rw(READ, 0, 1, page, 0));
    rig_ring(rig, 1);
    nvmevirt_poll(&rig->virt);
    assert_int_equal(rig_status(rig, 0, rig_command(0, 0, 0, 0, 1, 0, 0)), 0);
    rig->now += 20 * MS;
    nvmevirt_poll(&rig->virt);
    assert_int_equal(*(uint8_t *)rig_at(rig, page), 0xEE);

    assert_int_equal(rig_create(rig, 2, 4, 4), 0);
    fault.queue = 2;
    rig_put(rig, 2, rig_rw(READ, 0, 1, page, 0));
    rig_ring(rig, 2);
    nvmevirt_poll(&rig->virt);
    rig_disable(rig);
    rig_protect(rig, page, false, false); /* the host has reused it */
    rig_enable(rig);
    rig->now += 20 * MS;
    nvmevirt_poll(&rig->virt);
    rig_write(rig, rig_sq_doorbell(rig, 2), 1);
    rig_expect(rig, 1, "no queue");
    rig_free(rig);
}

static void test_duplicate(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, FLUSH, 1, NVMEVIRT_DUPLICATE, 0, 0};
    struct rig *rig = faulty(&fault);
    struct rig_cqe cqe;
    uint16_t cid = submit_flush(rig);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(rig_reap(rig, 1, &cqe));
        assert_int_equal(cqe.cid, cid);
    }
    assert_false(rig_look(rig, 1, &cqe));
    assert_int_equal(rig->virt.counters.flushes, 1);
    rig_free(rig);
}

/* The second completion of a pair waits for room, as any other. */
static void test_duplicate_waits(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    assert_int_equal(rig_create(rig, 1, 8, 2), 0);
    struct nvmevirt_fault fault = {1, FLUSH, 0, NVMEVIRT_DUPLICATE, 0, 0};
    nvmevirt_set_faults(&rig->virt, &fault, 1);
    struct rig_cqe cqe;
    for (unsigned i = 0; i < 3; i++)
        submit_flush(rig);
    for (unsigned i = 0; i < 6; i++) {
        assert_true(rig_reap(rig, 1, &cqe));
        assert_false(rig_look(rig, 1, &cqe));
        nvmevirt_poll(&rig->virt);
    }
    assert_false(rig_look(rig, 1, &cqe));
    rig_free(rig);
}

static void test_wrong_identifiers(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, FLUSH, 1, NVMEVIRT_WRONG_CID, 0xBEEF, 0};
    struct rig *rig = faulty(&fault);
    struct rig_cqe cqe;
    uint16_t cid = submit_flush(rig);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.cid, 0xBEEF);
    assert_int_equal(cqe.sqid, 1);
    fault = (struct nvmevirt_fault){1, FLUSH, 1, NVMEVIRT_WRONG_SQID, 9, 0};
    cid = submit_flush(rig);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.cid, cid);
    assert_int_equal(cqe.sqid, 9);
    rig_free(rig);
}

static void test_torn(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, FLUSH, 1, NVMEVIRT_TORN, 10, 0};
    struct rig *rig = faulty(&fault);
    memset(rig_at(rig, rig->queues[1].cq), 0, 16);
    ((uint16_t *)rig_at(rig, rig->queues[1].cq))[6] = 0x7777;
    struct rig_queue before = rig->queues[1];
    struct rig_cqe cqe;
    rig->next_cid = 500;
    submit_flush(rig);
    before.tail = rig->queues[1].tail;
    assert_true(rig_look(rig, 1, &cqe)); /* its phase says so; the rest is as old as it was */
    assert_int_equal(cqe.cid, 0x7777);
    assert_int_equal(cqe.sqid, 0);
    assert_int_equal(rig->interrupts[1], 1);
    rig->queues[1] = before;
    rig->now += 10;
    nvmevirt_poll(&rig->virt);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(cqe.cid, 500);
    assert_int_equal(cqe.sqid, 1);
    assert_int_equal(cqe.sq_head, 1);
    assert_int_equal(rig_status(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0)), 0);
    rig_free(rig);
}

static void test_no_interrupt(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, FLUSH, 1, NVMEVIRT_NO_INTERRUPT, 0, 0};
    struct rig *rig = faulty(&fault);
    struct rig_cqe cqe;
    submit_flush(rig);
    assert_true(rig_reap(rig, 1, &cqe));
    assert_int_equal(rig->interrupts[1], 0);
    submit_flush(rig);
    assert_int_equal(rig->interrupts[1], 1);
    nvmevirt_inject(&rig->virt, NVMEVIRT_MUTE, 0);
    submit_flush(rig);
    assert_int_equal(rig->interrupts[1], 1);
    assert_false(nvmevirt_msix_pending(&rig->virt, 1));
    rig_free(rig);
}

static void test_fatal(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, FLUSH, 2, NVMEVIRT_FATAL, 0, 0};
    struct rig *rig = faulty(&fault);
    struct rig_cqe cqe;
    submit_flush(rig);
    assert_true(rig_reap(rig, 1, &cqe));
    submit_flush(rig);
    assert_int_equal(rig_read(rig, R_CSTS), 3);
    assert_false(rig_look(rig, 1, &cqe));
    submit_flush(rig); /* nobody works any more, and that is not the host's fault */
    assert_int_equal(rig->virt.counters.flushes, 1);
    rig_disable(rig);
    assert_int_equal(rig_read(rig, R_CSTS), 0);
    rig_enable(rig);
    assert_int_equal(rig_create(rig, 1, 16, 16), 0);
    assert_int_equal(rig_status(rig, 1, rig_command(FLUSH, 1, 0, 0, 0, 0, 0)), 0);
    rig_free(rig);
}

/* A queue that the controller cannot reach ends in CFS, as the specification has it. */
static void test_queue_unreachable(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    for (unsigned completion = 0; completion < 2; completion++) {
        struct rig *rig = rig_io(&config);
        struct rig_queue *queue = &rig->queues[1];
        rig_protect(rig, completion ? queue->cq : queue->sq, false, false);
        submit_flush(rig);
        rig_expect(rig, 1, completion ? "CQE" : "SQE");
        assert_int_equal(rig_read(rig, R_CSTS) & 2, 2);
        rig_free(rig);
    }
}

static void test_ready_stuck(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    nvmevirt_inject(&rig->virt, NVMEVIRT_RDY_STUCK_HIGH, 1);
    rig_write(rig, R_CC, 0);
    assert_false(rig_wait_ready(rig, 0));
    assert_int_equal(rig_read(rig, R_CSTS), 1);
    nvmevirt_inject(&rig->virt, NVMEVIRT_RDY_STUCK_LOW, 2);
    rig_write(rig, R_CC, CC_GOOD); /* RDY is still up: the host has given up waiting */
    rig_expect(rig, 0, "");
    rig_write(rig, R_CC, 0);
    assert_true(rig_wait_ready(rig, 0));
    rig_write(rig, R_CC, CC_GOOD);
    assert_false(rig_wait_ready(rig, 1));
    rig_write(rig, R_CC, 0);
    assert_true(rig_wait_ready(rig, 0));
    rig_enable(rig);
    nvmevirt_inject(&rig->virt, NVMEVIRT_RDY_STUCK_LOW, 0);
    rig_disable(rig);
    for (unsigned i = 0; i < 3; i++) {
        rig_write(rig, R_CC, CC_GOOD);
        assert_false(rig_wait_ready(rig, 1));
        rig_write(rig, R_CC, 0);
    }
    rig_free(rig);
}

static void test_removed(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {1, FLUSH, 1, NVMEVIRT_REMOVED, 0, 0};
    struct rig *rig = faulty(&fault);
    struct rig_cqe cqe;
    submit_flush(rig);
    assert_false(rig_look(rig, 1, &cqe));
    for (uint32_t offset = 0; offset < 0x1040; offset += 4)
        assert_int_equal(rig_read(rig, offset), UINT32_MAX);
    rig_write(rig, R_CC, 0);
    rig_ring(rig, 1);
    rig_write(rig, R_CAP, 0);
    nvmevirt_poll(&rig->virt);
    assert_int_equal(rig->interrupts[1], 0);
    rig_free(rig);
}

/* Hanging I/O takes no room from the admin queue: Abort gets through. */
static void test_admin_beside_hanging_io(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.commands = 4;
    struct rig *rig = rig_io(&config);
    struct nvmevirt_fault fault = {1, FLUSH, 0, NVMEVIRT_DELAY, NVMEVIRT_NEVER, 0};
    nvmevirt_set_faults(&rig->virt, &fault, 1);
    struct rig_cqe cqe;
    uint16_t cids[15];
    for (unsigned i = 0; i < 15; i++)
        cids[i] = submit_flush(rig);
    for (unsigned i = 0; i < 8; i++) {
        struct rig_sqe abort = rig_command(8, 0, 0, 0, (uint32_t)cids[i] << 16 | 1, 0, 0);
        assert_int_equal(rig_run(rig, 0, abort).result, 0);
        assert_true(rig_reap(rig, 1, &cqe));
        assert_int_equal(cqe.cid, cids[i]);
        assert_int_equal(cqe.status, 7);
    }
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matching),
        cmocka_unit_test(test_status_moves_no_data),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_reset_forgets),
        cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_duplicate_waits),
        cmocka_unit_test(test_wrong_identifiers),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_no_interrupt),
        cmocka_unit_test(test_fatal),
        cmocka_unit_test(test_queue_unreachable),
        cmocka_unit_test(test_ready_stuck),
        cmocka_unit_test(test_removed),
        cmocka_unit_test(test_admin_beside_hanging_io),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
