import { nestFor } from './servers/catalogue.mjs';

/**
 * The rounds of one scenario as rows: medians, and medians of the ratios within each round. These ratios do not change
 * with the speed of the machine. `rounds` is an array of maps: server → the figures, or the error instead.
 */
export function rowsOf({ name, floor }, servers, rounds) {
  return servers.flatMap((server) => {
    const results = rounds.map((round) => round.get(server)).filter((result) => result !== undefined);
    const failed = results.find((result) => result instanceof Error);
    if (failed) return [failedRow(name, server, failed)];
    return (results[0] ?? []).map(({ metric, unit, of = metric, more = false, plain = false }) => {
      const against = (other, otherMetric) =>
        plain ? null : ratio(rounds, [server, metric], [other, otherMetric], more);
      const nest = against(nestFor(server), of);
      const [ground, groundMetric = of] = [floor(server, metric)].flat();
      const overFloor = against(ground, groundMetric);
      return {
        scenario: name,
        server,
        metric,
        unit,
        value: rounded(median(results.map((result) => valueOf(result, metric)))),
        vsNest: rounded(nest),
        vsFloor: overFloor === null ? null : rounded(1 / overFloor),
      };
    });
  });
}

function failedRow(scenario, server, error) {
  const row = { scenario, server, metric: 'failed', unit: '', value: null, vsNest: null, vsFloor: null };
  return { ...row, error: error.message };
}

/** How many times better than another server. `null` without a server to compare with. */
function ratio(rounds, [server, metric], [other, otherMetric], more) {
  const ratios = rounds.flatMap((round) => {
    const own = valueOf(round.get(server), metric);
    const theirs = valueOf(round.get(other), otherMetric);
    if (!(own > 0) || !(theirs > 0)) return [];
    return [more ? own / theirs : theirs / own];
  });
  return ratios.length > 0 ? median(ratios) : null;
}

function valueOf(result, metric) {
  return Array.isArray(result) ? result.find((measured) => measured.metric === metric)?.value : undefined;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Three significant figures. No measurement has more. */
function rounded(value) {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(3));
}
