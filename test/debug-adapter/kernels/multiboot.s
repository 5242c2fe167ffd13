# Start of a Multiboot kernel: 4 MiB mapped low and high, a stack, then C.
        .section .multiboot, "a"
        .long 0x1BADB002, 3, -(0x1BADB002 + 3)

        .text
        .globl _start, directory
_start: mov $directory_physical, %edx
        movl $0x83, (%edx)
        movl $0x83, 0xC00(%edx)
        mov %edx, %cr3
        mov %cr4, %ecx
        or $0x10, %ecx
        mov %ecx, %cr4
        mov %cr0, %ecx
        or $0x80000000, %ecx
        mov %ecx, %cr0
        mov $linked, %ecx
        jmp *%ecx
linked: mov $stack, %esp
        push %eax
        call kernel
        cli
        hlt

        .bss
        .align 4096
directory:
        .skip 4096
        .skip 4096
stack:
        .section .note.GNU-stack, "", @progbits
