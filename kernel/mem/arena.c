/* See arena.h. */
#include "kernel/mem/arena.h"

#include <stdint.h>

#include "kernel/mem/heap.h"
#include "lib/bits.h"
#include "lib/string.h"

#define CHUNK_SIZE 1008

struct chunk {
    struct chunk *next;
    uint64_t aligned[];
};

void *arena_get(struct arena *arena, size_t size)
{
    size = ROUND_UP(MAX(size, (size_t)1), sizeof(uint64_t));
    if (size > arena->left) {
        size_t room = MAX(size, (size_t)CHUNK_SIZE);
        struct chunk *chunk = kmalloc(sizeof *chunk + room);
        if (!chunk) {
            arena->failed = true;
            return NULL;
        }
        chunk->next = arena->chunks;
        arena->chunks = chunk;
        arena->next = (char *)chunk->aligned;
        arena->left = room;
    }
    void *piece = arena->next;
    arena->next += size;
    arena->left -= size;
    return memset(piece, 0, size);
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_get(arena, length + 1);
    return copy ? memcpy(copy, text, length) : NULL;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        kfree(chunk);
    }
    *arena = (struct arena){0};
}

void text_add(struct text *text, char c)
{
    if (text->length + 1 >= text->size) {
        size_t size = text->size ? 2 * text->size : 24;
        char *bytes = arena_get(text->arena, size);
        if (!bytes)
            return;
        if (text->bytes)
            memcpy(bytes, text->bytes, text->length);
        text->bytes = bytes;
        text->size = size;
    }
    text->bytes[text->length++] = c;
    text->bytes[text->length] = 0;
}

void text_append(struct text *text, const char *string)
{
    while (*string)
        text_add(text, *string++);
}

char *arena_join(struct arena *arena, int count, char *const *items)
{
    struct text text = {.arena = arena};
    for (int i = 0; i < count; i++) {
        if (i)
            text_add(&text, ' ');
        text_append(&text, items[i]);
    }
    return text.bytes ? text.bytes : arena_get(arena, 1);
}
