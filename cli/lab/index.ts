import type { Arguments, Command } from "../command.ts";
import { type ExitCode, UsageError } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { listLabs } from "./list.ts";
import { newLab } from "./new.ts";
import { packLab } from "./pack.ts";

type Action = (args: Arguments, operands: readonly string[], io: Io) => ExitCode;

const actions: Readonly<Record<string, { readonly operands: number; readonly run: Action }>> = {
  list: { operands: 0, run: (_, __, io) => listLabs(io) },
  new: { operands: 2, run: (_, [lab, folder], io) => newLab(lab!, folder!, io) },
  pack: { operands: 2, run: (args, [lab, folder], io) => packLab(lab!, folder!, args.text("student"), io) },
};

const usage = "list | new LAB FOLDER | pack LAB FOLDER";

export const labCommand: Command = {
  name: "lab",
  operands: usage,
  summary: "Lists the labs there are, makes an assignment of your own from one, or packs what students get.",
  details: `LAB is a number or a name of one that list prints, or the folder of an assignment (docs/assignment.md).
new copies it into FOLDER, with its solution, to be changed. pack puts into FOLDER what students get: the text, the files that they
start from, also as a copy in .starter/ for comparison, and the checks; not the solution, the hidden checks, and the files that only
these run. FOLDER must not exist, or be empty.`,
  options: {
    student: {
      value: "NAME",
      doc: "of pack: fill in the parameters of this student; without, they are filled in by name at grading",
    },
    help: { doc: "print this" },
  },
  run(args, io) {
    const [name, ...operands] = args.files;
    const action = Object.hasOwn(actions, name!) ? actions[name!] : undefined;
    if (!action) throw new UsageError(`There is no “lab ${name}”; there are ${usage}.`);
    if (operands.length !== action.operands) throw new UsageError(`It is: ringside lab ${usage}.`);
    return action.run(args, operands, io);
  },
};
