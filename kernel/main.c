/*
 * The boot order, top to bottom. Everything is started here, by name, and each
 * line needs what stands above it.
 */
#include "boot/handover.h"
#include "drivers/pci/pci.h"
#include "drivers/serial/serial.h"
#include "kernel/acpi/acpi.h"
#include "kernel/canary.h"
#include "kernel/cmdline.h"
#include "kernel/console.h"
#include "kernel/console_start.h"
#include "kernel/entropy.h"
#include "kernel/fs/fs.h"
#include "kernel/log.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "kernel/nvme/nvme.h"
#include "kernel/panic.h"
#include "kernel/power.h"
#include "kernel/shell/shell.h"
#include "kernel/terminal/terminal.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/clock_start.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/cpus_start.h"
#include "kernel/x86/interrupts.h"

_Noreturn void kernel_main(uint64_t handover_physical);

/* When each part of the boot was done, as TSC: the clock is not there from the start. */
enum boot_part {
    PART_MEMORY,
    PART_CLOCK,
    PART_FILES,
    PART_CPUS,
    PART_PCI,
    PART_NVME,
    PARTS
};

static uint64_t finished[PARTS];

static void done(enum boot_part part)
{
    finished[part] = read_tsc();
}

static void report_times(void)
{
    uint64_t us[PARTS], before = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        uint64_t at = clock_from_tsc(finished[i]) / NS_PER_US;
        us[i] = at - before;
        before = at;
    }
    log_line(LOG_NOTE,
             "boot: %llu us since boot services: memory %llu, clock %llu, files %llu, cpus %llu, "
             "pci %llu, nvme %llu",
             (unsigned long long)before, (unsigned long long)us[PART_MEMORY],
             (unsigned long long)us[PART_CLOCK], (unsigned long long)us[PART_FILES],
             (unsigned long long)us[PART_CPUS], (unsigned long long)us[PART_PCI],
             (unsigned long long)us[PART_NVME]);
}

static void start_machine(const struct handover *handover)
{
    interrupts_start();
    symbols_start(handover);
    frames_start(handover);
    paging_start(handover);
    cpus_guard_boot();
    heap_start();
    done(PART_MEMORY);

    acpi_start(handover->rsdp);
    apic_start();
    cpus_vectors();
    clock_start(handover->exit_tsc);
    interrupts_on();
    cpus_start(handover);
    console_start();
    entropy_start(handover);
    done(PART_CLOCK);
}

static void start_devices(const struct handover *handover)
{
    int error = fs_start();
    if (!error && handover->initrd_size)
        error = fs_unpack(frames_pointer(handover->initrd), handover->initrd_size);
    if (error)
        log_line(LOG_ERROR, "files: the initial files are damaged: %s", status_text(error));
    done(PART_FILES);
    /* Before any device moves: QEMU up to 8.1 sends accesses of other processors astray meanwhile.
     */
    cpus_collect();
    done(PART_CPUS);
    pci_start();
    done(PART_PCI);
    nvme_devices_start();
    pci_slots_start(nvme_function_added, nvme_function_removed);
    done(PART_NVME);
}

static void say(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    console_write(text, length);
}

/* What "run=" says, then the prompt, again and again: there is nothing to go back to. */
static _Noreturn void run_shell(void)
{
    struct file *console;
    int error = file_open("/dev/console", O_READ | O_WRITE, &console);
    if (error)
        panic("/dev/console: %s", status_text(error));
    struct shell *shell = shell_new(console, console, console);
    if (!shell)
        panic("no memory for the shell");

    const char *text;
    long length = cmdline_value("run", &text);
    if (length > 0)
        shell_run_text(shell, "run", text, (size_t)length);
    if (cmdline_has("poweroff"))
        power_off();
    for (;;) {
        terminal_run(shell);
        say("There is nothing behind this shell; `poweroff` ends the machine.\n");
    }
}

void kernel_main(uint64_t handover_physical)
{
    const struct handover *handover = frames_pointer(handover_physical);
    cpus_boot();
    serial_start(SERIAL_COM1);
    if (handover->magic != HANDOVER_MAGIC)
        panic("the loader is not ours");
    canary_start(handover);
    cmdline_start(frames_pointer(handover->command_line));
    if (cmdline_has("verbose"))
        log_set_console_level(LOG_NOTE);
    say("\n");

    start_machine(handover);
    cmdline_complain();
    start_devices(handover);
    log_set_console_level(LOG_NOTE);
    report_times();
    log_set_console_level(LOG_WARNING);
    say("`help` lists the commands.\n");
    run_shell();
}
