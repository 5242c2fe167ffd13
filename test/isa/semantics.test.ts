import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { exceptionName } from "../../emulator/cpu/exception-names.ts";
import { layout, ramBase } from "../../emulator/cpu/layout.ts";
import { flagMask } from "../../isa/flags.ts";
import { registerNamed } from "../../isa/registers.ts";
import { codeAt, createProcessor, type Processor } from "../support/processor.ts";

/** One line of a file in `semantics/`; `arithmetic.txt` says how they are written. */
interface Example {
  readonly bits: 32 | 64;
  readonly code: string;
  readonly before: string;
  readonly after: string;
}

const folder = new URL("semantics/", import.meta.url);
const flagNames = ["CF", "PF", "AF", "ZF", "SF", "DF", "OF"] as const;
const isFlag = (text: string): text is (typeof flagNames)[number] => flagNames.some((name) => name === text);
const stackPointer = 0x20100n;
const dataAt = 0x20000;
const dataBytes = 0x200;

function examplesOf(file: string): Example[] {
  let bits: 32 | 64 = 64;
  const examples: Example[] = [];
  for (const line of readFileSync(new URL(file, folder), "utf8").split("\n")) {
    const mode = /^bits (32|64)$/.exec(line);
    if (mode) bits = mode[1] === "32" ? 32 : 64;
    else if (line !== "" && !line.startsWith(";")) {
      const [code, before, after] = line.split("|").map((part) => part.trim());
      if (code === undefined || before === undefined || after === undefined) throw new Error(`${file}: ${line}`);
      examples.push({ bits, code, before, after });
    }
  }
  return examples;
}

/** Registers of the x87 and vector units by name: where they are in the state block, and their bytes. */
type Place = readonly [at: number, bytes: number];
const named = (prefix: string, count: number, at: number, bytes: number): [string, Place][] =>
  Array.from({ length: count }, (_, n) => [`${prefix}${n}`, [at + 16 * n, bytes]]);
const floatingRegisters: ReadonlyMap<string, Place> = new Map([
  ...named("st", 8, layout.x87Registers, 10),
  ...named("mm", 8, layout.x87Registers, 8),
  ...named("xmm", 16, layout.xmm, 16),
  ["fcw", [layout.x87Control, 2]],
  ["fsw", [layout.x87Status, 2]],
  ["empty", [layout.x87Empty, 1]],
  ["mxcsr", [layout.mxcsr, 4]],
]);
const floatingBytes = layout.mxcsr + 4 - layout.x87Registers;

/** Their state in which every example begins: as FNINIT leaves it, registers 0, all exceptions of SSE masked. */
function blankFloating(): Uint8Array {
  const block = new Uint8Array(floatingBytes);
  for (const [name, value] of [
    ["fcw", 0x37f],
    ["empty", 0xff],
    ["mxcsr", 0x1f80],
  ] as const)
    setFloating(block, name, value.toString(16));
  return block;
}

/** Writes a register, if it is one of these. `st0` is register 0, which is the top of the stack unless `fsw` says otherwise.  */
function setFloating(block: Uint8Array, name: string, hex: string): boolean {
  const found = floatingRegisters.get(name);
  if (!found) return false;
  const [at, bytes] = found;
  block.set(bytesOf(hex.padStart(2 * bytes, "0")).reverse(), at - layout.x87Registers);
  return true;
}

/** What can be seen of a processor: general registers, the memory from `dataAt` on, flags by name, x87 and vectors. */
interface State {
  readonly registers: bigint[];
  readonly floating: Uint8Array;
  readonly memory: Uint8Array;
  flags: Set<string>;
}

const blank = (): State => ({
  registers: Array.from({ length: 16 }, (_, n) => (n === 4 ? stackPointer : 0n)),
  memory: new Uint8Array(dataBytes),
  floating: blankFloating(),
  flags: new Set(),
});

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));

/** Sets what `text` names. Flags that are named are set; the others are clear. */
function apply(text: string, state: State): void {
  state.flags = new Set();
  for (const word of text.split(/\s+/).filter((part) => part !== "")) {
    const [, address, bytes] = /^\[([0-9a-f]+)\]=([0-9a-f]+)$/.exec(word) ?? [];
    const [, name, value] = /^(\w+)=([0-9a-f]+)$/.exec(word) ?? [];
    const register = name === undefined ? undefined : registerNamed(name);
    if (name !== undefined && value !== undefined && setFloating(state.floating, name, value)) continue;
    if (isFlag(word)) state.flags.add(word);
    else if (address !== undefined && bytes !== undefined)
      state.memory.set(bytesOf(bytes), Number.parseInt(address, 16) - dataAt);
    else if (register?.class === "general" && register.width >= 32)
      state.registers[register.number] = BigInt(`0x${value}`);
    else throw new Error(`"${word}" is neither flag, register nor memory`);
  }
}

