/*
 * The software controller's features, what it does by them when it gets hot,
 * and the time that commands take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

#define SAVE (1u << 31)

enum {
    CURRENT = 0 << 8,
    DEFAULT = 1 << 8,
    SAVED = 2 << 8,
    CAPABILITIES = 3 << 8
};

static struct rig *start(struct nvmevirt_config config)
{
    return rig_ready(&config);
}

static uint16_t set(struct rig *rig, uint32_t nsid, uint32_t id, uint32_t value)
{
    return rig_status(rig, 0, rig_command(9, nsid, 0, 0, id, value, 0));
}

static uint16_t get_status(struct rig *rig, uint32_t nsid, uint32_t id, uint32_t value)
{
    return rig_status(rig, 0, rig_command(10, nsid, 0, 0, id, value, 0));
}

static uint32_t get_of(struct rig *rig, uint32_t nsid, uint32_t id, uint32_t value)
{
    struct rig_cqe cqe = rig_run(rig, 0, rig_command(10, nsid, 0, 0, id, value, 0));
    assert_int_equal(cqe.status, 0);
    return cqe.result;
}

static uint32_t get(struct rig *rig, uint32_t id)
{
    return get_of(rig, 0, id, 0);
}

static void test_values(void **state)
{
    (void)state;
    const struct {
        uint8_t id;
        uint32_t first, value, reserved;
    } features[] = {
        {1, 0, 0xFFFFFF07, 0x08}, {2, 0, 0x21, 0x100}, {6, 1, 0, 2},
        {8, 0, 0x1234, 0x10000},  {10, 0, 1, 2},       {11, 0, 0x1FF, 0},
    };
    struct rig *rig = start(rig_everything());
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(get(rig, features[i].id), features[i].first);
        assert_int_equal(set(rig, 0, features[i].id, features[i].value), 0);
        assert_int_equal(get(rig, features[i].id), features[i].value);
        assert_int_equal(get(rig, features[i].id | DEFAULT), features[i].first);
        if (!features[i].reserved)
            continue;
        assert_int_equal(set(rig, 0, features[i].id, features[i].value | features[i].reserved), 0);
        rig_expect(rig, 1, "reserved bits");
        assert_int_equal(get(rig, features[i].id), features[i].value);
    }
    rig_disable(rig);
    rig_enable(rig);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(get(rig, features[i].id), features[i].first);
    rig_free(rig);
}

static void test_refused(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.vwc = false;
    struct rig *rig = start(config);
    assert_int_equal(set(rig, 0, 2, 2), DNR | 2); /* power states 0 and 1 */
    assert_int_equal(set(rig, 0, 6, 1), DNR | 2); /* no cache */
    assert_int_equal(get_status(rig, 0, 6, 0), DNR | 2);
    assert_int_equal(set(rig, 0, 0, 0), DNR | 2);
    assert_int_equal(set(rig, 0, 3, 0), DNR | 2);
    assert_int_equal(set(rig, 0, 0x0C, 0), DNR | 2);
    assert_int_equal(get_status(rig, 0, 0x0C, 0), DNR | 2);
    assert_int_equal(set(rig, 0, 11, 1 << 9), DNR | 2); /* an event that OAES does not have */
    assert_int_equal(set(rig, 1, 1, 0), DNR | 0x10F);
    assert_int_equal(get_status(rig, 1, 1, 0), DNR | 0x10F);
    assert_int_equal(get_status(rig, 0, 1 | 4 << 8, 0), DNR | 2);
    assert_int_equal(set(rig, 0, 0x19, 1), DNR | 2);
    assert_int_equal(set(rig, 0, 0x19, 0), 0);
    assert_int_equal(get(rig, 0x19), 0);
    rig_free(rig);
}

