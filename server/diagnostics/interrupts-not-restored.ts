import type { Assembly, Fix, Problem } from "../../assembler/index.ts";
import { type TechniqueId, techniqueById } from "../../isa/technique.ts";
import { type FlagPair, flagPairs } from "../analysis/flag-pairs.ts";
import { flowOf } from "../analysis/flow.ts";

const stackPointers = { 16: "sp", 32: "esp", 64: "rsp" } as const;

/** Where interrupts are known to be on before, CLI and STI do; PUSHF and POPF go. */
function replaced({ push, pop }: FlagPair): Fix {
  return {
    title: `Use CLI and STI without ${push.mnemonic.toUpperCase()} and ${pop.mnemonic.toUpperCase()}`,
    edits: [
      { range: push.range, text: "" },
      { range: pop.range, text: "sti" },
    ],
  };
}

/** Elsewhere IF is looked up in the flags that were pushed; that works where PUSHF tells the truth. */
function restored({ pop }: FlagPair): Fix {
  const pointer = stackPointers[pop.bits];
  const [width, bytes] = { 16: ["word", 2], 32: ["dword", 4], 64: ["qword", 8] }[pop.bits] as [string, number];
  const lines = [`bt ${width} [${pointer}], 9`, `lea ${pointer}, [${pointer} + ${bytes}]`, "jnc $ + 3", "sti"];
  return {
    title: "Turn interrupts on by STI if the saved IF is 1",
    edits: [{ range: pop.range, text: lines.join("\n        ") }],
  };
}

/**
 * A POPF that is to turn interrupts on again: where the kernel is not in ring 0 it leaves IF alone, without a fault. 16-bit code
 * is left out, as in real mode no kernel is deprivileged.
 */
export function interruptsNotRestored(assembly: Assembly, technique: TechniqueId | undefined): Problem[] {
  const kernel = technique && techniqueById(technique)?.kernel;
  if (kernel && kernel !== "deprivileged" && kernel !== "hypercalls") return [];
  const pairs = flagPairs(assembly).filter(({ disables, pop }) => disables && pop.bits !== 16);
  if (pairs.length === 0) return [];
  const flow = flowOf(assembly);
  return pairs.flatMap((pair): Problem[] => {
    const { push, pop } = pair;
    const known = flow.at(push);
    if (known?.cpl === 3 || known?.mode === "real") return [];
    const name = pop.mnemonic.toUpperCase();
    const message = `Interrupts stay off: under ${technique ? `this technique` : "trap and emulate and paravirtualization"} the kernel is not in ring 0, where ${name} leaves IF as it is and does not trap. Restore it by STI. (Robin and Irvine 2000, entry 6.)`;
    return [
      {
        ...{ code: "interrupts-not-restored", severity: "warning", message, range: pop.range },
        related: [{ range: push.range, message: "The flags to be restored are pushed here." }],
        fixes: [known?.interrupts === true ? replaced(pair) : restored(pair)],
      },
    ];
  });
}
