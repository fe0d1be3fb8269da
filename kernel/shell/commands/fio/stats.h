/*
 * What fio counts. Times are in nanoseconds and go into a histogram whose
 * buckets grow with the value: 64 to each power of two, so that the middle of
 * a bucket is never further than 1/128 from what was measured. Sums are exact;
 * mean and deviation are worked out when they are printed.
 */
#ifndef KERNEL_SHELL_COMMANDS_FIO_STATS_H
#define KERNEL_SHELL_COMMANDS_FIO_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/wide.h"

#define FIO_BUCKET_BITS 6
#define FIO_BUCKETS     ((64 - FIO_BUCKET_BITS + 1) << FIO_BUCKET_BITS)

#define FIO_MILLION 1000000u

struct fio_sum {
    uint64_t count, min, max, sum;
    wide squares;
};

enum fio_direction {
    FIO_READ,
    FIO_WRITE,
    FIO_TRIM,
    FIO_DIRECTIONS
};

/* Only fio_stats_merge() fills in what follows from the rest: there are as many values of clat and
 * lat as I/Os, of slat too unless there are none, and the sum of lat is that of the two others. */
struct fio_direction_stats {
    struct fio_sum slat, clat, lat;
    struct fio_sum bw, iops; /* of the samples: KiB and I/Os a second */
    uint64_t ios, bytes;     /* completed */
    uint64_t runtime;        /* nanoseconds, of the phase in which there were such */
    uint64_t buckets[FIO_BUCKETS];
};

#define FIO_DEPTH_MOST 4096

/* How often there were 0, 1 to 4, ... of something: fio's classes. */
#define FIO_CLASSES 7

struct fio_stats {
    struct fio_direction_stats of[FIO_DIRECTIONS];
    struct fio_sum sync;
    uint64_t depths[FIO_CLASSES];    /* 1 2 4 8 16 32 64 */
    uint64_t submits[FIO_CLASSES];   /* 0 4 8 16 32 64 more */
    uint64_t completes[FIO_CLASSES]; /* the same */
    uint64_t elapsed;                /* nanoseconds; of several jobs the longest */
    uint64_t busy, waited,
        spun; /* nanoseconds of all jobs: in all, of them in polls, and spinning there */
};

/* The bucket of a value. */
static inline uint64_t fio_bucket(uint64_t value)
{
    uint64_t top = 63 ^ (unsigned)__builtin_clzll(value | 1 << FIO_BUCKET_BITS);
    uint64_t first = FIO_BUCKET_BITS << FIO_BUCKET_BITS;
    return (top << FIO_BUCKET_BITS) - first + (value >> (top - FIO_BUCKET_BITS));
}

/* What stands for a bucket: its middle. */
uint64_t fio_bucket_value(unsigned bucket);

/* What several times the same value, `total` in all, add to all but count and sum. */
static inline void fio_sum_spread(struct fio_sum *sum, uint64_t value, uint64_t total)
{
    sum->squares += (wide)total * value;
    if (value < sum->min)
        sum->min = value;
    if (value > sum->max)
        sum->max = value;
}

/* `count` times the same value. */
static inline void fio_sum_add(struct fio_sum *sum, uint64_t value, uint64_t count)
{
    sum->count += count;
    sum->sum += value * count;
    fio_sum_spread(sum, value, value * count);
}

/* So many I/Os that took this long to submit, and from then on. */
static inline void fio_times_add(struct fio_direction_stats *stats, uint64_t slat, uint64_t clat,
                                 uint64_t count)
{
    stats->ios += count;
    stats->buckets[fio_bucket(clat)] += count;
    uint64_t total = slat * count;
    stats->slat.sum += total;
    fio_sum_spread(&stats->slat, slat, total);
    uint64_t part = clat * count;
    total += part;
    stats->clat.sum += part;
    fio_sum_spread(&stats->clat, clat, part);
    fio_sum_spread(&stats->lat, slat + clat, total);
}

void fio_stats_clear(struct fio_stats *stats);
void fio_stats_merge(struct fio_stats *into, const struct fio_stats *from);

/* In millionths; 0 for no values. */
uint64_t fio_mean(const struct fio_sum *sum);
uint64_t fio_deviation(const struct fio_sum *sum);
uint64_t fio_least(const struct fio_sum *sum);

/* The value below which `millionths` of a hundredth of the values lie (99.9 %: 99900000). */
uint64_t fio_percentile(const struct fio_direction_stats *stats, uint64_t millionths);

/* How many values of all directions lie in [from, to). */
uint64_t fio_count_between(const struct fio_stats *stats, uint64_t from, uint64_t to);

/* The class of a queue depth from 1: 1, 2 to 3, 4 to 7, ... */
static inline unsigned fio_depth_class(uint32_t depth)
{
    unsigned class = 31 ^ (unsigned)__builtin_clz(depth | 1);
    return class < FIO_CLASSES ? class : FIO_CLASSES - 1;
}

/* The class of the size of a batch from 1: up to 4, up to 8, ... */
static inline unsigned fio_batch_class(uint32_t size)
{
    unsigned class = 31 ^ (unsigned)__builtin_clz((size - 1) | 2);
    return class < FIO_CLASSES ? class : FIO_CLASSES - 1;
}

#endif
