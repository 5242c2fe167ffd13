import { describe, expect, test } from "vitest";
import { writeAcpiTables } from "../../../emulator/firmware/acpi-tables.ts";
import { writeMpTable } from "../../../emulator/firmware/mp-table.ts";
import { TableWriter } from "../../../emulator/firmware/table-writer.ts";

const base = 0xf5000;

/** Reads written tables as a kernel does: by physical address. */
function written(write: (writer: TableWriter) => number) {
  const writer = new TableWriter(base);
  const start = write(writer);
  const { bytes } = writer;
  const view = new DataView(bytes.buffer);
  const at = (address: number) => address - base;
  return {
    start,
    u8: (address: number) => view.getUint8(at(address)),
    u16: (address: number) => view.getUint16(at(address), true),
    u32: (address: number) => view.getUint32(at(address), true),
    text: (address: number, length: number) =>
      String.fromCharCode(...bytes.subarray(at(address), at(address) + length)),
    sum: (address: number, length: number) =>
      bytes.subarray(at(address), at(address) + length).reduce((a, b) => (a + b) & 0xff, 0),
  };
}

describe("MultiProcessor Specification", () => {
  const memory = written((writer) => writeMpTable(writer, 3));
  const table = memory.u32(memory.start + 4);

  test("the floating pointer", () => {
    expect(memory.start % 16).toBe(0);
    expect(memory.text(memory.start, 4)).toBe("_MP_");
    expect([memory.u8(memory.start + 8), memory.u8(memory.start + 9)]).toEqual([1, 4]);
    expect(memory.sum(memory.start, 16)).toBe(0);
  });

  test("the table's header", () => {
    expect(memory.text(table, 4)).toBe("PCMP");
    expect(memory.sum(table, memory.u16(table + 4))).toBe(0);
    expect(memory.u32(table + 36)).toBe(0xfee00000);
  });

  test("its entries", () => {
    const entries: number[][] = [];
    let at = table + 44;
    for (let n = 0; n < memory.u16(table + 34); n++) {
      const length = memory.u8(at) === 0 ? 20 : 8;
      entries.push(Array.from({ length: Math.min(length, 8) }, (_, k) => memory.u8(at + k)));
      at += length;
    }
    expect(at).toBe(table + memory.u16(table + 4));
    expect(entries.filter(([type]) => type === 0).map(([, id, , flags]) => [id, flags])).toEqual([
      [0, 3],
      [1, 1],
      [2, 1],
    ]);
    expect(entries.filter(([type]) => type === 2)).toEqual([[2, 3, 0x11, 1, 0, 0, 0xc0, 0xfe]]);
    const inputs = entries.filter(([type, kind]) => type === 3 && kind === 0).map((e) => [e[5], e[7]]);
    expect(inputs).toContainEqual([0, 2]);
    expect(inputs).toContainEqual([1, 1]);
    expect(inputs).toHaveLength(15);
  });
});

describe("ACPI", () => {
  const memory = written((writer) => writeAcpiTables(writer, 2));
  const tableOf = (signature: string): number => {
    const root = memory.u32(memory.start + 16);
    const count = (memory.u32(root + 4) - 36) / 4;
    const found = Array.from({ length: count }, (_, n) => memory.u32(root + 36 + 4 * n));
    return found.find((table) => memory.text(table, 4) === signature)!;
  };

  test("the root pointer and both root tables", () => {
    expect(memory.text(memory.start, 8)).toBe("RSD PTR ");
    expect([memory.sum(memory.start, 20), memory.sum(memory.start, 36)]).toEqual([0, 0]);
    expect(memory.text(memory.u32(memory.start + 16), 4)).toBe("RSDT");
    expect(memory.text(memory.u32(memory.start + 24), 4)).toBe("XSDT");
    expect(memory.u32(memory.u32(memory.start + 24) + 36)).toBe(tableOf("FACP"));
  });

  test.each(["FACP", "APIC"])("%s adds up", (signature) => {
    const table = tableOf(signature);
    expect(memory.sum(table, memory.u32(table + 4))).toBe(0);
  });

  test("the fixed description leads to the way to switch off", () => {
    const table = tableOf("FACP");
    expect(memory.u32(table + 4)).toBe(116);
    expect([memory.u32(table + 64), memory.u8(table + 89)]).toEqual([0x604, 2]);
    expect([memory.u32(table + 56), memory.u8(table + 88), memory.u32(table + 48)]).toEqual([0x600, 4, 0]);
    const dsdt = memory.u32(table + 40);
    expect(memory.text(dsdt, 4)).toBe("DSDT");
    expect(memory.sum(dsdt, memory.u32(dsdt + 4))).toBe(0);
    expect(memory.text(dsdt + 37, 4)).toBe("_S5_");
  });

  test("processors, the I/O APIC and the timer's input", () => {
    const table = tableOf("APIC");
    const entries: number[][] = [];
    for (let at = table + 44; at < table + memory.u32(table + 4); at += memory.u8(at + 1))
      entries.push(Array.from({ length: memory.u8(at + 1) }, (_, n) => memory.u8(at + n)));
    expect(entries).toEqual([
      [0, 8, 0, 0, 1, 0, 0, 0],
      [0, 8, 1, 1, 1, 0, 0, 0],
      [1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0],
      [2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
      [4, 6, 0xff, 0, 0, 1],
    ]);
  });
});
