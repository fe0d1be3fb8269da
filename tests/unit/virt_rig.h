/*
 * A test rig around the software controller: memory behind bus addresses with
 * gaps between what was granted, a clock that is set by hand, and the rawest of
 * drivers, which does nothing on its own and can break every rule. Its numbers
 * are the specification's; they come from no driver and not from the model.
 */
#ifndef TESTS_UNIT_VIRT_RIG_H
#define TESTS_UNIT_VIRT_RIG_H

#include "drivers/nvmevirt/nvmevirt.h"

#define MS 1000000ull

enum {
    R_CAP = 0,
    R_VS = 8,
    R_INTMS = 0xC,
    R_INTMC = 0x10,
    R_CC = 0x14,
    R_CSTS = 0x1C
};
enum {
    R_AQA = 0x24,
    R_ASQ = 0x28,
    R_ACQ = 0x30,
    R_DOORBELL = 0x1000
};

/* EN, IOSQES 6, IOCQES 4, all else 0: 4 KiB pages, NVM command set, round robin. */
#define CC_GOOD 0x00460001u

/* I/O commands, and a bit of their status: do not retry. */
enum {
    FLUSH = 0,
    WRITE = 1,
    READ = 2,
    UNCORRECTABLE = 4,
    COMPARE = 5,
    ZEROES = 8,
    DATASET = 9,
    VERIFY = 12,
    COPY = 0x19
};
#define DNR 0x4000

enum {
    RIG_PAGE = 4096,
    RIG_GRANTS = 256,
    RIG_QUEUES = 8,
    RIG_VECTORS = 16
};

struct rig_sqe {
    uint32_t dword[16];
};

struct rig_cqe {
    uint32_t result;
    uint32_t dword1;
    uint16_t sq_head;
    uint16_t sqid;
    uint16_t cid;
    uint16_t status; /* 15 bits, the phase tag is gone */
};

struct rig_queue {
    uint64_t sq, cq; /* bus addresses */
    uint32_t sq_size, cq_size;
    uint32_t tail, head, phase;
};

struct rig {
    struct nvmevirt virt;
    uint64_t now;
    uint8_t *memory;
    uint64_t next_bus;
    struct {
        uint64_t bus, length;
        bool readable, writable;
    } grants[RIG_GRANTS];
    unsigned grant_count;

    unsigned violations, expected;
    char text[200]; /* of the last violation */
    unsigned interrupts[RIG_VECTORS];
    long allocations, allocations_left; /* live; until one fails, -1: never */

    /* Every access to data is noted, for tests of PRPs. */
    uint64_t accesses[4096];
    unsigned access_count;

    struct rig_queue queues[RIG_QUEUES];
    uint16_t next_cid;
};

struct nvmevirt_config rig_config(void);     /* defaults with one namespace of 2048 blocks of 512 */
struct nvmevirt_config rig_everything(void); /* all there is; 512 or 4096 bytes a block */
struct rig *rig_new(const struct nvmevirt_config *config);
void rig_free(struct rig *rig); /* fails if there was a violation that was not expected */
struct rig *rig_ready(const struct nvmevirt_config *config); /* enabled, vectors unmasked */
struct rig *rig_io(const struct nvmevirt_config *config);    /* and queue pair 1 of 16 entries */

struct nvmevirt_environment rig_environment(struct rig *rig);

/* Zeroed memory at a bus address above 4 GiB, page aligned, with a gap after it. */
uint64_t rig_alloc(struct rig *rig, uint64_t length);
void rig_protect(struct rig *rig, uint64_t bus, bool readable, bool writable);
void *rig_at(struct rig *rig, uint64_t bus);

/* The last violations: `count` since the last call, the latest has `text` in it. */
void rig_expect(struct rig *rig, unsigned count, const char *text);

uint32_t rig_read(struct rig *rig, uint32_t offset);
void rig_write(struct rig *rig, uint32_t offset, uint32_t value);
void rig_admin_queue(struct rig *rig, uint32_t sq_size, uint32_t cq_size); /* AQA, ASQ, ACQ */
bool rig_wait_ready(struct rig *rig, uint32_t ready); /* until CAP.TO, or CFS */
void rig_enable(struct rig *rig);
void rig_disable(struct rig *rig);

uint32_t rig_sq_doorbell(struct rig *rig, uint16_t qid);
uint32_t rig_cq_doorbell(struct rig *rig, uint16_t qid);

/* A command: opcode in dword 0, PRPs, dwords 10 to 12; its identifier is given by rig_put(). */
struct rig_sqe rig_command(uint8_t opcode, uint32_t nsid, uint64_t prp1, uint64_t prp2,
                           uint32_t dw10, uint32_t dw11, uint32_t dw12);
uint16_t rig_put(struct rig *rig, uint16_t qid, struct rig_sqe sqe); /* no doorbell yet */
void rig_put_as(struct rig *rig, uint16_t qid, struct rig_sqe sqe, uint16_t cid);
void rig_ring(struct rig *rig, uint16_t qid);
bool rig_look(struct rig *rig, uint16_t qid, struct rig_cqe *cqe); /* consumes, rings nothing */
void rig_consumed(struct rig *rig, uint16_t qid);
bool rig_reap(struct rig *rig, uint16_t qid, struct rig_cqe *cqe); /* both */

/* One command from beginning to end; it must be the next to complete. */
struct rig_cqe rig_run(struct rig *rig, uint16_t qid, struct rig_sqe sqe);
uint16_t rig_status(struct rig *rig, uint16_t qid, struct rig_sqe sqe);

/* Create pair `qid`; the status of the first that fails. */
uint16_t rig_create(struct rig *rig, uint16_t qid, uint32_t sq_size, uint32_t cq_size);

/* The same with the SGL descriptor `address`, `length`, `type` (its identifier) instead of PRPs. */
struct rig_sqe rig_sgl(struct rig_sqe sqe, uint64_t address, uint32_t length, uint8_t type);

/* Read (2), write (1) or compare (5) of a whole number of blocks through one page. */
struct rig_sqe rig_rw(uint8_t opcode, uint64_t lba, uint32_t blocks, uint64_t prp1, uint64_t prp2);

#endif
