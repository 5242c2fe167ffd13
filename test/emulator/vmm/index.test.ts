import { describe, expect, it, test } from "vitest";
import { createMachine } from "../../../emulator/index.ts";
import { refusal } from "../../../emulator/vmm/index.ts";
import { type TechniqueId, techniques } from "../../../isa/technique.ts";

/** All but the one that is for guests made for it. */
const built = techniques.map(({ id }): TechniqueId => id).filter((id) => id !== "paravirtualization");

describe("techniques", () => {
  test.each(built)("%s runs a protected-mode guest", (technique) => {
    expect(refusal(technique, "protected")).toBeUndefined();
  });

  it("trap and emulate refuses a guest that starts in real mode, and takes the others", () => {
    const mode = "real";
    expect(refusal("trap-and-emulate", "long")).toBeUndefined();
    const sentence = refusal("trap-and-emulate", mode);
    expect(sentence).toContain(`starts in ${mode} mode`);
    const image = Uint8Array.of(0xf4);
    const configuration = { technique: "trap-and-emulate", image, origin: 0x8000, mode, memory: 1 } as const;
    expect(() => createMachine(configuration)).toThrow(sentence);
  });

  it("paravirtualization takes guests that are made for Xen, and no others do", () => {
    for (const mode of ["xen-32", "xen-64"] as const) {
      expect(refusal("paravirtualization", mode)).toBeUndefined();
      for (const technique of built)
        expect(refusal(technique, mode)).toContain("choose the technique paravirtualization");
    }
    for (const mode of ["real", "protected", "long"] as const)
      expect(refusal("paravirtualization", mode)).toContain("%pragma ringside mode xen");
    expect(refusal("paravirtualization", "xen-32", { memory: 512, vcpus: 1, imageEnd: 0x10_0000 })).toContain(
      "at most 256 MiB",
    );
    expect(refusal("paravirtualization", "xen-32", { memory: 1, vcpus: 1, imageEnd: 0xf_0000 })).toContain(
      "does not fit into 1 MiB",
    );
  });

  it("VT-x with EPT takes every mode", () => {
    for (const mode of ["real", "protected", "long"] as const) expect(refusal("vtx-ept", mode)).toBeUndefined();
  });
});
