/** Programs about data, space and structures; nasm gives the bytes to compare with. */
export const dataPrograms: Readonly<Record<string, string>> = {
  "absolute addresses": `
absolute 5
x: resb 4
section .text
dw x,$
`,
  "labels counted from a label": `
a: dw 1
absolute a
x: resb 4
y: resw 2
section .text
dw x,y
`,
  "alignment after absolute": `
nop
absolute 5
x: resb 2
alignb 8
z: resb 1
w equ $-$$
section .text
 dw x,z,w
`,
  "a structure after absolute": `
x: absolute 5
y: resb 1
struc z
.a: resb 2
.b: resw 1
endstruc
resb 2
q: resb 1
section .text
dw x,y,z.a,z.b,z_size,q
`,
  "structures and their instances": `
struc z, 4
.a: resb 2
.b: resw 1
 alignb 8
.c:
endstruc
 dw z,z.a,z.b,z.c,z_size
v: istruc z
at z.a, db 1
at .b, dw 5
iend
 w istruc z
 at .a
 times 3 db 1
 iend
dw v,w
`,
  "structures without local labels": `
struc z
a: resb 2
b: resw 1
endstruc
 istruc z
at a, db 1
at b, times 2 db 5
iend
struc e
endstruc
dw e_size
 .l: dw .l
`,
  "structures inside each other": `
struc z
.a: resb 2
struc q
.b: resb 3
endstruc
.c: resb 1
endstruc
 dw z.a,z_size,q_size
`,
  "structures used before they are written": `
mov ax,[bx+p.y]
mov al, p_size
struc p
.x: resw 1
.y: resd 2
endstruc
mov ax,[bx+p.y]
lea di,[si+p_size]
`,
  "a task-state segment": `
bits 32
mov [ebp+tss.esp0], esp
struc tss
.link resw 1
 resw 1
.esp0 resd 1
.ss0 resw 1
endstruc
section .data
t: istruc tss
at tss.esp0, dd t+4
at tss.ss0, dw 0x10
iend
`,
  "reserved with question marks": `
section .bss
db ?
dw ?,?
db 2 dup (?)
x:
section .text
dw x
`,
  "question marks after absolute": `
absolute 5
db ?
x: dw 3 dup (?)
y:
section .text
dw x,y
`,
  "files of bytes": `
incbin "bytes.bin",2,3
incbin "bytes.bin",30
incbin "bytes.bin",18,30
times 2 incbin "bytes.bin",0,1
x: incbin "bytes.bin",19
dw x
incbin "empty.bin"
incbin "bytes.bin"
dw $
`,
  "parts of files by constants": `
n equ 3
incbin "bytes.bin",n,n*2
section .bss
x: resb 1
section .text
dw x
`,
  "lists that repeat": `
db 6 dup (33, 34), 35
db 7 dup dword (?, word ?, ?)
dw byte (?,44)
dw 3 dup (0xcc, 4 dup byte ('PQR'), ?), 0xabcd
`,
  "lists with a percent sign": `
db %(44,55)
db 3 dup %(5)
db 2 dup ?
`,
  "sizes between items": `
db 2 dup 5
db 2 dup word 5
db word 5, dword 7
db byte (1,2), 3 dup (4)
dw "ab" dup (5)
`,
  "lists of strings and labels": `
dw 0 dup (5)
db "abc", 2 dup ("de",0)
dw %("a","bcd")
dq 2 dup (x)
x: dw 2 dup (3 dup (1,2),x)
dw (5) dup (6)
`,
  "repeated data with lists": `
times 3 db 2 dup (1,2)
n equ 3
db n dup (7)
dw $
`,
  "floating-point numbers of all sizes": `
db 1.5
dw 1.5,-2.5e3
dd 1.5,-0.1
dq 3.14159
dt 3.14159
do 2.5
dq 0x1.8p3, __Infinity__, -__Infinity__, __NaN__,__QNaN__,__SNaN__
dd __?Infinity?__
`,
  "numbers between two others": `
dd 16777217.0, 16777219.0,16777221.0, 0x1000003.0p0
dw 65520.0, 65536.0, 65535.0, 2049.0, 2051.0,0x801.0,0x803.0
 db 1.0, 15.5, 480.0,0.001953125,0.0009765625, 449.0
`,
  "the least and the greatest numbers": `
dw 1e-8, 5.96e-8, 2.9e-8, 2.98023223876953125e-8, 2.98023224e-8
 dt 1e-4950, 1e-4940,1e4932, 1e5000, 0.0, -0.0
`,
  "signs, infinities and no numbers": `
dd 0.0, -0.0, +1.5, - 1.5, 1e0, 1e+5, 1E-5
 dd -__Infinity__, __NaN__, -__NaN__, __SNaN__
dt __NaN__,__Infinity__,__SNaN__,__QNaN__
dw __NaN__,__SNaN__
do __SNaN__
`,
  "well-known hard conversions": `
dd 3.4028234e38, 3.4028236e38, 1.17549435e-38, 1e-45, 0.7e-45, 123456789.0
dq 1.7976931348623157e308, 2.2250738585072014e-308, 4.9e-324, 0.1, 0.2, 0.3, 2.718281828459045, 1e22, 1e23, 9007199254740993.0
dt 0.1, 1e100, 18446744073709551616.0, 2.718281828459045235360287
do 0.1, 1e1000, 3.14159265358979323846264338327950288
`,
  "ways to write a number": `
dd 1e10, 1., 1.e5, 1_000.5, 12_3.4_5e-1, 0x.8p0, 0h1.8, 0x1p3
`,
  "numbers in lists": `
dd 4 dup (1.5, 2), 2 dup (-1.5)
dq 2 dup dword (1.5)
`,
  "sizes beyond eight bytes": `
dt "ab", "abcdefghijkl"
do "ab"
dy "x"
dz "y", ?
dt ?
rest 1
reso 1
`,
};
