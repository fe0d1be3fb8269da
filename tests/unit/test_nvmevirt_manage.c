/*
 * The software controller's namespaces on the move: Format NVM, Namespace
 * Attachment and Management, changes from elsewhere, and who hears of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

enum {
    GET_LOG = 2,
    IDENTIFY = 6,
    SET_FEATURES = 9,
    EVENT_REQUEST = 0x0C,
    MANAGE = 0x0D,
    ATTACHMENT = 0x15,
    FORMAT = 0x80
};

static const struct nvmevirt_namespace three[] = {
    {.nsid = 1, .block_size = 512, .blocks = 2048, .formats = {9, 12}},
    {.nsid = 4, .block_size = 4096, .blocks = 16, .detached = true},
    {.nsid = 9, .block_size = 512, .blocks = 1000, .formats = {9, 12}, .unallocated = true},
};

struct fixture {
    struct rig *rig;
    uint64_t page;
    uint8_t *data;
};

static struct fixture start(struct nvmevirt_config config)
{
    config.namespaces = three;
    config.namespace_count = 3;
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 2 * 4096);
    return (struct fixture){rig, page, rig_at(rig, page)};
}

static uint16_t identify(struct fixture *f, uint8_t cns, uint32_t nsid)
{
    memset(f->data, 0xEE, 4096);
    return rig_status(f->rig, 0, rig_command(IDENTIFY, nsid, f->page, 0, cns, 0, 0));
}

static uint16_t format(struct fixture *f, uint32_t nsid, uint32_t dword10)
{
    return rig_status(f->rig, 0, rig_command(FORMAT, nsid, 0, 0, dword10, 0, 0));
}

static uint32_t number(const struct fixture *f, unsigned offset)
{
    uint32_t value;
    memcpy(&value, f->data + offset, 4);
    return value;
}

static void test_format(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    assert_int_equal(identify(&f, 0, 1), 0);
    assert_int_equal(f.data[25], 1); /* NLBAF, 0's based */
    assert_int_equal(f.data[26], 0); /* FLBAS */
    assert_int_equal(f.data[130], 9);
    assert_int_equal(f.data[134], 12);
    memset(f.data, 0x99, 4096);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(1, 0, 8, f.page, 0)), 0);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(4, 2040, 8, 0, 0)), 0); /* uncorrectable */

    assert_int_equal(format(&f, 1, 1), 0);
    assert_int_equal(identify(&f, 0, 1), 0);
    assert_int_equal(number(&f, 0), 256); /* NSZE */
    assert_int_equal(f.data[26], 1);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(2, 0, 1, f.page, 0)), 0);
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(f.data[i], 0);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(2, 255, 1, f.page, 0)), 0);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(2, 256, 1, f.page, 0)), DNR | 0x80);
    assert_int_equal(rig_status(f.rig, 1, rig_rw(1, 255, 1, f.page, 0)), 0);
    assert_int_equal(format(&f, 1, 0 | 1 << 9), 0); /* and back, erasing user data */
    assert_int_equal(rig_status(f.rig, 1, rig_rw(2, 2040, 8, f.page, 0)), 0);
    assert_int_equal(f.rig->virt.counters.formats, 2);
    rig_free(f.rig);
}

/* The window that has memory stays where it is, in blocks of another size. */
static void test_format_window(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = {.nsid = 1,
                                                 .block_size = 512,
                                                 .blocks = 1ull << 40,
                                                 .backed_first = 1ull << 36,
                                                 .backed_count = 16,
                                                 .formats = {9, 12}};
    struct nvmevirt_config config = rig_everything();
    config.namespaces = &namespace;
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 4096), first = 1ull << 33;
    struct fixture f = {rig, page, rig_at(rig, page)};
    assert_int_equal(rig_status(rig, 1, rig_rw(4, 1ull << 36, 16, 0, 0)), 0);
    assert_int_equal(format(&f, 1, 1), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(rig_status(rig, 1, rig_rw(1, first - 1 + i, 1, page, 0)),
                         i == 1 || i == 2 ? 0 : 0x280);
    assert_int_equal(rig_status(rig, 1, rig_rw(2, first, 1, page, 0)), 0);
    assert_int_equal(rig_status(rig, 1, rig_rw(2, 1ull << 37, 1, page, 0)), DNR | 0x80);
    rig_free(rig);
}

