/*
 * Namespaces that come, go and change while the controller lives: objects stay
 * where they are, the host is told of each difference once, and no request
 * reaches a namespace that is not what it was prepared for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/nvme_host.h"

enum {
    MOST_CHANGES = 16,
    CNS_NAMESPACE = 0,
    CNS_DESCRIPTORS = 3
};

/* What the host was told. */
static struct change {
    struct nvme_namespace *ns;
    enum nvme_namespace_change change;
} changes[MOST_CHANGES];
static unsigned change_count;

static void changed(void *context, struct nvme_namespace *ns, enum nvme_namespace_change change)
{
    struct testhost *host = context;
    assert_ptr_equal(ns->controller, &host->nvme);
    assert_int_equal(ns->gone, change == NVME_NAMESPACE_GONE);
    assert_true(change_count < MOST_CHANGES);
    changes[change_count++] = (struct change){ns, change};
}

static void assert_told(unsigned index, uint32_t id, enum nvme_namespace_change change)
{
    assert_true(index < change_count);
    assert_int_equal(changes[index].ns->id, id);
    assert_int_equal(changes[index].change, change);
}

static struct testhost *live(void)
{
    static const struct nvmevirt_namespace namespaces[] = {
        {.nsid = 1, .block_size = 512, .blocks = 1024, .formats = {9, 12}, .uuid = {1, 2, 3}},
        {.nsid = 2, .block_size = 512, .blocks = 1024, .detached = true},
        {.nsid = 4, .block_size = 4096, .blocks = 1024, .nguid = {9}, .eui64 = {7}},
    };
    struct nvmevirt_config config = nvmevirt_everything();
    config.oaes = 0; /* nothing but the scan tells */
    config.namespaces = namespaces;
    config.namespace_count = 3;
    struct testhost *host = testhost_new(&config);
    host->ops.namespace_changed = changed;
    change_count = 0;
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 2);
    assert_int_equal(change_count, 0); /* what there is at first is no change */
    return host;
}

static void test_nothing_changes(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_namespace *ns = host->nvme.namespaces, *other = ns->next;
    const uint32_t changes_before = ns->changes;
    ns->context = host;
    assert_int_not_equal(changes_before, other->changes);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 0);
    assert_ptr_equal(host->nvme.namespaces, ns);
    assert_ptr_equal(ns->next, other);
    assert_ptr_equal(ns->context, host);
    assert_int_equal(ns->changes, changes_before);
    assert_null(other->next);
    testhost_free(host);
}

/* A device that would not describe a namespace just now has not lost it, nor what names it. */
static void test_not_now(void **state)
{
    (void)state;
    for (unsigned nth = 3; nth <= 6; nth++)
        for (unsigned final = 0; final < 2; final++) {
            struct testhost *host = live();
            /* Identify: the list twice, then two for each namespace. */
            testhost_fault(host,
                           (struct nvmevirt_fault){.opcode = NVME_ADMIN_IDENTIFY,
                                                   .nth = nth,
                                                   .kind = NVMEVIRT_STATUS,
                                                   .argument = NVMEVIRT_STATUS_FIELD(0, 6, final)});
            assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
            bool describes = nth % 2; /* CNS 00h; 03h only names it */
            assert_int_equal(change_count, describes && final);
            assert_int_equal(host->nvme.namespace_count, describes && final ? 1 : 2);
            assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
            assert_int_equal(host->nvme.namespace_count, 2);
            testhost_works(host);
            testhost_free(host);
        }
}

static void test_identities(void **state)
{
    (void)state;
    struct testhost *host = live();
    const struct nvme_namespace *ns = host->nvme.namespaces;
    const uint8_t uuid[16] = {1, 2, 3}, nguid[16] = {9}, eui64[8] = {7}, none[16] = {0};
    assert_memory_equal(ns->uuid, uuid, 16);
    assert_memory_equal(ns->nguid, none, 16);
    assert_memory_equal(ns->next->nguid, nguid, 16);
    assert_memory_equal(ns->next->eui64, eui64, 8);
    assert_memory_equal(ns->next->uuid, none, 16);
    testhost_free(host);
}

