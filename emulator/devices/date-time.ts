/** Date and time as a clock shows them. */
export interface DateTime {
  readonly year: number;
  /** 1–12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

/** Days from 1 January of year 1 in the Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const y = year - 1;
  const leapDay = month > 2 && isLeap(year) ? 1 : 0;
  const years = y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return years + daysBeforeMonth[month - 1]! + leapDay + day - 1;
}

/** Seconds from the beginning of year 1. */
export const secondsOf = ({ year, month, day, hour, minute, second }: DateTime): number =>
  ((daysBefore(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;

/** Seconds since the beginning of 1970. */
export const unixSeconds = (date: DateTime): number =>
  secondsOf(date) - secondsOf({ year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0 });

/** A date with its weekday, 1 (Sunday) to 7. */
export interface Day extends DateTime {
  readonly weekday: number;
}

export function dateOf(seconds: number): Day {
  const days = Math.floor(seconds / 86400);
  const rest = seconds - days * 86400;
  let year = Math.floor(days / 365.2425) + 1;
  while (daysBefore(year + 1, 1, 1) <= days) year++;
  while (daysBefore(year, 1, 1) > days) year--;
  let month = 12;
  while (daysBefore(year, month, 1) > days) month--;
  const day = days - daysBefore(year, month, 1) + 1;
  // 1 January of year 1 is a Monday; Sunday is 1.
  const weekday = ((days + 1) % 7) + 1;
  const clock = { hour: Math.floor(rest / 3600), minute: Math.floor(rest / 60) % 60, second: rest % 60 };
  return { year, month, day, ...clock, weekday };
}

/** A date as "2026-01-31T12:00:00"; undefined if it is none, or not of the years 1980 to 2099 that the firmware knows. */
export function parseDateTime(text: string): DateTime | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = { year, month, day, hour, minute, second };
  const possible = year >= 1980 && year <= 2099 && month >= 1 && month <= 12 && hour < 24 && minute < 60 && second < 60;
  if (!possible) return undefined;
  const again = dateOf(secondsOf(date));
  return again.month === month && again.day === day ? date : undefined;
}
