/** Writes the JSON schema of assignments, which the editor completes and checks them with: node scripts/assignment-schema.ts */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assignmentSchema } from "../grader/schema.ts";

/** The file's contents. */
export const assignmentSchemaFile = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Assignment of Ringside",
  ...assignmentSchema,
};

if (import.meta.main) {
  writeFileSync(
    join(import.meta.dirname, "..", "syntaxes", "assignment.schema.json"),
    `${JSON.stringify(assignmentSchemaFile, null, 2)}\n`,
  );
  console.log("wrote syntaxes/assignment.schema.json; now: npx biome check --write syntaxes");
}
