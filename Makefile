# nvmetal: `make help` lists what can be made. What is built lands under build/.

CC      := gcc
OBJCOPY := objcopy
DEBUG   ?=
BUILD   := build$(if $(DEBUG),/debug)
PYTHON  := /usr/bin/python3

# For make run and make debug:
DISK    ?= $(BUILD)/disk.img
SMP     ?= 1
MEM     ?= 512M
NVME    ?=
MACHINE ?= q35
ACCEL   ?= tcg
QEMU    ?= qemu-system-x86_64
CMDLINE ?=
override CMDLINE := $(value CMDLINE)# as it was typed: a $ is the shell's of the guest
OVMF    ?= /usr/share/ovmf/OVMF.fd

DISK_SIZE := 64M

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Werror

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

.PHONY: all iso run test debug format lint clean help
all: iso ## build everything (the same as iso)
iso: $(BUILD)/nvmetal.iso ## build/nvmetal.iso: boots from CD, USB stick or disk

# ---- Packages ---------------------------------------------------------------------------------

BUILD_PACKAGES := gcc binutils libc6-dev gnu-efi mtools xorriso cpio
RUN_PACKAGES   := qemu-system-x86 ovmf
TEST_PACKAGES  := clang libclang-rt-14-dev libcmocka-dev libnvme-dev python3-pytest python3-pexpect \
                  xxd bsdextrautils diffutils fio tmux dash nbdkit qemu-utils
LINT_PACKAGES  := clang-format clang-tidy cppcheck

# Says what it installs and why, and is silent when nothing is missing.
define install
@sh tests/install.sh "$(1)" $(2)
endef

.PHONY: packages-build packages-run packages-test packages-lint
packages-build:
	$(call install,build nvmetal,$(BUILD_PACKAGES))
packages-run:
	$(call install,boot nvmetal in a virtual machine,$(RUN_PACKAGES))
packages-test:
	$(call install,test nvmetal,$(BUILD_PACKAGES) $(RUN_PACKAGES) $(TEST_PACKAGES))
