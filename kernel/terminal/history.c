/*
 * The lines that were typed, oldest first.
 */
#include "kernel/mem/heap.h"
#include "kernel/terminal/edit.h"
#include "lib/string.h"

void history_add(struct history *history, const char *line)
{
    size_t size = strlen(line) + 1;
    if (size == 1 || (history->count && !strcmp(history->lines[history->count - 1], line)))
        return;
    char *copy = kmalloc(size);
    if (!copy)
        return;
    memcpy(copy, line, size);
    if (history->count == HISTORY_LINES) {
        kfree(history->lines[0]);
        memmove(history->lines, history->lines + 1, (HISTORY_LINES - 1) * sizeof(char *));
        history->count--;
    }
    history->lines[history->count++] = copy;
}

void history_free(struct history *history)
{
    while (history->count)
        kfree(history->lines[--history->count]);
}
