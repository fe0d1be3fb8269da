/*
 * The software controller's zones: what may be written where, which state a zone is in after what,
 * how many may be open and active, and what it says of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/virt_rig.h"

#define ZONE     64u /* blocks of a zone, */
#define CAPACITY 48u /* and those that can be written */
#define ZONES    8u

enum {
    SEND = 0x79,
    RECEIVE = 0x7A,
    APPEND = 0x7D
};
enum {
    CLOSE = 1,
    FINISH,
    OPEN,
    RESET,
    OFFLINE
};
enum {
    EMPTY = 1,
    IMPLICIT,
    EXPLICIT,
    CLOSED,
    READ_ONLY = 0xD,
    FULL,
    GONE
};
enum {
    BOUNDARY = 0x1B8 | DNR,
    IS_FULL = 0x1B9 | DNR,
    IS_READ_ONLY = 0x1BA | DNR,
    IS_OFFLINE = 0x1BB | DNR,
    INVALID_WRITE = 0x1BC | DNR,
    TOO_MANY_ACTIVE = 0x1BD | DNR,
    TOO_MANY_OPEN = 0x1BE | DNR,
    TRANSITION = 0x1BF | DNR,
    INVALID_OPCODE = 0x001 | DNR,
    INVALID_FIELD = 0x002 | DNR,
    OUT_OF_RANGE = 0x080 | DNR
};

struct fixture {
    struct rig *rig;
    uint64_t page;
};

static struct fixture start(uint32_t max_open, uint32_t max_active)
{
    struct nvmevirt_namespace namespaces[] = {{.nsid = 1,
                                               .block_size = 512,
                                               .blocks = ZONE * ZONES,
                                               .zone_blocks = ZONE,
                                               .zone_capacity = CAPACITY,
                                               .max_open = max_open,
                                               .max_active = max_active},
                                              {.nsid = 2, .block_size = 512, .blocks = 64}};
    struct nvmevirt_config config = rig_everything();
    config.namespaces = namespaces;
    config.namespace_count = 2;
    config.zasl = 1;
    struct rig *rig = rig_io(&config);
    return (struct fixture){rig, rig_alloc(rig, 4096)};
}

static uint16_t put(struct fixture *f, uint64_t lba, uint32_t blocks)
{
    return rig_status(f->rig, 1, rig_rw(WRITE, lba, blocks, f->page, 0));
}

static uint16_t get(struct fixture *f, uint64_t lba, uint32_t blocks)
{
    return rig_status(f->rig, 1, rig_rw(READ, lba, blocks, f->page, 0));
}

static uint16_t act(struct fixture *f, uint32_t zone, uint32_t action)
{
    struct rig_sqe sqe = rig_command(SEND, 1, 0, 0, zone * ZONE, 0, 0);
    sqe.dword[13] = action;
    return rig_status(f->rig, 1, sqe);
}

#define ALL 0x100u /* of an action */

/* Bytes and what dword 13 says of which zones. */
static uint16_t report(struct fixture *f, uint64_t lba, uint32_t bytes, uint32_t which)
{
    struct rig_sqe sqe = rig_command(RECEIVE, 1, f->page, 0, (uint32_t)lba, 0, bytes / 4 - 1);
    sqe.dword[13] = which;
    memset(rig_at(f->rig, f->page), 0xEE, 4096);
    return rig_status(f->rig, 1, sqe);
}

static uint64_t qword(struct fixture *f, unsigned offset)
{
    uint64_t value;
    memcpy(&value, (uint8_t *)rig_at(f->rig, f->page) + offset, sizeof value);
    return value;
}

static void expect_zone(struct fixture *f, uint32_t zone, uint8_t state, uint64_t written)
{
    assert_int_equal(report(f, zone * ZONE, 128, 1 << 16), 0);
    const uint8_t *descriptor = (uint8_t *)rig_at(f->rig, f->page) + 64;
    assert_int_equal(descriptor[0], 2);
    assert_int_equal(descriptor[1], state << 4);
    assert_int_equal(qword(f, 0), 1);
    assert_int_equal(qword(f, 64 + 8), CAPACITY);
    assert_int_equal(qword(f, 64 + 16), zone * ZONE);
    if (state <= CLOSED)
        assert_int_equal(qword(f, 64 + 24), zone * ZONE + written);
}

