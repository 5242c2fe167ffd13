/** What the Translation view knows, and how it changes: pure, so that tests need no page. */
import type { TranslationNow } from "../../../debug-adapter/protocol.ts";

type Walk = TranslationNow["walk"];
export type Step = Walk["steps"][number];

export interface State {
  readonly session: string | undefined;
  readonly running: boolean;
  /** What a person has asked for: an expression, or nothing for the instruction about to run. */
  readonly address: string;
  readonly now: TranslationNow | undefined;
  /** The reference in detail, counted from 1; 0: none, all are shown. */
  readonly at: number;
  /** Go on from one reference to the next by itself. */
  readonly playing: boolean;
  /** What caches hold is dimmed. */
  readonly warm: boolean;
  readonly failed: string | undefined;
}

export const initial: State = {
  session: undefined,
  running: false,
  address: "",
  now: undefined,
  at: 0,
  playing: false,
  warm: false,
  failed: undefined,
};

export type Action =
  | { readonly kind: "session"; readonly name: string | undefined }
  | { readonly kind: "running"; readonly running: boolean }
  | { readonly kind: "address"; readonly text: string }
  | { readonly kind: "translation"; readonly now: TranslationNow }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "at"; readonly at: number }
  | { readonly kind: "play"; readonly on: boolean }
  /** On to the next reference, or to the end of playing. */
  | { readonly kind: "next" }
  | { readonly kind: "warm"; readonly on: boolean };

const clamp = (value: number, most: number): number => Math.max(0, Math.min(most, value));

function on(state: State): State {
  const most = state.now ? references(state.now.walk).length : 0;
  return state.at >= most ? { ...state, playing: false } : { ...state, at: state.at + 1 };
}

function learn(state: State, now: TranslationNow): State {
  // Another address: what was looked at of the last one says nothing of this.
  const same = state.now?.walk.linear === now.walk.linear;
  const at = same ? clamp(state.at, references(now.walk).length) : 0;
  return { ...state, now, at, playing: same && state.playing, failed: undefined };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial, session: action.name };
    case "running":
      return { ...state, running: action.running };
    case "address":
      return { ...state, address: action.text, failed: undefined };
    case "translation":
      return learn(state, action.now);
    case "failed":
      return { ...state, failed: action.message };
    case "at": {
      const most = state.now ? references(state.now.walk).length : 0;
      return { ...state, at: clamp(action.at, most), playing: false };
    }
    case "play":
      return { ...on({ ...state, at: action.on && atEnd(state) ? 0 : state.at }), playing: action.on };
    case "next":
      return on(state);
    case "warm":
      return { ...state, warm: action.on };
  }
}

const atEnd = ({ now, at }: State): boolean => now !== undefined && at >= references(now.walk).length;

/** A step with its number among the memory references of the processor; undefined for what the processor does not refer to. */
export interface Numbered {
  readonly step: Step;
  readonly number: number | undefined;
}

function numbered(walk: Walk): readonly Numbered[] {
  const shadowed = walk.steps.some(({ of }) => of === "shadow");
  let count = 0;
  return walk.steps.map((step) => {
    const refers = step.spared !== "register" && (!shadowed || step.of === "shadow");
    return { step, number: refers ? ++count : undefined };
  });
}

/** The memory references of the processor in their order, with nothing cached. */
export const references = (walk: Walk): readonly Step[] =>
  numbered(walk).flatMap(({ step, number }) => (number === undefined ? [] : [step]));

/** An entry of the guest's tables, or the page at the end, with the nested steps that find it and the shadow beside it. */
export interface Column {
  readonly title: string;
  /** Guest-physical address of the entry or of the page. */
  readonly address: string | undefined;
  readonly entry: Numbered | undefined;
  readonly nested: readonly Numbered[];
  readonly shadow: Numbered | undefined;
}

const shadowName = (table: string): string => `shadow ${table}`;

/** The walk as a picture: from left to right the guest's levels, under each what it takes to find it. */
export function columns(walk: Walk): readonly Column[] {
  const steps = numbered(walk);
  const shadows = steps.filter(({ step }) => step.of === "shadow");
  const found: Column[] = [];
  let nested: Numbered[] = [];
  for (const each of steps) {
    const { step } = each;
    if (step.of === "nested") nested.push(each);
    else if (step.of === undefined) {
      const shadow = shadows.find((other) => other.step.table === shadowName(step.table));
      found.push({ title: step.table, address: step.address, entry: each, nested, shadow });
      nested = [];
    }
  }
  // What has no entry of the guest's beside it: large pages in parts, and guests that do not use paging.
  for (const shadow of shadows)
    if (!found.some((column) => column.shadow === shadow))
      found.push({
        ...{
          title: shadow.step.table.replace("shadow ", ""),
          address: undefined,
          entry: undefined,
          nested: [],
          shadow,
        },
      });
  const failed = found.at(-1)?.entry?.step.verdict ?? "ok";
  if (nested.length > 0 || failed === "ok")
    found.push({ title: "page", address: walk.physical, entry: undefined, nested, shadow: undefined });
  return found;
}

