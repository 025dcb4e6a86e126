import type { LogPosition } from './cursor.js';
import type { LogSnapshot, LogSnapshots } from './event-log.js';
import type { MemoryChannel } from './memory-channel.js';
import { checkSnapshotSize } from './snapshot-size.js';

/** The parts of a memory log that {@link MemorySnapshots} needs. */
export interface MemorySnapshotsInit {
  /** The size of the largest state of a channel. */
  maxBytes(name: string): number;
  /** The channel with this name. Throws if the log is closed. */
  channel(name: string): MemoryChannel | undefined;
  /** True for a position that this log has assigned. */
  isCurrent(position: LogPosition): boolean;
  /** The states of a channel take this many more bytes. */
  grown(channel: MemoryChannel, bytes: number): void;
}

/** The folded states of a memory log. A channel keeps its own, so they are forgotten together. */
export class MemorySnapshots implements LogSnapshots {
  constructor(private readonly init: MemorySnapshotsInit) {}

  read(name: string, fold: string): LogSnapshot | undefined {
    return this.init.channel(name)?.snapshots?.get(fold);
  }

  position(name: string, fold: string): LogPosition | undefined {
    return this.read(name, fold)?.position;
  }

  write(name: string, fold: string, snapshot: LogSnapshot, replaces: LogPosition | undefined): boolean {
    const channel = this.init.channel(name);
    const { position, state } = snapshot;
    const bytes = checkSnapshotSize(name, fold, state, this.init.maxBytes(name));
    if (!channel || !this.init.isCurrent(position)) return false;
    const stored = channel.snapshots?.get(fold);
    if (stored?.position !== replaces || (stored && stored.position >= position)) return false;
    channel.snapshots ??= new Map();
    channel.snapshots.set(fold, { position, state });
    const more = bytes - (stored ? Buffer.byteLength(stored.state) : 0);
    channel.snapshotBytes += more;
    this.init.grown(channel, more);
    return true;
  }
}
