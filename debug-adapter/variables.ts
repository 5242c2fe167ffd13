import type { MachineInterface, RegisterGroup, RegisterView } from "../emulator/machine-interface.ts";
import { exitFields, exitQualification } from "../emulator/trace/exit-qualification.ts";
import { stackTop, wrapLinear } from "./code.ts";
import { assign, type Outcome, type Subject } from "./evaluate.ts";
import { memoryReference } from "./memory.ts";
import { hexadecimal } from "./program.ts";
import { readRegisters, registerPart } from "./registers.ts";
import type { ExitEvent } from "./run.ts";

/** A scope of the variables view. `reference` is a number of the protocol's kind; it means the same at every stop. */
export interface ScopeView {
  readonly name: string;
  readonly reference: number;
  readonly registers: boolean;
}

export interface VariableView {
  readonly name: string;
  readonly value: string;
  /** What it is, shown beside it or on hovering. */
  readonly doc?: string;
  /** Reference of its children; 0 if it has none. */
  readonly children: number;
  readonly writable: boolean;
  readonly evaluateName?: string;
  readonly memory?: string;
  /** The value in hexadecimal and nothing else, where it is a number. */
  readonly plain?: string;
}

const groups: readonly { readonly group: RegisterGroup; readonly title: string }[] = [
  { group: "general", title: "General" },
  { group: "flags", title: "Flags" },
  { group: "segment", title: "Segment" },
  { group: "control", title: "Control" },
  { group: "debug", title: "Debug" },
  { group: "msr", title: "MSRs" },
  { group: "table", title: "Descriptor tables" },
  { group: "floating-point", title: "x87 and SSE" },
];

const exitReference = 100;
const fieldsReference = 101;
const whyReference = 102;
/** Registers with parts (CS with CS.base, …) have this plus their place in the machine's list. */
const partsReference = 1000;

const pendingExit = (machine: MachineInterface): ExitEvent | undefined =>
  machine.pendingExit?.kind === "exit" ? machine.pendingExit : undefined;

/** The scopes of a vCPU now: the pending exit if there is one, then its registers by group. */
export function scopesOf(machine: MachineInterface): readonly ScopeView[] {
  const present = new Set(machine.registers().map(({ group }) => group));
  const scopes = groups
    .map(({ group, title }, n) => ({ name: title, group, reference: n + 1, registers: group === "general" }))
    .filter(({ group }) => present.has(group));
  return pendingExit(machine) ? [{ name: "VM exit", reference: exitReference, registers: false }, ...scopes] : scopes;
}

/** `plain`: hexadecimal and nothing else. */
function registerText({ value, width, text }: Pick<RegisterView, "value" | "width" | "text">, plain = false) {
  const number = width < 8 && !plain ? value.toString() : hexadecimal(value, width);
  if (plain) return number;
  return text === undefined ? number : `${number} (${text})`;
}

/** Where a register points: as an offset in the segment that it addresses by default. */
function pointee(machine: MachineInterface, { name, group, value }: RegisterView): string | undefined {
  if (name === "CR3") return memoryReference({ space: "guest-physical", address: value & ~0xfffn });
  if (group !== "general") return undefined;
  const { base: stackBase, pointer } = stackTop(machine);
  if (/^[RE]SP$/.test(name)) return memoryReference({ space: "linear", address: stackBase + pointer });
  const segment = /^[RE]IP$/.test(name) ? "CS" : /^[RE]BP$/.test(name) ? "SS" : "DS";
  const base = machine.bits === 64 ? 0n : (registerPart(readRegisters(machine), `${segment}.base`)?.value ?? 0n);
  return memoryReference({ space: "linear", address: wrapLinear(base + value, machine.bits) });
}

function registerVariable(machine: MachineInterface, view: RegisterView, name: string, children: number): VariableView {
  const memory = pointee(machine, view);
  return {
    name,
    value: registerText(view),
    plain: registerText(view, true),
    doc: view.doc,
    children,
    writable: view.writable,
    // "CR0 (real)" is no name of an expression.
    ...(view.name.includes(" ") ? {} : { evaluateName: view.name }),
    ...(memory ? { memory } : {}),
  };
}

/** The registers of a group; parts such as CS.base are children of their register. */
function registersOf(machine: MachineInterface, group: RegisterGroup): readonly VariableView[] {
  const all = machine.registers();
  const whole = new Set(all.map(({ name }) => name));
  const withParts = new Set(all.map(({ name }) => name.split(".")[0]).filter((name) => name && whole.has(name)));
  const isPart = (name: string) => name.includes(".") && withParts.has(name.split(".")[0]);
  const variables: VariableView[] = [];
  for (const [n, view] of all.entries()) {
    if (view.group !== group || isPart(view.name)) continue;
    const hasParts = all.some(({ name }) => name.startsWith(`${view.name}.`));
    variables.push(registerVariable(machine, view, view.name, hasParts ? partsReference + n : 0));
  }
  return variables;
}

function partsOf(machine: MachineInterface, index: number): readonly VariableView[] {
  const all = machine.registers();
  const prefix = `${all[index]?.name}.`;
  return all
    .filter(({ name }) => name.startsWith(prefix))
    .map((view) => registerVariable(machine, view, view.name.slice(prefix.length), 0));
}

const text = (name: string, value: string, children = 0): VariableView => ({ name, value, children, writable: false });

/** What the exit said of itself, under its name; nothing where the technique has none, or an exception pushes no error code. */
function qualificationVariables(exit: ExitEvent): readonly VariableView[] {
  const said = exitQualification(exit);
  if (!said) return [];
  const children = exitFields(exit).length > 0 ? fieldsReference : 0;
  return [text(said.title, said.none ? "none for this reason" : `0x${exit.qualification}`, children)];
}

function exitVariables(exit: ExitEvent): readonly VariableView[] {
  return [
    text("reason", exit.number < 0 ? exit.reason : `${exit.reason} (${exit.number})`),
    text("what", exit.what),
    ...qualificationVariables(exit),
    text("why", exit.why.sentence, whyReference),
    text("technique", exit.technique),
  ];
}

const fieldVariables = (exit: ExitEvent): readonly VariableView[] =>
  exitFields(exit).map(({ name, value, bits }) => text(`${name} (${bits})`, value));

const whyVariables = ({ why }: ExitEvent): readonly VariableView[] => [
  text("rule", why.rule),
  text("source", why.source),
];

/** The variables of a scope or the children of a variable; none if the reference means nothing now. */
export function variablesOf(machine: MachineInterface, reference: number): readonly VariableView[] {
  const exit = pendingExit(machine);
  if (exit && reference === exitReference) return exitVariables(exit);
  if (exit && reference === fieldsReference) return fieldVariables(exit);
  if (exit && reference === whyReference) return whyVariables(exit);
  if (reference >= partsReference) return partsOf(machine, reference - partsReference);
  const found = groups[reference - 1];
  return found ? registersOf(machine, found.group) : [];
}

/** Sets a variable from an expression; gives its new text. */
export function setVariable(
  subject: Subject,
  reference: number,
  name: string,
  value: string,
  plain = false,
): { readonly value: string } | Extract<Outcome, { problem: string }> {
  const variable = variablesOf(subject.machine, reference).find((candidate) => candidate.name === name);
  if (!variable) return { problem: `there is no "${name}" here` };
  if (!variable.evaluateName || !variable.writable) return { problem: `${name} cannot be changed` };
  const outcome = assign(subject, variable.evaluateName, value);
  if (outcome.problem !== undefined) return { problem: outcome.problem };
  return { value: registerText({ value: outcome.value, width: outcome.width ?? 64 }, plain) };
}
