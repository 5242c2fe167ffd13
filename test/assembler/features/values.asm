;; ilog exact
dq __ilog2e__(8)
dq __ilog2e__ 16, __ilog2f__ 1+17

;; ilog exact bad
dq __ilog2e__(9)

;; ilog w
dq __ilog2w__(9), __ilog2w__(0), __ilog2f__(0), __ilog2c__(0), __ilog2c__(1), __ilog2f__(-1), __ilog2c__(-1)

;; ilog c
dq __ilog2c__(9), __ilog2c__(0x8000000000000000), __ilog2c__(0x8000000000000001)

;; not paren
dd __float32__ 1.5

;; float func in expr
dd __float32__(1.5)+1
db __float16__(1.0) >> 8

;; float func sign
dd __float32__(-1.5), __float32__(+2), -__float32__(1.5)

;; float func inf
dd __float32__(__Infinity__), __float32__(-__NaN__), __float32__(__?snan?__)

;; float func int
dd __float32__(2)

;; float func macro
%define x 1.5
dd __float32__(x)
%assign y __float32__(1.0)
dd y

;; float func space
dd __float32__ ( 1.5 )

;; utf size
db __utf16__('ab')
dw __utf16__('a'), __utf16__(`\u20ac\U0001F600`)
dd __utf32__(`\U0001F600`)

;; utf expr
dw __utf16__('a')+1
mov ax, __utf16__('a')
%strlen n __utf16__('abc')
db n
%assign n __utf16__('a')
db n

;; utf bad
dw __utf16__(5)

;; utf invalid
dw __utf16__(`\xff`)

;; bcd
dt 123p, 0p123, -0p12_3, +5p, 0P9, 123456789012345678p, 1234567890123456789p

;; bcd dd
dd 5p

;; bcd in expr
db 5p+1

;; float forms
dd 1., 1.e5, 1e5, 0x1p5, 0x.8p1, 0x1.8, 0h1.8, $1.8, 1_000.5, 1e-3, 1.e+3

;; float dec
dd 1d, 1.0e400

;; float db
db 1.5

;; float dy
dy 1.5

;; float do
do 1.5, -1.5

;; float rounding
float up
dd 0.1, -0.1
dq 0.1, -0.1
float down
dd 0.1, -0.1
dt 0.1,-0.1
float zero
dd 0.1, -0.1
float near
dd 0.1, -0.1, 16777217.0, 16777219.0
float down
dd 16777217.0, 16777219.0,-16777217.0
dd 1e40
float up
dd 1e40, -1e40
float default
db __FLOAT__

;; float daz2
float daz, up
dd 1e-40, 1.0e-45
dw 1.0e-7
%defstr x __FLOAT__
db x, '|'
%defstr x __FLOAT_ROUND__
db x
%defstr x __FLOAT_DAZ__
db x

;; float bad
float foo

;; float none
float

;; use sections align
%use smartalign
section .text
nop
align 16
section .data
db 1
align 8
align 8, db 0

;; smartalign modes 16
%use smartalign
%macro t 2
alignmode %1, %2
align 64
times 64-%2 nop
%endm
%macro all 2
bits %1
alignmode %2
%assign i 1
%rep 9
 align 16
 times 16-i int3
 align 16
%assign i i+1
%endrep
%endm
all 16, generic
all 32, generic
all 64, generic
all 16, k8
all 32, k8
all 64, k8
all 32, k7
all 64, k7
all 16, p6
all 32, p6
all 64, p6
all 16, nop
all 32, nop

;; smartalign k7 16
%use smartalign
bits 16
alignmode k7
nop
align 8

;; smartalign nojmp
%use smartalign
bits 32
alignmode generic, nojmp
nop
align 32
alignmode p6, 1000
nop
align 256
alignmode p6, 3
nop
align 256
nop
align 256

;; smartalign times
%use smartalign
x: times 2 align 16

;; smartalign bad
%use smartalign
alignmode foo

;; alignmode without use
alignmode p6

;; smartalign nested %rep
%use smartalign
%rep 3
nop
align 8
%endrep

;; smartalign alignb
%use smartalign
nop
alignb 8

;; sectalign2
section .data
db 1
sectalign 64
section .text
dw section..data.start

;; sectalign3
section .data
db 1
sectalign off
align 64
section .text
dw section..data.start

;; sectalign bad
sectalign 3

;; sectalign small
sectalign 1
db 1

;; sectalign elf (elf64)
section .foo
sectalign off
align 64
db 1
section .bar
align 64
db 1
section .baz
sectalign 128
[sectalign 32]

;; alignb fill
nop
alignb 4, db 5

;; align 1
nop
align 1

;; align value
align 4+4
a equ 8
align a

;; align fwd
align a
a equ 8

;; align 3
nop
align 3

;; align neg
align -4

;; align0
align 0

;; floats of every base
dd 0d3.7282705e+4, 0t3.7282705e+4, 0o1.10642547422p+15, 0q1.10642547422p+15
dd 0b1.0010_0011_0100_0101_0110_0111_1000_1001p+15, 0y1.1p3
dq 0o7p3, 0b1p3, 1e+1_6, 1e1_6, 1.5e-1_0
dd 0d10, 0t10, 0b101, 0q17, 0o17, 0y11

;; strings of wide characters without parentheses
dw __utf16__ "Hello, World!"
dd __utf32__ 'ab'

;; instructions and data words as labels
bits 32
loop: jmp loop
add: call add
mov eax, [test]
test: dd test, str, dq
str: db 1
dq: dw $-str

;; size behind the colon
bits 16
jmp 8:dword x
jmp 8:strict word x
x:

;; LEA takes a label for an address
bits 64
x: lea rax, x
lea rax, $$+1
lea eax, y
y:
default rel
lea rax, x
lea rax, 5
default abs

