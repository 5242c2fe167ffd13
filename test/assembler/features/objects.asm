;; flags and boundary (elf64)
section .data exec
db 1
section .rodata align=8
db 2
section .bss nobits
resb 1
section .comment alloc
section .tdata tls
section .init_array write

;; redeclared (elf64)
section .data
db 1
section .data exec align=16
db 2
section .data nobits
section .data foo

;; gnu stack (elf64)
section .note.GNU-stack noalloc noexec nowrite progbits
section .text
nop
section .text.foo-bar exec
nop

;; many attributes (elf64)
section b nobits alloc write align=64
resb 5
section c note alloc noexec nowrite
db 1
section d nowrite noexec noalloc
db 1
section f tls alloc write
db 1
section g nobits tls write
resb 1
section i strings merge
db "a",0
section j merge strings align=1
db 1
section l preinit_array
dq 1
section o pointer
dq 1
section p dword
dd 1
section q merge qword
dq 1
section r merge strings word
dw 'a', 0
section t byte
section u init_array
section v pointer align=2
section w qword align=1
section x zword
section y notls nomerge nostrings noalloc
section .foo2 merge strings dword
section merge1 merge byte alloc
section tlsx tls notls
section z4 dword*2
section z5 merge dword*4
section z6 pointer*3

;; many attributes (elf32)
section b nobits alloc write align=64
resb 5
section l preinit_array
dd 1
section o pointer
dd 1
section q merge qword
dq 1
section z6 pointer*3

;; merge alone (elf64)
section h merge

;; symbol sizes (elf64)
global b:data 8, c:function (d-c), e:object hidden 3+1
b: dq 1
c: nop
nop
d:
e: nop

;; symbol ifunc (elf64)
global b:ifunc
b: nop

;; weak and strong (elf64)
global b:weak hidden function (4)
global c:strong data
extern d:weak
b: nop
c: call d

;; extern sizes (elf64)
extern x:data 8, y:function hidden
call x
call y

;; common boundaries (elf64)
common a 4
common b 8:8
common d 16:16
common e 4:8:hidden
mov eax,[a]

;; common boundary bad (elf64)
common a 4:3

;; common boundary no number (elf64)
common a 4:data

;; static function (elf64)
static b:function 3
b: nop
c: nop

;; required type (elf64)
required b:function
nop

;; osabi (elf64)
[osabi 3]
nop

;; osabi bad (elf64)
[osabi foo]

;; wrt elf64 all (elf64)
extern foo
call foo wrt ..plt
jmp foo wrt ..plt
mov rax, [rel foo wrt ..got]
mov rax, [foo wrt ..got]
dq foo wrt ..sym
dd foo wrt ..sym
dw foo wrt ..sym
db foo wrt ..sym
dq foo wrt ..got
dd foo wrt ..got

;; wrt elf64 gotoff (elf64)
section .data
foo: dq 1
section .text
mov rax, foo wrt ..gotoff
mov rax, qword foo+5 wrt ..gotoff
dq foo wrt ..gotoff

;; wrt elf64 gotoff small (elf64)
extern foo
dd foo wrt ..gotoff

;; wrt elf64 gotpc (elf64)
extern _GLOBAL_OFFSET_TABLE_
lea rbx, [rel _GLOBAL_OFFSET_TABLE_ wrt ..gotpc]
nop
dd _GLOBAL_OFFSET_TABLE_ wrt ..gotpc
dq _GLOBAL_OFFSET_TABLE_ wrt ..gotpc

;; wrt elf64 tls (elf64)
extern x
mov rax, [rel x wrt ..gottpoff]
mov eax, [rel x wrt ..gottpoff]
mov rax, [fs:0]

;; wrt elf64 tls 2 (elf64)
extern x
mov rax, [rel x wrt ..tlsie]

