import type { Algebra, Value } from "../algebra.ts";
import type { Row, RowFacts, Semantics } from "../instruction.ts";
import { conditions } from "./conditions.ts";
import {
  accumulator,
  hex,
  immediate,
  memory,
  modesOf,
  operandWidth,
  registerPair,
  resize,
  rowsOf,
  setRegisterPair,
  type Word,
  words,
} from "./forms.ts";

const row = rowsOf("data-movement");
const copy: Semantics = (m, destination, source) => m.write(destination, m.read(source));

const mov: RowFacts = { doc: "Copies the second operand to the first.", access: ["w", "r"], semantics: copy };

/** MOV with moffs: the address is in the instruction, without ModRM. */
function movOffset(width: 8 | Word): Row[] {
  const byte = width === 8 ? 0 : 1;
  const facts = { ...mov, ...modesOf(width) };
  return [
    row(`${hex(0xa0 + byte)} moffs`, `MOV ${accumulator[width]}, moffs${width}`, facts),
    row(`${hex(0xa2 + byte)} moffs`, `MOV moffs${width}, ${accumulator[width]}`, facts),
  ];
}

function movWord(width: Word): Row[] {
  const facts = { ...mov, ...modesOf(width) };
  const { code, syntax } = immediate[width];
  return [
    row("89 /r", `MOV r/m${width}, r${width}`, facts),
    row("8B /r", `MOV r${width}, r/m${width}`, facts),
    ...movOffset(width),
    row(`B8+r ${width === 64 ? "iq" : code}`, `MOV r${width}, imm${width}`, facts),
    row(`C7 /0 ${code}`, `MOV r/m${width}, ${syntax}`, facts),
  ];
}

const movByte = [
  row("88 /r", "MOV r/m8, r8", mov),
  row("8A /r", "MOV r8, r/m8", mov),
  ...movOffset(8),
  row("B0+r ib", "MOV r8, imm8", mov),
  row("C6 /0 ib", "MOV r/m8, imm8", mov),
];

const extend =
  (signed: boolean): Semantics =>
  (m, destination, source) => {
    const value = m.read(source);
    const width = operandWidth(destination);
    m.write(destination, signed ? m.signExtend(value, width) : m.zeroExtend(value, width));
  };

const movzx: RowFacts = {
  doc: "Copies the source, extended with zeros, to a wider register.",
  access: ["w", "r"],
  semantics: extend(false),
};
const movsx: RowFacts = {
  doc: "Copies the source, extended with its sign bit, to a wider register.",
  access: ["w", "r"],
  semantics: extend(true),
};

const extensions = words.flatMap((width) => [
  row("0F B6 /r", `MOVZX r${width}, r/m8`, { ...movzx, ...modesOf(width) }),
  row("0F BE /r", `MOVSX r${width}, r/m8`, { ...movsx, ...modesOf(width) }),
  ...(width === 16
    ? []
    : [
        row("0F B7 /r", `MOVZX r${width}, r/m16`, { ...movzx, ...modesOf(width) }),
        row("0F BF /r", `MOVSX r${width}, r/m16`, { ...movsx, ...modesOf(width) }),
      ]),
]);

const extendDoublewords = [
  row("63 /r", "MOVSXD r64, r/m32", { ...movsx, modes: "only-64" }),
  row("63 /r", "MOVSX r64, r/m32", { ...movsx, modes: "only-64" }),
  row("63 /r", "MOVSXD r32, r/m32", {
    doc: "Copies the source to the register; without REX.W nothing is left to extend.",
    access: ["w", "r"],
    modes: "only-64",
    decodedOnly: true,
    semantics: copy,
  }),
];

/** Stores to the memory operand first: it may fault, a register cannot. */
const exchange: Semantics = (m, first, second) => {
  const a = m.read(first);
  const b = m.read(second);
  const [before, after] = first.kind === "memory" ? [first, second] : [second, first];
  m.write(before, before === first ? b : a);
  m.write(after, after === first ? b : a);
};
const xchg: RowFacts = {
  doc: "Exchanges the two operands; with memory it is locked even without LOCK.",
  access: ["rw", "rw"],
  lockable: true,
  semantics: exchange,
};

