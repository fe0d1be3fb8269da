/*
 * The prompt: reads lines with the editor, a command until it is complete, and
 * runs it. Bytes are taken from the console one at a time and only while a
 * line is read, so that what is typed ahead waits there for whoever reads next.
 */
#include "kernel/terminal/terminal.h"

#include "kernel/console.h"
#include "kernel/mem/heap.h"
#include "kernel/shell/shell.h"
#include "kernel/terminal/edit.h"
#include "kernel/x86/clock.h"
#include "lib/number.h"
#include "lib/printf.h"
#include "lib/string.h"

struct session {
    struct shell *shell;
    struct editor editor;
    struct history history;
    struct arena arena;
    struct text text; /* the lines of a command that is not complete */
    char prompt[FS_PATH_MAX + 16];
};

static void put(void *context, const char *bytes, size_t length)
{
    (void)context;
    console_write(bytes, length);
}

/* What the variable COLUMNS says; 0: ask the terminal. */
static size_t columns(struct shell *shell)
{
    const char *text = variable_get(shell, "COLUMNS");
    uint64_t count;
    return text && number_parse(text, 10, &count) == OK && count <= 1000 ? count : 0;
}

static void forget_text(struct session *session)
{
    arena_free(&session->arena);
    session->text = (struct text){.arena = &session->arena};
}

/* Ctrl-C at the prompt drops what was typed; after a command it has done its work. */
static void interrupted(struct session *session)
{
    console_clear_interrupt();
    session->shell->status = STATUS_INTERRUPTED;
    forget_text(session);
}

/* EDIT_MORE after Ctrl-C. */
static enum edit_result read_line(struct session *session)
{
    struct editor *editor = &session->editor;
    const char *prompt = "> ";
    if (!session->text.length) {
        snprintf(session->prompt, sizeof session->prompt, "nvmetal:%s# ", fs_working_directory());
        prompt = session->prompt;
    }
    editor_begin(editor, prompt, columns(session->shell));
    for (;;) {
        int byte = console_get(CLOCK_NEVER);
        if (byte == CONSOLE_CTRL_C) {
            editor_cancel(editor);
            interrupted(session);
            return EDIT_MORE;
        }
        enum edit_result result = byte < 0 ? EDIT_END : editor_take(editor, (unsigned char)byte);
        if (result == EDIT_MORE)
            continue;
        if (result == EDIT_END)
            console_write("\n", 1);
        return result;
    }
}

/* Runs the lines so far if they are a complete command. */
static void run_lines(struct session *session, bool last)
{
    struct shell *shell = session->shell;
    bool unfinished = false;
    if (session->arena.failed)
        shell_no_memory(shell);
    else
        shell_run_source(shell, "sh", session->text.bytes, session->text.length,
                         last ? NULL : &unfinished);
    if (!unfinished)
        forget_text(session);
    if (console_interrupted()) {
        console_write("^C\n", 3);
        interrupted(session);
    }
    if (shell->leaving != LEAVE_SHELL)
        shell->leaving = STAY;
}

static void add_line(struct session *session)
{
    struct editor *editor = &session->editor;
    history_add(&session->history, editor->line);
    for (size_t i = 0; i < editor->length; i++)
        text_add(&session->text, editor->line[i]);
    text_add(&session->text, '\n');
}

static void run_session(struct session *session)
{
    struct shell *shell = session->shell;
    forget_text(session);
    while (shell->leaving == STAY) {
        enum edit_result result = read_line(session);
        if (result == EDIT_END && !session->text.length)
            break;
        if (result == EDIT_DONE)
            add_line(session);
        if (session->text.length || session->arena.failed)
            run_lines(session, result == EDIT_END);
    }
}

int terminal_run(struct shell *shell)
{
    struct session *session = kcalloc(1, sizeof *session);
    if (!session)
        return shell_no_memory(shell);
    session->shell = shell;
    session->editor.put = put;
    session->editor.history = &session->history;
    session->editor.complete = complete;
    shell->interactive = true;
    editor_ask_width(&session->editor);
    run_session(session);
    shell->interactive = false;
    shell->leaving = STAY;
    forget_text(session);
    editor_free(&session->editor);
    history_free(&session->history);
    kfree(session);
    return shell->status;
}