static void test_saved(void **state)
{
    (void)state;
    struct rig *rig = start(rig_everything());
    assert_int_equal(set(rig, 0, 8 | SAVE, 0x55), 0);
    assert_int_equal(set(rig, 0, 8, 0x66), 0);
    assert_int_equal(get(rig, 8 | CURRENT), 0x66);
    assert_int_equal(get(rig, 8 | SAVED), 0x55);
    assert_int_equal(get(rig, 8 | DEFAULT), 0);
    assert_int_equal(get(rig, 8 | CAPABILITIES), 5);
    assert_int_equal(get(rig, 7 | CAPABILITIES), 4);
    assert_int_equal(get(rig, 5 | CAPABILITIES), 7);
    assert_int_equal(set(rig, 0, 7 | SAVE, 0), DNR | 0x10D);
    assert_int_equal(set(rig, 0, 9 | SAVE, 0), DNR | 0x10D);
    assert_int_equal(set(rig, 1, 5 | SAVE, 3), 0);
    assert_int_equal(set(rig, 1, 5, 4), 0);
    rig_disable(rig);
    rig_enable(rig);
    assert_int_equal(get(rig, 8), 0x55);
    assert_int_equal(get_of(rig, 1, 5, 0), 3);
    rig->virt.config.oncs = 0;
    assert_int_equal(get_status(rig, 0, 8 | SAVED, 0), DNR | 2);
    assert_int_equal(set(rig, 0, 8 | SAVE, 0x55), DNR | 0x10D);
    rig_free(rig);
}

static void test_error_recovery(void **state)
{
    (void)state;
    const struct nvmevirt_namespace two[] = {{.nsid = 1, .block_size = 512, .blocks = 8},
                                             {.nsid = 3, .block_size = 512, .blocks = 8}};
    struct nvmevirt_config config = rig_everything();
    config.namespaces = two;
    config.namespace_count = 2;
    struct rig *rig = start(config);
    assert_int_equal(set(rig, 1, 5, 10), 0);
    assert_int_equal(get_of(rig, 1, 5, 0), 10);
    assert_int_equal(get_of(rig, 3, 5, 0), 0);
    assert_int_equal(set(rig, UINT32_MAX, 5, 11), 0);
    assert_int_equal(get_of(rig, 1, 5, 0), 11);
    assert_int_equal(get_of(rig, 3, 5, 0), 11);
    assert_int_equal(get_status(rig, UINT32_MAX, 5, 0), DNR | 0xB);
    assert_int_equal(get_status(rig, 0, 5, 0), DNR | 0xB);
    assert_int_equal(set(rig, 0, 5, 0), DNR | 0xB);
    assert_int_equal(set(rig, 2, 5, 0), DNR | 2);
    assert_int_equal(set(rig, 4, 5, 0), DNR | 0xB);
    assert_int_equal(set(rig, 1, 5, 1 << 16), DNR | 2); /* errors for deallocated blocks */
    rig_free(rig);
}

static void test_vectors(void **state)
{
    (void)state;
    struct rig *rig = start(rig_everything());
    assert_int_equal(get_of(rig, 0, 9, 3), 3);
    assert_int_equal(set(rig, 0, 9, 3 | 1 << 16), 0);
    assert_int_equal(get_of(rig, 0, 9, 3), 3 | 1 << 16);
    assert_int_equal(get_of(rig, 0, 9 | DEFAULT, 3), 3);
    assert_int_equal(get_of(rig, 0, 9, 4), 4);
    assert_int_equal(set(rig, 0, 9, 5), DNR | 2);
    assert_int_equal(get_status(rig, 0, 9, 5), DNR | 2);
    nvmevirt_msix_mask(&rig->virt, 3, true);
    nvmevirt_msix_mask(&rig->virt, 3, false);
    assert_int_equal(get_of(rig, 0, 9, 3), 3 | 1 << 16);
    assert_int_equal(set(rig, 0, 9, 3), 0);
    assert_int_equal(get_of(rig, 0, 9, 3), 3);
    rig_free(rig);
}

static void request_events(struct rig *rig)
{
    for (unsigned i = 0; i < 2; i++)
        rig_put(rig, 0, rig_command(0x0C, 0, 0, 0, 0, 0, 0));
    rig_ring(rig, 0);
}

static bool event(struct rig *rig, uint32_t want)
{
    struct rig_cqe cqe;
    nvmevirt_poll(&rig->virt);
    if (!rig_reap(rig, 0, &cqe))
        return false;
    assert_int_equal(cqe.status, 0);
    assert_int_equal(cqe.result, want);
    return true;
}

static uint8_t read_health(struct rig *rig, uint64_t page)
{
    assert_int_equal(rig_status(rig, 0, rig_command(2, 0, page, 0, 127u << 16 | 2, 0, 0)), 0);
    return *(uint8_t *)rig_at(rig, page);
}

