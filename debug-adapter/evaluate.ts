import type { AddressSpace, MachineInterface } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import { fieldNamed } from "../emulator/vmm/control-fields.ts";
import { absentText, type FieldName, fieldIn, fieldText, writeField } from "./control-fields.ts";
import { eventField, namesEvent } from "./event-fields.ts";
import { type BinaryOperator, type Expression, namesIn, parseExpression } from "./expression.ts";
import { addressOfLabel, constantNamed, hexadecimal, type Program, placeOf, placeText, toLinear } from "./program.ts";
import { maskOf, type Registers, readRegisters, registerPart, writeRegister } from "./registers.ts";

/** What an expression is evaluated against. */
export interface Subject {
  readonly machine: MachineInterface;
  readonly program: Program;
  /** The event that a breakpoint is about, of which expressions can ask. */
  readonly event?: MachineEvent;
}

export interface Location {
  readonly space: AddressSpace;
  readonly address: bigint;
}

export interface Answer {
  readonly value: bigint;
  /** Bits, where what was asked for has a width of its own. */
  readonly width: number | undefined;
  readonly kind: "register" | "label" | "memory" | "field" | "number";
  /** Where it lies in memory (`memory`), or what it points to (`label`). */
  readonly location?: Location;
  /** What it is, for hovers. */
  readonly doc?: string;
  readonly problem?: never;
}

export type Outcome = Answer | { readonly problem: string };

/** Thrown and caught within this file only. */
class Unanswerable extends Error {}

const spaces: Readonly<Record<string, AddressSpace>> = {
  lin: "linear",
  gpa: "guest-physical",
  hpa: "host-physical",
};

