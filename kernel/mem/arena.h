/*
 * Memory that goes all at once: a syntax tree, a command's words. Pieces are
 * cut off large chunks and filled with zeros; nothing is freed singly. After a
 * failure, which gives NULL, `failed` stays set, so that it can be looked at
 * once and at the end.
 */
#ifndef KERNEL_MEM_ARENA_H
#define KERNEL_MEM_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* Begins as zeros. */
struct arena {
    struct chunk *chunks;
    char *next;
    size_t left;
    bool failed;
};

void *arena_get(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length);
char *arena_join(struct arena *arena, int count, char *const *items); /* with blanks between */
void arena_free(struct arena *arena);

/* A text that grows in an arena; what does not fit into memory is dropped. */
struct text {
    struct arena *arena;
    char *bytes; /* NULL, or NUL-terminated */
    size_t length, size;
};

void text_add(struct text *text, char c);
void text_append(struct text *text, const char *string);

#endif
