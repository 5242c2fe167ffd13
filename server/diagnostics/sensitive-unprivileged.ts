import type { Assembly, InstructionMention, Problem } from "../../assembler/index.ts";
import { isXenCall } from "../../isa/hypercalls.ts";
import { isVirtualizationHole, type Row } from "../../isa/instruction.ts";
import { type Grade, gradeOf } from "../../isa/sensitivity.ts";
import { type TechniqueId, techniqueById } from "../../isa/technique.ts";
import { flagPairs, identifyingProcessor } from "../analysis/flag-pairs.ts";
import { flowOf, type Known } from "../analysis/flow.ts";

const aboutFlags = /^(pushf|popf)[dq]?$/;
const descriptorTables = /^(sgdt|sidt|smsw)$/;

/** Behave at CPL 3 under a VMM as they do there without one: what they show or check is the ring, which is the same. */
const sameInUserMode = /^((pushf|popf)[dq]?|mov|push|pop|call|jmp|retf|l[defgs]s|lss)$/;

/**
 * Whether the guest notices nothing, by what is known of mode and ring. In real mode no kernel is deprivileged; in virtual-8086
 * mode only the tables' addresses and CR0 show (the others are undefined or trap below IOPL 3).
 */
function goesUnnoticed({ mnemonic }: Row, known: Known | undefined, bits: number): boolean {
  const mode = known?.mode ?? (bits === 16 ? "real" : undefined);
  if (mode === "real") return true;
  if (mode === "virtual-8086") return !descriptorTables.test(mnemonic);
  return known?.cpl === 3 && sameInUserMode.test(mnemonic);
}

/** The entry in the list that the message cites, or where the class is from. */
function source({ sensitivity, mnemonic }: Row): string {
  if (sensitivity.kind === "innocuous") return "";
  if (sensitivity.robinIrvine !== undefined) return ` (Robin and Irvine 2000, entry ${sensitivity.robinIrvine}.)`;
  return ` (Intel SDM Vol. 2, ${mnemonic.toUpperCase()}.)`;
}

/** PUSHF and POPF of which nobody looks at what a VMM changes. */
function savesOnly(assembly: Assembly, mentions: readonly InstructionMention[]): ReadonlySet<InstructionMention> {
  if (!mentions.some(({ row }) => row && aboutFlags.test(row.mnemonic))) return new Set();
  const saved = flagPairs(assembly).flatMap(({ push, pop, disables }) => (disables ? [] : [push, pop]));
  const flags = mentions.filter(({ row }) => row && aboutFlags.test(row.mnemonic));
  return new Set([...saved, ...identifyingProcessor(assembly, flags)]);
}

/**
 * Instructions that break Popek and Goldberg's condition: sensitive, but nothing traps. Graded by technique, and by what the
 * guest notices in the mode and ring that it is in: a warning where they silently give something else, information where
 * they may, nothing where they are harmless.
 */
export function sensitiveUnprivileged(assembly: Assembly, technique: TechniqueId | undefined): Problem[] {
  const kernel = technique && techniqueById(technique)?.kernel;
  if (kernel && kernel !== "deprivileged" && kernel !== "hypercalls") return [];
  const holes = assembly.mentionsOf(isVirtualizationHole);
  if (holes.length === 0) return [];
  const flow = flowOf(assembly);
  const noticed = holes.filter((mention) => !goesUnnoticed(mention.row!, flow.at(mention), mention.bits));
  const harmless = savesOnly(assembly, noticed);
  return noticed.flatMap((mention): Problem[] => {
    const { decoded, mnemonic, range } = mention;
    if (!decoded) return [];
    const { grade, sentence } = gradeOf(decoded, technique);
    if (grade === "none" || (kernel === "hypercalls" && isXenCall(decoded))) return [];
    // A guest made for Xen has no other machine on which it would get something else.
    const isExpected = assembly.settings.mode === "xen" || harmless.has(mention);
    const severity: Exclude<Grade, "none"> = isExpected ? "information" : grade;
    const message = `${mnemonic.toUpperCase()} is sensitive but not privileged. ${sentence}${source(decoded.row)}`;
    return [{ code: "sensitive-unprivileged", severity, message, range }];
  });
}
