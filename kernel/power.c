/* See power.h. */
#include "kernel/power.h"

#include "kernel/acpi/acpi.h"
#include "kernel/log.h"
#include "kernel/nvme/nvme.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"

#define RESET_PORT 0xcf9 /* of PC chipsets: 02h selects a hard reset, 06h does it */
#define SETTLE_NS  (500 * NS_PER_MS)

void power_off(void)
{
    nvme_devices_stop();
    acpi_power_off();
    clock_sleep(SETTLE_NS);
    log_line(LOG_ERROR, "This machine cannot switch itself off; it is safe to do so now.");
    halt_for_ever();
}

/* By ACPI, by the chipset, and at last by an exception that cannot be delivered. */
void power_reset(void)
{
    nvme_devices_stop();
    acpi_reset();
    clock_sleep(SETTLE_NS);
    out8(RESET_PORT, 0x02);
    out8(RESET_PORT, 0x06);
    clock_sleep(SETTLE_NS);
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) nothing = {0, 0};
    __asm__ volatile("lidt %0\n\tud2" : : "m"(nothing));
    halt_for_ever();
}
