;; equals param
%define f(=x) x
%assign i 5
%define i2 i
db f(i)
%define g(=x) %strlen
db f(1+2)

;; str param
%define s(&x) x
db s(hello), s('q')

;; strstr param
%define s(&&x) x
db s('q'), s(abc)

;; greedy param
%define s(a,b+) db a, b
s(1,2,3,4)

;; nostrip
%define s(a!) a
db s( {5} )

;; unused param
%define s(a,) a
db s(1,2)

;; defalias
%define a 5
%defalias b a
db b
%define b 6
db a, b

;; undefalias
%defalias b a
%undefalias b
%define b 6
b: db 1

;; aliases off
%define a 5
%defalias b a
%aliases off
%define b 7
db a
%aliases on
db b

;; idefalias
%define a 5
%idefalias BB a
db bb

;; clear
%define a 5
%clear
a: db 1
dw a

;; use altreg
bits 64
%use altreg
mov r0, r1
mov r0d, r2d
mov r3l, r1h

;; use smartalign
%use smartalign
bits 32
nop
align 16
nop
alignmode p6
align 16
nop
alignmode k8,32
align 64
nop
alignmode generic
align 16
nop
alignmode nop
align 16

;; use smartalign64
%use smartalign
bits 64
nop
align 16
nop
alignmode p6
align 16
nop
alignmode k8,32
align 64
nop
align 16, int3
nop
align 16, db 0xcc

;; use ifunc
%use ifunc
db ilog2(8), ilog2e(16), ilog2f(17), ilog2c(17), ilog2w(3)

;; use fp
%use fp
dw float16(1.5)
dd float32(1.5)
dq float64(1.5)

;; use unknown
%use foo

;; use twice
%use ifunc
%use ifunc
%ifdef __USE_IFUNC__
db ilog2(8)
%endif
%ifdef __?USE_IFUNC?__
db 1
%endif

;; ifusing
%ifusing ifunc
db 1
%endif
%use ifunc
%ifusing ifunc
db 2
%endif
%ifusing "ifunc"
db 2
%endif
%ifusable ifunc
db 3
%endif
%ifusable foo
db 4
%endif
%ifnusable foo
db 5
%endif

;; iffile
%iffile "program.asm"
db 1
%endif
%ifnfile "nope"
db 2
%endif
%iffile inc.inc
db 3
%endif

;; env
db %!PATH

;; pathsearch
%pathsearch foo "inc.inc"
%include foo

;; depend
%depend "foo.x"
db 1

;; line
%line 10+1 foo.asm
db __LINE__
db __LINE__
db __FILE__
%line 20
db __LINE__
%line 30+0 "bar"
db __LINE__
db __LINE__

;; require
%require foo

;; arg
%stacksize large
%push
%arg a:word, b:dword
mov ax, [a]
mov eax, [b]
%pop

;; local
%stacksize large
%push
%assign %$localsize 0
%local x:dword, y:word
enter %$localsize, 0
mov eax,[x]
mov ax,[y]
%pop

;; arg flat64
bits 64
%stacksize flat64
%push
%arg i:qword, j:qword
%assign %$localsize 0
%local old_ax:qword, old_dx:qword
enter %$localsize,0
mov rax,[i]
mov rbx,[old_ax]
leave
%pop

;; arg flat
bits 32
%push
%stacksize flat
%arg i:dword, j:byte, k:tword, l:qword
mov eax,[i]
mov al,[j]
fld tword [k]
fld qword [l]
%pop

;; stacksize bad
%stacksize foo

;; bcd
dt 123p, -456p, 0p99, 12_34p

;; bcd bad
dd 123p

;; float32 op
dd __float32__(1.5)
dq __float64__(1.5)
dw __float16__(1.5)
db __float8__(1.5)
dq __float80m__(1.5)
dw __float80e__(1.5)
dq __float128l__(1.5), __float128h__(1.5)
mov eax, __float32__(3.14)

;; float32 op2
dd __?float32?__(1.5), __?float32?__(-1.5)
dw __?bfloat16?__(1.5), __bfloat16__(2.25)

;; infinity
dd __Infinity__, -__Infinity__, __NaN__, __QNaN__, __SNaN__
dd __?Infinity?__, __?NaN?__
dq __infinity__

