import { describe, expect, it } from "vitest";
import { techniques } from "../../../isa/technique.ts";
import { boot, guestWithTables, protectedGuest, register, registersOf, run, steppedGuest } from "./guest.ts";
import { identityPaging, identityTables, pagingOn } from "./setup.ts";

describe("all techniques agree", () => {
  /** Single steps with TF over instructions that run, exit, trap and fault: #DB after each. */
  const stepped = steppedGuest(`
        nop
        mov al, 1
        out 80h, al
        out 0E9h, al
        mov eax, cr0
        mov eax, 40000000h
        cli
        nop`);

  it("on the #DB of single steps", () => {
    const counts = (["bare-metal", "vtx-ept", "svm-npt", "svm-shadow", "trap-and-emulate"] as const).map((t) =>
      register(run(t, stepped).machine, "RSI"),
    );
    expect(new Set(counts).size).toBe(1);
    expect(counts[0]).toBeGreaterThanOrEqual(10n);
  });

  it("on a guest that halts for ever, also after input", () => {
    for (const technique of ["bare-metal", "vtx-ept", "svm-npt", "svm-shadow", "trap-and-emulate"] as const) {
      const machine = boot(technique, protectedGuest("nop"));
      const first = machine.run({ steps: 1000 });
      const { now, rip } = machine;
      machine.input("x");
      expect(machine.run({ steps: 1000 }), technique).toEqual(first);
      expect([machine.now, machine.rip], technique).toEqual([now, rip]);
      expect(first).toMatchObject({ reason: "halted" });
    }
  });

  it("on what a page fault forgets of its page, so that the kernel need not: a page copied when it is written", () => {
    const copied = guestWithTables(`
${identityTables("100h")}
        mov dword [50000h], 11h
        mov dword [51000h], 22h
        mov dword [21140h], 50005h
${pagingOn("80010000h")}
        mov ebx, [50000h]
        mov dword [50004h], 5
resume: mov dword [21140h], 51007h
        mov dword [50004h], 6
        mov ecx, [50000h]`);
    for (const { id } of techniques.filter(({ kernel }) => kernel !== "hypercalls"))
      expect(registersOf(run(id, copied).machine, ["RBX", "RCX"]), id).toEqual({ RBX: "11", RCX: "22" });
  });

  it("with hot regions translated", () => {
    const source = guestWithTables(`
${identityPaging}
        mov ecx, 40000
        xor ebx, ebx
.sum:   mov eax, ecx
        and eax, 3FFFCh
        add ebx, [eax]
        mov [40000h + eax], ebx
        loop .sum
resume: nop`);
    const results = (["bare-metal", "vtx-ept", "svm-npt", "svm-shadow", "trap-and-emulate"] as const).flatMap(
      (technique) =>
        [false, true].map((translate) => {
          const machine = boot(technique, source, 1, translate);
          machine.run({ steps: 400_000 });
          return registersOf(machine);
        }),
    );
    for (const result of results) expect(result).toEqual(results[0]);
  });
});
