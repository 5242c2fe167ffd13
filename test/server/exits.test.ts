import { describe, expect, it } from "vitest";
import { exitHints } from "../../server/features/exit-hints.ts";
import { exitLenses } from "../../server/features/exit-lens.ts";
import { hover } from "../../server/features/hover.ts";
import { analyse, uri } from "../support/marked-source.ts";

/** The hints of a source, by line from 1: `2 CPUID`. */
async function hintsOf(source: string, technique?: string): Promise<string[]> {
  const { analysis } = await analyse(source, technique ? { technique } : {});
  return exitHints(analysis, uri, 0, 1000).map(({ position, label }) => `${position.line + 1} ${label}`);
}

const guest = "bits 32\n cpuid\n cli\n popfd\n sgdt [500h]\n out 20h, al\n out 80h, al\n mov cr3, eax\n hlt";

describe("exits are predicted", () => {
  it.each([
    ["bare-metal", []],
    ["vtx-ept", ["2 CPUID 789", "6 IO_INSTRUCTION 789", "9 HLT 789"]],
    ["vtx-shadow", ["2 CPUID 789", "6 IO_INSTRUCTION 789", "8 CR_ACCESS 789", "9 HLT 789"]],
    ["svm-npt", ["2 VMEXIT_CPUID 789", "6 VMEXIT_IOIO 789", "9 VMEXIT_HLT 789"]],
    ["trap-and-emulate", ["3 #GP 424", "6 #GP 424", "7 #GP 424", "8 #GP 424", "9 #GP 424"]],
    [
      "binary-translation",
      ["2 callout 36", "5 callout 36", "6 callout 36", "7 callout 36", "8 callout 36", "9 callout 36"],
    ],
  ] as const)("under %s", async (technique, hints) => expect(await hintsOf(guest, technique)).toEqual(hints));

  it("as the status bar shows, under VT-x with EPT where nothing is settled", async () =>
    expect(await hintsOf("bits 32\n hlt")).toEqual(["2 HLT 789"]));

  it("but not where the guest faults first, where the MSR is let through, or real mode is interpreted", async () => {
    expect(await hintsOf("bits 32\n push 1Bh\n push user\n retf\nuser: hlt\n cpuid", "vtx-ept")).toEqual([
      "6 CPUID 789",
    ]);
    expect(await hintsOf("bits 32\n mov ecx, 0C0000100h\n wrmsr\n mov ecx, 10h\n wrmsr", "vtx-ept")).toEqual([
      "5 WRMSR 789",
    ]);
    expect(await hintsOf("bits 16\n hlt", "vtx-shadow")).toEqual([]);
    expect(await hintsOf("bits 16\n hlt", "binary-translation")).toEqual([]);
    expect(await hintsOf("%pragma ringside mode xen\nbits 32\n int 82h\n int 80h", "paravirtualization")).toEqual([
      "3 INT 82h 424",
    ]);
  });
});

describe("loops with an exit inside are ranked", () => {
  const lensesOf = async (source: string) => {
    const { analysis } = await analyse(source, { technique: "vtx-ept" });
    return exitLenses(analysis, uri).map(({ range, command }) => `${range.start.line + 1} ${command!.title}`);
  };
  it("the innermost first, then by cost", async () => {
    const source =
      "bits 32\nouter: mov ecx, 5\ninner: out 20h, al\n loop inner\n jmp outer\nother: out 20h, al\n in al, 60h\n jmp other";
    const titles = await lensesOf(source);
    expect(titles.map((title) => title.slice(0, 40))).toEqual([
      "3 Loop 1 of 3 by exits: 1 exit each time",
      "6 Loop 2 of 3 by exits: 2 exits each tim",
      "2 Loop 3 of 3 by exits: 1 exit each time",
    ]);
    expect(titles[1]).toContain("(IO_INSTRUCTION), 1578 cycles on Haswell (2013), VT-x with EPT");
  });
  it("not loops without one, nor the one that a guest ends in", async () => {
    expect(await lensesOf("bits 32\nx: loop x\n.end: hlt\n jmp .end")).toEqual([]);
  });
});

describe("hover shows the matrix", () => {
  const hoverOf = async (source: string, technique?: string): Promise<string> => {
    const { analysis, cursor } = await analyse(source, technique ? { technique } : {});
    const found = hover(analysis, uri, cursor!);
    return found && typeof found.contents === "object" && "value" in found.contents ? found.contents.value : "";
  };
  it("with what is known of mode and ring", async () => {
    const text = await hoverOf("bits 32\n cli\n po$0pfd", "trap-and-emulate");
    expect(text).toContain("**Here:** protected mode, CPL 0, interrupts off.");
    expect(text).toContain("| Trap and emulate | **silently wrong** |  |");
    expect(text).toContain("| VT-x with EPT | runs |  |");
  });
  it("with reasons and costs", async () => {
    const text = await hoverOf("bits 32\n hl$0t", "vtx-ept");
    expect(text).toContain("Under VT-x with EPT HLT, 789 cycles out and back: It leaves the guest: HLT exiting.");
    expect(text).toContain("| AMD-V with nested paging | traps (VMEXIT_HLT) | 789 |");
    expect(text).toContain("| Binary translation | rewritten (callout) | 36 |");
  });
  it("with modes that are not virtualized", async () =>
    expect(await hoverOf("bits 16\n hl$0t")).toContain("| Trap and emulate | the guest is stopped"));
  it("of what differs only", async () => expect(await hoverOf("bits 32\n ad$0d eax, 1")).not.toContain("**Here:**"));
});
