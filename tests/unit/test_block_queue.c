/*
 * Requests by hand, over a device that is made up (fake_block.h): what becomes
 * one command, and what becomes of one that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/block/block.h"
#include "lib/bits.h"
#include "lib/status.h"
#include "tests/unit/fake_block.h"

struct asked {
    struct block_request request;
    struct block_segment segment;
    unsigned done; /* how often; the status is in the request */
};

static struct block_ended ended;

static void poll(struct fake *fake, uint64_t deadline)
{
    block_poll(&fake->device, deadline);
    unsigned count = ended.count, failed = ended.failed;
    ended.failed = 0;
    for (struct block_request *request = block_ended_take(&ended, NULL); request;
         request = request->next, count--) {
        CONTAINER_OF(request, struct asked, request)->done++;
        failed -= request->status != OK;
    }
    assert_int_equal(count, 0);
    assert_int_equal(failed, 0);
}

static int ask(struct fake *fake, struct asked *asked, enum block_operation operation, uint64_t lba,
               uint32_t blocks, void *buffer)
{
    *asked = (struct asked){.segment = {buffer, (size_t)blocks * fake->device.block_size}};
    asked->request = (struct block_request){.operation = operation,
                                            .lba = lba,
                                            .blocks = blocks,
                                            .segments = &asked->segment,
                                            .segment_count = blocks != 0,
                                            .ended = &ended};
    return block_submit(&fake->device, &asked->request);
}

static void check_asked(const struct asked *asked, unsigned count, int status)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(asked[i].done, 1);
        assert_int_equal(asked[i].request.status, status);
        /* It is as it was, and can be submitted again. */
        assert_ptr_equal(asked[i].request.segments, &asked[i].segment);
        assert_int_equal(asked[i].request.blocks * 512, asked[i].segment.length);
    }
}

/* What follows one another, in blocks and in memory, is one command, of at most the device's size.
 */
static void test_merging(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 64 * 512);
    struct asked asked[20];
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 8, 16);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(ask(&fake, &asked[i], BLOCK_WRITE, 100 + i, 1, buffer + i * 512), OK);
    while (!asked[19].done || fake.in_flight)
        poll(&fake, 1);
    check_asked(asked, 20, OK);
    assert_int_equal(fake.submitted, 3);
    assert_memory_equal(buffer, fake.data + 100 * 512, 20 * 512);

    /* Each differs from the one before in one respect. */
    static const struct {
        enum block_operation operation;
        unsigned lba, place;
    } apart[] = {{BLOCK_READ, 0, 0},  {BLOCK_WRITE, 1, 1}, {BLOCK_WRITE, 3, 2}, {BLOCK_WRITE, 4, 4},
                 {BLOCK_FLUSH, 0, 0}, {BLOCK_FLUSH, 0, 0}, {BLOCK_READ, 5, 5},  {BLOCK_READ, 4, 6}};
    fake.submitted = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(apart); i++)
        assert_int_equal(ask(&fake, &asked[i], apart[i].operation, apart[i].lba,
                             apart[i].operation != BLOCK_FLUSH, buffer + apart[i].place * 512),
                         OK);
    poll(&fake, 1);
    while (fake.in_flight)
        poll(&fake, 1);
    check_asked(asked, ARRAY_SIZE(apart), OK);
    assert_int_equal(fake.submitted, ARRAY_SIZE(apart));
    fake_end(&fake);
    free(buffer);
}

/* A merged command that fails is taken apart: only the request with the bad block fails. */
static void test_merged_failure(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 8 * 512);
    struct asked asked[8];
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 8, 2);
    fake.bad_lba[0] = 205;
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(ask(&fake, &asked[i], BLOCK_READ, 200 + i, 1, buffer + i * 512), OK);
    for (unsigned polls = 0; polls < 100; polls++)
        poll(&fake, 0);
    assert_int_equal(fake.submitted, 9);
    check_asked(asked, 5, OK);
    check_asked(asked + 5, 1, ERR_IO);
    check_asked(asked + 6, 2, OK);
    for (unsigned i = 0; i < 8; i++)
        if (i != 5)
            assert_memory_equal(buffer + i * 512, fake.data + (200 + i) * 512, 512);
    fake_end(&fake);
    free(buffer);
}

/* The parts go in order: a zone wants them so. */
static void test_parts_in_order(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 16 * 512);
    struct asked asked[16];
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 8, 1);
    fake.bad_lba[0] = 203;
    fake.bad_lba[1] = 210;
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(ask(&fake, &asked[i], BLOCK_WRITE, 200 + i, 1, buffer + i * 512), OK);
    for (unsigned polls = 0; polls < 100; polls++) {
        poll(&fake, 0);
        for (unsigned i = 1; i < 16; i++)
            assert_true(asked[i].done <= asked[i - 1].done);
    }
    assert_int_equal(fake.submitted, 18);
    check_asked(asked, 3, OK);
    check_asked(asked + 3, 1, ERR_IO);
    fake_end(&fake);
    free(buffer);
}

/* Nothing reaches from one zone into the next. */
static void test_zones(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 16 * 512);
    struct asked asked[12];
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 8, 16);
    fake.device.zone_blocks = 5;
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(ask(&fake, &asked[i], BLOCK_WRITE, 100 + i, 1, buffer + i * 512), OK);
    poll(&fake, 1);
    while (fake.in_flight)
        poll(&fake, 1);
    check_asked(asked, 12, OK);
    assert_int_equal(fake.submitted, 3);
    assert_int_equal(block_most(&fake.device, 103), 2);
    fake.device.zone_blocks = UINT64_MAX;
    assert_int_equal(block_most(&fake.device, 103), 8);
    fake_end(&fake);
    free(buffer);
}

