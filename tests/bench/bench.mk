# The race against Linux, and the counts that tests keep an eye on: see tests/bench/README.md.

BENCH_LINUX    := $(BUILD)/bench/linux

# For make bench and make bench-count:
BENCH        ?=
BENCH_ROUNDS ?= 3
BENCH_TIME   ?= 3
JOB          ?=

.PHONY: bench bench-publish bench-count packages-bench
packages-bench:
	$(call install,measure nvmetal and draw plots,$(BUILD_PACKAGES) $(RUN_PACKAGES) libc6-dev python3-matplotlib)

# The Linux guest, and programs for it.
$(BENCH_LINUX)/vmlinuz: tests/bench/linux.sh tests/bench/init | packages-build
	@sh tests/bench/linux.sh $(@D) system

$(BENCH_LINUX)/%.cpio: tests/bench/linux.sh | packages-build
	@sh tests/bench/linux.sh $(@D) $*

$(BUILD)/bench/count.so: tests/bench/count.c | packages-build
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) -std=gnu17 -O2 $(WARNINGS) -shared -fPIC -o $@ $<

# The device's ceiling: a UEFI application of its own.
$(BUILD)/bench/ceiling.o: tests/bench/ceiling.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(EFI_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/bench/CEILING.EFI: $(BUILD)/bench/ceiling.o
	$(call link-efi,$<)

boot-tests test: $(BUILD)/bench/count.so $(BENCH_LINUX)/vmlinuz $(BENCH_LINUX)/nvme-cli.cpio

BENCH_RUN = NVMETAL_BUILD=$(BUILD) $(PYTHON) tests/bench

bench-count: $(BUILD)/BOOTX64.EFI $(BUILD)/bench/count.so | packages-run ## what a read costs, by function; JOB='dd ... count={ios}'
	@$(BENCH_RUN)/count.py $(if $(JOB),--job '$(JOB)')

bench: $(BUILD)/BOOTX64.EFI $(BUILD)/bench/CEILING.EFI $(BUILD)/bench/count.so $(BENCH_LINUX)/vmlinuz $(BENCH_LINUX)/fio.cpio | packages-run packages-bench ## the race against Linux; BENCH=qd1,qd32 for a part, BENCH_ROUNDS=3
	@$(BENCH_RUN)/bench.py --only '$(BENCH)' --rounds $(BENCH_ROUNDS) --seconds $(BENCH_TIME)

# The plots that the README shows.
bench-publish:
	@mkdir -p tests/bench/plots
	@cp $(addprefix $(BUILD)/bench/plots/,depth.svg size.svg latency-qd32.svg instructions.svg boot.svg) tests/bench/plots/
