import { memoryMap } from "../loader/memory-map.ts";
import type { Caller } from "./caller.ts";
import { dataArea } from "./data-area.ts";
import { type Environment, type Functions, refuse, type Service } from "./environment.ts";
import { rom } from "./rom-bytes.ts";
import { wait } from "./time.ts";

const romSegment = 0xf000;
const kibibyte = 1024;
const mebibyte = 2 ** 20;
/** "SMAP". */
const mapSignature = 0x534d_4150;
const entryBytes = 20;

/** KiB from 1 MiB on; 16-bit functions cannot say more than 63 MiB. */
const extendedKib = ({ memoryBytes }: Environment): number => Math.max(0, memoryBytes - mebibyte) / kibibyte;

/** AX = E820h: the entry that EBX counts, to ES:DI. */
function mapEntry(caller: Caller, { memoryBytes }: Environment): undefined {
  const map = memoryMap(memoryBytes);
  const index = caller.get32("ebx");
  const range = map[index];
  if (caller.get32("edx") !== mapSignature || caller.get32("ecx") < entryBytes || !range) return refuse(caller);
  const at = caller.linear("es", caller.di);
  const words = [range.base, 0, range.length, 0, range.type];
  for (const [n, value] of words.entries()) caller.memory.write(at + 4 * n, 4, value);
  caller.set32("eax", mapSignature);
  caller.set32("ebx", index + 1 < map.length ? index + 1 : 0);
  caller.set32("ecx", entryBytes);
  caller.carry = false;
}

/** AX = E801h: KiB from 1 to 16 MiB, and blocks of 64 KiB above. */
function sizes(caller: Caller, { memoryBytes }: Environment): undefined {
  const low = Math.min(memoryBytes, 16 * mebibyte) - mebibyte;
  const high = Math.max(0, memoryBytes - 16 * mebibyte);
  caller.ax = low / kibibyte;
  caller.bx = high / (64 * kibibyte);
  caller.cx = caller.ax;
  caller.dx = caller.bx;
  caller.carry = false;
}

const bigMemory: Service = (caller, environment) => {
  if (caller.al === 0x20) return mapEntry(caller, environment);
  if (caller.al === 0x01) return sizes(caller, environment);
  return refuse(caller);
};

/** AH = 24h: the gate of address line 20. */
const addressLine: Service = (caller, { setA20, isA20 }) => {
  const { al } = caller;
  if (al > 3) return refuse(caller);
  if (al < 2) setA20(al === 1);
  // Both the keyboard controller and port 92h switch it.
  if (al === 3) caller.bx = 3;
  if (al === 2) caller.al = isA20() ? 1 : 0;
  caller.ah = 0;
  caller.carry = false;
  return undefined;
};

/** Base address of a descriptor. */
function base({ memory }: Caller, at: number): number {
  return memory.read(at + 2, 2) + memory.read(at + 4, 1) * 2 ** 16 + memory.read(at + 7, 1) * 2 ** 24;
}

/** AH = 87h: copies CX words between the addresses in the descriptors 2 and 3 of the table at ES:SI. */
const moveBlock: Service = (caller, { setA20, isA20 }) => {
  const { memory } = caller;
  const table = caller.linear("es", caller.si);
  const [from, to] = [base(caller, table + 0x10), base(caller, table + 0x18)];
  const before = isA20();
  setA20(true);
  for (let n = 0; n < caller.cx; n++) memory.write(to + 2 * n, 2, memory.read(from + 2 * n, 2));
  setA20(before);
  caller.ah = 0;
  caller.carry = false;
  return undefined;
};

/** INT 15h by AH. */
const functions: Functions = {
  [0x24]: addressLine,
  // The scan code goes on as it is.
  [0x4f]: (caller) => {
    caller.carry = true;
    return undefined;
  },
  [0x86]: wait,
  [0x87]: moveBlock,
  [0x88]: (caller, environment) => {
    caller.ax = Math.min(extendedKib(environment), 63 * kibibyte);
    caller.carry = false;
    return undefined;
  },
  // Device busy and interrupt complete: hooks that say go on.
  [0x90]: (caller) => {
    caller.ah = 0;
    caller.carry = false;
    return undefined;
  },
  [0x91]: (caller) => {
    caller.ah = 0;
    caller.carry = false;
    return undefined;
  },
  [0xc0]: (caller) => {
    caller.setEs(romSegment);
    caller.bx = rom.configuration;
    caller.ah = 0;
    caller.carry = false;
    return undefined;
  },
  [0xc1]: (caller) => {
    caller.setEs(caller.memory.read(dataArea + 0x0e, 2));
    caller.carry = false;
    return undefined;
  },
  [0xe8]: bigMemory,
};

export const systemService: Service = (caller, environment) => (functions[caller.ah] ?? refuse)(caller, environment);
