interface Props {
  /** For screen readers: what is filtered, and by what. */
  readonly label: string;
  readonly value: string;
  readonly change: (text: string) => void;
}

/** The field to which "/" leads (`page.ts`). */
export const Filter = ({ label, value, change }: Props) => (
  <input
    id="filter"
    type="search"
    placeholder="Filter ( / )"
    aria-label={label}
    value={value}
    onInput={(event) => change(event.currentTarget.value)}
  />
);
