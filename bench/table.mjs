import { styleText } from 'node:util';

/** In the rows, but omitted from the table: figures derived from others, or only for plots. */
const DETAILS = /^(?:heapAt|memoryAt|bytesPerEvent|\w+PerSecond)(?:\.|$)/;

/** The rows of a scenario as text: one table a metric, a line a server. */
export function tableOf(rows) {
  const metrics = [...new Set(rows.map(({ metric }) => metric))].filter((metric) => !DETAILS.test(metric));
  return metrics.map((metric) => metricTable(metric, rows)).join('\n');
}

function metricTable(metric, rows) {
  const own = rows.filter((row) => row.metric === metric);
  if (metric === 'failed') {
    return own.map(({ server, error }) => styleText('red', `  FAILED ${server}: ${error}`)).join('\n');
  }
  const title = styleText('bold', `  ${metric} (${own[0].unit})`.padEnd(44));
  const lines = own.map(
    ({ server, value, vsNest, vsFloor }) =>
      `    ${server.padEnd(28)}${column(value)}${column(vsNest, 'x')}${column(vsFloor, 'x')}`,
  );
  return [`${title}  value   vs Nest  vs floor`, ...lines].join('\n');
}

function column(value, unit = '') {
  const text = value === null ? '' : `${value >= 1000 ? Math.round(value) : value}${unit}`;
  return text.padStart(10);
}
