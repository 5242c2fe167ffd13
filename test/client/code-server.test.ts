import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { chromiumPath, Workbench } from "../support/workbench.ts";
import { firstPath } from "./first-path.ts";

const root = join(import.meta.dirname, "..", "..");

/** A full VS Code server, whose extension host is Node: the npm package `code-server`, if it is on the PATH. */
const available = spawnSync("code-server", ["--version"], { stdio: "ignore" }).status === 0;
if (!available)
  console.log('skipped: VS Code with a Node extension host (the npm package "code-server" is not on the PATH)');

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** The extension as it would be installed. */
function install(extensions: string): void {
  const target = join(extensions, "ringside.ringside-0.1.0");
  mkdirSync(target, { recursive: true });
  for (const part of ["package.json", "dist", "syntaxes"])
    cpSync(join(root, part), join(target, part), { recursive: true });
}

async function answering(address: string, server: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (server.exitCode !== null) throw new Error(`code-server ended with ${server.exitCode}`);
    try {
      if ((await fetch(address)).ok) return;
    } catch (error) {
      // Not listening yet.
      if (!(error instanceof TypeError)) throw error;
    }
    await new Promise((later) => setTimeout(later, 100));
  }
  throw new Error("code-server does not answer");
}

describe.skipIf(!available || !chromiumPath)("VS Code with a Node extension host", () => {
  const folder = mkdtempSync(join(tmpdir(), "ringside-"));
  let server: ChildProcess;
  let workbench: Workbench;

  beforeAll(async () => {
    install(join(folder, "extensions"));
    cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true });
    const port = await freePort();
    server = spawn(
      "code-server",
      [
        ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check"],
        ...[
          "--disable-workspace-trust",
          "--user-data-dir",
          join(folder, "data"),
          "--extensions-dir",
          join(folder, "extensions"),
        ],
        ...["--config", join(folder, "config.yaml"), join(folder, "examples")],
      ],
      { stdio: "ignore", env: { ...process.env, HOME: folder } },
    );
    const address = `http://127.0.0.1:${port}/?folder=${join(folder, "examples")}`;
    await answering(address, server);
    workbench = await Workbench.at(address, async () => {});
  }, 180_000);

  afterAll(async () => {
    await workbench?.close();
    server?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it("takes the first path: diagnostics, breakpoint, step over an exit, step back", async () => {
    await firstPath(workbench, "node");
  }, 180_000);
});
