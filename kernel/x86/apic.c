/* See apic.h. Register offsets are those of the xAPIC: SDM volume 3, table 10-1. */
#include "kernel/x86/apic.h"

#include "kernel/acpi/acpi.h"
#include "kernel/log.h"
#include "kernel/mem/paging.h"
#include "kernel/panic.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/cpus.h"
#include "lib/bits.h"

#define APIC_ID            0x020
#define APIC_TASK_PRIORITY 0x080
#define APIC_EOI           0x0b0
#define APIC_SPURIOUS      0x0f0
#define APIC_COMMAND       0x300
#define APIC_COMMAND_HIGH  0x310
#define APIC_LVT_TIMER     0x320
#define APIC_LVT_LINT0     0x350
#define APIC_LVT_LINT1     0x360
#define APIC_LVT_ERROR     0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE  0x3e0
#define APIC_REGISTERS     0x400

#define SPURIOUS_ENABLE   BIT(8)
#define LVT_MASKED        BIT(16)
#define LVT_NMI           0x400u
#define DIVIDE_BY_16      0x3u
#define COMMAND_ASSERT    BIT(14)
#define COMMAND_PENDING   BIT(12)
#define COMMAND_ALL_OTHER 0xc0000u

#define BASE_X2APIC  BIT(10)
#define BASE_ENABLE  BIT(11)
#define CPUID_X2APIC BIT(21) /* leaf 1, ECX */

#define MESSAGE_BASE 0xfee00000ULL

static volatile uint8_t *registers; /* NULL: x2APIC */

static uint32_t read(unsigned offset)
{
    if (registers)
        return *(volatile uint32_t *)(registers + offset);
    return (uint32_t)read_msr(MSR_X2APIC + offset / 16);
}

static void write(unsigned offset, uint32_t value)
{
    if (registers)
        *(volatile uint32_t *)(registers + offset) = value;
    else
        write_msr(MSR_X2APIC + offset / 16, value);
}

/*
 * x2APIC: one MSR, and a write to it waits for no earlier store, so that has to be said (SDM volume
 * 3, 10.12.3). xAPIC: two registers, and the second one sends.
 */
static void command(uint32_t id, uint32_t value)
{
    if (!registers) {
        __asm__ volatile("mfence\n\tlfence" : : : "memory");
        write_msr(MSR_X2APIC + APIC_COMMAND / 16, (uint64_t)id << 32 | value);
        return;
    }
    uint64_t flags = read_flags();
    interrupts_off();
    write(APIC_COMMAND_HIGH, id << 24);
    write(APIC_COMMAND, value);
    for (unsigned tries = 0; tries < 100000 && read(APIC_COMMAND) & COMMAND_PENDING; tries++)
        cpu_pause();
    if (flags & RFLAGS_IF)
        interrupts_on();
}

void apic_send(uint32_t id, uint32_t what)
{
    command(id, COMMAND_ASSERT | what);
}

/*
 * The firmware may leave the other processors in a loop of its own. INIT makes
 * them wait for a start-up message, asleep: one that polls costs a core of the
 * host of a virtual machine, and its loop lies in memory that nobody guards.
 */
static void park_others(void)
{
    command(0, COMMAND_ALL_OTHER | COMMAND_ASSERT | APIC_INIT);
}

/* Two 8259s at 20h and A0h: moved away from the exceptions' vectors, and masked. */
static void silence_8259(void)
{
    static const struct {
        uint16_t port;
        uint8_t value;
    } steps[] = {{0x20, 0x11}, {0x21, 0xf0}, {0x21, 0x04}, {0x21, 0x01}, {0x21, 0xff},
                 {0xa0, 0x11}, {0xa1, 0xf8}, {0xa1, 0x02}, {0xa1, 0x01}, {0xa1, 0xff}};
    for (unsigned i = 0; i < ARRAY_SIZE(steps); i++)
        out8(steps[i].port, steps[i].value);
}

