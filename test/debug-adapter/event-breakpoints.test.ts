import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import type { EventBreakpoint, EventCounts } from "../../debug-adapter/protocol.ts";
import { walker } from "../emulator/machine/walker.ts";
import { DapClient, guestFile, lineOf } from "../support/dap-client.ts";
import { launched, stops } from "../support/event-run.ts";
import { example } from "../support/examples.ts";
import { faulting, guest } from "./guest.ts";

interface Case {
  readonly name: string;
  readonly source: string;
  readonly technique: string;
  readonly breakpoints: readonly EventBreakpoint[];
  /** Stops forwards, and a part of what the first says. */
  readonly count: number;
  readonly first: string;
}

const row = (
  name: string,
  [source, technique]: readonly [string, string],
  breakpoints: readonly EventBreakpoint[],
  count: number,
  first: string,
): Case => ({ name, source, technique, breakpoints, count, first });

const cases: readonly Case[] = [
  row("an exit by reason", [guest, "vtx-ept"], [{ event: "vtx/CPUID" }], 1, "VM Exits: VT-x › CPUID. cpuid"),
  row("an exit after it was handled", [guest, "vtx-ept"], [{ event: "vtx/CPUID", stage: "after" }], 1, "CPUID: cpuid"),
  row("exits on a condition", [guest, "vtx-ept"], [{ event: "vtx/IO_INSTRUCTION", condition: "al == 'i'" }], 1, "'i'"),
  row("exits of AMD-V by code", [guest, "svm-npt"], [{ event: "svm/VMEXIT_IOIO" }], 3, "VMEXIT_IOIO. out"),
  row("traps", [guest, "trap-and-emulate"], [{ event: "trap/#GP" }], 5, "Traps to the VMM › #GP"),
  row(
    "exits that are handled, on a condition",
    [guest, "vtx-ept"],
    [{ event: "vtx/IO_INSTRUCTION", stage: "after", condition: "al == 10" }],
    1,
    "IO_INSTRUCTION",
  ),
  row(
    "EPT violations by class",
    [example("nested-page-fault.asm"), "vtx-ept"],
    [{ event: "ept/Data write: yes" }],
    2,
    "Data write",
  ),
  row(
    "exceptions before",
    [faulting, "bare-metal"],
    [{ event: "exception/6" }],
    2,
    "Exceptions of the Guest › #UD. The next",
  ),
  row(
    "exceptions after, in a ring",
    [faulting, "bare-metal"],
    [{ event: "exception/6", stage: "after", ring: 0 }],
    2,
    "#UD",
  ),
  row("exceptions in a ring without code", [faulting, "bare-metal"], [{ event: "exception/6", ring: 3 }], 0, ""),
  row(
    "port accesses by device",
    [guest, "bare-metal"],
    [{ event: "io/debug console" }],
    3,
    "Device I/O › debug console. out E9h, 68h",
  ),
  row(
    "port accesses by port",
    [guest, "vtx-ept"],
    [{ event: "io/#E9h", condition: "event.value == 'i'" }],
    1,
    "port E9h. out E9h, 69h",
  ),
  row(
    "port accesses before",
    [guest, "bare-metal"],
    [{ event: "io/#E9h", stage: "before", condition: "al == 'h'" }],
    1,
    "out E9h",
  ),
  row("console output", [guest, "vtx-ept"], [{ event: "console/debug console" }], 3, 'debug console: "h"'),
  row(
    "shadow events",
    [example("shadow-faults.asm"), "vtx-shadow"],
    [{ event: "shadow/dirty/access" }],
    2,
    "Shadow Paging › dirty/access",
  ),
  row(
    "hypercalls of KVM",
    [example("hypercall.asm"), "vtx-ept"],
    [{ event: "kvm/11" }, { event: "kvm/other" }],
    2,
    "SCHED_YIELD",
  ),
  row("hypercalls of Xen", [example("xen-hello.asm"), "paravirtualization"], [{ event: "xen/18" }], 4, "console_io"),
  row("injections", [example("timer.asm"), "vtx-ept"], [{ event: "inject/other" }], 7, "Injections › interrupts"),
  row("interrupts", [example("timer.asm"), "bare-metal"], [{ event: "interrupt/0" }], 5, "Interrupts › IRQ 0"),
  row("translation", [guest, "binary-translation"], [{ event: "cache/translate" }], 11, "Translation Cache"),
  row("chaining", [guest, "binary-translation"], [{ event: "cache/chain" }], 9, "units are chained"),
  row(
    "mode changes",
    [example("protected-mode.asm"), "bare-metal"],
    [{ event: "mode/protected" }],
    1,
    "real → protected",
  ),
  row("entries", [guest, "vtx-ept"], [{ event: "entry/again" }], 6, "VM Entries › after an exit"),
  row("flushes by a cause", [walker, "bare-metal"], [{ event: "tlb/CR3" }], 12, "TLB › flush: CR3. flush, PCID 0"),
  row("flushes before", [walker, "vtx-ept"], [{ event: "tlb/CR4", stage: "before" }], 1, "6 translations gone"),
  row(
    "flushes that drop nothing",
    [walker, "bare-metal"],
    [{ event: "tlb/INVLPG", condition: "event.dropped == 0" }],
    0,
    "",
  ),
  row(
    "fills by the size of the page",
    [walker, "bare-metal"],
    [{ event: "tlb/4 MiB", condition: "event.linear < 0F00000h" }],
    12,
    "kernel read of 40005ah → 40005ah (4 MiB)",
  ),
  row(
    "fills through nested paging, on a condition on both",
    [walker, "svm-npt"],
    [{ event: "tlb/nested", condition: "event.linear == 128000h && ebp > 80" }],
    10,
    "TLB › fill: through nested paging. kernel read of 128000h",
  ),
  row("fills of global pages", [walker, "vtx-ept"], [{ event: "tlb/global", stage: "before" }], 2, "130000h"),
  row("page walks that fault", [walker, "bare-metal"], [{ event: "walk/not present" }], 1, "PTE, not present; #PF"),
  row("page walks that fault, before", [walker, "vtx-ept"], [{ event: "walk/not present", stage: "before" }], 1, "PTE"),
  row(
    "page walks that set dirty flags",
    [walker, "vtx-ept"],
    [{ event: "walk/dirty", stage: "before", condition: "event.linear >= 142000h && esi < 200000h" }],
    3,
    "kernel write of 201500h: sets",
  ),
  row("page walks of shadows", [walker, "vtx-shadow"], [{ event: "walk/read-only" }], 36, "PTE, read-only"),
  row(
    "failures of VMX instructions",
    [example("hypervisor.asm"), "bare-metal"],
    [{ event: "vtx/VMCALL" }],
    1,
    "VMCALL",
  ),
];

