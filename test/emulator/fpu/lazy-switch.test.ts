import { describe, expect, it } from "vitest";
import { dword, guestWithTables, run } from "../vmm/guest.ts";

/**
 * Two tasks that take turns, each with numbers of its own in ST0 and XMM0. Switching sets CR0.TS and no more; the first
 * instruction that needs the registers raises #NM, and its handler exchanges them.
 */
const twoTasks = guestWithTables(`
        mov eax, cr4
        or eax, 600h
        mov cr4, eax
        mov eax, needed
        mov [idt + 7 * 8], ax
        shr eax, 16
        mov [idt + 7 * 8 + 6], ax
        fninit
        fldz
        pxor xmm0, xmm0
        fxsave [tasks]
        fxsave [tasks + 512]
        mov dword [owner], tasks
        mov ecx, 10
.turn:  xor esi, esi
.task:  call switch
        inc esi
        mov [step], esi
        fiadd dword [step]
        movd xmm1, [step]
        paddd xmm0, xmm1
        cmp esi, 2
        jb .task
        loop .turn
        xor esi, esi
.store: call switch
        fistp dword [510h + 8 * esi]
        movd [514h + 8 * esi], xmm0
        inc esi
        cmp esi, 2
        jb .store
        mov eax, [exchanges]
        mov [520h], eax
        jmp finish

; Makes task ESI the one that runs.
switch: mov eax, esi
        shl eax, 9
        add eax, tasks
        mov [current], eax
        mov eax, cr0
        or eax, 8
        mov cr0, eax
        ret

needed: push eax
        push ebx
        clts
        inc dword [exchanges]
        mov eax, [owner]
        mov ebx, [current]
        cmp eax, ebx
        je .same
        fxsave [eax]
        fxrstor [ebx]
        mov [owner], ebx
.same:  pop ebx
        pop eax
        iret

resume: jmp finish
owner:  dd 0
current: dd 0
step:   dd 0
exchanges: dd 0
        align 16
tasks:  times 1024 db 0
`);

describe("x87 and vector registers switched lazily by CR0.TS", () => {
  it.each(["bare-metal", "trap-and-emulate", "binary-translation", "vtx-ept"] as const)("%s", (technique) => {
    const { machine, stop } = run(technique, twoTasks);
    expect(stop.kind).toBe("stopped");
    expect([0x500, 0x510, 0x514, 0x518, 0x51c, 0x520].map((at) => dword(machine, at))).toEqual([
      0xffff_ffff, 10, 10, 20, 20, 22,
    ]);
  });
});
