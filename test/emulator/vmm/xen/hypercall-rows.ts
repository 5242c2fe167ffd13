import { code, type Reply, scratch, type XenGuest } from "./guest.ts";

const self = 0x7ff0;
export const data = scratch + 0x3000;
const other = scratch + 0x4000;
const outside = 0x3ff0_0000;
const flat = 0x00cf_9300_0000_ffffn;

const mmuext = { cmd: "u32", arg1: "word", arg2: "word" } as const;
const update = { ptr: "u64", val: "u64" } as const;
const reservation = {
  extent_start: "word",
  nr_extents: "word",
  extent_order: "u32",
  mem_flags: "u32",
  domid: "u16",
} as const;

/** What is asked: a reply, after whatever has to come before it. */
type Ask = (guest: XenGuest) => Reply;
/** The width is both where none is said. Results below 0 are refusals, of which the text says why. */
type Row = readonly [what: string, ask: Ask, result: number, text?: RegExp | undefined, only?: 32 | 64];

const extend =
  (
    cmd: number,
    arg1: (guest: XenGuest) => bigint | number,
    arg2: (guest: XenGuest) => bigint | number = () => 0,
  ): Ask =>
  (guest) =>
    guest.call(26, guest.put(mmuext, { cmd, arg1: arg1(guest), arg2: arg2(guest) }), 1, 0, self);
const change =
  (ptr: (guest: XenGuest) => bigint, val: (guest: XenGuest) => bigint): Ask =>
  (guest) =>
    guest.call(1, guest.put(update, { ptr: ptr(guest), val: val(guest) }), 1, 0, self);
const remap =
  (linear: number, entry: (guest: XenGuest) => bigint): Ask =>
  (guest) =>
    guest.map(linear, entry(guest));
const list =
  (number: number, cmd: number, values: readonly ((guest: XenGuest) => bigint | number)[], extra = {}): Ask =>
  (guest) => {
    for (const [n, value] of values.entries())
      guest.put({ value: "word" }, { value: value(guest) }, data + n * guest.word);
    const at = guest.put(reservation, { extent_start: data, nr_extents: values.length, domid: self, ...extra });
    return guest.call(number, cmd, at);
  };
const after =
  (first: Ask, then: Ask): Ask =>
  (guest) => {
    first(guest);
    return then(guest);
  };
/** A hypercall with a structure as its second argument. */
const about =
  <F extends Parameters<XenGuest["put"]>[0]>(
    number: number,
    cmd: number,
    fields: F,
    values: Partial<Record<keyof F, bigint | number>>,
  ): Ask =>
  (guest) =>
    guest.call(number, cmd, guest.put(fields, values));
const vcpu =
  <F extends Parameters<XenGuest["put"]>[0]>(
    cmd: number,
    fields: F,
    values: Partial<Record<keyof F, bigint | number>>,
    id = 0,
  ): Ask =>
  (guest) =>
    guest.call(24, cmd, id, guest.put(fields, values));

const top = (guest: XenGuest): number => guest.frameOf(guest.base);
/** Machine address of the level-1 entry of a linear address below 2 MiB times the number of tables. */
const entryAt = (guest: XenGuest, linear: number): bigint =>
  BigInt(guest.frame((guest.base >> 12) + 3 + Math.floor(linear / 0x20_0000))) * 4096n +
  BigInt(((linear >> 12) & 511) * 8);
const unmapped: Ask = remap(data, () => 0n);

const trapEntry = { vector: "u8", flags: "u8", cs: "u16", address: "word" } as const;
const bind = { virq: "u32", vcpu: "u32", port: "u32" } as const;
const unbound = { dom: "u16", remote: "u16", port: "u32" } as const;
const interdomain = { remote_dom: "u16", remote_port: "u32", local_port: "u32" } as const;
const port = { port: "u32" } as const;
const allocate: Ask = about(32, 6, unbound, { dom: self, remote: self });

