import { ServiceUnavailableException } from '@nestjs/common';
import { createClient } from '@redis/client';
import { Records } from './records.js';

/** Milliseconds that a record is kept after its last change. */
const KEPT_MS = 86_400_000;
/** Milliseconds that a command may take before the request that needs it fails. */
const WAIT_MS = 5000;
const LONGEST_PAUSE_MS = 2000;

/**
 * Writes a record only if it still has the value from which the change was computed. An empty string means that there
 * was no record.
 */
const REPLACE = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`;

/** Records that are shared by all processes with the same Redis and prefix. The connection is opened on first use. */
export class RedisRecords extends Records {
  readonly #client;
  #connecting: Promise<unknown> | undefined;

  constructor(
    url: string,
    private readonly prefix: string,
  ) {
    super();
    this.#client = createClient({
      url,
      pingInterval: WAIT_MS,
      // A command that was not sent by then must not be sent later, because its caller no longer waits.
      commandOptions: { timeout: WAIT_MS },
      socket: { reconnectStrategy: (attempt) => Math.min(50 * 2 ** attempt, LONGEST_PAUSE_MS) },
    });
    // The client reconnects by itself. A command that needs it in the meantime fails.
    this.#client.on('error', () => undefined);
  }

  async read<T>(key: string): Promise<T | undefined> {
    const text = await this.#ask(() => this.#client.get(this.#name(key)));
    return text === null ? undefined : (JSON.parse(text) as T);
  }

  async update<T>(key: string, change: (now: T | undefined) => T): Promise<T> {
    const keys = [this.#name(key)];
    for (;;) {
      const before = (await this.#ask(() => this.#client.get(this.#name(key)))) ?? '';
      const next = change(before === '' ? undefined : (JSON.parse(before) as T));
      const given = [before, JSON.stringify(next), `${KEPT_MS}`];
      // Otherwise another process was faster: start again from its record.
      if (await this.#ask(() => this.#client.eval(REPLACE, { keys, arguments: given }))) return next;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#ask(() => this.#client.del(this.#name(key)));
  }

  /** Closes the connection. Pending commands fail. */
  close(): void {
    if (this.#connecting) this.#client.destroy();
  }

  #name(key: string): string {
    return `${this.prefix}${key}`;
  }

  /** @throws {ServiceUnavailableException} if Redis does not answer in time. */
  async #ask<V>(question: () => Promise<V>): Promise<V> {
    this.#connecting ??= this.#client.connect().catch(() => undefined);
    let late: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        question(),
        new Promise<never>((_, reject) => {
          late = setTimeout(() => reject(new Error(`no answer within ${WAIT_MS} ms`)), WAIT_MS);
        }),
      ]);
    } catch (error) {
      throw new ServiceUnavailableException('Redis does not answer. Try again later.', { cause: error });
    } finally {
      clearTimeout(late);
    }
  }
}