/* A refused command ends all that went with it and nothing else, and no more is taken before that
 * was heard. */
static void test_merged_refused(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 64 * 512);
    struct asked asked[40];
    struct fake fake;
    unsigned taken = 3;
    (void)state;
    fake_start(&fake, 512, 8, 64);
    fake.refuse_at = 1;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ask(&fake, &asked[i], BLOCK_READ, 200 + i, 1, buffer + i * 512), OK);
    while (ask(&fake, &asked[taken], BLOCK_READ, 300 + 2 * taken, 1, buffer + taken * 512) == OK)
        assert_true(++taken < 40);
    for (unsigned i = 0; i < taken; i++)
        assert_int_equal(asked[i].done, 0);
    poll(&fake, 1);
    check_asked(asked, 3, ERR_NO_DEVICE);
    assert_int_equal(ask(&fake, &asked[taken], BLOCK_READ, 600, 1, buffer), OK);
    while (!asked[taken].done || fake.in_flight)
        poll(&fake, 1);
    check_asked(asked + 3, taken - 2, OK);
    fake_end(&fake);
    free(buffer);
}

/* A device that is full keeps nobody from another one for longer than it is. */
static void test_two_devices(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 8 * 512);
    struct asked asked[3];
    struct fake full, other;
    (void)state;
    fake_start_named(&full, "full", BLOCKS, 512, 8, 1);
    fake_start(&other, 512, 8, 1);
    assert_int_equal(ask(&full, &asked[0], BLOCK_READ, 10, 1, buffer), OK);
    assert_int_equal(ask(&full, &asked[1], BLOCK_READ, 20, 1, buffer + 512), OK);
    assert_int_equal(ask(&other, &asked[2], BLOCK_READ, 30, 1, buffer + 1024), ERR_AGAIN);
    for (unsigned polls = 0; ask(&other, &asked[2], BLOCK_READ, 30, 1, buffer + 1024) != OK;
         polls++) {
        assert_true(polls < 3);
        poll(&other, UINT64_MAX);
    }
    poll(&other, UINT64_MAX);
    poll(&full, 0);
    check_asked(asked, 3, OK);
    fake_end(&full);
    fake_end(&other);
    free(buffer);
}

/* Links requests that read a block each, every third one, or one behind the other. */
static struct block_request *list_of(struct fake *fake, struct asked *asked, unsigned count,
                                     uint8_t *buffer, bool fixed)
{
    for (unsigned i = 0; i < count; i++) {
        asked[i] = (struct asked){.segment = {buffer + i * 512, 512}};
        asked[i].request =
            (struct block_request){.operation = BLOCK_READ,
                                   .lba = fixed ? 3 * i : i,
                                   .fixed = fixed,
                                   .blocks = 1,
                                   .segments = &asked[i].segment,
                                   .segment_count = 1,
                                   .ended = &ended,
                                   .device = fixed ? &fake->device : NULL,
                                   .next = i + 1 < count ? &asked[i + 1].request : NULL};
    }
    return &asked[0].request;
}

/* Fixed ones go to the device at once, but behind what was there before; what finds no room, or is
 * refused, stays with the submitter, and so does all behind it. */
static void test_fixed_list(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 16 * 512);
    struct asked before, asked[12];
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 8, 5);
    fake.refuse_at = 8;
    struct block_request *list = list_of(&fake, asked, 12, buffer, true);
    assert_int_equal(ask(&fake, &before, BLOCK_READ, 500, 1, buffer + 15 * 512), OK);
    assert_int_equal(block_submit_list(&fake.device, &list), ERR_AGAIN);
    assert_ptr_equal(list, &asked[4].request);
    assert_int_equal(fake.submitted, 5);
    assert_ptr_equal(fake.queue[0], &before.request);
    unsigned refused = 0;
    for (int status; (status = block_submit_list(&fake.device, &list)) != OK;)
        if (status == ERR_AGAIN) {
            poll(&fake, 1);
        } else {
            assert_int_equal(status, ERR_NO_DEVICE);
            assert_ptr_equal(list, &asked[6].request);
            list = list->next;
            refused++;
        }
    assert_int_equal(refused, 1);
    assert_null(list);
    while (fake.in_flight)
        poll(&fake, 1);
    check_asked(&before, 1, OK);
    check_asked(asked, 6, OK);
    check_asked(asked + 7, 5, OK);
    assert_int_equal(asked[6].done, 0);
    for (unsigned i = 0; i < 12; i++)
        if (i != 6)
            assert_memory_equal(buffer + i * 512, fake.data + 3 * i * 512, 512);
    fake_end(&fake);
    free(buffer);
}

/* Others are collected, and those that follow one another go together. */
static void test_list(void **state)
{
    uint8_t *buffer = aligned_alloc(4096, 16 * 512);
    struct asked asked[12];
    struct fake fake;
    (void)state;
    fake_start(&fake, 512, 4, 8);
    struct block_request *list = list_of(&fake, asked, 12, buffer, false);
    assert_int_equal(block_submit_list(&fake.device, &list), OK);
    assert_null(list);
    assert_int_equal(fake.submitted, 0);
    poll(&fake, 1);
    while (fake.in_flight)
        poll(&fake, 1);
    assert_int_equal(fake.submitted, 3);
    check_asked(asked, 12, OK);
    assert_memory_equal(buffer, fake.data, 12 * 512);
    fake_end(&fake);
    free(buffer);
}

int main(void)
{
    srand(4);
    block_ended_init(&ended);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merging),        cmocka_unit_test(test_merged_failure),
        cmocka_unit_test(test_merged_refused), cmocka_unit_test(test_two_devices),
        cmocka_unit_test(test_fixed_list),     cmocka_unit_test(test_list),
        cmocka_unit_test(test_parts_in_order), cmocka_unit_test(test_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
