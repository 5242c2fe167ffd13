import type { Decoded } from "../../../isa/operands.ts";
import { byteNumber, code, memory, number, register, trapCode, vmm } from "./code.ts";
import { slot } from "./places.ts";
import type { Rule } from "./rules.ts";
import type { GuestState } from "./unit.ts";
import type { UnitWriter } from "./unit-writer.ts";

/** What translated code takes for granted, and another unit is made where it is not so. */
export interface Conditions {
  /** The guest's IOPL. */
  readonly iopl: number;
}

type Sequence = (writer: UnitWriter, decoded: Decoded, conditions: Conditions) => void;

const eax = register("eax");
const ecx = register("ecx");
const keepEax = code("mov", vmm(slot.eax), eax);
const keepEcx = code("mov", vmm(slot.ecx), ecx);
const giveEax = code("mov", eax, vmm(slot.eax));
const giveEcx = code("mov", ecx, vmm(slot.ecx));
const both = { saved: ["eax", "ecx"] } as const;
const onlyEax = { saved: ["eax"] } as const;
const onlyEcx = { saved: ["ecx"] } as const;
const IF = 0x200;
/** IF and IOPL as they stand in the second byte of EFLAGS. */
const interruptBit = 2;
const virtualFlagsByte = vmm(slot.flags + 1, 8);
const overTrap = [0xe3, trapCode.length] as const;

/** Where ECX is the low byte of the target: to the cache's own table, and from there on. */
const lookUp = code("jmp", vmm(slot.lookup, 32, { index: "ecx", scale: 4 }));
const arrived: GuestState = { rip: "target", ...onlyEcx };

const selectors = { 1: slot.cs, 2: slot.ss, 5: slot.gs } as const;

function selectorSlot({ operands }: Decoded): number {
  const found = operands.find((operand) => operand.kind === "register" && operand.class === "segment");
  const place = found?.kind === "register" ? selectors[found.number as keyof typeof selectors] : undefined;
  if (place === undefined) throw new Error("a selector that the processor itself holds");
  return place;
}

const relativeTarget = ({ operands }: Decoded, next: number): number => {
  const [target] = operands;
  if (target?.kind !== "relative") throw new Error("a jump without a distance");
  return (next + target.distance) >>> 0;
};

/** The bytes of CALL or JMP r/m32 as MOV ECX, r/m32: another opcode and register, the same operand. */
function loadTarget(bytes: readonly number[]): readonly number[] {
  const opcode = bytes.indexOf(0xff);
  const modrm = bytes[opcode + 1]!;
  return [...bytes.slice(0, opcode), 0x8b, (modrm & 0xc7) | (1 << 3), ...bytes.slice(opcode + 2)];
}

const low8 = code("movzx", ecx, register("cl"));
const storeTarget = code("mov", vmm(slot.target), ecx);

/** CLI and STI change the guest's IF, which only the VMM's data hold. */
const writeFlags = (value: number): readonly number[] => code("mov", virtualFlagsByte, byteNumber(value));

