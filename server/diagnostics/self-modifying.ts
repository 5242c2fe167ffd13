import type { Assembly, InstructionMention, Problem } from "../../assembler/index.ts";
import { type TechniqueId, techniqueById } from "../../isa/technique.ts";
import { fixedExtent, writesMemory } from "../analysis/fixed-memory.ts";

/** The instructions by address, for looking up which one has a byte. */
function instructionAt(
  mentions: readonly InstructionMention[],
): (address: number, bytes: number) => InstructionMention | undefined {
  const placed = mentions.filter(({ address }) => address !== undefined).sort((a, b) => a.address! - b.address!);
  return (address, bytes) => {
    let low = 0;
    let high = placed.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (placed[middle]!.address! < address + bytes) low = middle + 1;
      else high = middle;
    }
    const last = placed[low - 1];
    return last && last.address! + (last.bytes?.length ?? 0) > address ? last : undefined;
  };
}

/** Stores into the program's own instructions, where a translator has to notice them. */
export function selfModifying(assembly: Assembly, technique: TechniqueId | undefined): Problem[] {
  if (!technique || techniqueById(technique)?.kernel !== "translated") return [];
  const stores = assembly.mentionsOf(writesMemory).flatMap((mention) => {
    const place = fixedExtent(mention);
    return place ? [{ mention, place }] : [];
  });
  if (stores.length === 0) return [];
  const find = instructionAt(assembly.mentions);
  return stores.flatMap(({ mention, place }): Problem[] => {
    const target = find(place.address, place.bytes);
    if (!target) return [];
    const message =
      "This changes an instruction. The page with its translation is write-protected, so the store faults into the VMM, which drops the translation and translates again when it is next executed. Keep code and what is written on different pages, or use a branch or a table. (Adams and Agesen 2006, section 3.)";
    return [
      {
        ...{ code: "self-modifying", severity: "information", message, range: mention.range },
        related: [{ range: target.range, message: "The instruction that is changed." }],
      },
    ];
  });
}
