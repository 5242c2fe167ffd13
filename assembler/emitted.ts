import { decode } from "../isa/decode.ts";
import type { Encoding } from "../isa/encode.ts";
import type { Row } from "../isa/instruction.ts";
import type { Bits, Decoded } from "../isa/operands.ts";
import { writtenTarget } from "./dependence.ts";
import type { Emitted, InstructionMention, MacroCall, Range } from "./interface.ts";
import type { Item } from "./item.ts";
import { rangeOf } from "./source.ts";
import type { Word } from "./tree.ts";

type Field = Encoding["fields"][number];

const noFields: readonly Field[] = [];

/** Who keeps the bytes of parts up to date when labels move. */
export interface Code {
  /** Another number whenever labels have moved. */
  readonly edition: number;
  /** Brings the bytes of the item's parts up to date. */
  refresh(item: Item): void;
}

/** What an item puts at a place: one repetition of an instruction, or all of its data. It moves with the item. */
export class Part implements Emitted {
  readonly length: number;
  /** Undefined for space that is only reserved. Where they hold addresses, they are those of the last refreshing. */
  readonly bytes: Uint8Array | undefined;
  /** Of an instruction. */
  readonly fields: readonly Field[];
  private readonly item: Item;
  /** Where it begins in the item. */
  private readonly at: number;
  /** Given for instructions only. */
  private readonly code: Code | undefined;
  private known: { readonly decoded: Decoded | undefined; edition: number; readonly of: string } | undefined;

  constructor(
    item: Item,
    at: number,
    length: number,
    bytes: Uint8Array | undefined,
    code?: Code,
    fields: readonly Field[] = noFields,
  ) {
    this.item = item;
    this.at = at;
    this.length = length;
    this.bytes = bytes;
    this.code = code;
    this.fields = fields;
  }
  /** Offset in its section. */
  get offset(): number {
    return this.item.offset + this.at;
  }
  get address(): number {
    return this.item.context.section.start + this.offset;
  }
  get position(): number | undefined {
    const { position } = this.item.context.section;
    return position === undefined ? undefined : position + this.offset;
  }
  get range(): Range {
    return this.item.range;
  }
  get bits(): Bits {
    return this.item.context.bits;
  }
  get expansion(): MacroCall | undefined {
    return this.item.source.expansion;
  }
  /** The bytes with the addresses of now. */
  refreshed(): Uint8Array | undefined {
    this.code?.refresh(this.item);
    return this.bytes;
  }

  /** Decoded when someone asks, and the same object until the bytes change; undefined for what can be written but is no instruction: LOCK RET. */
  get decoded(): Decoded | undefined {
    const { bytes, code, known, item } = this;
    if (!bytes || !code) return undefined;
    const { edition } = code;
    if (known && (known.edition === edition || typeof item.dependence === "string")) return known.decoded;
    code.refresh(item);
    const of = String.fromCharCode(...bytes);
    if (known?.of === of) {
      known.edition = edition;
      return known.decoded;
    }
    const decoded = decode(bytes, 0, this.bits);
    this.known = { decoded: typeof decoded === "string" ? undefined : decoded, edition, of };
    return this.known.decoded;
  }
}

/** An instruction statement as written, encoded or not. */
export class Mention implements InstructionMention {
  readonly row: Row | undefined;
  private readonly item: Item;
  private readonly word: Word;
  private readonly part: Part | undefined;

  constructor(item: Item, word: Word, row: Row | undefined, part: Part | undefined) {
    this.item = item;
    this.word = word;
    this.row = row;
    this.part = part;
  }
  get statement(): object {
    return this.item;
  }
  get mnemonic(): string {
    return this.word.text;
  }
  get mnemonicRange(): Range {
    return rangeOf(this.item.source, this.word);
  }
  get range(): Range {
    return this.item.range;
  }
  get bits(): Bits {
    return this.item.context.bits;
  }
  get decoded(): Decoded | undefined {
    return this.part?.decoded;
  }
  get address(): number | undefined {
    return this.part?.address;
  }
  get bytes(): Uint8Array | undefined {
    return this.part?.refreshed();
  }
  get length(): number | undefined {
    return this.part?.length;
  }
  get target(): number | undefined {
    const { item, part, row } = this;
    if (!part || row?.operands[0]?.kind !== "relative") return undefined;
    // Where the distance follows from a label, the label's place says it without writing and reading the bytes.
    const written = writtenTarget(item);
    if (written !== undefined) return written;
    const [to] = part.decoded?.operands ?? [];
    return to?.kind === "relative" ? part.address + part.length + to.distance : undefined;
  }
}
