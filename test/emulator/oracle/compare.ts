import { decode } from "../../../isa/decode.ts";
import { type FlagName, flagBits, flagMask } from "../../../isa/flags.ts";
import { format } from "../../../isa/format.ts";
import { codeAt } from "../../support/processor.ts";
import type { Case, Outcome } from "./state.ts";

const names = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const registerName = (n: number): string => (n < 8 ? `r${names[n]}` : `r${n}`);
const hex = (value: bigint | number): string => `${value.toString(16)}h`;

/** Flags as their names. */
function flagNames(image: number): string {
  const found = (Object.keys(flagBits) as FlagName[]).filter((name) => (image & flagMask(name)) !== 0);
  return found.join(" ") || "none";
}

/** The differences between how the case ended on our processor and on the oracle's; empty if there are none. */
export function differences(tested: Case, ours: Outcome, theirs: Outcome): string[] {
  const found: string[] = [];
  if (ours.fault !== theirs.fault) return [`fault: ours ${ours.fault}, oracle's ${theirs.fault}`];
  ours.registers.forEach((value, n) => {
    const other = theirs.registers[n]!;
    if (tested.lowHalves ? BigInt.asUintN(32, value ^ other) !== 0n : value !== other)
      found.push(`${registerName(n)}: ours ${hex(value)}, oracle's ${hex(other)}`);
  });
  if (ours.fault === undefined && ours.ip !== theirs.ip)
    found.push(`rip: ours ${hex(ours.ip)}, oracle's ${hex(theirs.ip)}`);
  const mask = ours.fault === undefined ? tested.flagMask : -1;
  const wrong = (ours.flags ^ theirs.flags) & mask;
  if (wrong !== 0)
    found.push(
      `flags ${flagNames(wrong)}: ours ${flagNames(ours.flags & wrong)}, oracle's ${flagNames(theirs.flags & wrong)}`,
    );
  for (const at of new Set([...ours.changes.keys(), ...theirs.changes.keys()])) {
    const [a, b] = [ours.changes.get(at), theirs.changes.get(at)];
    if (a !== b) found.push(`memory at ${hex(at)}: ours ${a}, oracle's ${b}`);
  }
  return found;
}

/** The instructions of a case, one per line. */
function listing({ code, mode }: Case): string {
  const bytes = Uint8Array.from(code);
  const lines: string[] = [];
  for (let at = 0; at < code.length; ) {
    const decoded = decode(bytes, at, mode);
    if (typeof decoded === "string") break;
    lines.push(format(decoded, { address: BigInt(codeAt + at) }));
    at += decoded.length;
  }
  return lines.join("; ");
}

/** The case and what differs, for a failed test. */
export function report(tested: Case, found: readonly string[]): string {
  const { registers, flags, code, patches } = tested;
  const state = registers.map((value, n) => `${registerName(n)}=${value.toString(16)}`).join(" ");
  const memory = patches
    .map(([at, bytes]) => `[${hex(at)}]=${Buffer.from(bytes.slice(0, 16)).toString("hex")}`)
    .join(" ");
  return [
    `${tested.name}: ${listing(tested)} (${Buffer.from(code).toString("hex")})`,
    `  ${state} flags=${flagNames(flags)} ${memory}`,
    ...found.slice(0, 6).map((line) => `  ${line}`),
  ].join("\n");
}
