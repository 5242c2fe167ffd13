import type { Problem } from "../assembler/index.ts";
import { pageOf } from "../server/diagnostics/index.ts";

const levels = { error: "error", warning: "warning", information: "note" } as const satisfies Record<
  Problem["severity"],
  string
>;

const uriOf = (file: string): string => encodeURI(file.replaceAll("\\", "/"));

const location = ({ file, line, start, end }: Problem["range"]) => ({
  physicalLocation: {
    artifactLocation: { uri: uriOf(file) },
    region: { startLine: line + 1, startColumn: start + 1, endLine: line + 1, endColumn: end + 1 },
  },
});

const replacement = ({ range, text }: NonNullable<Problem["fixes"]>[number]["edits"][number]) => ({
  deletedRegion: location(range).physicalLocation.region,
  insertedContent: { text },
});

/** Changes of one fix, by file, as SARIF wants them. */
function artifactChanges(edits: NonNullable<Problem["fixes"]>[number]["edits"]) {
  return [...new Set(edits.map(({ range }) => range.file))].map((file) => ({
    artifactLocation: { uri: uriOf(file) },
    replacements: edits.filter(({ range }) => range.file === file).map(replacement),
  }));
}

function result({ code, severity, message, range, related, fixes }: Problem, rules: readonly string[]) {
  return {
    ruleId: code,
    ruleIndex: rules.indexOf(code),
    level: levels[severity],
    message: { text: message },
    locations: [location(range)],
    ...(related && {
      relatedLocations: related.map((place, id) => ({
        id,
        ...location(place.range),
        message: { text: place.message },
      })),
    }),
    ...(fixes && {
      fixes: fixes.map(({ title, edits }) => ({
        description: { text: title },
        artifactChanges: artifactChanges(edits),
      })),
    }),
  };
}

const rule = (id: string) => ({
  id,
  help: { text: `docs/${pageOf(id)} of Ringside says what it means, and what to do.` },
});

/** The problems as a log of the Static Analysis Results Interchange Format (OASIS SARIF 2.1.0), for code scanning. */
export function sarifOf(problems: readonly Problem[]): unknown {
  const rules = [...new Set(problems.map(({ code }) => code))].sort();
  return {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "ringside", rules: rules.map(rule) } },
        columnKind: "utf16CodeUnits",
        results: problems.map((problem) => result(problem, rules)),
      },
    ],
  };
}
