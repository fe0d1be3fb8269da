/* See pattern.h. */
#include "lib/pattern.h"

#include "lib/class.h"
#include "lib/string.h"

/* The end of the [:class:] that may begin at `set`, as which one it is; NULL: none does. */
static const char *class_end(const char *set, const char *end, int *class)
{
    const char *name = set + 2, *behind = name;
    if (end - set < 4 || set[0] != '[' || set[1] != ':')
        return NULL;
    while (behind < end && *behind != ':')
        behind++;
    *class = class_find(name, (size_t)(behind - name));
    return end - behind > 1 && behind[1] == ']' && *class >= 0 ? behind + 1 : NULL;
}

/* Matches `c` with the set behind "["; moves on behind its "]". NULL if there is no "]", and the
 * bracket is a plain character then. */
static const char *match_set(const char *set, const char *end, unsigned char c, bool *matches)
{
    bool inverted = set < end && (*set == '!' || *set == '^');
    const char *first = set += inverted;
    *matches = false;
    for (; set < end && (*set != ']' || set == first); set++) {
        int class;
        const char *class_last = class_end(set, end, &class);
        if (class_last) {
            *matches |= class_has(class, (char)c);
            set = class_last;
            continue;
        }
        if (*set == '\\' && set + 1 < end)
            set++;
        unsigned char low = (unsigned char)*set, high = low;
        if (end - set > 2 && set[1] == '-' && set[2] != ']') {
            set += set[2] == '\\' && end - set > 3 ? 3 : 2;
            high = (unsigned char)*set;
        }
        *matches |= c >= low && c <= high;
    }
    *matches ^= inverted;
    return set < end ? set + 1 : NULL;
}

/* Matches one character with the piece of pattern at *at (which is no star) and moves *at on. */
static bool match_one(const char **at, const char *end, char c)
{
    const char *pattern = *at;
    bool matches;
    if (*pattern == '[') {
        const char *behind = match_set(pattern + 1, end, (unsigned char)c, &matches);
        if (behind) {
            *at = behind;
            return matches;
        }
    }
    matches = *pattern == '?';
    if (*pattern == '\\' && pattern + 1 < end)
        pattern++;
    *at = pattern + 1;
    return matches || *pattern == c;
}

/* On a mismatch only the last star can give way: nothing before it would match more. */
bool pattern_match(const char *pattern, const char *end, const char *text, size_t length)
{
    const char *text_end = text + length, *star = NULL, *starred = NULL;
    for (;;) {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            starred = text;
        } else if (text == text_end && pattern == end) {
            return true;
        } else if (text < text_end && pattern < end && match_one(&pattern, end, *text)) {
            text++;
        } else if (star && starred < text_end) {
            pattern = star;
            text = ++starred;
        } else {
            return false;
        }
    }
}

void pattern_strip(char *pattern)
{
    char *to = pattern;
    for (; *pattern; pattern++) {
        if (*pattern == '\\' && pattern[1])
            pattern++;
        *to++ = *pattern;
    }
    *to = 0;
}