const sequences: Readonly<Record<Rule, Sequence>> = {
  identical: (w) => w.put(w.source.bytes, w.before(), { retires: true }),

  callout: (w) => w.callout(w.before()),

  "conditional-jump": (w, decoded) => {
    const target = relativeTarget(decoded, w.source.next);
    w.jump("taken", target, w.before(), { retires: true }, conditionOf(w.source.bytes));
    w.fallThrough(w.source.next);
  },

  jump: (w, decoded) => w.jump("jump", relativeTarget(decoded, w.source.next), w.before(), { retires: true }),

  call: (w, decoded) => {
    const target = relativeTarget(decoded, w.source.next);
    w.put(code("push", number(w.source.next)), w.before(), { retires: true });
    w.jump("jump", target, { rip: target });
  },

  /** LOOP and JECXZ have no long form: they jump over the way on, to the way round. */
  loop: (w, decoded) => {
    const target = relativeTarget(decoded, w.source.next);
    w.put([...w.source.bytes.slice(0, -1), 5], w.before(), { retires: true });
    w.jump("jump", w.source.next, w.after());
    w.jump("taken", target, { rip: target });
  },

  "indirect-jump": (w) => {
    w.put(keepEcx, w.before());
    w.put(loadTarget(w.source.bytes), w.before());
    w.put(storeTarget, w.before(onlyEcx));
    w.put(low8, w.before(onlyEcx));
    w.put(lookUp, w.before(onlyEcx), { retires: true });
  },

  "indirect-call": (w) => {
    w.put(keepEcx, w.before());
    w.put(loadTarget(w.source.bytes), w.before());
    w.put(storeTarget, w.before(onlyEcx));
    w.put(code("push", number(w.source.next)), w.before(onlyEcx), { retires: true });
    w.put(low8, arrived);
    w.put(lookUp, arrived);
  },

  return: (w, { operands }) => {
    const [released] = operands;
    const more = released?.kind === "immediate" ? Number(released.value) : 0;
    w.put(code("pop", vmm(slot.target)), w.before());
    if (more > 0)
      w.put(code("lea", register("esp"), memory({ base: "esp", displacement: more })), w.before({ stack: -4 }));
    const popped = { stack: -4 - more };
    w.put(keepEcx, w.before(popped));
    w.put(code("movzx", ecx, vmm(slot.target, 8)), w.before(popped));
    w.put(lookUp, w.before({ ...popped, ...onlyEcx }), { retires: true });
  },

  cli: (w, _, { iopl }) => w.put(writeFlags(iopl << 4), w.before(), { retires: true }),

  /** An interrupt that waits is the VMM's to deliver: then it executes the STI. */
  sti: (w, _, { iopl }) => {
    w.put(keepEcx, w.before());
    w.put(code("mov", ecx, vmm(slot.pending)), w.before());
    w.put(overTrap, w.before(onlyEcx));
    w.callout(w.before(onlyEcx));
    w.castShadow();
    w.put(code("mov", ecx, vmm(slot.flags)), w.before(onlyEcx));
    w.put(code("mov", vmm(slot.flagsBefore), ecx), w.before(onlyEcx));
    w.put(writeFlags(interruptBit | (iopl << 4)), w.before(onlyEcx), { retires: true });
    w.put(giveEcx, w.after(onlyEcx));
  },

  /** The real image has IF = 1 and IOPL = 0: the guest's own bits take their place, by LEA, which changes no flag. */
  pushf: (w) => {
    const top = memory({ base: "esp", size: 32 });
    const pushed = { stack: 4 };
    w.put(code("pushfd"), w.before());
    w.put(keepEax, w.before(pushed));
    w.put(code("mov", eax, top), w.before(pushed));
    w.put(keepEcx, w.before({ ...pushed, ...onlyEax }));
    w.put(code("mov", ecx, vmm(slot.flags)), w.before({ ...pushed, ...onlyEax }));
    w.put(code("lea", eax, memory({ base: "eax", index: "ecx", displacement: -IF })), w.before({ ...pushed, ...both }));
    w.put(code("mov", top, eax), w.before({ ...pushed, ...both }), { retires: true });
    w.put(giveEcx, w.after(both));
    w.put(giveEax, w.after(onlyEax));
  },

  /** Images that set TF, change the IOPL, or let a waiting interrupt in are the VMM's. The real POPF leaves IF and IOPL alone. */
  popf: (w) => {
    w.put(keepEax, w.before());
    w.put(code("movzx", eax, memory({ base: "esp", displacement: 1, size: 8 })), w.before());
    w.put(keepEcx, w.before(onlyEax));
    w.put(code("movzx", ecx, vmm(slot.oddFlags, 8, { base: "eax" })), w.before(onlyEax));
    w.put(overTrap, w.before(both));
    w.callout(w.before(both));
    w.put(code("movzx", eax, vmm(slot.virtualFlags, 8, { base: "eax" })), w.before(both));
    w.put(code("popfd"), w.before(both), { retires: true });
    w.put(code("mov", virtualFlagsByte, register("al")), w.after({ ...both, flagsInAl: true }));
    w.put(giveEcx, w.after(both));
    w.put(giveEax, w.after(onlyEax));
  },

  "read-selector": (w, decoded) => {
    const [destination] = decoded.operands;
    if (destination?.kind !== "register") throw new Error("a selector that goes to no register");
    const width = destination.width === 16 ? 16 : 32;
    const name = { 16: names16, 32: names32 }[width][destination.number]!;
    w.put(code("mov", register(name), vmm(selectorSlot(decoded), width)), w.before(), { retires: true });
  },

  "push-selector": (w, decoded) => w.put(code("push", vmm(selectorSlot(decoded))), w.before(), { retires: true }),
};

const names32 = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"] as const;
const names16 = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"] as const;

/** The condition of Jcc: 70–7F with a byte behind, or 0F 80–8F with four. */
function conditionOf(bytes: readonly number[]): number {
  const long = bytes.at(-6) === 0x0f;
  return bytes.at(long ? -5 : -2)! & 15;
}

/** Writes what stands for the instruction at hand. */
export function translate(rule: Rule, writer: UnitWriter, decoded: Decoded, conditions: Conditions): void {
  sequences[rule](writer, decoded, conditions);
}
