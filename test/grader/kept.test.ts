import { expect, test } from "vitest";
import { keptVerdict } from "../../grader/kept.ts";
import { filesOf } from "./grading.ts";

const file = "m.ringside.json";
const starter = {
  vms: [
    { name: "A", workload: { kind: "cpu", run: 1 } },
    { name: "B", workload: { kind: "cpu" } },
  ],
};
const [a, b] = starter.vms;

test.each<[string, unknown, readonly string[], string, RegExp]>([
  ["what is not named may change", { vms: [{ ...a, weight: 5 }, b] }, ["vms.*.workload"], "passed", /so it is/],
  ["order of fields", { vms: [{ workload: { run: 1, kind: "cpu" } }, b] }, ["vms.*.workload"], "passed", /so it is/],
  [
    "another value",
    { vms: [a, { ...b, workload: { kind: "lock" } }] },
    ["vms.*.workload"],
    "failed",
    /vms\.1\.workload$/,
  ],
  ["one taken out", { vms: [a] }, ["vms.*.name"], "failed", /vms\.1\.name/],
  ["one put in", { vms: [a, b, a] }, ["vms.*.name"], "failed", /vms\.2\.name/],
  ["not an object", 5, ["vms"], "failed", /changed: vms/],
  ["a field that the starter has not", starter, ["host"], "error", /starter's .* has no host/],
])("%s", (_, handedIn, fields, status, happened) => {
  const files = filesOf({ [file]: JSON.stringify(handedIn) });
  const verdict = keptVerdict({ kind: "kept", file, fields }, files, filesOf({ [file]: JSON.stringify(starter) }));
  expect(verdict.status).toBe(status);
  expect(verdict.happened).toMatch(happened);
});

test("a file that is missing or broken has kept nothing", () => {
  const fields = ["vms"];
  const good = filesOf({ [file]: JSON.stringify(starter) });
  const broken = filesOf({ [file]: "{" });
  expect(keptVerdict({ kind: "kept", file, fields }, new Map(), good).status).toBe("failed");
  expect(keptVerdict({ kind: "kept", file, fields }, broken, good).status).toBe("failed");
  expect(keptVerdict({ kind: "kept", file, fields }, good, broken).status).toBe("error");
});
