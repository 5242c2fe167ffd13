import type { Cpu } from "../cpu/cpu.ts";
import { nullSegment } from "../cpu/descriptor.ts";
import { initialize } from "../cpu/fpu/register-stack.ts";
import { accessBits, layout } from "../cpu/layout.ts";
import { CR0, CR4, CS, EFER, LDTR } from "../cpu/state.ts";
import type { Handover } from "../loader/handover.ts";
import type { StartMode } from "../machine-interface.ts";

/** The mode of a program by what it says ("xen" for a paravirtual guest), or by the width of its code. */
export function startModeOf(said: "real" | "protected" | "long" | "xen" | undefined, bits: number): StartMode {
  if (said === "xen") return bits === 64 ? "xen-64" : "xen-32";
  return said ?? (bits === 64 ? "long" : bits === 32 ? "protected" : "real");
}

/** A guest to be put into memory. Addresses are guest-physical. */
export interface Guest {
  readonly mode: StartMode;
  readonly image: Uint8Array;
  readonly origin: number;
  /** Where it is entered, if not at its origin. */
  readonly entry?: number | undefined;
  readonly handover?: Handover | undefined;
  /** All its memory, from guest-physical 0 on. */
  readonly memory: Uint8Array;
}

/** Where the guest's own descriptor table and page tables lie, from the end of its memory; its stack grows down from the end. */
export const tablesFromEnd = 0x1_0000;
const pageTablesOffset = 0x1000;
/** Real-mode images below this would overwrite the interrupt vectors and the BIOS data area: they get a segment of their own. */
const lowestOrigin = 0x600;
const ownSegment = 0x1000;
const bootStack = 0x7c00;
const largePage = 0x20_0000;

/** Why an image does not fit a guest of so many bytes, as a sentence; undefined if it does. */
export function imageProblem(guest: Omit<Guest, "memory"> & { readonly bytes: number }): string | undefined {
  const { image, origin, mode, bytes } = guest;
  const end = loadAddress(mode, origin) + image.length;
  const room = bytes - (mode === "real" ? 0 : tablesFromEnd);
  if (mode === "real" && origin > 0xffff)
    return `In real mode the origin must be within the first 64 KiB; it is ${origin.toString(16)}h.`;
  if (end > room)
    return `The image ends at ${end.toString(16)}h, but a guest of ${bytes / 2 ** 20} MiB has room up to ${room.toString(16)}h.`;
  return undefined;
}

/** Guest-physical address at which an image is loaded. */
export const loadAddress = (mode: StartMode, origin: number): number =>
  mode === "real" && origin < lowestOrigin ? ownSegment * 16 + origin : origin;

/** Loads the image and gives the processor the state its mode promises. Interrupts are disabled, there is no IDT. */
export function startGuest(cpu: Cpu, guest: Guest): void {
  const { memory } = guest;
  const host = memory.byteOffset - cpu.physical.ramBase;
  const image = { address: loadAddress(guest.mode, guest.origin), bytes: guest.image };
  for (const { address, bytes } of [image, ...(guest.handover?.blocks ?? [])]) {
    memory.set(bytes, address);
    if (bytes.length > 0) cpu.physical.dirty(host + address, bytes.length);
  }
  if (guest.mode !== "real") cpu.physical.dirty(host + memory.length - tablesFromEnd, tablesFromEnd);
  cpu.reset();
  // As firmware leaves the x87 unit.
  initialize(cpu);
  starts[guest.mode](cpu, guest);
  const { eax = 0, ebx = 0 } = guest.handover?.registers ?? {};
  cpu.r64[0] = BigInt(eax);
  cpu.r64[3] = BigInt(ebx);
  cpu.setCpl(0);
  cpu.refresh();
}

