;; braces
%define s(a,b) db a, b
s({1,2},3)

;; braces2
%define s(a) a
s({db 1})

;; brackets depth
%define s(a,b) mov a, b
s([bx+si],5)

;; brackets comma
%define s(a,b) db a
s([1,2],5)

;; nested parens
%define s(a,b) db a, b
s((1),(2))

;; greedy0
%define s(a+) db a
s(1,2,3)
s(1)

;; greedy and others
%define s(a,b+) db a, b
%define s(a) db 99, a
s(1)
s(1,2)
s(1,2,3,4)

;; greedy missing
%define s(a,b+) db a b
s(1)

;; str expanded
%define x 5
%define s(&a) a
db s(x), s( x y )

;; strstr expanded
%define x 'foo'
%define s(&&a) a
db s(x), s( x y ), s(bar)

;; evalcomma
%define x 5
%define y x+1
%define s(=a,=b) %[a]b
dw s(y*2, 3)

;; eval bad
%define s(=a) a
db s(foo)
foo: db 1

;; eval hex
%define s(=a) %strlen a
%define t(=a) a
%defstr z t(0x10+1)
db z
%defstr z t(-5)
db z

;; nostrip str
%define s(!&a) a
db s( 5 ), s({x})
db '|'
%define t(&a) a
db t( 5 ), t({x}), t({x} ), t( {x})

;; order
%define s(a!&) a

;; order2
%define s(&!a) a
db s( x )

;; order3
%define s(a=) a
db s(1)

;; unnamed all
%define s(,) 5
db s(1,2)

;; unnamed one
%define s( ) 5
db s( )
db s()

;; zero with arg
%define s() 5
db s(1)

;; dup params
%define s(a,a) a
db s(1,2)

;; greedy not last
%define s(a+,b) a
db s(1,2)

;; both plain and paren
%define s 1
%define s(a) a
db s(5)

;; both plain and paren2
%define s(a) a
%define s 1
db s(5)

;; args count
%define s(a) a
db s(5,6)

;; args count label
%define s(a) a
s: db 1
dw s

;; args spaces
%define s(a) a
db s (5)

