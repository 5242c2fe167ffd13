import type { Crossing } from "../../../isa/costs.ts";
import { decode } from "../../../isa/decode.ts";
import { format } from "../../../isa/format.ts";
import { vectorName } from "../../cpu/fault.ts";
import type { Fault } from "../../cpu/monitor.ts";
import type { Why } from "../../trace/event.ts";
import type { ExitBody } from "../dispatcher.ts";
import type { GuestInstruction, Unit } from "./unit.ts";

const hex = (value: number): string => `${value.toString(16).toUpperCase()}h`;
const source = "Adams and Agesen, ASPLOS 2006, section 3";

/** A guest instruction in words. */
export function guestText({ bytes, rip }: Pick<GuestInstruction, "bytes" | "rip">): string {
  const decoded = decode((at) => bytes[at] ?? -1, 0, 32);
  return typeof decoded === "string" ? "bytes that are no instruction" : format(decoded, { address: BigInt(rip) });
}

const textAt = (unit: Unit | undefined, rip: number): string => {
  const found = unit?.guest.find((instruction) => instruction.rip === rip);
  return found ? guestText(found) : `the instruction at ${hex(rip)}`;
};

const body = (reason: string, what: () => string, why: Why): ExitBody => ({
  reason,
  number: -1,
  qualification: 0,
  fields: [],
  what,
  why,
});

/**
 * Callouts and misses cost what a call into the VMM costs in published systems, although UD2 is how the cache gets there;
 * faults cost what a trap costs.
 */
export const crossingOf = (reason: string): Crossing =>
  reason === "callout" || reason === "translate" ? "callout" : "trap";

/** The guest's kernel goes where there is no translation yet. */
export const describeMiss = (rip: number, how: "exit" | "lookup" | "resume"): ExitBody =>
  body("translate", () => `no chained translation of ${hex(rip)}`, {
    sentence: {
      exit: "The exit of a unit leads to the VMM until it is chained to the unit that it goes to.",
      lookup: "An indirect jump or return found no translation of its target in the table of lookups.",
      resume: "The guest's kernel runs only as translated code, and the VMM has to find or make it.",
    }[how],
    rule: { exit: "UD2 in the exit's stub", lookup: "UD2 where lookups end", resume: "RIP is not in the cache" }[how],
    source,
  });

export const describeCallout = (unit: Unit, rip: number, adapted: boolean): ExitBody =>
  body("callout", () => textAt(unit, rip), {
    sentence: adapted
      ? "The instruction kept writing to pages whose writes the VMM must see, so that it was translated again, as a callout."
      : "The instruction is privileged or sensitive, and the translator put a callout to the VMM in its place.",
    rule: adapted ? "adaptive translation: UD2 for a store that kept trapping" : "UD2 in the place of the instruction",
    source,
  });

/** A fault of an instruction that was copied as it is. */
export function describeFault(unit: Unit | undefined, rip: number, fault: Fault, entry: number): ExitBody {
  const name = vectorName(fault.vector);
  const { address } = fault;
  const atAddress = address === undefined ? "" : `, linear ${hex(Number(address))}`;
  const present = (entry & 1) !== 0;
  return {
    ...body(name, () => `${textAt(unit, rip)}${atAddress}`, {
      sentence:
        address === undefined
          ? "Translated code met an exception, which goes to the VMM; it executes the instruction as the guest's own."
          : `Translated code met a page that the shadow page tables ${present ? "do not let it use this way" : "do not have"}.`,
      rule: address === undefined ? `real IDT, gate ${hex(fault.vector)}: the VMM's` : `shadow entry = ${hex(entry)}`,
      source,
    }),
    qualification: fault.errorCode ?? 0,
  };
}
