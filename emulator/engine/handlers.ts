import { isDecidedFirst, mayLeaveGuest, type Row } from "../../isa/instruction.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { isImplemented } from "../cpu/cpuid.ts";
import { vector } from "../cpu/fault.ts";
import { JavaScriptAlgebra } from "./javascript.ts";
import { freeNames } from "./javascript-expression.ts";
import type { Needs } from "./javascript-registers.ts";
import { ByShape, type DynamicOperands, templateOf } from "./shape.ts";

type StackBits = 16 | 32 | 64;

/** What executes all instructions of one row and one shape on one processor. */
export interface Handler {
  /** Executes one instruction, or throws a `Fault`, a `VmExit` or `Unsupported` and leaves it undone. */
  readonly execute: (operands: DynamicOperands) => void;
  /** It may change more than registers, flags, memory and RIP: modes, segments, translations, pending events. */
  readonly system: boolean;
  /** It may go elsewhere than to the next instruction. */
  readonly jumps: boolean;
}

const hasChecks = (row: Row): boolean => row.privilege !== "none" || mayLeaveGuest(row) || row.protectedOnly;

/**
 * Whether the row exists in the mode, who may run it, then whether it exits (SDM Vol. 3, 26.1.1). What the processor does not
 * have raises #UD whoever runs it.
 */
function emitChecks(m: JavaScriptAlgebra, row: Row): void {
  const { privilege, protectedOnly, feature } = row;
  if (protectedOnly) m.statement(`if (cpu.realAddressing) cpu.raise(${vector.UD});`);
  if (isDecidedFirst(row)) m.statement("if (cpu.monitor?.beforePrivilege?.(d.decoded)) return;");
  // VMX instructions leave the guest before anyone asks who runs them; those that stay ask themselves.
  const exists = feature !== "VMX" && (feature === undefined || isImplemented(feature));
  if (privilege !== "none" && exists) m.statement(`cpu.checkPrivilege("${privilege}", d.decoded);`);
  if (mayLeaveGuest(row))
    m.statement("if (cpu.monitor !== undefined && cpu.monitor.beforeInstruction(d.decoded)) return;");
}

/** What a row needs around its statements shows when it is written out once. */
function needsOf(template: Decoded, stackBits: StackBits): Needs {
  const trial = new JavaScriptAlgebra(template, stackBits, { calls: false, jumps: false, stack: false });
  template.row.semantics(trial, ...template.operands);
  return { ...trial.found, calls: trial.found.calls || hasChecks(template.row) };
}

/**
 * One iteration of a repeated string instruction (SDM Vol. 2, REP): nothing at all if rCX is zero; RIP stays at the
 * instruction while iterations remain.
 */
function emitIteration(m: JavaScriptAlgebra, { row, operands, addressSize, repeat }: Decoded): void {
  const count = m.register(1, addressSize);
  m.when(m.isZero(count), () => m.finish());
  emitChecks(m, row);
  row.semantics(m, ...operands);
  const left = m.subtract(count, m.constant(addressSize, 1));
  m.setRegister(1, left);
  // The next iteration is no new instruction, which only matters where something is looked at in between.
  const stay = (): void => m.statement("if (cpu.attention) cpu.midRepeat(); return;");
  m.when(m.not(m.isZero(left)), () => {
    if (row.repeat !== "equal") stay();
    else m.when(repeat === "rep" ? m.flags.get("ZF") : m.not(m.flags.get("ZF")), stay);
  });
}

/** Body of a function of `d`, the `DynamicOperands`, over the names of `freeNames` and of the processor's views. */
function bodyOf(template: Decoded, stackBits: StackBits, needs: Needs): string {
  const m = new JavaScriptAlgebra(template, stackBits, needs);
  if (needs.calls) m.prepareNext();
  if (needs.stack) m.statement(`let sp = ${m.stackPointer};`);
  if (template.repeat === "none") {
    emitChecks(m, template.row);
    template.row.semantics(m, ...template.operands);
  } else emitIteration(m, template);
  m.finish();
  return m.body;
}

/** A function that makes the handler for one processor. */
interface Factory {
  readonly make: (...free: readonly unknown[]) => Handler["execute"];
  readonly system: boolean;
  readonly jumps: boolean;
}

const views = ["r8", "r16", "r32", "u32", "r64"] as const;
const names = ["cpu", ...views, ...Object.keys(freeNames)];

function compile(decoded: Decoded, stackBits: StackBits): Factory {
  const template = templateOf(decoded);
  const needs = needsOf(template, stackBits);
  const source = `"use strict";\nreturn (d) => {\n${bodyOf(template, stackBits, needs)}\n};`;
  return { make: new Function(...names, source) as Factory["make"], system: needs.calls, jumps: needs.jumps };
}

/** Made once for all processors. */
const factories = new ByShape<Factory>();

/** The handlers of one processor, made as they are needed. */
export class Handlers {
  readonly #made = new ByShape<Handler>();
  readonly #free: readonly unknown[];

  constructor(cpu: Cpu) {
    this.#free = [cpu, ...views.map((view) => cpu[view]), ...Object.values(freeNames)];
  }

  of(decoded: Decoded, stackBits: StackBits): Handler {
    return this.#made.of(decoded, stackBits, () => {
      const { make, system, jumps } = factories.of(decoded, stackBits, () => compile(decoded, stackBits));
      return { execute: make(...this.#free), system, jumps };
    });
  }
}
