import { describe, expect, it } from "vitest";
import { conditionProblem, EventModel, type EventNode, problemsIn, vcpuProblem } from "../../client/event-model.ts";
import { classById, eventFolders } from "../../debug-adapter/event-catalogue.ts";
import { type TechniqueId, techniques } from "../../isa/technique.ts";

const leaf = (id: string): EventNode => ({ kind: "leaf", ...classById(id)!, id });
const folder = (id: string): EventNode & { kind: "folder" } => ({
  kind: "folder",
  folder: eventFolders.find((row) => row.id === id)!,
});
const labels = (model: EventModel, technique?: TechniqueId): string[] =>
  model.folders(technique).map((row) => row.folder.id);

describe("the tree of events", () => {
  it.each([
    ["vtx-ept", ["vtx", "ept", "kvm"], ["svm", "trap", "xen", "shadow", "cache", "vmfail"]],
    ["svm-shadow", ["svm", "shadow"], ["vtx", "ept", "xen", "cache"]],
    ["paravirtualization", ["trap", "xen"], ["vtx", "kvm", "shadow"]],
    ["binary-translation", ["trap", "cache", "shadow"], ["vtx", "svm", "kvm"]],
    ["bare-metal", ["vtx", "vmfail", "io"], ["kvm", "shadow", "svm"]],
  ] as const)("shows under %s what can happen there", (technique, shown, hidden) => {
    const ids = labels(new EventModel(), technique);
    expect(ids).toEqual(expect.arrayContaining([...shown]));
    for (const id of hidden) expect(ids).not.toContain(id);
  });

  it("shows everything where no technique is known, and nothing that happens nowhere", () => {
    const all = labels(new EventModel());
    expect(all).toEqual(eventFolders.map(({ id }) => id));
    const somewhere = techniques.flatMap(({ id }) => labels(new EventModel(), id));
    expect(all.filter((id) => !somewhere.includes(id))).toEqual([]);
  });

  it("checks all below a folder, and takes it back", () => {
    const model = new EventModel();
    const vtx = folder("vtx");
    const all = model.leaves(vtx.folder).length;
    expect(model.isChecked(vtx)).toBe(false);
    model.check(vtx, true);
    expect(model.inForce).toHaveLength(all);
    expect(model.description(vtx)).toBe(`${all} of ${all}`);
    model.check(leaf("vtx/CPUID"), false);
    expect(model.isChecked(vtx)).toBe(false);
    expect(model.description(vtx)).toBe(`${all - 1} of ${all}`);
    model.check(vtx, false);
    expect(model.saved).toEqual([]);
    expect(model.description(vtx)).toBe("");
  });

  it("keeps how a breakpoint works while it is unchecked, and gives the adapter what is checked", () => {
    const model = new EventModel();
    model.edit([leaf("vtx/CPUID")], { condition: "eax == 1", ring: 0 });
    model.edit([leaf("vtx/CPUID")], { action: "log", message: "{eax}" });
    const breakpoint = { event: "vtx/CPUID", condition: "eax == 1", ring: 0, action: "log", message: "{eax}" };
    expect(model.inForce).toEqual([breakpoint]);
    model.check(leaf("vtx/CPUID"), false);
    expect(model.inForce).toEqual([]);
    const again = new EventModel(JSON.parse(JSON.stringify(model.saved)));
    again.check(leaf("vtx/CPUID"), true);
    expect(again.inForce).toEqual([breakpoint]);
    again.edit([leaf("vtx/CPUID")], { condition: undefined, ring: undefined, message: undefined });
    expect(again.inForce).toEqual([{ event: "vtx/CPUID", action: "log" }]);
    again.uncheckAll();
    expect(again.inForce).toEqual([]);
  });

  it("edits all rows that are selected, and all below folders", () => {
    const model = new EventModel();
    model.edit([folder("mode"), leaf("io/PIC")], { stage: "before" });
    expect(model.inForce.map(({ event, stage }) => `${event} ${stage}`)).toEqual([
      ...folder("mode").folder.leaves.map(({ key }) => `mode/${key} before`),
      "io/PIC before",
    ]);
  });

  it("has classes by number, once they are added, until they are removed", () => {
    const model = new EventModel();
    const io = folder("io");
    model.add(io.folder, " 3F8h ");
    const [added] = model.leaves(io.folder).slice(-1);
    expect(added).toMatchObject({ id: "io/#3F8h", leaf: { label: "port 3F8h" } });
    model.check(added!, false);
    expect(new EventModel(model.saved).leaves(io.folder).at(-1)?.id).toBe("io/#3F8h");
    model.remove(added!);
    expect(model.leaves(io.folder)).toHaveLength(io.folder.leaves.length);
  });

  it.each([
    ["io", "0xFFFF", true],
    ["io", "10000h", false],
    ["interrupt", "20h", true],
    ["interrupt", "100h", false],
    ["interrupt", "", false],
    ["io", "com1", false],
  ])("takes for a number in %s %j: %s", (id, text, right) => {
    expect(new EventModel().numberProblem(folder(id).folder, text) === undefined).toBe(right);
  });

  it("forgets classes that are no more", () => {
    expect(new EventModel([{ event: "vtx/GONE", enabled: true }]).inForce).toEqual([]);
  });

  it("says beside a row what is not as by default, the count and what is wrong", () => {
    const model = new EventModel();
    const row = leaf("vtx/CPUID");
    expect(model.description(row)).toBe("reason 10");
    model.edit([row], { action: "count", condition: "al == 1", vm: "vm0", vcpu: 2, ring: 3, stage: "after" });
    expect(model.description(row)).toBe("count, after, vm0, vCPU 2, ring 3, if al == 1 · reason 10");
    model.counted({ counts: [{ event: "vtx/CPUID", count: 12_345 }] });
    expect(model.description(row)).toContain("12,345 ×");
    model.counted({ counts: [{ event: "vtx/CPUID", count: null }] });
    expect(model.description(row)).toContain("? ×");
    model.edit([row], { action: "log", message: "{eax}", stage: "before" });
    expect(model.description(row)).toBe("log, “{eax}”, vm0, vCPU 2, ring 3, if al == 1 · reason 10");
  });

  it("keeps in sight what is checked and never happens, and says so", () => {
    const model = new EventModel();
    expect(labels(model, "binary-translation")).not.toContain("ept");
    model.check(leaf("ept/Data write: yes"), true);
    const before = { technique: "binary-translation" } as const;
    expect(labels(model, before.technique)).toContain("ept");
    expect(model.description(folder("ept"), before)).toBe("never here · 1 of 10");
    expect(model.limit(leaf("ept/Data write: yes"), before)).toBe(
      'Nothing of "EPT Violations" happens under binary-translation.',
    );
    const session = { technique: "vtx-ept", limits: new Map([["vtx/RDTSC", "Not asked for."]]) } as const;
    expect(model.limit(leaf("vtx/RDTSC"), session)).toBe("Not asked for.");
    expect(model.description(leaf("vtx/RDTSC"), session)).toBe("never here · reason 16");
    expect(model.description(leaf("vtx/CPUID"), session)).toBe("reason 10");
    expect(model.limit(folder("vtx"), session)).toBeUndefined();
    expect(model.isChecked(leaf("ept/Data write: yes"))).toBe(true);
  });

  it("keeps of what the adapter said the problems", () => {
    const statuses = [
      { event: "vtx/CPUID", verified: false, message: "No." },
      { event: "vtx/HLT", verified: true },
    ];
    expect([...problemsIn(statuses)]).toEqual([["vtx/CPUID", "No."]]);
  });

  it.each([
    ["", undefined],
    ["al == 'x'", undefined],
    ["al ==", "A value is missing before the end."],
  ])("says of the condition %j: %s", (text, problem) => {
    expect(conditionProblem(text)).toBe(problem);
  });

  it("takes nothing or a number for a vCPU", () => {
    expect(["", " ", "3", "x", "-1"].map((text) => vcpuProblem(text) === undefined)).toEqual([
      ...[true, true, true, false, false],
    ]);
  });
});
