/* Which namespaces a controller says it has, and what it says of each: the truth and lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

#define CNS_NAMESPACE 0
#define CNS_LIST      2

static struct nvme_namespace *nth(struct testhost *host, unsigned n)
{
    struct nvme_namespace *ns = host->nvme.namespaces;
    while (n--)
        ns = ns->next;
    return ns;
}

static void test_gaps_and_many(void **state)
{
    (void)state;
    const uint32_t counts[] = {0, 1, 2, 1023, 1024, 1025, 2048, 2049};
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct nvmevirt_namespace *namespaces = calloc(counts[i] + 1, sizeof *namespaces);
        for (uint32_t n = 0; n < counts[i]; n++)
            namespaces[n] = (struct nvmevirt_namespace){.nsid = 3 + n * 7 + n % 3,
                                                        .block_size = 512u << n % 8,
                                                        .blocks = n + 1,
                                                        .backed_count = 1};
        struct nvmevirt_config config = testhost_config();
        config.namespaces = namespaces;
        config.namespace_count = counts[i];
        struct testhost *host = testhost_live(&config, NULL);
        assert_int_equal(host->nvme.namespace_count, counts[i]);
        const struct nvme_namespace *ns = host->nvme.namespaces;
        for (uint32_t n = 0; n < counts[i]; n++, ns = ns->next) {
            assert_ptr_equal(ns->controller, &host->nvme);
            assert_int_equal(ns->id, namespaces[n].nsid);
            assert_int_equal(ns->block_size, namespaces[n].block_size);
            assert_int_equal(ns->block_count, n + 1);
        }
        assert_null(ns);
        testhost_free(host);
        free(namespaces);
    }
}

/* Version 1.0 has no list: each identifier is asked for. */
static void test_before_there_were_lists(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 2, .block_size = 512, .blocks = 8},
        {.nsid = 1030, .block_size = 4096, .blocks = 16},
    };
    struct nvmevirt_config config = testhost_config();
    config.version = 0x00010000;
    config.namespaces = namespaces;
    config.namespace_count = 2;
    struct testhost *host = testhost_live(&config, NULL);
    assert_int_equal(host->nvme.namespace_count, 2);
    assert_int_equal(nth(host, 0)->id, 2);
    assert_int_equal(nth(host, 1)->id, 1030);
    assert_int_equal(nth(host, 1)->block_count, 16);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 2);
    assert_false(testhost_logged(host, "left out"));
    testhost_free(host);
}

static void test_highest_identifier(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 7, .block_size = 512, .blocks = 8},
        {.nsid = NVME_NSID_HIGHEST_LIST, .block_size = 4096, .blocks = 8},
    };
    struct nvmevirt_config config = testhost_config();
    config.namespaces = namespaces;
    config.namespace_count = 2;
    struct testhost *host = testhost_live(&config, NULL);
    assert_int_equal(host->nvme.namespace_count, 2);
    assert_int_equal(nth(host, 1)->id, NVME_NSID_HIGHEST_LIST);
    testhost_free(host);
}

/* ---- Lists that lie ------------------------------------------------------------------------ */

static void write_list(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)nsid;
    if (cns == CNS_LIST)
        memcpy(data, host->context, 16);
}

static void test_list_out_of_order(void **state)
{
    (void)state;
    uint32_t lists[][4] = {{2, 1, 0, 0}, {1, 1, 0, 0}, {1, 2, 3, 2}, {1, UINT32_MAX, 0, 0}};
    for (unsigned i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct testhost *host = testhost_new(NULL);
        host->context = lists[i];
        host->identify = write_list;
        assert_int_equal(testhost_start(host, NULL), NVME_ERR_DEVICE);
        assert_true(testhost_logged(host, "namespace list"));
        testhost_free(host);
    }
}

/* Always full, so that there is always more to ask for. */
static void endless_list(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    unsigned *asked = host->context;
    if (cns != CNS_LIST)
        return;
    ++*asked;
    for (uint32_t i = 0; i < 1024; i++)
        memcpy(data + 4 * i, &(uint32_t){nsid + 1 + i}, 4);
}

static void test_list_without_end(void **state)
{
    (void)state;
    unsigned asked = 0;
    struct testhost *host = testhost_new(NULL);
    host->context = &asked;
    host->identify = endless_list;
    assert_int_equal(testhost_start(host, NULL), NVME_ERR_DEVICE);
    assert_true(asked < 1000);
    testhost_free(host);
}

