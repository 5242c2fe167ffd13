import { describe, expect, it } from "vitest";
import { completion, resolveCompletion } from "../../server/features/completion.ts";
import { signatureHelp } from "../../server/features/signature.ts";
import { analyse } from "../support/marked-source.ts";

async function offered(source: string, sources: readonly string[] = []) {
  const { analysis, cursor, document } = await analyse(source);
  return completion(analysis.assembly, cursor!, document, sources);
}
const labels = async (source: string) => (await offered(source)).items.map(({ label }) => label);

describe("completion", () => {
  it.each([
    ["bits 32\nsg$0", ["sgdt", "db", "times", "rep"], ["syscall_", "eax"]],
    ["bits 64\n$0", ["swapgs", "iretq"], ["aaa", "pusha"]],
    ["bits 16\n$0", ["aaa", "pusha"], ["swapgs"]],
    ["%macro put 1\n%endmacro\n$0", ["put"], []],
    ["bits 32\nentry: mov e$0", ["eax", "ax", "cr0", "ds", "byte", "entry"], ["rax", "r8d", "sgdt", "cr5"]],
    ["bits 32\nmov cr0, $0", ["eax"], ["ax", "al", "ds", "byte"]],
    ["bits 64\nmov rax, $0", ["rbx", "cr0", "ds", "dr7", "cr8"], ["al", "eax", "ax"]],
    ["bits 32\nmov al, $0", ["ah", "bl", "byte"], ["eax", "cr0"]],
    ["bits 32\nlgdt [$0", ["eax"], ["ax", "rax", "cr0", "bx_"]],
    ["bits 16\nlgdt [$0", ["bx", "si", "eax"], ["cx", "rax"]],
    ["bits 32\ntarget: jmp t$0", ["target"], ["cr0", "ds"]],
    ["bits 32\nsize equ 4\nlock add dword [si$0", ["size", "esi"], []],
    ["%define port 80h\nin al, p$0", ["port"], ["eax"]],
    ["main:\n.loop: nop\n.last: nop\njmp .l$0\nother:\n.later: nop", [".loop", ".last"], [".later", "main"]],
    ["%$0", ["%define", "%include", "%ifdef", "%macro"], ["mov"]],
    ["nop ; $0", [], ["mov", "eax"]],
    ["db 'a$0", [], ["mov", "eax"]],
    ["x: dd x$0", ["x"], ["eax"]],
  ])("%j", async (source, wanted, unwanted) => {
    const found = await labels(source);
    expect(found).toEqual(expect.arrayContaining(wanted));
    expect(found.filter((label) => (unwanted as string[]).includes(label))).toEqual([]);
  });

  it("offers the files that can be included", async () => {
    const sources = ["file:///guest/lib/io.inc", "file:///guest/main.asm", "file:///other/x.inc"];
    expect((await offered('%include "$0', sources)).items.map(({ label }) => label)).toEqual(["lib/io.inc"]);
  });

  it("gives some of very many symbols, and then is asked again", async () => {
    const many = Array.from({ length: 1000 }, (_, n) => `name${n}: nop`).join("\n");
    expect((await offered(`${many}\njmp $0`)).isIncomplete).toBe(true);
    const narrower = await offered(`${many}\njmp name99$0`);
    expect([narrower.isIncomplete, narrower.items.filter(({ label }) => /^name/.test(label)).length]).toEqual([
      false,
      11,
    ]);
  });

  it("documents an instruction when it is looked at", async () => {
    const item = (await offered("bits 32\n$0")).items.find(({ label }) => label === "sgdt")!;
    expect(item.documentation).toBeUndefined();
    expect(JSON.stringify(resolveCompletion(item).documentation)).toContain("0F 01 /0");
  });
});

describe("signature help", () => {
  async function help(source: string) {
    const { analysis, cursor, document, documents } = await analyse(source);
    const before = document.getText({ start: { line: cursor!.line, character: 0 }, end: cursor! });
    const { bits } = analysis.assembly.onLine(document.uri, cursor!.line);
    return signatureHelp(analysis.assembly, bits, before, (file) => documents.textOf(file));
  }

  it.each([
    ["bits 32\nimul $0", "IMUL r/m8", 0],
    ["bits 32\nimul eax, $0", "IMUL r32, r/m32", 1],
    ["bits 32\nhere: lock add [eax], $0", "ADD r/m32, r32", 1],
    ["%macro put 2-3\n%endmacro\nput 1, $0", "put %1, %2, [%3]", 1],
    ["%macro all 1+\n%endmacro\nall $0", "all %1…", 0],
    ["%define sum(a, b) (a+b)\ndb sum(1, $0", "sum a, b", 1],
  ])("%j", async (source, label, active) => {
    const found = await help(source);
    expect(found!.signatures.map((one) => one.label)).toContain(label);
    expect(found!.activeParameter).toBe(active);
  });

  it("shows forms of the mode only, and the comment above a macro", async () => {
    const forms = async (bits: number) => (await help(`bits ${bits}\npush $0`))!.signatures.map(({ label }) => label);
    expect(await forms(32)).not.toContain("PUSH r64");
    expect(await forms(64)).toContain("PUSH r64");
    const found = await help("; Writes a byte.\n%macro put 1\n%endmacro\nput $0");
    expect(found!.signatures[0]!.documentation).toBe("Writes a byte.");
  });

  it.each(["mo$0v", "mov eax ; $0", "jmp$0", "cli $0", "$0"])("%j: nothing", async (source) =>
    expect(await help(source)).toBeNull(),
  );
});
