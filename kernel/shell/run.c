/*
 * The syntax tree at work. There are no processes: a command is a function,
 * `( )` and each stage of a pipeline run in a shell that is a copy; stages take
 * turns when a pipe is full or empty. After every step `leaving` tells whether
 * to go on.
 */
#include "kernel/console.h"
#include "kernel/shell/shell.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/coroutine.h"
#include "lib/pattern.h"
#include "lib/string.h"

int shell_run_within(struct shell *shell, struct tree *tree, struct file *out, unsigned conditions)
{
    struct shell *within = shell_enter(shell, shell->file[0], out, true);
    if (!within)
        return shell_no_memory(shell);
    within->conditions = conditions;
    shell_run(within, tree);
    return shell_leave(within);
}

static int open_redirection(struct shell *shell, const char *operation, const char *target,
                            struct file **file)
{
    unsigned flags = O_READ;
    if (operation[1] == '&' && !strcmp(target, "-"))
        return file_open("/dev/null", O_READ | O_WRITE, file);
    if (operation[1] == '&') {
        if (target[0] < '0' || target[0] > '2' || target[1])
            return ERR_BAD_FILE;
        *file = file_share(shell->file[target[0] - '0']);
        return OK;
    }
    if (!strncmp(operation, "<<", 2))
        return file_holding(target, strlen(target), file); /* a here-document */
    if (operation[1] == '>')
        flags = operation[0] == '<' ? O_READ | O_WRITE | O_CREATE : O_WRITE | O_CREATE | O_APPEND;
    else if (operation[0] == '>')
        flags = O_WRITE | O_CREATE | O_TRUNCATE;
    return file_open(target, flags, file);
}

/* Exchanges the shell's files until undo(); after an error, which is reported, nothing has
 * changed. */
static bool redirect(struct shell *shell, struct word *redirection, struct file *saved[3])
{
    for (int i = 0; i < 3; i++) {
        saved[i] = shell->file[i];
        file_share(saved[i]);
    }
    struct arena arena = {0};
    int status = OK;
    for (; redirection && status == OK; redirection = redirection->next) {
        struct file *file;
        char *target = expand_text(shell, &arena, redirection->parts);
        status = target ? ERR_BAD_FILE : ERR_NO_MEMORY;
        if (target && redirection->descriptor <= 2)
            status = open_redirection(shell, redirection->operation, target, &file);
        if (status == OK) {
            file_close(shell->file[redirection->descriptor]);
            shell->file[redirection->descriptor] = file;
        } else if (target) {
            bool here = !strncmp(redirection->operation, "<<", 2);
            shell_say(shell, "cannot open %.100s: %s", here ? "<<" : target, status_text(status));
        }
    }
    arena_free(&arena);
    return status == OK;
}

static void undo(struct shell *shell, struct file *saved[3])
{
    for (int i = 0; i < 3; i++) {
        file_close(shell->file[i]);
        shell->file[i] = saved[i];
    }
}

int shell_run_command(struct shell *shell, int argc, char **argv)
{
    if (strchr(argv[0], '/'))
        return shell_run_script(shell, argc, argv);
    const struct command *command = command_find(argv[0]);
    if (!command) {
        shell_say(shell, "%s: not found", argv[0]);
        return STATUS_NOT_FOUND;
    }
    struct invocation invocation = {.command = command,
                                    .argc = argc,
                                    .argv = argv,
                                    .in = shell->file[0],
                                    .out = shell->file[1],
                                    .error = shell->file[2],
                                    .shell = shell};
    return command_run(&invocation);
}

static void trace(struct shell *shell, int count, const char *const *words, const char *separator)
{
    const char *before = "+ ";
    for (int i = 0; i < count; i++, before = separator) {
        file_write(shell->file[2], before, strlen(before));
        file_write(shell->file[2], words[i], strlen(words[i]));
    }
    file_write(shell->file[2], "\n", 1);
}

