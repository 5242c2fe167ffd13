import { longestInstruction } from "../../../isa/cursor.ts";
import { decode } from "../../../isa/decode.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { isFault } from "../../cpu/fault.ts";
import { CS } from "../../cpu/state.ts";
import { endsUnit, isTransfer, type Rule, ruleFor } from "./rules.ts";
import { type Conditions, translate } from "./sequences.ts";
import { type GuestInstruction, mostInstructions, type TranslationKind, type Unit } from "./unit.ts";
import { UnitWriter } from "./unit-writer.ts";

const pageBytes = 4096;
const offsetIn = (linear: number): number => linear & (pageBytes - 1);

/** A unit and its code, not yet in the cache. */
export interface Draft extends Pick<Unit, "rip" | "linear" | "source" | "guest" | "start" | "sites" | "exits"> {
  readonly bytes: readonly number[];
}

export interface Task extends Conditions {
  /** Where its code will be. */
  readonly at: number;
  readonly stub: () => number;
  /** Whether the instruction at an offset has been found to be better emulated. */
  readonly isAdapted: (rip: number) => boolean;
}

const kindOf = (rule: Rule): TranslationKind =>
  rule === "identical" ? "identical" : rule === "callout" ? "callout" : "in-cache";

/** Bytes of the guest's code from an offset in CS: as far as they can be fetched, at most an instruction's. */
function fetchable(cpu: Cpu, rip: number): number[] {
  const bytes: number[] = [];
  try {
    while (bytes.length < longestInstruction) bytes.push(cpu.fetch8(rip + bytes.length));
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
  }
  return bytes;
}

/** The instruction at RIP, fetched as executing it would; undefined if its bytes are none. Raises what the fetch raises. */
function first(cpu: Cpu): Decoded | undefined {
  const { rip } = cpu;
  const decoded = decode((at) => cpu.fetch8(rip + at), 0, 32);
  return typeof decoded === "string" ? undefined : decoded;
}

/** An instruction further on, which must lie in the page at hand; undefined where the unit should end before it. */
function further(cpu: Cpu, rip: number, room: number): Decoded | undefined {
  const limit = cpu.limit(CS);
  const byteAt = (at: number): number => (at < room && rip + at <= limit ? cpu.fetch8(rip + at) : -1);
  const decoded = decode(byteAt, 0, 32);
  return typeof decoded === "string" ? undefined : decoded;
}

/** With a code segment that ends early, every transfer of control has a limit to check. */
const isWhole = (cpu: Cpu): boolean => cpu.limit(CS) === 0xffff_ffff;

/**
 * Translates the guest's code at RIP into a unit: at most twelve instructions, up to one after which it is not clear what
 * follows, from one page (only the first instruction may cross into the next). The guest's own registers must be loaded.
 * Raises what fetching the first instruction raises.
 */
export class Translator {
  readonly #cpu: Cpu;

  constructor(cpu: Cpu) {
    this.#cpu = cpu;
  }

  draft(task: Task): Draft {
    const cpu = this.#cpu;
    const { rip } = cpu;
    const writer = new UnitWriter(task.at, task.stub);
    const guest: GuestInstruction[] = [];
    const linear = cpu.codeLinear(rip);
    const leading = first(cpu);
    if (!leading) {
      writer.begin({ rip, next: rip, bytes: [] });
      writer.callout(writer.before());
      guest.push({ rip, bytes: fetchable(cpu, rip), kind: "callout" });
    } else this.#write(writer, guest, leading, task);
    const bytes = guest.reduce((sum, instruction) => sum + instruction.bytes.length, 0);
    const { start, sites, exits } = writer;
    return { rip, linear, source: this.#source(linear, bytes), guest, start, sites, exits, bytes: writer.bytes };
  }

  #write(writer: UnitWriter, guest: GuestInstruction[], leading: Decoded, task: Task): void {
    const cpu = this.#cpu;
    const start = cpu.codeLinear(cpu.rip);
    const room = pageBytes - offsetIn(start);
    let rip = cpu.rip;
    let at = 0;
    for (let decoded: Decoded | undefined = leading; decoded; ) {
      const next: number = (rip + decoded.length) >>> 0;
      at += decoded.length;
      const following: Decoded | undefined =
        guest.length + 1 < mostInstructions && at < room && next > rip ? further(cpu, next, room - at) : undefined;
      const rule = this.#ruleFor(decoded, rip, following, task);
      const bytes = Array.from({ length: decoded.length }, (_, n) => cpu.fetch8(rip + n));
      writer.begin({ rip, next, bytes });
      translate(rule, writer, decoded, task);
      guest.push({ rip, bytes, kind: kindOf(rule) });
      if (endsUnit(rule)) return;
      rip = next;
      decoded = following;
    }
    writer.fallThrough(rip);
  }

  #ruleFor(decoded: Decoded, rip: number, following: Decoded | undefined, { isAdapted }: Task): Rule {
    if (isAdapted(rip)) return "callout";
    const rule = ruleFor(decoded);
    if (isTransfer(rule) && !isWhole(this.#cpu)) return "callout";
    // What must not be interrupted before the next instruction is kept in one unit with it.
    return rule === "sti" && !following ? "callout" : rule;
  }

  /** Where the unit's code lies in guest-physical memory. */
  #source(linear: number, bytes: number): Unit["source"] {
    const parts: { physical: number; bytes: number }[] = [];
    for (let at = 0; at < bytes; ) {
      const { physical } = this.#cpu.walk(linear + at, "execute", false);
      if (physical === undefined) break;
      const count = Math.min(bytes - at, pageBytes - offsetIn(linear + at));
      parts.push({ physical, bytes: count });
      at += count;
    }
    return parts;
  }
}
