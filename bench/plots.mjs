import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SCENARIOS } from './scenarios/catalogue.mjs';
import { lineChart } from './machinery/line-chart.mjs';

/** Draws the plots of all scenarios that have rows. */
export function drawPlots(rows, folder) {
  mkdirSync(folder, { recursive: true });
  for (const { name, plots = [] } of SCENARIOS) {
    for (const { file, metric, ...chart } of plots) {
      const series = seriesOf(
        rows.filter(({ scenario }) => scenario === name),
        metric,
      );
      if (series.length === 0) continue;
      writeFileSync(join(folder, file), lineChart({ ...chart, series }));
      console.log(join(folder, file));
    }
  }
}

/** One line for each server and its variant, one point for each number of connections. */
function seriesOf(rows, pattern) {
  const lines = new Map();
  for (const { server, metric, value } of rows) {
    const [, x, variant = ''] = pattern.exec(metric) ?? [];
    if (x === undefined || !(value > 0)) continue;
    const name = `${server}${variant.replace('.', ' ')}`;
    if (!lines.has(name)) lines.set(name, []);
    lines.get(name).push([Number(x), value]);
  }
  return [...lines].map(([name, points]) => ({ name, points: points.sort((a, b) => a[0] - b[0]) }));
}
