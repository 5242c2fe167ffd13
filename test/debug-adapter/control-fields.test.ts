import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { completions } from "../../debug-adapter/completion.ts";
import { assign, evaluateText, type Subject } from "../../debug-adapter/evaluate.ts";
import { load } from "../../debug-adapter/launch.ts";
import { namedFields } from "../../emulator/vmm/control-fields.ts";
import { type TechniqueId, techniques } from "../../isa/technique.ts";
import { DapClient } from "../support/dap-client.ts";
import { guest } from "./guest.ts";

const hypervisor = readFileSync(join(import.meta.dirname, "../../examples/hypervisor.asm"), "utf8");

async function loaded(source: string, technique: TechniqueId): Promise<Subject> {
  return load({ program: "/guest.asm", technique, memory: 4 }, async () => new TextEncoder().encode(source));
}

/** At a pending exit for a reason. */
async function leftFor(reason: string, technique: TechniqueId, source = guest): Promise<Subject> {
  const subject = await loaded(source, technique);
  const { machine } = subject;
  const isWanted = () => machine.pendingExit?.kind === "exit" && machine.pendingExit.reason === reason;
  while (!isWanted() && !machine.stopped) machine.step();
  expect(machine.stopped).toBeUndefined();
  return subject;
}

function numberOf(subject: Subject, text: string): bigint {
  const outcome = evaluateText(subject, text);
  if (outcome.problem !== undefined) throw new Error(outcome.problem);
  return outcome.value;
}