;; multi-line args no
%define s(a) a
db s(5

;; percent-q
%define foo %?
%idefine BAR %??
foo: db 1
bar: db 2
dw foo, BAR

;; percent-q*
%idefine foo mov %*?,ax
%idefine m(x) %*?? x
db 1

;; xdefine args
%define a 5
%xdefine f(x) x+a
%define a 6
db f(1)

;; define name as directive
%define db dw
db 1

;; pasted +
%define a(x) x %+ 1
a(foo): db 1
dw foo1

;; pasted num
db 1 %+ 2

;; indirect
%define foo 3
%assign i 3
%define foo%[i] 7
db foo3

;; indirect nested
%define bar b
%define b 7
%define ab 9
db a%[bar]

;; indirect str
%define bar 'b'
db %[bar], "%[bar]"

;; indirect with macro arg
%define w 8
%macro m 1
db %[w%1]
%endm
%define w1 5
m 1

;; spaces args in multi
%macro m 1
%ifidn {%1},{ax}
db 1
%else
db 2
%endif
%ifidn %1, ax
db 1
%else
db 2
%endif
%endm
m ax
m {ax }
m bx

;; ifidn blanks
%ifidn a , a
db 1
%else
db 2
%endif
%ifidn {a} , {a}
db 1
%else
db 2
%endif
%ifidn  a,  a ; comment
db 1
%else
db 2
%endif
%ifidn a b,a  b
db 1
%else
db 2
%endif
%ifidni A,a
db 1
%else
db 2
%endif
%ifidn "a",'a'
db 1
%else
db 2
%endif
%ifidn {a,b},{a,b}
db 1
%else
db 2
%endif
%ifidn 0x10,16
db 1
%else
db 2
%endif
%ifidn a+b,a + b
db 1
%else
db 2
%endif

;; iftoken etc
%macro t 1+
%iftoken %1
db 1
%endif
%ifid %1
db 2
%endif
%ifnum %1
db 3
%endif
%ifstr %1
db 4
%endif
%ifempty %1
db 5
%endif
db 0
%endm
t a
t a b
t 5
t -5
t - 5
t +5
t 'x'
t {}
t
t eax
t db
t [x]
t $
t $foo
t %%x
t 5.0
t 0ffh
t ..@x
t .x
t a.b
t 1,2
t -
t (5)
t ?
t @x

;; ifnum expr
%define x 5
%ifnum x
db 1
%endif
%define x 5+1
%ifnum x
db 2
%endif
%define y
%ifempty y
db 3
%endif

;; ifdef many
%define a
%ifdef b a
db 1
%endif
%ifdef __NASM_MAJOR__
db 2
%endif
%ifdef __FILE__
db 3
%endif
%ifdef __OUTPUT_FORMAT__
db 4
%endif

;; ifdef params
%define f(x) x
%ifdef f
db 1
%endif

;; ifmacro
%macro m 1-3
%endm
%ifmacro m
db 1
%endif
%ifmacro m 2
db 2
%endif
%ifmacro m 4
db 3
%endif
%ifmacro m 0-1
db 4
%endif
%ifmacro m 4-*
db 5
%endif
%ifmacro nop
db 6
%endif

;; ifdefalias
%define a 1
%defalias b a
%ifdefalias b
db 1
%endif
%ifdefalias a
db 2
%endif
%ifdef b
db 3
%endif
%undef b
%ifdefalias b
db 4
%endif
%ifdef a
db 5
%endif

;; ifdirective
%ifdirective section
db 1
%endif
%ifdirective %ifdirective
db 2
%endif
%ifdirective bar
db 3
%endif
%ifdirective org
db 4
%endif

;; elifs
%if 0
%elifdef foo
%elifn 0
db 1
%elifempty
db 2
%endif

;; else if on line
%if 1
db 1
%else
db 2
%else
db 3
%endif

;; defaults blanks
%macro m 1-3 { x }, y 
%defstr x <%1%2%3>
db x
%endm
m 1
m 1,2

;; defstr blanks
%defstr a   b   c  ; d
db a
%define x  q  r  
%defstr a [ x ]
db a
%xdefine x  q  r  
%defstr a [ x ]
db a

;; ifidn macro arg
%macro m 1
%ifidn %1,
db 1
%else
db 2
%endif
%ifidn {%1},{}
db 1
%else
db 2
%endif
%ifempty %1
db 3
%endif
%endm
m {}
m {} 
m { }
m a

;; ifidn quotes
%macro m 2
%ifidni %1, %2
db 1
%else
db 2
%endif
%ifidn __NASM_MAJOR__, 2
db 5
%endif
%endm
m "ax", 'ax'
m ax,AX
m {a,b},{a,b}
m a b,a b
m a+b, a + b
m a+b,a + b

;; counted a
%imacro counted 2+.nolist
%ifnempty %2
db %2
%else
%1 0
%endif
%endmacro
counted db,"abc",13

;; counted b
%imacro counted 2+.nolist
db %2
%endmacro
%idefine c counted db,
c "abc",13

;; counted c
%imacro counted 2+
db %2
%1 5
%endmacro
%idefine c counted db,
c 1
c

;; unmacro other case
%macro Foo 1
db %1
%endm
%unimacro foo 1
Foo 5

;; unmacro same case
%imacro Foo 1
db %1
%endm
%unmacro Foo 1
foo 5

;; unmacro ranges
%imacro Foo 1-3
db %1
%endm
%unimacro foo 1-2
foo 5

;; if empty
%if
db 1
%endif

;; if empty 2
%define x
%if x
db 1
%endif

;; paste braces
%push a
%define %$n foo
%{$n}_x: db 1
dw foo_x
x%{$n}: db 2
dw xfoo
%pop

;; paste braces 2
%define n foo
%[n]_y: db 1
dw foo_y
%macro m 0
%define %%n bar
%{%n}_x: db 2
dw bar_x
%endm
m

;; paste context unbraced
%push a
%define %$n foo
x%$n: db 2
dw xfoo
%pop

;; paste macro param
%macro m 1
x%1y: db 1
%{1}z: db 2
%endm
m foo
dw xfooy, fooz

;; equ twice labels
x: db 1
a equ x
a equ x
a equ $-1

;; equ twice forward
a equ b
a equ b
b equ 6

;; equ then label
a equ 0
a:

;; label then equ
a:
a equ 0

;; strlen with number
%strlen n 5

;; deftok several
%deftok a 'x' 'y'

;; strcat number
%strcat s 'a', 5

;; substr number
%substr s 5 1

;; ..foo
..foo: db 1

;; cpu names
cpu 586
cpu pentium
cpu PPRO
cpu P2
cpu Katmai
cpu WILLAMETTE
cpu prescott
cpu x86-64
cpu ia-64
cpu itanium
cpu itanic
cpu merced
cpu all
cpu default
cpu any

;; cpu latevex
cpu latevex

;; error location in macro
%macro m 0
mov ax, nowhere
%endm
m

;; ifempty param
%macro m 1-2
%ifempty %2
db 1
%else
db 2
%endif
%endm
m a
m a,
m a,b

;; call with no space
%macro m 1
db %1
%endm
m(5)
m [5]

;; call with string
%macro m 1
db %1
%endm
m"x"

;; label colon space call
%macro m 1
db %1
%endm
a : m 5
dw a

;; a call after times
%macro m 1
db %1
%endm
times 2 m 5

;; a call after prefix
%macro m 0
movsb
%endm
rep m

;; assign octal text
%assign i 0x10
%defstr s i
db s

;; assign negative text
%assign i -3
%defstr s i
db s, 5 i

;; define redefines builtin
%define __LINE__ 5
db __LINE__

;; line in macro body
%macro m 0
db __LINE__
%endm
m


m

;; line in define
%define l __LINE__
db l

db l

;; line in rep
%rep 2
db __LINE__
db __LINE__
%endrep

;; line in include
db __LINE__
%include "inc.inc"
db __LINE__

;; file
db __FILE__
%defstr f __?FILE?__
db f

;; line continued
db 1, \
__LINE__, \
2
db __LINE__

;; macro with comment only body
%macro m 1 ; comment
; nothing
%endm ; end
m 5

;; macro name with directive text
%define mov xchg
mov ax, bx

;; exitrep outside
%exitrep

;; exitmacro outside
%exitmacro

;; endif alone
%endif

;; else alone
%else

;; endmacro alone
%endmacro

;; endrep alone
%endrep

;; unclosed if
%if 1
db 1

;; unclosed macro
%macro m 0
db 1

;; unclosed rep
%rep 2
db 1

;; macro without count
%macro m
db 1
%endmacro

;; macro bad range
%macro m 3-1
db 1
%endmacro

;; macro defaults too many
%macro m 1-2 a,b,c
db %2
%endmacro
m 1

;; macro defaults too few
%macro m 0-3 1
db %0
%endmacro
m

;; rotate outside
%rotate 1

;; pop without push
%pop

;; pop wrong
%push a
%pop b

;; context symbol without context
db %$x

;; rep negative
%rep -1
db 1
%endrep
db 2

;; rep nonconst
%rep foo
db 1
%endrep

;; unknown directive
%foo

;; unknown if
%iffoo
db 1
%endif

;; include missing
%include "none.inc"

;; include unquoted
%include inc.inc

;; assign nothing
%assign a

;; assign bad
%assign a b c

;; define nothing
%define

;; define number
%define 5 6

;; undef nothing
%undef

;; ifdef nothing
%ifdef
%endif

;; ifidn one
%ifidn a
%endif

;; ifid nothing
%ifid
db 1
%else
db 2
%endif

;; ifnum nothing
%ifnum
db 1
%else
db 2
%endif

;; iftoken nothing
%iftoken
db 1
%else
db 2
%endif

;; undefined symbol
dw x

;; bad number
db 5x
db 0b12

;; bad register mix
mov ax, bl

;; missing comma
mov ax bx

;; missing operand
mov ax,

;; bad memory
mov ax,[ax]

;; unclosed bracket
mov ax,[bx

;; unclosed string
db 'abc

;; unclosed paren
db (1

;; reserved label
mov: db 1
ax: db 2

;; immediate too large
mov al, 300

;; push word out
push byte 300

;; short jump out
jmp short x
times 200 nop
x:

;; bits bad
bits 17

;; org bad
org x
x:

;; align bad
align 3

;; struc unnamed
struc
endstruc

;; endstruc alone
endstruc

;; istruc unended
struc s
.a: resb 1
endstruc
istruc s
at s.a, db 1

;; at outside
at x, db 1

;; iend alone
iend

;; times nothing
times

;; resb nothing
resb

;; resb negative
resb -1

;; equ nothing
a equ

;; parameters of xdefine are no macros
%idefine d dword
%define n1(d) (((d)% 10)+'0')
%xdefine d1(d) (!!(d/10)*(1<<32)+ n1(d))
db d1(8)
%define a 5
%xdefine m(a,b) a+b+c
%define c 7
db m(1,2)

