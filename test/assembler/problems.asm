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
; ^^^^^^^^^^^ error operand-size-mismatch: The operands of MOV have different sizes: AX has 16 bits, EBX has 32.
  mov [bx], [si]
; ^^^^^^^^^^^^^^ error no-such-form: No form of MOV takes two memory operands; go through a register.
  mov [bx], 5
;     ^^^^ error operand-size-unknown: The size of the operation is not known: write byte, word, dword or qword before the memory operand.
  mov cs, ax
;     ^^ warning no-such-form: CS cannot be loaded with MOV; use a far jump, call or return: here the processor raises #UD.
  mov es, 5
; ^^^^^^^^^ error no-such-form: A segment register cannot be loaded with a number; load ES from a register.
  push al
; ^^^^^^^ error operand-size-mismatch: No form of PUSH has operands of this size; there is PUSH r, PUSH r/m and PUSH imm.
  lea ax, bx
; ^^^^^^^^^^ error no-such-form: No form of LEA takes a 16-bit register (AX) and a 16-bit register (BX); there is LEA r16, m, LEA r32, m and LEA r64, m.
  mov ax
; ^^^^^^ error operand-count: MOV takes 2 operands, not 1.
  hlt ax
; ^^^^^^ error operand-count: HLT takes 0 operands, not 1.
  in al, bx
; ^^^^^^^^^ error no-such-form: No form of IN takes an 8-bit register (AL) and a 16-bit register (BX); there is IN AL, imm, IN AL, DX, IN AX, imm, IN AX, DX, IN EAX, imm and IN EAX, DX.
  add al, 5, 6
; ^^^^^^^^^^^^ error operand-count: ADD takes 2 operands, not 3.
  mov ah, sil
; ^^^^^^^^^^^ error wrong-mode: SIL exists only in 64-bit code, and this is 16-bit code.
  shl ax, bx
; ^^^^^^^^^^ error operand-size-mismatch: No form of SHL has operands of this size; there is SHL r/m, imm.

;; Modes
  bits 16
  mov rax, 1
; ^^^^^^^^^^ error wrong-mode: RAX exists only in 64-bit code, and this is 16-bit code.
  syscall
  bits 64
  push eax
; ^^^^^^^^ error wrong-mode: PUSH with these operands does not exist in 64-bit code.
  pusha
; ^^^^^ error wrong-mode: PUSHA does not exist in 64-bit code.
  mov ah, r8b
; ^^^^^^^^^^^ error high-byte-with-rex: AH, BH, CH and DH cannot be used together with a register or size that exists only in 64-bit code.
  jmp 8:5
; ^^^^^^^ error wrong-mode: JMP with these operands does not exist in 64-bit code.
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
;     ^^^ warning value-out-of-range: 256 does not fit into 8 bits; only its low 8 bits are used.
  db 0x, 12x, 0b12, 1.5
;             ^^^^ error bad-number: “0b12” is not a number.
  dq 0x123456789abcdef01
;    ^^^^^^^^^^^^^^^^^^^ warning value-out-of-range: 0x123456789abcdef01 does not fit in 64 bits; its upper bits are dropped.
  db 1/0, 5 // 0
;      ^ error division-by-zero: Division by zero.
;              ^ error division-by-zero: Division by zero.
  db 1 <=> 2

;; Addresses
  mov ax, [ax]
;         ^^^^ error bad-address: A 16-bit address is made of BX or BP, plus SI or DI, plus a constant.
  mov ax, [bx+cx]
;         ^^^^^^^ error bad-address: A 16-bit address is made of BX or BP, plus SI or DI, plus a constant.
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
; ^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: “ral” is not a value of mode. Did you mean “real”? Choose from real, protected, long.
  %pragma ringside technique vtx-eptt
; ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: “vtx-eptt” is not a value of technique. Did you mean “vtx-ept”? Choose from bare-metal, trap-and-emulate, binary-translation, paravirtualization, vtx-shadow, vtx-ept, svm-shadow, svm-npt.
  %pragma ringside memory 65
; ^^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: The memory of a guest is a whole number of MiB from 1 to 64.
  %pragma ringside colour blue
; ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: There is no setting “colour”. The settings are mode, technique, memory, ends, output.
  %pragma ringside ends never
; ^^^^^^^^^^^^^^^^^^^^^^^^^^^ error bad-setting: “never” is not a value of ends. Choose from halted, triple-fault, shutdown, reset, vm-entry-failure, unsupported, ran-off-code, debug-exit, limit.
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
; ^^^^^^^^^^ error operand-size-mismatch: The operands of MOV have different sizes: AX has 16 bits, BL has 8.
; ^^^^^^^^^^ error operand-size-mismatch: The operands of MOV have different sizes: AX has 16 bits, CL has 8.
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
