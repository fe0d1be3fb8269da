/* See class.h. */
#include "lib/class.h"

#include "lib/bits.h"
#include "lib/string.h"

static const char *const names[] = {"alpha", "digit", "alnum", "upper", "lower", "space",
                                    "blank", "punct", "print", "graph", "cntrl", "xdigit"};

int class_find(const char *name, size_t length)
{
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (strlen(names[i]) == length && !memcmp(names[i], name, length))
            return (int)i;
    return -1;
}

bool class_has(int class, char c)
{
    bool graphic = c > ' ' && c < 127, named = is_letter(c) || is_digit(c);
    const bool members[ARRAY_SIZE(names)] = {is_letter(c),
                                             is_digit(c),
                                             named,
                                             c >= 'A' && c <= 'Z',
                                             c >= 'a' && c <= 'z',
                                             c == ' ' || (c >= '\t' && c <= '\r'),
                                             c == ' ' || c == '\t',
                                             graphic && !named,
                                             graphic || c == ' ',
                                             graphic,
                                             (c >= 0 && c < ' ') || c == 127,
                                             is_digit(c) ||
                                                 (to_lower(c) >= 'a' && to_lower(c) <= 'f')};
    return members[class];
}
