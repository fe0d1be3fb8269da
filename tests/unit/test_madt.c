/* The MADT as firmware may have it: processors of both kinds, dead ones, and entries cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/acpi/acpi.h"
#include "tests/unit/host_kernel.h"

#define ENABLED        1
#define ONLINE_CAPABLE 2
#define ENTRIES        44 /* where they begin */

static uint32_t length;

static void set_length(uint32_t to)
{
    length = to;
    memcpy(host_acpi_table + offsetof(struct acpi_table, length), &length, sizeof length);
}

static int empty(void **state)
{
    (void)state;
    memset(host_acpi_table, 0, sizeof host_acpi_table);
    memcpy(host_acpi_table + sizeof(struct acpi_table), "\x00\x00\xe0\xfe", 4);
    set_length(ENTRIES);
    return 0;
}

static void add(const void *bytes, uint8_t size)
{
    memcpy(host_acpi_table + length, bytes, size);
    set_length(length + size);
}

static void add_apic(uint8_t id, uint8_t flags)
{
    add((const uint8_t[]){0, 8, 0, id, flags, 0, 0, 0}, 8);
}

static void add_x2apic(uint32_t id, uint8_t flags)
{
    uint8_t entry[16] = {9, 16, [8] = flags};
    memcpy(entry + 4, &id, sizeof id);
    add(entry, sizeof entry);
}

static void expect(unsigned count, const uint32_t *ids)
{
    uint32_t id = 0;
    for (unsigned i = 0; i < count; i++) {
        assert_true(acpi_processor(i, &id));
        assert_int_equal(id, ids[i]);
    }
    assert_false(acpi_processor(count, &id));
}

static void test_no_processor(void **state)
{
    (void)state;
    expect(0, NULL);
}

static void test_both_kinds_in_their_order(void **state)
{
    (void)state;
    add_apic(2, ENABLED);
    add_x2apic(300, ENABLED);
    add((const uint8_t[]){1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0}, 12);
    add_apic(0, ENABLED);
    add_x2apic(1, ENABLED | ONLINE_CAPABLE);
    expect(4, (const uint32_t[]){2, 300, 0, 1});
    assert_int_equal(acpi_io_apic(0).address, 0xfec00000);
}

static void test_only_those_in_working_order(void **state)
{
    (void)state;
    add_apic(0, 0);
    add_apic(1, ONLINE_CAPABLE);
    add_apic(2, ENABLED);
    add_apic(0xff, ENABLED); /* no ID: all of them */
    add_x2apic(3, 0);
    add_x2apic(UINT32_MAX, ENABLED);
    expect(1, (const uint32_t[]){2});
}

static void test_named_twice(void **state)
{
    (void)state;
    add_apic(1, ENABLED);
    add_x2apic(1, ENABLED);
    expect(2, (const uint32_t[]){1, 1});
}

static void test_lengths_that_lie(void **state)
{
    (void)state;
    add_apic(1, ENABLED);
    add((const uint8_t[]){0, 6, 0, 2, ENABLED, 0}, 6); /* too short for its type */
    uint8_t half[10] = {9, 10, [4] = 3, [8] = ENABLED};
    add(half, sizeof half);
    add_apic(4, ENABLED);
    expect(2, (const uint32_t[]){1, 4});

    add_apic(5, ENABLED);
    set_length(length - 1); /* the table ends within the entry */
    expect(2, (const uint32_t[]){1, 4});

    host_acpi_table[ENTRIES + 1] = 0; /* an entry without an end */
    expect(0, NULL);
    set_length(ENTRIES - 1); /* not even the fields in front of them */
    expect(0, NULL);
    assert_int_equal(acpi_io_apic(0).address, 0);
}

static void test_isa_routes(void **state)
{
    (void)state;
    add((const uint8_t[]){2, 10, 0, 0, 2, 0, 0, 0, 0, 0}, 10);
    add((const uint8_t[]){2, 10, 0, 9, 20, 0, 0, 0, 0x0f, 0}, 10);
    assert_int_equal(acpi_isa_route(0).global_interrupt, 2);
    assert_int_equal(acpi_isa_route(4).global_interrupt, 4);
    assert_false(acpi_isa_route(4).level);
    struct acpi_isa_route route = acpi_isa_route(9);
    assert_int_equal(route.global_interrupt, 20);
    assert_true(route.active_low && route.level);
}

static void add_io_apic(uint8_t third, uint8_t base)
{
    add((const uint8_t[]){1, 12, 0, 0, 0, third, 0xc0, 0xfe, base, 0, 0, 0}, 12);
}

static void test_several_io_apics(void **state)
{
    (void)state;
    assert_int_equal(acpi_io_apic(4).address, 0);
    add_io_apic(0x20, 24);
    assert_int_equal(acpi_io_apic(4).address, 0);
    add_io_apic(0x10, 0);
    add_io_apic(0x30, 48);
    assert_int_equal(acpi_io_apic(4).address, 0xfec01000);
    assert_int_equal(acpi_io_apic(23).base, 0);
    assert_int_equal(acpi_io_apic(24).address, 0xfec02000);
    assert_int_equal(acpi_io_apic(47).base, 24);
    assert_int_equal(acpi_io_apic(300).address, 0xfec03000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_no_processor, empty),
        cmocka_unit_test_setup(test_both_kinds_in_their_order, empty),
        cmocka_unit_test_setup(test_only_those_in_working_order, empty),
        cmocka_unit_test_setup(test_named_twice, empty),
        cmocka_unit_test_setup(test_lengths_that_lie, empty),
        cmocka_unit_test_setup(test_isa_routes, empty),
        cmocka_unit_test_setup(test_several_io_apics, empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
