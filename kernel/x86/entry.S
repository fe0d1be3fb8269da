/*
 * Where the processor enters the kernel: once from the loader, then through the
 * interrupt descriptor table.
 */
#define STACK_SIZE 131072

        .section .bss
        .balign 4096
        .skip   4096                    /* the guard: see cpu_guard_stacks() */
boot_stack:
        .skip   STACK_SIZE
boot_stack_top:

        .globl  boot_stack, boot_stack_top
        .type   boot_stack, @object

        .text
/* RDI: the handover's physical address. The loader's stack is not ours to keep. */
        .globl  kernel_entry
        .type   kernel_entry, @function
kernel_entry:
        lea     boot_stack_top(%rip), %rsp
        xor     %ebp, %ebp              /* ends a backtrace */
        cld
        call    kernel_main
1:      hlt
        jmp     1b
        .size   kernel_entry, . - kernel_entry

/*
 * One stub for each vector. Those of exceptions make the stack look the same
 * whether or not the processor pushes an error code (SDM volume 3, section
 * 6.13), then join the exceptions' path. The stubs are 16 bytes apart.
 */
        .balign 16
        .globl  interrupt_stubs
        .type   interrupt_stubs, @function
interrupt_stubs:
        vector = 0
        .rept   32
        .balign 16
        .if     vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
        .else
        push    $0
        .endif
        push    $vector
        jmp     exception
        vector = vector + 1
        .endr
        .rept   256 - 32
        .balign 16
        push    $vector
        jmp     interrupt
        vector = vector + 1
        .endr
        .size   interrupt_stubs, . - interrupt_stubs

/*
 * Builds a struct interrupt_frame and hands it to panic_exception(), which does not return. What
 * the processor pushed began at a multiple of 16 (SDM volume 3, section 6.14.2), and so does this.
 */
        .type   exception, @function
exception:
        push    %rax
        push    %rbx
        push    %rcx
        push    %rdx
        push    %rsi
        push    %rdi
        push    %rbp
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, %rdi
        cld
        call    panic_exception
        ud2
        .size   exception, . - exception

/* Saves what a function may change, and calls interrupt_dispatch(). */
        .type   interrupt, @function
interrupt:
        push    %rax
        push    %rcx
        push    %rdx
        push    %rsi
        push    %rdi
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        mov     72(%rsp), %edi          /* the vector */
        sub     $8, %rsp                /* the ABI wants RSP a multiple of 16 at a call */
        cld
        call    interrupt_dispatch
        add     $8, %rsp
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rdi
        pop     %rsi
        pop     %rdx
        pop     %rcx
        pop     %rax
        add     $8, %rsp                /* the vector */
        iretq
        .size   interrupt, . - interrupt

/* segments.c: loads a GDT whose code selector is 8 and data selector 16. RDI: its descriptor. */
        .globl  segments_load
        .type   segments_load, @function
segments_load:
        lgdt    (%rdi)
        mov     $16, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        xor     %eax, %eax
        mov     %eax, %fs
        mov     %eax, %gs
        pop     %rax
        push    $8
        push    %rax
        lretq
        .size   segments_load, . - segments_load

        .section .note.GNU-stack, "", @progbits
