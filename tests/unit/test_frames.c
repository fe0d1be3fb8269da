/* Page frames from a UEFI map that names memory twice, and ranges without a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/handover.h"

#define RAM_SIZE (64ULL << 20)

/* Physical memory is a piece of ours here. */
static uint8_t *ram;
#undef DIRECT_MAP
#define DIRECT_MAP ((uint64_t)(uintptr_t)ram)
#include "kernel/mem/frames.c"

static const struct efi_memory_descriptor map[] = {
    {.type = EFI_LOADER_DATA, .physical = 1 << 20, .pages = 256},
    {.type = EFI_CONVENTIONAL, .physical = (2 << 20) + 4096, .pages = 0},
    {.type = EFI_CONVENTIONAL, .physical = 2 << 20, .pages = 256},
    {.type = EFI_CONVENTIONAL, .physical = 4 << 20, .pages = 1024},
    {.type = EFI_CONVENTIONAL, .physical = 4 << 20, .pages = 1024},      /* again */
    {.type = EFI_BOOT_SERVICES_DATA, .physical = 7 << 20, .pages = 512}, /* half of it again */
    {.type = EFI_CONVENTIONAL, .physical = 10 << 20, .pages = 256},      /* something else, too */
    {.type = EFI_RUNTIME_DATA, .physical = (10 << 20) + 8192, .pages = 1},
    {.type = EFI_CONVENTIONAL, .physical = 12 << 20, .pages = 0},
    {.type = EFI_CONVENTIONAL, .physical = 16 << 20, .pages = 512},
};

static bool may_be_ours(uint64_t page)
{
    uint64_t mib = page >> (20 - PAGE_SHIFT);
    return mib == 2 || (mib >= 4 && mib < 8) || mib == 16 || mib == 17;
}

static void test_nothing_is_given_out_twice(void **state)
{
    (void)state;
    static bool given[RAM_SIZE >> PAGE_SHIFT];
    ram = aligned_alloc(PAGE_SIZE, RAM_SIZE);
    memcpy(ram + (1 << 20), map, sizeof map);
    struct handover handover = {.memory_map = 1 << 20,
                                .memory_map_size = sizeof map,
                                .memory_descriptor_size = sizeof map[0]};
    frames_start(&handover);
    struct frames_usage all = frames_usage();
    assert_int_equal(all.total, (8 << 20) + PAGE_SIZE); /* with the loader's, and that of runtime */
    assert_in_range(all.usable, (7 << 20) - (64 << 10), 7 << 20);
    uint64_t count = 0;
    for (void *page; (page = frames_allocate(0)); count++) {
        uint64_t number = frames_physical(page) >> PAGE_SHIFT;
        assert_true(may_be_ours(number));
        assert_false(given[number]);
        given[number] = true;
    }
    assert_int_equal(count * PAGE_SIZE, all.usable);
    for (uint64_t number = 0; number < RAM_SIZE >> PAGE_SHIFT; number++)
        if (given[number])
            frames_free(frames_pointer(number << PAGE_SHIFT), 0);
    assert_int_equal(frames_usage().free, all.usable);
    free(ram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_given_out_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
