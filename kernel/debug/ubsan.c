/*
 * Undefined behaviour: what the compiler's sanitizer calls, in a debug build,
 * when it meets some. Each function gets a description of the place first, and
 * what else it gets depends on its kind; the first is enough to find it, with a
 * backtrace.
 */
#include <stddef.h>
#include <stdint.h>

#include "kernel/panic.h"

struct place {
    const char *file;
    uint32_t line, column;
};

#define HANDLER(name, words)                                                   \
    _Noreturn void __ubsan_handle_##name(const struct place *place);           \
    void __ubsan_handle_##name(const struct place *place)                      \
    {                                                                          \
        panic("%s:%u:%u: %s", place->file, place->line, place->column, words); \
    }

HANDLER(add_overflow_abort, "an addition overflows")
HANDLER(sub_overflow_abort, "a subtraction overflows")
HANDLER(mul_overflow_abort, "a multiplication overflows")
HANDLER(negate_overflow_abort, "a negation overflows")
HANDLER(divrem_overflow_abort, "a division by 0, or one that overflows")
HANDLER(shift_out_of_bounds_abort, "a shift by more bits than there are, or of a negative number")
HANDLER(out_of_bounds_abort, "an index is beyond its array")
HANDLER(load_invalid_value_abort, "a bool or enum has a value that is none of its own")
HANDLER(pointer_overflow_abort, "a pointer overflows, or is computed from NULL")
HANDLER(nonnull_arg_abort, "NULL for an argument that may not be NULL")
HANDLER(invalid_builtin_abort, "0 for a builtin function that may not be given 0")
HANDLER(builtin_unreachable, "what was said to be unreachable was reached")

struct mismatch {
    struct place place;
    const void *type;
    uint8_t log_alignment;
};

_Noreturn void __ubsan_handle_type_mismatch_v1_abort(const struct mismatch *mismatch,
                                                     uintptr_t pointer);

void __ubsan_handle_type_mismatch_v1_abort(const struct mismatch *mismatch, uintptr_t pointer)
{
    const struct place *place = &mismatch->place;
    panic("%s:%u:%u: access by pointer %016llx, which %s", place->file, place->line, place->column,
          (unsigned long long)pointer,
          !pointer                                              ? "is NULL"
          : pointer % ((uintptr_t)1 << mismatch->log_alignment) ? "is not aligned"
                                                                : "has no room for that type");
}
