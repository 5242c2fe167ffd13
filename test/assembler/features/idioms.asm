;; dup expr count
n equ 2
db n dup (1), n+1 dup 2

;; nested struct macro
%macro field 2
%1: res%2 1
%endm
struc s
field .a, b
field .b, w
endstruc
dw s.b, s_size

;; istruc from macro
struc p
.x: resw 1
.y: resw 1
endstruc
%macro point 2
istruc p
at p.x, dw %1
at p.y, dw %2
iend
%endm
point 1,2
a: point 3,4
dw a

;; gdt macro
%macro desc 3
dw %2 & 0xffff
dw %1 & 0xffff
db (%1 >> 16) & 0xff
db %3 & 0xff
db ((%2 >> 16) & 0xf) | ((%3 >> 4) & 0xf0)
db %1 >> 24
%endm
gdt: dq 0
desc 0, 0xfffff, 0xc9a
desc 0x12345678, 0xfffff, 0xc92
end:
dw end-gdt-1
dd gdt

;; isr table
%assign i 0
%rep 8
isr%+i:
%if i == 3
push i
%else
push byte 0
push byte i
%endif
jmp stub
%assign i i+1
%endrep
stub: iret
table:
%assign i 0
%rep 8
dw isr%+i
%assign i i+1
%endrep

;; print macro with string
%macro print 1+
jmp %%over
%%msg: db %1, 0
%%over: mov si, %%msg
%endm
print "hi", 13, 10
print 'a;b', "c,d"

;; string loop
%macro each 1
%strlen %%n %1
%assign %%i 1
%rep %%n
%substr %%c %1 %%i
db %%c, 7
%assign %%i %%i+1
%endrep
%endm
each "hello"

;; multipush
%macro mpush 1-*
%rep %0
push %1
%rotate 1
%endrep
%endmacro
%macro mpop 1-*
%rep %0
%rotate -1
pop %1
%endrep
%endmacro
mpush ax,bx,cx
mpop ax,bx,cx

;; if else context
%macro if 1
%push if
j%-1 %$ifnot
%endmacro
%macro else 0
%ifctx if
%repl else
jmp %$ifend
%$ifnot:
%else
%error "expected if before else"
%endif
%endmacro
%macro endif 0
%ifctx if
%$ifnot:
%pop
%elifctx else
%$ifend:
%pop
%else
%error "expected if or else before endif"
%endif
%endmacro
cmp ax,bx
if ae
cmp bx,cx
if ae
mov ax,cx
else
mov ax,bx
endif
else
cmp ax,cx
if ae
mov ax,cx
endif
endif

;; repeat until
%macro repeat 0
%push repeat
%$begin:
%endmacro
%macro until 1
j%-1 %$begin
%pop
%endmacro
mov cx,string
repeat
add cx,3
scasb
until e
string: db 0

;; proc with arg
%macro proc 1
%push proc
global %1
%1: push bp
mov bp,sp
%assign %$arg 4
%define %$procname %1
%endmacro
%macro arg 0-1 2
%00 equ %$arg
%assign %$arg %1+%$arg
%endmacro
%macro endproc 0
mov sp,bp
pop bp
ret
%pop
%endmacro
proc _f
%$i arg
%$j arg
mov ax,[bp + %$i]
mov bx,[bp + %$j]
add ax,[bx]
endproc

;; writefile overload
%macro writefile 2+
jmp %%endstr
%%str: db %2
%%endstr: mov dx,%%str
mov cx,%%endstr-%%str
mov bx,%1
mov ah,40h
int 21h
%endmacro
writefile [handle],"hello, world",13,10
handle: dw 0

;; silly macro
%macro silly 2
%2: db %1
%endmacro
silly 'a', letter_a
silly 'ab', string_ab
silly {13,10}, crlf
dw crlf

;; die macro defaults
%macro die 0-3 "Painful program death has occurred.",5,6
db %1
db %2,%3
%endmacro
die
die "x"
die "x",7,8

;; foobar greedy defaults
%macro foobar 1-3 eax,[ebx+2]
mov %2,%3
%ifidn %1,a
nop
%endif
%endmacro
foobar a
foobar b, ecx
foobar c, edx, [esi]

;; conditional assembly of size
%ifndef SIZE
%define SIZE 16
%endif
%if SIZE = 16
mov ax, SIZE
%elif SIZE = 32
mov eax, SIZE
%endif

;; times pad with label
start: jmp main
times 3-($-start) db 0x90
main: ret
times 16-($-$$) db 0

;; fibonacci
fibonacci:
%assign i 0
%assign j 1
%rep 100
%if j > 65535
%exitrep
%endif
dw j
%assign k j+i
%assign i j
%assign j k
%endrep
fib_number equ ($-fibonacci)/2
db fib_number