static void test_temperature(void **state)
{
    (void)state;
    struct rig *rig = start(rig_everything());
    uint64_t page = rig_alloc(rig, 4096);
    request_events(rig);
    assert_int_equal(get_of(rig, 0, 4, 0), 343);
    assert_int_equal(get_of(rig, 0, 4, 1 << 20), 0);
    nvmevirt_set_temperature(&rig->virt, 343);
    assert_false(event(rig, 0)); /* not enabled */
    assert_int_equal(read_health(rig, page), 2);
    assert_int_equal(((uint8_t *)rig_at(rig, page))[1], 343 & 0xFF);
    nvmevirt_set_temperature(&rig->virt, 342);
    assert_int_equal(read_health(rig, page), 0);

    assert_int_equal(set(rig, 0, 11, 2), 0);
    nvmevirt_set_temperature(&rig->virt, 350);
    assert_true(event(rig, 0x020101));
    nvmevirt_set_temperature(&rig->virt, 351);
    assert_false(event(rig, 0)); /* it has been said */
    assert_int_equal(read_health(rig, page), 2);
    assert_int_equal(set(rig, 0, 4, 0xF0000 | 360), 0); /* all sensors */
    assert_int_equal(read_health(rig, page), 0);
    assert_int_equal(set(rig, 0, 4, 1 << 20 | 355), 0); /* too cold now */
    assert_true(event(rig, 0x020101));
    assert_int_equal(get_of(rig, 0, 4, 1 << 20), 355);
    assert_int_equal(get_of(rig, 0, 4, 0), 360);
    assert_int_equal(set(rig, 0, 4, 1 << 16), DNR | 2); /* sensor 1 */
    assert_int_equal(set(rig, 0, 4, 2 << 20), DNR | 2);
    assert_int_equal(get_status(rig, 0, 4, 0xF0000), DNR | 2);
    rig_free(rig);
}

static void test_warnings(void **state)
{
    (void)state;
    struct rig *rig = start(rig_everything());
    uint64_t page = rig_alloc(rig, 4096);
    request_events(rig);
    nvmevirt_set_warnings(&rig->virt, 1 | 2 | 8);
    assert_false(event(rig, 0));
    assert_int_equal(read_health(rig, page), 1 | 8); /* the temperature speaks for itself */
    assert_int_equal(set(rig, 0, 11, 8), 0);         /* what is wrong already is reported then */
    assert_true(event(rig, 0x020001));
    assert_int_equal(set(rig, 0, 11, 9), 0);
    assert_false(event(rig, 0)); /* silent until the log page is read */
    rig_put(rig, 0, rig_command(2, 0, page, 0, 127u << 16 | 2, 0, 0));
    rig_ring(rig, 0);
    assert_true(event(rig, 0));
    assert_true(event(rig, 0x020201));
    rig_free(rig);
}

