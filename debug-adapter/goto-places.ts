/** Places in sources to which execution can be moved: `gotoTargets` gives them numbers, `goto` goes there. */
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { baseName } from "../assembler/location.ts";
import type { Subject } from "./inspection.ts";
import { hexadecimal, placeOf, toLinear } from "./program.ts";
import { programFile, programWith } from "./programs.ts";
import { Refusal } from "./requests.ts";

/** An instruction, or a piece of data that may be run as one, by its address in the program that the source belongs to. */
interface GotoPlace {
  readonly file: string;
  readonly line: number;
  readonly address: number;
}

/** They keep their numbers as long as the session lasts. */
export class GotoPlaces {
  readonly #places: GotoPlace[] = [];

  #number({ file, line, address }: GotoPlace): number {
    const known = this.#places.findIndex((place) => place.file === file && place.address === address);
    return known < 0 ? this.#places.push({ file, line, address }) : known + 1;
  }

  /** Answers `gotoTargets`: the places in a line, whichever VM's program has it. */
  targets(
    { debugger: { programs }, coordinates }: Subject,
    args: P.GotoTargetsArguments,
  ): P.GotoTargetsResponse["body"] {
    const wanted = args.source.path ?? args.source.name ?? "";
    const program = programWith(programs, wanted);
    const file = programFile(program, wanted);
    const line = coordinates.lineFrom(args.line);
    const addresses = file === undefined ? [] : program.lines.addresses(file, line);
    return {
      targets: addresses.map((address) => {
        const linear = toLinear(program, address);
        const place = placeOf(program, linear);
        const label = place?.offset === 0n ? place.label : hexadecimal(linear);
        const id = this.#number({ file: file!, line, address });
        return { id, label, line: args.line, instructionPointerReference: hexadecimal(linear) };
      }),
    };
  }

  /** The linear address of a place for the vCPU that is looked at. @throws Refusal if there is none in its program */
  linear({ debugger: { machine, program } }: Subject, id: number): bigint {
    const place = this.#places[id - 1];
    if (!place) throw new Refusal(`No place to go to has the number ${id} in this session.`);
    const { file, line, address } = place;
    const own = programFile(program, file);
    if (own !== undefined && program.lines.addresses(own, line).includes(address)) return toLinear(program, address);
    throw new Refusal(
      own === undefined
        ? `${baseName(file)} is not part of the program of ${machine.vm}: select a thread of a VM that runs it.`
        : `${baseName(file)} was assembled again meanwhile: choose the line once more.`,
    );
  }
}
