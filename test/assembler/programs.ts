/** Programs that nasm assembles, each about one thing; what Ringside makes of them is compared byte for byte. */
export const programs: Readonly<Record<string, string>> = {
  "a repeated jump to its own first copy": `
x: times 3 jmp x
`,
  "a repeated near jump": `
times 2 jmp near $+5
`,
  "jumps at the limits of the short form": `
jmp a
times 126 nop
a: jmp b
times 127 nop
b: jz a
jnz b
`,
  "a jump one byte too far to be short": `
jmp a
times 127 nop
a:
`,
  "jumps that push each other apart": `
; growing chain
a: jmp c
times 120 db 0
b: jmp a
jmp d
times 4 db 0
c: jz b
times 122 nop
d: jnz c
`,
  "32-bit branches": `
bits 32
jmp x
jz x
call x
loop x
jecxz x
x: jmp $
jmp near $
jmp short $
call $
`,
  "64-bit labels, rip-relative addresses and default rel": `
bits 64
jmp x
jz x
call x
loop x
jrcxz x
x: lea rax,[rel x]
mov rax,[rel y]
mov rax,x
mov eax,y
y: dq x,y,y-x
default rel
mov rax,[x]
mov rax,[abs x]
mov rax,[fs:5]
mov rax,[5]
lea rsi,[x+4]
mov rax,[rbx+x]
push x
push 5
push 500
`,
  "addresses with an origin, constant targets": `
org 0x7c00
jmp 0x7c05
jz 0x7c06
call 0x7c07
loop 0x7c05
jmp 0:start
start: mov sp, start
mov ax,[start]
mov [start],al
add ax, start
add byte [start],5
cmp word [start+4],-1
mov word [bx+start],start
`,
  "strings and labels as data": `
db 1,-1,255,'a','abc',"xyz",\`a\\n\\x41\\u20ac\`,0
dw 1,'ab','abc',-1,x
dd 1,'abcde',x,x-$
dq 1,'abcdefgh','abcdefghi',x
x:
`,
  "constant expressions": `
dq 1<<64, 1<<65, 1<<-1, 1>>64, -1>>>64, 1 <<< 3
dq 1+2<<3, 1|2^3&4, -2*3, ~1+2, !5, !0, - -3
dq -8 >> 1, -8 >>> 1, -7 / 2, -7 // 2, -7 % 2, -7 %% 2
dq -1 > 1, 1=1, 2<>1, 3!=3, 2<=2, 2>=3, 5&&0, 5||0, 1^^1, 1 ? 5 : 6, 0 ? 5 : 1 ? 7 : 8
dq 0x7fffffffffffffff+1, -0x8000000000000000-1, 'ab'+1, 5*-3
`,
  "number notations": `
db 0x1f, 0h1f, $0ff, 0ffh, 1010b, 0b1010, 0y11, 11y, 17o, 17q, 0o17, 0q17, 0d10, 0t10, 10d, 10t, 1_0, 0x_f
db 0b1h
db 0h1b
`,
  "local labels and escaped names": `
foo:
.a: db 1
.b: dw .a, .b, bar.a, foo.b
bar: dw .a
..@s: dw .a
.a: dw foo.a, ..@s
x equ 5
.c: dw bar.c
$mov: dw $mov
loop: dw $loop
`,
  "constants defined further on": `
x equ y
y equ z+1
z equ 5
db x,y,z
a equ $
b equ $-a
c equ end-a
dw a,b,c
end:
add ax, c
add ax, c2
c2 equ 300
add ax, x
`,
  times: `
times 4 db 1,2
times 0 db 3
x: times 10-($-$$) db 0
times 3 dw $
times 2 mov ax,$
times 2 dw x
times 1+1 times 3 db 9
`,
  align: `
align 4
db 1
align 4
db 1
align 8, db 0xff
db 1
alignb 4
db 2
align 16, int3
db 1
`,
  "sections in file order": `
section .data
x: db 1
section .text
mov ax,x
mov bx,y
dw z
section .bss
y: resb 5
z: resw 1
section .foo
db 7
dw $$,$
section .text
db 9
jmp x
`,
  "alignment of sections": `
section .text
db 1
section .data align=16
x: db 2
align 4
db 3
section .rodata
dw x
section .bss align=8
q: resd 1
section .data
dw q
`,
  "a section after an odd origin": `
org 0x7c01
section .text
db 2
section .data
x:dw x
`,
  "single-line macros": `
%define A 5
%define B(x) (x*2)
%define C(x,y) x+B(y)
%assign i 1
%assign i i+1
db A,B(3),C(1,2),i
%idefine FoO 7
db foo,FOO
%undef A
A: dw A
%xdefine D i
%assign i 9
db D,i
%define E mov ax,
E 5
%define str "abc",0
db str
`,
  conditionals: `
%if 1+1 == 2
db 1
%elif 1
db 2
%else
db 3
%endif
%ifdef X
db 4
%else
%ifndef X
db 5
%endif
%endif
%define X
%ifdef X
db 6
%elifdef Y
db 7
%endif
%if 0
%if 1
db 8
%else
db 9
%endif
garbage here
%elif 5 > 3
db 10
%endif
`,
  "conditions on the place": `
start: db 1,2,3
%if $-start == 3
db 9
%endif
%assign len $-start
db len
%if ($-$$) > 510
%error too big
%endif
times 510-($-$$) db 0
dw 0xaa55
`,
  "joined lines": `
db 1 \\
,2
mov ax, \\
 5
`,
  prefixes: `
rep
movsb
rep movsb
repne scasb
lock inc word [bx]
es lodsb
cs
mov ax,[bx]
o32
ret
es mov ax,[bx]
a32 mov ax,[ebx]
mov ax,es:[bx]
lab1 nop
lab2 es lodsb
lab3: rep stosb
`,
  "directives in brackets": `
[bits 32]
[org 0x100]
x: mov eax, x
[section .data]
y: dd x,y
[bits 16]
mov ax,y
use64
mov rax,rbx
`,
  "far jumps and calls": `
jmp 0x10:0x20
jmp dword 8:0x1234
call 0:x
x: jmp far [bx]
call far [x]
jmp [bx]
jmp bx
`,
  "a base that must be swapped": `
mov eax,[ebx+esp]
`,
  "32-bit addresses": `
bits 32
mov eax,[eax*2]
mov eax,[nosplit eax*2]
mov eax,[eax+eax]
mov eax,[ebp*2]
mov eax,[eax*1+ebp]
mov eax,[ebp+eax*1]
mov eax,[ebp*1+eax]
mov eax,[ebp]
mov eax,[esp]
mov eax,[ebp+eax]
mov eax,[eax+ebp]
mov eax,[esp+eax]
mov eax,[eax*5+4]
mov eax,[2*(eax+4)]
mov eax,[eax+ebx*4-eax]
mov eax,[4+eax+5*2-1]
mov eax,[x+eax-y]
mov eax,[eax+x]
mov eax,[byte eax]
mov eax,[dword eax]
mov eax,[eax*1]
x: db 0
y:
`,
  "reserved space": `
resb 3
resw 2
resd x
x equ 2
db ?
db 1,?,2
dw ?
resq 1
rest 1
db 1
`,
  global: `
global foo, bar
foo: ret
bar: ret
`,
  "many forward jumps": `
times 200 jmp end
end:
`,
  "jumps in rows": `
a: times 50 jz a
times 50 jz b
b:
`,
  "immediates with sizes": `
push strict dword 5
push word 5
push dword 5
push byte 5
add eax, strict dword 5
add ax, strict word 5
mov ax, strict 5
imul ax, bx, 5
imul ax, 300
`,
  "differences of labels": `
lea ax,[x]
x: db x - $$
dd x - 5, x+5
dw x-$$+3, -(x-$$)
`,
  "character constants": `
mov al,'a'
mov ax,'ab'
mov eax,'abcd'
cmp al,"z"
mov ax,\`\\n\`
`,
  "macros that name symbols": `
%define a b
b: db 1
dw a
%ifndef GUARD
%define GUARD 1
db GUARD
%endif
%pragma ringside mode real
%pragma whatever
%assign n 0
%assign n n+1
times n db 7
`,
  "predefined macros": `
db __LINE__
db __BITS__, __NASM_MAJOR__
%ifdef __NASM_MAJOR__
db 1
%endif
`,
  "labels without statements": `
; comment only

   	
label1:
label2:
label3 db 1
`,
  "local labels of dotted labels": `
a: db 1
 .x: db 2
a.y: dw a.x, a.y
b: dw a.y
`,
  "parentheses and quotes": `
mov ax, (5)
mov ax, ((5+3))*2
mov ax, -(-5)
db ('abc')
db 'a'+0
dw 'a','b'
db "it's", 'say "hi"', \`back\\\`tick\`
`,
  "aligned labels": `
x: db 1
alignb 2
y: db 2
z: align 4, db 3
dw x,y,z
`,
  "64-bit immediates and memory": `
bits 64
mov rax, 0x123456789abcdef0
mov rax, 5
mov rax, -1
mov rax, 0x80000000
mov rax, 0xffffffff80000000
add rax, 5
add rax, 0x7fffffff
mov qword [rbx], 5
mov qword [rbx], -1
mov [rel z], al
mov byte [rel z], 5
cmp dword [rel z], 500
mov rax, [rel z+4]
jmp [rel z]
call [z]
z:
`,
  "16-bit memory": `
mov [x],ax
mov ax,[x]
mov al,[es:x]
mov [x+5],al
x:
`,
  "an include guard by hand": `
%ifndef A
%define A
db 1
%endif
%ifndef A
db 2
%endif
`,
  "a boot sector": `
org 0x7c00
bits 16
start:
  cli
  xor ax, ax
  mov ds, ax
  mov si, msg
.next: lodsb
  test al, al
  jz .done
  mov ah, 0x0e
  int 0x10
  jmp .next
.done: hlt
  jmp .done
msg: db 'Hello', 13, 10, 0
times 510-($-$$) db 0
dw 0xaa55
`,
  "descriptors and far jumps": `
org 0x7c00
lgdt [gdtr]
mov eax, cr0
or al, 1
mov cr0, eax
jmp 8:protected
bits 32
protected:
mov ax, 16
mov ds, ax
mov esp, 0x90000
hlt
align 8
gdt: dq 0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdtr: dw gdtr-gdt-1
dd gdt
`,
  "base and index after sums": `
bits 64
mov al,[rbx+r8]
mov al,[r8+rbx]
mov al,[rbx+r8+4]
mov al,[rbx+r8+$-$$]
mov al,[rbx+r8+($-$$)]
mov al,[$-$$+rbx+r8]
mov al,[rbx+rcx+$-$$]
mov al,[rcx+rbx+$-$$]
mov al,[rcx+rbx+x-x]
mov al,[rbx+r8+-4]
mov al,[rbx+r8-4]
mov al,[rbx+r8+~4]
mov al,[rbx+r8+-(4)]
mov al,[rbx+r8+2*2]
mov al,[rbx+r8+(2-1)]
mov al,[rbx+r8+1-1]
mov al,[rbx+4+r8]
mov al,[rbx-4+r8]
mov al,[rsi+rdi*1]
mov al,[rsi+rdi*1+4]
mov al,[rsi+rdi*1-4]
mov al,[rsi+rdi*1+-4]
mov al,[rsi+rdi*1+2*2]
mov al,[rsi*1+rdi+2*2]
mov al,[rsi*1+rdi+-4]
mov al,[rsi+rdi+-4]
mov al,[rdi+rsi+-4]
mov al,[rsi+rdi+2*2]
mov al,[rdi+rsi+2*2]
mov al,[2*2+rdi+rsi]
mov al,[-4+rdi+rsi]
mov al,[-4+rsi+rdi]
mov al,[rdi+rsi*2-4]
x:
mov al,[nosplit eax+eax]
mov al,[nosplit eax*2+4+4]
mov al,[eax*1+4+4]
mov al,[esi+ebx+x+4]
mov al,[esi+ebx+4+x]
mov al,[esi+ebx+y-x]
mov al,[esi+ebx+x]
mov al,[nosplit eax*1]
mov al,[esi+ebx+3*(1+2)]
mov al,[esi+ebx+(1 ? 2+3 : 4)]
mov al,[esi+ebx+5+0]
mov al,[esi+ebx+0+0]
mov al,[esi+ebx+4-4+2]
mov al,[esi+ebx+(4+4)*0]
mov al,[esi*1+ebx+4+4]
mov al,[ebx*1+esi+4+4]
mov al,[esi+ebx*2+4+4]
mov al,[esi*2+ebx+4+4]
mov al,[ebp+ebx+4+4]
mov al,[esp+ebx+4+4]
mov al,[ebp+eax+4+4]
mov al,[esi+ebx+-(4+4)]
mov al,[esi+ebx+~(4+4)]
y:
`,
};
