/*
 * Statistics: histogram buckets back to values, merging of jobs, mean,
 * deviation and percentiles.
 */
#include "kernel/shell/commands/fio/stats.h"

#include "lib/bits.h"
#include "lib/string.h"

#define PER_OCTAVE (1u << FIO_BUCKET_BITS)

/* The least value that belongs to a bucket. */
static uint64_t bucket_begin(unsigned bucket)
{
    if (bucket < 2 * PER_OCTAVE)
        return bucket;
    unsigned shift = bucket / PER_OCTAVE - 1;
    return (uint64_t)(bucket % PER_OCTAVE + PER_OCTAVE) << shift;
}

uint64_t fio_bucket_value(unsigned bucket)
{
    uint64_t begin = bucket_begin(bucket);
    return begin + (bucket_begin(bucket + 1) - begin) / 2;
}

static void sum_clear(struct fio_sum *sum)
{
    *sum = (struct fio_sum){.min = UINT64_MAX};
}

void fio_stats_clear(struct fio_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    sum_clear(&stats->sync);
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++) {
        struct fio_direction_stats *of = &stats->of[i];
        sum_clear(&of->slat);
        sum_clear(&of->clat);
        sum_clear(&of->lat);
        sum_clear(&of->bw);
        sum_clear(&of->iops);
    }
}

static void sum_merge(struct fio_sum *into, const struct fio_sum *from)
{
    into->count += from->count;
    into->sum += from->sum;
    into->squares += from->squares;
    into->min = MIN(into->min, from->min);
    into->max = MAX(into->max, from->max);
}

static void times_merge(struct fio_direction_stats *into, const struct fio_direction_stats *from)
{
    bool submitted = from->slat.min <= from->slat.max;
    sum_merge(&into->slat, &from->slat);
    sum_merge(&into->clat, &from->clat);
    sum_merge(&into->lat, &from->lat);
    into->ios += from->ios;
    into->slat.count += submitted ? from->ios : 0;
    into->clat.count = into->lat.count = into->ios;
    into->lat.sum = into->slat.sum + into->clat.sum;
}

static void direction_merge(struct fio_direction_stats *into,
                            const struct fio_direction_stats *from)
{
    times_merge(into, from);
    sum_merge(&into->bw, &from->bw);
    sum_merge(&into->iops, &from->iops);
    into->bytes += from->bytes;
    into->runtime = MAX(into->runtime, from->runtime);
    for (unsigned i = 0; i < FIO_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

void fio_stats_merge(struct fio_stats *into, const struct fio_stats *from)
{
    for (unsigned i = 0; i < FIO_DIRECTIONS; i++)
        direction_merge(&into->of[i], &from->of[i]);
    sum_merge(&into->sync, &from->sync);
    for (unsigned i = 0; i < FIO_CLASSES; i++) {
        into->depths[i] += from->depths[i];
        into->submits[i] += from->submits[i];
        into->completes[i] += from->completes[i];
    }
    into->elapsed = MAX(into->elapsed, from->elapsed);
    into->busy += from->busy;
    into->waited += from->waited;
    into->spun += from->spun;
}

uint64_t fio_least(const struct fio_sum *sum)
{
    return sum->count ? sum->min : 0;
}

uint64_t fio_mean(const struct fio_sum *sum)
{
    return wide_scale(sum->sum, FIO_MILLION, sum->count);
}

/*
 * Of a sample: the root of (n * sum of squares - square of the sum) / (n * (n - 1)), of which the
 * numerator is exact. It is shifted up as far as it goes, for the sake of decimals.
 */
uint64_t fio_deviation(const struct fio_sum *sum)
{
    uint64_t n = sum->count;
    if (n < 2 || sum->min == sum->max)
        return 0;
    wide square = (wide)sum->sum * sum->sum, squares;
    if (__builtin_mul_overflow(sum->squares, (wide)n, &squares) || squares < square)
        return 0;
    wide spread = squares - square;
    unsigned shift = 0;
    for (; shift < 40 && spread >> 126 == 0; shift += 2)
        spread <<= 2;
    uint64_t root = wide_root(wide_divide(wide_divide(spread, n), n - 1));
    return wide_scale(root, FIO_MILLION, 1ULL << shift / 2);
}

uint64_t fio_percentile(const struct fio_direction_stats *stats, uint64_t millionths)
{
    uint64_t total = stats->ios, seen = 0;
    uint64_t wanted = wide_scale(total, millionths, 100 * FIO_MILLION);
    wanted = MAX(wanted, 1ull);
    for (unsigned i = 0; i < FIO_BUCKETS; i++) {
        seen += stats->buckets[i];
        if (seen >= wanted)
            return fio_bucket_value(i);
    }
    return 0;
}

uint64_t fio_count_between(const struct fio_stats *stats, uint64_t from, uint64_t to)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < FIO_BUCKETS; i++) {
        uint64_t value = fio_bucket_value(i);
        if (value >= from && value < to)
            for (unsigned k = 0; k < FIO_DIRECTIONS; k++)
                sum += stats->of[k].buckets[i];
    }
    return sum;
}
