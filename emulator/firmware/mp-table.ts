/** The MultiProcessor Specification 1.4, chapter 4: how software finds processors, the I/O APIC and its inputs. */
import { inputOfIrq, ioApicBase } from "../devices/apic/io-apic.ts";
import { localApicBase } from "../devices/apic/local-apic-state.ts";
import { fields, type TableWriter, withChecksum } from "./table-writer.ts";

const specification = 4;
const isaBus = 0;
export const timerInput = inputOfIrq(0);
const interruptType = { vectored: 0, nmi: 1, external: 3 } as const;
const isaIrqs = 16;

const entry = {
  processor: (id: number) => fields([0, 1], [id, 1], [0x14, 1], [id === 0 ? 3 : 1, 1], [0, 4], [0, 4], [0, 8]),
  bus: () => fields([1, 1], [isaBus, 1], "ISA   "),
  ioApic: (id: number) => fields([2, 1], [id, 1], [0x11, 1], [1, 1], [ioApicBase, 4]),
  input: (type: number, irq: number, ioApic: number, input: number) =>
    fields([3, 1], [type, 1], [0, 2], [isaBus, 1], [irq, 1], [ioApic, 1], [input, 1]),
  local: (type: number, destination: number, pin: number) =>
    fields([4, 1], [type, 1], [0, 2], [isaBus, 1], [0, 1], [destination, 1], [pin, 1]),
};

/** APIC ID of the I/O APIC: after the processors'. */
export const ioApicId = (processors: number): number => processors;

/** Writes the configuration table and the pointer to it; the pointer's physical address. */
export function writeMpTable(writer: TableWriter, processors: number): number {
  const io = ioApicId(processors);
  const inputs = Array.from({ length: isaIrqs }, (_, irq) => irq).filter((irq) => irq !== timerInput);
  const entries = [
    ...Array.from({ length: processors }, (_, id) => entry.processor(id)),
    entry.bus(),
    entry.ioApic(io),
    entry.input(interruptType.external, 0, io, 0),
    ...inputs.map((irq) => entry.input(interruptType.vectored, irq, io, inputOfIrq(irq))),
    entry.local(interruptType.external, 0, 0),
    entry.local(interruptType.nmi, 0xff, 1),
  ];
  const body = entries.flat();
  const header = fields("PCMP", [44 + body.length, 2], [specification, 1], [0, 1], "RINGSIDE", "VIRTUAL PC  ");
  const rest = fields([0, 4], [0, 2], [entries.length, 2], [localApicBase, 4], [0, 4]);
  const table = writer.add(withChecksum([...header, ...rest, ...body], 7));
  const pointer = fields("_MP_", [table, 4], [1, 1], [specification, 1], [0, 1], [0, 5]);
  return writer.add(withChecksum(pointer, 10));
}
