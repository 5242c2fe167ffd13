import type { Assembly, Problem } from "../../assembler/index.ts";
import { type Technique, type TechniqueId, techniqueById } from "../../isa/technique.ts";
import { flowOf } from "../analysis/flow.ts";

const tables: Readonly<Record<string, string>> = { lgdt: "GDT", lidt: "IDT", lldt: "LDT", ltr: "TSS" };

/** What the guest notices; nothing where the register is its own. */
const notices: Partial<Readonly<Record<Technique["kernel"], (table: string) => string>>> = {
  deprivileged: (table) =>
    `the VMM loads a shadow of this ${table}, and S${table} of the guest shows the shadow's address. Every write to the page with the table traps: give it a page of its own (align 4096)`,
  translated: (table) =>
    `the VMM loads a shadow of this ${table}. The guest's kernel is told its own address; every write to the page with the table traps: give it a page of its own (align 4096)`,
};

/** LGDT, LIDT, LLDT and LTR of a guest that does not own the register: the VMM shadows the table. */
export function shadowedTable(assembly: Assembly, technique: TechniqueId | undefined): Problem[] {
  const under = technique && techniqueById(technique);
  const notice = under && notices[under.kernel];
  if (!under || !notice) return [];
  const loads = assembly.mentionsOf(({ mnemonic }) => mnemonic in tables);
  if (loads.length === 0) return [];
  const flow = flowOf(assembly);
  return loads.flatMap((mention): Problem[] => {
    const { row, range, bits } = mention;
    if ((flow.at(mention)?.mode ?? (bits === 16 ? "real" : undefined)) === "real") return [];
    const table = tables[row!.mnemonic]!;
    const message = `Under ${under.title.toLowerCase()} ${notice(table === "TSS" ? "TSS" : table).replace("STSS", "STR")}.`;
    return [{ code: "shadowed-table", severity: "information", message, range }];
  });
}
