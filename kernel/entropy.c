/*
 * Seeds the random number generator with all that this machine has: what the
 * firmware's generator gave, RDRAND where the processor has it, and the jitter
 * of the time stamp counter around a slow access.
 */
#include "kernel/entropy.h"

#include "drivers/serial/serial.h"
#include "kernel/fs/fs.h"
#include "kernel/x86/cpu.h"
#include "lib/bits.h"

#define CPUID_RDRAND BIT(30) /* leaf 1, ECX */
#define RDRAND_TRIES 10
#define JITTER_WORDS 64

uint64_t entropy_word(void)
{
    uint64_t value = 0;
    bool good = !(cpuid(1, 0).ecx & CPUID_RDRAND);
    for (unsigned i = 0; !good && i < RDRAND_TRIES; i++)
        __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(good));
    return value ^ read_tsc();
}

void entropy_start(const struct handover *handover)
{
    uint64_t words[JITTER_WORDS];
    random_seed(handover->random_seed, sizeof handover->random_seed);
    for (unsigned i = 0; i < JITTER_WORDS; i++) {
        (void)in8(SERIAL_COM1 + 5); /* line status: a trip out of the processor */
        words[i] = read_tsc();
    }
    random_seed(words, sizeof words);
    for (unsigned i = 0; i < 4; i++)
        words[i] = entropy_word();
    random_seed(words, 4 * sizeof *words);
}