/* `here`: for one command only. */
static bool assign_all(struct shell *shell, struct arena *arena, const struct word *word, bool here)
{
    for (; word; word = word->next) {
        char *value = expand_text(shell, arena, word->parts);
        if (!value || !(here ? variable_set_here : variable_set)(shell, word->name, value))
            return false;
        if (shell->trace)
            trace(shell, 2, (const char *[]){word->name, value}, "=");
    }
    return true;
}

static int run_simple(struct shell *shell, struct tree *tree)
{
    struct arena arena = {0};
    struct file *saved[3];
    int argc, status = 0;
    shell->substituted = 0;
    char **argv = expand_fields(shell, &arena, tree->words, &argc);
    if (argv) {
        if (argc && shell->trace)
            trace(shell, argc, (const char *const *)argv, " ");
        const struct command *command = argc ? command_find(argv[0]) : NULL;
        bool special = command && command->special;
        if (!redirect(shell, tree->redirections, saved))
            status = special && shell->leaving == STAY ? shell_stop(shell, 2) : 2;
        else if (assign_all(shell, &arena, tree->assignments, argc && !special))
            status = argc ? shell_run_command(shell, argc, argv) : shell->substituted;
        undo(shell, saved);
        variables_end_scope(shell);
    }
    arena_free(&arena);
    return status;
}

/* A failure that somebody looks at does not end the script under `set -e`. */
static int run_condition(struct shell *shell, struct tree *tree)
{
    shell->conditions++;
    int status = shell_run(shell, tree);
    shell->conditions--;
    return status;
}

/* One after the other, unless && or || leaves it out; the status is that of the last which ran. */
static int run_list(struct shell *shell, struct tree *tree)
{
    int status = 0;
    for (tree = tree->body; tree && shell->leaving == STAY; tree = tree->next)
        if (!tree->connector || (tree->connector == '|') == (status != 0))
            status = tree->next && tree->next->connector ? run_condition(shell, tree)
                                                         : shell_run(shell, tree);
    return status;
}

/* A stage of a pipeline. Its shell goes at its end, so that its neighbours see the pipes closed. */
struct stage {
    struct stage *next;
    struct shell *shell;
    struct tree *tree;
    struct coroutine *coroutine;
    int status;
};

static void run_stage(void *argument)
{
    struct stage *stage = argument;
    shell_return(stage->shell);
    shell_run(stage->shell, stage->tree);
    stage->status = shell_leave(stage->shell);
}

static int run_stages(struct shell *shell, struct tree *tree)
{
    struct arena arena = {0};
    struct stage *stages = NULL, **link = &stages, *stage;
    struct file *in = file_share(shell->file[0]);
    int status = 0;
    for (; tree; tree = tree->next, link = &stage->next) {
        struct file *ends[2] = {NULL, NULL};
        stage = arena_get(&arena, sizeof *stage);
        if (!stage || (tree->next && fs_pipe(ends) != OK))
            break;
        stage->tree = tree;
        stage->shell = shell_enter(shell, in, tree->next ? ends[1] : shell->file[1], true);
        if (stage->shell)
            stage->coroutine = coroutine_start(run_stage, stage);
        file_close(ends[1]);
        file_close(in);
        in = ends[0];
        if (!stage->coroutine) {
            shell_free(stage->shell);
            break;
        }
        *link = stage;
    }
    file_close(in);
    for (stage = stages; stage; stage = stage->next) {
        coroutine_finish(stage->coroutine);
        status = stage->status;
    }
    arena_free(&arena);
    return tree ? shell_no_memory(shell) : status;
}

static int run_pipeline(struct shell *shell, struct tree *tree)
{
    uint64_t start = clock_ns();
    shell->conditions += tree->negated;
    int status = tree->body->next ? run_stages(shell, tree->body) : shell_run(shell, tree->body);
    shell->conditions -= tree->negated;
    if (tree->timed)
        shell_print_time(shell, clock_ns() - start);
    return tree->negated && shell->leaving == STAY ? !status : status;
}