static void test_format_rules(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    assert_int_equal(format(&f, 1, 2), DNR | 0x10A);
    assert_int_equal(format(&f, 1, 1 << 12), DNR | 0x10A); /* LBA format 16 */
    assert_int_equal(format(&f, 1, 1 << 5), DNR | 0x10A);
    assert_int_equal(format(&f, 1, 3 << 9), DNR | 2);
    assert_int_equal(format(&f, 1, 2 << 9), DNR | 2);
    f.rig->virt.config.fna = 4;
    assert_int_equal(format(&f, 1, 2 << 9 | 1 << 4), 0); /* MSET is about metadata: there is none */
    assert_int_equal(format(&f, 0, 0), DNR | 0xB);
    assert_int_equal(format(&f, 10, 0), DNR | 0xB);
    assert_int_equal(format(&f, 4, 0), DNR | 2); /* not attached */
    f.rig->virt.config.fna = 8;
    assert_int_equal(format(&f, UINT32_MAX, 0), DNR | 2);
    f.rig->virt.config.fna = 0;
    assert_int_equal(format(&f, UINT32_MAX, 0), 0);
    assert_int_equal(f.rig->virt.counters.formats, 2);
    assert_true(nvmevirt_attach(&f.rig->virt, 4, true));
    assert_int_equal(format(&f, UINT32_MAX, 1), DNR | 0x10A); /* one of them has no such format */
    assert_int_equal(format(&f, 1, 1 << 14), 0);
    rig_expect(f.rig, 1, "dword 10");
    f.rig->virt.config.oacs = 0;
    assert_int_equal(format(&f, 1, 0), DNR | 1);
    rig_free(f.rig);
}

/* It takes its time; meanwhile the namespace does nothing, others do, and Abort comes too late. */
static void test_format_takes_time(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.format_ns = 60000 * MS;
    struct fixture f = start(config);
    struct rig_cqe cqe;
    assert_true(nvmevirt_attach(&f.rig->virt, 4, true));
    uint16_t cid = rig_put(f.rig, 0, rig_command(FORMAT, 1, 0, 0, 1 | 1 << 14, 0, 0));
    rig_ring(f.rig, 0);
    nvmevirt_poll(&f.rig->virt);
    assert_int_equal(nvmevirt_next_event(&f.rig->virt), f.rig->now + 60000 * MS);
    struct rig_sqe read = rig_rw(2, 0, 1, f.page, 0);
    assert_int_equal(rig_status(f.rig, 1, read), 0x84);
    assert_int_equal(format(&f, 1, 0), 0x84);
    assert_int_equal(format(&f, UINT32_MAX, 0), 0x84);
    read.dword[1] = 4;
    assert_int_equal(rig_status(f.rig, 1, read), 0);
    assert_int_equal(rig_run(f.rig, 0, rig_command(8, 0, 0, 0, (uint32_t)cid << 16, 0, 0)).result,
                     1);
    f.rig->now += 60000 * MS - 1;
    nvmevirt_poll(&f.rig->virt);
    assert_false(rig_look(f.rig, 0, &cqe));
    f.rig->now += 1;
    nvmevirt_poll(&f.rig->virt);
    assert_true(rig_reap(f.rig, 0, &cqe));
    assert_int_equal(cqe.cid, cid);
    assert_int_equal(cqe.status, 0);
    rig_expect(f.rig, 1, "dword 10"); /* said once, when it began */
    read.dword[1] = 1;
    assert_int_equal(rig_status(f.rig, 1, read), 0);
    assert_int_equal(identify(&f, 0, 1), 0);
    assert_int_equal(f.data[26], 1);

    /* A reset ends it before anything has changed. */
    rig_put(f.rig, 0, rig_command(FORMAT, 1, 0, 0, 0, 0, 0));
    rig_ring(f.rig, 0);
    nvmevirt_poll(&f.rig->virt);
    rig_disable(f.rig);
    rig_enable(f.rig);
    f.rig->now += 60000 * MS;
    assert_int_equal(identify(&f, 0, 1), 0);
    assert_int_equal(f.data[26], 1);
    rig_free(f.rig);
}

static uint16_t attachment(struct fixture *f, uint32_t nsid, uint32_t select, uint16_t count,
                           uint16_t first)
{
    uint16_t list[3] = {count, first, first};
    memset(f->data, 0, 4096);
    memcpy(f->data, list, sizeof list);
    return rig_status(f->rig, 0, rig_command(ATTACHMENT, nsid, f->page, 0, select, 0, 0));
}

