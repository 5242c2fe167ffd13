import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assemble } from "../assembler/index.ts";
import { eventActions } from "../debug-adapter/event-breakpoints.ts";
import { eventFolders } from "../debug-adapter/event-catalogue.ts";
import { checkArguments } from "../debug-adapter/launch.ts";
import { debugType } from "../debug-adapter/protocol.ts";
import { costProfiles, mostMemory } from "../emulator/index.ts";
import { machineFileSchema } from "../emulator/machine-file/schema.ts";
import { schedulers } from "../emulator/schedule/schedulers.ts";
import { mostProcessors } from "../emulator/virtual-machine/processors.ts";
import { shadowClasses } from "../emulator/vmm/memory/shadow-classes.ts";
import { bundles } from "../esbuild.ts";
import { assignmentSchema } from "../grader/schema.ts";
import { defaultTechnique, techniques } from "../isa/technique.ts";
import { assignmentSchemaFile } from "../scripts/assignment-schema.ts";
import { grammarText } from "../scripts/grammar.ts";
import { hypercallsText } from "../scripts/hypercalls.ts";
import { machineFileSchemaFile } from "../scripts/machine-file-schema.ts";
import { matrixText } from "../scripts/matrix.ts";
import { product } from "../trace-file/index.ts";

const root = join(import.meta.dirname, "..");
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");
const manifest = JSON.parse(read("package.json"));
const { contributes } = manifest;
/** The views that are pages of our own, not trees. */
const pages = (Object.values(contributes.views) as { id: string; type?: string }[][])
  .flat()
  .filter(({ type }) => type === "webview");