static void test_added_and_gone(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_namespace *one = host->nvme.namespaces, *four = one->next;
    assert_true(nvmevirt_attach(&host->virt, 2, true));
    assert_true(nvmevirt_attach(&host->virt, 4, false));
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 2);
    assert_told(0, 2, NVME_NAMESPACE_ADDED);
    assert_told(1, 4, NVME_NAMESPACE_GONE);
    struct nvme_namespace *two = changes[0].ns;
    assert_ptr_equal(host->nvme.namespaces, one);
    assert_ptr_equal(one->next, two);
    assert_ptr_equal(two->next, four);
    assert_true(four->gone);
    assert_int_equal(host->nvme.namespace_count, 2);

    /* It comes back as the same object, with what the host has hung on it. */
    four->context = host;
    assert_true(nvmevirt_attach(&host->virt, 4, true));
    assert_true(nvmevirt_attach(&host->virt, 1, false));
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 4);
    assert_told(2, 1, NVME_NAMESPACE_GONE);
    assert_told(3, 4, NVME_NAMESPACE_ADDED);
    assert_ptr_equal(changes[3].ns, four);
    assert_ptr_equal(four->context, host);
    assert_false(four->gone);
    assert_ptr_equal(host->nvme.namespaces, one);
    testhost_free(host);
}

static void test_all_gone(void **state)
{
    (void)state;
    struct testhost *host = live();
    nvmevirt_attach(&host->virt, 1, false);
    nvmevirt_attach(&host->virt, 4, false);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 2);
    assert_int_equal(host->nvme.namespace_count, 0);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 2);
    testhost_free(host);
}

static void test_size_and_protection(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_namespace *ns = host->nvme.namespaces;
    const uint32_t changes_before = ns->changes, others = ns->next->changes;
    assert_true(nvmevirt_resize(&host->virt, 1, 512));
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_told(0, 1, NVME_NAMESPACE_CHANGED);
    assert_int_equal(ns->block_count, 512);
    assert_true(nvmevirt_protect(&host->virt, 1, true));
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_told(1, 1, NVME_NAMESPACE_CHANGED);
    assert_true(ns->write_protected);
    assert_int_equal(change_count, 2);
    assert_int_not_equal(ns->changes, changes_before);
    assert_int_equal(ns->next->changes, others);
    testhost_free(host);
}

static void test_requests_that_are_outdated(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct nvme_namespace *ns = host->nvme.namespaces;
    uint8_t *data = testhost_data(host, 512);
    struct testio io = {0};
    struct nvme_segment segment = {data, 512};
    struct nvme_request request = {.segments = &segment, .segment_count = 1};
    assert_int_equal(nvme_prepare_rw(&request, ns, false, 0, 1), NVME_OK);
    assert_int_equal(nvme_format(&host->nvme, 1, 1, NVME_ERASE_NONE), NVME_OK);
    assert_int_equal(ns->block_size, 4096);
    /* One block is eight times the data now. */
    assert_int_equal(nvme_execute(&host->nvme.io[0], &request), NVME_ERR_GONE);
    assert_int_equal(nvme_prepare_rw(&request, ns, false, 0, 1), NVME_OK);
    nvmevirt_attach(&host->virt, 1, false);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(nvme_execute(&host->nvme.io[0], &request), NVME_ERR_GONE);
    assert_int_equal(testio_submit(host, &host->nvme.io[0], &io, false, 0, 1, data), NVME_ERR_GONE);
    assert_int_equal(nvme_prepare_verify(&request, ns, 0, 1), NVME_ERR_GONE);
    assert_int_equal(nvme_prepare_write_zeroes(&request, ns, 0, 1, false), NVME_ERR_GONE);
    /* It comes back, and old requests stay out of date. */
    nvmevirt_attach(&host->virt, 1, true);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    request.ns_changes--;
    assert_int_equal(nvme_execute(&host->nvme.io[0], &request), NVME_ERR_GONE);
    assert_int_equal(host->nvme.io[0].free_count, host->nvme.io[0].size - 1);
    testhost_free(host);
}

