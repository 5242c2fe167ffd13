/** A small encoder of WebAssembly modules: one function over an imported memory (WebAssembly Core Specification, 5). */

export type ValueType = "i32" | "i64";

const valueTypes = { i32: 0x7f, i64: 0x7e, f64: 0x7c } as const satisfies Record<ValueType | "f64", number>;

/** What a module asks of its host besides the memory; functions give an i32. */
export interface Imports {
  /** Mutable. */
  readonly globals: readonly (readonly [name: string, type: ValueType])[];
  readonly functions: readonly (readonly [name: string, parameters: readonly (keyof typeof valueTypes)[]])[];
}

/** Opcodes without immediates. */
const plainOpcodes = {
  unreachable: 0x00,
  else: 0x05,
  end: 0x0b,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  "i32.eqz": 0x45,
  "i32.eq": 0x46,
  "i32.ne": 0x47,
  "i32.lt_s": 0x48,
  "i32.lt_u": 0x49,
  "i32.gt_u": 0x4b,
  "i32.le_u": 0x4d,
  "i32.ge_u": 0x4f,
  "i64.eqz": 0x50,
  "i64.eq": 0x51,
  "i64.ne": 0x52,
  "i64.lt_s": 0x53,
  "i64.lt_u": 0x54,
  "i64.gt_u": 0x56,
  "i32.clz": 0x67,
  "i32.ctz": 0x68,
  "i32.popcnt": 0x69,
  "i32.add": 0x6a,
  "i32.sub": 0x6b,
  "i32.mul": 0x6c,
  "i32.div_s": 0x6d,
  "i32.div_u": 0x6e,
  "i32.rem_s": 0x6f,
  "i32.rem_u": 0x70,
  "i32.and": 0x71,
  "i32.or": 0x72,
  "i32.xor": 0x73,
  "i32.shl": 0x74,
  "i32.shr_s": 0x75,
  "i32.shr_u": 0x76,
  "i32.rotl": 0x77,
  "i64.clz": 0x79,
  "i64.ctz": 0x7a,
  "i64.popcnt": 0x7b,
  "i64.add": 0x7c,
  "i64.sub": 0x7d,
  "i64.mul": 0x7e,
  "i64.div_s": 0x7f,
  "i64.div_u": 0x80,
  "i64.rem_s": 0x81,
  "i64.rem_u": 0x82,
  "i64.and": 0x83,
  "i64.or": 0x84,
  "i64.xor": 0x85,
  "i64.shl": 0x86,
  "i64.shr_s": 0x87,
  "i64.shr_u": 0x88,
  "i32.wrap_i64": 0xa7,
  "i64.extend_i32_s": 0xac,
  "i64.extend_i32_u": 0xad,

  "f64.add": 0xa0,
  "f64.convert_i32_u": 0xb8,
  "f64.convert_i64_s": 0xb9,
  "i32.extend8_s": 0xc0,
  "i32.extend16_s": 0xc1,
  "i64.extend8_s": 0xc2,
  "i64.extend16_s": 0xc3,
  "i64.extend32_s": 0xc4,
} as const;
export type Opcode = keyof typeof plainOpcodes;

/** Loads and stores with the binary logarithm of their natural alignment. */
const memoryOpcodes = {
  "i32.load": [0x28, 2],
  "i64.load": [0x29, 3],
  "f64.load": [0x2b, 3],
  "i32.load8_u": [0x2d, 0],
  "i32.load16_u": [0x2f, 1],
  "i32.store": [0x36, 2],
  "i64.store": [0x37, 3],
  "f64.store": [0x39, 3],
  "i32.store8": [0x3a, 0],
  "i32.store16": [0x3b, 1],
} as const;
export type MemoryOpcode = keyof typeof memoryOpcodes;

/** Bytes that grow. */
class Bytes {
  #data = new Uint8Array(256);
  length = 0;

