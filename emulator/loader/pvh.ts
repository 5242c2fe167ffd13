/** The PVH start of day (Xen's "x86/HVM direct boot ABI"): an ELF note names a 32-bit entry point; EBX points to hvm_start_info. */
import { type Elf, segmentType } from "./elf.ts";
import { BlockWriter, type Handover, type Surroundings } from "./handover.ts";

/** XEN_ELFNOTE_PHYS32_ENTRY. */
const entryNote = 18;
const startMagic = 0x336e_c578;
const startVersion = 1;

const aligned = (length: number, to: number): number => Math.ceil(length / to) * to;

/** The physical entry point that a Xen note gives; undefined if there is none. */
export function pvhEntry({ bytes, segments }: Elf): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const { type, offset, fileSize, align } of segments) {
    if (type !== segmentType.note) continue;
    const padding = align === 8 ? 8 : 4;
    const end = Math.min(offset + fileSize, bytes.length);
    for (let at = offset; at + 12 <= end; ) {
      const [nameSize, size, kind] = [
        view.getUint32(at, true),
        view.getUint32(at + 4, true),
        view.getUint32(at + 8, true),
      ];
      const description = at + aligned(12 + nameSize, padding);
      const isXen = nameSize === 4 && String.fromCharCode(...bytes.subarray(at + 12, at + 15)) === "Xen";
      if (isXen && kind === entryNote && size >= 4 && description + 4 <= end) return view.getUint32(description, true);
      at = description + aligned(size, padding);
    }
  }
  return undefined;
}

const low = (value: number): readonly [number, number] => [value, 0];

export function pvhHandover({ memory, commandLine, modules }: Surroundings): Handover {
  const writer = new BlockWriter();
  const text = writer.text(commandLine);
  const map = writer.words(memory.flatMap(({ base, length, type }) => [...low(base), ...low(length), type, 0]));
  const list = writer.words(
    modules.flatMap((module) => [
      ...low(module.address),
      ...low(module.bytes.length),
      ...low(writer.text(module.commandLine)),
      ...low(0),
    ]),
  );
  // No ACPI root pointer: 0.
  const counts = [startMagic, startVersion, 0, modules.length];
  const pointers = [list, text, 0, map].flatMap(low);
  const ebx = writer.words([...counts, ...pointers, memory.length, 0]);
  return { blocks: writer.blocks, registers: { ebx } };
}
