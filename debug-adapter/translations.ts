import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { TranslatedUnit } from "../emulator/vmm/translation/view.ts";
import type { TechniqueId } from "../isa/technique.ts";
import { itemAt, type Program } from "./program.ts";
import { viewUri } from "./trace-sources.ts";

/** Where a guest instruction was assembled from; the line is 0-based. */
interface Located {
  readonly source?: { readonly uri: string; readonly line: number };
}

/** A unit of the translation cache with the source lines of its guest code. */
export type LocatedUnit = Omit<TranslatedUnit, "guest"> & {
  readonly guest: readonly (TranslatedUnit["guest"][number] & Located)[];
};

/** The translation cache now. */
export interface TranslationsNow {
  readonly technique: TechniqueId;
  /** Linear address of the instruction about to run, hexadecimal. */
  readonly at: string;
  /** Oldest first; none where nothing is translated. */
  readonly units: readonly LocatedUnit[];
}

function located(program: Program, unit: TranslatedUnit): LocatedUnit {
  const guest = unit.guest.map((instruction) => {
    const item = itemAt(program, BigInt(`0x${instruction.address}`));
    return item ? { ...instruction, source: { uri: viewUri(item.range.file), line: item.range.line } } : instruction;
  });
  return { ...unit, guest };
}

/** Answers `ringside/translations`; changes nothing. */
export const translationsNow = (machine: MachineInterface, program: Program): TranslationsNow => ({
  technique: machine.configuration.technique,
  at: machine.linearRip.toString(16),
  units: machine.translatedUnits().map((unit) => located(program, unit)),
});
