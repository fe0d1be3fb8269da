/* PCI functions that lie: about their BARs, their capabilities and their MSI-X table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/pci/config.h"
#include "kernel/mem/paging.h"
#include "lib/bits.h"
#include "lib/status.h"
#include "tests/unit/host_kernel.h"

#define RAM_END  (4ULL << 30)
#define LAST     (1ULL << 40)
#define REGISTER 0xfe000000u
#define NOWHERE  0xffffffffu
#define MSIX     0x40u
#define BUSES    4
#define ENABLED  (PCI_COMMAND_MEMORY | PCI_COMMAND_BUS_MASTER)

/* Each bus has one function, or none: that has no vendor. The first is the one that lies. */
static uint8_t spaces[BUSES][PCI_SPACE];
static uint8_t *const space = spaces[0];
static uint32_t writable[6]; /* bits of BARs */
static bool gone;            /* or has never been there */

/* What was mapped last, and how often. */
static uint64_t mapped_at, mapped_bytes;
static unsigned mappings;
static uint8_t *memory;

/* ---- Below drivers/pci ---- */

static uint32_t word_of(unsigned bus, unsigned offset)
{
    uint32_t value;
    assert_true(offset % 4 == 0 && offset < PCI_SPACE);
    memcpy(&value, spaces[bus] + offset, 4);
    return value;
}

static uint32_t word(unsigned offset)
{
    return word_of(0, offset);
}

uint32_t pci_read32(const struct pci_function *f, unsigned offset)
{
    bool nobody = gone || f->bus >= BUSES || f->device || f->function || !word_of(f->bus, 0);
    return nobody ? NOWHERE : word_of(f->bus, offset);
}

uint16_t pci_read16(const struct pci_function *f, unsigned offset)
{
    return (uint16_t)(pci_read32(f, offset & ~3u) >> 8 * (offset & 2));
}

uint8_t pci_read8(const struct pci_function *f, unsigned offset)
{
    return (uint8_t)(pci_read32(f, offset & ~3u) >> 8 * (offset & 3));
}

void pci_write32(const struct pci_function *f, unsigned offset, uint32_t value)
{
    assert_in_range(offset, PCI_BAR0, PCI_BAR0 + 20);
    uint32_t mask = f->bus ? 0 : writable[(offset - PCI_BAR0) / 4];
    value = (value & mask) | (word_of(f->bus, offset) & ~mask);
    memcpy(spaces[f->bus] + offset, &value, 4);
}

void pci_write16(const struct pci_function *f, unsigned offset, uint16_t value)
{
    assert_true(offset % 2 == 0 && offset < PCI_SPACE);
    memcpy(spaces[f->bus] + offset, &value, 2);
}

void config_buses(void (*scan)(uint16_t segment, uint8_t first_bus, uint8_t last_bus))
{
    scan(0, 0, 255);
}

bool paging_may_be_device(uint64_t physical, uint64_t bytes)
{
    return bytes <= LAST && physical <= LAST - bytes && (physical >= RAM_END - (64 << 20));
}

void *paging_map(uint64_t physical, size_t bytes, enum memory_type type)
{
    assert_int_equal(type, MEMORY_DEVICE);
    mapped_at = physical;
    mapped_bytes = bytes;
    mappings++;
    return memory = calloc(1, MIN(bytes, (size_t)65536));
}

void paging_unmap(void *window, size_t bytes)
{
    assert_ptr_equal(window, memory);
    assert_int_equal(bytes, mapped_bytes);
}

/* ---- The function ---- */

static void set32(unsigned offset, uint32_t value)
{
    memcpy(space + offset, &value, 4);
}