static void test_attachment(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    struct rig_sqe read = rig_rw(2, 0, 1, f.page, 0);
    read.dword[1] = 4;
    assert_int_equal(rig_status(f.rig, 1, read), DNR | 2);
    assert_int_equal(attachment(&f, 4, 0, 1, 1), 0);
    assert_int_equal(rig_status(f.rig, 1, read), 0);
    assert_int_equal(attachment(&f, 4, 0, 1, 1), DNR | 0x118);
    assert_int_equal(attachment(&f, 4, 1, 1, 1), 0);
    assert_int_equal(attachment(&f, 4, 1, 1, 1), DNR | 0x11A);
    assert_int_equal(rig_status(f.rig, 1, read), DNR | 2);
    assert_int_equal(attachment(&f, 4, 2, 1, 1), DNR | 2);
    assert_int_equal(attachment(&f, 4, 0, 0, 0), DNR | 0x11C);
    assert_int_equal(attachment(&f, 4, 0, 2048, 1), DNR | 0x11C);
    assert_int_equal(attachment(&f, 4, 0, 1, 2), DNR | 0x11C); /* another controller */
    assert_int_equal(attachment(&f, 4, 0, 2, 1), DNR | 0x11C); /* twice the same */
    assert_int_equal(attachment(&f, 0, 0, 1, 1), DNR | 0xB);
    assert_int_equal(attachment(&f, 10, 0, 1, 1), DNR | 0xB);
    assert_int_equal(attachment(&f, UINT32_MAX, 0, 1, 1), DNR | 0xB);
    assert_int_equal(attachment(&f, 9, 0, 1, 1), DNR | 2); /* not allocated */
    f.rig->virt.config.oacs = 0;
    assert_int_equal(attachment(&f, 4, 0, 1, 1), DNR | 1);
    rig_free(f.rig);
}

static void test_lists(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    assert_int_equal(identify(&f, 2, 0), 0);
    assert_int_equal(number(&f, 0), 1);
    assert_int_equal(number(&f, 4), 0);
    assert_int_equal(identify(&f, 0x10, 0), 0);
    assert_int_equal(number(&f, 0), 1);
    assert_int_equal(number(&f, 4), 4);
    assert_int_equal(number(&f, 8), 0);
    assert_int_equal(identify(&f, 0x11, 4), 0);
    assert_int_equal(number(&f, 0), 16);
    assert_int_equal(identify(&f, 0, 4), 0);
    assert_int_equal(number(&f, 0), 0); /* inactive */
    assert_int_equal(identify(&f, 0x12, 1), 0);
    assert_int_equal(number(&f, 0), 1 | 1 << 16);
    assert_int_equal(identify(&f, 0x12, 4), 0);
    assert_int_equal(number(&f, 0), 0);
    assert_int_equal(identify(&f, 0x12, 0), DNR | 0xB);
    assert_int_equal(identify(&f, 0x12, UINT32_MAX), DNR | 2);
    assert_int_equal(identify(&f, 0x11, UINT32_MAX), DNR | 0xB);
    assert_int_equal(identify(&f, 0x13, 0), 0);
    assert_int_equal(number(&f, 0), 1 | 1 << 16);
    struct rig_sqe beyond = rig_command(IDENTIFY, 0, f.page, 0, 0x13 | 2 << 16, 0, 0);
    assert_int_equal(rig_status(f.rig, 0, beyond), 0);
    assert_int_equal(number(&f, 0), 0);
    assert_int_equal(identify(&f, 1, 0), 0);
    assert_int_equal(number(&f, 280), 2048 * 512 + 16 * 4096 + 1000 * 512);
    assert_int_equal(number(&f, 296), 1000 * 512);
    assert_int_equal(identify(&f, 0, UINT32_MAX), 0); /* what a new one can have */
    assert_int_equal(f.data[25], 1);
    assert_int_equal(number(&f, 0), 0);
    assert_int_equal(identify(&f, 5, UINT32_MAX), 0); /* neither metadata nor protection */
    assert_int_equal(f.data[25], 0);
    assert_int_equal(identify(&f, 8, UINT32_MAX), 0);
    assert_int_equal(f.data[25], 0);
    f.rig->virt.config.oacs = 0;
    assert_int_equal(identify(&f, 5, UINT32_MAX), DNR | 0xB);
    assert_int_equal(identify(&f, 8, UINT32_MAX), DNR | 0xB);
    for (uint8_t cns = 0x10; cns <= 0x13; cns++)
        assert_int_equal(identify(&f, cns, 0), DNR | 2);
    assert_int_equal(identify(&f, 0, UINT32_MAX), DNR | 0xB);
    rig_free(f.rig);
}

static struct rig_cqe create(struct fixture *f, uint64_t size, uint64_t capacity, uint8_t format)
{
    memset(f->data, 0, 4096);
    memcpy(f->data, &size, 8);
    memcpy(f->data + 8, &capacity, 8);
    f->data[26] = format;
    return rig_run(f->rig, 0, rig_command(MANAGE, 0, f->page, 0, 0, 0, 0));
}

