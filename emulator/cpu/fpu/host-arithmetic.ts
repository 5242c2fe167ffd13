import type { Operation } from "./arithmetic.ts";

/**
 * Arithmetic that JavaScript does as SSE does: rounded to nearest, for operands far from overflow and underflow. What it
 * cannot tell is whether a result is exact; that is found out without rounding here.
 */
const doubleRange = { least: 2 ** -400, greatest: 2 ** 400 } as const;
const singleRange = { least: 2 ** -60, greatest: 2 ** 60 } as const;

const within = (value: number, { least, greatest }: { least: number; greatest: number }): boolean => {
  const size = value < 0 ? -value : value;
  return (size > least && size < greatest) || size === 0;
};

/** A NaN is in neither range. */
export const isMiddleDouble = (value: number): boolean => within(value, doubleRange);
export const isMiddleSingle = (value: number): boolean => within(value, singleRange);

const smallestDouble = 2 ** -1022;
const smallestSingle = 2 ** -126;
/** Neither denormal nor NaN. */
export const isPlainDouble = (value: number): boolean => value === 0 || Math.abs(value) >= smallestDouble;
export const isPlainSingle = (value: number): boolean => value === 0 || Math.abs(value) >= smallestSingle;

/** Rounding error of a + b = sum (Knuth). */
function sumError(a: number, b: number, sum: number): number {
  const other = sum - a;
  return a - (sum - other) + (b - other);
}

const splitter = 134217729;
const highPart = (value: number): number => {
  const scaled = value * splitter;
  return scaled - (scaled - value);
};

/** Rounding error of a × b = product (Dekker). */
function productError(a: number, b: number, product: number): number {
  const aHigh = highPart(a);
  const aLow = a - aHigh;
  const bHigh = highPart(b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

const isProduct = (a: number, b: number, product: number): boolean =>
  a * b === product && productError(a, b, product) === 0;

export function calculateNumber(operation: Operation, a: number, b: number): number {
  switch (operation) {
    case "add":
      return a + b;
    case "subtract":
      return a - b;
    case "multiply":
      return a * b;
    case "divide":
      return a / b;
  }
}

/** Whether `result` is exactly what the operation gives; it is that, rounded to a double. */
export function isExactDouble(operation: Operation, a: number, b: number, result: number): boolean {
  switch (operation) {
    case "add":
      return sumError(a, b, result) === 0;
    case "subtract":
      return sumError(a, -b, result) === 0;
    case "multiply":
      return productError(a, b, result) === 0;
    case "divide":
      return isProduct(result, b, a);
  }
}

/** The same for a result rounded to a single, of singles. */
export function isExactSingle(operation: Operation, a: number, b: number, result: number): boolean {
  switch (operation) {
    case "add":
      return a + b === result && sumError(a, b, result) === 0;
    case "subtract":
      return a - b === result && sumError(a, -b, result) === 0;
    case "multiply":
      return a * b === result;
    case "divide":
      return result * b === a;
  }
}

export const isExactRoot = (value: number, root: number): boolean => isProduct(root, root, value);
