import { describe, expect, it, test } from "vitest";
import { Machine } from "../../../emulator/index.ts";
import { controlWord } from "../../../emulator/vmx/controls.ts";
import { assembled, configurationOf, machineWith } from "../machine/program.ts";
import { hypervisor, type Program, place } from "./own-hypervisor.ts";

const steps = 3000;
const step = "mov edi, 440Ch\n vmread rax, rdi\n mov edi, 681Eh\n vmread rbx, rdi\n add rbx, rax\n vmwrite rdi, rbx";
const enough = (times: number) => `inc ebp\n cmp ebp, ${times}\n je finished`;
const end = "finished: vmxoff\n hlt";
const forgets = `${enough(5)}\n vmresume\n ${end}`;

function lintsOf(program: Program, translate = false) {
  const machine = new Machine({ ...configurationOf(assembled(hypervisor(program), "vmm.asm")), translate });
  machine.run({ steps });
  expect(machine.stopped?.reason).toBe("halted");
  return machine.events(0, 10_000, ["lint"]).flatMap((event) => (event.kind === "lint" ? [event] : []));
}
const textsOf = (program: Program): string[] => lintsOf(program).map(({ text }) => text);

describe("a hypervisor that resumes its guest at the instruction that exited is told", () => {
  test.each<[string, Program]>([
    ["CPUID", { guest: "cpuid" }],
    ["RDMSR", { guest: "mov ecx, 10h\n rdmsr" }],
    ["VMCALL", { guest: "vmcall" }],
    ["HLT", { guest: "hlt", controls: { primary: controlWord("hltExiting") } }],
    ["IO_INSTRUCTION", { guest: "out 80h, al", controls: { primary: controlWord("unconditionalIoExiting") } }],
    ["RDTSC", { guest: "rdtsc", controls: { primary: controlWord("rdtscExiting") } }],
  ])("%s", (reason, program) => {
    const [text, ...more] = textsOf({ ...program, handler: forgets });
    expect(more).toEqual([]);
    expect(text).toMatch(new RegExp(`^${reason} again, at 1[0-9A-F]{5}h: `));
    expect(text).toContain("add the VM-exit instruction length (440Ch");
    expect(text).toContain("to the guest's RIP (681Eh)");
  });

  it("at each instruction anew, with both engines", () => {
    const twice: Program = {
      guest: "cpuid\n nop\n cpuid\n vmcall",
      handler: `inc ebp\n test ebp, 3\n jnz again\n ${step}\nagain: cmp ebp, 9\n je finished\n vmresume\n ${end}`,
    };
    for (const translate of [false, true]) expect(lintsOf(twice, translate)).toHaveLength(2);
  });

  it("the same when the moment is gone back to", () => {
    const machine = machineWith(hypervisor({ guest: "cpuid", handler: forgets }));
    machine.run({ steps });
    const first = machine.events(0, 10_000);
    const end = machine.now;
    for (const moment of [end - 1, end - 12, end - 30, 10]) {
      machine.goTo(moment);
      machine.run({ steps });
      expect(machine.events(0, 10_000)).toEqual(first);
    }
  });
});

describe("nothing is said", () => {
  test.each<[string, Program]>([
    ["of one that steps over", { guest: "cpuid\n vmcall", handler: `${step}\n ${enough(2)}\n vmresume\n ${end}` }],
    [
      "of a loop in the guest",
      { guest: "\nagain: cpuid\n jmp again", handler: `${step}\n ${enough(6)}\n vmresume\n ${end}` },
    ],
    [
      "of an exit for each element of a repeated string",
      {
        guest: `mov esi, ${place.free}\n mov dx, 80h\n mov ecx, 4\n rep outsb`,
        controls: { primary: controlWord("unconditionalIoExiting") },
        handler: `dec ecx\n ${enough(4)}\n vmresume\n ${end}`,
      },
    ],
    [
      "where the control was switched off, so that the instruction runs",
      {
        guest: "rdtsc\n vmcall",
        controls: { primary: controlWord("rdtscExiting") },
        handler: `${enough(2)}\n mov edi, 4002h\n vmread rax, rdi\n btr rax, 12\n vmwrite rdi, rax\n vmresume\n ${end}`,
      },
    ],
    [
      "where the guest itself has brought the exit back",
      {
        before: `or byte [${place.free} + 10h], 1`,
        guest: `\nagain: out 80h, al\n or byte [${place.free} + 10h], 1\n jmp again`,
        controls: { primary: controlWord("ioBitmaps") },
        fields: { ioBitmapA: place.free, ioBitmapB: place.free + 0x1000 },
        handler: `${enough(4)}\n and byte [${place.free} + 10h], 0\n vmresume\n ${end}`,
      },
    ],
    [
      "where an event is injected",
      {
        guest: "cpuid",
        handler: `${enough(4)}\n mov edi, 4016h\n mov eax, 80000006h\n or eax, 300h\n vmwrite rdi, rax\n vmresume\n ${end}`,
      },
    ],
    ["of exceptions", { guest: "ud2", fields: { exceptionBitmap: 0x40 }, handler: forgets }],
  ])("%s", (_, program) => {
    expect(textsOf(program)).toEqual([]);
  });
});
