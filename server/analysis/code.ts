import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import { Callees } from "./callee.ts";
import { Constants } from "./fixed-memory.ts";

/** The instructions of a program in order, and by address. */
export class Code {
  readonly mentions: readonly InstructionMention[];
  readonly constants: Constants;
  readonly callees: Callees;
  /** -1 where an instruction has none. */
  private readonly addresses: Float64Array;
  /** Where the instruction ends; -1 where it has no address. */
  private readonly ends: Float64Array;
  /** The targets of near branches: indices, -1 where there is none. */
  private readonly targets: Int32Array;
  /** Indices in the order of the addresses; undefined where that is the order of the source. */
  private readonly byAddress: Int32Array | undefined;

  constructor(assembly: Assembly) {
    this.mentions = assembly.mentions;
    this.constants = new Constants(assembly);
    this.callees = new Callees(this);
    const count = this.mentions.length;
    this.addresses = new Float64Array(count);
    this.ends = new Float64Array(count);
    this.targets = new Int32Array(count).fill(notLookedUp);
    let isInOrder = true;
    for (let n = 0; n < count; n++) {
      const { address, length } = this.mentions[n]!;
      this.addresses[n] = address ?? -1;
      this.ends[n] = address === undefined || length === undefined ? -1 : address + length;
      if (n > 0 && this.addresses[n]! <= this.addresses[n - 1]!) isInOrder = false;
    }
    if (isInOrder) return;
    this.byAddress = Int32Array.from(this.mentions, (_, n) => n);
    this.byAddress.sort((a, b) => this.addresses[a]! - this.addresses[b]! || a - b);
  }

  /** The index of the instruction at an address; of several the first. */
  at(address: number | undefined): number | undefined {
    if (address === undefined || address < 0) return undefined;
    const { addresses, byAddress } = this;
    let low = 0;
    let high = addresses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (addresses[byAddress ? byAddress[middle]! : middle]! < address) low = middle + 1;
      else high = middle;
    }
    const n = byAddress ? byAddress[low] : low;
    return n !== undefined && addresses[n] === address ? n : undefined;
  }

  /** -1 if it is none of the program. */
  indexOf(mention: InstructionMention): number {
    const n = this.at(mention.address);
    return n !== undefined && this.mentions[n] === mention ? n : this.mentions.indexOf(mention);
  }

  addressOf(n: number): number | undefined {
    const address = this.addresses[n]!;
    return address < 0 ? undefined : address;
  }

  /** Where the processor goes on behind an instruction; one that cannot be assembled yet is passed over. */
  after(n: number): number | undefined {
    const end = this.ends[n]!;
    const next = n + 1 < this.addresses.length ? n + 1 : undefined;
    if (end < 0) return next;
    if (this.byAddress === undefined && this.addresses[n + 1] === end) return next;
    const found = this.at(end);
    if (found !== undefined) return found;
    return next !== undefined && this.addresses[next]! < 0 ? next : undefined;
  }

  /** The target of a near branch. */
  target(n: number): number | undefined {
    if (this.targets[n] === notLookedUp) this.targets[n] = this.targetOf(n) ?? -1;
    const target = this.targets[n]!;
    return target < 0 ? undefined : target;
  }

  private targetOf(n: number): number | undefined {
    const { target, bits, row } = this.mentions[n]!;
    if (target === undefined) return undefined;
    const width = row?.operands[0]?.width;
    const isShort = width === 16 || (bits === 16 && width !== 32);
    return (isShort ? this.at(target & 0xffff) : undefined) ?? this.at(target);
  }
}

const notLookedUp = -2;