/* Every class of commands takes its own time. */
static void test_latency(void **state)
{
    (void)state;
    const struct {
        uint8_t opcode;
        unsigned class;
    } commands[] = {{2, NVMEVIRT_CLASS_READ},  {5, NVMEVIRT_CLASS_READ},
                    {12, NVMEVIRT_CLASS_READ}, {1, NVMEVIRT_CLASS_WRITE},
                    {8, NVMEVIRT_CLASS_WRITE}, {4, NVMEVIRT_CLASS_WRITE},
                    {0, NVMEVIRT_CLASS_FLUSH}, {9, NVMEVIRT_CLASS_DATASET}};
    struct nvmevirt_config config = rig_everything();
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 4096);
    for (unsigned c = 0; c < NVMEVIRT_CLASSES; c++)
        rig->virt.config.latency_ns[c] = (c + 1) * MS;
    for (unsigned i = 0; i < 8; i++) {
        bool data = commands[i].opcode && commands[i].opcode != 12 && commands[i].opcode != 8 &&
                    commands[i].opcode != 4;
        struct rig_cqe cqe;
        rig_put(rig, 1, rig_command(commands[i].opcode, 1, data ? page : 0, 0, 0, 0, 0));
        rig_ring(rig, 1);
        nvmevirt_poll(&rig->virt);
        uint64_t due = rig->now + (commands[i].class + 1) * MS;
        assert_int_equal(nvmevirt_next_event(&rig->virt), due);
        rig->now = due - 1;
        nvmevirt_poll(&rig->virt);
        assert_false(rig_look(rig, 1, &cqe));
        rig->now = due;
        nvmevirt_poll(&rig->virt);
        assert_true(rig_reap(rig, 1, &cqe));
        assert_int_equal(cqe.status, 0);
    }
    struct rig_cqe cqe;
    rig_put(rig, 0, rig_command(10, 0, 0, 0, 7, 0, 0));
    rig_put(rig, 0, rig_command(0x0C, 0, 0, 0, 0, 0, 0)); /* is no work */
    nvmevirt_event(&rig->virt, 1, 0, 2);
    rig_ring(rig, 0);
    assert_true(event(rig, 0x020001));
    assert_false(rig_look(rig, 0, &cqe));
    rig->now += MS;
    assert_true(event(rig, 3 << 16 | 3));
    rig->virt.config.latency_ns[NVMEVIRT_CLASS_FLUSH] = NVMEVIRT_NEVER;
    rig_put(rig, 1, rig_command(0, 1, 0, 0, 0, 0, 0));
    rig_ring(rig, 1);
    rig->now += 1ull << 60;
    nvmevirt_poll(&rig->virt);
    assert_false(rig_look(rig, 1, &cqe));
    rig_free(rig);
}

static void test_wrong_result(void **state)
{
    (void)state;
    struct nvmevirt_fault fault = {0, 9, 1, NVMEVIRT_RESULT, 0xFFFFFFFF, 0};
    struct rig *rig = start(rig_everything());
    nvmevirt_set_faults(&rig->virt, &fault, 1);
    struct rig_sqe queues = rig_command(9, 0, 0, 0, 7, 0, 0);
    assert_int_equal(rig_run(rig, 0, queues).result, UINT32_MAX);
    assert_int_equal(rig_run(rig, 0, queues).result, 3 << 16 | 3);
    rig_free(rig);
}

/* A Command Retry Delay is for hosts that have said that they know it. */
static void test_retry_delay(void **state)
{
    (void)state;
    const uint16_t busy = NVMEVIRT_STATUS_FIELD(0, 0x82, 0) | NVMEVIRT_CRD(2);
    struct nvmevirt_fault fault = {1, 0, 0, NVMEVIRT_STATUS, busy, 0};
    struct nvmevirt_config config = rig_everything();
    config.crdt[1] = 7;
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 4096);
    uint8_t *data = rig_at(rig, page);
    struct rig_sqe flush = rig_command(0, 1, 0, 0, 0, 0, 0);
    nvmevirt_set_faults(&rig->virt, &fault, 1);
    assert_int_equal(rig_status(rig, 0, rig_command(6, 0, page, 0, 1, 0, 0)), 0);
    assert_int_equal(data[130], 7);
    assert_int_equal(rig_status(rig, 1, flush), 0x82);
    memset(data, 0, 4096);
    data[0] = 2;
    assert_int_equal(rig_status(rig, 0, rig_command(9, 0, page, 0, 0x16, 0, 0)), DNR | 2);
    data[0] = 1;
    assert_int_equal(rig_status(rig, 0, rig_command(9, 0, page, 0, 0x16, 0, 0)), 0);
    assert_int_equal(rig_status(rig, 1, flush), 0x82 | 2 << 11);
    memset(data, 0xEE, 4096);
    assert_int_equal(rig_status(rig, 0, rig_command(10, 0, page, 0, 0x16, 0, 0)), 0);
    assert_int_equal(data[0], 1);
    assert_int_equal(data[511], 0);
    assert_int_equal(data[512], 0xEE);
    rig->virt.config.crdt[1] = 0;
    assert_int_equal(rig_status(rig, 0, rig_command(10, 0, page, 0, 0x16, 0, 0)), DNR | 2);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_saved),        cmocka_unit_test(test_error_recovery),
        cmocka_unit_test(test_vectors),      cmocka_unit_test(test_temperature),
        cmocka_unit_test(test_warnings),     cmocka_unit_test(test_latency),
        cmocka_unit_test(test_wrong_result), cmocka_unit_test(test_retry_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
