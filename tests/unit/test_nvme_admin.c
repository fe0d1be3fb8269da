/*
 * Admin commands for the host's use: log pages in pieces, features, Identify of
 * the command set, Format, Attachment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define SECOND (1000 * MS)

#define FEATURE_TEMPERATURE 0x04
#define FEATURE_CACHE       0x06

static struct nvmevirt_config everything(void)
{
    static const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 1, .block_size = 512, .blocks = 4096, .formats = {9, 12}},
        {.nsid = 2, .block_size = 512, .blocks = 1024, .detached = true},
        {.nsid = 3, .block_size = 4096, .blocks = 512, .formats = {9, 12}},
    };
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = namespaces;
    config.namespace_count = 3;
    return config;
}

static struct testhost *live(void)
{
    struct nvmevirt_config config = everything();
    return testhost_live(&config, NULL);
}

/* ---- Identify ------------------------------------------------------------------------------ */

/* At every dword of a page, whose neighbour on the bus is elsewhere; what lies around is left. */
static void test_identify_across_pages(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = testhost_data(host, 3 * 4096);
    for (size_t offset = 0; offset < 4096; offset += 4) {
        memset(data, 0x5a, 3 * 4096);
        assert_int_equal(nvme_identify(&host->nvme, NVME_IDENTIFY_CONTROLLER, 0, data + offset),
                         NVME_OK);
        assert_memory_equal(data + offset, host->nvme.identify, 4096);
        assert_true(data[offset + 4096] == 0x5a && (!offset || data[offset - 1] == 0x5a));
    }
    assert_int_equal(nvme_identify(&host->nvme, NVME_IDENTIFY_CONTROLLER, 0, data + 2),
                     NVME_ERR_INVALID);
    testhost_free(host);
}

/* Namespaces that are not there, by number: an answer, in words, and the queues live. */
static void test_bad_namespace_identifier(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = testhost_data(host, 4096);
    const uint32_t bad[] = {0, 4, 1000, 0xfffffffe};
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(nvme_identify(&host->nvme, NVME_IDENTIFY_NAMESPACE, bad[i], data),
                         NVME_ERR_STATUS);
        assert_true(testhost_logged(host, "Invalid Namespace or Format"));
        const struct nvme_segment segment = {data, 512};
        struct nvme_request request = {.command = {.opcode = NVME_IO_READ, .nsid = bad[i]},
                                       .segments = &segment,
                                       .segment_count = 1,
                                       .data_bytes = 512};
        assert_int_equal(nvme_execute(&host->nvme.io[0], &request), NVME_ERR_STATUS);
        assert_int_equal(request.status & 0x7ff, 0x0b);
        assert_int_equal(request.repeats, 0);
    }
    testhost_works(host);
    testhost_free(host);
}

/* ---- What the device refuses ----------------------------------------------------------------- */

/* Queue 0, one twice, one too far, none behind it, too small, too large, and in a wrong order. */
static void test_queue_commands_refused(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *ring = testhost_data(host, 4096);
    const uint32_t one_entry = 0, two = 1u << 16, too_many = 65535u << 16;
    const struct {
        uint8_t opcode;
        uint32_t cdw10, cdw11;
        uint16_t status;
    } cases[] = {
        {NVME_ADMIN_CREATE_CQ, two | 0, 1, 0x101},
        {NVME_ADMIN_CREATE_CQ, two | 1, 1, 0x101},
        {NVME_ADMIN_CREATE_CQ, two | 0xffff, 1, 0x101},
        {NVME_ADMIN_CREATE_CQ, one_entry | 2, 1, 0x102},
        {NVME_ADMIN_CREATE_CQ, too_many | 2, 1, 0x102},
        {NVME_ADMIN_CREATE_SQ, two | 0, 1 << 16 | 1, 0x101},
        {NVME_ADMIN_CREATE_SQ, two | 1, 1 << 16 | 1, 0x101},
        {NVME_ADMIN_CREATE_SQ, two | 2, 2 << 16 | 1, 0x100},
        {NVME_ADMIN_DELETE_CQ, 1, 0, 0x10c},
        {NVME_ADMIN_DELETE_CQ, 0, 0, 0x101},
        {NVME_ADMIN_DELETE_SQ, 0, 0, 0x101},
        {NVME_ADMIN_DELETE_SQ, 2, 0, 0x101},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvme_request request = {.command = {
                                           .opcode = cases[i].opcode,
                                           .cdw10 = cases[i].cdw10,
                                           .cdw11 = cases[i].cdw11,
                                       }};
        if (cases[i].opcode & 1)
            request.command.prp1 = testhost_bus(host, ring);
        assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_ERR_STATUS);
        assert_int_equal(request.status & 0x7ff, cases[i].status);
        testhost_works(host);
    }
    testhost_free(host);
}

