/** Programs about sections; nasm gives the bytes to compare with. */
export const sectionPrograms: Readonly<Record<string, string>> = {
  "an aligned first section after an odd origin": `
org 5
db 1
align 16
x: dw x
`,
  "a section aligned less than usual": `
org 5
db 1
section .data
align 2
x: dw x
`,
  "a section that is not aligned": `
db 1
section .data align=1
x: dw x
`,
  "attributes given again": `
db 1
section .data align=8
x: dw x
section .data align=16
section .data vstart=0x100 align=2
`,
  "an address in memory and one in the file": `
db 1
section .data vstart=0x100
x: dw x, $, $$, section..data.start, section..data.vstart,section..text.start
mov ax,section..data.start
mov al,[section..data.start]
 add ax, section..data.vstart
 jmp x
 section .text
jmp x
`,
  "sections that follow, start and align": `
section .data
dw a
section .text
db 1
section z align=32
a: dw a
section y start=0x40
dw b
section x follows=.text align=1
b: db 3
section w nobits start=0x500
wa: resb 4
section v nobits align=64
va: resb 4
section u nobits
ua: resb 4
section .bss
bs: resb 5
section .data
dw wa,va,ua,bs
`,
  "addresses beyond the file, 64-bit": `
section .text vstart=0x1000
a: dw a
section .data follows=.text
b: dw b
section c vstart=-0x80000000
bits 64
mov rax, x
mov eax, [rel x]
x: dq x
`,
  "a start without an origin": `
section .text start=0x100
a: dw a
`,
  "reserved space named before the code": `
section .bss
x: resb 5
align 16
y: resb 1
section .text
dw x,y
`,
  "no code at all": `
section .data
x: dw x
section foo align=16
dw $,$$
`,
};
