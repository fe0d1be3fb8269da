/*
 * Starts the other processors (SDM volume 3, 8.4): apic_start() has sent INIT to
 * all, here each gets its start-up message and comes by trampoline.S. All of
 * them come at once while the boot processor does other things. Then each is
 * given a task that shows that it works; the numbers of those that pass have no
 * gap. Who is left out may come to life at any later time: its stack, and the
 * tables and the page that lead to it, are kept for good, and it finds itself
 * disowned and parks.
 */
#include "kernel/x86/cpus_start.h"

#include "boot/handover.h"
#include "kernel/acpi/acpi.h"
#include "kernel/cmdline.h"
#include "kernel/log.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/clock_start.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/interrupts.h"
#include "kernel/x86/percpu.h"
#include "lib/string.h"

#define REAL_MODE_END (1ULL << 20)
#define SECOND_TRY_NS (200 * NS_PER_US) /* SDM volume 3, 8.4.4.1 */
#define PATIENCE_NS   (2 * NS_PER_SEC)
#define NAP_NS        NS_PER_US

/* Of each kind of stack: all are cut from one block. */
static const uint32_t stack_sizes[STACKS] = {
    [STACK_WORK] = 32768, [STACK_FAULT] = 16384, [STACK_NMI] = 16384};
#define STACKS_SIZE 65536

/* What trampoline.S has to be told. The GDT follows. */
struct settings {
    uint16_t gdt_limit;
    uint32_t gdt;
    uint16_t reserved0;
    uint32_t long_mode;
    uint16_t code_selector;
    uint16_t reserved1;
    uint32_t cr0, cr3;
    uint64_t entry;
} __attribute__((packed));

extern const uint8_t trampoline[], trampoline_settings[], trampoline_long_mode[], trampoline_end[];
void processor_entry(void);

/* Where a processor that comes finds what is its own. Read by trampoline.S. */
struct place {
    uint64_t apic_id;
    uint64_t stack;
    struct cpu *cpu;
};
_Static_assert(sizeof(struct place) == 24, "trampoline.S");
extern struct place processor_places[CPUS_MOST];
extern uint32_t processor_count;
struct place processor_places[CPUS_MOST];
uint32_t processor_count;

static uint64_t boot_cr4;
static uint64_t low_page; /* where it starts */
static uint64_t started;  /* when the first message was sent */

/* ---- On the processor that starts ---- */

_Noreturn void processor_main(struct cpu *cpu);

