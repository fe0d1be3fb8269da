/*
 * What the files of the model share: the command in work, and one function or
 * a few from each file.
 */
#ifndef NVMEVIRT_INTERNAL_H
#define NVMEVIRT_INTERNAL_H

#include "nvmevirt.h"
#include "spec.h"

enum command_state {
    COMMAND_FREE,
    COMMAND_WAITING, /* fetched; executed when `due` has come */
    COMMAND_DONE,    /* executed; waits for room in its completion queue */
    COMMAND_HELD,    /* an Asynchronous Event Request without an event */
    COMMAND_TORN,    /* only the phase tag was posted; the rest follows when `due` has come */
};

struct nvmevirt_command {
    uint32_t dword[16];
    enum command_state state;
    bool conflict; /* its identifier belongs to another command */
    uint16_t sqid;
    uint16_t cid;
    uint8_t opcode;
    uint16_t status;
    uint32_t result;
    uint64_t due;

    uint32_t faults; /* a bit for each nvmevirt_fault_kind */
    uint16_t fault_status;
    uint16_t fault_cid;
    uint16_t fault_sqid;
    uint64_t fault_torn;
    uint64_t torn_bus; /* the entry to complete */
    uint32_t torn_entry[4];
};

struct nvmevirt_ns {
    struct nvmevirt_namespace config;
    bool allocated;
};

enum {
    VECTOR_MASKED = 1,
    VECTOR_PENDING = 2
};

/* Commands beyond those for I/O, so that a hanging queue never blocks the admin queue. */
#define ADMIN_COMMANDS 16

static inline uint32_t nvmevirt_low(uint64_t value)
{
    return (uint32_t)value;
}

static inline uint64_t nvmevirt_dwords(const struct nvmevirt_command *command, unsigned first)
{
    return command->dword[first] | (uint64_t)command->dword[first + 1] << 32;
}

/* CC.MPS as bytes. */
static inline uint32_t nvmevirt_page_size(const struct nvmevirt *controller)
{
    return 4096u << SPEC_GET(SPEC_CC_MPS, controller->cc);
}

static inline uint64_t nvmevirt_now(const struct nvmevirt *controller)
{
    return controller->environment.now_ns(controller->environment.context);
}

/* text.c: printf's %u %llx %s; and text padded with blanks, as Identify wants it. */
__attribute__((format(printf, 2, 3))) void nvmevirt_violation(struct nvmevirt *controller,
                                                              const char *format, ...);
void nvmevirt_pad(uint8_t *field, size_t size, const char *text);

/* registers.c */
void nvmevirt_tick(struct nvmevirt *controller);
bool nvmevirt_running(const struct nvmevirt *controller);

/* queue.c: NULL is a violation that was reported. */
void *nvmevirt_dma(struct nvmevirt *controller, uint64_t bus, size_t length, bool write,
                   const char *what);
void nvmevirt_sq_open(struct nvmevirt *controller, uint16_t qid, struct nvmevirt_sq queue);
void nvmevirt_cq_open(struct nvmevirt *controller, uint16_t qid, struct nvmevirt_cq queue);
void nvmevirt_queues_close(struct nvmevirt *controller);
bool nvmevirt_sq_entry(struct nvmevirt *controller, const struct nvmevirt_sq *queue, uint32_t index,
                       uint64_t *bus);
bool nvmevirt_cq_entry(struct nvmevirt *controller, const struct nvmevirt_cq *queue, uint32_t index,
                       uint64_t *bus);
uint16_t nvmevirt_sq_create(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_cq_create(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_sq_delete(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_cq_delete(struct nvmevirt *controller, const struct nvmevirt_command *command);

/* doorbell.c */
void nvmevirt_doorbell(struct nvmevirt *controller, uint32_t offset, uint32_t value);

/* complete.c: false if the completion queue has no room. */
bool nvmevirt_post(struct nvmevirt *controller, struct nvmevirt_command *command);
void nvmevirt_post_rest(struct nvmevirt *controller, struct nvmevirt_command *command);

/* msix.c */
void nvmevirt_interrupts(struct nvmevirt *controller);
void nvmevirt_msix_reset(struct nvmevirt *controller);

/* rules.c: reports what a command sets that it must not. */
uint16_t nvmevirt_check_command(struct nvmevirt *controller,
                                const struct nvmevirt_command *command);

/* admin.c, identify.c, features.c, logs.c, io.c: the status; *result in command->result. */
uint16_t nvmevirt_admin(struct nvmevirt *controller, struct nvmevirt_command *command);
uint16_t nvmevirt_identify(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_set_features(struct nvmevirt *controller, struct nvmevirt_command *command);
uint16_t nvmevirt_get_features(struct nvmevirt *controller, struct nvmevirt_command *command);
uint16_t nvmevirt_get_log(struct nvmevirt *controller, const struct nvmevirt_command *command);
void nvmevirt_log_error(struct nvmevirt *controller, const struct nvmevirt_command *command);
uint16_t nvmevirt_io(struct nvmevirt *controller, struct nvmevirt_command *command);

/* namespace.c */
const struct nvmevirt_ns *nvmevirt_find(const struct nvmevirt *controller, uint32_t nsid);
uint32_t nvmevirt_highest_nsid(const struct nvmevirt *controller);
bool nvmevirt_namespaces_open(struct nvmevirt *controller);
void nvmevirt_namespaces_close(struct nvmevirt *controller);

/* events.c */
void nvmevirt_events_deliver(struct nvmevirt *controller);
uint16_t nvmevirt_event_hold(struct nvmevirt *controller, struct nvmevirt_command *command);
void nvmevirt_event_unmask(struct nvmevirt *controller, uint8_t log_page);

/* faults.c */
void nvmevirt_apply_faults(struct nvmevirt *controller, struct nvmevirt_command *command);
static inline bool nvmevirt_has_fault(const struct nvmevirt_command *command,
                                      enum nvmevirt_fault_kind kind)
{
    return command->faults >> kind & 1;
}

/* prp.c: a position in the data that a command's PRPs describe. */
struct nvmevirt_walk {
    struct nvmevirt *controller;
    uint64_t prp1;
    uint64_t prp2;
    uint64_t left;      /* bytes from the current page on */
    uint64_t page;      /* bus address of what is left of the current page */
    uint32_t page_left; /* bytes */
    bool started;
    const uint8_t *list; /* the entries still to be used of the current list page */
    uint32_t list_count;
    bool list_chained; /* the last of them points to another list page */
};

enum nvmevirt_direction {
    NVMEVIRT_TO_HOST,
    NVMEVIRT_FROM_HOST,
    NVMEVIRT_COMPARE
};

void nvmevirt_walk_start(struct nvmevirt_walk *walk, struct nvmevirt *controller,
                         const struct nvmevirt_command *command, uint64_t length);

/* The next `length` bytes; `data` NULL stands for zeros. */
uint16_t nvmevirt_walk_move(struct nvmevirt_walk *walk, uint8_t *data, uint64_t length,
                            enum nvmevirt_direction direction);

/* All at once, `length` checked against MDTS. */
uint16_t nvmevirt_send(struct nvmevirt *controller, const struct nvmevirt_command *command,
                       uint8_t *data, uint64_t length);
bool nvmevirt_exceeds_mdts(struct nvmevirt *controller, uint64_t length);

/* Page `index` of `total` that the PRP list at `list` names. */
bool nvmevirt_list_lookup(struct nvmevirt *controller, uint64_t list, uint32_t index,
                          uint32_t total, uint64_t *page);

#endif
