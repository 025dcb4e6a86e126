import type { ChannelReport, LimitReport, RunReport } from '../inspector.events.js';
import type { Actions } from './actions.js';
import { Bar, button, make, setText } from './dom.js';
import type { State } from './state.js';
import { Table, textColumn } from './table.js';
import { bytes, count, duration, rate } from './words.js';

/** The content of a tab. */
export interface Pane {
  readonly element: HTMLElement;
  update(): void;
}

interface ChannelRow extends ChannelReport {
  rate: number;
  nodes: number;
  oldestAgeMs: number | undefined;
}

export function channelsPane(state: State): Pane {
  const table = new Table<ChannelRow>(
    'Channels with subscribers',
    [
      textColumn('Channel', ({ name }) => name, 'code'),
      textColumn('Subscribers', ({ subscribers }) => count(subscribers), 'number'),
      textColumn('Nodes', ({ nodes }) => count(nodes), 'number'),
      textColumn('Published/s', (row) => (row.more ? `≥ ${rate(row.rate)}` : rate(row.rate)), 'number'),
      textColumn('Kept', ({ kept }) => (kept ? `${count(kept.events)} events` : 'unknown'), 'number'),
      textColumn('Kept bytes', ({ kept }) => (kept ? bytes(kept.bytes) : '–'), 'number'),
      textColumn(
        'Oldest',
        ({ oldestAgeMs }) => (oldestAgeMs === undefined ? '–' : duration(oldestAgeMs)),
        'number',
      ),
    ],
    ({ name }) => name,
    'No channel has subscribers.',
  );
  return {
    element: table.element,
    update: () => {
      const rows = new Map<string, ChannelRow>();
      for (const { report, intervalS } of state.nodes.values()) {
        for (const channel of report.channels) {
          const found = rows.get(channel.name);
          const perSecond = intervalS > 0 ? channel.published / intervalS : 0;
          const oldestAt = channel.kept?.oldestAt;
          rows.set(channel.name, {
            ...channel,
            subscribers: channel.subscribers + (found?.subscribers ?? 0),
            nodes: 1 + (found?.nodes ?? 0),
            // Every node sees all events of a channel.
            rate: Math.max(perSecond, found?.rate ?? 0),
            oldestAgeMs: oldestAt == null ? found?.oldestAgeMs : report.at - oldestAt,
          });
        }
      }
      table.update([{ name: 'all', rows: [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) }]);
    },
  };
}

type RunRow = RunReport & { node: string; ageMs: number };

export function runsPane(state: State, actions: Actions): Pane {
  const table = new Table<RunRow>(
    'Runs and their owners',
    [
      textColumn('Run', ({ id }) => id, 'code'),
      {
        title: 'State',
        cell: (cell) => {
          const badge = make('span', { class: 'badge' });
          cell.append(badge);
          return ({ status }) => setText(badge, status);
        },
      },
      textColumn('Owner', ({ node }) => node, 'code'),
      textColumn('Age', ({ ageMs }) => duration(ageMs), 'number'),
      textColumn('Viewers on the owner', ({ viewers }) => count(viewers), 'number long'),
      {
        title: 'Actions',
        class: 'actions',
        cell: (cell) => {
          let shown: RunRow | undefined;
          const stop = button('Stop', 'small', () => shown && actions.stopRun(shown.id));
          cell.append(stop);
          return (row) => {
            shown = row;
            stop.setAttribute('aria-label', `Stop the run ${row.id}`);
          };
        },
      },
    ],
    ({ id, node }) => `${node}\n${id}`,
    'No run is running.',
  );
  return {
    element: table.element,
    update: () => {
      const rows = state
        .reports()
        .flatMap(({ node, at, runs }) => runs.map((run) => ({ ...run, node, ageMs: at - run.startedAt })));
      table.update([{ name: 'all', rows }]);
    },
  };
}

type LimitRow = LimitReport & { node: string };

export function limitsPane(state: State): Pane {
  const table = new Table<LimitRow>(
    'Limits and their use',
    [
      textColumn('Limit and key', ({ key }) => (key.startsWith(':') ? `all routes${key}` : key), 'code'),
      textColumn('Counted on', ({ node }) => node),
      textColumn('Use', ({ taken, max }) => `${count(taken)} of ${count(max)}`, 'number'),
      {
        title: 'Share',
        class: 'share',
        cell: (cell) => {
          const bar = new Bar();
          const number = make('span');
          cell.append(bar.element, number);
          return ({ taken, max }) => {
            // A limit of one is always full, which is normal.
            bar.draw(taken / max, max > 1);
            setText(number, `${Math.round((taken / max) * 100)} %`);
          };
        },
      },
    ],
    ({ key, node }) => `${node}\n${key}`,
    'No stream counts under a limit.',
  );
  return {
    element: table.element,
    update: () => {
      const rows = new Map<string, LimitRow>();
      for (const { node, limits } of state.reports()) {
        for (const limit of limits) {
          const where = limit.shared ? 'all nodes' : node;
          const name = `${where}\n${limit.key}`;
          rows.set(name, { ...limit, node: where, taken: limit.taken + (rows.get(name)?.taken ?? 0) });
        }
      }
      table.update([
        { name: 'all', rows: [...rows.values()].sort((a, b) => b.taken / b.max - a.taken / a.max) },
      ]);
    },
  };
}

export function nodesPane(state: State): Pane {
  type Row = ReturnType<State['reports']>[number];
  const table = new Table<Row>(
    'Nodes and the health of their log',
    [
      textColumn('Node', ({ node }) => node + (node === state.own ? ' (this one)' : ''), 'code'),
      textColumn('Running for', ({ at, startedAt }) => duration(at - startedAt), 'number long'),
      textColumn('Connections', ({ totals }) => count(totals.connections), 'number'),
      textColumn(
        'Queued',
        ({ totals }) => `${bytes(totals.queuedBytes)} of ${bytes(totals.maxQueuedBytes)}`,
        'number long',
      ),
      textColumn('Log', ({ log }) => log.kind),
      {
        title: 'Health',
        cell: (cell) => {
          const badge = make('span', { class: 'badge' });
          const error = make('span', { class: 'quiet' });
          cell.append(badge, ' ', error);
          return ({ log }) => {
            setText(badge, log.status);
            badge.dataset.status = log.status;
            setText(error, log.error ?? '');
          };
        },
      },
    ],
    ({ node }) => node,
    'No node has reported yet.',
  );
  return { element: table.element, update: () => table.update([{ name: 'all', rows: state.reports() }]) };
}