export const hex = (value: string): string => (value.startsWith("register") ? value : `${value.toUpperCase()}h`);

/**
 * The place of an entry in its table; undefined of one that a register holds. Entries are 8 bytes wide, and 4 where two levels are all
 * (SDM Vol. 3, 4.3).
 */
export function indexOf(walk: Walk, step: Step): number | undefined {
  if (step.address.startsWith("register")) return undefined;
  const wide = walk.steps.some(({ of, table }) => of === step.of && /(PML\dE|PDPTE)$/.test(table));
  return (Number.parseInt(step.address.slice(-3), 16) & 0xfff) / (wide ? 8 : 4);
}

/** How many references the processor makes: with nothing cached, with warm caches, and with the page in its TLB. */
export function spentOn({ references: { cold, warm }, cached }: Walk): string {
  const counts = `${cold} reference${cold === 1 ? "" : "s"} cold, ${warm} warm`;
  return cached ? `${counts}, none now: the page is in the TLB` : `${counts} · not in the TLB`;
}

const kinds = [
  ["guest", undefined, "the guest's tables"],
  ["nested", "nested", "the hypervisor's: EPT or nested"],
  ["shadow", "shadow", "shadow tables"],
] as const;

/** The kinds of tables that a walk goes through: the class of each, and what it is. */
export const kindsOf = (walk: Walk) =>
  kinds.flatMap(([kind, name, text]) => (walk.steps.some(({ of }) => of === name) ? [{ kind, text }] : []));

/** Bits of paging-structure entries, of EPT's and of the others. */
const meanings = [
  ["P", "present"],
  ["R/W", "writable"],
  ["U/S", "user"],
  ["R", "read"],
  ["W", "write"],
  ["X", "execute"],
  ["XU", "execute in user mode"],
  ["PWT", "write-through"],
  ["PCD", "cache disabled"],
  ["A", "accessed"],
  ["D", "dirty"],
  ["PS", "large page"],
  ["G", "global"],
  ["XD", "no execute"],
  ["NX", "no execute"],
  ["WB", "write-back memory"],
  ["UC", "uncacheable memory"],
] as const;

/** "P present", of each bit that is set in one of the entries. */
export const bitMeanings = (steps: readonly Step[]): readonly string[] =>
  meanings.flatMap(([bit, text]) => (steps.some(({ bits }) => bits.includes(bit)) ? [`${bit} ${text}`] : []));

export interface Permission {
  readonly of: string;
  readonly text: string;
}

const all = (steps: readonly Step[], bit: string): boolean => steps.every(({ bits }) => bits.includes(bit));
const noExecute = (steps: readonly Step[]): boolean =>
  steps.some(({ bits }) => bits.includes("XD") || bits.includes("NX"));

function ofPaging(steps: readonly Step[]): string {
  const entries = steps.filter(({ address }) => !address.startsWith("register"));
  const user = all(entries, "U/S") ? "user" : "supervisor only";
  return [all(entries, "R/W") ? "write" : "read only", user, noExecute(steps) ? "no execute" : "execute"].join(", ");
}

function ofEpt(steps: readonly Step[]): string {
  const rights = [
    ["R", "read"],
    ["W", "write"],
    ["X", "execute"],
  ] as const;
  return rights.flatMap(([bit, text]) => (all(steps, bit) ? [text] : [])).join(", ") || "none";
}

/** What the entries of each kind of table allow together, for the page. */
export function permissions(walk: Walk): readonly Permission[] {
  const guest = walk.steps.filter(({ of }) => of === undefined);
  const shadow = walk.steps.filter(({ of }) => of === "shadow");
  const nested =
    columns(walk)
      .at(-1)
      ?.nested.map(({ step }) => step) ?? [];
  const isEpt = nested[0]?.table.startsWith("EPT") ?? false;
  return [
    ...(guest.length > 0 ? [{ of: "guest", text: ofPaging(guest) }] : []),
    ...(shadow.length > 0 ? [{ of: "shadow", text: ofPaging(shadow) }] : []),
    ...(nested.length > 0
      ? [
          {
            of: isEpt ? "EPT of the page" : "nested tables of the page",
            text: isEpt ? ofEpt(nested) : ofPaging(nested),
          },
        ]
      : []),
  ];
}

/** The address a person types as 4-digit groups: "7fff 8000 1000". */
export const grouped = (address: string): string => {
  const digits = address.toUpperCase().padStart(address.length <= 8 ? 8 : 16, "0");
  return digits.replaceAll(/(?=(?:.{4})+$)(?!^)/g, " ");
};