/* A controller whose BAR0 has `bits` to write and holds `address`; it is the only one there is. */
static const struct pci_function *find(uint64_t address, uint64_t bits)
{
    set32(PCI_VENDOR, 0x00101b36);
    set32(PCI_BAR0, (uint32_t)address | 4);
    set32(PCI_BAR0 + 4, (uint32_t)(address >> 32));
    writable[0] = (uint32_t)bits & ~15u;
    writable[1] = (uint32_t)(bits >> 32);
    pci_start();
    assert_false(list_is_empty(&pci_functions));
    const struct pci_function *f = CONTAINER_OF(pci_functions.next, struct pci_function, node);
    assert_ptr_equal(f->node.next, &pci_functions);
    return f;
}

static const struct pci_function *find_sound(void)
{
    return find(REGISTER, -0x4000ULL);
}

static int empty(void **state)
{
    (void)state;
    memset(spaces, 0, sizeof spaces);
    memset(writable, 0, sizeof writable);
    gone = false;
    mappings = 0;
    memory = NULL;
    return 0;
}

static int forget(void **state)
{
    (void)state;
    for (uint8_t bus = 0; bus < BUSES; bus++)
        pci_bus_forget(0, bus);
    free(memory);
    assert_true(list_is_empty(&pci_functions));
    return 0;
}

/* ---- BARs ---- */

static void map_fails(uint64_t address, uint64_t bits, const char *says)
{
    uint64_t size;
    const struct pci_function *f = find(address, bits);
    assert_null(pci_bar_map(f, 0, 0x1000, &size));
    assert_int_equal(mappings, 0);
    if (!strstr(host_log_last, says))
        fail_msg("\"%s\" instead of \"%s\"", host_log_last, says);
    pci_bus_forget(0, 0);
}

static void test_sound_bar(void **state)
{
    (void)state;
    uint64_t size;
    const struct pci_function *f = find_sound();
    assert_int_equal(f->bars[0].size, 0x4000);
    assert_true(f->bars[0].is_64_bits);
    assert_int_equal(f->bars[1].size, 0);
    assert_non_null(pci_bar_map(f, 0, 0x1000, &size));
    assert_int_equal(mapped_at, REGISTER);
    assert_int_equal(size, 0x4000);
    assert_int_equal(word(PCI_BAR0), REGISTER | 4);
}

static void test_bar_sizes(void **state)
{
    (void)state;
    map_fails(REGISTER, 0, "is no memory");
    map_fails(REGISTER, -0x4000ULL & ~0x100000ULL, "is no memory"); /* no power of two */
    map_fails(REGISTER, -0x800ULL, "is too small");
    map_fails(0, -0x4000ULL, "was given no address");
}

static void test_bar_addresses(void **state)
{
    (void)state;
    map_fails(0x100000, -0x4000ULL, "is where no device can be");      /* RAM */
    map_fails(1ULL << 52, -0x4000ULL, "is where no device can be");    /* no page table has it */
    map_fails(-0x4000ULL, -0x4000ULL, "is where no device can be");    /* the very end */
    map_fails(LAST - 0x4000, -0x8000ULL, "is where no device can be"); /* not aligned */
    map_fails(1ULL << 63, 1ULL << 63, "is where no device can be");    /* beyond all */
    map_fails(REGISTER, -(1ULL << 40), "is where no device can be");
}

/* It is not worth the page tables. */
static void test_huge_bar(void **state)
{
    (void)state;
    uint64_t size;
    const struct pci_function *f = find(1ULL << 39, -(1ULL << 39));
    assert_int_equal(f->bars[0].size, 1ULL << 39);
    assert_non_null(pci_bar_map(f, 0, 0x1000, &size));
    assert_int_equal(size, 1 << 30);
    assert_int_equal(mapped_bytes, 1 << 30);
}

/* All-ones is what there is to read. */
static void test_gone(void **state)
{
    (void)state;
    const struct pci_function *f = find_sound();
    gone = true;
    assert_int_equal(pci_capability(f, PCI_CAPABILITY_MSIX, 0), 0);
    assert_false(pci_restore(f));
}

