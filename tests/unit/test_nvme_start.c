/*
 * Starting and stopping a controller: found in any state, with any
 * capabilities, short of memory, with each step failing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define CC_ENABLED  0x00460001u
#define HALF_SECOND (500 * MS)

static void test_start_and_stop(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    assert_string_equal(host->nvme.serial, "virt0001");
    assert_string_equal(host->nvme.model, "nvmevirt");
    assert_string_equal(host->nvme.firmware, "1.0");
    assert_int_equal(host->nvme.version, 0x20000);
    assert_true(host->nvme.volatile_cache);
    assert_int_equal(host->nvme.io_count, 1);
    assert_int_equal(host->nvme.io[0].size, 1024);
    assert_int_equal(host->nvme.io[0].vector, 1);
    assert_true(host->nvme.io[0].has_vector && host->nvme.admin.has_vector);
    assert_int_equal(host->nvme.namespace_count, 1);
    assert_int_equal(host->nvme.namespaces[0].id, 1);
    assert_int_equal(host->nvme.namespaces[0].block_size, 512);
    assert_int_equal(host->nvme.namespaces[0].block_count, 4096);
    assert_int_equal(host->nvme.max_transfer, 512 << 10);
    assert_true(host->nvme.admin.counters.interrupts > 0);
    testhost_works(host);
    assert_true(host->nvme.io[0].counters.interrupts > 0);

    nvme_stop(&host->nvme);
    assert_int_equal(host->nvme.state, NVME_STOPPED);
    assert_int_equal(host->dma_live, 0);
    assert_int_equal(host->virt.cc & 1, 0);
    assert_false(host->virt.ready);
    assert_string_equal(host->log, "");

    /* And again, with the same struct. */
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    testhost_works(host);
    testhost_free(host);
}

/* The order of the end: no queue left, then shutdown, then disabled. */
static unsigned queues_at_shutdown;
static uint32_t shutdown_seen;

static bool watch_shutdown(struct testhost *host, uint32_t offset, uint32_t *value)
{
    (void)value;
    if (offset == NVME_REG_CSTS && (host->virt.cc & NVME_CC_SHN)) {
        shutdown_seen = NVME_GET(NVME_CC_SHN, host->virt.cc);
        for (unsigned q = 1; q <= 4; q++)
            queues_at_shutdown += host->virt.sqs[q].exists + host->virt.cqs[q].exists;
    }
    return false;
}

static void test_stop_is_orderly(void **state)
{
    (void)state;
    const struct nvme_options options = {.io_queues = 3};
    struct testhost *host = testhost_live(NULL, &options);
    assert_int_equal(host->nvme.io_count, 3);
    host->read = watch_shutdown;
    queues_at_shutdown = shutdown_seen = 0;
    uint64_t before = host->now;
    nvme_stop(&host->nvme);
    assert_int_equal(shutdown_seen, 1);
    assert_int_equal(queues_at_shutdown, 0);
    assert_true(host->now - before < HALF_SECOND);
    testhost_free(host);

    /* A shutdown that never ends is waited for, and then ended all the same. */
    struct nvmevirt_config config = testhost_config();
    config.shutdown_ns = NVMEVIRT_NEVER / 2;
    host = testhost_live(&config, NULL);
    before = host->now;
    nvme_stop(&host->nvme);
    assert_true(testhost_logged(host, "shutdown was not completed"));
    assert_true(host->now - before >= 5000 * MS && host->now - before < 70000 * MS);
    assert_int_equal(host->nvme.state, NVME_STOPPED);
    testhost_free(host);
}

static void slow_shutdown(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)nsid;
    if (cns == 1)
        memcpy(data + 88, host->context, 4); /* RTD3E, microseconds */
}

