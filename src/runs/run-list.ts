import type { Channels } from '../channels/channels.js';
import type { ErrorReports } from '../errors/error-reports.js';
import type { RunningRun } from './run.js';
import { RunAnnouncer } from './run-announcer.js';
import type { RunControl } from './run-control.js';
import { RunDirectory, retainDirectory } from './run-directory.js';
import { RunEvents } from './run-events.js';
import type { RunOwner } from './run-owner.js';
import type { RunSettings } from './run.options.js';

/** The node, and how it looks up a run. */
export interface RunListInit {
  readonly channels: Channels;
  readonly node: string;
  readonly settings: RunSettings;
  readonly logger: ErrorReports;
  /** The owner of an id, if it is in this process and its run is running. */
  ownerOf(id: string): Promise<RunOwner | undefined>;
  /** Reads the control channel of an id. */
  look(id: string): Promise<RunControl>;
  /** Watches whether the owner of a run is alive. */
  watch(id: string, control: RunControl): void;
}

/** How many runs are looked up at once. */
const LOOKS_AT_ONCE = 50;

/** The runs of all nodes. It announces those of this node, and looks up those that others have announced. */
export class RunList {
  private readonly announcer: RunAnnouncer;
  private readonly directory: RunDirectory;

  constructor(private readonly init: RunListInit) {
    const { channels, node, settings, logger } = init;
    const { log } = channels;
    const { clock, leaseMs } = settings;
    retainDirectory(log, leaseMs);
    this.directory = new RunDirectory(log, clock, leaseMs);
    const failed = (error: unknown): void => logger.error('The list of runs', error, { phase: 'run' });
    this.announcer = new RunAnnouncer({ log, node, clock, leaseMs, failed });
  }

  /** Announces an id while it is claimed, which makes a start no slower, and until its run has ended. */
  async announce(id: string, claim: () => Promise<RunOwner | undefined>): Promise<RunOwner | undefined> {
    this.announcer.announce(id);
    let owner: RunOwner | undefined;
    try {
      owner = await claim();
      return owner;
    } finally {
      if (owner) void owner.settled.then(() => this.announcer.withdraw(id));
      else this.announcer.withdraw(id);
    }
  }

  /** Resolves when what was announced is in the log, or the log has not taken it. Never rejects. */
  announced(): Promise<void> {
    return this.announcer.written();
  }

  /** The runs that are running, the oldest first. Rejects with the error of the log. */
  async list(own: Iterable<string>): Promise<RunningRun[]> {
    const ids = [...new Set([...own, ...(await this.directory.ids())])];
    const found: RunningRun[] = [];
    for (let at = 0; at < ids.length; at += LOOKS_AT_ONCE) {
      const some = await Promise.all(ids.slice(at, at + LOOKS_AT_ONCE).map((id) => this.describe(id)));
      for (const run of some) if (run) found.push(run);
    }
    return found.sort((a, b) => a.startedAt.getTime() - b.startedAt.getTime() || (a.id < b.id ? -1 : 1));
  }

  close(): void {
    this.announcer.stop();
  }

  private async describe(id: string): Promise<RunningRun | undefined> {
    const { channels, settings } = this.init;
    const owner = await this.init.ownerOf(id);
    if (owner) return owner.events.describe(settings.node, owner.startedAt, owner.last);
    const control = await this.init.look(id);
    const { current, running } = control.state;
    if (!current || !running) {
      this.directory.over(id);
      return undefined;
    }
    this.init.watch(id, control);
    const events = new RunEvents(channels, id, current.run, current.from);
    const { host = '', startedAt = 0 } = current;
    return events.describe(host, startedAt, await channels.log.tail(events.channel));
  }
}
