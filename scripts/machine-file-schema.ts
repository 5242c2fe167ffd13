/** Writes the JSON schema of machine files, which the editor completes and checks them with: node scripts/machine-file-schema.ts */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { machineFileSchema } from "../emulator/machine-file/schema.ts";

/** The file's contents. */
export const machineFileSchemaFile = {
  $schema: "http://json-schema.org/draft-07/schema#",
  title: "Machine file of Ringside",
  ...machineFileSchema,
};

if (import.meta.main) {
  writeFileSync(
    join(import.meta.dirname, "..", "syntaxes", "machine-file.schema.json"),
    `${JSON.stringify(machineFileSchemaFile, null, 2)}\n`,
  );
  console.log("wrote syntaxes/machine-file.schema.json; now: npx biome check --write syntaxes");
}