/** By the names of hypercalls. */
export const rows: Readonly<Record<string, readonly Row[]>> = {
  set_trap_table: [
    ["clears it", (g) => g.call(0, 0), 0],
    ["one handler", (g) => g.call(0, g.put(trapEntry, { vector: 14, cs: 0xe019, address: code })), 0],
    ["a table that cannot be read", (g) => g.call(0, outside), -14, /may not read/],
    [
      "a handler that is not canonical",
      (g) => g.call(0, g.put(trapEntry, { vector: 3, address: 1n << 60n })),
      -22,
      /not canonical/,
      64,
    ],
  ],
  mmu_update: [
    [
      "an entry of a page table",
      change(
        (g) => entryAt(g, data),
        (g) => g.entry(g.frameOf(other), 1),
      ),
      0,
    ],
    [
      "a page of data",
      change(
        (g) => BigInt(g.frameOf(data)) * 4096n,
        () => 0x1234n,
      ),
      0,
    ],
    [
      "the machine-to-physical table",
      change(
        (g) => BigInt(g.frameOf(data)) * 4096n + 1n,
        () => 5n,
      ),
      0,
    ],
    ["no request", (g) => g.call(1, scratch, 0, 0, self), 0],
    ["requests that cannot be read", (g) => g.call(1, outside, 1, 0, self), -14, /may not read/],
    ["another domain", (g) => g.call(1, scratch, 1, 0, 7), -3, /no domain 7/],
    [
      "a command there is not",
      change(
        (g) => BigInt(g.frameOf(data)) * 4096n + 4n,
        () => 0n,
      ),
      -38,
      /no command 4/,
    ],
    [
      "a frame of Xen's",
      change(
        () => 0x1000n,
        () => 0n,
      ),
      -22,
      /not the domain's/,
    ],
    [
      "Xen's own slot",
      change(
        (g) => BigInt(g.frame((g.base >> 12) + (g.bits === 64 ? 0 : 2))) * 4096n + (g.bits === 64 ? 256n : 511n) * 8n,
        () => 0n,
      ),
      -22,
      /Xen's own/,
    ],
    [
      "Xen's number in the machine-to-physical table",
      change(
        () => 0x1001n,
        () => 5n,
      ),
      -22,
      /not the domain's/,
    ],
  ],
  set_gdt: [
    ["none", (g) => g.call(2, 0, 0), 0],
    [
      "a page that is mapped writable",
      (g) => g.call(2, g.put({ f: "word" }, { f: g.frameOf(data) }), 1),
      -22,
      /in use as writable/,
    ],
    ["a page that is not", after(unmapped, (g) => g.call(2, g.put({ f: "word" }, { f: g.frameOf(data) }), 1)), 0],
    ["more entries than there is room for", (g) => g.call(2, scratch, 7169), -22, /at most 7168/],
    ["a list that cannot be read", (g) => g.call(2, outside, 1), -14, /cannot be read/],
    [
      "a gate in it",
      (g) => {
        g.put({ gate: "u64" }, { gate: 0x0000_8c00_0008_0000n }, data);
        unmapped(g);
        return g.call(2, g.put({ f: "word" }, { f: g.frameOf(data) }), 1);
      },
      -22,
      /gate or a system segment/,
    ],
  ],
  stack_switch: [["sets it", (g) => g.call(3, 0xe021, data), 0]],
  set_callbacks: [["sets them", (g) => g.call(4, 0xe019, code, 0xe019, code), 0]],
  fpu_taskswitch: [
    ["sets CR0.TS", (g) => g.call(5, 1), 0],
    ["clears it", (g) => g.call(5, 0), 0],
  ],
  set_debugreg: [
    ["an address", (g) => g.call(8, 0, code), 0],
    [
      "an address of Xen's",
      (g) => g.call(8, 0, g.bits === 64 ? 0xffff_8000_0000_1000n : 0xf600_0000),
      -1,
      /Xen's part/,
    ],
    ["one there is not", (g) => g.call(8, 9, 0), -22, /no debug register 9/],
  ],
  get_debugreg: [
    [
      "what was set",
      after(
        (g) => g.call(8, 1, code),
        (g) => g.call(9, 1),
      ),
      code,
    ],
    ["one there is not", (g) => g.call(9, 8), -22, /no debug register 8/],
  ],
  update_descriptor: [
    ["a page of data", (g) => g.call(10, ...g.wide(g.frameOf(data) * 4096), ...g.wide(flat)), 0],
    ["an odd address", (g) => g.call(10, ...g.wide(g.frameOf(data) * 4096 + 4), ...g.wide(flat)), -22, /multiple of 8/],
    ["a frame of Xen's", (g) => g.call(10, ...g.wide(0x1000), ...g.wide(flat)), -22, /belongs to Xen/],
    [
      "an expand-down segment",
      (g) => g.call(10, ...g.wide(g.frameOf(data) * 4096), ...g.wide(0x00cf_9700_0000_ffffn)),
      -22,
      /expand-down/,
      32,
    ],
    [
      "a call gate",
      (g) => g.call(10, ...g.wide(g.frameOf(data) * 4096), ...g.wide(0x0000_ec00_0008_0000n)),
      -22,
      /gate or a system/,
    ],
  ],
  memory_op: [
    [
      "decrease_reservation of a list that cannot be read",
      list(12, 1, [], { extent_start: outside, nr_extents: 1 }),
      0,
      /list cannot be read/,
    ],
    ["decrease_reservation of a page that is still mapped", list(12, 1, [(g) => g.frameOf(other)]), 1],
    [
      "decrease_reservation of a page that is not mapped",
      after(
        remap(other, () => 0n),
        list(12, 1, [(g) => g.frameOf(other)]),
      ),
      1,
    ],
    ["decrease_reservation of Xen's", list(12, 1, [() => 3]), 0, /not the domain's/],
    ["populate_physmap without free memory", list(12, 6, [() => 900]), 0, /no free memory/],
    [
      "populate_physmap after ballooning",
      after(
        after(
          remap(other, () => 0n),
          list(12, 1, [(g) => g.frameOf(other)]),
        ),
        list(12, 6, [() => other >> 12]),
      ),
      1,
    ],
    ["larger extents", list(12, 6, [() => 900], { extent_order: 1 }), -38, /more than one page/],
    ["another domain's", list(12, 6, [() => 900], { domid: 3 }), -3, /no domain 3/],
    ["maximum_ram_page", (g) => g.call(12, 2, 0), 6 * 256],
    ["current_reservation", (g) => g.call(12, 3, 0), 4 * 256 - 32],
    ["maximum_reservation", (g) => g.call(12, 4, 0), 4 * 256 - 32],
    ["machphys_mapping", (g) => g.call(12, 12, scratch), 0],
    ["memory_map", (g) => g.call(12, 9, scratch), -38, /memory_op has no memory_map/],
  ],
  multicall: [
    [
      "two calls",
      (g) => {
        const entry = {
          op: "word",
          result: "word",
          a0: "word",
          a1: "word",
          a2: "word",
          a3: "word",
          a4: "word",
          a5: "word",
        } as const;
        g.put(entry, { op: 17 }, data);
        g.put(entry, { op: 99 }, data + 8 * g.word);
        return g.call(13, data, 2);
      },
      0,
      /xen_version → 262161.*hypercall 99 → -38/,
    ],
    ["a list that cannot be read", (g) => g.call(13, outside, 1), -14, /may not read/],
    [
      "a multicall in it",
      (g) => {
        g.put(
          { op: "word", result: "word", a0: "word", a1: "word", a2: "word", a3: "word", a4: "word", a5: "word" },
          { op: 13 },
          data,
        );
        return g.call(13, data, 1);
      },
      0,
      /multicall → -22/,
    ],
  ],
  update_va_mapping: [
    ["another frame", remap(data, (g) => g.entry(g.frameOf(other), 1)), 0],
    ["nothing", unmapped, 0],
    ["a page table, writable", remap(data, (g) => g.entry(top(g))), -16, /cannot be mapped writable/],
    ["a page table, read-only", remap(data, (g) => g.entry(top(g), 1)), 0],
    ["a frame of Xen's", remap(data, (g) => g.entry(2)), -16, /belongs to Xen/],
    ["a frame that is a device's", remap(data, (g) => g.entry(512 + 0xb8)), -1, /device's/],
    ["a frame that there is not", remap(data, (g) => g.entry(0x10_0000)), -1, /there is no frame/],
    ["uncached", remap(data, (g) => g.entry(g.frameOf(data), 0x13)), -22, /bits 10h are not allowed/],
    ["an address without a page table", remap(outside, (g) => g.entry(g.frameOf(data))), -22, /no l1 page table/],
  ],
  set_timer_op: [
    ["sets it", (g) => g.call(15, ...g.wide(1_000_000)), 0, /at 1000000 ns/],
    ["stops it", (g) => g.call(15, ...g.wide(0)), 0, /stops the timer/],
  ],
  xen_version: [
    ["version", (g) => g.call(17, 0, 0), 0x4_0011],
    ["extraversion", (g) => g.call(17, 1, scratch), 0],
    ["capabilities", (g) => g.call(17, 3, scratch), 0],
    ["platform_parameters", (g) => g.call(17, 5, scratch), 0],
    ["get_features", about(17, 6, { submap_idx: "u32", submap: "u32" }, {}), 0],
    ["pagesize", (g) => g.call(17, 7, 0), 4096],
    ["where it cannot be written", (g) => g.call(17, 1, outside), -14, /may not write/],
    ["changeset", (g) => g.call(17, 4, scratch), -38, /no changeset/],
  ],
  console_io: [
    ["write", (g) => g.call(18, 0, 3, scratch), 0],
    ["read, where nothing was typed", (g) => g.call(18, 1, 3, scratch), 0],
    [
      "read",
      (g) => {
        g.machine.input("ab");
        g.machine.run({ steps: 4000 });
        return g.call(18, 1, 8, scratch);
      },
      2,
    ],
    ["what cannot be read", (g) => g.call(18, 0, 3, outside), -14, /may not read/],
    ["another operation", (g) => g.call(18, 5, 0, 0), -38, /no command 5/],
  ],
  grant_table_op: [["is in grants.test.ts", (g) => g.call(20, 8, scratch, 1), -38, /no set_version/]],
  vm_assist: [
    ["writable page tables", (g) => g.call(21, 0, 2), 0, /enable writable_pagetables/],
    ["and not", (g) => g.call(21, 1, 2), 0, /disable writable_pagetables/],
    ["a kind there is not", (g) => g.call(21, 0, 9), -22, /no assistance of type 9/],
    ["a command there is not", (g) => g.call(21, 2, 2), -38, /no command 2/],
  ],
  iret: [],
  vcpu_op: [
    ["is_up", vcpu(3, {}, {}), 1],
    ["initialise", vcpu(0, {}, {}), -17, /has its state already/],
    ["get_runstate_info", vcpu(4, { state: "u32" }, {}), 0],
    ["set_periodic_timer", vcpu(6, { period: "u64" }, { period: 2_000_000 }), 0],
    ["a period that is too short", vcpu(6, { period: "u64" }, { period: 999_999 }), -22, /shorter than a millisecond/],
    ["stop_periodic_timer", vcpu(7, {}, {}), 0],
    ["set_singleshot_timer", vcpu(8, { timeout: "u64", flags: "u32" }, { timeout: 5 }), 0],
    [
      "one that must be in the future",
      vcpu(8, { timeout: "u64", flags: "u32" }, { timeout: 5, flags: 1 }),
      -22,
      /5 ns is past/,
    ],
    ["stop_singleshot_timer", vcpu(9, {}, {}), 0],
    [
      "register_vcpu_info",
      (g) => vcpu(10, { mfn: "u64", offset: "u32", rsvd: "u32" }, { mfn: g.frameOf(data), offset: 64 })(g),
      0,
    ],
    [
      "register_vcpu_info over a page's end",
      (g) => vcpu(10, { mfn: "u64", offset: "u32", rsvd: "u32" }, { mfn: g.frameOf(data), offset: 4090 })(g),
      -22,
      /more than the page/,
    ],
    [
      "register_vcpu_info in a page table",
      (g) => vcpu(10, { mfn: "u64", offset: "u32", rsvd: "u32" }, { mfn: top(g) })(g),
      -22,
      /cannot be writable/,
    ],
    ["another vCPU", vcpu(3, {}, {}, 1), -2, /no vCPU 1/],
    ["up, of one that runs", vcpu(1, {}, {}), 0],
    ["register_runstate_memory_area", (g) => vcpu(5, { address: "word" }, { address: data + 512 })(g), 0],
    ["send_nmi", vcpu(11, {}, {}), 0],
    ["get_physid", vcpu(12, {}, {}), -38, /no get_physid/],
  ],
  set_segment_base: [
    ["FS", (g) => g.call(25, 0, data), 0, undefined, 64],
    ["the kernel's GS", (g) => g.call(25, 2, data), 0, undefined, 64],
    ["the user's GS", (g) => g.call(25, 1, data), 0, undefined, 64],
    ["one that is not canonical", (g) => g.call(25, 0, 1n << 60n), -22, /not canonical/, 64],
    ["a segment there is not", (g) => g.call(25, 7, 0), -22, /cannot be set here/, 64],
    ["in a 32-bit guest", (g) => g.call(25, 0, data), -38, /in descriptors/, 32],
  ],
  mmuext_op: [
    ["PIN_L1_TABLE of a page that is mapped writable", extend(0, (g) => g.frameOf(data)), -22, /in use as writable/],
    [
      "PIN_L1_TABLE",
      after(
        unmapped,
        extend(0, (g) => g.frameOf(data)),
      ),
      0,
    ],
    [
      "PIN_L2_TABLE",
      after(
        unmapped,
        extend(1, (g) => g.frameOf(data)),
      ),
      0,
    ],
    [
      "PIN_L3_TABLE without Xen's own",
      after(
        unmapped,
        extend(2, (g) => g.frameOf(data)),
      ),
      -22,
      /fourth entry/,
      32,
    ],
    [
      "PIN_L4_TABLE",
      after(
        unmapped,
        extend(3, (g) => g.frameOf(data)),
      ),
      0,
      undefined,
      64,
    ],
    ["PIN_L4_TABLE in a 32-bit guest", extend(3, (g) => g.frameOf(data)), -95, /no l4/, 32],
    ["what is pinned already", extend(3, top), -22, /pinned already/, 64],
    ["UNPIN_TABLE", extend(4, top), 0],
    ["UNPIN_TABLE of what is not", extend(4, (g) => g.frameOf(data)), -22, /not pinned/],
    ["NEW_BASEPTR, the same", extend(5, top), 0],
    ["NEW_BASEPTR of a page of data", extend(5, (g) => g.frameOf(data)), -22, /in use as writable/],
    ["TLB_FLUSH_LOCAL", extend(6, () => 0), 0],
    ["INVLPG_LOCAL", extend(7, () => data), 0],
    ["TLB_FLUSH_ALL", extend(10, () => 0), 0],
    ["FLUSH_CACHE", extend(12, () => 0), 0],
    [
      "SET_LDT",
      extend(
        13,
        () => data,
        () => 8,
      ),
      0,
    ],
    [
      "SET_LDT within a page",
      extend(
        13,
        () => data + 8,
        () => 8,
      ),
      -22,
      /page boundary/,
    ],
    [
      "SET_LDT with too many",
      extend(
        13,
        () => data,
        () => 8193,
      ),
      -22,
      /at most 8192/,
    ],
    ["NEW_USER_BASEPTR", extend(15, top), 0, undefined, 64],
    ["no NEW_USER_BASEPTR", extend(15, () => 0), 0, undefined, 64],
    ["NEW_USER_BASEPTR in a 32-bit guest", extend(15, top), -95, /kernel's page tables/, 32],
    ["CLEAR_PAGE", extend(16, (g) => g.frameOf(data)), 0],
    ["CLEAR_PAGE of a page table", extend(16, top), -22, /cannot be writable/],
    [
      "COPY_PAGE",
      extend(
        17,
        (g) => g.frameOf(data),
        (g) => g.frameOf(code),
      ),
      0,
    ],
    [
      "COPY_PAGE of Xen's",
      extend(
        17,
        (g) => g.frameOf(data),
        () => 1,
      ),
      -22,
      /not the domain's/,
    ],
    ["MARK_SUPER", extend(19, () => 0), -38, /no MARK_SUPER/],
    ["a command there is not", extend(77, () => 0), -38, /no command 77/],
    ["requests that cannot be read", (g) => g.call(26, outside, 1, 0, self), -14, /may not read/],
  ],
  nmi_op: [
    ["register_callback", about(28, 0, { handler: "word", pad: "word" }, { handler: code }), 0],
    ["unregister_callback", (g) => g.call(28, 1, 0), 0],
  ],
  sched_op: [
    ["yield", (g) => g.call(29, 0, 0), 0],
    [
      "poll of no port, with a time that is past",
      about(29, 3, { ports: "word", nr_ports: "u32", timeout: "u64" }, { timeout: 1 }),
      0,
    ],
    [
      "poll of too many",
      about(29, 3, { ports: "word", nr_ports: "u32", timeout: "u64" }, { nr_ports: 129 }),
      -22,
      /at most 128/,
    ],
    [
      "poll of a port there is not",
      (g) => {
        g.put({ p: "u32" }, { p: 99_999 }, data);
        return about(29, 3, { ports: "word", nr_ports: "u32", timeout: "u64" }, { ports: data, nr_ports: 1 })(g);
      },
      -22,
      /no port 99999/,
    ],
    ["shutdown for no reason", about(29, 2, { reason: "u32" }, { reason: 9 }), -22, /no reason 9/],
    ["watchdog", (g) => g.call(29, 6, 0), -38, /no watchdog/],
  ],
  callback_op: [
    [
      "event",
      (g) =>
        about(
          30,
          0,
          { type: "u16", flags: "u16", a: "word", b: "word" },
          g.bits === 64 ? { type: 0, a: code } : { type: 0, a: 0xe019, b: code },
        )(g),
      0,
    ],
    [
      "nmi",
      (g) => about(30, 0, { type: "u16", flags: "u16", a: "word", b: "word" }, { type: 4, a: code, b: code })(g),
      0,
    ],
    [
      "sysenter",
      about(30, 0, { type: "u16", flags: "u16", a: "word", b: "word" }, { type: 5 }),
      -38,
      /sysenter are not supported/,
    ],
    ["unregister nmi", about(30, 1, { type: "u16", unused: "u16" }, { type: 4 }), 0],
    ["unregister event", about(30, 1, { type: "u16", unused: "u16" }, { type: 0 }), -22, /cannot be taken back/],
  ],
  event_channel_op: [
    ["alloc_unbound", allocate, 0, /port → 1/],
    ["alloc_unbound for another domain", about(32, 6, unbound, { dom: 4 }), -3, /no domain 4/],
    [
      "bind_interdomain",
      after(allocate, about(32, 0, interdomain, { remote_dom: 0, remote_port: 1 })),
      0,
      /local_port → 2/,
    ],
    ["bind_interdomain to a closed port", about(32, 0, interdomain, { remote_port: 5 }), -22, /closed/],
    ["bind_virq", about(32, 1, bind, {}), 0, /port → 1/],
    ["bind_virq twice", after(about(32, 1, bind, {}), about(32, 1, bind, {})), -17, /bound to a port already/],
    ["bind_virq there is not", about(32, 1, bind, { virq: 24 }), -22, /no virtual interrupt 24/],
    ["bind_virq of another vCPU", about(32, 1, bind, { vcpu: 1 }), -2, /no vCPU 1/],
    ["bind_ipi", about(32, 7, { vcpu: "u32", port: "u32" }, {}), 0, /port → 1/],
    ["bind_vcpu", after(allocate, about(32, 8, { port: "u32", vcpu: "u32" }, { port: 1 })), 0],
    [
      "bind_vcpu to another",
      after(allocate, about(32, 8, { port: "u32", vcpu: "u32" }, { port: 1, vcpu: 2 })),
      -2,
      /no vCPU 2/,
    ],
    ["send on an unbound port", after(allocate, about(32, 4, port, { port: 1 })), 0],
    ["send on a closed port", about(32, 4, port, { port: 9 }), -22, /closed/],
    [
      "send on a virtual interrupt's",
      after(about(32, 1, bind, {}), about(32, 4, port, { port: 1 })),
      -22,
      /nothing can be sent/,
    ],
    ["close", after(allocate, about(32, 3, port, { port: 1 })), 0],
    ["close what is closed", about(32, 3, port, { port: 1 }), -22, /not open/],
    ["unmask", after(allocate, about(32, 9, port, { port: 1 })), 0],
    ["unmask what is closed", about(32, 9, port, { port: 1 }), -22, /not open/],
    ["status", about(32, 5, { dom: "u16", port: "u32", a: "u64", b: "u64" }, { port: 1 }), 0, /status → 0/],
    [
      "status of an unbound port",
      after(allocate, about(32, 5, { dom: "u16", port: "u32", a: "u64", b: "u64" }, { port: 1 })),
      0,
      /status → 1/,
    ],
    [
      "status of a port there is not",
      about(32, 5, { dom: "u16", port: "u32", a: "u64", b: "u64" }, { port: 99_999 }),
      -22,
      /no port 99999/,
    ],
    ["bind_pirq", (g) => g.call(32, 2, scratch), -38, /no bind_pirq/],
    ["a request that cannot be read", (g) => g.call(32, 4, outside), -14, /may not read/],
  ],
  physdev_op: [
    ["set_iopl", about(33, 6, { iopl: "u32" }, { iopl: 1 }), 0, /iopl = 1/],
    ["an IOPL there is not", about(33, 6, { iopl: "u32" }, { iopl: 4 }), -22, /no IOPL 4/],
    ["set_iobitmap", (g) => g.call(33, 7, scratch), -38, /no set_iobitmap/],
  ],
};
