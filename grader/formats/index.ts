import { gradesText } from "../grades.ts";
import { csv } from "./csv.ts";
import type { Format } from "./format.ts";
import { junit } from "./junit.ts";
import { classroom, gradescope } from "./single.ts";
import { table } from "./table.ts";
import { tap } from "./tap.ts";

const json: Format = { name: "json", doc: "all there is; what grade merge reads", write: gradesText };

/** The ways to write grades down, the usual one first. */
export const formats: readonly Format[] = [table, json, junit, tap, csv, gradescope, classroom];
