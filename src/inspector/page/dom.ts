/** Makes an element. Values of the application only ever become text, so that none of them can be markup. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: { class?: string; text?: string } & Record<string, string | undefined> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key === 'text') element.textContent = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** Sets the text of an element, if it has changed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A button with a handler. */
export function button(label: string, className: string, press: () => void): HTMLButtonElement {
  const element = make('button', { type: 'button', class: className, text: label });
  element.addEventListener('click', press);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 96;
const HEIGHT = 22;

/** A line of values. It only illustrates a number that stands beside it. */
export class Sparkline {
  readonly element: SVGSVGElement = document.createElementNS(SVG, 'svg');
  private readonly line = document.createElementNS(SVG, 'polyline');
  private readonly area = document.createElementNS(SVG, 'polygon');

  constructor(private readonly points: number) {
    const { element } = this;
    element.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    element.setAttribute('preserveAspectRatio', 'none');
    element.setAttribute('class', 'spark');
    element.setAttribute('aria-hidden', 'true');
    element.append(this.area, this.line);
  }

  draw(values: readonly number[]): void {
    const most = Math.max(1, ...values);
    const first = this.points - values.length;
    const at = (value: number, i: number): string => {
      const x = ((first + i) / Math.max(1, this.points - 1)) * WIDTH;
      return `${x.toFixed(1)},${(HEIGHT - 1.5 - (value / most) * (HEIGHT - 4)).toFixed(1)}`;
    };
    const line = values.map(at).join(' ');
    const start = (first / Math.max(1, this.points - 1)) * WIDTH;
    this.line.setAttribute('points', line);
    this.area.setAttribute(
      'points',
      values.length < 2 ? '' : `${start},${HEIGHT} ${line} ${WIDTH},${HEIGHT}`,
    );
  }
}

/** A bar that shows a share, beside its number. */
export class Bar {
  readonly element = make('span', { class: 'bar', 'aria-hidden': 'true' });
  private readonly filled = make('span');

  constructor() {
    this.element.append(this.filled);
  }

  draw(share: number, alarms = true): void {
    const shown = Math.min(1, Math.max(0, share));
    this.filled.style.width = `${(shown * 100).toFixed(1)}%`;
    this.element.dataset.level = !alarms ? 'low' : shown >= 0.9 ? 'high' : shown >= 0.7 ? 'raised' : 'low';
  }
}
