import { exitsWhen, type Row } from "../instruction.ts";
import { modesOf, rowsOf, words } from "./forms.ts";

const row = rowsOf("system");

const sources = [
  { digit: 6, name: "RDRAND", doc: "Loads a random number; CF tells that there was one, the other flags are cleared." },
  { digit: 7, name: "RDSEED", doc: "Loads a random seed; CF tells that there was one, the other flags are cleared." },
] as const;

export const randomNumbers: readonly Row[] = sources.flatMap(({ digit, name, doc }) =>
  words.map((width) =>
    row(`NFx 0F C7 /${digit}`, `${name} r${width}`, {
      doc,
      feature: name,
      access: ["w"],
      exits: exitsWhen(name, `${name} exiting`),
      ...modesOf(width),
      semantics: (m, destination) => {
        m.write(destination, m.truncate(m.call("randomNumber"), width));
        const off = m.constant(1, 0);
        for (const flag of ["PF", "AF", "ZF", "SF", "OF"] as const) m.flags.set(flag, off);
        m.flags.set("CF", m.constant(1, 1));
      },
    }),
  ),
);
