import { describe, expect, it } from "vitest";
import { decode } from "../../isa/decode.ts";
import { encode } from "../../isa/encode.ts";
import { registerText } from "../../isa/format.ts";
import type { Row } from "../../isa/instruction.ts";
import type { Bits, Decoded, Operand } from "../../isa/operands.ts";
import type { WrittenOperand } from "../../isa/statement.ts";
import { forms } from "../../isa/table.ts";
import { isCutShort, modes, samplesOf } from "./samples.ts";

/** A general register is the same in any width where only a selector counts. */
const numberOnly = ({ row }: Decoded, n: number): boolean =>
  row.operands[n]?.text === "r/m16" && row.operands.length === 2;

/** Whether the decoded operand is the one that was written. */
function isSame(written: WrittenOperand, operand: Operand, decoded: Decoded, n: number): boolean {
  switch (written.kind) {
    case "register":
      return (
        operand.kind === "register" &&
        (registerText(operand) === written.register.name ||
          (numberOnly(decoded, n) && operand.number === written.register.number))
      );
    case "number": {
      if (operand.kind === "relative") return BigInt(operand.distance + decoded.length) === written.value;
      if (operand.kind !== "immediate") return false;
      return BigInt.asUintN(operand.width, written.value ?? 0n) === operand.value;
    }
    case "far":
      return (
        operand.kind === "far" &&
        BigInt(operand.selector) === written.selector &&
        BigInt(operand.offset) === written.offset
      );
    case "memory": {
      if (operand.kind !== "memory") return false;
      const numbers = (registers: readonly (number | undefined)[]) => registers.filter((r) => r !== undefined).sort();
      return (
        operand.displacement === written.displacement &&
        String(numbers([operand.base, operand.index])) ===
          String(numbers([written.base?.number, written.index?.number])) &&
        (written.index === undefined || operand.scale === (written.scale ?? 1)) &&
        (written.segment === undefined || operand.segment === written.segment)
      );
    }
  }
}

/**
 * Rows whose encoding another row has first: other ways to write it, other names of a condition, the operands of XCHG and TEST swapped, LOOP
 * with its counter named, and 90h, which is NOP.
 */
const isOtherName = (row: Row, decoded: Row): boolean =>
  row !== decoded &&
  (row.opcode === decoded.opcode ||
    (row.writtenOnly && row.pattern.map === decoded.pattern.map && row.pattern.opcode === decoded.pattern.opcode) ||
    (row.decodedOnly && row.syntax === decoded.syntax) ||
    (row.mnemonic.startsWith("hint_nop") && row.pattern.digit === decoded.pattern.digit) ||
    (row.mnemonic.startsWith("loop") && row.mnemonic === decoded.mnemonic) ||
    (row.opcode === "90+r" && decoded.mnemonic === "nop"));

function failure(row: Row, operands: readonly WrittenOperand[], decoded: Decoded | string, length: number): string {
  if (isCutShort(row)) return decoded === "truncated" ? "" : "not cut short";
  if (typeof decoded === "string") return decoded;
  if (row.pattern.wait) return decoded.row.mnemonic === "fwait" ? "" : `decoded as ${decoded.row.syntax}`;
  if (decoded.length !== length) return `length ${decoded.length}, not ${length}`;
  if (isOtherName(row, decoded.row)) return "";
  if (decoded.row !== row) return `decoded as ${decoded.row.syntax}`;
  const wrong = operands.findIndex((written, n) => !isSame(written, decoded.operands[n]!, decoded, n));
  return wrong < 0
    ? ""
    : `operand ${wrong} came back as ${JSON.stringify(decoded.operands[wrong], (_, v) => String(v))}`;
}

describe("what is encoded is decoded", () => {
  it.each(modes)("every row, %i bits", (bits: Bits) => {
    let count = 0;
    const failures = forms.flatMap(({ row }, n) =>
      samplesOf(forms[n]!, bits).flatMap(({ statement, text }) => {
        const encoding = encode(row, statement, { bits });
        if (encoding.kind === "refusal") return [];
        count++;
        const decoded = decode(encoding.bytes, 0, bits);
        const what = failure(row, statement.operands, decoded, encoding.bytes.length);
        return what ? [`${row.opcode} ${row.syntax}, "${text}": ${what}`] : [];
      }),
    );
    expect(failures).toEqual([]);
    expect(count).toBeGreaterThan(3000);
  });

  it("every row is reached in some mode, by itself or under another name", () => {
    const reached = new Set(
      modes.flatMap((bits) =>
        forms.flatMap((form) =>
          samplesOf(form, bits).flatMap(({ statement }) => {
            const encoding = encode(form.row, statement, { bits });
            return encoding.kind === "encoding" && typeof decode(encoding.bytes, 0, bits) !== "string"
              ? [form.row]
              : [];
          }),
        ),
      ),
    );
    const missing = forms
      .filter(({ row }) => !reached.has(row) && !isCutShort(row))
      .map(({ row }) => `${row.opcode} ${row.syntax}`);
    expect(missing).toEqual([]);
  });
});