static struct nvmevirt_config three_namespaces(void)
{
    static const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 1, .block_size = 512, .blocks = 8},
        {.nsid = 2, .block_size = 512, .blocks = 8},
        {.nsid = 3, .block_size = 512, .blocks = 8},
    };
    struct nvmevirt_config config = testhost_config();
    config.namespaces = namespaces;
    config.namespace_count = 3;
    return config;
}

/* The second answer is longer than the first. */
static void growing_list(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    unsigned *asked = host->context;
    if (cns != CNS_LIST || nsid)
        return;
    uint32_t count = ++*asked == 1 ? 1 : 3;
    memset(data, 0, 16);
    for (uint32_t i = 0; i < count; i++)
        memcpy(data + 4 * i, &(uint32_t){i + 1}, 4);
}

static void test_list_grows(void **state)
{
    (void)state;
    struct nvmevirt_config config = three_namespaces();
    unsigned asked = 0;
    struct testhost *host = testhost_new(&config);
    host->context = &asked;
    host->identify = growing_list;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 3);
    testhost_free(host);
}

/* ---- What a namespace says of itself ------------------------------------------------------- */

struct lie {
    uint64_t nsze;
    uint8_t nlbaf, flbas, lbads;
    unsigned format; /* where lbads and ms go */
    uint16_t ms;
    uint8_t nsattr;
    unsigned found;
};

/* The second of three namespaces is as described. */
static void describe(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    const struct lie *lie = host->context;
    if (cns != CNS_NAMESPACE || nsid != 2)
        return;
    memset(data + 128, 0, 4);
    memcpy(data, &lie->nsze, 8);
    data[25] = lie->nlbaf;
    data[26] = lie->flbas;
    data[99] = lie->nsattr;
    memcpy(data + 128 + 4 * lie->format, &lie->ms, 2);
    data[128 + 4 * lie->format + 2] = lie->lbads;
}

static struct testhost *described(struct lie *lie)
{
    static const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 1, .block_size = 512, .blocks = 8},
        {.nsid = 2, .block_size = 512, .blocks = 8},
        {.nsid = 9, .block_size = 4096, .blocks = 8}};
    struct nvmevirt_config config = testhost_config();
    config.namespaces = namespaces;
    config.namespace_count = 3;
    struct testhost *host = testhost_new(&config);
    host->context = lie;
    host->identify = describe;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    return host;
}

static void test_absurd_namespaces(void **state)
{
    (void)state;
    struct lie lies[] = {
        {.nsze = 8, .lbads = 9, .found = 1},
        {.nsze = 8, .lbads = 16, .found = 1},
        {.nsze = INT64_MAX >> 12, .lbads = 12, .found = 1},
        {.nsze = 8, .nlbaf = 15, .flbas = 15, .format = 15, .lbads = 9, .found = 1},
        {.nsze = 8, .nlbaf = 15, .flbas = 0x6f, .format = 15, .lbads = 9, .found = 1},
        {.nsze = 8, .nlbaf = 63, .flbas = 0x6f, .format = 63, .lbads = 9, .found = 1},
        {.nsze = 8, .nlbaf = 16, .flbas = 0x20, .format = 16, .lbads = 12, .found = 1},
        {.nsze = 0, .lbads = 9},                                      /* not active any more */
        {.nsze = 8, .lbads = 0},                                      /* no such format */
        {.nsze = 8, .lbads = 8},                                      /* 256 bytes */
        {.nsze = 8, .lbads = 17},                                     /* 128 KiB */
        {.nsze = 8, .lbads = 64},                                     /* shifts that overflow */
        {.nsze = 8, .lbads = 255},                                    /* and more */
        {.nsze = UINT64_MAX, .lbads = 9},                             /* beyond all bytes */
        {.nsze = (INT64_MAX >> 12) + 1, .lbads = 12},                 /* just beyond */
        {.nsze = 8, .nlbaf = 0, .flbas = 1, .format = 1, .lbads = 9}, /* a format it has not */
        {.nsze = 8, .nlbaf = 16, .flbas = 0x21, .format = 17, .lbads = 9},
        {.nsze = 8, .nlbaf = 255, .flbas = 0x6f, .format = 62, .lbads = 9},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct testhost *host = described(&lies[i]);
        assert_int_equal(host->nvme.namespace_count, 2 + lies[i].found);
        assert_int_equal(nth(host, 0)->id, 1);
        assert_int_equal(nth(host, 1 + lies[i].found)->id, 9);
        if (lies[i].found) {
            assert_int_equal(nth(host, 1)->block_size, 1u << lies[i].lbads);
            assert_int_equal(nth(host, 1)->block_count, lies[i].nsze);
        } else if (lies[i].nsze) {
            assert_true(testhost_logged(host, "namespace 2"));
        }
        testhost_works(host); /* the first is none the worse */
        testhost_free(host);
    }
}