;; utf16
dw __utf16__('hello'), __utf16le__('a'), __utf16be__('ab')
dd __utf32__('hi'), __utf32be__('hi'), __utf32le__('x')
dw __?utf16?__('hello é')

;; utf16 define
%define u(x) __utf16__(x)
%define w(x) __utf32__(x)
dw u('C:\WINDOWS'), 0
dd w(`A + B = \u206a`), 0

;; float daz
float daz
dd 1e-40
float nodaz
dd 1e-40
float up
dd 0.1
float down
dd 0.1
float zero
dd 0.3
float near
dd 0.3
float default
dd 0.1

;; float bracket
[float daz]
dd 1e-40

;; sectalign
section .data
sectalign off
db 1
align 16
db 2
sectalign on
align 8
sectalign 32

;; map
[map all]
db 1

;; debug
[debug on]
db 1

;; warning
[warning -all]
db 1
[warning +foo]
[warning *other]
[warning push]
[warning pop]

;; static
static x
x: db 1

;; required bin
required x

;; at
struc s
.a: resb 1
.b: resw 1
endstruc
istruc s
at s.a, db 1
at .b, dw 2
iend
istruc s
at .a: db 1
at .b: dw 2
iend

;; struc label
struc s
.a: resb 1
endstruc
x: istruc s
at .a, db 5
iend
dw x
x2 istruc s
at .a, db 5
iend

;; istruc hidden
struc s
.a: resb 1
endstruc
foo:
istruc s
at .a, db 5
.q: db 1
iend
.loc: dw .loc, foo.loc

;; struc value
struc s, -4
.a: resb 4
.b: resb 1
endstruc
db s.a, s.b, s_size

;; times align
times 2 align 4

;; rep align
rep align 4

;; times section
times 2 section .data

;; times bits
times 2 bits 32

;; label bits
x: bits 32
dw x

;; label section
nop
x: section .data
dw x

;; label align
nop
x: align 4
dw x

;; label struc
x: struc s
.a: resb 1
endstruc
dw x

;; label org
x: org 5
dw x

;; bfloat
dw __?bfloat16?__(1.5)

;; label global (elf64)
x: global y
y: dq x

;; label cpu
nop
x: cpu 386
dw x

;; label times
x: times 2 db 1

;; align dup fill
nop
align 8, dw 5

;; align macro fill
%macro f 0
db 7
%endm
nop
align 4, f

;; align fill macro
%define f db 9
nop
align 4, f

;; unimacro of structures and own ones
%unimacro struc 1-2.nolist
%unimacro endstruc 0.nolist
%unimacro istruc 1.nolist
%unimacro at 1-2+.nolist
%unimacro iend 0.nolist
%imacro struc 1-2.nolist 0
%push STRUCT
%define %$name %1
[absolute %2]
%$name:
%endmacro
%imacro endstruc 0-1.nolist
%{$name}_size equ $ - %$name
%pop STRUCT
__SECT__
%endmacro
%imacro istruc 1.nolist
%push ISTRUC
%define %$name %1
%$start:
%endmacro
%imacro at 1-2+.nolist
times (%1-%$name)-($-%$start) db 0
%2
%endmacro
%imacro iend 0.nolist
times %{$name}_size-($-%$start) db 0
%pop ISTRUC
%endmacro
struc point, 4
.x: resw 1
.y: resw 1
endstruc
section .data
istruc point
at point.y, dw 7
iend
dw point_size, point.x

;; unimacro of cpu
%unimacro cpu 1+.nolist
%imacro cpu 1+.nolist
[cpu %1]
db 5
%endmacro
cpu 386

;; unmacro in any case
%imacro Foo 1
db %1
%endm
%unmacro foo 1
FOO 5

;; unimacro undefines
%imacro Foo 1
db %1
%endm
%unimacro foo 1
%imacro foo 0-1
db 7
%endm
FOO 5

;; unmacro of none
%unmacro none 1
%unimacro none 0-*
db 1

;; percent operator before a blank
%define digit(d) (((d)% 10)+'0')
%xdefine two(d) digit((d)/10),digit(d)
db two(57), two(5)

;; not not
%if !!2 - 1
db 1
%endif
db !!5, !0, !3

