import { describe, expect, it } from "vitest";
import { incomingCalls, outgoingCalls, prepareCalls } from "../../server/features/call-hierarchy.ts";
import { codeLenses } from "../../server/features/code-lens.ts";
import { diagnostics } from "../../server/features/diagnostics.ts";
import { encodingHints } from "../../server/features/inlay-hints.ts";
import { inlineValues } from "../../server/features/inline-values.ts";
import { virtualOf, virtualText } from "../../server/features/virtual-documents.ts";
import { virtualKinds } from "../../server/protocol.ts";
import { analyse, uri } from "../support/marked-source.ts";

it("code lenses count references and run programs", async () => {
  const { analysis } = await analyse("start: call print\njmp start\n.x: jmp .x\nprint: call print\nret");
  expect(codeLenses(analysis.assembly, uri).map(({ command, range }) => [range.start.line, command!.title])).toEqual([
    [0, "Run"],
    [0, "Debug"],
    [0, "1 reference"],
    [3, "2 references"],
  ]);
  expect(codeLenses(analysis.assembly, "file:///guest/main.inc")).toEqual([]);
});

describe("call hierarchy", () => {
  const source = "start: call print\n.x: jmp .x\njz print\nmov ax, print\nprint: call put$0\nret\nput: ret";
  it("knows who calls and who is called", async () => {
    const { analysis, cursor } = await analyse(source);
    const { assembly } = analysis;
    expect(prepareCalls(assembly, uri, cursor!).map(({ name }) => name)).toEqual(["put"]);
    const incoming = incomingCalls(assembly, "print");
    expect(incoming.map(({ from, fromRanges }) => [from.name, fromRanges.map(({ start }) => start.line)])).toEqual([
      ["start", [0, 2]],
    ]);
    expect(outgoingCalls(assembly, "start").map(({ to }) => to.name)).toEqual(["print"]);
    expect(outgoingCalls(assembly, "print").map(({ to }) => to.name)).toEqual(["put"]);
  });

  it("in the middle of a routine is about that", async () => {
    const { analysis, cursor } = await analyse("start: nop\n  no$0p\nnext: nop");
    expect(prepareCalls(analysis.assembly, uri, cursor!).map(({ name }) => name)).toEqual(["start"]);
  });
});

describe("encoding hints", () => {
  const labels = async (source: string) => {
    const { analysis, document } = await analyse(source);
    return encodingHints(analysis.assembly, uri, document.getText(), 0, 99).map(({ position, label }) => [
      position.line,
      label,
    ]);
  };
  it("are what the assembler emits", async () => {
    expect(
      await labels(
        "org 7C00h\nstart: mov ax, 5\n; no code\ntimes 20 db 1\n%macro two 0\nnop\nhlt\n%endmacro\ntwo\nresb 2",
      ),
    ).toEqual([
      [1, "7C00: B8 05 00"],
      [3, "7C03: 01 01 01 01 01 01 01 01 01 01 …"],
      [8, "7C17: 90 F4"],
      [9, "7C19: 00 00"],
    ]);
  });
  it("are none while there are errors", async () => expect(await labels("nop\nmov ax")).toEqual([]));
});

it("inline values are the registers and symbols of the line", async () => {
  const source = "size equ 4\nmain:\n.x: mov EAX, [ebx+size] ; ecx\nadd eax, .x";
  const { analysis } = await analyse(source);
  const lines = source.split("\n");
  const names = (line: number) =>
    inlineValues(analysis.assembly, uri, lines[line]!, line).map((value) =>
      "expression" in value ? value.expression : "",
    );
  expect(names(2)).toEqual(["main.x", "eax", "ebx", "size"]);
  expect(names(3)).toEqual(["eax", "main.x"]);
});

describe("virtual documents", () => {
  const files = { "lib.inc": "print: ret\n" };
  const source =
    '%define port 80h\n%include "lib.inc"\n%macro put 1\nmov al, %1\nout port, al\n%endmacro\nput 5 ; five\nbits 32\nmov eax, 1\n';
  const text = async (kind: (typeof virtualKinds)[number], of = source) => {
    const { analysis, documents } = await analyse(of, { files });
    return virtualText(kind, analysis.assembly, documents.optionsOf(uri), (file) => documents.textOf(file));
  };

  it("listing", async () => {
    const lines = (await text("ringside-listing")).split("\n");
    expect(lines).toContain("     1 00000000 C3                 <1> print: ret");
    expect(lines.some((line) => /4 00000001 B005 +mov al, %1$/.test(line))).toBe(true);
  });

  it("preprocessed source assembles to the same bytes", async () => {
    const preprocessed = await text("ringside-preprocessed");
    expect(preprocessed).toContain("mov al, 5");
    expect(preprocessed).not.toContain("%macro");
    const [before, after] = await Promise.all([analyse(source, { files }), analyse(preprocessed)]);
    expect(after.analysis.assembly.bytes).toEqual(before.analysis.assembly.bytes);
  });

  it("disassembly in the modes of the source", async () => {
    expect(await text("ringside-disassembly")).toMatchInlineSnapshot(`
      "; 16-bit code
      00000000  C3                    ret
      00000001  B005                  mov al, 5
      00000003  E680                  out 0x80, al
      ; 32-bit code
      00000005  B801000000            mov eax, 1
      "
    `);
    expect(await text("ringside-disassembly", "mov ax")).toContain("has errors");
  });

  it.each(virtualKinds)("%s: has a URI with that of the program", (kind) => {
    expect(virtualOf(`${kind}:main.asm?${encodeURIComponent(uri)}`)).toEqual({ kind, source: uri });
    expect(virtualOf(uri)).toBeUndefined();
  });
});

it("what a condition leaves out is unnecessary", async () => {
  const { analysis } = await analyse("%if 0\nnop\nhlt\n%else\nnop\n%endif");
  expect(diagnostics(analysis, uri)).toMatchObject([
    { severity: 4, tags: [1], range: { start: { line: 1 }, end: { line: 3 } } },
  ]);
});
