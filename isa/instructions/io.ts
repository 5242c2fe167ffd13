import type { Algebra, Value } from "../algebra.ts";
import { exitsWhen, type Row, type RowFacts, type Semantics, type Sensitivity } from "../instruction.ts";
import { resize, rowsOf } from "./forms.ts";
import {
  advanceDestination,
  advanceSource,
  checkDestination,
  elements,
  loadSource,
  storeDestination,
} from "./string.ts";

const row = rowsOf("io");

const devices: Sensitivity = {
  kind: "control",
  what: "reaches the devices, which belong to the virtual machine monitor",
  cite: "popek-goldberg",
};

const facts = {
  privilege: "io",
  sensitivity: devices,
  exits: exitsWhen("IO_INSTRUCTION", "unconditional I/O exiting, or I/O bitmaps"),
} as const;

type Element = 8 | 16 | 32;

const readPort = (m: Algebra, port: Value, width: Element): Value =>
  resize(m, m.call("portIn", port, m.constant(8, width / 8)), width);

const writePort = (m: Algebra, port: Value, value: Value, width: Element): void => {
  m.call("portOut", port, m.constant(8, width / 8), resize(m, value, 32));
};

const input =
  (width: Element): Semantics =>
  (m, destination, port) =>
    m.write(destination, readPort(m, resize(m, m.read(port), 16), width));

const output =
  (width: Element): Semantics =>
  (m, port, source) =>
    writePort(m, resize(m, m.read(port), 16), m.read(source), width);

const ports = (
  [
    [8, 0, "AL"],
    [16, 1, "AX"],
    [32, 1, "EAX"],
  ] as const
).flatMap(([width, wide, accumulator]) => {
  const noun = { 8: "byte", 16: "word", 32: "doubleword" }[width];
  const opcode = (byte: number) => (byte + wide).toString(16).toUpperCase();
  const read: RowFacts = {
    doc: `Reads a ${noun} from the I/O port.`,
    ...facts,
    access: ["w", "r"],
    semantics: input(width),
  };
  const write: RowFacts = {
    doc: `Writes a ${noun} to the I/O port.`,
    ...facts,
    access: ["r", "r"],
    semantics: output(width),
  };
  return [
    row(`${opcode(0xe4)} ib`, `IN ${accumulator}, imm8`, read),
    row(opcode(0xec), `IN ${accumulator}, DX`, read),
    row(`${opcode(0xe6)} ib`, `OUT imm8, ${accumulator}`, write),
    row(opcode(0xee), `OUT DX, ${accumulator}`, write),
  ];
});

/** The store is checked first: what a port gives once it may not give again. */
const inputString =
  (width: Element): Semantics =>
  (m) => {
    checkDestination(m, width);
    storeDestination(m, readPort(m, m.register(2, 16), width));
    advanceDestination(m, width);
  };

const outputString =
  (width: Element): Semantics =>
  (m) => {
    writePort(m, m.register(2, 16), loadSource(m, width), width);
    advanceSource(m, width);
  };

const strings = elements.flatMap(({ width, suffix, size, noun }) => {
  if (width === 64) return [];
  const [inOpcode, outOpcode] = width === 8 ? ["6C", "6E"] : ["6D", "6F"];
  return [
    row(`${size}${inOpcode}`, `INS${suffix}`, {
      doc: `Reads a ${noun} from port DX to ES:rDI and moves the pointer on.`,
      ...facts,
      repeat: "count",
      semantics: inputString(width),
    }),
    row(`${size}${outOpcode}`, `OUTS${suffix}`, {
      doc: `Writes the ${noun} at rSI to port DX and moves the pointer on.`,
      ...facts,
      repeat: "count",
      semantics: outputString(width),
    }),
  ];
});

export const io: readonly Row[] = [...ports, ...strings];
