/** What is the same in both directions. */
import { exceptionName, exceptionVectors } from "../../cpu/exception-names.ts";
import type { Field } from "../../trace/event.ts";
import type { ControlBit } from "../deciding-bit.ts";
import { type FieldPair, fieldPairs, type Only } from "./fields.ts";

export interface OtherBits extends Field {
  readonly doc: string;
  /** The bits whose exits it would have made. */
  readonly madeOf?: readonly ControlBit[];
}

/** A field under the name of the other vendor, or one that has none there. */
export interface OtherField {
  readonly name: string;
  readonly place: number;
  /** In the form of the field that is named; undefined where it cannot be told. */
  readonly value: bigint | undefined;
  readonly width: number;
  readonly shown: boolean;
  /** A value "—" is that of a bit without counterpart. */
  readonly bits: readonly OtherBits[];
  /** Where the value is really, and in what the two differ; or why there is no counterpart. */
  readonly note: string;
  /** Places of the fields that it was made of. */
  readonly sources: readonly number[];
}

export interface OtherNames {
  readonly kind: "VMCS" | "VMCB";
  readonly groups: readonly {
    readonly group: string;
    /** These fields have no counterpart: they are called by their own names. */
    readonly alone?: true;
    readonly fields: readonly OtherField[];
  }[];
}

/** The value of a bit without counterpart. */
export const none = "—";
export const flag = (on: boolean): string => (on ? "1" : "0");
export const sentences = (...parts: readonly (string | undefined)[]): string => parts.filter(Boolean).join(" ");
export const reasonFor = <F extends string>(only: Only<F>, field: F): string | undefined =>
  only.find(([fields]) => (fields instanceof RegExp ? fields.test(field) : fields.includes(field)))?.[1];

export const isPaired = (match: (pair: FieldPair) => boolean): boolean => fieldPairs.some(match);

/** @param place of the word that it is taken from */
export const exceptionBits = (word: number, place: number): OtherBits[] =>
  exceptionVectors
    .filter((vector) => vector !== 2)
    .map((vector) => ({
      ...{ name: exceptionName(vector), bits: `${vector}`, value: flag(((word >>> vector) & 1) === 1) },
      doc: `${exceptionName(vector)} exits.`,
      madeOf: [{ place, bit: vector }],
    }));