  push(byte: number): void {
    if (this.length === this.#data.length) this.#grow(1);
    this.#data[this.length++] = byte;
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#data.length) this.#grow(bytes.length);
    this.#data.set(bytes, this.length);
    this.length += bytes.length;
  }

  #grow(by: number): void {
    const larger = new Uint8Array(2 * this.#data.length + by);
    larger.set(this.#data);
    this.#data = larger;
  }

  /** What is there now; valid until more is added. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.#data.subarray(0, this.length);
  }

  /** Appends an unsigned LEB128 number. */
  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.push((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.push(rest);
  }

  /** Appends a signed LEB128 number of 32 bits. */
  signed32(value: number): void {
    let rest = value | 0;
    for (;;) {
      const byte = rest & 0x7f;
      rest >>= 7;
      if (rest === (byte << 25) >> 31) {
        this.push(byte);
        return;
      }
      this.push(byte | 0x80);
    }
  }

  /** Appends a signed LEB128 number of 64 bits. */
  signed64(value: bigint): void {
    let rest = BigInt.asIntN(64, value);
    while (rest < -64n || rest > 63n) {
      this.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.push(Number(rest & 0x7fn));
  }
}

/** The body of a function under construction. Labels are counted outwards from the innermost block, as in the format. */
export class Code {
  #bytes = new Bytes();
  readonly #locals: ValueType[] = [];
  readonly #parameters: number;
  readonly #free: Readonly<Record<ValueType, number[]>> = { i32: [], i64: [] };
  #taken: number[] = [];
  /** Blocks open now. */
  depth = 0;

  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  /** A new local variable, zero at first. */
  local(type: ValueType): number {
    this.#locals.push(type);
    return this.#parameters + this.#locals.length - 1;
  }

  /** A local variable that can be given back. Hosts compile faster where there are few. */
  temporary(type: ValueType): number {
    const local = this.#free[type].pop() ?? this.local(type);
    this.#taken.push(local);
    return local;
  }

  /** The temporaries taken since the last call of this. */
  takeTemporaries(): number[] {
    const taken = this.#taken;
    this.#taken = [];
    return taken;
  }

  /** Gives temporaries back: nobody reads them any more. */
  release(temporaries: readonly number[]): void {
    for (const local of temporaries) this.#free[this.#locals[local - this.#parameters]!].push(local);
  }

  /** Runs `write`, after which the temporaries it took are free. */
  briefly(write: () => void): void {
    const before = this.takeTemporaries();
    write();
    this.release(this.takeTemporaries());
    this.#taken = before;
  }

  get bytes(): Uint8Array {
    return this.#bytes.view;
  }

  get locals(): readonly ValueType[] {
    return this.#locals;
  }

  /** Writes code that goes before all that is there. */
  prepend(write: () => void): void {
    const rest = this.#bytes;
    this.#bytes = new Bytes();
    write();
    this.#bytes.append(rest.view);
  }

  op(...opcodes: readonly Opcode[]): void {
    for (const opcode of opcodes) {
      this.#bytes.push(plainOpcodes[opcode]);
      if (opcode === "end") this.depth--;
    }
  }

  get(local: number): void {
    this.#bytes.push(0x20);
    this.#bytes.unsigned(local);
  }
  set(local: number): void {
    this.#bytes.push(0x21);
    this.#bytes.unsigned(local);
  }
  tee(local: number): void {
    this.#bytes.push(0x22);
    this.#bytes.unsigned(local);
  }

  getGlobal(index: number): void {
    this.#bytes.push(0x23);
    this.#bytes.unsigned(index);
  }

  i32(value: number): void {
    this.#bytes.push(0x41);
    this.#bytes.signed32(value);
  }
  i64(value: bigint): void {
    this.#bytes.push(0x42);
    this.#bytes.signed64(value);
  }

  /** Address (and value) are on the stack; `offset` is added to the address without wrapping. Alignment is a hint only. */
  memory(opcode: MemoryOpcode, offset: number): void {
    const [byte, alignment] = memoryOpcodes[opcode];
    this.#bytes.push(byte);
    this.#bytes.push(alignment);
    this.#bytes.unsigned(offset);
  }

  /** Calls a function by its number: imported ones come first. */
  call(index: number): void {
    this.#bytes.push(0x10);
    this.#bytes.unsigned(index);
  }

  #open(opcode: number): void {
    this.#bytes.push(opcode);
    this.#bytes.push(0x40);
    this.depth++;
  }
  block(): void {
    this.#open(0x02);
  }
  loop(): void {
    this.#open(0x03);
  }
  if(): void {
    this.#open(0x04);
  }
  br(label: number): void {
    this.#bytes.push(0x0c);
    this.#bytes.unsigned(label);
  }
  brIf(label: number): void {
    this.#bytes.push(0x0d);
    this.#bytes.unsigned(label);
  }
  brTable(labels: readonly number[], otherwise: number): void {
    this.#bytes.push(0x0e);
    this.#bytes.unsigned(labels.length);
    for (const label of labels) this.#bytes.unsigned(label);
    this.#bytes.unsigned(otherwise);
  }
}

function section(to: Bytes, id: number, content: Uint8Array): void {
  to.push(id);
  to.unsigned(content.length);
  to.append(content);
}

function name(text: string): number[] {
  const bytes = Array.from(text, (character) => character.charCodeAt(0));
  return [bytes.length, ...bytes];
}

/** Local declarations: runs of one type. */
function declareLocals(to: Bytes, locals: readonly ValueType[]): void {
  const runs: { type: ValueType; count: number }[] = [];
  for (const type of locals) {
    const last = runs.at(-1);
    if (last?.type === type) last.count++;
    else runs.push({ type, count: 1 });
  }
  to.unsigned(runs.length);
  for (const { type, count } of runs) {
    to.unsigned(count);
    to.push(valueTypes[type]);
  }
}

/** Imports by kind: function 0 with its type, memory 2, mutable global 3. */
function importEntries({ globals, functions }: Imports): number[][] {
  const machine = name("machine");
  return [
    [...machine, ...name("memory"), 0x02, 0x00, 0x01],
    ...functions.map(([field], n) => [...machine, ...name(field), 0x00, 1 + n]),
    ...globals.map(([field, type]) => [...machine, ...name(field), 0x03, valueTypes[type], 0x01]),
  ];
}

const functionType = (parameters: readonly (keyof typeof valueTypes)[]): number[] => [
  0x60,
  parameters.length,
  ...parameters.map((type) => valueTypes[type]),
  1,
  valueTypes.i32,
];

/**
 * A module that exports `code` as the function `run`, with `i32` parameters and an `i32` result. It imports the memory
 * `machine.memory`, and what is given, as fields of `machine` too.
 */
export function encodeModule(
  code: Code,
  parameters: number,
  imports: Imports = { globals: [], functions: [] },
): Uint8Array<ArrayBuffer> {
  const module = new Bytes();
  module.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
  const types = [new Array<"i32">(parameters).fill("i32"), ...imports.functions.map(([, types]) => types)];
  section(module, 1, Uint8Array.of(types.length, ...types.flatMap(functionType)));
  const entries = importEntries(imports);
  section(module, 2, Uint8Array.of(entries.length, ...entries.flat()));
  section(module, 3, Uint8Array.of(1, 0));
  section(module, 7, Uint8Array.of(1, ...name("run"), 0x00, imports.functions.length));
  const body = new Bytes();
  declareLocals(body, code.locals);
  body.append(code.bytes);
  body.push(plainOpcodes.end);
  const sized = new Bytes();
  sized.push(1);
  sized.unsigned(body.length);
  sized.append(body.view);
  section(module, 10, sized.view);
  return module.view;
}