describe("package.json says what the code does", () => {
  it("every command has code, and every command in code is declared", () => {
    const code = ["commands.ts", "time-commands.ts", "event-commands.ts", "samples.ts", "classroom/index.ts"]
      .map((file) => read("client", file))
      .join("");
    const registered = [...code.matchAll(/^\s+"(ringside\.\w+)":/gm)].map((match) => match[1]);
    expect(contributes.commands.map((c: { command: string }) => c.command).sort()).toEqual(registered.sort());
  });

  it("menus name declared commands", () => {
    const declared = new Set(contributes.commands.map((c: { command: string }) => c.command));
    const used = (Object.values(contributes.menus) as { command: string }[][]).flat().map((item) => item.command);
    expect(used.filter((command) => !declared.has(command))).toEqual([]);
  });

  it("every view has a folder", () => {
    const editors = contributes.customEditors.map(({ viewType }: { viewType: string }) => ({ id: viewType }));
    // Opened by a command.
    const panels = [{ id: "ringside.assignment" }];
    expect(read("client", "classroom", "assignment-page.ts")).toContain(`"${panels[0]!.id}"`);
    const views = [...pages, ...editors, ...panels].map(({ id }) => id.split(".")[1]);
    const folders = readdirSync(join(root, "client", "views"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== "shared")
      .map((entry) => entry.name);
    expect(folders.sort()).toEqual(views.sort());
  });

  it("every view is bundled and registered", () => {
    const entries = bundles.map(({ entryPoints }) => entryPoints as Record<string, string>);
    for (const { id } of pages) {
      const name = id.split(".")[1]!;
      expect(entries.filter((of) => of[name] === `client/views/${name}/main.tsx`)).toHaveLength(1);
      expect(["panel.ts", "extension.ts"].map((file) => read("client", file)).join()).toContain(`"${id}"`);
    }
  });

  it("event breakpoints do in a launch configuration what the adapter can", () => {
    const { properties } = contributes.debuggers[0].configurationAttributes.launch.properties.eventBreakpoints.items;
    expect(properties.action.enum).toEqual(eventActions);
    for (const { id } of eventFolders)
      expect(read("docs", "debugger.md")).toMatch(new RegExp(`^\\|[^|]*\`${id}\``, "m"));
  });

  it("traces name the version of the package", () => {
    expect(product).toBe(manifest.version);
  });

  it("a launch configuration has the fields that are checked and documented", () => {
    const { properties } = contributes.debuggers[0].configurationAttributes.launch;
    const documented = [...read("docs", "launch.md").matchAll(/^\| `(\w+)` \| .* \| .* \|$/gm)].map(
      ([, field]) => field,
    );
    expect(documented.sort()).toEqual(Object.keys(properties).sort());
    for (const field of documented)
      expect(() => checkArguments({ program: "a.asm", [field!]: {} })).toThrow(
        `"${field}" in the launch configuration`,
      );
    expect(properties.costs.enum).toEqual(costProfiles.map(({ name }) => name));
    for (const { name } of costProfiles) expect(read("docs", "launch.md")).toContain(`\`${name}\``);
  });

  it.each([
    ["memory", mostMemory],
    ["processors", mostProcessors],
  ] as const)("allows the same %s in sources, launch configurations and machines", (key, most) => {
    const problems = (value: number) => assemble({ file: "a.asm", text: `%pragma ringside ${key} ${value}` }).problems;
    expect(problems(most)).toEqual([]);
    expect(problems(most + 1)).toMatchObject([
      { code: "bad-setting", message: expect.stringContaining(`1 to ${most}`) },
    ]);
    const [{ configurationAttributes }] = contributes.debuggers;
    expect(configurationAttributes.launch.properties[key].maximum).toBe(most);
  });

  it("offers the techniques of the table", () => {
    const ids = techniques.map((technique) => technique.id);
    const [debuggerPoint] = contributes.debuggers;
    expect(contributes.configuration.properties["ringside.technique"].enum).toEqual([null, ...ids]);
    expect(contributes.configuration.properties["ringside.technique"].description).toContain(
      `under ${defaultTechnique}`,
    );
    expect(debuggerPoint.configurationAttributes.launch.properties.technique.enum).toEqual(ids);
    expect(debuggerPoint.type).toBe(debugType);
  });

  it("points to files that the build makes or the repository holds", () => {
    expect(read("esbuild.ts")).toContain('"extension-web"');
    expect([manifest.main, manifest.browser]).toEqual(["./dist/extension.cjs", "./dist/extension-web.js"]);
    for (const { configuration } of contributes.languages) expect(() => JSON.parse(read(configuration))).not.toThrow();
  });
});

it("the grammar is what the table gives", () => {
  expect(read("syntaxes", "asm.tmLanguage.json"), "run: node scripts/grammar.ts").toBe(grammarText);
});

it("the schema of machine files is what their validator uses", () => {
  const [validation] = contributes.jsonValidation;
  const file = JSON.parse(read(validation.url));
  expect(file, "run: node scripts/machine-file-schema.ts").toEqual(machineFileSchemaFile);
});

it("the schema of assignments is what their validator uses, and no other applies to them", () => {
  const [machineFiles, assignments] = contributes.jsonValidation;
  expect(JSON.parse(read(assignments.url)), "run: node scripts/assignment-schema.ts").toEqual(assignmentSchemaFile);
  expect(machineFiles.fileMatch).toContain(`!${assignments.fileMatch}`);
});

it("docs/assignment.md has every field of an assignment, and every kind of check", () => {
  const text = read("docs", "assignment.md");
  const named = (part: string) => [...part.matchAll(/^\| `([\w$]+)` \| .* \|$/gm)].map(([, name]) => name);
  const [fields, kinds] = text.split("\n## ") as [string, string];
  const { scenarios, checks, parameters } = assignmentSchema.properties!;
  const objects = [assignmentSchema, scenarios?.items, checks?.items, parameters?.items];
  const all = new Set(objects.flatMap((of) => Object.keys(of!.properties!)));
  expect(new Set(named(fields))).toEqual(all);
  const predicates = assignmentSchema.definitions!["predicate"]!.oneOf!;
  expect(named(kinds)).toEqual(predicates.map(({ properties }) => properties!["kind"]!.const));
  const mentioned = new Set([...kinds.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  for (const { properties } of predicates)
    expect(Object.keys(properties!).filter((field) => !mentioned.has(field))).toEqual([]);
});

it("docs/machine-file.md has every field of a machine file", () => {
  const { vms, host, scheduler, hypervisor, changes } = machineFileSchema.properties!;
  const objects = [machineFileSchema, host, scheduler, hypervisor, vms?.items, changes?.items];
  const documented = [
    ...read("docs", "machine-file.md")
      .split("\n## ")[0]!
      .matchAll(/^\| `(\w+)` \| .* \|$/gm),
  ].map(([, name]) => name);
  expect(documented).toEqual(objects.flatMap((of) => Object.keys(of!.properties!)));
});

it("docs/scheduling.md has every scheduler with its options", () => {
  for (const { name, title, defaults } of schedulers) {
    const options = Object.entries(defaults).map(([option, value]) => `\`${option}\` ${value}`);
    expect(read("docs", "scheduling.md")).toContain(`| \`${name}\` | ${title} | ${options.join(", ")} |`);
  }
});

it("the list of hypercalls is what the tables give", () => {
  expect(read("docs", "hypercalls.md"), "run: node scripts/hypercalls.ts").toBe(hypercallsText);
});

it("the matrix of instructions and techniques is what the table gives", () => {
  expect(read("docs", "matrix.md"), "run: node scripts/matrix.ts").toBe(matrixText);
});

it("the classes of shadow events in docs/techniques.md are those of the code", () => {
  const row = ({ id, condition, outcome, xen }: (typeof shadowClasses)[number]): string =>
    `| ${id} | ${condition} | ${outcome} | ${xen} |\n`;
  expect(read("docs", "techniques.md")).toContain(shadowClasses.map(row).join(""));
});
