import { type Diagnostic, DiagnosticSeverity, DiagnosticTag } from "vscode-languageserver";
import type { Problem } from "../../assembler/index.ts";
import type { TechniqueId } from "../../isa/technique.ts";
import { diagnose, pageOf } from "../diagnostics/index.ts";
import type { Analysis } from "../documents.ts";
import { toLsp } from "../ranges.ts";

const severities: Record<Problem["severity"], DiagnosticSeverity> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
};

const toDiagnostic = (problem: Problem, documentation: string | undefined): Diagnostic => ({
  source: "ringside",
  code: problem.code,
  ...(documentation && { codeDescription: { href: documentation + pageOf(problem.code) } }),
  severity: severities[problem.severity],
  message: problem.message,
  range: toLsp(problem.range),
  ...(problem.fixes && { data: { fixes: problem.fixes } }),
  relatedInformation: (problem.related ?? []).map(({ range, message }) => ({
    location: { uri: range.file, range: toLsp(range) },
    message,
  })),
});

/** Parts of the document that an `%if` leaves out, so that editors fade them. */
const leftOut = ({ assembly }: Analysis): Diagnostic[] =>
  assembly.leftOut.map(({ first, last }) => ({
    source: "ringside",
    severity: DiagnosticSeverity.Hint,
    tags: [DiagnosticTag.Unnecessary],
    message: "Left out by a condition of the preprocessor.",
    range: { start: { line: first, character: 0 }, end: { line: last + 1, character: 0 } },
  }));

/** The document's own problems; those inside an included file are shown at the %include that brings them in. */
export function diagnostics(analysis: Analysis, uri: string): Diagnostic[] {
  const { assembly, technique, lineOf, documentation } = analysis;
  const found = diagnose(assembly, technique?.id as TechniqueId | undefined, lineOf).flatMap(
    (problem): Diagnostic[] => {
      if (problem.range.file === uri) return [toDiagnostic(problem, documentation)];
      if (problem.severity !== "error") return [];
      const include = assembly.includes.find((at) => at.file === problem.range.file && at.range.file === uri);
      const at = include?.range ?? { file: uri, line: 0, start: 0, end: 1 };
      return [
        {
          ...toDiagnostic({ ...problem, range: at }, documentation),
          relatedInformation: [
            { location: { uri: problem.range.file, range: toLsp(problem.range) }, message: problem.message },
          ],
        },
      ];
    },
  );
  return [...found, ...leftOut(analysis)];
}
