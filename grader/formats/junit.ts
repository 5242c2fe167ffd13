import type { Grades } from "../grades.ts";
import type { CheckResult, Result } from "../result.ts";
import { plain } from "../shown.ts";
import { explanation, type Format } from "./format.ts";

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text in XML; what may not be there at all `plain` has made visible. */
const escaped = (text: string): string =>
  text
    .split("\n")
    .map((line) => plain(line).replace(/[&<>"]/g, (character) => entities[character]!))
    .join("\n");

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join("");

function outcome(check: CheckResult): string {
  const { status, expected, happened } = check;
  if (status === "passed") return "";
  const [element, type] = status === "failed" ? ["failure", "check"] : ["error", "assignment"];
  const message = happened || expected || "The check did not pass.";
  return `\n      <${element}${attributes({ type: type!, message })}>${escaped(explanation(check))}</${element}>\n    `;
}

const testCase = (student: string, check: CheckResult): string => {
  const name = `${check.id}: ${check.title}`;
  return `    <testcase${attributes({ classname: student, name })}>${outcome(check)}</testcase>\n`;
};

const counts = (checks: readonly CheckResult[]) => ({
  tests: checks.length,
  failures: checks.filter(({ status }) => status === "failed").length,
  errors: checks.filter(({ status }) => status === "error").length,
});

const suite = ({ student, checks, points, of }: Result): string =>
  [
    `  <testsuite${attributes({ name: student, ...counts(checks) })}>\n`,
    `    <properties>\n      <property${attributes({ name: "points", value: points })}/>\n`,
    `      <property${attributes({ name: "of", value: of })}/>\n    </properties>\n`,
    ...checks.map((check) => testCase(student, check)),
    "  </testsuite>\n",
  ].join("");

function text({ assignment: { title }, results }: Grades): string {
  const all = counts(results.flatMap(({ checks }) => checks));
  const suites = results.map(suite).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${attributes({ name: title, ...all })}>\n${suites}</testsuites>\n`;
}

/** As Jenkins' xUnit plugin describes it (junit-10.xsd). */
export const junit: Format = { name: "junit", doc: "JUnit XML: a suite a submission, a case a check", write: text };
