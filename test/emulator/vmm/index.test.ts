import { describe, expect, it, test } from "vitest";
import { createMachine } from "../../../emulator/index.ts";
import { refusal } from "../../../emulator/vmm/index.ts";
import { type TechniqueId, techniques } from "../../../isa/technique.ts";

const built: readonly TechniqueId[] = ["bare-metal", "trap-and-emulate", "vtx-ept", "svm-npt"];

describe("techniques", () => {
  test.each(techniques.filter(({ id }) => !built.includes(id)))("$id is named as not built yet", ({ id, title }) => {
    expect(refusal(id, "protected")).toContain(`${title} is not built yet.`);
  });

  test.each(built)("%s runs a protected-mode guest", (technique) => {
    expect(refusal(technique, "protected")).toBeUndefined();
  });

  test.each(["real", "long"] as const)("trap and emulate refuses a guest that starts in %s mode", (mode) => {
    const sentence = refusal("trap-and-emulate", mode);
    expect(sentence).toContain(`starts in ${mode} mode`);
    const image = Uint8Array.of(0xf4);
    const configuration = { technique: "trap-and-emulate", image, origin: 0x8000, mode, memory: 1 } as const;
    expect(() => createMachine(configuration)).toThrow(sentence);
  });

  it("VT-x with EPT takes every mode", () => {
    for (const mode of ["real", "protected", "long"] as const) expect(refusal("vtx-ept", mode)).toBeUndefined();
  });
});
