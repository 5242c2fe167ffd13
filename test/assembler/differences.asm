;; %ifenv
%ifenv PATH
db 1
%endif
db 2

;; %use masm
%use masm
mov eax, dword ptr [ebx]

;; the time of assembly
db __DATE__

;; the time of assembly as a number
dd __POSIX_TIME__

;; default bnd
bits 64
default bnd
ret

;; frames without %stacksize
%push
%arg a:word
mov ax, [a]
%pop

;; the distance to a constant address (elf64)
call 1234h

;; a label with a minus (elf64)
x: dq -x

;; strings without a comma between them
db "a" "b"

;; section alone
section

;; default alone
default

;; the alignment of a section that is known later
section .a align=x
db 1
x equ 8

;; a jump too far for a 8086
cpu 8086
jz x
times 200 nop
x:

;; the comparison of a lesser number
db 1 <=> 2

;; a constant just above the largest
dq 2.0e308
