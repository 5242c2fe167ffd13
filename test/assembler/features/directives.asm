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

;; spaceship
db 1 <=> 2, 2 <=> 1, 5 <=> 5, -1 <=> 1

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

