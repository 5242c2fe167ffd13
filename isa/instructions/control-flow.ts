import type { Algebra, Value } from "../algebra.ts";
import { neverBecause, type Row, type RowFacts, type Semantics, type Sensitivity } from "../instruction.ts";
import { conditions } from "./conditions.ts";
import { far, hex, isNotZero, memory, offsetBy, relative, resize, rowsOf } from "./forms.ts";
import { interrupts } from "./interrupt.ts";

const row = rowsOf("control-flow");

/** Operand size of a near branch, a call or a return. */
function branchWidth(m: Algebra): 16 | 32 | 64 {
  const { operandSize } = m.instruction;
  if (operandSize === 8) throw new TypeError("a branch has no operand size of 8");
  return operandSize;
}

// Near branches: in 64-bit mode always with 64 bits.
const near = { access: ["r"], default64: "forced" } as const;

const jump: RowFacts = {
  doc: "Continues at the target.",
  ...near,
  semantics: (m, target) => m.jump(m.target(relative(target))),
};
const jumpIndirect: RowFacts = {
  doc: "Continues at the address in the operand.",
  ...near,
  semantics: (m, target) => m.jump(m.read(target)),
};

/** The return address is pushed only where the jump will not fault. */
function callTo(m: Algebra, target: Value): void {
  m.checkJump(target);
  m.push(m.nextAddress(branchWidth(m)));
  m.jump(target);
}
const call: RowFacts = {
  doc: "Pushes the address of the following instruction and continues at the target.",
  ...near,
  semantics: (m, target) => callTo(m, m.target(relative(target))),
};
const callIndirect: RowFacts = {
  doc: "Pushes the address of the following instruction and continues at the address in the operand.",
  ...near,
  semantics: (m, target) => callTo(m, m.read(target)),
};

const returnNear: Semantics = (m, released) => {
  const width = branchWidth(m);
  const target = m.peek(width, 0);
  m.checkJump(target);
  m.release(m.constant(16, width / 8));
  if (released) m.release(m.read(released));
  m.jump(target);
};
const ret: RowFacts = {
  doc: "Pops the return address and continues there.",
  ...near,
  access: [],
  semantics: returnNear,
};

const nearBranches = [
  row("EB cb", "JMP rel8", jump),
  row("E9 cw", "JMP rel16", { ...jump, modes: "not-64" }),
  row("E9 cd", "JMP rel32", jump),
  row("FF /4", "JMP r/m16", { ...jumpIndirect, modes: "not-64" }),
  row("FF /4", "JMP r/m32", { ...jumpIndirect, modes: "not-64" }),
  row("FF /4", "JMP r/m64", { ...jumpIndirect, modes: "only-64" }),
  row("E8 cw", "CALL rel16", { ...call, modes: "not-64" }),
  row("E8 cd", "CALL rel32", call),
  row("FF /2", "CALL r/m16", { ...callIndirect, modes: "not-64" }),
  row("FF /2", "CALL r/m32", { ...callIndirect, modes: "not-64" }),
  row("FF /2", "CALL r/m64", { ...callIndirect, modes: "only-64" }),
  row("C3", "RET", ret),
  row("C2 iw", "RET imm16", {
    doc: "Pops the return address, releases that many bytes of arguments and continues there.",
    ...near,
    semantics: returnNear,
  }),
];

const conditionalJumps = conditions.flatMap(({ names, doc, holds }, number) =>
  names.flatMap((name) => {
    const facts: RowFacts = {
      doc: `Continues at the target if ${doc}.`,
      ...near,
      semantics: (m, target) => m.when(holds(m), () => m.jump(m.target(relative(target)))),
    };
    return [
      row(`${hex(0x70 + number)} cb`, `J${name} rel8`, facts),
      row(`0F ${hex(0x80 + number)} cw`, `J${name} rel16`, { ...facts, modes: "not-64" }),
      row(`0F ${hex(0x80 + number)} cd`, `J${name} rel32`, facts),
    ];
  }),
);

const loopWhile =
  (continues: (m: Algebra) => Value | undefined): Semantics =>
  (m, operand) => {
    const { addressSize } = m.instruction;
    const count = m.subtract(m.register(1, addressSize), m.constant(addressSize, 1));
    const condition = continues(m);
    const notZero = isNotZero(m, count);
    const target = m.target(relative(operand));
    m.when(
      condition ? m.and(notZero, condition) : notZero,
      () => {
        m.checkJump(target);
        m.setRegister(1, count);
        m.jump(target);
      },
      () => m.setRegister(1, count),
    );
  };

const counters = [
  [16, "CX"],
  [32, "ECX"],
  [64, "RCX"],
] as const;

/** The plain form counts in the register of the mode; NASM names another one as a second operand. */
const loop = (opcode: string, mnemonic: string, doc: string, continues: (m: Algebra) => Value | undefined): Row[] => {
  const facts: RowFacts = { doc, ...near, semantics: loopWhile(continues) };
  return [
    row(`${opcode} cb`, `${mnemonic} rel8`, facts),
    ...counters.map(([size, register]) =>
      row(`a${size} o* ${opcode} cb`, `${mnemonic} rel8, ${register}`, {
        ...facts,
        access: ["r", "rw"],
        modes: modesOfAddressSize(size),
      }),
    ),
  ];
};

