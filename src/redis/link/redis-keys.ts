/** The names in Redis of what belongs to a channel. The braces put all of them into one slot of a cluster. */
export class RedisKeys {
  constructor(private readonly prefix: string) {}

  /** The stream with the entries. */
  log(channel: string): string {
    return `${this.notice(channel)}:log`;
  }

  /** The hash with the epoch, the newest place and the last own id. */
  meta(channel: string): string {
    return `${this.notice(channel)}:meta`;
  }

  /** What the last batch of a writer came to, for a while. */
  receipt(channel: string, writer: string): string {
    return `${this.notice(channel)}:sent:${writer}`;
  }

  /** The pub/sub channel on which appends are announced. */
  notice(channel: string): string {
    return `${this.prefix}{${channel.replace(/[%{}]/g, encodeURIComponent)}}`;
  }

  /** The channel that is announced on a pub/sub channel. */
  channelOf(notice: string): string {
    const escaped = notice.slice(this.prefix.length + 1, -1);
    return escaped.includes('%') ? escaped.replace(/%(?:25|7B|7D)/g, decodeURIComponent) : escaped;
  }
}
