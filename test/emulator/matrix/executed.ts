import { lockstep } from "../../../emulator/compare/lockstep.ts";
import { Machine } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { assembled, configurationOf } from "../machine/program.ts";
import { type Case, guestOf } from "./cases.ts";

/** What became of the instruction when it was executed. */
export interface Executed {
  /** Reasons of the exits at it, but for those of memory that was touched for the first time. */
  readonly exits: readonly string[];
  /** Other instructions stood for it. */
  readonly rewritten: boolean;
  /** The guest can tell the difference right after it. */
  readonly differs: boolean;
}

const aboutMemory = new Set(["EPT_VIOLATION", "VMEXIT_NPF", "#PF", "EXCEPTION_NMI: exception 14", "VMEXIT_EXCP14"]);
const kindOf = ({ reason, what }: { readonly reason: string; readonly what: string }): string =>
  reason === "EXCEPTION_NMI" ? `${reason}: ${what.replace(/,.*/, "")}` : reason;

export function execute(given: Case, technique: TechniqueId): Executed {
  const assembly = assembled(guestOf(given), given.name);
  const address = assembly.symbols.get("at")!.value!.toString(16);
  const under = (id: TechniqueId) =>
    new Machine(configurationOf(assembly, { technique: id, clock: "instructions", vmx: false, memory: 1 }));
  const machine = under(technique);
  machine.run({ steps: 100_000 });
  const exits = machine
    .events(0, Number.MAX_SAFE_INTEGER, ["exit"])
    .flatMap((event) =>
      event.kind === "exit" && event.rip === address && !aboutMemory.has(kindOf(event)) ? [event.reason] : [],
    );
  const translated = machine.translatedUnits().flatMap(({ guest }) => guest);
  const rewritten = translated.some((source) => source.address === address && source.kind !== "identical");
  const { divergence } = lockstep(under("bare-metal"), under(technique), 100_000);
  return { exits, rewritten, differs: divergence?.address === address };
}
