import { describe, expect, it } from "vitest";
import { definition, references } from "../../server/features/definition.ts";
import { hover } from "../../server/features/hover.ts";
import { documentSymbols } from "../../server/features/symbols.ts";
import { analyse, uri } from "../support/marked-source.ts";

async function hoverText(source: string, technique?: string): Promise<string> {
  const { analysis, cursor } = await analyse(source, technique ? { technique } : {});
  const found = hover(analysis, uri, cursor!);
  return found && typeof found.contents === "object" && "value" in found.contents ? found.contents.value : "";
}

describe("hover", () => {
  it("says everything of an instruction", async () => {
    expect(await hoverText("bits 32\nsms$0w ax", "trap-and-emulate")).toMatchInlineSnapshot(`
      "**\`SMSW r16\`**  
      Stores the machine status word, which is the low part of CR0.

      | | |
      |---|---|
      | Encoding | \`0F 01 /4\`, here \`66 0F 01 E0\` |
      | Privilege | none, unless CR4.UMIP is set: then CPL 0, else #GP(0) |
      | Popek–Goldberg | behaviour-sensitive (mode); **sensitive but not privileged**; entry 4 of Robin and Irvine's 17 |
      | VM exit (VT-x) | never: CR0 is read through its guest/host mask and read shadow instead |
      | #VMEXIT (AMD-V) | VMEXIT_CR0_READ, if intercepted |

      **Virtualized:** It reads PE, MP, EM, TS and the other low bits of the monitor's CR0. Under trap and emulate the kernel runs at CPL > 0, where this does not trap, so the guest silently gets another result than on its own machine. With CR4.UMIP set it raises #GP at CPL > 0 and can be emulated.

      \`\`\`
      ax ← machineStatus()[15:0]
      \`\`\`

      **Here:** protected mode, CPL 0.

      | Technique | In the guest's kernel | Cycles, out and back |
      |---|---|---|
      | Bare metal | runs |  |
      | Trap and emulate | **silently wrong** |  |
      | Binary translation | rewritten (callout) | 36 |
      | Paravirtualization | the guest is changed: docs/hypercalls.md |  |
      | VT-x with shadow paging | runs |  |
      | VT-x with EPT | runs |  |
      | AMD-V with shadow paging | traps (VMEXIT_CR0_READ) | 789 |
      | AMD-V with nested paging | runs |  |"
    `);
  });

  it.each([
    ["bits 32\nhl$0t", "HLT, decided by: HLT exiting"],
    ["bits 32\ncp$0uid", "always: CPUID"],
    ["bits 32\npop$0fd", "never"],
    ["bits 32\npop$0fd", "VMEXIT_POPF, if intercepted"],
    ["bits 32\nmo$0v eax, cr3", "VMEXIT_CRn_READ, if intercepted"],
    ["bits 32\ncl$0ts", "VMEXIT_CR0_WRITE, if intercepted"],
    ["bits 32\nst$0i", "no intercept exists"],
    ["bits 32\nou$0t dx, al", "IO_INSTRUCTION"],
    ["bits 32\nad$0d eax, 1", "83 /0 ib"],
    ["bits 32\nad$0d eax, 1", "here `83 C0 01`"],
    ["bits 32\nmo$0v", "One of"],
  ])("%j: %s", async (source, expected) => expect(await hoverText(source)).toContain(expected));

  it("gives the value of a symbol", async () => {
    expect(await hoverText("org 7C00h\nnop\nhere: jmp he$0re")).toContain("`7C01h` (31745)");
    expect(await hoverText("size equ 40h\nmov ax, si$0ze")).toContain("`40h` (64)");
  });

  it("says nothing of nothing", async () => expect(await hoverText("; a com$0ment")).toBe(""));
});

describe("definition and references", () => {
  const source = "start: jmp .end\n.end: jmp start\njmp st$0art.end";
  it("goes to a label and lists its uses", async () => {
    const { analysis, cursor } = await analyse(source);
    expect(definition(analysis.assembly, uri, cursor!)?.range.start).toEqual({ line: 1, character: 0 });
    expect(references(analysis.assembly, uri, cursor!, true).map((r) => r.range.start.line)).toEqual([1, 0, 2]);
  });

  it("follows a symbol into an included file", async () => {
    const files = { "lib.inc": "nop\nprint: ret\n" };
    const { analysis, cursor } = await analyse('call pri$0nt\n%include "lib.inc"', { files });
    expect(definition(analysis.assembly, uri, cursor!)?.uri).toBe("file:///guest/lib.inc");
  });
});

it("document symbols nest local labels", async () => {
  const { analysis } = await analyse("size equ 5\nstart:\n.loop: jmp .loop\nnext: nop");
  const tree = documentSymbols(analysis.assembly, uri).map((s) => [s.name, s.children?.map((c) => c.name)]);
  expect(tree).toEqual([
    ["size", []],
    ["start", [".loop"]],
    ["next", []],
  ]);
});
