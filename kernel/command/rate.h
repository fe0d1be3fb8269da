/*
 * How much and how fast, in words: number for number as GNU's dd prints it,
 * computed in integers.
 */
#ifndef KERNEL_COMMAND_RATE_H
#define KERNEL_COMMAND_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A size to two or three digits: "4.1 kB" for base 1000, "4.0 KiB" for 1024. */
#define RATE_SIZE_MAX 24
void rate_size(char text[RATE_SIZE_MAX], uint64_t bytes, unsigned base);

/* "4096 bytes (4.1 kB, 4.0 KiB) copied, 0.0012 s, 3.4 MB/s" without a newline, seconds whole if
 * so wished; `done` is the word for what was done. Returns its length. */
#define RATE_LINE_MAX 128
size_t rate_line(char line[RATE_LINE_MAX], uint64_t bytes, const char *done, uint64_t nanoseconds,
                 bool whole_seconds);

#endif
