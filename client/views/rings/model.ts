/** What the Rings and Modes view knows, and how it changes: pure, so that tests need no page. */
import type { LocatedEvent, RingsNow } from "../../../debug-adapter/protocol.ts";
import { exitName } from "../../../emulator/trace/exit-name.ts";
import { techniqueById } from "../../../isa/technique.ts";

/** Kinds of events that are crossings. */
export const crossingKinds = ["exit", "entry", "inject", "hypercall", "exception", "interrupt"] as const;
export type CrossingKind = (typeof crossingKinds)[number];

export interface State {
  readonly session: string | undefined;
  readonly running: boolean;
  readonly now: RingsNow | undefined;
  /** Sequence number up to which all events are counted. */
  readonly last: number;
  /** Last event of the present stop; crossings after `base` count: since the stop before. */
  readonly stop: number;
  readonly base: number;
  /** Crossings since `base`, by kind and then by what they were. */
  readonly crossings: Readonly<Record<CrossingKind, ReadonlyMap<string, number>>>;
  readonly failed: string | undefined;
}

const none: State["crossings"] = {
  exit: new Map(),
  entry: new Map(),
  inject: new Map(),
  hypercall: new Map(),
  exception: new Map(),
  interrupt: new Map(),
};

export const initial: State = {
  session: undefined,
  running: false,
  now: undefined,
  last: 0,
  stop: 0,
  base: 0,
  crossings: none,
  failed: undefined,
};

export type Action =
  | { readonly kind: "session"; readonly name: string | undefined }
  | { readonly kind: "present"; readonly last: number; readonly running: boolean }
  | { readonly kind: "events"; readonly events: readonly LocatedEvent[]; readonly last: number }
  | { readonly kind: "rings"; readonly now: RingsNow }
  | { readonly kind: "failed"; readonly message: string };

/** Counts anew from an event on. */
const countFrom = (state: State, base: number): State =>
  base === state.base ? state : { ...state, base, last: base, crossings: none };

function present(state: State, last: number, running: boolean): State {
  if (running) return { ...countFrom(state, state.stop), running };
  // Back in time nothing has been crossed; and told twice of the same stop, it is still the same.
  const base = last < state.stop ? last : last === state.stop ? state.base : state.stop;
  return { ...countFrom(state, base), running, stop: last };
}

/** The kind of crossing that an event is, and what crossed; undefined for other events. */
function crossingOf(event: LocatedEvent): readonly [CrossingKind, string] | undefined {
  switch (event.kind) {
    case "exit":
      return ["exit", exitName(event)];
    case "entry":
      return ["entry", "VM entry"];
    case "inject":
    case "hypercall":
    case "exception":
      return [event.kind, event.name];
    case "interrupt":
      return ["interrupt", `vector ${event.vector.toString(16).toUpperCase()}h`];
    default:
      return undefined;
  }
}

function learn(state: State, events: readonly LocatedEvent[], last: number): State {
  const { exit, entry, inject, hypercall, exception, interrupt } = state.crossings;
  const crossings: Readonly<Record<CrossingKind, Map<string, number>>> = {
    exit: new Map(exit),
    entry: new Map(entry),
    inject: new Map(inject),
    hypercall: new Map(hypercall),
    exception: new Map(exception),
    interrupt: new Map(interrupt),
  };
  for (const event of events) {
    const [kind, name] = crossingOf(event) ?? [];
    if (kind === undefined || name === undefined || event.sequence <= state.base) continue;
    crossings[kind].set(name, (crossings[kind].get(name) ?? 0) + 1);
  }
  return { ...state, last, crossings };
}

export function reduce(state: State, action: Action): State {
  switch (action.kind) {
    case "session":
      return action.name === state.session ? state : { ...initial, session: action.name };
    case "present":
      return present(state, action.last, action.running);
    case "events":
      return learn(state, action.events, action.last);
    case "rings":
      return { ...state, now: action.now, failed: undefined };
    case "failed":
      return { ...state, failed: action.message };
  }
}

export interface Floor {
  readonly ring: number;
  readonly who: string;
  /** The processor is here. */
  readonly lit: boolean;
  /** The guest thinks that it is here. */
  readonly seen: boolean;
}

export interface Building {
  readonly title: string;
  readonly floors: readonly Floor[];
}

const rings = [3, 2, 1, 0] as const;

function building(title: string, who: Readonly<Record<number, string>>, lit?: number, seen?: number): Building {
  return {
    title,
    floors: rings.map((ring) => ({
      ring,
      who: who[ring] ?? "",
      lit: ring === lit,
      seen: ring === seen && ring !== lit,
    })),
  };
}

const guest = { 0: "kernel", 3: "processes" };

/** Two buildings where the processor has a mode for guests; else one in which all live. */
export function buildings(now: RingsNow): readonly Building[] {
  const { ring, inVmm, operation } = now;
  const kernel = techniqueById(now.technique)?.kernel;
  if (operation !== undefined)
    return [
      building("VMX root operation", { 0: "the hypervisor" }, operation === "root" ? ring.real : undefined),
      building("VMX non-root operation", guest, operation === "non-root" ? ring.real : undefined),
    ];
  if (kernel === "native") return [building("The machine", guest, ring.real)];
  if (kernel === "vmx-non-root" || kernel === "svm-guest") {
    const [host, inside] =
      kernel === "svm-guest" ? ["Host mode", "Guest mode"] : ["VMX root operation", "VMX non-root operation"];
    return [
      building(host!, { 0: "the VMM" }, inVmm ? 0 : undefined),
      building(inside!, guest, inVmm ? undefined : ring.real),
    ];
  }
  const kernelRing = ring.seen === 0 ? ring.real : now.mode === "64-bit" || now.mode === "compatibility" ? 3 : 1;
  const who = {
    0: "the VMM",
    3: "processes",
    [kernelRing]: kernelRing === 3 ? "guest kernel, processes" : "guest kernel",
  };
  return [building("One machine for both", who, inVmm ? 0 : ring.real, inVmm ? undefined : ring.seen)];
}

export interface Crossing {
  readonly kind: CrossingKind;
  readonly text: string;
  /** Towards the hypervisor, towards the guest, or within the guest. */
  readonly way: "out" | "in" | "within";
  readonly count: number;
  /** The most frequent ones by name. */
  readonly most: readonly (readonly [name: string, count: number])[];
}

const ways: Readonly<Record<CrossingKind, readonly [text: string, way: Crossing["way"]]>> = {
  exit: ["exits", "out"],
  entry: ["entries", "in"],
  inject: ["injected", "in"],
  hypercall: ["hypercalls", "out"],
  exception: ["exceptions", "within"],
  interrupt: ["interrupts", "within"],
};

/** What has crossed since the last stop, by kind. */
export const crossed = ({ crossings }: Pick<State, "crossings">): readonly Crossing[] =>
  crossingKinds.map((kind) => {
    const [text, way] = ways[kind];
    const names = [...crossings[kind]].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
    return { kind, text, way, count: names.reduce((sum, [, count]) => sum + count, 0), most: names.slice(0, 4) };
  });
