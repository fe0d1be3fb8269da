/*
 * Where random I/O goes. Three ways to draw a block, none of which needs memory
 * in proportion to the device or a division:
 *
 * - the map: every block once, in an order without a pattern. A linear
 *   congruential generator with a full period over the next power of two, its
 *   output stirred by a bijection; what lies outside is passed over;
 * - independent draws: a 64-bit xorshift generator, scaled by a multiplication;
 * - zipf: ranks fall as rank^-theta. Ranks lie in classes 1/32 of an octave
 *   wide, a class is drawn by Walker's alias method, and a place in it evenly.
 *   The ranks are then strewn over the device by the map's bijection.
 */
#ifndef KERNEL_SHELL_COMMANDS_FIO_RANDOM_H
#define KERNEL_SHELL_COMMANDS_FIO_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/wide.h"

struct fio_random {
    uint64_t state; /* not 0 */
};

void fio_random_seed(struct fio_random *random, uint64_t seed);

static inline uint64_t fio_random(struct fio_random *random)
{
    uint64_t x = random->state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    random->state = x;
    return x * 0x2545f4914f6cdd1dull;
}

/* Even over [0, count). */
static inline uint64_t fio_random_below(struct fio_random *random, uint64_t count)
{
    return (uint64_t)((wide)fio_random(random) * count >> 64);
}

#define FIO_MAP_FACTOR 747796405u /* 1 modulo 4, and an instruction holds it */

struct fio_map {
    uint64_t state, increment, mask;
    uint64_t count;
    unsigned fold;
};

/* Any order of [0, count), different for each draw of `random`. */
void fio_map_start(struct fio_map *map, uint64_t count, struct fio_random *random);

/* Of a power of two of blocks: none lies outside. */
static inline bool fio_map_is_whole(const struct fio_map *map)
{
    return map->count > map->mask;
}

static inline uint64_t fio_map_next_whole(struct fio_map *map)
{
    map->state = (map->state * FIO_MAP_FACTOR + map->increment) & map->mask;
    return map->state ^ map->state >> map->fold;
}

static inline uint64_t fio_map_next(struct fio_map *map)
{
    uint64_t block;
    do
        block = fio_map_next_whole(map);
    while (block >= map->count);
    return block;
}

#define FIO_ZIPF_CLASSES (32 * 64)

struct fio_zipf_class {
    uint64_t begin, width; /* ranks, from 0 */
    uint64_t threshold;    /* stays in this class below it, goes to `alias` above */
    uint32_t alias;
};

struct fio_zipf {
    uint32_t classes;
    uint64_t count, mask;
    unsigned fold;
    struct fio_zipf_class class[FIO_ZIPF_CLASSES];
};

/* `theta` in millionths; `count` at least 1. */
void fio_zipf_start(struct fio_zipf *zipf, uint64_t count, uint64_t theta);

/* 0 is the rank that is drawn most. */
static inline uint64_t fio_zipf_rank(const struct fio_zipf *zipf, struct fio_random *random)
{
    wide scaled = (wide)fio_random(random) * zipf->classes;
    const struct fio_zipf_class *class = &zipf->class[(uint64_t)(scaled >> 64)];
    if ((uint64_t)scaled > class->threshold)
        class = &zipf->class[class->alias];
    return class->begin + fio_random_below(random, class->width);
}

/* The block of a rank, one to one. */
static inline uint64_t fio_zipf_block(const struct fio_zipf *zipf, uint64_t rank)
{
    do {
        rank = (rank * 0xd1342543de82ef95ull + 0x9e3779b97f4a7c15ull) & zipf->mask;
        rank ^= rank >> zipf->fold;
    } while (rank >= zipf->count);
    return rank;
}

#endif
