/** Bytes of a page of code: caches and regions never reach beyond one. */
export const pageBytes = 4096;
