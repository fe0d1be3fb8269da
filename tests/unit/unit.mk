# Unit tests: every tests/unit/test_*.c is a cmocka program of its own, linked
# with all rooms that run on a host, under address and undefined-behaviour
# sanitizers. host_kernel.c stands in for the rooms that do not.
#
#   make unit                 build and run them all
#   make build/unit/test_dd   build one

UNIT      := $(BUILD)/unit
HOST_CC   ?= gcc
HOST_FLAGS := -std=gnu17 -D_GNU_SOURCE -g -O1 -I. -fno-omit-frame-pointer -fsanitize=address,undefined \
              -fno-sanitize-recover=undefined $(WARNINGS)

# Commands that show the machine itself have nothing to show on a host; of `nvme`, only what
# prints runs there.
HOST_SKIP := $(addprefix kernel/shell/commands/,dmesg.c free.c lscpu.c lspci.c poweroff.c \
               reboot.c)
HOST_SOURCES := $(filter-out $(HOST_SKIP) lib/string.c lib/printf.c,$(wildcard lib/*.c kernel/terminal/*.c kernel/mem/arena.c kernel/x86/coroutine.c \
                  kernel/fs/*.c kernel/block/*.c kernel/command/*.c kernel/shell/*.c kernel/shell/commands/*.c kernel/shell/commands/fio/*.c \
                  $(addprefix kernel/shell/commands/nvme/,controller.c feature_table.c fields.c logs.c \
                    namespace.c opcodes.c registers.c report.c values.c zones.c) \
                  kernel/acpi/madt.c drivers/nvme/*.c drivers/nvmevirt/*.c))
HOST_OBJECTS := $(HOST_SOURCES:%.c=$(UNIT)/%.o) $(UNIT)/tests/unit/host_kernel.o

# What tests share, and the shell as a program of the host does not.
RIG_OBJECTS := $(patsubst %.c,$(UNIT)/%.o,$(filter-out tests/unit/test_%.c \
                 tests/unit/host_%.c,$(wildcard tests/unit/*.c)))

# lib/string.c and lib/printf.c under names of their own, to stand beside the host's libc.
RENAMED := $(UNIT)/lib_string.o $(UNIT)/lib_printf.o

UNIT_PROGRAMS := $(patsubst tests/unit/%.c,$(UNIT)/%,$(wildcard tests/unit/test_*.c))

$(UNIT)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  HOSTCC  $<'
	@$(HOST_CC) $(HOST_FLAGS) -MMD -MP -c -o $@ $<

$(UNIT)/lib_%.o: lib/%.c tests/unit/rename.h
	@mkdir -p $(@D)
	@$(HOST_CC) $(HOST_FLAGS) -fno-builtin -MMD -MP -include tests/unit/rename.h -c -o $@ $<

$(UNIT)/test_%: $(UNIT)/tests/unit/test_%.o $(HOST_OBJECTS) $(RIG_OBJECTS) $(RENAMED)
	@echo '  HOSTLD  $@'
	@$(HOST_CC) $(HOST_FLAGS) -o $@ $^ -lcmocka -lm

$(UNIT)/test_pci: $(patsubst %,$(UNIT)/drivers/pci/%.o,pci msix)

# The shell and its commands as a program of the host, for comparison with dash and coreutils.
$(UNIT)/host-shell: $(UNIT)/tests/unit/host_shell.o $(HOST_OBJECTS)
	@echo '  HOSTLD  $@'
	@$(HOST_CC) $(HOST_FLAGS) -o $@ $^

.PRECIOUS: $(UNIT)/%.o
.SECONDARY: $(RENAMED)
.PHONY: unit-programs
unit-programs: $(UNIT_PROGRAMS) $(UNIT)/host-shell

-include $(shell find $(UNIT) -name '*.d' 2>/dev/null)

# One test program with one file of it broken: see tests/mutants.py.
.PHONY: mutant
mutant:
	@$(HOST_CC) $(HOST_FLAGS) -w -I$(dir $(MUTANT_FILE)) \
	    -c -o $(MUTANT)/broken.o $(MUTANT)/$(MUTANT_FILE)
	@$(HOST_CC) $(HOST_FLAGS) -o $(MUTANT)/$(MUTANT_TEST) $(MUTANT)/broken.o \
	    $(UNIT)/tests/unit/$(MUTANT_TEST).o \
	    $(filter-out $(UNIT)/$(MUTANT_FILE:.c=.o),$(HOST_OBJECTS)) $(RIG_OBJECTS) $(RENAMED) -lcmocka -lm
