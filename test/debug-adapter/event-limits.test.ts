import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { describe, expect, it } from "vitest";
import { filters } from "../../debug-adapter/capabilities.ts";
import { classesOf, eventFolders } from "../../debug-adapter/event-catalogue.ts";
import { limitOf } from "../../debug-adapter/event-limits.ts";
import { load } from "../../debug-adapter/launch.ts";
import type { EventBreakpoint, EventBreakpointStatus, Requests } from "../../debug-adapter/protocol.ts";
import { configurationProblem, createMachine, type MachineInterface } from "../../emulator/index.ts";
import { schedulers } from "../../emulator/schedule/schedulers.ts";
import { type TechniqueId, techniques } from "../../isa/technique.ts";
import { assembledFile, configurationOf } from "../emulator/machine/program.ts";
import { bytesOf, DapClient } from "../support/dap-client.ts";
import { faulting, guest } from "./guest.ts";

const folder = join(import.meta.dirname, "../../examples");
const examples = readdirSync(folder).filter((name) => name.endsWith(".asm"));
const smp = readdirSync(join(folder, "smp")).map((name) => join("smp", name));
const steps = 15_000;
const kinds = new Set(eventFolders.flatMap((row) => row.kinds));

/** Classes of all that happens in a run, what is not recorded as well; and the events that are of none. */
function happening(machine: MachineInterface, most: number): ReadonlySet<string> {
  const { technique } = machine.configuration;
  const seen = new Set<string>();
  const accept = (event: Parameters<typeof classesOf>[0]) => {
    const classes = classesOf(event, technique);
    for (const id of classes) seen.add(id);
    if (classes.length === 0) seen.add(`no class: ${JSON.stringify(event)}`);
    return false;
  };
  machine.run({ steps: most, stopOnEvent: { kinds, accept } });
  return seen;
}

/** What happens in a run although it should not be able to. */
function surprises(machine: MachineInterface, most = steps): string[] {
  const found = [...happening(machine, most)].map((id) => [id, limitOf(id, machine.configuration)] as const);
  return found.filter(([id, limit]) => limit !== undefined || id.startsWith("no class")).map((one) => one.join(": "));
}

function machineOf(name: string, technique: TechniqueId): MachineInterface | undefined {
  const configuration = configurationOf(assembledFile(join(folder, name)), { technique });
  return configurationProblem(configuration) === undefined ? createMachine(configuration) : undefined;
}

const ids = techniques.map(({ id }) => id as TechniqueId);
const hosts = ["four-guests.ringside.json", "cap.ringside.json", "ticket-lock-pause-loop.ringside.json"];

/** Works without end. */
const working = `%pragma ringside mode protected
        org 100000h
        bits 32
again:  mov ecx, 3000
.burn:  pause
        dec ecx
        jnz .burn
        jmp again
`;
const host = (scheduler: string): Readonly<Record<string, string>> => ({
  "m.ringside.json": JSON.stringify({
    host: { pcpus: 2 },
    scheduler: { name: scheduler },
    technique: "svm-npt",
    duration: 200_000,
    vms: ["A", "B", "C"].map((name) => ({ name, program: "working.asm" })),
  }),
  "working.asm": working,
});

describe("what a machine can never report", () => {
  it.each(ids)("does not happen in any example under %s", (technique) => {
    const machines = [...examples, ...smp].flatMap((name) => machineOf(name, technique) ?? []);
    expect(machines.length).toBeGreaterThan(3);
    expect(machines.flatMap((machine) => surprises(machine))).toEqual([]);
  });

  it.each(schedulers.map(({ name }) => name))("does not happen in a host with the scheduler %s", async (scheduler) => {
    const files = host(scheduler);
    const { machine } = await load({ program: "m.ringside.json" }, async (file) => bytesOf(files[file]));
    expect(surprises(machine, 20 * steps)).toEqual([]);
    expect(machine.events(0, 100, ["schedule"]).length).toBeGreaterThan(4);
  });

  it.each(hosts)("does not happen in %s", async (name) => {
    const { machine } = await load({ program: join(folder, "schedule", name) }, async (file) => readFileSync(file));
    expect(surprises(machine, 20 * steps)).toEqual([]);
  });

  it("is possible under some technique, but for what the processor does not have", () => {
    const machines = ids.map((technique) => ({ ...createMachine(plain).configuration, technique }));
    const never = eventFolders.flatMap((row) =>
      row.leaves
        .map(({ key }) => `${row.id}/${key}`)
        .filter((id) => machines.every((computer) => limitOf(id, computer) !== undefined)),
    );
    expect(never).toEqual(expect.arrayContaining(["vtx/ENCLS", "svm/VMEXIT_RDTSC", "schedule/switch"]));
    // What more of the same configuration would bring about.
    expect(never.filter((id) => !/^(vtx|svm|schedule)\//.test(id))).toEqual([
      "shadow/dirty-log",
      "io/BIOS, ",
      "tlb/remote",
      "stop/time-limit",
    ]);
  });
});