;; elif without expression
%if 1
db 1
%elif
db 2
%endif

;; elif without expression 2
%if 0
db 1
%elif
db 2
%endif

;; underscores in hex
dd 1_0000h, 0x1_0000, 1_000_000, 1010_0101b

;; label of context
%macro frame 1
%push LFRAME
._%$lframe_?%1: equ 5
%assign ?%1 7
%pop
%endm
main:
frame foo
db ?foo

;; paste in macro arguments
%macro v 2
%2: db %1
%endm
%assign a 5
%assign b 6
v 3, x_ %+ a %+ _ %+ b
dw x_5_6

;; local define in macro
%macro app 2
%substr %%ii "0123456789ABCDEF" (%2) + 1
%strcat _%1 _%1,%%ii
%endmacro
%define _s ""
app s, 10
app s, 3
db _s

;; indirect define of text
%define two(d) d/10, d
%macro def 2
%define _%1 %[two(%2)]
%endm
def foo, 42
db _foo

;; short words
%idefine by byte
%idefine w word
%idefine b byte
mov by [bx], 5
mov W [bx], 5
mov B [si], 1

;; text macro with trailing comma
%macro pre 2-3+
db %1
%ifnempty %3
db %3
%endif
db %2
%endmacro
%idefine asciz pre "",0,
%idefine line pre "",{13,10},
asciz "hello",5
asciz
line "x"

;; counted
%imacro counted 2+.nolist
%push
%ifnempty %2
len %2
%1 %$len
db %2
%else
%1 0
%endif
%pop
%endmacro
%imacro len 1-*.nolist
%assign %$len 0
%rep %0
%ifstr %1
%strlen %$add %1
%assign %$len %$len+%$add
%elifnempty %1
%assign %$len %$len+1
%endif
%rotate 1
%endrep
%endmacro
%idefine c counted db,
c "abc",13,10
c

;; outer context
%push a
%assign %$x 1
%push b
%assign %$x 2
%assign %$$x %$$x + 5
db %$x, %$$x
%pop
db %$x

;; ifdef of context
%push a
%assign %$x 1
%ifdef %$x
db 1
%endif
%ifndef %$y
db 2
%endif
%pop

;; repl
%push a
%assign %$x 3
%repl b
%ifctx b
db %$x
%endif
%pop b

;; elifctx
%push a
%ifctx b
db 1
%elifctx a
db 2
%endif
%pop

;; pragma sane empty expansion
%macro m 0-1
db %0
%endm
%pragma preproc sane_empty_expansion true
%define e
m
m e
m 1

;; empty expansion
%macro m 0-1
db %0
%endm
%define e
m
m e
m 1
m {}

;; empty expansion 2
%macro m 0-*
db %0
%endm
%define e
m e
m e,e
m ,
m e,

;; default with macro
%define d 5
%macro m 0-1 d
db %1
%endm
%define d 6
m

;; rep with label
%assign i 0
%rep 3
x%[i]: db i
%assign i i+1
%endrep
dw x0, x1, x2

;; rep count from label
a: db 1,2,3
%rep $-a
db 9
%endrep

;; fatal not reached
%if 0
%fatal foo
%error bar
%endif
db 1

;; fatal reached
%fatal foo
db 1

;; error reached
%error foo
db 1

;; warning reached
%warning foo bar
db 1

;; error with macros
%define x 5
%error x is %[x]

;; list
[list -]
db 1
[list +]

;; nested if in left out
%if 0
%if 1
db 1
%else
db 2
%endif
%ifdef foo
%elifdef bar
%else
%endif
%else
db 3
%endif

;; macro in left out
%if 0
%macro m 0
db 1
%endmacro
%rep 5
%endrep
%endif
db 2

;; macro with unbalanced if
%macro opn 1
%if %1
%endmacro
%macro cls 0
%endif
%endmacro
opn 0
db 1
cls
db 2

;; include in macro
%macro m 0
%include "inc.inc"
%endm
m
m

;; include quoted forms
%include 'inc.inc'
%define f "inc.inc"
%include f

;; strcat
%define x "a"
%strcat s x, 'b', `c\n`
db s
%strlen n s
db n

;; strlen forms
%strlen a 'x'
%define s "hello"
%strlen b s
db a,b

