/** The names of a channel's keys in Redis. The braces are a hash tag: all keys of a channel are in one slot of a cluster. */
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

  /** The number and the answer of a writer's last batch. It expires. */
  receipt(channel: string, writer: string): string {
    return `${this.notice(channel)}:sent:${writer}`;
  }

  /** The pub/sub channel on which appends are announced. */
  notice(channel: string): string {
    return `${this.prefix}{${channel.replace(/[%{}]/g, encodeURIComponent)}}`;
  }

  /** The channel of the log that belongs to a pub/sub channel. */
  channelOf(notice: string): string {
    const escaped = notice.slice(this.prefix.length + 1, -1);
    return escaped.includes('%') ? escaped.replace(/%(?:25|7B|7D)/g, decodeURIComponent) : escaped;
  }
}