;; wrt elf32 all (elf32)
extern foo
extern _GLOBAL_OFFSET_TABLE_
global bar
section .text
nop
call foo wrt ..plt
jmp foo wrt ..plt
mov eax, [ebx + foo wrt ..got]
lea eax, [ebx + bar wrt ..gotoff]
lea eax, [ebx + bar+4 wrt ..gotoff]
add ebx, _GLOBAL_OFFSET_TABLE_ + $$ - $ wrt ..gotpc
dd bar wrt ..sym
dd foo wrt ..sym
dd bar+4 wrt ..sym
dd foo wrt ..got
dd foo wrt ..gotoff
section .data
dd 1
bar: dd bar wrt ..sym

;; wrt elf32 plt in data (elf32)
extern foo
dd foo wrt ..plt

;; wrt elf32 tls (elf32)
extern x
mov eax, [x wrt ..tlsie]
dd x wrt ..tlsie

;; wrt elf32 tls local (elf32)
global y
section .tdata
dd 1
y: dd 5
section .text
mov eax, [y wrt ..tlsie]

;; wrt sym local (elf64)
section .data
a: dq 0
global c
c: dq c wrt ..sym, c+5 wrt ..sym
d: dq d wrt ..sym
section .text
dq c wrt ..sym
mov rax, [rel c wrt ..got]
call c wrt ..plt

;; wrt not global (elf64)
section .data
b: dq b wrt ..sym

;; wrt inexact (elf64)
section .data
global a
a: dq 0
section .text
mov rax, [rel a+1 wrt ..got]

;; wrt precedence (elf64)
extern a
dq 1 + a wrt ..sym
dq a + 1 wrt ..sym

;; wrt parens (elf64)
extern a
dq (a wrt ..sym)

;; wrt case (elf64)
extern a
dq a WRT ..sym

;; wrt case base (elf64)
extern a
dq a wrt ..SYM

;; call number (elf32)
nop
call 0x1000
jmp 5
jz 0x2000

;; data in elf32 (elf32)
extern foo
dq foo, foo+5, foo-4
bar: dq bar

;; equ only (elf64)
global len
len equ 7

;; equ here (elf64)
x equ $

;; equ extern (elf64)
extern foo
y equ foo+1
global y

;; extern and defined here (elf64)
extern foo
foo: nop

;; extern defined and used (elf64)
extern foo
call foo
foo: nop

;; tls sections (elf64)
global x
section .tdata
x: dq 5
section .tbss
y: resq 1
section .text
mov rax, [fs:x]
dq y

;; section dash (elf64)
section a-b+c
nop

;; special sections (elf64)
section .lrodata
dq 1
section .ldata
dq 1
section .lbss
resq 1
section .tdata
dq 2
section .tbss
resq 2
section .preinit_array
dq 1
section .init_array
dq 1
section .fini_array
dq 1
section .note
dd 1
section .note.GNU-stack
section .comment
db 'x'
section .data1
dd 1
section .rodata1
dd 1
section .debug_info
dd 1
section .eh_frame
dd 1
section .ctors
dd 1
section .bss.foo
resb 1
section .text.foo
nop
section .data.rel
dd 1
section .rodata.str
db 1
section .tdata.x
db 1

;; special sections (elf32)
section .lrodata
dd 1
section .tdata
dd 2
section .tbss
resd 2
section .init_array
dd 1
section .fini_array
dd 1
section .preinit_array
dd 1

;; attributes (elf64)
section a progbits alloc exec write align=8
nop
section b nobits alloc write align=64
resb 5
section c note alloc noexec nowrite
db 1
section d nowrite noexec noalloc
db 1
section e progbits
db 1
section f tls alloc write
db 1
section g nobits tls write
resb 1
section h merge
db 1
section i strings merge
db "a",0
section j merge strings align=1
db 1
section k info
section l preinit_array
dq 1
section m init_array
dq 1
section n fini_array
dq 1
section o pointer
dq 1
section p dword
dd 1
section q merge qword
dq 1
section r merge strings word
dw 'a', 0
section s rdwr

;; attr text override (elf64)
section .text noexec write
nop
section .text
nop
section .data exec
db 1
section .text align=64

;; attr bad (elf64)
section x foo=5

;; attr bad2 (elf64)
section x bar