static void test_management(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    assert_int_equal(create(&f, 1001, 1001, 0).status, DNR | 0x115);
    assert_int_equal(create(&f, 100, 50, 0).status, DNR | 0x11B);
    assert_int_equal(create(&f, 0, 0, 0).status, DNR | 2);
    assert_int_equal(create(&f, 100, 100, 2).status, DNR | 0x10A);
    assert_int_equal(rig_status(f.rig, 0, rig_command(MANAGE, 0, f.page, 0, 0, 2u << 24, 0)),
                     DNR | 0x129); /* zoned */
    struct rig_cqe cqe = create(&f, 125, 125, 1);
    assert_int_equal(cqe.status, 0);
    assert_int_equal(cqe.result, 9);
    assert_int_equal(create(&f, 1, 1, 0).status, DNR | 0x115); /* all are used */
    assert_int_equal(identify(&f, 0x11, 9), 0);
    assert_int_equal(number(&f, 0), 125);
    assert_int_equal(attachment(&f, 9, 0, 1, 1), 0);
    struct rig_sqe read = rig_rw(2, 124, 1, f.page, 0);
    read.dword[1] = 9;
    assert_int_equal(rig_status(f.rig, 1, read), 0);
    assert_int_equal(rig_status(f.rig, 0, rig_command(MANAGE, 9, 0, 0, 1, 0, 0)), 0);
    assert_int_equal(rig_status(f.rig, 1, read), DNR | 2);
    assert_int_equal(rig_status(f.rig, 0, rig_command(MANAGE, 9, 0, 0, 1, 0, 0)), DNR | 2);
    assert_int_equal(rig_status(f.rig, 0, rig_command(MANAGE, 99, 0, 0, 1, 0, 0)), DNR | 0xB);
    assert_int_equal(rig_status(f.rig, 0, rig_command(MANAGE, 1, 0, 0, 2, 0, 0)), DNR | 2);
    assert_int_equal(rig_status(f.rig, 0, rig_command(MANAGE, 1, f.page, 0, 0, 0, 0)), DNR | 2);
    assert_int_equal(rig_status(f.rig, 0, rig_command(MANAGE, UINT32_MAX, 0, 0, 1, 0, 0)), 0);
    assert_int_equal(identify(&f, 0x10, 0), 0);
    assert_int_equal(number(&f, 0), 0);
    rig_free(f.rig);
}

static void want_changes(struct fixture *f)
{
    struct rig_cqe cqe;
    assert_int_equal(rig_status(f->rig, 0, rig_command(SET_FEATURES, 0, 0, 0, 0x0B, 1 << 8, 0)), 0);
    for (unsigned i = 0; i < 2; i++)
        rig_put(f->rig, 0, rig_command(EVENT_REQUEST, 0, 0, 0, 0, 0, 0));
    rig_ring(f->rig, 0);
    nvmevirt_poll(&f->rig->virt);
    assert_false(rig_look(f->rig, 0, &cqe));
}

static uint16_t read_changes(struct fixture *f, bool retain)
{
    uint32_t dword10 = 1023u << 16 | 4 | (retain ? 1u << 15 : 0);
    return rig_status(f->rig, 0, rig_command(GET_LOG, UINT32_MAX, f->page, 0, dword10, 0, 0));
}

static void test_changed(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    struct rig_cqe cqe;
    assert_true(nvmevirt_attach(&f.rig->virt, 4, true)); /* nobody asked: only in the log */
    want_changes(&f);
    assert_int_equal(read_changes(&f, false), 0);
    assert_int_equal(number(&f, 0), 4);
    assert_int_equal(read_changes(&f, false), 0);
    assert_int_equal(number(&f, 0), 0);

    assert_false(nvmevirt_attach(&f.rig->virt, 4, true));
    assert_false(nvmevirt_attach(&f.rig->virt, 5, true));
    assert_true(nvmevirt_attach(&f.rig->virt, 4, false));
    nvmevirt_poll(&f.rig->virt);
    assert_true(rig_reap(f.rig, 0, &cqe));
    assert_int_equal(cqe.result, 0x040002);
    assert_false(nvmevirt_resize(&f.rig->virt, 1, 2049));
    assert_false(nvmevirt_resize(&f.rig->virt, 1, 0));
    assert_true(nvmevirt_resize(&f.rig->virt, 1, 1024));
    nvmevirt_poll(&f.rig->virt);
    assert_false(rig_look(f.rig, 0, &cqe)); /* silent until the log page is read */
    assert_int_equal(rig_status(f.rig, 1, rig_rw(2, 1024, 1, f.page, 0)), DNR | 0x80);
    assert_int_equal(rig_status(f.rig, 0, rig_command(GET_LOG, 0, f.page, 0, 5, 0, 0)), 0);
    assert_int_equal(read_changes(&f, true), 0);
    assert_int_equal(number(&f, 0), 1);
    assert_int_equal(number(&f, 4), 4);
    assert_int_equal(number(&f, 8), 0);
    nvmevirt_poll(&f.rig->virt);
    assert_false(rig_look(f.rig, 0, &cqe));

    rig_put(f.rig, 0, rig_command(GET_LOG, 0, f.page, 0, 1023u << 16 | 4, 0, 0));
    rig_ring(f.rig, 0);
    nvmevirt_poll(&f.rig->virt);
    assert_true(rig_reap(f.rig, 0, &cqe));
    assert_int_equal(number(&f, 0), 1);
    assert_true(rig_reap(f.rig, 0, &cqe));
    assert_int_equal(cqe.result, 0x040002);
    rig_free(f.rig);
}

