/** Six characters of base 36, at random. */
export function randomId(): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return random.toString(36).padStart(6, '0').slice(-6);
}