static void test_shutdown_takes_its_time(void **state)
{
    (void)state;
    const struct {
        uint32_t rtd3e;
        uint64_t takes, given_up;
    } cases[] = {{0, 4900 * MS, 5100 * MS},
                 {20000000, 19000 * MS, 21000 * MS},
                 {UINT32_MAX, 59000 * MS, 61000 * MS}};
    for (unsigned i = 0; i < 6; i++) {
        struct nvmevirt_config config = testhost_config();
        config.shutdown_ns = i & 1 ? cases[i / 2].given_up : cases[i / 2].takes;
        struct testhost *host = testhost_new(&config);
        uint32_t rtd3e = cases[i / 2].rtd3e;
        host->context = &rtd3e;
        host->identify = slow_shutdown;
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        nvme_stop(&host->nvme);
        assert_int_equal(testhost_logged(host, "shutdown was not completed"), i & 1);
        testhost_free(host);
    }
}

/* ---- The state at entry -------------------------------------------------------------------- */

/* As firmware leaves it: enabled, with queues in memory that was the firmware's. */
static struct testhost *enabled_by_firmware(const struct nvmevirt_config *config, bool ready)
{
    struct testhost *host = testhost_new(config);
    uint64_t bus;
    host->ops.dma_alloc(host, 8192, 4096, &bus);
    host->dma_live = 0;
    nvmevirt_write32(&host->virt, NVME_REG_AQA, 63 << 16 | 63);
    nvmevirt_write32(&host->virt, NVME_REG_ASQ, (uint32_t)bus);
    nvmevirt_write32(&host->virt, NVME_REG_ASQ + 4, (uint32_t)(bus >> 32));
    nvmevirt_write32(&host->virt, NVME_REG_ACQ, (uint32_t)bus + 4096);
    nvmevirt_write32(&host->virt, NVME_REG_ACQ + 4, (uint32_t)(bus >> 32));
    nvmevirt_write32(&host->virt, NVME_REG_CC, CC_ENABLED);
    if (ready)
        host->now += config->ready_ns;
    return host;
}

static void test_all_states_at_entry(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.ready_ns = 300 * MS;
    config.disable_ns = 200 * MS;
    for (unsigned en_rdy = 0; en_rdy < 4; en_rdy++) {
        bool enabled = en_rdy & 2, ready = en_rdy & 1;
        struct testhost *host = enabled_by_firmware(&config, enabled == ready || ready);
        if (!enabled)
            nvmevirt_write32(&host->virt, NVME_REG_CC, 0);
        if (!enabled && !ready)
            host->now += config.disable_ns;
        assert_int_equal(nvmevirt_read32(&host->virt, NVME_REG_CC) & 1, enabled);
        assert_int_equal(nvmevirt_read32(&host->virt, NVME_REG_CSTS) & 1, ready);
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        testhost_works(host);
        testhost_free(host);
    }
}

static void test_entry_with_shutdown_or_fatal(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    struct testhost *host = enabled_by_firmware(&config, true);
    nvmevirt_write32(&host->virt, NVME_REG_CC, CC_ENABLED | 1 << 14);
    host->now += config.shutdown_ns;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    testhost_works(host);
    testhost_free(host);

    host = enabled_by_firmware(&config, false);
    nvmevirt_inject(&host->virt, NVMEVIRT_FATAL, 0);
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    testhost_works(host);
    testhost_free(host);
}

/* EN=1, RDY=0 and it never comes: after CAP.TO it may be disabled anyway. */
static void test_entry_stuck_starting(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.to = 4;
    struct testhost *host = enabled_by_firmware(&config, true);
    nvmevirt_write32(&host->virt, NVME_REG_CC, 0);
    host->now += config.disable_ns;
    nvmevirt_read32(&host->virt, NVME_REG_CSTS);
    nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_LOW, 1);
    nvmevirt_write32(&host->virt, NVME_REG_CC, CC_ENABLED);
    uint64_t before = host->now;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_true(host->now - before >= 4 * HALF_SECOND && host->now - before < 6 * HALF_SECOND);
    testhost_works(host);
    testhost_free(host);
}

