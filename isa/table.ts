import { aliases } from "./aliases.ts";
import { type Form, formsOf } from "./form.ts";
import { isVirtualizationHole, type Row } from "./instruction.ts";
import { rows as allRows } from "./instructions/index.ts";
import type { Bits } from "./operands.ts";

/** Every instruction form there is. */
export const rows: readonly Row[] = allRows;

/** The rows with what encoder and decoder need to know of them, in the same order. */
export const forms: readonly Form[] = formsOf(rows);

/** Rows that break Popek and Goldberg's condition: sensitive, but not privileged. */
export const holes: readonly Row[] = rows.filter(isVirtualizationHole);

const formByRow = new Map(forms.map((form) => [form.row, form]));

/** The form of a row of the table. */
export function formOf(row: Row): Form {
  const form = formByRow.get(row);
  if (!form) throw new RangeError(`${row.syntax} is not in the table`);
  return form;
}

const formsByMnemonic = new Map<string, Form[]>();
for (const form of forms) {
  if (form.row.decodedOnly) continue;
  const list = formsByMnemonic.get(form.row.mnemonic);
  if (list) list.push(form);
  else formsByMnemonic.set(form.row.mnemonic, [form]);
}

/** What a mnemonic stands for. */
export interface Meaning {
  readonly forms: readonly Form[];
  /** Operand size named by the mnemonic itself (RETFQ). */
  readonly operandSize: Bits | undefined;
}

const meanings = new Map<string, Meaning>();
for (const [mnemonic, list] of formsByMnemonic) meanings.set(mnemonic, { forms: list, operandSize: undefined });
for (const [mnemonic, { of, operandSize, alone }] of aliases) {
  const all = of.flatMap((name) => formsByMnemonic.get(name) ?? []);
  const list = alone ? all.filter((form) => form.operands.length === 0) : all;
  if (list.length > 0 && !(formsByMnemonic.has(mnemonic) && of.length === 1))
    meanings.set(mnemonic, { forms: list, operandSize });
}

/** Every mnemonic and alias that can be written, lower-case, sorted. */
export const mnemonics: readonly string[] = [...meanings.keys()].sort();

/** The forms a mnemonic or alias stands for, in any letter case. */
export const meaningOf = (mnemonic: string): Meaning | undefined =>
  meanings.get(mnemonic) ?? meanings.get(mnemonic.toLowerCase());

/** The rows a mnemonic or alias stands for, in any letter case; none if it is unknown. */
export const rowsOf = (mnemonic: string): readonly Row[] => meaningOf(mnemonic)?.forms.map((form) => form.row) ?? [];
