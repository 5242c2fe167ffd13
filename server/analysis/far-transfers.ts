import type { Bits, Decoded } from "../../isa/operands.ts";
import type { Code } from "./code.ts";
import { codeFault, codeSize, descriptorIn, type Named, stackFault, type Table } from "./descriptors.ts";
import { bit, constant, extract, type KnownBits, twoBits, unknown, wholeOf } from "./known-bits.ts";
import { longModeActive, PE, type State, VM } from "./state.ts";
import { loadFlags, pop, readOperand } from "./transfer.ts";

/** Where a far transfer goes, as far as it is known. */
export interface Destination {
  readonly offset: KnownBits;
  readonly selector: KnownBits;
  /** It takes its CPL from the selector. */
  readonly returns: boolean;
  /** The state behind what it pops; CS is still the old one. */
  readonly state: State;
}

/** The operand of an instruction that is an offset (16, 32 or 64 bits) with a selector behind it, if there is one. */
const pointerOperand = ({ row, operands }: Decoded) => {
  const at = row.operands.findIndex(({ farMemory }) => farMemory !== undefined);
  return at < 0 ? undefined : { operand: operands[at], bytes: row.operands[at]!.farMemory! / 8 };
};

/** Offset and selector in memory, if the program has them as constants. */
function pointerIn(code: Code, n: number, decoded: Decoded): readonly [KnownBits, KnownBits] | undefined {
  const { operand, bytes } = pointerOperand(decoded) ?? {};
  if (bytes === undefined) return undefined;
  const address = code.addressOf(n);
  const offset = code.constants.operand(operand, decoded, address, bytes);
  const selector = code.constants.operand(operand, decoded, address, 2, bytes);
  if (offset === undefined || selector === undefined) return undefined;
  return [constant(Number(offset & 0xffff_ffffn)), constant(Number(selector))];
}

function jump(code: Code, n: number, state: State, decoded: Decoded): Destination | undefined {
  const [to] = decoded.operands;
  const pointer =
    to?.kind === "far" ? ([constant(to.offset), constant(to.selector)] as const) : pointerIn(code, n, decoded);
  return pointer ? { offset: pointer[0], selector: pointer[1], returns: false, state } : undefined;
}

function popped(state: State, withFlags: boolean): Destination {
  const [offset, below] = pop(state);
  const [selector, above] = pop(below);
  if (!withFlags) return { offset, selector, returns: true, state: above };
  const [flags, after] = pop(above);
  const loaded = loadFlags(after, flags);
  const vm = {
    mask: loaded.flags.mask | (flags.mask & (1 << VM)),
    value: loaded.flags.value | (flags.value & (1 << VM)),
  };
  return { offset, selector, returns: true, state: { ...loaded, flags: vm } };
}

/** Where a far JMP, CALL, RETF or IRET goes; undefined of other instructions, and where nothing is known. */
export function destinationOf(code: Code, n: number, state: State): Destination | undefined {
  const { decoded } = code.mentions[n]!;
  if (!decoded) return undefined;
  const { mnemonic } = decoded.row;
  if (mnemonic === "jmp" || mnemonic === "call") return jump(code, n, state, decoded);
  if (mnemonic === "retf") return popped(state, false);
  return mnemonic.startsWith("iret") ? popped(state, true) : undefined;
}

/** Selectors name descriptors: protection is on, and this is not virtual-8086 mode. */
const hasDescriptors = (state: State): boolean => bit(state.cr0, PE) === true && bit(state.flags, VM) !== true;

/** A frame on the stack has it in a wider slot. */
const selectorOf = (slot: KnownBits): number | undefined => wholeOf(extract(slot, 16));

const named = (code: Code, { gdt }: State, selector: KnownBits): Named =>
  descriptorIn(code.constants, gdt, selectorOf(selector));

/** Instead of a code segment the selector names a gate or a task, which knows where it leads. */
export function goesThroughGate(code: Code, { state, selector }: Destination): boolean {
  const descriptor = hasDescriptors(state) && named(code, state, selector);
  return typeof descriptor === "object" && descriptor.kind === "system";
}

