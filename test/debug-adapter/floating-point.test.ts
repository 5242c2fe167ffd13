import { expect, it } from "vitest";
import { evaluateText, type Subject } from "../../debug-adapter/evaluate.ts";
import { load } from "../../debug-adapter/launch.ts";
import { scopesOf, setVariable, variablesOf } from "../../debug-adapter/variables.ts";

const source = `%pragma ringside mode protected
        org 8000h
        bits 32
        fninit
        fldpi
        fld1
        nop
`;

async function stopped(): Promise<Subject> {
  const subject = await load({ program: "/guest.asm", technique: "bare-metal", memory: 1 }, async () =>
    new TextEncoder().encode(source),
  );
  for (let step = 0; step < 3; step++) subject.machine.step();
  return subject;
}

it("shows and changes registers wider than 64 bits", async () => {
  const subject = await stopped();
  const { reference } = scopesOf(subject.machine).find(({ name }) => name === "x87 and SSE")!;
  const shown = (name: string) => variablesOf(subject.machine, reference).find((v) => v.name === name)?.value;
  expect(shown("ST0")).toBe("0x3fff8000000000000000 (1)");
  expect(shown("ST1")).toBe("0x4000c90fdaa22168c235 (3.141592653589793)");
  expect(shown("ST7")).toMatch(/\(empty\)$/);
  const wide = "0x112233445566778899aabbccddeeff00";
  expect(setVariable(subject, reference, "XMM1", wide)).toEqual({ value: wide });
  expect(shown("XMM1")).toBe(wide);
  expect(setVariable(subject, reference, "ST0", "0xc0008000000000000000")).toMatchObject({});
  expect(shown("ST0")).toBe("0xc0008000000000000000 (-2)");
  expect(evaluateText(subject, "xmm1")).toMatchObject({ value: BigInt(wide), width: 128 });
});
