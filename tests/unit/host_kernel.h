/*
 * A host in place of the rooms that need the machine: heap, clock, console and
 * log, with handles for tests to pull.
 */
#ifndef TESTS_UNIT_HOST_KERNEL_H
#define TESTS_UNIT_HOST_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The allocation after the next `count` successful ones, and all later ones, fail; -1: none. */
extern long host_allocations_left;
extern long host_allocations_live;

/* What console_get() delivers; a byte 3 in it acts as Ctrl-C. At its end console_get() times out.
 */
void host_console_feed(const char *bytes, size_t length);

/* What was written to the console since the last call of host_console_clear(), NUL terminated. */
const char *host_console_text(void);
void host_console_clear(void);

/* Where console output goes as well: standard output, or nowhere (the start). */
extern bool host_console_echo;

/* How often console_interrupted() says no before Ctrl-C comes by itself; -1: it does not. */
extern long host_interrupt_after;

/* Added to the real monotonic clock. */
extern uint64_t host_clock_offset;

/* The time of day, since 1970, at which clock_ns() was 0; nanoseconds. */
extern uint64_t host_start;

/* What acpi_find() finds, whatever it looks for. */
extern uint8_t host_acpi_table[1024];

/* How many processors there are. */
extern unsigned host_cpus;

/* The last line that was logged. */
extern char host_log_last[256];
extern unsigned host_log_count;

/* Carries out a read or write, on a disk whose addressed bytes are in memory at `at`. */
struct block_device;
struct block_request;
void host_block_copy(const struct block_request *request, uint8_t *at);

/* A driver's submit(): gives take() one request after the other, for as long as it takes them. */
int host_submit_each(struct block_device *device, struct block_request **list,
                     int (*take)(struct block_device *device, struct block_request *request));

#endif
