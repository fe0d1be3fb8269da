/* Zoned namespaces: what the driver learns of them, its commands, and what it does not repeat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define ZONE  64u
#define ZONES 8u

static const struct nvmevirt_namespace zoned = {.nsid = 1,
                                                .block_size = 512,
                                                .blocks = ZONE * ZONES,
                                                .zone_blocks = ZONE,
                                                .zone_capacity = 48,
                                                .max_open = 2,
                                                .max_active = 3};

static struct nvmevirt_config zoned_config(void)
{
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = &zoned;
    config.namespace_count = 1;
    config.zasl = 1;
    return config;
}

static struct testhost *zoned_host(void)
{
    struct nvmevirt_config config = zoned_config();
    return testhost_live(&config, NULL);
}

static int run(struct testhost *host, struct nvme_request *request)
{
    return nvme_execute(&host->nvme.io[0], request);
}

static int act(struct testhost *host, enum nvme_zone_action action, uint64_t zone, bool all)
{
    struct nvme_request request = {0};
    int error = nvme_prepare_zone_send(&request, host->nvme.namespaces, action, zone, all);
    return error ? error : run(host, &request);
}

/* The status field behind an NVME_ERR_STATUS, of a write. */
static uint16_t write_status(struct testhost *host, uint64_t lba, uint32_t blocks, void *data)
{
    const struct nvme_segment segment = {data, (size_t)blocks * 512};
    struct nvme_request request = {.segments = &segment, .segment_count = 1};
    assert_int_equal(nvme_prepare_rw(&request, host->nvme.namespaces, true, lba, blocks), NVME_OK);
    run(host, &request);
    return request.status & (NVME_STATUS_SCT | NVME_STATUS_SC);
}

static void test_what_it_is(void **state)
{
    (void)state;
    struct testhost *host = zoned_host();
    const struct nvme_namespace *ns = host->nvme.namespaces;
    assert_int_equal(host->nvme.namespace_count, 1);
    assert_int_equal(ns->zone_blocks, ZONE);
    assert_int_equal(ns->open_zones_most, 2);
    assert_int_equal(ns->active_zones_most, 3);
    assert_int_equal(host->nvme.limits.append_bytes, 8192);
    testhost_free(host);

    /* No limits at all; and neighbours of two command sets. */
    const struct nvmevirt_namespace both[] = {
        {.nsid = 1, .block_size = 512, .blocks = 64},
        {.nsid = 7, .block_size = 4096, .blocks = 64, .zone_blocks = 4}};
    struct nvmevirt_config config = zoned_config();
    config.namespaces = both;
    config.namespace_count = 2;
    config.zasl = 0;
    host = testhost_live(&config, NULL);
    ns = host->nvme.namespaces;
    assert_int_equal(ns->zone_blocks, 0);
    assert_int_equal(ns->next->zone_blocks, 4);
    assert_int_equal(ns->next->open_zones_most, 0);
    assert_int_equal(ns->next->active_zones_most, 0);
    assert_int_equal(host->nvme.limits.append_bytes, host->nvme.max_transfer);
    testhost_free(host);
}

/* ---- Lies ------------------------------------------------------------------------------------ */

/* For CNS 05h: another zone size. */
static void lie(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)nsid;
    if (cns == NVME_IDENTIFY_SET_NAMESPACE)
        memcpy(data + 2816, host->context, 8);
}

static void test_absurd_zones(void **state)
{
    (void)state;
    uint64_t sizes[] = {0, 63, ZONE * ZONES + 1, 1ull << 63, UINT64_MAX};
    struct nvmevirt_config config = zoned_config();
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct testhost *host = testhost_new(&config);
        host->context = &sizes[i];
        host->identify = lie;
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        assert_int_equal(host->nvme.namespace_count, 0);
        assert_true(testhost_logged(host, "512 blocks in zones of "));
        testhost_free(host);
    }
}

/* It has become another one: what was prepared before is refused. */
static void test_other_zones(void **state)
{
    (void)state;
    uint64_t size = ZONE / 2;
    struct testhost *host = zoned_host();
    struct nvme_request request = {0};
    assert_int_equal(
        nvme_prepare_zone_send(&request, host->nvme.namespaces, NVME_ZONE_RESET, ZONE, false),
        NVME_OK);
    host->context = &size;
    host->identify = lie;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.namespaces->zone_blocks, size);
    assert_int_equal(run(host, &request), NVME_ERR_GONE);
    testhost_free(host);
}

static void claim_zones(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    const uint8_t csi[] = {NVME_DESCRIPTOR_CSI, 1, 0, 0, NVME_CSI_ZONED, 0, 0, 0};
    if (cns == NVME_IDENTIFY_DESCRIPTORS)
        memcpy(data, csi, sizeof csi);
}