/* AERL + 1 requests are the driver's; the next has no room in the device. */
static void test_one_event_request_too_many(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_request request = {.command = {.opcode = NVME_ADMIN_ASYNC_EVENT}};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(nvme_execute(&host->nvme.admin, &request), NVME_ERR_STATUS);
        assert_int_equal(request.status & 0x7ff, 0x105);
    }
    nvmevirt_set_warnings(&host->virt, 1); /* those that it has still answer */
    for (unsigned i = 0; i < 10; i++, host->now += 100 * MS) {
        testhost_work(host);
        nvme_check(&host->nvme);
    }
    assert_int_equal(host->nvme.events.handled, 1);
    testhost_works(host);
    testhost_free(host);
}

/* ---- Log pages ----------------------------------------------------------------------------- */

/* Bytes that tell their place, in a page of any kind. */
static void numbers(void *context, uint8_t page, uint32_t nsid, uint8_t *data, size_t size)
{
    (void)context, (void)page, (void)nsid;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 3 + i / 256 + 1);
}

static void test_log_in_pieces(void **state)
{
    (void)state;
    for (uint8_t mdts = 0; mdts <= 3; mdts++) {
        struct nvmevirt_config config = everything();
        config.mdts = mdts;
        const struct nvme_options options = {.max_transfer = 4096};
        struct testhost *host = testhost_live(&config, mdts ? &options : NULL);
        host->virt.environment.log = numbers;
        uint8_t *data = testhost_chunks(host, 20, 16384, 1), wanted[4096];
        numbers(NULL, 0, 0, wanted, 4096);
        for (uint64_t offset = 0; offset < 4096; offset += 516)
            for (size_t bytes = 4; bytes <= 4096 - offset; bytes += bytes < 16 ? 4 : 764) {
                memset(data, 0, 16384);
                assert_int_equal(nvme_get_log(&host->nvme, NVME_NSID_ALL, NVME_LOG_EFFECTS, offset,
                                              data, bytes, false),
                                 NVME_OK);
                assert_memory_equal(data, wanted + offset, bytes);
                assert_int_equal(data[bytes], 0);
            }
        testhost_free(host);
    }
}

/* Longer than a command may be: as many as it takes, and all but the last keep the event. */
static uint32_t seen[16][3];
static unsigned seen_count;

static void notes(void *context, uint8_t page, uint32_t nsid, uint8_t *data, size_t size)
{
    (void)page, (void)nsid, (void)data, (void)size;
    struct testhost *host = context;
    const struct nvme_queue *admin = &host->nvme.admin;
    const struct nvme_command *command = &admin->sq[(admin->tail + admin->size - 1u) % admin->size];
    assert_true(seen_count < 16);
    seen[seen_count][0] = command->cdw12;
    seen[seen_count][1] = NVME_GET(NVME_LOG_CDW10_NUMDL, command->cdw10) + 1;
    seen[seen_count++][2] = !!(command->cdw10 & NVME_LOG_CDW10_RAE);
}

