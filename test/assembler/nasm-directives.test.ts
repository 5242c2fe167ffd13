import { describe, expect, it } from "vitest";
import { hasNasm } from "../isa/nasm.ts";
import { dataPrograms } from "./data-programs.ts";
import { nasmOutput, ringsideOutput, shown } from "./nasm-oracle.ts";
import { objectPrograms } from "./object-programs.ts";
import { sectionPrograms } from "./section-programs.ts";

const groups = { data: dataPrograms, sections: sectionPrograms };

describe.skipIf(!hasNasm).each(Object.entries(groups))("bytes of %s are nasm's", (_, programs) => {
  it.each(Object.entries(programs))("%s", (_name, text) => {
    expect(shown(ringsideOutput(text))).toBe(shown(nasmOutput(text)));
  });
});

describe.skipIf(!hasNasm)("object files are nasm's", () => {
  it.each(objectPrograms)("$title", ({ format, text }) => {
    expect(shown(ringsideOutput(text, { format }))).toBe(shown(nasmOutput(text, format)));
  });
});