const modesOfAddressSize = (size: 16 | 32 | 64) => (size === 64 ? "only-64" : size === 16 ? "not-64" : "all");

const equalDoc = "Counts rCX down and continues at the target if it is not zero and ZF = 1.";
const notEqualDoc = "Counts rCX down and continues at the target if it is not zero and ZF = 0.";

const loops = [
  ...loop("E2", "LOOP", "Counts rCX down and continues at the target if it is not zero.", () => undefined),
  ...loop("E1", "LOOPE", equalDoc, (m) => m.flags.get("ZF")),
  ...loop("E0", "LOOPNE", notEqualDoc, (m) => m.not(m.flags.get("ZF"))),
  ...counters.map(([size, register]) =>
    row(`a${size} E3 cb`, `J${register}Z rel8`, {
      doc: `Continues at the target if ${register} is zero.`,
      ...near,
      modes: modesOfAddressSize(size),
      semantics: (m, target) => m.when(m.isZero(m.register(1, size)), () => m.jump(m.target(relative(target)))),
    }),
  ),
];

// Far transfers: the privilege rules decide by CPL, and by descriptors that a VMM must own.
const farSensitivity = (robinIrvine: number, what: string): Sensitivity => ({
  kind: "control",
  by: ["mode"],
  what,
  cite: "robin-irvine",
  robinIrvine,
});
const onlyTaskSwitch = neverBecause("only a task switch exits, if the selector names a task gate or TSS");

const farPointerInMemory = (m: Algebra, operand: Parameters<Semantics>[1]) => {
  const pointer = memory(operand!);
  const address = m.address(pointer);
  const width = branchWidth(m);
  const offset = m.load(pointer, address, width);
  const selector = m.load(pointer, offsetBy(m, address, width / 8), 16);
  return { selector, offset: resize(m, offset, 64) };
};

const farPointerInInstruction = (m: Algebra, operand: Parameters<Semantics>[1]) => {
  const { selector, offset } = m.farPointer(far(operand!));
  return { selector, offset: resize(m, offset, 64) };
};

const farForms = (
  name: "farCall" | "farJump",
  opcodes: { readonly direct: string; readonly indirect: string },
  mnemonic: string,
  facts: Omit<RowFacts, "semantics">,
): Row[] => {
  const shared = { ...facts, exits: onlyTaskSwitch, access: ["r"] } as const;
  const direct: Semantics = (m, operand) => {
    const { selector, offset } = farPointerInInstruction(m, operand);
    m.call(name, selector, offset);
  };
  const indirect: Semantics = (m, operand) => {
    const { selector, offset } = farPointerInMemory(m, operand);
    m.call(name, selector, offset);
  };
  return [
    row(`${opcodes.direct} cd`, `${mnemonic} ptr16:16`, { ...shared, modes: "not-64", semantics: direct }),
    row(`${opcodes.direct} cp`, `${mnemonic} ptr16:32`, { ...shared, modes: "not-64", semantics: direct }),
    row(opcodes.indirect, `${mnemonic} m16:16`, { ...shared, semantics: indirect }),
    row(opcodes.indirect, `${mnemonic} m16:32`, { ...shared, semantics: indirect }),
    row(opcodes.indirect, `${mnemonic} m16:64`, { ...shared, modes: "only-64", semantics: indirect }),
  ];
};

const farReturn: Omit<RowFacts, "doc"> = {
  sensitivity: farSensitivity(
    15,
    "returns to the privilege level in the selector on the stack, which in a deprivileged kernel is not the one it believes to run at",
  ),
  exits: onlyTaskSwitch,
  access: ["r"],
  semantics: (m, released) => m.call("farReturn", released ? m.read(released) : m.constant(16, 0)),
};

const farTransfers = [
  ...farForms("farCall", { direct: "9A", indirect: "FF /3" }, "CALL", {
    doc: "Pushes CS and the address of the following instruction and continues in another code segment, or through a call gate.",
    sensitivity: farSensitivity(
      12,
      "checks and changes privilege by CPL and by the descriptors, and may switch stacks through the TSS",
    ),
  }),
  ...farForms("farJump", { direct: "EA", indirect: "FF /5" }, "JMP", {
    doc: "Continues in another code segment, or through a call gate.",
    sensitivity: farSensitivity(13, "checks privilege by CPL and by the descriptors"),
  }),
  row("CB", "RETF", { ...farReturn, access: [], doc: "Pops the return address and CS and continues there." }),
  row("CA iw", "RETF imm16", {
    ...farReturn,
    doc: "Pops the return address and CS, releases that many bytes of arguments and continues there.",
  }),
];

export const controlFlow: readonly Row[] = [
  ...nearBranches,
  ...conditionalJumps,
  ...loops,
  ...farTransfers,
  ...interrupts,
];
