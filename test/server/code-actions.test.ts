import { describe, expect, it } from "vitest";
import { TextDocument } from "vscode-languageserver-textdocument";
import { fixAll, quickFixes } from "../../server/features/code-actions.ts";
import { diagnostics } from "../../server/features/diagnostics.ts";
import { analyse, uri } from "../support/marked-source.ts";

const whole = { start: { line: 0, character: 0 }, end: { line: 999, character: 0 } };

async function actions(source: string) {
  const { analysis, document } = await analyse(source);
  const found = diagnostics(analysis, uri).filter(({ severity }) => severity !== 4);
  const bitsAt = (line: number) => analysis.assembly.onLine(uri, line).bits;
  return {
    codes: found.map(({ code }) => code),
    fixes: quickFixes(uri, source, found, whole, bitsAt),
    all: fixAll(uri, source, found, bitsAt),
    applied: (edits: Parameters<typeof TextDocument.applyEdits>[1]) => TextDocument.applyEdits(document, edits),
  };
}

const codesOf = async (source: string) => (await actions(source)).codes;

describe("quick fixes", () => {
  it("that a diagnostic brings along, with all their edits", async () => {
    const { fixes, all, applied } = await actions("bits 32\nsti\npushfd\ncli\npopfd\n");
    const [fix] = fixes;
    expect([fixes.length, fix!.title, all]).toEqual([1, "Use CLI and STI without PUSHFD and POPFD", []]);
    expect(applied([...fix!.edit!.changes![uri]!])).toBe("bits 32\nsti\n\ncli\nsti\n");
  });

  it.each([
    ["unknown-mnemonic", "movv ax, 1", ["mov ax, 1"]],
    ["unknown-directive", "%defin x 1", ["%define x 1"]],
    ["undefined-symbol", "counter: nop\njmp countr", ["counter: nop\njmp counter"]],
    [
      "operand-size-unknown",
      "bits 32\nmov [eax], 1",
      ["bits 32\nmov byte [eax], 1", "bits 32\nmov word [eax], 1", "bits 32\nmov dword [eax], 1"],
    ],
    ["label-alone", "start\nnop", ["start:\nnop"]],
    [
      "jump-out-of-range",
      "jmp short far_away\ntimes 300 nop\nfar_away: nop",
      ["jmp far_away\ntimes 300 nop\nfar_away: nop"],
    ],
    ["unterminated-string", "db 'abc", ["db 'abc'"]],
    ["unclosed-if", "%if 1\nnop", ["%if 1\nnop\n%endif\n"]],
    ["unclosed-block", "%macro m 0\nnop\n", ["%macro m 0\nnop\n%endmacro\n"]],
    ["unclosed-block", "%rep 2\nnop\n", ["%rep 2\nnop\n%endrep\n"]],
    ["reserved-word", "ax: nop", ["$ax: nop"]],
  ])("%s: %j", async (code, source, texts) => {
    const { codes, fixes, applied } = await actions(source);
    expect(codes).toContain(code);
    const fixed = fixes.map(({ edit }) => applied(edit!.changes![uri]!));
    expect(fixed).toEqual(texts);
    for (const text of fixed) expect(await codesOf(text)).not.toContain(code);
    expect(fixes.map(({ isPreferred }) => isPreferred)).toEqual(texts.map(() => texts.length === 1));
  });

  it("are offered only in the range asked for", async () => {
    const { analysis } = await analyse("movv ax, 1\nnop");
    const at = { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } };
    expect(quickFixes(uri, "movv ax, 1\nnop", diagnostics(analysis, uri), at, () => 16)).toEqual([]);
  });

  it("of one way out are all applied at once", async () => {
    const { all, applied } = await actions("start\nmovv ax, 1\nmov [bx], 1");
    expect(applied(all[0]!.edit!.changes![uri]!)).toBe("start:\nmov ax, 1\nmov [bx], 1");
    expect((await actions("nop")).all).toEqual([]);
  });
});