/* Without command sets (CAP.CSS), and where Identify of this one is refused. */
static void test_no_command_set(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    host->identify = claim_zones;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 0);
    assert_true(testhost_logged(host, "is of I/O command set 2, which is not known here"));
    testhost_free(host);

    const struct nvmevirt_namespace plain = {.nsid = 1, .block_size = 512, .blocks = 64};
    struct nvmevirt_config config = zoned_config();
    config.namespaces = &plain;
    host = testhost_new(&config);
    host->identify = claim_zones;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 0);
    testhost_free(host);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void test_write_and_reset(void **state)
{
    (void)state;
    struct testhost *host = zoned_host();
    uint8_t *data = testhost_data(host, 48 * 512);
    assert_int_equal(write_status(host, ZONE, 8, data), 0);
    assert_int_equal(write_status(host, ZONE, 8, data), 0x1bc);
    assert_int_equal(write_status(host, ZONE + 8, 41, data), 0x1b8);
    assert_int_equal(write_status(host, ZONE + 8, 40, data), 0);
    assert_int_equal(write_status(host, ZONE + 8, 40, data), 0x1b9);
    assert_int_equal(act(host, NVME_ZONE_RESET, ZONE, false), NVME_OK);
    assert_int_equal(write_status(host, ZONE, 1, data), 0);
    assert_int_equal(act(host, NVME_ZONE_OFFLINE, ZONE, false), NVME_ERR_STATUS);
    assert_int_equal(act(host, NVME_ZONE_OPEN, ZONE + 1, false), NVME_ERR_INVALID);
    assert_int_equal(act(host, NVME_ZONE_OPEN, ZONE * ZONES, false), NVME_ERR_INVALID);
    assert_int_equal(act(host, NVME_ZONE_OPEN, ZONE, false), NVME_OK);
    assert_int_equal(act(host, NVME_ZONE_CLOSE, UINT64_MAX, true), NVME_OK);
    assert_int_equal(act(host, NVME_ZONE_FINISH, ZONE, false), NVME_OK);
    assert_int_equal(act(host, NVME_ZONE_RESET, 0, true), NVME_OK);
    assert_int_equal(write_status(host, ZONE, 1, data), 0);
    assert_true(nvmevirt_protect(&host->virt, 1, true));
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(act(host, NVME_ZONE_RESET, 0, true), NVME_ERR_INVALID);
    testhost_free(host);
}

