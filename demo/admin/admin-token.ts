import { createHash, timingSafeEqual } from 'node:crypto';

/** The token of administrators. An empty text admits nobody. */
export function adminToken(): string {
  return process.env['DEMO_ADMIN_TOKEN'] ?? '';
}

/** Compares in constant time, so that the duration reveals neither where two texts differ nor their lengths. */
export function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a as Buffer, b as Buffer);
}
