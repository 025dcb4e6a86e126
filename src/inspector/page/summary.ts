import { Bar, make, setText, Sparkline } from './dom.js';
import { POINTS, type State } from './state.js';
import { bytes, count, counted, rate } from './words.js';

/** The figures above the tabs. */
export class Summary {
  readonly element = make('dl', { class: 'summary' });
  private readonly connections = this.figure('Connections');
  private readonly rate = this.figure('Events/s');
  private readonly waiting = this.figure('Bytes queued');
  private readonly nodes = this.figure('Nodes');
  private readonly log = this.figure('Event log');
  private readonly connectionsLine = new Sparkline(POINTS);
  private readonly rateLine = new Sparkline(POINTS);
  private readonly waitingBar = new Bar();
  private readonly waitingLimit = make('span');

  constructor(private readonly state: State) {
    this.connections.more.append(this.connectionsLine.element);
    this.rate.more.append(this.rateLine.element);
    this.waiting.more.append(this.waitingBar.element, this.waitingLimit);
  }

  update(): void {
    const { state } = this;
    const reports = state.reports();
    const waiting = state.sum(({ totals }) => totals.queuedBytes);
    setText(this.connections.value, count(state.sum(({ totals }) => totals.connections)));
    this.connectionsLine.draw(state.totalConnections);
    setText(this.rate.value, rate(state.rate));
    this.rateLine.draw(state.totalRates);
    setText(this.waiting.value, bytes(waiting));
    const fullest = Math.max(0, ...reports.map(({ totals }) => totals.queuedBytes / totals.maxQueuedBytes));
    this.waitingBar.draw(fullest);
    const limits = [...new Set(reports.map(({ totals }) => bytes(totals.maxQueuedBytes)))];
    setText(this.waitingLimit, limits.length === 0 ? '' : `of ${limits.join(' or ')} per node`);
    setText(this.nodes.value, count(reports.length));
    const down = reports.filter(({ log }) => log.status === 'down').length;
    setText(this.log.value, reports.length === 0 ? '–' : down === 0 ? 'up' : 'down');
    this.log.value.dataset.status = down === 0 ? 'up' : 'down';
    const kinds = [...new Set(reports.map(({ log }) => log.kind))].join(', ');
    setText(this.log.more, down > 0 && reports.length > 1 ? `down on ${counted(down, 'node')}` : kinds);
  }

  private figure(title: string): { value: HTMLElement; more: HTMLElement } {
    const value = make('dd', { class: 'value', text: '–' });
    const more = make('dd', { class: 'more' });
    this.element.append(make('div', {}, make('dt', { text: title }), value, more));
    return { value, more };
  }
}
