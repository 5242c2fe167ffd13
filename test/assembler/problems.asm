;; Unknown words
  movv ax, 1
; ^^^^ error unknown-mnemonic: Unknown instruction “movv”. Did you mean “mov”?
  htl
; ^^^ warning label-alone: “htl” alone on a line is taken as a label; end it with a colon if that is meant. Did you mean “hlt”?
  foo movv ax, 1
;     ^^^^ error unknown-mnemonic: Unknown instruction “movv”. Did you mean “mov”?
  vaddpd
; ^^^^^^ error unsupported-instruction: Ringside does not know the instruction “vaddpd” yet.
  mov ax, ymm0
;         ^^^^ error unsupported-word: “ymm0” is a reserved word of nasm that Ringside does not know yet; as a symbol write $ymm0.
  struc point
  .x: resw 1
  endstruc
  extern printf
  cpu 386
  dx 5
; ^^ error syntax: “dx” is a register; an instruction is expected here.

;; Operands that do not go together
  mov ax, ebx
;         ^^^ error operand-size-mismatch: The operands of MOV have different sizes: AX has 16 bits, EBX has 32; write BX.
  mov [bx], [si]
;           ^^^^ error no-such-form: No form of MOV takes two memory operands; go through a register.
  mov [bx], 5
;     ^^^^ error operand-size-unknown: The size of the operation is not known: write byte, word, dword or qword before the memory operand.
  mov cs, ax
;     ^^ warning no-such-form: CS cannot be loaded with MOV; use a far jump, call or return: here the processor raises #UD.
  mov es, 5
;         ^ error no-such-form: A segment register cannot be loaded with a number; load ES from a register.
  push al
;      ^^ error operand-size-mismatch: The operand of PUSH is a 16- or 32-bit register or memory operand, a segment register or a number, not AL; write EAX or AX.
  lea ax, bx
;         ^^ error no-such-form: The second operand of LEA is a memory operand, not BX; memory at the address in it is written [BX].
  mov ax
; ^^^^^^ error operand-count: MOV takes 2 operands, not 1.
  hlt ax
; ^^^^^^ error operand-count: HLT takes 0 operands, not 1.
  in al, bx
;        ^^ error no-such-form: The second operand of IN is DX or a number, not BX.
  add al, 5, 6
; ^^^^^^^^^^^^ error operand-count: ADD takes 2 operands, not 3.
  mov ah, sil
;         ^^^ error wrong-mode: SIL exists only in 64-bit code, and this is 16-bit code.
  shl ax, bx
;         ^^ error operand-size-mismatch: The second operand of SHL is CL or a number, not BX; move the count to CL.

;; Modes
  bits 16
  mov rax, 1
;     ^^^ error wrong-mode: RAX exists only in 64-bit code, and this is 16-bit code.
  syscall
  bits 64
  push eax
;      ^^^ error wrong-mode: PUSH has no 32-bit operand in 64-bit code, so not EAX; write RAX.
  pusha
; ^^^^^ error wrong-mode: PUSHA does not exist in 64-bit code; push or pop the registers one by one.
  mov ah, r8b
; ^^^^^^^^^^^ error high-byte-with-rex: AH, BH, CH and DH cannot be used together with a register or size that exists only in 64-bit code.
  jmp 8:5
; ^^^^^^^ error wrong-mode: JMP with these operands does not exist in 64-bit code; a far address is taken from memory there: far [x].
  bits 17
;      ^^ error bad-directive: “bits” is 16, 32 or 64, not 17.

;; Symbols
  start: jmp nowhere
;            ^^^^^^^ error undefined-symbol: “nowhere” is not defined.
  start: nop
; ^^^^^ error duplicate-symbol: “start” is already defined.
  jmp statr
;     ^^^^^ error undefined-symbol: “statr” is not defined. Did you mean “start”?
  mov ax, .missing
;         ^^^^^^^^ error undefined-symbol: “start.missing” is not defined.
  .local: jmp .locla
;             ^^^^^^ error undefined-symbol: “start.locla” is not defined. Did you mean “start.local”?
  here
; ^^^^ warning label-alone: “here” alone on a line is taken as a label; end it with a colon if that is meant.
  ax: db 1
