import type { MachineInterface, RegisterView } from "../emulator/machine-interface.ts";
import { registerName, registerNamed } from "../isa/registers.ts";

/** A register, or the part of one that a name means (AL, EAX of RAX, …). */
export interface RegisterPart {
  readonly name: string;
  readonly view: RegisterView;
  /** Lowest bit and number of bits within the register that the machine has. */
  readonly shift: bigint;
  readonly width: number;
  readonly value: bigint;
}

export const maskOf = (width: number): bigint => (1n << BigInt(width)) - 1n;

export type Registers = ReadonlyMap<string, RegisterView>;

/** The machine's registers now, by upper-case name. */
export const readRegisters = (machine: MachineInterface): Registers =>
  new Map(machine.registers().map((view) => [view.name.toUpperCase(), view]));

/** Names under which the machine may show the register that holds `name`, widest first. */
function holders(name: string): { readonly names: readonly string[]; readonly shift: bigint; readonly width: number } {
  const pointer = /^([RE]?)(IP|FLAGS)$/.exec(name);
  if (pointer)
    return {
      names: [`R${pointer[2]}`, `E${pointer[2]}`, pointer[2]!],
      shift: 0n,
      width: pointer[1] === "R" ? 64 : pointer[1] === "E" ? 32 : 16,
    };
  const known = registerNamed(name);
  if (known?.class !== "general" && known?.class !== "high-byte") return { names: [], shift: 0n, width: 0 };
  const names = ([64, 32, 16] as const).map((width) => registerName("general", known.number, width).toUpperCase());
  return { names, shift: known.class === "high-byte" ? 8n : 0n, width: known.width };
}

/** The register that `name` means, in any letter case; undefined if there is none in the present mode. */
export function registerPart(registers: Registers, name: string): RegisterPart | undefined {
  const upper = name.toUpperCase();
  const exact = registers.get(upper);
  if (exact) return { name: exact.name, view: exact, shift: 0n, width: exact.width, value: exact.value };
  const { names, shift, width } = holders(upper);
  const view = names.map((holder) => registers.get(holder)).find((found) => found !== undefined);
  if (!view || view.width < width + Number(shift)) return undefined;
  return { name: upper, view, shift, width, value: (view.value >> shift) & maskOf(width) };
}

/** Writes a register or a part of one, with the processor's rules; a sentence if it may not be. */
export function writeRegister(machine: MachineInterface, name: string, value: bigint): true | string {
  const part = registerPart(readRegisters(machine), name);
  if (!part) return `there is no register ${name} in this mode`;
  if (!part.view.writable) return `${part.name} cannot be changed`;
  if (value > maskOf(part.width) || value < -(1n << BigInt(part.width - 1)))
    return `${value} does not fit in the ${part.width} bits of ${part.name}`;
  if (part.width === part.view.width) return machine.setRegister(part.view.name, value & maskOf(part.width));
  // As the processor does: a 32-bit write clears the upper half of a 64-bit general register, narrower ones keep the rest.
  const clears = part.width === 32 && part.view.width === 64 && part.view.group === "general";
  const kept = clears ? 0n : part.view.value & ~(maskOf(part.width) << part.shift);
  return machine.setRegister(part.view.name, kept | ((value & maskOf(part.width)) << part.shift));
}
