/*
 * The software controller's registers: start-up, shutdown and doorbells, each
 * rule driven straight from the specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

static void test_capabilities(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.mqes = 0x1234;
    config.to = 0x56;
    config.dstrd = 2;
    config.mpsmin = 1;
    config.mpsmax = 3;
    config.css = 0xC1;
    config.version = 0x00010400;
    struct rig *rig = rig_new(&config);
    assert_int_equal(rig_read(rig, R_CAP), 0x56011234);
    assert_int_equal(rig_read(rig, R_CAP + 4), 0x00311822);
    assert_int_equal(rig_read(rig, R_VS), 0x00010400);
    assert_int_equal(rig_read(rig, R_CC), 0);
    assert_int_equal(rig_read(rig, R_CSTS), 0);
    assert_int_equal(rig_read(rig, 0x18), 0);
    assert_int_equal(rig_read(rig, 0x38), 0);
    rig_free(rig);
}

static void test_register_rules(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_ready(&config);
    rig_read(rig, 2);
    rig_expect(rig, 1, "not aligned");
    rig_read(rig, R_DOORBELL);
    rig_expect(rig, 1, "read of doorbell");
    rig_write(rig, R_CAP, 0);
    rig_expect(rig, 1, "read-only");
    rig_write(rig, 0x18, 1);
    rig_expect(rig, 1, "read-only");
    rig_write(rig, R_CSTS, 0);
    rig_expect(rig, 1, "read-only");
    rig_write(rig, R_AQA + 1, 0);
    rig_expect(rig, 1, "not aligned");
    rig_write(rig, R_INTMS, 1);
    rig_expect(rig, 1, "INTMS");
    uint32_t aqa = rig_read(rig, R_AQA), asq = rig_read(rig, R_ASQ), acq = rig_read(rig, R_ACQ);
    rig_write(rig, R_AQA, 0);
    rig_expect(rig, 1, "AQA written while");
    rig_write(rig, R_ASQ, 0);
    rig_expect(rig, 1, "ASQ written while");
    rig_write(rig, R_ACQ + 4, 0);
    rig_expect(rig, 1, "ACQ written while");
    assert_int_equal(rig_read(rig, R_AQA), aqa);
    assert_int_equal(rig_read(rig, R_ASQ), asq);
    assert_int_equal(rig_read(rig, R_ACQ), acq);
    rig_write(rig, R_CC, CC_GOOD | 1 << 7);
    rig_expect(rig, 1, "while enabled");
    assert_int_equal(rig_read(rig, R_CC), CC_GOOD);
    rig_write(rig, R_CC, CC_GOOD | 1u << 31);
    rig_expect(rig, 1, "reserved");
    rig_disable(rig);
    rig_write(rig, R_ASQ, 0x12345678);
    rig_expect(rig, 1, "bits 11:0");
    assert_int_equal(rig_read(rig, R_ASQ), 0x12345000);
    assert_int_equal(rig_read(rig, R_ASQ + 4), 1); /* the other half stays */
    rig_write(rig, R_AQA, 0xF00FF00F);
    rig_expect(rig, 1, "reserved");
    assert_int_equal(rig_read(rig, R_AQA), 0x000F000F);
    rig_free(rig);
}

/* One wrong thing at enabling: CFS, and a violation; clearing EN brings the controller back. */
static void enable_fails(uint32_t cc, uint32_t aqa, uint32_t asq_offset, bool granted,
                         const char *text)
{
    struct nvmevirt_config config = rig_config();
    struct rig *rig = rig_new(&config);
    rig_admin_queue(rig, 64, 256);
    if (aqa != UINT32_MAX)
        rig_write(rig, R_AQA, aqa);
    rig_write(rig, R_ASQ, (uint32_t)rig->queues[0].sq + asq_offset);
    rig_protect(rig, rig->queues[0].cq, granted, granted);
    rig_write(rig, R_CC, cc);
    rig_expect(rig, 1, text);
    assert_int_equal(rig_read(rig, R_CSTS), 2);
    rig->now += 100 * MS;
    assert_int_equal(rig_read(rig, R_CSTS), 2);
    rig_write(rig, R_CC, 0);
    assert_int_equal(rig_read(rig, R_CSTS), 0);
    rig_enable(rig);
    rig_free(rig);
}

