import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { memory, operandWidth, rowsOf, type Word, words } from "./forms.ts";

const row = rowsOf("stack");

/** The stack is 64 bits wide in 64-bit mode: there are no 32-bit pushes. */
const modesOfStack = (width: Word) =>
  width === 64
    ? ({ modes: "only-64", default64: true } as const)
    : width === 32
      ? ({ modes: "not-64" } as const)
      : ({ default64: true } as const);

const push: RowFacts = {
  doc: "Pushes the operand onto the stack.",
  access: ["r"],
  semantics: (m, source) => m.push(m.read(source)),
};

const popRegister: Semantics = (m, destination) => m.write(destination, m.pop(operandWidth(destination)));

/** A base of rSP is used as it is after the pop, but the stack pointer moves only when the store has succeeded. */
const popMemory: Semantics = (m, destination) => {
  const width = operandWidth(destination);
  const value = m.peek(width, 0);
  m.store(memory(destination), m.address(memory(destination), width / 8), value);
  m.release(m.constant(16, width / 8));
};

const pop: RowFacts = {
  doc: "Pops the top of the stack into the operand.",
  access: ["w"],
  semantics: (m, destination) => (destination.kind === "memory" ? popMemory : popRegister)(m, destination),
};

const perWidth = words.flatMap((width) => {
  const modes = modesOfStack(width);
  return [
    row("50+r", `PUSH r${width}`, { ...push, ...modes }),
    row("58+r", `POP r${width}`, { ...pop, ...modes }),
    row("FF /6", `PUSH r/m${width}`, { ...push, ...modes }),
    row("8F /0", `POP r/m${width}`, { ...pop, ...modes }),
    row(`o${width} 6A ib`, "PUSH simm8", {
      ...push,
      ...modes,
      doc: "Pushes the byte, sign-extended to the operand size.",
    }),
    row(
      `o${width} 68 ${width === 16 ? "iw" : "id"}`,
      width === 16 ? "PUSH imm16" : width === 32 ? "PUSH imm32" : "PUSH simm32",
      { ...push, ...modes },
    ),
  ];
});

const pushAll: RowFacts = {
  doc: "Pushes AX, CX, DX, BX, the old SP, BP, SI and DI at the operand size.",
  modes: "not-64",
  semantics: (m) => m.call("pushAll"),
};
const popAll: RowFacts = {
  doc: "Pops DI, SI, BP, BX, DX, CX and AX at the operand size and skips SP.",
  modes: "not-64",
  semantics: (m) => m.call("popAll"),
};

const leave: Semantics = (m) => {
  const { bits, operandSize } = m.instruction;
  if (bits !== 64) {
    m.call("leave");
    return;
  }
  const frame = m.register(5, 64);
  const caller = m.load("ss", frame, operandSize);
  m.setRegister(4, m.add(frame, m.constant(64, operandSize / 8)));
  m.setRegister(5, caller);
};

export const stack: readonly Row[] = [
  ...perWidth,
  row("o16 60", "PUSHA", pushAll),
  row("o32 60", "PUSHAD", pushAll),
  row("o16 61", "POPA", popAll),
  row("o32 61", "POPAD", popAll),
  row("C8 iw ib", "ENTER imm16, imm8", {
    doc: "Makes a stack frame of that many bytes, at that nesting level.",
    access: ["r", "r"],
    default64: true,
    semantics: (m, size, level) => m.call("enter", m.read(size), m.read(level)),
  }),
  row("C9", "LEAVE", {
    doc: "Releases the stack frame: copies rBP to rSP and pops rBP.",
    default64: true,
    semantics: leave,
  }),
];
