import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

/** For each folder: what its files may import, and words a pure folder must not use. */
const rules: Record<
  string,
  { folders: readonly string[]; packages: readonly RegExp[]; pure?: true; except?: Record<string, readonly RegExp[]> }
> = {
  isa: { folders: [], packages: [], pure: true },
  assembler: { folders: ["isa"], packages: [/^chevrotain$/], pure: true },
  emulator: { folders: ["isa"], packages: [], pure: true },
  "trace-file": { folders: ["emulator"], packages: [], pure: true },
  "debug-adapter": {
    folders: ["trace-file", "emulator", "assembler", "isa"],
    packages: [/^@vscode\/debugadapter/, /^@vscode\/debugprotocol$/],
    except: { "main-stdio.ts": [/^node:/] },
  },
  server: {
    folders: ["assembler", "isa"],
    packages: [/^vscode-languageserver$/, /^vscode-languageserver-textdocument$/],
    except: {
      "main-node.ts": [/^node:/, /^vscode-languageserver\/node$/],
      "main-worker.ts": [/^vscode-languageserver\/browser$/],
    },
  },
  client: {
    folders: ["grader", "debug-adapter", "trace-file", "server", "assembler", "isa", "client/views"],
    packages: [/^vscode$/, /^vscode-languageclient/],
    except: { "main-node.ts": [/^node:worker_threads$/] },
  },
  "client/views": {
    folders: ["grader", "debug-adapter", "trace-file", "emulator", "isa"],
    packages: [/^preact/, /^@xterm\/xterm/, /^markdown-it$/],
  },
  grader: {
    folders: ["server", "debug-adapter", "trace-file", "assembler", "emulator", "isa"],
    packages: [],
    pure: true,
    except: { "main-node.ts": [/^node:worker_threads$/] },
  },
  cli: {
    folders: ["grader", "server", "debug-adapter", "trace-file", "assembler", "emulator", "isa"],
    packages: [/^node:/],
  },
};

/** The only files of a folder that some others may import. */
const doors: Record<string, Record<string, RegExp>> = {
  client: {
    "debug-adapter": /debug-adapter\/(protocol|worker-protocol|event-catalogue|expression)\.ts$/,
    server: /server\/protocol\.ts$/,
    assembler: /assembler\/text-file\.ts$/,
    isa: /isa\/technique\.ts$/,
    "client/views": /views\/(shared\/messaging|trace\/messages|assignment\/messages)\.ts$/,
    grader: /grader\/worker-protocol\.ts$/,
  },
  grader: { server: /server\/diagnostics\/sensitive-unprivileged\.ts$/ },
  "client/views": {
    "debug-adapter": /debug-adapter\/(protocol|domain-text)\.ts$/,
    grader: /grader\/worker-protocol\.ts$/,
    emulator: /emulator\/(trace\/(event|exit-name|exit-qualification)|schedule\/(vcpu|fair-shares))\.ts$/,
    isa: /isa\/technique\.ts$/,
  },
};

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|tsx)$/.test(file) && !(folder === "client" && file.startsWith("views")))
    .map((file) => join(root, folder, file));
}

const imports = (text: string) =>
  [...text.matchAll(/(?:from\s+|import\s+|import\()\s*["']([^"']+)["']/g)].map((match) => match[1] as string);

function folderOf(file: string): string {
  const path = relative(root, file).replaceAll("\\", "/");
  return path.startsWith("client/views/") ? "client/views" : (path.split("/")[0] as string);
}

function offences(folder: string): string[] {
  const rule = rules[folder]!;
  const found: string[] = [];
  for (const file of sources(folder)) {
    const name = relative(join(root, folder), file);
    const text = readFileSync(file, "utf8");
    for (const target of imports(text)) {
      if (target.startsWith(".")) {
        const to = folderOf(resolve(file, "..", target));
        const door = doors[folder]?.[to];
        if (to !== folder && (!rule.folders.includes(to) || (door && !door.test(target))))
          found.push(`${folder}/${name} imports ${target}`);
      } else if (![...rule.packages, ...(rule.except?.[name] ?? [])].some((allowed) => allowed.test(target)))
        found.push(`${folder}/${name} imports ${target}`);
    }
    if (rule.pure)
      for (const word of [
        "Date.now",
        "new Date",
        "performance.now",
        "Math.random",
        "crypto.",
        "setTimeout",
        "process.env",
      ])
        if (text.includes(word)) found.push(`${folder}/${name} uses ${word}`);
  }
  return found;
}

describe("import directions and purity", () => {
  it.each(Object.keys(rules))("%s imports only what its place allows", (folder) => {
    expect(sources(folder).length).toBeGreaterThan(0);
    expect(offences(folder)).toEqual([]);
  });
});

/**
 * The parts of the emulator, from the lowest: folders, and the files at its top. Each may import from itself and from parts before it;
 * parts in one string are one.
 */
const emulatorParts = [
  ...["time", "schedule", "cpu mmu", "trace", "stop-texts.ts", "devices", "utf8.ts", "loader", "memory"],
  ...["vmx", "svm", "engine", "firmware", "vmm", "virtual-machine", "host", "inspection", "configuration"],
  ...["machine-file", "machine", "compare", "index.ts"],
];

/** Types that say what a machine is to be, what it does and what happens in it are used at every height. */
const vocabulary = new Set(["machine-interface.ts", "trace/event.ts", "configuration/machine-configuration.ts"]);

/** What else is imported from above. */
const upward = [
  // What a monitor shows of itself.
  "cpu/monitor.ts imports types of svm/vmcb.ts",
  "cpu/monitor.ts imports types of vmm/control-fields.ts",
  "cpu/monitor.ts imports types of vmm/translation/view.ts",
  "cpu/monitor.ts imports types of vmx/vmcs.ts",
  // The registers of the processor are one list.
  "cpu/msr.ts imports vmx/capability-msrs.ts",
  // What an intervention, and what an event, is about.
  "time/intervention.ts imports types of vmm/control-fields.ts",
  "trace/event.ts imports types of vmm/memory/shadow-classes.ts",
];

/** How high in the emulator a file is. */
function heightOf(file: string): number {
  const place = (name: string) => emulatorParts.findIndex((part) => part.split(" ").includes(name));
  const [top = ""] = file.split("/");
  return top === file && place(top) < 0 ? place("machine") : place(top);
}

const emulatorImports = (text: string) =>
  [...text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+"(\.[^"]+)"/gm)].map(
    ([, type, target]) => [target as string, type !== undefined] as const,
  );

describe("inside of the emulator", () => {
  const files = sources("emulator");
  const nameOf = (file: string) => relative(join(root, "emulator"), file).replaceAll("\\", "/");

  it("each folder has its height", () => {
    expect(files.map(nameOf).filter((name) => heightOf(name) < 0)).toEqual([]);
  });

  it("files import from below, and from above no more than is listed", () => {
    const found = files.flatMap((file) => {
      const name = nameOf(file);
      return emulatorImports(readFileSync(file, "utf8")).flatMap(([target, type]) => {
        const to = nameOf(resolve(file, "..", target));
        const isAbove = !to.startsWith("..") && heightOf(to) > heightOf(name);
        return isAbove && !(type && vocabulary.has(to)) ? [`${name} imports ${type ? "types of " : ""}${to}`] : [];
      });
    });
    expect(found.sort()).toEqual(upward);
  });
});