;; strlen of several
%strlen n "ab", "c"
db n

;; substr forms
%substr a 'wxyz' 2
%substr b 'wxyz' 2,2
%substr c 'wxyz' 2,-1
%substr d 'wxyz' 2,-2
%substr e 'wxyz', 3
%substr f 'wxyz' 9
%substr g 'wxyz' 0
%substr h 'wxyz' 1,0
%substr i 'wxyz' -1
db a,b,c,d,e,f,g,h,i

;; defstr deftok
%define a 1 + 2
%defstr s a
db s
%deftok t 'mov ax, bx'
t
%deftok u "5"
db u

;; idefstr
%idefstr FOO a b
db foo

;; rotate
%macro m 3
%rotate 1
db %1,%2,%3
%rotate -1
db %1
%rotate 4
db %1
%endm
m 1,2,3

;; parameter ranges
%macro m 1-*
db %{1:2}, %{-1:1}, %{2:-1}
%endm
m 1,2,3,4

;; condition parameters
%macro retif 1
j%-1 %%skip
ret
%%skip:
%endm
retif z
retif nc
retif cxz

;; condition parameters 2
%macro j 1
j%+1 $
%endm
j cxz
j ne
j ecxz

;; exitmacro and exitrep
%macro m 0
%rep 5
db 1
%exitrep
db 2
%endrep
db 3
%exitmacro
db 4
%endm
m

;; percent zero zero
%macro m 0
%00: db 5
%endm
x: m
y m
dw x,y

;; percent zero zero default
%macro m 0
%ifid %00
db 1
%else
db 2
%endif
%endm
m
z: m

;; rmacro
%rmacro cnt 1
db %1
%if %1 > 1
cnt %1-1
%endif
%endm
cnt 3

;; line continuation
%define long 1, \
 2, \
 3
db long
mov ax, \
 5

;; continuation in comment
db 1 ; comment \
db 2

;; dots in names
a.b: db 1
%define a.c 5
db a.c
dw a.b

;; special symbols
..@foo: db 1
dw ..@foo
..start: db 2

;; local labels around
a: 
.x: db 1
..@y:
.z: db 2
b:
.x: dw a.x, a.z, .x

;; dollar names
$eax: db 1
dw $eax
mov ax, $ax
$ax: db 2

;; numbers
db 0b101, 101b, 0y101, 101y, 17o, 17q, 0o17, 0q17, 0t10, 10d, 10t, 0d10, 0x1f, 1fh, 0h1f, $1f, 0xff

;; char constants
dd 'a', 'ab', 'abc', 'abcd'
dq 'abcdefgh'
mov eax, 'abcd'
dw 'abc'
dd 'abcde'

;; strings with escapes
db `\x41\n\t\0\177\u00e9\U0001F600\\\"\'\`\e\a`

;; strings plain
db 'it"s', "it's", '\n'

;; times with nested
times 2 times 3 db 1

;; times zero
times 0 db 1
db 2

;; times negative
times -1 db 1

;; times label
x: times 3 dw x

;; times $
times 10-($-$$) db 7

;; equ local
a equ 5
.b equ a+1
db .b

;; equ twice
a equ 5
a equ 5

;; equ differing
a equ 5
a equ 6

;; equ forward
db b
b equ c+1
c equ 2

;; equ without label
equ 5

;; label twice
a: db 1
a: db 2

;; resb forward
resb a
a equ 5

;; dup nested
db 2 dup (1, 2 dup (3), 'x')
dw 3 dup (?), 5
db 2 dup 7

;; question mark
section .bss
a: db ?
b: dw ?, ?
c: resb 2

;; dbs
db 1, "ab", 2
dw "ab", "abc", 1.5
dd "abcde", 1.5
dq 1.5, "abc"
dt 1.5
do "abc"

;; db empty
db

;; db trailing comma
db 1,

;; org twice
org 5
org 6

;; org late
db 1
org 100h
dw $

;; absolute
absolute 100h
a: resb 4
b: resw 1
section .text
dw a, b, $

;; absolute data
absolute 100h
db 5

;; absolute here
absolute $

;; absolute label
x: db 1,2,3
absolute x+1
y: resb 1
section .text
dw y

