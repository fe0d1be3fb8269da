/* See cmdline.h. */
#include "kernel/cmdline.h"

#include "kernel/log.h"
#include "lib/bits.h"
#include "lib/number.h"
#include "lib/printf.h"
#include "lib/string.h"

static const char *const names[] = {
    "run",          "poweroff",       "verbose",          "cpus",      "nvme.timeout",
    "nvme.retries", "nvme.queues",    "nvme.poll_queues", "nvme.wait", "nvme.queue_entries",
    "nvme.data",    "nvme.page_size", "nvme.shadow"};

static const char *line = "";

void cmdline_start(const char *text)
{
    line = text;
}

/* One word: its name, and its value if it has one. Returns where the next begins. */
struct word {
    const char *name, *value;
    size_t name_length, value_length;
};

static const char *next_word(const char *at, struct word *word)
{
    while (*at == ' ')
        at++;
    *word = (struct word){.name = at};
    while (*at && *at != ' ' && *at != '=')
        at++;
    word->name_length = (size_t)(at - word->name);
    if (*at != '=')
        return at;
    char end = *++at == '"' ? '"' : ' ';
    word->value = end == '"' ? ++at : at;
    while (*at && *at != end)
        at++;
    word->value_length = (size_t)(at - word->value);
    return *at == '"' ? at + 1 : at;
}

static bool is_named(const struct word *word, const char *name)
{
    return word->name_length == strlen(name) && memcmp(word->name, name, word->name_length) == 0;
}

void cmdline_complain(void)
{
    char unknown[160] = "";
    size_t length = 0;
    struct word word;
    for (const char *at = next_word(line, &word); word.name_length || word.value;
         at = next_word(at, &word)) {
        unsigned i = 0;
        while (i < ARRAY_SIZE(names) && !is_named(&word, names[i]))
            i++;
        if (i == ARRAY_SIZE(names) && length < sizeof unknown)
            length += (size_t)snprintf(unknown + length, sizeof unknown - length, " %.*s",
                                       (int)word.name_length, word.name);
    }
    if (length)
        log_line(LOG_WARNING, "command line: ignored, as nobody knows it:%s%s", unknown,
                 length < sizeof unknown ? "" : "...");
}

static bool find(const char *name, struct word *found)
{
    struct word word;
    bool any = false;
    for (const char *at = next_word(line, &word); word.name_length || word.value;
         at = next_word(at, &word))
        if (is_named(&word, name)) {
            *found = word;
            any = true;
        }
    return any;
}

bool cmdline_has(const char *name)
{
    struct word word;
    return find(name, &word);
}

long cmdline_value(const char *name, const char **value)
{
    struct word word;
    if (!find(name, &word) || !word.value)
        return -1;
    *value = word.value;
    return (long)word.value_length;
}

uint64_t cmdline_number(const char *name, uint64_t least, uint64_t most, uint64_t otherwise)
{
    char text[24];
    const char *value;
    uint64_t number;
    long length = cmdline_value(name, &value);
    if (length < 0)
        return otherwise;
    if ((size_t)length < sizeof text) {
        memcpy(text, value, (size_t)length);
        text[length] = 0;
        if (number_parse(text, 0, &number) == OK && number >= least && number <= most)
            return number;
    }
    log_line(LOG_WARNING, "command line: %s= wants a number from %llu to %llu: ignored", name,
             (unsigned long long)least, (unsigned long long)most);
    return otherwise;
}

unsigned cmdline_choice(const char *name, const char *const words[], unsigned count)
{
    const char *value;
    long length = cmdline_value(name, &value);
    for (unsigned i = 0; length >= 0 && i < count; i++)
        if (strlen(words[i]) == (size_t)length && memcmp(words[i], value, (size_t)length) == 0)
            return i;
    if (length >= 0)
        log_line(LOG_WARNING, "%s=%.*s: not known", name, (int)length, value);
    return 0;
}
