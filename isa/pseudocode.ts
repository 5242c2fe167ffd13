import type { Algebra, Exception, FlagAlgebra, Value, Values } from "./algebra.ts";
import type { StatusFlag } from "./flags.ts";
import { number, operandText, registerText } from "./format.ts";
import type { Decoded, FarPointer, Memory, Operand, Relative } from "./operands.ts";
import type { SegmentName, Width } from "./registers.ts";
import { type SystemCall, type SystemCalls, systemCalls } from "./system.ts";
import { formOf } from "./table.ts";

/** An expression in text. `strength` is how tightly it binds: higher needs no parentheses inside lower. */
interface Expression extends Value {
  readonly id: number;
  readonly text: string;
  readonly strength: number;
  /** What it reads, and the state of each of these then; a later write makes the text untrue. */
  readonly reads: ReadonlyMap<string, number>;
}

const atom = 9;

/** What a first reading finds out, so that the second one can give names to values. */
interface Findings {
  /** Number of uses by id. */
  readonly uses: Map<number, number>;
  /** Ids of values used after what they read was overwritten. */
  readonly stale: Set<number>;
}

/** Prints the operations in the order in which they happen, as assignments and conditions. */
class Printer implements Algebra {
  readonly instruction: Decoded;
  readonly lines: string[] = [];
  readonly flags: FlagAlgebra;
  private readonly findings: Findings;
  private readonly known: Findings | undefined;
  private readonly versions = new Map<string, number>();
  private indent = "";
  private count = 0;
  private names = 0;

  /** With the findings of an earlier reading, values used often or overwritten since are named. */
  constructor(instruction: Decoded, known?: Findings) {
    this.instruction = instruction;
    this.known = known;
    this.findings = { uses: new Map(), stale: new Set() };
    this.flags = this.flagWords();
  }

  get found(): Findings {
    return this.findings;
  }

  private line(text: string): void {
    this.lines.push(this.indent + text);
  }

  private make(width: Width | 1, text: string, strength: number, reads: ReadonlyMap<string, number>): Expression {
    const id = this.count++;
    const uses = this.known?.uses.get(id) ?? 0;
    const worthNaming = strength < atom || text.endsWith(")") || text.startsWith("memory");
    if (this.known?.stale.has(id) || (uses > 1 && worthNaming)) {
      const name = `t${++this.names}`;
      this.line(`${name} ← ${text}`);
      return { id, width, text: name, strength: atom, reads: new Map() };
    }
    return { id, width, text, strength, reads };
  }

  /** Counts a use, notes staleness, and gives the text, in parentheses where needed. */
  private use(value: Value, strength = 0): string {
    const expression = value as Expression;
    this.findings.uses.set(expression.id, (this.findings.uses.get(expression.id) ?? 0) + 1);
    if (this.isStale(expression)) this.findings.stale.add(expression.id);
    return expression.strength < strength ? `(${expression.text})` : expression.text;
  }

  private isStale({ reads }: Expression): boolean {
    for (const [place, version] of reads) if ((this.versions.get(place) ?? 0) !== version) return true;
    return false;
  }

  private readsOf(...values: readonly Value[]): Map<string, number> {
    return new Map(values.flatMap((value) => [...(value as Expression).reads]));
  }

  private binary(a: Value, b: Value, operator: string, strength: number, width = a.width): Expression {
    const left = this.use(a, strength);
    return this.make(width, `${left} ${operator} ${this.use(b, strength + 1)}`, strength, this.readsOf(a, b));
  }

  private function(name: string, width: Width | 1, ...args: readonly Value[]): Expression {
    const texts = args.map((arg) => this.use(arg));
    return this.make(width, `${name}(${texts.join(", ")})`, atom, this.readsOf(...args));
  }

  private place(name: string, key: string, width: Width | 1): Expression {
    return this.make(width, name, atom, new Map([[key, this.versions.get(key) ?? 0]]));
  }

  private assign(name: string, key: string, value: Value): void {
    this.line(`${name} ← ${this.use(value)}`);
    this.versions.set(key, (this.versions.get(key) ?? 0) + 1);
  }