static void test_pieces_keep_the_event(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    const struct nvme_options options = {.max_transfer = 4096};
    struct testhost *host = testhost_live(&config, &options);
    uint8_t *data = testhost_chunks(host, 4, 16384, 1);
    for (unsigned retain = 0; retain < 2; retain++) {
        host->virt.environment.log = notes;
        seen_count = 0;
        int error = nvme_get_log(&host->nvme, 0, NVME_LOG_EFFECTS, 0, data, 8192, retain);
        assert_int_equal(error, NVME_OK);
        assert_int_equal(seen_count, 2);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(seen[i][0], i * 4096);
            assert_int_equal(seen[i][1], 1024);
            assert_int_equal(seen[i][2], retain || i == 0);
        }
    }
    testhost_free(host);
}

/* A transfer may be shorter than what a length of 12 bits can say. */
static void test_log_in_a_short_transfer(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    config.lpa = 0;
    config.mdts = 1;
    struct testhost *host = testhost_live(&config, NULL);
    uint8_t *data = testhost_data(host, 16384);
    struct nvme_controller *nvme = &host->nvme;
    assert_int_equal(nvme_get_log(nvme, NVME_NSID_ALL, NVME_LOG_HEALTH, 0, data, 8192, false),
                     NVME_OK);
    assert_int_equal(nvme_get_log(nvme, NVME_NSID_ALL, NVME_LOG_HEALTH, 0, data, 8196, false),
                     NVME_ERR_NO_SUPPORT);
    testhost_free(host);
}

