import { describe, expect, it } from "vitest";
import { aliases } from "../../isa/aliases.ts";
import { families } from "../../isa/family.ts";
import { holes, mnemonics, rows, rowsOf } from "../../isa/index.ts";
import { forms, meaningOf } from "../../isa/table.ts";

describe("the table", () => {
  it("knows every mnemonic once, and aliases as what they stand for", () => {
    expect(new Set(mnemonics).size).toBe(mnemonics.length);
    for (const name of [
      "mov",
      "je",
      "jz",
      "setnbe",
      "cmovc",
      "sal",
      "retn",
      "retfq",
      "pushfw",
      "iretw",
      "loopz",
      "xlat",
      "icebp",
    ])
      expect(mnemonics, name).toContain(name);
    expect(rowsOf("SAL")).toEqual(rowsOf("shl"));
    expect(rowsOf("nosuch")).toEqual([]);
    expect(rowsOf("pushf").map((row) => row.mnemonic)).toEqual(["pushf", "pushfd", "pushfq"]);
    expect(meaningOf("retfq")?.operandSize).toBe(64);
  });

  it("has every alias for a row that exists", () => {
    const names = new Set(rows.map((row) => row.mnemonic));
    for (const [alias, { of }] of aliases)
      expect(
        of.filter((name) => !names.has(name)),
        alias,
      ).toEqual([]);
  });

  it("has rows in every family, and a form for every row", () => {
    expect(families.filter((family) => !rows.some((row) => row.family === family))).toEqual([]);
    expect(forms.map((form) => form.row)).toEqual(rows);
  });

  it("has as many accesses as operands, and a sentence for every row", () => {
    expect(rows.filter((row) => row.access.length !== row.operands.length).map((row) => row.syntax)).toEqual([]);
    expect(rows.filter((row) => !/^[A-Z].*\.$/.test(row.doc)).map((row) => row.syntax)).toEqual([]);
  });

  it("has no two rows with the same columns", () => {
    const columns = rows.map((row) => `${row.opcode} | ${row.syntax} | ${row.modes}`);
    expect(columns.filter((text, n) => columns.indexOf(text) !== n)).toEqual([]);
  });

  it("calls holes what is sensitive and unprivileged", () => {
    const names = new Set(holes.map((row) => row.mnemonic));
    for (const name of [
      "sgdt",
      "sidt",
      "sldt",
      "smsw",
      "str",
      "pushf",
      "popf",
      "lar",
      "lsl",
      "verr",
      "verw",
      "int",
      "retf",
    ])
      expect(names, name).toContain(name);
    for (const name of ["lgdt", "hlt", "cli", "in", "add"]) expect(names, name).not.toContain(name);
  });
});