/* Everything in here is this processor's own, so that one which was given up does no harm. */
void processor_main(struct cpu *cpu)
{
    paging_start_other();
    write_cr4(boot_cr4);
    cpu_adopt(cpu);
    interrupts_load();
    apic_start_other();
    clock_start_other();
    enum cpu_state expected = CPU_STARTING;
    if (!__atomic_compare_exchange_n(&cpu->state, &expected, CPU_ONLINE, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        halt_for_ever();
    cpu_wake(0);
    cpu_work(cpu);
}

/* ---- Making them come, on the boot processor ---- */

/* The highest free page of those that a start-up message can name. */
static void find_low_page(uint64_t physical, uint64_t bytes, bool usable)
{
    uint64_t end = MIN(physical + bytes, REAL_MODE_END);
    if (usable && end > physical && end - PAGE_SIZE > low_page)
        low_page = end - PAGE_SIZE;
}

static bool prepare_low_page(const struct handover *handover)
{
    frames_for_each_range(handover, find_low_page);
    uint64_t tables = low_page ? paging_way_in(low_page) : 0;
    if (!tables)
        return false;
    uint8_t *page = frames_pointer(low_page);
    memcpy(page, trampoline, (size_t)(trampoline_end - trampoline));
    struct settings *settings = (void *)(page + (trampoline_settings - trampoline));
    uint32_t at = (uint32_t)(low_page + (uint64_t)(trampoline_settings - trampoline));
    settings->gdt = at + (uint32_t)sizeof *settings;
    settings->long_mode = (uint32_t)(low_page + (uint64_t)(trampoline_long_mode - trampoline));
    settings->cr0 = (uint32_t)read_cr0();
    settings->cr3 = (uint32_t)tables;
    settings->entry = (uint64_t)processor_entry;
    boot_cr4 = read_cr4();
    return true;
}

static bool is_known(uint32_t id)
{
    for (unsigned i = 0; i <= processor_count; i++)
        if (cpus[i]->apic_id == id)
            return true;
    return false;
}

/* Windows have unmapped pages around them. */
static bool add_stacks(struct cpu *cpu)
{
    uint8_t *memory = frames_allocate(frames_order(STACKS_SIZE));
    if (!memory)
        return false;
    for (unsigned i = 0; i < STACKS; i++) {
        void *window = paging_map(frames_physical(memory), stack_sizes[i], MEMORY_CACHED);
        if (!window)
            return false;
        cpu->stacks[i].bottom = (uint64_t)window;
        cpu->stacks[i].top = (uint64_t)window + stack_sizes[i];
        memory += stack_sizes[i];
    }
    return cpu_guard_stacks(cpu);
}

/* What is had when memory ends is not given back: there will be no kernel without it. */
static bool add(uint32_t id)
{
    struct cpu *cpu = kcalloc(1, sizeof *cpu);
    if (!cpu || !add_stacks(cpu))
        return false;
    cpu->apic_id = id;
    processor_places[processor_count++] = (struct place){id, cpu->stacks[STACK_WORK].top, cpu};
    cpu->number = processor_count;
    cpus[processor_count] = cpu;
    return true;
}

static void find_processors(void)
{
    uint64_t most = cmdline_number("cpus", 1, CPUS_MOST, CPUS_MOST);
    uint32_t id;
    for (unsigned i = 0; acpi_processor(i, &id); i++) {
        if (is_known(id))
            continue;
        if (processor_count + 1 == most) {
            log_line(LOG_NOTE, "cpus: more than %u: the others are left out", (unsigned)most);
            return;
        }
        if (id > APIC_ID_MOST)
            log_line(LOG_WARNING, "cpus: no device can reach APIC ID %u: left out", id);
        else if (!add(id)) {
            log_line(LOG_WARNING, "cpus: no memory for more than %u", processor_count + 1);
            return;
        }
    }
}

static bool is_online(const struct cpu *cpu)
{
    return __atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE) == CPU_ONLINE;
}

static void send_startup(void)
{
    for (unsigned i = 1; i <= processor_count; i++)
        if (!is_online(cpus[i]))
            apic_send(cpus[i]->apic_id, APIC_STARTUP | (uint32_t)(low_page / PAGE_SIZE));
}

void cpus_start(const struct handover *handover)
{
    find_processors();
    if (processor_count && !prepare_low_page(handover)) {
        log_line(LOG_WARNING, "cpus: no memory below 1 MiB to start the others in");
        processor_count = 0;
    }
    started = clock_ns();
    send_startup();
}

/* ---- Who has come, and works? ---- */

static bool all_have_come(void *unused)
{
    (void)unused;
    for (unsigned i = 1; i <= processor_count; i++)
        if (!is_online(cpus[i]))
            return false;
    return true;
}

static const char *has_not_come(struct cpu *cpu)
{
    enum cpu_state expected = CPU_STARTING;
    return __atomic_compare_exchange_n(&cpu->state, &expected, CPU_DISOWNED, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
               ? "does not start"
               : NULL;
}

/* A first task, which wants to be woken, to know who it is, and the clock and its alarm. */
static struct trial {
    struct cpu_task task;
    uint64_t asked, began, ended;
    unsigned number;
} trials[CPUS_MOST];

static void try_out(void *argument)
{
    struct trial *trial = argument;
    trial->number = cpu_current();
    trial->began = clock_ns();
    clock_sleep(NAP_NS);
    trial->ended = clock_ns();
}

static bool all_have_answered(void *unused)
{
    (void)unused;
    for (unsigned i = 1; i < cpus_online; i++)
        if (!cpu_task_done(&trials[i].task))
            return false;
    return true;
}

/* Cause and effect on two processors: neither may be seen before the other. */
static const char *has_failed(struct cpu *cpu)
{
    const struct trial *trial = &trials[cpu->number];
    if (!cpu_task_done(&trial->task))
        return "does not answer";
    if (trial->number != cpu->number)
        return "takes itself for another";
    if (trial->began < trial->asked || trial->ended < trial->began + NAP_NS ||
        trial->ended > clock_ns())
        return "has another time";
    return NULL;
}

/* Leaves out whom there is something to say against, and closes the gaps. INIT makes it wait for a
 * start-up message that does not come. */
static void sift(const char *(*against)(struct cpu *cpu))
{
    unsigned kept = 1;
    for (unsigned i = 1; i < cpus_online; i++) {
        struct cpu *cpu = cpus[i];
        const char *reason = against(cpu);
        if (!reason) {
            cpu->number = kept;
            cpus[kept++] = cpu;
            continue;
        }
        apic_send(cpu->apic_id, APIC_INIT);
        log_line(LOG_WARNING, "cpus: the processor with APIC ID %u %s: left out", cpu->apic_id,
                 reason);
    }
    cpus_online = kept;
}

void cpus_collect(void)
{
    if (!processor_count)
        return;
    if (!clock_wait(all_have_come, NULL, started + SECOND_TRY_NS)) {
        send_startup();
        clock_wait(all_have_come, NULL, started + PATIENCE_NS);
    }
    cpus_online = processor_count + 1;
    sift(has_not_come);
    for (unsigned i = 1; i < cpus_online; i++) {
        trials[i].task = (struct cpu_task){.run = try_out, .argument = &trials[i]};
        trials[i].asked = clock_ns();
        cpu_run(i, &trials[i].task);
    }
    clock_wait(all_have_answered, NULL, clock_ns() + PATIENCE_NS);
    sift(has_failed);
    log_line(LOG_NOTE, "cpus: %u of %u, up and tried %llu us after their start-up message",
             cpus_online, processor_count + 1,
             (unsigned long long)((clock_ns() - started) / NS_PER_US));
}
