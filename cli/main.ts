import { ringside } from "./commands.ts";
import { nodeIo } from "./io.ts";

/** The process: arguments in, exit code out. A reader that closes the pipe early is no error. */
export async function main(): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(process.exitCode ?? 0);
  });
  process.exitCode = await ringside(process.argv.slice(2), nodeIo);
}
