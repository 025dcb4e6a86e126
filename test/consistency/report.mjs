const AROUND = 4;

/** The counts of a run, as lines. */
export function summary({ history, counts, visitors, adversity, nodes }, verdict) {
  const { acknowledged, refused, unknown, unknownSeen } = verdict;
  const {
    delivered,
    lost,
    duplicated,
    outOfOrder,
    gaps,
    gapsWhileConnected,
    toldMissing,
    untrueGaps,
    phantoms,
    heldByStates,
  } = verdict;
  const happened = Object.entries(adversity.counts).filter(([, count]) => count > 0);
  return [
    `  published    ${acknowledged} acknowledged, ${refused} refused, ${unknown} without an answer (${unknownSeen} of these are there)`,
    `  delivered    ${delivered}`,
    `  states       ${history.states.folded} of folds, with ${heldByStates} events in them; ${history.states.stored} that were stored`,
    `  lost         ${lost}`,
    `  duplicated   ${duplicated}`,
    `  out of order ${outOfOrder}`,
    `  gaps         ${gaps} told, ${gapsWhileConnected} of them without a reconnect, for ${toldMissing} events that were missed; ${untrueGaps} untrue`,
    `  other        ${phantoms} that were refused and came all the same, ${history.troubles.length} troubles`,
    `  clients      ${counts.reconnects} reconnects, ${counts.toOtherNode} of them to another node; ${counts.attempts} attempts; ${counts.withoutId} came back without an id; ${visitors} visitors`,
    `  adversity    ${happened.map(([kind, count]) => `${kind} ${count}×`).join(', ') || 'none'}, on ${nodes.list.length} nodes, in ${history.seconds.toFixed(0)} s`,
  ];
}

/** The first violation, with the events around it. */
export function account({ history }, { violations }) {
  const [first] = violations;
  const [trouble] = history.troubles;
  const lines = [];
  if (trouble)
    lines.push(`  first of ${history.troubles.length} troubles, at ${seconds(trouble)}: ${trouble.what}`);
  if (trouble && (!first || trouble.tick <= first.tick))
    lines.push(...incidentsAround(history, trouble.tick));
  if (!first) return lines;
  const { kind, what, channel, life, at, tick } = first;
  lines.push(
    `  first of ${violations.length} violations (${kind}): ${life.client} on ${channel.name}, entry ${at}: ${what}`,
  );
  lines.push(
    `    began ${life.start.after === undefined ? `at a head (tick ${life.start.head})` : `after event ${life.start.after}`}`,
  );
  for (let i = Math.max(at - AROUND, 0); i < Math.min(at + AROUND, life.entries.length); i++) {
    for (const session of life.sessions.filter((session) => session.at === i)) {
      lines.push(
        `      ${seconds(session)} tick ${session.tick}: connected to ${session.node}, after "${session.lastEventId}"`,
      );
    }
    lines.push(`    ${i === at ? '>' : ' '} ${entryLine(channel, life, i)}`);
  }
  for (const index of (what.match(/\d+/g) ?? []).map(Number).filter((index) => channel.events[index])) {
    lines.push(`    event ${index}: ${eventLine(channel.events[index])}`);
  }
  return [...lines, ...incidentsAround(history, Math.min(tick, life.ticks.at(-1) ?? 0))];
}

function entryLine({ events }, { entries, ticks, gaps }, i) {
  const entry = entries[i];
  if (entry < 0) return `tick ${ticks[i]}: gap ${JSON.stringify(gaps[-1 - entry])}`;
  return `tick ${ticks[i]}: event ${entry}, ${events[entry] ? eventLine(events[entry]) : 'unknown'}`;
}

function eventLine(event) {
  const { id, outcome, sent, acked, group, place, size, sentAt, node, answer, answeredAt } = event;
  const when = `sent to ${node} at tick ${sent} (${sentAt.toFixed(2)} s), ${outcome}${acked ? ` at tick ${acked}` : ''}`;
  return `id ${id}, ${when} (${answeredAt?.toFixed(2)} s: ${answer}), ${place + 1} of ${size} in group ${group}`;
}

function incidentsAround({ incidents }, tick) {
  const next = incidents.findIndex((incident) => incident.tick > tick);
  const until = next === -1 ? incidents.length : next + 2;
  return incidents
    .slice(Math.max(until - 8, 0), until)
    .map((incident) => `    ${seconds(incident)} tick ${incident.tick}: ${incident.what}`);
}

function seconds({ seconds }) {
  return `${seconds.toFixed(2)} s`;
}