static void test_log_refused(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    config.lpa = 0;
    struct testhost *host = testhost_live(&config, NULL);
    uint8_t *data = testhost_data(host, 32768);
    const struct {
        uint64_t offset;
        size_t bytes;
        int result;
    } cases[] = {{0, 512, NVME_OK},
                 {0, 4, NVME_OK},
                 {0, 0, NVME_ERR_INVALID},
                 {0, 6, NVME_ERR_INVALID},
                 {2, 4, NVME_ERR_INVALID},
                 {UINT64_MAX - 3, 8, NVME_ERR_INVALID},
                 {4, 4, NVME_ERR_NO_SUPPORT},
                 {0, 16384, NVME_OK},
                 {0, 16388, NVME_ERR_NO_SUPPORT}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(nvme_get_log(&host->nvme, NVME_NSID_ALL, NVME_LOG_HEALTH, cases[i].offset,
                                      data, cases[i].bytes, false),
                         cases[i].result);
    assert_int_equal(
        nvme_get_log(&host->nvme, NVME_NSID_ALL, NVME_LOG_EFFECTS, 0, data, 512, false),
        NVME_ERR_STATUS); /* LPA does not offer it */
    assert_true(testhost_logged(host, "Get Log Page: Invalid Log Page"));
    testhost_free(host);
}

static void test_every_page(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_controller *nvme = &host->nvme;
    struct nvme_health_log *health = (void *)testhost_data(host, 4096);
    struct nvme_firmware_log *firmware = (void *)testhost_data(host, 4096);
    struct nvme_changed_log *list = (void *)testhost_data(host, 4096);
    struct nvme_effects_log *effects = (void *)testhost_data(host, 4096);
    struct nvme_error_entry *errors = (void *)testhost_data(host, 4096);
    nvmevirt_set_temperature(&host->virt, 321);
    assert_int_equal(nvme_get_log(nvme, NVME_NSID_ALL, NVME_LOG_HEALTH, 0, health, 512, false), 0);
    assert_int_equal(health->temperature[0] | health->temperature[1] << 8, 321);
    assert_int_equal(health->spare, 100);
    assert_int_equal(nvme_get_log(nvme, 0, NVME_LOG_FIRMWARE, 0, firmware, 512, false), 0);
    assert_int_equal(firmware->active & 7, 1);
    assert_memory_equal(firmware->revisions[0], "1.0     ", 8);
    assert_int_equal(nvme_get_log(nvme, 0, NVME_LOG_CHANGED_NAMESPACES, 0, list, 4096, false), 0);
    assert_int_equal(list->ids[0], 0);
    assert_int_equal(nvme_get_log(nvme, 0, NVME_LOG_EFFECTS, 0, effects, 4096, false), 0);
    assert_int_equal(effects->admin[NVME_ADMIN_IDENTIFY], NVME_EFFECT_SUPPORTED);
    assert_true(effects->admin[NVME_ADMIN_FORMAT] & NVME_EFFECT_NAMESPACE);
    assert_int_equal(effects->io[NVME_IO_WRITE], NVME_EFFECT_SUPPORTED | NVME_EFFECT_DATA);
    assert_int_equal(effects->io[0x7f], 0);
    struct nvme_request request = {.command = {.opcode = NVME_IO_READ, .nsid = 1, .cdw10 = 9999}};
    assert_int_equal(nvme_execute(&nvme->io[0], &request), NVME_ERR_STATUS);
    assert_int_equal(nvme_get_log(nvme, 0, NVME_LOG_ERROR_INFORMATION, 0, errors, 128, false), 0);
    assert_true(errors[0].count > errors[1].count);
    assert_int_equal(errors[0].status >> 1, request.status);
    assert_int_equal(errors[0].sq_id, 1);
    assert_int_equal(errors[0].lba, 9999);
    testhost_free(host);
}

/* ---- Features and Identify ----------------------------------------------------------------- */

static void test_features(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_controller *nvme = &host->nvme;
    uint32_t value = 7;
    assert_int_equal(nvme_get_feature(nvme, FEATURE_CACHE, NVME_FEATURE_CURRENT, &value), NVME_OK);
    assert_int_equal(value, 1);
    assert_int_equal(nvme_set_feature(nvme, FEATURE_CACHE, 0, NULL), NVME_OK);
    assert_int_equal(nvme_get_feature(nvme, FEATURE_CACHE, NVME_FEATURE_CURRENT, &value), NVME_OK);
    assert_int_equal(value, 0);
    assert_int_equal(nvme_get_feature(nvme, FEATURE_CACHE, NVME_FEATURE_DEFAULT, &value), NVME_OK);
    assert_int_equal(value, 1);
    assert_int_equal(nvme_get_feature(nvme, FEATURE_CACHE, NVME_FEATURE_CAPABILITIES, &value),
                     NVME_OK);
    assert_int_equal(value & 4, 4); /* can be changed */
    assert_int_equal(nvme_set_feature(nvme, FEATURE_TEMPERATURE, 350, NULL), NVME_OK);
    assert_int_equal(nvme_get_feature(nvme, FEATURE_TEMPERATURE, NVME_FEATURE_CURRENT, &value),
                     NVME_OK);
    assert_int_equal(value, 350);
    assert_int_equal(nvme_get_feature(nvme, 0xdd, NVME_FEATURE_CURRENT, &value), NVME_ERR_STATUS);
    assert_true(testhost_logged(host, "Get Features: Invalid Field"));
    testhost_free(host);
}

static void test_identify_of_the_command_set(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    config.vsl = 5;
    config.dmsl = 1ull << 40;
    struct testhost *host = testhost_live(&config, NULL);
    uint8_t *data = testhost_data(host, NVME_IDENTIFY_SIZE);
    const struct nvme_identify_nvm *nvm = (void *)data;
    const uint32_t *ids = (void *)data;
    assert_int_equal(nvme_identify(&host->nvme, NVME_IDENTIFY_SET_CONTROLLER, 0, data), NVME_OK);
    assert_int_equal(nvm->vsl, 5);
    assert_int_equal(nvm->dmsl, 1ull << 40);
    assert_int_equal(host->nvme.limits.verify_bytes, 4096 << 5);
    assert_int_equal(host->nvme.limits.dataset_blocks, 1ull << 40);
    assert_int_equal(nvme_identify(&host->nvme, NVME_IDENTIFY_SET_NAMESPACE, 1, data), NVME_OK);
    assert_int_equal(nvme_identify(&host->nvme, NVME_IDENTIFY_SET_ACTIVE_LIST, 0, data), NVME_OK);
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 3);
    assert_int_equal(ids[2], 0);
    testhost_free(host);
}

