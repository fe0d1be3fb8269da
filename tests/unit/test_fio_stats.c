/*
 * fio's statistics and generators: how exact histogram, mean and deviation
 * are, that the map meets every block once, how the others are distributed,
 * and how numbers are written.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/shell/commands/fio/fio.h"

static struct fio_stats stats;
static struct fio_random source;

static int setup(void **state)
{
    (void)state;
    fio_stats_clear(&stats);
    fio_random_seed(&source, 7);
    return 0;
}

static void record(struct fio_direction_stats *of, uint64_t value)
{
    fio_times_add(of, value / 3, value, 1);
}

static void test_buckets_are_within_one_percent(void **state)
{
    (void)state;
    unsigned last = 0;
    for (uint64_t value = 1; value < 1ULL << 62; value += 1 + value / 1000) {
        unsigned bucket = (unsigned)fio_bucket(value);
        uint64_t stands_for = fio_bucket_value(bucket);
        uint64_t error = stands_for > value ? stands_for - value : value - stands_for;
        assert_true(error * 100 < value);
        assert_true(bucket == last || bucket >= last + 1);
        last = bucket;
    }
    assert_int_equal(fio_bucket(0), 0);
    assert_int_equal(fio_bucket_value(fio_bucket(127)), 127);
    assert_int_equal(fio_bucket(UINT64_MAX), FIO_BUCKETS - 1);
    for (unsigned i = 0; i < FIO_BUCKETS; i++)
        assert_int_equal(fio_bucket(fio_bucket_value(i)), i);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_percentiles(void **state)
{
    (void)state;
    enum {
        COUNT = 20000
    };
    static uint64_t values[COUNT];
    struct fio_direction_stats *of = &stats.of[FIO_READ];
    for (unsigned i = 0; i < COUNT; i++) {
        values[i] = 100 + (fio_random(&source) >> 40 >> fio_random_below(&source, 16));
        record(of, values[i]);
    }
    qsort(values, COUNT, sizeof *values, ascending);
    const unsigned percents[] = {1, 5, 25, 50, 75, 90, 99};
    for (size_t i = 0; i < ARRAY_SIZE(percents); i++) {
        uint64_t exact = values[COUNT / 100 * percents[i] - 1];
        uint64_t ours = fio_percentile(of, percents[i] * 1000000ull);
        assert_true(llabs((long long)ours - (long long)exact) * 100 < (long long)exact);
    }
    assert_int_equal(fio_bucket(fio_percentile(of, 100000000)), fio_bucket(values[COUNT - 1]));
    assert_int_equal(fio_bucket(fio_percentile(of, 0)), fio_bucket(values[0]));
    assert_int_equal(fio_count_between(&stats, 0, UINT64_MAX), COUNT);
}

static void expect_moments(const uint64_t *values, unsigned count)
{
    struct fio_sum sum = {.min = UINT64_MAX};
    long double mean = 0, squares = 0;
    for (unsigned i = 0; i < count; i++) {
        fio_sum_add(&sum, values[i], 1);
        mean += (long double)values[i] / count;
    }
    for (unsigned i = 0; i < count; i++)
        squares += ((long double)values[i] - mean) * ((long double)values[i] - mean);
    long double deviation = count > 1 ? sqrtl(squares / (count - 1)) : 0;
    assert_true(fabsl(fio_mean(&sum) / 1e6L - mean) <= 1e-6L + mean * 1e-15L);
    assert_true(fabsl(fio_deviation(&sum) / 1e6L - deviation) <= 2e-6L + deviation * 1e-6L);
}

static void test_mean_and_deviation(void **state)
{
    (void)state;
    static uint64_t many[5000];
    expect_moments((uint64_t[]){5}, 1);
    expect_moments((uint64_t[]){1, 2}, 2);
    expect_moments((uint64_t[]){7, 7, 7, 7}, 4);
    expect_moments((uint64_t[]){1000000000000, 1000000000001, 1000000000005}, 3);
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
        many[i] = fio_random(&source) >> 30 >> fio_random_below(&source, 30);
    expect_moments(many, ARRAY_SIZE(many));
    struct fio_sum empty = {.min = UINT64_MAX};
    assert_int_equal(fio_mean(&empty), 0);
    assert_int_equal(fio_deviation(&empty), 0);
    assert_int_equal(fio_least(&empty), 0);
}

static void test_counts_at_once_are_counts_one_by_one(void **state)
{
    (void)state;
    struct fio_sum once = {.min = UINT64_MAX}, single = {.min = UINT64_MAX};
    fio_sum_add(&once, 12345, 32);
    fio_sum_add(&once, 777, 3);
    for (int i = 0; i < 35; i++)
        fio_sum_add(&single, i < 32 ? 12345 : 777, 1);
    assert_memory_equal(&once, &single, sizeof once);
}

static void test_merge(void **state)
{
    (void)state;
    static struct fio_stats other, both, merged, single;
    fio_stats_clear(&other);
    fio_stats_clear(&both);
    fio_stats_clear(&merged);
    fio_stats_clear(&single);
    struct fio_sum slat = {.min = UINT64_MAX}, clat = slat, lat = slat;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t value = fio_random(&source) >> 45;
        fio_sum_add(&slat, value / 3, 1);
        fio_sum_add(&clat, value, 1);
        fio_sum_add(&lat, value / 3 + value, 1);
        record(&(i & 1 ? &stats : &other)->of[FIO_WRITE], value);
        record(&both.of[FIO_WRITE], value);
    }
    fio_stats_merge(&merged, &stats);
    fio_stats_merge(&merged, &other);
    fio_stats_merge(&single, &both);
    assert_memory_equal(&merged, &single, sizeof merged);
    assert_memory_equal(&merged.of[FIO_WRITE].slat, &slat, sizeof slat);
    assert_memory_equal(&merged.of[FIO_WRITE].clat, &clat, sizeof clat);
    assert_memory_equal(&merged.of[FIO_WRITE].lat, &lat, sizeof lat);
    assert_int_equal(merged.of[FIO_READ].slat.count, 0);
}

static void test_classes(void **state)
{
    (void)state;
    const unsigned depths[][2] = {{1, 0},  {2, 1},  {3, 1},  {4, 2},   {8, 3},
                                  {31, 4}, {32, 5}, {64, 6}, {4096, 6}};
    const unsigned batches[][2] = {{1, 1},  {4, 1},  {5, 2},  {8, 2},  {9, 3},
                                   {16, 3}, {32, 4}, {64, 5}, {65, 6}, {4096, 6}};
    for (size_t i = 0; i < ARRAY_SIZE(depths); i++)
        assert_int_equal(fio_depth_class(depths[i][0]), depths[i][1]);
    for (size_t i = 0; i < ARRAY_SIZE(batches); i++)
        assert_int_equal(fio_batch_class(batches[i][0]), batches[i][1]);
}

/* ---- Generators --------------------------------------------------------------------------------
 */