static void test_enable_checks(void **state)
{
    (void)state;
    enable_fails(0x00450001, UINT32_MAX, 0, true, "IOSQES");
    enable_fails(0x00060001, UINT32_MAX, 0, true, "IOCQES");
    enable_fails(CC_GOOD | 5 << 7, UINT32_MAX, 0, true, "CC.MPS");
    enable_fails(CC_GOOD | 1 << 11, UINT32_MAX, 0, true, "CC.AMS");
    enable_fails(CC_GOOD | 6 << 4, UINT32_MAX, 0, true, "CC.CSS");
    enable_fails(CC_GOOD | 1 << 4, UINT32_MAX, 0, true, "CC.CSS");
    enable_fails(CC_GOOD, 0x00FF0000, 0, true, "size of ASQ");
    enable_fails(CC_GOOD, 0x0000003F, 0, true, "size of ACQ");
    enable_fails(CC_GOOD | 1 << 7, UINT32_MAX, 0x1000, true, "not aligned");
    enable_fails(CC_GOOD, UINT32_MAX, 0x1000, true, "ASQ: read");
    enable_fails(CC_GOOD, UINT32_MAX, 0, false, "ACQ: write");
}

static void test_enable_takes_time(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.ready_ns = 300 * MS;
    config.disable_ns = 200 * MS;
    struct rig *rig = rig_new(&config);
    rig_admin_queue(rig, 2, 2);
    rig_write(rig, R_CC, CC_GOOD);
    rig->now += 300 * MS - 1;
    assert_int_equal(rig_read(rig, R_CSTS), 0);
    rig->now += 1;
    assert_int_equal(rig_read(rig, R_CSTS), 1);
    rig_write(rig, R_CC, 0);
    rig->now += 200 * MS - 1;
    assert_int_equal(rig_read(rig, R_CSTS), 1);
    rig->now += 1;
    assert_int_equal(rig_read(rig, R_CSTS), 0);
    assert_int_equal(rig_read(rig, R_AQA), 0x00010001); /* survives a reset; CC does not */
    assert_int_equal(rig_read(rig, R_CC), 0);
    rig_free(rig);
}

/* CC.EN written against CSTS.RDY: forbidden in both mixed states, until CAP.TO has passed. */
static void test_enable_against_ready(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.ready_ns = 100 * MS;
    config.disable_ns = 100 * MS;
    struct rig *rig = rig_new(&config);
    rig_admin_queue(rig, 16, 16);
    rig_write(rig, R_CC, CC_GOOD);
    rig_write(rig, R_CC, 0); /* EN 1, RDY 0 */
    rig_expect(rig, 1, "cleared before");
    rig_write(rig, R_CC, CC_GOOD);
    assert_true(rig_wait_ready(rig, 1));
    rig_write(rig, R_CC, 0);
    rig_write(rig, R_CC, CC_GOOD); /* EN 0, RDY 1 */
    rig_expect(rig, 1, "set before");
    assert_int_equal(rig_read(rig, R_CSTS) & 2, 2);
    rig_write(rig, R_CC, 0);
    assert_true(rig_wait_ready(rig, 0));
    nvmevirt_inject(&rig->virt, NVMEVIRT_RDY_STUCK_LOW, 1);
    rig_write(rig, R_CC, CC_GOOD);
    assert_false(rig_wait_ready(rig, 1));
    rig_write(rig, R_CC, 0); /* the host has waited long enough */
    rig_expect(rig, 0, "");
    rig_write(rig, R_CC, CC_GOOD);
    assert_true(rig_wait_ready(rig, 1));
    rig_free(rig);
}

