import { decode } from "../../../isa/decode.ts";
import { format } from "../../../isa/format.ts";
import type { TranslationCache } from "./cache.ts";
import { guestText } from "./reasons.ts";
import type { TranslationKind, Unit } from "./unit.ts";

/** An instruction of the cache, as a person looks at it. */
export interface TranslatedInstruction {
  /** Linear address in the cache, hexadecimal. */
  readonly address: string;
  readonly bytes: readonly number[];
  readonly text: string;
  /** It retires the guest instruction it belongs to. */
  readonly retires: boolean;
}

/** A guest instruction and what stands for it. */
export interface TranslatedSource {
  /** Linear address in the guest, hexadecimal. */
  readonly address: string;
  readonly bytes: readonly number[];
  readonly text: string;
  readonly kind: TranslationKind;
  readonly code: readonly TranslatedInstruction[];
}

export interface TranslatedExit {
  readonly kind: Unit["exits"][number]["kind"];
  /** Linear address in the guest, hexadecimal. */
  readonly target: string;
  /** The unit it is chained to; null while it leads to the VMM. */
  readonly unit: number | null;
  /** That unit's code simply follows. */
  readonly elided: boolean;
}

/** A unit of the translation cache, as plain JSON. */
export interface TranslatedUnit {
  readonly id: number;
  /** Linear addresses, hexadecimal: of its guest code and of its translation. */
  readonly linear: string;
  readonly cache: string;
  /** Bytes of the translation. */
  readonly bytes: number;
  /** False once it has been invalidated. */
  readonly alive: boolean;
  /** Times it was entered at its start. */
  readonly hits: number;
  readonly guest: readonly TranslatedSource[];
  /** What goes on to where the unit leaves, and belongs to no instruction of the guest. */
  readonly exits: readonly TranslatedExit[];
}

const hex = (value: number): string => (value >>> 0).toString(16);

export function viewOf(cache: TranslationCache, unit: Unit): TranslatedUnit {
  const linearOf = (rip: number): number => (unit.linear + (rip - unit.rip)) >>> 0;
  const body = unit.sites.filter(({ at, trap }) => at >= unit.start && at < unit.end && trap !== "exit");
  const starts = body.flatMap((site, n) => (site.starts ? [n] : []));
  const codeOf = (n: number): TranslatedInstruction[] =>
    body.slice(starts[n], starts[n + 1]).map(({ at, retires }) => {
      const bytes = cache.bytesAt(at);
      const decoded = decode((offset) => bytes[offset] ?? -1, 0, 32);
      if (typeof decoded === "string") return { address: hex(at), bytes, text: "", retires };
      const code = bytes.slice(0, decoded.length);
      return { address: hex(at), bytes: code, text: format(decoded, { address: BigInt(at) }), retires };
    });
  return {
    id: unit.id,
    linear: hex(unit.linear),
    cache: hex(unit.start),
    bytes: unit.end - unit.start,
    alive: cache.isAlive(unit),
    hits: cache.hits(unit),
    guest: unit.guest.map((instruction, n) => ({
      address: hex(linearOf(instruction.rip)),
      bytes: instruction.bytes,
      text: guestText(instruction),
      kind: instruction.kind,
      code: codeOf(n),
    })),
    exits: unit.exits.map((exit) => {
      const link = cache.linkOf(exit);
      const { kind, target } = exit;
      return { kind, target: hex(linearOf(target)), unit: link?.to.id ?? null, elided: link?.elided ?? false };
    }),
  };
}
