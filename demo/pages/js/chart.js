import UPlot from 'uplot';

const POINTS = 240;
const HEIGHT = 184;

/** A line chart of the first column of numbers, over the number of the row. It moves as rows arrive. */
export class Chart {
  constructor(place) {
    this.place = place;
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#create());
    new ResizeObserver(() => this.plot?.setSize(this.#size())).observe(place);
  }

  /** Begins with a new result. Without a column of numbers the chart stays empty. */
  begin(name) {
    this.name = name;
    this.count = 0;
    this.data = [[], []];
    this.#create();
  }

  add(values) {
    if (this.name === undefined) return;
    for (const value of values) {
      this.data[0].push(++this.count);
      this.data[1].push(value);
    }
    for (const column of this.data) column.splice(0, column.length - POINTS);
    this.plot?.setData(this.data);
  }

  #size() {
    return { width: Math.max(200, this.place.clientWidth), height: HEIGHT };
  }

  #create() {
    this.plot?.destroy();
    this.plot = undefined;
    if (this.name === undefined) return;
    const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const grid = { stroke: color('--line'), width: 1 };
    const axis = {
      stroke: color('--muted'),
      grid,
      ticks: grid,
      font: '12px system-ui',
      labelFont: '12px system-ui',
      labelSize: 18,
    };
    this.plot = new UPlot(
      {
        ...this.#size(),
        scales: { x: { time: false } },
        axes: [
          { ...axis, label: 'row', incrs: [1, 2, 5, 10, 20, 50] },
          { ...axis, size: 46, label: this.name },
        ],
        series: [
          { label: 'row' },
          { label: this.name, stroke: color('--accent'), width: 2, points: { show: false } },
        ],
        legend: { show: false },
        cursor: { show: false },
      },
      this.data,
      this.place,
    );
  }
}
