import { baseName } from "../assembler/location.ts";
import type { MachineInterface, Watch } from "../emulator/machine-interface.ts";
import { answerText, evaluateText, type Location, type Subject } from "./evaluate.ts";
import { eventFieldText, namesEvent } from "./event-fields.ts";
import { parseExpression } from "./expression.ts";
import { memoryReference } from "./memory.ts";
import { addressOfLabel, itemAt, type Program, toLinear } from "./program.ts";
import { type Programs, programFile } from "./programs.ts";
import { watchProblem } from "./watched-memory.ts";

/** What a person asked for. Lines are 0-based. */
export type Wish = {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
} & (
  | { readonly kind: "line"; readonly file: string; readonly line: number }
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "address"; readonly location: Location }
  /** A line of disassembled code that has no source. */
  | { readonly kind: "listed"; readonly location: Location }
  | { readonly kind: "data"; readonly dataId: string; readonly watch: Watch | undefined }
);

/** A wish bound to the program, or the reason why it cannot be. */
export interface Breakpoint {
  readonly id: number;
  readonly wish: Wish;
  /** Linear addresses of instructions; none if it is not bound to any. */
  readonly addresses: readonly bigint[];
  /** Where there are several VMs: which of the addresses are meant in each. */
  readonly byVm?: ReadonlyMap<string, readonly bigint[]>;
  /** The memory that it watches. */
  readonly watch?: Watch;
  /** The line it really is at. */
  readonly file?: string;
  readonly line?: number;
  /** Why it is not bound, or what is worth knowing about where it is. */
  readonly message?: string;
  /** Moments at which it was hit up to now, for the hit condition; kept only where there is one. */
  hits: number[];
}

type Binding = Pick<Breakpoint, "addresses" | "byVm" | "watch" | "file" | "line" | "message">;
const unbound = (message: string): Binding => ({ addresses: [], message });

/** Where execution enters a line: of adjoining items (`times 4 nop`, macros) only the first counts. */
function entries(program: Program, file: string, line: number): readonly bigint[] {
  const addresses = program.lines.addresses(file, line);
  const ends = new Set(addresses.map((address) => address + (program.lines.at(address)?.length ?? 0)));
  return addresses.filter((address) => !ends.has(address)).map((address) => toLinear(program, address));
}

const hasInstruction = (program: Program, file: string, line: number): boolean =>
  program.lines.addresses(file, line).some((address) => program.lines.at(address)?.decoded);

/** The first line at or after `line` that has an instruction. */
export function nextInstructionLine(program: Program, file: string, line: number): number | undefined {
  let found = program.lines.nextLineWithCode(file, line);
  while (found !== undefined && !hasInstruction(program, file, found))
    found = program.lines.nextLineWithCode(file, found + 1);
  return found;
}

function bindLine(program: Program, wanted: string, line: number): Binding {
  const file = programFile(program, wanted);
  if (file === undefined)
    return unbound(`${baseName(wanted)} is not part of the program ${baseName(program.file)} that is being debugged.`);
  const here = entries(program, file, line);
  if (here.length > 0 && !hasInstruction(program, file, line))
    return { addresses: here, file, line, message: "This line is data: it stops the guest only if it is run as code." };
  const found = nextInstructionLine(program, file, line);
  if (found === undefined) return unbound(`There is no instruction at or after line ${line + 1}.`);
  const message = `Line ${line + 1} has no instruction; the next one is in line ${found + 1}.`;
  return { addresses: entries(program, file, found), file, line: found, ...(found === line ? {} : { message }) };
}

/** Labels that a local name may mean. */
const wholeNames = (program: Program, name: string): readonly string[] =>
  [...program.symbols.values()]
    .filter((symbol) => symbol.kind === "label" && name.startsWith(".") && symbol.name.endsWith(name))
    .map((symbol) => symbol.name);

function bindLabel(program: Program, name: string): Binding {
  const label = addressOfLabel(program, name);
  if (label !== undefined) return bindAddress(program, toLinear(program, label));
  const meant = wholeNames(program, name).slice(0, 3);
  return unbound(
    meant.length === 0
      ? `The program has no label "${name}".`
      : `"${name}" is a local name. Write it with the label that it belongs to: ${meant.join(" or ")}.`,
  );
}

function bindAddress(program: Program, address: bigint): Binding {
  const item = itemAt(program, address);
  return { addresses: [address], ...(item ? { file: item.range.file, line: item.range.line } : {}) };
}

function bindData(machine: MachineInterface, { dataId, watch }: Wish & { kind: "data" }): Binding {
  if (!watch) return unbound(`"${dataId}" does not say what memory to watch.`);
  const problem = watchProblem(machine, watch);
  return problem === undefined ? { addresses: [], watch } : unbound(problem);
}

const hitPattern = /^\s*(==?|>=?|<=?|%)?\s*(\d+)\s*$/;

/** Does the nth hit satisfy a hit condition: `5` (from the fifth on), `== 5`, `> 5`, `% 5` …? */
export function satisfiesHitCondition(condition: string, n: number): boolean {
  const [, operator = ">=", digits = "0"] = hitPattern.exec(condition) ?? [];
  const count = Number(digits);
  switch (operator) {
    case ">":
      return n > count;
    case "<":
      return n < count;
    case "<=":
      return n <= count;
    case "%":
      return count > 0 && n % count === 0;
    case "=":
    case "==":
      return n === count;
    default:
      return n >= count;
  }
}