describe("names of fields", () => {
  it.each(["vmcs", "vmcb"] as const)("each field of the %s has one of its own", (block) => {
    const names = namedFields[block].map(({ identifier }) => identifier);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(["vmcs.exit_reason", "VMCS.ExitReason", "vmcs.EXIT_REASON", "vmcs.4402h", "vmcs.4402H & 0FFFFh"])(
    "%s",
    async (text) => {
      expect(numberOf(await leftFor("CPUID", "vtx-ept"), text)).toBe(10n);
    },
  );

  it.each(["vmcb.exit_code", "VMCB.EXITCODE", "vmcb.070h"])("%s", async (text) => {
    expect(numberOf(await leftFor("VMEXIT_CPUID", "svm-npt"), text)).toBe(0x72n);
  });

  it.each([
    ["vtx-ept", "vmcs.nothing", 'the VMCS has no field "nothing"'],
    ["vtx-ept", "vmcb.rip", 'there is no VMCB: this guest runs under a VMCS, whose fields are written "vmcs.…"'],
    ["binary-translation", "vmcs.guest_rip", expect.stringContaining("the processor uses no control block")],
    ["bare-metal", "vmcs.guest_rip", expect.stringContaining("VMX is off")],
  ] as const)("under %s %s has no value", async (technique, text, problem) => {
    expect(evaluateText(await loaded(guest, technique), text)).toEqual({ problem });
  });

  it("are completed once the block is named", async () => {
    const subject = await loaded(guest, "vtx-ept");
    const labels = (text: string) => completions(subject, text, text.length).map(({ label }) => label);
    expect(labels("vm")).toContain("vmcs.");
    expect(labels("1 + vmcs.guest_r")).toEqual(["vmcs.guest_rflags", "vmcs.guest_rip", "vmcs.guest_rsp"]);
    expect(labels("vmcb.")).toEqual([]);
  });
});

describe("translations", () => {
  it.each(techniques.map(({ id }) => id).filter((id) => id !== "paravirtualization"))(
    "lead to the same bytes under %s",
    async (technique) => {
      const subject = await loaded(guest, technique as TechniqueId);
      while (subject.machine.instructions < 8) subject.machine.step();
      const there = numberOf(subject, "dword [lin:greeting]");
      expect(there).toBe(0x000a6968n);
      expect(numberOf(subject, "dword [gpa:gpa(greeting)]")).toBe(there);
      expect(numberOf(subject, "dword [hpa:hpa(greeting)]")).toBe(there);
      expect(numberOf(subject, "gpa(ds:greeting) - gpa(start)")).toBe(numberOf(subject, "greeting - start"));
    },
  );
});

describe("writing a field", () => {
  it("of the guest's state moves the guest, as writing the register does", async () => {
    const subject = await leftFor("CPUID", "vtx-ept");
    expect(assign(subject, "vmcs.guest_rsp", "9000h").problem).toBeUndefined();
    expect(numberOf(subject, "esp")).toBe(0x9000n);
    expect(assign(subject, "eax", "5").problem).toBeUndefined();
    subject.machine.step();
    expect(numberOf(subject, "vmcs.guest_rsp")).toBe(0x9000n);
    expect(numberOf(subject, "esp")).toBe(0x9000n);
  });

  it("of a control changes what leaves the guest", async () => {
    const subject = await leftFor("CPUID", "vtx-ept");
    const { machine } = subject;
    assign(subject, "vmcs.primary_controls", "vmcs.primary_controls & ~80h");
    while (!machine.stopped) machine.step();
    expect(machine.events(0, 1000, ["exit"]).some((event) => event.kind === "exit" && event.reason === "HLT")).toBe(
      false,
    );
  });

  it.each([
    ["vtx-ept", "CPUID", "vmcs.guest_rflags", "0", "rflags"],
    ["vtx-ept", "CPUID", "vmcs.guest_cs_access", "0", "cs"],
    ["vtx-shadow", "CPUID", "vmcs.host_cr4", "0", "host-cr4.fixed"],
    ["svm-npt", "VMEXIT_CPUID", "vmcb.asid", "0", "asid"],
    ["svm-shadow", "VMEXIT_CPUID", "vmcb.vector4", "0", "vmrun"],
  ] as const)("lets the next entry fail under %s: %s %s", async (technique, reason, field, value, check) => {
    const subject = await leftFor(reason, technique);
    const { machine } = subject;
    expect(assign(subject, field, value)).toMatchObject({ value: 0n });
    expect(assign(subject, "eax", "1")).toMatchObject({ problem: expect.stringContaining("correct these first") });
    machine.step();
    expect(machine.stopped).toMatchObject({
      reason: "vm-entry-failure",
      text: expect.stringContaining(`Check ${check}`),
    });
    const failed = machine.now;
    machine.goTo(failed - 1);
    expect(numberOf(subject, field)).toBe(0n);
    machine.step();
    expect(machine.stopped?.reason).toBe("vm-entry-failure");
  });

  it("is repeated with the run: back and forth is the same state, and so is another machine with the same actions", async () => {
    for (const [technique, reason, field] of [
      ["vtx-ept", "CPUID", "vmcs.guest_rsp"],
      ["svm-npt", "VMEXIT_CPUID", "vmcb.rsp"],
    ] as const) {
      const subject = await leftFor(reason, technique);
      const { machine } = subject;
      const written = machine.now;
      assign(subject, field, "8800h");
      machine.run({ steps: 20 });
      const { digest, now } = machine;
      machine.goTo(written - 1);
      machine.goTo(now);
      expect(machine.digest).toEqual(digest);
      expect(machine.actions).toMatchObject([{ step: written, what: { kind: "set-field", value: 0x8800n } }]);
    }
  });

  it.each([
    ["vmcs.exit_reason", "1", expect.stringContaining("read-only field: a VMWRITE to it fails with error 13")],
    ["vmcs.vpid", "10000h", expect.stringContaining("does not fit in the 16 bits")],
  ])("refuses %s = %s", async (field, value, problem) => {
    const subject = await leftFor("CPUID", "vtx-ept");
    expect(assign(subject, field, value)).toEqual({ problem });
    expect(subject.machine.actions).toEqual([]);
  });

  it("refuses what VMRUN does not load, and fields of a guest that runs", async () => {
    const left = await leftFor("VMEXIT_CPUID", "svm-npt");
    expect(assign(left, "vmcb.fs_base", "1")).toMatchObject({ problem: expect.stringContaining("only VMLOAD does") });
    expect(assign(left, "vmcb.lbr_control", "1")).toMatchObject({
      problem: expect.stringContaining("has no last-branch virtualization"),
    });
    const running = await loaded(guest, "vtx-ept");
    expect(assign(running, "vmcs.guest_rip", "1")).toMatchObject({
      problem: expect.stringContaining("while a VM exit is pending"),
    });
    expect(running.machine.actions).toEqual([]);
  });
});

describe("fields of a hypervisor of the guest's own", () => {
  it("can be written in root operation, and then its entry fails as the manual says", async () => {
    const client = new DapClient(hypervisor);
    await client.launch();
    await client.start();
    await client.go("ringside/toExit", { direction: "next" });
    const evaluate = async (expression: string, context = "repl") =>
      (await client.request<{ result: string }>("evaluate", { expression, context })).result;
    expect(await evaluate("vmcs.exit_reason")).toContain("(10)");
    const set = await client.request<{ value: string }>("setExpression", {
      expression: "vmcs.guest_rflags",
      value: "0",
    });
    expect(set.value).toContain("0x0000000000000000");
    await client.go("ringside/toExit", { direction: "next" });
    expect(await evaluate("vmcs.exit_reason & 0FFFFh", "watch")).toContain("(33)");
    expect(await evaluate("vmcs.exit_reason >> 31", "hover")).toContain("(1)");
  });

  it("cannot while its guest runs", async () => {
    const subject = await loaded(hypervisor, "bare-metal");
    while (subject.machine.vmx?.operation !== "non-root") subject.machine.step();
    expect(assign(subject, "vmcs.guest_rip", "1")).toMatchObject({
      problem: expect.stringContaining("in VMX root operation"),
    });
  });
});

describe("breakpoints on fields", () => {
  it("log them in messages", async () => {
    const client = new DapClient(guest);
    await client.launch();
    await client.request("ringside/setEventBreakpoints", {
      breakpoints: [
        {
          event: "vtx/CPUID",
          stage: "before",
          action: "log",
          message: "reason {vmcs.exit_reason & 0FFFFh}, {gpa(start)}",
        },
      ],
    });
    await client.start();
    await client.go("continue");
    const printed = client.events.filter(({ event }) => event === "output").map(({ body }) => body.output as string);
    expect(printed.join("")).toMatch(/reason .*\(10\).*, .*0x0*100000/);
  });

  it("stop where the condition holds", async () => {
    const client = new DapClient(guest);
    await client.launch();
    await client.request("ringside/setEventBreakpoints", {
      breakpoints: [
        {
          event: "vtx/IO_INSTRUCTION",
          stage: "before",
          condition: "vmcs.exit_qualification >> 16 == 0E9h && al == 'i'",
        },
      ],
    });
    await client.start();
    await client.go("continue");
    expect(
      (await client.request<{ result: string }>("evaluate", { expression: "al", context: "watch" })).result,
    ).toContain("'i'");
  });
});
