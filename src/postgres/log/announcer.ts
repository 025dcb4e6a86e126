import { randomId } from '../../random-id.js';
import type { PostgresLink } from '../link/postgres-link.js';

/** A payload has less than 8000 bytes. */
const MAX_PAYLOAD_BYTES = 7900;
const MAX_PAYLOADS = 16;
/** In place of names: there are too many of them. */
const EVERYTHING = '*';

/**
 * Tells other nodes which channels have changed. PostgreSQL commits notifying transactions one at a time, so they are sent
 * after the commit, and what changes while one is under way goes into the next. One that is lost is made up for by polling.
 */
export class Announcer {
  private readonly node = randomId(8);
  private changed = new Set<string>();
  private sending = false;

  constructor(private readonly link: PostgresLink) {}

  add(channel: string): void {
    this.changed.add(channel);
  }

  /** Sends what was added. */
  flush(): void {
    if (this.sending || this.changed.size === 0 || !this.link.up) return;
    this.sending = true;
    const { changed } = this;
    this.changed = new Set();
    const goOn = (): void => {
      this.sending = false;
      this.flush();
    };
    this.link.notify(payloads(this.node, changed)).then(goOn, goOn);
  }

  /** The channels of a payload, `undefined` for all of them; none if it is one of this process. */
  read(payload: string): readonly string[] | undefined {
    const [node, ...channels] = payload.split('\n');
    if (node === this.node) return [];
    return channels[0] === EVERYTHING ? undefined : channels;
  }
}

function payloads(node: string, channels: Iterable<string>): string[] {
  const found: string[] = [];
  let text = '';
  for (const channel of channels) {
    const next = `${text}\n${channel}`;
    // A name has no control characters.
    if (Buffer.byteLength(next) + node.length > MAX_PAYLOAD_BYTES) {
      found.push(node + text);
      text = `\n${channel}`;
    } else text = next;
  }
  found.push(node + text);
  return found.length > MAX_PAYLOADS ? [`${node}\n${EVERYTHING}`] : found;
}