static void test_write_pointer(void **state)
{
    (void)state;
    struct fixture f = start(0, 0);
    expect_zone(&f, 1, EMPTY, 0);
    assert_int_equal(put(&f, ZONE + 1, 1), INVALID_WRITE);
    expect_zone(&f, 1, EMPTY, 0);
    assert_int_equal(put(&f, ZONE, 4), 0);
    expect_zone(&f, 1, IMPLICIT, 4);
    assert_int_equal(put(&f, ZONE, 4), INVALID_WRITE);
    assert_int_equal(put(&f, ZONE + 5, 1), INVALID_WRITE);
    assert_int_equal(rig_status(f.rig, 1, rig_command(ZEROES, 1, 0, 0, ZONE + 4, 0, 42)), 0);
    expect_zone(&f, 1, IMPLICIT, 47);
    assert_int_equal(put(&f, ZONE + 47, 2), BOUNDARY);
    assert_int_equal(put(&f, ZONE + 47, 1), 0);
    expect_zone(&f, 1, FULL, 0);
    assert_int_equal(qword(&f, 64 + 24), UINT64_MAX);
    assert_int_equal(put(&f, ZONE + 48, 1), IS_FULL);
    assert_int_equal(put(&f, 2 * ZONE + 48, 1), BOUNDARY);
    assert_int_equal(put(&f, ZONE * ZONES - 1, 2), OUT_OF_RANGE);
    /* Reads go anywhere, but not from one zone into the next. */
    assert_int_equal(get(&f, 2 * ZONE - 4, 4), 0);
    assert_int_equal(get(&f, 2 * ZONE - 4, 5), BOUNDARY);
    rig_free(f.rig);
}

/* What it was written with is gone after a reset. */
static void test_reset(void **state)
{
    (void)state;
    struct fixture f = start(0, 0);
    memset(rig_at(f.rig, f.page), 0x55, 4096);
    assert_int_equal(put(&f, 0, 8), 0);
    assert_int_equal(act(&f, 0, RESET), 0);
    expect_zone(&f, 0, EMPTY, 0);
    assert_int_equal(get(&f, 0, 8), 0);
    assert_int_equal(qword(&f, 0), 0);
    assert_int_equal(put(&f, 0, 8), 0);
    rig_free(f.rig);
}

/* Every action on a zone in every state; 0: Invalid Zone State Transition. */
static void test_transitions(void **state)
{
    (void)state;
    static const uint8_t states[] = {EMPTY, IMPLICIT, EXPLICIT, CLOSED, READ_ONLY, FULL, GONE};
    static const uint8_t after[][7] = {
        [CLOSE] = {0, CLOSED, CLOSED, CLOSED, 0, 0, 0},
        [FINISH] = {FULL, FULL, FULL, FULL, 0, FULL, 0},
        [OPEN] = {EXPLICIT, EXPLICIT, EXPLICIT, EXPLICIT, 0, 0, 0},
        [RESET] = {EMPTY, EMPTY, EMPTY, EMPTY, 0, EMPTY, 0},
        [OFFLINE] = {0, 0, 0, 0, GONE, 0, GONE},
    };
    static const uint8_t after_all[][7] = {
        [CLOSE] = {EMPTY, CLOSED, CLOSED, CLOSED, READ_ONLY, FULL, GONE},
        [FINISH] = {EMPTY, FULL, FULL, FULL, READ_ONLY, FULL, GONE},
        [OPEN] = {EMPTY, IMPLICIT, EXPLICIT, EXPLICIT, READ_ONLY, FULL, GONE},
        [RESET] = {EMPTY, EMPTY, EMPTY, EMPTY, READ_ONLY, EMPTY, GONE},
        [OFFLINE] = {EMPTY, IMPLICIT, EXPLICIT, CLOSED, GONE, FULL, GONE},
    };
    struct fixture f = start(0, 0);
    for (uint32_t action = CLOSE; action <= OFFLINE; action++) {
        for (unsigned i = 0; i < 7; i++) {
            assert_true(nvmevirt_set_zone(&f.rig->virt, 1, i, states[i]));
            assert_int_equal(act(&f, i, action), after[action][i] ? 0 : TRANSITION);
            expect_zone(&f, i, after[action][i] ? after[action][i] : states[i], 0);
            assert_true(nvmevirt_set_zone(&f.rig->virt, 1, i, states[i]));
        }
        assert_int_equal(act(&f, 0, action | ALL), 0);
        for (unsigned i = 0; i < 7; i++)
            expect_zone(&f, i, after_all[action][i], 0);
    }
    assert_int_equal(act(&f, 0, 0), INVALID_FIELD);
    assert_int_equal(act(&f, 0, 6), INVALID_FIELD);
    assert_int_equal(act(&f, 0, RESET | 0x200), INVALID_FIELD);
    assert_int_equal(act(&f, ZONES, RESET), OUT_OF_RANGE);
    struct rig_sqe askew = rig_command(SEND, 1, 0, 0, 1, 0, 0);
    askew.dword[13] = RESET;
    assert_int_equal(rig_status(f.rig, 1, askew), INVALID_FIELD);
    rig_free(f.rig);
}