static int run_if(struct shell *shell, struct tree *tree)
{
    while (tree && tree->kind == TREE_IF) {
        int status = run_condition(shell, tree->condition);
        if (shell->leaving != STAY)
            return status;
        if (!status)
            return shell_run(shell, tree->body);
        tree = tree->otherwise;
    }
    return tree ? shell_run(shell, tree) : 0;
}

/* In front of every round of a loop: was the last one its end? */
static bool loop_ends(struct shell *shell)
{
    if (shell->leaving != LEAVE_BREAK && shell->leaving != LEAVE_CONTINUE)
        return shell->leaving != STAY;
    if (--shell->levels)
        return true;
    bool ends = shell->leaving == LEAVE_BREAK;
    shell->leaving = STAY;
    return ends;
}

static int run_loop(struct shell *shell, struct tree *tree)
{
    struct arena arena = {0};
    bool is_for = tree->kind == TREE_FOR;
    int count = 0, status = 0;
    char **items = is_for ? expand_fields(shell, &arena, tree->words, &count) : NULL;
    shell->loops++;
    for (int i = 0; !loop_ends(shell); i++) {
        bool goes_on = is_for
                           ? i < count && variable_set(shell, tree->name, items[i])
                           : !run_condition(shell, tree->condition) == (tree->kind == TREE_WHILE);
        if (shell->leaving == STAY && !goes_on)
            break;
        if (shell->leaving == STAY)
            status = shell_run(shell, tree->body);
    }
    shell->loops--;
    arena_free(&arena);
    return status;
}

static int run_case(struct shell *shell, struct tree *tree)
{
    struct arena arena = {0};
    struct tree *chosen = NULL;
    char *subject = expand_text(shell, &arena, tree->words->parts), *pattern;
    for (struct tree *arm = tree->body; arm && !chosen; arm = arm->next)
        for (struct word *word = arm->words; word && subject && !chosen; word = word->next) {
            pattern = expand_pattern(shell, &arena, word->parts);
            if (!pattern)
                subject = NULL;
            else if (pattern_match(pattern, pattern + strlen(pattern), subject, strlen(subject)))
                chosen = arm;
        }
    arena_free(&arena);
    return chosen && chosen->body ? shell_run(shell, chosen->body) : 0;
}

static int run_subshell(struct shell *shell, struct tree *tree)
{
    return shell_run_within(shell, tree->body, shell->file[1], shell->conditions);
}

static int (*const run_kind[])(struct shell *shell, struct tree *tree) = {
    [TREE_SIMPLE] = run_simple,     [TREE_LIST] = run_list, [TREE_PIPELINE] = run_pipeline,
    [TREE_SUBSHELL] = run_subshell, [TREE_IF] = run_if,     [TREE_WHILE] = run_loop,
    [TREE_UNTIL] = run_loop,        [TREE_FOR] = run_loop,  [TREE_CASE] = run_case};

int shell_run(struct shell *shell, struct tree *tree)
{
    if (console_interrupted() || file_is_broken(shell->file[1]))
        return shell_stop(shell, console_interrupted() ? STATUS_INTERRUPTED : STATUS_BROKEN_PIPE);
    if (shell->depth >= 2 * SHELL_DEPTH)
        return shell_fail(shell, 2, "nested too deeply");
    struct file *saved[3];
    bool redirected = tree->redirections && tree->kind != TREE_SIMPLE;
    shell->line = tree->line;
    shell->depth++;
    bool good = !redirected || redirect(shell, tree->redirections, saved);
    int status = good ? run_kind[tree->kind](shell, tree) : 2;
    if (redirected)
        undo(shell, saved);
    shell->depth--;
    bool checked = !good || tree->kind == TREE_SIMPLE || tree->kind == TREE_SUBSHELL ||
                   (tree->kind == TREE_PIPELINE && !tree->negated);
    if (shell->leaving != STAY)
        return shell->status;
    if (status && checked && shell->exit_on_error && !shell->conditions)
        shell->leaving = LEAVE_SHELL;
    return shell->status = status;
}