static void test_shutdown(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.shutdown_ns = 50 * MS;
    struct rig *rig = rig_ready(&config);
    rig_write(rig, R_CC, CC_GOOD | 3 << 14);
    rig_expect(rig, 1, "SHN 3");
    rig_write(rig, R_CC, CC_GOOD | 1 << 14);
    assert_int_equal(rig_read(rig, R_CSTS), 1 | 1 << 2);
    rig->now += 50 * MS;
    assert_int_equal(rig_read(rig, R_CSTS), 1 | 2 << 2);
    rig_put(rig, 0, rig_command(0x0A, 0, 0, 0, 7, 0, 0));
    rig_ring(rig, 0);
    rig_expect(rig, 1, "after shutdown");
    nvmevirt_poll(&rig->virt);
    struct rig_cqe cqe;
    assert_false(rig_look(rig, 0, &cqe));
    rig_write(rig, R_CC, 0);
    assert_int_equal(rig_read(rig, R_CSTS) & 0xC, 0);
    assert_true(rig_wait_ready(rig, 0));
    rig_enable(rig);
    assert_int_equal(rig_status(rig, 0, rig_command(0x0A, 0, 0, 0, 7, 0, 0)), 0);
    rig_free(rig);
}

static void test_doorbell_rules(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_config();
    config.dstrd = 1;
    struct rig *rig = rig_new(&config);
    rig_write(rig, 0x1000, 1);
    rig_expect(rig, 1, "not ready");
    rig_enable(rig);
    rig_write(rig, 0x1000, 16);
    rig_expect(rig, 1, "size 16");
    rig_write(rig, 0x1000, 0x10001);
    rig_expect(rig, 1, "size 16");
    rig_write(rig, 0x1000, 0);
    rig_expect(rig, 1, "again");
    rig_write(rig, 0x1008, 16);
    rig_expect(rig, 1, "size 16");
    rig_write(rig, 0x1008, 1);
    rig_expect(rig, 1, "beyond tail");
    rig_write(rig, 0x1008, 0);
    rig_expect(rig, 1, "again");
    rig_write(rig, 0x1004, 1); /* between two doorbells */
    rig_expect(rig, 1, "no queue");
    rig_write(rig, 0x1010, 1); /* queue 1, not created */
    rig_expect(rig, 1, "no queue");
    rig_write(rig, 0x1018, 1);
    rig_expect(rig, 1, "no queue");
    rig_write(rig, 0x8000, 1); /* beyond all */
    rig_expect(rig, 1, "no queue");
    nvmevirt_poll(&rig->virt);
    assert_int_equal(rig->virt.counters.fetched, 0);
    rig_free(rig);
}

static void test_init_failures(void **state)
{
    (void)state;
    struct rig rig = {0};
    struct nvmevirt_environment environment = rig_environment(&rig);
    struct nvmevirt_config good = rig_config(), config;
    struct nvmevirt controller;
    for (long left = 0; left < 7; left++) {
        rig.allocations_left = left;
        assert_false(nvmevirt_init(&controller, &good, &environment));
        assert_int_equal(rig.allocations, 0);
    }
    rig.allocations_left = -1;
    config = good, config.mpsmin = 5;
    assert_false(nvmevirt_init(&controller, &config, &environment));
    struct nvmevirt_namespace bad[] = {{.nsid = 2, .block_size = 512, .blocks = 1},
                                       {.nsid = 2, .block_size = 512, .blocks = 1}};
    config = good, config.namespaces = bad, config.namespace_count = 2;
    assert_false(nvmevirt_init(&controller, &config, &environment));
    bad[1].nsid = 3, bad[1].block_size = 520;
    assert_false(nvmevirt_init(&controller, &config, &environment));
    assert_int_equal(rig.allocations, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capabilities),         cmocka_unit_test(test_register_rules),
        cmocka_unit_test(test_enable_checks),        cmocka_unit_test(test_enable_takes_time),
        cmocka_unit_test(test_enable_against_ready), cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_doorbell_rules),       cmocka_unit_test(test_init_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