;; sections in bin
section .text
a: db 1
section .data
b: db 2
section .bss
c: resb 1
section .text
dw a,b,c
section .foo
dw 5

;; sections align and vstart
section .text vstart=0x100
dw $, $$
section .data align=16 vstart=0x2000
x: dw x
section .more follows=.text
dw $
section .bss vfollows=.data
y: resb 1
section .text
dw y, section..data.start, section..data.vstart

;; sections start
section .a start=0x10
db 1
section .b start=0x20 vstart=0x100
db 2
dw $$

;; sections overlap
section .a start=0x10
times 20 db 1
section .b start=0x12
db 2

;; sections valign
section .a
db 1
section .b valign=32 align=8
dw $

;; section unknown follows
section .a follows=.zz
db 1

;; section nobits start
section .bss start=0x500 nobits
x: resb 1
section .text
dw x

;; bits words
bits 16
mov ax,1
use32
mov ax,1
[bits 64]
mov ax,1
[BITS 16]
USE16
mov ax, 1

;; cpu words
cpu 8086
mov ax,1
cpu 386
mov eax,1
[cpu x64]
mov eax,2
CPU IA64

;; cpu unknown
cpu foo

;; cpu jumps
cpu 8086
jz x
times 5 nop
x:

;; default words
bits 64
default rel
mov eax,[x]
default abs
mov eax,[x]
x:

;; global in bin
global x
extern y
x: db 1

;; extern used in bin
extern y
dw y

;; common in bin
common y 4

;; incbin parts
incbin "bytes.bin"
incbin "bytes.bin",5
incbin "bytes.bin",5,3
incbin "bytes.bin",18,10
times 2 incbin "bytes.bin",0,2

;; incbin none
incbin "none.bin"

;; incbin bare
incbin bytes.bin

;; if forward label
%if a > 1
db 1
%endif
a equ 5

;; if label difference
x: db 1,2,3
y:
%if y - x == 3
db 9
%endif

;; assign label
x: db 1
%assign n $-x
db n

;; assign forward
%assign n z
z: db 1

;; times forward label
times z db 1
z:

;; operators
dd 7/2, -7/2, -7//2, 7%3, -7%%3, 1<<4, -1>>60, -16>>>2, 5&3, 5|3, 5^3, ~5

;; operators 2
db 1+2*3, (1+2)*3, 1<<2+1, 5&3|8, 2||0, 2&&0, 1^^1, 3=3, 3==3, 3!=3, 3<>4, 3<4, 3>4, 3<=3, 4>=5

;; operators 3
db 1?2:3, 0?2:3, 1?0?4:5:6, !1+1, -1+2, ~1+2, - -1, +5

;; division by zero
db 1/0

;; modulo by zero
db 1%%0

;; huge shift
dq 1<<63, 1<<64, 1>>64, -1>>>64, 1<<-1

;; signed compare
db -1<1, -1>1, 0xffffffffffffffff>1

;; label arithmetic
x: db 1
y: dw y-x, x-y, (y-x)*2, x+y-y

;; label product
x: dw x*2

;; label and
x: dw x & 1

;; label and in org
org 0
x: dw x | 1

;; cpu limits 8086
cpu 8086
push 5

;; cpu limits 8086 b
cpu 8086
shl ax, 3

;; cpu limits 8086 c
cpu 8086
mov eax, 5

;; cpu limits 8086 d
cpu 8086
pusha

;; cpu limits 8086 ok
cpu 8086
push ax
shl ax, 1
shl ax, cl
mov ax, [bx+si]
imul bx
int3
fld dword [bx]
jz $

;; cpu limits 186
cpu 186
push 5
shl ax, 3
pusha
enter 5, 0
imul ax, bx, 5

;; cpu limits 186 b
cpu 186
lgdt [bx]

;; cpu limits 286
cpu 286
lgdt [bx]
smsw ax
fstsw ax

;; cpu limits 286 b
cpu 286
movzx ax, bl

;; cpu limits 286 c
cpu 286
push fs

;; cpu limits 286 d
cpu 286
mov eax, cr0

;; cpu limits 386
cpu 386
mov eax, cr0
movzx eax, bl
bt ax, 5
setz al
push fs
jz near $+300
lfs ax, [bx]
mov ax, [eax]