/* Shifts that overflow are no limit, and no accident. */
static void huge_limits(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns == NVME_IDENTIFY_SET_CONTROLLER)
        memset(data, 0xff, 16);
}

static void test_absurd_limits(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    struct testhost *host = testhost_new(&config);
    host->identify = huge_limits;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_int_equal(host->nvme.limits.verify_bytes, UINT64_MAX);
    assert_int_equal(host->nvme.limits.dataset_ranges, 255);
    assert_int_equal(host->nvme.limits.dataset_blocks, UINT64_MAX);
    testhost_works(host);
    testhost_free(host);
}

/* ---- Format and Attachment ----------------------------------------------------------------- */

static void test_format_and_back(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    config.format_ns = 300 * SECOND; /* longer than other commands may take */
    struct testhost *host = testhost_live(&config, NULL);
    struct nvme_namespace *ns = host->nvme.namespaces;
    const uint32_t changes = ns->next->changes;
    for (unsigned round = 0; round < 4; round++) {
        unsigned format = !(round & 1);
        enum nvme_erase erase = round < 2 ? NVME_ERASE_NONE : NVME_ERASE_USER_DATA;
        testhost_works(host);
        assert_int_equal(nvme_format(&host->nvme, 1, format, erase), NVME_OK);
        assert_int_equal(ns->format, format);
        assert_int_equal(ns->block_size, format ? 4096 : 512);
        assert_int_equal(ns->block_count * ns->block_size, 4096 * 512);
        testhost_works(host);
    }
    assert_int_equal(host->virt.counters.formats, 4);
    assert_int_equal(host->nvme.resets, 0);
    assert_int_equal(ns->next->changes, changes);
    testhost_free(host);
}

static void test_format_refused(void **state)
{
    (void)state;
    struct testhost *host = live();
    assert_int_equal(nvme_format(&host->nvme, 1, 2, NVME_ERASE_NONE), NVME_ERR_STATUS);
    assert_true(testhost_logged(host, "Format NVM: Invalid Format"));
    assert_int_equal(nvme_format(&host->nvme, 1, 16, NVME_ERASE_NONE), NVME_ERR_INVALID);
    assert_int_equal(nvme_format(&host->nvme, 77, 0, NVME_ERASE_NONE), NVME_ERR_STATUS);
    testhost_works(host);
    testhost_free(host);

    host = testhost_live(NULL, NULL);
    assert_int_equal(nvme_format(&host->nvme, 1, 0, NVME_ERASE_NONE), NVME_ERR_NO_SUPPORT);
    assert_int_equal(nvme_attach(&host->nvme, 2), NVME_ERR_NO_SUPPORT);
    testhost_free(host);
}

static void test_attach_and_detach(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_controller *nvme = &host->nvme;
    host->manages = true;
    assert_int_equal(nvme->namespace_count, 2);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(nvme_attach(nvme, 2), NVME_OK);
        assert_int_equal(nvme->namespace_count, 3);
        assert_int_equal(nvme->namespaces->next->id, 2);
        assert_false(nvme->namespaces->next->gone);
        assert_int_equal(nvme_attach(nvme, 2), NVME_ERR_STATUS);
        assert_int_equal(nvme_detach(nvme, 2), NVME_OK);
        assert_int_equal(nvme->namespace_count, 2);
        assert_true(nvme->namespaces->next->gone);
        assert_int_equal(nvme_detach(nvme, 2), NVME_ERR_STATUS);
    }
    host->allocations_left = 0;
    assert_int_equal(nvme_attach(nvme, 2), NVME_ERR_NO_MEMORY);
    assert_int_equal(nvme_attach(nvme, 9), NVME_ERR_STATUS);
    host->manages = false;
    testhost_works(host);
    testhost_free(host);
}