; ^^ error reserved-word: “ax” is a reserved word and cannot be a label; write $ax.
  dw 5 $hidden
;      ^^^^^^^ error syntax: “$hidden” is not expected here.

;; Values
  mov al, 256
;         ^^^ warning value-out-of-range: 256 does not fit into 8 bits; only its low 8 bits are used.
  db 256, -129, 'ab'
;    ^^^ warning value-out-of-range: 256 does not fit in a byte; its upper bits are dropped.
;         ^^^^ warning value-out-of-range: -129 does not fit in a byte; its upper bits are dropped.
  dw 70000
;    ^^^^^ warning value-out-of-range: 70000 does not fit in 2 bytes; its upper bits are dropped.
  add ax, 65536
;         ^^^^^ warning value-out-of-range: 65536 does not fit here; what is used is 0x0, 8 bits sign-extended to 16.
  push byte 200
;      ^^^^^^^^ warning value-out-of-range: 200 does not fit here; what is used is 0xffc8, 8 bits sign-extended to 16.
  out 256, al
;     ^^^ warning value-out-of-range: 256 does not fit into 8 bits; only its low 8 bits are used; a port above 255 has to be in DX.
  db 0x, 12x, 0b12, 1.5
;             ^^^^ error bad-number: “0b12” is not a number.
  dq 0x123456789abcdef01
;    ^^^^^^^^^^^^^^^^^^^ warning value-out-of-range: 0x123456789abcdef01 does not fit in 64 bits; its upper bits are dropped.
  db 1/0, 5 // 0
;      ^ error division-by-zero: Division by zero.
;              ^ error division-by-zero: Division by zero.
  db 1 <=> 2
;    ^^^^^^^ error unsupported-operator: nasm 2.16.01 gives “<=>” no value where the first number is less; compare with < and >.

;; Addresses
  mov ax, [ax]
;         ^^^^ error bad-address: AX cannot be in an address; a 16-bit address is made of BX or BP, plus SI or DI, plus a constant.
  mov ax, [bx+cx]
;         ^^^^^^^ error bad-address: CX cannot be in an address; a 16-bit address is made of BX or BP, plus SI or DI, plus a constant.
  mov eax, [eax-ebx]
;           ^^^^^^^ error bad-address: An address cannot subtract a register (ebx).
  mov eax, [eax+ebx+ecx]
;           ^^^^^^^^^^^ error bad-address: An address has at most two registers.
  mov eax, [eax*3+ebx*5]
;           ^^^^^^^^^^^ error bad-address: Only one register can have a factor.
  mov eax, [esp*2]
;          ^^^^^^^ error bad-address: The stack pointer cannot be multiplied, nor used twice, in an address.
  mov eax, [bx+ecx]
;          ^^^^^^^^ error bad-address: BX and ECX have different widths; registers of one address must have the same.
  mov ax, [foo:bx]
