import { make, Sparkline } from './dom.js';
import type { Pane } from './panes.js';
import type { State } from './state.js';
import { Table, textColumn } from './table.js';
import { bytes, count, time } from './words.js';

const MINUTES = 60;

/** Why streams have ended in the last hour, and the clients that were cut off. */
export function closesPane(state: State): Pane {
  type Row = { code: string; reason: string; total: number; perMinute: number[] };
  const codes = new Table<Row>(
    'Ends of streams in the last hour, by reason',
    [
      textColumn('Code', ({ code }) => code, 'code'),
      textColumn('Reason', ({ reason }) => reason, 'long'),
      textColumn('Last hour', ({ total }) => count(total), 'number'),
      {
        title: 'Per minute',
        class: 'rate',
        cell: (cell) => {
          const spark = new Sparkline(MINUTES);
          cell.append(spark.element);
          return ({ perMinute }) => spark.draw(perMinute);
        },
      },
    ],
    ({ code }) => code,
    'No stream has ended in the last hour.',
  );
  const cuts = new Table<{
    at: number;
    node: string;
    route: string;
    id: string;
    limit: string;
    queuedBytes: number;
  }>(
    'Clients that were cut off in the last hour',
    [
      textColumn('Time', ({ at }) => time(at), 'whole'),
      textColumn('Route', ({ route }) => route, 'code'),
      textColumn('Connection', ({ id }) => id, 'code'),
      textColumn('Node', ({ node }) => node, 'code'),
      textColumn('Limit', ({ limit }) => limit, 'code'),
      textColumn('Queued', ({ queuedBytes }) => bytes(queuedBytes), 'number'),
    ],
    ({ node, id }) => `${node}\n${id}`,
    'No client was too slow in the last hour.',
  );
  return {
    element: make(
      'div',
      {},
      make('h2', { text: 'Streams that ended in the last hour' }),
      codes.element,
      make('h2', { text: 'Clients that were cut off as too slow' }),
      cuts.element,
    ),
    update: () => {
      const rows = new Map<string, Row>();
      for (const { closes } of state.reports()) {
        for (const { code, reason, perMinute } of closes) {
          const found = rows.get(code);
          const sums = perMinute.map((value, i) => value + (found?.perMinute[i] ?? 0));
          rows.set(code, {
            code,
            reason,
            perMinute: sums,
            total: sums.reduce((sum, value) => sum + value, 0),
          });
        }
      }
      codes.update([{ name: 'all', rows: [...rows.values()].sort((a, b) => b.total - a.total) }]);
      const cut = state
        .reports()
        .flatMap(({ node, cutOffs }) => cutOffs.map((each) => ({ ...each, node })))
        .sort((a, b) => b.at - a.at);
      cuts.update([{ name: 'all', rows: cut }]);
    },
  };
}
