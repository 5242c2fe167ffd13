import { spawn, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeDist } from "./ship.ts";
import { serveWorkbench } from "./web-host/server.ts";

const root = join(import.meta.dirname, "..");
const say = (text: string) => console.log(`ringside: ${text}`);

const help = `npm start -- [--web] [--no-open] [--port N] [FOLDER]

Builds Ringside and opens VS Code with it and FOLDER (default: examples/).
  --web      use VS Code in the browser even if the desktop "code" is on the PATH
  --no-open  only serve VS Code in the browser and print the address
  --port N   port of the browser version (default 4600, or the next free one)`;

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        web: { type: "boolean", default: false },
        "no-open": { type: "boolean", default: false },
        port: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    console.error(`ringside: ${(error as Error).message}\n\n${help}`);
    process.exit(2);
  }
}

function onPath(program: string): boolean {
  return spawnSync(process.platform === "win32" ? "where" : "which", [program], { stdio: "ignore" }).status === 0;
}

/** The browser of the desktop; where there is none the printed address must do. */
function openBrowser(address: string): void {
  const [program, ...args] =
    process.platform === "darwin"
      ? ["open", address]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", "", address]
        : ["xdg-open", address];
  spawn(program as string, args, { stdio: "ignore", detached: true }).on("error", () =>
    say(`no browser could be started: open ${address} yourself`),
  );
}

async function serve(folder: string, port: string | undefined) {
  if (port !== undefined) {
    const number = Number(port);
    if (!Number.isInteger(number) || number < 0 || number > 65535) {
      console.error(`ringside: --port ${port} is not a port number (0-65535)`);
      process.exit(2);
    }
    return serveWorkbench(folder, number);
  }
  for (let candidate = 4600; candidate < 4620; candidate++) {
    try {
      return await serveWorkbench(folder, candidate);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
  return serveWorkbench(folder, 0);
}

const { values, positionals } = parse();
if (values.help) {
  console.log(help);
  process.exit(0);
}
// npm runs scripts in the project's folder and says in INIT_CWD where it was called.
const folder = positionals[0] ? resolve(process.env["INIT_CWD"] ?? ".", positionals[0]) : join(root, "examples");
if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
  console.error(`ringside: there is no folder ${folder}. Name one that exists, or none for examples/.`);
  process.exit(2);
}
say("building …");
await makeDist();
if (!values.web && !values["no-open"] && onPath("code")) {
  say(`opening ${folder} in desktop VS Code`);
  const result = spawnSync("code", [`--extensionDevelopmentPath=${root}`, folder], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  process.exit(result.status ?? 1);
}
const { origin } = await serve(folder, values.port).catch((error: Error) => {
  console.error(`ringside: the server could not start: ${error.message}. Choose another port with --port N.`);
  process.exit(1);
});
say(`VS Code with Ringside is at ${origin}  (folder ${folder}; stop with Ctrl+C)`);
if (!values["no-open"]) openBrowser(origin);