/* Switches it on; where its registers are. */
static uint64_t enable(void)
{
    uint64_t base = read_msr(MSR_APIC_BASE) | BASE_ENABLE;
    write_msr(MSR_APIC_BASE, base);
    if (cpuid(1, 0).ecx & CPUID_X2APIC)
        write_msr(MSR_APIC_BASE, base | BASE_X2APIC);
    return ROUND_DOWN(base & 0x000fffffffffffffULL, 4096);
}

/* The 8259s and the platform's NMI are the boot processor's alone. */
static void set_up(uint32_t lint1)
{
    write(APIC_LVT_TIMER, LVT_MASKED);
    write(APIC_LVT_LINT0, LVT_MASKED);
    write(APIC_LVT_LINT1, lint1);
    write(APIC_LVT_ERROR, LVT_MASKED);
    write(APIC_TASK_PRIORITY, 0);
    write(APIC_SPURIOUS, SPURIOUS_ENABLE | APIC_SPURIOUS_VECTOR);
}

void apic_start_other(void)
{
    enable();
    set_up(LVT_MASKED);
}

void apic_start(void)
{
    uint64_t base = enable();
    if (!(cpuid(1, 0).ecx & CPUID_X2APIC)) {
        registers = paging_map(base, APIC_REGISTERS, MEMORY_DEVICE);
        if (!registers)
            panic("the local APIC cannot be mapped");
    }
    park_others();
    silence_8259();
    set_up(LVT_NMI);
    log_line(LOG_NOTE, "apic: %s, id %u", registers ? "xAPIC" : "x2APIC", apic_id());
}

void apic_end_of_interrupt(void)
{
    write(APIC_EOI, 0);
}

uint32_t apic_id(void)
{
    return registers ? read(APIC_ID) >> 24 : read(APIC_ID);
}

uint64_t apic_message_address(unsigned cpu)
{
    return MESSAGE_BASE | (uint64_t)cpu_apic_id(cpu) << 12;
}

uint32_t apic_message_data(unsigned vector)
{
    return vector; /* fixed delivery, edge */
}

/* ---- I/O APIC (82093AA): an index and a data register -------------------------------------- */

#define IO_APIC_DATA        0x10
#define IO_APIC_SIZE        0x20
#define IO_APIC_VERSION     1
#define IO_APIC_REDIRECTION 0x10
#define REDIRECT_ACTIVE_LOW BIT(13)
#define REDIRECT_LEVEL      BIT(15)

bool apic_route_isa(uint8_t irq, unsigned vector)
{
    struct acpi_isa_route route = acpi_isa_route(irq);
    struct acpi_io_apic found = acpi_io_apic(route.global_interrupt);
    volatile uint32_t *index =
        found.address ? paging_map(found.address, IO_APIC_SIZE, MEMORY_DEVICE) : NULL;
    if (!index)
        return false;
    volatile uint32_t *data = index + IO_APIC_DATA / sizeof *index;
    *index = IO_APIC_VERSION;
    uint32_t last = *data >> 16 & 0xff;
    uint32_t pin = route.global_interrupt - found.base;
    if (pin > last)
        return false;
    *index = IO_APIC_REDIRECTION + 2 * pin + 1;
    *data = apic_id() << 24;
    *index = IO_APIC_REDIRECTION + 2 * pin;
    *data = (uint32_t)(vector | (route.active_low ? REDIRECT_ACTIVE_LOW : 0) |
                       (route.level ? REDIRECT_LEVEL : 0));
    return true;
}

/* ---- Timer ---- */

void apic_timer_setup(unsigned vector)
{
    write(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    write(APIC_LVT_TIMER, vector);
    write(APIC_TIMER_INITIAL, 0);
}

void apic_timer_set(uint32_t ticks)
{
    write(APIC_TIMER_INITIAL, ticks);
}

uint32_t apic_timer_left(void)
{
    return read(APIC_TIMER_CURRENT);
}