  private keyOf(operand: Operand): string {
    if (operand.kind === "memory") return "memory";
    return operand.kind === "register" ? this.keyOfRegister(operand.class, operand.number) : "constant";
  }

  private keyOfRegister(kind: string, register: number): string {
    return `${kind === "high-byte" ? "general" : kind}${register}`;
  }

  private nameOf(operand: Operand): string {
    return operandText(operand, this.instruction, formOf(this.instruction.row));
  }

  private widthOf(operand: Operand): Width {
    const width = "width" in operand ? operand.width : undefined;
    return width === undefined || width === 80 || width === 128 ? this.instruction.operandSize : width;
  }

  read(operand: Operand): Value {
    return this.place(this.nameOf(operand), this.keyOf(operand), this.widthOf(operand));
  }
  write(operand: Operand, value: Value): void {
    this.assign(this.nameOf(operand), this.keyOf(operand), value);
  }
  address(operand: Memory): Value {
    return this.make(operand.addressSize, `address of ${this.nameOf(operand)}`, 1, new Map());
  }
  target(operand: Relative): Value {
    return this.place(this.nameOf(operand), "constant", this.instruction.operandSize);
  }
  farPointer(operand: FarPointer) {
    const text = this.nameOf(operand);
    return {
      selector: this.place(`selector of ${text}`, "constant", 16),
      offset: this.place(`offset of ${text}`, "constant", operand.width),
    };
  }
  register(register: number, width: Width): Value {
    const text = registerText({ class: "general", number: register, width });
    return this.place(text, this.keyOfRegister("general", register), width);
  }
  setRegister(register: number, value: Value): void {
    const width = value.width === 1 ? 8 : value.width;
    const text = registerText({ class: "general", number: register, width });
    this.assign(text, this.keyOfRegister("general", register), value);
  }
  highByte(register: number): Value {
    return this.place(registerText({ class: "high-byte", number: register, width: 8 }), `general${register}`, 8);
  }
  setHighByte(register: number, value: Value): void {
    this.assign(registerText({ class: "high-byte", number: register, width: 8 }), `general${register}`, value);
  }

  constant(width: Width | 1, value: number | bigint): Value {
    return this.make(width, number(BigInt(value)), atom, new Map());
  }
  add(a: Value, b: Value): Value {
    return this.binary(a, b, "+", 5);
  }
  subtract(a: Value, b: Value): Value {
    return this.binary(a, b, "-", 5);
  }
  multiply(a: Value, b: Value): Value {
    return this.binary(a, b, "×", 6);
  }
  multiplyHigh(a: Value, b: Value, signed: boolean): Value {
    return this.function(signed ? "highHalfOfSignedProduct" : "highHalfOfProduct", a.width, a, b);
  }
  divide(a: Value, b: Value, signed: boolean): Value {
    return this.binary(a, b, signed ? "÷ (signed)" : "÷", 6);
  }
  remainder(a: Value, b: Value, signed: boolean): Value {
    return this.binary(a, b, signed ? "mod (signed)" : "mod", 6);
  }
  and(a: Value, b: Value): Value {
    return this.binary(a, b, "and", 2);
  }
  or(a: Value, b: Value): Value {
    return this.binary(a, b, "or", 2);
  }
  xor(a: Value, b: Value): Value {
    return this.binary(a, b, "xor", 2);
  }
  not(a: Value): Value {
    return this.make(a.width, `not ${this.use(a, 7)}`, 7, this.readsOf(a));
  }
  negate(a: Value): Value {
    return this.make(a.width, `-${this.use(a, 7)}`, 7, this.readsOf(a));
  }
  shiftLeft(a: Value, count: Value): Value {
    return this.binary(a, count, "<<", 4);
  }
  shiftRight(a: Value, count: Value): Value {
    return this.binary(a, count, ">>", 4);
  }
  shiftRightSigned(a: Value, count: Value): Value {
    return this.binary(a, count, ">> (signed)", 4);
  }
  equal(a: Value, b: Value): Value {
    return this.binary(a, b, "=", 3, 1);
  }
  lessUnsigned(a: Value, b: Value): Value {
    return this.binary(a, b, "<", 3, 1);
  }
  lessSigned(a: Value, b: Value): Value {
    return this.binary(a, b, "< (signed)", 3, 1);
  }
  isZero(a: Value): Value {
    return this.make(1, `${this.use(a, 4)} = 0`, 3, this.readsOf(a));
  }
  bit(a: Value, index: number): Value {
    return this.make(1, `${this.use(a, 8)}[${index}]`, 8, this.readsOf(a));
  }
  select(condition: Value, a: Value, b: Value): Value {
    const text = `${this.use(condition, 2)} ? ${this.use(a, 2)} : ${this.use(b, 2)}`;
    return this.make(a.width, text, 1, this.readsOf(condition, a, b));
  }
  zeroExtend(a: Value, width: Width): Value {
    return a.width === width ? a : this.function(`zeroExtend${width}`, width, a);
  }
  signExtend(a: Value, width: Width): Value {
    return a.width === width ? a : this.function(`signExtend${width}`, width, a);
  }
  truncate(a: Value, width: Width | 1): Value {
    if (a.width === width) return a;
    const bits = width === 1 ? "0" : `${width - 1}:0`;
    return this.make(width, `${this.use(a, 8)}[${bits}]`, 8, this.readsOf(a));
  }
  lowestBit(a: Value): Value {
    return this.function("lowestSetBit", a.width, a);
  }
  highestBit(a: Value): Value {
    return this.function("highestSetBit", a.width, a);
  }
  bitCount(a: Value): Value {
    return this.function("countOfSetBits", a.width, a);
  }
  byteSwap(a: Value): Value {
    return this.function("byteSwap", a.width, a);
  }

