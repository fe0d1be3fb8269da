/*
 * What the software controller tells about itself: log pages in pieces and by
 * what is claimed, and Identify by I/O command set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

struct fixture {
    struct rig *rig;
    uint64_t page;
    uint8_t *data;
};

static struct fixture start(struct nvmevirt_config config)
{
    struct rig *rig = rig_io(&config);
    uint64_t page = rig_alloc(rig, 2 * 4096);
    return (struct fixture){rig, page, rig_at(rig, page)};
}

static uint16_t get(struct fixture *f, uint8_t page, uint32_t nsid, uint32_t bytes, uint32_t offset)
{
    memset(f->data, 0xEE, 2 * 4096);
    return rig_status(f->rig, 0,
                      rig_command(2, nsid, f->page, bytes > 4096 ? f->page + 4096 : 0,
                                  (bytes / 4 - 1) << 16 | page, 0, offset));
}

static uint32_t number(const struct fixture *f, unsigned offset)
{
    uint32_t value;
    memcpy(&value, f->data + offset, 4);
    return value;
}

static void test_supported(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    assert_int_equal(get(&f, 0, 0, 1024, 0), 0);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(number(&f, 4 * i), i < 6);
    f.rig->virt.config.lpa = 0;
    f.rig->virt.config.oaes = 0;
    assert_int_equal(get(&f, 0, 0, 1024, 0), 0);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(number(&f, 4 * i), i < 4);
    assert_int_equal(get(&f, 4, 0, 4096, 0), DNR | 0x109);
    assert_int_equal(get(&f, 5, 0, 4096, 0), DNR | 0x109);
    f.rig->virt.config.version = 0x00010400;
    assert_int_equal(get(&f, 0, 0, 1024, 0), DNR | 0x109);
    rig_free(f.rig);
}

static void test_effects(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    assert_int_equal(get(&f, 5, 0, 4096, 0), 0);
    assert_int_equal(number(&f, 4 * 0x06), 1);        /* Identify */
    assert_int_equal(number(&f, 4 * 0x03), 0);        /* there is no such command */
    assert_int_equal(number(&f, 4 * 0x80), 0x20007);  /* Format NVM */
    assert_int_equal(number(&f, 4 * 0x15), 9);        /* Namespace Attachment */
    assert_int_equal(number(&f, 1024 + 4 * 0x01), 3); /* Write */
    assert_int_equal(number(&f, 1024 + 4 * 0x02), 1); /* Read */
    assert_int_equal(number(&f, 1024 + 4 * 0x19), 3); /* Copy */
    assert_int_equal(number(&f, 1024 + 4 * 0x0D), 0); /* no reservations */
    f.rig->virt.config.oncs = 0;
    f.rig->virt.config.oacs = 0;
    assert_int_equal(get(&f, 5, 0, 4096, 0), 0);
    assert_int_equal(number(&f, 4 * 0x80), 0);
    assert_int_equal(number(&f, 1024 + 4 * 0x19), 0);
    assert_int_equal(number(&f, 1024 + 4 * 0x01), 3);
    /* From the middle, and beyond the end: zeros follow. */
    assert_int_equal(get(&f, 5, 0, 4096, 1024), 0);
    assert_int_equal(number(&f, 4), 3);
    assert_int_equal(number(&f, 3072), 0);
    assert_int_equal(get(&f, 5, 0, 8, 4092), 0);
    assert_int_equal(number(&f, 8), 0xEEEEEEEE);
    assert_int_equal(get(&f, 5, 0, 8, 4100), DNR | 2);
    rig_free(f.rig);
}

static void test_no_offsets(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.lpa = 0;
    struct fixture f = start(config);
    assert_int_equal(get(&f, 2, 0, 512, 0), 0);
    assert_int_equal(get(&f, 2, 0, 256, 256), DNR | 2);
    rig_expect(f.rig, 1, "neither offset");
    assert_int_equal(rig_status(f.rig, 0, rig_command(2, 0, f.page, 0, 2, 1, 0)), DNR | 2);
    rig_expect(f.rig, 1, "neither offset");
    assert_int_equal(get(&f, 2, 1, 512, 0), DNR | 2); /* nor health of one namespace */
    f.rig->virt.config.lpa = 1;
    assert_int_equal(get(&f, 2, 1, 512, 0), 0);
    assert_int_equal(get(&f, 2, 2, 512, 0), DNR | 0xB);
    assert_int_equal(get(&f, 1, 1, 512, 0), DNR | 2);
    rig_free(f.rig);
}

static void test_error_entries(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    for (unsigned i = 0; i < 10; i++) /* the last eight stay */
        assert_int_equal(rig_status(f.rig, 1, rig_rw(2, 3000 + i, 1, f.page, 0)), DNR | 0x80);
    assert_int_equal(get(&f, 1, 0, 576, 0), 0);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(number(&f, 64 * i), 10 - i);
        assert_int_equal(number(&f, 64 * i + 8) & 0xFFFF, 1);
        assert_int_equal(number(&f, 64 * i + 12), (DNR | 0x80) << 1 | 0xFFFF0000);
        assert_int_equal(number(&f, 64 * i + 16), 3009 - i);
        assert_int_equal(number(&f, 64 * i + 24), 1);
    }
    assert_int_equal(number(&f, 512), 0);
    assert_int_equal(get(&f, 1, 0, 64, 64), 0);
    assert_int_equal(number(&f, 0), 9);
    rig_free(f.rig);
}