/* A bridge leads anywhere it likes, also to itself. */
static void test_bridges_lead_nowhere(void **state)
{
    (void)state;
    space[PCI_HEADER_TYPE] = 1;
    space[PCI_SECONDARY] = 0;
    pci_enable(find_sound());
    assert_int_equal(space[PCI_COMMAND], ENABLED);
}

static const struct pci_function *function_of(unsigned bus)
{
    LIST_FOR_EACH(node, &pci_functions)
    {
        const struct pci_function *f = CONTAINER_OF(node, struct pci_function, node);
        if (f->bus == bus)
            return f;
    }
    return NULL;
}

/* A function without bridges' leave reaches nothing; those that lead elsewhere keep what they have.
 */
static void test_bridges_above(void **state)
{
    static const struct {
        uint8_t type, secondary, subordinate, command;
    } bridges[] = {{1, 1, 3, ENABLED}, {1, 3, 3, ENABLED}, {1, 1, 2, 0}};
    (void)state;
    for (unsigned bus = 0; bus < BUSES; bus++)
        memcpy(spaces[bus], &(uint32_t){0x00101b36}, 4);
    for (unsigned bus = 0; bus < ARRAY_SIZE(bridges); bus++) {
        spaces[bus][PCI_HEADER_TYPE] = bridges[bus].type;
        spaces[bus][PCI_SECONDARY] = bridges[bus].secondary;
        spaces[bus][PCI_SUBORDINATE] = bridges[bus].subordinate;
    }
    spaces[3][PCI_STATUS] = 0x10;
    spaces[3][PCI_CAPABILITIES] = 0x50;
    spaces[3][0x50] = PCI_CAPABILITY_MSI;
    spaces[3][0x52] = 0x81; /* with 64 bits, and enabled */
    pci_start();
    pci_enable(function_of(3));
    assert_int_equal(spaces[3][0x52], 0x80);
    assert_int_equal(spaces[3][PCI_COMMAND + 1], PCI_COMMAND_NO_INTX >> 8);
    for (unsigned bus = 0; bus < ARRAY_SIZE(bridges); bus++)
        assert_int_equal(spaces[bus][PCI_COMMAND], bridges[bus].command);
    assert_int_equal(spaces[3][PCI_COMMAND], ENABLED);
}

/* ---- Capabilities ---- */

static void capability(unsigned at, uint8_t id, uint8_t next)
{
    space[PCI_STATUS] |= 0x10;
    space[at] = id;
    space[at + 1] = next;
}

static void test_capabilities(void **state)
{
    (void)state;
    const struct pci_function *f = find_sound();
    space[PCI_CAPABILITIES] = 0x43; /* the lowest bits are nobody's */
    capability(0x40, 0x05, 0x60);
    capability(0x60, 0x11, 0);
    assert_int_equal(pci_capability(f, 0x05, 0), 0x40);
    assert_int_equal(pci_capability(f, PCI_CAPABILITY_MSIX, 0), 0x60);
    assert_int_equal(pci_capability(f, 0, 0x40), 0x60);
    assert_int_equal(pci_capability(f, PCI_CAPABILITY_MSIX, 0x60), 0);
    space[PCI_STATUS] = 0;
    assert_int_equal(pci_capability(f, PCI_CAPABILITY_MSIX, 0), 0);
}

