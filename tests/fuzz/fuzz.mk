# Fuzzing: every tests/fuzz/fuzz_NAME.c with an LLVMFuzzerTestOneInput() is a
# libFuzzer program of its own over the seams of the unit tests, under address
# and undefined-behaviour sanitizers.
#
#   make fuzz FUZZ_SECONDS=600          all of them, two at a time
#   make fuzz FUZZ_TARGETS=fuzz_prp     one
#   build/fuzz/fuzz_prp FILE            one input again
#
# Inputs that were found interesting are kept in build/fuzz/corpus, those that
# crash in build/fuzz; tests/fuzz/corpus holds a few to begin with.

FUZZ         := $(BUILD)/fuzz
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(basename $(notdir $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_PROGRAMS = $(FUZZ_TARGETS:%=$(FUZZ)/%)
FUZZ_FLAGS   := -std=gnu17 -D_GNU_SOURCE -g -O1 -I. -fno-omit-frame-pointer $(WARNINGS) \
                -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_OBJECTS := $(HOST_SOURCES:%.c=$(FUZZ)/%.o) $(patsubst %,$(FUZZ)/tests/%.o,unit/host_kernel \
                  unit/nvme_host unit/nvme_host_io unit/nvme_script unit/prp_oracle fuzz/host)

$(FUZZ)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  FUZZCC  $<'
	@clang $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

$(FUZZ)/fuzz_%: $(FUZZ)/tests/fuzz/fuzz_%.o $(FUZZ_OBJECTS)
	@echo '  FUZZLD  $@'
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ -lcmocka

.PRECIOUS: $(FUZZ)/%.o
.PHONY: fuzz fuzz-programs fuzz-short fuzz-minimise
fuzz-programs: $(FUZZ_PROGRAMS)

fuzz: fuzz-programs | packages-test ## fuzz each target for FUZZ_SECONDS (60)
	@$(PYTHON) tests/fuzz/fuzz.py long $(FUZZ) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

fuzz-short: fuzz-programs | packages-test ## fuzz each target as make test does, the same way every time
	@$(PYTHON) tests/run.py fuzz $(BUILD)

# A selection of what was found goes into the tree.
fuzz-minimise: fuzz-programs
	@$(PYTHON) tests/fuzz/fuzz.py minimise $(FUZZ) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

-include $(shell find $(FUZZ) -name '*.d' 2>/dev/null)
