import { describe, expect, it } from "vitest";
import { terminal } from "./terminal.ts";

describe("compare", () => {
  it("shows the first difference with its source line", async () => {
    const { code, out } = await terminal([
      "compare",
      "examples/silent-lies.asm",
      "--techniques",
      "vtx-ept,trap-and-emulate",
    ]);
    expect(code).toBe(3);
    expect(out).toMatch(/^vtx-ept +same for 902 /m);
    expect(out).toMatch(/^trap-and-emulate first differs at .*silent-lies\.asm:24: sgdt \[stored\]/m);
  });

  it("gives 0 where no technique makes a difference, and JSON", async () => {
    const { code, out } = await terminal(["compare", "examples/exits.asm", "--techniques", "vtx-ept", "--json"]);
    expect(code).toBe(0);
    const {
      runs: [bare, run],
      costs,
    } = JSON.parse(out);
    expect(costs).toBe("Haswell-2013");
    expect(run).toMatchObject({ technique: "vtx-ept", compared: bare.totals.instructions });
    expect(run.divergence).toBeUndefined();
  });

  it.each([
    [["--techniques", "qemu"], "“qemu” is not one of trap-and-emulate"],
    [["--costs", "abacus"], "--costs needs one of unit"],
  ])("refuses %s", async (options, message) => {
    const { code, error } = await terminal(["compare", "examples/exits.asm", ...options]);
    expect(code).toBe(2);
    expect(error).toContain(message);
  });
});
