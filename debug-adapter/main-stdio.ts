/** The debug adapter as a process of its own: for VS Code on the desktop and every other client, over stdin and stdout. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { LaunchError } from "./launch.ts";
import { isUri } from "./location.ts";
import { Session } from "./session.ts";

async function readText(file: string): Promise<string | undefined> {
  if (isUri(file) && !file.startsWith("file:")) throw new LaunchError(`${file} is not on this computer's file system.`);
  try {
    return await readFile(isUri(file) ? fileURLToPath(file) : file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new LaunchError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const session = new Session({ readText, breathe: () => new Promise((resolve) => setImmediate(resolve)) });
process.on("SIGTERM", () => session.shutdown());
session.start(process.stdin, process.stdout);