;; cpu limits 386 b
cpu 386
bswap eax

;; cpu limits 386 c
cpu 386
invlpg [bx]

;; cpu limits 486
cpu 486
bswap eax
invlpg [bx]
xadd [bx], ax

;; cpu limits 486 b
cpu 486
cpuid

;; cpu limits 586
cpu 586
cpuid
rdtsc
rdmsr
cmpxchg8b [bx]

;; cpu limits 586 b
cpu pentium
cmovz ax, bx

;; cpu limits 686
cpu 686
cmovz ax, bx
rdpmc
sysenter

;; cpu limits 686 b
cpu 686
movaps xmm0, xmm1

;; cpu limits 686 c
cpu 686
bits 64
mov rax, 5

;; cpu limits lifted
cpu 8086
mov ax, 5
cpu default
mov eax, 5

;; cpu vmx
cpu 8086
vmxoff
vmcall

;; cpu limits bits 32
cpu 286
bits 32

;; cpu limits use32
cpu 286
use32

;; cpu limits bits ok
cpu 386
bits 32
mov eax, 5

;; istruc nested
struc a
.x: resb 1
.y: resw 1
endstruc
struc b
.a: resb a_size
.z: resb 1
endstruc
istruc b
at b.a
istruc a
at a.y, dw 5
iend
at b.z, db 7
iend
dw b_size, a_size

;; istruc with times
struc a
.x: resb 4
.y: resw 1
endstruc
v: istruc a
at .x, times 4 db 9
at .y, dw v
iend

;; istruc overflow
struc a
.x: resb 1
.y: resw 1
endstruc
istruc a
at .x, dw 5
at .y, dw 6
iend

;; istruc short
struc a
.x: resb 1
.y: resw 1
endstruc
istruc a
iend

;; istruc with string
struc a
.x: resb 8
endstruc
istruc a
at .x, db "hi",0
iend

;; istruc label inside
struc a
.x: resb 8
endstruc
q: istruc a
at .x, db "hi",0
.in: db 5
iend
dw q.in

;; struc with align
struc a
.x: resb 1
alignb 4
.y: resd 1
align 16
.z:
endstruc
dw a.y, a_size

;; struc local outside
struc a
.x: resb 1
endstruc
.x: db 1
dw .x, a.x

;; struc in section
section .data
db 1
struc a
.x: resb 1
endstruc
db 2
dw $, a_size

;; struc with expression
n equ 4
struc a, n*2
.x: resb 1
endstruc
dw a.x

;; struc twice
struc a
.x: resb 1
endstruc
struc a
.x: resb 1
endstruc

;; struc with equ and macro
%define fld resw 1
struc a
x equ 5
.b: fld
endstruc
dw a.b, x

;; absolute twice
absolute 5
a: resb 1
absolute 10
b: resb 1
section .text
dw a,b

;; absolute in bits
absolute 0x8000
a: resw 1
[section .text]
dw a

;; bracket section and sect
section .data
db 1
[section .foo]
db 2
__SECT__
db 3

;; bracket directives
[bits 32]
[org 0x100]
[section .text align=4]
mov eax, $
[global x]
x: ret
[cpu 386]
[absolute 5]
q: resb 1

;; label on own line before directive
x:
section .data
dw x

;; times expression with labels
a: db 1,2
b:
times b-a db 3

;; dollar in times
times 4 dw $-$$

;; dollar dollar in section
section .data
db 1
dd $$, $-$$

;; equ dollar
x equ $
db 1
y equ $-x
db x, y

;; equ of label in other section
section .data
d: db 1
section .text
e equ d
dw e

;; resw with label difference
a: db 1,2,3
section .bss
resb $-$$+2
b: resw 1
section .text
dw b

;; lea with equ
off equ 4
lea ax,[bx+off]
mov al,[off]

;; segment override forms
mov ax,[es:bx]
es mov ax,[bx]
mov ax, es:[bx]

;; far forms
jmp 0x10:0x20
call far [bx]
jmp far [bx]
jmp word 0x10:0x20
jmp dword 0x10:0x20
retf

;; strings in instructions
mov al,'a'
mov ax,'ab'
mov eax,'abcd'
cmp byte [bx],'x'
push 'ab'

