import { limits } from "../limits.ts";
import type { Section } from "../section.ts";

/** What is wrong with the places of sections, and with which. */
export interface PlacementFault {
  readonly section: Section;
  readonly message: string;
}

/** A section on its way to its place. Nobits sections have no place in the file, so both kinds of wishes mean the same. */
interface Part {
  readonly section: Section;
  load: number | undefined;
  start: number | undefined;
  readonly follows: string | undefined;
  readonly vfollows: string | undefined;
  readonly valign: number | undefined;
}

const defaultAlignment = 4;
const alignUp = (value: number, alignment: number): number =>
  alignment > 0 ? Math.ceil(value / alignment) * alignment : value;

/** A section without bytes has one address, which is told either way. */
function mixture({ nobits, name, wishes }: Section): string | undefined {
  const { start, vstart, align, valign, follows, vfollows } = wishes;
  const isReal = start !== undefined || align !== undefined || follows !== undefined;
  const isVirtual = vstart !== undefined || valign !== undefined || vfollows !== undefined;
  return nobits && isReal && isVirtual
    ? `“${name}” has no bytes in the file, so start, align and follows cannot be mixed with vstart, valign and vfollows.`
    : undefined;
}

function partOf(section: Section): Part {
  const { start, vstart, align, valign, follows, vfollows } = section.wishes;
  if (!section.nobits) return { section, load: start, start: vstart, follows, vfollows, valign };
  const place = start ?? vstart;
  return {
    section,
    load: place,
    start: place,
    follows: undefined,
    vfollows: follows ?? vfollows,
    valign: align ?? valign,
  };
}

/** Whether a section goes with the one before it that follows another. */
const isCarried = ({ load, follows, section }: Part, leader: Part): boolean =>
  load === undefined && follows === undefined && section.name !== leader.follows;

/** Puts each group that begins with a `follows` section behind the section it names. */
function followed(parts: Part[], faults: PlacementFault[]): Part[] {
  const order = [...parts];
  for (const part of parts) {
    if (part.follows === undefined) continue;
    const at = order.indexOf(part);
    if (order[at - 1]?.section.name === part.follows) continue;
    let end = at + 1;
    while (end < order.length && isCarried(order[end]!, part)) end++;
    const group = order.splice(at, end - at);
    const target = order.findIndex(({ section }) => section.name === part.follows);
    if (target < 0) {
      faults.push({ section: part.section, message: `There is no section “${part.follows}” to follow.` });
      order.splice(at, 0, ...group);
    } else if (order[target + 1]?.follows === part.follows) {
      const message = `Two sections cannot both follow “${part.follows}”.`;
      faults.push({ section: part.section, message });
      order.splice(at, 0, ...group);
    } else order.splice(target + 1, 0, ...group);
  }
  return order;
}

/** Sorts the groups that begin with a `start` section by that; what has none stays behind what was before it. */
function started(parts: readonly Part[]): Part[] {
  const groups: Part[][] = [];
  for (const part of parts) {
    const last = groups.at(-1);
    if (!last || part.load !== undefined) groups.push([part]);
    else last.push(part);
  }
  const sorted: Part[][] = [];
  for (const group of groups) {
    const [{ load = 0 }] = group as [Part];
    const at = sorted.findIndex(([leader]) => leader!.load !== undefined && load < leader!.load);
    sorted.splice(at < 0 ? sorted.length : at, 0, group);
  }
  return sorted.flat();
}

/** Gives the sections with bytes their places in the file; returns the address of the file's first byte. */
function load(parts: readonly Part[], origin: number | undefined, faults: PlacementFault[]): number {
  const [first] = parts as [Part];
  const base = origin ?? first.load ?? 0;
  if (first.load !== undefined && first.load < base)
    faults.push({ section: first.section, message: `“${first.section.name}” begins before the origin.` });
  first.load ??= origin === undefined ? 0 : alignUp(origin, first.section.wishes.align ?? 0);
  let end = first.load;
  let last = first;
  for (const part of parts) {
    const { section, vfollows, valign } = part;
    part.load ??= alignUp(end, section.wishes.align ?? defaultAlignment);
    if (vfollows === undefined) part.start ??= valign === undefined ? part.load : alignUp(end, valign);
    if (part.load < end) {
      if (section.size > 0)
        faults.push({ section, message: `The sections “${last.section.name}” and “${section.name}” overlap.` });
      continue;
    }
    end = part.load + section.size;
    last = part;
  }
  return base;
}

/** Addresses in memory that follow from those of other sections. */
function follow(parts: readonly Part[], lastInFile: Part, faults: PlacementFault[]): void {
  const named = new Map(parts.map((part) => [part.section.name, part]));
  const before = ({ section, vfollows }: Part): Part | undefined =>
    vfollows !== undefined ? named.get(vfollows) : section.previous ? named.get(section.previous.name) : lastInFile;
  for (let going = true; going; ) {
    going = false;
    for (const part of parts) {
      const other = part.start === undefined ? before(part) : undefined;
      if (other?.start === undefined) continue;
      part.start = alignUp(other.start + other.section.size, part.valign ?? defaultAlignment);
      if (part.section.nobits) part.load = part.start;
      going = true;
    }
  }
  for (const part of parts)
    if (part.start === undefined) {
      const message = named.has(part.vfollows ?? part.section.name)
        ? `The section “${part.section.name}” follows itself.`
        : `There is no section “${part.vfollows}” to follow.`;
      faults.push({ section: part.section, message });
    }
}

/** Where the sections of a flat binary are. */
export interface Placement {
  /** Sections with bytes, in the order of the file. */
  readonly file: readonly Section[];
  /** Address of the file's first byte. */
  readonly origin: number;
  readonly faults: readonly PlacementFault[];
}

/** Gives every section its address, as nasm -f bin does: by their wishes, else one after the other, aligned. */
export function placeSections(sections: Iterable<Section>, origin: number | undefined): Placement {
  const faults: PlacementFault[] = [];
  const list = [...sections];
  for (const section of list) {
    const message = mixture(section);
    if (message !== undefined) faults.push({ section, message });
  }
  const all = list.map(partOf);
  const file = started(
    followed(
      all.filter(({ section }) => !section.nobits),
      faults,
    ),
  );
  const base = load(file, origin, faults);
  const parts = [...file, ...all.filter(({ section }) => section.nobits)];
  follow(parts, file.at(-1)!, faults);
  for (const { section, load: place } of file)
    if (place !== undefined && place + section.size - base > limits.outputBytes && section.size > 0) {
      const message = `“${section.name}” would make the file larger than ${limits.outputBytes / 1024 / 1024} MiB.`;
      faults.push({ section, message });
    }
  for (const { section, start, load: place } of parts) section.place(start ?? 0, place ?? start ?? 0);
  return { file: file.map(({ section }) => section), origin: base, faults };
}

/** The file: the sections at their places, zeros between them. */
export function image({ file, origin }: Placement, contents: ReadonlyMap<Section, Uint8Array>): Uint8Array {
  const parts = file.filter(({ size }) => size > 0);
  const bytes = new Uint8Array(parts.reduce((end, { load, size }) => Math.max(end, load + size - origin), 0));
  for (const part of parts) bytes.set(contents.get(part)!, part.load - origin);
  return bytes;
}
