export interface Region {
  covers(offset: number, bytes: number): boolean;
}