static void test_map_meets_every_block_once(void **state)
{
    (void)state;
    const uint64_t counts[] = {1, 2, 3, 5, 16, 17, 1000, 4096, 65537, 100000};
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        for (int round = 0; round < 3; round++) {
            struct fio_map map;
            uint8_t *seen = calloc(counts[i], 1);
            fio_map_start(&map, counts[i], &source);
            for (uint64_t n = 0; n < counts[i]; n++) {
                uint64_t block = fio_map_next(&map);
                assert_true(block < counts[i]);
                assert_int_equal(seen[block]++, 0);
            }
            free(seen);
        }
}

/* Neighbours in time are no neighbours in place, and all parts of a device get their share early.
 */
static void test_map_has_no_pattern(void **state)
{
    (void)state;
    const uint64_t count = 262144;
    struct fio_map map;
    unsigned parts[16] = {0}, near = 0;
    uint64_t last = 0;
    fio_map_start(&map, count, &source);
    for (unsigned n = 0; n < 16000; n++) {
        uint64_t block = fio_map_next(&map);
        parts[block * 16 / count]++;
        near += (block > last ? block - last : last - block) < count / 100;
        last = block;
    }
    for (unsigned i = 0; i < 16; i++)
        assert_in_range(parts[i], 800, 1200);
    assert_in_range(near, 160, 640); /* two in a hundred, about 320 */
}

static void test_even_draws(void **state)
{
    (void)state;
    unsigned counts[10] = {0};
    for (unsigned n = 0; n < 100000; n++)
        counts[fio_random_below(&source, 10)]++;
    for (unsigned i = 0; i < 10; i++)
        assert_in_range(counts[i], 9600, 10400);
}