const plain = configurationOf(assembledFile(join(folder, "hello.asm")));

describe("a breakpoint on what never happens", () => {
  it.each<[string, string, EventBreakpoint, string]>([
    [
      "EPT violations of translated code",
      "binary-translation",
      { event: "ept/Data write: yes" },
      'Nothing of "EPT Violations" happens under binary-translation: choose bare-metal for a guest that is a hypervisor itself or vtx-ept.',
    ],
    [
      "exits that the VMM does not ask for",
      "vtx-ept",
      { event: "vtx/INVLPG" },
      'The built-in VMM leaves "INVLPG exiting" off: choose bare-metal for a guest that is a hypervisor itself or vtx-shadow.',
    ],
    [
      "intercepts that the VMM does not set",
      "svm-npt",
      { event: "svm/VMEXIT_CR3_WRITE" },
      "The built-in VMM does not intercept CR3_WRITE: choose svm-shadow.",
    ],
    [
      "a loop of PAUSE",
      "vtx-ept",
      { event: "vtx/PAUSE" },
      'The built-in VMM leaves "PAUSE exiting" and "PAUSE-loop exiting" off: give the machine file a "pauseLoop".',
    ],
    [
      "what the processor does not have",
      "bare-metal",
      { event: "vtx/ENCLS" },
      "The emulated processor has nothing that exits for ENCLS.",
    ],
    [
      "the scheduler of one guest",
      "vtx-ept",
      { event: "schedule/switch" },
      'Each vCPU has a physical CPU for itself here, and nothing is scheduled: debug a machine file with a "host" and a "scheduler".',
    ],
    ["another VM", "vtx-ept", { event: "vtx/CPUID", vm: "B" }, 'There is no VM "B": choose vm0.'],
    ["another vCPU", "vtx-ept", { event: "vtx/CPUID", vcpu: 1 }, "There is no vCPU 1: the only one is 0."],
  ])("says so of %s", async (_, technique, breakpoint, message) => {
    const client = new DapClient(guest);
    await client.launch({ technique, eventBreakpoints: [breakpoint] });
    const warned = client.events.find(({ event, body }) => event === "output" && body.output.includes("not in force"));
    expect(warned?.body.output).toBe(`The event breakpoint "${breakpoint.event}" is not in force. ${message}\n`);
    const { breakpoints } = await client.request<{ breakpoints: EventBreakpointStatus[] }>(
      "ringside/setEventBreakpoints",
      { breakpoints: [breakpoint, { event: "mode/protected" }] },
    );
    expect(breakpoints).toEqual([
      { event: breakpoint.event, verified: false, message },
      { event: "mode/protected", verified: true },
    ]);
  });

  it("is told with others of the same reason in one line", async () => {
    const client = new DapClient(guest);
    const events = ["ept/Data write: yes", "ept/Data read: yes"];
    await client.launch({ technique: "svm-npt", fallbackEventBreakpoints: events.map((event) => ({ event })) });
    const lines = client.events.filter(({ body }) => body?.category === "console").map(({ body }) => body.output);
    expect(lines.join("")).toMatch(
      /^The event breakpoints "ept\/Data write: yes", "ept\/Data read: yes" are not in force. Nothing [^\n]*\n$/,
    );
  });

  it("stops all the same if a person makes it come", async () => {
    const source = `%pragma ringside mode protected\norg 100000h\nbits 32\ncpuid\nrdtsc\ncli\nhlt\n`;
    const client = new DapClient(source);
    await client.launch({ eventBreakpoints: [{ event: "vtx/CPUID" }, { event: "vtx/RDTSC" }] });
    await client.start();
    expect((await client.go("continue")).description).toContain("CPUID");
    const primary = "vmcs.primary_processor_based_vm_execution_controls";
    await client.request("evaluate", { expression: `${primary} = ${primary} | 1000h`, context: "repl" });
    expect((await client.go("continue")).description).toContain("RDTSC");
  });
});

