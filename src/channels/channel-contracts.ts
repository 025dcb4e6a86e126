import { SseError, quoted } from '../errors/sse.errors.js';
import type { AnyContract } from '../events/event-contract.js';
import type { ChannelKey } from '../log/cursor.js';

/** Contracts of this many channels are remembered. A process that opens more forgets the oldest. */
const MAX_CHANNELS = 10_000;

/** The contract of each channel in this process. A channel has one contract, or none. */
export class ChannelContracts {
  private readonly contracts = new Map<string, AnyContract>();

  /**
   * Remembers the contract of channels: of all of them, or of none.
   *
   * @throws {SseError} `SSE_INVALID_CONTRACT` if one of them has a contract with other events or other schemas.
   */
  add(channels: readonly ChannelKey[], contract: AnyContract): void {
    const free = channels.filter(({ name }) => {
      const known = this.contracts.get(name);
      const other = known && known !== contract ? difference(known, contract) : undefined;
      if (other !== undefined) throw disagree(name, other);
      return known === undefined;
    });
    for (const { name } of free) {
      if (this.contracts.size >= MAX_CHANNELS) this.contracts.delete(this.oldest());
      this.contracts.set(name, contract);
    }
  }

  private oldest(): string {
    return this.contracts.keys().next().value as string;
  }
}

/** The name of an event that two contracts describe differently. */
function difference(
  { '~contract': one }: AnyContract,
  { '~contract': other }: AnyContract,
): string | undefined {
  return Object.keys({ ...one, ...other }).find((name) => one[name] !== other[name]);
}

function disagree(channel: string, event: string): SseError {
  return new SseError(
    'SSE_INVALID_CONTRACT',
    `The channel ${quoted(channel)} has two contracts, which differ in the event ${quoted(event)}.`,
    {
      remedy: 'Define the events of a channel once, and import that contract where the channel is used.',
      context: { channel, event },
    },
  );
}
