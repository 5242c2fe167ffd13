/** The Multiboot Specification, version 0.6.96: the header in the kernel (3.1), the machine state (3.2), what the kernel is told (3.3). */
import { BlockWriter, type Handover, type Surroundings } from "./handover.ts";
import { conventionalEnd } from "./memory-map.ts";

const headerMagic = 0x1bad_b002;
const bootMagic = 0x2bad_b002;
/** The header lies within the first so many bytes, at a multiple of four. */
const searched = 8192;

const wanted = { pageAlign: 1, memory: 2, video: 4, addresses: 0x1_0000 } as const;
/** Of the flags 0–15, which a loader must understand, those we do. */
const understood = wanted.pageAlign | wanted.memory;

/** The header's address fields (flag 16): physical addresses for a file that is loaded as it is. */
export interface MultibootAddresses {
  /** Of the byte at `offset` in the file. */
  readonly load: number;
  readonly offset: number;
  /** End of what is loaded and of zeroed memory after it; 0: the file's end, none. */
  readonly loadEnd: number;
  readonly bssEnd: number;
  readonly entry: number;
}

export interface MultibootHeader {
  readonly addresses: MultibootAddresses | undefined;
}

/** The header of a kernel file; a sentence if it asks for what we do not have; undefined if there is none. */
export function multibootHeader(file: Uint8Array): MultibootHeader | string | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const word = (at: number) => (at + 4 <= file.length ? view.getUint32(at, true) : 0);
  for (let at = 0; at + 12 <= Math.min(file.length, searched); at += 4) {
    const flags = word(at + 4);
    if (word(at) !== headerMagic || (headerMagic + flags + word(at + 8)) % 2 ** 32 !== 0) continue;
    if (flags & wanted.video)
      return "The Multiboot header asks for a video mode (flag 2); Ringside has text mode only.";
    const other = flags & 0xffff & ~understood;
    if (other) return `The Multiboot header requires what Ringside does not have: flags ${other.toString(16)}h.`;
    return { addresses: flags & wanted.addresses ? readAddresses(word, at) : undefined };
  }
  return undefined;
}

function readAddresses(word: (at: number) => number, at: number): MultibootAddresses {
  const [header, load, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map((field) => word(at + field)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { load, offset: at - (header - load), loadEnd, bssEnd, entry };
}

const told = { memory: 1, commandLine: 4, modules: 8, memoryMap: 0x40, loaderName: 0x200 } as const;
/** Offsets of fields in the information structure. */
const field = {
  lower: 4,
  upper: 8,
  commandLine: 16,
  moduleCount: 20,
  modules: 24,
  mapLength: 44,
  map: 48,
  loaderName: 64,
} as const;
const informationBytes = 88;
const mebibyte = 2 ** 20;

export function multibootHandover({ memory, commandLine, modules }: Surroundings): Handover {
  const writer = new BlockWriter();
  const information = new Uint8Array(informationBytes);
  const address = writer.add(information);
  const map = memory.flatMap(({ base, length, type }) => [20, base, 0, length, 0, type]);
  const list = modules.flatMap((module) => [
    module.address,
    module.address + module.bytes.length,
    writer.text(module.commandLine),
    0,
  ]);
  const upper = memory.find(({ base, type }) => base === mebibyte && type === 1)?.length ?? 0;
  const view = new DataView(information.buffer);
  const set = (offset: number, value: number) => view.setUint32(offset, value, true);
  set(0, told.memory | told.commandLine | told.modules | told.memoryMap | told.loaderName);
  set(field.lower, conventionalEnd / 1024);
  set(field.upper, upper / 1024);
  set(field.commandLine, writer.text(commandLine));
  set(field.moduleCount, modules.length);
  set(field.modules, writer.words(list));
  set(field.mapLength, map.length * 4);
  set(field.map, writer.words(map));
  set(field.loaderName, writer.text("Ringside"));
  return { blocks: writer.blocks, registers: { eax: bootMagic, ebx: address } };
}
