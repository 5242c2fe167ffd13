/** As `list.splice(at, removed, ...added)`, for any number: too many arguments would overflow the stack. */
export function splice<T>(list: T[], at: number, removed: number, added: readonly T[]): void {
  if (added.length <= fewEnough) {
    list.splice(at, removed, ...added);
    return;
  }
  const rest = list.slice(at + removed);
  list.length = at;
  for (const one of added) list.push(one);
  for (const one of rest) list.push(one);
}

const fewEnough = 1000;
