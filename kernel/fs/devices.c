/*
 * The character devices that are always there: null, zero, full, random,
 * urandom, and the console as a terminal that hands over finished lines.
 */
#include "kernel/console.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/nodes.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/coroutine.h"
#include "lib/bits.h"
#include "lib/string.h"

#define LINE_MAX  4096u
#define TAB_STOP  8u
#define CTRL(key) ((key)&31)
#define DELETE    127

static int64_t null_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)buffer, (void)length, (void)offset;
    return 0;
}

static int64_t null_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)buffer, (void)offset;
    return (int64_t)length;
}

static int64_t zero_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)offset;
    memset(buffer, 0, length);
    return (int64_t)length;
}

static int64_t full_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)buffer, (void)offset;
    return length ? ERR_NO_SPACE : 0;
}

static int64_t random_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)offset;
    random_bytes(buffer, length);
    return (int64_t)length;
}

static int64_t random_write(struct node *node, const void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)offset;
    random_seed(buffer, length);
    return (int64_t)length;
}

/* They can be positioned, to no effect. */
static uint64_t no_size(struct node *node)
{
    (void)node;
    return 0;
}

/* The line being typed, or what of it was not read yet. */
static char line[LINE_MAX];
static size_t line_length, line_read;
static bool line_ready, line_wanted; /* by somebody who waits for its end: one at a time */

/* How wide the first `length` bytes of the line show, if it began at the left margin. */
static size_t columns(size_t length)
{
    size_t column = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c == '\t')
            column = ROUND_DOWN(column, TAB_STOP) + TAB_STOP;
        else if (c < ' ' || c == DELETE)
            column += 2; /* ^X */
        else if ((c & 0xC0) != 0x80)
            column++; /* but for what continues a UTF-8 character */
    }
    return column;
}

static void erase_to(size_t length)
{
    size_t count = columns(line_length) - columns(length);
    line_length = length;
    while (count--)
        console_write("\b \b", 3);
}

static void erase_character(void)
{
    size_t length = line_length;
    while (length > 0 && (line[length - 1] & 0xC0) == 0x80)
        length--;
    erase_to(length ? length - 1 : 0);
}

static void type(char c)
{
    /* One place is kept for the newline. */
    if (line_length >= LINE_MAX - 1 && c != '\n') {
        console_write("\a", 1);
        return;
    }
    line[line_length++] = c;
    char caret[2] = {'^', (char)(c ^ 64)};
    bool control = ((unsigned char)c < ' ' && c != '\n' && c != '\t') || c == DELETE;
    console_write(control ? caret : &c, control ? 2 : 1);
}

/* Takes keys until the line is finished. An empty one, after Ctrl-D, means the end. */
static int line_get(void)
{
    line_length = line_read = 0;
    for (;;) {
        int key = console_get(CLOCK_NEVER);
        switch (key) {
        case CONSOLE_CTRL_C:
            line_length = 0;
            return ERR_INTERRUPTED;
        case CONSOLE_TIMEOUT:
        case CTRL('D'):
            return OK;
        case CTRL('H'):
        case DELETE:
            erase_character();
            break;
        case CTRL('U'):
            erase_to(0);
            break;
        case '\r':
        case '\n':
            type('\n');
            return OK;
        default:
            type((char)key);
        }
    }
}

static int64_t console_read(struct node *node, void *buffer, size_t length, uint64_t offset)
{
    (void)node, (void)offset;
    if (length == 0)
        return 0;
    while (line_wanted && !console_interrupted())
        coroutine_yield();
    if (line_wanted)
        return ERR_INTERRUPTED;
    if (!line_ready) {
        line_wanted = true;
        int status = line_get();
        line_wanted = false;
        if (status != OK)
            return status;
    }
    size_t count = MIN(length, line_length - line_read);
    memcpy(buffer, line + line_read, count);
    line_read += count;
    line_ready = line_read < line_length;
    return (int64_t)count;
}

static int64_t console_node_write(struct node *node, const void *buffer, size_t length,
                                  uint64_t offset)
{
    (void)node, (void)offset;
    console_write(buffer, length);
    return (int64_t)length;
}

static const struct node_operations null_operations = {
    .read = null_read, .write = null_write, .size = no_size};
static const struct node_operations zero_operations = {
    .read = zero_read, .write = null_write, .size = no_size};
static const struct node_operations full_operations = {
    .read = zero_read, .write = full_write, .size = no_size};
static const struct node_operations random_operations = {
    .read = random_read, .write = random_write, .size = no_size};
static const struct node_operations console_operations = {.read = console_read,
                                                          .write = console_node_write};

bool node_is_console(const struct node *node)
{
    return node->operations == &console_operations;
}

int devices_start(void)
{
    static const struct {
        const char *name;
        const struct node_operations *operations;
    } table[] = {
        {"null", &null_operations},      {"zero", &zero_operations},
        {"full", &full_operations},      {"random", &random_operations},
        {"urandom", &random_operations}, {"console", &console_operations},
    };
    uint64_t now = clock_ns(); /* the least that differs from one start to the next */
    random_seed(&now, sizeof now);
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        struct node *node = node_new(NODE_CHARACTER, table[i].operations, NULL);
        if (!node)
            return ERR_NO_MEMORY;
        int status = fs_add_device(table[i].name, node);
        if (status != OK)
            return status;
    }
    return OK;
}