/** Why a far transfer faults; undefined if it does not, or that is not known. */
export function transferFault(code: Code, n: number, state: State): string | undefined {
  const to = destinationOf(code, n, state);
  const selector = to && selectorOf(to.selector);
  if (!to || selector === undefined || !hasDescriptors(to.state)) return undefined;
  // A null selector in a jump is one that is put there at run time.
  if (!to.returns && selector < 4) return undefined;
  const load = { selector, cpl: state.cpl, returns: to.returns, longMode: longModeActive(state) };
  return codeFault(named(code, to.state, to.selector), load);
}

/** The size of the code behind a load of CS: of a known descriptor what it says, else what the code there was written for. */
function sizeBehind(descriptor: Named, state: State, target: Bits): Bits | undefined {
  const longMode = longModeActive(state);
  if (typeof descriptor === "object" && descriptor.kind === "code") return codeSize(descriptor, longMode);
  return target === 64 && longMode === false ? undefined : target;
}

/** After CS was loaded: in real and virtual-8086 mode code is 16-bit; elsewhere the descriptor decides. */
export function behindFar(code: Code, { state, selector, returns }: Destination, target: Bits): State {
  if (bit(state.cr0, PE) === false) return { ...state, code: 16, cpl: 0 };
  if (bit(state.flags, VM) === true) return { ...state, code: 16, cpl: 3 };
  if (bit(state.cr0, PE) === undefined) return { ...state, code: undefined, cpl: undefined };
  const cpl = returns ? twoBits(selector, 0) : state.cpl;
  return { ...state, code: sizeBehind(named(code, state, selector), state, target), cpl };
}

const SS = 2;

/** The selector that an instruction loads into SS; undefined if it loads none. */
function stackSelector(code: Code, n: number, state: State): KnownBits | undefined {
  const { decoded } = code.mentions[n]!;
  if (!decoded) return undefined;
  const { mnemonic } = decoded.row;
  const [to, from] = decoded.operands;
  if (mnemonic === "lss") return pointerIn(code, n, decoded)?.[1] ?? unknown;
  if (to?.kind !== "register" || to.class !== "segment" || to.number !== SS) return undefined;
  if (mnemonic === "mov") return readOperand(state, from);
  return mnemonic === "pop" ? pop(state)[0] : undefined;
}

/** Why a load of SS faults; undefined if it does not, or that is not known. */
export function stackLoadFault(code: Code, n: number, state: State): string | undefined {
  const loaded = stackSelector(code, n, state);
  const selector = loaded && selectorOf(loaded);
  if (!loaded || selector === undefined || !hasDescriptors(state)) return undefined;
  return stackFault(named(code, state, loaded), selector, state.cpl, state.code);
}

/** SS takes only a selector with RPL = CPL: behind the load the ring is known. */
export function behindStackLoad(code: Code, n: number, before: State, after: State): State {
  if (before.cpl !== undefined || !hasDescriptors(before)) return after;
  const selector = stackSelector(code, n, before);
  const cpl = selector && twoBits(selector, 0);
  return cpl === undefined ? after : { ...after, cpl };
}

/** LGDT takes limit and base from memory: 24 bits of base with 16-bit operands, else 32 (of 64-bit bases too, the low ones). */
export function loadedTable(code: Code, n: number): Table | undefined {
  const { decoded } = code.mentions[n]!;
  const [from] = decoded?.operands ?? [];
  if (!decoded) return undefined;
  const address = code.addressOf(n);
  const limit = code.constants.operand(from, decoded, address, 2);
  const base = code.constants.operand(from, decoded, address, 4, 2);
  if (limit === undefined || base === undefined) return undefined;
  const width = decoded.operandSize === 16 ? 24 : 32;
  return { base: Number(BigInt.asUintN(width, base)), limit: Number(limit) };
}
