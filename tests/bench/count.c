/*
 * A plugin of QEMU's translator (plugin API 1, QEMU 4.2 and later) that counts
 * the guest's instructions by address. It is loaded as
 *
 *     -plugin count.so,fd=N,out=FILE
 *
 * and whenever a byte is written to the other end of socket N, writes to FILE
 * what was executed until then, a line "address instructions" for every block
 * of code, in hexadecimal; then it sends the byte back. The guest
 * knows nothing of it. One virtual processor: the counters have no lock.
 *
 * Debian's QEMU comes without qemu-plugin.h, so that the few functions that are
 * used are declared here.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum {
    QEMU_PLUGIN_INLINE_ADD_U64
};
typedef void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated *callback);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int operation,
                                              void *counter, uint64_t addend);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation,
                                                void *counter, uint64_t addend);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);

extern int qemu_plugin_version;
int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count, char **arguments);

#define BUCKETS 65536u

/* By address, newest first. Code is translated again and again, and goes on with its count; a
 * block is never forgotten. */
static struct block {
    struct block *next;
    uint64_t address, instructions;
} * blocks[BUCKETS];

static const char *out;
static int control = -1;

static struct block *block_at(uint64_t address)
{
    struct block **bucket = &blocks[(address ^ address >> 16) % BUCKETS];
    for (struct block *b = *bucket; b; b = b->next)
        if (b->address == address)
            return b;
    struct block *block = calloc(1, sizeof *block);
    if (!block)
        abort();
    *block = (struct block){.next = *bucket, .address = address};
    __atomic_store_n(bucket, block, __ATOMIC_RELEASE);
    return block;
}

/* The last instruction counts by itself: where it reaches into the next page it is among those of
 * the block, but is left to the next block. */
static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    struct block *block = block_at(qemu_plugin_tb_vaddr(tb));
    size_t last = qemu_plugin_tb_n_insns(tb) - 1;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &block->instructions,
                                             last);
    qemu_plugin_register_vcpu_insn_exec_inline(qemu_plugin_tb_get_insn(tb, last),
                                               QEMU_PLUGIN_INLINE_ADD_U64, &block->instructions, 1);
}

static void write_counts(void)
{
    FILE *file = fopen(out, "w");
    if (!file)
        abort();
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct block *b = __atomic_load_n(&blocks[i], __ATOMIC_ACQUIRE); b; b = b->next)
            if (b->instructions)
                fprintf(file, "%" PRIx64 " %" PRIx64 "\n", b->address, b->instructions);
    if (fclose(file))
        abort();
}

static void *serve(void *unused)
{
    char byte;
    while (read(control, &byte, 1) == 1) {
        write_counts();
        if (write(control, &byte, 1) != 1)
            break;
    }
    return unused;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++) {
        if (strncmp(arguments[i], "fd=", 3) == 0)
            control = atoi(arguments[i] + 3);
        else if (strncmp(arguments[i], "out=", 4) == 0)
            out = strdup(arguments[i] + 4);
    }
    pthread_t thread;
    if (control < 0 || !out || pthread_create(&thread, NULL, serve, NULL)) {
        fprintf(stderr, "count.so: wants fd=N,out=FILE\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    return 0;
}