static void expect_zipf(uint64_t count, double theta)
{
    enum {
        DRAWS = 400000,
        SHOWN = 30
    };
    struct fio_zipf *zipf = malloc(sizeof *zipf);
    unsigned *counts = calloc(count, sizeof *counts);
    double total = 0;
    fio_zipf_start(zipf, count, (uint64_t)(theta * 1e6 + 0.5));
    for (uint64_t i = 1; i <= count; i++)
        total += pow((double)i, -theta);
    for (unsigned n = 0; n < DRAWS; n++) {
        uint64_t rank = fio_zipf_rank(zipf, &source);
        assert_true(rank < count);
        counts[rank]++;
    }
    double tail = DRAWS;
    for (uint64_t i = 0; i < MIN(count, (uint64_t)SHOWN); i++) {
        double expected = DRAWS * pow((double)i + 1, -theta) / total;
        assert_true(fabs(counts[i] - expected) < 5 * sqrt(expected) + 2);
        tail -= counts[i];
    }
    double half = 0, expected_half = 0;
    for (uint64_t i = count / 2; i < count; i++) {
        half += counts[i];
        expected_half += DRAWS * pow((double)i + 1, -theta) / total;
    }
    assert_true(fabs(half - expected_half) < 5 * sqrt(expected_half) + 2 + expected_half * 0.002);
    assert_true(tail >= 0);
    free(counts);
    free(zipf);
}

static void test_zipf(void **state)
{
    (void)state;
    expect_zipf(1, 1.2);
    expect_zipf(2, 1.2);
    expect_zipf(50, 0.5);
    expect_zipf(1000, 1.2);
    expect_zipf(100000, 0.8);
    expect_zipf(300001, 1.1);
    expect_zipf(1000, 3);
}

static void test_zipf_blocks_are_ranks_one_to_one(void **state)
{
    (void)state;
    const uint64_t counts[] = {1, 2, 3, 1000, 65536};
    static struct fio_zipf zipf;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        uint8_t *seen = calloc(counts[i], 1);
        fio_zipf_start(&zipf, counts[i], 1200000);
        for (uint64_t rank = 0; rank < counts[i]; rank++) {
            uint64_t block = fio_zipf_block(&zipf, rank);
            assert_true(block < counts[i]);
            assert_int_equal(seen[block]++, 0);
        }
        free(seen);
    }
    fio_zipf_start(&zipf, 1ULL << 50, 1200000); /* a petabyte in bytes */
    for (int n = 0; n < 1000; n++)
        assert_true(fio_zipf_block(&zipf, fio_zipf_rank(&zipf, &source)) < 1ULL << 50);
}

/* ---- Text --------------------------------------------------------------------------------------
 */

/* As fio 3.33 printed them. */
static void test_short_numbers(void **state)
{
    static const struct {
        uint64_t number;
        unsigned digits, base;
        const char *text;
    } cases[] = {
        {9272, 4, 1000, "9272"},       {91000, 4, 1000, "91.0k"},     {13474, 4, 1000, "13.5k"},
        {205000, 4, 1000, "205k"},     {16000, 4, 1000, "16.0k"},     {4096, 4, 1024, "4096"},
        {12288, 4, 1024, "12.0Ki"},    {1677312, 4, 1024, "1638Ki"},  {1024000, 4, 1024, "1000Ki"},
        {65536, 4, 1024, "64.0Ki"},    {65536, 4, 1000, "65.5k"},     {4194304, 4, 1000, "4194k"},
        {8596300, 6, 1000, "8596.3k"}, {60059000, 6, 1000, "60059k"}, {0, 4, 1024, "0"},
        {10000, 4, 1024, "9.77Ki"},    {UINT64_MAX, 4, 1000, "18.4E"}};
    char text[FIO_TEXT];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(fio_short(text, cases[i].number, cases[i].digits, cases[i].base, ""),
                            cases[i].text);
    assert_string_equal(fio_decimal(text, 1999999, 2), "2.00");
    assert_string_equal(fio_decimal(text, 1994999, 2), "1.99");
    assert_string_equal(fio_decimal(text, 123, 6), "0.000123");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_buckets_are_within_one_percent, setup),
        cmocka_unit_test_setup(test_percentiles, setup),
        cmocka_unit_test_setup(test_mean_and_deviation, setup),
        cmocka_unit_test_setup(test_counts_at_once_are_counts_one_by_one, setup),
        cmocka_unit_test_setup(test_merge, setup),
        cmocka_unit_test_setup(test_classes, setup),
        cmocka_unit_test_setup(test_map_meets_every_block_once, setup),
        cmocka_unit_test_setup(test_map_has_no_pattern, setup),
        cmocka_unit_test_setup(test_even_draws, setup),
        cmocka_unit_test_setup(test_zipf, setup),
        cmocka_unit_test_setup(test_zipf_blocks_are_ranks_one_to_one, setup),
        cmocka_unit_test_setup(test_short_numbers, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