static void test_ready_stuck(void **state)
{
    (void)state;
    for (uint8_t to = 0; to < 60; to = (uint8_t)(to * 3 + 1)) {
        struct nvmevirt_config config = testhost_config();
        config.to = to;
        struct testhost *host = testhost_new(&config);
        nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_LOW, 0);
        uint64_t before = host->now, limit = (to ? to : 1) * HALF_SECOND;
        assert_int_equal(testhost_start(host, NULL), NVME_ERR_TIMEOUT);
        assert_true(testhost_logged(host, "does not become ready"));
        assert_true(host->now - before >= limit && host->now - before <= 3 * limit);
        assert_int_equal(host->nvme.state, NVME_DEAD);
        assert_int_equal(host->virt.cc & 1, 0);
        testhost_free(host);

        host = enabled_by_firmware(&config, true);
        nvmevirt_inject(&host->virt, NVMEVIRT_RDY_STUCK_HIGH, 0);
        before = host->now;
        assert_int_equal(testhost_start(host, NULL), NVME_ERR_TIMEOUT);
        assert_true(host->now - before >= limit && host->now - before <= 3 * limit);
        assert_int_equal(host->isolated, 1);
        assert_int_equal(host->dma_allocations, 1); /* the firmware's */
        testhost_free(host);
    }
    /* Just in time. */
    struct nvmevirt_config config = testhost_config();
    config.to = 20;
    config.ready_ns = config.disable_ns = 9999 * MS;
    struct testhost *host = testhost_live(&config, NULL);
    assert_true(testhost_logged(host, "waiting for the controller"));
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    testhost_free(host);
}

static bool says_ten_seconds(struct testhost *host, uint32_t offset, uint32_t *value)
{
    (void)host;
    *value = 0xffff0014; /* CRIMT, CRWMT */
    return offset == NVME_REG_CRTO;
}

/* CRTO says more than CAP.TO, where CAP says that it does. */
static void test_longer_ready_time(void **state)
{
    (void)state;
    for (unsigned counts = 0; counts < 2; counts++) {
        struct nvmevirt_config config = testhost_config();
        config.to = 2;
        config.ready_ns = 9999 * MS;
        struct testhost *host = testhost_new(&config);
        host->read = says_ten_seconds;
        host->virt.cap |= counts ? NVME_CAP_CRWMS : 0;
        assert_int_equal(testhost_start(host, NULL), counts ? NVME_OK : NVME_ERR_TIMEOUT);
        testhost_free(host);
    }
}

static void test_fatal_while_starting(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    struct testhost *host = testhost_new(&config);
    nvmevirt_inject(&host->virt, NVMEVIRT_FATAL, 0);
    assert_int_equal(testhost_start(host, NULL), NVME_ERR_DEVICE);
    assert_int_equal(host->nvme.state, NVME_DEAD);
    testhost_free(host);
}

/* ---- Capabilities -------------------------------------------------------------------------- */

static void test_no_registers(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
    assert_int_equal(testhost_start(host, NULL), NVME_ERR_DEAD);
    assert_int_equal(host->writes, 0);
    assert_int_equal(host->dma_allocations, 0);
    testhost_free(host);
}

static bool gone_after_cc(struct testhost *host, uint32_t offset, uint32_t *value)
{
    (void)host;
    *value = NVME_REGISTER_GONE;
    return offset == NVME_REG_CSTS;
}

/* All-ones where RDY is waited for: neither ready nor a reason to write to it. */
static void test_gone_while_starting(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    struct testhost *host = enabled_by_firmware(&config, false);
    host->read = gone_after_cc;
    uint32_t cc = host->virt.cc;
    uint64_t before = host->now;
    assert_int_equal(testhost_start(host, NULL), NVME_ERR_DEAD);
    assert_int_equal(host->virt.cc, cc);
    assert_int_equal(host->now, before);
    assert_int_equal(host->isolated, 1);
    testhost_free(host);
}

static bool stop_inside(struct testhost *host, uint32_t offset, uint32_t *value)
{
    (void)value;
    if (offset == NVME_REG_CSTS && host->nvme.state == NVME_STARTING)
        nvme_stop(&host->nvme);
    return false;
}

