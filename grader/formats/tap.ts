import type { Grades } from "../grades.ts";
import type { CheckResult } from "../result.ts";
import { plain } from "../shown.ts";
import type { Format } from "./format.ts";

/** In a description a hash begins a directive, and a backslash escapes. */
const description = (text: string): string => plain(text).replace(/[\\#]/g, "\\$&");

/** What there is to know, as YAML; texts of JSON are texts of YAML. */
function diagnostics({ status, expected, happened, points, of, hint }: CheckResult): string {
  const fields = {
    severity: status === "error" ? "error" : "fail",
    ...(expected && { expected }),
    ...(happened && { happened }),
    points,
    of,
    ...(hint && { hint }),
  };
  const lines = Object.entries(fields).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}\n`);
  return `  ---\n${lines.join("")}  ...\n`;
}

function text({ results }: Grades): string {
  const points = results.flatMap(({ student, checks }) => checks.map((check) => ({ student, check })));
  const lines = points.map(({ student, check }, n) => {
    const passed = check.status === "passed";
    const line = `${passed ? "ok" : "not ok"} ${n + 1} - ${description(`${student}: ${check.title}`)}\n`;
    return passed ? line : line + diagnostics(check);
  });
  return `TAP version 13\n1..${points.length}\n${lines.join("")}`;
}

/** Version 13: consumers of version 14 read it as well. */
export const tap: Format = { name: "tap", doc: "the Test Anything Protocol, version 13", write: text };