describe("event breakpoints", () => {
  it.each(cases)("stop at $name, forwards and at the same moments backwards", async (one) => {
    const client = await launched(one.source, one.breakpoints, { technique: one.technique });
    const forwards = await stops(client, "continue");
    expect(forwards.titles.length).toBe(one.count);
    expect(forwards.texts[0] ?? "").toContain(one.first);
    const backwards = await stops(client, "reverseContinue");
    expect(backwards.moments.toReversed()).toEqual(forwards.moments);
    expect(backwards.texts.toReversed()).toEqual(forwards.texts);
    expect((await stops(client, "continue")).moments).toEqual(forwards.moments);
  });
});

const outputs = (client: DapClient): string[] =>
  client.events
    .filter(({ event, body }) => event === "output" && body.category === "console")
    .map(({ body }) => body.output);

const countsOf = (client: DapClient): EventCounts["counts"] | undefined =>
  client.events.findLast(({ event }) => event === "ringside/eventCounts")?.body.counts;

describe("event breakpoints that log", () => {
  it.each([
    [{ event: "io/#E9h" }, ["io: out E9h, 68h (1 byte, debug console)\n"]],
    [{ event: "io/#E9h", message: "{event.device} {event.value} {al}" }, ["debug console 104 0x68 (104) 'h'\n"]],
    [
      { event: "io/#E9h", message: "{event}", condition: "event.value == 10" },
      ["out E9h, Ah (1 byte, debug console)\n"],
    ],
    [{ event: "vtx/CPUID", message: "leaf {eax}" }, ["leaf 0x00000002 (2)\n"]],
    [{ event: "vtx/CPUID", stage: "after", message: "{eax}: {event.reason}" }, ["CPUID"]],
    [{ event: "exception/14", message: "{cr2}" }, []],
  ] as const)("print a line and let the guest go on: %j", async (breakpoint, expected) => {
    const client = await launched(guest, [{ action: "log", ...breakpoint }], { technique: "vtx-ept" });
    expect(await client.go("continue")).toMatchObject({ description: "Halted" });
    const printed = outputs(client);
    for (const [n, line] of expected.entries()) expect(printed[n]).toContain(line);
    if (expected.length === 0) expect(printed).toEqual([]);
  });

  it("say before what happens next, once, with other breakpoints in the same place", async () => {
    const log: EventBreakpoint = { event: "exception/6", action: "log", message: "#UD at bx = {bx}" };
    const client = await launched(faulting, [log, { event: "exception/6" }]);
    await stops(client, "continue");
    expect(outputs(client)).toEqual(["#UD at bx = 0x0000 (0)\n", "#UD at bx = 0x0001 (1)\n"]);
  });
});

