import { ServiceUnavailableException } from '@nestjs/common';
import { createClient } from '@redis/client';
import { Records } from './records.js';

/** How long a record is kept after its last change. */
const KEPT_MS = 86_400_000;
/** How long an answer may take before the request that needs it fails. */
const WAIT_MS = 5000;
const LONGEST_PAUSE_MS = 2000;

/** Writes a record if it is still what the change was made from; '' stands for none. */
const REPLACE = `
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`;

/** The records of all processes that use the same Redis and prefix. It connects when it is first used. */
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
      // What was not sent by then is not sent later, when nobody waits for it any more.
      commandOptions: { timeout: WAIT_MS },
      socket: { reconnectStrategy: (attempt) => Math.min(50 * 2 ** attempt, LONGEST_PAUSE_MS) },
    });
    // It goes on trying; whoever needs it meanwhile is told.
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
      // Somebody was faster: there is a new record to begin with.
      if (await this.#ask(() => this.#client.eval(REPLACE, { keys, arguments: given }))) return next;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#ask(() => this.#client.del(this.#name(key)));
  }

  /** Closes the connection; what is still asked for fails. */
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
