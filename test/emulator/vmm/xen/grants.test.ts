import { describe, expect, test } from "vitest";
import { type Reply, scratch, XenGuest } from "./guest.ts";

const self = 0x7ff0;
const table = scratch + 0x6000;
const page = scratch + 0x7000;
const window = scratch + 0x8000;
const list = scratch + 0x9000;
const setup = { dom: "u16", nr_frames: "u32", status: "u16", frame_list: "word" } as const;
const query = { dom: "u16", nr_frames: "u32", max_nr_frames: "u32", status: "u16" } as const;
const map = {
  host_addr: "u64",
  flags: "u32",
  ref: "u32",
  dom: "u16",
  status: "u16",
  handle: "u32",
  dev_bus_addr: "u64",
} as const;
const unmap = { host_addr: "u64", dev_bus_addr: "u64", handle: "u32", status: "u16" } as const;
const copy = {
  source: "word",
  source_domid: "u16",
  source_offset: "u16",
  dest: "word",
  dest_domid: "u16",
  dest_offset: "u16",
  len: "u16",
  flags: "u16",
  status: "u16",
} as const;
const entry = { flags: "u16", domid: "u16", frame: "u32" } as const;
const [permit, readOnly, reading, writing] = [1, 4, 8, 16];
const host = 2;

type Structure = typeof setup | typeof query | typeof map | typeof unmap | typeof copy;
interface Outcome extends Reply {
  readonly status: number;
}

/** A guest with a grant table, mapped, whose entry 9 grants itself a page. */
class Granter extends XenGuest {
  override readonly bits: 32 | 64;

  constructor(bits: 32 | 64, flags = permit, domain = 0) {
    super(bits);
    this.bits = bits;
    expect(this.operate(2, setup, { dom: self, nr_frames: 1, frame_list: list }).status).toBe(0);
    this.map(table, this.entry(Number(this.read(list, this.word))));
    this.put(entry, { flags, domid: domain, frame: this.frameOf(page) }, table + 9 * 8);
  }

  operate<F extends Structure>(command: number, fields: F, values: Partial<Record<keyof F, number | bigint>>): Outcome {
    const reply = this.call(20, command, this.put(fields, values), 1);
    return { ...reply, status: Number(BigInt.asIntN(16, this.field(fields, "status"))) };
  }

  get flags(): number {
    return Number(this.read(table + 9 * 8, 2));
  }

  mapGrant(values: Partial<Record<keyof typeof map, number | bigint>> = {}): Outcome {
    return this.operate(0, map, { host_addr: window, flags: host, ref: 9, dom: self, ...values });
  }
}

describe.each([32, 64] as const)("grants of a %i-bit guest", (bits) => {
  test("a granted page is mapped, marked as in use, and unmapped", () => {
    const guest = new Granter(bits);
    guest.write(page, Uint8Array.of(0x5a));
    expect(guest.mapGrant()).toMatchObject({ result: 0n, status: 0 });
    const handle = guest.field(map, "handle");
    expect(guest.field(map, "dev_bus_addr")).toBe(BigInt(guest.frameOf(page)) << 12n);
    expect(guest.read(window, 1)).toBe(0x5an);
    expect(guest.flags).toBe(permit | reading | writing);
    expect(guest.operate(1, unmap, { host_addr: window, handle }).status).toBe(0);
    expect(guest.flags).toBe(permit);
    expect(guest.machine.readMemory("linear", BigInt(window), 1)).toEqual([undefined]);
  });

  test("one of two mappings leaves the marks", () => {
    const guest = new Granter(bits);
    guest.mapGrant();
    guest.mapGrant({ host_addr: window + 0x4000, flags: host | 4 });
    expect(guest.operate(1, unmap, { host_addr: window, handle: 0 }).status).toBe(0);
    expect(guest.flags).toBe(permit | reading);
  });

  test.each([
    ["a reference beyond the table", permit, 0, { ref: 512 }, -3, /there is no grant 512/],
    ["an entry that permits nothing", 0, 0, {}, -1, /permits no access/],
    ["an entry for another domain", permit, 5, {}, -1, /for domain 5/],
    ["writing where reading is granted", permit | readOnly, 0, {}, -1, /grants reading only/],
    ["another domain's table", permit, 0, { dom: 3 }, -2, /no domain 3/],
    ["an address without a page table", permit, 0, { host_addr: 0x3ff0_0000 }, -5, /no l1 page table/],
    ["a device's mapping", permit, 0, { flags: 1 }, -1, /GNTMAP_host_map/],
  ] as const)("%s is refused", (_, flags, domain, values, status, why) => {
    const guest = new Granter(bits, flags, domain);
    const outcome = guest.mapGrant(values);
    expect(outcome).toMatchObject({ result: 0n, status });
    expect(outcome.event.arguments.join()).toMatch(why);
  });

  test("a grant of a page table cannot be mapped writable", () => {
    const guest = new Granter(bits);
    guest.put(entry, { flags: permit, domid: 0, frame: guest.frameOf(guest.base) }, table + 9 * 8);
    const outcome = guest.mapGrant();
    expect(outcome.status).toBe(-1);
    expect(outcome.event.arguments.join()).toMatch(/cannot be mapped writable/);
  });

  test("unmapping by a handle that there is not, or at another place, is refused", () => {
    const guest = new Granter(bits);
    expect(guest.operate(1, unmap, { host_addr: window, handle: 7 }).status).toBe(-4);
    guest.mapGrant();
    expect(guest.operate(1, unmap, { host_addr: list, handle: 0 }).status).toBe(-1);
  });

  test("copying goes from a grant into a frame", () => {
    const guest = new Granter(bits);
    guest.write(page + 16, Uint8Array.of(1, 2, 3, 4));
    const values = { source: 9, source_domid: self, source_offset: 16, dest: guest.frameOf(window), dest_domid: self };
    expect(guest.operate(5, copy, { ...values, dest_offset: 8, len: 4, flags: 1 }).status).toBe(0);
    expect(guest.read(window + 8, 4)).toBe(0x0403_0201n);
  });

  test.each([
    ["over the end of a page", { source_offset: 4090, len: 8, flags: 1 }, -10],
    ["into a page table", { flags: 1, len: 4, dest: "base" }, -9],
    ["from a frame of Xen's", { source: 1, len: 4 }, -9],
    ["from another domain", { source_domid: 4, len: 4, flags: 1 }, -2],
  ] as const)("copying %s is refused", (_, values, status) => {
    const guest = new Granter(bits);
    const dest = "dest" in values ? guest.frameOf(guest.base) : guest.frameOf(window);
    const all = { source: 9, source_domid: self, dest_domid: self, ...values, dest };
    expect(guest.operate(5, copy, all).status).toBe(status);
  });

  test("the size can be asked for, and is limited", () => {
    const guest = new Granter(bits);
    expect(guest.operate(6, query, { dom: self }).status).toBe(0);
    expect([guest.field(query, "nr_frames"), guest.field(query, "max_nr_frames")]).toEqual([1n, 4n]);
    expect(guest.operate(2, setup, { dom: self, nr_frames: 5, frame_list: list }).status).toBe(-1);
    expect(guest.call(20, 10, guest.put({ dom: "u16", version: "u32" }, { dom: self }), 1).result).toBe(0n);
    expect(guest.field({ dom: "u16", version: "u32" }, "version")).toBe(1n);
  });
});