/* Format NVM to another block size is such a change; without the claim there is none. */
static void test_format_changes(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    struct rig_cqe cqe;
    want_changes(&f);
    assert_int_equal(format(&f, 1, 0), 0);
    nvmevirt_poll(&f.rig->virt);
    assert_false(rig_look(f.rig, 0, &cqe));
    uint16_t cid = rig_put(f.rig, 0, rig_command(FORMAT, 1, 0, 0, 1, 0, 0));
    rig_ring(f.rig, 0);
    nvmevirt_poll(&f.rig->virt);
    assert_true(rig_reap(f.rig, 0, &cqe));
    assert_int_equal(cqe.cid, cid);
    assert_true(rig_reap(f.rig, 0, &cqe));
    assert_int_equal(cqe.result, 0x040002);
    f.rig->virt.config.oaes = 0;
    assert_int_equal(read_changes(&f, false), DNR | 0x109);
    assert_int_equal(rig_status(f.rig, 0, rig_command(SET_FEATURES, 0, 0, 0, 0x0B, 1 << 8, 0)),
                     DNR | 2);
    rig_free(f.rig);
}

/* More changes than the log page holds. */
static void test_too_many_changes(void **state)
{
    (void)state;
    static struct nvmevirt_namespace many[1025];
    for (uint32_t i = 0; i < 1025; i++)
        many[i] = (struct nvmevirt_namespace){.nsid = i + 1, .block_size = 512, .blocks = 1};
    struct nvmevirt_config config = nvmevirt_everything();
    config.namespaces = many;
    config.namespace_count = 1025;
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 4096);
    struct fixture f = {rig, page, rig_at(rig, page)};
    for (uint32_t i = 0; i < 1024; i++)
        assert_true(nvmevirt_attach(&rig->virt, i + 1, false));
    assert_int_equal(read_changes(&f, true), 0);
    assert_int_equal(number(&f, 0), 1);
    assert_int_equal(number(&f, 4092), 1024);
    assert_true(nvmevirt_attach(&rig->virt, 1025, false));
    assert_int_equal(read_changes(&f, false), 0);
    assert_int_equal(number(&f, 0), UINT32_MAX);
    assert_int_equal(number(&f, 4), 0);
    rig_free(rig);
}

static void test_nonsense(void **state)
{
    (void)state;
    struct nvmevirt_namespace bad[] = {
        {.nsid = 1, .block_size = 512, .blocks = 8, .formats = {12}}, /* not its own */
        {.nsid = 1, .block_size = 512, .blocks = 8, .formats = {9, 8}},
        {.nsid = 1, .block_size = 512, .blocks = 8, .formats = {9, 17}},
        {.nsid = 1, .block_size = 512, .blocks = 64, .backed_first = 1, .formats = {9, 12}},
    };
    for (unsigned i = 0; i < 4; i++) {
        struct nvmevirt_config config = rig_config();
        struct rig *rig = rig_new(&config);
        struct nvmevirt_environment environment = rig_environment(rig);
        struct nvmevirt virt;
        config.namespaces = &bad[i];
        assert_false(nvmevirt_init(&virt, &config, &environment));
        rig_free(rig); /* and nothing is left */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),         cmocka_unit_test(test_format_rules),
        cmocka_unit_test(test_format_window),  cmocka_unit_test(test_format_takes_time),
        cmocka_unit_test(test_attachment),     cmocka_unit_test(test_lists),
        cmocka_unit_test(test_management),     cmocka_unit_test(test_changed),
        cmocka_unit_test(test_format_changes), cmocka_unit_test(test_too_many_changes),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