/* On a controller that is no more. */
static void test_dead(void **state)
{
    (void)state;
    struct testhost *host = live();
    uint8_t *data = testhost_data(host, 4096);
    uint32_t value;
    nvmevirt_inject(&host->virt, NVMEVIRT_REMOVED, 0);
    assert_int_equal(nvme_get_log(&host->nvme, 0, NVME_LOG_HEALTH, 0, data, 512, false),
                     NVME_ERR_DEAD);
    assert_int_equal(nvme_get_feature(&host->nvme, FEATURE_CACHE, NVME_FEATURE_CURRENT, &value),
                     NVME_ERR_DEAD);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_ERR_DEAD);
    nvme_stop(&host->nvme);
    assert_int_equal(nvme_get_log(&host->nvme, 0, NVME_LOG_HEALTH, 0, data, 512, false),
                     NVME_ERR_DEAD);
    assert_int_equal(nvme_format(&host->nvme, 1, 0, NVME_ERASE_NONE), NVME_ERR_NO_SUPPORT);
    assert_int_equal(nvme_detach(&host->nvme, 1), NVME_ERR_NO_SUPPORT);
    assert_int_equal(nvme_get_feature(&host->nvme, FEATURE_CACHE, NVME_FEATURE_CURRENT, &value),
                     NVME_ERR_DEAD);
    assert_int_equal(nvme_identify(&host->nvme, 1, 0, data), NVME_ERR_DEAD);
    nvme_poll(&host->nvme.admin, 0);
    testhost_free(host);
}

static uint64_t wall_ms(void *context)
{
    struct testhost *host = context;
    return 1700000000000ull + host->now / MS;
}

/* A device that dates its logs knows what time it is, after a reset too. */
static void test_timestamp(void **state)
{
    (void)state;
    struct nvmevirt_config config = everything();
    for (unsigned offered = 0; offered < 2; offered++) {
        if (!offered)
            config.oncs &= (uint16_t)~NVMEVIRT_ONCS_TIMESTAMP;
        else
            config.oncs |= NVMEVIRT_ONCS_TIMESTAMP;
        struct testhost *host = testhost_new(&config);
        host->ops.wall_ms = wall_ms;
        assert_int_equal(testhost_start(host, NULL), NVME_OK);
        for (unsigned i = 0; i < 2; i++) {
            uint64_t late = wall_ms(host) - host->virt.timestamp;
            assert_true(offered ? late < 1000 : host->virt.timestamp == 0);
            host->now += 10 * SECOND;
            assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
        }
        testhost_works(host);
        testhost_free(host);
    }
}

/* Another firmware, which says other things of itself. */
static void test_identity_after_reset(void **state)
{
    (void)state;
    struct testhost *host = live();
    size_t before = host->nvme.max_transfer;
    host->virt.config.firmware = "2.0";
    host->virt.config.mdts = 2;
    host->virt.config.vwc = !host->virt.config.vwc;
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_string_equal(host->nvme.firmware, "2.0");
    assert_true(before > 4096 << 2);
    assert_int_equal(host->nvme.max_transfer, 4096 << 2);
    assert_int_equal(host->nvme.namespaces->rw_blocks, (4096 << 2) / 512);
    assert_int_equal(host->nvme.volatile_cache, host->virt.config.vwc);
    testhost_works(host);
    host->virt.config.mdts = 5; /* there are lists for less */
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.max_transfer, 4096 << 2);
    testhost_works(host);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identify_across_pages),
        cmocka_unit_test(test_bad_namespace_identifier),
        cmocka_unit_test(test_queue_commands_refused),
        cmocka_unit_test(test_one_event_request_too_many),
        cmocka_unit_test(test_log_in_pieces),
        cmocka_unit_test(test_timestamp),
        cmocka_unit_test(test_identity_after_reset),
        cmocka_unit_test(test_pieces_keep_the_event),
        cmocka_unit_test(test_log_refused),
        cmocka_unit_test(test_every_page),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_identify_of_the_command_set),
        cmocka_unit_test(test_absurd_limits),
        cmocka_unit_test(test_format_and_back),
        cmocka_unit_test(test_format_refused),
        cmocka_unit_test(test_attach_and_detach),
        cmocka_unit_test(test_dead),
        cmocka_unit_test(test_log_in_a_short_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
