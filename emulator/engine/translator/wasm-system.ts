import type { Value, Values } from "../../../isa/algebra.ts";
import type { Width } from "../../../isa/registers.ts";
import type { SystemCall, SystemCalls } from "../../../isa/system.ts";
import { cpuBase, layout } from "../../cpu/layout.ts";
import { segmentNumber } from "../../cpu/state.ts";
import { hostFunction } from "./frame.ts";
import { Untranslatable, WasmInstruction } from "./wasm-instruction.ts";

/** Control registers that are nothing but a number when they are read. */
const controlOffsets: Readonly<Partial<Record<number, number>>> = {
  0: layout.cr0,
  2: layout.cr2,
  3: layout.cr3,
  4: layout.cr4,
  8: layout.cr8,
};
const EAX = 0;

/** What a procedure without a result gives; no row uses it. */
const noValue: Value = { width: 8 };

/**
 * Procedures of the CPU that translated code has the host do while it stays in its region: what changes translations or
 * reaches devices, and nothing else that a region takes for granted.
 */
export abstract class WasmSystem extends WasmInstruction {
  /** Variables for an answer of CPUID: whether there is one, to which leaf, and EAX, ECX, EDX, EBX. */
  #answer: { readonly known: number; readonly leaf: number; readonly results: readonly number[] } | undefined;

  call<N extends SystemCall>(name: N, ...args: Values<SystemCalls[N]["args"]>): Value {
    const values = args as readonly Value[];
    if (name === "cpuid") return this.#cpuid();
    if (name === "invalidatePage") return this.#invalidatePage(values[0]!);
    if (name === "portIn") return this.#input(values[0]!, values[1]!);
    if (name === "portOut") return this.#output(values);
    throw new Untranslatable(name);
  }

  /** Without a monitor a control register reads as it is. */
  protected readControl(number: number, width: Width): Value {
    const offset = controlOffsets[number];
    if (offset === undefined) throw new Untranslatable("control register");
    return this.state(width === 64 ? "i64.load" : "i32.load", width, offset);
  }

  protected writeControl(number: number, value: Value): void {
    if (number !== 3) throw new Untranslatable("control register");
    const high = value.width === 64 ? this.shiftRight(value, this.constant(64, 32)) : this.constant(32, 0);
    this.put(this.truncate(value, 32));
    this.put(this.truncate(high, 32));
    this.ask("loadCr3", this.constant(32, this.site.next), this.fuelLeft(true));
  }

  /** Where the segment has a base, compatibility mode has rules of its own for addresses beyond 4 GiB. */
  #invalidatePage(address: Value): Value {
    const { segments, bits } = this.frame.context;
    const operand = this.instruction.operands[0];
    const segment = segmentNumber[operand?.kind === "memory" ? operand.segment : "ds"];
    const flat = segments[segment]?.startsWith("flat");
    if (!flat && bits !== 64) throw new Untranslatable("segment");
    this.put(flat ? address : this.add(address, this.frame.segmentBase(segment)));
    this.code.op("f64.convert_i64_s");
    this.ask("invalidate", this.constant(32, this.site.next), this.fuelLeft(true));
    return noValue;
  }

  /** Devices tell when and where they were accessed. */
  #tellPlace(): void {
    this.code.i32(cpuBase);
    this.code.i64(this.site.rip);
    this.code.memory("i64.store", layout.rip);
  }

  #input(port: Value, bytes: Value): Value {
    this.#tellPlace();
    this.ask("input", port, bytes, this.fuelLeft(false));
    return this.state("i32.load", 32, layout.registers + 8 * EAX);
  }

  #output([port, bytes, value]: readonly Value[]): Value {
    this.#tellPlace();
    this.ask("output", port!, bytes!, value!, this.fuelLeft(false));
    return noValue;
  }

  /**
   * The host answers in the state block, whose registers are not in use while the region runs, and says whether that is the
   * answer to the leaf for good: such a one is remembered while the region runs.
   */
  #cpuid(): Value {
    const { code } = this;
    this.#answer ??= {
      known: code.local("i32"),
      leaf: code.local("i32"),
      results: [0, 1, 2, 3].map(() => code.local("i32")),
    };
    const { known, leaf, results } = this.#answer;
    const asked = this.register(EAX, 32);
    code.get(known);
    this.put(asked);
    code.get(leaf);
    code.op("i32.eq", "i32.and", "i32.eqz");
    code.if();
    this.put(asked);
    code.tee(leaf);
    this.put(this.register(1, 32));
    code.call(hostFunction("cpuid"));
    code.set(known);
    for (const [number, local] of results.entries()) {
      code.i32(cpuBase);
      code.memory("i32.load", layout.registers + 8 * number);
      code.set(local);
    }
    code.op("end");
    for (const [number, local] of results.entries()) {
      code.get(local);
      this.setRegister(number, this.keep(32));
    }
    return noValue;
  }
}
