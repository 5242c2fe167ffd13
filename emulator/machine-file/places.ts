import { join } from "./check.ts";

/** Where the fields of a JSON text begin: offsets by path; of a field of an object, that of its name. The text must be valid. */
export function fieldPlaces(text: string): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)];
  let at = 0;
  const value = (path: string, place = tokens[at]!.index): void => {
    places.set(path, place);
    const open = tokens[at++]![0];
    if (open === "{") {
      while (tokens[at]![0] !== "}") {
        const name = tokens[at]!;
        at += 2;
        value(join(path, JSON.parse(name[0]) as string), name.index);
        if (tokens[at]![0] === ",") at++;
      }
      at++;
    } else if (open === "[") {
      for (let n = 0; tokens[at]![0] !== "]"; n++) {
        value(join(path, n));
        if (tokens[at]![0] === ",") at++;
      }
      at++;
    }
  };
  value("");
  return places;
}

/** Line and column, counted from 1. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: before.at(-1)!.length + 1 };
}