  private memoryText(segment: SegmentName | Memory, address: Value, width: Width | 1): string {
    const name = typeof segment === "string" ? segment : segment.segment;
    return `memory${width}[${name}:${this.use(address)}]`;
  }
  load(segment: SegmentName | Memory, address: Value, width: Width): Value {
    const text = this.memoryText(segment, address, width);
    const reads = this.readsOf(address).set("memory", this.versions.get("memory") ?? 0);
    return this.make(width, text, atom, reads);
  }
  store(segment: SegmentName | Memory, address: Value, value: Value): void {
    this.assign(this.memoryText(segment, address, value.width), "memory", value);
  }
  /** Faults that the following lines can raise anyway are left out of the text. */
  checkStore(): void {}
  needVectors(): void {}
  checkAligned(operand: Memory): void {
    this.line(`raise #GP unless ${this.nameOf(operand)} is aligned to 16 bytes`);
  }
  part(operand: Operand, index: 0 | 1): Value {
    return this.place(this.nameOfPart(operand, index), `${this.keyOf(operand)}.${index}`, 64);
  }
  setPart(operand: Operand, index: 0 | 1, value: Value): void {
    this.assign(this.nameOfPart(operand, index), `${this.keyOf(operand)}.${index}`, value);
  }
  storeParts(operand: Memory, low: Value, high: Value): void {
    for (const [index, value] of ([low, high] as const).entries())
      this.assign(this.nameOfPart(operand, index === 0 ? 0 : 1), "memory", value);
  }
  private nameOfPart(operand: Operand, index: 0 | 1): string {
    return `${this.nameOf(operand)}.${index === 0 ? "low" : "high"}`;
  }
  push(value: Value): void {
    this.line(`push ${this.use(value)}`);
    this.versions.set("stack", (this.versions.get("stack") ?? 0) + 1);
    this.versions.set("general4", (this.versions.get("general4") ?? 0) + 1);
  }
  pop(width: Width): Value {
    this.versions.set("general4", (this.versions.get("general4") ?? 0) + 1);
    return this.make(width, "pop()", atom, new Map());
  }
  peek(width: Width, offset: number): Value {
    return this.place(offset === 0 ? `top of stack` : `stack[${offset}]`, "stack", width);
  }
  release(bytes: Value): void {
    this.line(`${registerText({ class: "general", number: 4, width: this.instruction.bits })} += ${this.use(bytes)}`);
    this.versions.set("stack", (this.versions.get("stack") ?? 0) + 1);
    this.versions.set("general4", (this.versions.get("general4") ?? 0) + 1);
  }

