import { accentNames } from "./format.ts";

interface Props {
  /** Those that are to be seen. */
  readonly accents: ReadonlySet<string>;
  /** What other colours stand for, before the accents. */
  readonly others?: readonly (readonly [colour: string, name: string])[];
}

/** What the colours of exits stand for. */
export function Legend({ accents, others = [] }: Props) {
  return (
    <span class="keys">
      {[...others, ...accentNames]
        .filter(([accent]) => accents.has(accent))
        .map(([accent, name]) => (
          <span class="key" key={accent}>
            <span class={`fill ${accent}`} />
            {name}
          </span>
        ))}
    </span>
  );
}
