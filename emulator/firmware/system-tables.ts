import { writeAcpiTables } from "./acpi-tables.ts";
import { writeMpTable } from "./mp-table.ts";
import { TableWriter } from "./table-writer.ts";

/** Where the tables lie: in the ROM's 64 KiB, which software searches for them, behind its code. */
export const systemTablesBase = 0xf_8000;

/** Writes what describes processors and interrupt inputs into memory that is from guest-physical 0 on. */
export function writeSystemTables(memory: Uint8Array, processors: number): void {
  const writer = new TableWriter(systemTablesBase);
  writeAcpiTables(writer, processors);
  writeMpTable(writer, processors);
  memory.set(writer.bytes, systemTablesBase);
}
