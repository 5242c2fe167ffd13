/** Programs about the preprocessor that nasm assembles; what Ringside makes of them is compared byte for byte. */
export const preprocessorPrograms: Readonly<Record<string, string>> = {
  // Multi-line macros.
  "a macro without parameters": "%macro m 0\n nop\n ret\n%endmacro\nm\nm\n",
  "a macro with parameters": "%macro m 2\n mov %1, %2\n%endmacro\nm ax, 5\nm bx, [si+2]\n",
  "%endm": "%macro m 1\n db %1\n%endm\nm 5\n",
  "%imacro in any case": "%imacro Foo 1\n db %1\n%endmacro\nFOO 1\nfoo 2\nFoo 3\n",
  "macros that differ in case": "%macro m 0\n db 1\n%endmacro\n%macro M 0\n db 2\n%endmacro\nm\nM\n",
  "overloading by the number of parameters":
    "%macro m 0\n db 0\n%endmacro\n%macro m 1\n db 1, %1\n%endmacro\n%macro m 2-3\n db 2, %1, %2\n%endmacro\nm\nm 7\nm 7,8\nm 7,8,9\n",
  "a range with defaults": "%macro m 1-3 5, 6\n db %1, %2, %3, %0\n%endmacro\nm 1\nm 1,2\nm 1,2,3\n",
  "a range with fewer defaults": "%macro m 1-3 5\n db %1, %2, %0\n%endmacro\nm 1\nm 1,2\nm 1,2,3\n",
  "a default in braces": "%macro m 0-1 {1,2}\n db %1\n%endmacro\nm\nm 4\n",
  "any number of parameters": "%macro m 1-*\n db %0\n%rep %0\n db %1\n%rotate 1\n%endrep\n%endmacro\nm 1\nm 1,2,3\n",
  "a greedy parameter": "%macro m 1-2+\n db %1, %0\n db %2\n%endmacro\nm 1,2,3,4\nm 1,{2,3}\nm 5,6\n",
  "a greedy parameter alone": "%macro m 1+\n db %1, %0\n%endmacro\nm 1\nm 1,2,3\nm 'a,b',2\n",
  "a greedy parameter with a default": "%macro m 0-1+ 1,2,3\n db %1, %0\n%endmacro\nm\nm 4\nm 4,5\n",
  "text with commas in braces": "%macro m 2\n db %1\n dw %2\n%endmacro\nm {1,2}, {3,4}\n",
  "braces in braces": "%macro i 1\n db %1\n%endmacro\n%macro m 1\n i %1\n%endmacro\nm {{1,2}}\n",
  "a semicolon in a string": "%macro m 1\n db %1 ; comment %1\n%endmacro\nm ';' ; comment\n",
  ".nolist": "%macro m 1.nolist\n db %1\n%endmacro\nm 5\n",
  "an empty argument": "%macro m 2\n db 0 %1, 1 %2\n%endmacro\nm ,+1\nm +2 , +3\n",
  "a trailing comma": "%macro m 0-*\n db %0\n%endmacro\nm a,\nm ,\nm a,b,\n",
  "parentheses do not protect commas": "%macro m 2\n db %1 1), (2 %2\n%endmacro\nm (, )\n",
  "%0 in a condition": "%macro m 1-2\n%if %0 == 2\n db %2\n%else\n db 0\n%endif\n db %1\n%endmacro\nm 1\nm 1,2\n",
  "labels of the call": "%macro m 0\n%%a: nop\n jmp %%a\n jz %%b\n%%b:\n%endmacro\nm\nm\n",
  "labels of calls inside each other":
    "%macro i 1\n%%a: jmp %1\n jmp %%a\n%endmacro\n%macro m 0\n%%a: i %%a\n jmp %%a\n%endmacro\nm\nm\n",
  "a label in braces": "%macro m 0\n%{%a}: jmp %{%a}\n%endmacro\nm\n",
  "a label before a call": "%macro m 0\n nop\n%endmacro\nx: m\ny m\n dw x, y\n",
  "the label as a parameter": "%macro m 1\n dw %1\n%00: dw $\n%endmacro\nx: m 5\ny m 6\n dw x, y\n",
  "local labels around a macro": "%macro m 0\n.x: nop\n%endmacro\na: m\nb: m\n dw a.x, b.x\n",
  "local labels after labels of a macro": "%macro m 0\n%%x: nop\n%endmacro\na: m\n.y: nop\n dw a.y\n",
  "a parameter in a word": "%macro m 1\n%1_end: dw %1_end\n_%1: dw _%1\n%endmacro\nm foo\n",
  "a parameter in braces": "%macro m 1\nx%{1}y: dw x%{1}y\n%endmacro\nm 7\n",
  "parameter ten": "%macro m 11\n db %10, %11, %1\n%endmacro\nm 1,2,3,4,5,6,7,8,9,10,11\n",
  "a range of parameters": "%macro m 1-*\n db %{2:3}\n db %{1:-1}\n db %{-1:1}\n%endmacro\nm 1,2,3,4\n",
  "condition codes": "%macro m 2\n j%+1 %2\n j%-1 %2\n%endmacro\nx: m z, x\n m nbe, x\n m c, x\n m s, x\n m pe, x\n",
  "condition codes in any case": "%macro m 1\n j%-1 $\n set%+1 al\n%endmacro\nm NZ\nm Ge\n",
  "a return if": "%macro retc 1\n j%-1 %%skip\n ret\n%%skip:\n%endmacro\nretc ne\nretc ecxz\n".replace(
    "retc ecxz\n",
    "",
  ),
  "%rotate":
    "%macro m 3\n db %1\n%rotate 1\n db %1\n%rotate -2\n db %1\n%rotate 4\n db %1, %2, %3\n%endmacro\nm 1,2,3\n",
  "several pushes": "%macro mpush 1-*\n%rep %0\n push %1\n%rotate 1\n%endrep\n%endmacro\nmpush ax, bx, cx\n",
  "several pops": "%macro mpop 1-*\n%rep %0\n%rotate -1\n pop %1\n%endrep\n%endmacro\nmpop ax, bx, cx\n",
  "%exitmacro": "%macro m 1\n db 1\n%if %1\n%exitmacro\n%endif\n db 2\n%endmacro\nm 0\nm 1\n",
  "%exitmacro in a called macro":
    "%macro i 0\n db 1\n%exitmacro\n db 2\n%endmacro\n%macro m 0\n i\n db 3\n%endmacro\nm\n",
  "%unmacro": "%macro m 0\n db 1\n%endmacro\n%macro nop 0\n db 2\n%endmacro\nnop\n%unmacro nop 0\nnop\n",
  "a macro named like an instruction": "%macro ret 1\n db 5, %1\n%endmacro\nret 7\n",
  "a macro that calls the instruction it replaces": "%macro push 1\n nop\n push %1\n%endmacro\npush ax\n",
  "a macro that calls the instruction by an escape":
    "%macro push 2-*\n%rep %0\n push %1\n%rotate 1\n%endrep\n%endmacro\npush ax, bx\npush cx\n",
  "a macro defined again": "%macro m 0\n db 1\n%endmacro\nm\n%macro m 0\n db 2\n%endmacro\nm\n",
  "%rmacro": "%rmacro m 1\n db %1\n%if %1 > 0\n m %1-1\n%endif\n%endmacro\nm 3\n",
  "a macro defined by a macro":
    "%macro outer 1\n%macro inner 1\n db %1, 7\n%endmacro\n inner %1\n%endmacro\nouter 5\ninner 6\n",
  "a macro with a name made of text": "%macro def 1\n%macro %1 0\n db 9\n%endmacro\n%endmacro\ndef foo\nfoo\n",
  "a conditional around a macro":
    "%if 1\n%macro m 0\n db 1\n%endmacro\n%else\n%macro m 0\n db 2\n%endmacro\n%endif\nm\n",
  "a macro left out": "%if 0\n%macro m 0\n%if 1\n db 1\n%endif\n%endmacro\n%endif\n%ifmacro m\n db 2\n%endif\n",
  "a conditional begun in a macro": "%macro m 0\n%if 0\n%endmacro\nm\n db 1\n%else\n db 2\n%endif\n",
  "a string argument":
    "%macro m 2\n%%s: db %1, 0\n times %2-($-%%s) db 0\n%endmacro\nm 'hello', 10\nm \"it's, so\", 12\n",
  "an expression as argument": "%macro m 1\n db %1*2, (%1)*2\n%endmacro\nm 1+2\n",
  "a single-line macro as argument": "%define v 5\n%macro m 1\n db %1, v\n%endmacro\nm v\n%define v 6\nm v\n",
  "a single-line macro with commas as argument": "%define two 1, 2\n%macro m 2\n db %2, %1\n%endmacro\nm two\n",
  "a single-line macro that names a macro": "%define call_it m\n%macro m 1\n db %1\n%endmacro\ncall_it 4\n",
  "%? and %?? in a macro": "%imacro Foo 0\n%defstr a %?\n%defstr b %??\n db a, b\n%endmacro\nFOO\n",
  "%? in a single-line macro": "%idefine Foo %?bar\n%define foobar 3\n%xdefine q foo\n db 4\n",
  "%define in a macro": "%macro m 2\n%define %1 %2\n%endmacro\nm x, 5\n db x\n",
  "%assign in a macro": "%assign n 0\n%macro m 0\n%assign n n+1\n db n\n%endmacro\nm\nm\nm\n",
  "a counter in a label":
    "%assign n 0\n%macro m 0\nlabel_ %+ n: dw label_ %+ n\n%assign n n+1\n%endmacro\nm\nm\n dw label_0, label_1\n",
  "times before a macro's line": "%macro m 1\n times %1 db 1\n%endmacro\nm 3\n",
  "far jumps and segments": "%macro m 2\n jmp %1:%2\n mov [es:%2], ax\n%endmacro\nm 0x10, 0x20\n",
  "a descriptor":
    "%macro desc 3\n dw %2 & 0xffff, %1 & 0xffff\n db (%1>>16)&0xff, %3, ((%2>>16)&0xf)|0xc0, %1>>24\n%endmacro\ndesc 0, 0xfffff, 0x9a\ndesc 0x12345678, 0x54321, 0x92\n",
  "interrupt stubs":
    "bits 32\n%macro isr 1\nisr%1: cli\n push byte 0\n push byte %1\n jmp all\n%endmacro\n%assign i 0\n%rep 8\nisr i\n%assign i i+1\n%endrep\nall: iret\n%assign i 0\n%rep 8\n dd isr %+ i\n%assign i i+1\n%endrep\n",
  "a macro with continued lines": "%macro m 2\n db %1, \\\n  %2\n%endmacro\nm 1, \\\n 2\n%define x 1 + \\\n 2\ndb x\n",

  // Repetition.
  "%rep": "%rep 3\n nop\n%endrep\n",
  "%rep of nothing": "%rep 0\n db 1\n%endrep\n db 2\n",
  "%rep in %rep":
    "%assign i 0\n%rep 2\n%assign j 0\n%rep 3\n db i*16+j\n%assign j j+1\n%endrep\n%assign i i+1\n%endrep\n",
  "%exitrep": "%assign i 0\n%rep 100\n%if i > 4\n%exitrep\n%endif\n db i\n%assign i i+1\n%endrep\n db 0xff\n",
  "%exitrep of the inner loop": "%rep 2\n%rep 5\n db 1\n%exitrep\n db 2\n%endrep\n db 3\n%endrep\n",
  Fibonacci:
    "fib:\n%assign i 0\n%assign j 1\n%rep 100\n%if j > 65535\n%exitrep\n%endif\n dw j\n%assign k j+i\n%assign i j\n%assign j k\n%endrep\nfiblen equ ($-fib)/2\n dw fiblen\n",
  "%rep with a condition inside":
    "%assign i 0\n%rep 6\n%if i % 2\n db i\n%elif i = 4\n db 44\n%else\n db 100\n%endif\n%assign i i+1\n%endrep\n",
  "%rep over the place": "start:\n%rep 3\n db $-start\n%endrep\n",
  "%rep with a macro's parameters": "%macro m 2\n%rep %1\n db %2\n%endrep\n%endmacro\nm 3, 7\nm 0, 8\n",
  "a macro defined in %rep":
    "%assign i 0\n%rep 3\n%macro m %+ i 0\n db 1\n%endmacro\n%assign i i+1\n%endrep\n db 5\n".replace(
      "m %+ i",
      "m%[i]",
    ),
  "macros called that %rep defined":
    "%assign i 0\n%rep 3\n%xdefine v%[i] i*2\n%assign i i+1\n%endrep\n db v0, v1, v2\n",
  "page tables": "bits 64\n%assign page 0\n%rep 4\n dq page | 0x83\n%assign page page+0x200000\n%endrep\n",
  "%rep left out": "%if 0\n%rep 3\n db 1\n%endrep\n%endif\n db 2\n",

  // Conditions.
  "%if and its parts": "%assign x 2\n%if x = 1\n db 1\n%elif x = 2\n db 2\n%elif x = 2\n db 3\n%else\n db 4\n%endif\n",
  "%ifn": "%ifn 0\n db 1\n%endif\n%ifn 5\n db 2\n%elifn 0\n db 3\n%endif\n",
  "%if with all operators":
    "%if (1 < 2 && 3 >= 3) || 0\n db 1\n%endif\n%if 1 <> 2 ^^ 0\n db 2\n%endif\n%if !0 & ~0\n db 3\n%endif\n",
  "%ifdef of several":
    "%define b\n%ifdef a\n db 1\n%elifdef b\n db 2\n%endif\n%ifndef a\n db 3\n%endif\n%ifndef b\n db 4\n%elifndef a\n db 5\n%endif\n",
  "%ifmacro":
    "%macro m 1-2\n%endmacro\n%ifmacro m\n db 1\n%endif\n%ifmacro m 1\n db 2\n%endif\n%ifmacro m 3\n db 3\n%endif\n%ifmacro m 0-*\n db 4\n%endif\n%ifnmacro n 1\n db 5\n%endif\n%ifmacro m 2-5\n db 6\n%endif\n",
  "%ifmacro in any case":
    "%imacro Foo 1\n%endmacro\n%ifmacro foo 1\n db 1\n%endif\n%macro Bar 1\n%endmacro\n%ifmacro bar 1\n db 2\n%endif\n",
  "%ifidn":
    "%macro m 1\n%ifidn %1, ax\n db 1\n%elifidn %1, AX\n db 2\n%else\n db 3\n%endif\n%endmacro\nm ax\nm AX\nm bx\n",
  "%ifidni": "%macro m 1\n%ifidni %1, ax\n db 1\n%endif\n%ifnidni %1,ax\n db 2\n%endif\n%endmacro\nm ax\nm Ax\nm bx\n",
  "%ifidn and blanks":
    "%ifidn a b,a  b\n db 1\n%endif\n%ifidn 1+2 , 1 + 2\n db 2\n%endif\n%ifidn \"a\", 'a'\n db 3\n%endif\n%ifidn ,\n db 4\n%endif\n",
  "%ifidn after expansion": "%define x ax\n%ifidn x, ax\n db 1\n%endif\n%ifnidn x, bx\n db 2\n%endif\n",
  "%ifid":
    "%macro m 1\n%ifid %1\n db 1\n%else\n db 0\n%endif\n%endmacro\nm foo\nm eax\nm 5\nm 'a'\nm .x\nm [bx]\nm a+b\nm mov\n",
  "%ifnum":
    "%macro m 1\n%ifnum %1\n db 1\n%else\n db 0\n%endif\n%endmacro\nm 5\nm 0x10\nm -5\nm +5\nm 10h\nm 'a'\nm foo\nm 5+foo\nm 0b11\n",
  "%ifstr": "%macro m 1\n%ifstr %1\n db 1\n%else\n db 0\n%endif\n%endmacro\nm 'a'\nm \"b\"\nm `c`\nm a\nm 5\n",
  "%ifid, %ifnum and %ifstr together":
    "%macro w 1-2+\n%ifstr %1\n%%s: db %1, 0\n dw %%s\n%elifnum %1\n dd %1\n%elifid %1\n dw %1\n%else\n db 0xff\n%endif\n%endmacro\nx: w 'abc'\n w 5\n w x\n w [x]\n",
  "%iftoken":
    "%macro m 0-1+\n%iftoken %1\n db 1\n%else\n db 0\n%endif\n%endmacro\nm 5\nm foo\nm 'x'\nm a b\nm a+b\nm\n",
  "%ifempty":
    "%macro m 0-1+\n%ifempty %1\n db 1\n%else\n db 0\n%endif\n%ifnempty %1\n db 2\n%endif\n%endmacro\nm\nm 5\nm a,b\n",
  "%ifempty of a macro":
    "%define x\n%ifempty x\n db 1\n%endif\n%define x y\n%ifempty x\n db 2\n%elifnempty x\n db 3\n%endif\n",
  "%ifctx":
    "%push foo\n%ifctx foo\n db 1\n%endif\n%ifctx bar\n db 2\n%elifctx foo\n db 3\n%endif\n%ifnctx bar\n db 4\n%endif\n%pop\n%ifctx foo\n db 5\n%endif\n",
  "conditions in conditions that are left out":
    "%if 0\n%ifidn a, b\n%else\n%endif\n%ifmacro x\n%elifnum\n%endif\n db 1\n%else\n db 2\n%endif\n",
  "%elif with a parameter":
    "%macro m 1\n%if %1 = 1\n db 1\n%elif %1 = 2\n db 2\n%elif %1 = 3\n db 3\n%endif\n%endmacro\nm 1\nm 2\nm 3\nm 4\n",
  "%if over labels": "a: db 1,2,3\nb:\n%if b-a = 3\n db 9\n%endif\n%if $-$$ < 5\n times 5-($-$$) db 0\n%endif\n",
  "an include guard": "%ifndef G\n%define G\n db 1\n%endif\n%ifndef G\n db 2\n%endif\n",

  // Single-line macros.
  "%xdefine": "%define a 1\n%define b a\n%xdefine c a\n%define a 2\n db a, b, c\n",
  "%xdefine of itself": "%define list 1\n%xdefine list list, 2\n%xdefine list list, 3\n db list\n",
  "%ixdefine and %iassign": "%ixdefine Foo 4\n%iassign Bar 2+3\n db FOO, foo, BAR, bar\n",
  "%+ pastes": "%define ab 5\n db a%+b\n%define x a\n db x%+b\n%define cat(p,q) p %+ q\n db cat(a,b), cat(1,2)\n",
  "%+ makes a label": "%define name(x) l_ %+ x\nname(1): dw name(1), l_1\n",
  "%[ ] in a name": "%assign n 3\nx%[n]: dw x%[n], x3\n%define y%[n] 7\n db y3\n",
  "%[ ] expands at once": "%define a 1\n%define b %[a]\n%define a 2\n db b\n",
  "%[ ] in %[ ]": "%define x1 5\n%assign n 1\n%define y %[x%[n]]\n%assign n 2\n db y\n",
  "%undef": "%define a 1\n%undef a\n%ifdef a\n db 1\n%endif\na: db 2\n",
  "macros with the same name and other parameters": "%define f(x) x\n%define f(x,y) x+y\n db f(1), f(1,2)\n",
  "nested calls": "%define f(x) (x+1)\n%define g(x,y) f(x)*f(y)\n db g(f(1),2)\n",
  "a macro that contains its own name": "%define mov mov\n mov ax, 1\n%define x x+1\n%define y 1\nx equ 5\n".replace(
    "%define x x+1\n%define y 1\nx equ 5\n",
    "%define foo foo+1\nfoo_ equ 2\n",
  ),
  "%assign with expressions":
    "%assign a 5\n%assign a a*a+(1<<4)\n%assign b -a\n dw a, b\n%assign c 0xffffffffffffffff\n dq c\n",

  // Strings.
  "%strlen":
    "%strlen n 'hello'\n db n\n%define s \"ab\"\n%strlen n s\n db n\n%strlen n `a\\n`\n db n\n%strlen n ''\n db n\n",
  "%strcat": "%strcat s 'ab', \"cd\"\n db s\n%strcat s s, `\\n`, \"it's\"\n db s\n%strcat t 'a' 'b'\n db t\n",
  "%substr":
    "%substr a 'abcdef' 2\n db a\n%substr a 'abcdef' 2,3\n db a\n%substr a 'abcdef' 3,-1\n db a\n%substr a 'abcdef' 2,-3\n db a\n%substr a 'abcdef' 5,9\n db a\n",
  "%substr outside":
    "%substr a 'abcdef' 9,1\n db a, 1\n%substr a 'abcdef' 2,0\n db a, 2\n%substr a 'abcdef' 0,3\n db a, 3\n",
  "%substr in a loop":
    "%macro rev 1\n%strlen n %1\n%rep n\n%substr c %1 n\n db c\n%assign n n-1\n%endrep\n%endmacro\nrev 'hello'\n",
  "%defstr": "%defstr s  foo   bar ( x , y )\n db s\n%define x ax\n%defstr t mov x,1\n db t\n",
  "%defstr with quotes": "%defstr s 'a'\n db s\n%defstr t \"b\" 'c'\n db t\n%defstr u\n db u, 1\n",
  "%deftok": "%deftok t 'mov ax, 1'\n t\n%deftok u '5'\n db u+1\n",
  "%idefstr and %ideftok": "%idefstr Foo abc\n db FOO\n%ideftok Bar '7'\n db bar\n",

  // Contexts.
  "%push and %pop": "%push a\n%define %$x 1\n%push b\n%define %$x 2\n db %$x, %$$x\n%pop\n db %$x\n%pop\n",
  "labels of a context":
    "%macro repeat 0\n%push repeat\n%$begin:\n%endmacro\n%macro until 1\n j%-1 %$begin\n%pop\n%endmacro\n mov cx, 3\nrepeat\n add cx, 3\nrepeat\n dec cx\nuntil e\nuntil g\n",
  "an if of macros":
    "%macro if 1\n%push if\n j%-1 %$ifnot\n%endmacro\n%macro else 0\n%ifctx if\n%repl else\n jmp %$ifend\n%$ifnot:\n%else\n%error before else\n%endif\n%endmacro\n%macro endif 0\n%ifctx if\n%$ifnot:\n%pop\n%elifctx else\n%$ifend:\n%pop\n%endif\n%endmacro\n cmp ax, bx\nif ae\n cmp bx, cx\nif ae\n mov ax, cx\nelse\n mov ax, bx\nendif\nelse\n cmp ax, cx\nif ae\n mov ax, cx\nendif\nendif\n",
  "%assign in a context": "%push c\n%assign %$n 4\n%rep 2\n db %$n\n%assign %$n %$n+1\n%endrep\n%pop c\n",
  "a context without a name": "%push\n%$l: dw %$l\n%pop\n",
  "%$ in braces": "%push c\n%define %$ab 3\n db %{$ab}\n%pop\n",
  "%ifdef of a context symbol": "%push c\n%ifdef %$x\n db 1\n%endif\n%define %$x\n%ifdef %$x\n db 2\n%endif\n%pop\n",
  "a macro in a context": "%push c\n%define %$f(x) x*2\n db %$f(3)\n%pop\n",

  // Messages and the rest.
  "%warning goes on": "%warning look out\n db 1\n",
  "%pragma of others": "%pragma asm foo\n%pragma limit reps 5\n db 1\n".replace("%pragma limit reps 5\n", ""),
  __LINE__:
    "%rep 3\n db __LINE__\n nop\n%endrep\n%macro m 0\n db __LINE__\n nop\n db __LINE__\n%endmacro\nm\n db __LINE__, \\\n __LINE__\n%assign n __LINE__\n db n\n",
  "the version":
    "%if __NASM_MAJOR__ = 2 && __NASM_MINOR__ = 16 && __NASM_SUBMINOR__ = 1\n db 1\n%endif\n dd __NASM_VERSION_ID__\n db __NASM_VER__\n db __NASM_PATCHLEVEL__\n",
  __BITS__: " db __BITS__\nbits 32\n db __BITS__\nbits 64\n db __BITS__\n",
  __OUTPUT_FORMAT__: "%ifidn __OUTPUT_FORMAT__, bin\n db 1\n%endif\n%defstr f __OUTPUT_FORMAT__\n db f\n",
  __SECT__:
    "%macro data 1+\n[section .data]\n db %1\n__SECT__\n%endmacro\n nop\ndata 1,2\n nop\nsection .more\n db 5\ndata 3\n db 6\n",
  "built-in names with a question mark": " db __?LINE?__, __?NASM_MAJOR?__, __?BITS?__\n",
  "%ifdef of built-in macros":
    "%ifdef __LINE__\n db 1\n%endif\n%ifdef __NASM_VER__\n db 2\n%endif\n%ifdef __FILE__\n db 3\n%endif\n",
  "comments after directives":
    "%macro m 1 ; one\n db %1 ; %2 is none\n%endmacro ; end\nm 5 ; call\n%rep 2 ; twice\n nop\n%endrep ; end\n%if 1 ; yes\n db 1\n%else ; no\n%endif ; end\n",
  "directives in capitals":
    "%MACRO m 1\n db %1\n%ENDMACRO\nm 1\n%Rep 2\n nop\n%EndRep\n%IF 1\n db 2\n%ENDIF\n%DEFINE x 1\n db x\n",
  "a blank after the percent sign is no directive": "x equ 5\ny equ 17 % x\n db y\n db 17 %% x\n",
  "remainders by macros": "%define five 5\n db 17 % five\n db -17 %% five\n",
};
