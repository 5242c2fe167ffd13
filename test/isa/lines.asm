; Statements that nasm's optimizer, size rules and address rules decide, one a line.
; assembled-lines.test.ts assembles each alone in 16-, 32- and 64-bit code, with nasm and with the project's assembler.
smsw rax
str rax
smsw [rax]
push qword [rax]
mov dword [rax],5
movzx eax,byte [rax]
shl dword [rax],1
mov al,300
mov eax,0x123456789
add rax,0x80000000
push 0x80000000
push word 0x12345
in al,100
lock add [rax],al
mov eax,[rax*5]
add eax,5
pusha
o16 push 5
o32 push 5
o64 ret
o16 iret
shl eax,byte 1
int 30
mov rax,0x1ffffffff
mov [rax],dword 0x1ffffff
cmp byte [rax],0x80
add al,-100
retfq
retf
retw
retd
call far [rax]
rep add [rax],al
lea ax,[rax]
xchg al,[rax]
lock xchg [rax],al
bt dword [rax],5
mov eax,cr0
mov rax,cr0
movzx rax,al
movzx eax,word [rax]
imul rax,5
imul rax,[rbx],500
call qword [rax]
loop $
loop $,cx
loop $,ecx
loop $,rcx
jcxz $
jecxz $
jrcxz $
lgdt [eax]
o16 lgdt [rax]
o32 lgdt [eax]
o32 lgdt [bx]
o16 lgdt [eax]
test al,[rax]
xchg ax,ax
xchg eax,eax
xchg rax,rax
xchg [rax],rbx
a32 mov eax,[0x10]
a16 mov eax,[0x10]
sgdt [rax]
invlpg [rax]
repne movsb
mov ecx,[qword 0x12345678]
mov ecx,[dword rax+1]
mov ecx,[byte rax]
mov ecx,[dword 5]
mov ecx,[word 5]
mov eax,[eax+eax]
mov eax,[eax*2]
mov eax,[nosplit eax*2]
mov eax,[eax*1]
mov eax,[eax*1+ebx]
mov eax,[ebx+eax*1]
mov eax,[ebp+eax]
mov eax,[eax+ebp]
mov eax,[esp+eax]
mov eax,[eax+esp]
mov eax,[eax+eax*2]
mov eax,[eax*3]
mov eax,[ebp*2]
mov eax,[eax*4+ebp]
mov eax,[eax*4]
mov eax,[esp+5]
mov eax,[ebp]
mov eax,[eax+0xffffffff]
mov ax,[bx+0xffff]
mov ax,[si+bx]
mov ax,[bp]
mov ax,[bp+di+1000]
mov eax,[dword 5]
mov eax,[word 5]
mov ecx,[dword eax]
mov ecx,[word bx+1]
mov eax,[dword eax+5]
mov eax,[byte eax]
call dword $
call word $
jmp dword $
jmp word $
jmp near $
jmp short $
jmp strict near $
call $
jmp $
jz $
jz near $
jz $+200
jz $-126
jmp $+129
jmp $+130
jz $+129
jz $+130
pushfw
pushf
pushfd
pushfq
popaw
popad
popa
popf
popfw
iret
iretw
iretd
iretq
retfw
a16 loop $
a32 loop $
lgdt [5]
push ax
push ds
push fs
o16 push ds
o32 push ds
pop fs
pop gs
mov al,[5]
mov [5],eax
mov bl,[5]
mov al,[bx]
mov al,[es:5]
mov al,[ds:5]
inc eax
push 300
push word 300
push dword 300
push word 5
push dword 5
push qword 5
push byte 5
push strict byte 5
push strict dword 5
push strict 5
push strict word 5
push 5
push -1
push 0xffff
push 0xffffffff
push 0xffffff80
push 0x7f
push 0x80
push -128
push -129
add eax,strict 5
add eax,strict dword 5
add eax,strict byte 5
add ax,strict 5
add rax,strict 5
add ax,300
add ax,-1
add ax,0xffff
add ax,0xff80
add eax,0xffffffff
add eax,0xffffff80
add eax,0xffffff7f
add rax,0xffffffffffffffff
add rax,0xffffffff
add rax,-129
add al,5
add ax,5
sub eax,128
cmp eax,-128
and rax,0xf
and eax,0xfffffff0
and word [eax],0xfff0
or dword [rax],0x80000000
lds ax,[eax]
lds eax,[eax]
les di,[bx]
lfs eax,[ebx]
lgs rax,[rbx]
lss esp,[ebx]
bound eax,[eax]
bound ax,[ebx]
int 3
int3
into
aam
aam 10
aad
xlat
xlatb
a16 xlatb
es xlatb
in ax,dx
in eax,0x60
out dx,ax
out 0x60,eax
insb
outsb
repz cmpsb
rep movsd
rep stosq
rep movsw
es movsb
fs lodsd
a32 movsb
a16 movsb
a32 rep stosd
sal eax,2
int1
icebp
mov ax,word 5
arpl ax,bx
arpl [eax],bx
verr ax
verw [eax]
ltr [eax]
ltr ax
lldt ax
lldt word [eax]
lmsw ax
lmsw [eax]
sldt ax
sldt eax
sldt rax
sldt [eax]
sldt word [eax]
str ax
str eax
str [eax]
smsw ax
smsw eax
lar eax,bx
lar eax,ebx
lar ax,[ebx]
lsl rax,rbx
test eax,[eax]
test [eax],eax
test eax,5
test ebx,5
test byte [ebx],5
xchg eax,[ebx]
xchg ebx,eax
xchg ax,bx
xchg ecx,ebx
mov cr0,eax
mov cr3,rax
mov cr8,rax
mov dr7,eax
mov rax,dr6
jmp 8:0
jmp dword 8:0
jmp word 8:0
call 8:0
call dword 8:0x12345
jmp far [eax]
jmp far dword [eax]
jmp far word [eax]
jmp far [bx]
call far [eax]
call far dword [bx]
jmp [eax]
jmp dword [eax]
jmp word [bx]
jmp ax
jmp eax
jmp rax
call ax
call [bx]
call dword [bx]
call eax
loopz $
loopne $
loope $,cx
ret
ret 4
retn
retn 8
retf 4
mov eax,[rax]
push cs
push ss
pop ss
pop ds
mov eax,cs
mov ax,cs
mov rax,cs
mov [eax],cs
mov word [eax],cs
mov ds,ax
mov ds,eax
mov ds,rax
mov ds,[eax]
mov ds,word [eax]
out 5,al
imul eax,5
imul eax,ebx,500
imul ax,5
imul eax,[ebx],5
imul eax,[ebx]
imul eax,ebx
imul byte [ebx]
shld eax,ebx,5
shrd [eax],ebx,cl
shl eax,cl
shl ax,1
rol byte [eax],cl
rcr al,1
sar rax,63
sysenter
sysexit
syscall
sysret
o64 sysret
swapgs
cmpxchg8b [eax]
cmpxchg8b qword [eax]
cmpxchg16b [rax]
lock cmpxchg16b [rax]
bswap eax
bswap r8
setz [eax]
setz al
setnbe byte [eax]
cmovz eax,[eax]
cmovne rax,rbx
lea eax,[bx]
lea ax,[eax]
lea eax,[rax]
lea rax,[eax]
lea rsi,[rel $]
mov rax,[rel $]
mov rax,strict dword 5
mov rax,strict qword 5
mov rax,qword 5
mov rax,dword 5
mov rax,dword -1
mov r8,5
mov r8,-1
mov r8d,5
mov eax,5
mov al,5
mov ah,5
mov spl,5
mov r9b,5
mov byte [eax],5
mov [eax],byte 5
mov [eax],word 5
mov [eax],dword 5
add [eax],byte 5
add dword [eax],byte 5
add dword [eax],dword 5
add dword [eax],strict dword 5
and [eax],dword 0xfffffff0
cmp [eax],byte 5
test [eax],byte 5
push eax
push dword [eax]
push word [eax]
pop dword [eax]
pop dword [esp]
pop word [eax]
push rax
push r15
pop qword [r15]
nop
pause
rep nop
rep ret
nop dword [eax]
nop word [eax]
hlt
cli
sti
cld
std
clc
cmc
lahf
sahf
cpuid
rdtsc
rdtscp
rdmsr
wrmsr
rdpmc
invd
wbinvd
clts
vmcall
vmmcall
ud2
xadd [eax],ebx
cmpxchg [eax],cl
bsf eax,[ebx]
bsr rax,rbx
popcnt ax,bx
tzcnt eax,ebx
lzcnt rax,[rbx]
movbe eax,[ebx]
bts [eax],ebx
btr dword [eax],5
btc ax,bx
movsx eax,al
movsx eax,word [eax]
movsx rax,ebx
movsxd rax,ebx
movsx ax,byte [eax]
cbw
cwde
cdqe
cwd
cdq
cqo
enter 8,0
leave
o16 leave
o16 ret
o32 ret
o16 retf
o32 retf
daa
das
aaa
aas
mov al,[es:bx]
mov al,[cs:rax]
mov al,[fs:rax]
mov eax,[gs:0x28]
mov eax,[fs:ebp+4]
lock inc dword [eax]
lock dec byte [eax]
lock nop
lock mov [eax],al
a16 mov al,[bx]
a32 lodsb
mov [eax+ecx*8+0x12345678],dl
mov [rax+r9*8-1],r10
mov [r12],rax
mov [r13],rax
mov [rsp+r12],rax
mov [rbp+r13*2],rax
mov al,[r8d]
mov al,[r8+r8]
mov rax,[rax+0x7fffffff]
mov rax,[rax-0x80000000]
mov rax,[0xffffffff80000000]
mov eax,[0xfee00000]
mov [0xb8000],al
mov [0x7c00],ax
mov byte [0x7c00],1
mov word [0x1234],0x5678
mov eax,[0x12345678]
cmp word [bp+4],-1
sub sp,byte 8
sub sp,8
sub esp,0x80
xor eax,eax
xor rax,rax
jmp short $+5
jmp near $+5
ja $
jnae $
jc near $+5
jpo $
mov ax,[bx+si+1]
mov ax,[bx+di-1]
mov ax,[bp+si]
mov ax,[di+bp+0x80]
mov ax,[bx-0x80]
mov ax,[bx-0x81]
mov ax,[bx+0x7f]
mov ax,[bx+0x80]
mov ax,[di]
add rax,dword 5
and rbx,dword 0x1000
imul rax,rbx,dword 500
test rax,dword 500
add qword [rax],dword 500
repne jmp rax
repne ret
repne call $
repne jz $
fadd
fadd st1
fadd to st1
fadd st0
fadd st0,st1
fadd st1,st0
fadd st0,st0
fsubr to st2
fxch st0
fxch st0,st0
fxch st2,st0
fxch st0,st2
fst
fst st0
fcom st0,st1
fcomp
fucompp
faddp
faddp st1
faddp st1,st0
faddp st0,st1
faddp to st1
fcomi st1
fcomi
fcmovb
fcmovb st1
ffreep
fld
fld st3
fstp
fstp st0,st1
fsub
fdivrp
fstsw ax
fstsw
fnstsw ax
fstcw [bx]
es fstcw [bx]
fstcw [es:bx]
o16 fsave [bx]
o32 fnsave [bx]
lock fadd st1
wait
fwait
fldenv [bx]
fldenv dword [bx]
fbld [bx]
fbld tword [bx]
fbld qword [bx]
fneni
feni
fdisi
fsetpm
fisttp dword [bx]
fucom st1,st0
fild dword [bx]
fild qword [bx]
fist [bx]
fadd [bx]
fadd dword [bx]
fadd tword [bx]
fst tword [bx]
fstp tword [bx]
fstsw word [bx]
fsqrt st0
movups xmm1,oword [ebx]
movups xmm1,qword [ebx]
addss xmm1,[ebx]
addss xmm1,dword [ebx]
addss xmm1,qword [ebx]
movd mm1,eax
movd mm1,rax
movd xmm1,rax
movq xmm1,rax
movq mm1,rax
movq rax,xmm1
movd qword [ebx],xmm1
movd [ebx],xmm1
movq [ebx],xmm1
movq xmm1,[ebx]
movq xmm1,xmm2
movq [ebx],mm1
pinsrw mm1,eax,3
pinsrw mm1,ax,3
pinsrw mm1,[ebx],3
pinsrw mm1,word [ebx],3
pinsrw xmm1,rax,3
pextrw eax,mm1,3
pextrw rax,xmm1,3
movmskps rax,xmm1
cvtsi2sd xmm0,rax
cvtsi2sd xmm0,[ebx]
cvtsi2sd xmm0,qword [ebx]
cvtss2si eax,[ebx]
cvtss2si rax,[ebx]
cvttsd2si r9,xmm8
cvtps2pi mm0,qword [ebx]
cmpps xmm0,xmm1,5
cmpps xmm0,xmm1,byte 5
cmpeqps xmm0,xmm1
cmpltsd xmm0,[ebx]
cmpeqss xmm0,dword [ebx]
movsd xmm0,[ebx]
movsd
rep movsd
movsd [ebx],xmm0
cmpsd xmm0,xmm1,1
cmpsd
psllw xmm1,3
psllw xmm1,xmm2
psllw mm1,300
movlhps xmm1,xmm2
movhps xmm1,xmm2
movhps xmm1,[ebx]
movntps [ebx],xmm0
movntps oword [ebx],xmm0
movnti [ebx],eax
movnti [ebx],rax
maskmovq mm0,mm1
movdq2q mm1,xmm2
fxsave [ebx]
fxsave64 [ebx]
o64 fxsave [ebx]
ldmxcsr [ebx]
ldmxcsr qword [ebx]
addps xmm8,xmm1
addps xmm1,[r9]
addps mm1,xmm1
paddb mm1,xmm1
fadd st1,st2
movaps xmm0,eax
cmpxchg16b oword [ebx]
pinsrw xmm1,ax,3
pinsrw mm1,rax,3
pinsrw xmm1,[ebx],3
cvtsi2ss xmm1,[ebx]
movd xmm1,ax
movd mm1,[ebx]
pextrw ax,xmm1,3
jmp 8:dword 5
jmp 8:strict word 5
jmp 8:strict 5
jmp dword 8:word 5
jmp dword 8:dword 5
jmp near 8:5
jmp byte 8:5
jmp strict short $+5
jmp strict near $+5
mov rax,strict 5
mov rax,strict qword 5
mov rax,strict dword 5
mov near [eax],ebx
mov short [eax],ebx
jmp short [eax]
jmp near [eax]
mov byte eax,5
mov eax,word ebx
lea eax,5
lea rax,strict dword 5
lea rax,[fs:rel $+5]
mov rax,[rel fs:$+5]
mov eax,[strict dword ebx]
call far 8:5
je near dword $+5
je near qword $+5
rep rep nop
rep repe nop
o32 o32 nop
o16 or esp,esp
o64 push rax
o64 call rax
o64 call [rax]
o64 mov rax,ds
o64 mov eax,ds
o16 push [bx]
bts [bx],1
enter word 5,5
shld eax,ebx,byte 5
add rax,qword 5
add rax,strict qword 5
push strict qword 5
int01
wait fadd st1
wait fstcw [bx]
wait lock add [bx],ax
lock wait add [bx],ax
es wait fld dword [bx]
wait fwait
wait mov eax,ebx
lea eax,$$
lea eax,$+5
mov ax,[byte 0x8000]
mov [byte 5],al
mov rax,[byte qword 5]
mov al,[a64 5]
mov rax,[a32 5]
mov eax,[a16 5]
mov eax,[a16 bx]
mov eax,[a32 bx]
mov eax,[es:a16 bx]
a32 mov eax,[a16 bx]
mov eax,[lock bx]