const exchanges = [
  row("86 /r", "XCHG r8, r/m8", xchg),
  row("86 /r", "XCHG r/m8, r8", xchg),
  ...words.flatMap((width) => {
    const facts = { ...xchg, ...modesOf(width) };
    return [
      row("90+r", `XCHG ${accumulator[width]}, r${width}`, { ...facts, lockable: false }),
      row("90+r", `XCHG r${width}, ${accumulator[width]}`, { ...facts, lockable: false }),
      row("87 /r", `XCHG r${width}, r/m${width}`, facts),
      row("87 /r", `XCHG r/m${width}, r${width}`, facts),
    ];
  }),
];

const lea = words.map((width) =>
  row("8D /r", `LEA r${width}, m`, {
    doc: "Loads the effective address of the memory operand, without accessing memory.",
    access: ["w", "r"],
    ...modesOf(width),
    semantics: (m, destination, source) => m.write(destination, resize(m, m.address(memory(source)), width)),
  }),
);

/** The source is read, and a 32-bit destination zero-extended, even where the condition does not hold. */
const conditionalMoves = words.flatMap((width) =>
  conditions.flatMap(({ names, doc, holds }, number) =>
    names.map((name) =>
      row(`0F ${hex(0x40 + number)} /r`, `CMOV${name} r${width}, r/m${width}`, {
        doc: `Copies the source to the register if ${doc}.`,
        ...modesOf(width),
        semantics: (m, destination, source) => {
          const value = m.read(source);
          m.write(destination, m.select(holds(m), value, m.read(destination)));
        },
      }),
    ),
  ),
);

/** CBW, CWDE, CDQE: the accumulator from half its width. */
const extendAccumulator = (
  [
    [16, "CBW", "AL", "AX"],
    [32, "CWDE", "AX", "EAX"],
    [64, "CDQE", "EAX", "RAX"],
  ] as const
).map(([width, mnemonic, from, to]) =>
  row(`o${width} 98`, mnemonic, {
    doc: `Extends ${from} with its sign bit to ${to}.`,
    ...modesOf(width),
    semantics: (m) => m.setRegister(0, m.signExtend(m.register(0, half(width)), width)),
  }),
);

const half = (width: Word): 8 | 16 | 32 => (width === 64 ? 32 : width === 32 ? 16 : 8);

/** CWD, CDQ, CQO: the sign of the accumulator into all of rDX. */
const extendToPair = (
  [
    [16, "CWD", "AX", "DX"],
    [32, "CDQ", "EAX", "EDX"],
    [64, "CQO", "RAX", "RDX"],
  ] as const
).map(([width, mnemonic, from, to]) =>
  row(`o${width} 99`, mnemonic, {
    doc: `Fills ${to} with the sign bit of ${from}.`,
    ...modesOf(width),
    semantics: (m) => m.setRegister(2, m.shiftRightSigned(m.register(0, width), m.constant(width, width - 1))),
  }),
);

const bswap = [
  ...([32, 64] as const).map((width) =>
    row("0F C8+r", `BSWAP r${width}`, {
      doc: "Reverses the order of the bytes of the register.",
      ...modesOf(width),
      semantics: (m, operand) => m.write(operand, m.byteSwap(m.read(operand))),
    }),
  ),
  row("0F C8+r", "BSWAP r16", {
    doc: "Undefined for 16 bits; processors clear the register.",
    decodedOnly: true,
    semantics: (m, operand) => m.write(operand, m.constant(16, 0)),
  }),
];

/** The word value with its bytes exchanged; `byteSwap` is for 32 and 64 bits as BSWAP is. */
const swapped = (m: Algebra, value: Value): Value =>
  value.width === 16
    ? m.or(m.shiftLeft(value, m.constant(16, 8)), m.shiftRight(value, m.constant(16, 8)))
    : m.byteSwap(value);

const movbe = words.flatMap((width) => {
  const facts: RowFacts = {
    doc: "Copies the second operand to the first and reverses the order of its bytes.",
    access: ["w", "r"],
    ...modesOf(width),
    semantics: (m, destination, source) => m.write(destination, swapped(m, m.read(source))),
  };
  return [
    row("0F 38 F0 /r", `MOVBE r${width}, m${width}`, facts),
    row("0F 38 F1 /r", `MOVBE m${width}, r${width}`, facts),
  ];
});