/* The caller of nvme_start() still works with what a stop would give back. */
static void test_stop_while_starting(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    host->read = stop_inside;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_true(testhost_logged(host, "stopped from within the driver"));
    testhost_works(host);
    testhost_free(host);
}

/* Text of the device's goes to consoles: nothing in it but what can be printed. */
static void odd_text(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns == NVME_IDENTIFY_CONTROLLER)
        memcpy(data + 4, "a\x1b\x7f\xff~ b\0", 9);
}

static void test_text_that_cannot_be_printed(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    host->identify = odd_text;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_memory_equal(host->nvme.serial, "a???~ b", 7);
    testhost_free(host);
}

static void test_capabilities_refused(void **state)
{
    (void)state;
    const uint64_t cap = 0x0040002000000000ull | 15 << 24 | 1 << 16; /* without MQES */
    const uint64_t caps[] = {
        cap,                                          /* MQES 0: a queue of one entry */
        (cap & ~(0xffull << 37)) | 1023,              /* no command set */
        (cap & ~(0xffull << 37)) | 1023 | 1ull << 44, /* admin commands only */
        (cap & ~(0xffull << 37)) | 1023 | 1ull << 43, /* not the NVM command set for CC.CSS 0 */
        0,
    };
    for (unsigned i = 0; i < sizeof caps / sizeof caps[0]; i++) {
        struct testhost *host = testhost_new(NULL);
        host->virt.cap = caps[i];
        assert_int_equal(testhost_start(host, NULL), NVME_ERR_DEVICE);
        assert_true(testhost_logged(host, "CAP"));
        assert_int_equal(host->writes, 0);
        testhost_free(host);
    }
}

static void test_queue_sizes(void **state)
{
    (void)state;
    const struct {
        uint16_t mqes;
        unsigned wish, size;
    } cases[] = {{1, 0, 2},        {1, 1000, 2},         {2, 0, 3},           {1023, 0, 1024},
                 {65535, 0, 4096}, {65535, 65536, 4096}, {65535, 4095, 4095}, {1023, 1, 2},
                 {1023, 2, 2},     {1023, 1024, 1024},   {1023, 1025, 1024},  {63, UINT32_MAX, 64}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvmevirt_config config = testhost_config();
        config.mqes = cases[i].mqes;
        const struct nvme_options options = {.queue_entries = cases[i].wish};
        struct testhost *host = testhost_live(&config, &options);
        assert_int_equal(host->nvme.io[0].size, cases[i].size);
        assert_int_equal(host->virt.sqs[1].size, cases[i].size);
        assert_int_equal(host->virt.cqs[1].size, cases[i].size);
        testhost_works(host);
        testhost_works(host);
        testhost_free(host);
    }
}

static void test_doorbell_strides(void **state)
{
    (void)state;
    for (uint8_t dstrd = 0; dstrd <= 15; dstrd++) {
        struct nvmevirt_config config = testhost_config();
        config.dstrd = dstrd;
        const struct nvme_options options = {.io_queues = 3};
        struct testhost *host = testhost_live(&config, &options);
        assert_int_equal(host->nvme.doorbell_shift, 2 + dstrd);
        testhost_works(host);
        testhost_free(host);
    }
}

static void test_page_sizes(void **state)
{
    (void)state;
    for (uint8_t mps = 0; mps <= 8; mps++) {
        struct nvmevirt_config config = testhost_config();
        config.mpsmin = mps;
        config.mpsmax = (uint8_t)(mps + 1);
        config.mdts = 3;
        struct testhost *host = testhost_live(&config, NULL);
        assert_int_equal(host->nvme.page_size, 4096u << mps);
        assert_int_equal(NVME_GET(NVME_CC_MPS, host->virt.cc), mps);
        size_t mdts = (size_t)(4096u << mps) << 3;
        assert_int_equal(host->nvme.max_transfer, mdts < 4 << 20 ? mdts : 4 << 20);
        testhost_works(host);
        testhost_free(host);
    }
}

