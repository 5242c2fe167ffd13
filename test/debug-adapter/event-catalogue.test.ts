import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { classById, classesOf, eventFolders, leafId, numberKey } from "../../debug-adapter/event-catalogue.ts";
import { eventKinds } from "../../debug-adapter/event-text.ts";
import { configurationProblem, createMachine } from "../../emulator/index.ts";
import { type TechniqueId, techniques } from "../../isa/technique.ts";
import { assembledFile, configurationOf } from "../emulator/machine/program.ts";

const folder = join(import.meta.dirname, "../../examples");
const examples = readdirSync(folder).filter((name) => name.endsWith(".asm"));
const limit = 5_000;

/** What may be of no listed class, for there are too many or none has a name. */
const open = new Set(["inject/other", "xen/other", "kvm/other", "exception/other"]);

/** Events of an example that are of no class, or of one that nobody can set a breakpoint on. */
function unclassed(name: string, technique: TechniqueId): string[] {
  const assembly = assembledFile(join(folder, name));
  const configuration = configurationOf(assembly, { technique });
  if (configurationProblem(configuration) !== undefined) return [];
  const machine = createMachine(configuration);
  machine.run({ steps: limit });
  return machine.events(0, Number.MAX_SAFE_INTEGER).flatMap((event) => {
    const classes = classesOf(event, technique);
    const unknown = classes.filter((id) => !classById(id) || (id.endsWith("/other") && !open.has(id)));
    return classes.length === 0 || unknown.length > 0 ? [`${event.kind}: ${JSON.stringify(event)}`] : [];
  });
}

describe("the catalogue of events", () => {
  it("has a class for every kind that a machine records", () => {
    const kinds = eventFolders.flatMap((row) => row.kinds);
    // Walks are answers to questions, and not recorded.
    expect(eventKinds.filter((kind) => !kinds.includes(kind))).toEqual(["walk"]);
  });

  it("has each class once, and finds it by its id", () => {
    const ids = eventFolders.flatMap((row) => row.leaves.map(({ key }) => leafId(row, key)));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(classById(id)).toBeDefined();
  });

  it.each([
    ["io/#3F8h", "port 3F8h"],
    ["interrupt/#20h", "vector 20h"],
    ["io/#3f8", undefined],
    ["exception/#Eh", undefined],
    ["nothing/here", undefined],
    ["io", undefined],
  ])("knows %s as %s", (id, label) => {
    expect(classById(id)?.leaf.label).toBe(label);
  });

  it("writes numbers as it reads them", () => {
    expect(classById(leafId({ id: "io" }, numberKey(0x60)))?.leaf.label).toBe("port 60h");
  });

  it.each(techniques.map(({ id }) => id as TechniqueId))(
    "has a class for all that examples do under %s",
    (technique) => {
      expect(examples.flatMap((name) => unclassed(name, technique)).slice(0, 3)).toEqual([]);
    },
  );
});
