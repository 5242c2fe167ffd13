import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { terms } from "../../server/features/glossary.ts";
import { hover } from "../../server/features/hover.ts";
import { analyse, uri } from "../support/marked-source.ts";

const docs = join(import.meta.dirname, "..", "..", "docs");
const page = (name: string) => readFileSync(join(docs, name), "utf8");

/** The anchors of a page, as Markdown viewers make them of headings. */
const anchors = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\d\s-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );

const glossary = page("glossary.md");
const sections = glossary.split(/^## /m).slice(1);

async function hoverText(source: string, documentation: string | undefined): Promise<string> {
  const { analysis, cursor } = await analyse(source);
  const found = hover({ ...analysis, documentation }, uri, cursor!);
  return (found!.contents as { value: string }).value;
}

const linked = (text: string): string[] => [...text.matchAll(/\/glossary\.md#([\w-]+)/g)].map(([, anchor]) => anchor!);

describe("the glossary", () => {
  it("explains each term once, in the order of the alphabet, with a source", () => {
    const titles = sections.map((section) => section.slice(0, section.indexOf("\n")));
    const sorted = (list: readonly string[]) =>
      [...list].sort((a, b) => a.replace(/^The /, "Th").localeCompare(b.replace(/^The /, "Th"), "en"));
    expect(titles.map((title) => title.toLowerCase())).toEqual(sorted(titles.map((title) => title.toLowerCase())));
    expect(sections.filter((section) => !/\([^)]*(\d{4}|SDM|APM|Linux)[^)]*\)/.test(section))).toEqual([]);
  });

  it("is linked to from hovers where it is known where the pages are", async () => {
    const sources = [
      "bits 32\n sg$0dt [500h]",
      "bits 32\n pop$0fd",
      "bits 32\n ad$0d eax, 1",
      "bits 16\n hl$0t",
      "bits 64\n hl$0t",
      "bits 32\n push dword 20002h\n push dword 0\n push dword task\n iretd\nbits 16\ntask: hl$0t",
    ];
    const found = new Set<string>();
    for (const source of sources) for (const term of linked(await hoverText(source, "file:///docs/"))) found.add(term);
    expect([...found].filter((term) => !anchors(glossary).includes(term))).toEqual([]);
    expect(terms.filter((term) => !found.has(term))).toEqual([]);
    expect(await hoverText("bits 32\n sg$0dt [500h]", undefined)).not.toContain("glossary");
  });

  it("has every term that is linked to, and its own links lead somewhere", () => {
    expect(terms.filter((term) => !anchors(glossary).includes(term))).toEqual([]);
    for (const name of ["glossary.md", "diagnostics.md", "editor.md"])
      for (const [, file, anchor] of page(name).matchAll(/\]\(([\w-]+\.md)?#([\w-]+)\)/g))
        expect(anchors(page(file ?? name)), `${name} links to ${file ?? name}`).toContain(anchor);
  });

  it("is linked to from every diagnostic's section", () => {
    const own = page("diagnostics.md").split(/^## /m);
    const codes = own.filter((section) => /^[a-z]+(-[a-z]+)+\n/.test(section));
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((section) => !section.includes("(glossary.md#")).map((one) => one.split("\n")[0])).toEqual([]);
  });
});