static void corrupt(void *context, uint8_t page, uint32_t nsid, uint8_t *data, size_t size)
{
    (void)context;
    (void)nsid;
    assert_int_equal(size, page == 2 ? 512 : 1024);
    memset(data, 0xAB, size);
}

static void test_corrupted(void **state)
{
    (void)state;
    struct fixture f = start(rig_everything());
    f.rig->virt.environment.log = corrupt;
    assert_int_equal(get(&f, 2, 0, 512, 0), 0);
    assert_int_equal(number(&f, 508), 0xABABABAB);
    assert_int_equal(get(&f, 0, 0, 1024, 0), 0);
    rig_free(f.rig);
}

static uint16_t identify(struct fixture *f, uint8_t cns, uint32_t nsid, uint8_t csi)
{
    memset(f->data, 0xEE, 4096);
    return rig_status(f->rig, 0, rig_command(6, nsid, f->page, 0, cns, (uint32_t)csi << 24, 0));
}

static void test_command_sets(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    config.vsl = 5;
    config.wzsl = 6;
    config.wusl = 7;
    config.dmrl = 8;
    config.dmrsl = 9;
    config.dmsl = 10;
    struct fixture f = start(config);
    assert_int_equal(identify(&f, 5, 1, 0), 0);
    assert_int_equal(number(&f, 0), 0);
    assert_int_equal(identify(&f, 5, 0, 0), DNR | 0xB);
    assert_int_equal(identify(&f, 6, 0, 0), 0);
    assert_memory_equal(f.data, "\5\6\7\10\11\0\0\0\12\0\0\0\0\0\0", 16);
    assert_int_equal(identify(&f, 7, 0, 0), 0);
    assert_int_equal(number(&f, 0), 1);
    assert_int_equal(number(&f, 4), 0);
    for (uint8_t cns = 5; cns <= 7; cns++)
        assert_int_equal(identify(&f, cns, cns == 5, 2), DNR | 2); /* zoned: not here */
    assert_int_equal(identify(&f, 0x1C, 0, 0), 0);
    assert_int_equal(number(&f, 0), 1);
    assert_int_equal(number(&f, 8), 0);
    assert_int_equal(identify(&f, 3, 1, 0), 0);
    assert_int_equal(f.data[0], 2);  /* NGUID */
    assert_int_equal(f.data[20], 4); /* CSI */
    assert_int_equal(f.data[21], 1);
    assert_int_equal(f.data[24], 0);
    rig_free(f.rig);

    config.css = 1;
    f = start(config);
    for (uint8_t cns = 5; cns <= 7; cns++)
        assert_int_equal(identify(&f, cns, cns == 5, 0), DNR | 2);
    assert_int_equal(identify(&f, 0x1C, 0, 0), DNR | 2);
    assert_int_equal(identify(&f, 3, 1, 0), 0);
    assert_int_equal(f.data[20], 0);
    rig_free(f.rig);
}

static void test_all_descriptors(void **state)
{
    (void)state;
    const struct nvmevirt_namespace namespace = {
        .nsid = 1, .block_size = 512, .blocks = 8, .eui64 = {1}, .nguid = {2}, .uuid = {3}};
    struct nvmevirt_config config = rig_config();
    config.namespaces = &namespace;
    struct fixture f = start(config);
    const uint8_t want[] = {1, 8, 0, 0, 1}, want2[] = {2, 16, 0, 0, 2}, want3[] = {3, 16, 0, 0, 3};
    assert_int_equal(identify(&f, 3, 1, 0), 0);
    assert_memory_equal(f.data, want, 5);
    assert_memory_equal(f.data + 12, want2, 5);
    assert_memory_equal(f.data + 32, want3, 5);
    assert_int_equal(number(&f, 52), 0);
    rig_free(f.rig);
}

static void test_claims(void **state)
{
    (void)state;
    struct nvmevirt_config config = rig_everything();
    struct fixture f = start(config);
    assert_int_equal(identify(&f, 1, 0, 0), 0);
    assert_int_equal(number(&f, 92), 0x100);           /* OAES */
    assert_int_equal(number(&f, 256) & 0xFFFF, 0x10A); /* OACS */
    assert_int_equal(f.data[261], 7);                  /* LPA */
    assert_int_equal(f.data[263], 1);                  /* NPSS */
    assert_int_equal(number(&f, 520) & 0xFFFF, 0x1DF); /* ONCS */
    assert_int_equal(number(&f, 532) >> 16, 1);        /* OCFS */
    assert_int_equal(number(&f, 536), 0xD0001);        /* SGLS */
    assert_int_equal(number(&f, 76) >> 16, 1);         /* CNTLID */
    assert_int_equal(number(&f, 2048) & 0xFFFF, 900);  /* MP of power state 0 */
    assert_int_equal(identify(&f, 0, 1, 0), 0);
    assert_int_equal(number(&f, 72) >> 16, config.mssrl);
    assert_int_equal(number(&f, 76), config.mcl);
    assert_int_equal(f.data[80], config.msrc);
    assert_int_equal(identify(&f, 8, 1, 0), 0);
    f.rig->virt.config.version = 0x00010300;
    assert_int_equal(identify(&f, 8, 1, 0), DNR | 2);
    rig_free(f.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_supported),       cmocka_unit_test(test_effects),
        cmocka_unit_test(test_no_offsets),      cmocka_unit_test(test_error_entries),
        cmocka_unit_test(test_corrupted),       cmocka_unit_test(test_command_sets),
        cmocka_unit_test(test_all_descriptors), cmocka_unit_test(test_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