static void test_dead_zones(void **state)
{
    (void)state;
    struct fixture f = start(0, 0);
    assert_true(nvmevirt_set_zone(&f.rig->virt, 1, 0, READ_ONLY));
    assert_true(nvmevirt_set_zone(&f.rig->virt, 1, 1, GONE));
    assert_false(nvmevirt_set_zone(&f.rig->virt, 1, ZONES, GONE));
    assert_false(nvmevirt_set_zone(&f.rig->virt, 2, 0, GONE));
    assert_int_equal(put(&f, 0, 1), IS_READ_ONLY);
    assert_int_equal(get(&f, 0, 1), 0);
    assert_int_equal(put(&f, ZONE, 1), IS_OFFLINE);
    assert_int_equal(get(&f, ZONE, 1), IS_OFFLINE);
    rig_free(f.rig);
}

/* Two open, three active. */
static void test_limits(void **state)
{
    (void)state;
    struct fixture f = start(2, 3);
    assert_int_equal(put(&f, 0, 1), 0);
    assert_int_equal(put(&f, ZONE, 1), 0);
    assert_int_equal(put(&f, 2 * ZONE, 1), 0); /* for which the first is closed */
    expect_zone(&f, 0, CLOSED, 1);
    expect_zone(&f, 1, IMPLICIT, 1);
    expect_zone(&f, 2, IMPLICIT, 1);
    assert_int_equal(put(&f, 3 * ZONE, 1), TOO_MANY_ACTIVE);
    assert_int_equal(act(&f, 3, OPEN), TOO_MANY_ACTIVE);
    assert_int_equal(put(&f, 1, 1), 0); /* active it was */
    expect_zone(&f, 1, CLOSED, 1);

    assert_int_equal(act(&f, 0, OPEN), 0);
    assert_int_equal(act(&f, 1, OPEN), 0); /* no other way than to close the third */
    expect_zone(&f, 2, CLOSED, 1);
    assert_int_equal(put(&f, 2 * ZONE + 1, 1), TOO_MANY_OPEN);
    assert_int_equal(act(&f, 2, OPEN), TOO_MANY_OPEN);
    assert_int_equal(act(&f, 0, OPEN | ALL), TOO_MANY_OPEN);
    assert_int_equal(act(&f, 0, FINISH), 0);
    assert_int_equal(put(&f, 2 * ZONE + 1, 1), 0);
    assert_int_equal(put(&f, 3 * ZONE, 1), 0);
    rig_free(f.rig);
}

static struct rig_cqe append(struct fixture *f, uint64_t lba, uint32_t blocks)
{
    return rig_run(f->rig, 1, rig_command(APPEND, 1, f->page, 0, (uint32_t)lba, 0, blocks - 1));
}

