/*
 * The set-up of the random generators: full-period sequences, and the classes
 * of the zipf distribution with logarithms in fixed-point numbers.
 */
#include "kernel/shell/commands/fio/random.h"

#include "lib/bits.h"

/* Neighbouring seeds give unrelated states: the finalizer of splitmix64. */
void fio_random_seed(struct fio_random *random, uint64_t seed)
{
    seed += 0x9e3779b97f4a7c15ull;
    seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9ull;
    seed = (seed ^ seed >> 27) * 0x94d049bb133111ebull;
    seed ^= seed >> 31;
    random->state = seed ? seed : 1;
}

/* The smallest 2^n that is not below `count`, less one, and half of n for the folding. */
static void set_range(uint64_t count, uint64_t *mask, unsigned *fold)
{
    unsigned bits = count > 1 ? 64 - (unsigned)__builtin_clzll(count - 1) : 1;
    *mask = UINT64_MAX >> (64 - bits);
    *fold = (bits + 1) / 2;
}

/* Any odd increment gives the whole period, since the multiplier is 1 modulo 4 (Hull, Dobell). */
void fio_map_start(struct fio_map *map, uint64_t count, struct fio_random *random)
{
    set_range(count, &map->mask, &map->fold);
    map->count = count;
    map->increment = (fio_random(random) & map->mask) | 1;
    map->state = fio_random(random) & map->mask;
}

/* ---- zipf --------------------------------------------------------------------------------------
 * Weights run from 1 for the first rank down; they are kept in 2^-62 of it. */

#define FRACTION 32 /* bits of a fixed-point logarithm behind the point */
#define ONE      62 /* of a weight */

/* The binary logarithm of value / 2: one bit of the fraction for each squaring. */
static uint64_t logarithm_of_half(uint64_t value)
{
    unsigned whole = 63 - (unsigned)__builtin_clzll(value);
    uint64_t mantissa = value << (63 - whole), fraction = 0;
    for (unsigned bit = 0; bit < FRACTION; bit++) {
        wide square = (wide)mantissa * mantissa;
        bool above = square >> 127;
        mantissa = (uint64_t)(square >> (above ? 64 : 63));
        fraction = fraction << 1 | above;
    }
    return ((uint64_t)(whole - 1) << FRACTION) + fraction;
}

/* roots[i] is 2^-(2^-(i + 1)): the factor of the i-th bit behind the point. */
struct powers {
    uint64_t roots[FRACTION];
};

static void powers_start(struct powers *powers)
{
    uint64_t root = 1ULL << (ONE - 1);
    for (unsigned i = 0; i < FRACTION; i++)
        powers->roots[i] = root = wide_root((wide)root << ONE);
}

static uint64_t power_of_minus(const struct powers *powers, uint64_t exponent)
{
    uint64_t result = 1ULL << ONE;
    if (exponent >> FRACTION >= ONE)
        return 0;
    for (unsigned i = 0; i < FRACTION; i++)
        if (exponent >> (FRACTION - 1 - i) & 1)
            result = (uint64_t)((wide)result * powers->roots[i] >> ONE);
    return result >> (exponent >> FRACTION);
}

/* The weight of ranks [begin, begin + width): its middle's times the width. */
static wide weight(const struct powers *powers, const struct fio_zipf_class *class, uint64_t theta)
{
    uint64_t twice_middle = 2 * class->begin + class->width + 1; /* ranks count from 1 here */
    wide exponent = wide_divide((wide)logarithm_of_half(twice_middle) * theta, 1000000);
    if (exponent >> 62)
        return 0;
    return (wide)power_of_minus(powers, (uint64_t)exponent) * class->width;
}

/* Classes of one rank each at first, then 32 to an octave. */
static void cut_classes(struct fio_zipf *zipf)
{
    uint64_t begin = 0;
    zipf->classes = 0;
    while (begin < zipf->count && zipf->classes < FIO_ZIPF_CLASSES) {
        uint64_t width = 1;
        if (begin >= 64)
            width = 1ULL << (63 - (unsigned)__builtin_clzll(begin) - 5);
        width = MIN(width, zipf->count - begin);
        zipf->class[zipf->classes++] = (struct fio_zipf_class){.begin = begin, .width = width};
        begin += width;
    }
}

#define AVERAGE (1ULL << 49) /* what a class has that needs no alias */

/* Gives each class its share of classes * AVERAGE. */
static void weigh_classes(struct fio_zipf *zipf, uint64_t theta)
{
    struct powers powers;
    wide total = 0;
    unsigned shift = 0;
    powers_start(&powers);
    for (uint32_t i = 0; i < zipf->classes; i++)
        total += weight(&powers, &zipf->class[i], theta);
    while (total >> shift >> 62)
        shift++;
    for (uint32_t i = 0; i < zipf->classes; i++) {
        struct fio_zipf_class *class = &zipf->class[i];
        wide part = weight(&powers, class, theta) >> shift;
        wide share = wide_divide(part << 60, (uint64_t)(total >> shift));
        class->threshold = (uint64_t)(share * zipf->classes >> 11);
        class->alias = i;
    }
}

/* The next class from `at` on that has more than the average. */
static uint32_t next_rich(const struct fio_zipf *zipf, uint32_t at)
{
    while (at < zipf->classes && zipf->class[at].threshold <= AVERAGE)
        at++;
    return at;
}

/* What a poor class lacks is drawn for a rich one; when that makes it poor and it lies behind us,
 * it is the next to be filled up. */
static void pair_classes(struct fio_zipf *zipf)
{
    struct fio_zipf_class *class = zipf->class;
    uint32_t rich = next_rich(zipf, 0);
    for (uint32_t i = 0; i < zipf->classes; i++) {
        uint32_t poor = i;
        while (class[poor].threshold < AVERAGE && class[poor].alias == poor && poor <= i &&
               rich < zipf->classes) {
            class[poor].alias = rich;
            class[rich].threshold -= AVERAGE - class[poor].threshold;
            poor = rich;
            rich = next_rich(zipf, rich);
        }
    }
}

/* Walker's alias method in whole numbers. */
void fio_zipf_start(struct fio_zipf *zipf, uint64_t count, uint64_t theta)
{
    zipf->count = count;
    set_range(count, &zipf->mask, &zipf->fold);
    cut_classes(zipf);
    weigh_classes(zipf, theta);
    pair_classes(zipf);
    for (uint32_t i = 0; i < zipf->classes; i++) {
        struct fio_zipf_class *class = &zipf->class[i];
        if (class->alias == i)
            class->threshold = UINT64_MAX;
        else
            class->threshold = (uint64_t)wide_divide((wide) class->threshold << 64, AVERAGE);
    }
}