/** The moment before the second character is written. */
async function beforeSecond(client: DapClient): Promise<number> {
  const args = { after: 0, limit: 2, kinds: ["io"] };
  const { events } = await client.request<{ events: readonly { step: number }[] }>("ringside/events", args);
  return events[1]!.step - 1;
}

describe("event breakpoints that count", () => {
  const counting: readonly EventBreakpoint[] = [
    { event: "io/debug console", action: "count" },
    { event: "vtx/IO_INSTRUCTION", action: "count", condition: "al == 'i'" },
    { event: "vtx/CPUID", action: "count", vcpu: 1 },
    { event: "vtx/HLT", action: "count", vm: "vm0" },
  ];
  const told = (...counts: readonly number[]) => counts.map((count, n) => ({ event: counting[n]!.event, count }));

  it("tell how often up to the present moment, also where that goes back", async () => {
    const client = await launched(guest, counting, { technique: "vtx-ept" });
    await client.go("continue");
    const all = told(3, 1, 0, 1);
    expect(countsOf(client)).toEqual(all);
    await client.go("ringside/goToMoment", { measure: "step", value: await beforeSecond(client) });
    const some = countsOf(client);
    expect(some).toEqual(told(1, 1, 0, 0));
    await client.go("reverseContinue");
    expect(countsOf(client)).toEqual(told(0, 0, 0, 0));
    await client.go("continue");
    expect(countsOf(client)).toEqual(all);
  });

  it("count steps and what is passed on the way to a moment", async () => {
    const client = await launched(guest, counting, { technique: "vtx-ept" });
    await client.go("ringside/goToMoment", { measure: "step", value: 1e6 });
    expect(countsOf(client)).toEqual(told(3, 1, 0, 1));
    await client.go("reverseContinue");
    for (let n = 0; n < 80; n++) if ((await client.go("stepIn")).description === "Halted") break;
    expect(countsOf(client)).toEqual(told(3, 1, 0, 1));
  });

  it("count what has happened before, and what an exit was before it is handled", async () => {
    const client = await launched(guest, [{ event: "vtx/CPUID" }], { technique: "vtx-ept" });
    await client.go("continue");
    const breakpoints: EventBreakpoint[] = [
      { event: "vtx/CPUID", action: "count" },
      { event: "vtx/CPUID", action: "count", stage: "after" },
    ];
    await client.request("ringside/setEventBreakpoints", { breakpoints });
    const both = () => countsOf(client)?.map(({ count }) => count);
    expect(both()).toEqual([1, 0]);
    await client.go("stepIn");
    expect(both()).toEqual([1, 1]);
    await client.go("stepBack");
    expect(both()).toEqual([0, 0]);
    await client.go("ringside/toExit", { direction: "next" });
    expect(both()).toEqual([1, 0]);
  });

  it("keep counting where the others are changed", async () => {
    const client = await launched(guest, counting, { technique: "vtx-ept" });
    await client.go("continue");
    const breakpoints = [...counting, { event: "vtx/CPUID", action: "count" }];
    await client.request("ringside/setEventBreakpoints", { breakpoints });
    await client.go("stepBack");
    expect(countsOf(client)?.slice(0, 2)).toEqual(told(3, 1));
  });
});