function load({ cpu, engine }: Processor, code: Uint8Array, state: State): void {
  cpu.bytes.set(code, ramBase + codeAt);
  engine.forget();
  cpu.rip = codeAt;
  for (const [n, value] of state.registers.entries()) cpu.r64[n] = value;
  cpu.bytes.set(state.memory, ramBase + dataAt);
  cpu.r8.set(state.floating, layout.x87Registers);
  cpu.r64[layout.cr4 >> 3]! |= 0x600n;
  cpu.flags = flagNames.reduce((image, name) => image | (state.flags.has(name) ? flagMask(name) : 0), 2);
}

/** Opcode and pointers of the last x87 instruction are left out: processors differ in when they remember them. */
function floatingOf(cpu: Processor["cpu"]): Uint8Array {
  const block = cpu.r8.slice(layout.x87Registers, layout.x87Registers + floatingBytes);
  return block.fill(0, layout.x87Opcode - layout.x87Registers, layout.mxcsr - layout.x87Registers);
}

const stateOf = ({ cpu }: Processor): State => ({
  registers: Array.from({ length: 16 }, (_, n) => cpu.r64[n]!),
  memory: cpu.bytes.slice(ramBase + dataAt, ramBase + dataAt + dataBytes),
  floating: floatingOf(cpu),
  flags: new Set(flagNames.filter((name) => (cpu.flags & flagMask(name)) !== 0)),
});

/** Runs until the end of the code; the exception that kept it from getting there, if any. */
function execute({ cpu, engine }: Processor, end: number): string | undefined {
  let exception: string | undefined;
  cpu.observer = {
    exception: ({ vector }) => {
      exception ??= exceptionName(vector);
    },
  };
  for (let steps = 0; steps < 100 && cpu.rip !== end && exception === undefined; steps++) engine.step();
  if (exception === undefined && cpu.rip !== end) throw new Error("the code does not end");
  return exception;
}

/** What a state is compared by: everything but the flags the manual leaves undefined. */
const visible = (state: State, ignored: readonly string[]) => ({
  registers: state.registers.map((value) => value.toString(16)),
  memory: Buffer.from(state.memory).toString("hex"),
  floating: [...floatingRegisters].map(([name, [at, bytes]]) => {
    const from = at - layout.x87Registers;
    return `${name} ${Buffer.from(state.floating.slice(from, from + bytes))
      .reverse()
      .toString("hex")}`;
  }),
  flags: [...state.flags].filter((name) => !ignored.some((flag) => flag === name)).sort(),
});

/** Processors are kept for the next example of their kind, with the handlers they have made. */
const processors = new Map<string, Processor>();

function processor(bits: 32 | 64, threshold: number | undefined): Processor {
  const kind = `${bits} ${threshold}`;
  const made =
    processors.get(kind) ?? createProcessor({ bits, code: [], ...(threshold === undefined ? {} : { threshold }) });
  processors.set(kind, made);
  return made;
}

function check({ bits, code, before, after }: Example, threshold: number | undefined): void {
  const source = `bits ${bits}\norg ${codeAt}\n${code.replaceAll("; ", "\n")}\n`;
  const { bytes, problems, emitted } = assemble({ file: "example.asm", text: source });
  expect(problems).toEqual([]);
  const made = processor(bits, threshold);
  const state = blank();
  apply(before, state);
  load(made, bytes, state);
  const exception = execute(made, codeAt + bytes.length);
  if (exception !== undefined) processors.clear();
  if (after.startsWith("#")) {
    expect(exception).toBe(after);
    return;
  }
  expect(exception).toBeUndefined();
  apply(after, state);
  const ignored = emitted.length === 1 ? (emitted[0]?.decoded?.row.undefinedFlags ?? []) : [];
  expect(visible(stateOf(made), ignored)).toEqual(visible(state, ignored));
}

const engines = [
  ["interpreter", undefined],
  ["translator", 1],
] as const;
const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));

describe.each(engines)("%s", (_, threshold) => {
  describe.each(files)("%s", (file) => {
    test.each(examplesOf(file))("$code | $before", (example) => check(example, threshold));
  });
});
