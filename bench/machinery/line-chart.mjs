const WIDTH = 760;
const HEIGHT = 440;
const PLOT = { left: 64, right: 540, top: 48, bottom: 388 };
const LABEL_HEIGHT = 15;

/** Ours is highlighted. The servers of one family share a color. */
const COLOURS = [
  [/^ours/, '#d6336c'],
  [/^nest/, '#1971c2'],
  [/^raw|^routing/, '#868e96'],
  [/./, '#2f9e44'],
];

/**
 * An SVG with a line for each of `series` (`{ name, points: [x, y][] }`), named at its end, readable on a light and a
 * dark page. The x axis is logarithmic, and the y axis if asked for.
 */
export function lineChart({ title, x: xTitle, y: yTitle, series, logarithmic = false }) {
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y));
  const xTicks = [...new Set(xs)].sort((a, b) => a - b);
  const toX = scale([Math.min(...xs), Math.max(...xs)], [PLOT.left, PLOT.right], logarithmic);
  const yTicks = logarithmic ? decades(Math.min(...ys), Math.max(...ys)) : steps(Math.max(...ys));
  const toY = scale([yTicks[0], yTicks.at(-1)], [PLOT.bottom, PLOT.top], logarithmic);

  const grid = yTicks.map((y) => horizontal(toY(y), y)).join('');
  const ticks = xTicks.map((x) => text(toX(x), PLOT.bottom + 20, x.toLocaleString('en'), 'middle')).join('');
  const drawn = spread(
    series.map((line) => ({ ...line, colour: colourOf(line.name), end: toY(line.points.at(-1)[1]) })),
  );
  const lines = drawn.map((line) => polyline(line, toX, toY)).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12">
<style>
  text { fill: #343a40 } .grid { stroke: #dee2e6 } .back { fill: #fff }
  @media (prefers-color-scheme: dark) { text { fill: #dee2e6 } .grid { stroke: #495057 } .back { fill: #161b22 } }
</style>
<rect class="back" width="${WIDTH}" height="${HEIGHT}"/>
<text x="${PLOT.left}" y="24" font-size="15" font-weight="600">${escape(title)}</text>
${grid}${ticks}
${text(PLOT.right, PLOT.bottom + 40, xTitle, 'end')}
${text(PLOT.left - 8, PLOT.top - 10, yTitle, 'start')}
${lines}</svg>
`;
}

function scale([min, max], [from, to], logarithmic) {
  const at = logarithmic ? Math.log10 : (value) => value;
  const span = at(max) - at(min) || 1;
  return (value) => from + ((at(value) - at(min)) / span) * (to - from);
}

/** 1, 2, 5, 10, … from below the minimum to above the maximum. */
function decades(min, max) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(min)); ticks.at(-1) === undefined || ticks.at(-1) < max; power++) {
    for (const digit of [1, 2, 5]) {
      const tick = Number((digit * 10 ** power).toPrecision(1));
      if (ticks.length === 0 || ticks.at(-1) < max) ticks.push(tick);
    }
  }
  return ticks.filter((tick, i) => (ticks[i + 1] ?? Infinity) > min || tick >= min);
}

function steps(max) {
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => size >= rough);
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

/** Moves the names at the ends of the lines apart. */
function spread(lines) {
  const sorted = [...lines].sort((a, b) => a.end - b.end);
  let below = -Infinity;
  const placed = sorted.map((line) => {
    below = Math.max(line.end, below + LABEL_HEIGHT);
    return { ...line, label: below };
  });
  const over = Math.max(0, (placed.at(-1)?.label ?? 0) - (HEIGHT - 10));
  return placed.map((line) => ({ ...line, label: line.label - over }));
}

function polyline({ name, points, colour, label, end }, toX, toY) {
  const at = points.map(([x, y]) => [toX(x), toY(y)].map(short).join(','));
  const dashes = /channel|fastify/.test(name) ? ' stroke-dasharray="5 3"' : '';
  const dots = points.map(([x, y]) => `<circle cx="${short(toX(x))}" cy="${short(toY(y))}" r="3"/>`).join('');
  const leader = `M${PLOT.right + 4},${short(end)}L${PLOT.right + 18},${short(label)}`;
  return `<g stroke="${colour}" fill="${colour}"><polyline points="${at.join(' ')}" fill="none" stroke-width="2"${dashes}/>${dots}<path d="${leader}" fill="none" stroke-width="0.7"/></g>
<text x="${PLOT.right + 22}" y="${short(label + 4)}" style="fill: ${colour}">${escape(name)}</text>
`;
}

function horizontal(y, value) {
  const line = `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${short(y)}" y2="${short(y)}"/>`;
  return line + text(PLOT.left - 8, y + 4, value.toLocaleString('en'), 'end');
}

function text(x, y, content, anchor) {
  return `<text x="${short(x)}" y="${short(y)}" text-anchor="${anchor}">${escape(String(content))}</text>`;
}

function colourOf(name) {
  return COLOURS.find(([pattern]) => pattern.test(name))[1];
}

function short(number) {
  return Math.round(number * 10) / 10;
}

function escape(value) {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
