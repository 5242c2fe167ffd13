import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import { type CostProfile, costProfile, defaultCosts } from "../../isa/costs.ts";
import { modelledCost, type Prediction, predictionOf } from "../../isa/prediction.ts";
import { defaultTechnique, type Technique, techniqueById } from "../../isa/technique.ts";
import { flowOf } from "./flow.ts";

/** Prices of the profile that runs use where none is named. */
export const costs: CostProfile = costProfile(defaultCosts)!;

/** The technique that a guest would run under. */
export const techniqueOr = (technique: Technique | undefined): Technique =>
  technique ?? techniqueById(defaultTechnique)!;

/** Whether and why an instruction leaves the guest where it stands. */
export function predictedAt(
  assembly: Assembly,
  mention: InstructionMention,
  technique: Technique | undefined,
): Prediction | undefined {
  const { decoded } = mention;
  return decoded && predictionOf(decoded, techniqueOr(technique), flowOf(assembly).at(mention) ?? {});
}

/** Instructions that loop back to an earlier one, with what is between them. */
export interface Loop {
  readonly head: InstructionMention;
  /** All of its instructions. */
  readonly body: readonly InstructionMention[];
  readonly exits: readonly Prediction[];
  /** Modelled cycles of an iteration in which all of them are executed once. */
  readonly cost: number;
  /** Loops around it. */
  readonly depth: number;
}

const isBackwards = ({ decoded }: InstructionMention): boolean => {
  const [to] = decoded?.operands ?? [];
  return to?.kind === "relative" && to.distance < 0 && decoded?.row.mnemonic !== "call";
};

const branches = (mention: InstructionMention): boolean => mention.row?.operands[0]?.kind === "relative";

interface Extent {
  readonly first: number;
  readonly last: number;
}

/** Backward branches of the program: from the index of the target to that of the branch. */
function extents(mentions: readonly InstructionMention[]): Extent[] {
  const places = new Map(mentions.map(({ address }, n) => [address, n]));
  return mentions.flatMap((mention, last): Extent[] => {
    if (!branches(mention) || !isBackwards(mention) || mention.address === undefined) return [];
    const [to] = mention.decoded!.operands;
    const target = to?.kind === "relative" ? mention.address + mention.decoded!.length + to.distance : undefined;
    const first = places.get(target);
    return first === undefined || first > last ? [] : [{ first, last }];
  });
}

/** A jump to itself or to a HLT before it is where a guest waits or ends, not what it does. */
const isRest = (mentions: readonly InstructionMention[], { first, last }: Extent): boolean =>
  mentions.slice(first, last).every(({ row }) => row?.mnemonic === "hlt" || row?.mnemonic === "cli");

/** The loops with an exit inside, the dearest first: nested deeper, then by what an iteration costs. */
export function loopsOf(assembly: Assembly, technique: Technique | undefined): Loop[] {
  const { mentions } = assembly;
  const found = extents(mentions).filter((extent) => !isRest(mentions, extent));
  const loops = found.flatMap(({ first, last }): Loop[] => {
    const body = mentions.slice(first, last + 1);
    const exits = body.flatMap((mention) => predictedAt(assembly, mention, technique) ?? []);
    if (exits.length === 0) return [];
    const around = found.filter((one) => one.first <= first && one.last >= last && one.last - one.first > last - first);
    const cost = exits.reduce((sum, exit) => sum + modelledCost(exit, costs), 0);
    return [{ head: mentions[first]!, body, exits, cost, depth: around.length }];
  });
  return loops.sort((a, b) => b.depth - a.depth || b.cost - a.cost);
}
