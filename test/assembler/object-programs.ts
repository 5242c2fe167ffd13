import type { OutputFormat } from "../../assembler/index.ts";

/** Programs that become object files; nasm gives the bytes to compare with. */
export const objectPrograms: readonly {
  readonly title: string;
  readonly format: OutputFormat;
  readonly text: string;
}[] = [
  {
    title: "elf64: big",
    format: "elf64",
    text: `
global main, foo:function
extern printf
extern ext2
common buf 16:8
section .text
main:
 mov rax, msg
 mov eax, [rel msg]
 mov eax, [msg]
 call printf
 jmp ext2
 call foo
 lea rdi, [rel printf+5]
 jz printf
 push msg
 mov rax, qword ext2
 mov byte [rel msg+1], 5
.l: jmp .l
foo: ret
section .data
msg: dq msg, printf, foo
 dd msg, $-msg2
 msg2: db 1
section .bss
x: resb 10
section .rodata
 dd 1
section mysec exec align=32
 nop
abs1 equ 5
`,
  },
  {
    title: "elf32: small",
    format: "elf32",
    text: `
bits 32
global start
extern f, g
common c 4
section .text
start: mov eax, msg
 mov eax,[msg+4]
 push dword msg
 call f
 jmp g
 jz f
 mov eax,[ebx+c]
 add ecx, start
 call start
 mov ax, msg
 mov al, [msg+ebx*4]
 ret
section .data
 msg: dd msg, f+4, start
 dw f
 db 5
 times 3 dd msg
section .bss
q: resd 3
`,
  },
  {
    title: "elf64: data",
    format: "elf64",
    text: `
default rel
extern a
section .data
x: dq 2 dup (x, a), 5
 times 2 dq y
y: dd x, a
 dw a
 db a
align 16
z: dq z
`,
  },
  {
    title: "elf64: unused extern",
    format: "elf64",
    text: `
extern a,b,c
section .text
 call b
`,
  },
  {
    title: "elf64: default section",
    format: "elf64",
    text: `
mov rax,[rel x]
x: dq x
abc equ 5
global abc
de equ x+2
`,
  },
  {
    title: "elf64: attributes",
    format: "elf64",
    text: `
section .text
nop
section foo noexec write align=8
dq 5
section bar alloc exec nowrite
nop
section .note noalloc
db 1
section .comment
db 2
section .rodata align=16
db 1
section .data align=2
db 1
section .bss align=64
resb 5
section x nobits
resb 1
`,
  },
  {
    title: "elf64: globals",
    format: "elf64",
    text: `
global f:function, d:data hidden, n
global e:function protected
section .text
f: ret
e: ret
n:
section .data
d: dd 1
.l: dd .l
loc: dq e
`,
  },
  {
    title: "elf64: structures",
    format: "elf64",
    text: `
struc p
.x: resd 1
.y: resd 1
endstruc
section .data
v: dd p_size
mov eax,[rel v+p.y]
`,
  },
  {
    title: "elf64: branches",
    format: "elf64",
    text: `
extern f
bits 64
jmp f
jmp near f
jmp short f
call f
loop f
jrcxz f
jz f
jmp [f]
jmp [rel f]
call qword [f+8]
mov [f], rax
mov qword [f], 5
mov dword [rel f], 0x12345678
mov rax, f
mov eax, f
mov rax, strict dword f
mov rcx, qword f
add rax, f
cmp qword [f+rax*8], f
imul rax, f
push f
push qword f
mov al, f
mov ax, f
test eax, f
mov rax, [qword f]
lea rax, [f+rbx]
lea eax, [ebx+f]
mov al, [fs:f]
enter 5,3
`,
  },
  {
    title: "elf64: to other sections",
    format: "elf64",
    text: `
section .text
a: jmp b
call b
jz b
lea rax,[rel b]
section .text2
b: jmp a
mov rax, a
dq b-$$
`,
  },
  {
    title: "elf32: sixteen bits",
    format: "elf32",
    text: `
bits 16
extern f
jmp f
call f
mov ax, f
mov [f], ax
jmp dword 8:f
mov eax, f
dw f
`,
  },
  {
    title: "elf64: empty",
    format: "elf64",
    text: `
`,
  },
  {
    title: "elf32: only bss",
    format: "elf32",
    text: `
section .bss
x: resb 4
`,
  },
  {
    title: "elf64: difference",
    format: "elf64",
    text: `
extern f
section .data
x: dd 1
dd x - $, f - $, f+4-$$
dq f-$
dw f-$
dq y - x
y:
`,
  },
  {
    title: "elf32: common",
    format: "elf32",
    text: `
common x 8:4
common y 4
extern z
dd x,y,z
`,
  },
  {
    title: "elf64: local globals",
    format: "elf64",
    text: `
global main
main:
.a: nop
..@foo: nop
main.b: nop
other:
.a: jmp main.a
`,
  },
];
