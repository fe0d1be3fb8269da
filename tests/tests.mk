# Tests in rings: what needs no machine first, the booted system last.

include tests/unit/unit.mk
include tests/fuzz/fuzz.mk
include tests/port/port.mk
include tests/bench/bench.mk

.PHONY: unit boot-tests debug-iso standalone build-clang coverage mutants lines

# The driver and the software controller compile alone, without any include path: another kernel
# can take either folder as it is.
STANDALONE := $(wildcard drivers/nvme/*.c drivers/nvmevirt/*.c)

standalone: | packages-test
	@for file in $(STANDALONE); do \
	    $(CC) -std=gnu17 $(WARNINGS) -O2 -ffreestanding -nostdinc \
	        -isystem "$$($(CC) -print-file-name=include)" -fsyntax-only $$file || exit 1; done

# Everything, without a warning, by the other compiler as well.
build-clang: | packages-test
	@$(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/clang \
	    $(BUILD)/clang/BOOTX64.EFI $(BUILD)/clang/port/PORTX64.EFI

unit-programs fuzz-programs: | packages-test

unit: unit-programs standalone ## unit tests alone: on the host, under sanitizers
	@$(PYTHON) tests/run.py unit $(BUILD)

boot-tests: iso | packages-test ## boot tests alone: the real image in QEMU
	@$(PYTHON) tests/run.py $(if $(DEBUG),debug,boot) $(BUILD)

# The kernel that looks for its own mistakes; some of the boot tests have it as well.
debug-iso:
	@$(MAKE) --no-print-directory DEBUG=1 iso

test: iso debug-iso build-clang standalone unit-programs fuzz-programs ## every test; ends with "N passed, N failed"
	@$(PYTHON) tests/run.py all $(BUILD)

# ---- How good are the tests? ---------------------------------------------------------------------

COVERAGE_PROGRAMS := $(patsubst tests/unit/%.c,$(BUILD)/coverage/%,$(wildcard tests/unit/test_nvme_*.c))

coverage: | packages-test ## how much of the driver the unit tests reach, by file
	@$(MAKE) --no-print-directory -s -f tests/unit/solo.mk UNIT=$(BUILD)/coverage HOST_CC=gcc \
	    HOST_FLAGS='-std=gnu17 -D_GNU_SOURCE -g -O0 -I. --coverage' \
	    $(COVERAGE_PROGRAMS)
	@$(PYTHON) tests/coverage.py $(BUILD)/coverage 95 85

mutants: | packages-test ## break the driver one line at a time: a unit test has to notice
	@$(PYTHON) tests/mutants.py $(BUILD)

lines: ## how many lines there are, by room
	@sh tests/lines.sh

# ---- Lint ---------------------------------------------------------------------------------------

LINT_KERNEL := $(KERNEL_SOURCES:%.S=) $(wildcard drivers/nvmevirt/*.c kernel/debug/*.c)
# It takes linker symbols for unrelated objects, does not know that panic() never returns, and
# cannot parse one of our macros; and it counts the last place of a buffer as one behind it.
CPPCHECK_SUPPRESS := missingIncludeSystem comparePointers zerodivcond internalAstError \
                     ctuPointerArith

LINT_JOBS   := xargs -P 2 -n 6

lint: | packages-lint ## layout, clang-tidy, cppcheck; do the mutants still apply
	@sh -n tests/lines.sh
	@clang-format --dry-run --Werror $(SOURCES)
	@echo $(filter %.c,$(LINT_KERNEL)) | $(LINT_JOBS) sh -c 'clang-tidy --quiet "$$@" -- \
	    -std=gnu17 -I. -ffreestanding -mgeneral-regs-only 2>&1 | \
	    grep -v "warnings generated" | (! grep .)' lint
	@cppcheck --quiet --std=c11 --enable=warning,portability --error-exitcode=1 \
	    $(addprefix --suppress=,$(CPPCHECK_SUPPRESS)) -I. boot kernel drivers lib
	@$(PYTHON) tests/mutants.py --check
	@sh -n tests/install.sh tests/run-qemu.sh tests/bench/linux.sh boot/pack.sh
	@echo 'lint: nothing found'