;; number suffixes
mov ax,0ffh
mov ax,0FFH
mov ax,10b
mov ax,0b10
mov ax,17o
mov ax,17q
mov ax,10d

;; label types
start:
.loop: dec cx
jnz .loop
jmp start.loop
other:
.loop: jmp .loop
jmp start.loop

;; label with dollar and at
a$b: db 1
a@b: db 2
a#b: db 3
a~b: db 4
a?b: db 5
_x: db 6
?x: db 7
dw a$b,a@b,a#b,a~b,a?b,_x,?x

;; case sensitivity
Foo: db 1
foo: db 2
dw Foo, foo
MOV AX, BX
Mov Ax, Bx
DB 5

;; comments
db 1;comment
; whole
 ; indented
db 2 ; "quote
db ';' ; x

;; tabs and formfeeds
	db	1
db 2

;; empty label line
a:	
b:
c:   ; hi
dw a,b,c

;; line with only colon
:

;; double colon
a:: db 1

;; label number
5: db 1

;; instruction twice
nop nop

;; rep prefixes
rep movsb
repe cmpsb
repne scasb
lock inc word [bx]
rep lock inc word [bx]

;; o32 a32
o32 mov ax,5
a32 mov al,[bx]
o16 push 5
o32 ret

;; times with instruction prefix
times 3 rep movsb

;; incbin label
x: incbin "bytes.bin",0,2
dw x

;; times incbin
times 2 incbin "bytes.bin",1,1

;; align with label
nop
x: align 8
nop
dw x

;; align in data
section .data
db 1
align 4
dd 2
align 8, db 0xff
db 3

;; alignb bss
section .bss
a: resb 1
alignb 8
b: resb 1
section .text
dw b

;; org with align
org 0x7c01
nop
align 4
dw $

;; bootsector
bits 16
org 0x7c00
start: cli
xor ax,ax
mov ds,ax
mov si,msg
call print
hlt
print: lodsb
or al,al
jz .done
mov ah,0eh
int 10h
jmp print
.done: ret
msg db 'Hello',13,10,0
times 510-($-$$) db 0
dw 0xaa55

;; default after jump
jmp x
times 200 db 0
x: jmp short y
y: jz x

;; jump chain
a: jmp b
times 126 nop
b: jmp a
times 126 nop
jmp b

;; same place twice
a:
a: db 1

;; same place in absolute
absolute 5
a: resb 1
absolute 5
a: resb 1

;; other place in absolute
absolute 5
a: resb 1
absolute 6
a: resb 1

;; absolute then equ
absolute 5
a: resb 1
a equ 5

;; equ then absolute
a equ 5
absolute 5
a: resb 1

;; struc twice other
struc a
.x: resb 1
endstruc
struc a
.x: resb 2
.y: resb 1
endstruc

;; bss twice
section .bss
a:
section .text
db 1
section .bss
a: resb 1

;; equ in rep same
%rep 2
a equ 5
%endrep
db a

;; equ in rep other
%assign i 0
%rep 2
a equ i
%assign i i+1
%endrep

;; label in rep
%rep 2
a: db 1
%endrep

;; label in rep without bytes
%rep 2
a:
%endrep
db 1
dw a

;; dd other minus here
section .data
x: db 1
section .text
nop
dd x - $, x - $$
dw x - $, x - $$
dq x - $
db x - $

;; dd other minus other
section .data
x: db 1
section .foo
y: db 1
section .text
dd x - y

;; mov other minus here
section .data
x: db 1
section .text
nop
mov eax, x - $
mov eax, x - $$
mov ax, x - $$
mov al, x-$$

;; mem other minus here
section .data
x: db 1
section .text
nop
mov eax, [x - $$]
mov eax, [bx + x - $$]
lea ax, [x-$$+2]

;; add other minus here
section .data
x: db 1
section .text
nop
add ax, x - $$
push x - $$
push word x - $

;; own label minus other
section .data
x: db 1
section .text
y: nop
dd y - x

;; add 64
bits 64
section .data
x: db 1
section .text
y: nop
add rax, x - $$
mov rax, x - y
lea rax, [rel x - 4]

;; multi org
org 0x7c00
section .data
x: db 1
section .text
nop
dd x - $$
mov eax, x - $$
mov eax, x

