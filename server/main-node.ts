import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { unread } from "../assembler/index.ts";
import { serve } from "./server.ts";

/** The language server as a process: over IPC from VS Code, over `--stdio` from any other editor. */
serve(createConnection(ProposedFeatures.all), async (uri) => {
  if (!uri.startsWith("file:")) return undefined;
  try {
    return await readFile(fileURLToPath(uri));
  } catch (error) {
    return unread(error);
  }
});
