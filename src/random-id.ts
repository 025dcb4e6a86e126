/** Random characters of base 36. Eight of them have about 41 bits, twelve about 62. */
export function randomId(length: number): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(length)), (number) =>
    (number % 36).toString(36),
  ).join('');
}