;          ^^^ error bad-segment: Before the colon stands a segment register: cs, ds, es, fs, gs or ss.
  mov ax, [byte bx
;               ^^ error syntax: Something is missing after “bx”.
  mov ax, bx+1
;         ^^^^ error register-arithmetic: Registers can be added only inside square brackets.
  mov ax, [dword bx]
;                ^^ error bad-address: The size in the brackets is not that of the registers.
  foo:

;; Labels are no constants
  x: dw x | 1
;       ^ error not-constant: The operator “|” needs a constant, but the address of a label is only known after assembly; use a difference of labels, such as label - $$.
  dw x * 2
;    ^^^^^ error not-relocatable: This is neither a constant nor a label plus a constant.
  times x db 1
;       ^ error not-constant: The count of times must be a constant, not an address; use a difference of labels, such as $ - $$.
  resb x
;      ^ error not-constant: The space to reserve must be a constant, not an address.
  y equ x * 3
;       ^^^^^ error not-relocatable: The value of equ is a constant or a label plus a constant.
  dw -x
;    ^^ error not-relocatable: This is neither a constant nor a label plus a constant.
  %if x
;     ^ error not-constant: The condition of %if must be a constant, not an address; use a difference of labels, such as $ - $$.
  %endif

;; Jumps
  jmp short far_away
;     ^^^^^^^^^^^^^^ error jump-out-of-range: The target is too far away: JMP reaches 128 bytes back and 127 forward.
  loop far_away
;      ^^^^^^^^ error jump-out-of-range: The target is too far away: LOOP reaches 128 bytes back and 127 forward.
  times 200 nop
  far_away:
  jmp far 5
;     ^^^^^ error far-needs-segment: A far target is written selector:offset, or far [address].
  mov ax, short 5
;         ^^^^^^^ error not-a-branch: “short” can only stand before the target of a branch.

;; Known only further on
  times later db 1
;       ^^^^^ error not-defined-before-use: The count of times must be known here, but “later” is not defined before this line.
  align later
;       ^^^^^ error not-defined-before-use: The boundary of align must be known here, but “later” is not defined before this line.
  org later
;     ^^^^^ error not-defined-before-use: The argument of org must be known here, but “later” is not defined before this line.
  later equ 4
  round1 equ round2
  round2 equ round1

;; Constants that depend on themselves
  round1 equ round2 + 1
; ^^^^^^^^^^^^^^^^^^^^^ error circular-definition: “round1” has no value: it depends on itself.
  round2 equ round1
; ^^^^^^^^^^^^^^^^^ error circular-definition: “round2” has no value: it depends on itself.

;; A size that depends on itself
  start: jmp over
  %if $ - start = 2
  times 200 db 0
  %endif
  over:
; ^^^^ error unstable-size: This never comes to rest: a size before it depends on its address.

;; Sizes
  times -1 db 0
;       ^^ error bad-count: The count of times is negative (-1).
  times 99999999999 db 0
;       ^^^^^^^^^^^ error output-too-large: 99999999999 repetitions are more than the 67108864 bytes a guest can have.
  times 200000 nop
; ^^^^^^^^^^^^^^^^ error output-too-large: An instruction can be repeated at most 100000 times; data, any number of times.
  resb -5
;      ^^ error bad-count: The space to reserve is negative (-5).
  resb 999999999
; ^^^^^^^^^^^^^^ error output-too-large: These are 67108865 bytes, more than the 64 MiB a guest can have.
  align 3
;       ^ error bad-alignment: The boundary is 3; it must be a power of two.

;; Syntax
  mov ax,
;       ^ error syntax: Something is missing after “,”.
  mov ax 5
;        ^ error syntax: “5” is not expected here.
  mov , ax
;     ^ error syntax: “,” is not expected here.
  mov ax, (5
;          ^ error syntax: Something is missing after “5”.
  mov ax, 5)
;          ^ error syntax: “)” is not expected here.
  mov ax, [bx
;          ^^ error syntax: Something is missing after “bx”.
  db 1,,2
;     ^ error syntax: A value is missing after this comma.
  db "open
;    ^^^^^ error unterminated-string: The string has no closing " on this line.
  5 mov
; ^ error syntax: “5” is not expected here.
  equ 5
; ^^^ error syntax: “equ” needs a name before it.
  x: equ
;    ^^^ error syntax: Something is missing after “equ”.
  db
; ^^ warning no-data: “db” without a value stores nothing.
  mov ax, %1
;         ^^ error macro-parameter: “%1” has a meaning only inside a multi-line macro.
  mov ax, dword ptr [bx]
;                   ^ error syntax: “[” is not expected here. nasm writes sizes without “ptr”: dword [x].
  mov ax, 1 = { 2 }
;             ^ error unexpected-character: The character “{” has no meaning here.
  rep repne movsb
;     ^^^^^ error prefix-not-allowed: “repne” conflicts with a prefix before it.
  call far 8:5
;      ^^^^^^^ error far-needs-segment: selector:offset is a far target by itself: leave out “far”.
  mov eax, [strict dword ebx]
;           ^^^^^^ error bad-address: “strict” cannot stand inside the brackets.
  es mov ax, [ds:bx]
;    ^^^ error prefix-not-allowed: The segment is given twice: before the instruction and in the brackets.

;; Deep nesting
  db ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1
;                                                                                                        ^ error nested-too-deeply: The expression is nested deeper than 100 levels; name parts of it with equ.

;; Preprocessor
  %define
; ^^^^^^^ error bad-directive: “%define” needs a name.
  %define f(x x
; ^^^^^^^ error bad-directive: The parentheses of the parameters are not closed.
  %define g(x) x
  db g(1, 2), g
;    ^ warning macro-arguments: The macro “g” takes 1 arguments, not 2, so it is not replaced here.
;     ^ error syntax: “(” is not expected here.
  %define g 5
; ^^^^^^^ error bad-directive: “g” cannot be both with and without parentheses.
  %assign a
; ^^^^^^^ error bad-directive: “%assign” needs a value after the name.
  %assign b 5 +
;             ^ error syntax: Something is missing after “+”.
  %undef
; ^^^^^^ error bad-directive: “%undef” needs the name of a macro.
  %fdefine x
; ^^^^^^^^ error unknown-directive: Unknown preprocessor directive “%fdefine”. Did you mean “define”?
  %macro m 1
  nop
  %endmacro
  m 5
  %rep 4
  %endrep
  %ifidn a, b
  db 1
  %endif
  %ifdef __NASM_VERSION_ID__
  %endif
  %error this is wrong
; ^^^^^^^^^^^^^^^^^^^^ error user-error: this is wrong
  %warning "look out"
; ^^^^^^^^^^^^^^^^^^^ warning user-warning: look out

;; Conditionals that do not close
  %endif
; ^^^^^^ error bad-directive: There is no %if before this.
  %else
; ^^^^^ error bad-directive: There is no %if before this.
  %if 1
  %else
  %else
; ^^^^^ warning bad-directive: This comes after the %else of the same %if.
  %endif
  %if 0
; ^^^ error unclosed-if: This has no %endif before the end of the file.
  %ifdef a
; ^^^^^^ error unclosed-if: This has no %endif before the end of the file.

;; Included files
  %include "missing.inc"
;          ^^^^^^^^^^^^^ error missing-file: The file “missing.inc” cannot be found.
  %include "itself.inc"
  %include "round.inc"
  %include "guarded.inc"
  %include missing
; ^^^^^^^^ error bad-directive: “%include” needs a file name in quotes.
; ^ error cyclic-include: itself.inc:1: “itself.inc” includes itself.
; ^ error cyclic-include: trip.inc:1: “round.inc” includes itself, by way of the files it includes.

;; Sections and directives
  org 5
  org 6
;     ^ error bad-directive: The origin is already set by an earlier org.
  org -1
;     ^^ error bad-directive: The origin is already set by an earlier org.
  section
; ^^^^^^^ error bad-directive: “section” is followed by a name, such as .text, .data or .bss.
  section .text exec
;               ^^^^ warning unknown-attribute: “exec” is no attribute of a section in a flat binary and has no effect; progbits, nobits, start, vstart, align, valign, follows and vfollows are.
  section .text start=-5
;                     ^^ error bad-directive: The start of a section is an address from 0 to FFFFFFFFh.
  section .text follows=5
;               ^^^^^^^^^ error bad-directive: “follows” needs the name of a section: follows=.text.
  section .data align=3
;                     ^ error bad-directive: The alignment of a section is a power of two.
  section .bss
  db 5
; ^^^^ warning data-in-nobits: “.bss” has no bytes in the file: what is written here is lost; reserve space with resb.
  section .bss progbits
;              ^^^^^^^^ error bad-directive: The section “.bss” began as nobits.
  default foo
;         ^^^ error bad-directive: “default” is followed by rel or abs.
  default
; ^^^^^^^ error bad-directive: “default” is followed by rel or abs.
  section .text
  resb 4
; ^^^^^^ information reserve-in-file: Space reserved in .text is zeros in the file; in .bss it would take no room.
  db ?
; ^^^^ information reserve-in-file: Space reserved in .text is zeros in the file; in .bss it would take no room.
  times 2 bits 16
; ^^^^^^^^^^^^^^^ error syntax: “bits” cannot be repeated or prefixed.

;; Settings
  %pragma ringside mode ral
; ^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: “ral” is not a value of mode. Did you mean “real”? Choose from real, protected, long, xen.
  %pragma ringside technique vtx-eptt
; ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: “vtx-eptt” is not a value of technique. Did you mean “vtx-ept”? Choose from bare-metal, trap-and-emulate, binary-translation, paravirtualization, vtx-shadow, vtx-ept, svm-shadow, svm-npt.
  %pragma ringside memory 1025
; ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: The memory of a guest is a whole number of MiB from 1 to 1024.
  %pragma ringside colour blue
; ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: There is no setting “colour”. The settings are mode, cpl, technique, memory, processors, ends, output.
  %pragma ringside ends never
; ^^^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: “never” is not a value of ends. Choose from halted, triple-fault, shutdown, reset, vm-entry-failure, vmx-abort, unsupported, ran-off-code, debug-exit, limit.
  %pragma other thing

;; NUL
  nop

;; Structures, absolute and data
  endstruc
; ^^^^^^^^ error bad-directive: There is no struc before this.
  at .x, db 1
; ^^ error bad-directive: “at” stands between istruc and iend.
  iend
; ^^^^ error bad-directive: There is no istruc before this.
  struc 5
; ^^^^^ error bad-directive: “struc” needs a name.
  struc point
  .x: resw 1
  db 5
; ^^^^ error data-in-absolute: After absolute, or in a struc, nothing can have bytes; reserve space with resb.
  endstruc
  istruc point
  at .x, dw 1, 2, 3
  iend
; ^^^^ error bad-count: The count of times is negative (-3).
  absolute ax
;          ^^ error not-relocatable: This is no address.
  absolute later
;          ^^^^^ error not-defined-before-use: The argument of absolute must be known here, but “later” is not defined before this line.
  mov ax, 1
; ^^^^^^^^^ error data-in-absolute: After absolute, or in a struc, nothing can have bytes; reserve space with resb.
  section .text
later: incbin "missing.bin"
;      ^^^^^^ error no-file-access: “incbin” reads a file, and here only the text of programs can be read.
  incbin 5
;        ^ error syntax: “5” is not expected here.
  db 5 dup
;      ^^^ error syntax: Something is missing after “dup”.
  db -1 dup (5)
;    ^^ error bad-count: The count of dup is negative (-1).
  dt 5
;    ^ error bad-data-size: Whole numbers have at most 64 bits, not 80: use dq, or a string.
  dq later dup (1)
;    ^^^^^ error not-constant: The count of dup must be a constant, not an address; use a difference of labels, such as $ - $$.
  dy 1.5
;    ^^^ error bad-data-size: There are no floating-point numbers of 32 bytes.

;; Multi-line macros
  %macro two 2
  mov %1, %2
;         ^^ error operand-size-mismatch: The operands of MOV have different sizes: AX has 16 bits, BL has 8; MOVZX or MOVSX extends it.
;         ^^ error operand-size-mismatch: The operands of MOV have different sizes: AX has 16 bits, CL has 8; MOVZX or MOVSX extends it.
  %endmacro
  two ax, bl
  two ax
; ^^^ error macro-arguments: The macro “two” takes 2 parameters.
  %macro nonumber
; ^^^^^^ error bad-directive: “%macro” needs a name and a number of parameters, such as 2, 1-3, 0-* or 1+.
  nop
  %endmacro
  %macro jump 1
  j%-1 $
;  ^^^ error bad-condition: “here” is not a condition code that %-1 could use.
  %endmacro
  jump here
  %macro outer 1
  two ax, %1
  %endmacro
  outer cl
  %macro mine 0
  %error this macro is not for you
; ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error user-error: this macro is not for you
  %endmacro
  mine
  %macro push 2
  push %1
  %endmacro
  push ax
; ^^^^ warning macro-arguments: The macro “push” takes 2 parameters. This is taken as the instruction.
  %rotate 1
; ^^^^^^^ error bad-directive: “%rotate” has a meaning only inside a macro.
  %exitmacro
; ^^^^^^^^^^ error bad-directive: “%exitmacro” has a meaning only inside a macro.
  %unmacro two
; ^^^^^^^^ error bad-directive: “%unmacro” needs the name of a macro and its number of parameters.
  %macro range 1-*
  db %{3:4}
; ^^ warning no-data: “db” without a value stores nothing.
;    ^^^^^^ error bad-directive: The macro has 2 parameters, so this range of them does not exist.
  %endmacro
  range 1, 2
  %endmacro
; ^^^^^^^^^ error bad-directive: There is no %macro before this.
  mov ax, %1
;         ^^ error macro-parameter: “%1” has a meaning only inside a multi-line macro.
  mov ax, %!HOME
;         ^^ error unsupported-word: Ringside does not read environment variables; define a macro on the command line.
  %use smartalign
  %local x:word
; ^^^^^^ error bad-directive: Say with %stacksize what the stack is like before “%local”.

;; Repetitions and contexts
  %rep
; ^^^^ error bad-directive: “%rep” needs a count.
  nop
  %endrep
  %rep x
;      ^ error not-defined-before-use: The count of %rep must be known here, but “x” is not defined before this line.
  %endrep
  %endrep
; ^^^^^^^ error bad-directive: There is no %rep before this.
  %exitrep
; ^^^^^^^^ error bad-directive: “%exitrep” has a meaning only inside %rep.
  %pop
; ^^^^ error bad-directive: There is no context to close: %push opens one.
  mov ax, %$x
;         ^^^ error no-context: There is no context for “%$x”: %push opens one.
  %push one
  %pop two
; ^^^^ error bad-directive: The innermost context is “one”, not “two”.
  %repl three
  %ifctx
  %endif
  %pop

;; A block that is not closed
  %rep 3
; ^^^^ error unclosed-block: This has no %endrep before the end of the file.
  nop

;; Strings of the preprocessor
  %strlen n 5
; ^^^^^^^ error bad-directive: “%strlen” needs a string after the name.
  %strcat s 'a', 5
; ^^^^^^^ error bad-directive: “%strcat” joins strings.
  %substr s 'abc'
; ^^^^^^^ error bad-directive: “%substr” needs the place of the first byte, counted from 1.
  %substr s abc 1
; ^^^^^^^ error bad-directive: “%substr” needs a string after the name.
  %deftok t 5
; ^^^^^^^ error bad-directive: “%deftok” needs a string after the name.
  %ifidn a
; ^^^^^^ error bad-directive: “%ifidn” compares two texts with a comma between them.
  %endif
  %ifmacro
; ^^^^^^^^ error bad-directive: “%ifmacro” needs the name of a macro.
  %endif
  %ifmacro m x
; ^^^^^^^^ error bad-directive: After the name “%ifmacro” takes a number of parameters, such as 2, 1-3, 0-* or 1+.
  %endif

;; Operands that beginners write
  bits 32
x: dd 0
y: dd 0
far_away equ 0x100000
  mov ds, 5
;         ^ error no-such-form: A segment register cannot be loaded with a number; load DS from a register.
  mov [x], 1
;     ^^^ error operand-size-unknown: The size of the operation is not known: write byte, word, dword or qword before the memory operand.
  push al
;      ^^ error operand-size-mismatch: The operand of PUSH is a 16- or 32-bit register or memory operand, a segment register or a number, not AL; write EAX or AX.
  lea eax, ebx
;          ^^^ error no-such-form: The second operand of LEA is a memory operand, not EBX; memory at the address in it is written [EBX].
  mov eax, bx
;          ^^ error operand-size-mismatch: The operands of MOV have different sizes: EAX has 32 bits, BX has 16; MOVZX or MOVSX extends it.
  mov al, bx
;         ^^ error operand-size-mismatch: The operands of MOV have different sizes: AL has 8 bits, BX has 16; write BL.
  mov dword [x], al
;                ^^ error operand-size-mismatch: The operands of MOV have different sizes: the memory operand has 32 bits, AL has 8; write EAX.
  in eax, 3f8h
;         ^^^^ warning value-out-of-range: 1016 does not fit into 8 bits; only its low 8 bits are used; a port above 255 has to be in DX.
  out 0x3f8, al
;     ^^^^^ warning value-out-of-range: 1016 does not fit into 8 bits; only its low 8 bits are used; a port above 255 has to be in DX.
  out dx, bl
;         ^^ error operand-size-mismatch: The second operand of OUT is AL, AX or EAX, not BL.
  in al, bx
;        ^^ error no-such-form: The second operand of IN is DX or a number, not BX.
  jmp short far_away
;     ^^^^^^^^^^^^^^ error jump-out-of-range: The target is too far away: JMP reaches 128 bytes back and 127 forward.
  mov al, 300
;         ^^^ warning value-out-of-range: 300 does not fit into 8 bits; only its low 8 bits are used.
  shl eax, ebx
;          ^^^ error operand-size-mismatch: The second operand of SHL is CL or a number, not EBX; move the count to CL.
  movzx eax, ebx
;            ^^^ error operand-size-mismatch: The second operand of MOVZX is an 8- or 16-bit register or memory operand, not EBX; a register of the same size is copied with MOV.
  add [x], [y]
;          ^^^ error no-such-form: No form of ADD takes two memory operands; go through a register.
  int 256
;     ^^^ warning value-out-of-range: 256 does not fit into 8 bits; only its low 8 bits are used.
  mov 5, eax
;     ^ error no-such-form: The first operand of MOV is a 32-bit register or memory operand, not a number; in brackets it is the memory at that address.
  mov x, eax
;     ^ error no-such-form: The first operand of MOV is a 32-bit register or memory operand, not a number; in brackets it is the memory at that address.
  inc x
;     ^ error no-such-form: The operand of INC is an 8-, 16- or 32-bit register or memory operand, not a number; in brackets it is the memory at that address.
  cmp 5, eax
;     ^ error no-such-form: The first operand of CMP is a 32-bit register or memory operand, not a number; put the number second.
  xchg eax, 5
;           ^ error no-such-form: The second operand of XCHG is a 32-bit register or memory operand, not a number; load it into a register, or put it in brackets if it is an address.
  pop 5
;     ^ error no-such-form: The operand of POP is a 16- or 32-bit register or memory operand or a segment register, not a number; in brackets it is the memory at that address.
  mul 5
;     ^ error no-such-form: The operand of MUL is an 8-, 16- or 32-bit register or memory operand, not a number; load it into a register, or put it in brackets if it is an address.
  mul eax, ebx
; ^^^^^^^^^^^^ error operand-count: MUL takes 1 operand, not 2; IMUL takes two.
  ret eax
;     ^^^ error no-such-form: The operand of RET is a number, not EAX.
  je eax
;    ^^^ error no-such-form: The operand of JE is a label, not EAX.
  mov cr0, 1
;          ^ error no-such-form: The second operand of MOV is a 32-bit register, not a number; load it into a register first.
  mov cr0, ax
;          ^^ error operand-size-mismatch: The operands of MOV have different sizes: CR0 has 32 bits, AX has 16; write EAX.
  lidt eax
;      ^^^ error no-such-form: The operand of LIDT is a memory operand, not EAX; memory at the address in it is written [EAX].
  mov es, ds
;         ^^ error no-such-form: The second operand of MOV is a 16- or 32-bit register or a 16-bit memory operand, not DS; go through a general register such as AX.
  pop cs
;     ^^ error no-such-form: CS cannot be popped alone; use a far return, RETF.
  lea [x], eax
; ^^^^^^^^^^^^ error no-such-form: No form of LEA takes a memory operand and a 32-bit register (EAX); there is LEA r16, m, LEA r32, m and LEA r64, m.
  mov byte eax, 5
;     ^^^^^^^^ warning operand-size-mismatch: The size before EAX changes nothing: EAX has 32 bits.
  sete eax
;      ^^^ error operand-size-mismatch: The operand of SETE is an 8-bit register or memory operand, not EAX; write AL.
  bswap ax
;       ^^ error operand-size-mismatch: The operand of BSWAP is a 32-bit register, not AX; write EAX.
  lgdt far [x]
;      ^^^^^^^ error no-such-form: The operand of LGDT is a memory operand, not a far address in memory.
  mov near [x], eax
;     ^^^^^^^^ error not-a-branch: “short” and “near” do not belong before memory; “near” only where a jump or call reads its target.
  mov rax, 5
;     ^^^ error wrong-mode: RAX exists only in 64-bit code, and this is 32-bit code.
  bits 64
  mov rax, [eax+rbx]
;          ^^^^^^^^^ error bad-address: EAX and RBX have different widths; registers of one address must have the same.
  push eax
;      ^^^ error wrong-mode: PUSH has no 32-bit operand in 64-bit code, so not EAX; write RAX.
  pusha
; ^^^^^ error wrong-mode: PUSHA does not exist in 64-bit code; push or pop the registers one by one.
  jmp 8:5
; ^^^^^^^ error wrong-mode: JMP with these operands does not exist in 64-bit code; a far address is taken from memory there: far [x].
  jmp near dword x
;     ^^^^^^^^^^^^ error operand-size-mismatch: The target of JMP has no size: leave out DWORD.
  bits 16
  mov ax, [cx]
;         ^^^^ error bad-address: CX cannot be in an address; a 16-bit address is made of BX or BP, plus SI or DI, plus a constant.
  mov ax, [bx*2]
;         ^^^^^^ error bad-address: A 16-bit address is made of BX or BP, plus SI or DI, plus a constant, without factors.

;; Other assemblers and languages
  bits 32
x: dd 0
  mov eax, dword ptr [x]
;                    ^ error syntax: “[” is not expected here. nasm writes sizes without “ptr”: dword [x].
  mov al, byte ptr x
;                  ^ error syntax: “x” is not expected here. nasm writes sizes without “ptr”: dword [x].
  mov eax, offset x
;                 ^ error syntax: “x” is not expected here. nasm has no “offset”: a name alone is the address.
  mov eax, x[5]
;           ^ error syntax: “[” is not expected here. nasm writes the whole address in one pair of brackets: [x+ebx].
  mov eax, 4(ebx)
;           ^ error syntax: “(” is not expected here. nasm writes addresses in square brackets: [ebx+4].
  mov eax, ffh
;          ^^^ error undefined-symbol: “ffh” is not defined. A hexadecimal number begins with a digit: put a 0 before it.
  mov ax, @data
;         ^^^^^ error undefined-symbol: “@data” is not defined. nasm does not know where the data segment is: load the segment that the program runs in.
  mov eax, eip
;          ^^^ error undefined-symbol: “eip” is not defined. The instruction pointer is no operand: jumps load it, and CALL pushes it.
  mov eax, ebx // a comment
;                   ^^^^^^^ error syntax: “comment” is not expected here. Comments begin with “;”.
  mov eax, ebx # a comment
;              ^ error unexpected-character: The character “#” has no meaning here. Comments begin with “;”.
  /* a comment */
; ^ error syntax: “/” is not expected here. Comments begin with “;”.
  movl %ebx, %eax
; ^^^^ error unknown-mnemonic: Unknown instruction “movl”. Did you mean “mov”?
;      ^ error syntax: “%” is not expected here. nasm writes registers without “%”, and the destination first.
  move eax, ebx
; ^^^^ error unknown-mnemonic: Unknown instruction “move”. Did you mean “mov”?
  goto x
; ^^^^ error unknown-mnemonic: Unknown instruction “goto”. nasm writes “jmp”.
  if eax
; ^^ error unknown-mnemonic: Unknown instruction “if”. Compare with CMP and jump with JE, JNE and the like.
  .code
; ^^^^^ warning label-alone: “.code” alone on a line is taken as a label; end it with a colon if that is meant. nasm writes “section .text”.
  .386
; ^^^^ warning label-alone: “.386” alone on a line is taken as a label; end it with a colon if that is meant. nasm has nothing like it: leave it out.
  .model small
; ^^^^^^ error unknown-mnemonic: Unknown instruction “.model”. nasm has nothing like it: leave it out.
main proc
;^^^^ error unknown-mnemonic: Unknown instruction “main”. nasm has no procedures: write the name as a label, with a colon.
main endp
;^^^^ error unknown-mnemonic: Unknown instruction “main”. nasm has no procedures: their name is a label, and RET ends them.
y word 5
;^ error unknown-mnemonic: Unknown instruction “y”. nasm writes “dw”.
  assume cs:code
; ^^^^^^ error unknown-mnemonic: Unknown instruction “assume”. nasm has nothing like it: leave it out.
  end main
; ^^^ error unknown-mnemonic: Unknown instruction “end”. A nasm source ends where the file ends: leave it out.
  include "file.inc"
; ^^^^^^^ error unknown-mnemonic: Unknown instruction “include”. nasm writes “%include "file"”.
  .globl main
; ^^^^^^ error unknown-mnemonic: Unknown instruction “.globl”. nasm writes “global”.
