import type { Assembly, InstructionMention } from "../../assembler/index.ts";

/** A PUSHF and the POPF that takes its flags back, in straight code. */
export interface FlagPair {
  readonly push: InstructionMention;
  readonly pop: InstructionMention;
  /** CLI between them: the POPF is to turn interrupts on again. */
  readonly disables: boolean;
}

/** Instructions between the two that are looked at. */
const reach = 60;
const ends = /^(ret|retf|iret[dq]?|jmp|hlt)$/;

function pairFrom(push: InstructionMention, mentions: readonly InstructionMention[], at: number): FlagPair | undefined {
  let depth = 0;
  let disables = false;
  for (const mention of mentions.slice(at + 1, at + reach)) {
    const mnemonic = mention.row?.mnemonic ?? "";
    if (ends.test(mnemonic)) return undefined;
    if (mnemonic === "cli") disables = true;
    else if (mnemonic === "push" || mnemonic.startsWith("pushf")) depth++;
    else if (mnemonic === "pop") depth--;
    else if (mnemonic.startsWith("popf")) {
      if (depth <= 0) return depth === 0 ? { push, pop: mention, disables } : undefined;
      depth--;
    }
    if (depth < 0) return undefined;
  }
  return undefined;
}

const isPush = (mnemonic: string): boolean => mnemonic === "pushf" || mnemonic === "pushfd" || mnemonic === "pushfq";

/** All such pairs of a program. */
export function flagPairs(assembly: Assembly): FlagPair[] {
  const pushes = new Set(assembly.mentionsOf((row) => isPush(row.mnemonic)));
  if (pushes.size === 0 || assembly.mentionsOf((row) => row.mnemonic.startsWith("popf")).length === 0) return [];
  const pairs: FlagPair[] = [];
  for (let n = 0; n < assembly.mentions.length; n++) {
    const mention = assembly.mentions[n]!;
    const pair = pushes.has(mention) ? pairFrom(mention, assembly.mentions, n) : undefined;
    if (pair) pairs.push(pair);
  }
  return pairs;
}

/** Bits of the flags that only say what the processor is: AC (an 80486) and ID (CPUID). */
const identifying = [0x4_0000n, 0x20_0000n];

/** Instructions before and behind that count as near. */
const vicinity = 8;

function flipsIdentifying({ decoded }: InstructionMention): boolean {
  const by = decoded?.operands[1];
  return by?.kind === "immediate" && identifying.includes(by.value);
}

/** Those PUSHF and POPF that find out whether the processor has a flag: the idiom flips AC or ID by XOR near by. */
export function identifyingProcessor(assembly: Assembly, flags: readonly InstructionMention[]): InstructionMention[] {
  const flips = assembly.mentionsOf(
    ({ mnemonic, operands }) => mnemonic === "xor" && operands[1]?.kind === "immediate",
  );
  const found = flips.filter(flipsIdentifying);
  if (found.length === 0) return [];
  const { mentions } = assembly;
  const near = new Set(
    found.flatMap((flip) => {
      const at = mentions.indexOf(flip);
      return mentions.slice(Math.max(0, at - vicinity), at + vicinity + 1);
    }),
  );
  return flags.filter((mention) => near.has(mention));
}
