# A host of the NVMe driver that is not our kernel: build/port/PORTX64.EFI, a
# UEFI application of tests/port and drivers/nvme, and of nothing else of ours.

PORT := $(BUILD)/port
PORT_OBJECTS := $(patsubst %,$(PORT)/%.o,$(wildcard tests/port/*.c drivers/nvme/*.c))

$(PORT)/%.c.o: %.c Makefile tests/port/port.mk | packages-build
	@mkdir -p $(@D)
	@echo '  CC      $<'
	@$(CC) $(EFI_FLAGS) -MMD -MP -c -o $@ $<

$(PORT)/PORTX64.EFI: $(PORT_OBJECTS)
	$(call link-efi,$(PORT_OBJECTS))

boot-tests test: $(PORT)/PORTX64.EFI
