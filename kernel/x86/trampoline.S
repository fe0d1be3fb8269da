/*
 * The way of a processor from its start-up message to the kernel. It begins in
 * real mode, in a page below 1 MiB (SDM volume 3, 8.4), to which cpus_start.c
 * has copied the first part; what depends on the place is filled in there.
 */
#define MSR_EFER        0xc0000080
#define EFER_LME_NXE    0x900
#define CR4_PAE         0x20
#define CODE_SELECTOR   8

        .section .rodata
        .balign 16
        .globl  trampoline, trampoline_settings, trampoline_long_mode, trampoline_end
        .code16
trampoline:
        jmp     1f
        .balign 16
/* struct settings in cpus_start.c */
trampoline_settings:
gdt_limit:
        .word   23
gdt_base:
        .long   0
        .word   0
far_address:
        .long   0
        .word   CODE_SELECTOR
        .word   0
cr0_value:
        .long   0
cr3_value:
        .long   0
entry:  .quad   0
/* Marked as accessed: the processor need not do so, in a page that it cannot write to. */
gdt:    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff

1:      cli
        cld
        mov     %cs, %ax
        mov     %ax, %ds
        lgdtl   gdt_limit - trampoline
        mov     $CR4_PAE, %eax
        mov     %eax, %cr4
        mov     cr3_value - trampoline, %eax
        mov     %eax, %cr3
        mov     $MSR_EFER, %ecx
        rdmsr
        or      $EFER_LME_NXE, %eax
        wrmsr
        mov     cr0_value - trampoline, %eax
        mov     %eax, %cr0              /* protection and paging at once: long mode */
        ljmpl   *(far_address - trampoline)

        .code64
trampoline_long_mode:
        mov     entry(%rip), %rax
        jmp     *%rax
trampoline_end:

/*
 * In the kernel, still without a stack: this one's place is found by its APIC
 * ID (CPUID leaf 0Bh, or 1 on those without). Who has none parks.
 */
        .text
        .globl  processor_entry
        .type   processor_entry, @function
processor_entry:
        xor     %eax, %eax
        cpuid
        cmp     $11, %eax
        jb      1f
        mov     $11, %eax
        xor     %ecx, %ecx
        cpuid
        test    %ebx, %ebx              /* 0: there is no such leaf */
        jnz     2f
1:      mov     $1, %eax
        cpuid
        shr     $24, %ebx
        mov     %ebx, %edx
2:      lea     processor_places(%rip), %rsi
        mov     processor_count(%rip), %ecx
3:      sub     $1, %ecx
        jb      park
        cmp     %edx, (%rsi)            /* struct place in cpus_start.c */
        je      4f
        add     $24, %rsi
        jmp     3b
4:      mov     8(%rsi), %rsp
        mov     16(%rsi), %rdi
        xor     %ebp, %ebp              /* ends a backtrace */
        call    processor_main
park:   cli
        hlt
        jmp     park
        .size   processor_entry, . - processor_entry

        .section .note.GNU-stack, "", @progbits
