/*
 * A doubly linked list through a member of its elements; a head is a node that
 * links to itself when the list is empty, so no operation has a special case.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>

#include "lib/bits.h"

struct list {
    struct list *next, *previous;
};

#define LIST_EMPTY(head) \
    {                    \
        &(head), &(head) \
    }

static inline void list_init(struct list *head)
{
    head->next = head->previous = head;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* Puts `node` in front of `position`; in front of the head is the end of the list. */
static inline void list_insert(struct list *position, struct list *node)
{
    node->next = position;
    node->previous = position->previous;
    position->previous->next = node;
    position->previous = node;
}

/* Takes `node` out and leaves it linked to itself, so that removing twice is harmless. */
static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

/* `node` must not be removed inside the loop. */
#define LIST_FOR_EACH(node, head) \
    for (struct list *node = (head)->next; node != (head); node = node->next)

#endif
