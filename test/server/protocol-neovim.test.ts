import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const hasNeovim = spawnSync("nvim", ["--version"]).status === 0;
if (!hasNeovim) console.log("skipped: Neovim (Debian's package neovim is not installed)");

interface Said {
  readonly diagnostics: readonly string[];
  readonly href: string;
  readonly hover: string;
  readonly completion: readonly string[];
  readonly renamed: readonly string[];
  readonly included: unknown;
  readonly written: unknown;
  readonly after: unknown;
  readonly definition: readonly unknown[];
}

/** Another editor, with the command that docs/editor.md names. */
describe.skipIf(!hasNeovim)("the shipped language server in Neovim", () => {
  const folder = mkdtempSync(join(tmpdir(), "ringside-neovim-"));
  let said: Said;

  beforeAll(() => {
    writeFileSync(join(folder, "library.inc"), "print:  ret\n");
    writeFileSync(
      join(folder, "main.asm"),
      '        bits 32\nstart:  sti\n        sgdt [500h]\n        call print\n        jmp $\n%include "library.inc"\n',
    );
    const { stdout, stderr } = spawnSync(
      "nvim",
      ["--headless", "--clean", "main.asm", "-c", `luafile ${join(import.meta.dirname, "neovim.lua")}`],
      {
        cwd: folder,
        encoding: "utf8",
        timeout: 120_000,
        env: {
          ...process.env,
          XDG_STATE_HOME: folder,
          RINGSIDE_NODE: process.execPath,
          RINGSIDE_SERVER: join(root, "dist", "server.cjs"),
        },
      },
    );
    const last = stdout.trim().split("\n").at(-1) ?? "";
    expect(last, stderr).toMatch(/^\{/);
    said = JSON.parse(last);
  }, 130_000);

  afterAll(() => rmSync(folder, { recursive: true }));

  it("shows problems, with links to their pages", () => {
    expect(said.diagnostics).toEqual(["3 sensitive-unprivileged"]);
    expect(said.href).toMatch(/^file:.*\/docs\/diagnostics\.md#sensitive-unprivileged$/);
  });

  it("tells all of an instruction", () => expect(said.hover).toContain("SGDT"));
  it("completes", () => expect(said.completion).toEqual(["cpuid", "cpu"]));
  it("renames across files", () =>
    expect(said.renamed).toEqual(["        call show", expect.stringMatching(/^show:\s+ret$/)]));
  it("follows included files on disk", () =>
    expect([said.included, said.written]).toEqual([[], ["4 undefined-symbol"]]));
  it("follows typing", () => expect(said.after).toEqual([]));
  it("goes to a definition in another file", () => expect(said.definition).toEqual(["library.inc", 1]));
});