static void test_append(void **state)
{
    (void)state;
    struct fixture f = start(0, 0);
    struct rig_cqe first = append(&f, 3 * ZONE, 2), second = append(&f, 3 * ZONE, 3);
    assert_int_equal(first.status | second.status, 0);
    assert_int_equal(first.result, 3 * ZONE);
    assert_int_equal(second.result, 3 * ZONE + 2);
    assert_int_equal(second.dword1, 0);
    expect_zone(&f, 3, IMPLICIT, 5);
    assert_int_equal(append(&f, 3 * ZONE + 1, 1).status, INVALID_FIELD);
    assert_int_equal(append(&f, ZONES * ZONE, 1).status, OUT_OF_RANGE);
    assert_int_equal(put(&f, 3 * ZONE + 5, 8), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(append(&f, 3 * ZONE, 8).status, 0);
    assert_int_equal(append(&f, 3 * ZONE, 4).status, BOUNDARY);
    assert_int_equal(append(&f, 3 * ZONE, 3).status, 0);
    assert_int_equal(append(&f, 3 * ZONE, 1).status, IS_FULL);
    assert_int_equal(append(&f, 0, 17).status, INVALID_FIELD);
    rig_expect(f.rig, 1, "exceeds ZASL");
    rig_free(f.rig);
}

static void test_reports(void **state)
{
    (void)state;
    struct fixture f = start(0, 0);
    assert_int_equal(put(&f, 2 * ZONE, 1), 0);
    assert_int_equal(act(&f, 4, FINISH), 0);
    assert_int_equal(report(&f, 0, 4096, 0), 0);
    assert_int_equal(qword(&f, 0), ZONES);
    assert_int_equal(qword(&f, 64 * ZONES + 16), (ZONES - 1) * ZONE);
    assert_int_equal(qword(&f, 64 * (ZONES + 1)), 0); /* to its end there is nothing */
    assert_int_equal(qword(&f, 4088), 0);
    assert_int_equal(report(&f, 5 * ZONE + 3, 64 + 60, 0), 0); /* no whole descriptor fits */
    assert_int_equal(qword(&f, 0), 3);
    assert_int_equal(qword(&f, 64 + 16), 0);
    assert_int_equal(report(&f, 0, 128, 1 << 16), 0);
    assert_int_equal(qword(&f, 0), 1);
    assert_int_equal(report(&f, 0, 4096, 5 << 8), 0);
    assert_int_equal(qword(&f, 0), 1);
    assert_int_equal(qword(&f, 64 + 16), 4 * ZONE);
    assert_int_equal(report(&f, 0, 4096, 1 << 8), 0);
    assert_int_equal(qword(&f, 0), ZONES - 2);
    assert_int_equal(report(&f, 0, 4096, 8 << 8), INVALID_FIELD);
    assert_int_equal(report(&f, 0, 4096, 1), INVALID_FIELD);
    assert_int_equal(report(&f, 0, 60, 0), INVALID_FIELD);
    assert_int_equal(report(&f, ZONE * ZONES, 4096, 0), OUT_OF_RANGE);
    rig_free(f.rig);
}

static uint16_t identify(struct fixture *f, uint8_t cns, uint32_t nsid, uint8_t csi)
{
    return rig_status(f->rig, 0, rig_command(6, nsid, f->page, 0, cns, (uint32_t)csi << 24, 0));
}

static void test_identify(void **state)
{
    (void)state;
    struct fixture f = start(2, 0);
    assert_int_equal(identify(&f, 5, 1, 2), 0);
    assert_int_equal(qword(&f, 0) >> 32, UINT32_MAX); /* MAR */
    assert_int_equal(qword(&f, 8) & UINT32_MAX, 1);   /* MOR */
    assert_int_equal(qword(&f, 2816), ZONE);
    assert_int_equal(identify(&f, 6, 0, 2), 0);
    assert_int_equal(qword(&f, 0), 1); /* ZASL */
    assert_int_equal(identify(&f, 7, 0, 2), 0);
    assert_int_equal(qword(&f, 0), 1);
    assert_int_equal(identify(&f, 7, 0, 0), 0);
    assert_int_equal(qword(&f, 0), 2);
    assert_int_equal(identify(&f, 2, 0, 0), 0);
    assert_int_equal(qword(&f, 0), 1 | 2ull << 32);
    assert_int_equal(identify(&f, 0x1C, 0, 0), 0);
    assert_int_equal(qword(&f, 0), 1 << 0 | 1 << 2);
    assert_int_equal(identify(&f, 5, 1, 1), INVALID_FIELD);
    rig_free(f.rig);
}

static void test_not_zoned(void **state)
{
    (void)state;
    struct fixture f = start(0, 0);
    assert_int_equal(rig_status(f.rig, 1, rig_command(APPEND, 2, f.page, 0, 0, 0, 0)),
                     INVALID_OPCODE);
    rig_free(f.rig);
    struct nvmevirt_config config = rig_everything();
    struct rig *rig = rig_io(&config);
    assert_int_equal(rig_status(rig, 1, rig_command(SEND, 1, 0, 0, 0, 0, 0)), INVALID_OPCODE);
    rig_free(rig);
}

static void test_impossible(void **state)
{
    (void)state;
    const struct nvmevirt_namespace cases[] = {
        {.nsid = 1, .block_size = 512, .blocks = 100, .zone_blocks = 64},
        {.nsid = 1, .block_size = 512, .blocks = 64, .zone_blocks = 128},
        {.nsid = 1, .block_size = 512, .blocks = 64, .zone_blocks = 16, .zone_capacity = 17},
        {.nsid = 1, .block_size = 512, .blocks = 64, .zone_blocks = 16, .formats = {9}},
    };
    struct nvmevirt virt;
    struct nvmevirt_config plain = rig_config();
    struct rig *rig = rig_new(&plain);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nvmevirt_config config = nvmevirt_everything();
        struct nvmevirt_environment environment = rig_environment(rig);
        config.namespaces = &cases[i];
        config.namespace_count = 1;
        assert_false(nvmevirt_init(&virt, &config, &environment));
    }
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_pointer), cmocka_unit_test(test_reset),
        cmocka_unit_test(test_transitions),   cmocka_unit_test(test_dead_zones),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_append),
        cmocka_unit_test(test_reports),       cmocka_unit_test(test_identify),
        cmocka_unit_test(test_not_zoned),     cmocka_unit_test(test_impossible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