static void test_metadata_and_protection(void **state)
{
    (void)state;
    struct lie lie = {.nsze = 8, .flbas = 0x10, .lbads = 9, .ms = 8};
    struct testhost *host = described(&lie);
    struct nvme_request request = {0};
    assert_int_equal(host->nvme.namespace_count, 3);
    assert_int_equal(nth(host, 1)->metadata_size, 8);
    assert_int_equal(nvme_prepare_rw(&request, nth(host, 1), false, 0, 1), NVME_ERR_INVALID);
    testhost_free(host);

    lie = (struct lie){.nsze = 8, .lbads = 9, .nsattr = 1};
    host = described(&lie);
    assert_true(nth(host, 1)->write_protected);
    assert_int_equal(nvme_prepare_rw(&request, nth(host, 1), false, 0, 1), NVME_OK);
    assert_int_equal(nvme_prepare_rw(&request, nth(host, 1), true, 0, 1), NVME_ERR_INVALID);
    testhost_free(host);
}

/* One that cannot be identified is left out; one that hangs takes the controller with it. */
static void test_identify_fails(void **state)
{
    (void)state;
    struct nvmevirt_config config = three_namespaces();
    struct testhost *host = testhost_new(&config);
    /* Identify: the controller, the list twice, then two for each namespace. */
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_IDENTIFY,
                                                 .nth = 6,
                                                 .kind = NVMEVIRT_STATUS,
                                                 .argument = NVMEVIRT_STATUS_FIELD(0, 0x0b, 1)});
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 2);
    assert_int_equal(nth(host, 1)->id, 3);
    assert_true(testhost_logged(host, "Invalid Namespace or Format"));
    testhost_free(host);

    host = testhost_new(&config);
    testhost_fault(host, (struct nvmevirt_fault){
                             .opcode = NVME_ADMIN_IDENTIFY, .nth = 6, .kind = NVMEVIRT_DROP});
    assert_int_equal(testhost_start(host, NULL), NVME_ERR_TIMEOUT);
    assert_int_equal(host->nvme.state, NVME_DEAD);
    testhost_free(host);
}

/* A full list ends all lists if its last entry is the highest that there can be. */
static void highest_list(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    unsigned *asked = host->context;
    if (cns != CNS_LIST)
        return;
    assert_int_equal(nsid, 0);
    ++*asked;
    for (uint32_t i = 0; i < 1024; i++)
        memcpy(data + 4 * i, &(uint32_t){NVME_NSID_ALL - 1024 + i}, 4);
}

static void test_list_up_to_the_highest(void **state)
{
    (void)state;
    unsigned asked = 0;
    struct testhost *host = testhost_new(NULL);
    host->context = &asked;
    host->identify = highest_list;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_int_equal(asked, 2);
    testhost_free(host);
}

/* Limits that a device will not tell are none; without an answer there is no controller. */
static void test_limits_fail(void **state)
{
    (void)state;
    struct nvmevirt_config config = nvmevirt_everything();
    config.vsl = 3;
    struct testhost *host = testhost_live(&config, NULL);
    assert_int_equal(host->nvme.limits.verify_bytes, 4096 << 3);
    testhost_free(host);

    /* Identify: the controller, then that of its command set. */
    struct nvmevirt_fault fault = {.opcode = NVME_ADMIN_IDENTIFY,
                                   .nth = 2,
                                   .kind = NVMEVIRT_STATUS,
                                   .argument = NVMEVIRT_STATUS_FIELD(0, 2, 1)};
    host = testhost_new(&config);
    testhost_fault(host, fault);
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_true(host->nvme.limits.verify_bytes == UINT64_MAX);
    testhost_free(host);

    fault.kind = NVMEVIRT_DROP;
    host = testhost_new(&config);
    testhost_fault(host, fault);
    assert_int_equal(testhost_start(host, NULL), NVME_ERR_TIMEOUT);
    assert_int_equal(host->nvme.state, NVME_DEAD);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps_and_many),      cmocka_unit_test(test_before_there_were_lists),
        cmocka_unit_test(test_highest_identifier), cmocka_unit_test(test_list_out_of_order),
        cmocka_unit_test(test_list_without_end),   cmocka_unit_test(test_list_grows),
        cmocka_unit_test(test_absurd_namespaces),  cmocka_unit_test(test_metadata_and_protection),
        cmocka_unit_test(test_identify_fails),     cmocka_unit_test(test_list_up_to_the_highest),
        cmocka_unit_test(test_limits_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