const starts: Record<StartMode, (cpu: Cpu, guest: Guest) => void> = {
  real(cpu, { origin }) {
    const own = origin < lowestOrigin;
    const selector = own ? ownSegment : 0;
    const segment = { selector, base: selector * 16, limit: 0xffff };
    for (let n = 0; n < 6; n++) cpu.setSegment(n, { ...segment, access: data });
    setControl(cpu, CR0.ET, 0, 0);
    setStart(cpu, origin, own ? 0xfffe : bootStack);
  },
  protected(cpu, { origin, entry = origin, memory }) {
    const table = writeGdt(memory, [0n, flatDescriptor(code | accessBits.db), flatDescriptor(data | accessBits.db)]);
    setFlat(cpu, accessBits.db, table);
    setControl(cpu, CR0.PE | CR0.ET, 0, 0);
    setStart(cpu, entry, memory.length);
  },
  long(cpu, { origin, entry = origin, memory }) {
    const table = writeGdt(memory, [0n, flatDescriptor(code | accessBits.l), flatDescriptor(data | accessBits.db)]);
    const root = memory.length - tablesFromEnd + pageTablesOffset;
    writeIdentityTables(memory, root);
    setControl(cpu, CR0.PE | CR0.ET | CR0.PG, CR4.PAE, EFER.LME | EFER.LMA);
    cpu.r64[layout.cr3 >> 3] = BigInt(root);
    setFlat(cpu, accessBits.l, table);
    setStart(cpu, entry, memory.length);
  },
  // Xen builds the guest's address space and sets its registers itself.
  "xen-32"() {},
  "xen-64"() {},
};

/** Present, accessed, DPL 0: execute/read code and read/write data. */
const code = 0x9b;
const data = 0x93;
const [codeSelector, dataSelector] = [0x08, 0x10];

/** A descriptor of base 0 and limit 4 GiB - 1 with access rights as in `accessBits` (G added). */
function flatDescriptor(access: number): bigint {
  const rights = BigInt((access & 0xff) | ((access | accessBits.g) & 0xf000));
  return 0x000f_0000_0000_ffffn | (rights << 40n);
}

function writeGdt(memory: Uint8Array, descriptors: readonly bigint[]): { base: number; limit: number } {
  const base = memory.length - tablesFromEnd;
  const view = new DataView(memory.buffer, memory.byteOffset, memory.length);
  for (const [n, descriptor] of descriptors.entries()) view.setBigUint64(base + 8 * n, descriptor, true);
  return { base, limit: 8 * descriptors.length - 1 };
}

/** Maps all guest memory to itself in 2 MiB pages, writable, supervisor only: PML4, PDPT and page directory at `root`. */
function writeIdentityTables(memory: Uint8Array, root: number): void {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.length);
  const presentWritable = 3n;
  const pageSize = 0x80n;
  view.setBigUint64(root, BigInt(root + 0x1000) | presentWritable, true);
  view.setBigUint64(root + 0x1000, BigInt(root + 0x2000) | presentWritable, true);
  for (let n = 0; n * largePage < memory.length; n++)
    view.setBigUint64(root + 0x2000 + 8 * n, BigInt(n * largePage) | presentWritable | pageSize, true);
}

function setFlat(cpu: Cpu, codeSize: number, gdt: { base: number; limit: number }): void {
  const flat = { base: 0, limit: 0xffff_ffff };
  for (let n = 0; n < 6; n++) {
    const isCode = n === CS;
    const access = accessBits.g | (isCode ? code | codeSize : data | accessBits.db);
    cpu.setSegment(n, { ...flat, selector: isCode ? codeSelector : dataSelector, access });
  }
  cpu.setSegment(LDTR, nullSegment(0));
  cpu.setGdtr(gdt.base, gdt.limit);
  cpu.setIdtr(0, 0);
}

/** The caches are on (CD and NW clear), as firmware leaves them. */
function setControl(cpu: Cpu, cr0: number, cr4: number, efer: number): void {
  cpu.r64[layout.cr0 >> 3] = BigInt(cr0 >>> 0);
  cpu.r64[layout.cr4 >> 3] = BigInt(cr4);
  cpu.r64[layout.efer >> 3] = BigInt(efer);
}

function setStart(cpu: Cpu, instructionPointer: number, stackPointer: number): void {
  cpu.rip = instructionPointer;
  cpu.r64[4] = BigInt(stackPointer);
  cpu.flags = 2;
}
