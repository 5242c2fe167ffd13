import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import type { TechniqueId } from "../isa/technique.ts";
import { evaluateText, type Subject } from "./evaluate.ts";

type Walk = MachineEvent & { readonly kind: "walk" };
type Step = Walk["steps"][number];

/**
 * How the shadow stands to the guest's tables: `same`, or it has no entry yet (`missing`), one for something else (`stale`), or one that
 * holds writes back, to see them (`traced`) or to see the first (`dirty pending`). `absent`: neither maps the page.
 */
export type ShadowState = "same" | "absent" | "missing" | "stale" | "traced" | "dirty pending";

/** An entry that maps a page, or the one where the walk ended. */
export interface PageEntry {
  /** Hexadecimal. */
  readonly entry: string;
  readonly bits: readonly string[];
}

/** A page by the guest's tables and by the shadow's. */
export interface ShadowedPage {
  /** Linear, hexadecimal. */
  readonly linear: string;
  readonly guest: PageEntry;
  readonly shadow: PageEntry;
  readonly state: ShadowState;
}

/** The translation of an address now, and what else there is to look at. */
export interface TranslationNow {
  readonly walk: Walk;
  readonly technique: TechniqueId;
  /** Addresses that a person may want, by what they are: linear, hexadecimal. */
  readonly picks: readonly { readonly name: string; readonly linear: string }[];
  /** Under shadow paging: pages about the address. */
  readonly pages: readonly ShadowedPage[];
}

const pageBytes = 4096n;
/** Pages shown before the one asked for, and altogether. */
const before = 2n;
const shownPages = 12;
/** Events looked through, from the newest, for a page fault. */
const mostEvents = 512;
const pageFault = 14;

const hex = (value: bigint): string => BigInt.asUintN(64, value).toString(16);

/** What a person typed: an expression, or a hexadecimal number without a sign that it is one; or what is wrong with it. */
function addressOf(subject: Subject, text: string): bigint | string {
  if (text.trim() === "") return subject.machine.linearRip;
  const outcome = evaluateText(subject, text);
  if (outcome.problem === undefined) return BigInt.asUintN(64, outcome.value);
  if (/^[\da-f]{1,16}$/i.test(text.trim())) return BigInt(`0x${text.trim()}`);
  return `"${text}" is no address: ${outcome.problem}. Type a register, a label or a number, such as esp, start+4 or 7C00h.`;
}

function lookUp(subject: Subject, name: string): bigint | undefined {
  const outcome = evaluateText(subject, name);
  return outcome.problem === undefined ? outcome.value : undefined;
}

/** Linear address of the top of the stack. */
function stackTop(subject: Subject): bigint | undefined {
  const { bits } = subject.machine;
  const pointer = lookUp(subject, bits === 64 ? "RSP" : bits === 32 ? "ESP" : "SP");
  const base = bits === 64 ? 0n : lookUp(subject, "SS.BASE");
  return pointer === undefined || base === undefined ? undefined : pointer + base;
}

function lastPageFault(machine: MachineInterface): bigint | undefined {
  const after = Math.max(0, machine.lastSequence - mostEvents);
  const faults = machine.events(after, mostEvents, ["exception"]);
  const fault = faults.findLast((event) => event.kind === "exception" && event.vector === pageFault);
  return fault?.kind === "exception" && fault.address !== undefined ? BigInt(`0x${fault.address}`) : undefined;
}

function picksOf(subject: Subject): TranslationNow["picks"] {
  const picks = [
    ["instruction", subject.machine.linearRip],
    ["stack", stackTop(subject)],
    ["last page fault", lastPageFault(subject.machine)],
  ] as const;
  return picks.flatMap(([name, linear]) => (linear === undefined ? [] : [{ name, linear: hex(linear) }]));
}

const ofGuest = (step: Step): boolean => step.of === undefined;
const ofShadow = (step: Step): boolean => step.of === "shadow";
const entryOf = ({ entry, bits }: Step): PageEntry => ({ entry, bits });
const writable = (steps: readonly Step[]): boolean =>
  steps.every(({ bits, address }) => isRegister(address) || bits.includes("R/W"));
const isRegister = (address: string): boolean => address.startsWith("register");

const frameOf = (address: string): bigint => BigInt(`0x${address}`) & ((1n << 52n) - 1n) & ~(pageBytes - 1n);

function stateOf(walk: Walk): ShadowState {
  const guest = walk.steps.filter(ofGuest);
  const shadow = walk.steps.filter(ofShadow);
  const last = shadow.at(-1);
  const maps = last?.verdict === "ok";
  if (walk.physical === undefined) return maps ? "stale" : "absent";
  if (!last || !maps) return "missing";
  if (walk.host !== undefined && last.level === 1 && frameOf(last.entry) !== frameOf(walk.host)) return "stale";
  if (!writable(guest) || writable(shadow)) return "same";
  return guest.at(-1)?.bits.includes("D") ? "traced" : "dirty pending";
}

function pagesAbout(machine: MachineInterface, linear: bigint): readonly ShadowedPage[] {
  const page = linear & ~(pageBytes - 1n);
  const first = page < before * pageBytes ? 0n : page - before * pageBytes;
  return Array.from({ length: shownPages }, (_, n) => first + BigInt(n) * pageBytes).flatMap((at) => {
    const walk = machine.walk(at);
    const guest = walk.steps.findLast(ofGuest);
    const shadow = walk.steps.findLast(ofShadow);
    if (!guest || !shadow) return [];
    return [{ linear: hex(at), guest: entryOf(guest), shadow: entryOf(shadow), state: stateOf(walk) }];
  });
}

/** Answers `ringside/translation`; changes nothing. What is typed may be no address: that is an answer too. */
export function translationNow(subject: Subject, text: string): TranslationNow | { readonly problem: string } {
  const { machine } = subject;
  const linear = addressOf(subject, text);
  if (typeof linear === "string") return { problem: linear };
  const walk = machine.walk(linear);
  return {
    walk,
    technique: machine.configuration.technique,
    picks: picksOf(subject),
    pages: walk.steps.some(ofShadow) ? pagesAbout(machine, linear) : [],
  };
}