/* ---- Answers that change between two scans ------------------------------------------------- */

/* What namespace 1 says from now on; SIZE_MAX: nothing. */
struct lie {
    unsigned cns;
    size_t offset;
    uint8_t bytes[8];
    unsigned length;
};

static void tell(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    const struct lie *lie = host->context;
    if (lie && cns == lie->cns && nsid == 1)
        memcpy(data + lie->offset, lie->bytes, lie->length);
}

static void test_another_namespace(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct lie lie = {.cns = CNS_DESCRIPTORS, .offset = 5, .bytes = {0xff}, .length = 1};
    host->context = &lie;
    host->identify = tell;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 2); /* the same identifier, another UUID */
    assert_told(0, 1, NVME_NAMESPACE_GONE);
    assert_told(1, 1, NVME_NAMESPACE_ADDED);
    assert_int_equal(host->nvme.namespaces->uuid[1], 0xff);
    assert_int_equal(host->nvme.namespace_count, 2);
    testhost_free(host);
}

static void test_becomes_impossible(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct lie lie = {.cns = CNS_NAMESPACE, .offset = 26, .bytes = {9}, .length = 1};
    host->context = &lie;
    host->identify = tell;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 1);
    assert_told(0, 1, NVME_NAMESPACE_GONE);
    assert_true(testhost_logged(host, "not possible"));
    lie.length = 0;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_told(1, 1, NVME_NAMESPACE_ADDED);
    testhost_free(host);
}

/* Of another command set, like key-value: its reads and writes are not ours to send. */
static void test_other_command_sets(void **state)
{
    (void)state;
    struct testhost *host = live();
    struct lie lie = {.cns = CNS_DESCRIPTORS, .offset = 0, .bytes = {4, 1, 0, 0, 1}, .length = 5};
    host->context = &lie;
    host->identify = tell;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_told(0, 1, NVME_NAMESPACE_GONE);
    assert_true(testhost_logged(host, "namespace 1 is of I/O command set 1"));
    testhost_free(host);
}

/* Descriptors that run out of their page, or have a length that is not theirs, say nothing. */
static void test_absurd_descriptors(void **state)
{
    (void)state;
    const struct lie lies[] = {
        {CNS_DESCRIPTORS, 0, {3, 255, 0, 0, 9}, 5},         /* a UUID of 255 bytes */
        {CNS_DESCRIPTORS, 0, {4, 16, 0, 0, 2}, 5},          /* a command set of 16 */
        {CNS_DESCRIPTORS, 0, {3, 0, 0, 0, 3, 16, 0, 0}, 8}, /* the end, then a UUID */
        {CNS_DESCRIPTORS, 0, {1, 0, 0, 0, 1, 0}, 6},
    };
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct testhost *host = live();
        struct lie lie = lies[i];
        const uint8_t none[16] = {0};
        host->context = &lie;
        host->identify = tell;
        assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
        assert_int_equal(host->nvme.namespace_count, 2);
        assert_memory_equal(host->nvme.namespaces->uuid, none, 16);
        testhost_free(host);
    }
}

static void fill_page(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns == CNS_DESCRIPTORS)
        for (unsigned i = 0; i < 4096; i++)
            data[i] = (uint8_t)(i % 20 == 0 ? 2 : 16); /* NGUIDs without end */
}

static void test_descriptors_without_end(void **state)
{
    (void)state;
    struct testhost *host = live();
    host->identify = fill_page;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    for (unsigned i = 0; i < 16; i++) /* of the last one that lies in the page */
        assert_int_equal(host->nvme.namespaces->nguid[i], 16);
    testhost_free(host);
}

