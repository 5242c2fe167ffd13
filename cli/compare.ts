import { type ComparedRun, compareLoaded } from "../debug-adapter/compare.ts";
import { costProfiles, defaultCosts } from "../emulator/index.ts";
import { type TechniqueId, techniqueById, techniques } from "../isa/technique.ts";
import { type Arguments, type Command, wholeNumber } from "./command.ts";
import { type Comparison, comparisonText } from "./comparison-text.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { loadGuest } from "./guest.ts";
import { jsonText } from "./problem-text.ts";
import { defaultSteps, guestOptions } from "./source-options.ts";

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

function costsOf(args: Arguments): string {
  const name = args.text("costs") ?? defaultCosts;
  if (!costProfiles.some((profile) => profile.name === name))
    throw new UsageError(
      `--costs needs one of ${costProfiles.map((profile) => profile.name).join(", ")}, not “${name}”.`,
    );
  return name;
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
    const loaded = await loadGuest(args, io, { technique: "bare-metal", costs });
    if (!loaded) return exitCode.problems;
    io.error(loaded.warnings);
    const runs: ComparedRun[] = [];
    for (const technique of ["bare-metal" as const, ...chosen])
      runs.push(await compareLoaded(loaded, technique, async (file) => io.readBytes(file), limit));
    const comparison: Comparison = { file: args.file, costs, runs };
    io.out(args.flag("json") ? jsonText(comparison) : comparisonText(comparison));
    return runs.some((run) => run.refused === undefined && run.divergence) ? exitCode.guest : exitCode.ok;
  },
};
