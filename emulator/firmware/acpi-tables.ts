/** The few ACPI tables (ACPI 2.0) that kernels look for: processors and interrupt inputs (MADT), and how to switch off. */
import { ioApicBase } from "../devices/apic/io-apic.ts";
import { localApicBase } from "../devices/apic/local-apic-state.ts";
import { powerControlPort, powerEventPort } from "../devices/system-control.ts";
import { ioApicId, timerInput } from "./mp-table.ts";
import { fields, type TableWriter, withChecksum } from "./table-writer.ts";

/** A table with its header; the checksum is at byte 9. */
function table(signature: string, revision: number, body: readonly number[]): number[] {
  const creator = fields([1, 4], "RING", [1, 4]);
  const header = [...fields(signature, [36 + body.length, 4], [revision, 1], [0, 1], "RINGSDVIRTUALP"), ...creator];
  return withChecksum([...header, ...body], 9);
}

/** \_S5: sleep type 0 in the power control port switches the machine off. Name(_S5_, Package(4) { 0, 0, 0, 0 }). */
const sleepTypes = [...fields([0x08, 1], "_S5_"), 0x12, 6, 4, 0, 0, 0, 0];
const systemControlInterrupt = 9;
const [eventBytes, controlBytes] = [4, 2];
/** Sleep states C2 and C3 are not there: their latencies are beyond the allowed. */
const [c2Latency, c3Latency] = [101, 1001];
const bootArchitecture = { legacyDevices: 1, keyboardController: 2 } as const;
/** WBINVD works; there is no power button, no sleep button, and no waking by the clock in fixed registers. */
const flags = 0x1 | 0x10 | 0x20 | 0x40;

/** FADT of revision 1: no SMI, no events, though the registers for them must be there, and a control register that only switches off. */
const fixedDescription = (dsdt: number): number[] =>
  fields(
    ...([
      [0, 4],
      [dsdt, 4],
      [0, 2],
      [systemControlInterrupt, 2],
    ] as const), // 36: FACS, DSDT, model, SCI
    ...([
      [0, 4],
      [0, 4],
      [powerEventPort, 4],
      [0, 4],
      [powerControlPort, 4],
    ] as const), // 48: SMI, PM1a and PM1b events, PM1a control
    ...([
      [0, 4],
      [0, 4],
      [0, 4],
      [0, 8],
    ] as const), // 68: PM1b and PM2 control, PM timer, GPE
    ...([
      [eventBytes, 1],
      [controlBytes, 1],
      [0, 6],
      [c2Latency, 2],
      [c3Latency, 2],
      [0, 4],
    ] as const), // 88: lengths, latencies
    ...([
      [0, 5],
      [bootArchitecture.legacyDevices | bootArchitecture.keyboardController, 2],
      [0, 1],
    ] as const), // 104
    [flags, 4], // 112
  );

function multipleApics(processors: number): number[] {
  const local = Array.from({ length: processors }, (_, id) => fields([0, 1], [8, 1], [id, 1], [id, 1], [1, 4]));
  const io = fields([1, 1], [12, 1], [ioApicId(processors), 1], [0, 1], [ioApicBase, 4], [0, 4]);
  const timer = fields([2, 1], [10, 1], [0, 1], [0, 1], [timerInput, 4], [0, 2]);
  const nmi = fields([4, 1], [6, 1], [0xff, 1], [0, 2], [1, 1]);
  // PCAT_COMPAT: there is a pair of 8259s too.
  return [...fields([localApicBase, 4], [1, 4]), ...local.flat(), ...io, ...timer, ...nmi];
}

/** Writes the tables; the physical address of the root pointer (RSDP). */
export function writeAcpiTables(writer: TableWriter, processors: number): number {
  const dsdt = writer.add(table("DSDT", 1, sleepTypes));
  const list = [
    writer.add(table("FACP", 1, fixedDescription(dsdt))),
    writer.add(table("APIC", 1, multipleApics(processors))),
  ];
  const rsdt = writer.add(
    table(
      "RSDT",
      1,
      list.flatMap((address) => fields([address, 4])),
    ),
  );
  const xsdt = writer.add(
    table(
      "XSDT",
      1,
      list.flatMap((address) => fields([address, 8])),
    ),
  );
  const first = fields("RSD PTR ", [0, 1], "RINGSD", [2, 1], [rsdt, 4]);
  const second = fields([36, 4], [xsdt, 8], [0, 4]);
  return writer.add(withChecksum(withChecksum([...first, ...second], 8, 20), 32));
}