/** The old destination goes to the source register; what is stored in memory goes first, for it may fault. */
const exchangeAndAdd: Semantics = (m, destination, source) => {
  const a = m.read(destination);
  const b = m.read(source);
  const sum = m.add(a, b);
  if (destination.kind === "memory") {
    m.write(destination, sum);
    m.write(source, a);
  } else {
    m.write(source, a);
    m.write(destination, sum);
  }
  m.flags.ofAdd(a, b, sum);
};

/** Memory is written in both cases, with the source or with its own value; a register only if the comparison succeeds. */
const compareAndExchange: Semantics = (m, destination, source) => {
  const old = m.read(destination);
  const replacement = m.read(source);
  const expected = m.register(0, operandWidth(destination));
  const same = m.equal(expected, old);
  if (destination.kind === "memory") m.write(destination, m.select(same, replacement, old));
  else m.when(same, () => m.write(destination, replacement));
  m.when(m.not(same), () => m.setRegister(0, old));
  m.flags.ofSubtract(expected, old, m.subtract(expected, old));
};

const xadd: RowFacts = {
  doc: "Exchanges the operands and stores their sum in the first.",
  access: ["rw", "rw"],
  lockable: true,
  semantics: exchangeAndAdd,
};
const cmpxchg: RowFacts = {
  doc: "Stores the source in the destination if that equals the accumulator, else loads the destination into the accumulator.",
  lockable: true,
  semantics: compareAndExchange,
};

const atomics = [
  row("0F C0 /r", "XADD r/m8, r8", xadd),
  row("0F B0 /r", "CMPXCHG r/m8, r8", cmpxchg),
  ...words.flatMap((width) => [
    row("0F C1 /r", `XADD r/m${width}, r${width}`, { ...xadd, ...modesOf(width) }),
    row("0F B1 /r", `CMPXCHG r/m${width}, r${width}`, { ...cmpxchg, ...modesOf(width) }),
  ]),
  row("o64 0F C7 /1", "CMPXCHG16B m128", {
    doc: "Stores RCX:RBX in memory if that equals RDX:RAX, else loads it into RDX:RAX; ZF tells which.",
    lockable: true,
    modes: "only-64",
    semantics: (m, destination) => m.call("compareExchange16Bytes", resize(m, m.address(memory(destination)), 64)),
  }),
  row("o* 0F C7 /1", "CMPXCHG8B m64", {
    doc: "Stores ECX:EBX in memory if that equals EDX:EAX, else loads it into EDX:EAX; ZF tells which.",
    lockable: true,
    semantics: (m, destination) => {
      const old = m.read(destination);
      const same = m.equal(old, registerPair(m, 2, 0));
      m.write(destination, m.select(same, registerPair(m, 1, 3), old));
      m.when(m.not(same), () => setRegisterPair(m, 2, 0, old));
      m.flags.set("ZF", same);
    },
  }),
];

const nothing: Semantics = () => {};
const noOperations = [
  row("90", "NOP", { doc: "Does nothing.", semantics: nothing }),
  ...words.map((width) =>
    row("0F 1F /0", `NOP r/m${width}`, {
      doc: "Does nothing; the operand makes it longer and is not accessed.",
      access: ["r"],
      ...modesOf(width),
      semantics: nothing,
    }),
  ),
];

export const dataMovement: readonly Row[] = [
  ...noOperations,
  ...movByte,
  ...words.flatMap(movWord),
  ...extensions,
  ...extendDoublewords,
  ...exchanges,
  ...lea,
  ...conditionalMoves,
  ...extendAccumulator,
  ...extendToPair,
  ...bswap,
  ...movbe,
  ...atomics,
  row("D7", "XLATB", {
    doc: "Loads AL from the table at rBX, indexed by AL.",
    implicitMemory: true,
    semantics: (m) => {
      const { addressSize, segment } = m.instruction;
      const index = resize(m, m.register(0, 8), addressSize);
      m.setRegister(0, m.load(segment ?? "ds", m.add(m.register(3, addressSize), index), 8));
    },
  }),
];