  when(condition: Value, then: () => void, otherwise?: () => void): void {
    this.line(`if ${this.use(condition)}:`);
    this.block(then);
    if (!otherwise) return;
    this.line("else:");
    this.block(otherwise);
  }
  private block(body: () => void): void {
    const outer = this.indent;
    this.indent = `${outer}  `;
    body();
    this.indent = outer;
  }
  jump(target: Value): void {
    this.line(`jump to ${this.use(target)}`);
  }
  checkJump(): void {}
  nextAddress(width: Width): Value {
    return this.place("address of the next instruction", "constant", width);
  }
  raise(exception: Exception, errorCode?: number): void {
    this.line(`raise #${exception}${errorCode === undefined ? "" : `(${errorCode})`}`);
  }
  call<N extends SystemCall>(name: N, ...args: Values<SystemCalls[N]["args"]>): Value {
    const { result } = systemCalls[name];
    if (name === "x87" || name === "vector" || name === "mmx") this.line(this.byMnemonic());
    else return this.called(name, args as readonly Value[], result);
    return this.make(8, name, atom, new Map());
  }

  /** What a unit does by itself, with the name of the instruction for it: `xmm0 ← addps(xmm0, xmm1)`. */
  private byMnemonic(): string {
    const { row, operands } = this.instruction;
    const of = (how: "r" | "w"): string =>
      operands
        .filter((_, n) => row.access[n]?.includes(how))
        .map((operand) => this.nameOf(operand))
        .join(", ");
    const written = of("w");
    return `${written && `${written} ← `}${row.mnemonic}(${of("r")})`;
  }

  private called(name: SystemCall, args: readonly Value[], result: Width | undefined): Value {
    const text = `${name}(${args.map((arg) => this.use(arg)).join(", ")})`;
    const id = this.count;
    if (result === undefined || (this.known && !this.known.uses.get(id))) this.line(text);
    return this.make(result ?? 8, text, atom, new Map());
  }

  /** What the flags come from: the expression while it is still true, else its name. */
  private flagsOf(names: string, what: string, value?: Value): void {
    const expression = value as Expression | undefined;
    const text = expression && !this.isStale(expression) && expression.text.length < 40 ? expression.text : what;
    this.line(`${names} ← from ${text}`);
  }

  private flagWords(): FlagAlgebra {
    const all = "CF, PF, AF, ZF, SF, OF";
    const flag = (name: string) => this.place(name, `flag${name}`, 1);
    return {
      get: (name: StatusFlag) => flag(name),
      set: (name: StatusFlag, value: Value) => this.assign(name, `flag${name}`, value),
      direction: () => flag("DF"),
      setCarryAndOverflow: (carry, overflow) => {
        this.line(`CF ← ${this.use(carry)}`);
        this.line(`OF ← ${this.use(overflow)}`);
      },
      ofShift: (result, carry, overflow) => {
        this.flagsOf("PF, ZF, SF", "the result", result);
        this.line(`CF ← ${this.use(carry)}`);
        this.line(`OF ← ${this.use(overflow)}`);
      },
      ofAdd: (_a, _b, result) => this.flagsOf(all, "the sum", result),
      ofSubtract: (_a, _b, result) => this.flagsOf(all, "the difference", result),
      ofIncrement: (_a, result) => this.flagsOf("PF, AF, ZF, SF, OF", "the sum", result),
      ofDecrement: (_a, result) => this.flagsOf("PF, AF, ZF, SF, OF", "the difference", result),
      ofLogic: (result) => {
        this.flagsOf("PF, ZF, SF", "the result", result);
        this.line("CF, OF, AF ← 0");
      },
      ofResult: (result) => this.flagsOf("PF, ZF, SF", "the result", result),
    };
  }
}

/** What the instruction does, one step in a line: its own semantics, printed. */
export function pseudocode(instruction: Decoded): string {
  const { row, operands } = instruction;
  const first = new Printer(instruction);
  row.semantics(first, ...operands);
  const second = new Printer(instruction, first.found);
  row.semantics(second, ...operands);
  return second.lines.join("\n");
}