/* Each part of what it is called, and each part of its shape. */
static void test_every_difference(void **state)
{
    (void)state;
    const struct {
        struct lie lie;
        bool another;
    } cases[] = {
        {{CNS_NAMESPACE, 104, {5}, 1}, true},     /* NGUID */
        {{CNS_NAMESPACE, 120, {5}, 1}, true},     /* EUI64 */
        {{CNS_NAMESPACE, 26, {1}, 1}, false},     /* FLBAS: blocks of 4096 bytes */
        {{CNS_NAMESPACE, 128, {8, 0}, 2}, false}, /* metadata in format 0 */
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct testhost *host = live();
        struct lie lie = cases[i].lie;
        host->context = &lie;
        host->identify = tell;
        assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
        assert_int_equal(change_count, cases[i].another ? 2 : 1);
        assert_told(0, 1, cases[i].another ? NVME_NAMESPACE_GONE : NVME_NAMESPACE_CHANGED);
        testhost_free(host);
    }
}

/* Two formats of the same blocks, and the second is in use: what Format is told to keep. */
static void use_second_format(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host;
    if (cns != CNS_NAMESPACE || nsid != 1)
        return;
    data[26] = 1;
    memcpy(data + 132, data + 128, 4);
}

static void test_format_of_another_number(void **state)
{
    (void)state;
    struct testhost *host = live();
    host->identify = use_second_format;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 1);
    assert_told(0, 1, NVME_NAMESPACE_CHANGED);
    assert_int_equal(host->nvme.namespaces->format, 1);
    assert_int_equal(host->nvme.namespaces->block_size, 512);
    testhost_free(host);
}

static void fill_page_exactly(struct testhost *host, uint8_t cns, uint32_t nsid, uint8_t *data)
{
    (void)host, (void)nsid;
    if (cns == CNS_DESCRIPTORS)
        for (unsigned i = 0; i < 4096; i++)
            data[i] = (uint8_t)(i % 16 == 0 ? 200 : i % 16 == 1 ? 12 : 0); /* unknown types */
}

static void test_descriptors_up_to_the_end(void **state)
{
    (void)state;
    struct testhost *host = live();
    const uint8_t none[16] = {0};
    host->identify = fill_page_exactly;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 2);
    assert_memory_equal(host->nvme.namespaces->uuid, none, 16);
    testhost_free(host);
}

/* Before Base 1.3 there are none to ask for, which is no difference to the host. */
static void test_device_without_descriptors(void **state)
{
    (void)state;
    struct nvmevirt_config config = testhost_config();
    config.version = 0x00010200;
    struct testhost *host = testhost_live(&config, NULL);
    assert_int_equal(host->nvme.namespace_count, 1);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 1);
    testhost_works(host);
    testhost_free(host);
}

/* ---- A scan that does not get through ------------------------------------------------------ */

static void test_list_is_nonsense(void **state)
{
    (void)state;
    struct testhost *host = live();
    testhost_fault(host, (struct nvmevirt_fault){.opcode = NVME_ADMIN_IDENTIFY,
                                                 .kind = NVMEVIRT_STATUS,
                                                 .argument = NVMEVIRT_STATUS_FIELD(0, 6, 1)});
    assert_int_equal(nvme_rescan(&host->nvme), NVME_ERR_STATUS);
    assert_int_equal(change_count, 0); /* no answer is no news */
    assert_int_equal(host->nvme.namespace_count, 2);
    testhost_no_faults(host);
    testhost_works(host);
    testhost_free(host);
}