;; attr conflicting (elf64)
section x nobits
resb 1
section x progbits

;; attr flags (elf64)
section x flags=5
db 1

;; merge size (elf64)
section .rodata.str1.1 progbits alloc noexec nowrite merge strings byte
db 'abc',0
section .foo merge 16
dq 1,2
section .foo2 merge strings dword

;; bss data (elf64)
section .bss
db 1

;; nobits text align (elf64)
section .bss align=32
resb 1
section .text align=32
nop

;; symbol types (elf64)
global f:function, d:data, o:object, n:notype, i:ifunc
global a:function (a.end-a), b:data 8
global h:function hidden, p:data protected, q:internal, z:function default
global w:weak
section .text
f: nop
n: nop
i: nop
a: ret
.end:
h: nop
q: nop
z: nop
w: nop
section .data
d: dd 1
o: dd 2
b: dq 1
p: dq 1

;; weak (elf64)
extern foo:weak
global bar:weak
global baz:function weak hidden
bar: call foo
baz: ret

;; strong (elf64)
global bar:strong
bar: ret

;; tls symbol (elf64)
global x:tls
section .tdata
x: dd 1

;; extern weak (elf32)
extern foo:weak
dd foo

;; extern size (elf64)
extern foo:wrt ..plt
call foo

;; extern wrt gotpc (elf64)
extern foo
call foo wrt ..plt
mov rax, [rel foo wrt ..got]
mov rax, [rel foo wrt ..gotpcrel]
mov rdx, foo wrt ..gotoff
dq foo wrt ..sym
dd foo wrt ..sym

;; wrt (elf32)
extern foo
extern _GLOBAL_OFFSET_TABLE_
global bar
section .text
call foo wrt ..plt
mov eax, [ebx + foo wrt ..got]
lea eax, [ebx + bar wrt ..gotoff]
add ebx, _GLOBAL_OFFSET_TABLE_ + $$ - $ wrt ..gotpc
dd bar wrt ..sym
dd foo wrt ..sym + 4
section .data
bar: dd bar wrt ..sym

;; wrt tls (elf64)
extern x
mov rax, [rel x wrt ..gottpoff]
mov eax, [rel x wrt ..gottpoff]
mov rax, [fs:0]

;; wrt tls (elf32)
extern x
mov eax, [x wrt ..tlsie]
section .tdata
y: dd 5
section .text
mov eax, [y wrt ..tlsie]

;; wrt unknown (elf64)
extern foo
dq foo wrt ..foo

;; wrt bin
x: dw x wrt y

;; seg bin
x: dw seg x

;; seg (elf64)
x: dw seg x

;; wrt section (elf64)
x: dq x wrt .text

;; wrt local sym (elf64)
section .data
a: dq 0
b: dq b wrt ..sym
global c
c: dq c wrt ..sym, c+5 wrt ..sym

;; plt local (elf64)
global foo
foo: call foo wrt ..plt
call bar wrt ..plt
bar: ret

;; gotpc64 (elf64)
lea rbx, [rel _GLOBAL_OFFSET_TABLE_]
extern _GLOBAL_OFFSET_TABLE_
lea rbx, [rel $$ wrt ..gotpc]

;; gotpc (elf64)
extern _GLOBAL_OFFSET_TABLE_
mov rax, _GLOBAL_OFFSET_TABLE_ wrt ..gotpc

;; gotoff64 (elf64)
section .data
foo: dq 1
section .text
mov rax, foo wrt ..gotoff
lea rax, [rbx+foo wrt ..gotoff]

;; common (elf64)
common a 4
common b 8:8
common c 100:data
common d 16:16
mov eax,[a]

;; common (elf32)
common a 4:4
common b 2
mov eax,[a]
mov eax,[b]

;; common bad (elf64)
common a 4:3

;; static (elf64)
static foo
foo: ret
static bar:function
bar: ret

;; required (elf64)
required foo
nop

;; required used (elf64)
required foo
call foo

;; subsections (elf64)
nop
%pragma elf foo

;; section sym (elf64)
dq .text
dq $$, $
section .data
dq .text

