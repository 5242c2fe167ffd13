/** What the program of each VM consists of: modules, sources and their text. */
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { utf8Text } from "../emulator/utf8.ts";
import type { ProgramFiles } from "../trace-file/index.ts";
import type { Coordinates } from "./coordinates.ts";
import { type Subject, sourceOf } from "./inspection.ts";
import { hexadecimal, type Program, toLinear } from "./program.ts";
import { moduleOfGuest, moduleOfMonitor } from "./programs.ts";
import { Refusal } from "./requests.ts";
import { sha256 } from "./sha256.ts";
import { seenFrom } from "./threads.ts";
import { referenceOf, traceSource } from "./trace-sources.ts";

/** A VM's program, whose VM is in sight. */
function moduleOf({ debugger: { machine, program, programs }, coordinates }: Subject): P.Module {
  const several = programs.byVm.size > 1;
  const { origin, image } = machine.guest;
  const first = toLinear(program, origin);
  const labels = [...program.symbols.values()].filter(({ kind }) => kind === "label").length;
  const range =
    image.length > 0 ? { addressRange: `${hexadecimal(first)}-${hexadecimal(first + BigInt(image.length) - 1n)}` } : {};
  const name = sourceOf(program.file, coordinates).name!;
  const { technique } = machine.configuration;
  const own = {
    id: moduleOfGuest(programs, machine.vm),
    name: several ? `${machine.vm}: ${name}` : name,
    path: coordinates.path(program.file),
    isUserCode: true,
    symbolStatus: labels > 0 ? `${labels} ${labels === 1 ? "label" : "labels"}` : "No symbols",
    technique,
    ...range,
  };
  return own;
}

/** The program of each VM, and the VMM beneath them, which is no code of this machine. */
export function modules(
  subject: Subject,
  { startModule = 0, moduleCount = 0 }: P.ModulesArguments,
): P.ModulesResponse["body"] {
  const { machine, programs } = subject.debugger;
  const { technique } = machine.configuration;
  const guests = [...programs.byVm.keys()].map((vm) => seenFrom(machine, { vm, vcpu: 0 }, () => moduleOf(subject)));
  const vmm = {
    id: moduleOfMonitor,
    name: "VMM",
    isUserCode: false,
    symbolStatus: "Built in: no code of this machine",
    technique,
  };
  const all: P.Module[] = technique === "bare-metal" ? guests : [...guests, vmm];
  return {
    modules: moduleCount > 0 ? all.slice(startModule, startModule + moduleCount) : all.slice(startModule),
    totalModules: all.length,
  };
}

/** Where the bytes of a source are known, its checksum lets a client see whether it shows the same ones. */
function loadedSource(program: Program, file: string, coordinates: Coordinates): P.Source {
  const bytes = program.source?.(file);
  const checksums: P.Checksum[] = bytes ? [{ algorithm: "SHA256", checksum: sha256(bytes) }] : [];
  return { ...sourceOf(file, coordinates), ...(bytes ? { checksums } : {}) };
}

/** The sources of all VMs, each once. */
export function loadedSources({ debugger: { programs }, coordinates }: Subject): P.LoadedSourcesResponse["body"] {
  const byFile = new Map<string, P.Source>();
  for (const program of programs.byVm.values())
    for (const file of program.files) if (!byFile.has(file)) byFile.set(file, loadedSource(program, file, coordinates));
  return { sources: [...byFile.values()] };
}

/** How the sources of a program that was loaded again differ from those before, as `loadedSource` events. */
export function sourceChanges(
  before: readonly P.Source[],
  after: readonly P.Source[],
): readonly P.LoadedSourceEvent["body"][] {
  const keyOf = ({ path = "", sourceReference = 0 }: P.Source) => `${sourceReference} ${path}`;
  const old = new Map(before.map((source) => [keyOf(source), source]));
  const present = new Set(after.map(keyOf));
  const checksum = (source: P.Source | undefined) => source?.checksums?.[0]?.checksum;
  return [
    ...before.filter((source) => !present.has(keyOf(source))).map((source) => ({ reason: "removed" as const, source })),
    ...after.filter((source) => !old.has(keyOf(source))).map((source) => ({ reason: "new" as const, source })),
    ...after
      .filter((source) => old.has(keyOf(source)) && checksum(old.get(keyOf(source))) !== checksum(source))
      .map((source) => ({ reason: "changed" as const, source })),
  ];
}

/** The text of a source that is in the trace. @throws Refusal for others */
export function sourceText(
  { source, sourceReference }: P.SourceArguments,
  files: ProgramFiles["files"],
): P.SourceResponse["body"] {
  const wanted = source?.sourceReference ?? sourceReference;
  const bytes = Object.entries(files).find(([file]) => referenceOf(traceSource(file)) === wanted)?.[1];
  if (!bytes) throw new Refusal(`There is no source with the number ${wanted} in this session.`);
  return { content: utf8Text(bytes) };
}
