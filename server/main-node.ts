import { type Dirent, existsSync, realpathSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createConnection, ProposedFeatures } from "vscode-languageserver/node";
import { type FileBytes, unread } from "../assembler/index.ts";
import { isMachineFile, isSource, mostSources } from "./host.ts";
import { serve } from "./server.ts";

async function readBytes(uri: string): Promise<FileBytes> {
  if (!uri.startsWith("file:")) return undefined;
  try {
    return await readFile(fileURLToPath(uri));
  } catch (error) {
    return unread(error);
  }
}

/** What is in a folder; nothing if it cannot be read, for a person may keep folders from being read. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error) return [];
    throw error;
  }
}

/** Folders of tools and dependencies are left out. */
const isSkipped = (name: string): boolean => name.startsWith(".") || name === "node_modules";

async function listSources(folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const wanted = folders.filter((uri) => uri.startsWith("file:")).map((uri) => fileURLToPath(uri));
  for (let folder = wanted.pop(); folder !== undefined; folder = wanted.pop())
    for (const entry of await entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (found.length >= mostSources) return found;
      if (entry.isDirectory() && !isSkipped(entry.name)) wanted.push(path);
      else if (entry.isFile() && (isSource(entry.name) || isMachineFile(entry.name)))
        found.push(pathToFileURL(path).href);
    }
  return found;
}

/** The pages are shipped beside the folder that this program is shipped in. */
function pages(): string | undefined {
  const program = process.argv[1];
  const docs = program && join(dirname(realpathSync(program)), "..", "docs");
  return docs && existsSync(docs) ? `${pathToFileURL(docs).href}/` : undefined;
}

/** The language server as a process: over IPC from VS Code, over `--stdio` from any other editor. */
serve(createConnection(ProposedFeatures.all), {
  ...{ readBytes, listSources, turn: setImmediate },
  documentation: pages(),
});