/** What is wrong with the conditions of a wish. */
function malformed({ condition, hitCondition }: Wish): string | undefined {
  const problem = condition ? parseExpression(condition).problem : undefined;
  if (problem) return `Condition: ${problem}.`;
  if (hitCondition && !hitPattern.test(hitCondition))
    return `Hit condition "${hitCondition}": write a number, optionally after ==, >, >=, <, <= or %.`;
  return undefined;
}

type PlaceWish = Exclude<Wish, { kind: "data" }>;

function bindIn(program: Program, wish: PlaceWish): Binding {
  if (wish.kind === "line") return bindLine(program, wish.file, wish.line);
  return wish.kind === "label" ? bindLabel(program, wish.name) : bindAddress(program, wish.location.address);
}

/** Why none of several programs has the place. */
function inNone(programs: Programs["byVm"], wish: PlaceWish): string {
  const mains = [...new Set([...programs.values()].map(({ file }) => baseName(file)))].join(", ");
  return wish.kind === "line"
    ? `${baseName(wish.file)} is part of none of the programs that are being debugged: ${mains}.`
    : `None of the programs ${mains} has a label "${wish.kind === "label" ? wish.name : ""}".`;
}

/** Of programs without the place, one that knows the source or the local name can say why. */
const knowsOf = (program: Program, wish: PlaceWish): boolean =>
  (wish.kind === "line" && programFile(program, wish.file) !== undefined) ||
  (wish.kind === "label" && wholeNames(program, wish.name).length > 0);

/** In every VM whose program has the place. */
function bindInAll(programs: Programs["byVm"], wish: PlaceWish): Binding {
  const bindings = [...programs].map(([vm, program]) => ({ vm, program, binding: bindIn(program, wish) }));
  if (bindings.length === 1) return bindings[0]!.binding;
  const found =
    bindings.find(({ binding }) => binding.addresses.length > 0) ??
    bindings.find(({ program }) => knowsOf(program, wish));
  if (!found) return unbound(inNone(programs, wish));
  const byVm = new Map(bindings.map(({ vm, binding }) => [vm, binding.addresses]));
  return { ...found.binding, addresses: [...new Set([...byVm.values()].flat())], byVm };
}

/** Why no instruction is ever at a place. */
function noCodeAt(machine: MachineInterface, location: Location): string | undefined {
  return location.space === "linear"
    ? watchProblem(machine, location)
    : `The processor runs instructions by linear address: ${memoryReference(location)} is none.`;
}

/** Where wishes come true: the VMs with their programs. */
export interface Realm {
  readonly machine: MachineInterface;
  readonly programs: Programs;
}

/** Binds a wish to addresses of the programs of the VMs, or to memory. */
export function bind({ machine, programs }: Realm, wish: Wish, id: number): Breakpoint {
  const problem = malformed(wish);
  const bound = () => {
    if (wish.kind === "data") return bindData(machine, wish);
    const nowhere = wish.kind === "address" ? noCodeAt(machine, wish.location) : undefined;
    return nowhere === undefined ? bindInAll(programs.byVm, wish) : unbound(nowhere);
  };
  return { id, wish, ...(problem ? unbound(problem) : bound()), hits: [] };
}

/** Addresses of instructions, where there are several VMs each with those that are meant there. */
export type Spots = Pick<Breakpoint, "addresses" | "byVm">;

/** The instructions with which a line (0-based) of a source begins, in every VM whose program has it. */
export function spotsOfLine(programs: Programs, file: string, line: number): Spots {
  const byVm = new Map(
    [...programs.byVm].map(([vm, program]) => {
      const known = programFile(program, file);
      const addresses = known === undefined ? [] : program.lines.addresses(known, line);
      return [vm, addresses.map((address) => toLinear(program, address))] as const;
    }),
  );
  return { addresses: [...new Set([...byVm.values()].flat())], byVm };
}

/** Whether the vCPU in the core is at one of them. */
export const isAt = ({ addresses, byVm }: Spots, { vm, linearRip }: MachineInterface): boolean =>
  (byVm ? (byVm.get(vm) ?? []) : addresses).includes(linearRip);

/** The text of a logpoint: each `{expression}` is replaced by its value. */
export const logText = (subject: Subject, message: string): string =>
  message.replace(/\{([^{}]+)\}/g, (_, expression: string) => {
    const field = subject.event && namesEvent(expression) && eventFieldText(subject.event, expression);
    if (field) return field;
    const outcome = evaluateText(subject, expression);
    return outcome.problem === undefined ? answerText(subject, outcome) : `{${expression}: ${outcome.problem}}`;
  });

/** True if the condition holds now. One that cannot be evaluated counts as true, so that it is seen. */
export function conditionHolds(subject: Subject, condition: string | undefined): boolean {
  if (!condition) return true;
  const outcome = evaluateText(subject, condition);
  return outcome.problem !== undefined || outcome.value !== 0n;
}
