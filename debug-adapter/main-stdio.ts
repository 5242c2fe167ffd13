/** The debug adapter as a process of its own: for VS Code on the desktop and every other client, over stdin and stdout. */
import { readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type FileBytes, unread } from "../assembler/index.ts";
import { isUri } from "../assembler/location.ts";
import { restTime } from "./readers.ts";
import { Session } from "./session.ts";

async function readBytes(file: string): Promise<FileBytes> {
  if (isUri(file) && !file.startsWith("file:")) return { unreadable: "it is not on this computer's file system" };
  try {
    return await readFile(isUri(file) ? fileURLToPath(file) : file);
  } catch (error) {
    return unread(error);
  }
}

/** Lets messages come in; where the client has not read what it was sent, waits for that: a guest must not print into memory. */
const breathe = () =>
  new Promise<void>((resolve) => {
    if (process.stdout.writableNeedDrain) process.stdout.once("drain", resolve);
    else setImmediate(resolve);
  });

const session = new Session({ readFile: readBytes, breathe, rest: () => setTimeout(restTime) });
process.on("SIGTERM", () => session.shutdown());
session.start(process.stdin, process.stdout);
