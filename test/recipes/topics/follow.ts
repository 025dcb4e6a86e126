/** Follows topics that can change while the page is open, without missing an event of those that stay. */
export class Feed {
  private source: EventSource | undefined;
  private lastEventId = '';

  constructor(
    private readonly server: string,
    private readonly show: (topic: string, data: unknown) => void,
  ) {}

  follow(topics: string[]): void {
    this.close();
    if (topics.length === 0) return;
    const query = new URLSearchParams({ topics: topics.join(',') });
    if (this.lastEventId !== '') query.set('lastEventId', this.lastEventId);
    this.source = new EventSource(`${this.server}/feed?${query}`);
    for (const topic of [...topics, 'gap']) {
      this.source.addEventListener(topic, ({ data, lastEventId }) => {
        this.lastEventId = lastEventId;
        this.show(topic, JSON.parse(String(data)));
      });
    }
  }

  close(): void {
    this.source?.close();
  }
}