packages-lint:
	$(call install,check nvmetal's sources,$(BUILD_PACKAGES) $(LINT_PACKAGES))

# ---- Kernel -----------------------------------------------------------------------------------

KERNEL_FLAGS := -std=gnu17 -O2 -g -I. $(WARNINGS) -ffreestanding -fno-pic -fno-pie -mcmodel=kernel \
                -mno-red-zone -mgeneral-regs-only -fno-omit-frame-pointer \
                -fstack-protector-strong -mstack-protector-guard=global \
                -fstack-clash-protection -fno-asynchronous-unwind-tables -fno-strict-aliasing

# With DEBUG=1: undefined behaviour ends in a panic, and so does wrong use of the heap.
ifneq ($(DEBUG),)
KERNEL_FLAGS += -DDEBUG -fsanitize=undefined -fno-sanitize-recover=undefined
endif

KERNEL_SOURCES := $(wildcard kernel/*.c kernel/*/*.c kernel/*/*.S kernel/shell/commands/*.c \
                    kernel/shell/commands/nvme/*.c kernel/shell/commands/fio/*.c drivers/pci/*.c drivers/serial/*.c \
                    drivers/nvme/*.c lib/*.c)
KERNEL_SOURCES := $(filter-out $(if $(DEBUG),kernel/mem/heap.c,kernel/debug/%),$(KERNEL_SOURCES))
KERNEL_OBJECTS := $(addprefix $(BUILD)/kernel/,$(addsuffix .o,$(KERNEL_SOURCES)))

$(BUILD)/kernel/%.c.o: %.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(KERNEL_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/kernel/%.S.o: %.S Makefile | packages-build
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(KERNEL_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/kernel.elf: $(KERNEL_OBJECTS) linker.ld
	@echo '  LD      $@'
	@ld -nostdlib -static -z max-page-size=4096 -z noexecstack --build-id=none \
	    -T linker.ld -o $@ $(KERNEL_OBJECTS)

# ---- Loader: BOOTX64.EFI, with kernel, initial files and command line as sections of it -------

EFI_FLAGS := -std=gnu17 -O2 -g -I. -isystem /usr/include/efi -isystem /usr/include/efi/x86_64 \
             $(WARNINGS) -DGNU_EFI_USE_MS_ABI -ffreestanding -fpic -fshort-wchar -mno-red-zone \
             -fno-stack-protector -fno-strict-aliasing -mgeneral-regs-only
EFI_LIBRARY := /usr/lib

LOADER_OBJECTS := $(patsubst %,$(BUILD)/%.o,$(wildcard boot/*.c))

$(BUILD)/boot/%.c.o: boot/%.c Makefile | packages-build
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(EFI_FLAGS) -MMD -MP -c -o $@ $<

# GNU-EFI's way: a shared object from $(1), turned into a PE image.
define link-efi
@echo '  LD      $@'
@ld -nostdlib -shared -Bsymbolic -z defs -z noexecstack -T $(EFI_LIBRARY)/elf_x86_64_efi.lds \
    -o $@.so $(EFI_LIBRARY)/crt0-efi-x86_64.o $(1) -L$(EFI_LIBRARY) -lgnuefi -lefi
@$(OBJCOPY) -j .text -j .sdata -j .data -j .dynamic -j .rodata -j .rel -j .rela -j .rel.* \
    -j .rela.* -j .reloc --target efi-app-x86_64 $@.so $@
endef

$(BUILD)/loader.efi: $(LOADER_OBJECTS)
	$(call link-efi,$(LOADER_OBJECTS))

# The kernel goes in without debugging data, but with its symbols, for backtraces.
$(BUILD)/kernel.bin: $(BUILD)/kernel.elf
	@$(OBJCOPY) --strip-debug $< $@

$(BUILD)/initrd.cpio: $(wildcard tests/guest/*) | packages-build
	@mkdir -p $(@D)
	@cd tests/guest && ls | LC_ALL=C sort | cpio -o -H newc --reproducible -R 0:0 --quiet > $(abspath $@)

$(BUILD)/cmdline: boot/cmdline.txt | packages-build
	@mkdir -p $(@D)
	@(grep -v '^#' $<; echo) | tr '\n' ' ' > $@

$(BUILD)/BOOTX64.EFI: boot/pack.sh $(BUILD)/loader.efi $(BUILD)/kernel.bin $(BUILD)/initrd.cpio \
                      $(BUILD)/cmdline
	@echo '  PACK    $@'
	@sh boot/pack.sh $@ $(filter-out $<,$^)

# ---- ISO: El Torito EFI image, and a partition table so that it boots from a USB stick too -----

$(BUILD)/efi.img: $(BUILD)/BOOTX64.EFI
	@rm -f $@
	@truncate -s $$(( ($$(stat -c %s $<) / 1024 + 512) / 32 * 32 ))K $@
	@mformat -i $@ -v NVMETAL ::
	@mmd -i $@ ::/EFI ::/EFI/BOOT
	@mcopy -i $@ $< ::/EFI/BOOT/BOOTX64.EFI

$(BUILD)/nvmetal.iso: $(BUILD)/efi.img
	@echo '  ISO     $@'
	@rm -rf $(BUILD)/iso
	@mkdir -p $(BUILD)/iso/EFI/BOOT
	@cp $(BUILD)/BOOTX64.EFI $(BUILD)/iso/EFI/BOOT/
	@xorriso -report_about WARNING -as mkisofs -quiet -V NVMETAL -R -J -o $@ \
	    -append_partition 2 0xef $< -appended_part_as_gpt \
	    -e --interval:appended_partition_2:all:: -no-emul-boot $(BUILD)/iso

# ---- Run --------------------------------------------------------------------------------------

RUN := sh tests/run-qemu.sh
export DISK SMP MEM NVME MACHINE ACCEL QEMU CMDLINE OVMF BUILD DISK_SIZE

run: iso | packages-run ## boot in QEMU, to the prompt; Ctrl-A X leaves
	@$(RUN)

debug: iso | packages-run ## the same, stopped at the kernel's first instruction for gdb
	@$(RUN) debug

# ---- Tests and checks -------------------------------------------------------------------------

include tests/tests.mk

SOURCES := $(shell find boot kernel drivers lib tests -name '*.[ch]')

format: | packages-lint ## lay out all sources with clang-format
	clang-format -i $(SOURCES)

clean: ## remove build/, the disk in it included
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | \
	    awk -F'|' '{printf "  make %-13s %s\n", $$1, $$2}'
	@echo
	@echo '  DEBUG=1 iso, run, boot-tests: a kernel that looks for its own mistakes, in build/debug'
	@echo
	@echo '  For run and debug: DISK=FILE|URL ($(DISK)) SMP=$(SMP) MEM=$(MEM) NVME=PROPERTIES'
	@echo '  MACHINE=q35|pc ACCEL=tcg|kvm QEMU=PROGRAM CMDLINE=WORDS OVMF=FIRMWARE'

-include $(shell find $(BUILD) -name '*.d' -not -path '$(BUILD)/unit/*' 2>/dev/null)