it("the limits of a machine are those of its breakpoints", async () => {
  const client = new DapClient(guest);
  await client.launch({ technique: "trap-and-emulate" });
  const { limits } = await client.request<Requests["ringside/eventLimits"]["result"]>("ringside/eventLimits");
  const reasons = new Map(limits.map(({ event, reason }) => [event, reason]));
  expect(reasons.get("vtx/CPUID")).toMatch(/^Nothing of "VM Exits: VT-x" happens under trap-and-emulate: choose /);
  expect(reasons.get("trap/callout")).toContain("choose binary-translation");
  expect(reasons.has("trap/#GP")).toBe(false);
});

it("what is set during a session outlives a restart, unless the configuration names others then", async () => {
  const client = new DapClient(faulting);
  const launched = { technique: "bare-metal", fallbackEventBreakpoints: [{ event: "exception/13" }] };
  await client.launch(launched);
  await client.start();
  const statuses = await client.request<{ breakpoints: EventBreakpointStatus[] }>("ringside/setEventBreakpoints", {
    breakpoints: [{ event: "exception/6" }],
  });
  expect(statuses.breakpoints).toEqual([{ event: "exception/6", verified: true }]);
  const program = "/guests/guest.asm";
  for (const args of [{}, { arguments: { program, ...launched } }]) {
    await client.go("restart", args);
    expect((await client.go("continue")).text).toContain("#UD");
  }
  await client.go("restart", { arguments: { program, ...launched, eventBreakpoints: [{ event: "stop/halted" }] } });
  expect((await client.go("continue")).text).not.toContain("#UD");
});

describe("exception filters", () => {
  const answer = async (technique: string, filterId: string, condition?: string) => {
    const client = new DapClient(guest);
    await client.launch({ technique });
    const args = { filters: [], filterOptions: [{ filterId, ...(condition && { condition }) }] };
    return (await client.request<P.SetFunctionBreakpointsResponse["body"]>("setExceptionBreakpoints", args))
      .breakpoints[0];
  };

  it.each([
    ["vtx-ept", filters.exits, "CPUDI", false, 'There is no exit reason "CPUDI".'],
    ["vtx-ept", filters.exits, "CPUID", true, undefined],
    ["vtx-ept", filters.exits, "10, hlt", true, undefined],
    ["svm-npt", filters.exits, "114", true, undefined],
    ["binary-translation", filters.exits, "callout, #PF", true, undefined],
    ["vtx-ept", filters.exits, "CPUID, RDTSC", true, /leaves "RDTSC exiting" off/],
    ["binary-translation", filters.exits, "ept violation", false, /^Nothing of "VM Exits: VT-x"/],
    ["vtx-ept", filters.exceptions, "#PF, 6", true, undefined],
    ["vtx-ept", filters.exceptions, "#XY", false, 'There is no exception "XY".'],
    ["vtx-ept", filters.exceptions, undefined, true, undefined],
    ["vtx-ept", filters.end, undefined, true, undefined],
  ] as const)("under %s, %s with the condition %j", async (technique, filterId, condition, verified, message) => {
    const found = await answer(technique, filterId, condition);
    expect(found?.verified).toBe(verified);
    if (message === undefined) expect(found?.message).toBeUndefined();
    else expect(found?.message).toMatch(message);
  });

  it("tell where a paravirtual guest's exceptions are to be found", async () => {
    const client = new DapClient(readFileSync(join(folder, "xen-hello.asm"), "utf8"));
    await client.launch();
    const { breakpoints } = await client.request<P.SetFunctionBreakpointsResponse["body"]>("setExceptionBreakpoints", {
      filters: [filters.exceptions],
    });
    expect(breakpoints).toEqual([
      {
        verified: false,
        message:
          'Exceptions of a paravirtual guest all go to Xen, which passes them on: look at "Traps to the VMM" and "Injections" instead.',
      },
    ]);
  });
});
