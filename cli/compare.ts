import type { Loaded } from "../debug-adapter/launch.ts";
import { itemAt } from "../debug-adapter/program.ts";
import { type Comparison, compare, costProfiles, defaultCosts, type TechniqueRun } from "../emulator/index.ts";
import { type TechniqueId, techniqueById, techniques } from "../isa/technique.ts";
import { type Arguments, type Command, wholeNumber } from "./command.ts";
import { comparisonText } from "./comparison-text.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { loadGuest } from "./guest.ts";
import { decode, type Io } from "./io.ts";
import { jsonText } from "./problem-text.ts";
import { defaultSteps, guestOptions } from "./source-options.ts";

/** The source line of the instruction at which a technique first differs. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** A technique's run, with the place of its first difference in the source. */
export type PlacedRun = TechniqueRun & { readonly place?: Place };

export interface PlacedComparison extends Comparison {
  readonly file: string;
  readonly costs: string;
  readonly runs: readonly PlacedRun[];
}

const hosts = techniques.filter(({ id }) => id !== "bare-metal").map(({ id }) => id);

function techniquesOf(args: Arguments): readonly TechniqueId[] {
  const text = args.text("techniques");
  if (text === undefined) return hosts;
  return text.split(",").map((id) => {
    const known = techniqueById(id.trim())?.id as TechniqueId | undefined;
    if (!known || known === "bare-metal")
      throw new UsageError(`--techniques: “${id.trim()}” is not one of ${hosts.join(", ")}.`);
    return known;
  });
}

function costsOf(args: Arguments): string | undefined {
  const name = args.text("costs");
  if (name !== undefined && !costProfiles.some((profile) => profile.name === name))
    throw new UsageError(
      `--costs needs one of ${costProfiles.map((profile) => profile.name).join(", ")}, not “${name}”.`,
    );
  return name;
}

function placeOf({ program }: Loaded, run: TechniqueRun, io: Io): PlacedRun {
  if (run.refused !== undefined || !run.divergence) return run;
  const item = itemAt(program, BigInt(`0x${run.divergence.address}`));
  if (!item) return run;
  const { file, line } = item.range;
  const bytes = io.readBytes(file);
  const text = bytes instanceof Uint8Array ? (decode(bytes).split("\n")[line]?.trim() ?? "") : "";
  return { ...run, place: { file, line: line + 1, text } };
}

export const compareCommand: Command = {
  name: "compare",
  summary: "Runs a guest on bare metal and under every technique, and says where they first differ.",
  details: `Each technique runs side by side with the bare machine, both with a clock that counts instructions, until registers or memory
of the guest differ; then by itself under the cost profile, for the counts. Techniques that cannot run the guest are listed
with the reason. Exits with 0 if no technique made a difference, 3 if one did.`,
  options: {
    techniques: { value: "T,…", doc: `only these: ${hosts.join(", ")}` },
    costs: { value: "P", doc: `cost profile: ${costProfiles.map(({ name }) => name).join(", ")}` },
    ...guestOptions,
    help: { doc: "print this" },
  },
  async run(args, io) {
    const limit = wholeNumber(args, "max-steps", 1) ?? defaultSteps;
    const chosen = techniquesOf(args);
    const costs = costsOf(args);
    const loaded = await loadGuest(args, io, { technique: "bare-metal", ...(costs && { costs }) });
    if (!loaded) return exitCode.problems;
    io.error(loaded.warnings);
    const { configuration } = loaded.machine;

    const { bare, runs } = compare(configuration, { techniques: chosen, limit, prepare: loaded.typeInto });
    const placed: PlacedComparison = {
      ...{ file: args.file, costs: configuration.costs ?? defaultCosts, bare },
      runs: runs.map((run) => placeOf(loaded, run, io)),
    };
    io.out(args.flag("json") ? jsonText(placed) : comparisonText(placed));
    return runs.some((run) => run.refused === undefined && run.divergence) ? exitCode.guest : exitCode.ok;
  },
};
