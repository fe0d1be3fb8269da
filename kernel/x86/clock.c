/*
 * Time from the processor's time stamp counter, alarms from the local APIC's
 * timer; both are measured at start against a clock of known frequency, the
 * HPET or the ACPI power management timer.
 */
#include "kernel/x86/clock.h"

#include "kernel/acpi/acpi.h"
#include "kernel/log.h"
#include "kernel/mem/paging.h"
#include "kernel/panic.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock_start.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/cpus.h"
#include "kernel/x86/interrupts.h"
#include "lib/bits.h"

#define MEASURE_NS    (10 * NS_PER_MS)
#define GIVE_UP_TICKS 5000000000ULL /* of the TSC: a second at 5 GHz */
#define SAMPLES       8
#define PM_TIMER_HZ   3579545ULL
#define FS_PER_NS     1000000ULL

/* IA-PC HPET Specification 1.0a, 2.3 */
#define HPET_CAPABILITIES  0x000 /* bits 63:32: femtoseconds per tick */
#define HPET_CONFIGURATION 0x010
#define HPET_COUNTER       0x0f0
#define HPET_SIZE          0x400
#define HPET_ENABLE        BIT(0)
#define HPET_SLOWEST_FS    100000000ULL

struct clock_rate clock_rate;
static uint64_t ticks_per_ns; /* of the APIC timer, fixed point */

/* ---- The reference clock ---- */

static struct {
    volatile uint64_t *hpet;
    uint16_t pm_port;
    uint64_t mask; /* of the counter */
    uint64_t fs;   /* femtoseconds per tick */
    const char *name;
} reference;

static uint64_t reference_read(void)
{
    return reference.hpet ? *reference.hpet & reference.mask
                          : in32(reference.pm_port) & reference.mask;
}

static bool use_hpet(void)
{
    uint64_t physical = acpi_hpet();
    if (!physical || !paging_may_be_device(physical, HPET_SIZE))
        return false;
    volatile uint8_t *registers = paging_map(physical, HPET_SIZE, MEMORY_DEVICE);
    if (!registers)
        return false;
    uint64_t fs = *(volatile uint64_t *)(registers + HPET_CAPABILITIES) >> 32;
    if (fs == 0 || fs > HPET_SLOWEST_FS)
        return false;
    *(volatile uint64_t *)(registers + HPET_CONFIGURATION) |= HPET_ENABLE;
    reference.hpet = (volatile uint64_t *)(registers + HPET_COUNTER);
    reference.mask = 0xffffffff; /* a counter of 32 bits is allowed, and enough */
    reference.fs = fs;
    reference.name = "HPET";
    return true;
}

static bool use_pm_timer(void)
{
    bool is_32_bits;
    reference.hpet = NULL;
    reference.pm_port = acpi_pm_timer(&is_32_bits);
    if (!reference.pm_port)
        return false;
    reference.mask = is_32_bits ? 0xffffffff : 0xffffff;
    reference.fs = FS_PER_NS * NS_PER_SEC / PM_TIMER_HZ;
    reference.name = "PM timer";
    return true;
}

/* All three clocks at one moment. */
struct sample {
    uint64_t tsc, reference;
    uint32_t apic;
};

/* Of several tries the one that took the least time: nothing came between its readings. */
static struct sample sample(void)
{
    struct sample best = {0};
    uint64_t shortest = UINT64_MAX;
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t before = read_tsc();
        uint64_t value = reference_read();
        uint64_t after = read_tsc();
        uint32_t apic = apic_timer_left();
        uint64_t end = read_tsc();
        if (end - before >= shortest)
            continue;
        shortest = end - before;
        best = (struct sample){before + (after - before) / 2, value, apic};
    }
    return best;
}

/* When each processor's alarm comes; 0 when none is set. */
static struct {
    volatile uint64_t armed;
} __attribute__((aligned(64))) alarms[CPUS_MOST];

static unsigned alarm_vector;

static void alarm(void *unused)
{
    (void)unused;
    alarms[cpu_current()].armed = 0;
}

void clock_start_other(void)
{
    apic_timer_setup(alarm_vector);
}

/* Samples around MEASURE_NS of the reference; false if it is no clock. */
static bool measure(struct sample *first, struct sample *last)
{
    uint64_t wanted = MEASURE_NS * FS_PER_NS / reference.fs, elapsed;
    apic_timer_set(UINT32_MAX);
    *first = sample();
    /* It may stand still; no TSC is so fast that this ends too soon. */
    uint64_t give_up = read_tsc() + GIVE_UP_TICKS;
    bool late;
    do {
        cpu_pause();
        late = read_tsc() > give_up;
        elapsed = (reference_read() - first->reference) & reference.mask;
    } while (elapsed < wanted && !late);
    *last = sample();
    apic_timer_set(0);
    if (elapsed < wanted)
        log_line(LOG_WARNING, "clock: the %s stands still, or is too fast", reference.name);
    return elapsed >= wanted;
}

void clock_start(uint64_t tsc)
{
    struct sample first, last;
    clock_rate.start_tsc = tsc;
    int vector = interrupt_allocate(alarm, NULL);
    if (vector < 0)
        panic("no interrupt vector for the clock");
    alarm_vector = (unsigned)vector;
    apic_timer_setup(alarm_vector);
    if (!(use_hpet() && measure(&first, &last)) && !(use_pm_timer() && measure(&first, &last)))
        panic("no clock: neither HPET nor PM timer");

    uint64_t ns = ((last.reference - first.reference) & reference.mask) * reference.fs / FS_PER_NS;
    uint64_t tsc_ticks = last.tsc - first.tsc, apic_ticks = first.apic - last.apic;
    if (!tsc_ticks || !apic_ticks)
        panic("the time stamp counter or the APIC timer stands still");
    clock_rate.ns_per_tsc = (ns << CLOCK_FRACTION_BITS) / tsc_ticks;
    ticks_per_ns = (apic_ticks << CLOCK_FRACTION_BITS) / ns;
    log_line(LOG_NOTE, "clock: TSC %llu kHz, APIC timer %llu kHz, by the %s",
             (unsigned long long)(tsc_ticks * 1000000 / ns),
             (unsigned long long)(apic_ticks * 1000000 / ns), reference.name);
}

/* ---- Waiting ---- */

static __attribute__((noinline)) void arm(uint64_t now, uint64_t deadline)
{
    unsigned __int128 ticks =
        (unsigned __int128)(deadline - now) * ticks_per_ns >> CLOCK_FRACTION_BITS;
    uint32_t count = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks + 1;
    apic_timer_set(count);
    alarms[cpu_current()].armed = deadline;
}

/*
 * Is an alarm armed that comes early enough? Waking too early costs a look at the clock, arming
 * costs a slow register, and most waits end long before their deadline.
 */
static bool is_armed(uint64_t now, uint64_t deadline)
{
    uint64_t armed = alarms[cpu_current()].armed;
    return armed > now && armed <= deadline;
}

bool clock_wait(bool (*ready)(void *context), void *context, uint64_t deadline)
{
    for (;;) {
        interrupts_off();
        if (ready(context)) {
            interrupts_on();
            return true;
        }
        uint64_t now = clock_ns();
        if (now >= deadline) {
            interrupts_on();
            return false;
        }
        if (!is_armed(now, deadline) && deadline != CLOCK_NEVER)
            arm(now, deadline);
        interrupts_on_and_halt();
    }
}

static bool never(void *unused)
{
    (void)unused;
    return false;
}

void clock_sleep(uint64_t nanoseconds)
{
    clock_wait(never, NULL, clock_ns() + nanoseconds);
}