/** One evaluation: the registers are read once, if at all. */
class Evaluation {
  readonly #subject: Subject;
  #read: Registers | undefined;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  get #registers(): Registers {
    this.#read ??= readRegisters(this.#subject.machine);
    return this.#read;
  }

  answer(expression: Expression): Answer {
    switch (expression.kind) {
      case "number":
        return { kind: "number", value: expression.value, width: undefined };
      case "name":
        return this.#name(expression.name);
      case "memory":
        return this.#memory(expression);
      case "translation":
        return this.#translation(expression);
      case "unary":
        return this.#unary(expression);
      case "binary":
        return this.#binary(expression);
    }
  }

  #name(name: string): Answer {
    const { machine, program, event } = this.#subject;
    if (event && namesEvent(name)) return eventAnswer(eventField(event, name));
    if (name === "$") return { kind: "number", value: machine.rip, width: machine.bits };
    const part = registerPart(this.#registers, name);
    if (part) return { kind: "register", value: part.value, width: part.width, doc: part.view.doc };
    const label = addressOfLabel(program, name, machine.linearRip);
    if (label !== undefined) {
      const location = { space: "linear", address: toLinear(program, label) } as const;
      return { kind: "label", value: label, width: undefined, location, doc: "label" };
    }
    const constant = constantNamed(program, name);
    if (constant !== undefined) return { kind: "number", value: constant, width: undefined, doc: "constant" };
    const field = fieldIn(name);
    if (field) return this.#field(field);
    throw new Unanswerable(`there is no register, flag, label or constant "${name}"`);
  }

  #field({ block, name }: FieldName): Answer {
    const field = fieldNamed(block, name);
    if (!field) throw new Unanswerable(`the ${block.toUpperCase()} has no field "${name}"`);
    const value = this.#subject.machine.controlField(field);
    if (value === undefined) throw new Unanswerable(absentText(this.#subject.machine, field));
    return { kind: "field", value, width: field.width, doc: fieldText(field) };
  }

  /** A label stands for where it is; anything else is a linear address, or with a segment register an offset in that. */
  #translation({ to, place, address }: Expression & { kind: "translation" }): Answer {
    const { machine } = this.#subject;
    const plain = place === undefined ? this.answer(address) : undefined;
    const linear = plain ? (plain.location ?? { address: plain.value }).address : this.#locate(place, address).address;
    const found = to === "gpa" ? machine.guestPhysicalOf(linear) : hostPhysicalOf(machine, linear);
    if (found === undefined) throw new Unanswerable(`linear address ${hexadecimal(linear)} is not mapped`);
    return { kind: "number", value: found, width: 64 };
  }

  #unary({ operator, operand }: Expression & { kind: "unary" }): Answer {
    const { value, width } = this.answer(operand);
    const limit = maskOf(width ?? 64);
    if (operator === "!") return { kind: "number", value: value === 0n ? 1n : 0n, width: 1 };
    const result = operator === "~" ? ~value & limit : operator === "-" ? -value : value;
    return { kind: "number", value: result, width };
  }

  #binary({ operator, left, right }: Expression & { kind: "binary" }): Answer {
    const a = this.answer(left);
    if (operator === "&&" && a.value === 0n) return truth(false);
    if (operator === "||" && a.value !== 0n) return truth(true);
    const b = this.answer(right);
    const width = a.width === undefined ? b.width : b.width === undefined ? a.width : Math.max(a.width, b.width);
    // Operands with a width are compared at it, so that `al == -1` means what it says.
    const limit = maskOf(width ?? 64);
    const comparison = compare(operator, a.value & limit, b.value & limit);
    if (comparison !== undefined) return truth(comparison);
    return { kind: "number", value: arithmetic(operator, a.value, b.value), width };
  }

  /** Linear base that a segment register adds. 64-bit code uses only the bases of FS and GS. */
  #segmentBase(segment: string): bigint {
    if (this.#subject.machine.bits === 64 && segment !== "fs" && segment !== "gs") return 0n;
    const base = this.#registers.get(`${segment.toUpperCase()}.BASE`);
    if (!base) throw new Unanswerable(`"${segment}" is neither a segment register nor gpa or hpa`);
    return base.value;
  }

  #locate(place: string | undefined, address: Expression): Location {
    const space = spaces[place ?? ""];
    const { value } = this.answer(address);
    if (space) return { space, address: value & maskOf(64) };
    const names = namesIn(address).map((name) => name.toLowerCase());
    const onStack = names.some((name) => /^[re]?[bs]p$/.test(name));
    const segment = place ?? (onStack ? "ss" : "ds");
    const { bits } = this.#subject.machine;
    const wrap = names.some((name) => /^(b[xp]|[sd]i|sp)$/.test(name)) ? 16 : bits === 64 ? 64 : 32;
    const linear = this.#segmentBase(segment) + (value & maskOf(wrap));
    return { space: "linear", address: linear & maskOf(bits === 64 ? 64 : 32) };
  }

  #memory({ width, place, address }: Expression & { kind: "memory" }): Answer {
    const bits = width ?? this.#subject.machine.bits;
    const location = this.#locate(place, address);
    const bytes = this.#subject.machine.readMemory(location.space, location.address, bits / 8);
    let value = 0n;
    for (const [n, byte] of bytes.entries()) {
      if (byte === undefined)
        throw new Unanswerable(`${location.space} address ${hexadecimal(location.address + BigInt(n))} is not mapped`);
      value |= BigInt(byte) << BigInt(8 * n);
    }
    return { kind: "memory", value, width: bits, location };
  }
}

function hostPhysicalOf(machine: MachineInterface, linear: bigint): bigint | undefined {
  const { host } = machine.walk(linear);
  return host === undefined ? undefined : BigInt(`0x${host}`);
}

function eventAnswer(value: bigint | string): Answer {
  if (typeof value === "string") throw new Unanswerable(value);
  return { kind: "number", value, width: undefined };
}

const truth = (value: boolean): Answer => ({ kind: "number", value: value ? 1n : 0n, width: 1 });

function compare(operator: BinaryOperator, a: bigint, b: bigint): boolean | undefined {
  switch (operator) {
    case "=":
    case "==":
      return a === b;
    case "!=":
    case "<>":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
    case "&&":
    case "||":
      return b !== 0n;
    default:
      return undefined;
  }
}