static void test_report(void **state)
{
    (void)state;
    struct testhost *host = zoned_host();
    const struct nvme_namespace *ns = host->nvme.namespaces;
    struct nvme_zone_report *report = (void *)testhost_data(host, 4096);
    struct nvme_segment segment = {report, 4096};
    struct nvme_request request = {.segments = &segment, .segment_count = 1};
    uint8_t *data = testhost_data(host, 512);
    assert_int_equal(write_status(host, ZONE, 1, data), 0);
    assert_int_equal(nvme_prepare_zone_report(&request, ns, ZONE, 0, false, 4096), NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(report->zones, ZONES - 1);
    assert_int_equal(report->zone[0].start, ZONE);
    assert_int_equal(report->zone[0].write_pointer, ZONE + 1);
    assert_int_equal(report->zone[0].capacity, 48);
    assert_int_equal(NVME_GET(NVME_ZONE_STATE, (unsigned)report->zone[0].state),
                     NVME_ZONE_IMPLICITLY_OPEN);
    segment.length = 192;
    assert_int_equal(nvme_prepare_zone_report(&request, ns, 0, 1, true, 192), NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_int_equal(report->zones, 2);
    assert_int_equal(report->zone[1].start, 2 * ZONE);
    assert_int_equal(nvme_prepare_zone_report(&request, ns, 1, 0, false, 4096), NVME_ERR_INVALID);
    assert_int_equal(nvme_prepare_zone_report(&request, ns, 0, 0, false, 60), NVME_ERR_INVALID);
    assert_int_equal(nvme_prepare_zone_report(&request, ns, 0, 0, false, 66), NVME_ERR_INVALID);
    assert_int_equal(
        nvme_prepare_zone_report(&request, ns, 0, 0, false, host->nvme.max_transfer + 4),
        NVME_ERR_INVALID);
    testhost_free(host);
}

static void test_append(void **state)
{
    (void)state;
    struct testhost *host = zoned_host();
    const struct nvme_namespace *ns = host->nvme.namespaces;
    uint8_t *out = testhost_data(host, 8192), *in = testhost_data(host, 8192);
    const struct nvme_segment segment = {out, 2048};
    struct nvme_request request = {.segments = &segment, .segment_count = 1};
    testhost_fill(out, 8192, 3);
    for (uint64_t at = 0; at < 8; at += 4) {
        assert_int_equal(nvme_prepare_append(&request, ns, 3 * ZONE, 4), NVME_OK);
        assert_int_equal(run(host, &request), NVME_OK);
        assert_int_equal(nvme_appended_lba(&request), 3 * ZONE + at);
    }
    assert_int_equal(testhost_rw(host, false, 3 * ZONE + 4, 4, in), NVME_OK);
    assert_memory_equal(in, out, 2048);
    assert_int_equal(nvme_prepare_append(&request, ns, 3 * ZONE + 1, 4), NVME_ERR_INVALID);
    assert_int_equal(nvme_prepare_append(&request, ns, 3 * ZONE, 0), NVME_ERR_INVALID);
    assert_int_equal(nvme_prepare_append(&request, ns, 3 * ZONE, 16), NVME_OK);
    assert_int_equal(nvme_prepare_append(&request, ns, 3 * ZONE, 17), NVME_ERR_INVALID);

    /* A place that cannot be it. */
    testhost_meets(host, 1, NVME_IO_ZONE_APPEND, 1, NVMEVIRT_RESULT, 3 * ZONE + 61);
    assert_int_equal(nvme_prepare_append(&request, ns, 3 * ZONE, 4), NVME_OK);
    assert_int_equal(run(host, &request), NVME_OK);
    assert_true(nvme_appended_lba(&request) == UINT64_MAX);
    testhost_free(host);

    /* Above 2^32 the completion's first dword is enough, but not for zones that are as large. */
    struct nvme_namespace large = {.zone_blocks = 1ull << 32};
    struct nvme_request answer = {
        .ns = &large, .command = {.cdw10 = 0, .cdw11 = 5, .cdw12 = 7}, .value = 0xfffffff8};
    assert_true(nvme_appended_lba(&answer) == 0x5fffffff8);
}

static void test_huge_zones(void **state)
{
    (void)state;
    const struct nvmevirt_namespace huge = {.nsid = 1,
                                            .block_size = 512,
                                            .blocks = 1ull << 34,
                                            .backed_count = 64,
                                            .zone_blocks = 1ull << 33};
    struct nvmevirt_config config = zoned_config();
    config.oncs &= (uint16_t)~NVMEVIRT_ONCS_WRITE_UNCORRECTABLE;
    config.namespaces = &huge;
    struct testhost *host = testhost_live(&config, NULL);
    struct nvme_request request = {0};
    assert_int_equal(nvme_prepare_append(&request, host->nvme.namespaces, 1ull << 33, 1),
                     NVME_ERR_NO_SUPPORT);
    assert_int_equal(act(host, NVME_ZONE_OPEN, 1ull << 33, false), NVME_OK);
    testhost_free(host);
}

static void test_not_zoned(void **state)
{
    (void)state;
    struct testhost *host = testhost_live(NULL, NULL);
    const struct nvme_namespace *ns = host->nvme.namespaces;
    struct nvme_request request = {0};
    assert_int_equal(act(host, NVME_ZONE_RESET, 0, true), NVME_ERR_NO_SUPPORT);
    assert_int_equal(nvme_prepare_append(&request, ns, 0, 1), NVME_ERR_NO_SUPPORT);
    assert_int_equal(nvme_prepare_zone_report(&request, ns, 0, 0, false, 4096),
                     NVME_ERR_NO_SUPPORT);
    testhost_free(host);
}

/* ---- What is sent again ---------------------------------------------------------------------- */

static void test_retries(void **state)
{
    (void)state;
    const struct {
        uint8_t opcode;
        bool again;
    } cases[] = {{NVME_IO_READ, true},          {NVME_IO_ZONE_RECEIVE, true},
                 {NVME_IO_FLUSH, true},         {NVME_IO_WRITE, false},
                 {NVME_IO_WRITE_ZEROES, false}, {NVME_IO_ZONE_APPEND, false},
                 {NVME_IO_ZONE_SEND, false}};
    struct testhost *host = zoned_host();
    testhost_meets(host, 1, NVMEVIRT_ANY, 0, NVMEVIRT_STATUS, NVME_STATUS_INTERNAL);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvme_request request = {.command = {.opcode = cases[i].opcode, .nsid = 1}};
        assert_int_equal(run(host, &request), NVME_ERR_STATUS);
        assert_int_equal(request.repeats, cases[i].again ? 5 : 0);
    }
    testhost_free(host);
}

/* It was done, and nobody heard of it: after the reset it may not come once more. */
static void test_reset_in_the_middle(void **state)
{
    (void)state;
    struct testhost *host = zoned_host();
    struct nvme_queue *queue = &host->nvme.io[0];
    uint8_t *data = testhost_data(host, 512);
    struct testio io = {0}, read = {0};
    testhost_meets(host, 1, NVME_IO_WRITE, 1, NVMEVIRT_DROP, 0);
    testhost_meets(host, 1, NVME_IO_READ, 1, NVMEVIRT_DROP, 0);
    assert_int_equal(testio_submit(host, queue, &io, true, ZONE, 1, data), NVME_OK);
    assert_int_equal(testio_submit(host, queue, &read, false, 0, 1, data), NVME_OK);
    nvme_ring(queue);
    testhost_work(host);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    testhost_drain(host, queue);
    assert_int_equal(io.done, 1);
    assert_int_equal(io.request.result, NVME_ERR_RESET);
    assert_int_equal(read.request.result, NVME_OK);
    assert_int_equal(host->virt.counters.writes, 1);
    assert_int_equal(write_status(host, ZONE + 1, 1, data), 0);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_is),
        cmocka_unit_test(test_absurd_zones),
        cmocka_unit_test(test_other_zones),
        cmocka_unit_test(test_no_command_set),
        cmocka_unit_test(test_write_and_reset),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_huge_zones),
        cmocka_unit_test(test_not_zoned),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_reset_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