/* One of the registers reads as if nothing had been written. */
static bool forget(struct testhost *host, uint32_t offset, uint32_t *value)
{
    *value = 0;
    return offset == *(const uint32_t *)host->context;
}

static void test_registers_that_forget(void **state)
{
    (void)state;
    uint32_t offsets[] = {NVME_REG_AQA, NVME_REG_ASQ, NVME_REG_ASQ + 4, NVME_REG_ACQ,
                          NVME_REG_ACQ + 4};
    for (unsigned i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct testhost *host = testhost_new(NULL);
        host->read = forget;
        host->context = &offsets[i];
        assert_int_equal(testhost_start(host, NULL), NVME_ERR_DEVICE);
        assert_true(testhost_logged(host, "do not hold what was written"));
        testhost_free(host);
    }
}

static void test_transfer_limits(void **state)
{
    (void)state;
    const struct {
        uint8_t mdts;
        size_t wish, limit;
    } cases[] = {
        {0, 0, 4 << 20},          {1, 0, 8192},     {5, 0, 128 << 10},
        {5, 1 << 30, 128 << 10},  {5, 10000, 8192}, {5, 1, 4096},
        {0, SIZE_MAX, 256 << 20}, {20, 0, 4 << 20}, {31, 1 << 20, 1 << 20},
        {0, 12288, 12288},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvmevirt_config config = testhost_config();
        config.mdts = cases[i].mdts;
        const struct nvme_options options = {.max_transfer = cases[i].wish, .queue_entries = 4};
        struct testhost *host = testhost_live(&config, &options);
        assert_int_equal(host->nvme.max_transfer, cases[i].limit);
        testhost_works(host);
        testhost_free(host);
    }
}

/* Above the host's limit, and far above anything. */
static void absurd_mdts(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)nsid;
    if (cns == 1)
        data[77] = *(uint8_t *)host->context;
}

static void test_absurd_mdts(void **state)
{
    (void)state;
    for (unsigned mdts = 10; mdts < 256; mdts++) {
        struct nvmevirt_config config = testhost_config();
        config.mdts = 0;
        struct testhost *host = testhost_new(&config);
        uint8_t value = (uint8_t)mdts;
        host->context = &value;
        host->identify = absurd_mdts;
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        assert_int_equal(host->nvme.max_transfer, 4 << 20);
        testhost_free(host);
    }
}

static void strange_names(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns != 1)
        return;
    memset(data + 4, 'S', 20);              /* no blank at the end */
    memset(data + 24, ' ', 40);             /* nothing but blanks */
    memcpy(data + 64, "\x1b[2J\xff\0 ", 8); /* what a terminal would obey */
}

static void test_names_are_printable(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    host->identify = strange_names;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_string_equal(host->nvme.serial, "SSSSSSSSSSSSSSSSSSSS");
    assert_string_equal(host->nvme.model, "");
    assert_string_equal(host->nvme.firmware, "?[2J?");
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_and_stop),
        cmocka_unit_test(test_stop_is_orderly),
        cmocka_unit_test(test_shutdown_takes_its_time),
        cmocka_unit_test(test_all_states_at_entry),
        cmocka_unit_test(test_entry_with_shutdown_or_fatal),
        cmocka_unit_test(test_entry_stuck_starting),
        cmocka_unit_test(test_ready_stuck),
        cmocka_unit_test(test_longer_ready_time),
        cmocka_unit_test(test_fatal_while_starting),
        cmocka_unit_test(test_no_registers),
        cmocka_unit_test(test_gone_while_starting),
        cmocka_unit_test(test_capabilities_refused),
        cmocka_unit_test(test_queue_sizes),
        cmocka_unit_test(test_doorbell_strides),
        cmocka_unit_test(test_page_sizes),
        cmocka_unit_test(test_registers_that_forget),
        cmocka_unit_test(test_transfer_limits),
        cmocka_unit_test(test_absurd_mdts),
        cmocka_unit_test(test_names_are_printable),
        cmocka_unit_test(test_stop_while_starting),
        cmocka_unit_test(test_text_that_cannot_be_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