describe("event breakpoints of all kinds", () => {
  it("are refused with the reason, each for itself", async () => {
    const client = await launched(guest, []);
    const breakpoints = [
      { event: "vtx/CPUID" },
      { event: "vtx/NOTHING" },
      { event: "io/#3F8h", ring: 4 },
      { event: "io/PIC", condition: "al ==" },
      { event: "io/PIC", action: "dance" },
      { event: "io/PIC", stage: "during" },
      { event: "exception/#Eh" },
    ];
    const answer = await client.request("ringside/setEventBreakpoints", { breakpoints });
    expect(answer).toEqual({
      breakpoints: [
        { event: "vtx/CPUID", verified: true },
        { event: "vtx/NOTHING", verified: false, message: 'There are no events "vtx/NOTHING".' },
        { event: "io/#3F8h", verified: false, message: "A ring is 0 to 3, not 4." },
        { event: "io/PIC", verified: false, message: "Condition: a value is missing before the end." },
        { event: "io/PIC", verified: false, message: 'The action is stop, log or count, not "dance".' },
        { event: "io/PIC", verified: false, message: 'The stage is before or after, not "during".' },
        { event: "exception/#Eh", verified: false, message: 'There are no events "exception/#Eh".' },
      ],
    });
    await expect(client.request("ringside/setEventBreakpoints", { breakpoints: [{}] })).rejects.toThrow(
      'needs "event"',
    );
    expect(outputs(await launched(guest, [{ event: "vtx/NOTHING" }]))).toEqual([
      'The event breakpoint "vtx/NOTHING" is not in force. There are no events "vtx/NOTHING".\n',
    ]);
  });

  it("stop together with the client's own filters, and once where both do", async () => {
    const client = await launched(guest, [{ event: "vtx/CPUID" }], { technique: "vtx-ept" });
    const filterOptions = [{ filterId: "vm-exits", condition: "CPUID, HLT" }, { filterId: "guest-end" }];
    await client.request("setExceptionBreakpoints", { filters: [], filterOptions });
    expect((await stops(client, "continue")).texts).toEqual([
      "Event breakpoint VM Exits: VT-x › CPUID. cpuid eax = 2h, ecx = 0h",
      expect.stringContaining("hlt"),
    ]);
  });

  it("stop with a breakpoint in the same place, and name both", async () => {
    const client = await launched(guest, [{ event: "io/debug console" }], { technique: "bare-metal" });
    const [breakpoint] = await client.breakAt({ line: lineOf(guest, "jmp print") });
    const stopped = await client.go("continue");
    expect(stopped).toMatchObject({ reason: "exception", hitBreakpointIds: [breakpoint!.id] });
    expect(await client.line()).toBe(lineOf(guest, "jmp print"));
  });

  it("keep a guest that has ended, where the filter for that is off", async () => {
    const client = await launched(guest, [{ event: "stop/halted" }]);
    await client.request("setExceptionBreakpoints", { filters: [] });
    expect(await client.go("continue")).toMatchObject({
      description: "Halted",
      text: expect.stringContaining("Event breakpoint End of the Guest › Halted."),
    });
  });

  it("stop where a step meets them", async () => {
    const client = await launched(guest, [{ event: "io/#E9h", condition: "event.value == 'i'" }], {
      technique: "bare-metal",
    });
    await client.breakAt({ line: lineOf(guest, "call print") });
    await client.go("continue");
    expect(await client.go("next")).toMatchObject({ reason: "exception", description: "Port access" });
    expect(await client.evaluate("al")).toBe("0x69 (105) 'i'");
  });

  it("explain what has stopped the guest", async () => {
    const client = await launched(guest, [{ event: "io/debug console" }], { technique: "bare-metal" });
    await client.go("continue");
    expect(await client.request("exceptionInfo", { threadId: 1 })).toMatchObject({
      exceptionId: "Port access",
      description: "Event breakpoint Device I/O › debug console. out E9h, 68h (1 byte, debug console)",
    });
  });

  it("stop again after a change that makes another event happen in the same place", async () => {
    const client = await launched(faulting, [{ event: "exception/6" }]);
    await client.go("continue");
    // Past the invalid instruction: the next event with the same number is the other one.
    const line = lineOf(faulting, "inc bx");
    const { targets } = await client.request<P.GotoTargetsResponse["body"]>("gotoTargets", {
      source: { path: guestFile },
      line,
    });
    await client.go("goto", { targetId: targets[0]!.id });
    expect(await client.go("continue")).toMatchObject({ reason: "exception" });
    expect(await client.evaluate("bx")).toBe("0x0001 (1)");
  });

  it.each<[string, string, EventBreakpoint["event"], string, string, string]>([
    [guest, "vtx-ept", "vtx/CPUID", "edx", "0x000206d7 (132823)", "0x00000000 (0)"],
    [guest, "vtx-ept", "entry/again", "$", "0x00100000 (1048576) start", "0x00100000 (1048576) start"],
    [faulting, "bare-metal", "exception/6", "ip", "0x7c0c (31756) start+12", "0x7c13 (31763) handler"],
    [example("hypercall.asm"), "vtx-ept", "kvm/11", "eax", "0x0000000b (11)", "0x00000000 (0)"],
    [guest, "bare-metal", "io/#E9h", "ip", "0x0036 (54) '6'", "0x0038 (56) '8'"],
  ])("find the guest before and after what happens: %#", async (source, technique, event, asked, before, after) => {
    const seen: string[] = [];
    for (const stage of ["before", "after"] as const) {
      const client = await launched(source, [{ event, stage }], { technique });
      await client.go("continue");
      seen.push(await client.evaluate(asked));
    }
    expect(seen).toEqual([before, after]);
  });

  it("are found in the past beyond the events that are kept", async () => {
    const many = `%pragma ringside mode protected
        org 100000h
        bits 32
start:  cpuid
        mov ecx, 80000
.again: in al, 60h
        loop .again
        hlt
`;
    const client = await launched(many, [{ event: "vtx/CPUID" }, { event: "vtx/IO_INSTRUCTION", action: "count" }], {
      technique: "vtx-ept",
    });
    const [first] = (await stops(client, "continue")).moments;
    expect(countsOf(client)).toEqual([{ event: "vtx/IO_INSTRUCTION", count: 80000 }]);
    const { events } = await client.request<{ events: readonly { sequence: number }[] }>("ringside/events", {
      after: 0,
      limit: 1,
    });
    expect(events[0]!.sequence).toBeGreaterThan(1000);
    expect((await stops(client, "reverseContinue")).moments).toEqual([first]);
  });

  it("are not in force without debugging", async () => {
    const client = new DapClient(guest);
    await client.launch({ noDebug: true, eventBreakpoints: [{ event: "vtx/CPUID" }] });
    await client.request("configurationDone");
    await client.event("terminated");
    expect(client.events.some(({ event }) => event === "stopped")).toBe(false);
  });
});
