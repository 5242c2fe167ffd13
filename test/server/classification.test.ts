import { describe, expect, it } from "vitest";
import { isVirtualizationHole, type Row } from "../../isa/instruction.ts";
import type { Bits } from "../../isa/operands.ts";
import { forms } from "../../isa/table.ts";
import { samplesOf } from "../isa/samples.ts";
import { saidOf } from "../support/fixes.ts";

const code = "sensitive-unprivileged";

interface Looked {
  /** Rows that were assembled, and those that were flagged. */
  readonly rows: ReadonlySet<Row>;
  readonly flagged: ReadonlySet<Row>;
}

/** Every form of the table that exists in a mode, each on a line of its own, in code of which nothing is known. */
async function look(bits: Bits, technique: string | undefined): Promise<Looked> {
  const statements = forms.flatMap((form) =>
    form.row.decodedOnly ? [] : samplesOf(form, bits).map(({ text }) => ({ text, row: form.row })),
  );
  const head = [`bits ${bits}`, " jmp $"];
  const found = await saidOf([...head, ...statements.map(({ text }) => ` ${text}`)].join("\n"), technique);
  const errors = new Set(found.filter(({ severity }) => severity === 1).map(({ range }) => range.start.line));
  const flagged = new Set(found.filter((one) => one.code === code).map(({ range }) => range.start.line));
  const place = (n: number) => head.length + n;
  const rowsAt = (wanted: (line: number) => boolean) =>
    new Set(statements.filter((_, n) => wanted(place(n))).map(({ row }) => row));
  return { rows: rowsAt((line) => !errors.has(line)), flagged: rowsAt((line) => flagged.has(line)) };
}

const entryOf = ({ sensitivity }: Row): number | undefined =>
  sensitivity.kind === "innocuous" ? undefined : sensitivity.robinIrvine;

describe.each([undefined, "trap-and-emulate"])("of all instructions there are, technique %s", (technique) => {
  const all: Looked[] = [];
  it("nearly all can be looked at", async () => {
    for (const bits of [32, 64] as const) all.push(await look(bits, technique));
    const rows = new Set(all.flatMap((one) => [...one.rows]));
    expect(forms.length - rows.size).toBeLessThan(forms.length / 20);
  });

  it("those of the published list are flagged, each of the 17 entries", () => {
    const flagged = new Set(all.flatMap((one) => [...one.flagged]));
    const entries = new Set([...flagged].map(entryOf).filter((entry) => entry !== undefined));
    expect([...entries].sort((a, b) => a - b)).toEqual(Array.from({ length: 17 }, (_, n) => n + 1));
    const listed = [...new Set(all.flatMap((one) => [...one.rows]))].filter((row) => entryOf(row) !== undefined);
    expect(listed.filter((row) => !flagged.has(row)).map(({ syntax }) => syntax)).toEqual([]);
  });

  it("none is in real mode, where no kernel is deprivileged", async () =>
    expect([...(await look(16, technique)).flagged]).toEqual([]));

  it("none that is innocuous or privileged is flagged", () => {
    const wrong = all.flatMap(({ flagged }) => [...flagged]).filter((row) => !isVirtualizationHole(row));
    expect(wrong.map(({ syntax }) => syntax)).toEqual([]);
  });
});