static void test_capability_lists_that_lead_astray(void **state)
{
    (void)state;
    const struct pci_function *f = find_sound();
    space[PCI_CAPABILITIES] = 0x40;
    capability(0x40, 0x05, 0x50);
    capability(0x50, 0x01, 0x40); /* a loop */
    assert_int_equal(pci_capability(f, PCI_CAPABILITY_MSIX, 0), 0);
    capability(0x50, 0x01, 0x50); /* a shorter one */
    assert_int_equal(pci_capability(f, PCI_CAPABILITY_MSIX, 0), 0);
    for (unsigned header = 0; header < 0x40; header++) {
        if (header != PCI_CAPABILITIES)
            space[header] = PCI_CAPABILITY_MSIX;
        space[PCI_STATUS] |= 0x10;
    }
    for (uint8_t next = 0; next < 0x40; next++) { /* into the header */
        capability(0x50, 0x01, next);
        assert_int_equal(pci_capability(f, PCI_CAPABILITY_MSIX, 0), 0);
        space[PCI_CAPABILITIES] = next;
        assert_int_equal(pci_capability(f, PCI_CAPABILITY_MSIX, 0), 0);
        space[PCI_CAPABILITIES] = 0x40;
    }
}

/* ---- MSI-X ---- */

static int start_msix(unsigned entries, uint32_t table, struct pci_msix *msix)
{
    space[PCI_CAPABILITIES] = MSIX;
    capability(MSIX, PCI_CAPABILITY_MSIX, 0);
    space[MSIX + 2] = (uint8_t)(entries - 1);
    space[MSIX + 3] = (uint8_t)((entries - 1) >> 8);
    set32(MSIX + 4, table);
    return pci_msix_start(msix, find_sound());
}

static void test_msix(void **state)
{
    (void)state;
    struct pci_msix msix;
    assert_int_equal(start_msix(65, 0x2000, &msix), OK);
    assert_int_equal(mapped_at, REGISTER + 0x2000);
    assert_int_equal(mapped_bytes, 65 * 16);
    assert_int_equal(word(MSIX) >> 16, 0x8000 | 64);
    for (unsigned i = 0; i < 65; i++)
        assert_int_equal(memory[i * 16 + 12], 1);
    pci_msix_stop(&msix);
}

static void test_msix_table_elsewhere(void **state)
{
    static const struct {
        unsigned entries;
        uint32_t table;
    } cases[] = {
        {65, 0x3ff8},    {1, 0x4000},
        {2048, 0},                           /* beyond the BAR */
        {1, 0xfffffff8}, {2048, 0xffff8000}, /* round the end */
        {1, 1},          {1, 2},             /* in the half of a BAR, and in one of size 0 */
        {1, 6},          {1, 7},             /* in none */
    };
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pci_msix msix;
        assert_int_equal(start_msix(cases[i].entries, cases[i].table, &msix), ERR_INVALID);
        assert_int_equal(mappings, 0);
        assert_int_equal(word(MSIX) >> 31, 0); /* it was not switched on */
        pci_bus_forget(0, 0);
    }
}

static void test_msix_capability_at_the_end(void **state)
{
    (void)state;
    struct pci_msix msix;
    const struct pci_function *f = find_sound();
    space[PCI_CAPABILITIES] = 0xf8;
    capability(0xf8, PCI_CAPABILITY_MSIX, 0);
    assert_int_equal(pci_msix_start(&msix, f), ERR_INVALID);
    assert_int_equal(mappings, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sound_bar, empty, forget),
        cmocka_unit_test_setup_teardown(test_bar_sizes, empty, forget),
        cmocka_unit_test_setup_teardown(test_bar_addresses, empty, forget),
        cmocka_unit_test_setup_teardown(test_huge_bar, empty, forget),
        cmocka_unit_test_setup_teardown(test_gone, empty, forget),
        cmocka_unit_test_setup_teardown(test_bridges_lead_nowhere, empty, forget),
        cmocka_unit_test_setup_teardown(test_bridges_above, empty, forget),
        cmocka_unit_test_setup_teardown(test_capabilities, empty, forget),
        cmocka_unit_test_setup_teardown(test_capability_lists_that_lead_astray, empty, forget),
        cmocka_unit_test_setup_teardown(test_msix, empty, forget),
        cmocka_unit_test_setup_teardown(test_msix_table_elsewhere, empty, forget),
        cmocka_unit_test_setup_teardown(test_msix_capability_at_the_end, empty, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