/* Whichever command of it hangs: the controller is reset, scanned then, and works. */
static void test_scan_hangs(void **state)
{
    (void)state;
    for (uint32_t nth = 1; nth <= 6; nth++) {
        struct testhost *host = live();
        testhost_fault(host, (struct nvmevirt_fault){
                                 .opcode = NVME_ADMIN_IDENTIFY, .nth = nth, .kind = NVMEVIRT_DROP});
        nvmevirt_attach(&host->virt, 2, true);
        assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
        assert_int_equal(host->nvme.state, NVME_LIVE);
        assert_int_equal(host->nvme.namespace_count, 3);
        assert_false(host->nvme.scanning[0]);
        testhost_works(host);
        testhost_free(host);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct nvmevirt_namespace *namespaces = calloc(100, sizeof *namespaces);
    for (uint32_t i = 0; i < 100; i++)
        namespaces[i] = (struct nvmevirt_namespace){
            .nsid = i + 1, .block_size = 512, .blocks = 64, .detached = i > 0};
    struct nvmevirt_config config = nvmevirt_everything();
    config.oaes = 0;
    config.namespaces = namespaces;
    config.namespace_count = 100;
    struct testhost *host = testhost_live(&config, NULL);
    for (uint32_t i = 1; i < 100; i++)
        nvmevirt_attach(&host->virt, i + 1, true);
    host->allocations_left = 0;
    assert_int_equal(nvme_rescan(&host->nvme), NVME_ERR_NO_MEMORY);
    unsigned found = host->nvme.namespace_count;
    assert_in_range(found, 10, 99);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_int_equal(host->nvme.namespace_count, 100);
    testhost_works(host);
    testhost_free(host);
    free(namespaces);
}

/* A host that scans in its function, for ever, if it were let. */
static void scans(void *context, struct nvme_namespace *ns, enum nvme_namespace_change change)
{
    struct testhost *host = context;
    (void)ns, (void)change;
    nvmevirt_attach(&host->virt, 2, !(change_count++ & 1));
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
}

static void test_scan_in_a_scan(void **state)
{
    (void)state;
    struct testhost *host = live();
    host->ops.namespace_changed = scans;
    nvmevirt_attach(&host->virt, 4, false);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_OK);
    assert_in_range(change_count, 2, 9);
    host->ops.namespace_changed = NULL;
    testhost_works(host);
    testhost_free(host);
}

/* After a reset things may be otherwise than before. */
static void test_after_a_reset(void **state)
{
    (void)state;
    struct testhost *host = live();
    nvmevirt_attach(&host->virt, 2, true);
    nvmevirt_resize(&host->virt, 1, 100);
    assert_int_equal(nvme_reset(&host->nvme), NVME_OK);
    assert_int_equal(change_count, 2);
    assert_told(0, 1, NVME_NAMESPACE_CHANGED);
    assert_told(1, 2, NVME_NAMESPACE_ADDED);
    testhost_works(host);
    testhost_free(host);
}

/* Before the start and after the stop there is no device to ask. */
static void test_rescan_of_nothing(void **state)
{
    (void)state;
    struct testhost *host = testhost_new(NULL);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_ERR_DEAD);
    assert_int_equal(testhost_start(host, NULL), NVME_OK);
    nvme_stop(&host->nvme);
    assert_int_equal(nvme_rescan(&host->nvme), NVME_ERR_DEAD);
    testhost_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_changes),
        cmocka_unit_test(test_not_now),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_added_and_gone),
        cmocka_unit_test(test_all_gone),
        cmocka_unit_test(test_size_and_protection),
        cmocka_unit_test(test_requests_that_are_outdated),
        cmocka_unit_test(test_another_namespace),
        cmocka_unit_test(test_becomes_impossible),
        cmocka_unit_test(test_other_command_sets),
        cmocka_unit_test(test_absurd_descriptors),
        cmocka_unit_test(test_descriptors_without_end),
        cmocka_unit_test(test_list_is_nonsense),
        cmocka_unit_test(test_scan_hangs),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_scan_in_a_scan),
        cmocka_unit_test(test_after_a_reset),
        cmocka_unit_test(test_every_difference),
        cmocka_unit_test(test_descriptors_up_to_the_end),
        cmocka_unit_test(test_device_without_descriptors),
        cmocka_unit_test(test_rescan_of_nothing),
        cmocka_unit_test(test_format_of_another_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
