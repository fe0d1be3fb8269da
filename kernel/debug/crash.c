/*
 * crash: does what must not be done, to see that the kernel notices. Only in a
 * debug build. Each case says which address it is going to use; to come back
 * from one is the failure.
 */
#include "kernel/block/block.h"
#include "kernel/command/command.h"
#include "kernel/console.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/paging.h"
#include "kernel/x86/cpus.h"
#include "lib/printf.h"
#include "lib/string.h"

static const char constant[] = "constant";
static uint8_t data_with_code[16] = {0xc3}; /* ret */

/* The compiler shall not see what is wrong here. */
static volatile uint8_t *hidden(const volatile void *pointer)
{
    __asm__("" : "+r"(pointer));
    return (volatile uint8_t *)pointer;
}

static volatile uint8_t *announce(const volatile void *pointer)
{
    char line[64];
    snprintf(line, sizeof line, "crash: address %016llx\n", (unsigned long long)pointer);
    console_write(line, strlen(line));
    return hidden(pointer);
}

static void execute(const volatile void *code)
{
    ((void (*)(void))announce(code))();
}

static void crash_text(void)
{
    *announce((const void *)execute) = 0xc3;
}

static void crash_constant(void)
{
    *announce(constant) = 'C';
}

/* The image is RAM, and RAM is mapped. */
static void crash_alias(void)
{
    *announce(frames_pointer(paging_physical((const void *)execute))) = 0xc3;
}

static void crash_data(void)
{
    execute(data_with_code);
}

static void crash_ram(void)
{
    uint8_t *code = kmalloc(PAGE_SIZE);
    if (code) {
        *code = 0xc3;
        execute(code);
    }
}

static void crash_null(void)
{
    *announce((void *)8) = 1;
}

static void crash_heap(void)
{
    uint8_t *object = kmalloc(100);
    if (object)
        *announce(object + 112) = 1; /* 100 and what alignment adds */
}

static void crash_slack(void)
{
    uint8_t *object = kmalloc(100);
    if (object) {
        *announce(object + 100) = 1;
        kfree(object);
    }
}

static void crash_freed(void)
{
    uint8_t *object = kmalloc(100);
    volatile uint8_t *address = announce(object);
    kfree(object);
    *address = 1;
}

static void crash_twice(void)
{
    uint8_t *object = kmalloc(100);
    volatile uint8_t *address = announce(object);
    kfree(object);
    kfree((void *)address);
}

/* As a device would: it knows physical addresses. */
static void crash_device(void)
{
    uint8_t *object = kmalloc(100);
    volatile uint8_t *window = paging_map(frames_physical(object), 1, MEMORY_CACHED);
    if (!window)
        return;
    announce(object);
    kfree(object);
    *window = 1;
    for (unsigned i = 0; i < 1000; i++)
        kfree(kmalloc(1));
}

static unsigned recurse(unsigned depth)
{
    volatile uint8_t frame[256];
    frame[0] = (uint8_t)depth;
    return depth == UINT32_MAX ? 0 : recurse(depth + 1) + frame[0];
}

static void crash_stack(void)
{
    *hidden(data_with_code) = (uint8_t)recurse(0);
}

static void overflow(void *unused)
{
    (void)unused;
    crash_stack();
}

static void crash_processor(void)
{
    static struct cpu_task task = {.run = overflow};
    if (cpu_run(1, &task) == OK)
        while (!cpu_task_done(&task))
            ;
}

static __attribute__((noinline)) void write_beyond(size_t length)
{
    char text[16];
    memset((void *)hidden(text), 'A', length);
}

static void crash_canary(void)
{
    write_beyond(40);
}

static void crash_undefined(void)
{
    static const int largest = INT32_MAX;
    volatile int sum = *(volatile const int *)(const volatile void *)hidden(&largest);
    sum = sum + 1;
}

/* Reading from the disk to there. */
static void crash_dma(void)
{
    struct block_device *disk = block_find("nvme0n1");
    if (disk)
        block_read(
            disk,
            (void *)(uintptr_t)announce((const void *)ROUND_DOWN((uint64_t)execute, PAGE_SIZE)),
            4096, 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"text", crash_text},
    {"constant", crash_constant},
    {"alias", crash_alias},
    {"data", crash_data},
    {"ram", crash_ram},
    {"null", crash_null},
    {"heap", crash_heap},
    {"slack", crash_slack},
    {"freed", crash_freed},
    {"twice", crash_twice},
    {"device", crash_device},
    {"stack", crash_stack},
    {"processor", crash_processor},
    {"canary", crash_canary},
    {"undefined", crash_undefined},
    {"dma", crash_dma},
};

static int crash(struct invocation *self)
{
    for (unsigned i = 0; self->argc == 2 && i < ARRAY_SIZE(cases); i++)
        if (strcmp(self->argv[1], cases[i].name) == 0) {
            cases[i].run();
            return complain(self, "%s: nothing has happened", cases[i].name);
        }
    note(self, "crash: one of");
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        note(self, " %s", cases[i].name);
    note(self, "\n");
    return STATUS_USAGE;
}

COMMAND(crash, .summary = "do what must not be done", .operands = "CASE", .run = crash)