function arithmetic(operator: BinaryOperator, a: bigint, b: bigint): bigint {
  if ((operator === "/" || operator === "%") && b === 0n) throw new Unanswerable("division by zero");
  if ((operator === "<<" || operator === ">>") && (b < 0n || b > 63n))
    throw new Unanswerable(`a shift count must be 0 to 63, not ${b}`);
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a % b;
    case "<<":
      return a << b;
    case ">>":
      return a >> b;
    case "&":
      return a & b;
    case "|":
      return a | b;
    default:
      return a ^ b;
  }
}

/** The value of a parsed expression, or one sentence on why it has none. */
function evaluateExpression(subject: Subject, expression: Expression): Outcome {
  try {
    return new Evaluation(subject).answer(expression);
  } catch (error) {
    if (error instanceof Unanswerable) return { problem: error.message };
    throw error;
  }
}

export function evaluateText(subject: Subject, text: string): Outcome {
  const { expression, problem } = parseExpression(text);
  return expression ? evaluateExpression(subject, expression) : { problem };
}

const assignmentPattern = /^(?<target>.*?[^=!<>])=(?!=)(?<value>.*)$/s;

/** The two sides of `eax = 5` or `byte [label] = 'x'`; undefined if the text is no assignment. */
export function assignmentIn(text: string): { readonly target: string; readonly value: string } | undefined {
  const groups = assignmentPattern.exec(text)?.groups;
  return groups ? { target: groups["target"]!.trim(), value: groups["value"]!.trim() } : undefined;
}

function littleEndian(value: bigint, width: number): Uint8Array {
  return Uint8Array.from({ length: width / 8 }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}

/** A label may have the name of a field: it cannot be written either. */
function assignName(subject: Subject, name: string, value: bigint): Outcome {
  const field = fieldIn(name);
  const before = field && evaluateText(subject, name);
  if (before?.problem !== undefined) return before;
  const isField = field && before?.kind === "field";
  const done = isField ? writeField(subject.machine, field, value) : writeRegister(subject.machine, name, value);
  return done === true ? evaluateText(subject, name) : { problem: done };
}

/** Writes a register, a flag, a field of the control block or memory; gives its new value. */
export function assign(subject: Subject, target: string, text: string): Outcome {
  const source = evaluateText(subject, text);
  if (source.problem !== undefined) return source;
  const parsed = parseExpression(target);
  if (!parsed.expression) return { problem: parsed.problem };
  if (parsed.expression.kind === "name") return assignName(subject, parsed.expression.name, source.value);
  const place = evaluateExpression(subject, parsed.expression);
  if (place.problem !== undefined) return place;
  const { location, width = 0, kind } = place;
  if (kind !== "memory" || !location)
    return { problem: `"${target}" is not a register, a flag, a field of the control block or memory` };
  if (source.value > maskOf(width) || source.value < -(1n << BigInt(width - 1)))
    return { problem: `${source.value} does not fit in ${width} bits` };
  const written = subject.machine.writeMemory(location.space, location.address, littleEndian(source.value, width));
  if (written < width / 8)
    return { problem: `${location.space} address ${hexadecimal(location.address + BigInt(written))} is not mapped` };
  return evaluateText(subject, target);
}

/** A value as the debugger shows it: hexadecimal at its width, then, unless `plain`, decimal, then what it may mean. */
export function answerText({ program }: Subject, { value, width, kind }: Answer, plain = false): string {
  if (width === 1) return value.toString();
  const unsigned = value & maskOf(width ?? 64);
  const hex = hexadecimal(unsigned, width ?? 0);
  if (kind === "label" || plain) return hex;
  const signed = BigInt.asIntN(width ?? 64, unsigned);
  const decimal = signed === unsigned ? `${unsigned}` : `${unsigned}, ${signed}`;
  const place = width !== undefined && width > 8 ? placeOf(program, toLinear(program, unsigned)) : undefined;
  const character = unsigned >= 0x20n && unsigned < 0x7fn ? ` '${String.fromCharCode(Number(unsigned))}'` : "";
  return `${hex} (${decimal})${character}${place ? ` ${placeText(place)}` : ""}`;
}
