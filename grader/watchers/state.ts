import { evaluateText } from "../../debug-adapter/evaluate.ts";
import { utf8 } from "../../emulator/utf8.ts";
import type { MemoryPredicate, StatePredicate } from "../assignment.ts";
import { quoted } from "../shown.ts";
import { type Verdict, verdict } from "../verdict.ts";
import { momentOf, type Subject, type Watcher } from "../watcher.ts";
import { addressOf, unknownName, valuesText } from "./expressions.ts";
import { atMoment, momentText } from "./moments.ts";

/** For checks of registers, flags and memory by an expression. */
export async function stateWatcher(subject: Subject, predicate: StatePredicate): Promise<Watcher | Verdict> {
  const { holds } = predicate;
  const expected = `${holds} ${momentText(predicate)}`;
  const judge = (): Verdict => {
    const outcome = evaluateText(subject, holds);
    const met = outcome.problem === undefined && outcome.value !== 0n;
    const happened = outcome.problem ?? (valuesText(subject, holds) || `it is ${outcome.value}`);
    return verdict(met, { expected, happened }, met ? {} : { moment: momentOf(subject) });
  };
  return (await unknownName(subject, holds, expected)) ?? atMoment(subject, predicate, expected, judge);
}

const hexadecimal = (bytes: readonly (number | undefined)[]): string =>
  bytes.map((byte) => (byte === undefined ? "--" : byte.toString(16).padStart(2, "0"))).join(" ");

/** Bytes shown of what is in memory instead. */
const mostShown = 32;

/** For checks of bytes in memory. */
export async function memoryWatcher(subject: Subject, predicate: MemoryPredicate): Promise<Watcher | Verdict> {
  const { address, space = "linear", bytes, text } = predicate;
  const wanted =
    text === undefined ? [...bytes!.matchAll(/[0-9A-Fa-f]{2}/g)].map(([two]) => Number.parseInt(two, 16)) : utf8(text);
  const shown = (found: readonly (number | undefined)[]): string => {
    if (text === undefined) return `${hexadecimal(found.slice(0, mostShown))}${found.length > mostShown ? " …" : ""}`;
    return quoted(found.map((byte) => (byte === undefined ? "�" : String.fromCharCode(byte))).join(""));
  };
  const expected = `${shown(wanted)} at ${address} ${momentText(predicate)}`;
  const judge = (): Verdict => {
    const moment = momentOf(subject);
    const outcome = evaluateText(subject, address);
    if (outcome.problem !== undefined) return verdict(false, { expected, happened: outcome.problem }, { moment });
    const found = subject.machine.readMemory(space, addressOf(outcome), wanted.length);
    const met = wanted.every((byte, n) => found[n] === byte);
    const unmapped = found.every((byte) => byte === undefined);
    const happened = unmapped ? `there is no memory at ${address}` : `there is ${shown(found)}`;
    return verdict(met, { expected, happened }, met ? {} : { moment });
  };
  return (await unknownName(subject, address, expected)) ?? atMoment(subject, predicate, expected, judge);
}
