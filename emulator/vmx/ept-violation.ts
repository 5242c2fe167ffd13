import type { Access } from "../cpu/monitor.ts";
import { unsigned64 } from "../cpu/state.ts";
import type { ExitNumbers, Later, Why } from "../trace/event.ts";
import { hex } from "./bit-layout.ts";

/** The exit qualification of an EPT violation (SDM Vol. 3, table 28-7), by hand: guests that start have many. */
export const violationQualification = (
  attempted: number,
  allowed: number,
  linearValid: boolean,
  final: boolean,
): number =>
  ((attempted | (attempted >> 1)) & 4) |
  (attempted & 3) |
  // With mode-based execute control bit 6 tells of user addresses.
  ((allowed & 0xf) << 3) |
  (linearValid ? 0x80 : 0) |
  (final ? 0x100 : 0);

/** One line of an access: `first` is the guest-physical address, `second` the linear one, signed, if it is valid. */
const textOf =
  (access: Access, target: string): Later<string> =>
  ({ qualification, first, second }) => {
    const q = Number(qualification);
    const at = (q & 0x80) !== 0 ? `, linear ${hex(unsigned64(second))}` : "";
    const state = (q & 0x38) === 0 ? "not present" : "does not allow it";
    return `${access} of guest-physical ${hex(first)}${target}${at}: ${state}`;
  };
const textsOf = (access: Access) => ({
  plain: textOf(access, ""),
  forTable: textOf(access, " of a guest paging structure"),
});
const texts = { read: textsOf("read"), write: textsOf("write"), execute: textsOf("execute") };
export const violationText = (access: Access, forTable: boolean): Later<string> =>
  forTable ? texts[access].forTable : texts[access].plain;

const absentEntries = new Map<number, Later<Why>>();

/** What is all zeros has the same explanation for all of a level, so that nothing is kept of such an exit. */
export function violationWhy(access: Access, level: number, entry: bigint): Later<Why> {
  if (entry !== 0n) return whyOf(access, level, entry);
  const known = absentEntries.get(level);
  if (known) return known;
  const made = whyOf(access, level, 0n);
  absentEntries.set(level, made);
  return made;
}

/** Bits 2:0, and bit 10 for user code with mode-based execute control. */
const isAbsent = (entry: bigint): boolean => (entry & 0x407n) === 0n;

const whyOf =
  (access: Access, level: number, entry: bigint) =>
  ({ first }: ExitNumbers): Why => ({
    sentence: isAbsent(entry)
      ? `The EPT entry of level ${level} for guest-physical address ${hex(first)} is not present.`
      : `The EPT entries for guest-physical address ${hex(first)} together do not allow the ${access}.`,
    rule: `EPT entry of level ${level} = ${hex(entry)}: R = ${entry & 1n}, W = ${(entry >> 1n) & 1n}, X = ${(entry >> 2n) & 1n}`,
    source: "SDM Vol. 3, 29.3.3.2: EPT Violations",
  });