;; sect size (elf64)
section .text
x: nop
dq x - $$
section .data
dd $ - y
y: dd y - $

;; other section diff (elf64)
section .text
x: nop
section .data
y: dd x - $
dd y - x

;; imm sizes (elf64)
extern foo
mov eax, foo
mov rax, foo
mov al, foo
push foo
mov byte [rax], foo
mov ax, foo
add rax, foo
jmp short foo
loop foo

;; imm sizes (elf32)
extern foo
mov eax, foo
mov al, foo
push foo
push word foo
push byte foo
mov ax, foo
jmp short foo
loop foo
jmp near foo
jmp word foo
jmp foo:foo
dw foo
db foo
dd foo

;; dq (elf32)
extern foo
dq foo

;; 16-bit (elf32)
bits 16
extern foo
call foo
jmp foo
mov ax, foo
mov ax, [foo]
jmp 0:foo
jmp dword 8:foo

;; abs sym (elf64)
x equ 5
global x
extern foo
y equ foo+1

;; equ reloc (elf64)
x equ $
global x
nop
y equ x+1
dq y

;; absolute (elf64)
absolute 100h
a: resb 1
b: resw 1
section .text
dq a
mov eax, b
global b

;; absolute rel (elf64)
section .bss
buf: resb 100
absolute buf+4
f: resd 1
section .data
dq f

;; local labels (elf64)
global foo
foo:
.a: nop
.b: jmp .a
..@x: nop
bar:
.a: nop

;; org (elf64)
org 100h

;; file symbol (elf64)
nop

;; debug flag (elf64)
[debug foo]

;; default rel (elf64)
default rel
section .data
x: dq 1
section .text
mov rax,[x]
mov rax,[abs x]
mov rax,[fs:x]
mov rax,[x+rbx]
lea rax,[x]
call [x]

;; mul sym (elf64)
x: dq x*2

;; sub ext (elf64)
extern foo
dq foo-bar
bar:

;; sub ext2 (elf64)
extern foo
bar: dq foo-bar
dd foo-bar, foo-$, foo-$$

;; segment (elf64)
segment .text
segment .data align=4
db 1

;; incbin (elf64)
incbin "bytes.bin",2,3

;; many (elf32)
global _start
extern printf, puts
section .data
msg db 'hi',0
len equ $-msg
section .bss
buf resb 64
section .text
_start:
push dword len
push msg
call printf
add esp,8
mov [buf], eax
mov eax,[buf+ecx*4+8]
jz near puts
jmp .x
.x: ret

;; global undefined (elf64)
global foo
nop

;; extern and defined (elf64)
extern foo
foo: nop

;; global after (elf64)
foo: nop
global foo

;; global twice (elf64)
global foo
global foo
foo: nop

;; extern twice (elf64)
extern foo
extern foo
call foo

;; equ global (elf64)
global len
len equ 7

;; nop nothing (elf64)


;; only data (elf64)
section .data
db 1

;; tls function type (elf64)
global f:function
section .tdata
f: dq 1

;; size not constant (elf64)
global f:function (g-f)
f: ret
section .foo
g: ret

;; plt of a local symbol (elf32)
global f
call f wrt ..plt
section .foo
nop
f: ret

;; plt of a local symbol (elf64)
global f
call f wrt ..plt
section .foo
nop
f: ret

;; order a (elf64)
nop
section .foo
nop

;; order b (elf64)
a: nop
section .foo
nop
section .text
nop
section .bar

;; order c (elf64)
a:
section .foo
b: nop

;; order d (elf64)
a equ $
section .foo
b: nop

;; order e (elf64)
align 4
section .foo
b: nop

;; order f (elf64)
mov eax,y
section .data
y: dd 1
section .text exec align=32
nop

;; order g (elf64)
section .foo
nop
absolute 5
a: resb 1
section .bar
nop

;; order h (elf64)
struc a
.x: resb 1
endstruc
nop
section .foo
struc b
.x: resb 1
endstruc
nop

;; order i (elf64)
[section .foo]
nop
__SECT__
nop

