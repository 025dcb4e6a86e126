import type { PendingAppend } from './pending-append.js';

/** A read that waits. */
interface Waiter {
  readonly channel: string;
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Appends that were rejected while their outcome was not known. The server may still execute them, so a read that comes before
 * that could miss an event which is added afterwards. Reads of such a channel wait.
 */
export class Doubts {
  private readonly appends = new Set<PendingAppend>();
  private waiters: Waiter[] = [];

  add(append: PendingAppend): void {
    this.appends.add(append);
  }

  /** The outcome of these appends is known. */
  settle(appends: readonly PendingAppend[]): void {
    if (this.appends.size === 0) return;
    for (const append of appends) this.appends.delete(append);
    const waiters = this.waiters.splice(0);
    this.waiters = waiters.filter(({ channel }) => this.has(channel));
    for (const { channel, resolve } of waiters) if (!this.has(channel)) resolve();
  }

  /**
   * Resolves when the outcome of all appends to a channel is known. `undefined` if it is. Rejects with the error of `fail()`, which
   * is called when the link goes down.
   */
  settled(channel: string): Promise<void> | undefined {
    if (!this.has(channel)) return undefined;
    return new Promise((resolve, reject) => this.waiters.push({ channel, resolve, reject }));
  }

  /** Rejects all waiting reads. */
  fail(error: unknown): void {
    for (const { reject } of this.waiters.splice(0)) reject(error);
  }

  private has(channel: string): boolean {
    for (const append of this.appends) if (append.channel === channel) return true;
    return false;
  }
}
